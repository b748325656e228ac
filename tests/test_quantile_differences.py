"""Differences of quantiles against order statistics, a bootstrap and Kaplan and Meier."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raftfast.differences import UNKNOWN
from raftfast.places import Sample
from raftfast.quantiles import quantile_difference
from raftfast.statistics import PERCENTILES, quantile_ranks, summarise

from .known_pairs import agree

rough = hnp.arrays(np.float64, st.integers(1, 60), elements=st.integers(0, 12).map(float))


def difference(reference, other, share, *, paired, limit=np.inf):
    pair = Sample.of(np.asarray(reference), limit), Sample.of(np.asarray(other), limit)
    return quantile_difference(*pair, share, paired=paired)


def lognormal(seed, size, pairing=0.0):
    first, second = np.random.default_rng(seed).standard_normal((2, size))
    second = pairing * first + np.sqrt(1 - pairing**2) * second
    return np.exp(5 + 0.3 * first), np.exp(5 + 0.3 * second)


@pytest.mark.parametrize(
    ("share", "size", "slack"), [(0.5, 1000, 0.1), (0.5, 20_000, 0.1), (0.99, 20_000, 0.15)]
)
def test_against_a_known_value_it_is_the_interval_between_order_statistics(share, size, slack):
    """A reference of one value has no doubt; then only the other side's ranks are uncertain.

    The ends may differ by a share of the width: order statistics are rough, the fit is not.
    """
    values = np.sort(lognormal(1, size)[0])
    low, high = difference(np.full(size, 100.0), values, share, paired=False).ci95
    ends = [values[rank - 1] - 100 for rank in quantile_ranks(size, share)]
    assert [low, high] == pytest.approx(ends, abs=slack * (ends[1] - ends[0]))


@pytest.mark.parametrize("size", [1000, 20_000])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_ticks_leave_the_order_statistics_themselves(size, share):
    """To one rank: the exact interval takes in the whole of the ranks it ends at."""
    values = np.sort(np.ceil(lognormal(1, size)[0] / 10) * 10)
    low, high = quantile_ranks(size, share)
    found = difference(np.full(size, 100.0), values, share, paired=False)
    assert values[low - 2] <= found.ci95[0] + 100 <= values[low]
    assert values[high - 2] <= found.ci95[1] + 100 <= values[high]


@pytest.mark.parametrize(("pairing", "share"), [(0.0, 0.5), (0.8, 0.5), (0.8, 0.99), (0.95, 0.9)])
def test_it_is_as_wide_as_a_bootstrap_of_the_pairs(pairing, share):
    """The widths of 95 % intervals of 1,000 resamples are good to some 5 %."""
    reference, other = lognormal(7, 10_000, pairing)
    rng = np.random.default_rng(8)
    drawn = np.empty(1000)
    for i in range(drawn.size):
        rows = rng.integers(0, reference.size, reference.size)
        q, r = (np.partition(x[rows], k := int(share * x.size))[k] for x in (reference, other))
        drawn[i] = r - q
    width = np.subtract(*np.quantile(drawn, (0.975, 0.025)))
    low, high = difference(reference, other, share, paired=True).ci95
    assert high - low == pytest.approx(width, rel=0.2)


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_pairing_narrows_the_interval(share):
    reference, other = lognormal(2, 100_000, 0.999)
    widths = [
        np.ptp(difference(reference, other, share, paired=paired).ci95) for paired in (True, False)
    ]
    mark = scipy.stats.norm.ppf(share)
    both = scipy.stats.multivariate_normal([0, 0], [[1, 0.999], [0.999, 1]]).cdf([mark, mark])
    correlation = (both - share**2) / (share * (1 - share))
    # 5.9 times at the median, 4.5 times at p99. Some 30 of its pairs are on two sides: that
    # count, and so the square of the width, is good to 20 % or better.
    assert widths[1] / widths[0] == pytest.approx((1 - correlation) ** -0.5, rel=0.15)


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_equal_pairs_do_not_differ(share):
    values = lognormal(3, 2000)[0]
    found = difference(values, values, share, paired=True)
    assert (found.difference, found.ci95, found.p) == (0.0, (0.0, 0.0), 1.0)
    assert (found.ratio, found.ratio_ci95, found.testable) == (1.0, (1.0, 1.0), False)


def test_pairs_that_differ_by_a_constant_differ_by_it():
    values = lognormal(4, 5000)[0]
    found = difference(values, values + 3, 0.5, paired=True)
    assert found.difference == pytest.approx(3)
    assert found.ci95[0] <= 3 <= found.ci95[1]
    # A pair or two on two sides may be there unseen: some spacings of 75 * 2.5 / 5000 ms each.
    assert np.ptp(found.ci95) < 0.2
    assert found.p < 1e-6


@pytest.mark.parametrize("size", [1, 2, 5, 100, 1000])
def test_too_few_trials_leave_the_far_quantile_open(size):
    reference, other = lognormal(5, size)
    found = difference(reference, other, 0.999, paired=False)
    assert found.ci95 == UNKNOWN
    assert found.p >= 0.05
    assert found.difference == pytest.approx(
        np.diff([np.quantile(x, 0.999) for x in (reference, other)])[0]
    )


def test_enough_trials_close_it():
    assert None not in difference(*lognormal(5, 5000), 0.999, paired=False).ci95


@pytest.mark.parametrize("paired", [True, False])
@settings(max_examples=100)
@given(reference=rough, other=rough, share=st.sampled_from([0.1, 0.5, 0.9, 0.99]))
@example(
    reference=np.repeat([0.0, 1.0, 2.0], [25, 3, 27]),
    other=np.repeat([0.0, 1.0], [24, 31]),
    share=0.5,
)
def test_rough_samples_mirror_and_p_agrees_with_the_interval(paired, reference, other, share):
    size = min(reference.size, other.size)
    reference, other = reference[:size], other[:size]
    found = difference(reference, other, share, paired=paired)
    back = difference(other, reference, share, paired=paired)
    assert agree(found)
    assert found.p == pytest.approx(back.p, abs=0.02)
    assert found.difference == -back.difference
    if None not in found.ci95:
        low, high = found.ci95
        assert low - 1e-9 <= found.difference <= high + 1e-9


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("share", [0.5, 0.99])
@pytest.mark.parametrize("tick", [0.0, 5.0])
def test_another_unit_changes_nothing_but_the_unit(paired, share, tick):
    pair = lognormal(6, 3000, 0.7)
    if tick:
        pair = [np.ceil(x / tick) * tick for x in pair]
    found = difference(*pair, share, paired=paired)
    scaled = difference(*(1024 * x for x in pair), share, paired=paired)
    assert scaled.p == pytest.approx(found.p, rel=1e-9)
    assert scaled.ci95 == pytest.approx([1024 * end for end in found.ci95], rel=1e-6)
    assert scaled.ratio_ci95 == pytest.approx(found.ratio_ci95, rel=1e-6)


@pytest.mark.parametrize("paired", [True, False])
def test_the_ratio_is_one_within_its_interval_exactly_where_zero_is(paired):
    for seed in range(60):
        reference, other = lognormal(seed, 400, 0.6)
        found = difference(reference, 1.03 * other, 0.5, paired=paired)
        (low, high), (floor, top) = found.ci95, found.ratio_ci95
        assert (low <= 0 <= high) == (floor <= 1 <= top)
        assert floor <= found.ratio <= top


@pytest.mark.parametrize("share", PERCENTILES.values())
@pytest.mark.parametrize("limit", [120.0, 180.0, 260.0])
def test_estimates_are_those_of_a_summary(share, limit):
    for values in lognormal(9, 777):
        cut = np.where(values > limit, np.nan, values)
        name = next(key for key, x in PERCENTILES.items() if x == share)
        assert (
            Sample.of(cut, limit).quantile(share)
            == summarise(cut, ~np.isnan(cut), limit=limit)[name]
        )
        assert Sample.of(values).quantile(share) == summarise(values)[name]


def test_estimates_of_cut_trials_are_kaplan_and_meiers():
    values = lognormal(10, 501)[0]
    ended = values <= 170
    curve = scipy.stats.ecdf(
        scipy.stats.CensoredData(uncensored=values[ended], right=np.full((~ended).sum(), 170.0))
    ).sf
    median = curve.quantiles[np.flatnonzero(curve.probabilities <= 0.5)[0]]
    assert Sample.of(np.where(ended, values, np.nan), 170.0).quantile(0.5) == median


@pytest.mark.parametrize("paired", [True, False])
def test_a_quantile_beyond_the_limit_still_has_a_side(paired):
    reference, other = lognormal(11, 4000, 0.5)
    cut = np.where(reference > 200, np.nan, reference)
    found = difference(
        cut, np.where(other > 290, 199.0, other / 2), 0.9, paired=paired, limit=200.0
    )
    assert (found.reference, found.difference, found.ratio) == (None, None, None)
    assert found.ci95[0] is None
    # At least 200 less half of 150 * exp(1.28 * .3) = 218, give or take.
    assert found.ci95[1] == pytest.approx(-91, abs=4)
    assert found.p < 1e-6
    assert agree(found)


def test_beyond_the_limit_on_both_sides_there_is_nothing_to_say():
    cut = np.full(100, np.nan)
    assert difference(cut, cut, 0.5, paired=False, limit=9.0) is None


@pytest.mark.parametrize("paired", [True, False])
def test_a_law_that_is_mostly_nothing(paired):
    rng = np.random.default_rng(12)
    pair = [np.where(rng.random(3000) < 0.7, 0.0, rng.exponential(9, 3000)) for _ in range(2)]
    found = difference(*pair, 0.5, paired=paired)
    assert (found.difference, found.ci95, found.p) == (0.0, (0.0, 0.0), 1.0)
    assert found.ratio is None
