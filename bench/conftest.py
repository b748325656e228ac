"""What the suites share: how an engine, or anything else, is timed, and the table at the end.

Wall times are advice: they drift with the machine. The gate is bench/instructions.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from raftfast import Scenario
from raftfast import engine as engines
from raftfast.batch import Worker
from raftfast.parameters import block

ROUNDS = 7
EVENTS_A_ROUND = {"compiled": 200_000, "python": 4_000}
"""Rounds of 20 ms or so. Events, not seconds, so that every run of a suite does the same work."""

_PROBED = 20
_SEED = 1
_TRIALS_MAX = 100_000


class Line(NamedTuple):
    """A row of the table: seconds a unit, their spread (interquartile), and events a unit."""

    group: str
    name: str
    unit: str
    seconds: float
    spread: float
    events: float


_lines = pytest.StashKey[list[Line]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_lines] = []


@pytest.fixture
def timed(request: pytest.FixtureRequest, benchmark: Any) -> Callable[..., None]:
    """Time a function which does so many units of work; it is called ROUNDS + 1 times."""

    def time(
        function: Callable[..., Any],
        *arguments: Any,
        group: str,
        units: int = 1,
        unit: str = "call",
        events: float = 0.0,
    ) -> None:
        benchmark.group = group
        benchmark.extra_info.update(units=units, unit=unit, events=events)
        benchmark.pedantic(function, arguments, rounds=ROUNDS, warmup_rounds=1)
        if benchmark.stats is None:  # --benchmark-disable: it was called once
            return
        stats = benchmark.stats.stats
        name = request.node.name.removeprefix("bench_")
        seconds = stats.median / units
        line = Line(group, name, unit, seconds, stats.iqr / stats.median, events / units)
        request.config.stash[_lines].append(line)

    return time


@pytest.fixture
def elections(timed: Callable[..., None]) -> Callable[..., None]:
    """Time trials of a scenario on one worker, as many as have about EVENTS_A_ROUND events."""

    def time(scenario: Scenario, group: str, engine: str | None = None) -> None:
        backend = engine or engines.name()
        worker = Worker(block(scenario), backend)
        events = worker.run(_SEED, 0, _PROBED)[1] / _PROBED
        trials = max(1, min(_TRIALS_MAX, round(EVENTS_A_ROUND[backend] / max(events, 1.0))))
        events = worker.run(_SEED, 0, trials)[1]
        timed(worker.run, _SEED, 0, trials, group=group, units=trials, unit="trial", events=events)

    return time


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Medians of ROUNDS rounds."""
    lines = config.stash[_lines]
    groups = dict.fromkeys(line.group for line in lines)
    for group in groups:
        terminalreporter.section(group)
        of_group = [line for line in lines if line.group == group]
        width = max(len(line.name) for line in of_group)
        for line in of_group:
            terminalreporter.write_line(f"{line.name:{width}}  {_told(line)}")


def _told(line: Line) -> str:
    time = f"{_duration(line.seconds):>10} a {line.unit} +- {100 * line.spread:3.0f} %"
    rate = f"{1 / line.seconds:14,.0f} {line.unit}s/s" if line.seconds < 0.1 else ""
    an_event = f"{1e9 * line.seconds / line.events:9,.0f} ns an event" if line.events else ""
    return f"{time}{rate}{an_event}"


def _duration(seconds: float) -> str:
    for scale, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}" if seconds < 1000 * scale else f"{seconds:.0f} s"
    return f"{seconds / 1e-9:.3g} ns"
