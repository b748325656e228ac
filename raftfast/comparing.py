"""Scenarios, runs or points of a sweep, each held against a reference: `raftfast.compare`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from . import metrics as known
from .comparison import BAND, Comparison, Found, Trials, find, judge
from .corrections import CORRECTIONS
from .differences import ALPHA
from .errors import InputError
from .interrupts import interruptible
from .result import Result, check_memory, run
from .scenario import Scenario
from .schema import suggestion
from .version import VERSION

if TYPE_CHECKING:
    from .results import SweepResult

Progress = Callable[[int, int], None]
"""Called now and then with the trials done, and those that there are to be as far as is known."""

MAX_TRIALS = 1_000_000
"""How many trials a side gets at most until all is decided, unless the user says so."""

DECIDED = "decided"


@dataclass(frozen=True)
class Side:
    """What is compared: its name and its trials.

    A point of a sweep has its number, and no `result`.
    """

    name: str
    trials: int
    seed: int | None
    censored: int
    violations: int
    digest: str = ""
    result: Result | None = field(default=None, repr=False)
    point: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Strict JSON, without the result."""
        names = ("name", "trials", "seed", "censored", "violations", "digest")
        head = {} if self.point is None else {"point": self.point}
        return {**head, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True)
class Duel:
    """One side against the reference: a row a metric.

    group: what else the points of a sweep have in common; empty for scenarios. trials: how many a
    side has, the smaller one. paired: whether trial k of both had the same luck.
    """

    name: str
    group: Mapping[str, Any]
    trials: int
    paired: bool
    rows: tuple[Comparison, ...]

    def to_dicts(self) -> list[dict[str, Any]]:
        """Strict JSON, one object a metric."""
        head: dict[str, Any] = {"name": self.name}
        if self.group:
            head["group"] = dict(self.group)
        return [{**head, **row.to_dict()} for row in self.rows]


@dataclass(frozen=True)
class Compared:
    """What `compare` found: every side against the reference.

    tests: over how many rows p is corrected: those in which any trial differs, see `judge`.
    looks: at how many numbers of trials it might have been looked at, `look` at how many it was.
    asked: the metrics that were asked for; empty: all. by: the key in which points of a sweep
    differ; skipped: how many of its groups have no other point, or none with the reference's value.
    """

    reference: str
    sides: tuple[Side, ...]
    duels: tuple[Duel, ...]
    band: float
    correction: str
    tests: int
    look: int = 1
    looks: int = 1
    asked: tuple[str, ...] = ()
    by: str | None = None
    skipped: int = 0

    @property
    def paired(self) -> bool:
        """Whether trial k of all had the same luck."""
        return all(duel.paired for duel in self.duels)

    @property
    def trials(self) -> int:
        """How many trials each side has; the fewest, where they differ."""
        return min(duel.trials for duel in self.duels)

    @property
    def violations(self) -> int:
        """How often Raft's safety was violated, over all sides."""
        return sum(side.violations for side in self.sides)

    def shown(self, duel: Duel) -> list[Comparison]:
        """The rows that matter first, or that were asked for by name."""
        if self.asked:
            return [*duel.rows]
        return [row for row in duel.rows if known.matters_first(row.metric) and _happened(row)]

    @property
    def is_settled(self) -> bool:
        """Whether no verdict of what is shown waits for more trials."""
        return not any(_waits(row) for duel in self.duels for row in self.shown(duel))

    def to_dict(self) -> dict[str, Any]:
        """What `raftfast compare --format json` prints (see INTERFACE.md): strict JSON."""
        by = {} if self.by is None else {"by": self.by}
        return {
            "raftfast": {"version": VERSION},
            **by,
            "reference": self.reference,
            "trials": self.trials,
            "paired": self.paired,
            "band": self.band,
            "correction": self.correction,
            "tests": self.tests,
            "looks": {"done": self.look, "planned": self.looks},
            "sides": [side.to_dict() for side in self.sides],
            "comparisons": [row for duel in self.duels for row in duel.to_dicts()],
        }


def _happened(row: Comparison) -> bool:
    """Whether there is anything to see: not nothing on both sides, nor always one change of leader
    where the first one ends the trial."""
    if row.reference == row.value == 0:
        return False
    column = row.metric.partition(".")[0]
    return column != "leader_changes" or row.ci95 != (0.0, 0.0)


def _waits(row: Comparison) -> bool:
    return row.verdict == "undecided" and (row.more_trials is not None or None in row.ci95)


