"""Summaries against numpy and scipy, their coverage by simulation, and every degenerate sample."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from raftfast import statistics
from raftfast.columns import COLUMNS, TIMES
from raftfast.statistics import (
    INTERVALS,
    PERCENTILES,
    histogram,
    order,
    quantile_ranks,
    rate,
    summarise,
    summary,
    t_quantile,
)

REPETITIONS = 2000
GATE = 0.02
"""Coverage must lie in 95 % +- 2 %: at 2,000 repetitions this is 4.1 standard errors (0.49 %)."""

KEYS = {"count", "mean", "sd", "min", *PERCENTILES, "max", "ci95"}

times = st.floats(min_value=0, max_value=1e9, allow_subnormal=False)
whole = st.integers(min_value=-3, max_value=40).map(float)


def strict(value):
    """The same, through JSON that refuses nan, infinity and anything of numpy's."""
    return json.loads(json.dumps(value, allow_nan=False))


def lies_in(interval, truth):
    """Whether it covers; an end that does not exist, or no interval at all, excludes nothing."""
    low, high = interval or (None, None)
    return (low is None or low <= truth) and (high is None or truth <= high)


# Samples in which every trial ended.


@given(st.lists(times, min_size=1, max_size=60) | st.lists(whole, min_size=1, max_size=60))
def test_percentiles_are_numpys_to_the_last_bit(sample):
    values = np.array(sample)
    entry = summarise(values)
    assert [entry[name] for name in PERCENTILES] == [
        np.quantile(values, share) for share in PERCENTILES.values()
    ]
    assert (entry["count"], entry["min"], entry["max"]) == (len(sample), min(sample), max(sample))


@given(st.lists(times, min_size=2, max_size=60) | st.lists(whole, min_size=2, max_size=60))
def test_mean_deviation_and_their_interval_agree_with_numpy_and_scipy(sample):
    values = np.array(sample)
    entry = summarise(values)
    scale = np.abs(values).max()
    assert entry["mean"] == pytest.approx(values.mean(), rel=1e-12, abs=1e-12 * scale)
    assert entry["sd"] == pytest.approx(values.std(ddof=1), rel=1e-9, abs=1e-9 * scale)
    half = scipy.stats.t.ppf(0.975, len(sample) - 1) * values.std(ddof=1) / math.sqrt(len(sample))
    low, high = entry["ci95"]["mean"]
    assert high - entry["mean"] == pytest.approx(half, rel=1e-4, abs=1e-9 * scale)
    assert entry["mean"] - low == pytest.approx(half, rel=1e-4, abs=1e-9 * scale)


@pytest.mark.parametrize("df", [*range(1, 60), 100, 999, 10**4, 10**6])
def test_the_t_quantile_is_scipys(df):
    assert t_quantile(df) == pytest.approx(scipy.stats.t.ppf(0.975, df), rel=2e-5)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(
    "size", [0, 1, 2, 5, 6, 7, 10, 50, 100, 368, 369, 535, 1000, 2000, 10**5, 10**7]
)
def test_ranks_cover_what_the_binomial_distribution_says(size, share):
    low, high = quantile_ranks(size, share)
    trials = scipy.stats.binom(size, share)
    assert trials.cdf(0 if low is None else low - 1) > 0.025 or low is not None
    assert trials.sf(size - 1) > 0.025 or high is not None
    if low is None or high is None:
        assert low is None or trials.cdf(low - 1) <= 0.025
        assert high is None or trials.sf(high - 1) <= 0.025
        return
    covered = trials.cdf(high - 1) - trials.cdf(low - 1)
    assert covered >= 0.95
    narrower = (
        trials.cdf(high - 1) - trials.cdf(low),
        trials.cdf(high - 2) - trials.cdf(low - 1),
    )
    assert covered <= 0.97 or max(narrower) < 0.95
    assert trials.cdf(low) > 0.025 and trials.sf(high - 2) > 0.025


def test_an_end_without_an_order_statistic_is_none():
    values = np.random.default_rng(1).normal(size=100)
    assert summarise(values)["ci95"]["p99"] == [np.sort(values)[96], None]
    assert summarise(values[:5])["ci95"]["p50"] is None


@given(st.lists(times, min_size=1, max_size=400))
def test_a_percentile_lies_in_its_interval(sample):
    entry = summarise(np.array(sample))
    for name in INTERVALS:
        assert lies_in(entry["ci95"][name], entry[name])


