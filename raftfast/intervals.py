"""The 95 % intervals of everything that is printed: Student's, and by order statistics."""

from __future__ import annotations

import functools
import math

import numpy as np

PERCENTILES = {"p10": 0.10, "p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
"""The quantiles of every metric, by their names in the output."""

INTERVALS = ("p50", "p99")
"""The quantiles that carry a confidence interval."""

Z = 1.959963984540054
"""The .975 quantile of the standard normal distribution: every interval here is a 95 % one."""

T_SMALL = (12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624)
"""The .975 quantiles of Student's t for 1 to 7 degrees of freedom: too few for the series."""

COVERAGE, COVERAGE_WIDE = 0.95, 0.97
"""What an interval between order statistics must cover, and above which it is made narrower."""


@functools.lru_cache(maxsize=1024)
def t_quantile(df: int) -> float:
    """The .975 quantile of Student's t: within 2e-5 of itself for every df >= 1.

    Constants for the first, then the expansion in 1/df (Abramowitz and Stegun 26.7.5).
    """
    if df <= len(T_SMALL):
        return T_SMALL[df - 1]
    z = Z
    terms: tuple[float, ...] = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term * float(df) ** -power for power, term in enumerate(terms, start=1))


@functools.lru_cache(maxsize=1024)
def quantile_ranks(size: int, share: float) -> tuple[int | None, int | None]:
    """Ranks of the order statistics between which the quantile lies with 95 % confidence.

    Each side misses with at most 2.5 %, whatever the distribution, except that one end moves in
    by a rank if the pair would cover over 97 % and still covers 95 % then. A side for which this
    sample has no rank far enough out is None; the low one never lies above numpy's estimate. The
    binomial sums are exact for every size: what they leave out, over ten standard deviations from
    the mean, is below double precision.
    """
    centre, reach = size * share, 10 * math.sqrt(size * share * (1 - share)) + 40
    first, last = max(0, math.floor(centre - reach)), min(size, math.ceil(centre + reach))
    hits = np.arange(first + 1, last + 1)
    ratios = np.log((size - hits + 1) / hits) + math.log(share / (1 - share))
    weights = np.cumsum(np.append(0.0, ratios))
    chance = np.exp(weights - weights.max())
    chance /= chance.sum()
    upto = np.cumsum(chance)
    low, high = int(np.searchsorted(upto, 0.025, side="right")), int(np.searchsorted(upto, 0.975))
    if low + first < 1 or high + first >= size:
        low = min(low + first, math.floor((size - 1) * share) + 1)
        return (low or None), (high + first + 1 if high + first < size else None)
    covered = upto[high] - upto[low - 1]
    if covered > COVERAGE_WIDE:
        spare = [x if covered - x >= COVERAGE else 0 for x in (chance[low], chance[high])]
        low, high = low + (spare[0] > spare[1]), high - (0 < spare[1] >= spare[0])
    return low + first, high + first + 1
