"""Runs the scenarios of a checklist and holds what they come to against thresholds and a baseline.

Equal digests mean that nothing changed, and no statistics are asked. Where they differ, the
baseline's distribution stands against the run's, both as histograms know them. With the same seed
the two runs have luck in common; which trial had which is not kept, so the intervals are those of
independent runs, and wider than they need be, never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import engine as engines
from . import gate, yardstick
from .baseline import Baseline, Machine, Record, changes
from .batch import Progress
from .checklist import Checklist, Entry
from .comparison import compare
from .differences import Ends
from .errors import RunError
from .estimates import NOTHING, Estimate, estimate
from .gate import BREACHED, OK, UNCHECKED, UNDECIDED, Evidence
from .judgements import CHANGED, Judgement
from .result import run
from .schema import show
from .sides import Sides, Trials
from .thresholds import AGAINST, ALL, DIGEST, THROUGHPUT, Threshold
from .yardstick import Throughput

if TYPE_CHECKING:
    from .comparison import Comparison
    from .differences import Difference
    from .result import Result

_OWN_REFERENCE = dict(zip(AGAINST, (0.5, 1.0), strict=True))
"""What each is where nothing differs."""

_TRIALS_MAX = 10**10
"""More trials than that to settle something are none."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A scenario after its run.

    reference: the baseline's record, None without one. same: whether the digests are equal.
    judgements: of every threshold; those of "*" one by one where digests differ; and what CHANGED
    without a threshold. advice: what throughput has become, where no threshold bounds it. changes:
    what makes the scenario another than the baseline's, where that was allowed.
    """

    name: str
    record: Record
    reference: Record | None
    judgements: tuple[Judgement, ...]
    advice: Judgement | None
    changes: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing changed, at no statistical risk."""
        return self.reference is not None and self.reference.digest == self.record.digest


@dataclass(frozen=True, slots=True)
class Report:
    """What a check came to; `baseline` is what it was held against, `engine` who ran it."""

    checklist: Checklist
    baseline: Baseline | None
    engine: str
    checked: tuple[Checked, ...]

    @property
    def judgements(self) -> list[Judgement]:
        """Those of all scenarios."""
        return [one for checked in self.checked for one in checked.judgements]

    @property
    def violations(self) -> int:
        """How often Raft's safety was violated."""
        return sum(checked.record.violations for checked in self.checked)

    @property
    def breaches(self) -> list[Judgement]:
        """The thresholds that are breached."""
        return [one for one in self.judgements if one.status == BREACHED]

    @property
    def exit_code(self) -> int:
        """0 if all is well, 1 for a violation of safety, 3 for a breached threshold."""
        return 1 if self.violations else 3 if self.breaches else 0

    @property
    def fresh(self) -> Baseline:
        """A baseline of what was run."""
        records = {checked.name: checked.record for checked in self.checked}
        return Baseline(records, self.engine, Machine.here())


@dataclass(frozen=True, slots=True)
class _Pending:
    """A judgement that waits for the number of all there are: only its status is missing."""

    judgement: Judgement
    evidence: Evidence
    trials: int
    undecided: str = ""


