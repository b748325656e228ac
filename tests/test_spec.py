"""A sweep's spec: which points it has, in which order, and what each simulates."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import raftfast
from raftfast.errors import InputError
from raftfast.scenario import Scenario
from raftfast.spec import Point, Spec, parse_list, parse_range

CONTRACT = """
name = "timeouts for a WAN"
seed = 1
trials = 10_000
[base]
preset = "paper"
network.latency_ms = { uniform = [30, 40] }
[sweep]
"cluster.nodes" = [3, 5, 7]
"timeouts.election_ms" = [[150, 300], [300, 600]]
"network.loss" = { start = 0.0, stop = 0.2, step = 0.05 }
"timeouts.heartbeat_ms" = { log = [10, 100], num = 5 }
[[zip]]
"node.process_ms" = [0, 1]
"node.persist_ms" = [0, 5]
[[exclude]]
"cluster.nodes" = 7
"network.loss" = 0.2
"""


def file(folder: Path, text: str, name: str = "wan.toml") -> Path:
    """A file of the folder with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(spec: Spec) -> list[tuple[Any, ...]]:
    """The values of every point, in the order of the spec's keys."""
    return [tuple(point.values.get(key) for key in spec.keys) for point in spec.points()]


def test_the_contracts_spec(tmp_path: Path) -> None:
    spec = Spec.load(file(tmp_path, CONTRACT))
    assert (spec.name, spec.seed, spec.trials) == ("timeouts for a WAN", 1, 10_000)
    assert spec.common_random_numbers
    assert spec.adaptive is None
    heartbeats = [10, 17.7827941004, 31.6227766017, 56.234132519, 100]
    grid = itertools.product(
        [3, 5, 7],
        [[150, 300], [300, 600]],
        [0.0, 0.05, 0.1, 0.15, 0.2],
        heartbeats,
        [(0, 0), (1, 5)],
    )
    expected = [
        (nodes, election, loss, heartbeat, *costs)
        for nodes, election, loss, heartbeat, costs in grid
        if not (nodes == 7 and loss == 0.2)
    ]
    assert spec.keys == (
        "cluster.nodes",
        "timeouts.election_ms",
        "network.loss",
        "timeouts.heartbeat_ms",
        "node.process_ms",
        "node.persist_ms",
    )
    assert rows(spec) == expected
    assert spec.size == len(spec) == len(expected) == 280
    spec.validate()
    assert spec.scenario(279) == Scenario.from_dict(
        {
            "preset": "paper",
            "cluster": {"nodes": 7},
            "timeouts": {"election_ms": [300, 600], "heartbeat_ms": 100},
            "network": {"latency_ms": {"uniform": [30, 40]}, "loss": 0.15},
            "node": {"process_ms": 1, "persist_ms": 5},
            "seed": 1,
            "trials": 10_000,
        }
    )


def test_points_are_numbered_from_zero() -> None:
    spec = Spec.from_dict({"sweep": {"cluster.nodes": [3, 5]}})
    assert spec.point(1) == Point(1, None, {"cluster.nodes": 5})
    for index in (-1, 2):
        with pytest.raises(IndexError):
            spec.point(index)


def test_keys_may_stand_in_their_tables() -> None:
    dotted = {"cluster.nodes": [3, 5], "node.persist.vote": [0, 1], "network.loss": [0, 0.1]}
    nested = {
        "cluster": {"nodes": [3, 5]},
        "node": {"persist": {"vote": [0, 1]}},
        "network.loss": [0, 0.1],
    }
    specs = [Spec.from_dict({"sweep": sweep}) for sweep in (dotted, nested)]
    assert specs[0].keys == specs[1].keys == tuple(dotted)
    assert rows(specs[0]) == rows(specs[1])


def test_a_swept_table_of_latencies_is_a_value() -> None:
    laws = [{"uniform": [1, 5]}, {"lognormal": [10, 0.5], "plus": 3}, 7]
    spec = Spec.from_dict({"sweep": {"network.latency_ms": laws}})
    assert [point.values["network.latency_ms"] for point in spec.points()] == laws
    assert (
        spec.scenario(1).network.latency_ms
        == Scenario.from_dict({"network": {"latency_ms": laws[1]}}).network.latency_ms
    )


