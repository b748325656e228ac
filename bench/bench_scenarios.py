"""What happens to a cluster: kinds of scenario, ready ones, every event, every law of latency."""

from __future__ import annotations

from typing import Any

import pytest

from raftfast import Scenario, ready

MINUTE = {"on": "duration", "duration_ms": 60_000}
EVENTS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "crash": [{"every_ms": 3000, "do": "crash", "who": "leader", "for_ms": 1000}],
    "crash and restart": [
        {"at_ms": 1000, "do": "crash", "who": [0, 1]},
        {"at_ms": 5000, "do": "restart", "who": [0, 1]},
    ],
    "pause": [{"every_ms": 3000, "do": "pause", "who": "random", "for_ms": {"exponential": 500}}],
    "pause and resume": [
        {"at_ms": 1000, "do": "pause", "who": [0, 1]},
        {"at_ms": 5000, "do": "resume", "who": [0, 1]},
    ],
    "partition": [{"every_ms": 5000, "do": "partition", "groups": [[0, 1]], "for_ms": 2000}],
    "partition and heal": [
        {"at_ms": 1000, "do": "partition", "groups": [[0, 1]]},
        {"at_ms": 5000, "do": "heal"},
    ],
    "transfer": [{"every_ms": 3000, "do": "transfer"}],
    "block": [{"every_ms": 5000, "do": "block", "from": 0, "to": [1, 2], "for_ms": 2000}],
    "block and unblock": [
        {"at_ms": 1000, "do": "block", "from": 0, "to": [1, 2]},
        {"at_ms": 5000, "do": "unblock", "from": 0, "to": [1, 2]},
    ],
    "slow": [{"every_ms": 5000, "do": "slow", "from": 0, "to": 1, "add_ms": 30, "for_ms": 2000}],
}
LAWS: dict[str, dict[str, Any]] = {
    "fixed": {"latency_ms": 3},
    "uniform": {"latency_ms": {"uniform": [1, 5]}},
    "normal": {"latency_ms": {"normal": [3, 1]}},
    "exponential": {"latency_ms": {"exponential": 3}},
    "lognormal": {"latency_ms": {"lognormal": [3, 0.5]}},
    "pareto": {"latency_ms": {"pareto": [2, 2]}},
    "mixture": {"latency_ms": {"mixture": [[0.99, {"uniform": [1, 5]}], [0.01, 50]]}},
    "loss": {"loss": 0.1},
    "duplicate": {"duplicate": 0.1},
    "ordered": {"ordered": True},
    "one slow link": {"link": [{"from": 0, "to": 1, "latency_ms": 20}]},
}
NODE: dict[str, dict[str, Any]] = {
    "process": {"process_ms": 0.5},
    "persist": {"persist_ms": {"exponential": 4}},
    "drift": {"drift_ppm": 200},
}


@pytest.mark.parametrize("stop", ["leader", "followed", "stable", "duration"])
@pytest.mark.parametrize("kind", ["cold-start", "leader-crash"])
def bench_kind(elections, kind, stop):
    tables = {"scenario": {"kind": kind}, "stop": {"on": stop, "duration_ms": 1000}}
    elections(Scenario.from_dict(tables), "kinds and stops")


@pytest.mark.parametrize("name", ready.names())
def bench_ready(elections, name):
    elections(Scenario.preset("paper").under(name), "ready scenarios, preset paper")


@pytest.mark.parametrize("name", EVENTS)
def bench_event(elections, name):
    tables = {"scenario": {"kind": "steady", "event": EVENTS[name]}, "stop": MINUTE}
    elections(Scenario.from_dict(tables), "events in a steady minute")


@pytest.mark.parametrize("name", LAWS)
def bench_network(elections, name):
    tables = {"network": LAWS[name], "scenario": {"kind": "leader-crash"}}
    elections(Scenario.from_dict(tables), "networks, leader-crash")


@pytest.mark.parametrize("name", NODE)
def bench_node(elections, name):
    tables = {"node": NODE[name], "scenario": {"kind": "leader-crash"}}
    elections(Scenario.from_dict(tables), "servers, leader-crash")
