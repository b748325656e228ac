"""What a batch of trials says: quantiles, means, rates and their 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import complete
from .columns import COLUMNS, FINAL, TIMES
from .intervals import INTERVALS, PERCENTILES, Z, quantile_ranks, t_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Interval = list[float | None] | None

FLAGS = ("censored", "split_first_term")
"""Columns that are reported as rates and not as metrics."""

RATES = {
    "split_first_term": ("split_first_term", 0),
    "contested_first_term": ("first_term_candidates", 1),
    "multi_term": ("terms", 1),
    "censored": ("censored", 0),
}
"""Each rate is the share of all trials in which this column is more than this."""

LEVELS_MAX = 1 << 16
"""Whole numbers that span less than this are counted instead of sorted."""

SURVIVAL_SLACK = 1e-10
"""Rounding to allow for in a survival curve: far below one step of it at ten million trials."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A sample in ascending order, each value once for every time it was seen, or tallied.

    values: ascending; distinct where `upto` is given, and upto[i] of the sample are at or below
    values[i]. Without it every entry stands for one.
    """

    values: Floats
    upto: Ints | None = None

    @property
    def size(self) -> int:
        """How many were seen."""
        return self.values.size if self.upto is None else int(self.upto[-1])

    def pick(self, ranks: Ints) -> Floats:
        """The values of these ranks; 1 is the smallest, `size` the largest."""
        return self.values[ranks - 1 if self.upto is None else self.upto.searchsorted(ranks)]

    def at(self, rank: int) -> float:
        """The value of this rank."""
        return float(self.values[rank - 1 if self.upto is None else self.upto.searchsorted(rank)])

    def tally(self) -> tuple[Floats, Ints]:
        """The distinct values, ascending, and how often each was seen."""
        values, upto = self.values, self.upto
        if upto is None:
            upto = np.flatnonzero(np.append(values[1:] != values[:-1], [True] * (values.size > 0)))
            values = values if upto.size == values.size else values[upto]
            upto += 1
        counts = upto.copy()
        counts[1:] -= upto[:-1]
        return values, counts

    def below(self, marks: Floats) -> Ints:
        """How many are strictly below each mark."""
        entries = self.values.searchsorted(marks)
        if self.upto is None:
            return entries
        return np.where(entries > 0, self.upto[entries - 1], 0)

    def moments(self) -> tuple[float, float | None]:
        """Mean and standard deviation (ddof=1; None below two values)."""
        return moments(self.values, None if self.upto is None else np.diff(self.upto, prepend=0))


def moments(values: Floats, weights: Ints | None = None) -> tuple[float, float | None]:
    """Mean and standard deviation (ddof=1; None below two) of values seen so many times each.

    Plain sums and no dot product: BLAS may add in another order with every number of threads.
    """
    size = values.size if weights is None else int(weights.sum())
    mean = float((values if weights is None else values * weights).sum()) / size
    squares = values - mean
    squares *= squares
    if weights is not None:
        squares *= weights
    return mean, math.sqrt(float(squares.sum()) / (size - 1)) if size > 1 else None


def order(values: Floats) -> Ordered:
    """The sample without nans, tallied if cheap and exact, else sorted; ValueError if infinite."""
    if values.size and math.isnan(values.min()):
        values = values[~np.isnan(values)]
    if not values.size:
        return Ordered(values)
    low, high = float(values.min()), float(values.max())
    if math.isinf(low) or math.isinf(high):
        raise ValueError(f"values must be finite or nan, found {low if math.isinf(low) else high}")
    if low == high:
        return Ordered(np.array([low]), np.array([values.size]))
    if high - low < min(values.size, LEVELS_MAX) and max(-low, high) < 2.0**53:
        tallied = _tally_whole(values, int(low))
        if tallied is not None:
            return tallied
    return Ordered(np.sort(values))


def _tally_whole(values: Floats, low: int) -> Ordered | None:
    """The tally of whole numbers that start at `low`; None if one of them is not whole."""
    head = values[:64]
    if not np.array_equal(np.floor(head), head):
        return None
    whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        return None
    whole -= low
    counts = np.bincount(whole)
    seen = np.flatnonzero(counts)
    return Ordered((seen + low).astype(np.float64), np.cumsum(counts[seen]))


def _interval(*ends: float | None) -> Interval:
    """Both ends as they are printed; None if neither is known."""
    return None if ends == (None, None) else list(ends)


def _rank_interval(seen: Ordered, share: float, size: int) -> Interval:
    """The interval of a quantile by ranks: of `size` trials, all but `seen` lie beyond those."""
    ranks = quantile_ranks(size, share)
    return _interval(*(seen.at(k) if k is not None and k <= seen.size else None for k in ranks))


@dataclass(frozen=True, slots=True)
class Survival:
    """A Kaplan-Meier curve: at each distinct value seen, who was at risk and who left.

    A trial cut at a value is at risk there, as is the custom: it is cut just after it.
    """

    values: Floats
    left: Ints
    risk: Ints
    survival: Floats

    @classmethod
    def of(cls, seen: Ordered, cut: Ordered) -> Survival:
        """The curve of values seen, with others of which only a lower bound is known."""
        values, left = seen.tally()
        risk = seen.size - (left.cumsum() - left)
        risk += cut.size - cut.below(values)
        share = np.divide(risk - left, risk, dtype=np.float64)
        return cls(values, left, risk, np.cumprod(share, out=share))

    def quantiles(self, shares: Iterable[float]) -> list[float | None]:
        """Of each share the smallest value at which the curve is at or below 1 - share, if any."""
        marks = [-(1 - share + SURVIVAL_SLACK) for share in shares]
        found = (-self.survival).searchsorted(marks).tolist()
        return [float(self.values[i]) if i < self.values.size else None for i in found]

    def area(self, horizon: float) -> float:
        """The area under the curve from zero to the horizon; flat beyond the last value seen."""
        ends = np.full(self.values.size + 1, horizon, dtype=np.float64)
        np.minimum(self.values, horizon, out=ends[:-1])
        return float(ends[0]) + float((self.survival * (ends[1:] - ends[:-1])).sum())

    def intervals(self) -> dict[str, Interval]:
        """Where the 95 % bounds of the curve cross the quantiles (Brookmeyer and Crowley).

        The bounds are pointwise, Greenwood's variance on the log(-log) scale. Where the curve has
        come down to zero, which only the last value can do, the variance is unknown: the lower
        bound is zero there and the upper one stays above every quantile.
        """
        stays = self.risk - self.left
        known = stays.size - int(stays[-1] == 0)
        stays *= self.risk
        spread = self.left[:known] / stays[:known]
        np.sqrt(np.cumsum(spread, out=spread), out=spread)
        logs = np.log(self.survival[:known])
        spread *= -Z / logs
        np.exp(spread, out=spread)
        ends: dict[str, list[float | None]] = {name: [] for name in INTERVALS}
        for bound, reach in ((np.multiply, stays.size), (np.divide, known)):
            band = bound(logs, spread)
            np.exp(band, out=band)
            for name, found in ends.items():
                under = band <= 1 - PERCENTILES[name]
                index = int(under.argmax()) if under.any() else known
                found.append(float(self.values[index]) if index < reach else None)
        return {name: _interval(*found) for name, found in ends.items()}


def summarise_complete(seen: Ordered) -> dict[str, Any]:
    """The metrics entry of a sample in which every trial ended (see `summarise`)."""
    if not seen.size:
        return complete.entry(complete.nothing())
    mean, sd = seen.moments()
    sizes, means = np.array([seen.size]), np.array([mean])
    sds = np.array([math.nan if sd is None else sd])
    found = complete.statistics(sizes, means, sds, lambda ranks: seen.pick(ranks[0])[np.newaxis])
    return complete.entry(found.tolist()[0])


def summarise_censored(
    seen: Ordered,
    cut: Ordered,
    limit: float | None,
    percentiles: Mapping[str, float] = PERCENTILES,
) -> dict[str, Any]:
    """The metrics entry of values seen and of others that lie beyond theirs (see `summarise`)."""
    curve, count, held = Survival.of(seen, cut), seen.size, cut.size
    tops = [sample.values[-1] for sample in (seen, cut) if sample.size]
    area = curve.area(float(max(tops)) if limit is None else limit) if tops else None
    if count and held and cut.at(1) < seen.at(count):
        intervals = curve.intervals()
    else:
        intervals = {n: _rank_interval(seen, PERCENTILES[n], count + held) for n in INTERVALS}
    return {
        "count": count,
        "mean": None,
        "sd": None,
        "restricted_mean": area,
        "min": seen.at(1) if count else None,
        **dict(zip(percentiles, curve.quantiles(percentiles.values()), strict=True)),
        "max": seen.at(count) if count else None,
        "ci95": {"mean": None, **intervals},
    }


def summarise(
    values: Floats, ended: NDArray[np.bool_] | None = None, *, limit: float | None = None
) -> dict[str, Any]:
    """One entry of "metrics": Python floats, ints and None, so that strict JSON can hold it.

    values: one a trial, finite, or nan where there is none. ended: False where the trial was
    censored; None: all ended. limit: where a censored trial without a value was cut.

    Keys: count (of values), mean, sd (ddof=1), min, p10 to p99.9, max, and ci95 with mean, p50 and
    p99. What cannot be told is None; so is an interval, as a whole, with neither end known. An
    interval of a quantile may lack one end: [12.5, None]. Percentiles are numpy's default, the
    mean's interval is Student's, that of a quantile lies between order statistics.

    If some trial was censored: count, min and max are over those that ended. A censored trial
    counts as beyond its own value, or beyond `limit` where that is nan; with neither, or if trials
    ended but none of them has a value, it is left out. Quantiles are Kaplan-Meier's, the smallest
    value at which the curve is at or below 1 - p, None where it never is. mean, sd and their
    interval are None; "restricted_mean" (this key only here) is the area under the curve up to
    `limit`, or without one up to the largest value of any trial. If no trial was cut before the
    largest value that ended, order statistics of all trials bound a quantile; otherwise the
    log(-log) bounds of the curve do.

    Raises ValueError for an infinite value and for an `ended` of another shape.
    """
    values = np.asarray(values, dtype=np.float64)
    if ended is not None and ended.shape != values.shape:
        raise ValueError(f"ended has shape {ended.shape}, values have {values.shape}")
    if ended is None or ended.all():
        return summarise_complete(order(values))
    seen = order(values[ended])
    if not seen.size and ended.any():
        return summarise_censored(seen, seen, limit)
    held = values[~ended]
    if limit is not None:
        held[np.isnan(held)] = limit
    return summarise_censored(seen, order(held), limit)


def rate(hits: int, trials: int, z: float = Z) -> dict[str, Any]:
    """A share of all trials and its Wilson score interval: {"value": .., "ci95": [low, high]}.

    The interval is as wide as `z` standard errors, by default those of 95 %. The low end is
    exactly 0.0 without a hit, the high end exactly 1.0 at nothing but hits; both entries are None
    without trials. Raises ValueError unless 0 <= hits <= trials.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"hits must be between 0 and {trials} trials, not {hits}")
    if not trials:
        return {"value": None, "ci95": None}
    value, low, high = (float(found) for found in wilson(np.array(hits), np.array(trials), z))
    return {"value": value, "ci95": [low, high]}