def test_the_mean_of_a_lognormal_is_covered():
    rng = np.random.default_rng(20)
    truth = math.exp(0.5**2 / 2)
    entries = (summarise(rng.lognormal(0, 0.5, 200)) for _ in range(REPETITIONS))
    hits = sum(lies_in(entry["ci95"]["mean"], truth) for entry in entries)
    assert abs(hits / REPETITIONS - 0.95) <= GATE


@pytest.mark.parametrize("size", [1000, 2000])
def test_the_quantiles_of_a_lognormal_are_covered(size):
    rng = np.random.default_rng(21)
    truth = {name: scipy.stats.lognorm(0.5).ppf(PERCENTILES[name]) for name in INTERVALS}
    hits = dict.fromkeys(INTERVALS, 0)
    for _ in range(REPETITIONS):
        interval = summarise(rng.lognormal(0, 0.5, size))["ci95"]
        for name in INTERVALS:
            assert None not in interval[name]
            hits[name] += lies_in(interval[name], truth[name])
    assert {name: abs(n / REPETITIONS - 0.95) <= GATE for name, n in hits.items()} == {
        "p50": True,
        "p99": True,
    }


# Counting and sorting are two ways to one answer.


def approx_entry(entry):
    """For comparison: everything that is read off is exact, what is added up has rounding."""
    loose = ("mean", "sd", "restricted_mean")
    exact = {key: value for key, value in entry.items() if key not in loose}
    exact["ci95"] = {**entry["ci95"], "mean": None}
    sums = [entry.get(key) for key in loose] + (entry["ci95"]["mean"] or [])
    return exact, [math.inf if value is None else value for value in sums]


@given(
    st.lists(st.tuples(st.integers(-5, 30), st.booleans()), min_size=40, max_size=120),
    st.sampled_from([0, 7, -(2**40)]),
    st.booleans(),
)
def test_counting_gives_what_sorting_gives(rows, shift, cut):
    values = np.array([value + shift for value, _ in rows], dtype=np.float64)
    ended = np.array([flag for _, flag in rows]) if cut else None
    assert order(values).upto is not None
    counted = summarise(values, ended)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "LEVELS_MAX", 0)
        assume(values.min() < values.max())
        assert order(values).upto is None
        sorted_ = summarise(values, ended)
    (exact, sums), (exact_sorted, sums_sorted) = approx_entry(counted), approx_entry(sorted_)
    assert exact == exact_sorted
    assert sums == pytest.approx(sums_sorted, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "counted"),
    [
        (np.arange(100.0) % 7, True),
        (np.arange(100.0) % 7 + 0.5, False),
        (np.append(np.arange(100.0) % 7, 2.5), False),
        (np.array([0.0, 1e6, 3.0]), False),
        (np.array([2.0**60, 2.0**60 + 256] * 200), False),
        (np.array([1e300, 1e300]), True),
    ],
)
def test_only_whole_numbers_of_a_small_range_are_counted(values, counted):
    sample = order(values)
    assert (sample.upto is not None) == counted
    assert [sample.at(k) for k in range(1, sample.size + 1)] == sorted(values)


# Degenerate samples, and what is refused.

EMPTY = {**dict.fromkeys(KEYS), "count": 0, "ci95": {"mean": None, "p50": None, "p99": None}}


@pytest.mark.parametrize("values", [np.array([]), np.full(3, np.nan)])
def test_nothing_is_nothing(values):
    assert summarise(values) == strict(summarise(values)) == EMPTY


def test_one_value_has_no_spread():
    entry = strict(summarise(np.array([4.0, np.nan])))
    assert (entry["count"], entry["mean"], entry["sd"], entry["p99.9"]) == (1, 4.0, None, 4.0)
    assert entry["ci95"]["mean"] is entry["ci95"]["p50"] is None


def test_equal_values_have_a_spread_of_exactly_zero():
    entry = strict(summarise(np.full(1000, 0.1)))
    assert {entry[key] for key in ("mean", "min", "max", *PERCENTILES)} == {0.1}
    assert entry["sd"] == 0.0
    assert entry["ci95"] == {name: [0.1, 0.1] for name in ("mean", "p50", "p99")}


