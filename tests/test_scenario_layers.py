"""Layers of a scenario: which value wins, what pings and limits derive, and the round trip."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raftfast.distributions import Distribution
from raftfast.errors import InputError
from raftfast.scenario import Scenario

# Four requests, one answered: a quarter of the round trips, half of the one-way messages.
PING = """PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.
64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=8.00 ms

--- 10.0.0.2 ping statistics ---
4 packets transmitted, 1 received, 75% packet loss, time 3004ms
"""
MATRIX = "0,10,20\n10,0,30\n20,30,0\n"


def file(folder: Path, text: str, name: str = "wan.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_layers_overrule_key_by_key(tmp_path: Path) -> None:
    path = file(tmp_path, "preset = 'paper'\ncluster.nodes = 7\ntimeouts.heartbeat_ms = 20")
    scenario = Scenario.load(path, ["cluster.nodes=9", "seed=5", "cluster.nodes=11"])
    assert scenario.cluster.nodes == 11
    assert scenario.seed == 5
    assert scenario.timeouts.heartbeat_ms == 20.0
    assert scenario.scenario.kind == "leader-crash"
    assert scenario.timeouts.candidate_ms is None
    assert scenario == Scenario.from_dict(
        {"preset": "paper", "cluster": {"nodes": 11}, "timeouts": {"heartbeat_ms": 20}, "seed": 5}
    )


def test_preset_option_is_below_the_file(tmp_path: Path) -> None:
    path = file(tmp_path, "timeouts.heartbeat_ms = 20")
    scenario = Scenario.load(path, preset="paper")
    assert scenario == Scenario.preset("paper", ["timeouts.heartbeat_ms=20"])
    both = file(tmp_path, "preset = 'paper'", "both.toml")
    with pytest.raises(InputError, match=r"both.toml: preset: .*excludes --preset"):
        Scenario.load(both, preset="default")


def test_a_table_replaces_only_the_keys_it_names(tmp_path: Path) -> None:
    path = file(tmp_path, "[cluster]\nnodes = 7\ndown = [6]\n[node.persist]\nvote = 1\nterm = 2")
    scenario = Scenario.load(path, ["cluster={down=[5]}", "node.persist={vote=3}"])
    assert scenario.cluster.nodes == 7
    assert scenario.cluster.down == (5,)
    assert scenario.node.persist is not None
    assert scenario.node.persist.vote == Distribution("constant", (3.0,))
    assert scenario.node.persist.term == Distribution("constant", (2.0,))
    assert scenario.node.persist.lead == Distribution("constant", (0.0,))
    assert scenario.node.persist_ms is None
    assert scenario.to_dict()["node"]["persist"] == {
        "candidate": 0,
        "term": 2,
        "vote": 3,
        "lead": 0,
    }


def test_a_way_of_saying_replaces_the_other_of_a_lower_layer(tmp_path: Path) -> None:
    file(tmp_path, MATRIX, "regions.csv")
    matrix = file(tmp_path, "cluster.nodes = 3\nnetwork.matrix_ms = 'regions.csv'")
    scenario = Scenario.load(matrix)
    assert scenario.network.latency_ms is None
    assert scenario.network.matrix == ((0.0, 10.0, 20.0), (10.0, 0.0, 30.0), (20.0, 30.0, 0.0))
    assert "latency_ms" not in scenario.to_dict()["network"]
    halved = scenario.replace(**{"network.matrix_rtt_ms": tmp_path / "regions.csv"})
    assert halved.network.matrix_ms is None
    assert halved.network.matrix is not None
    assert halved.network.matrix[0] == (0.0, 5.0, 10.0)
    file(tmp_path, "0,1\n1,0\n", "two.csv")
    with pytest.raises(InputError, match=r"^replace: network.matrix_rtt_ms: value .*not of 2"):
        scenario.replace(**{"network.matrix_rtt_ms": tmp_path / "two.csv"})
    back = halved.replace(**{"network.latency_ms": 3})
    assert back.network.matrix is None
    assert back.network.matrix_rtt_ms is None
    assert back == Scenario.from_dict({"cluster": {"nodes": 3}, "network": {"latency_ms": 3}})
    once = Scenario.from_dict({"node": {"persist": {"vote": 1}}}, overrides=["node.persist_ms=4"])
    assert once.node.persist is None
    assert once.node.persist_ms == Distribution("constant", (4.0,))
    with pytest.raises(InputError, match=r"-p: cluster.nodes: value 5: .*\(5\) servers, not of 3"):
        Scenario.load(matrix, ["cluster.nodes=5"])


def test_a_number_may_begin_with_its_point() -> None:
    assert Scenario.from_dict({}, overrides=["network.loss=.25"]).network.loss == 0.25
    assert Scenario.from_dict({}, overrides=["node.process_ms=.5"]).node.process_ms.parameters == (
        0.5,
    )


def test_files_are_found_from_where_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    file(there, "one_way_ms\n1\n2\n", "s.csv")
    file(here, "one_way_ms\n3\n4\n", "s.csv")
    path = file(there, "network.latency_ms = { samples = 's.csv' }")
    monkeypatch.chdir(here)
    scenario = Scenario.load(path)
    assert scenario.network.latency_ms == Distribution("samples", (), values_ms=(1.0, 2.0))
    bare = Scenario.load(path, ["network.latency_ms={samples=s.csv, plus=1}"])
    assert bare.network.latency_ms == Distribution("samples", (), 1.0, values_ms=(3.0, 4.0))
    monkeypatch.chdir(tmp_path)
    assert Scenario.load("there/wan.toml") == scenario
    assert scenario.to_dict()["network"]["latency_ms"] == {"samples": str(there / "s.csv")}
    moved = scenario.layered({"network.latency_ms.samples": "s.csv"}, source=None, folder=here)
    assert moved.network.latency_ms == Distribution("samples", (), values_ms=(3.0, 4.0))
    # A scenario that was made stays what it is, whatever becomes of its files.
    (there / "s.csv").unlink()
    assert scenario.replace(seed=3).network == scenario.network


def test_files_of_events_are_found_from_anywhere(tmp_path: Path) -> None:
    file(tmp_path, "one_way_ms\n1\n2\n", "down.csv")
    crash = {"do": "crash", "who": 0, "at_ms": 9, "for_ms": {"samples": "down.csv"}}
    scenario = Scenario.from_dict({"scenario": {"event": [crash]}}, folder=tmp_path)
    assert Scenario.from_dict(scenario.to_dict(), folder="/") == scenario


def test_unanswered_pings_are_lost_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file(tmp_path, PING, "ping.txt")
    ping = {"latency_ms": {"ping": "ping.txt"}}

    def loss(*layers: dict[str, Any]) -> float:
        scenario = Scenario.from_dict({"network": layers[0]})
        for layer in layers[1:]:
            scenario = scenario.replace(network=layer)
        assert scenario.to_dict()["network"]["loss"] == scenario.network.loss
        return scenario.network.loss

    assert loss(ping) == 0.5
    assert loss({"loss": 0.1}, ping) == 0.5
    assert loss({**ping, "loss": 0.1}) == 0.1
    assert loss(ping, {"loss": 0.0}) == 0.0
    assert loss(ping, {"latency_ms": 3}) == 0.0
    mixed = {"mixture": [[0.75, 3], [0.25, {"ping": "ping.txt"}]]}
    assert math.isclose(loss({"latency_ms": mixed}), 0.125)
    thirds = {"mixture": [[1 / 3, 1], [1 / 3, 2], [1 / 3, 3]]}
    assert loss({"loss": 0.2}, {"latency_ms": thirds}) == 0.2


def test_unanswered_pings_of_a_link(tmp_path: Path) -> None:
    file(tmp_path, PING, "ping.txt")
    path = file(
        tmp_path,
        """
        [[network.link]]
        from = 0
        to = [1, 2]
        latency_ms = { ping = "ping.txt" }
        [[network.link]]
        from = 0
        to = 1
        one_way = true
        latency_ms = { ping = "ping.txt" }
        loss = 0
        """,
    )
    scenario = Scenario.load(path)
    first, second = scenario.network.link
    assert scenario.network.loss == 0.0
    assert (first.loss, second.loss) == (0.5, 0.0)
    assert list(first.pairs()) == [(0, 1), (0, 2), (1, 0), (2, 0)]
    assert list(second.pairs()) == [(0, 1)]
    assert scenario.to_dict()["network"]["link"][0] == {
        "from": 0,
        "to": [1, 2],
        "one_way": False,
        "latency_ms": {"ping": str(tmp_path / "ping.txt")},
        "loss": 0.5,
    }


def test_links_to_oneself_are_left_out() -> None:
    link = {"from": [0, 1], "to": [0, 1], "loss": 1}
    scenario = Scenario.from_dict({"network": {"link": [link]}})
    assert list(scenario.network.link[0].pairs()) == [(0, 1), (1, 0)]
    assert scenario.network.link[0].latency_ms is None


@pytest.mark.parametrize(
    ("stop", "limit_ms"),
    [
        ({}, 60_000),
        ({"on": "duration"}, 60_000),
        ({"on": "duration", "duration_ms": 90_000}, 90_000),
        ({"on": "leader", "duration_ms": 90_000}, 60_000),
        ({"on": "duration", "duration_ms": 10}, 60_000),
        ({"on": "stable", "stable_ms": 59_999}, 60_000),
        ({"on": "stable", "stable_ms": 60_000}, 120_000),
        ({"on": "stable", "stable_ms": 600, "limit_ms": 700}, 700),
    ],
)
def test_limit_leaves_room_for_what_is_waited_for(stop: dict[str, Any], limit_ms: int) -> None:
    assert Scenario.from_dict({"stop": stop}).stop.limit_ms == limit_ms


@pytest.mark.parametrize(
    ("tick_ms", "range_ms", "fits"),
    [
        (100, [1000, 2000], True),
        (100, [150, 200], False),
        (100, [150, 200.1], True),
        (100, [100, 150], True),
        (100, [50, 100], False),
        (100, 300, True),
        (100, 350, False),
        (0.1, 0.3, True),
        (0.1, [0.3, 0.35], True),
        (0.1, [0.25, 0.3], False),
        (1e-6, 1e9, True),
    ],
)
@pytest.mark.parametrize("key", ["election_ms", "candidate_ms"])
def test_a_timeout_must_hold_a_whole_number_of_ticks(
    tick_ms: float, range_ms: object, fits: bool, key: str
) -> None:
    timeouts = {"tick_ms": tick_ms, "election_ms": tick_ms, "candidate_ms": tick_ms, key: range_ms}
    if fits:
        assert Scenario.from_dict({"timeouts": timeouts}).timeouts.tick_ms == tick_ms
    else:
        with pytest.raises(InputError, match=f"timeouts.{key}: .*no whole number of ticks"):
            Scenario.from_dict({"timeouts": timeouts})


def test_what_is_legal_at_the_edge() -> None:
    alone = {"cluster": {"nodes": 5, "down": [4, 0, 1, 2]}, "scenario": {"kind": "leader-crash"}}
    cluster = Scenario.from_dict(alone).cluster
    assert cluster.running == (3,)
    assert cluster.down == (0, 1, 2, 4)
    assert Scenario.from_dict({"cluster": {"nodes": 1}}).cluster.votes_needed == 1
    assert Scenario.from_dict({"cluster": {"quorum": 2}}).cluster.votes_needed == 2
    assert Scenario.from_dict({"seed": 2**64 - 1}).seed == 2**64 - 1
    assert Scenario.from_dict({}, overrides=["trials=1e6"]).trials == 1_000_000
    assert Scenario.from_dict({"timeouts": {"election_ms": 150}}).timeouts.election_ms == (150, 150)
    lossy = Scenario.from_dict({"network": {"loss": 1, "duplicate": 1}})
    assert lossy.network.loss == lossy.network.duplicate == 1.0
    slow_heart = Scenario.from_dict({"timeouts": {"heartbeat_ms": 1e9}})
    assert slow_heart.timeouts.heartbeat_ms == 1e9


def test_a_preset_is_not_laid_over_a_scenario() -> None:
    with pytest.raises(InputError, match=r'^replace: preset: value "paper": .* begins with'):
        Scenario.from_dict({}).replace(preset="paper")


def test_null_unsets_candidate_ms_alone() -> None:
    parted = Scenario.from_dict({"timeouts": {"candidate_ms": [20, 40]}})
    assert parted.timeouts.candidate_range_ms == (20.0, 40.0)
    assert parted.replace(**{"timeouts.candidate_ms": None}) == Scenario.from_dict({})
    for key in ("timeouts.election_ms", "network.matrix_ms", "network.latency_ms", "cluster.log"):
        with pytest.raises(InputError, match=f"^replace: {key}: "):
            parted.replace(**{key: None})


def test_numpy_values_are_numbers() -> None:
    scenario = Scenario.from_dict({}).replace(
        **{"cluster.nodes": np.int64(7), "network.loss": np.float32(0.5),
           "timeouts.election_ms": np.array([100, 200])}
    )  # fmt: skip
    assert (scenario.cluster.nodes, scenario.network.loss) == (7, 0.5)
    assert json.dumps(scenario.to_dict()["timeouts"]["election_ms"]) == "[100, 200]"


def test_scenarios_are_values() -> None:
    scenario = Scenario.preset("paper", ["network.link=[{from=0,to=1,loss=0.5}]"])
    twin = pickle.loads(pickle.dumps(scenario))
    assert twin == scenario
    assert hash(twin) == hash(scenario)
    assert twin.replace(seed=9) == scenario.replace(seed=9) != scenario
    scenario.to_dict()["cluster"]["nodes"] = 99
    assert scenario.to_dict() == twin.to_dict()
    with pytest.raises(AttributeError):
        scenario.seed = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        scenario.cluster.nodes = 2  # type: ignore[misc]
    assert "paper" in repr(scenario)


def test_layered_names_its_source(tmp_path: Path) -> None:
    file(tmp_path, MATRIX, "regions.csv")
    values = {"cluster.nodes": 3, "network.matrix_ms": "regions.csv"}
    scenario = Scenario.from_dict({}).layered(values, source="sweep.toml", folder=tmp_path)
    assert scenario.network.matrix is not None
    with pytest.raises(InputError, match=r"^sweep.toml: network.loss: value 2: "):
        scenario.layered({"network.loss": 2}, source="sweep.toml", folder=tmp_path)


# A time is at most 10**9 ms, whatever is added to it.
ms = st.floats(1e-6, 1e9 - 9) | st.integers(1, 10**9 - 9)
share = st.floats(0, 1)
law = st.one_of(
    st.floats(0, 1e6),
    st.fixed_dictionaries({"exponential": ms}, optional={"plus": st.integers(0, 9)}),
    st.builds(lambda low: {"uniform": [low, 2 * low]}, st.floats(0, 1e6)),
    st.fixed_dictionaries(
        {"normal": st.just([5, 3]), "below": st.sampled_from(["redraw", "clamp"])}
    ),
    st.just({"mixture": [[0.25, {"lognormal": [2, 0.5]}], [0.75, {"pareto": [1, 3]}]]}),
    st.just({"ping": "ping.txt"}),
    st.just({"samples": "odd\"\\ näme'\x7f.csv"}),
)
link = st.builds(
    lambda ends, one_way, rest: {"from": ends[0], "to": list(ends[1:]), "one_way": one_way, **rest},
    st.permutations(range(4)),
    st.booleans(),
    st.sampled_from(["latency_ms", "loss", "duplicate"]).flatmap(
        lambda key: st.fixed_dictionaries({key: law if key == "latency_ms" else share})
    ),
)
some_range = ms.map(float) | st.tuples(ms, ms).map(sorted)
tables = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))),
        "seed": st.integers(0, 2**64 - 1),
        "trials": st.integers(1, 2**63 - 1),
        "cluster": st.fixed_dictionaries(
            {},
            optional={
                "nodes": st.integers(4, 1023),
                "down": st.lists(st.integers(0, 3), unique=True, max_size=3),
                "log": st.sampled_from(["equal", "distinct"]),
                "quorum": st.integers(1, 4),
            },
        ),
        "timeouts": st.fixed_dictionaries(
            {},
            optional={"election_ms": some_range, "candidate_ms": some_range, "heartbeat_ms": ms},
        ),
        "network": st.fixed_dictionaries(
            {}, optional={"latency_ms": law, "loss": share, "link": st.lists(link, max_size=3)}
        ),
        "node": st.one_of(
            st.fixed_dictionaries({}, optional={"persist_ms": law, "process_ms": law}),
            st.fixed_dictionaries(
                {"persist": st.fixed_dictionaries({}, optional={"vote": law, "lead": law})}
            ),
        ),
        "stop": st.builds(
            lambda on, wait: {"on": on, f"{on}_ms": wait}, st.sampled_from(["stable", "duration"]),
            st.floats(1, 1e8),
        ),
    },
)  # fmt: skip


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(written=tables)
def test_round_trip(written: dict[str, Any], tmp_path: Path) -> None:
    file(tmp_path, PING, "ping.txt")
    file(tmp_path, "1\n2\n", "odd\"\\ näme'\x7f.csv")
    scenario = Scenario.from_dict(written, folder=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    loaded = Scenario.load(file(elsewhere, scenario.to_toml()))
    assert loaded == scenario
    assert loaded.to_toml() == scenario.to_toml()
    assert Scenario.from_dict(json.loads(json.dumps(scenario.to_dict()))) == scenario
