"""What a point's trials came to, however many they are: a histogram of every column.

Of plain values (below 2048) a histogram knows each; larger ones share a bin with what lies within
0.05 % of its middle. Sums, least and most are exact whole numbers, so that histograms of parts of
the trials merge to those of the whole, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import complete, statistics
from . import engine as engines
from .bins import Large, Side, edges, exact_moments
from .columns import COLUMNS, FINAL, TIMES, TWIN, fold_base, weights
from .core import words as w
from .packing import TRIALS_MAX, pack, unpack
from .rows import METRICS, PERCENTILES
from .sheet import NS_PER_MS, Sheet
from .statistics import Floats, Ints

SIDES = 2 * len(COLUMNS)
"""A side is a column over the trials that ended (2 * column) or were censored (2 * column + 1)."""

NOTHING = np.empty(0, dtype=np.int64)
_ROOM = 4096
_SUMS = 11  # numbers that `Tally.read_sums` gives of a side
_CENSORED = COLUMNS.index("censored")


def open_tally(engine: str) -> Any:
    """A new `Tally` of every column, in which `count_block` counts an engine's trials."""
    counts = np.zeros(SIDES * w.TALLY_PLACES, dtype=np.int32)
    make = engines.load(engine).Tally
    return make(len(COLUMNS), _CENSORED, TWIN, weights().copy().data, counts.data)


def count_block(tally: Any, block: Ints, sums: NDArray[np.uint64], first: int = 0) -> None:
    """Let a tally count trials `first` and on of a block, int64, columns x count.

    Their `columns.weighted_sums` are written to sums[first:count].
    """
    count = block.shape[1]
    tally.add(memoryview(block.reshape(-1).data), count, first, count, memoryview(sums.data))


