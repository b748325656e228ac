"""What to simulate: a validated scenario, from TOML, presets and options, and back to TOML."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import ready, rules, schema, toml
from .errors import InputError
from .layers import Layer, flatten, from_keys, from_overrides, read_toml
from .preset import load as load_preset
from .schema import RECORDS, TABLES, dotted, mismatch, show

_REPLACED = "replace"


@dataclass(frozen=True, repr=False)
class Scenario:
    """What to simulate, validated: immutable, picklable, hashable.

    Made by `load`, `from_dict` or `preset`, never directly. The attributes are the tables of a
    scenario file and hold its keys (`schema.py`): distributions parsed, ranges as (low, high),
    everything derived filled in. Two scenarios are equal where these are.
    """

    name: str
    seed: int
    trials: int
    cluster: schema.Cluster
    timeouts: schema.Timeouts
    protocol: schema.Protocol
    network: schema.Network
    node: schema.Node
    scenario: schema.Start
    stop: schema.Stop
    _resolved: rules.Resolved = field(compare=False)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        overrides: Sequence[str] = (),
        preset: str | None = None,
    ) -> Scenario:
        """The scenario of a TOML file, laid over a preset, under overrides ("cluster.nodes=7").

        Files it names are relative to its folder, those in overrides to the working directory.
        Raises InputError, one line, for whatever the contract refuses.
        """
        source = os.fspath(path)
        tables = read_toml(path)
        base: tuple[Layer, ...] = ()
        if preset is not None:
            if "preset" in tables:
                problem = f"value {show(tables['preset'])}: excludes --preset; give one of the two"
                raise InputError(problem, key="preset", source=source)
            base = preset_layers(preset)
        folder = Path(os.path.abspath(path)).parent
        layers = (*base, *table_layers(tables, source, folder))
        return cls._build((*layers, *from_overrides(overrides)))

    @classmethod
    def from_dict(
        cls,
        tables: Mapping[str, Any],
        *,
        source: str | None = None,
        folder: str | os.PathLike[str] = ".",
        overrides: Sequence[str] = (),
    ) -> Scenario:
        """The scenario of tables as a TOML file has them, `preset` among the keys they may hold.

        `source` is what errors call them; files they name are relative to `folder`. Without a key
        it is the contract's defaults. Raises InputError for whatever the contract refuses.
        """
        layers = table_layers(tables, source, Path(os.path.abspath(folder)))
        return cls._build((*layers, *from_overrides(overrides)))

    @classmethod
    def from_layers(
        cls,
        layers: Iterable[Layer],
        held: rules.Laws | None = None,
        below: Scenario | None = None,
        made: dict[object, rules.Made] | None = None,
    ) -> Scenario:
        """The scenario of layers, each laid over the ones before it, the first over `below`.

        Files whose contents are `held` are not read. `made` keeps tables for other layers over the
        same `below` (see `rules.resolve`). Raises InputError.
        """
        known = None if below is None else below._resolved
        return cls._build(layers, known, held or rules.NO_LAWS, made)

    @classmethod
    def preset(cls, name: str, overrides: Sequence[str] = ()) -> Scenario:
        """The scenario of a preset. Raises InputError for an unknown name or a bad override."""
        return cls._build((*preset_layers(name), *from_overrides(overrides)))

    def under(self, name: str, overrides: Sequence[str] = ()) -> Scenario:
        """The same cluster in a ready scenario (`raftfast.ready`), and overrides upon that.

        Raises InputError for a name that is none, and for a bad override.
        """
        happens = ready.tables(name, self.cluster.nodes, self.timeouts.election_ms[1])
        over = table_layers(happens, f"scenario {name}", Path())
        return self._build((*over, *from_overrides(overrides)), self._resolved)

    def replace(self, **keys: Any) -> Scenario:
        """The same scenario with other values, by dotted key: replace(**{"cluster.nodes": 7}).

        The values are laid over the ones in force as an option would be, a table replacing only
        the keys it names, and all is validated again; files are relative to the working directory.
        Raises InputError.
        """
        return self.layered(keys, source=_REPLACED, folder=".")

    def layered(
        self, keys: Mapping[str, Any], *, source: str | None, folder: str | os.PathLike[str]
    ) -> Scenario:
        """As `replace`, for values from a file: `source` is what errors call it.

        Files the values name are relative to `folder`; files read before are not read again.
        """
        layer = from_keys(keys, source=source, folder=Path(os.path.abspath(folder)))
        return self._build((layer,), self._resolved)

    def to_dict(self) -> dict[str, Any]:
        """Every key with the value in force, JSON-ready; only unset keys are left out.

        Left out are `candidate_ms` where candidates draw as everyone, links where there are none,
        and of keys that exclude each other those that do not hold. File names are absolute.
        `from_dict` makes an equal scenario of it.
        """
        return rules.written(self._resolved)

    def to_toml(self) -> str:
        """The text of a file that `load` reads back to an equal scenario."""
        return "\n".join(_lines(self.to_dict(), "")).lstrip("\n") + "\n"

    def __repr__(self) -> str:
        """One line that tells scenarios apart for a reader; `to_dict` has them in full."""
        return (
            f"<Scenario {self.name!r}: {self.cluster.nodes} nodes, {self.scenario.kind}, "
            f"stop on {self.stop.on}, {self.trials} trials, seed {self.seed}>"
        )

    @classmethod
    def _build(
        cls,
        layers: Iterable[Layer],
        below: rules.Resolved | None = None,
        held: rules.Laws = rules.NO_LAWS,
        made: dict[object, rules.Made] | None = None,
    ) -> Scenario:
        known = rules.defaults() if below is None else below
        resolved = rules.resolve(known, layers, held, made)
        structs = resolved.structs
        top = structs[""]
        return cls(
            name=top.name,
            seed=top.seed,
            trials=top.trials,
            cluster=structs["cluster"],
            timeouts=structs["timeouts"],
            protocol=structs["protocol"],
            network=structs["network"],
            node=structs["node"],
            scenario=structs["scenario"],
            stop=structs["stop"],
            _resolved=resolved,
        )


def preset_layers(
    name: str, *, key: str | None = "preset", source: str | None = None
) -> tuple[Layer, ...]:
    """The layer of a preset. Raises InputError for an unknown name, with `key` and `source`."""
    tables = load_preset(name, key=key, source=source)
    return table_layers(tables, f"preset {name}", Path())


def table_layers(tables: Mapping[str, Any], source: str | None, folder: Path) -> tuple[Layer, ...]:
    """The layer of a scenario's tables, upon that of the preset they may begin with.

    Raises InputError for an unknown key or preset.
    """
    if not isinstance(tables, Mapping):
        raise InputError(mismatch(tables, "a table"), source=source)
    base: tuple[Layer, ...] = ()
    if "preset" in tables:
        name = tables["preset"]
        if not isinstance(name, str):
            problem = mismatch(name, "the name of a preset, a string")
            raise InputError(problem, key="preset", source=source)
        base = preset_layers(name, source=source)
    own = {key: value for key, value in tables.items() if key != "preset"}
    return (*base, Layer(source, folder, flatten(own, source)))


def _lines(table: Mapping[str, Any], name: str) -> list[str]:
    """The lines of a table: its keys first, then the tables within it."""
    lines = [f"\n[{name}]"] if name else []
    below: list[str] = []
    for key, value in table.items():
        path = dotted(name, key)
        if path in TABLES:
            below += _lines(value, path)
        elif path in RECORDS:
            for entry in value:
                below += [f"\n[[{path}]]", *toml.pairs(entry)]
        else:
            lines += toml.pairs({key: value})
    return lines + below
