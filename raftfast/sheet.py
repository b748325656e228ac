"""The histograms of many points side by side, for the statistics of all of them at once.

Of one point alone most of the time would go into calls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from . import complete
from .bins import exact_moments, middles
from .columns import COLUMNS, TIMES, TWIN
from .core import words as w
from .rows import METRICS, PERCENTILES
from .statistics import RATES, Floats, Ints, wilson

if TYPE_CHECKING:
    from .histograms import Histograms

NS_PER_MS = 10**6

_SPAN = 2 * len(COLUMNS) * w.TALLY_PLACES
_COLUMN = np.array([COLUMNS.index(name) for name in METRICS])
_METRIC = {2 * COLUMNS.index(name): m for m, name in enumerate(METRICS)}
_FIRST, _TWIN = _METRIC[0], _METRIC[2 * TWIN]
_UNIT = np.array([NS_PER_MS if name in TIMES else 1 for name in METRICS])
_RATED = np.array([COLUMNS.index(column) for column, _ in RATES.values()])
_MOST = np.array([most for _, most in RATES.values()])
_EXACT = 2.0**53


class Sheet:
    """Points of which every trial ended, one below the other."""

    def __init__(self, records: Sequence[Histograms]) -> None:
        self.records = records
        points = np.arange(len(records))
        sizes = [record.keys.size for record in records]
        self._keys = np.concatenate([record.keys for record in records])
        self._keys += (points * _SPAN).repeat(sizes)
        self._counts = np.concatenate([record.counts for record in records])
        self._upto = _running(self._counts)
        # Where the side of each column's ended trials begins, and its bins: those of plain values,
        # after that of what is missing, and the others.
        columns = np.arange(len(COLUMNS)) * (2 * w.TALLY_PLACES)
        self._edges = points[:, np.newaxis] * _SPAN + columns
        self._first, self._large, self._end = (
            self._keys.searchsorted(self._edges + place)
            for place in (1, w.PLAIN_END + 1, w.TALLY_PLACES)
        )

    def total(self, name: str) -> list[int]:
        """The sum of a column of counts, of each point."""
        column = COLUMNS.index(name)
        found: list[int] = self._powers[0][:, column].tolist()
        for i, record in enumerate(self.records):
            if 2 * column in record.large:
                found[i] += record.large[2 * column].total
        return found

    def rates(self) -> Floats:
        """points x RATES x 3: the value, and the ends of its interval; nan without trials."""
        hits = self._upto[self._end[:, _RATED]]
        hits -= self._upto[self._keys.searchsorted(self._edges[:, _RATED] + _MOST + 2)]
        trials = np.array([record.trials for record in self.records])[:, np.newaxis]
        return np.stack(wilson(hits, trials), axis=-1)

    def statistics(self) -> Floats:
        """points x METRICS x `complete.names(PERCENTILES)`, nan where something cannot be told."""
        sizes = self._sizes.ravel()
        names = complete.names(PERCENTILES)
        out = np.full((sizes.size, len(names)), np.nan)
        out[:, 0] = 0
        (there,) = sizes.nonzero()
        if there.size:
            means, sds = (found.ravel()[there] for found in self._moments())
            pick = self._picks(sizes, there)
            out[there] = complete.statistics(sizes[there], means, sds, pick, PERCENTILES)
        found: Floats = out.reshape(len(self.records), len(METRICS), len(names))
        again = [record.is_left_out(0) for record in self.records]
        found[again, _TWIN] = found[again, _FIRST]
        return found

    @cached_property
    def _sizes(self) -> Ints:
        """How many values each metric has, points x METRICS."""
        found: Ints = (self._upto[self._end] - self._upto[self._first])[:, _COLUMN]
        return found

    @cached_property
    def _powers(self) -> tuple[Ints, Ints]:
        """The sums of each column's plain values, and of their squares, points x COLUMNS.

        Beyond 2**63 the running sums wrap around, and their differences are right nevertheless.
        """
        first, last = self._first.ravel(), self._large.ravel()
        sizes = last - first
        ends = sizes.cumsum()
        bins = np.arange(sizes.sum()) + (last - ends).repeat(sizes)
        values = self._keys[bins] - self._edges.ravel().repeat(sizes) - 1
        weighted = values * self._counts[bins]
        cuts = ends.reshape(self._first.shape), (ends - sizes).reshape(self._first.shape)
        sums, squares = (
            upto[cuts[0]] - upto[cuts[1]] for upto in map(_running, (weighted, weighted * values))
        )
        return sums, squares

    def _moments(self) -> tuple[Floats, Floats]:
        """Mean and deviation of every metric, points x METRICS: those of exact whole numbers."""
        counts = self._sizes
        totals, squares = (found[:, _COLUMN] for found in self._powers)
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = counts * squares - totals * totals
            means, sds = totals / counts, np.sqrt(spread / (counts * (counts - 1)))
        # As floats greater whole numbers are not exact, and those of times are not in their unit.
        odd = counts * np.maximum(squares, counts).astype(np.float64) >= _EXACT
        odd |= (_UNIT > 1) & (counts > 0)
        for i, record in enumerate(self.records):
            for side in record.large.keys() & _METRIC.keys():
                odd[i, _METRIC[side]] = True
        for i, m in np.argwhere(odd).tolist():
            count, total, square = (int(found[i, m]) for found in (counts, totals, squares))
            if large := self.records[i].large.get(2 * int(_COLUMN[m])):
                total, square = total + large.total, square + large.squares
            mean, sd = exact_moments(count, total, square, int(_UNIT[m]))
            means[i, m], sds[i, m] = mean, math.nan if sd is None else sd
        return means, sds

    def _picks(self, sizes: Ints, there: Ints) -> complete.Pick:
        """Picks values of the metrics that are there, of those of all points in a row."""
        begin = self._upto[self._first[:, _COLUMN].ravel()[there], np.newaxis]
        last = sizes[there, np.newaxis]
        units = np.tile(_UNIT, len(self.records))[there, np.newaxis]
        ends = np.zeros((2, len(self.records), len(METRICS)))
        for i, record in enumerate(self.records):
            for side in record.large.keys() & _METRIC.keys():
                ends[:, i, _METRIC[side]] = record.large[side][:2]
        least, most = ends.reshape(2, -1)[:, there, np.newaxis]

        def pick(ranks: Ints) -> Floats:
            """Exact if plain, least or most, else within 0.05 %."""
            places = self._keys[self._upto[1:].searchsorted(begin + ranks)] % w.TALLY_PLACES
            values = middles()[places]
            # A middle must not lie beyond what is known of the ends.
            large = np.clip(values, least, most)
            large = np.where(ranks == 1, least, np.where(ranks == last, most, large))
            found: Floats = np.where(places > w.PLAIN_END, large, values) / units
            return found

        return pick


def _running(amounts: Ints) -> Ints:
    """What all bins before each have together, and at the end all."""
    upto = np.zeros(amounts.size + 1, dtype=np.int64)
    np.cumsum(amounts, out=upto[1:])
    return upto
