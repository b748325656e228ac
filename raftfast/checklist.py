"""The file `raftfast.toml`: scenarios that are to stay as they are, and what each is held to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from . import thresholds
from .axes import GROUND_KEYS
from .errors import InputError
from .ground import Ground, Ways
from .layers import Layer, from_keys, read_toml
from .scenario import Scenario
from .schema import KEYS, TABLES, convert, mismatch, show, suggestion
from .thresholds import Threshold

_TOP = ("trials", "seed", "thresholds", "scenario")
_OWN = ("name", "trials", "seed", "thresholds")
_NUMBERS = ("trials", "seed")


@dataclass(frozen=True, slots=True)
class Entry:
    """A scenario of the file, by its name, with its trials and seed, and what it is held to."""

    name: str
    scenario: Scenario
    thresholds: tuple[Threshold, ...]


@dataclass(frozen=True, slots=True)
class Checklist:
    """The scenarios of a file, in its order; `source` is the file, as it was given."""

    source: str
    entries: tuple[Entry, ...]

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        trials: int | None = None,
        seed: int | None = None,
    ) -> Checklist:
        """The checklist of a TOML file; `trials` and `seed` overrule all that it says of them.

        Else a scenario's own count, then those at the top, then those of the file or preset that
        it begins with. Files it names are relative to its folder. Raises InputError, one line, for
        whatever is not valid.
        """
        tables = read_toml(path, what="scenarios to check")
        source = os.fspath(path)
        reader = _Reader(tables, source, Path(os.path.abspath(path)).parent)
        given = {"trials": trials, "seed": seed}
        reader.numbers |= {key: value for key, value in given.items() if value is not None}
        reader.fixed = {key for key, value in given.items() if value is not None}
        return cls(source, reader.entries())


class _Reader:
    """Reads the tables of a checklist."""

    def __init__(self, tables: Mapping[str, Any], source: str, folder: Path) -> None:
        for key in tables:
            if key not in _TOP:
                raise InputError(_unknown(key), key=key, source=source)
        self.tables = tables
        self.source = source
        self.folder = folder
        self.fixed: set[str] = set()
        self.numbers = _numbers(tables, source)
        self.common = thresholds.read(tables.get("thresholds", {}), source)

    def entries(self) -> tuple[Entry, ...]:
        """All scenarios. Raises InputError."""
        given = self.tables.get("scenario", [])
        if not isinstance(given, list):
            problem = mismatch(given, "a list of tables, each begun by [[scenario]]")
            raise InputError(problem, key="scenario", source=self.source)
        if not given:
            problem = "there is none; give at least one, [[scenario]] with a name"
            raise InputError(problem, key="scenario", source=self.source)
        entries: list[Entry] = []
        for i, table in enumerate(given):
            name = self._name(table, f"scenario[{i}]")
            if any(entry.name == name for entry in entries):
                problem = f"value {show(name)}: another scenario has this name"
                raise InputError(problem, key=f"scenario[{i}].name", source=self.source)
            entries.append(self._entry(name, table))
        for metric, held in self.common.items():
            if held and not any(_has(entry.scenario, metric) for entry in entries):
                problem = f"no scenario has it: {_missing(metric)}"
                raise InputError(problem, key=f"thresholds.{metric}", source=self.source)
        return tuple(entries)

    def _name(self, table: object, at: str) -> str:
        if not isinstance(table, Mapping):
            raise InputError(mismatch(table, "a table"), key=at, source=self.source)
        if not table.get("name"):
            problem = "must be there, by which the baseline knows the scenario"
            raise InputError(problem, key=f"{at}.name", source=self.source)
        try:
            name: str = convert(KEYS["name"], table["name"], key="name", source=self.source)
        except InputError as error:
            raise InputError(error.problem, key=f"{at}.name", source=self.source) from None
        if name != name.strip():
            problem = f"value {show(name)}: must neither begin nor end with a space"
            raise InputError(problem, key=f"{at}.name", source=self.source)
        return name

    def _entry(self, name: str, table: Mapping[str, Any]) -> Entry:
        at = f"{self.source}: scenario {show(name)}"
        own = thresholds.read(table.get("thresholds", {}), at)
        scenario = self._scenario(name, table, at)
        for metric in own:
            if not _has(scenario, metric):
                raise InputError(_missing(metric), key=f"thresholds.{metric}", source=at)
        # What the scenario does not have guards nothing, and must not stand for the default either.
        common = {key: held for key, held in self.common.items() if _has(scenario, key)}
        return Entry(name, scenario, thresholds.chosen(common, own))

    def _scenario(self, name: str, table: Mapping[str, Any], at: str) -> Scenario:
        """The scenario that the table's keys give, over the preset and the file it begins with."""
        keys = {key: value for key, value in table.items() if key not in (*_OWN, *GROUND_KEYS)}
        layer = from_keys(keys, source=at, folder=self.folder)
        ground = Ground(Ways(None, None, None), layer, (), at, self.folder)
        ground.ways = ground.ways_of({key: table[key] for key in GROUND_KEYS if key in table})
        numbers = _numbers(table, at)
        numbers = self.numbers | {key: numbers[key] for key in numbers if key not in self.fixed}
        top = Layer(at, self.folder, {"name": name, **numbers})
        return Scenario.from_layers((*ground.layers({}), top))


def _numbers(table: Mapping[str, Any], source: str) -> dict[str, int]:
    """The trials and the seed that a table gives."""
    return {
        key: convert(KEYS[key], table[key], key=key, source=source)
        for key in _NUMBERS
        if key in table
    }


def _has(scenario: Scenario, metric: str) -> bool:
    """Whether a scenario can have a metric; of those for all scenarios it has some not."""
    return _rule(metric) in (None, scenario.stop.on)


def _rule(metric: str) -> str | None:
    """The stop.on without which there is no such metric."""
    if metric == "rate.availability":
        return "duration"
    return "followed" if metric.startswith("followed_ms.") else None


def _missing(metric: str) -> str:
    return f'there is none unless stop.on = "{_rule(metric)}"'


def _unknown(key: str) -> str:
    """The problem of a key that has no place at the top of the file."""
    if key in KEYS or key in TABLES or key in GROUND_KEYS or key == "name":
        return "unknown key; what a scenario is made of goes into a [[scenario]]"
    if key in thresholds.metrics() or key in ("election_ms", "rate"):
        return "unknown key; thresholds go into [thresholds]"
    near = suggestion(key, _TOP)
    return f"unknown key; did you mean {near}?" if near else f"the file has {', '.join(_TOP)}"


def template() -> str:
    """The text of a file to begin with: it runs, and its comments say what else there is."""
    return (resources.files("raftfast") / "checklist.toml").read_text(encoding="utf-8")


def workflow() -> str:
    """The text of a GitHub workflow that checks the file."""
    return (resources.files("raftfast") / "workflow.yml").read_text(encoding="utf-8")
