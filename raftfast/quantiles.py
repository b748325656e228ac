"""How far apart the quantiles of two samples are, with intervals that hold at gaps, ties and cuts.

Each side's quantile has a confidence distribution (places.py); pairing leaves a correlation
between the two, that of the counts of values below. The interval is the middle of their difference,
95 % unless asked for otherwise: confidence distributions as Xie and Singh put them (Int. Statist.
Rev. 81 (2013) 3-39). Against a known value it is the interval between order statistics; in large
samples of a smooth law it is Bahadur's, with the covariance of the indicators (Ann. Math. Statist.
37 (1966) 577-580), but no density is divided by. No draws are made: equal input, equal output.
Coverage is measured in bench/coverage.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .differences import ALPHA, UNKNOWN, Difference, Ends, quotient, unchanged, z_of
from .places import REACH, Places, Sample, places

Floats = NDArray[np.float64]
Join = Callable[[Floats, float], Floats]

_NODES = np.linspace(-REACH, REACH, 1281)
_WEIGHTS = np.exp(-(_NODES**2) / 2) / np.exp(-(_NODES**2) / 2).sum()

_CUTS = np.linspace(-1.5, 1.5, 31)
"""Where pairs are counted that lie on two sides, in standard deviations of the rank."""

_UNSEEN = 0.2
"""Pairs on two sides that may be there though none was seen. Intervals of tails that go together
almost wholly are as wide as they say with it, or a little wider."""

_GRAIN = 1e-10
"""To what share of the values an end is found."""

_FULL = 1 - 1e-12
_STRAIGHT_MAX = 14
"""A smooth law's end is found in fewer steps; beyond them there is none, and halving is sure."""

_FLAT = 5.0
"""Normal scores beyond which chances are too near to 0 or 1 to show a slope."""

_NORMAL = NormalDist()


class _Joint:
    """Both sides' confidence distributions, joined by the correlation of their scores."""

    def __init__(self, reference: Places, other: Places, correlation: float, alpha: float) -> None:
        self.other = other
        self.tail = alpha / 2
        self.z = z_of(alpha)
        self.correlation = correlation
        self.rest = math.sqrt(1 - correlation * correlation)
        values = np.interp(_NODES, reference.scores, reference.values)
        self.high = np.where(reference.scores[-1] < _NODES, np.inf, values)
        self.low = np.where(reference.scores[0] > _NODES, -np.inf, values)

    def at_most(self, apart: float, join: Join) -> float:
        """The chance, as large as it may be, that other <= join(reference, apart)."""
        from scipy import special

        marks = self.other.score_upto(join(self.high, apart))
        chance = special.ndtr((marks - self.correlation * _NODES) / self.rest)
        return float(np.sum(_WEIGHTS * chance))

    def at_least(self, apart: float, join: Join) -> float:
        """The chance, as large as it may be, that other >= join(reference, apart)."""
        from scipy import special

        marks = self.other.score_below(join(self.low, apart))
        chance = special.ndtr((self.correlation * _NODES - marks) / self.rest)
        return float(np.sum(_WEIGHTS * chance))

    def ends(self, join: Join, span: tuple[float, float], none: float, grain: float) -> Ends:
        """The interval within the span, to a grain; an end beyond the span is None.

        `none` is what no difference is: it lies within exactly if neither tail is below alpha / 2.
        """
        low = _crossing(lambda x: self._surplus(self.at_most(x, join)), *span, grain)
        back = -span[1], -span[0]
        high = _crossing(lambda x: self._surplus(self.at_least(-x, join)), *back, grain)
        high = None if high is None else -high
        if low is not None and low > none and self.at_most(none, join) >= self.tail:
            low = none
        if high is not None and high < none and self.at_least(none, join) >= self.tail:
            high = none
        return _rounded(low, none, grain), _rounded(high, none, grain)

    def _surplus(self, chance: float) -> float:
        """How far a chance is above what one tail of the interval leaves out, in normal scores:
        there the chances of a smooth law lie on a straight line. 0 or above exactly if it is."""
        if chance >= self.tail:
            return max(0.0, _NORMAL.inv_cdf(min(chance, 1 - 1e-16)) + self.z)
        return min(-1e-300, _NORMAL.inv_cdf(max(chance, 1e-300)) + self.z)


