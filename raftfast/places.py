"""Where the quantile of a sample may lie: its confidence distribution, whatever the law.

The unknown quantile lies at an order statistic whose rank is as uncertain as a binomial count.
Between order statistics the values are rough, though, and of two samples that are nearly equal,
pair by pair, the difference would seem as uncertain as that roughness. So around the quantile
spacings are smoothed: in the scale of log(u / (1 - u)) they are exponential with a mean that
changes little, fitted as a * exp(b * t). Where the values jump close to the quantile (the gap
before a split vote's second hump) or repeat (ticks) nothing is smoothed: the interval then goes
from order statistic to order statistic, and covers rather more than it says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .statistics import SURVIVAL_SLACK

Floats = NDArray[np.float64]

REACH = 8.0
"""Normal scores considered, each way: what lies beyond has a chance of 1e-15."""

_SCORE_MAX = 40.0
_GRID = np.linspace(-REACH, REACH, 161)

_BANDWIDTH = 2.0
"""Spacings weigh by a normal curve this wide, in standard deviations of the quantile's place."""

_KERNEL_END = 3 * _BANDWIDTH

_GAP = 5.0
"""A spacing is a jump if the largest of as many would be so large once in exp(_GAP) samples."""

_GAP_NEAR = 2.75
"""A jump within so many normal scores of the quantile forbids smoothing."""

_SPACINGS_MIN = 4

_TAME = 12.0
"""At first no spacing counts for more than so many medians: a jump must not hide itself."""

_RIDGE = 0.5
"""b is held towards 0 by as much as a normal prior of variance 1 / _RIDGE would."""

_NEWTON_STEPS = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """Values by trial, inf where only known to be beyond `limit`, and ascending."""

    by_trial: Floats
    ascending: Floats
    limit: float

    @classmethod
    def of(cls, values: Floats, limit: float = math.inf) -> Sample:
        """A sample from values of which nan is one beyond the limit; none is above it."""
        by_trial = np.where(np.isnan(values), np.inf, values)
        return cls(by_trial, np.sort(by_trial), limit)

    @property
    def size(self) -> int:
        """How many trials there are."""
        return self.by_trial.size

    @property
    def seen(self) -> int:
        """How many values are known."""
        return int(np.searchsorted(self.ascending, np.inf))

    def rank(self, share: float) -> float:
        """The rank, from 1, of the quantile's estimate, whole if trials were cut.

        numpy's default without cut trials, else Kaplan-Meier's, which at a common limit is the
        smallest value with at least this share at or below it: as `raftfast run` prints it.
        """
        if self.seen == self.size:
            return (self.size - 1) * share + 1
        return float(max(1, math.ceil(self.size * (share - SURVIVAL_SLACK))))

    def quantile(self, share: float) -> float | None:
        """The estimate; None where it is beyond the limit."""
        rank = self.rank(share)
        if rank > self.seen:
            return None
        if self.seen == self.size:
            return float(np.quantile(self.ascending, share))
        return float(self.ascending[int(rank) - 1])


@dataclass(frozen=True, slots=True)
class Places:
    """A confidence distribution: at each normal score, ascending, how far up the quantile is.

    Below the first score and above the last one it is beyond all that was seen.
    """

    scores: Floats
    values: Floats

    def score_upto(self, marks: Floats) -> Floats:
        """The scores at which the quantile is at or below the marks, as high as they may be."""
        # At a value that repeats numpy interpolates from the last of them on.
        found = np.interp(marks, self.values, self.scores)
        return np.where(marks >= self.values[-1], np.inf, found)

    def score_below(self, marks: Floats) -> Floats:
        """The scores at which the quantile is below the marks, as low as they may be."""
        found = -np.interp(-marks, -self.values[::-1], -self.scores[::-1])
        return np.where(marks <= self.values[0], -np.inf, found)


def places(sample: Sample, share: float) -> Places:
    """The quantile's confidence distribution, smoothed where the values allow it."""
    spread = math.sqrt(sample.size * share * (1 - share))
    values = sample.ascending[: sample.seen]
    if sample.seen < sample.size and math.isfinite(sample.limit):
        # What is beyond the limit is at least there: the next order statistic is no lower.
        values = np.append(values, sample.limit)
    reach = 9 * spread + 40
    first = max(0, min(values.size - 1, math.floor(sample.size * share - reach)))
    values = values[first : math.ceil(sample.size * share + reach)]
    return _smooth_places(sample, share, first, values) or _rank_places(
        sample, share, first, values
    )


def _rank_places(sample: Sample, share: float, first: int, values: Floats) -> Places:
    """Values from rank first + 1 on, as far up as binomial counts put the quantile.

    With the chance of a count of k the quantile lies between order statistics k and k + 1;
    evenly, as one reads it between them.
    """
    counts = np.arange(first, first + values.size, dtype=np.float64)
    return Places(np.maximum.accumulate(_count_scores(counts, sample.size, share)), values)


def _count_scores(counts: Floats, size: int, share: float) -> Floats:
    """The normal scores of the chances that no more than so many values are below the quantile."""
    from scipy import special

    upto, beyond = special.bdtr(counts, size, share), special.bdtrc(counts, size, share)
    scores = np.where(upto < 0.5, special.ndtri(upto), -special.ndtri(beyond))
    return np.asarray(np.clip(scores, -_SCORE_MAX, _SCORE_MAX))


