"""Differences of means and of rates and who is faster, against published values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raftfast.differences import UNKNOWN
from raftfast.means import mean_difference, superiority
from raftfast.rates import balance, rate_difference

from .known_pairs import agree

# Student (1908), hours of sleep gained by ten patients on two drugs; R: sleep.
FIRST = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SECOND = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])

# Hollander and Wolfe (1973) 69f, permeability of a membrane; R: example(wilcox.test), W = 35.
AT_TERM = np.array([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46])
EARLIER = np.array([1.15, 0.88, 0.90, 0.74, 1.21])

# Pain after surgery (Brunner and Munzel 2000); R: example(lawstat::brunner.munzel.test).
TREATED = np.array([1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1.0])
CONTROLS = np.array([3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4.0])

samples = hnp.arrays(
    np.float64, st.integers(2, 30), elements=st.floats(0, 1000).map(lambda x: round(x, 1))
)


def hits(count, trials):
    return np.arange(trials) < count


def test_students_paired_t_on_students_own_data():
    found = mean_difference(SECOND, FIRST, paired=True)
    # R: t.test(extra ~ group, paired = TRUE)
    assert found.ci95 == pytest.approx((-2.4598858, -0.7001142), abs=1e-7)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert found.difference == pytest.approx(-1.58)


def test_welchs_t_on_students_own_data():
    found = mean_difference(SECOND, FIRST, paired=False)
    # R: t.test(extra ~ group)
    assert found.ci95 == pytest.approx((-3.3654832, 0.2054832), abs=1e-7)
    assert found.p == pytest.approx(0.07939, abs=5e-6)


@given(samples, samples)
def test_unpaired_means_are_scipys(reference, other):
    assume(np.ptp(reference) > 0 and np.ptp(other) > 0)
    found = mean_difference(reference, other, paired=False)
    oracle = scipy.stats.ttest_ind(other, reference, equal_var=False)
    assert found.p == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-12)
    assert found.ci95 == pytest.approx(tuple(oracle.confidence_interval()), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("paired", [True, False])
def test_fiellers_ratio_is_where_the_tests_of_a_multiple_turn(paired):
    rng = np.random.default_rng(5)
    reference = rng.lognormal(5, 0.3, 400)
    other = 1.05 * reference * rng.lognormal(0, 0.1, 400)
    found = mean_difference(reference, other, paired=paired)
    for end in found.ratio_ci95:
        test = scipy.stats.ttest_rel if paired else scipy.stats.ttest_ind
        # Unpaired: Welch's degrees of freedom differ a little at another ratio.
        assert test(other, end * reference).pvalue == pytest.approx(
            0.05, abs=1e-9 if paired else 1e-4
        )
    assert found.ratio == pytest.approx(other.mean() / reference.mean())


def test_a_reference_that_may_as_well_be_nothing_leaves_the_ratio_open():
    reference = np.array([-1.0, 1.0, 0.5, -0.4, 0.2])
    found = mean_difference(reference, reference[::-1] + 3, paired=False)
    assert found.ratio_ci95 == UNKNOWN


@pytest.mark.parametrize(("paired", "enough"), [(True, 6), (False, 4)])
@pytest.mark.parametrize("value", [3.0, 2.1])
def test_a_difference_without_spread_takes_a_few_trials(paired, enough, value):
    for size in range(2, enough + 1):
        found = mean_difference(np.full(size, 2.0), np.full(size, value), paired=paired)
        luck = 2 / 2**size if paired else 2 / math.comb(2 * size, size)
        assert found.p == pytest.approx(luck)
        assert (found.ci95 == UNKNOWN) == (size < enough)
    # The difference is 0.1 in each trial but for rounding.
    reference = np.array([1571.7, 1513.3])
    assert mean_difference(reference, reference + 0.1, paired=True).p == 0.5


@pytest.mark.parametrize("paired", [True, False])
def test_columns_that_never_change_do_not_differ(paired):
    zeros = np.zeros(50)
    found = mean_difference(zeros, zeros.copy(), paired=paired)
    assert (found.p, found.ci95, found.difference) == (1.0, (0.0, 0.0), 0.0)
    assert (found.ratio, found.testable) == (None, False)
    found = mean_difference(zeros + 3, zeros + 3, paired=paired)
    assert (found.ratio, found.ratio_ci95, found.reference) == (1.0, (1.0, 1.0), 3.0)
    found = mean_difference(zeros + 2, zeros + 3, paired=paired)
    assert (found.ci95, found.difference) == ((1.0, 1.0), 1.0)
    assert found.p < 1e-14


def test_one_trial_says_nothing():
    found = mean_difference(np.array([2.0]), np.array([3.0]), paired=True)
    assert (found.difference, found.ci95, found.p) == (1.0, UNKNOWN, 1.0)


def test_pairing_leaves_what_differs_within_the_trials():
    rng = np.random.default_rng(1)
    luck = rng.lognormal(5, 0.3, 1000)
    other = luck + rng.normal(0, 1, 1000)
    widths = [np.ptp(mean_difference(luck, other, paired=paired).ci95) for paired in (True, False)]
    # Variances: 1 against 2 * (exp(.09) - 1) * exp(10.09) = 4542, so 1 / 67 wide; the widths of
    # a thousand trials are known to 2.2 % each.
    assert widths[1] / widths[0] == pytest.approx(67, rel=0.15)


# n11, n12, n21, n22 and the interval of n12 - n21: Fagerland, Lydersen and Laake, Statist. Med. 33
# (2014) 2850-2875, airway hyper-responsiveness before and after transplantation; Tango (1998),
# table V, the data of Jones and Kenward.
@pytest.mark.parametrize(
    ("ups", "downs", "trials", "low", "high"),
    [(1, 7, 21, -0.517, -0.026), (12, 2, 50, 0.061, 0.345)],
)
def test_tangos_score_interval(ups, downs, trials, low, high):
    assert balance(ups, downs, trials).ci95 == pytest.approx((low, high), abs=5e-4)


def test_the_paired_rates_test_is_mcnemars():
    # Fagerland et al. (2014): 1 against 7 of 21 pairs, asymptotic McNemar p = .034.
    reference, other = np.zeros((2, 21), dtype=bool)
    reference[:7] = True
    other[20] = True
    found = rate_difference(reference, other, paired=True)
    assert found.p == pytest.approx(0.0339, abs=5e-5)
    assert (found.reference, found.value) == (7 / 21, 1 / 21)


def test_newcombes_interval_of_two_shares():
    # Newcombe (1998), table II, method 10: 56/70 - 48/80.
    found = rate_difference(hits(48, 80), hits(56, 70), paired=False)
    assert found.ci95 == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_unpaired_p_is_that_of_the_pooled_test_in_large_samples():
    found = rate_difference(hits(9500, 100_000), hits(9800, 100_000), paired=False)
    pooled = scipy.stats.chi2_contingency([[9500, 90_500], [9800, 90_200]], correction=False)
    assert found.p == pytest.approx(pooled.pvalue, rel=0.01)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("trials", [10, 100_000])
def test_nothing_seen_is_not_nothing_there(paired, trials):
    found = rate_difference(hits(0, trials), hits(0, trials), paired=paired)
    # Without a hit both sides' Wilson intervals end at z^2 / (n + z^2); so does Tango's.
    end = 3.8414588 / (trials + 3.8414588)
    assert found.ci95 == pytest.approx((-end, end))
    assert (found.p, found.testable) == (1.0, False)


@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_rates_mirror_and_p_agrees_with_the_interval(trials, first, second, paired):
    rng = np.random.default_rng(first * 61 + second)
    reference, other = (rng.permutation(hits(min(x, trials), trials)) for x in (first, second))
    found = rate_difference(reference, other, paired=paired)
    assert agree(found)
    back = rate_difference(other, reference, paired=paired)
    assert back.ci95 == pytest.approx((-found.ci95[1], -found.ci95[0]), abs=1e-9)
    assert found.ci95[0] - 1e-12 <= found.difference <= found.ci95[1] + 1e-12
    assert -1 <= found.ci95[0] <= found.ci95[1] <= 1


def test_mann_and_whitneys_u():
    found = superiority(AT_TERM, EARLIER, paired=False)
    assert found.value * AT_TERM.size * EARLIER.size == 35


def test_brunner_and_munzels_test():
    found = superiority(CONTROLS, TREATED, paired=False)
    # R: P(X < Y) + .5 * P(X = Y) = 0.788961, 95 % from 0.5952169 to 0.9827052, p = 0.005786
    assert found.value == pytest.approx(0.788961, abs=5e-7)
    assert found.p == pytest.approx(0.005786, abs=5e-7)
    ends = tuple(0.5 + end for end in found.ci95)
    assert ends == pytest.approx((0.5952169, 0.9827052), abs=5e-8)


def test_in_large_samples_it_is_mann_and_whitneys_test():
    rng = np.random.default_rng(3)
    reference, other = rng.normal(0, 1, 4000), rng.normal(0.05, 1, 4000)
    found = superiority(reference, other, paired=False)
    oracle = scipy.stats.mannwhitneyu(other, reference)
    assert found.p == pytest.approx(oracle.pvalue, rel=0.02)


def test_paired_trials_that_never_end_tie_and_beat_nobody():
    reference = np.array([1.0, 2.0, np.inf, np.inf, 5.0])
    other = np.array([1.0, 1.5, 9.0, np.inf, np.inf])
    found = superiority(reference, other, paired=True)
    assert found.value == (2 + 2 / 2) / 5
    assert found.p == balance(2, 1, 5).p
    every = [(y < x) + (y == x) / 2 for x in reference for y in other]
    assert superiority(reference, other, paired=False).value == pytest.approx(np.mean(every))


@pytest.mark.parametrize("paired", [True, False])
@given(reference=samples, other=samples)
def test_p_agrees_with_the_interval(paired, reference, other):
    size = min(reference.size, other.size)
    reference, other = reference[:size], other[:size]
    assert agree(mean_difference(reference, other, paired=paired))
    assert agree(superiority(reference, other, paired=paired))