def test_excludes_may_name_one_key_or_keys_of_a_zip() -> None:
    sweep = {"cluster.nodes": [3, 5], "timeouts.election_ms": [[150, 300], 200]}
    zips = [{"node.process_ms": [0, 1, 2], "node.persist_ms": [0, 1, 2]}]

    def left(*excludes: dict[str, Any]) -> list[tuple[Any, ...]]:
        return rows(Spec.from_dict({"sweep": sweep, "zip": zips, "exclude": list(excludes)}))

    every = rows(Spec.from_dict({"sweep": sweep, "zip": zips}))
    assert left({"cluster.nodes": 3}) == [row for row in every if row[0] != 3]
    assert left({"cluster": {"nodes": 3.0}, "node": {"process_ms": 1, "persist_ms": 1}}) == [
        row for row in every if row[0] != 3 or row[2] != 1
    ]
    assert left({"timeouts.election_ms": [150.0, 300]}, {"node.process_ms": 0}) == [
        row for row in every if row[1] == 200 and row[2] != 0
    ]


def test_explicit_points_come_after_the_grid() -> None:
    spec = Spec.from_dict(
        {
            "base": {"cluster": {"nodes": 7}},
            "sweep": {"network.loss": [0, 0.1]},
            "exclude": [{"network.loss": 0.1}],
            "point": [
                {"name": "slow disks", "node.persist_ms": 5},
                {"network.loss": 0.1, "cluster": {"nodes": 3}},
            ],
        }
    )
    assert spec.keys == ("network.loss", "node.persist_ms", "cluster.nodes")
    assert list(spec.points()) == [
        Point(0, None, {"network.loss": 0}),
        Point(1, "slow disks", {"node.persist_ms": 5}),
        Point(2, None, {"network.loss": 0.1, "cluster.nodes": 3}),
    ]
    spec.validate()
    assert [spec.scenario(i).cluster.nodes for i in range(3)] == [7, 7, 3]
    assert [spec.scenario(i).network.loss for i in range(3)] == [0, 0, 0.1]


def test_samples_are_the_slowest_axis() -> None:
    spec = Spec.from_dict(
        {
            "sweep": {"cluster.nodes": [3, 5]},
            "sample": {"points": 3, "keys": {"network.loss": {"low": 0, "high": 0.5}}},
        }
    )
    assert spec.keys == ("network.loss", "cluster.nodes")
    assert [row[1] for row in rows(spec)] == [3, 5] * 3
    losses = [row[0] for row in rows(spec)]
    assert losses[::2] == losses[1::2]
    assert len({*losses}) == 3
    # The points are the same for another seed of the sweep.
    assert rows(spec.replace(seed=9)) == rows(spec)


def test_a_base_may_be_a_file_and_keys(tmp_path: Path) -> None:
    file(tmp_path, "preset = 'paper'\ncluster.nodes = 9\nseed = 4\ntrials = 3", "wan.toml")
    text = "[base]\nfile = 'wan.toml'\ntimeouts.heartbeat_ms = 20\n[sweep]\nnetwork.loss = [0, 0.1]"
    spec = Spec.load(file(tmp_path, text, "spec.toml"), ["cluster.nodes=11", "trials=50"])
    scenario = spec.scenario(1)
    assert scenario.cluster.nodes == 11
    assert scenario.timeouts.heartbeat_ms == 20
    assert scenario.scenario.kind == "leader-crash"
    assert scenario.network.loss == 0.1
    # Seed and trials are the sweep's own.
    assert (scenario.seed, scenario.trials) == (1, 50)


def test_what_points_begin_with_can_vary(tmp_path: Path) -> None:
    file(tmp_path, "cluster.nodes = 3", "three.toml")
    file(tmp_path, "preset = 'consul'\ncluster.nodes = 9", "nine.toml")
    base = {"preset": "paper", "network": {"latency_ms": 4}}
    spec = Spec.from_dict(
        {
            "base": base,
            "sweep": {"preset": ["etcd-3.4", "etcd-3.5"], "network.loss": [0, 0.1]},
            "point": [{"network.loss": 0.3}],
        }
    )
    spec.validate()
    for i, (preset, loss) in enumerate(
        [("etcd-3.4", 0), ("etcd-3.4", 0.1), ("etcd-3.5", 0), ("etcd-3.5", 0.1), ("paper", 0.3)]
    ):
        network = {"latency_ms": 4, "loss": loss}
        assert spec.scenario(i) == Scenario.from_dict({"preset": preset, "network": network})
    files = Spec.from_dict({"sweep": {"file": ["three.toml", "nine.toml"]}}, folder=tmp_path)
    files.validate()
    assert [files.scenario(i).cluster.nodes for i in (0, 1)] == [3, 9]
    assert files.scenario(1).name == "consul"


