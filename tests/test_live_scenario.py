"""What a scenario says holds in `live`, too; by a clock that need not be waited for."""

from __future__ import annotations

from typing import Any

import pytest

from raftfast import live as room
from raftfast.links import Links
from raftfast.machine import Raft
from raftfast.parameters import block
from raftfast.scenario import Scenario

from .clocks import HAIL, VOTE, WON, Clock, at_ms, found, quick, run, said, when


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(room, "time", clock)
    return clock


def test_pre_vote_is_asked_first(engine: str, clock: Clock) -> None:
    result, lines = run(quick("protocol.pre_vote=on"), engine, 5, 1)
    assert said(lines, "timed out, asks for pre-votes for term") >= result["elections"] >= 4
    assert said(lines, "pre-vote won, campaigns for term") >= result["elections"]
    assert said(lines, "timed out, campaigns for term") == 0


def test_each_server_is_what_the_scenario_says(
    engine: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []

    def record(**choices: Any) -> Raft:
        made.append(choices)
        return Raft(**choices)

    monkeypatch.setattr(room, "Raft", record)
    scenario = quick(
        "cluster.nodes=4", "cluster.quorum=3", "cluster.down=[1]", "cluster.log=[7, 9, 9, 2]",
        "timeouts.timer=keep", "timeouts.candidate_ms=[30, 40]", "protocol.pre_vote=on",
        "protocol.step_down_timer=redraw",
    )  # fmt: skip
    run(scenario, engine, 0.01, seed=5)
    alike = {
        "nodes": 4, "quorum": 3, "election_ms": (60, 120), "candidate_ms": (30, 40),
        "heartbeat_ms": 20, "timer": "keep", "pre_vote": True, "step_down_timer": "redraw",
        "term": 0, "voted_for": None, "seed": 5, "engine": engine, "now_ns": 5_000_000_000,
    }  # fmt: skip
    # Logs are compared, never counted: their ranks will do.
    assert made == [{"server": i, "log": log, **alike} for i, log in ((0, 1), (2, 2), (3, 0))]


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


@pytest.mark.parametrize("ordered", [False, True])
def test_messages_overtake_each_other_unless_ordered(engine: str, ordered: bool) -> None:
    scenario = quick("network.latency_ms={uniform=[0, 50]}", "network.duplicate=0.2")
    scenario = scenario.replace(**{"network.ordered": ordered})
    links = Links(block(scenario), 1, engine)
    arrivals = [arrival for i in range(200) for arrival in links.arrivals(0, 1, i * 1_000_000)]
    assert len(arrivals) > 220
    assert (arrivals == sorted(arrivals)) is ordered
    assert links.arrivals(1, 0, 0)[0] < 50_000_000


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
    scenario = quick("scenario.kind=leader-crash", f"scenario.crash_phase={phase}",
                     "network.latency_ms=7")  # fmt: skip
    result, lines = run(scenario, engine, 2)
    [crash] = [line for line in lines if line.endswith("leader of term 1, crashes")]
    crashed = int(crash.split("server ")[1][0])
    assert result["kills"] == 0
    assert result["leaders"][0][0] >= 2
    assert result["leaders"][0][1] != crashed
    assert {hit[0] for hit in found(HAIL, lines) if hit[2] == 1} == {0, 1, 2} - {crashed}
    assert said(lines, f"server {crashed}: is back, follower in term 1") == 1
    # The last broadcast leaves at the start; its delay is the link's, or none.
    hails = {time_ms - at_ms(lines[0]) for time_ms in when(lines, f"leader {crashed}, term 1")}
    assert hails == {7 if phase == "uniform" else 0}
    assert 0 <= at_ms(crash) - at_ms(lines[0]) < 20


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
