"""Summaries of samples with censored trials, against scipy's Kaplan-Meier and by simulation."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from raftfast.statistics import INTERVALS, PERCENTILES, quantile_ranks, summarise

REPETITIONS = 2000
GATE = 0.02
"""Coverage must lie in 95 % +- 2 %: at 2,000 repetitions this is 4.1 standard errors (0.49 %)."""

times = st.floats(min_value=0, max_value=1e9, allow_subnormal=False)

NOTHING = {
    **dict.fromkeys(("mean", "sd", "restricted_mean", "min", *PERCENTILES, "max")),
    "count": 0,
    "ci95": {"mean": None, "p50": None, "p99": None},
}


def lies_in(interval, truth):
    """Whether it covers; an end that does not exist, or no interval at all, excludes nothing."""
    low, high = interval or (None, None)
    return (low is None or low <= truth) and (high is None or truth <= high)


def survival_oracle(values, ended):
    data = scipy.stats.CensoredData(uncensored=values[ended], right=values[~ended])
    return scipy.stats.ecdf(data).sf


def first_under(levels, curve, mark):
    under = np.flatnonzero(curve <= mark)
    return float(levels[under[0]]) if under.size else None


def censored_sample(seed, size, *, whole_numbers, share=0.3):
    """Lognormal values, some of them cut at a uniform share of themselves."""
    rng = np.random.default_rng(seed)
    values, ended = rng.lognormal(3, 0.6, size), rng.random(size) >= share
    ended[size // 2] = False
    values[~ended] *= rng.random(int((~ended).sum()))
    return (np.floor(values) if whole_numbers else values), ended


@pytest.mark.parametrize("whole_numbers", [False, True])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [3, 40, 2000])
def test_kaplan_meier_agrees_with_scipy(seed, size, whole_numbers):
    values, ended = censored_sample(seed, size, whole_numbers=whole_numbers)
    oracle = survival_oracle(values, ended)
    entry = summarise(values, ended)
    for name, share in PERCENTILES.items():
        assert entry[name] == first_under(oracle.quantiles, oracle.probabilities, 1 - share + 1e-9)
    for horizon in (None, 15.0, 500.0):
        top = horizon or values.max()
        knots = np.append(np.minimum(oracle.quantiles, top), top)
        area = knots[0] + (oracle.probabilities * np.diff(knots)).sum()
        found = summarise(values, ended, limit=horizon)["restricted_mean"]
        assert found == pytest.approx(area, rel=1e-12)
    assert entry["count"] == ended.sum()
    assert (entry["min"], entry["max"]) == (values[ended].min(), values[ended].max())
    assert entry["mean"] is entry["sd"] is entry["ci95"]["mean"] is None


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
@pytest.mark.parametrize("whole_numbers", [False, True])
@pytest.mark.parametrize("last_ended", [False, True])
@pytest.mark.parametrize("size", [20, 3000])
def test_intervals_are_where_scipys_bounds_cross(size, last_ended, whole_numbers):
    values, ended = censored_sample(7, size, whole_numbers=whole_numbers)
    ended[values.argmax()] = last_ended
    oracle = survival_oracle(values, ended)
    bounds = oracle.confidence_interval(0.95, method="log-log")
    levels = np.unique(values[ended])
    at = np.searchsorted(oracle.quantiles, levels)
    low, high = bounds.low.probabilities[at], bounds.high.probabilities[at]
    if last_ended:
        low[-1] = 0.0
    for name in INTERVALS:
        mark = 1 - PERCENTILES[name]
        ends = [first_under(levels, low, mark), first_under(levels, high, mark)]
        found = summarise(values, ended)["ci95"][name]
        assert found == (None if ends == [None, None] else ends)


def test_random_censoring_keeps_the_coverage_of_the_median():
    rng = np.random.default_rng(22)
    hits = 0
    for _ in range(REPETITIONS):
        times, cuts = rng.exponential(1.0, 300), rng.exponential(2.0, 300)
        low, high = summarise(np.minimum(times, cuts), times <= cuts)["ci95"]["p50"]
        hits += low <= math.log(2) <= high
    assert abs(hits / REPETITIONS - 0.95) <= GATE


@pytest.mark.parametrize(("name", "limit"), [("p50", 0.9), ("p99", 4.7)])
def test_a_cut_at_the_limit_keeps_the_coverage(name, limit):
    rng = np.random.default_rng(23)
    truth = -math.log(1 - PERCENTILES[name])
    hits = open_ends = 0
    for _ in range(REPETITIONS):
        times = rng.exponential(1.0, 2000)
        ended = times < limit
        interval = summarise(np.where(ended, times, np.nan), ended, limit=limit)["ci95"][name]
        hits += lies_in(interval, truth)
        open_ends += interval is None or interval[1] is None
    assert abs(hits / REPETITIONS - 0.95) <= GATE
    assert (open_ends > 0) == (name == "p99")


@given(st.lists(times, min_size=1, max_size=300), st.integers(1, 60))
def test_trials_cut_at_the_limit_count_as_beyond_all_others(sample, cut):
    limit = max(sample) + 1
    values = np.append(sample, [np.nan] * cut)
    entry = summarise(values, ~np.isnan(values), limit=limit)
    pooled = np.append(np.sort(sample), [np.inf] * cut)
    for name, share in PERCENTILES.items():
        expected = pooled[math.ceil(pooled.size * share - 1e-9) - 1]
        assert entry[name] == (None if math.isinf(expected) else expected)
    for name in INTERVALS:
        ranks = quantile_ranks(pooled.size, PERCENTILES[name])
        ends = [None if k is None or k > len(sample) else pooled[k - 1] for k in ranks]
        assert entry["ci95"][name] == (None if ends == [None, None] else ends)
    mean = np.where(np.isinf(pooled), limit, pooled).mean()
    assert entry["restricted_mean"] == pytest.approx(mean, rel=1e-9)
    assert summarise(np.append(sample, [limit] * cut), ~np.isnan(values), limit=limit) == entry


@pytest.mark.parametrize("size", [10, 20, 100, 1000, 30_000])
@pytest.mark.parametrize("name", PERCENTILES)
def test_rounding_does_not_push_a_quantile_to_the_next_value(size, name):
    values = np.sqrt(np.arange(1.0, size + 1))
    rank = math.ceil(size * PERCENTILES[name] - 1e-9)
    ended = np.arange(size) < max(rank, 2)
    ended[-1] = False
    expected = values[rank - 1] if ended[rank - 1] else None
    assert summarise(values, ended)[name] == expected


def test_trials_cut_at_the_very_largest_value_that_ended_leave_the_ranks_exact():
    values = np.minimum(np.arange(1000.0), 900.0)
    ended = np.arange(1000) <= 900
    low, high = quantile_ranks(1000, 0.5)
    assert summarise(values, ended)["ci95"] == {
        "mean": None,
        "p50": [low - 1.0, high - 1.0],
        "p99": None,
    }


def test_a_trial_cut_at_a_value_is_still_at_risk_there():
    entry = summarise(np.array([1.0, 2.0, 2.0, 3.0]), np.array([True, True, False, True]))
    assert entry["p50"] == 2.0
    assert entry["restricted_mean"] == pytest.approx(1 + 0.75 + 0.5)


def test_values_missing_in_ended_trials_are_not_counted():
    values = np.array([np.nan, 4.0, np.nan, 6.0])
    ended = np.array([True, True, False, True])
    entry = summarise(values, ended, limit=10.0)
    assert (entry["count"], entry["p50"], entry["p90"]) == (2, 6.0, None)
    assert entry["restricted_mean"] == pytest.approx((4 + 6 + 10) / 3)
    assert summarise(values, ended)["restricted_mean"] == pytest.approx(5.0)


@pytest.mark.parametrize("values", [np.full(500, np.nan), np.full(500, 60.0)])
def test_if_all_are_censored_only_the_bound_of_the_mean_is_known(values):
    entry = summarise(values, np.zeros(500, dtype=bool), limit=60.0)
    assert entry == {**NOTHING, "restricted_mean": 60.0}


def test_a_censored_trial_that_says_nothing_is_left_out():
    none = np.zeros(3, dtype=bool)
    assert summarise(np.full(3, np.nan), none) == NOTHING
    some = np.array([True, False, False])
    assert summarise(np.full(3, np.nan), some, limit=9.0) == NOTHING


@pytest.mark.parametrize(("whole_numbers", "cut", "columns"), [(0, 0, 2.5), (1, 0, 1.5), (0, 1, 8)])
def test_memory_stays_at_a_few_columns(whole_numbers, cut, columns):
    values, ended = censored_sample(1, 200_000, whole_numbers=whole_numbers)
    tracemalloc.start()
    summarise(values, ended if cut else None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= columns * values.nbytes
