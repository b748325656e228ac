"""Which combinations of axis values are no scenarios, without making a scenario of each.

Every value is checked once by the rules of its own key, and every rule across keys only over the
combinations of those axes that touch the tables it looks at. 100,000 points of a grid then take a
fraction of a second, as many sampled ones a few.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .axes import GROUND_KEYS
from .contents import names_file
from .errors import InputError
from .grid import Grid
from .ground import Ground, Ways, merged, size
from .layers import Given, Layer
from .rules import CHECKS, Check, Laws, Settled, build, reach, settle
from .schema import TABLES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The keys that decide a ready scenario, and what their structs call them.
_NAME = {"cluster.nodes": "nodes", "timeouts.election_ms": "election_ms"}
_KEPT_MAX = 20_000
_REPORT_EVERY = 2000


_Prefix = tuple[Given, dict[str, Settled], tuple[str, ...]]
"""What is given below a point's own values; what it came to; and the keys of a ready scenario."""


class _Setting(NamedTuple):
    """An axis at one of its positions: what a point then begins with, and its values, checked."""

    ways: Mapping[str, Any]
    values: Mapping[str, Settled]


@dataclass(frozen=True)
class _Group:
    """Checks that look at the same axes, and so are made together."""

    axes: tuple[int, ...]
    checks: Mapping[Check, tuple[str, ...]]
    tables: frozenset[str]