def test_a_ready_scenario_is_made_for_every_point() -> None:
    """As `raftfast run --scenario`: upon the cluster, under the keys somebody wrote."""
    spec = Spec.from_dict(
        {
            "base": {"under": "slow-disk", "stop": {"on": "followed"}},
            "sweep": {"under": ["slow-disk", "leader-crash"], "cluster.nodes": [3, 5]},
            "zip": [{"timeouts.election_ms": [[150, 300], [300, 600]]}],
        }
    )
    spec.validate()
    for point in spec.points():
        keys = {key: value for key, value in point.values.items() if key != "under"}
        plain = Scenario.from_dict({"stop": {"on": "followed"}}).replace(**keys)
        assert spec.scenario(point.index) == plain.under(
            point.values["under"], ["stop.on=followed"]
        )
    persist_ms = [spec.scenario(i).node.persist_ms for i in (0, 1)]
    assert persist_ms[0] is not None
    assert persist_ms[0].parameters == (60.0,)
    assert persist_ms[1] is not None
    assert persist_ms[1].parameters == (120.0,)


def test_common_random_numbers_share_the_seed() -> None:
    tables = {"seed": 7, "sweep": {"cluster.nodes": [3, 5]}}
    spec = Spec.from_dict(tables)
    assert [spec.scenario(i).seed for i in (0, 1)] == [7, 7]
    seeds = Spec.from_dict({"sweep": {"seed": [3, 4], "cluster.nodes": [3, 5]}})
    assert [seeds.scenario(i).seed for i in range(4)] == [3, 3, 4, 4]


def test_a_seed_of_its_own_depends_on_a_points_values_alone() -> None:
    def seeds(**tables: Any) -> dict[str, int]:
        spec = Spec.from_dict({"common_random_numbers": False, **tables})
        return {
            str(sorted(point.values.items())): spec.scenario(point.index).seed
            for point in spec.points()
        }

    few = seeds(sweep={"cluster.nodes": [3, 5], "network.loss": [0.1]})
    more = seeds(sweep={"network.loss": [0.2, 0.1], "cluster.nodes": [5, 4, 3]})
    as_points = seeds(point=[{"network.loss": 0.1, "cluster.nodes": 5}])
    assert len({*more.values()}) == 6
    assert few.items() <= more.items()
    assert as_points.items() <= more.items()
    other = seeds(seed=2, sweep={"cluster.nodes": [3, 5], "network.loss": [0.1]})
    assert not {*other.values()} & {*more.values()}
    text = '[1,{"cluster.nodes":3,"network.loss":0.1}]'
    hashed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    assert hashed == few[str(sorted({"cluster.nodes": 3, "network.loss": 0.1}.items()))]


def test_options_alone_make_a_spec() -> None:
    axes = [parse_range("cluster.nodes=3..7:2"), parse_list("preset=paper,etcd-3.4")]
    spec = Spec.from_dict({}, axes=axes, overrides=["network.loss=0.01", "seed=5"])
    assert rows(spec) == [(n, preset) for n in (3, 5, 7) for preset in ("paper", "etcd-3.4")]
    spec.validate()
    assert spec.scenario(3) == Scenario.preset(
        "etcd-3.4", ["cluster.nodes=5", "network.loss=0.01", "seed=5"]
    )
    assert spec.scenario(3).seed == 5


def test_an_option_takes_the_place_of_a_swept_key() -> None:
    tables = {
        "sweep": {"cluster.nodes": [3, 5, 7], "network.loss": [0, 0.1]},
        "exclude": [{"cluster.nodes": 7, "network.loss": 0}],
    }
    axes = [parse_list("cluster.nodes=3,9"), parse_list("node.process_ms=1,2")]
    spec = Spec.from_dict(tables, axes=axes)
    assert spec.keys == ("cluster.nodes", "network.loss", "node.process_ms")
    assert len(spec) == 8
    assert {row[0] for row in rows(spec)} == {3, 9}