def wilson(hits: Ints, trials: Ints, z: float = Z) -> tuple[Floats, Floats, Floats]:
    """Shares of trials, and the low and the high ends of their intervals (see `rate`); nan without
    trials."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share, weight = hits / trials, z * z / trials
        centre = (share + weight / 2) / (1 + weight)
        half = np.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
        low, high = (
            np.where(hits == 0, 0.0, centre - half),
            np.where(hits == trials, 1.0, centre + half),
        )
        return share, low, high


def summary(
    columns: Mapping[str, Floats], *, limit_ms: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `run --format json` prints as "metrics" and as "rates".

    columns: every one of COLUMNS, float64, one value a trial, nan where there is none, times in
    milliseconds, booleans 0 or 1. limit_ms: when censored trials were cut; it bounds the times
    only. What is FINAL has ended in a censored trial, too, if it is there; if it always is, it has
    a mean and a "restricted_mean", which is the same. Rates are over all trials, censored ones
    included.
    """
    censored = columns["censored"] != 0
    metrics = {
        name: summarise(
            columns[name],
            ~(censored & np.isnan(columns[name])) if name in FINAL else ~censored,
            limit=limit_ms if name in TIMES else None,
        )
        for name in COLUMNS
        if name not in FLAGS
    }
    if censored.any():
        # Where nothing is cut the mean is that up to the limit, too.
        for name in FINAL:
            metrics[name].setdefault("restricted_mean", metrics[name]["mean"])
    found = hits(columns)
    return metrics, {name: rate(int(np.sum(hit)), hit.size) for name, hit in found.items()}


