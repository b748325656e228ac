"""`live`: servers on the real clock; most tests lend it one that need not be waited for."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from raftfast import live as room
from raftfast.errors import InputError
from raftfast.live import live

from .clocks import HAIL, VOTE, WON, Clock, at_ms, found, quick, run, said, when


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(room, "time", clock)
    return clock


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


def test_the_killed_come_back_as_they_were(engine: str, clock: Clock) -> None:
    """With the term they led, when the next leader is in office, or after 120 ms at the latest."""
    for tight in ("[]", "[2]"):
        _, lines = run(quick(f"cluster.down={tight}"), engine, 10, 0.5)
        back = re.compile(r"server (\d+): is back, follower in term (\d+)$")
        gone = re.compile(r"server (\d+): leader of term (\d+), crashes")
        crashes, returns = found(gone, lines), found(back, lines)
        assert len(crashes) > 10
        assert returns == crashes[: len(returns)]
        assert len(crashes) - len(returns) in (0, 1)
        offices = set(when(lines, ": leads, term"))
        times = zip(when(lines, ", crashes after"), when(lines, ": is back"), strict=False)
        for crashed_ms, back_ms in times:
            assert back_ms in offices or back_ms - crashed_ms == 120
            assert back_ms - crashed_ms <= 120


def test_a_second_absence_is_not_cut_short_by_the_first(engine: str, clock: Clock) -> None:
    """Leaders that fall at once, under timeouts that differ much: some fall twice in 200 ms."""
    scenario = quick("timeouts.election_ms=[5, 200]", "timeouts.heartbeat_ms=4")
    _, lines = run(scenario, engine, 20, 0.002)
    offices = set(when(lines, ": leads, term"))
    gone: dict[str, int] = {}
    twice = 0
    for line in lines:
        server = line.partition("  ")[2].partition(":")[0]
        if ", crashes after" in line:
            twice += at_ms(line) - gone.get(server, -1000) < 200
            gone[server] = at_ms(line)
        elif ": is back" in line:
            assert at_ms(line) in offices or 199 <= at_ms(line) - gone[server] <= 201
    assert twice > 5


def test_a_restart_draws_other_timeouts(engine: str, clock: Clock) -> None:
    _, lines = run(quick("cluster.nodes=1"), engine, 10, 0.1)
    starts = [at_ms(lines[0]), *when(lines, ": is back")]
    waits = [b - a for a, b in zip(starts, when(lines, "timed out"), strict=False)]
    assert len(waits) > 20
    assert all(60 <= wait <= 120 for wait in waits)
    assert len(set(waits)) > 10


def test_a_leader_that_was_deposed_is_not_killed_in_its_next_office(
    engine: str, clock: Clock
) -> None:
    """Offices end early where many messages are lost; a kill is for one office alone."""
    scenario = quick("network.loss=0.4", "timeouts.heartbeat_ms=30", "network.latency_ms=2")
    result, lines = run(scenario, engine, 30, 0.2)
    assert said(lines, "steps down as leader of term") > 20
    assert result["elections"] > result["kills"] + 20
    assert result["kills"] == said(lines, "crashes after 0.2 s in office") > 20


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


@pytest.mark.parametrize(
    ("override", "right"),
    [("cluster.learners=[2]", "[]"), ("node.persistence=none", '"durable"')],
)
def test_members_and_discs_that_it_does_not_have_are_refused(override: str, right: str) -> None:
    key = override.partition("=")[0]
    with pytest.raises(InputError, match=rf"^{re.escape(key)}: .*must be {re.escape(right)}$"):
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
