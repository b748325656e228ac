"""What is laid over a scenario that holds comes to the same as all of it read and checked anew."""

from __future__ import annotations

from collections.abc import Iterable
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
some_keys = st.sets(st.sampled_from(sorted(KEYS)), max_size=8)


def outcome(known: rules.Resolved, layers: Iterable[Layer]) -> object:
    """What layers came to, or why they do not hold."""
    try:
        resolved = rules.resolve(known, layers)
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
