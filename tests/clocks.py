"""A clock to lend to `live`, a scenario to run by it, and ways to read what it writes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from raftfast.live import live
from raftfast.scenario import Scenario

LINE = re.compile(r"^\d\d:\d\d:\d\d\.\d{3}  (cluster|server \d+): \S")
VOTE = re.compile(r"server (\d+): votes for server (\d+), term (\d+)$")
HAIL = re.compile(r"server (\d+): All hail leader (\d+), term (\d+)$")
WON = re.compile(r"server (\d+): Election won\. Tally: (\d+) of (\d+), term (\d+), (\d+) ms after")


def quick(*overrides: str) -> Scenario:
    """Three servers in a hurry."""
    tables = {
        "cluster": {"nodes": 3},
        "timeouts": {"election_ms": [60, 120], "heartbeat_ms": 20},
        "network": {"latency_ms": {"uniform": [0.2, 1.0]}},
    }
    return Scenario.from_dict(tables, overrides=overrides)


@dataclass
class Clock:
    """A clock that only sleeping moves; it can be interrupted as by Ctrl-C."""

    now_ns: int = 5_000_000_000
    naps: list[float] = field(default_factory=list)
    interrupt_after_s: float = 1e12

    def monotonic_ns(self) -> int:
        return self.now_ns

    def time(self) -> float:
        return self.now_ns / 1e9

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.naps.append(seconds)
        self.now_ns += round(seconds * 1e9)
        if sum(self.naps) > self.interrupt_after_s:
            raise KeyboardInterrupt


def run(
    scenario: Scenario,
    engine: str | None,
    duration_s: float | None = None,
    kill_leader_every_s: float | None = None,
    seed: int = 1,
) -> tuple[dict[str, Any], list[str]]:
    """What `live` returns, and the lines it wrote."""
    lines: list[str] = []
    result = live(scenario, duration_s, kill_leader_every_s, lines.append, seed=seed, engine=engine)
    assert all(LINE.match(line) for line in lines)
    return result, lines


def found(pattern: re.Pattern[str], lines: list[str]) -> list[tuple[int, ...]]:
    hits = (pattern.search(line) for line in lines)
    return [tuple(map(int, hit.groups())) for hit in hits if hit]


def at_ms(line: str) -> int:
    """The time of a line, in ms since midnight."""
    hours, minutes, seconds = line.partition("  ")[0].split(":")
    return round((int(hours) * 60 + int(minutes)) * 60_000 + float(seconds) * 1000)


def when(lines: list[str], words: str) -> list[int]:
    return [at_ms(line) for line in lines if words in line]


def said(lines: list[str], words: str) -> int:
    return sum(words in line for line in lines)
