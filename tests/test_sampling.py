"""[sample]: what is drawn lies where it should, and a Latin hypercube is one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from raftfast.errors import InputError
from raftfast.sampling import read_sample

KEYS: dict[str, Any] = {
    "network.loss": {"low": 0.1, "high": 0.5},
    "timeouts.heartbeat_ms": {"log": [1, 100]},
    "cluster.nodes": {"int": [3, 7]},
    "timeouts.timer": {"choice": ["redraw", "keep"]},
}


def columns(method: str, points: int, seed: int = 1, keys: Any = None) -> dict[str, list[Any]]:
    """The values of every key, point by point."""
    sample = {"method": method, "points": points, "seed": seed, "keys": keys or KEYS}
    axis = read_sample(sample, "wan.toml")
    assert len(axis) == points
    return dict(zip(axis.keys, map(list, axis.columns), strict=True))


@pytest.mark.parametrize("points", [1, 7, 100])
def test_each_part_of_a_latin_hypercube_has_one_point(points: int) -> None:
    drawn = columns("latin-hypercube", points)
    shares = [(value - 0.1) / 0.4 for value in drawn["network.loss"]]
    assert sorted(int(share * points) for share in shares) == list(range(points))
    shares = [math.log(value) / math.log(100) for value in drawn["timeouts.heartbeat_ms"]]
    assert sorted(int(share * points) for share in shares) == list(range(points))


def test_whole_numbers_and_choices_of_a_latin_hypercube_come_equally_often() -> None:
    drawn = columns("latin-hypercube", 100)
    assert sorted(drawn["cluster.nodes"]) == sorted(list(range(3, 8)) * 20)
    assert drawn["timeouts.timer"].count("keep") == 50


def test_a_latin_hypercube_fills_space_better_than_chance() -> None:
    keys = {"network.loss": {"low": 0, "high": 1}, "network.duplicate": {"low": 0, "high": 1}}
    spread = {
        method: qmc.discrepancy(np.array([*columns(method, 200, keys=keys).values()]).T)
        for method in ("random", "latin-hypercube")
    }
    assert spread["latin-hypercube"] < spread["random"] / 2


@pytest.mark.parametrize("method", ["random", "latin-hypercube"])
def test_draws_are_uniform_and_keys_independent(method: str) -> None:
    drawn = columns(method, 4000)
    shares = [(value - 0.1) / 0.4 for value in drawn["network.loss"]]
    logs = [math.log(value) / math.log(100) for value in drawn["timeouts.heartbeat_ms"]]
    for values in (shares, logs):
        # A fixed seed: the gate is one in a thousand.
        assert stats.kstest(values, "uniform").pvalue > 0.001
    # Under independence r has a standard error of 1 / sqrt(4000): the gate is four of them.
    assert abs(np.corrcoef(shares, logs)[0, 1]) < 4 / math.sqrt(4000)
    counts = [drawn["cluster.nodes"].count(nodes) for nodes in range(3, 8)]
    assert stats.chisquare(counts).pvalue > 0.001


def test_a_key_draws_the_same_beside_others_and_otherwise_by_another_seed() -> None:
    alone = columns("random", 20, keys={"network.loss": KEYS["network.loss"]})
    assert columns("random", 20)["network.loss"] == alone["network.loss"]
    assert columns("random", 20, seed=2)["network.loss"] != alone["network.loss"]
    # Fixed for good: results of a sweep are told by its points.
    assert columns("latin-hypercube", 3) == {
        "network.loss": [0.412699572033, 0.302815728457, 0.104100522009],
        "timeouts.heartbeat_ms": [56.7199708985, 20.9115440067, 4.03512940585],
        "cluster.nodes": [7, 3, 5],
        "timeouts.timer": ["keep", "keep", "redraw"],
    }


def test_log_of_a_whole_key_gives_whole_numbers() -> None:
    drawn = columns("random", 50, keys={"cluster.nodes": {"log": [3, 99]}})["cluster.nodes"]
    assert {type(value) for value in drawn} == {int}
    assert min(drawn) >= 3
    assert max(drawn) <= 99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "sobol"}, 'sample.method: value "sobol": must be "random" or "latin-hyper'),
        ({"points": 0}, "sample.points: value 0: must be a whole number from 1"),
        ({"points": None}, "sample.points: is missing"),
        ({"point": 7}, "sample.point: unknown key; did you mean points?"),
        ({"seed": -1}, "sample.seed: value -1: must be a whole number from 0"),
        ({"keys": {}}, "sample.keys: is missing"),
        ({"keys": {"network.los": {"low": 0, "high": 1}}}, "sample.keys.network.los: unknown key"),
        ({"keys": {"network.loss": [0, 1]}}, "sample.keys.network.loss: value [0, 1]: must be {"),
        ({"keys": {"network.loss": {"low": 1, "high": 0}}}, "the first below the second"),
        ({"keys": {"network.loss": {"low": 1}}}, "sample.keys.network.loss: value"),
        ({"keys": {"network.loss": {"log": [0, 1]}}}, "two numbers above 0"),
        ({"keys": {"network.loss": {"low": 0, "high": float("inf")}}}, "two numbers"),
        ({"keys": {"cluster.nodes": {"low": 3, "high": 9}}}, "want { int = [3, 9] }"),
        ({"keys": {"cluster.nodes": {"int": [3, 9.5]}}}, "two whole numbers"),
        ({"keys": {"cluster.nodes": {"choice": []}}}, "at least one"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change: dict[str, Any], message: str) -> None:
    sample = {"method": "random", "points": 5, "keys": KEYS} | change
    sample = {key: value for key, value in sample.items() if value is not None}
    with pytest.raises(InputError) as caught:
        read_sample(sample, "wan.toml")
    assert str(caught.value).startswith("wan.toml: sample")
    assert message in str(caught.value)