class Combinations:
    """The combinations of a grid's axes upon a ground.

    `known` saves reading files; `extra` are rules beside CHECKS, with the tables they look at.
    """

    def __init__(
        self, grid: Grid, ground: Ground, known: Laws, extra: Mapping[Check, tuple[str, ...]]
    ) -> None:
        import numpy as np

        self.grid = grid
        self.ground = ground
        self.known = known
        keys = [key for key in grid.keys if key not in GROUND_KEYS]
        self._own = Layer(ground.source, ground.folder, dict.fromkeys(keys))
        self._under = ground.ways.under is not None or "under" in grid.keys
        self._refused: NDArray[np.bool_] = np.zeros(grid.shape, dtype=bool)
        self._settings: dict[int, list[_Setting | None]] = {}
        self._prefixes: dict[object, _Prefix] = {}
        self._deciding: dict[Ways, dict[str, Settled]] = {}
        self._converted: dict[tuple[int, str], tuple[object, Settled]] = {}
        self._groups = self._grouped({**CHECKS, **extra})

    def refused(self, report: Callable[[float], None]) -> list[int]:
        """The points that some rule refuses, in order; `report` is called with the share done.

        None is left out. That one of them is fine after all cannot be ruled out: what exactly is
        wrong with it, its scenario says.
        """
        lengths = [len(axis) for axis in self.grid.axes]
        work = sum(lengths) + sum(math.prod(lengths[a] for a in g.axes) for g in self._groups)
        for done, _ in enumerate(self._judged()):
            if done % _REPORT_EVERY == 0:
                report(done / work)
        return self.grid.first(self._refused)

    def _judged(self) -> Iterator[None]:
        """Look at every value, then at every combination some rule looks at, one by one."""
        outermost = {group.axes[0] for group in self._groups if group.axes}
        for a, axis in enumerate(self.grid.axes):
            # A long axis that a rule looks at is gone through then.
            if a not in outermost or len(axis) <= _KEPT_MAX:
                for _ in self._settings_of(a):
                    yield
        for group in self._groups:
            for positions, setting in self._combine(group.axes):
                if self._refuses(group, setting):
                    self._refuse(positions)
                yield

    def _refuse(self, positions: Mapping[int, int]) -> None:
        self._refused[self.grid.block(positions)] = True

    def _grouped(self, checks: Mapping[Check, tuple[str, ...]]) -> list[_Group]:
        touched = [self._touched(axis.keys) for axis in self.grid.axes]
        groups: dict[tuple[int, ...], list[Check]] = {}
        for check, tables in checks.items():
            axes = [a for a, touches in enumerate(touched) if touches & reach(tables)]
            # The longest outermost: it may be too long to be kept, and is gone through once.
            axes.sort(key=lambda a: -len(self.grid.axes[a]))
            groups.setdefault(tuple(axes), []).append(check)
        made = []
        for together, some in groups.items():
            looked_at = {check: checks[check] for check in some}
            needed = reach([table for check in some for table in checks[check]])
            made.append(_Group(together, looked_at, needed))
        return made

    def _touched(self, keys: Sequence[str]) -> set[str]:
        """The tables in which values may differ along an axis of these keys."""
        whole = {*GROUND_KEYS, *(_NAME if self._under else ())}
        if whole & {*keys}:
            return {*TABLES}
        return {key.rpartition(".")[0] for key in keys}

    def _settings_of(self, a: int) -> Iterator[_Setting | None]:
        """What the positions of an axis stand for; None where a value breaks its own key's rules.

        Kept of short axes, made anew of long ones. What is made and is None is refused.
        """
        axis = self.grid.axes[a]
        if a in self._settings:
            yield from self._settings[a]
            return
        kept = self._settings.setdefault(a, []) if len(axis) <= _KEPT_MAX else None
        for j in range(len(axis)):
            setting = self._setting(axis.values(j))
            if setting is None:
                self._refuse({a: j})
            if kept is not None:
                kept.append(setting)
            yield setting

    def _setting(self, written: Mapping[str, Any]) -> _Setting | None:
        ways = {key: value for key, value in written.items() if key in GROUND_KEYS}
        own = {key: value for key, value in written.items() if key not in GROUND_KEYS}
        layer = Layer(self.ground.source, self.ground.folder, own)
        try:
            if ways:
                self.ground.ways_of(ways)
            return _Setting(ways, self._settle(layer, own.keys()))
        except InputError:
            return None

    def _settle(self, layer: Layer, keys: Set[str]) -> dict[str, Settled]:
        """What keys of a layer came to."""
        values = {key: layer.values[key] for key in keys}
        in_files = any(names_file(key, value) for key, value in values.items())
        given = Given((layer,), values, dict.fromkeys(values, 0))
        return settle(given, keys, dict(self.known) if in_files else {})

    def _combine(self, axes: Sequence[int]) -> Iterator[tuple[dict[int, int], _Setting]]:
        """Positions by axis, and what they stand for together; where each is fine by itself."""
        if not axes:
            yield {}, _Setting({}, {})
            return
        for j, one in enumerate(self._settings_of(axes[0])):
            if one is None:
                continue
            for positions, others in self._combine(axes[1:]):
                positions[axes[0]] = j
                ways, values = {**one.ways, **others.ways}, {**one.values, **others.values}
                yield positions, _Setting(ways, values)

    def _refuses(self, group: _Group, setting: _Setting) -> bool:
        """Whether a rule of a group refuses these values."""
        try:
            ways = self.ground.ways._replace(**setting.ways)
            given, below = self._prefix(group, ways, setting.values)
            structs = build(group.tables, given, {**below, **setting.values})
            for check, tables in group.checks.items():
                check(given, {table: structs[table] for table in tables})
        except InputError:
            return True
        return False

    def _prefix(
        self, group: _Group, ways: Ways, values: Mapping[str, Settled]
    ) -> tuple[Given, dict[str, Settled]]:
        """What is in force below a point's own values, in the tables of a group."""
        chosen: tuple[Layer, ...] = ()
        if ways.under is not None:
            chosen = (self.ground.ready_layer(ways.under, *self._size(ways, values)),)
        memo = (group.axes, ways, *(tuple(layer.values) for layer in chosen))
        if memo not in self._prefixes:
            self._prefixes[memo] = self._laid(group, ways, chosen)
        given, below, ready = self._prefixes[memo]
        # For other sizes a ready scenario sets the same keys, to other values.
        return given, below | {key: self._settled(chosen[0], key) for key in ready}

    def _laid(self, group: _Group, ways: Ways, chosen: tuple[Layer, ...]) -> _Prefix:
        own = self.ground.above({})[:-1]
        layers = (*self.ground.below(ways), *chosen, *own, self._own)
        given = merged(layers)
        below: dict[str, Settled] = {}
        ready: list[str] = []
        for key, rank in given.rank.items():
            if key.rpartition(".")[0] in group.tables and rank < len(layers):
                if given.layers[rank] in chosen:
                    ready.append(key)
                else:
                    below[key] = self._settled(given.layers[rank], key)
        return given, below, tuple(ready)

    def _size(self, ways: Ways, values: Mapping[str, Settled]) -> tuple[int, float]:
        """What decides a ready scenario: the servers, and the longest timeout."""
        if ways not in self._deciding:
            given = merged((*self.ground.below(ways), *self.ground.above({})))
            self._deciding[ways] = {
                key: self._settled(given.layer(key), key) for key in _NAME if key in given
            }
        decide = {**self._deciding[ways], **values}
        return size({key: decide[key].fields[_NAME[key]] for key in _NAME if key in decide})

    def _settled(self, layer: Layer, key: str) -> Settled:
        """What a key of a layer of the ground came to."""
        memo = (id(layer.values), key)
        if memo not in self._converted or self._converted[memo][0] is not layer.values:
            if len(self._converted) >= _KEPT_MAX:
                self._converted.clear()
            self._converted[memo] = layer.values, self._settle(layer, {key})[key]
        return self._converted[memo][1]
