"""How far apart a number is on two sides, and how surely.

Samples are paired where trial k of both had the same luck; then only what differs within the
trials widens the interval. Intervals hold with 1 - alpha, 95 % unless asked for otherwise, and
everywhere p < alpha exactly where the interval leaves out zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

from .intervals import Z

Ends = tuple[float | None, float | None]

UNKNOWN: Ends = (None, None)
"""An interval of which neither end is known."""

ALPHA = 0.05
"""How often an interval may miss, unless asked for otherwise."""


def z_of(alpha: float) -> float:
    """How many standard errors to either side leave out this share of a normal distribution."""
    return Z if alpha == ALPHA else -NormalDist().inv_cdf(alpha / 2)


@dataclass(frozen=True, slots=True)
class Difference:
    """A number on the reference's side and on the other, and how surely they differ.

    ci95 is the interval of `difference`, ratio_ci95 that of `ratio` = value / reference, None where
    the reference is 0; by the name they are 95 % ones, but wider where that was asked for. p is
    two-sided. What cannot be told is None; an interval may lack one end. `testable` is False where
    nothing differs in any trial, so that no test of such trials could have found a difference.
    """

    reference: float | None
    value: float | None
    difference: float | None
    ci95: Ends
    p: float
    ratio: float | None = None
    ratio_ci95: Ends = UNKNOWN
    testable: bool = True

    def scaled(self, factor: float, offset: float) -> Difference:
        """The same of numbers that are `factor` > 0 times as large, plus `offset`."""

        def times(end: float | None, plus: float = 0.0) -> float | None:
            return None if end is None else factor * end + plus

        reference, value = times(self.reference, offset), times(self.value, offset)
        ends = (times(self.ci95[0]), times(self.ci95[1]))
        ratio = quotient(value, reference)
        difference = times(self.difference)
        return Difference(reference, value, difference, ends, self.p, ratio, testable=self.testable)


def quotient(value: float | None, reference: float | None) -> float | None:
    """value / reference; None where either is unknown or the reference is 0."""
    return None if value is None or not reference else value / reference


def unchanged(number: float | None) -> Difference:
    """What two samples that are equal trial by trial give: no difference, and no doubt."""
    one = None if not number else 1.0
    return Difference(number, number, 0.0, (0.0, 0.0), 1.0, one, (one, one), testable=False)
