"""The log-rank test, against published values, scipy and simulated pairs."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from scipy.special import ndtri

from raftfast.differences import UNKNOWN
from raftfast.survival import log_rank

# Freireich et al., Blood 21 (1963) 699-716: weeks of remission in leukemia, 6-MP and placebo.
DRUG = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def freireich(*, paired):
    drug, ended = np.array(DRUG, dtype=float), np.array(RELAPSED, dtype=bool)
    return log_rank(drug, ended, np.array(PLACEBO, dtype=float), np.ones(21, bool), paired=paired)


def test_freireichs_remissions():
    # R: survdiff(Surv(time, status) ~ group): chisq = 16.79 on 1 degree of freedom
    assert ndtri(freireich(paired=False).p / 2) ** 2 == pytest.approx(16.79, abs=0.005)


def test_petos_hazard_ratio_of_freireichs_remissions():
    # R: O = 21, E = 10.75 under placebo; V = (O - E)^2 / chisq = 6.257; exp((O - E) / V).
    assert freireich(paired=False).ratio == pytest.approx(np.exp((21 - 10.75) / 6.257), rel=0.002)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tick", [0.0, 0.25])
def test_unpaired_it_is_scipys(seed, tick):
    rng = np.random.default_rng(seed)
    times = [rng.exponential(mean, size) for mean, size in ((1.0, 80), (1.4, 120))]
    cuts = [rng.exponential(2.0, x.size) for x in times]
    if tick:
        times, cuts = ([np.ceil(x / tick) for x in group] for group in (times, cuts))
    ended = [time <= cut for time, cut in zip(times, cuts, strict=True)]
    seen = [np.minimum(time, cut) for time, cut in zip(times, cuts, strict=True)]
    found = log_rank(seen[0], ended[0], seen[1], ended[1], paired=False)
    oracle = scipy.stats.logrank(
        *(
            scipy.stats.CensoredData(uncensored=x[end], right=x[~end])
            for x, end in zip(seen, ended, strict=True)
        )
    )
    assert found.p == pytest.approx(oracle.pvalue, rel=1e-9)


def test_what_nobody_ended_in_tells_nothing():
    found = log_rank(
        np.full(5, 9.0), np.zeros(5, bool), np.full(5, 9.0), np.zeros(5, bool), paired=True
    )
    assert (found.ratio, found.ci95, found.p, found.testable) == (None, UNKNOWN, 1.0, False)


def test_equal_pairs_do_not_differ():
    times = np.array([1.0, 2.0, 2.0, 5.0])
    ended = np.array([True, True, False, True])
    found = log_rank(times, ended, times, ended, paired=True)
    assert (found.ratio, found.p) == (pytest.approx(1.0), 1.0)


def test_exchange_turns_the_hazard_ratio_over():
    rng = np.random.default_rng(2)
    first, second = rng.exponential(1, (2, 300))
    ends = np.minimum(first, 2.0), first < 2.0, np.minimum(second, 2.0), second < 2.0
    for paired in (True, False):
        there = log_rank(*ends, paired=paired)
        back = log_rank(*ends[2:], *ends[:2], paired=paired)
        assert back.ratio == pytest.approx(1 / there.ratio)
        assert back.p == pytest.approx(there.p)


def test_pairing_is_seen_only_by_the_paired_test():
    """Of equal hazards 5 % +- 4 standard errors are told apart, however close the pairs are."""
    rng = np.random.default_rng(4)
    repetitions = 1000
    alarms = {True: 0, False: 0}
    for _ in range(repetitions):
        luck = rng.exponential(1, 200)
        pair = [luck * rng.lognormal(0, 0.3, 200) for _ in range(2)]
        for paired in alarms:
            (x, y) = (np.minimum(z, 1.5) for z in pair)
            alarms[paired] += log_rank(x, x < 1.5, y, y < 1.5, paired=paired).p < 0.05
    assert abs(alarms[True] / repetitions - 0.05) < 0.028
    assert alarms[False] < 0.005 * repetitions
