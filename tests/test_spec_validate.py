"""Every point of a sweep is judged before the first is run, as its scenario would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftfast import rules
from raftfast.axes import POINTS_MAX
from raftfast.errors import InputError
from raftfast.spec import Spec

PING = """PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.
64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=8.00 ms

--- 10.0.0.2 ping statistics ---
4 packets transmitted, 1 received, 75% packet loss, time 3004ms
"""
MATRIX = "0,10,20\n10,0,30\n20,30,0\n"

# Values that are fine, and such as break a rule of their own key or one across keys.
POOL: dict[str, list[Any]] = {
    "preset": ["paper", "etcd-3.4", "kafka", "no-such-preset"],
    "file": ["three.toml", "ready.toml"],
    "under": ["leader-crash", "slow-disk", "bridge", "rolling-restart"],
    "seed": [1, 2, -1],
    "cluster.nodes": [1, 2, 3, 5, 0],
    "cluster.down": [[], [0], [4], [0, 1, 2]],
    "cluster.log": ["equal", [1, 2, 3]],
    "cluster.witnesses": [[], [2]],
    "cluster.quorum": ["majority", 2, 4],
    "protocol.priorities": [[], [1, 2, 3]],
    "timeouts.election_ms": [[150, 300], [40, 60], 200, [300, 150]],
    "timeouts.heartbeat_ms": [10, 50, 250],
    "timeouts.tick_ms": [0, 10, 1000],
    "timeouts.timer": ["redraw", "keep", "jitter", "redraw-each-tick"],
    "timeouts.server": [[], [{"id": 2, "election_ms": 100}], [{"id": 0}, {"id": 0}]],
    "network.latency_ms": [1, {"uniform": [1, 5]}, {"ping": "ping.txt"}, {"samples": "no.csv"}],
    "network.matrix_ms": ["three.csv", "no.csv"],
    "network.loss": [0, 0.1, 2],
    "network.link": [[], [{"from": 0, "to": 2, "loss": 0.1}], [{"from": 0, "to": 0, "loss": 1}]],
    "node.persist_ms": [0, {"exponential": 3}],
    "node.persist.vote": [0, 1],
    "node.drift_ppm": [0, 500_000],
    "scenario.kind": ["cold-start", "leader-crash", "steady"],
    "scenario.event": [[], [{"do": "crash", "who": 2, "at_ms": 5}]],
    "stop.on": ["leader", "stable", "duration"],
    "stop.duration_ms": [1000, 70_000],
    "stop.limit_ms": [500, 60_000],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that POOL names."""
    folder: Path = tmp_path_factory.mktemp("files")
    (folder / "ping.txt").write_text(PING)
    (folder / "three.csv").write_text(MATRIX)
    (folder / "three.toml").write_text("cluster.nodes = 3\nnetwork.matrix_ms = 'three.csv'")
    (folder / "ready.toml").write_text("preset = 'consul'\nstop.limit_ms = 9000")
    return folder


def keys_of(pool: dict[str, list[Any]], **sizes: int) -> st.SearchStrategy[list[str]]:
    """Some of the keys, each once."""
    return st.lists(st.sampled_from([*pool]), unique=True, **sizes)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """The tables of a spec, mostly with a few points that are no scenarios."""
    sweep = {
        key: draw(st.lists(st.sampled_from(POOL[key]), min_size=1, max_size=3, unique_by=repr))
        for key in draw(keys_of(POOL, max_size=3))
    }
    zips = []
    if left := {key: POOL[key] for key in POOL if key not in sweep and len(POOL[key]) > 1}:
        rows = draw(st.integers(1, 2))
        zips.append({key: left[key][:rows] for key in draw(keys_of(left, max_size=3))})
    points = [
        {
            key: draw(st.sampled_from(POOL[key]))
            for key in draw(keys_of(POOL, min_size=1, max_size=3))
        }
        for _ in range(draw(st.integers(0, 3)))
    ]
    base = {key: POOL[key][0] for key in draw(keys_of(POOL, max_size=3))}
    base.pop("seed", None)
    nested: dict[str, Any] = {}
    for key, value in base.items():
        *tables, name = key.split(".")
        at = nested
        for table in tables:
            at = at.setdefault(table, {})
        at[name] = value
    spec: dict[str, Any] = {"base": nested, "sweep": sweep, "zip": [z for z in zips if z]}
    if draw(st.integers(0, 4)) == 0:
        spec["adaptive"] = {"metric": "rate.availability", "max_trials": 10_000}
    if draw(st.integers(0, 4)) == 0:
        spec["common_random_numbers"] = False
    return {**spec, "point": points}


@settings(max_examples=200, deadline=None)
@given(tables=specs())
def test_validating_refuses_what_a_scenario_refuses(folder: Path, tables: dict[str, Any]) -> None:
    try:
        spec = Spec.from_dict(tables, "wan.toml", folder)
    except InputError:
        return
    expected = ""
    for i in range(spec.size):
        try:
            spec.scenario(i)
        except InputError as error:
            expected = str(error)
            break
    try:
        spec.validate()
        found = ""
    except InputError as error:
        found = str(error)
    assert found == expected


DEAF = {"under": "deaf", "timeouts": {"election_ms": [60, 80]}, "stop": {"limit_ms": 5000}}


