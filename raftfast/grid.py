"""The grid of a sweep: every combination of its axes but the excluded ones, by number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .axes import POINTS_MAX, Axis, canonical, entries, round12, tables_of
from .errors import InputError
from .schema import show, suggestion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Excludes = tuple[Mapping[str, Any], ...]


class Grid:
    """Every combination of the axes, the last axis fastest, without the excluded ones.

    Points are numbered from 0. Without an axis there are none. Raises InputError for more points
    than POINTS_MAX, before anything is expanded, and where every point is excluded.
    """

    def __init__(self, axes: Sequence[Axis], excludes: Excludes, source: str | None) -> None:
        self.axes = tuple(axes)
        self.excludes = excludes
        self.total = math.prod(map(len, self.axes)) if self.axes else 0
        if self.total > POINTS_MAX:
            lengths = " x ".join(f"{len(axis):,}" for axis in self.axes)
            problem = f"{lengths} combinations are {self.total:,} points; at most {POINTS_MAX:,}"
            raise InputError(problem, key="sweep", source=source)
        if self.total and not len(self):
            raise InputError("leaves no point of the grid", key="exclude", source=source)

    def __len__(self) -> int:
        return self.total if self._kept is None else len(self._kept)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all axes, in order."""
        return tuple(key for axis in self.axes for key in axis.keys)

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes that have more than one position: what a mask is shaped by.

        Without the others: numpy counts 64 dimensions at most, and POINTS_MAX allows for 23.
        """
        return tuple(len(axis) for axis in self.axes if len(axis) > 1)

    def values(self, point: int) -> dict[str, Any]:
        """The value of every key at a point."""
        rest = int(self._kept[point]) if self._kept is not None else point
        values: dict[str, Any] = {}
        for axis, stride in self._strides:
            position, rest = divmod(rest, stride)
            values |= axis.values(position)
        return values

    @cached_property
    def _strides(self) -> list[tuple[Axis, int]]:
        """Each axis, and how many combinations follow one another with the same position of it."""
        lengths = [len(axis) for axis in self.axes]
        return [(axis, math.prod(lengths[a + 1 :])) for a, axis in enumerate(self.axes)]

    def block(self, positions: Mapping[int, Any]) -> tuple[Any, ...]:
        """The index, into an array of `shape`, of all combinations with these positions by axis.

        A position is a number, or whatever else numpy takes for one dimension.
        """
        return tuple(
            positions.get(a, slice(None)) for a, axis in enumerate(self.axes) if len(axis) > 1
        )

    def first(self, combinations: NDArray[np.bool_]) -> list[int]:
        """The points, in order, of the combinations that are set in an array of `shape`."""
        import numpy as np

        flat = combinations.reshape(-1)
        return np.flatnonzero(flat if self._kept is None else flat[self._kept]).tolist()

    @cached_property
    def _kept(self) -> NDArray[np.integer] | None:
        """By point, the number of its combination; None where none is excluded."""
        if not self.excludes or not self.total:
            return None
        import numpy as np

        excluded = np.zeros(self.shape, dtype=bool)
        for exclude in self.excludes:
            excluded[self._matching(exclude)] = True
        return np.flatnonzero(~excluded.reshape(-1)).astype(np.uint32)

    def _matching(self, exclude: Mapping[str, Any]) -> tuple[Any, ...]:
        """The index of all combinations that an exclude speaks of, maybe of none."""
        import numpy as np

        index: list[Any] = []
        found = True
        for axis in self.axes:
            positions = matching(axis, exclude)
            found = found and len(positions) > 0
            if len(axis) > 1:
                index.append(positions)
        if not found or not index:
            return (... if found else np.zeros(self.shape, dtype=bool),)
        return np.ix_(*index)


def matching(axis: Axis, exclude: Mapping[str, Any]) -> Sequence[int]:
    """The positions of an axis at which all its keys that an exclude names have its values."""
    named = [
        (column, _comparable(exclude[key]))
        for key, column in zip(axis.keys, axis.columns, strict=True)
        if key in exclude
    ]
    if not named:
        return range(len(axis))
    return [
        j
        for j in range(len(axis))
        if all(_comparable(column[j]) == value for column, value in named)
    ]


def _comparable(value: Any) -> object:
    """What is equal for values that an exclude takes for equal: numbers to 12 digits."""
    if isinstance(value, float):
        return round12(value)
    return value if type(value) is int else canonical(value)


def read_excludes(
    tables: object, written: Sequence[Axis], axes: Sequence[Axis], source: str | None
) -> Excludes:
    """The tables of [[exclude]]: values by key, all of which a dropped point has.

    `written` are the axes of the spec, `axes` those with the command line's in their place. Raises
    InputError for a key that is not swept, or values that no point has: they would exclude nothing.
    """
    excludes = []
    swept = [key for axis in axes for key in axis.keys]
    for i, table in enumerate(tables_of(tables, "exclude", source)):
        at = f"exclude[{i}]"
        exclude = dict(entries(table, at, source))
        if not exclude:
            raise InputError("names no key; it would exclude every point", key=at, source=source)
        for key in exclude:
            if key not in swept:
                near = suggestion(key, swept)
                meant = f"did you mean {near}?" if near else f"swept are {', '.join(swept)}"
                problem = f"is not swept; {meant}"
                raise InputError(problem, key=f"{at}.{key}", source=source)
        if not _occurs(exclude, written) and not _occurs(exclude, axes):
            raise _never(exclude, axes, at, source)
        excludes.append(exclude)
    return tuple(excludes)


def _occurs(exclude: Mapping[str, Any], axes: Sequence[Axis]) -> bool:
    keys = {key for axis in axes for key in axis.keys}
    return keys >= exclude.keys() and all(matching(axis, exclude) for axis in axes)


def _never(
    exclude: Mapping[str, Any], axes: Sequence[Axis], at: str, source: str | None
) -> InputError:
    for key, value in exclude.items():
        axis = next(axis for axis in axes if key in axis.keys)
        if not matching(axis, {key: value}):
            values = ", ".join(map(show, axis.columns[axis.keys.index(key)][:10]))
            problem = f"value {show(value)}: no point has it; swept are {values}"
            return InputError(problem, key=f"{at}.{key}", source=source)
    problem = f"value {show(exclude)}: no point has these together"
    return InputError(problem, key=at, source=source)
