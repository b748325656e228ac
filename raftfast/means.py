"""Differences of means: of values, of values up to a limit, and of who is faster."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .differences import ALPHA, UNKNOWN, Difference, Ends, quotient, unchanged, z_of
from .rates import balance, newcombe, tango, where_it_touches

Floats = NDArray[np.float64]

_ROUNDING = 1e-14
"""A standard error is none at so small a share of the means: it is what their rounding leaves."""


def mean_difference(
    reference: Floats, other: Floats, *, paired: bool, alpha: float = ALPHA
) -> Difference:
    """The difference of the means, other - reference.

    Paired: Student's t of the differences within the trials. Unpaired: Welch's t (Biometrika 34
    (1947) 28-35). The ratio's interval is Fieller's with the same quantile of t (J. R. Statist.
    Soc. B 16 (1954) 175-185), unknown where the reference's mean may as well be 0. Both samples
    are finite and not empty; paired ones are equally long. A difference that is the same in every
    trial has no spread, of which Student's t makes certainty, be it of two trials: then p is how
    often luck alone gives all signs, or all values, to one side, and the interval is the difference
    itself where that is rare enough, else unknown.
    """
    if np.array_equal(reference, other) if paired else _constant(reference, other):
        return unchanged(float(reference[0] if not paired else reference.mean()))
    means = float(reference.mean()), float(other.mean())
    if min(reference.size, other.size) < 2:
        return Difference(*means, means[1] - means[0], UNKNOWN, 1.0, quotient(means[1], means[0]))
    if paired:
        away = reference - means[0], other - means[1]
        df = float(reference.size - 1)
        scale = reference.size * df
        spreads = tuple(float((x * y).sum()) / scale for x, y in (away[:1] * 2, away[1:] * 2, away))
        apart = other - reference
        difference = float(apart.mean())
        error = math.sqrt(float(apart.var()) / df)
    else:
        errors = [float(x.var(ddof=1)) / x.size for x in (reference, other)]
        spreads = (*errors, 0.0)
        difference, error = means[1] - means[0], math.sqrt(sum(errors))
        df = _welch(errors, [reference.size, other.size])
    p, reach = _student(difference, error, df, alpha)
    if error <= _ROUNDING * (abs(means[0]) + abs(means[1])):
        p = _one_sided_luck(reference.size, other.size, paired=paired)
        if p >= alpha:
            return Difference(*means, difference, UNKNOWN, p, quotient(means[1], means[0]))
    half = reach * error
    ends = difference - half, difference + half
    ratio = quotient(means[1], means[0])
    return Difference(*means, difference, ends, p, ratio, _fieller(means, spreads, reach))


def _one_sided_luck(size: int, other_size: int, *, paired: bool) -> float:
    """The chance that equal sides give every difference the same sign, or, unpaired, that every
    value of one side is beyond all of the other's: the least p that signs or ranks can have."""
    if paired:
        return math.ldexp(1.0, max(1 - size, -1074))
    ways = math.lgamma(size + other_size + 1) - math.lgamma(size + 1) - math.lgamma(other_size + 1)
    return 2 * math.exp(-ways)


def _constant(reference: Floats, other: Floats) -> bool:
    """Whether every value on either side is the same."""
    first = reference[0]
    return bool((reference == first).all() and (other == first).all())


def _welch(errors: list[float], sizes: list[int]) -> float:
    """Degrees of freedom of a sum of two variances (Satterthwaite)."""
    total = sum(errors)
    if not total:
        return float(min(sizes) - 1)
    return total**2 / sum(e**2 / (n - 1) for e, n in zip(errors, sizes, strict=True))


def _student(difference: float, error: float, df: float, alpha: float) -> tuple[float, float]:
    """(the two-sided p of Student's t, its quantile beyond which alpha / 2 lies)."""
    from scipy import special

    reach = float(special.stdtrit(df, 1 - alpha / 2))
    if not error:
        return float(difference == 0), reach
    return 2 * float(special.stdtr(df, -abs(difference / error))), reach


def _fieller(means: tuple[float, float], spreads: tuple[float, ...], reach: float) -> Ends:
    """Ratios r for which mean 1 - r * mean 0 is within `reach` standard errors of 0.

    spreads: the variances of both means and their covariance.
    """
    square = reach * reach
    a = means[0] ** 2 - square * spreads[0]
    b = means[0] * means[1] - square * spreads[2]
    c = means[1] ** 2 - square * spreads[1]
    if a <= 0:
        return UNKNOWN
    root = math.sqrt(max(0.0, b * b - a * c))
    return (b - root) / a, (b + root) / a