@pytest.mark.parametrize(
    ("base", "sweep"),
    [
        # A steady cluster stops on a duration, and that must be over before the limit.
        ({"stop": {"limit_ms": 500}}, {"scenario.kind": ["cold-start", "steady"]}),
        # A ready scenario lasts 60 timeouts.
        (DEAF, {"timeouts.election_ms": [[60, 80], [150, 300]]}),
        ({**DEAF, "timeouts": {}}, {"under": ["leader-crash", "deaf"], "seed": [1, 2]}),
        ({}, {"preset": ["paper", "etcd-3.4"], "timeouts.election_ms": [200, 150]}),
        ({"cluster": {"nodes": 3}}, {"node.persist.vote": [0, -1]}),
    ],
)
def test_what_follows_from_other_tables_is_judged(
    base: dict[str, Any], sweep: dict[str, Any]
) -> None:
    spec = Spec.from_dict({"base": base, "sweep": sweep}, "wan.toml")
    assert spec.scenario(0)
    found = []
    for i in range(spec.size):
        try:
            spec.scenario(i)
        except InputError as error:
            found.append(str(error))
    assert 0 < len(found) < spec.size
    with pytest.raises(InputError) as caught:
        spec.validate()
    assert str(caught.value) == found[0]


def test_the_rules_are_all_looked_at() -> None:
    """Every table that a rule looks at is one of a scenario's, so that axes can be told to touch
    it; what a rule does not name, it is not shown."""
    known = {*rules.TABLES}
    assert rules.CHECKS
    for check, tables in rules.CHECKS.items():
        assert tables, check
        assert known.issuperset(tables)


def test_the_first_point_that_is_no_scenario_is_named() -> None:
    sweep = {"cluster.down": [[0], [4]], "network.loss": [0, 0.1], "cluster.nodes": [7, 5, 3]}
    spec = Spec.from_dict({"sweep": sweep}, "wan.toml")
    with pytest.raises(
        InputError,
        match=r"down must hold ids below cluster.nodes \(3\), not 4 "
        r"\(point 8: cluster.down = \[4\], network.loss = 0, cluster.nodes = 3\)",
    ):
        spec.validate()  # fmt: skip


def test_excluded_points_need_be_no_scenarios() -> None:
    tables: dict[str, Any] = {
        "sweep": {"cluster.nodes": [3, 5], "cluster.down": [[0], [4]], "network.loss": [0, 0.1]}
    }
    with pytest.raises(InputError, match="point 2"):
        Spec.from_dict(tables).validate()
    tables["exclude"] = [{"cluster.nodes": 3, "cluster.down": [4]}]
    Spec.from_dict(tables).validate()


def test_the_base_need_be_no_scenario(folder: Path) -> None:
    base = {"network": {"matrix_ms": "three.csv"}, "protocol": {"priorities": [1, 2, 3]}}
    spec = Spec.from_dict({"base": base, "sweep": {"cluster.nodes": [3]}}, folder=folder)
    spec.validate()
    assert spec.scenario(0).network.matrix is not None
    assert spec.to_dict()["base"] is None


def test_ten_million_points_are_judged_by_what_can_clash() -> None:
    """Were each point looked at, this would take minutes."""
    sweep = {
        "cluster.nodes": [3, 5, 7, 9, 11],
        "seed": {"start": 1, "stop": 2000, "step": 1},
        "network.loss": {"start": 0, "stop": 0.5, "num": 100},
        "timeouts.heartbeat_ms": [10, 20, 30, 40, 50],
        "cluster.down": [[0], [10]],
    }
    spec = Spec.from_dict({"sweep": sweep})
    assert spec.size == POINTS_MAX
    # The first with 10 servers or fewer and server 10 down.
    with pytest.raises(InputError, match=r"point 1: cluster\.nodes = 3"):
        spec.validate()


def test_progress_grows_to_the_number_of_points() -> None:
    sample = {"points": 5000, "keys": {"network.loss": {"low": 0, "high": 0.5}}}
    points = [{"cluster.nodes": n} for n in (3, 5)]
    spec = Spec.from_dict({"sample": sample, "point": points})
    seen: list[tuple[int, int]] = []
    spec.validate(lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5002, 5002)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {total for _, total in seen} == {5002}
    assert len(seen) > 3


def test_long_axes_are_gone_through_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raftfast.combinations._KEPT_MAX", 100)
    sample = {
        "points": 2000,
        "keys": {
            "network.latency_ms": {"low": 1, "high": 5},
            "timeouts.heartbeat_ms": {"low": 10, "high": 149.999},
        },
    }
    tables: dict[str, Any] = {"base": {"preset": "paper"}, "sample": sample}
    Spec.from_dict(tables).validate()
    sample["keys"]["timeouts.heartbeat_ms"] = {"low": 10, "high": 151}
    spec = Spec.from_dict(tables)
    bad = [p.index for p in spec.points() if p.values["timeouts.heartbeat_ms"] >= 150]
    assert bad
    with pytest.raises(InputError, match=rf"point {bad[0]}: network"):
        spec.validate()


def test_pings_of_a_point_tell_the_loss_unless_a_point_gives_it(tmp_path: Path) -> None:
    (tmp_path / "ping.txt").write_text(PING)
    base = {"network": {"loss": 0.2}}
    laws = [5, {"ping": "ping.txt"}]
    spec = Spec.from_dict({"base": base, "sweep": {"network.latency_ms": laws}}, folder=tmp_path)
    assert spec.scenario(0).network.loss == 0.2
    assert spec.scenario(1).network.loss == 0.5
    tables = {"base": base, "sweep": {"network.latency_ms": laws, "network.loss": [0, 0.3]}}
    spec = Spec.from_dict(tables, folder=tmp_path)
    assert [spec.scenario(i).network.loss for i in range(4)] == [0, 0.3, 0, 0.3]
