"""What surrounds the engine: runs to their summaries, comparisons, sweeps."""

from __future__ import annotations

import pytest

import raftfast
from bench.sweep import tables
from raftfast import Scenario, Spec
from raftfast.comparison import Trials, compare

TRIALS = 100_000
C0 = Scenario.from_dict({})


def bench_run(timed):
    timed(lambda: raftfast.run(C0, TRIALS, jobs=1), group="results", units=TRIALS, unit="trial")


def bench_digest_and_summary(timed):
    def summarise(result: raftfast.Result) -> None:
        result.digest  # noqa: B018 - worked out when it is first asked for
        result.summary()

    def fresh() -> None:
        summarise(raftfast.run(C0, TRIALS, jobs=1))

    timed(fresh, group="results", units=TRIALS, unit="trial")


@pytest.mark.parametrize("paired", [True, False], ids=["paired", "unpaired"])
def bench_compare(timed, paired):
    first, other = (
        Trials.of(raftfast.run(Scenario.from_dict({"network": {"loss": loss}}), TRIALS, jobs=1))
        for loss in (0.0, 0.01)
    )
    timed(lambda: compare(first, other, paired=paired), group="results", unit="comparison")


def bench_read_spec(timed):
    """From tables to points that are known to be valid."""
    points = 1400

    def read() -> None:
        Spec.from_dict(tables(points, 100)).validate()

    timed(read, group="sweeps", units=points, unit="point")


@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize("points", [14, 1400])
def bench_sweep(timed, points, executor):
    """Points of 100 trials like C0, kept in memory; few show what it takes to begin and end."""
    of = Spec.from_dict(tables(points, 100))

    def run() -> None:
        raftfast.sweep(of, jobs=1, executor=executor).close()

    timed(run, group="sweeps", units=points, unit="point")
