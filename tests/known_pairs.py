"""Pairs of samples whose true differences are known, and what the intervals make of them.

bench/coverage.py draws thousands of each, tests/test_coverage.py as many as a test may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from raftfast.differences import Difference
from raftfast.means import mean_difference, restricted_mean_difference, superiority
from raftfast.places import Sample
from raftfast.quantiles import quantile_difference
from raftfast.rates import rate_difference
from raftfast.survival import log_rank

SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
SCORES = np.linspace(-9, 9, 400_001)
CHANCES = np.exp(-(SCORES**2) / 2) / np.exp(-(SCORES**2) / 2).sum()

Values = np.ndarray


def two_humps(second: float) -> Callable[[Values], Values]:
    """Elections around 150 ms, a share of them a timeout later, with nothing in between."""

    def values(scores: Values) -> Values:
        share = ndtr(scores)
        first = np.clip(share / (1 - second), 1e-12, 1 - 1e-12)
        later = np.clip((share - (1 - second)) / second, 1e-12, 1 - 1e-12)
        return np.where(share < 1 - second, 150 + 20 * ndtri(first), 400 + 20 * ndtri(later))

    return values


@dataclass(frozen=True)
class Law:
    """A law of values, as a rising function of a standard normal score."""

    name: str
    values: Callable[[Values], Values]
    limit: float = np.inf
    tick: float = 0.0

    def at(self, scores: Values, factor: float) -> Values:
        """The values that belong to these scores, all `factor` times as large."""
        values = factor * self.values(scores)
        return np.ceil(values / self.tick) * self.tick if self.tick else values

    def draw(self, rng: np.random.Generator, size: int, factor: float, pairing: float | None):
        """(reference, other): normal scores correlated by `pairing`, independent where None."""
        first, second = rng.standard_normal((2, size))
        if pairing is not None:
            second = pairing * first + np.sqrt(1 - pairing**2) * second
        pair = self.at(first, 1.0), self.at(second, factor)
        return tuple(np.where(values > self.limit, np.nan, values) for values in pair)


@cache
def true_quantile(law: Law, share: float, factor: float) -> float:
    return float(law.at(np.array([ndtri(share)]), factor)[0])


@cache
def true_mean(law: Law, factor: float) -> float:
    return float((np.minimum(law.at(SCORES, factor), law.limit) * CHANCES).sum())


@cache
def true_share_above(law: Law, mark: float, factor: float) -> float:
    return float(CHANCES[law.at(SCORES, factor) > mark].sum())


LAWS = {
    law.name: law
    for law in (
        Law("lognormal", lambda z: np.exp(5 + 0.3 * z)),
        Law("two humps", two_humps(0.05)),
        Law("gap at p99", two_humps(0.0101)),
        Law("ticks", lambda z: np.exp(5 + 0.3 * z), tick=10.0),
        Law("bounded", lambda z: 150 + 150 * ndtr(z)),
        Law("heavy tail", lambda z: 150 * ndtr(-z) ** -0.3),
        Law("3 % censored", lambda z: -100 * np.log(ndtr(-z)), limit=350.0),
        Law("0.3 % censored", lambda z: -100 * np.log(ndtr(-z)), limit=580.0),
        Law(
            "0.3 % far out",
            lambda z: np.where(ndtr(-z) < 0.003, 1e9, np.exp(5 + 0.3 * z)),
            limit=60_000.0,
        ),
    )
}


def intervals(
    law: Law, pair: tuple[Values, Values], factor: float, *, paired: bool
) -> Iterator[tuple[str, float, Difference, tuple[float | None, float | None]]]:
    """(metric, its true value, what was found, the interval to hold against it)."""
    cut = np.isfinite(law.limit)
    whole = [np.where(np.isnan(values), law.limit, values) for values in pair]
    means = [true_mean(law, x) for x in (1.0, factor)]
    if cut:
        found = restricted_mean_difference(*pair, law.limit, paired=paired)
        yield "restricted_mean", means[1] - means[0], found, found.ci95
    else:
        found = mean_difference(*pair, paired=paired)
        yield "mean", means[1] - means[0], found, found.ci95
        yield "mean ratio", means[1] / means[0], found, found.ratio_ci95
    samples = [Sample.of(values, law.limit) for values in pair]
    for name, share in SHARES.items():
        quantiles = [true_quantile(law, share, x) for x in (1.0, factor)]
        found = quantile_difference(*samples, share, paired=paired)
        if max(quantiles) < law.limit and found is not None:
            yield name, quantiles[1] - quantiles[0], found, found.ci95
            yield f"{name} ratio", quantiles[1] / quantiles[0], found, found.ratio_ci95
    for name, share in (("rate", 0.1), ("rare rate", 0.003)):
        mark = min(true_quantile(law, 1 - share, 1.0), law.limit - 1e-9)
        rates = [true_share_above(law, mark, x) for x in (1.0, factor)]
        found = rate_difference(*(values > mark for values in whole), paired=paired)
        yield name, rates[1] - rates[0], found, found.ci95
    if factor == 1.0:
        last = [np.where(np.isnan(values), np.inf, values) for values in pair]
        found = superiority(*last, paired=paired)
        yield "faster", 0.0, found, found.ci95
    if cut:
        ended = [~np.isnan(values) for values in pair]
        found = log_rank(whole[0], ended[0], whole[1], ended[1], paired=paired)
        yield "hazard_ratio", 1 / factor, found, found.ratio_ci95


@dataclass
class Tally:
    """How often an interval held the truth, and on which side it missed."""

    total: int = 0
    too_high: int = 0
    too_low: int = 0
    open_ended: int = 0
    widths: list[float] = field(default_factory=list)

    def add(self, truth: float, ends: tuple[float | None, float | None]) -> None:
        low, high = ends
        slack = 1e-9 * max(1.0, abs(truth))
        self.total += 1
        self.too_high += low is not None and low > truth + slack
        self.too_low += high is not None and high < truth - slack
        if low is None or high is None:
            self.open_ended += 1
        else:
            self.widths.append(high - low)

    @property
    def coverage(self) -> float:
        return 1 - (self.too_high + self.too_low) / self.total


def tally(
    law: Law, *, size: int, factor: float, pairing: float | None, repetitions: int, seed: int
) -> dict[str, Tally]:
    """What became of `repetitions` pairs, by metric; p and interval never contradict."""
    rng = np.random.default_rng(seed)
    tallies: dict[str, Tally] = {}
    for _ in range(repetitions):
        pair = law.draw(rng, size, factor, pairing)
        for name, truth, found, ends in intervals(law, pair, factor, paired=pairing is not None):
            tallies.setdefault(name, Tally()).add(truth, ends)
            assert agree(found), (law.name, name, found)
    return tallies


def agree(found: Difference) -> bool:
    """Whether p is below .05 exactly where the interval leaves out zero; a hair's breadth on
    either side counts as both."""
    low, high = found.ci95
    outside = (low is not None and low > 0) or (high is not None and high < 0)
    return (found.p < 0.05) == outside or abs(found.p - 0.05) < 1e-9