def fold_sums(tally: Any, sums: NDArray[np.uint64], count: int) -> NDArray[np.uint64]:
    """What `columns.folded_digest` is over, of the first `count` sums; what it takes of those
    beyond is made 0."""
    numbers = -(-count // w.FOLDED)
    sums[count : numbers * w.FOLDED] = 0
    found = np.empty(numbers, dtype=np.uint64)
    tally.fold(memoryview(sums.data), fold_base(), memoryview(found.data), numbers)
    return found


class Reading(NamedTuple):
    """What a tally says, copied out of it: keys and counts of `Histograms`, and the `sums` that
    `Tally.read_sums` gives."""

    keys: Ints
    counts: Ints
    sums: Ints

    @classmethod
    def of(cls, tally: Any) -> Reading:
        """What a `Tally` of every column has counted; ValueError if it overflowed."""
        if tally.overflowed:
            raise ValueError("a tally can count 2**31 - 1 trials and values below 2**51, no more")
        room = _ROOM
        found = np.empty(2 * room, dtype=np.int64)
        size = tally.read_places(found.data, room)
        if size > room:
            room = size
            found = np.empty(2 * room, dtype=np.int64)
            tally.read_places(found.data, room)
        sums = np.empty(_SUMS * SIDES, dtype=np.int64)
        sides = tally.read_sums(sums.data)
        return cls(
            found[:size].copy(), found[room : room + size].copy(), sums[: _SUMS * sides].copy()
        )


@dataclass(frozen=True, eq=False)
class Histograms:
    """The histograms of all columns; immutable. Equal ones have equal bytes.

    keys, counts: side * TALLY_PLACES + place of each bin that is not empty, ascending, and how many
    values it has (see `core/tally.py`); large: what is exact of values that share bins, by side.
    A side of the column TWIN that is the first column's of its kind again is left out of all three.
    """

    keys: Ints
    counts: Ints
    large: Mapping[int, Large]

    def __post_init__(self) -> None:
        self.keys.setflags(write=False)
        self.counts.setflags(write=False)

    @classmethod
    def from_tally(cls, tally: Any) -> Histograms:
        """What a `Tally` of every column has counted; ValueError if it overflowed."""
        return cls.from_reading(Reading.of(tally))

    @classmethod
    def from_reading(cls, reading: Reading) -> Histograms:
        """What was read of a `Tally`."""
        rows = reading.sums.reshape(-1, _SUMS).tolist()
        large = {side: _large(*row) for side, *row in rows}
        return cls(reading.keys, reading.counts, large)._without_twins()

    @classmethod
    def from_blocks(cls, blocks: Iterable[Ints], engine: str) -> Histograms:
        """Of int64 blocks of trials, columns x count, counted by an engine; ValueError as above."""
        tally = open_tally(engine)
        for block in blocks:
            count_block(tally, block, np.empty(block.shape[1], dtype=np.uint64))
        return cls.from_tally(tally)

    @classmethod
    def from_bytes(cls, data: bytes) -> Histograms:
        """What `to_bytes` wrote; ValueError for bytes that are damaged or of another version."""
        return cls(*unpack(data, SIDES))._without_twins()

    def to_bytes(self) -> bytes:
        """See `packing`: a few hundred bytes for a hundred trials, some thousand for many."""
        return pack_all([self])[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histograms):
            return NotImplemented
        return (
            np.array_equal(self.keys, other.keys)
            and np.array_equal(self.counts, other.counts)
            and self.large == other.large
        )

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def bounds(self) -> list[int]:
        """Where in `keys` each side begins, and the last one ends."""
        bounds: list[int] = self.keys.searchsorted(edges(SIDES)).tolist()
        return bounds

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return self.ended + self.censored

    @cached_property
    def censored(self) -> int:
        """How many of them were censored."""
        return int(self.counts[self.bounds[1] : self.bounds[2]].sum())

    @cached_property
    def ended(self) -> int:
        """How many of them ended."""
        return int(self.counts[: self.bounds[1]].sum())

    def total(self, name: str) -> int:
        """The sum of a column of counts, over all trials."""
        return self._sums(COLUMNS.index(name))[1]

    def column(self, name: str) -> Floats:
        """A column as if trial by trial: first those that ended, then those that were censored.

        float64 in the units of `Columns`, nan where there is no value. Each column is in an order
        of its own: what one trial had in two columns is not known.
        """
        side = 2 * COLUMNS.index(name)
        return np.concatenate([self._side(side).unfold(), self._side(side + 1).unfold()])

    def samples(self) -> dict[str, Floats]:
        """Every `column`: of each the same values as often as `Result.samples` has, within 0.05 %.

        Which values of two columns were one trial's is not known, but for `censored`.
        """
        return {name: self.column(name) for name in COLUMNS}

    def summary(self, *, limit_ms: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """`statistics.summary` of the trials, with p99.99: metrics, and rates.

        Counts, means, deviations, ends and rates are as exact as there; what lies between is exact
        for plain values, and within 0.05 % for others. But where trials were censored within bins
        in which others ended, which was first is not known: the curve is as in a life table, and a
        quantile may be one of those next to the sample's. That can be so of counts of 2048 and
        more, and of `unavailable_ms` where trials go on after the first leader.
        """
        metrics = (
            {name: self._censored_entry(name, limit_ms) for name in METRICS}
            if self.censored
            else self._complete()
        )
        rates = {
            name: statistics.rate(self._above(COLUMNS.index(column), most), self.trials)
            for name, (column, most) in statistics.RATES.items()
        }
        return metrics, rates

    def availability(self, duration_ms: float) -> dict[str, Any]:
        """`statistics.availability` of trials that all last `duration_ms`."""
        count, total, squares = self._sums(COLUMNS.index("unavailable_ms"))
        mean_ms, sd_ms = exact_moments(count, total, squares, NS_PER_MS)
        return statistics.availability(count, mean_ms, sd_ms, duration_ms)

    def _complete(self) -> dict[str, Any]:
        rows = Sheet([self]).statistics()[0].tolist()
        return {
            name: complete.entry(row, PERCENTILES) for name, row in zip(METRICS, rows, strict=True)
        }

    def _censored_entry(self, name: str, limit_ms: float) -> dict[str, Any]:
        column = COLUMNS.index(name)
        limit = limit_ms if name in TIMES else None
        ended, cut = self._side(2 * column), self._side(2 * column + 1)
        if name in FINAL and cut.size:
            return self._all_final(column)._censored_entry(name, limit_ms)
        if not cut.size + cut.missing:
            entry: dict[str, Any] = self._complete()[name]
            return {**entry, "restricted_mean": entry["mean"]}
        seen = ended.ordered()
        # Where trials ended and none of them has a value, what the others are is left out.
        nothing = self.ended > 0 and not seen.size
        held = seen if nothing else cut.bounds(limit)
        return statistics.summarise_censored(seen, held, limit, PERCENTILES)

    def _all_final(self, column: int) -> Histograms:
        """This column alone; the values of censored trials are among those of the others."""
        side = 2 * column
        start, end, last = self.bounds[side : side + 3]
        values = end + int(self.keys[end:last].searchsorted((side + 1) * w.TALLY_PLACES + 1))
        parts = [
            Histograms(
                self.keys[first:upto] - kind * w.TALLY_PLACES,
                self.counts[first:upto],
                {side: self.large[side + kind]} if side + kind in self.large else {},
            )
            for kind, first, upto in ((0, start, end), (1, values, last))
        ]
        whole = merge(parts)
        return Histograms(
            np.concatenate((whole.keys, self.keys[end:values])),
            np.concatenate((whole.counts, self.counts[end:values])),
            whole.large,
        )

    def is_left_out(self, kind: int) -> bool:
        """Whether TWIN, over trials of a kind, is the first column again; so of none, too."""
        side = 2 * TWIN + kind
        return self.bounds[side] == self.bounds[side + 1]

    def _without_twins(self) -> Histograms:
        """The same, with sides of TWIN left out that are the first column's again."""
        keys, counts, large = self.keys, self.counts, dict(self.large)
        for kind in (1, 0):
            side = 2 * TWIN + kind
            (start, end), (begin, stop) = (self.bounds[s : s + 2] for s in (kind, side))
            if (
                begin < stop
                and end - start == stop - begin
                and large.get(kind) == large.get(side)
                and np.array_equal(counts[start:end], counts[begin:stop])
                and np.array_equal(keys[start:end] + 2 * TWIN * w.TALLY_PLACES, keys[begin:stop])
            ):
                keys, counts = (np.delete(row, slice(begin, stop)) for row in (keys, counts))
                large.pop(side, None)
        return self if keys is self.keys else Histograms(keys, counts, large)

    def _with_twins(self) -> Histograms:
        """The same, with nothing left out, to be counted together with what is no twin."""
        keys, counts, large = self.keys, self.counts, dict(self.large)
        for kind in (1, 0):
            side = 2 * TWIN + kind
            start, end, at = (self.bounds[s] for s in (kind, kind + 1, side))
            if self.is_left_out(kind):
                again = keys[start:end] + 2 * TWIN * w.TALLY_PLACES
                keys = np.insert(keys, at, again)
                counts = np.insert(counts, at, counts[start:end])
                if kind in large:
                    large[side] = large[kind]
        return Histograms(keys, counts, large)

    def _side(self, side: int) -> Side:
        if side // 2 == TWIN and self.is_left_out(side % 2):
            side %= 2
        start, end = self.bounds[side : side + 2]
        places = self.keys[start:end] - side * w.TALLY_PLACES
        return Side(places, self.counts[start:end], self.large.get(side), _unit(side))

    def _sums(self, column: int) -> tuple[int, int, int]:
        """Count, sum and sum of squares of a column over all trials, in the engine's units."""
        ended, cut = self._side(2 * column).sums(), self._side(2 * column + 1).sums()
        return ended[0] + cut[0], ended[1] + cut[1], ended[2] + cut[2]

    def _above(self, column: int, most: int) -> int:
        """In how many trials a column is more than a plain value."""
        hits = 0
        for side in (2 * column, 2 * column + 1):
            first, last = self.bounds[side : side + 2]
            if first < last:
                first = int(self.keys.searchsorted(side * w.TALLY_PLACES + most + 2))
                hits += sum(self.counts[first:last].tolist())
        return hits


def _unit(side: int) -> int:
    """How many of the engine's units are one of everyone else's."""
    return NS_PER_MS if COLUMNS[side // 2] in TIMES else 1


def _large(least: int, most: int, *limbs: int) -> Large:
    """From what `Tally.read_sums` gives of a side; the squares come as those of both halves."""
    total, lows, mixed, highs = (
        low + (high << w.LIMB_BITS) for low, high in zip(limbs[::2], limbs[1::2], strict=True)
    )
    squares = lows + (mixed << (w.LIMB_BITS + 1)) + (highs << (2 * w.LIMB_BITS))
    return Large(least, most, total, squares)


def pack_all(records: Sequence[Histograms]) -> list[bytes]:
    """`to_bytes` of each: together they take less time."""
    return pack(records, SIDES) if records else []


def merge(parts: Iterable[Histograms]) -> Histograms:
    """The histograms of all trials of the parts; the order and the grouping do not matter.

    Raises ValueError for more than 2**40 trials.
    """
    parts = list(parts)
    if sum(part.trials for part in parts) > TRIALS_MAX:
        raise ValueError(f"more than {TRIALS_MAX:,} trials in one histogram")
    if not all(part.is_left_out(kind) for part in parts for kind in (0, 1)):
        parts = [part._with_twins() for part in parts]
    keys = np.concatenate([NOTHING, *(part.keys for part in parts)])
    order = keys.argsort(kind="stable")
    keys = keys[order]
    (starts,) = np.diff(keys, prepend=-1).nonzero()
    counts = np.concatenate([NOTHING, *(part.counts for part in parts)])[order]
    large: dict[int, Large] = {}
    for part in parts:
        for side, one in part.large.items():
            large[side] = large[side].joined(one) if side in large else one
    counts = np.add.reduceat(counts, starts) if starts.size else counts
    return Histograms(keys[starts], counts, dict(sorted(large.items())))._without_twins()
