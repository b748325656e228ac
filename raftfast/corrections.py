"""Corrections of p-values where many questions are asked at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's corrected p-values, in the order given: no false alarm among all with 95 %.

    The i-th smallest of m is multiplied by m - i + 1, never below the one before, at most 1;
    whatever the dependence. Holm, Scand. J. Statist. 6 (1979) 65-70; R: p.adjust(ps, "holm").
    """
    worst = 0.0
    corrected = [0.0] * len(ps)
    for rank, index in enumerate(_ascending(ps)):
        worst = max(worst, (len(ps) - rank) * ps[index])
        corrected[index] = min(1.0, worst)
    return corrected


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's corrected p-values, in the order given: of what they call
    different at 5 %, 5 % at most are false alarms on average.

    The i-th smallest of m is multiplied by m / i, never above the one after; for independent or
    positively dependent tests. J. R. Statist. Soc. B 57 (1995) 289-300; R: p.adjust(ps, "BH").
    """
    best = 1.0
    corrected = [1.0] * len(ps)
    for rank, index in reversed(list(enumerate(_ascending(ps), 1))):
        best = min(best, len(ps) / rank * ps[index])
        corrected[index] = best
    return corrected


def uncorrected(ps: Sequence[float]) -> list[float]:
    """The p-values as they are."""
    return list(ps)


def _ascending(ps: Sequence[float]) -> list[int]:
    for p in ps:
        if not 0 <= p <= 1:
            raise ValueError(f"a p-value is from 0 to 1, not {p}")
    return sorted(range(len(ps)), key=ps.__getitem__)


CORRECTIONS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "holm": holm,
    "bh": benjamini_hochberg,
    "none": uncorrected,
}
"""The corrections by the names a user gives them."""
