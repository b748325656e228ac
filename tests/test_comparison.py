"""Comparisons of whole runs: which metrics, up to which horizon, with which verdicts."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from raftfast import Scenario, run
from raftfast.comparison import Trials, compare
from raftfast.metrics import COUNTS

CENSORED = {"timeouts": {"election_ms": [150, 160]}, "stop": {"limit_ms": 400}}
LASTING = {
    "scenario": {"kind": "steady"},
    "network": {"loss": 0.25},
    "stop": {"on": "duration", "duration_ms": 2000},
}
FOLLOWED = {"scenario": {"kind": "leader-crash"}, "stop": {"on": "followed"}}
SLOWER = {"network": {"latency_ms": {"uniform": [1, 5], "plus": 1.0}}}


@cache
def result(text, trials, seed):
    return run(Scenario.from_dict(json.loads(text)), trials=trials, seed=seed)


def trials(scenario=None, count=2000, seed=1):
    return Trials.of(result(json.dumps(scenario or {}), count, seed))


def by_metric(*sides, **options):
    return {row.metric: row for row in compare(*sides, **options)}


def merged(scenario, **tables):
    return {**scenario, **tables}


def times(name, mean="mean"):
    return [f"{name}.{x}" for x in (mean, "p50", "p99", "p99.9")]


RATES = [
    f"rate.{x}" for x in ("split_first_term", "contested_first_term", "multi_term", "censored")
]


def test_the_metrics_of_a_cold_start():
    assert list(by_metric(trials(), trials(seed=2))) == [
        *times("election_ms"),
        "election_ms.faster",
        *times("detect_ms"),
        *(f"{name}.mean" for name in COUNTS),
        *RATES,
    ]


def test_what_is_measured_under_other_stop_rules():
    assert set(times("followed_ms")) <= set(by_metric(trials(FOLLOWED), trials(FOLLOWED, seed=2)))
    assert "followed_ms.p50" not in by_metric(trials(FOLLOWED), trials())
    lasting = by_metric(trials(LASTING), trials(merged(LASTING, network={"loss": 0.3})))
    assert {*times("unavailable_ms"), "rate.availability", "detect_ms.p50"} <= set(lasting)
    assert "rate.availability" not in by_metric(trials(LASTING), trials())


def test_availability_is_that_of_the_summary():
    rows = by_metric(trials(LASTING), trials(LASTING, seed=2))
    for seed, value in (
        (1, rows["rate.availability"].reference),
        (2, rows["rate.availability"].value),
    ):
        summary = result(json.dumps(LASTING), 2000, seed).summary()
        assert value == pytest.approx(summary["rates"]["availability"]["value"], rel=1e-12)


@pytest.mark.parametrize("scenario", [{}, CENSORED, FOLLOWED])
def test_values_are_those_of_the_summaries(scenario):
    rows = by_metric(trials(scenario), trials(scenario, seed=2))
    summaries = [result(json.dumps(scenario), 2000, seed).summary() for seed in (1, 2)]
    checked = 0
    for metric, row in rows.items():
        column, _, name = metric.partition(".")
        for summary, value in zip(summaries, (row.reference, row.value), strict=True):
            if column == "rate":
                assert value == summary["rates"][name]["value"]
            elif column in ("election_ms", "followed_ms") and name in summary["metrics"][column]:
                # Sums of millions of milliseconds, in another order.
                assert value == pytest.approx(summary["metrics"][column][name], rel=1e-9)
                checked += 1
    assert checked >= 4


def test_censored_trials_are_restricted_and_tested_by_their_ranks():
    other = merged(CENSORED, timeouts={"election_ms": [150, 162]})
    rows = by_metric(trials(CENSORED), trials(other))
    assert list(rows)[:5] == [
        "election_ms.restricted_mean",
        "election_ms.p50",
        "election_ms.faster",
        "election_ms.hazard_ratio",
        "detect_ms.mean",
    ]
    assert "messages.restricted_mean" in rows
    assert "messages.mean" not in rows
    samples = trials(CENSORED).samples
    messages = rows["messages.restricted_mean"].reference
    assert messages == pytest.approx(samples["messages"].mean())
    mean = np.where(np.isnan(samples["election_ms"]), 400, samples["election_ms"]).mean()
    assert rows["election_ms.restricted_mean"].reference == pytest.approx(mean)
    assert rows["election_ms.hazard_ratio"].verdict == "higher"
    assert rows["rate.censored"].verdict == "lower"


def test_of_two_limits_the_smaller_one_holds():
    """Trials of the same luck, one side cut sooner: up to there they are the same."""
    longer = merged(CENSORED, stop={"limit_ms": 900})
    rows = by_metric(trials(CENSORED), trials(longer))
    for metric in ("election_ms.restricted_mean", "election_ms.p50", "detect_ms.mean"):
        assert (rows[metric].difference, rows[metric].verdict) == (0.0, "same")
    assert rows["rate.censored"].reference == rows["rate.censored"].value > 0
    assert not any(metric.startswith(("messages", "unavailable_ms")) for metric in rows)
    assert [metric for metric in rows if metric.startswith("rate.")] == ["rate.censored"]


def test_two_limits_that_nobody_reaches_change_nothing():
    rows = by_metric(trials(), trials({"stop": {"limit_ms": 30_000}}))
    assert {row.verdict for metric, row in rows.items() if metric != "rate.censored"} <= {
        "same",
        "undecided",
    }
    assert all(row.difference == 0 for row in rows.values())
    assert "messages.mean" in rows


def test_a_cluster_that_never_elects_is_compared_still():
    dead = {"cluster": {"down": [0, 1, 2]}, "stop": {"limit_ms": 2000}}
    alive = {"stop": {"limit_ms": 2000}}
    rows = by_metric(trials(dead, 400), trials(alive, 400))
    assert rows["election_ms.restricted_mean"].reference == 2000
    assert rows["election_ms.p50"].reference is None
    assert rows["election_ms.p50"].verdict == "lower"
    assert rows["election_ms.p50"].words.startswith("at least 18")
    assert rows["election_ms.faster"].words == "faster in 100 % of cases"
    both = by_metric(trials(dead, 400), trials(dead, 400, seed=2))
    assert both["election_ms.restricted_mean"].verdict == "same"
    assert "election_ms.p50" not in both


def test_the_same_trials_do_not_differ():
    rows = by_metric(trials(), trials())
    assert {row.p_corrected for row in rows.values()} == {1.0}
    assert all(
        row.ci95 == (0, 0)
        for metric, row in rows.items()
        if "rate" not in metric and metric != "election_ms.faster"
    )
    assert rows["rate.censored"].words.startswith("undecided: none on either side")


def test_a_slower_network_is_found_and_pairing_finds_it_better(capsys):
    """At 20,000 trials, with the factor by which pairing narrows each interval."""
    reference, other = trials(count=20_000), trials(SLOWER, 20_000)
    rows = by_metric(reference, other, band=0.0)
    assert rows["election_ms.mean"].words == "1.2 % slower"
    assert rows["election_ms.mean"].verdict == "higher"
    assert rows["election_ms.p99"].verdict == "higher"
    assert rows["detect_ms.mean"].verdict == "same"
    unpaired = by_metric(reference, other, band=0.0, paired=False)
    with capsys.disabled():
        for metric, least in (
            ("election_ms.mean", 4),
            ("election_ms.p50", 8),
            ("election_ms.p99", 2),
        ):
            factor = np.ptp(unpaired[metric].ci95) / np.ptp(rows[metric].ci95)
            sys.stdout.write(f"\n{metric}: pairing narrows the interval {factor:.1f} times ")
            assert factor > least


def test_other_seeds_are_not_paired():
    wide = by_metric(trials(), trials(SLOWER, seed=2))["election_ms.mean"]
    narrow = by_metric(trials(), trials(SLOWER))["election_ms.mean"]
    assert np.ptp(wide.ci95) > 5 * np.ptp(narrow.ci95)
    unknown = replace(trials(), seed=None)
    assert np.ptp(
        by_metric(unknown, replace(trials(SLOWER), seed=None))["election_ms.mean"].ci95
    ) > 5 * np.ptp(narrow.ci95)


def test_of_paired_sides_of_unequal_length_the_first_trials_count():
    longer = by_metric(trials(), trials(SLOWER, 3000))
    assert longer == by_metric(trials(), trials(SLOWER, 2000))
    unpaired = by_metric(trials(), trials(SLOWER, 3000), paired=False)["election_ms.mean"]
    assert unpaired.value == pytest.approx(trials(SLOWER, 3000).samples["election_ms"].mean())


def test_metrics_that_cannot_differ_do_not_weigh_on_the_others():
    rows = by_metric(trials(), trials(seed=2))
    untestable = [row for row in rows.values() if row.p == 1 and row.p_corrected == 1]
    assert len(untestable) >= 5
    smallest = min(rows.values(), key=lambda row: row.p)
    assert smallest.p_corrected == pytest.approx(min(1, smallest.p * (len(rows) - len(untestable))))


@pytest.mark.parametrize("scenario", [{}, CENSORED, LASTING])
@pytest.mark.parametrize("seed", [1, 2])
def test_rows_are_strict_json(scenario, seed):
    tables = merged(scenario, network={"loss": 0.02})
    for row in compare(trials(scenario, 300), trials(tables, 300, seed)):
        entry = row.to_dict()
        assert json.loads(json.dumps(entry, allow_nan=False)) == entry
        assert list(entry)[:5] == ["metric", "reference", "value", "difference", "ci95"]


@pytest.mark.parametrize("scenario", [{}, CENSORED, LASTING])
@pytest.mark.parametrize("count", [1, 2, 3, 10])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_few_trials_break_nothing(scenario, count, seed):
    for row in compare(trials(scenario, count), trials(merged(scenario, **SLOWER), count, seed)):
        assert 0 <= row.p <= row.p_corrected <= 1
        assert row.words


ANY = [
    {},
    CENSORED,
    LASTING,
    FOLLOWED,
    {"stop": {"on": "duration", "duration_ms": 200}},
    {"stop": {"on": "stable", "stable_ms": 600}, "network": {"loss": 0.2}},
    {"stop": {"limit_ms": 180}},
    {"cluster": {"down": [0, 1, 2]}, "stop": {"limit_ms": 1000}},
    {"timeouts": {"election_ms": [10, 20], "heartbeat_ms": 5, "tick_ms": 1}},
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("scenario", ANY)
def test_any_two_scenarios_can_be_compared(scenario, seed):
    for other in ANY:
        for row in compare(trials(scenario, 60), trials(other, 60, seed)):
            assert json.dumps(row.to_dict(), allow_nan=False)
            (low, high), (floor, top) = row.ci95, row.ratio_ci95
            outside = (low is not None and low > 0) or (high is not None and high < 0)
            assert (row.p < 0.05) == outside
            assert row.difference is None or low is None or low <= row.difference + 1e-6
            assert row.difference is None or high is None or row.difference <= high + 1e-6
            if None not in (low, high, floor, top):
                assert (floor <= 1 <= top) == (not outside)


@pytest.mark.parametrize(
    "options", [{"correction": "bonferroni"}, {"band": -0.1}, {"band": float("nan")}]
)
def test_what_is_no_way_to_compare_is_refused(options):
    with pytest.raises(ValueError, match="correction"):
        compare(trials(), trials(), **options)


def test_no_trials_are_refused():
    nothing = replace(trials(), samples={name: x[:0] for name, x in trials().samples.items()})
    with pytest.raises(ValueError, match="no trials"):
        compare(trials(), nothing)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hundred_thousand_trials_take_less_than_a_second(seed):
    """It takes a tenth of one; the best of three, for the machine may be busy."""
    pair = trials(count=100_000), trials(SLOWER, 100_000, seed)
    taken = []
    for _ in range(3):
        begun = time.perf_counter()
        compare(*pair)
        taken.append(time.perf_counter() - begun)
    assert min(taken) < 1.0