def hits(columns: Mapping[str, Floats]) -> dict[str, NDArray[np.bool_]]:
    """The trials that each rate counts, by the rate's name."""
    return {name: columns[column] > most for name, (column, most) in RATES.items()}


def availability(
    size: int, mean_ms: float, sd_ms: float | None, duration_ms: float
) -> dict[str, Any]:
    """The share of the time with a leader in office over trials that all last `duration_ms`.

    size, mean_ms, sd_ms: the trials, and the mean and deviation of `unavailable_ms` over them all.
    As a rate: {"value", "ci95"}; the interval is Student's of the mean, [0, 1] for one trial.
    """
    value = 1.0 - mean_ms / duration_ms
    if sd_ms is None:
        return {"value": value, "ci95": [0.0, 1.0]}
    half = t_quantile(size - 1) * sd_ms / duration_ms / math.sqrt(size)
    return {"value": value, "ci95": [max(0.0, value - half), min(1.0, value + half)]}


def histogram(values: Floats, bins: int) -> tuple[Floats, Ints]:
    """Edges (bins + 1) and counts (bins) of a histogram that a long tail does not flatten.

    Bins are equally wide from the smallest value to the largest. If that is over 1.5 times as far
    as the body reaches, they cover the body only and the last one, whose upper edge is inf, holds
    what is beyond. The body ends at p99.9, or before it ten times as far above p90 as p90 is above
    the median: one per cent of the trials at a minute must not squeeze the rest into one bar.
    nans are left out; without values the edges run from 0 to 1. Raises ValueError for bins < 1.
    """
    if bins < 1:
        raise ValueError(f"a histogram needs at least one bin, not {bins}")
    values = values[~np.isnan(values)]
    if not values.size:
        return np.linspace(0.0, 1.0, bins + 1), np.zeros(bins, dtype=np.int64)
    low, high = float(values.min()), float(values.max())
    hair = 4 * bins * float(np.spacing(max(abs(low), abs(high))))
    median, p90, end = (float(q) for q in np.quantile(values, (0.5, 0.9, 0.999)))
    if p90 > median:
        end = min(end, p90 + 10 * (p90 - median))
    if high - low <= hair:
        low, high, end = low - 0.5, high + 0.5, high + 0.5
    if bins == 1 or end - low <= hair or high - low <= 1.5 * (end - low):
        counts, edges = np.histogram(values, bins=bins, range=(low, high))
        return edges, counts
    counts, edges = np.histogram(values, bins=bins - 1, range=(low, end))
    return np.append(edges, np.inf), np.append(counts, values.size - counts.sum())