@given(
    st.lists(st.tuples(times | st.just(math.nan), st.booleans()), max_size=30),
    st.none() | times,
)
@settings(max_examples=200)
def test_an_entry_is_always_strict_json_with_the_same_keys(rows, limit):
    values = np.array([value for value, _ in rows], dtype=np.float64)
    ended = np.array([flag for _, flag in rows], dtype=bool)
    before = values.copy()
    entry = summarise(values, ended, limit=limit)
    assert strict(entry) == entry
    assert set(entry) == KEYS | (set() if ended.all() else {"restricted_mean"})
    assert np.array_equal(values, before, equal_nan=True)
    present = [entry[name] for name in ("min", *PERCENTILES, "max") if entry[name] is not None]
    assert all(low <= high or math.isclose(low, high) for low, high in pairwise(present))


def test_what_cannot_be_summarised_is_refused():
    with pytest.raises(ValueError, match="finite or nan, found inf"):
        summarise(np.array([1.0, np.inf]))
    with pytest.raises(ValueError, match="shape"):
        summarise(np.ones(3), np.ones(1, dtype=bool))


# Rates.


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_rate_has_wilsons_interval(counts):
    hits, trials = counts
    found = rate(hits, trials)
    oracle = scipy.stats.binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    assert found["value"] == hits / trials
    assert found["ci95"] == pytest.approx([oracle.low, oracle.high], rel=1e-9, abs=1e-15)
    assert 0 <= found["ci95"][0] <= found["value"] <= found["ci95"][1] <= 1


def test_a_rate_at_its_ends_is_exact():
    assert rate(0, 7)["ci95"][0] == 0.0 < rate(0, 7)["ci95"][1] < 0.4
    assert 0.6 < rate(7, 7)["ci95"][0] < rate(7, 7)["ci95"][1] == 1.0
    assert rate(0, 0) == {"value": None, "ci95": None}


@pytest.mark.parametrize(("hits", "trials"), [(-1, 3), (4, 3), (0, -1)])
def test_an_impossible_rate_is_refused(hits, trials):
    with pytest.raises(ValueError, match="hits must be between"):
        rate(hits, trials)


# All columns of a batch.


def batch(censored):
    """Six trials; the last is censored if asked for, and has no times then but its outage."""
    columns = {name: np.zeros(6) for name in COLUMNS}
    columns["election_ms"] = np.array([150.0, 160.5, 170.0, 200.0, 400.0, 900.0])
    columns["followed_ms"] = np.full(6, np.nan)
    columns["messages"] = np.array([8.0, 8.0, 8.0, 8.0, 16.0, 300.0])
    columns["first_term_candidates"] = np.array([1.0, 1, 1, 2, 2, 3])
    columns["terms"] = np.array([1.0, 1, 1, 1, 2, 30])
    columns["split_first_term"] = np.array([0.0, 0, 0, 0, 1, 1])
    if censored:
        columns["censored"][5] = 1.0
        columns["election_ms"][5] = columns["leader"][5] = np.nan
        columns["unavailable_ms"][5] = 1000.0
    return columns


def test_a_summary_names_every_metric_and_rate():
    metrics, rates = summary(batch(censored=False), limit_ms=1000.0)
    assert strict([metrics, rates]) == [metrics, rates]
    assert list(metrics) == [n for n in COLUMNS if n not in ("censored", "split_first_term")]
    assert all(set(entry) == KEYS for entry in metrics.values())
    assert metrics["election_ms"]["p50"] == 185.0
    assert metrics["followed_ms"] == EMPTY
    assert metrics["violations"]["max"] == 0.0
    values = {name: entry["value"] for name, entry in rates.items()}
    assert values == {
        "split_first_term": 2 / 6,
        "contested_first_term": 3 / 6,
        "multi_term": 2 / 6,
        "censored": 0.0,
    }
    assert rates["multi_term"] == rate(2, 6)


def test_a_summary_with_a_censored_trial_restricts_times_to_the_limit_and_counts_to_their_top():
    metrics, rates = summary(batch(censored=True), limit_ms=1000.0)
    assert strict([metrics, rates]) == [metrics, rates]
    assert rates["censored"] == rate(1, 6)
    assert rates["multi_term"] == rate(2, 6)
    assert all(set(entry) == KEYS | {"restricted_mean"} for entry in metrics.values())
    election = metrics["election_ms"]
    assert (election["count"], election["max"], election["p90"]) == (5, 400.0, None)
    assert election["restricted_mean"] == pytest.approx((150 + 160.5 + 170 + 200 + 400 + 1000) / 6)
    assert metrics["messages"]["restricted_mean"] == pytest.approx((4 * 8 + 16 + 300) / 6)
    assert metrics["unavailable_ms"]["restricted_mean"] == pytest.approx(1000 / 6)
    assert metrics["followed_ms"] == {**EMPTY, "restricted_mean": None}
    assert metrics["leader"]["count"] == 5


