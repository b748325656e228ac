"""A metric's value and interval by its name, against the summary; and differences by name."""

from __future__ import annotations

import math

import numpy as np
import pytest

from raftfast import Result, Scenario, run
from raftfast.columns import TIMES
from raftfast.estimates import Estimate, estimate
from raftfast.intervals import PERCENTILES
from raftfast.sides import COUNTS, Sides, Trials
from raftfast.yardstick import Meter

SCENARIOS = {
    "complete": {},
    "cut": {"network": {"loss": 0.5}, "stop": {"limit_ms": 400}},
    "followed": {"network": {"loss": 0.2}, "stop": {"on": "followed", "limit_ms": 900}},
    "lasting": {"scenario": {"kind": "steady"}, "stop": {"on": "duration", "duration_ms": 900}},
}


def estimated(metric: str, result: Result) -> Estimate:
    return estimate(metric, Trials.of(result), result.summary())


@pytest.mark.parametrize("name", SCENARIOS)
def test_values_and_intervals_are_those_of_the_summary(name: str) -> None:
    result = run(Scenario.from_dict(SCENARIOS[name]), 500)
    summary = result.summary()
    assert (result.censored > 0) is (name in ("cut", "followed"))
    for rate, entry in summary["rates"].items():
        found = estimated(f"rate.{rate}", result)
        assert (found.value, list(found.ends)) == (entry["value"], entry["ci95"])
    # What is not known before the end of the trial, as other times may be, is cut with it.
    columns = ["followed_ms"] if name == "followed" else ["election_ms", "unavailable_ms"]
    columns += [] if result.censored else ["detect_ms", *COUNTS]
    for column in columns:
        entry = summary["metrics"][column]
        for statistic in ("count", "sd", "min", "max"):
            assert estimated(f"{column}.{statistic}", result).value == entry[statistic]
        if name == "lasting" and column in TIMES[:3]:
            continue  # a steady leader is elected at 0, and nobody detects anything
        for statistic in PERCENTILES:
            found = estimated(f"{column}.{statistic}", result)
            assert found.value == entry[statistic]
            known = entry["ci95"].get(statistic)
            if known is not None and None not in known:
                assert list(found.ends) == known
        found = estimated(f"{column}.mean", result)
        assert found.value == pytest.approx(entry["restricted_mean" if result.censored else "mean"])
        if not result.censored:
            assert list(found.ends) == (entry["ci95"]["mean"] or [None, None])


def test_a_restricted_mean_has_the_interval_of_a_mean_where_hardly_any_is_cut() -> None:
    result = run(Scenario.from_dict({"stop": {"limit_ms": 350}}), 20_000)
    assert 0 < result.censored < 20
    found = estimated("election_ms.mean", result)
    values = np.where(np.isnan(result.samples["election_ms"]), 350, result.samples["election_ms"])
    half = 1.96 * values.std() / math.sqrt(values.size)
    assert found.value == pytest.approx(values.mean())
    low, high = found.ends
    assert low is not None and high is not None
    assert low == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.2 * half)


def test_what_is_beyond_the_limit_is_at_least_there() -> None:
    result = run(Scenario.from_dict(SCENARIOS["cut"]), 500)
    assert estimated("election_ms.p99", result).ends == (400.0, None)
    assert estimated("election_ms.p99", result).value is None
    assert estimated("messages.mean", result).value == pytest.approx(
        result.samples["messages"].mean()
    )
    hopeless = run(Scenario.from_dict({"cluster": {"down": [0, 1, 2]}, "stop": {"limit_ms": 400}}))
    assert estimated("election_ms.p50", hopeless).ends == (400.0, None)
    assert estimated("followed_ms.p50", hopeless).value is None


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("paired", [True, False])
def test_a_difference_is_found_by_its_name(name: str, paired: bool) -> None:
    scenario = Scenario.from_dict(SCENARIOS[name])
    other = scenario.replace(**{"network.loss": 0.3})
    sides = Sides(*(Trials.of(run(x, 300)) for x in (scenario, other)), paired=paired)
    found = dict(sides.metrics())
    assert len(found) > 15
    for metric, difference in found.items():
        assert sides.find(metric) == difference
    assert sides.find("messages.p90").value == np.quantile(sides.both[1].samples["messages"], 0.9)
    assert sides.find("election_ms.p10").reference is not None
    assert sides.find("leader.mean") is None
    assert (sides.find("followed_ms.p50") is None) is (name != "followed")


def test_throughput_is_measured_in_turns() -> None:
    meter = Meter(Scenario.preset("paper"), 64)
    first = meter.take()
    assert 0 < first.low <= first.value <= first.high
    assert first.trials == 64
    assert meter.take().trials == 64
    # As many as a turn would take seconds for are not taken over.
    assert Meter(Scenario.preset("paper"), 10**12).take().trials < 10**7
