"""What a check found of one metric, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass

from .columns import TIMES
from .differences import Ends
from .gate import BREACHED, OK, UNCHECKED, UNDECIDED
from .thresholds import DIGEST, THROUGHPUT, Threshold

CHANGED = "changed"
"""The status of a metric that surely differs from the baseline's, and that no threshold bounds."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A metric of a scenario, and how it stands to its threshold.

    status: of `gate`, or CHANGED. reference, value: the baseline's and this run's; ends: of the
    95 % interval, of the change (value - reference) where there is a reference, else of the value.
    threshold: None if CHANGED. `words` say more, such as why it is undecided.
    """

    scenario: str
    metric: str
    status: str
    threshold: Threshold | None = None
    reference: float | None = None
    value: float | None = None
    ends: Ends = (None, None)
    words: str = ""
    more_trials: int | None = None

    @property
    def is_own(self) -> bool:
        """Whether the metric has a threshold of its own, not merely that of "*"."""
        return self.threshold is not None and self.threshold.metric == self.metric

    @property
    def change(self) -> str:
        """The change with its interval, relative where that is possible: "+5.2 % (+4 to +6 %)"."""
        reference, value = self.reference, self.value
        if reference is None:
            return ""
        scale, unit = 1.0, unit_of(self.metric)
        if reference:
            scale, unit = 100 / abs(reference), " %"
        ends = [None if end is None else scale * end for end in self.ends]
        middle = None if value is None else scale * (value - reference)
        places = decimals([x for x in (*ends, middle) if x is not None], ends)
        low, high = (_signed(end, places) for end in ends)
        shown = "?" if middle is None else _signed(middle, places) + unit
        if self.ends == (0, 0) and middle == 0:
            return "unchanged"
        return f"{shown} ({low} to {high}{unit})"

    @property
    def values(self) -> str:
        """The values: "246.9 -> 301.2 ms", or without a baseline one with its interval."""
        unit = unit_of(self.metric)
        if self.reference is not None:
            return f"{number(self.reference)} -> {number(self.value)}{unit}"
        low, high = self.ends
        if low == high:
            return f"{number(self.value)}{unit}"
        return f"{number(self.value)}{unit} ({number(low)} to {number(high)})"

    def __str__(self) -> str:
        """One line: the metric, what it is, and how that stands to its threshold."""
        if self.metric == DIGEST:
            return f"{self.metric}: {self.words}"
        parts = [f"{self.metric}:"]
        if self.value is not None or self.reference is not None:
            parts.append(self.values)
            parts += [f"[{self.change}]"] if self.reference is not None else []
        parts += filter(None, [self._standing(), self.words and f"({self.words})"])
        return " ".join(parts)

    def _standing(self) -> str:
        if self.threshold is None:
            return "has no threshold"
        text = self.threshold.text
        return {
            OK: f"holds {text}",
            BREACHED: f"breaches {text}",
            UNDECIDED: f"may or may not hold {text}",
            UNCHECKED: f"is not held to {text}",
        }[self.status]


def unit_of(metric: str) -> str:
    """The unit of a metric, with a space before it; empty for counts and shares."""
    column, _, statistic = metric.partition(".")
    if column in TIMES and statistic not in ("count", "faster", "hazard_ratio"):
        return " ms"
    return " trials/yardstick" if metric == THROUGHPUT else ""


def number(value: float | None) -> str:
    """With five digits that count; "?" where it is not known."""
    if value is None:
        return "?"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.5g}"


def _signed(value: float | None, places: int) -> str:
    """With its sign, which nothing has none of."""
    if value is None:
        return "?"
    rounded = round(value, places)
    return f"{rounded:+.{places}f}" if rounded else f"{0:.{places}f}"


def decimals(numbers: list[float], ends: list[float | None]) -> int:
    """How many decimals show how wide an interval is, with one digit that counts; 1 to 6."""
    low, high = ends
    width = abs(high - low) if low is not None and high is not None else 0.0
    width = width or max((abs(x) for x in numbers), default=0.0)
    places = 1
    while width and width * 10**places < 2 and places < 6:
        places += 1
    return places