def test_what_is_final_has_ended_in_a_censored_trial_too():
    columns = {name: np.zeros(4) for name in COLUMNS}
    columns["censored"] = np.array([0.0, 1.0, 1.0, 0.0])
    columns["detect_ms"] = np.array([100.0, 160.0, 120.0, 140.0])
    entry = summary(columns, limit_ms=200.0)[0]["detect_ms"]
    assert entry == {**summarise(columns["detect_ms"]), "restricted_mean": 130.0}
    assert (entry["count"], entry["mean"], entry["p50"], entry["max"]) == (4, 130.0, 130.0, 160.0)
    columns["detect_ms"][2] = math.nan  # nobody had noticed by the limit
    entry = summary(columns, limit_ms=200.0)[0]["detect_ms"]
    assert (entry["count"], entry["mean"], entry["p50"], entry["p90"]) == (3, None, 140.0, None)
    assert entry["restricted_mean"] == pytest.approx((100 + 140 + 160 + 200) / 4)


def test_a_summary_in_which_every_trial_is_censored():
    columns = {name: np.zeros(4) for name in COLUMNS}
    columns["censored"] = np.ones(4)
    for name in TIMES:
        columns[name] = np.full(4, np.nan)
    metrics, rates = summary(columns, limit_ms=1000.0)
    assert strict([metrics, rates]) == [metrics, rates]
    assert {entry["count"] for entry in metrics.values()} == {0}
    assert metrics["election_ms"]["restricted_mean"] == 1000.0
    assert rates["censored"]["ci95"][1] == 1.0


def test_a_summary_of_no_trials():
    metrics, rates = summary({name: np.array([]) for name in COLUMNS}, limit_ms=1000.0)
    assert all(entry == EMPTY for entry in metrics.values())
    assert all(entry == {"value": None, "ci95": None} for entry in rates.values())


# Histograms.


@given(st.lists(times | st.just(math.nan) | whole, max_size=80), st.integers(1, 30))
def test_a_histogram_holds_every_value_once_and_in_its_bin(sample, bins):
    values = np.array(sample, dtype=np.float64)
    edges, counts = histogram(values, bins)
    assert (edges.shape, counts.shape) == ((bins + 1,), (bins,))
    assert np.all(np.diff(edges) > 0)
    there = values[~np.isnan(values)]
    assert counts.sum() == there.size
    if there.size:
        assert edges[0] <= there.min() and there.max() <= edges[-1]
    if there.size and math.isinf(edges[-1]):
        assert counts[-1] == (there > edges[-2]).sum() > 0


def test_a_short_tail_needs_no_open_bin():
    values = np.random.default_rng(3).uniform(150, 300, 10_000)
    edges, counts = histogram(values, 10)
    expected, plain = np.histogram(values, 10)
    assert np.array_equal(edges, plain) and np.array_equal(counts, expected)


@pytest.mark.parametrize("far_share", [0.0005, 0.01])
def test_a_long_tail_goes_to_the_last_bin(far_share):
    values = np.random.default_rng(3).uniform(150, 300, 10_000)
    far = int(values.size * far_share)
    values[:far] = 60_000.0
    edges, counts = histogram(values, 11)
    assert edges[-1] == math.inf and counts[-1] >= far
    assert edges[-2] < 1200
    assert np.count_nonzero(counts[:-1]) >= 2


@pytest.mark.parametrize("value", [0.0, 150.0, 1e9])
def test_equal_values_fall_into_one_bin(value):
    edges, counts = histogram(np.full(9, value), 5)
    assert list(counts) == [0, 0, 9, 0, 0]
    assert edges[2] <= value < edges[3]


def test_values_a_hair_apart_fall_into_one_bin():
    edges, counts = histogram(np.array([1e9, np.nextafter(1e9, 2e9)]), 31)
    assert counts.max() == counts.sum() == 2
    assert np.all(np.diff(edges) > 0)


def test_a_histogram_needs_a_bin():
    with pytest.raises(ValueError, match="at least one bin"):
        histogram(np.ones(3), 0)
