"""Judgements that wait until it is known how many there are: then intervals know how wide to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from . import gate
from .gate import UNDECIDED, Evidence
from .judgements import Judgement

NO_EVIDENCE = Evidence(None, (None, None), None, None, exact=True)

_TRIALS_MAX = 10**10
"""More trials than that to settle something are none."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A judgement and its evidence; it is settled if it has a status.

    trials: how many the evidence rests on. undecided: the words if it stays so, instead of how
    many more trials would settle it.
    """

    judgement: Judgement
    evidence: Evidence
    trials: int
    undecided: str = ""

    def settled(self, factor: float) -> Judgement:
        """The judgement, by intervals wider by this factor."""
        if self.judgement.status:
            return self.judgement
        status = gate.judge(self.evidence, factor)
        if status != UNDECIDED:
            return replace(self.judgement, status=status)
        if self.undecided:
            return replace(self.judgement, status=status, words=self.undecided)
        more = gate.more_trials(self.evidence, self.trials, factor)
        if more is None or more > _TRIALS_MAX:
            return replace(self.judgement, status=status)
        also = ", in the baseline too," if self.judgement.reference is not None else ""
        words = f"about {_round(more):,} more trials{also} would settle it"
        return replace(self.judgement, status=status, words=words, more_trials=more)


def settle(pending: Sequence[Pending], factor: float) -> tuple[Judgement, ...]:
    """All of them, in order."""
    return tuple(one.settled(factor) for one in pending)


def comparisons(pending: Iterable[Pending]) -> int:
    """How many of them rest on an interval."""
    return sum(not one.evidence.exact for one in pending)


def _round(count: int) -> int:
    """To two digits that count."""
    return int(float(f"{count:.1e}"))