def check(
    checklist: Checklist,
    baseline: Baseline | None = None,
    *,
    allow_changed: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run every scenario and judge it.

    allow_changed: hold a scenario also against a record of other keys, trials or seed. jobs,
    progress: as of `raftfast.run`, the trials being those of all scenarios.

    Raises BaselineError, before anything is run, where a scenario cannot be compared; RunError
    where one fails while it runs.
    """
    references = [
        None if baseline is None else baseline.record(entry.scenario, changed=allow_changed)
        for entry in checklist.entries
    ]
    total = sum(entry.scenario.trials for entry in checklist.entries)
    done = 0
    found: list[tuple[Checked, list[_Pending]]] = []
    for entry, reference in zip(checklist.entries, references, strict=True):

        def report(now: int, trials: int, before: int = done) -> None:
            if progress is not None:
                progress(before + now, total)

        found.append(_one(entry, reference, jobs, report))
        done += entry.scenario.trials
    comparisons = sum(not pending.evidence.exact for _, several in found for pending in several)
    factor = gate.widening(comparisons)
    checked = [
        replace(one, judgements=tuple(_judged(pending, factor) for pending in several))
        for one, several in found
    ]
    return Report(checklist, baseline, engines.name(), tuple(checked))


def _one(
    entry: Entry, reference: Record | None, jobs: int | None, progress: Progress
) -> tuple[Checked, list[_Pending]]:
    """Run a scenario, and gather what its judgements will rest on."""
    try:
        result = run(entry.scenario, jobs=jobs, progress=progress)
        speed = yardstick.measure(
            entry.scenario, None if reference is None else reference.speed.trials
        )
    except RunError as error:
        raise RunError(f"scenario {show(entry.name)}: {error}") from None
    record = Record.of(result, speed)
    held = _Held(entry, result, record, reference)
    advice = None
    if all(threshold.metric != THROUGHPUT for threshold in entry.thresholds):
        advice = held.throughput(None).judgement
    apart = () if reference is None else tuple(changes(entry.scenario, reference))
    checked = Checked(
        entry.name, record, reference, (), advice, apart, tuple(result.broken)
    )  # fmt: skip
    return checked, list(held.all())


def _judged(pending: _Pending, factor: float) -> Judgement:
    judgement = pending.judgement
    if judgement.status:
        return judgement
    status = gate.judge(pending.evidence, factor)
    if status != UNDECIDED:
        return replace(judgement, status=status)
    more = gate.more_trials(pending.evidence, pending.trials, factor)
    words = pending.undecided
    if not words and more is not None and more < _TRIALS_MAX:
        words = f"about {_round(more):,} more trials would settle it"
    return replace(judgement, status=status, words=words, more_trials=more)


class _Held:
    """A run held against a scenario's thresholds and the baseline's record."""

    def __init__(
        self, entry: Entry, result: Result, record: Record, reference: Record | None
    ) -> None:
        self.entry = entry
        self.result = result
        self.record = record
        self.reference = reference
        self.same = reference is not None and reference.digest == record.digest
        self.summary: Mapping[str, Any] = {"metrics": record.metrics, "rates": record.rates}
        self._sides: Sides | None = None

    def all(self) -> Iterator[_Pending]:
        """What there is to judge, in the order of the thresholds; then what else changed."""
        for threshold in self.entry.thresholds:
            if threshold.is_relative and self.reference is None:
                yield self._settled(threshold, UNCHECKED, "there is no baseline")
            elif threshold.metric == DIGEST:
                yield self._digest(threshold)
            elif threshold.metric == THROUGHPUT:
                yield self.throughput(threshold)
            elif threshold.metric == ALL and self.same:
                yield self._settled(threshold, OK)
            elif threshold.metric != ALL:
                yield self._metric(threshold)
        if self.reference is not None and not self.same:
            yield from self._rest()

    def _settled(self, threshold: Threshold, status: str, words: str = "") -> _Pending:
        judgement = Judgement(self.entry.name, threshold.metric, status, threshold, words=words)
        return _Pending(judgement, _NO_EVIDENCE, 0)

    def _digest(self, threshold: Threshold) -> _Pending:
        assert self.reference is not None
        if self.same:
            return self._settled(threshold, OK, "as the baseline's")
        words = f"{self.record.digest[:16]}, and the baseline's is {self.reference.digest[:16]}"
        return self._settled(threshold, BREACHED, words)

    def throughput(self, threshold: Threshold | None) -> _Pending:
        """Of how fast the engine was, and was once; settled, and advice, without a threshold."""
        now = self.record.speed
        value = now.value
        ends: Ends = (now.low, now.high)
        reference, evidence = None, _NO_EVIDENCE
        absolute = threshold is not None and threshold.of == "value"
        if absolute and threshold is not None:
            evidence = Evidence(value, ends, threshold.low, threshold.high)
        elif self.reference is not None:
            before = self.reference.speed
            reference = before.value
            ends = _faster(before, now)
            low, high = (None, None) if threshold is None else gate.bounds(threshold, reference)
            evidence = Evidence(value - reference, ends, low, high)
        status = "" if threshold is not None else OK
        judgement = Judgement(
            self.entry.name, THROUGHPUT, status, threshold, reference, value, ends
        )  # fmt: skip
        return _Pending(judgement, evidence, 0, "another run may settle it; trials do not")

    def _metric(self, threshold: Threshold) -> _Pending:
        metric, trials = threshold.metric, self.result.trials
        if not threshold.is_relative:
            found = self._estimate(metric)
            evidence = Evidence(
                found.value, found.ends, threshold.low, threshold.high, exact=found.exact
            )
            reference, value, ends = None, found.value, found.ends
        elif self.same:
            # Nothing changed: a bound on the change holds if nothing is within it.
            value = _OWN_REFERENCE.get(metric, self._estimate(metric).value)
            reference, ends = value, (0.0, 0.0)
            at = value if threshold.of == "value" else 0.0
            evidence = Evidence(at, (at, at), threshold.low, threshold.high, exact=True)
        else:
            difference = self._both().find(metric)
            if difference is None:
                return self._settled(threshold, UNDECIDED, "it has no value in the trials of both")
            return self._relative(threshold, metric, difference)
        judgement = Judgement(
            self.entry.name, metric, "", threshold, reference, value, ends
        )  # fmt: skip
        return _Pending(judgement, evidence, trials)

    def _relative(
        self, threshold: Threshold, metric: str, found: Difference | Comparison
    ) -> _Pending:
        """Of a difference from the baseline, in the unit of the metric."""
        low, high = gate.bounds(threshold, found.reference)
        middle, ends = found.difference, found.ci95
        if threshold.of == "value":
            offset = _OWN_REFERENCE[metric]
            middle, ends = _plus(middle, offset), (_plus(ends[0], offset), _plus(ends[1], offset))
        unmoved = found.p == 1 and found.difference == 0
        evidence = Evidence(middle, ends, low, high, exact=unmoved)
        judgement = Judgement(
            self.entry.name,
            metric,
            OK if unmoved and _admits_none(threshold) else "",
            threshold,
            found.reference,
            found.value,
            found.ci95,
        )
        unknown = "" if found.reference is not None else "the baseline has no value"
        return _Pending(judgement, evidence, self.result.trials, unknown)

    def _rest(self) -> Iterator[_Pending]:
        """Of the metrics that no threshold of their own bounds."""
        assert self.reference is not None
        named = {threshold.metric for threshold in self.entry.thresholds}
        named |= {name.replace(".mean", ".restricted_mean") for name in named}
        named |= {name.replace(".restricted_mean", ".mean") for name in named}
        all_of = [threshold for threshold in self.entry.thresholds if threshold.metric == ALL]
        rows = compare(self.reference.side(), self._trials(), paired=False)
        for row in rows:
            if row.metric in named:
                continue
            for threshold in all_of:
                yield self._relative(threshold, row.metric, row)
            if not all_of and row.verdict in ("lower", "higher"):
                judgement = Judgement(
                    self.entry.name, row.metric, CHANGED, None, row.reference, row.value, row.ci95,
                    row.words,
                )  # fmt: skip
                yield _Pending(judgement, _NO_EVIDENCE, 0)

    def _estimate(self, metric: str) -> Estimate:
        if metric in AGAINST:
            return NOTHING
        limit_ms = self.entry.scenario.stop.limit_ms
        return estimate(metric, self.result.samples, self.summary, limit_ms)

    def _trials(self) -> Trials:
        return self.record.side()

    def _both(self) -> Sides:
        if self._sides is None:
            assert self.reference is not None
            self._sides = Sides(self.reference.side(), self._trials(), paired=False)
        return self._sides


_NO_EVIDENCE = Evidence(None, (None, None), None, None, exact=True)


def _admits_none(threshold: Threshold) -> bool:
    """Whether a threshold holds where nothing changed."""
    return (threshold.low is None or threshold.low <= 0) and (
        threshold.high is None or threshold.high >= 0
    )


def _faster(before: Throughput, now: Throughput) -> Ends:
    """The interval of the difference of two throughputs: both intervals of their logarithms joined
    by MOVER (Zou and Donner, Statist. Med. 27 (2008) 1693-1702), for a machine's speed is a
    factor."""

    def apart(one: float, other: float) -> float:
        return math.log(one / other)

    middle = apart(now.value, before.value)
    low = middle - math.hypot(apart(now.value, now.low), apart(before.high, before.value))
    high = middle + math.hypot(apart(now.high, now.value), apart(before.value, before.low))
    return before.value * math.expm1(low), before.value * math.expm1(high)


def _plus(number: float | None, offset: float) -> float | None:
    return None if number is None else number + offset


def _round(count: int) -> int:
    """To two digits that count."""
    return int(float(f"{count:.1e}"))
