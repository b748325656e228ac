"""What a metric may be: thresholds as a `raftfast.toml` writes them, "<= +5%" or "<= 800"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .columns import TIMES
from .errors import InputError
from .intervals import PERCENTILES
from .metrics import COUNTS
from .rows import RATES
from .schema import mismatch, show, suggestion

THROUGHPUT, DIGEST, ALL = "throughput", "digest", "*"

OFF, EQUAL = "off", "equal"

ALONE = ("count", "sd", "min", "max")
"""Statistics without an interval: they are taken as they are, and never relative to a baseline."""

AGAINST = ("election_ms.faster", "election_ms.hazard_ratio")
"""Metrics that are themselves a comparison with the baseline."""

DEFAULT = "+-1%"
"""What holds for every metric of a scenario that has no threshold relative to the baseline."""

_STATISTICS = ("mean", "restricted_mean", *PERCENTILES, *ALONE)
_FORM = re.compile(
    r"(?P<way><=|>=|\+-)\s*(?P<sign>[+-]?)\s*"
    r"(?P<number>(?:\d[\d_]*)?\.?\d+(?:[eE][+-]?\d+)?)\s*(?P<percent>%?)",
    re.ASCII,
)
_FORMS = (
    '"<= +5%" (relative to the baseline), "<= +20" (more than it), "<= 800" (a value) or "+-1%"'
)


def metrics() -> list[str]:
    """Every metric that can have a threshold."""
    columns = [f"{name}.{statistic}" for name in (*TIMES, *COUNTS) for statistic in _STATISTICS]
    return [*columns, *AGAINST, *(f"rate.{name}" for name in RATES), THROUGHPUT, DIGEST, ALL]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A metric's bounds, either of which may be None.

    of: what lies between them: "ratio" the change as a share of the baseline's value, "change" the
    change itself, "value" the metric's value, "digest" whether it is the baseline's. text: as
    written.
    """

    metric: str
    text: str
    of: str
    low: float | None = None
    high: float | None = None

    @property
    def is_relative(self) -> bool:
        """Whether it takes a baseline to judge it."""
        return self.of != "value" or self.metric in AGAINST

    def __str__(self) -> str:
        return f"{self.metric} {self.text}"


DEFAULTS = (Threshold(ALL, DEFAULT, "ratio", -0.01, 0.01),)


def read(table: object, source: str | None) -> dict[str, tuple[Threshold, ...]]:
    """The thresholds of a table by metric, in order; none where a metric is "off".

    Raises InputError, naming the metric, for what is no threshold.
    """
    if not isinstance(table, Mapping):
        problem = mismatch(table, "a table of thresholds")
        raise InputError(problem, key="thresholds", source=source)
    found: dict[str, tuple[Threshold, ...]] = {}
    for metric, written in _walk(table, ""):
        texts = written if isinstance(written, list) and written else [written]
        found[metric] = tuple(
            threshold
            for text in texts
            if (threshold := _parsed(metric, text, source, alone=len(texts) == 1)) is not None
        )
    return found


def _walk(table: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    """Metrics with their thresholds: they may be written in quotes or without."""
    pairs: list[tuple[str, Any]] = []
    for name, value in table.items():
        metric = f"{prefix}.{name}" if prefix else name
        pairs += _walk(value, metric) if isinstance(value, Mapping) else [(metric, value)]
    return pairs


def _parsed(metric: str, text: object, source: str | None, *, alone: bool) -> Threshold | None:
    """One threshold, None for "off"; `alone` where the metric has no other. Raises InputError."""
    key = f"thresholds.{metric}"
    if metric not in metrics():
        raise InputError(_unknown(metric), key=key, source=source)
    if text == OFF and alone:
        return None
    if metric == DIGEST:
        if text == EQUAL:
            return Threshold(metric, EQUAL, "digest")
        raise InputError(f'value {show(text)}: must be "equal" or "off"', key=key, source=source)
    match = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise InputError(mismatch(text, _FORMS), key=key, source=source)
    problem = _problem(metric, match)
    if problem:
        raise InputError(f"value {show(text)}: {problem}", key=key, source=source)
    return _threshold(metric, match)


def _problem(metric: str, match: re.Match[str]) -> str:
    """What is wrong with a threshold that is well written, or ""."""
    way, sign, percent = match["way"], match["sign"], match["percent"]
    if way == "+-" and sign:
        return "+- takes no sign"
    if metric == ALL and (way != "+-" or not percent):
        return 'must be as "+-1%" or "off", since some metrics are better high and others low'
    if percent and way != "+-" and not sign and not metric.startswith("rate."):
        return f'must have a sign to be relative to the baseline, as "{way} +5%"'
    if metric.rpartition(".")[2] in ALONE and (sign or way == "+-"):
        return 'must be a value, as "<= 800": no interval says how much of a change is chance'
    return ""


def _threshold(metric: str, match: re.Match[str]) -> Threshold:
    number = float(match["number"].replace("_", "")) / (100 if match["percent"] else 1)
    way, sign = match["way"], match["sign"]
    if way == "+-":
        of = "ratio" if match["percent"] else "change"
        return Threshold(metric, match[0], of, -number, number)
    of = "value" if not sign else "ratio" if match["percent"] else "change"
    bound = -number if sign == "-" else number
    low, high = (bound, None) if way == ">=" else (None, bound)
    return Threshold(metric, match[0], of, low, high)


def _unknown(metric: str) -> str:
    """The problem of a metric that there is not."""
    if metric.startswith("violations"):
        return "needs no threshold: any violation of safety fails the check"
    column = metric.partition(".")[0]
    if column in (*TIMES, *COUNTS):
        return f"unknown metric; {column} has {', '.join(_STATISTICS)}"
    if column == "rate":
        return f"unknown metric; the rates are {', '.join(RATES)}"
    near = suggestion(metric, metrics()) or suggestion(column, [*TIMES, *COUNTS, "rate"])
    meant = f"did you mean {near}? " if near else ""
    return f"unknown metric; {meant}there are election_ms.p99, messages.mean, rate.multi_term, ..."


def chosen(
    common: Mapping[str, tuple[Threshold, ...]], own: Mapping[str, tuple[Threshold, ...]]
) -> tuple[Threshold, ...]:
    """The thresholds of a scenario: its own, metric by metric over those for all.

    Where none of them is relative to the baseline, nor "*" is written, `DEFAULTS` hold, too.
    """
    both = {**common, **own}
    thresholds: Sequence[Threshold] = [one for several in both.values() for one in several]
    if ALL in both or any(one.is_relative and one.metric != THROUGHPUT for one in thresholds):
        return tuple(thresholds)
    return (*thresholds, *DEFAULTS)
