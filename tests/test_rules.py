"""What is laid over a scenario that holds comes to the same as all of it read and checked anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from raftfast import InputError, Scenario, rules
from raftfast.layers import DEFAULTS, Layer, flatten
from raftfast.schema import KEYS

from .scenarios import tables

MATRIX = "0,10,20\n10,0,30\n20,30,0\n"
# A server that got one of four answers: half of the messages were lost.
PING = """64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=8.00 ms
--- 10.0.0.2 ping statistics ---
4 packets transmitted, 1 received, 75% packet loss, time 3004ms
"""
NODES_3 = {"cluster.nodes": 3}
PINGED = {"network.latency_ms": {"ping": "ping.txt"}}
LOSSLESS = {"network.loss": 0}
some_keys = st.sets(st.sampled_from(sorted(KEYS)), max_size=8)


def outcome(
    known: rules.Resolved,
    layers: Iterable[Layer],
    made: dict[object, rules.Made] | None = None,
) -> object:
    """What layers came to, or why they do not hold."""
    try:
        resolved = rules.resolve(known, layers, made=made)
    except InputError as error:
        return str(error)
    return dict(resolved.structs), rules.written(resolved)


def check_both_ways(layers: list[Layer]) -> None:
    """All but the last layer must hold: InputError otherwise."""
    known = rules.resolve(rules.defaults(), layers[:-1])
    assert outcome(known, layers[-1:]) == outcome(rules.NOTHING, [DEFAULTS, *layers])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "ping.txt").write_text(PING)
    (folder / "regions.csv").write_text(MATRIX)
    return folder


# Many a value of one scenario does not hold over another, whose servers are fewer, for instance.
@settings(max_examples=150, deadline=None)
@given(below=tables(), without=some_keys, above=tables(), only=some_keys, pinged=st.booleans())
def test_layer_by_layer_is_as_at_once(
    below: dict[str, Any],
    without: set[str],
    above: dict[str, Any],
    only: set[str],
    pinged: bool,
    folder: Path,
) -> None:
    lower = {key: value for key, value in flatten(below, None).items() if key not in without}
    if pinged:
        lower["network.latency_ms"] = {"ping": "ping.txt"}
    upper = {key: value for key, value in flatten(above, None).items() if key in only}
    layers = [Layer("below", folder, lower), Layer("above", folder, upper)]
    try:
        check_both_ways(layers)
    except InputError:
        assume(False)


def check_made(known: rules.Resolved, points: Sequence[Sequence[Layer]]) -> None:
    made: dict[object, rules.Made] = {}
    for layers in (*points, *points):
        assert outcome(known, layers, made) == outcome(known, layers)


# Each holds or not, and others that share some of its values come before it and after it.
@settings(max_examples=100, deadline=None)
@given(
    below=tables(),
    above=st.tuples(tables(), tables()),
    some=st.lists(st.tuples(some_keys, some_keys, st.booleans()), min_size=2, max_size=6),
)
def test_tables_made_before_are_as_made_anew(
    below: dict[str, Any],
    above: tuple[dict[str, Any], dict[str, Any]],
    some: list[tuple[set[str], set[str], bool]],
    folder: Path,
) -> None:
    known = rules.resolve(rules.defaults(), [Layer("below", folder, flatten(below, None))])
    one, other = (flatten(tables, None) for tables in above)
    points = []
    for keys, more, turned in some:
        values = (other, one) if turned else (one, other)
        points.append([
            Layer("own", folder, {key: own[key] for key in chosen if key in own})
            for own, chosen in zip(values, (keys, more), strict=True)
        ])  # fmt: skip
    check_made(known, points)


# What is the same of one table, and comes to something else for the rest.
@pytest.mark.parametrize(
    "points",
    [
        [[{"cluster.nodes": 3}], [{"cluster.nodes": 4}]],
        [[{"stop.stable_ms": 1}], [{"stop.stable_ms": 1.0}], [{"stop.stable_ms": True}]],
        [[{"network.link": [{"from": 0, "to": 4, "loss": 1}], **more}] for more in ({}, NODES_3)],
        [[{"network.link": [{"from": 0, "to": 4, "loss": 1}], **more}] for more in (NODES_3, {})],
        [[PINGED, LOSSLESS], [LOSSLESS, PINGED]],
        [[{"node.persist.vote": 1}, {"node.process_ms": 1}], [{"node.process_ms": 1}]],
        [[{"node.persist.vote": 1}], [{"node.persist.vote": 1}, {"node.persist_ms": 1}]],
        [[{"scenario.kind": kind, "stop.stable_ms": 5}] for kind in ("steady", "cold-start")],
        [[{"timeouts.election_ms": 9, **more}] for more in ({"timeouts.heartbeat_ms": 1}, {})],
    ],
)
def test_tables_made_for_one_point_are_not_taken_for_another(
    points: list[list[dict[str, Any]]], folder: Path
) -> None:
    layers = [[Layer("own", folder, values) for values in point] for point in points]
    check_made(rules.defaults(), layers)


# What one key or table says of another.
@pytest.mark.parametrize(
    ("below", "above"),
    [
        ({}, {"scenario.kind": "steady"}),
        ({"scenario.kind": "steady"}, {"scenario.kind": "cold-start"}),
        ({"scenario.kind": "steady"}, {"stop.on": "leader"}),
        ({"stop.duration_ms": 90_000}, {"stop.on": "duration"}),
        ({"stop.on": "duration"}, {"stop.duration_ms": 90_000}),
        ({"stop.on": "duration", "stop.duration_ms": 90_000}, {"stop.on": "leader"}),
        ({"network.latency_ms": {"ping": "ping.txt"}}, {"network.latency_ms": 3}),
        ({"network.latency_ms": {"ping": "ping.txt"}}, {"network.loss": 0}),
        ({"network.loss": 0}, {"network.latency_ms": {"ping": "ping.txt"}}),
        ({"network.latency_ms": {"ping": "ping.txt"}}, {"network.matrix_ms": "regions.csv"}),
        ({"network.matrix_ms": "regions.csv"}, {"network.matrix_rtt_ms": "regions.csv"}),
        ({"network.matrix_ms": "regions.csv"}, {"network.latency_ms": 3}),
        ({"node.persist_ms": 3}, {"node.persist.vote": 2}),
        ({"node.persist.vote": 3}, {"node.persist.term": 2}),
        ({"node.persist.vote": 3}, {"node.persist_ms": 2}),
    ],
)
def test_what_is_derived_is_derived_anew(
    below: dict[str, Any], above: dict[str, Any], folder: Path
) -> None:
    three = {"cluster.nodes": 3}
    check_both_ways([Layer("b", folder, {**three, **below}), Layer("a", folder, above)])


def test_what_does_not_change_is_neither_built_nor_read_anew(tmp_path: Path) -> None:
    regions = tmp_path / "regions.csv"
    regions.write_text(MATRIX)
    written = {"cluster": {"nodes": 3}, "network": {"matrix_ms": "regions.csv"}}
    scenario = Scenario.from_dict(written, folder=tmp_path)
    regions.unlink()
    lossy = scenario.replace(**{"network.loss": 0.5})
    assert lossy.network.matrix is scenario.network.matrix
    assert lossy.timeouts is scenario.timeouts
    with pytest.raises(InputError, match="no such file"):
        scenario.replace(**{"network.matrix_ms": regions})
    with pytest.raises(InputError, match=r"^replace: cluster.nodes: .* not of 3$"):
        lossy.replace(**{"cluster.nodes": 5})
