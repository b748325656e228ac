"""How fast the engine is against its threshold, and against what it was."""

from __future__ import annotations

import math

from . import gate
from .differences import Ends
from .gate import Evidence
from .judgements import Judgement
from .pending import NO_EVIDENCE, Pending
from .thresholds import THROUGHPUT, Threshold
from .yardstick import Throughput

_UNDECIDED = "another run may settle it"


def held(
    scenario: str, threshold: Threshold | None, now: Throughput, before: Throughput | None
) -> Pending:
    """A throughput held to a threshold; settled, and mere advice, without one.

    `before` is the baseline's, None where there is none.
    """
    if before is None and threshold is not None and threshold.is_relative:
        judgement = Judgement(
            scenario, THROUGHPUT, gate.UNCHECKED, threshold, words="there is no baseline"
        )
        return Pending(judgement, NO_EVIDENCE, 0)
    if before is None or (threshold is not None and threshold.of == "value"):
        evidence = NO_EVIDENCE
        if threshold is not None:
            evidence = Evidence(now.value, (now.low, now.high), threshold.low, threshold.high)
        ends: Ends = (now.low, now.high)
        judgement = _judgement(scenario, threshold, None, now, ends)
        return Pending(judgement, evidence, 0, _UNDECIDED)
    ends = _apart(before, now)
    low, high = (None, None) if threshold is None else gate.bounds(threshold, before.value)
    evidence = Evidence(now.value - before.value, ends, low, high)
    return Pending(_judgement(scenario, threshold, before, now, ends), evidence, 0, _UNDECIDED)


def _judgement(
    scenario: str,
    threshold: Threshold | None,
    before: Throughput | None,
    now: Throughput,
    ends: Ends,
) -> Judgement:
    reference = None if before is None else before.value
    status = gate.OK if threshold is None else ""
    return Judgement(scenario, THROUGHPUT, status, threshold, reference, now.value, ends)


def _apart(before: Throughput, now: Throughput) -> Ends:
    """The interval of the difference of two throughputs: both intervals of their logarithms joined
    by MOVER (Zou and Donner, Statist. Med. 27 (2008) 1693-1702), for a machine's speed is a
    factor."""

    def apart(one: float, other: float) -> float:
        return math.log(one / other)

    middle = apart(now.value, before.value)
    low = middle - math.hypot(apart(now.value, now.low), apart(before.high, before.value))
    high = middle + math.hypot(apart(now.high, now.value), apart(before.value, before.low))
    return before.value * math.expm1(low), before.value * math.expm1(high)
