"""A point's row: which statistics it has, in which order, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from . import intervals
from .columns import COLUMNS
from .intervals import INTERVALS
from .statistics import FLAGS

METRICS = tuple(name for name in COLUMNS if name not in FLAGS)
"""The columns that have statistics."""

PERCENTILES = {**intervals.PERCENTILES, "p99.99": 0.9999}
"""The quantiles of every metric of a point: one more than of a run, as parts add up to many more
trials."""

_SOMETIMES = "restricted_mean"
STATISTICS = ("count", "mean", "sd", "min", *PERCENTILES, "max", _SOMETIMES)
"""The statistics of a metric, one cell each: "election_ms.p99"."""

WITH_INTERVAL = ("mean", *INTERVALS)
"""Those with a 95 % interval, in two cells more: "election_ms.p99.low" and ".high"."""

RATES = ("split_first_term", "contested_first_term", "multi_term", "censored", "availability")
"""The rates: "rate.multi_term", and its interval's ends."""

COUNTS = ("trials", "censored", "violations", "digest")
"""What stands between a point's swept values and its statistics."""


_ALWAYS = itemgetter(*STATISTICS[:-1])
_UNKNOWN = (None, None)


def _ends(name: str) -> tuple[str, str]:
    return f"{name}.low", f"{name}.high"


def statistics() -> list[str]:
    """The names of a row's statistics, in order."""
    names = []
    for metric in METRICS:
        names += [f"{metric}.{statistic}" for statistic in STATISTICS]
        names += [end for name in WITH_INTERVAL for end in _ends(f"{metric}.{name}")]
    for rate in RATES:
        names += [f"rate.{rate}", *_ends(f"rate.{rate}")]
    return names


def header(keys: Sequence[str]) -> list[str]:
    """The columns of a row whose point varies `keys`."""
    return ["point", *keys, *COUNTS, *statistics()]


def cells(metrics: Mapping[str, Any], rates: Mapping[str, Any]) -> list[float | int | None]:
    """The statistics of a summary in the order of `statistics`, None where there is no value."""
    out: list[float | int | None] = []
    for metric in METRICS:
        entry = metrics[metric]
        out += _ALWAYS(entry)
        out.append(entry.get(_SOMETIMES))
        intervals = entry["ci95"]
        for name in WITH_INTERVAL:
            out += intervals.get(name) or _UNKNOWN
    for name in RATES:
        out += rate_cells(rates.get(name))
    return out


def rate_cells(rate: Mapping[str, Any] | None) -> tuple[float | None, ...]:
    """The cells of a rate, which may not be there: its value, and the ends of its interval."""
    return (None, None, None) if rate is None else (rate["value"], *rate["ci95"])