def compare(
    *sides: Scenario | Result | SweepResult,
    names: Sequence[str] = (),
    reference: str | None = None,
    trials: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    band: float = BAND,
    correction: str = "holm",
    metrics: Sequence[str] = (),
    until: str | None = None,
    max_trials: int | None = None,
    by: str | None = None,
    progress: Progress | None = None,
) -> Compared:
    """Hold scenarios, or results of `run`, against one of them, metric by metric.

    The first is the reference, or the one of `names` that `reference` says; names are the
    scenarios' own unless given. Scenarios are run with as many `trials` and with the `seed` of the
    reference, unless these are given: with one seed trial k has the same luck on all sides, and
    they are compared in pairs. Results are taken as they are, and are paired if their seeds agree.

    band: the share of the reference within which a difference does not matter. correction: "holm",
    "bh" or "none", over all metrics of all comparisons together. metrics: such as
    "election_ms.p99", "messages" or "rate"; all unless given. What is measured, and how, is said in
    `comparison.find`; what verdicts mean, in `comparison.judge` and `verdicts`.

    until="decided" adds trials, twice as many each time and `max_trials` a side at most, a million
    unless given, until no verdict of what is `shown` waits for more. Each of the L looks that this
    may take has an L-th of the 5 %: p_corrected is L times larger, and intervals are of
    1 - 0.05 / L. So all of it holds together with 95 %, at whatever look it ends, by Ctrl-C too:
    then Interrupted, a KeyboardInterrupt, has what the last look `compared`.

    With a `SweepResult` and `by`, one of its keys, the points of a sweep are compared that differ
    in that key alone (`contrasts.compare_points`).

    Raises InputError for fewer than two sides, equal names, stop rules that cannot be compared, and
    options out of range.
    """
    check_options(band, correction, until)
    if any(not isinstance(side, Scenario | Result) for side in sides) or by is not None:
        from .contrasts import compare_points

        if len(sides) != 1 or by is None or isinstance(sides[0], Scenario | Result):
            raise InputError("goes with the results of one sweep", key="by")
        if names or (trials, seed, jobs, until, max_trials) != (None,) * 5:
            problem = "runs nothing; trials, seed, jobs, until, max_trials and names go without it"
            raise InputError(problem, key="by")
        return compare_points(
            sides[0], by, reference=reference, band=band, correction=correction,
            metrics=metrics, progress=progress,
        )  # fmt: skip
    given = [side for side in sides if isinstance(side, Scenario | Result)]
    labels = _labels(given, names)
    first = _place(labels, reference)
    given.insert(0, given.pop(first))
    labels.insert(0, labels.pop(first))
    check_stops(labels, [_scenario(side) for side in given])
    begin = trials or _scenario(given[0]).trials
    most = max(MAX_TRIALS, begin) if max_trials is None else max_trials
    sizes = looks(begin, most) if until == DECIDED else [begin]
    check_memory(sizes[-1], len(given))
    contest = _Contest(labels, given, seed, jobs, progress)
    return _looked(contest, sizes, band, correction, metrics)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after looks that hold nevertheless: what the last of them `compared`."""

    def __init__(self, compared: Compared) -> None:
        super().__init__()
        self.compared = compared


def _looked(
    contest: _Contest, sizes: Sequence[int], band: float, correction: str, metrics: Sequence[str]
) -> Compared:
    """The comparison at the first of these numbers of trials at which it is settled, or the last.

    Raises InputError where none of the metrics is measured, and Interrupted after the first look.
    """
    chosen = known.choose(metrics) if metrics else None
    planned = len(sizes)
    compared: Compared | None = None
    results: list[Result] = []
    try:
        for look, size in enumerate(sizes, 1):
            more = contest.upto(size)
            trials = [Trials.of(result) for result in more]
            found = interruptible(partial(against_first, trials, chosen, ALPHA / planned))
            judged = judge(found, band=band, correction=correction, looks=planned)
            if not any(judged):
                raise known.nothing_of(metrics)
            first, *others = contest.names
            duels = tuple(
                Duel(name, {}, one.trials, one.paired, tuple(rows))
                for name, one, rows in zip(others, found, judged, strict=True)
            )
            tests = sum(one.tests for one in found)
            said = (band, correction, tests, look, planned, tuple(metrics))
            compared, results = Compared(first, (), duels, *said), more
            if compared.is_settled:
                break
    except KeyboardInterrupt:
        if compared is None:
            raise
        raise Interrupted(_with_sides(compared, contest.names, results)) from None
    assert compared is not None
    return _with_sides(compared, contest.names, results)


def _with_sides(compared: Compared, names: Sequence[str], results: Sequence[Result]) -> Compared:
    return replace(compared, sides=tuple(map(_side, names, results)))


def check_options(band: float, correction: str, until: str | None) -> None:
    """Raise InputError for what is out of range."""
    if not (band >= 0 and math.isfinite(band)):
        raise InputError(f"{band}: must be a share of the reference, 0 or above", key="band")
    if correction not in CORRECTIONS:
        raise InputError(f"{correction}: must be one of {', '.join(CORRECTIONS)}", key="correction")
    if until not in (None, DECIDED):
        raise InputError(f"{until}: must be {DECIDED}", key="until")


def against_first(
    sides: Sequence[Trials],
    chosen: known.Chosen | None,
    alpha: float = ALPHA,
    paired: bool | None = None,
) -> list[Found]:
    """How far each side is from the first."""
    return [find(sides[0], side, paired=paired, chosen=chosen, alpha=alpha) for side in sides[1:]]


def looks(trials: int, most: int) -> list[int]:
    """The numbers of trials at which one looks: twice as many each time, up to `most`.

    They are known beforehand: what is found does not choose at which numbers one looks, only where
    it ends.
    """
    if most < trials:
        raise InputError(f"{most}: must be at least the {trials:,} trials of the first look",
                         key="max_trials")  # fmt: skip
    sizes = [trials]
    while 2 * sizes[-1] < most:
        sizes.append(2 * sizes[-1])
    return sizes if sizes[-1] == most else [*sizes, most]


class _Contest:
    """The runs of all sides, which grow together."""

    def __init__(
        self,
        names: Sequence[str],
        sides: Sequence[Scenario | Result],
        seed: int | None,
        jobs: int | None,
        progress: Progress | None,
    ) -> None:
        self.names = list(names)
        self.sides = list(sides)
        self.seed = _scenario(sides[0]).seed if seed is None else seed
        self.jobs = jobs
        self.report = progress or (lambda done, total: None)

    def upto(self, size: int) -> list[Result]:
        """The results with so many trials each; a result given may have more."""
        done = sum(side.trials for side in self.sides if isinstance(side, Result))
        total = sum(max(size, _scenario(side).trials) if isinstance(side, Result) else size
                    for side in self.sides)  # fmt: skip
        grown: list[Result] = []
        for i, side in enumerate(self.sides):
            before = done

            def report(more: int, _: int, before: int = before) -> None:
                self.report(before + more, total)

            if isinstance(side, Scenario):
                grown.append(run(side, size, self.seed, self.jobs, report))
                done += size
            elif size > side.trials:
                grown.append(side.extended(size, self.jobs, report))
                done += size - side.trials
            else:
                grown.append(side)
            self.sides[i] = grown[i]
            self.report(done, total)
        return grown


def _scenario(side: Scenario | Result) -> Scenario:
    return side.scenario if isinstance(side, Result) else side


def _side(name: str, result: Result) -> Side:
    return Side(
        name,
        result.trials,
        result.seed,
        result.censored,
        result.violations,
        result.digest,
        result,
    )


def _labels(sides: Sequence[Scenario | Result], names: Sequence[str]) -> list[str]:
    if len(sides) < 2:
        raise InputError(f"{len(sides)} to compare: give at least two", key="compare")
    labels = [*names] or [_scenario(side).name for side in sides]
    if not names and (len({*labels}) < len(labels) or not all(labels)):
        labels = [f"side {i}" for i in range(1, len(sides) + 1)]
    if len(labels) != len(sides):
        raise InputError(f"{len(labels)} names of {len(sides)} sides", key="names")
    for name in labels:
        if labels.count(name) > 1:
            raise InputError(f"{name} stands twice: it would equal itself", key="compare")
    return labels


def _place(labels: Sequence[str], reference: str | None) -> int:
    if reference is None:
        return 0
    if reference not in labels:
        near = suggestion(reference, [*labels])
        meant = f"did you mean {near}? " if near else ""
        problem = f"{reference}: is none of those compared; {meant}they are {', '.join(labels)}"
        raise InputError(problem, key="reference")
    return labels.index(reference)


_RULES = {"leader": (), "followed": (), "stable": ("stable_ms",), "duration": ("duration_ms",)}


def check_stops(names: Sequence[str], scenarios: Sequence[Scenario]) -> None:
    """Raise InputError where trials end by rules that cannot be compared."""
    first = scenarios[0].stop
    for name, scenario in zip(names, scenarios, strict=True):
        for key in ("on", *_RULES[first.on]):
            mine, other = getattr(first, key), getattr(scenario.stop, key)
            if mine != other:
                problem = (
                    f"is {_plain(mine)} in {names[0]}, {_plain(other)} in {name}: trials that end "
                    f"by different rules cannot be compared; set it for all, such as "
                    f"-p stop.{key}={_plain(mine)}"
                )
                raise InputError(problem, key=f"stop.{key}")


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
