"""What people report in the threads of reference/systems.md, seen in the simulator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

import raftfast
from raftfast import InputError, Scenario, ready

PRE_VOTE = "protocol.pre_vote=on"
CHECK_QUORUM = "protocol.check_quorum=true"
STICKY = "protocol.sticky=min"


def means(scenario: Scenario, trials: int = 400) -> Mapping[str, float]:
    result = raftfast.run(scenario, trials)
    assert result.violations == 0
    return {name: float(np.mean(result.samples[name])) for name in result.samples}


def paper(name: str, *overrides: str) -> Mapping[str, float]:
    """The Raft paper's cluster in a ready scenario, of 60 timeouts of 300 ms or so."""
    return means(Scenario.preset("paper").under(name, overrides))


def test_drawing_at_each_tick_raises_collisions():
    """etcd-io/etcd#4887: compared with a new draw at every tick, early ticks are favoured, so that
    more servers campaign at once. Presets etcd-2.3 and etcd-3.4, one phase for all."""
    aligned = ["timeouts.tick_phase=aligned"]
    old, new = (
        raftfast.run(Scenario.preset(name, aligned), 20_000).samples["first_term_candidates"] > 1
        for name in ("etcd-2.3", "etcd-3.4")
    )
    # Some 0.48 against 0.19: fifty standard errors (of 0.005) apart.
    assert old.mean() - new.mean() > 10 * 0.005


def test_a_bridge_makes_leadership_go_to_and_fro_without_pre_vote():
    """openraft#2080: one server reaches both sides, and each side elects what the other deposes."""
    assert paper("bridge")["leader_changes"] > 10
    assert paper("bridge", PRE_VOTE)["leader_changes"] == 0


def test_pre_vote_with_check_quorum_leaves_a_connected_quorum_without_its_own_leader():
    """cockroachdb/cockroach#107060: servers that no longer hear the leader are a quorum with those
    that do, and cannot elect: the others are in its lease. It lasts as long as the partition."""
    cut = '[{do="block", from=0, to=[1, 2], at_ms=3000}]'
    # Server 0, whose log is the longest, leads; 1 to 4 all reach one another.
    base = [f"scenario.event={cut}", "cluster.log=[1, 0, 0, 0, 0]"]
    steady = ["scenario.kind=steady", "stop.duration_ms=18000"]
    held = means(Scenario.preset("paper", [*steady, *base, PRE_VOTE, CHECK_QUORUM]))
    assert held["leader_changes"] == 0
    assert held["campaigns"] == 0
    assert held["pre_campaigns"] > 20
    free = means(Scenario.preset("paper", [*steady, *base[:1], "cluster.log=equal"]).replace())
    assert free["leader_changes"] > 1


def test_a_server_that_rejoins_disrupts_without_pre_vote():
    """etcd's reason for pre-vote (Ongaro's dissertation, section 9.6): the term of a server that
    was cut off has grown, and deposes a leader that nobody missed."""
    plain, asked = (
        means(Scenario.preset("paper", [f"cluster.log={logs}"]).under("rejoin", [option]))
        # The last server's log is the shortest, so that it never leads.
        for logs in ("[1, 1, 1, 1, 0]",)
        for option in ("protocol.pre_vote=off", PRE_VOTE)
    )
    assert plain["leader_changes"] >= 1
    assert plain["unavailable_ms"] > 50
    assert asked["leader_changes"] == 0
    assert asked["unavailable_ms"] == 0


def test_a_deaf_server_is_endless_churn_that_check_quorum_alone_does_not_cure():
    """AvailSim's `BadRecv` (Ongaro's dissertation, chapter 9): one server sends and never
    receives."""
    logs = "cluster.log=[0, 1, 1, 1, 1]"  # the deaf server is not the leader, and cannot be
    churn = {
        options: paper("deaf", logs, *options)["leader_changes"]
        for options in ((), (PRE_VOTE,), (STICKY,), (CHECK_QUORUM,))
    }
    assert churn[()] > 10
    assert churn[CHECK_QUORUM,] > 10
    assert churn[PRE_VOTE,] == 0
    assert churn[STICKY,] == 0


