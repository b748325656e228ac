"""The engine against the reference model, which shares nothing with it but MODEL.md.

Of every scenario both simulate a sample, with fixed seeds. The mean of every column, and the share
of trials in which it has no value, must agree within 4.5 standard errors of the difference (the
variance is that of both samples together); a column that never varies must be the same. The
two-sample Kolmogorov-Smirnov distance of `election_ms` must be below its critical value at 1e-5.
That is some 2200 means, each of which fails by chance once in 150,000, and 160 distances: a right
engine would fail under one set of seeds in 60.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import raftfast
from raftfast import InputError, Scenario

from .reference_happenings import HAPPENINGS
from .reference_model import simulate
from .reference_rules import RULES, mixes
from .reference_scenarios import CRASH, FOLLOWED, PRE_VOTE, SCENARIOS, Tables, lasting, staying
from .reference_timings import TIMINGS

Values = NDArray[np.float64]
WIDTH = 4.5
KS_CRITICAL = math.sqrt(-math.log(1e-5 / 2) / 2)
SEED = 20240229
# Of the trials that the lists name: what these tests have the time for.
SHARE = 0.4
ENGINE_TRIALS_MAX = {"compiled": 200_000, "python": 3_000}

MATRIX = "0,5,11\n6,0,9\n20,8,0\n"
PARTED = {
    "process_ms": 1,
    "persist": {"candidate": 3, "term": 2, "vote": 4, "lead": 30},
}
# Timers that expire together, and yet a winner, by links of unequal length: nothing is random.
DETERMINISTIC: dict[str, Tables] = {
    "one server": {"cluster": {"nodes": 1}},
    "one server, writes": {"cluster": {"nodes": 1}, "node": PARTED, "stop": staying(100)},
    "one server, pre-vote, duration": {
        "cluster": {"nodes": 1}, "protocol": PRE_VOTE, "node": {"persist_ms": 7},
        "stop": lasting(333),
    },
    "pre-vote": {"protocol": PRE_VOTE},
    "pre-vote, writes, followed": {"protocol": PRE_VOTE, "node": PARTED, "stop": FOLLOWED},
    "pre-vote, copies, duration": {
        "protocol": PRE_VOTE, "node": {"process_ms": 2, "persist_ms": 5},
        "network": {"duplicate": 1.0, "ordered": True}, "stop": lasting(500),
    },
    "one way blocked, stable": {
        "protocol": PRE_VOTE, "stop": staying(120),
        "network": {"link": [{"from": 0, "to": 2, "one_way": True, "loss": 1.0}]},
    },
    "no majority": {"cluster": {"nodes": 3, "down": [0, 2]}, "stop": lasting(1234)},
    "all is lost": {"network": {"loss": 1.0}, "stop": {"on": "leader", "limit_ms": 450}},
    "asking again, all is lost": {
        "protocol": {"repoll_ms": 30, "check_quorum": True}, "network": {"loss": 1.0},
        "stop": lasting(450),
    },
    "waiting for all, one is down": {
        "cluster": {"down": [1]}, "stop": lasting(500),
        "protocol": {"pre_vote": "on", "wait_for": "all", "repoll_ms": 35, "sticky": "min"},
    },
    "check-quorum, one way blocked": {
        "protocol": {"pre_vote": "log", "check_quorum": True, "on_rejection": "follower"},
        "network": {"link": [{"from": [0, 1], "to": 2, "one_way": True, "loss": 1.0}]},
        "stop": lasting(700),
    },
    "priority, tie-break": {"protocol": {"priority": "tie-break"}, "stop": lasting(500)},
    "split for ever": {"stop": {"on": "leader", "limit_ms": 1001}},
}  # fmt: skip


def _present(values: Values) -> Values:
    return values[~np.isnan(values)]


def _deviation(a: Values, b: Values) -> float:
    """How many standard errors the means are apart; 0 where a sample has none.

    Whether a value is there often enough is a comparison of its own.
    """
    if not len(a) or not len(b):
        return 0.0
    apart = abs(a.mean() - b.mean())
    error = np.concatenate([a, b]).std() * math.sqrt(1 / len(a) + 1 / len(b))
    if error <= 1e-9 * apart or apart <= 1e-9 * abs(b.mean()):
        return math.inf if apart > 1e-9 * abs(b.mean()) else 0.0
    return float(apart / error)


def _distance(a: Values, b: Values) -> float:
    """The Kolmogorov-Smirnov distance of two samples."""
    a, b = np.sort(a), np.sort(b)
    both = np.concatenate([a, b])
    shares = [np.searchsorted(x, both, "right") / len(x) for x in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())


def _disagreements(model: dict[str, list[float]], engine: dict[str, Values]) -> Iterator[str]:
    for name, expected in model.items():
        a, b = np.array(expected, dtype=float), engine[name]
        missing = _deviation(np.isnan(a).astype(float), np.isnan(b).astype(float))
        if missing > WIDTH:
            yield f"{name}: no value, {missing:.1f} standard errors"
        a, b = _present(a), _present(b)
        z = _deviation(a, b)
        if z > WIDTH:
            means = f"model {a.mean():.6g}, engine {b.mean():.6g}" if len(a) and len(b) else ""
            yield f"{name}: {z:.1f} standard errors; {means}"
        if name == "election_ms" and len(a) and len(b):
            critical = KS_CRITICAL * math.sqrt(1 / len(a) + 1 / len(b))
            if (distance := _distance(a, b)) > critical:
                yield f"{name}: KS {distance:.4f}, critical {critical:.4f}"


def _samples(tables: Tables, trials: int) -> dict[str, Values]:
    scenario = Scenario.from_dict(tables)
    return dict(raftfast.run(scenario, trials=trials, seed=SEED, jobs=2).samples)


def _compare(tables: Tables, trials: int) -> None:
    trials = round(SHARE * trials)
    model = simulate(tables, trials, SEED)
    engine = _samples(tables, min(20 * trials, ENGINE_TRIALS_MAX[raftfast.backend]))
    assert model.keys() == engine.keys()
    assert list(_disagreements(model, engine)) == []


ALL = {**SCENARIOS, **RULES, **TIMINGS, **mixes(20)}


@pytest.mark.parametrize("name", ALL)
def test_both_give_the_same_distributions(name: str) -> None:
    trials, tables = ALL[name]
    _compare(tables, trials)


def _knows_events() -> bool:
    try:
        Scenario.from_dict({"scenario": {"kind": "steady"}, "stop": {"on": "duration"}})
    except InputError:
        return False
    return True


@pytest.mark.skipif(not _knows_events(), reason="the engine has no steady clusters yet")
@pytest.mark.parametrize("name", HAPPENINGS)
def test_both_let_the_same_happen(name: str) -> None:
    trials, tables = HAPPENINGS[name]
    _compare(tables, trials)


@pytest.mark.parametrize("key", ["matrix_ms", "matrix_rtt_ms"])
def test_both_read_a_matrix_alike(key: str, tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    path.write_text(MATRIX)
    tables = {
        "cluster": {"nodes": 3},
        "timeouts": {"election_ms": [60, 90], "heartbeat_ms": 20},
        "scenario": CRASH,
        "network": {
            key: str(path),
            "loss": 0.2,
            "link": [
                {"from": 0, "to": 1, "loss": 0.0},
                {"from": 2, "to": [0, 1], "one_way": True, "latency_ms": {"normal": [10, 10]}},
            ],
        },
        "stop": lasting(500),
    }
    _compare(tables, 1000)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_both_agree_to_the_nanosecond(name: str, tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    path.write_text(MATRIX)
    given = DETERMINISTIC[name]
    tables = {
        **given,
        "cluster": {"nodes": 3, **given.get("cluster", {})},
        "timeouts": {"election_ms": 100, "heartbeat_ms": 40},
    }
    if tables["cluster"]["nodes"] == 3:
        tables["network"] = {"matrix_ms": str(path), **given.get("network", {})}
    model = simulate(tables, 1, SEED)
    engine = _samples(tables, 2)
    for column, expected in model.items():
        np.testing.assert_array_equal(engine[column], expected * 2, err_msg=column)


@pytest.mark.parametrize(
    "tables",
    [
        {"timeouts": {"election_ms": [100, 200], "heartbeat_ms": 50, "tick_ms": 100}},
        {"timeouts": {"election_ms": [100, 150], "heartbeat_ms": 95}, "node": {"drift_ppm": 1e5}},
    ],
    ids=["a first tick", "a fast clock"],
)
def test_a_timeout_that_can_be_over_before_the_crash_is_refused(tables: Tables) -> None:
    """`heartbeat_ms` not below the lowest timeout is refused after a leader crash.

    A timer of k ticks may last hardly longer than k - 1 of them, and one by a fast clock less
    than it says.
    """
    with pytest.raises(InputError, match="heartbeat_ms"):
        Scenario.from_dict({**tables, "scenario": CRASH})