def _smooth_places(sample: Sample, share: float, first: int, values: Floats) -> Places | None:
    """The places with smoothed spacings; None where they jump, repeat or are too few.

    The estimate is an order statistic, whose share u of the law is a Beta variable (read on for
    ranks in between). Seen from there the quantile is up by logit(share) - logit(u), and the
    smoothed spacings say how far that is in values.
    """
    from scipy import special

    size, rank = sample.size, sample.rank(share)
    if rank > sample.seen or values.size < _SPACINGS_MIN:
        return None
    spread = math.sqrt(size * share * (1 - share))
    ranks = np.arange(first + 1.0, first + 1.0 + values.size)
    # The means of the order statistics' logits, in standard deviations from the estimate's.
    logits = special.psi(ranks) - special.psi(size + 1 - ranks)
    centre = special.psi(rank) - special.psi(size + 1 - rank)
    at = (logits - centre) * spread
    up = _ups(size, rank, share) * spread
    known = at if sample.seen == size else at[: sample.seen - first]
    trend = _trend(known, values[: known.size], np.interp(known, up, _GRID))
    if trend is None:
        return None
    level, slope, jumps = trend
    # However smooth, the quantile may lie beyond all that was seen, with the chance of that.
    low, high = _count_scores(np.array([0.0, sample.seen - 1]), size, share)
    kept = (up >= at[0]) & (up <= at[-1]) & (low <= _GRID) & (high >= _GRID)
    rise = slope * up[kept]
    path = level * up[kept] * np.where(np.abs(rise) > 1e-9, np.expm1(rise) / _nonzero(rise), 1.0)
    path += np.interp(up[kept], known, jumps) - np.interp(0.0, known, jumps)
    path += np.interp(rank, ranks, values)
    seen = path <= sample.limit
    return Places(_GRID[kept][seen], path[seen]) if seen.sum() > 1 else None


@lru_cache(maxsize=64)
def _ups(size: int, rank: float, share: float) -> Floats:
    """By how many logits the quantile is above an order statistic's share u, for each score."""
    from scipy import special

    odds = special.betaincinv(size + 1 - rank, rank, special.ndtr(_GRID))
    odds /= special.betaincinv(rank, size + 1 - rank, special.ndtr(-_GRID))
    return np.asarray(math.log(share / (1 - share)) + np.log(odds))


def _nonzero(x: Floats) -> Floats:
    return np.where(x == 0, 1.0, x)


def _trend(at: Floats, values: Floats, scores: Floats) -> tuple[float, float, Floats] | None:
    """(a, b, jumps): the values rise by a * exp(b * t) at t, and by the jumps summed up so far.

    None if a spacing near the quantile is a jump, or most are zero, or they are too few.
    """
    middles, widths, steps = (at[1:] + at[:-1]) / 2, np.diff(at), np.diff(values)
    slopes = steps / widths
    weights = np.exp(-((middles / _BANDWIDTH) ** 2) / 2)
    inner = np.abs(middles) < _KERNEL_END
    used = inner.copy()
    if used.sum() < _SPACINGS_MIN or not (median := float(np.median(slopes[used]))):
        return None
    score = (scores[1:] + scores[:-1]) / 2
    tamed = np.minimum(slopes, _TAME * median)
    jump = np.zeros(slopes.size, dtype=bool)
    for heights in (tamed, slopes):
        level, slope = _fit(middles[used], heights[used], weights[used])
        bound = (math.log(used.sum()) + _GAP) * level * np.exp(slope * middles[inner])
        jump[inner] |= slopes[inner] > bound
        if (jump & (np.abs(score) < _GAP_NEAR)).any():
            return None
        # Beyond a jump is another law: only what is on this side of it counts.
        below, above = np.flatnonzero(jump & (middles < 0)), np.flatnonzero(jump & (middles > 0))
        used[: below[-1] + 1 if below.size else 0] = False
        used[above[0] if above.size else used.size :] = False
        if used.sum() < _SPACINGS_MIN:
            return None
    level, slope = _fit(middles[used], slopes[used], weights[used])
    return level, slope, np.append(0.0, np.cumsum(np.where(jump, steps, 0.0)))


def _fit(at: Floats, heights: Floats, weights: Floats) -> tuple[float, float]:
    """(a, b) of the likeliest a * exp(b * t) as the means of exponential heights, by Newton.

    The log likelihood is concave.
    """
    level, slope = math.log(float((weights * heights).sum() / weights.sum())), 0.0
    for _ in range(_NEWTON_STEPS):
        share = weights * heights * np.exp(-level - slope * at)
        tilted = share * at
        h0, h1, h2 = share.sum(), tilted.sum(), (tilted * at).sum() + _RIDGE
        g0, g1 = (weights - share).sum(), (weights * at - tilted).sum() + _RIDGE * slope
        size = h0 * h2 - h1 * h1
        up, turn = (g0 * h2 - g1 * h1) / size, (g1 * h0 - g0 * h1) / size
        largest = max(abs(up), abs(turn))
        part = min(1.0, 2 / largest) if largest else 0.0
        level, slope = level - part * up, slope - part * turn
        if largest < 1e-9:
            break
    return math.exp(level), float(slope)