@pytest.mark.parametrize("nodes", [3, 4, 5])
def test_the_gist_elects_two_leaders_in_one_term_where_its_number_is_even(nodes: int):
    """reference/seed.md, quirk 4: one vote short of a majority with 4 servers, right with 3 and 5.

    Run past the first leader, as two leaders of a term are found by the second.
    """
    overrides = [f"cluster.nodes={nodes}", "stop.on=duration", "stop.duration_ms=300000"]
    result = raftfast.run(Scenario.preset("gist-2015", overrides), 3000)
    assert ("a leader without a majority of votes" in result.broken) == (nodes == 4)
    assert ("two leaders in one term" in result.broken) == (nodes == 4)


@pytest.mark.parametrize("name", ["etcd-3.5", "consul", "tikv"])
def test_handing_leadership_over_costs_a_round_trip_instead_of_a_timeout(name: str):
    """Dissertation, section 3.10: the heir campaigns at once, and no lease or pre-vote is in its
    way (etcd, `raft.go`, campaignTransfer); three one-way delays, and nobody else campaigns."""
    steady = ["scenario.kind=steady", "stop.duration_ms=60000", "network.latency_ms=20"]
    event = '[{do="%s", at_ms=30000%s}]'
    handed, crashed = (
        means(Scenario.preset(name, [*steady, f"scenario.event={event % what}"]), 200)
        for what in (("transfer", ""), ("crash", ', who="leader"'))
    )
    assert handed["campaigns"] == handed["leader_changes"] == 1
    assert handed["needless_campaigns"] == handed["pre_campaigns"] == 0
    assert handed["detect_ms"] == pytest.approx(30020)
    # From the first leader's step down to the second's office: the vote's way back.
    assert handed["unavailable_ms"] == pytest.approx(20)
    assert crashed["unavailable_ms"] > 1000


def test_leadership_is_not_handed_to_a_shorter_log_nor_by_a_paused_leader():
    steady = ["scenario.kind=steady", "stop.duration_ms=1000"]
    transfer = '{do="transfer", at_ms=500, to=1}'
    shorter = [f"scenario.event=[{transfer}]", "cluster.log=[1, 0, 0]", "cluster.nodes=3"]
    assert means(Scenario.preset("paper", [*steady, *shorter]))["campaigns"] == 0
    pause = '{do="pause", at_ms=480, who=0, for_ms=40}'
    paused = [f"scenario.event=[{pause}, {transfer}]", "cluster.log=[1, 1, 0]", "cluster.nodes=3"]
    samples = raftfast.run(Scenario.preset("paper", [*steady, *paused])).samples
    # Server 0 or 1 leads: server 1 hands it to nobody, and server 0 is paused.
    assert not samples["leader_changes"].any()


def test_availability_is_the_share_of_time_with_a_leader():
    scenario = Scenario.preset("paper").under("rolling-restart")
    result = raftfast.run(scenario, 500)
    share = result.summary()["rates"]["availability"]
    without = result.samples["unavailable_ms"] / scenario.stop.duration_ms
    assert share["value"] == pytest.approx(1 - without.mean())
    half = 1.96 * without.std() / 500**0.5
    assert share["ci95"] == pytest.approx([share["value"] - half, share["value"] + half], rel=1e-4)
    assert "availability" not in raftfast.run(Scenario.preset("paper"), 10).summary()["rates"]


@pytest.mark.parametrize("name", ready.names())
def test_every_ready_scenario_goes_with_every_preset(name: str):
    for preset in ("default", "etcd-3.5", "consul", "tikv", "gist-2015", "figure16"):
        scenario = Scenario.preset(preset).under(name)
        assert raftfast.run(scenario, 3).samples["election_ms"].shape == (3,)
        assert ready.describe(name).endswith(".")


def test_a_ready_scenario_that_is_none_is_refused():
    with pytest.raises(InputError, match="did you mean bridge"):
        Scenario.preset("paper").under("bridg")
    with pytest.raises(InputError, match=r"needs cluster\.nodes of 3 or more, not 2"):
        Scenario.from_dict({"cluster": {"nodes": 2}}).under("bridge")
