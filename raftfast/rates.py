"""Differences of rates: shares of trials, paired or not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .differences import ALPHA, Difference, quotient, z_of
from .statistics import rate

_STEPS = 60
"""Halvings of a bracket: more than a double has digits."""


def rate_difference(
    reference: NDArray[np.bool_], other: NDArray[np.bool_], *, paired: bool, alpha: float = ALPHA
) -> Difference:
    """The difference of two shares of trials, other - reference.

    Paired: Tango's score interval (Statist. Med. 17 (1998) 891-908), whose test of no difference
    is McNemar's without correction. Unpaired: Newcombe's interval of two Wilson scores (Statist.
    Med. 17 (1998) 873-890, method 10), and p is where it touches zero. Both are open to either
    side even if nothing was hit: no difference seen is not no difference. The ratio has no
    interval.
    """
    hits = int(reference.sum()), int(other.sum())
    if paired:
        only = int(np.sum(other & ~reference)), int(np.sum(reference & ~other))
        found = balance(*only, reference.size, alpha)
        ends, p, testable = found.ci95, found.p, found.testable
    else:
        sizes = reference.size, other.size
        ends = newcombe(hits, sizes, z_of(alpha))
        p = where_it_touches(lambda z: newcombe(hits, sizes, z))
        testable = 0 < sum(hits) < sum(sizes)
    shares = hits[0] / reference.size, hits[1] / other.size
    ratio = quotient(shares[1], shares[0])
    return Difference(*shares, shares[1] - shares[0], ends, p, ratio, testable=testable)


def balance(ups: int, downs: int, trials: int, alpha: float = ALPHA) -> Difference:
    """(ups - downs) / trials against 0, of pairs that go up, down or neither way: `tango`."""
    from scipy import special

    difference = (ups - downs) / trials
    z = abs(ups - downs) / math.sqrt(ups + downs) if ups + downs else 0.0
    p = 2 * float(special.ndtr(-z))
    ends = tango(ups, downs, trials, z_of(alpha))
    return Difference(0.0, difference, difference, ends, p, testable=ups + downs > 0)


def tango(ups: int, downs: int, trials: int, z: float) -> tuple[float, float]:
    """Tango's score interval of (ups - downs) / trials.

    Every d that (ups - downs - trials * d) / sd(d) does not reject, with the sd at the likeliest
    share of downs under d. At d = 0 this is McNemar's (ups - downs)^2 / (ups + downs). Without
    ups and downs it is +- z^2 / (trials + z^2).
    """

    def score(d: float) -> float:
        b = (2 * trials - ups + downs) * d - ups - downs
        share = (math.sqrt(max(0.0, b * b + 8 * trials * downs * d * (1 - d))) - b) / (4 * trials)
        variance = trials * (2 * share + d * (1 - d))
        away = ups - downs - trials * d
        return away / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, away)

    difference = (ups - downs) / trials
    low = _crossing(lambda d: score(d) <= z, -1.0, difference)
    high = -_crossing(lambda d: score(-d) >= -z, -1.0, -difference)
    return low, high


def _crossing(inside: Callable[[float], bool], out: float, within: float) -> float:
    """The point between `out` and `within` from which on `inside` holds; `out` if it does there."""
    if inside(out):
        return out
    for _ in range(_STEPS):
        middle = (out + within) / 2
        if inside(middle):
            within = middle
        else:
            out = middle
    return within


def newcombe(hits: tuple[int, int], sizes: tuple[int, int], z: float) -> tuple[float, float]:
    """Newcombe's interval of the difference of two shares, second - first."""
    (p, (low, high)), (q, (floor, top)) = (
        _wilson(h, n, z) for h, n in zip(hits, sizes, strict=True)
    )
    return q - p - math.hypot(q - floor, high - p), q - p + math.hypot(top - q, p - low)


def _wilson(hits: int, trials: int, z: float) -> tuple[float, tuple[float, float]]:
    found = rate(hits, trials, z)
    return found["value"], tuple(found["ci95"])


def where_it_touches(interval: Callable[[float], tuple[float, float]]) -> float:
    """The two-sided p at which an interval that widens with z first holds zero."""
    from scipy import special

    def holds(z: float) -> bool:
        low, high = interval(z)
        return low <= 0 <= high

    low, high = 0.0, 38.0  # where p is as small as a double can be
    if holds(low):
        return 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return 2 * float(special.ndtr(-high))
