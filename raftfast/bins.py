"""One side of a point's histograms, read as a sample: a column over trials of one kind."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from .core import words as w
from .statistics import Floats, Ints, Ordered


class Large(NamedTuple):
    """What is exact of the large values of a side, of which one place holds several.

    The least and the most of them, their sum and the sum of their squares.
    """

    least: int
    most: int
    total: int
    squares: int

    def joined(self, other: Large) -> Large:
        """What is exact of the values of both."""
        return Large(
            min(self.least, other.least),
            max(self.most, other.most),
            self.total + other.total,
            self.squares + other.squares,
        )

    def clip(self, value: float) -> float:
        """The middle of a place, no farther out than its values are."""
        return min(max(value, self.least), self.most)


def place(value: int) -> int:
    """The place of a large value (see `core/tally.py`)."""
    shift = value.bit_length() - w.PLAIN_END.bit_length() + 1
    return 1 + shift * w.OCTAVE + (value >> shift)


@functools.cache
def edges(sides: int) -> Ints:
    """The keys at which each of so many sides begins, and where the last one ends."""
    return np.arange(sides + 1) * w.TALLY_PLACES


@functools.cache
def middles() -> Floats:
    """Of each place the value, or the middle of the whole numbers that share it."""
    plain = np.arange(w.TALLY_PLACES) - 1
    shifts = np.maximum(plain // w.OCTAVE - 1, 0)
    found: Floats = np.ldexp(plain - w.OCTAVE * shifts + 0.5, shifts) - 0.5
    return found


def exact_moments(count: int, total: int, squares: int, unit: int) -> tuple[float, float | None]:
    """Mean and standard deviation (ddof=1; None below two values) in units, from whole sums."""
    mean = total / (count * unit)
    if count < 2:
        return mean, None
    return mean, math.sqrt((count * squares - total * total) / (count * (count - 1) * unit**2))


class Side:
    """The values of a side, as multiples of `unit`; those that are missing are only counted.

    places, counts: ascending, and how many values each has; large: None if all values are plain.
    """

    def __init__(self, places: Ints, counts: Ints, large: Large | None, unit: int) -> None:
        self.missing = 0
        if places.size and places[0] == 0:
            self.missing = int(counts[0])
            places, counts = places[1:], counts[1:]
        self.places = places
        self.counts = counts
        self.upto = counts.cumsum()
        self.size = int(self.upto[-1]) if places.size else 0
        self.large = large
        self.unit = unit

    def sums(self) -> tuple[int, int, int]:
        """How many values there are, their sum and the sum of their squares, without the unit."""
        places, counts, large = self.places, self.counts, self.large
        total = squares = 0
        if large is not None:
            _, _, total, squares = large
            plain = int(places.searchsorted(w.PLAIN_END, side="right"))
            places, counts = places[:plain], counts[:plain]
        if places.size:
            values = places - 1
            weighted = values * counts
            total += int(counts @ values)
            squares += int(weighted @ values)
        return self.size, total, squares

    def ordered(self) -> Ordered:
        """The values as a tallied sample, in which the least and the most large one are exact."""
        values, counts = middles()[self.places], self.counts
        if self.large is not None:
            at = int(self.places.searchsorted(w.PLAIN_END, side="right"))
            values, counts = _with_ends(values, counts, at, self.large)
        values /= self.unit
        return Ordered(values, counts.cumsum()) if values.size else Ordered(values)

    def values(self) -> Floats:
        """The values, each as often as it was seen, ascending after nans for those missing."""
        values, counts = self.ordered().tally()
        return np.concatenate([np.full(self.missing, np.nan), values.repeat(counts)])

    def bounds(self, instead: float | None) -> Ordered:
        """The values as a tallied sample of what others are at risk until.

        Of the trials that share a place, half count as cut before whatever else lies there and half
        after it, as in a life table: else all quantiles would come out a little too high. `instead`
        stands for each that is missing, unless it is None.
        """
        values, counts = middles()[self.places], self.counts
        if self.large is not None:
            at = int(self.places.searchsorted(w.PLAIN_END, side="right"))
            values, counts = _with_halves(values, counts, at, self.large)
        values /= self.unit
        if self.missing and instead is not None:
            at = int(values.searchsorted(instead))
            values = np.insert(values, at, instead)
            counts = np.insert(counts, at, self.missing)
        return Ordered(values, counts.cumsum()) if values.size else Ordered(values)


def _with_halves(values: Floats, counts: Ints, first: int, large: Large) -> tuple[Floats, Ints]:
    """Move the large values, from `first` on, to both ends of their bins: half of them to each, but
    what is least and what is most to where they are."""
    middle, many = values[first:], counts[first:]
    upto = many.cumsum()
    early = upto // 2 - (upto - many) // 2
    early[0] = max(early[0], 1)
    early[-1] = min(early[-1], many[-1] - 1)
    # A bin of 2**k whole numbers begins at 2**10 to 2**11 times 2**k.
    reach = (np.ldexp(1.0, np.frexp(middle)[1] - 11) - 1) / 2
    ends = np.column_stack((middle - reach, middle + reach)).ravel()
    parts = np.column_stack((early, many - early)).ravel()
    ends = np.clip(ends, large.least, large.most)
    return np.append(values[:first], ends), np.append(counts[:first], parts)


def _with_ends(values: Floats, counts: Ints, first: int, large: Large) -> tuple[Floats, Ints]:
    """Take the least and the most of the large values, from `first` on, out of their bins."""
    counts = counts.copy()
    values[first] = large.clip(values[first])
    values[-1] = large.clip(values[-1])
    if values[first] > large.least:
        if counts[first] == 1:
            values[first] = large.least
        else:
            counts[first] -= 1
            values, counts = np.insert(values, first, large.least), np.insert(counts, first, 1)
    if values[-1] < large.most:
        if counts[-1] == 1:
            values[-1] = large.most
        else:
            counts[-1] -= 1
            values, counts = np.append(values, large.most), np.append(counts, 1)
    return values, counts
