"""`live`: servers on the real clock; most tests lend it one that need not be waited for."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from raftfast import live as room
from raftfast.errors import InputError
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

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now_ns += round(seconds * 1e9)
        if sum(self.naps) > self.interrupt_after_s:
            raise KeyboardInterrupt


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    lent = SimpleNamespace(monotonic_ns=clock.monotonic_ns, sleep=clock.sleep)
    monkeypatch.setattr(room, "time", lent)
    return clock


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


def said(lines: list[str], words: str) -> int:
    return sum(words in line for line in lines)


# The real clock.


def test_a_second_of_real_time_elects_a_leader_that_is_followed() -> None:
    """It takes as long as it says, and sleeps while there is nothing to do."""
    began, worked = time.monotonic(), time.process_time()
    result, lines = run(quick(), None, 1.0)
    assert 1.0 <= time.monotonic() - began < 2.0
    assert time.process_time() - worked < 0.5
    assert result["elections"] == len(result["leaders"]) >= 1
    assert result["violations"] == result["kills"] == 0
    # A machine that stalls for longer than a timeout may elect again: half of what is due will do.
    assert result["heartbeats_followed"] > 40
    term, winner = result["leaders"][0]
    assert {(leader, when) for _, leader, when in found(HAIL, lines)} >= {(winner, term)}


def test_a_killed_leader_is_replaced_in_real_time() -> None:
    result, lines = run(quick(), None, 1.0, 0.2)
    assert result["kills"] >= 2
    assert result["elections"] >= result["kills"]
    terms = [term for term, _ in result["leaders"]]
    assert terms == sorted(set(terms))
    assert result["violations"] == 0
    assert said(lines, "crashes after 0.2 s in office") == result["kills"]


# A clock that is lent.


def test_without_kills_one_leader_stays(engine: str, clock: Clock) -> None:
    result, lines = run(quick(), engine, 10)
    [[term, winner]] = result["leaders"]
    assert result["elections"] == 1
    assert result["duration_s"] == pytest.approx(10, abs=1e-6)
    assert sorted(found(HAIL, lines)) == [(i, winner, term) for i in range(3) if i != winner]
    won = found(WON, lines)
    assert [hit[:4] for hit in won] == [(winner, 2, 3, term)]
    assert 0 <= won[0][4] <= 2
    # Two followers, 50 heartbeats a second each, but for the first 0.06 to 0.12 s and a round.
    assert 2 * 50 * 9.8 <= result["heartbeats_followed"] <= 2 * 50 * 9.94 + 2
    assert said(lines, "100 heartbeats followed in the last second") == 9
    # Nobody wakes for nothing: at most a nap for every message, timer and report.
    assert len(clock.naps) <= 2 * result["heartbeats_followed"] + 50 * 10 + 50


def test_after_each_kill_another_leader_is_elected(engine: str, clock: Clock) -> None:
    result, lines = run(quick(), engine, 20, 1)
    terms = [term for term, _ in result["leaders"]]
    assert terms == sorted(set(terms))
    assert result["kills"] >= 15
    assert result["elections"] - result["kills"] in (0, 1)
    for (_, before), (_, after) in zip(result["leaders"], result["leaders"][1:], strict=False):
        assert before != after
    assert said(lines, "crashes after 1.0 s in office, ") == result["kills"]
    # Everyone else hails each leader, the one that was killed before, too; the last may be new.
    hails = found(HAIL, lines)
    assert len(hails) == len(set(hails))
    for term, leader in result["leaders"][:-1]:
        assert {hit[0] for hit in hails if hit[1:] == (leader, term)} == {0, 1, 2} - {leader}


def test_a_server_comes_back_with_its_vote(engine: str, clock: Clock) -> None:
    """Votes are once a term, over all restarts and contested terms (the paper, section 5.2)."""
    scenario = quick("cluster.nodes=5", "timeouts.election_ms=[20, 24]", "timeouts.heartbeat_ms=5",
                     "network.latency_ms={uniform=[0, 8]}")  # fmt: skip
    result, lines = run(scenario, engine, 6, 0.1)
    votes = [(voter, term) for voter, _, term in found(VOTE, lines)]
    assert len(votes) == len(set(votes)) > 100
    assert result["violations"] == 0
    assert said(lines, "timed out without enough votes, campaigns for term") > 0
    assert said(lines, "gives up its campaign in term") > 0


def test_servers_that_are_down_never_run(engine: str, clock: Clock) -> None:
    """Three of five are left, none to spare: each kill waits for the killed to come back."""
    result, lines = run(quick("cluster.nodes=5", "cluster.down=[0, 3]"), engine, 10, 1)
    assert {leader for _, leader in result["leaders"]} <= {1, 2, 4}
    assert not any("server 0:" in line or "server 3:" in line for line in lines)
    assert result["kills"] >= 5
    assert lines[0].endswith(
        "3 of 5 servers run, election timeout 60 to 120 ms, heartbeat every 20 ms"
    )


def test_without_a_majority_nobody_leads(engine: str, clock: Clock) -> None:
    result, _ = run(quick("cluster.down=[0, 1]"), engine, 3)
    assert (result["elections"], result["heartbeats_followed"]) == (0, 0)


def test_a_server_alone_leads_and_is_left_in_peace(engine: str, clock: Clock) -> None:
    result, _ = run(quick("cluster.nodes=1"), engine, 10)
    assert (result["leaders"], result["heartbeats_followed"]) == ([[1, 0]], 0)
    assert len(clock.naps) < 15


def test_an_interrupt_ends_the_run_and_not_the_caller(engine: str, clock: Clock) -> None:
    clock.interrupt_after_s = 2.0
    result, lines = run(quick(), engine)
    assert result["elections"] == 1
    assert 2.0 <= result["duration_s"] < 2.1
    assert re.search(r"stopped after 2\.0 s; elections: 1, kills: 0, heartbeats", lines[-1])


# What the scenario says holds.


def test_pre_vote_is_asked_first(engine: str, clock: Clock) -> None:
    result, lines = run(quick("protocol.pre_vote=on"), engine, 5, 1)
    assert said(lines, "timed out, asks for pre-votes for term") >= result["elections"] >= 4
    assert said(lines, "pre-vote won, campaigns for term") >= result["elections"]
    assert said(lines, "timed out, campaigns for term") == 0


def test_latency_is_the_scenarios(engine: str, clock: Clock) -> None:
    """A vote takes two one-way latencies."""
    _, lines = run(quick("network.latency_ms=7"), engine, 1)
    assert found(WON, lines)[0][4] == 14


def test_links_and_loss_are_the_scenarios(engine: str, clock: Clock) -> None:
    """What is sent to server 2 is lost, so it never hears of a leader and campaigns on."""
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": 3},
            "timeouts": {"election_ms": [60, 120], "heartbeat_ms": 20},
            "protocol": {"pre_vote": "on"},
            "network": {"link": [{"from": [0, 1], "to": 2, "one_way": True, "loss": 1}]},
        }
    )
    result, lines = run(scenario, engine, 3)
    assert {leader for _, leader in result["leaders"]} <= {0, 1}
    assert not any(server == 2 for server, _, _ in found(HAIL, lines))
    assert said(lines, "server 2: timed out, asks for pre-votes for term 1") > 10


@pytest.mark.parametrize("ordered", ["true", "false"])
def test_lost_and_doubled_messages_do_no_harm(engine: str, clock: Clock, ordered: str) -> None:
    """Of 2 * 50 heartbeats a second 0.3 are lost, and 0.5 of the others come twice: 105."""
    scenario = quick("network.loss=0.3", "network.duplicate=0.5", f"network.ordered={ordered}",
                     "timeouts.election_ms=[300, 400]")  # fmt: skip
    result, lines = run(scenario, engine, 12)
    assert result["violations"] == 0
    votes = [(voter, term) for voter, _, term in found(VOTE, lines)]
    assert len(votes) == len(set(votes))
    # 1200 heartbeats, a deviation of 0.79 each: five standard errors, and half a second without.
    assert abs(result["heartbeats_followed"] - 12 * 105) < 5 * 0.79 * 1200**0.5 + 53


def test_only_the_longest_log_can_lead(engine: str, clock: Clock) -> None:
    """The paper, section 5.4.1: of 0, 1 and 2 entries, the shortest has no majority."""
    result, _ = run(quick("cluster.log=[5, 9, 9]"), engine, 20, 0.5)
    assert result["elections"] > 10
    assert {leader for _, leader in result["leaders"]} == {1, 2}


def test_distinct_logs_are_a_permutation(engine: str, clock: Clock) -> None:
    """Whoever has the log 0 of 0, 1, 2 never leads; who that is, the seed says."""
    never = set()
    for seed in range(4):
        result, _ = run(quick("cluster.log=distinct"), engine, 5, 0.3, seed=seed)
        never |= {0, 1, 2} - {leader for _, leader in result["leaders"]}
        assert len({leader for _, leader in result["leaders"]}) < 3
    assert len(never) > 1


@pytest.mark.parametrize("phase", ["uniform", "synchronised"])
def test_a_leader_crash_starts_without_its_leader(engine: str, clock: Clock, phase: str) -> None:
    scenario = quick("scenario.kind=leader-crash", f"scenario.crash_phase={phase}")
    result, lines = run(scenario, engine, 2)
    [crash] = [line for line in lines if line.endswith("leader of term 1, crashes")]
    crashed = int(crash.split("server ")[1][0])
    assert result["kills"] == 0
    assert result["leaders"][0][0] >= 2
    assert result["leaders"][0][1] != crashed
    assert {hit[0] for hit in found(HAIL, lines) if hit[2] == 1} == {0, 1, 2} - {crashed}
    assert said(lines, f"server {crashed}: is back, follower in term 1") == 1


def test_a_quorum_that_is_too_small_is_reported(engine: str, clock: Clock) -> None:
    """Two halves that do not hear each other, each enough for the gist's quorum."""
    halves = {"from": [0, 1], "to": [2, 3], "loss": 1}
    tables = {"cluster": {"nodes": 4, "quorum": 2}, "network": {"link": [halves]}}
    result, lines = run(Scenario.from_dict(tables), engine, 1)
    assert result["violations"] == said(lines, "SAFETY VIOLATED") == 1
    assert [term for term, _ in result["leaders"]] == [1, 1]


