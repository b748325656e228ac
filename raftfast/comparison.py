"""What differs between sets of trials: metric by metric, with interval, p and verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .corrections import CORRECTIONS
from .differences import ALPHA, Difference, Ends
from .metrics import Chosen
from .sides import Sides, Trials
from .verdicts import SIGNIFICANT, level, more_trials, verdict, words

__all__ = ["BAND", "Comparison", "Found", "Trials", "compare", "find", "judge"]

BAND = 0.01
"""Within this share of the reference a difference does not matter, unless the user says so."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric on both sides: a row of `compare --format json`, without the other's name.

    ci95 is of the difference, ratio_ci95 of the ratio (null where it is not computed); an end is
    None where the samples do not show it. more_trials, of an undecided one: how many more on each
    side would settle it, if any number would. words: the verdict in words.
    """

    metric: str
    reference: float | None
    value: float | None
    difference: float | None
    ci95: Ends
    ratio: float | None
    ratio_ci95: Ends
    p: float
    p_corrected: float
    verdict: str
    more_trials: int | None
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Strict JSON."""
        ends = {"ci95": list(self.ci95), "ratio_ci95": list(self.ratio_ci95)}
        return {**asdict(self), **ends}


@dataclass(frozen=True, slots=True)
class Found:
    """How two sides differ, before anything is said of it: every metric with its difference.

    trials: how many a side has, the smaller one. paired: whether trial k of both had the same luck.
    """

    trials: int
    paired: bool
    metrics: tuple[tuple[str, Difference], ...]

    @property
    def tests(self) -> int:
        """Over how many of its metrics `judge` corrects p."""
        return sum(difference.testable for _, difference in self.metrics)


def compare(
    reference: Trials,
    other: Trials,
    *,
    paired: bool | None = None,
    band: float = BAND,
    correction: str = "holm",
) -> list[Comparison]:
    """Compare every metric of two sets of trials; the difference is other - reference.

    paired, and which metrics there are: see `find`. band, correction: see `judge`.

    Raises ValueError for an unknown correction, a band below 0, and sides without trials.
    """
    (rows,) = judge([find(reference, other, paired=paired)], band=band, correction=correction)
    return rows


def find(
    reference: Trials,
    other: Trials,
    *,
    paired: bool | None = None,
    chosen: Chosen | None = None,
    alpha: float = ALPHA,
) -> Found:
    """How far two sets of trials are apart, metric by metric.

    paired: whether trial k of both had the same luck, by default whether the seeds are the same;
    of paired sets the first trials count, as many as both have. chosen: which metrics, all unless
    given. alpha: how often an interval may miss.

    Metrics, where both sides have them: of every time mean, p50, p99 and p99.9 (quantiles.py);
    election_ms.faster, the chance that the other side is the faster one, ties counting half; the
    means of the counts; the rates, and availability if both stop after a duration.

    Trials cut at the limit, or at the end of the duration, are never dropped. If a side has one,
    a time's quantiles are Kaplan-Meier's, "mean" becomes "restricted_mean", with the limit for
    what did not come before it, and "hazard_ratio" joins, the log-rank test. Counts then are up to
    the limit, and their means are called restricted, too. Of two limits the smaller one holds;
    what a trial counted cannot be cut after the fact, so if some trial went on beyond it, there
    are no counts, no unavailable_ms, and of the rates only that of the censored.

    Raises ValueError for sides without trials.
    """
    if paired is None:
        paired = reference.seed is not None and reference.seed == other.seed
    sides = Sides(reference, other, paired=paired, alpha=alpha)
    return Found(sides.trials, paired, tuple(sides.metrics(chosen)))


def judge(
    found: Sequence[Found], *, band: float = BAND, correction: str = "holm", looks: int = 1
) -> list[list[Comparison]]:
    """What differences mean, of one or more comparisons that are read together.

    band: the share of the reference within which a difference does not matter. correction: a name
    of CORRECTIONS, over the metrics of all these comparisons that could differ at all (those in
    which no trial does have p = 1 in any test, and need no place among the others: Tarone,
    Biometrics 46 (1990) 515-522). looks: how often the trials may be looked at until they settle
    it; each look has its share of the 5 %, so p_corrected is as many times larger (Bonferroni), and
    intervals are to be found with ALPHA / looks.

    Raises ValueError for an unknown correction or a band below 0.
    """
    if correction not in CORRECTIONS or not band >= 0:
        raise ValueError(f"correction {correction!r} with band {band}")
    tests = [d.p for one in found for _, d in one.metrics if d.testable]
    corrected = [min(1.0, looks * p) for p in CORRECTIONS[correction](tests)]
    needed = level(corrected, correction) / looks
    place = iter(corrected)
    return [
        [
            _judged(metric, d, next(place) if d.testable else 1.0, one.trials, band, needed, looks)
            for metric, d in one.metrics
        ]
        for one in found
    ]


def _judged(
    metric: str,
    d: Difference,
    p_corrected: float,
    trials: int,
    band: float,
    p_needed: float,
    looks: int,
) -> Comparison:
    said = verdict(d, p_corrected, band)
    more = None
    if said == "undecided":
        more = more_trials(d, trials, band, p_needed, SIGNIFICANT / looks)
    return Comparison(
        metric=metric,
        reference=d.reference,
        value=d.value,
        difference=d.difference,
        ci95=d.ci95,
        ratio=d.ratio,
        ratio_ci95=d.ratio_ci95,
        p=d.p,
        p_corrected=p_corrected,
        verdict=said,
        more_trials=more,
        words=words(metric, d, said, band, more),
    )
