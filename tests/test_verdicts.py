"""Verdicts, how many more trials would settle a difference, and the words for it."""

from __future__ import annotations

import numpy as np
import pytest

from raftfast.corrections import benjamini_hochberg, holm
from raftfast.differences import UNKNOWN, Difference
from raftfast.means import mean_difference
from raftfast.verdicts import level, more_trials, verdict, words


def found(reference=100.0, value=90.0, ci95=(-12.0, -8.0), p=0.001, **others):
    known = reference is not None and value is not None
    apart = value - reference if known else None
    ratio = value / reference if known and reference else None
    return Difference(reference, value, apart, ci95, p, ratio, **others)


@pytest.mark.parametrize(
    ("difference", "p_corrected", "band", "expected"),
    [
        (found(ci95=(-0.9, -0.1)), 0.001, 0.01, "same"),  # in the band comes first
        (found(ci95=(-1.0, 1.0)), 0.9, 0.01, "same"),
        (found(ci95=(-1.1, 0.5)), 0.9, 0.01, "undecided"),
        (found(ci95=(-1.1, -0.5)), 0.049, 0.01, "lower"),
        (found(ci95=(-1.1, -0.5)), 0.05, 0.01, "undecided"),
        (found(ci95=(0.5, 1.1)), 0.049, 0.01, "higher"),
        (found(ci95=(0.5, 0.9)), 0.049, 0.0, "higher"),
        (found(0.0, 0.0, (0.0, 0.0), 1.0), 1.0, 0.0, "same"),
        (found(0.0, 0.0, (-0.1, 0.1), 1.0), 1.0, 0.5, "undecided"),
        (found(-100.0, -100.0, (-0.5, 0.5), 1.0), 1.0, 0.01, "same"),
        (found(None, 90.0, (None, -3.0)), 0.001, 0.01, "lower"),
        (found(90.0, None, (3.0, None)), 0.001, 0.01, "higher"),
        (found(90.0, 91.0, UNKNOWN, 1.0), 1.0, 0.01, "undecided"),
    ],
)
def test_the_contracts_order(difference, p_corrected, band, expected):
    assert verdict(difference, p_corrected, band) == expected


@pytest.mark.parametrize(("correction", "correct"), [("holm", holm), ("bh", benjamini_hochberg)])
def test_below_the_level_one_more_test_is_significant(correction, correct):
    ps = [0.0001, 0.002, 0.3, 0.4, 0.7]
    mark = level(correct(ps), correction)
    for index in (2, 3, 4):
        for p, significant in ((0.99 * mark, True), (1.01 * mark, False)):
            changed = [p if i == index else other for i, other in enumerate(ps)]
            assert (correct(changed)[index] < 0.05) == significant


def test_without_correction_the_level_is_five_per_cent():
    assert level([0.2, 0.001, 0.6], "none") == 0.05
    assert level([0.01], "holm") == 0.05


def sample(rng, size, mean):
    return rng.normal(100, 5, size), rng.normal(100 + mean, 5, size)


@pytest.mark.parametrize(
    ("mean", "band", "both_ways"),
    [(0.3, 0.0, False), (2.0, 0.01, False), (0.3, 0.01, True), (-0.1, 0.005, True)],
)
def test_that_many_more_trials_settle_it_four_times_in_five(mean, band, both_ways):
    """80 % +- 4 standard errors of 400 repetitions (2 %): a first look whose estimate is right,
    then fresh trials, as many as it asked for. Where the other way out is not far off, some of
    the rest take it."""
    rng = np.random.default_rng(1)
    start = 60
    first = [(x - x.mean()) / x.std(ddof=1) * 5 + 100 for x in sample(rng, start, 0)]
    seen = mean_difference(first[0], first[1] + mean, paired=False)
    more = more_trials(seen, start, band, 0.05)
    settled = 0
    for _ in range(400):
        pair = sample(rng, start + more, mean)
        again = mean_difference(*pair, paired=False)
        settled += verdict(again, again.p, band) != "undecided"
    assert settled / 400 >= 0.72
    assert both_ways or settled / 400 <= 0.88


def test_a_stricter_level_needs_more_trials():
    seen = found(value=99.0, ci95=(-2.5, 0.5), p=0.19)
    assert more_trials(seen, 1000, 0.0, 0.05 / 20) > 1.5 * more_trials(seen, 1000, 0.0, 0.05)