def test_other_seeds_and_trials() -> None:
    spec = Spec.from_dict({"sweep": {"cluster.nodes": [3, 5]}}).replace(seed=3, trials=20)
    assert (spec.seed, spec.trials) == (3, 20)
    assert (spec.scenario(0).seed, spec.scenario(0).trials) == (3, 20)
    with pytest.raises(InputError, match="trials: value 0: must be a whole number"):
        spec.replace(trials=0)


def test_adaptive_says_when_to_go_on() -> None:
    tables: dict[str, Any] = {"sweep": {"cluster.nodes": [3, 5]}, "trials": 100}
    adaptive = Spec.from_dict({**tables, "adaptive": {"max_trials": 5000}}).adaptive
    assert adaptive is not None
    assert (adaptive.metric, adaptive.precision) == ("election_ms.mean", 0.01)
    assert adaptive.max_trials == 5000
    for metric in ("messages.p99", "rate.multi_term", "detect_ms.p50"):
        Spec.from_dict({**tables, "adaptive": {"metric": metric, "max_trials": 100}}).validate()
    spec = Spec.from_dict({**tables, "adaptive": {"max_trials": 5000}})
    with pytest.raises(InputError, match=r"max_trials: value 5000: must be at least trials"):
        spec.replace(trials=5001)


def test_adaptive_metrics_are_those_of_a_summary() -> None:
    from raftfast.adaptive import metrics

    scenario = Scenario.from_dict(
        {"scenario": {"kind": "steady"}, "stop": {"duration_ms": 500}, "trials": 3}
    )
    summary = raftfast.run(scenario, engine="python").summary()
    named = [f"{name}.{part}" for name, of in summary["metrics"].items() for part in of["ci95"]]
    assert sorted(metrics()) == sorted([*named, *(f"rate.{name}" for name in summary["rates"])])


@settings(deadline=None)
@given(st.data())
def test_there_are_as_many_points_as_combinations_less_the_excluded(data: st.DataObject) -> None:
    pool = {
        "cluster.nodes": [1, 3, 5, 7],
        "network.loss": [0.0, 0.1, 0.25],
        "timeouts.timer": ["redraw", "keep"],
        "timeouts.election_ms": [[150, 300], [300, 600], 200],
    }
    keys = data.draw(st.lists(st.sampled_from([*pool]), min_size=1, unique=True))
    sweep = {
        key: data.draw(st.lists(st.sampled_from(pool[key]), min_size=1, unique_by=str))
        for key in keys
    }
    zipped = {"node.process_ms": [0, 1], "node.persist_ms": [1, 0]}
    zips = [zipped] if data.draw(st.booleans()) else []
    choices = {**sweep, **(zipped if zips else {})}
    excludes = [
        {key: data.draw(st.sampled_from(choices[key])) for key in named}
        for named in data.draw(
            st.lists(st.lists(st.sampled_from(keys), min_size=1, unique=True), max_size=3)
        )
    ]
    points = data.draw(st.integers(0, 2))
    expected = [
        {**dict(zip(keys, row, strict=True)), **(also or {})}
        for row in itertools.product(*sweep.values())
        for also in (
            [{key: values[j] for key, values in zipped.items()} for j in (0, 1)] if zips else [None]
        )
        if not any(
            all(value == row[keys.index(key)] for key, value in exclude.items())
            for exclude in excludes
        )
    ]
    tables = {
        "sweep": sweep,
        "zip": zips,
        "exclude": excludes,
        "point": [{"network.duplicate": 0.1 * i} for i in range(points)],
    }
    if not expected:
        with pytest.raises(InputError, match="exclude: leaves no point"):
            Spec.from_dict(tables)
        return
    spec = Spec.from_dict(tables)
    listed = [point.values for point in spec.points()]
    assert listed[: len(expected)] == expected
    assert spec.size == len(listed) == len(expected) + points
    assert [point.index for point in spec.points()] == list(range(spec.size))