def restricted_mean_difference(
    reference: Floats, other: Floats, limit: float, *, paired: bool, alpha: float = ALPHA
) -> Difference:
    """The difference of the means of values that count as `limit` where they are nan: cut.

    One trial in thousands, cut at a limit far off, makes more of the mean than all the others do,
    and Student's t does not know how rare it may be. So the cut ones first count as the mean of
    the rest, and their share by (limit - that mean) more: the intervals of both parts, Student's
    and Tango's or Newcombe's, are joined by MOVER with the correlation of the parts (Zou, Psychol.
    Methods 12 (2007) 399-413). p is where the interval touches zero. The ratio has no interval.
    """
    sides = reference, other
    cut = [np.isnan(side) for side in sides]
    if paired and np.array_equal(reference, other, equal_nan=True):
        return unchanged(float(np.where(cut[0], limit, reference).mean()))
    ended = np.concatenate([side[~gone] for side, gone in zip(sides, cut, strict=True)])
    middle = float(ended.mean()) if ended.size else limit
    kept = [np.where(gone, middle, side) for side, gone in zip(sides, cut, strict=True)]
    body = mean_difference(*kept, paired=paired, alpha=alpha)
    share = _shares_apart(cut, paired=paired)
    far = limit - middle
    hits = [float(gone.mean()) for gone in cut]
    means = float(kept[0].mean()) + far * hits[0], float(kept[1].mean()) + far * hits[1]
    difference = means[1] - means[0]
    ratio = quotient(means[1], means[0])
    if body.ci95[1] is None or body.difference is None:
        return Difference(*means, difference, UNKNOWN, 1.0, ratio)
    z = z_of(alpha)
    half = (body.ci95[1] - body.difference) / z
    together = _correlation(kept, cut, paired=paired)

    def interval(z: float) -> tuple[float, float]:
        reaches = (abs(end - (hits[1] - hits[0])) * far for end in share(z))
        low, high = (
            math.sqrt(max(0.0, reach**2 + (z * half) ** 2 + 2 * together * reach * z * half))
            for reach in reaches
        )
        return difference - low, difference + high

    return Difference(*means, difference, interval(z), where_it_touches(interval), ratio)


def _shares_apart(
    cut: list[NDArray[np.bool_]], *, paired: bool
) -> Callable[[float], tuple[float, float]]:
    """The interval of the difference of the shares cut, by how many standard errors it takes."""
    sizes = cut[0].size, cut[1].size
    if paired:
        ups, downs = (int(np.sum(x & ~y)) for x, y in (cut[::-1], cut))
        return lambda z: tango(ups, downs, sizes[0], z)
    hits = int(cut[0].sum()), int(cut[1].sum())
    return lambda z: newcombe(hits, sizes, z)


def _correlation(kept: list[Floats], cut: list[NDArray[np.bool_]], *, paired: bool) -> float:
    """That of the differences of two means: of the values kept, and of who was cut."""
    columns = [(x, gone.astype(np.float64)) for x, gone in zip(kept, cut, strict=True)]
    if paired:
        columns = [(columns[1][0] - columns[0][0], columns[1][1] - columns[0][1])]
    spreads = np.zeros(3)
    for x, y in columns:
        away, apart = x - x.mean(), y - y.mean()
        products = (away * away, apart * apart, away * apart)
        spreads += [float(product.sum()) / x.size**2 for product in products]
    root = math.sqrt(spreads[0] * spreads[1])
    return float(spreads[2] / root) if root else 0.0


def superiority(
    reference: Floats, other: Floats, *, paired: bool, alpha: float = ALPHA
) -> Difference:
    """The chance that the other side's value is the smaller one, ties counting half, against 1/2.

    Values may be inf; two of those tie. Paired: the share of trials, with the interval and the
    test of `balance`. Unpaired: Mann and Whitney's U over the number of pairs, with the variance
    of the placements, right where the spreads differ, too (Brunner and Munzel, Biom. J. 42 (2000)
    17-25; R: lawstat::brunner.munzel.test).
    """
    if paired:
        ups, downs = int(np.sum(other < reference)), int(np.sum(other > reference))
        return balance(ups, downs, reference.size, alpha).scaled(0.5, 0.5)
    first, second = np.sort(reference), np.sort(other)
    over, under = _placements(second, first), 1 - _placements(first, second)
    chance = float(over.mean())
    if min(reference.size, other.size) < 2:
        return Difference(0.5, chance, chance - 0.5, UNKNOWN, 1.0, 2 * chance)
    errors = [float(x.var(ddof=1)) / x.size for x in (over, under)]
    error, df = math.sqrt(sum(errors)), _welch(errors, [over.size, under.size])
    p, reach = _student(chance - 0.5, error, df, alpha)
    low = max(-0.5, chance - 0.5 - reach * error)
    high = min(0.5, chance - 0.5 + reach * error)
    ratios = (1 + 2 * low, 1 + 2 * high)
    return Difference(0.5, chance, chance - 0.5, (low, high), p, 2 * chance, ratios)


def _placements(ascending: Floats, values: Floats) -> Floats:
    """The share of `ascending` that is below each value, ties half; sorted values are faster."""
    below = np.searchsorted(ascending, values, "left")
    return np.asarray((below + np.searchsorted(ascending, values, "right")) / (2 * ascending.size))
