"""A single number of a run with its interval, for any statistic that a threshold can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .columns import TIMES
from .means import restricted_mean_difference
from .statistics import PERCENTILES, Floats, quantile_interval, summarise
from .thresholds import ALONE

Ends = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, None where it is not known, and the ends of its 95 % interval as far as they are.

    exact: the value says nothing beyond these trials, and has no interval.
    """

    value: float | None
    ends: Ends
    exact: bool = False


NOTHING = Estimate(None, (None, None))


def estimate(
    metric: str, samples: Mapping[str, Floats], summary: Mapping[str, Any], limit_ms: float
) -> Estimate:
    """The metric of trials with these columns, whose `Result.summary` is known.

    Where trials were cut, the mean of a time is the restricted one, a quantile of it beyond the
    limit is at least there, and counts are up to the limit, as in `comparison.compare`.
    """
    column, _, statistic = metric.partition(".")
    if column == "rate":
        rate = summary["rates"].get(statistic)
        return NOTHING if rate is None else Estimate(rate["value"], tuple(rate["ci95"]))
    entry = summary["metrics"][column]
    if "restricted_mean" in entry and statistic not in ALONE:
        if column in TIMES:
            return _cut(column, statistic, samples, entry, limit_ms)
        entry = summarise(samples[column])
    if statistic in ALONE:
        value = entry[statistic]
        return Estimate(value, (value, value), exact=True)
    if statistic in PERCENTILES:
        values = samples[column]
        ends = quantile_interval(values, np.ones(values.size, dtype=bool), statistic)
    else:
        statistic, ends = "mean", entry["ci95"]["mean"]
    return Estimate(entry[statistic], (None, None) if ends is None else (ends[0], ends[1]))


def _cut(
    column: str, statistic: str, samples: Mapping[str, Floats], entry: Mapping[str, Any],
    limit_ms: float,
) -> Estimate:  # fmt: skip
    """Of a time of which some trials were cut at the limit."""
    values, ended = samples[column], samples["censored"] == 0
    if statistic in PERCENTILES:
        value = entry[statistic]
        low, high = quantile_interval(values, ended, statistic, limit=limit_ms) or (None, None)
        return Estimate(value, (limit_ms if low is None and value is None else low, high))
    # A trial without a value that was not cut has none to count.
    values = values[~np.isnan(values) | ~ended]
    if values.size < 2:
        return Estimate(entry["restricted_mean"], (None, None))
    # The interval is that of the difference from a sample of which every value is 0.
    cut = np.where(values >= limit_ms, np.nan, values)
    found = restricted_mean_difference(np.zeros(cut.size), cut, limit_ms, paired=False)
    return Estimate(found.value, found.ci95)
