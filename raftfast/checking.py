"""Runs the scenarios of a checklist and judges each by its thresholds and a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from . import engine as engines
from . import gate, pending, speeds
from .baseline import Baseline, Machine, Record, changes
from .batch import Progress
from .checklist import Checklist, Entry
from .errors import RunError
from .gate import BREACHED
from .holding import Held
from .judgements import Judgement
from .pending import Pending
from .result import run
from .schema import show
from .thresholds import THROUGHPUT
from .yardstick import Meter, Throughput

SPEED_ATTEMPTS = 3
"""How often a throughput is measured before it breaches its threshold: each time, or not at all."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A scenario after its run.

    reference: the baseline's record, None without one. judgements: of every threshold; those of
    "*" one by one where digests differ; and what CHANGED without a threshold. advice: what
    throughput has become, where no threshold bounds it. changes: what makes the scenario another
    than the baseline's, where that was allowed. broken: the invariants of Raft that were.
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

    @property
    def breaches(self) -> list[Judgement]:
        """The thresholds that are breached."""
        return [one for one in self.judgements if one.status == BREACHED]


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
        """The thresholds that are breached, of all scenarios."""
        return [one for checked in self.checked for one in checked.breaches]

    @property
    def exit_code(self) -> int:
        """0 if all is well, 1 for a violation of safety, 3 for a breached threshold."""
        return 1 if self.violations else 3 if self.breaches else 0

    @property
    def fresh(self) -> Baseline:
        """A baseline of what was run."""
        records = {checked.name: checked.record for checked in self.checked}
        return Baseline(records, self.engine, Machine.here())


@dataclass(slots=True)
class _Run:
    """What is kept of a scenario's run until all have run."""

    entry: Entry
    reference: Record | None
    record: Record
    broken: tuple[str, ...]
    pending: list[Pending]
    meter: Meter


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
    runs = []
    for entry, reference in zip(checklist.entries, references, strict=True):

        def report(now: int, trials: int, before: int = done) -> None:
            if progress is not None:
                progress(before + now, total)

        runs.append(_run(entry, reference, jobs, report))
        done += entry.scenario.trials
    # Half of the turns were taken beside the runs, half are now: what slowed the machine down for
    # a moment slows down at most one half.
    for one in runs:
        one.record = _measured(one.record, one.meter.take())
    comparisons = sum(pending.comparisons(one.pending) + len(_limits(one.entry)) for one in runs)
    factor = gate.widening(comparisons)
    return Report(checklist, baseline, engines.name(), tuple(_judged(one, factor) for one in runs))


def _run(entry: Entry, reference: Record | None, jobs: int | None, progress: Progress) -> _Run:
    """Run a scenario, and gather what its judgements will rest on."""
    try:
        result = run(entry.scenario, jobs=jobs, progress=progress)
        turn = None if reference is None else reference.speed.trials
        meter = Meter(entry.scenario, turn)
    except RunError as error:
        raise RunError(f"scenario {show(entry.name)}: {error}") from None
    record = Record.of(result, meter.take())
    held = Held(entry, result, record, reference)
    return _Run(entry, reference, record, tuple(result.broken), list(held.pending()), meter)


def _limits(entry: Entry) -> list[int]:
    """The places of the thresholds of throughput."""
    return [i for i, one in enumerate(entry.thresholds) if one.metric == THROUGHPUT]


def _measured(record: Record, speed: Throughput) -> Record:
    return msgspec.structs.replace(record, throughput=Record.told(speed))


def _judged(one: _Run, factor: float) -> Checked:
    entry, reference = one.entry, one.reference
    judgements = list(pending.settle(one.pending, factor))
    advice = None
    if _limits(entry):
        judgements += _speed(one, factor)
    else:
        before = None if reference is None else reference.speed
        advice = speeds.held(entry.name, None, one.record.speed, before).judgement
    apart = () if reference is None else tuple(changes(entry.scenario, reference))
    return Checked(entry.name, one.record, reference, tuple(judgements), advice, apart, one.broken)


def _speed(one: _Run, factor: float) -> Sequence[Judgement]:
    """The judgements of throughput, by another measurement if the last one breaches a threshold."""
    before = None if one.reference is None else one.reference.speed
    judgements: Sequence[Judgement] = ()
    for attempt in range(SPEED_ATTEMPTS):
        if attempt:
            one.record = _measured(one.record, one.meter.take(afresh=True))
        judgements = [
            speeds.held(one.entry.name, one.entry.thresholds[i], one.record.speed, before).settled(
                factor
            )
            for i in _limits(one.entry)
        ]
        if all(judgement.status != BREACHED for judgement in judgements):
            break
    return judgements
