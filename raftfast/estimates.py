"""A single number of a run with its interval, for any statistic that a threshold can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .columns import TIMES
from .differences import UNKNOWN, Ends
from .intervals import PERCENTILES, quantile_ranks
from .means import restricted_mean_difference
from .places import Sample
from .sides import Sides, Time, Trials
from .statistics import Floats, summarise
from .thresholds import ALONE


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, None where it is not known, and the ends of its 95 % interval as far as they are.

    exact: the value says nothing beyond these trials, and has no interval.
    """

    value: float | None
    ends: Ends
    exact: bool = False


NOTHING = Estimate(None, UNKNOWN)


def estimate(metric: str, trials: Trials, summary: Mapping[str, Any]) -> Estimate:
    """The metric of trials whose `Result.summary` is this.

    Trials that were cut count as in `comparison.compare`: they are beyond the limit where a time
    is not known, so that a mean is the restricted one and a quantile may be known to be beyond the
    limit, no more; and counts are up to it.
    """
    column, _, statistic = metric.partition(".")
    if column == "rate":
        rate = summary["rates"].get(statistic)
        return NOTHING if rate is None else Estimate(rate["value"], tuple(rate["ci95"]))
    if statistic in ALONE:
        value = summary["metrics"][column][statistic]
        return Estimate(value, (value, value), exact=True)
    if column not in TIMES:
        return _known(trials.samples[column], statistic)
    time = Sides(trials, trials, paired=False).time(0, column)
    if time.limited:
        return _cut(time, statistic, trials.horizon_ms)
    return _known(time.values, statistic)


def _cut(time: Time, statistic: str, horizon_ms: float) -> Estimate:
    """Of a time that some trials do not have."""
    if statistic in PERCENTILES:
        return _quantile(time, PERCENTILES[statistic], horizon_ms)
    if not time.watched or time.values.size < 2:
        return NOTHING
    # The interval is that of the difference from a sample of which every value is 0.
    nothing = np.zeros(time.values.size)
    found = restricted_mean_difference(nothing, time.values, horizon_ms, paired=False)
    return Estimate(found.value, found.ci95)


def _known(values: Floats, statistic: str) -> Estimate:
    """Of values that every trial has; of "restricted_mean" it is the mean."""
    if statistic in PERCENTILES:
        return _quantile(Time(values, True), PERCENTILES[statistic], np.inf)
    entry = summarise(values)
    return Estimate(entry["mean"], tuple(entry["ci95"]["mean"] or UNKNOWN))


def _quantile(time: Time, share: float, horizon_ms: float) -> Estimate:
    """Between order statistics; who was watched up to the horizon is beyond it."""
    sample = Sample.of(time.values, horizon_ms)
    value, ranks = sample.quantile(share), quantile_ranks(sample.size, share)
    low, high = (
        float(sample.ascending[rank - 1]) if rank is not None and rank <= sample.seen else None
        for rank in ranks
    )
    if low is None and ranks[0] is not None and time.watched:
        low = horizon_ms
    return Estimate(value, (low, high))