@pytest.mark.parametrize(
    "seen",
    [
        found(100.0, 100.0, (-5.0, 5.0), 1.0),
        found(0.0, 0.0, (-0.1, 0.1), 1.0),
        found(90.0, 91.0, UNKNOWN, 1.0),
    ],
)
def test_nothing_settles_no_difference_without_a_band(seen):
    assert more_trials(seen, 1000, 0.0, 0.05) is None


def test_what_is_known_on_one_side_only_may_still_be_told_apart():
    assert more_trials(found(None, 90.0, (None, 0.3), 0.06), 1000, 0.01, 0.05) > 0


@pytest.mark.parametrize(
    ("metric", "difference", "said", "more", "expected"),
    [
        ("election_ms.mean", found(value=92.7), "lower", None, "7.3 % faster"),
        ("election_ms.p99", found(value=250.0), "higher", None, "2.5 times as long"),
        ("detect_ms.p50", found(value=100.25), "higher", None, "0.25 % slower"),
        ("messages.mean", found(value=88.0), "lower", None, "12 % fewer"),
        ("unavailable_ms.mean", found(value=88.0), "lower", None, "12 % less"),
        ("election_ms.p99", found(value=0.35), "lower", None, "99.7 % faster"),
        ("rate.multi_term", found(0.5, 0.0001), "lower", None, "over 99.9 % less often"),
        ("rate.multi_term", found(0.5, 0.0), "lower", None, "100 % less often"),
        ("rate.multi_term", found(0.02, 0.03), "higher", None, "50 % more often"),
        ("rate.multi_term", found(0.02, 0.06), "higher", None, "3 times as often"),
        ("messages.mean", found(value=730.0), "higher", None, "7.3 times as many"),
        ("unavailable_ms.mean", found(value=730.0), "higher", None, "7.3 times as much"),
        ("rate.multi_term", found(0.0, 0.03), "higher", None, "3 points more often"),
        ("rate.availability", found(0.99, 0.995), "higher", None, "0.5 points higher"),
        ("lost.mean", found(0.0, 0.034), "higher", None, "0.034 more"),
        ("election_ms.p50", found(0.0, 3.41), "higher", None, "3.4 ms slower"),
        (
            "election_ms.p99",
            found(None, 90.0, (None, -12.5)),
            "lower",
            None,
            "at least 12 ms faster",
        ),
        ("election_ms.faster", found(0.5, 0.531), "higher", None, "faster in 53.1 % of cases"),
        (
            "election_ms.faster",
            found(0.5, 0.00004),
            "lower",
            None,
            "slower in over 99.9 % of cases",
        ),
        ("election_ms.faster", found(0.5, 0.0), "lower", None, "slower in 100 % of cases"),
        (
            "election_ms.hazard_ratio",
            found(1.0, 1.08),
            "higher",
            None,
            "at any moment 8 % more likely to end",
        ),
        (
            "election_ms.hazard_ratio",
            found(1.0, 2.5),
            "higher",
            None,
            "at any moment 2.5 times as likely to end",
        ),
        ("messages.mean", found(), "same", None, "no difference beyond 1 %"),
        ("messages.mean", found(ci95=(0.0, 0.0)), "same", None, "no difference"),
        (
            "messages.mean",
            found(),
            "undecided",
            39_612,
            "undecided: about 40,000 more trials would settle it",
        ),
        (
            "messages.mean",
            found(),
            "undecided",
            7,
            "undecided: about 7 more trials would settle it",
        ),
        (
            "rate.censored",
            found(0.0, 0.0, (-0.00019, 0.00019), 1.0),
            "undecided",
            None,
            "undecided: none on either side, at most 0.019 % apart",
        ),
        (
            "election_ms.p99.9",
            found(ci95=UNKNOWN),
            "undecided",
            None,
            "undecided: too few trials for this quantile",
        ),
        ("messages.mean", found(ci95=UNKNOWN), "undecided", None, "undecided: too few trials"),
        (
            "election_ms.hazard_ratio",
            found(None, None, UNKNOWN, 1.0, testable=False),
            "undecided",
            None,
            "undecided: no trial ends before the limit",
        ),
    ],
)
def test_words(metric, difference, said, more, expected):
    assert words(metric, difference, said, 0.01, more) == expected
