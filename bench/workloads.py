"""What the instruction gate counts: a handful of fixed workloads, counted by instructions.py.

`python bench/workloads.py NAME` warms every workload up with a few of its units, then runs all of
NAME's. NOTHING warms up and runs no more: what that takes, taken off, leaves NAME's units alone,
without the start of the interpreter, imports and first calls.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

NOTHING = "nothing"

ENGINE = ("machine", "python", "compiler", "cython")
INTERPRETER = ("machine", "python")
STATISTICS = (*ENGINE, "numpy")
HELP = (*INTERPRETER, "click")
TABLE = (*STATISTICS, "click", "rich", "msgspec", "scipy")
"""What of the environment a count rests on: counts are comparable where it is the same."""

_WARM = 5
_POINT_TRIALS = 100
_SEED = 1

_RICH: Mapping[str, Any] = {
    "cluster": {"nodes": 7, "log": "distinct"},
    "timeouts": {"timer": "keep", "tick_ms": 5, "backoff": "failures", "backoff_max_ms": 2000},
    "protocol": {
        "pre_vote": "on",
        "check_quorum": True,
        "sticky": "min",
        "priority": "decay",
        "repoll_ms": 40,
    },
    "network": {"latency_ms": {"lognormal": [10, 0.8]}, "loss": 0.05, "duplicate": 0.02},
    "node": {"process_ms": 0.2, "persist_ms": {"exponential": 4}, "drift_ppm": 200},
    "scenario": {"kind": "leader-crash"},
    "stop": {"on": "followed"},
}
_STEADY: Mapping[str, Any] = {
    "preset": "etcd-3.5",
    "scenario": {
        "kind": "steady",
        "event": [
            {"every_ms": 6000, "do": "pause", "who": "random", "for_ms": {"lognormal": [400, 1]}},
            {"every_ms": 20_000, "do": "crash", "who": "leader", "for_ms": 3000},
            {"at_ms": 5000, "do": "partition", "groups": [[0, 1]], "for_ms": 8000},
            {"at_ms": 30_000, "do": "transfer"},
        ],
    },
    "stop": {"on": "duration", "duration_ms": 60_000},
}
_POINTS: Mapping[str, Any] = {
    "trials": _POINT_TRIALS,
    "sweep": {"timeouts.election_ms": [[150, 300], [200, 400]], "cluster.nodes": [3, 4, 5, 6, 7]},
    "sample": {
        "method": "latin-hypercube",
        "points": 10,
        "keys": {"network.loss": {"low": 0.0, "high": 0.05}},
    },
}


class Workload(NamedTuple):
    """`unit`s of work, `size` of them; `rests_on` names what else the count depends upon.

    `prepare` returns what runs so many units and returns the events handled; None where the work
    is a process of its own, `arguments`, and `size` is 1.
    """

    unit: str
    size: int
    rests_on: tuple[str, ...]
    prepare: Callable[[], Callable[[int], int]] | None = None
    arguments: tuple[str, ...] = ()


def _trials(tables: Mapping[str, Any], engine: str) -> Callable[[], Callable[[int], int]]:
    """Trials on one worker in one go: how `raftfast.run` divides them depends on the clock."""

    def prepare() -> Callable[[int], int]:
        from raftfast import Scenario
        from raftfast.batch import Worker
        from raftfast.parameters import block

        worker = Worker(block(Scenario.from_dict(tables)), engine)
        return lambda count: worker.run(_SEED, 0, count)[1]

    return prepare


def _points() -> Callable[[int], int]:
    """Points of a sweep, as a worker of it runs them: from the spec to the row."""
    from raftfast import Spec
    from raftfast.points import Piece, Runner

    runner = Runner(Spec.from_dict(_POINTS))

    def run(count: int) -> int:
        outcomes = runner.run([Piece(point, 0, _POINT_TRIALS) for point in range(count)])
        assert all(outcome.error is None for outcome in outcomes), outcomes
        return sum(outcome.events for outcome in outcomes)

    return run


WORKLOADS: Mapping[str, Workload] = {
    "c0": Workload("trial", 20_000, ENGINE, _trials({}, "compiled")),
    "leader crash, 51 servers": Workload(
        "trial",
        1_000,
        ENGINE,
        _trials({"cluster": {"nodes": 51}, "scenario": {"kind": "leader-crash"}}, "compiled"),
    ),
    "many strategies": Workload("trial", 1_000, ENGINE, _trials(_RICH, "compiled")),
    "steady, with events": Workload("trial", 100, ENGINE, _trials(_STEADY, "compiled")),
    "c0, interpreted": Workload("trial", 500, INTERPRETER, _trials({}, "python")),
    "points of a sweep": Workload("point", 100, STATISTICS, _points),
    "raftfast --help": Workload("start", 1, HELP, arguments=("--help",)),
    "raftfast run -n 1": Workload("start", 1, TABLE, arguments=("run", "-n", "1", "-j", "1")),
}


def main(name: str) -> None:
    """Warm up, run the workload, and print the events a unit as JSON."""
    # A fixed order: whatever runs, it finds the same imports done and the same memory handed out.
    ready = {key: load.prepare() for key, load in WORKLOADS.items() if load.prepare is not None}
    for run in ready.values():
        run(_WARM)
    size = 0 if name == NOTHING else WORKLOADS[name].size
    print(json.dumps({"events": ready[name](size) / size if size else None}))


if __name__ == "__main__":
    main(sys.argv[1])
