"""A run of a scenario, held to its thresholds and to the baseline's record of it.

Equal digests mean that nothing changed, and no statistics are asked. Where they differ, the
baseline's distribution stands against the run's, both as histograms know them. With the same seed
the two have luck in common; which trial had which is not kept, so the intervals are those of
independent runs, and wider than they need be, never narrower.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import gate
from .baseline import Record
from .checklist import Entry
from .comparison import compare
from .differences import Ends
from .estimates import NOTHING, Estimate, estimate
from .gate import BREACHED, OK, UNCHECKED, UNDECIDED, Evidence
from .judgements import CHANGED, Judgement
from .pending import NO_EVIDENCE, Pending
from .sides import Sides, Trials
from .thresholds import AGAINST, ALL, DIGEST, THROUGHPUT, Threshold

if TYPE_CHECKING:
    from .comparison import Comparison
    from .differences import Difference
    from .result import Result

_OWN_REFERENCE = dict(zip(AGAINST, (0.5, 1.0), strict=True))
"""What each is where nothing differs."""

_BIN = 1e-3
"""How far a quantile of histograms, or one between two, may lie from that of the samples."""


class Held:
    """What there is to judge of a run; `record` is its own, `reference` the baseline's."""

    def __init__(
        self, entry: Entry, result: Result, record: Record, reference: Record | None
    ) -> None:
        self.entry = entry
        self.result = result
        self.record = record
        self.reference = reference
        self.same = reference is not None and reference.digest == record.digest
        self.summary: Mapping[str, Any] = {"metrics": record.metrics, "rates": record.rates}

    def pending(self) -> Iterator[Pending]:
        """One for every threshold but those of throughput, in their order; then of what else
        changed."""
        for threshold in self.entry.thresholds:
            if threshold.metric == THROUGHPUT:
                continue
            if threshold.is_relative and self.reference is None:
                yield self._settled(threshold, UNCHECKED, "there is no baseline")
            elif threshold.metric == DIGEST:
                yield self._digest(threshold)
            elif threshold.metric == ALL:
                yield from [self._settled(threshold, OK)] if self.same else []
            elif not threshold.is_relative:
                yield self._alone(threshold)
            elif self.same:
                yield self._unchanged(threshold)
            else:
                yield self._against(threshold)
        if self.reference is not None and not self.same:
            yield from self._rest()

    def _settled(self, threshold: Threshold, status: str, words: str = "") -> Pending:
        judgement = Judgement(self.entry.name, threshold.metric, status, threshold, words=words)
        return Pending(judgement, NO_EVIDENCE, 0)

    def _digest(self, threshold: Threshold) -> Pending:
        assert self.reference is not None
        if self.same:
            return self._settled(threshold, OK, "it is the baseline's")
        words = f"it is {self.record.digest[:16]}, the baseline's {self.reference.digest[:16]}"
        return self._settled(threshold, BREACHED, words)

    def _alone(self, threshold: Threshold) -> Pending:
        """Of a value, which needs no baseline."""
        metric = threshold.metric
        found = self._estimate(metric)
        evidence = Evidence(found.value, found.ends, threshold.low, threshold.high, found.exact)
        judgement = self._judgement(threshold, None, found.value, found.ends)
        unknown = "it has no value" if found.value is None and found.ends == (None, None) else ""
        return Pending(judgement, evidence, self.result.trials, unknown)

    def _unchanged(self, threshold: Threshold) -> Pending:
        """Of what is surely as in the baseline: a bound on the change holds if no change does."""
        metric = threshold.metric
        value = _OWN_REFERENCE.get(metric, self._estimate(metric).value)
        at = value if threshold.of == "value" else 0.0
        evidence = Evidence(at, (at, at), threshold.low, threshold.high, exact=True)
        judgement = self._judgement(threshold, value, value, (0.0, 0.0))
        return Pending(judgement, evidence, self.result.trials)

    def _against(self, threshold: Threshold) -> Pending:
        found = self._sides.find(threshold.metric)
        if found is None:
            return self._settled(threshold, UNDECIDED, "the two runs have none to compare")
        return self._relative(threshold, threshold.metric, found)

    def _relative(
        self, threshold: Threshold, metric: str, found: Difference | Comparison
    ) -> Pending:
        """Of a difference from the baseline, in the unit of the metric."""
        low, high = gate.bounds(threshold, found.reference)
        middle, ends = found.difference, found.ci95
        if threshold.of == "value":
            offset = _OWN_REFERENCE[metric]
            middle, ends = _plus(middle, offset), (_plus(ends[0], offset), _plus(ends[1], offset))
        unmoved = found.p == 1 and found.difference == 0
        evidence = Evidence(middle, ends, low, high, exact=unmoved)
        status = OK if unmoved and _admits_none(threshold) else ""
        judgement = Judgement(
            self.entry.name, metric, status, threshold, *self._values(metric, found), found.ci95
        )
        unknown = "" if found.reference is not None else "the baseline has no value"
        return Pending(judgement, evidence, self.result.trials, unknown)

    def _rest(self) -> Iterator[Pending]:
        """Of the metrics that no threshold of their own bounds."""
        named = {threshold.metric for threshold in self.entry.thresholds}
        named |= {name.replace(".mean", ".restricted_mean") for name in named}
        named |= {name.replace(".restricted_mean", ".mean") for name in named}
        all_of = [threshold for threshold in self.entry.thresholds if threshold.metric == ALL]
        for row in compare(*self._sides.both, paired=False):
            if row.metric in named:
                continue
            for threshold in all_of:
                yield self._relative(threshold, row.metric, row)
            if not all_of and row.verdict in ("lower", "higher"):
                judgement = Judgement(
                    self.entry.name,
                    row.metric,
                    CHANGED,
                    None,
                    *self._values(row.metric, row),
                    row.ci95,
                    row.words,
                )
                yield Pending(judgement, NO_EVIDENCE, 0)

    def _values(
        self, metric: str, found: Difference | Comparison
    ) -> tuple[float | None, float | None]:
        """Both values, as exactly as the records know them."""
        assert self.reference is not None
        both = ((self.reference, found.reference), (self.record, found.value))
        before, now = (_exact(record, metric, value) for record, value in both)
        return before, now

    def _judgement(
        self, threshold: Threshold, reference: float | None, value: float | None, ends: Ends
    ) -> Judgement:
        name = self.entry.name
        return Judgement(name, threshold.metric, "", threshold, reference, value, ends)

    def _estimate(self, metric: str) -> Estimate:
        if metric in AGAINST:
            return NOTHING
        return estimate(metric, Trials.of(self.result), self.summary)

    @cached_property
    def _sides(self) -> Sides:
        assert self.reference is not None
        return Sides(self.reference.side(), self.record.side(), paired=False)


def _admits_none(threshold: Threshold) -> bool:
    """Whether a threshold holds where nothing changed."""
    if threshold.of == "value":
        return False
    return (threshold.low is None or threshold.low <= 0) and (
        threshold.high is None or threshold.high >= 0
    )


def _exact(record: Record, metric: str, value: float | None) -> float | None:
    """The summary's value where it is what a histogram knows to within 0.05 %."""
    column, _, statistic = metric.partition(".")
    exact = record.metrics.get(column, {}).get(statistic)
    if value is None or exact is None or abs(exact - value) > _BIN * abs(exact):
        return value
    return float(exact)


def _plus(number: float | None, offset: float) -> float | None:
    return None if number is None else number + offset
