"""The parts of a sweep's spec, read from its tables and checked one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import contents
from .adaptive import Adaptive
from .axes import GROUND_KEYS, Axis, entries, read_axes, tables_of
from .errors import InputError
from .grid import read_excludes
from .ground import Ground
from .layers import Layer, from_overrides
from .rules import Laws
from .sampling import read_sample
from .schema import KEYS, TABLES, convert, mismatch, show, suggestion

_TOP = ("name", "seed", "trials")
_KEYS = (*_TOP, "common_random_numbers", "adaptive", "base", "sweep", "zip", "exclude", "point",
         "sample")  # fmt: skip

Explicit = tuple[str | None, dict[str, Any]]
"""An explicit point: its name, and its values by key."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a spec is made of, read and checked one by one.

    `axes` are in order, the last one fastest; `points` are explicit ones, with their names;
    `known` is what the files hold that any value names.
    """

    name: str
    seed: int
    trials: int
    common_random_numbers: bool
    adaptive: Adaptive | None
    ground: Ground
    axes: tuple[Axis, ...]
    excludes: tuple[Mapping[str, Any], ...]
    points: tuple[Explicit, ...]
    sampling: Mapping[str, Any] | None
    known: Laws


class Reader:
    """Reads the tables of a spec, part by part."""

    def __init__(self, tables: Mapping[str, Any], source: str | None, folder: Path) -> None:
        if not isinstance(tables, Mapping):
            raise InputError(mismatch(tables, "a table"), source=source)
        for name in tables:
            if name not in _KEYS:
                raise InputError(_unknown(name), key=str(name), source=source)
        self.tables = tables
        self.source = source
        self.folder = folder

    def parts(self, overrides: Sequence[str], axes: Sequence[Axis]) -> Parts:
        """All parts, under options -p and with the axes of -P and -L. Raises InputError."""
        top, over = self._top(from_overrides(overrides))
        ground = Ground.read(self.tables.get("base", {}), over, self.source, self.folder)
        sample = self.tables.get("sample")
        written = [] if sample is None else [read_sample(sample, self.source)]
        written += read_axes(self.tables.get("sweep", {}), self.tables.get("zip", []), self.source)
        both = self._replaced(written, axes)
        excludes = read_excludes(self.tables.get("exclude", []), written, both, self.source)
        points = self._points()
        if not both and not points:
            problem = "sweeps nothing; give [sweep], [[zip]], [[point]] or [sample], or -P or -L"
            raise InputError(problem, key="sweep", source=self.source)
        self._check_over(over, both, points)
        common = self.tables.get("common_random_numbers", True)
        if not isinstance(common, bool):
            problem = mismatch(common, "true or false")
            raise InputError(problem, key="common_random_numbers", source=self.source)
        adaptive = self.tables.get("adaptive")
        if adaptive is not None:
            adaptive = Adaptive.read(adaptive, top["trials"], self.source)
        known = self._known(ground, both, points)
        return Parts(
            **top,
            common_random_numbers=common,
            adaptive=adaptive,
            ground=ground,
            axes=tuple(both),
            excludes=excludes,
            points=tuple(points),
            sampling=None if sample is None else {k: v for k, v in sample.items() if k != "keys"},
            known=known,
        )

    def _top(self, over: tuple[Layer, ...]) -> tuple[dict[str, Any], tuple[Layer, ...]]:
        """Name, seed and trials, and what of the options is left for [base]."""
        top: dict[str, Any] = {"name": "", "seed": 1, "trials": 10_000}
        for values, source in [(self.tables, self.source), *((o.values, o.source) for o in over)]:
            for key in _TOP:
                if key in values:
                    top[key] = convert(KEYS[key], values[key], key=key, source=source)
        rest = [
            Layer(o.source, o.folder, {k: v for k, v in o.values.items() if k not in _TOP})
            for o in over
        ]
        return top, tuple(layer for layer in rest if layer.values)

    def _replaced(self, written: Sequence[Axis], axes: Sequence[Axis]) -> list[Axis]:
        """The axes of the spec, with those of the command line in their places or after them."""
        both = list(written)
        for axis in axes:
            (key,) = axis.keys
            at = next((a for a, other in enumerate(both) if key in other.keys), len(both))
            if at < len(both) and both[at].source != self.source:
                raise InputError("is swept twice", key=key, source=axis.source)
            if at < len(both) and both[at].keys != axis.keys:
                problem = f"varies with other keys in {self.source or 'the spec'}"
                raise InputError(f"{problem}; take it out there", key=key, source=axis.source)
            both[at : at + 1] = [axis]
        keys = [key for axis in both for key in axis.keys]
        for key in keys:
            if keys.count(key) > 1:
                raise InputError("is swept twice", key=key, source=self.source)
        return both

    def _points(self) -> list[Explicit]:
        points = []
        for i, given in enumerate(tables_of(self.tables.get("point", []), "point", self.source)):
            at = f"point[{i}]"
            name, table = None, given
            if isinstance(table, Mapping) and "name" in table:
                name = convert(KEYS["name"], table["name"], key=f"{at}.name", source=self.source)
                table = {key: value for key, value in table.items() if key != "name"}
            values = dict(entries(table, at, self.source))
            if not values:
                raise InputError("sets no key", key=at, source=self.source)
            points.append((name, values))
        return points

    def _check_over(
        self,
        over: tuple[Layer, ...],
        axes: Sequence[Axis],
        points: Sequence[Explicit],
    ) -> None:
        """Refuse an option for a key that varies: it would be laid over the base in vain."""
        vary = {key for axis in axes for key in axis.keys}.union(*(values for _, values in points))
        for layer in over:
            for key, value in layer.values.items():
                if key in vary:
                    problem = f"value {show(value)}: the key varies in {self.source or 'the spec'}"
                    problem += f"; give -L {key}=... for other values"
                    raise InputError(problem, key=key, source=layer.source)

    def _known(self, ground: Ground, axes: Sequence[Axis], points: Sequence[Explicit]) -> Laws:
        """What the files hold that any value names. The presets and the scenario files that points
        begin with are read, too."""
        for axis in axes:
            for key, column in zip(axis.keys, axis.columns, strict=True):
                for value in column if key in GROUND_KEYS else ():
                    ground.ways_of({key: value})
        for _, values in points:
            ground.ways_of(values)
        known: Laws = {}
        for layer in ground.walk():
            contents.read(layer.values.items(), layer.source, layer.folder, known)
        for axis in axes:
            for key, column in zip(axis.keys, axis.columns, strict=True):
                pairs = ((key, value) for value in column)
                contents.read(pairs, self.source, self.folder, known)
        for _, values in points:
            contents.read(values.items(), self.source, self.folder, known)
        return known


def _unknown(name: object) -> str:
    """The problem of a key that a spec does not have."""
    if name in KEYS or name in TABLES or name in GROUND_KEYS:
        return "unknown key; what all points have in common goes into [base]"
    near = suggestion(name, _KEYS)
    return f"unknown key; did you mean {near}?" if near else f"a spec has {', '.join(_KEYS)}"
