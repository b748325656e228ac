"""Whether a threshold holds, is breached, or cannot be told yet: the rule that cries no wolf.

Intervals are of 95 %. A threshold is breached where an interval lies wholly beyond it, widened so
that all intervals of one check hold at once with 95 % (Bonferroni: of m of them each has the normal
score of 1 - 0.025 / m instead of 1.96). It holds where the interval, not widened, lies within. Else
it is undecided, which is no breach, and how many more trials would settle it is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from .differences import Ends
from .intervals import Z
from .thresholds import Threshold

OK, BREACHED, UNDECIDED, UNCHECKED = "ok", "breached", "undecided", "unchecked"

_POWER = NormalDist().inv_cdf(0.8)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a number that a threshold bounds, and the bounds, in the same unit.

    estimate and ends are of the change, or of the value itself; None where they are not known.
    exact: there is no chance in it, and the ends are the estimate.
    """

    estimate: float | None
    ends: Ends
    low: float | None
    high: float | None
    exact: bool = False


def bounds(threshold: Threshold, reference: float | None) -> tuple[float | None, float | None]:
    """The ends of a threshold as those of a change of `reference`, or of a value.

    Both are None for a change relative to what is not known.
    """
    if threshold.of != "ratio":
        return threshold.low, threshold.high
    if reference is None:
        return None, None
    low, high = (
        None if end is None else end * abs(reference) for end in (threshold.low, threshold.high)
    )
    return low, high


def widening(comparisons: int) -> float:
    """By how much each of so many intervals is to be wider for all of them to hold at once."""
    return NormalDist().inv_cdf(1 - 0.025 / max(1, comparisons)) / Z


def judge(evidence: Evidence, factor: float) -> str:
    """OK, BREACHED or UNDECIDED; `factor` is that of `widening`."""
    low, high = evidence.ends
    if _is_within(evidence, low, high):
        return OK
    if not evidence.exact:
        low, high = (
            _widened(evidence.estimate, low, factor),
            _widened(evidence.estimate, high, factor),
        )
    above = evidence.high is not None and low is not None and low > evidence.high
    below = evidence.low is not None and high is not None and high < evidence.low
    return BREACHED if above or below else UNDECIDED


def _is_within(evidence: Evidence, low: float | None, high: float | None) -> bool:
    if evidence.low is None and evidence.high is None:
        return False
    return (evidence.high is None or (high is not None and high <= evidence.high)) and (
        evidence.low is None or (low is not None and low >= evidence.low)
    )


def _widened(estimate: float | None, end: float | None, factor: float) -> float | None:
    """An end of an interval, moved out; where it has no middle it stays where it is."""
    if estimate is None or end is None:
        return end
    return estimate + factor * (end - estimate)


def more_trials(evidence: Evidence, trials: int, factor: float) -> int | None:
    """How many more trials would settle an undecided threshold 4 times in 5, if the estimate is
    the truth; None if no number would, or it cannot be told."""
    estimate, (low, high) = evidence.estimate, evidence.ends
    if estimate is None or low is None or high is None:
        return None
    nearest = min(
        (abs(bound - estimate) for bound in (evidence.low, evidence.high) if bound is not None),
        default=0.0,
    )
    if not nearest:
        return None
    inside = all(
        (evidence.high is None or estimate < evidence.high,
         evidence.low is None or estimate > evidence.low)
    )  # fmt: skip
    half = max(high - estimate, estimate - low)
    narrower = ((1 if inside else factor) + _POWER / Z) * half / nearest
    return max(1, math.ceil(trials * narrower**2) - trials)