def test_the_same_seed_on_the_same_clock_is_the_same_run(
    both: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both engines, too; the clock is all that `live` does not draw."""
    runs = []
    for engine, seed in ((both[0], 3), (both[1], 3), (both[0], 4)):
        lent = Clock()
        monkeypatch.setattr(room, "time", lent)
        result, lines = run(quick("cluster.log=distinct"), engine, 5, 0.5, seed=seed)
        runs.append((result, [line.split("  ", 1)[1] for line in lines]))
    assert runs[0] == runs[1] != runs[2]


# What is refused.


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("timeouts.tick_ms=10", "timeouts.tick_ms"),
        ("node.drift_ppm=50", "node.drift_ppm"),
        ("node.process_ms=1", "node.process_ms"),
        ("node.persist_ms={uniform=[1, 2]}", "node.persist_ms"),
        ("node.persist.vote=1", "node.persist.vote"),
    ],
)
def test_what_the_real_clock_does_not_do_is_refused(override: str, key: str) -> None:
    with pytest.raises(InputError, match=rf"^{re.escape(key)}: .*must be 0$"):
        live(quick(override), 0.1)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_times_must_be_above_zero(value: float) -> None:
    for key, times in (("duration_s", (value, None)), ("kill_leader_every_s", (1.0, value))):
        with pytest.raises(InputError, match=rf"^{key}: value {value}: must be above 0"):
            live(quick(), *times)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5])
def test_a_seed_is_of_64_bits(seed: Any) -> None:
    with pytest.raises(InputError, match=r"^seed: value "):
        live(quick(), 0.1, seed=seed)
