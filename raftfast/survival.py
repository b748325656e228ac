"""The log-rank test of two samples of times, of which some are only known to be longer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .differences import ALPHA, UNKNOWN, Difference, z_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def log_rank(
    reference: Floats,
    ended: Bools,
    other: Floats,
    other_ended: Bools,
    *,
    paired: bool,
    alpha: float = ALPHA,
) -> Difference:
    """The hazard of the other side over that of the reference, against 1, by the log-rank test.

    Times are when a trial ended, or up to when it had not; who is cut at a time is at risk there.
    The hazard ratio is Peto's one step from the test, exp((O - E) / V), and right to first order
    in its logarithm (Peto et al., Br. J. Cancer 35 (1977) 1-39). Unpaired: the variance V is the
    hypergeometric one (R: survival::survdiff). Paired: that of what each pair adds to O - E, which
    takes in what the two have in common (Jung, Lifetime Data Anal. 5 (1999) 67-79). Over 1: the
    other side ends sooner. Without an end on either side nothing is known, and p is 1.
    """
    times = np.concatenate([reference, other])
    ends = np.concatenate([ended, other_ended])
    moments, place = np.unique(times, return_inverse=True)
    first, second = place[: reference.size], place[reference.size :]
    left = np.bincount(place[ends], minlength=moments.size)
    left_other = np.bincount(second[other_ended], minlength=moments.size)
    risk, risk_other = (_at_risk(x, moments.size) for x in (place, second))
    share = risk_other / risk
    excess = float((left_other - left * share).sum())
    spread = left * share * (1 - share) * (risk - left) / np.maximum(risk - 1, 1)
    information = float(spread.sum())
    if not information:
        return Difference(None, None, None, UNKNOWN, 1.0, testable=False)
    variance = information
    if paired:
        hazard = left / risk
        parts = _parts(second, other_ended, 1 - share, hazard)
        parts -= _parts(first, ended, share, hazard)
        parts -= parts.mean()
        variance = float((parts * parts).sum())
    return _hazard_ratio(excess, information, variance, z_of(alpha))


def _at_risk(place: NDArray[np.intp], moments: int) -> NDArray[np.int64]:
    """How many have not left before each moment."""
    counts = np.bincount(place, minlength=moments)
    return np.asarray(place.size - (np.cumsum(counts) - counts))


def _parts(place: NDArray[np.intp], ended: Bools, weight: Floats, hazard: Floats) -> Floats:
    """What each trial adds: its weight where it ends, less what was expected of it until then."""
    expected = np.cumsum(weight * hazard)
    return np.asarray(np.where(ended, weight[place], 0.0) - expected[place])


def _hazard_ratio(excess: float, information: float, variance: float, z: float) -> Difference:
    from scipy import special

    ratio = math.exp(excess / information)
    error = math.sqrt(variance)
    if not error:
        p = float(excess == 0)
    else:
        p = 2 * float(special.ndtr(-abs(excess) / error))
    half = z * error / information
    low, high = (math.exp(excess / information + side) for side in (-half, half))
    return Difference(1.0, ratio, ratio - 1, (low - 1, high - 1), p, ratio, (low, high))
