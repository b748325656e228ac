"""A sweep's spec: a base, and what varies upon it, in points; nothing is run here.

The contract: "A sweep's spec, and its rows". Tables are read in `parts` (lists and ranges in
`axes`, samples in `sampling`, [base] in `ground`); points are numbered by `grid` and judged in
`combinations`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from . import identity
from .adaptive import TABLES as ADAPTIVE_TABLES
from .adaptive import Adaptive
from .axes import POINTS_MAX, Axis, canonical, parse_list, parse_range
from .combinations import Combinations
from .errors import InputError
from .grid import Grid
from .layers import Layer, read_toml
from .parts import Parts, Reader
from .rules import Check
from .scenario import Scenario
from .schema import KEYS, convert, show

__all__ = ["Adaptive", "Axis", "Point", "Spec", "parse_list", "parse_range", "template"]

Progress = Callable[[int, int], None]
"""Called now and then with the points judged and the points there are."""

_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a sweep: its number from 0, its name where it has one, and what it sets.

    `values` are by key, as a scenario file would write them; beside the keys of a scenario there
    may be "preset", "file" and "under". An explicit point need not set every key of the spec.
    """

    index: int
    name: str | None
    values: dict[str, Any]


class Spec:
    """What a sweep is to run: `size` points, each a scenario. Immutable.

    Made by `load`, `from_dict` or `from_resolved`. These check all that the spec itself says;
    whether every point is a scenario says `validate`.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._ground = parts.ground
        self._grid = Grid(parts.axes, parts.excludes, parts.ground.source)
        if self.size > POINTS_MAX:
            problem = f"{self.size:,} points with those of the grid; at most {POINTS_MAX:,}"
            raise InputError(problem, key="point", source=self.source)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        overrides: Sequence[str] = (),
        axes: Sequence[Axis] = (),
    ) -> Spec:
        """The spec of a TOML file; the rest as for `from_dict`.

        Files it names are relative to its folder, those in overrides and axes to the working
        directory. Raises InputError, one line, for whatever the contract refuses.
        """
        tables = read_toml(path, what="a sweep's spec")
        folder = Path(os.path.abspath(path)).parent
        return cls.from_dict(tables, os.fspath(path), folder, overrides, axes)

    @classmethod
    def from_dict(
        cls,
        tables: Mapping[str, Any],
        source: str | None = None,
        folder: str | os.PathLike[str] = ".",
        overrides: Sequence[str] = (),
        axes: Sequence[Axis] = (),
    ) -> Spec:
        """The spec of tables as a TOML file has them.

        overrides: "KEY=VALUE" of -p, laid over [base], or for `name`, `seed` and `trials` over the
            spec's own; not of keys that vary.
        axes: of `parse_range` and `parse_list`, in order. One of a key in [sweep] takes its place
            and its values' place; others come after the spec's, and vary faster.
        Raises InputError for whatever the contract refuses, and for a spec that sweeps nothing.
        """
        return cls(Reader(tables, source, Path(os.path.abspath(folder))).parts(overrides, axes))

    @classmethod
    def from_resolved(cls, stored: Mapping[str, Any]) -> Spec:
        """The spec that `to_dict` wrote, on any machine: no file is read. Raises InputError."""
        from .stored import from_stored

        return cls(from_stored(stored))

    def replace(self, *, seed: int | None = None, trials: int | None = None) -> Spec:
        """The same spec with another seed, or other trials. Raises InputError."""
        changes: dict[str, int] = {}
        for key, value in (("seed", seed), ("trials", trials)):
            if value is not None:
                changes[key] = convert(KEYS[key], value, key=key, source=None)
        if self.adaptive is not None:
            self.adaptive.check_trials(changes.get("trials", self.trials))
        return Spec(replace(self.parts, **changes))  # type: ignore[arg-type]

    @property
    def name(self) -> str:
        """What the sweep is called; empty where nobody said."""
        return self.parts.name

    @property
    def source(self) -> str | None:
        """What errors call the spec: its file, as it was given, or None."""
        return self.parts.ground.source

    @property
    def seed(self) -> int:
        """The seed of the sweep."""
        return self.parts.seed

    @property
    def trials(self) -> int:
        """How many trials every point has from the start."""
        return self.parts.trials

    @property
    def common_random_numbers(self) -> bool:
        """Whether every point has the seed of the sweep, and so the same luck; else each its own,
        a function of that seed and the point's values alone."""
        return self.parts.common_random_numbers

    @property
    def adaptive(self) -> Adaptive | None:
        """When to add trials; None: never."""
        return self.parts.adaptive

    @property
    def size(self) -> int:
        """How many points there are."""
        return len(self._grid) + len(self.parts.points)

    def __len__(self) -> int:
        return self.size

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys that vary, in order: those of the axes, then what only explicit points name."""
        explicit = (key for _, values in self.parts.points for key in values)
        return tuple(dict.fromkeys((*self._grid.keys, *explicit)))

    def point(self, index: int) -> Point:
        """One point by its number. Raises IndexError where there is none."""
        if not 0 <= index < self.size:
            raise IndexError(f"point {index} of {self.size}")
        if index < len(self._grid):
            return Point(index, None, self._grid.values(index))
        name, values = self.parts.points[index - len(self._grid)]
        return Point(index, name, dict(values))

    def points(self) -> Iterator[Point]:
        """All points in order, made one by one."""
        return map(self.point, range(self.size))

    def scenario(self, index: int) -> Scenario:
        """What a point simulates, with its seed and the trials to begin with.

        Raises IndexError where there is no such point, and InputError where it is no scenario:
        one line that names the spec, the key, the value, and the point with its values.
        """
        point = self.point(index)
        try:
            own = {"seed": self._seed(point.values), "trials": self.trials}
            top = Layer(self.source, self._ground.folder, own)
            scenario = self._ground.scenario(point.values, top, self.parts.known)
            if self.adaptive is not None:
                structs = {"stop": scenario.stop, "scenario": scenario.scenario}
                self.adaptive.check(None, structs)
        except InputError as error:
            raise self._at(point, error) from None
        return scenario

    def validate(self, progress: Progress | None = None) -> None:
        """Make sure that every point is a scenario, before the first is run.

        Raises InputError for the first that is none, as `scenario` does. Takes a fraction of a
        second for 100,000 points of a grid, a few where every point has values of its own.
        """
        extra: dict[Check, tuple[str, ...]] = {}
        if self.adaptive is not None:
            extra[self.adaptive.check] = ADAPTIVE_TABLES
        suspects: list[int] = []
        done = 0
        for grid, numbers in self._grids():
            size, before = len(grid), done

            def report(share: float, size: int = size, before: int = before) -> None:
                if progress is not None:
                    progress(before + int(share * size), self.size)

            combinations = Combinations(grid, self._ground, self.parts.known, extra)
            suspects += [numbers[point] for point in combinations.refused(report)]
            done += size
        for index in sorted(suspects):
            self.scenario(index)
        if progress is not None:
            progress(self.size, self.size)

    def to_dict(self) -> dict[str, Any]:
        """The spec with all it rests on, JSON-ready: axes expanded, samples drawn, presets and
        files as they were read. `from_resolved` makes an equal spec of it.

        The order of keys is part of it: write it as it is.
        """
        from .stored import to_stored

        return to_stored(self.parts)

    @cached_property
    def identity(self) -> identity.Identity:
        """What determines the results; see `fingerprint`. Raises InputError for an unreadable
        file."""
        parts = self.parts
        seeds = {"seed": self.seed, "common_random_numbers": self.common_random_numbers}
        points = [values for _, values in parts.points]
        return identity.identity(seeds, self._ground, self._grid, points, parts.known)

    def fingerprint(self) -> str:
        """SHA-256, in hex, over what determines the results of every trial of every point.

        Names, and how many trials there are, do not count: more trials can be added to results
        of the same fingerprint.
        """
        return identity.fingerprint(self.identity)

    def differences(self, other: Spec) -> list[str]:
        """What makes the other spec's results others, a line each; this one's is "here", the
        other's "there". None where the fingerprints are equal."""
        return identity.differences(self.identity, other.identity)

    def _grids(self) -> Iterator[tuple[Grid, Sequence[int]]]:
        """The grid, and the explicit points as grids of one axis each, with the points' numbers."""
        if len(self._grid):
            yield self._grid, range(len(self._grid))
        alike: dict[tuple[str, ...], list[int]] = {}
        for i, (_, values) in enumerate(self.parts.points):
            alike.setdefault(tuple(sorted(values)), []).append(i)
        for keys, numbers in alike.items():
            rows = [self.parts.points[i][1] for i in numbers]
            columns = tuple([row[key] for row in rows] for key in keys)
            grid = Grid([Axis(keys, columns, self.source)], (), self.source)
            yield grid, [len(self._grid) + i for i in numbers]

    def _seed(self, values: Mapping[str, Any]) -> int:
        """The seed of a point; where points differ in luck, a hash of its values says which."""
        seed = self.seed
        if "seed" in values:
            seed = convert(KEYS["seed"], values["seed"], key="seed", source=self.source)
        if self.common_random_numbers:
            return seed
        others = {key: value for key, value in values.items() if key != "seed"}
        text = canonical([seed, others])
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    def _at(self, point: Point, error: InputError) -> InputError:
        """The error with the point it is about, and with the option that gave its value."""
        source = error.source
        for axis in self.parts.axes:
            if error.key and source == self.source and error.key.startswith(axis.keys):
                source = axis.source
        name = "" if point.name is None else f" {show(point.name)}"
        of = f" of {self.source}" if self.source and self.source not in (source or "") else ""
        values = ", ".join(f"{key} = {show(value)}" for key, value in point.values.items())
        if len(values) > _SHOWN_MAX:
            values = values[: _SHOWN_MAX - 3] + "..."
        problem = f"{error.problem} (point {point.index}{name}{of}: {values})"
        return InputError(problem, key=error.key, source=source)


def template() -> str:
    """The text of a spec to begin with: it runs, and its comments say what else there is."""
    return (resources.files("raftfast") / "template.toml").read_text(encoding="utf-8")
