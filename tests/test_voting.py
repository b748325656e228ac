"""Rules of voting beyond the paper, each where its effect can be told exactly."""

from __future__ import annotations

import numpy as np
import pytest

import raftfast
from raftfast import InputError, Scenario

# Server 0 times out first, at 100 ms; the others long after; 10 ms a message.
ONE_BY_ONE = {
    "timeouts": {"election_ms": 1000, "server": [{"id": 0, "election_ms": 100}]},
    "network": {"latency_ms": 10},
}


def elected_ms(tables: dict[str, object], *overrides: str) -> float:
    scenario = Scenario.from_dict({**ONE_BY_ONE, **tables}, overrides=overrides)
    result = raftfast.run(scenario, 2)
    assert result.violations == 0
    took: np.ndarray = result.samples["election_ms"]
    assert (took == took[0]).all()
    return float(took[0])


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ((), 120.0),
        # All four answers are there at the same time; with one down, the timeout decides: at its
        # end a candidate with a quorum takes office.
        (("protocol.wait_for=all",), 120.0),
        (("protocol.wait_for=all", "cluster.down=[4]"), 200.0),
        # Server 0 has the highest priority and waits for nobody; with the lowest, for all.
        (("protocol.wait_for=higher", "cluster.down=[4]"), 120.0),
        (
            ("protocol.wait_for=higher", "cluster.down=[4]", "protocol.priorities=[1,2,3,4,5]"),
            200.0,
        ),
        # A write of 30 ms by everyone: the own before the request, the voters' before the answer.
        (("node.persist_ms=30",), 180.0),
        (("node.persist_ms=30", "node.candidacy=overlapped"), 150.0),
        # Of a slow candidate and quick voters only the round trip is left to wait for.
        (("node.persist={candidate=30}", "node.candidacy=overlapped"), 130.0),
        # The own vote is not written before 100 + 30 ms, whenever the answers are there.
        (("node.persist={candidate=5}", "node.candidacy=overlapped"), 120.0),
        # A witness lets its timeout pass; the others follow a second later.
        (("cluster.witnesses=[0]", "cluster.down=[1, 2]"), None),
    ],
)
def test_when_the_leader_takes_office(overrides: tuple[str, ...], expected: float | None) -> None:
    if expected is None:
        # Two of five are down; 3 and 4 split the vote at 1000 ms until the end of time.
        scenario = Scenario.from_dict(ONE_BY_ONE, overrides=overrides)
        assert raftfast.run(scenario, 2).samples["censored"].all()
    else:
        overrides = (*overrides, "timeouts.candidate_ms=100")
        assert elected_ms({}, *overrides) == expected


def test_a_witness_votes_and_never_leads() -> None:
    scenario = Scenario.from_dict({"cluster": {"witnesses": [0, 1]}})
    result = raftfast.run(scenario, 2000)
    assert set(np.unique(result.samples["leader"])) == {2.0, 3.0, 4.0}
    crashed = raftfast.run(scenario.replace(**{"scenario.kind": "leader-crash"}), 2000)
    assert set(np.unique(crashed.samples["leader"])) == {2.0, 3.0, 4.0}
    with pytest.raises(InputError, match="or nobody could lead"):
        scenario.replace(**{"cluster.down": [2, 3, 4]})


# Members that do not vote.


@pytest.mark.parametrize("kind", ["cold-start", "leader-crash"])
@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("protocol.pre_vote=on", "protocol.sticky=min", "network.loss=0.2"),
        ("protocol.wait_for=all", "protocol.repoll_ms=7", "network.loss=0.3"),
        ("protocol.wait_for=higher", "protocol.on_rejection=follower"),
        ("cluster.quorum=gist", "timeouts.backoff=rejections"),
        ("protocol.priority=decay", "protocol.priorities=[3, 2, 1, 9, 9]"),
    ],
)
def test_learners_change_nothing_in_an_election(
    kind: str, overrides: tuple[str, ...], engine: str
) -> None:
    """Three voters elect as if the two learners were not there, to the last message."""
    trials = 300
    crowded, alone = (
        Scenario.from_dict(
            {"scenario": {"kind": kind}, "timeouts": {"election_ms": [150, 170]}, **tables},
            overrides=[text.replace(*swap) for text in overrides],
        )
        for tables, swap in (
            ({"cluster": {"nodes": 5, "learners": [3, 4]}}, ("", "")),
            ({"cluster": {"nodes": 3}}, (", 9, 9]", "]")),
        )
    )
    assert (
        raftfast.run(crowded, trials, engine=engine).digest
        == raftfast.run(alone, trials, engine=engine).digest
    )


