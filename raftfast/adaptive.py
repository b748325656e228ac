"""[adaptive]: more trials of a point for as long as what they say is not sure enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .columns import COLUMNS
from .errors import InputError
from .layers import Given
from .schema import KEYS, convert, mismatch, show, suggestion

_METRIC = "election_ms.mean"
_PRECISION = 0.01
_KEYS = ("metric", "precision", "max_trials")
_NEEDS = {"rate.availability": "duration", "followed_ms": "followed"}
_AT = "adaptive.metric"

TABLES = ("stop", "scenario")
"""The tables that `Adaptive.check` looks at."""


@dataclass(frozen=True)
class Adaptive:
    """Trials are added while half of the 95 % interval of `metric` is wider than `precision` times
    its value, up to `max_trials` in all.

    `metric` is "COLUMN.mean", "COLUMN.p50" or "COLUMN.p99" of a column in a summary's metrics, or
    "rate.NAME".
    """

    metric: str
    precision: float
    max_trials: int
    source: str | None = None

    @classmethod
    def read(cls, table: object, trials: int, source: str | None) -> Adaptive:
        """From the table of a spec that begins with so many trials. Raises InputError."""
        if not isinstance(table, Mapping):
            problem = mismatch(table, "a table, [adaptive]")
            raise InputError(problem, key="adaptive", source=source)
        for name in table:
            if name not in _KEYS:
                near = suggestion(name, _KEYS)
                meant = f"did you mean {near}?" if near else f"[adaptive] has {', '.join(_KEYS)}"
                raise InputError(f"unknown key; {meant}", key=f"adaptive.{name}", source=source)
        precision = table.get("precision", _PRECISION)
        if isinstance(precision, bool) or not isinstance(precision, int | float) \
                or not 0 < precision < 1e9:  # fmt: skip
            problem = mismatch(precision, "a number above 0, a share of the metric's value")
            raise InputError(problem, key="adaptive.precision", source=source)
        metric = _metric(table.get("metric", _METRIC), source)
        adaptive = cls(metric, float(precision), _max_trials(table, source), source)
        adaptive.check_trials(trials)
        return adaptive

    def check_trials(self, trials: int) -> None:
        """Raise InputError where a point has more trials from the start."""
        if self.max_trials < trials:
            problem = f"value {self.max_trials}: must be at least trials ({trials})"
            raise InputError(problem, key="adaptive.max_trials", source=self.source)

    def check(self, given: Given | None, structs: Mapping[str, Any]) -> None:
        """A rule as `rules.CHECKS` has them: the metric has a value under a point's stop rule."""
        needed = _NEEDS.get(self.metric) or _NEEDS.get(self.metric.partition(".")[0])
        if needed and structs["stop"].on != needed:
            problem = f'value {show(self.metric)}: has a value only with stop.on = "{needed}", '
            problem += f'not "{structs["stop"].on}"'
            raise InputError(problem, key=_AT, source=self.source)


def metrics() -> list[str]:
    """The metrics that carry an interval, by name."""
    from .intervals import INTERVALS
    from .statistics import FLAGS, RATES

    columns = [name for name in COLUMNS if name not in FLAGS]
    named = [f"{column}.{part}" for column in columns for part in ("mean", *INTERVALS)]
    return named + [f"rate.{name}" for name in (*RATES, "availability")]


def _metric(metric: object, source: str | None) -> str:
    known = metrics()
    if isinstance(metric, str) and metric in known:
        return metric
    problem = mismatch(metric, "COLUMN.mean, COLUMN.p50, COLUMN.p99 or rate.NAME, which have a "
                       "95 % interval")  # fmt: skip
    if near := suggestion(metric, known):
        problem += f"; did you mean {near}?"
    raise InputError(problem, key=_AT, source=source)


def _max_trials(table: Mapping[str, Any], source: str | None) -> int:
    key = "adaptive.max_trials"
    if "max_trials" not in table:
        problem = "is missing; must say where to end, a whole number from trials to 2^63-1"
        raise InputError(problem, key=key, source=source)
    try:
        most: int = convert(KEYS["trials"], table["max_trials"], key="trials", source=source)
    except InputError as error:
        raise InputError(error.problem, key=key, source=source) from None
    return most
