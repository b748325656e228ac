"""The metrics that are compared: their names, which of them matter first, how one chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .columns import COLUMNS, TIMES
from .errors import InputError
from .schema import show, suggestion
from .statistics import FLAGS, RATES

Chosen = Callable[[str], bool]
"""Whether a metric is among those asked for."""

QUANTILES = ("p50", "p99", "p99.9")
"""The quantiles of the times that are compared."""

COUNTS = tuple(x for x in COLUMNS if x not in (*TIMES, *FLAGS, "leader", "violations"))
"""Columns whose means are compared."""

EVERY = "all"
"""What asks for every metric."""

_MEANS = ("mean", "restricted_mean")
_FIRST = (
    *(f"election_ms.{x}" for x in (*_MEANS, "p99", "p99.9", "hazard_ratio")),
    *(f"unavailable_ms.{x}" for x in (*_MEANS, "p99", "p99.9")),
    "rate.availability",
    "rate.split_first_term",
    *(f"messages.{x}" for x in _MEANS),
    *(f"leader_changes.{x}" for x in _MEANS),
    *(f"needless_campaigns.{x}" for x in _MEANS),
    "rate.censored",
)


def names() -> list[str]:
    """Every metric that two sides may have."""
    times = (
        f"{name}.{statistic}"
        for name in TIMES
        for statistic in (
            *_MEANS,
            *QUANTILES,
            *(("faster", "hazard_ratio") if name == "election_ms" else ()),
        )
    )
    counts = (f"{name}.{mean}" for name in COUNTS for mean in _MEANS)
    return [*times, *counts, *(f"rate.{name}" for name in RATES), "rate.availability"]


def matters_first(metric: str) -> bool:
    """Whether a metric is one that most ask about: how long, how bad, how often, how dear."""
    return metric in _FIRST


def choose(asked: Sequence[str], *, key: str = "metrics") -> Chosen:
    """What tells the metrics asked for from the others.

    asked: metrics ("election_ms.p99"), groups of them ("election_ms", "rate"), or "all". A mean is
    also the restricted one, which takes its place where trials were cut. Raises InputError for what
    is neither, naming `key`.
    """
    known = names()
    chosen: set[str] = set()
    for name in asked:
        found = [metric for metric in known if _is_asked(metric, name)]
        if not found:
            near = suggestion(name, [*known, *dict.fromkeys(x.partition(".")[0] for x in known)])
            meant = f"did you mean {near}? " if near else ""
            problem = f"value {show(name)}: unknown metric; {meant}such as election_ms.p99, "
            raise InputError(problem + "messages, rate or all", key=key)
        chosen.update(found)
    return chosen.__contains__


def _is_asked(metric: str, name: str) -> bool:
    plain = metric.replace("restricted_mean", "mean")
    return name in (EVERY, metric, plain, metric.partition(".")[0])


def split(text: str) -> list[str]:
    """The names in a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def nothing_of(asked: Iterable[str], *, key: str = "metrics") -> InputError:
    """The error of a comparison in which none of the metrics asked for is measured."""
    listed = ", ".join(asked)
    problem = f"value {show(listed)}: none of these is measured here under these stop rules"
    return InputError(problem, key=key)