def test_a_learner_follows_and_never_leads() -> None:
    """With the shortest timeout, the longest log and the highest priority. Server 4 asks at 1000 ms
    the four others that have a vote."""
    tables = {
        **ONE_BY_ONE,
        "cluster": {"nodes": 6, "learners": [0], "log": [9, 1, 1, 1, 1, 1]},
        "timeouts": {
            "election_ms": 3000,
            "server": [{"id": 0, "election_ms": 100}, {"id": 4, "election_ms": 1000}],
        },
        "protocol": {"wait_for": "higher", "priorities": [9, 1, 1, 1, 5, 1]},
        "stop": {"on": "followed"},
    }
    samples = raftfast.run(Scenario.from_dict(tables), 2).samples
    assert samples["detect_ms"][0] == 1000
    assert samples["election_ms"][0] == 1020
    # Its heartbeat reaches the learner, too: four votes, five appends, and an answer each.
    assert samples["followed_ms"][0] == 1030
    assert samples["messages"][0] == 2 * 4 + 2 * 5
    assert samples["leader"][0] == 4


@pytest.mark.parametrize(("cut", "resigns"), [([1, 2, 3], True), ([1, 2], True), ([3], False)])
def test_answers_of_learners_keep_no_leader_in_office(cut: list[int], resigns: bool) -> None:
    """Server 0 leads 1 and 2; 3, 4 and 5 learn: a majority of six is no quorum of three."""
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": 6, "learners": [3, 4, 5], "log": [1, 0, 0, 9, 0, 0]},
            "protocol": {"check_quorum": True},
            "scenario": {
                "kind": "steady",
                "event": [{"do": "block", "from": cut, "to": [0], "one_way": True, "at_ms": 500}],
            },
            "stop": {"duration_ms": 2000},
        }
    )
    changes = raftfast.run(scenario, 50).samples["unavailable_ms"]
    assert (changes > 0).all() if resigns else (changes == 0).all()


def test_any_server_that_runs_may_be_the_one_at_random() -> None:
    """An event's "random" is a learner as soon as another: one of three crashes of a lone voter's
    cluster hits the voter, six standard errors wide."""
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": 3, "learners": [0, 1]},
            "scenario": {
                "kind": "steady",
                "event": [{"do": "crash", "who": "random", "at_ms": 100}],
            },
            "stop": {"duration_ms": 500},
        }
    )
    hit = raftfast.run(scenario, 3000).samples["unavailable_ms"] > 0
    assert abs(hit.mean() - 1 / 3) < 6 * np.sqrt(2 / 9 / 3000)


# Leases of servers with ranges of their own.


@pytest.mark.parametrize("rule", ["protocol.pre_vote=on", "protocol.sticky=min"])
@pytest.mark.parametrize(
    "clock",
    [(), ("timeouts.tick_ms=10", "timeouts.tick_phase=aligned"), ("node.drift_ppm=1",)],
)
@pytest.mark.parametrize(
    ("own", "votes"), [(None, False), ([300, 2000], True), ([600, 2000], False)]
)
def test_a_voter_holds_its_lease_by_its_own_minimum(
    rule: str, clock: tuple[str, ...], own: list[float] | None, votes: bool, engine: str
) -> None:
    """Server 0 asks it 500 ms after the last heartbeat; both wait their maximum, and of the third,
    the crashed leader, there is no help. Where nothing is said its minimum is 1500 ms."""
    server = [] if own is None else [{"id": 1, "election_ms": own}]
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": 3, "log": [1, 1, 2]},
            "timeouts": {
                "election_ms": [1500, 2000],
                "heartbeat_ms": 20,
                "timer": "fixed",
                "server": [{"id": 0, "election_ms": [400, 500], "candidate_ms": 2000}, *server],
            },
            "network": {"latency_ms": 1},
            "scenario": {"kind": "leader-crash", "crash_phase": "synchronised"},
            "stop": {"limit_ms": 590},
        },
        overrides=[rule, *clock],
    )
    elected = raftfast.run(scenario, 20, engine=engine).samples["censored"] == 0
    assert elected.all() if votes else not elected.any()


@pytest.mark.parametrize(("own", "resigns"), [([90, 95], True), ([900, 950], False)])
def test_a_leader_checks_its_quorum_by_its_own_minimum(own: list[float], resigns: bool) -> None:
    """Its followers' answers are late by 200 ms, which is too long for the first."""
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": 3, "log": [1, 0, 0]},
            "timeouts": {
                "election_ms": [400, 500],
                "heartbeat_ms": 50,
                "server": [{"id": 0, "election_ms": own, "candidate_ms": [400, 500]}],
            },
            "protocol": {"check_quorum": True},
            "scenario": {
                "kind": "steady",
                "event": [
                    {"do": "block", "from": [1, 2], "to": [0], "one_way": True, "at_ms": 300,
                     "for_ms": 200}
                ],
            },
            "stop": {"duration_ms": 600},
        }
    )  # fmt: skip
    unavailable = raftfast.run(scenario, 50).samples["unavailable_ms"]
    assert (unavailable > 0).all() if resigns else (unavailable == 0).all()