def _rounded(end: float | None, none: float, grain: float) -> float | None:
    """Without the last digits, which only say where the search ended; `none` stays apart."""
    if end is None:
        return None
    short = round(end, -math.ceil(math.log10(4 * grain)))
    return end if short == none else short


def _crossing(
    height: Callable[[float], float], low: float, high: float, grain: float
) -> float | None:
    """The first point from which on a rising height is not below 0, to a grain; None if it is so
    at `low`. Sought where the straight line between the ends says, then half-way."""
    at_low, at_high = height(low), height(high)
    if at_low >= 0:
        return None
    steps = side = 0
    while (width := high - low) > grain:
        steep = at_low > -_FLAT and at_high < _FLAT
        share = at_low / (at_low - at_high) if steep and steps < _STRAIGHT_MAX else 0.5
        point = min(max(low + width * share, low + grain / 2), high - grain / 2)
        if not low < point < high:  # as near as doubles are
            break
        if (found := height(point)) >= 0:
            # An end that stays weighs half (Illinois), so that both close in.
            at_low /= 2 if side > 0 else 1
            high, at_high, side = point, found, 1
        else:
            at_high /= 2 if side < 0 else 1
            low, at_low, side = point, found, -1
        steps += steep
    return high


def quantile_difference(
    reference: Sample, other: Sample, share: float, *, paired: bool, alpha: float = ALPHA
) -> Difference | None:
    """The difference of the quantiles at `share`, other - reference, and their ratio.

    Values are at or above 0. None if neither side has a value there: too few trials, or cut. An
    end that the samples do not show is None, and so is the difference where one side's quantile is
    beyond the limit; then the interval may still have the other end, and p count.
    """
    estimates = reference.quantile(share), other.quantile(share)
    if estimates == (None, None):
        return None
    if paired and np.array_equal(reference.by_trial, other.by_trial):
        return unchanged(estimates[0])
    sides = places(reference, share), places(other, share)
    together = _correlation(reference, other, share) if paired else 0.0
    joint = _Joint(*sides, together, alpha)
    known = None not in estimates
    (low, high), (floor, top) = ((float(x.values[0]), float(x.values[-1])) for x in sides)
    grain = _GRAIN * (max(high, top) or 1.0)
    ends = joint.ends(np.add, (floor - high - grain, top - low + grain), 0.0, grain)
    p = min(1.0, 2 * min(joint.at_most(0.0, np.add), joint.at_least(0.0, np.add)))
    ratios = UNKNOWN
    if known and low > 0 and floor > 0:
        span = (floor / high * (1 - _GRAIN), top / low * (1 + _GRAIN))
        ratios = joint.ends(np.multiply, span, 1.0, _GRAIN)
    difference = float(estimates[1] - estimates[0]) if known else None  # type: ignore[operator]
    ratio = quotient(estimates[1], estimates[0])
    return Difference(*estimates, difference, ends, p, ratio, ratios)


def _correlation(reference: Sample, other: Sample, share: float) -> float:
    """How the counts of values below the two quantiles go together over trials.

    Pairs of which one lies below its side's cut and one above are counted at several ranks around
    the quantile, for the same ranks on both sides, and _UNSEEN more of them are taken for granted.
    """
    size = reference.size
    spread = math.sqrt(size * share * (1 - share))
    ranks = np.clip(np.rint((size - 1) * share + _CUTS * spread).astype(int), 0, size - 1)
    cuts = reference.ascending[ranks], other.ascending[ranks]
    passed, passed_other = (
        np.searchsorted(cut, side.by_trial)
        for cut, side in zip(cuts, (reference, other), strict=True)
    )
    below, below_other = (
        np.searchsorted(side.ascending, cut, "right")
        for cut, side in zip(cuts, (reference, other), strict=True)
    )
    apart = float(np.abs(passed - passed_other).sum()) + _UNSEEN * _CUTS.size
    apart -= float(((below - below_other) ** 2 / size).sum())
    spreads = below * (1 - below / size) + below_other * (1 - below_other / size)
    total = float(spreads.sum())
    return max(-_FULL, min(_FULL, 1 - apart / total)) if total else 0.0
