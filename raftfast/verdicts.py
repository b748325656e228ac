"""What a difference means: the verdict, how many more trials would settle it, and the words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from .columns import TIMES
from .differences import ALPHA, Difference, z_of
from .intervals import PERCENTILES

SIGNIFICANT = 0.05
"""A corrected p below this says lower or higher."""

_DOUBLE = 2.0
"""From here on words say how many times as much, not how many per cent more."""

_POWER = NormalDist().inv_cdf(0.8)
"""The margin in standard errors with which the named number of trials settles it 4 times in 5."""

_WAYS = {
    "unavailable_ms": ("less", "more"),
    "rate": ("less often", "more often"),
    **dict.fromkeys(TIMES[:3], ("faster", "slower")),
}
_FEWER = ("fewer", "more")

_TIMES_AS = {
    "unavailable_ms": "much",
    "rate": "often",
    **dict.fromkeys(TIMES[:3], "long"),
}
_MANY = "many"


def verdict(found: Difference, p_corrected: float, band: float) -> str:
    """ "same", "lower", "higher" or "undecided", in the contract's order.

    same: the interval lies within +- `band` of the reference. lower, higher: the corrected p is
    below .05; which of them, the interval says, for the estimate may be unknown.
    """
    low, high = found.ci95
    if low is not None and high is not None and found.reference is not None:
        reach = band * abs(found.reference)
        if -reach <= low and high <= reach:
            return "same"
    if p_corrected >= SIGNIFICANT:
        return "undecided"
    return "higher" if low is not None and low > 0 else "lower"


def level(ps_corrected: Sequence[float], correction: str) -> float:
    """Below which p one more of the tests would be significant, if all others stay as they are."""
    tests, hits = len(ps_corrected), sum(p < SIGNIFICANT for p in ps_corrected)
    if correction == "none" or hits == tests:
        return SIGNIFICANT
    return SIGNIFICANT * (hits + 1) / tests if correction == "bh" else SIGNIFICANT / (tests - hits)


def more_trials(
    found: Difference, trials: int, band: float, p_needed: float, alpha: float = ALPHA
) -> int | None:
    """How many more trials a side would settle an undecided difference; None if none would.

    The interval narrows with the root of the trials. Whichever comes sooner counts: that p falls
    below `p_needed`, or that the interval lies within the band; with a chance of at least
    80 %, if the true difference is the one seen. alpha: how often the interval may miss.
    """
    factors = [_to_differ(found, p_needed), _to_fit(found, band, z_of(alpha))]
    known = [factor for factor in factors if factor is not None]
    if not known:
        return None
    return max(1, math.ceil(trials * min(known) ** 2) - trials)


def _to_differ(found: Difference, p_needed: float) -> float | None:
    """How many times narrower the interval must be for p to fall below the mark."""
    if not 0 < found.p < 1:
        return None
    seen = -NormalDist().inv_cdf(found.p / 2)
    return (_POWER - NormalDist().inv_cdf(p_needed / 2)) / seen


def _to_fit(found: Difference, band: float, z: float) -> float | None:
    """How many times narrower the interval, of z standard errors, must be to lie in the band."""
    (low, high), middle = found.ci95, found.difference
    if low is None or high is None or middle is None or found.reference is None:
        return None
    reach = band * abs(found.reference)
    if abs(middle) >= reach:
        return None
    return (
        (z + _POWER)
        / z
        * max((high - middle) / (reach - middle), (middle - low) / (reach + middle))
    )


def words(metric: str, found: Difference, said: str, band: float, more: int | None) -> str:
    """The verdict as a person would say it, such as "7.3 % faster"."""
    if said == "same":
        return "no difference" if found.ci95 == (0, 0) else f"no difference beyond {_percent(band)}"
    if said == "undecided":
        return _undecided(metric, found, more)
    column, _, statistic = metric.partition(".")
    if statistic in _SPECIAL:
        return _SPECIAL[statistic](found, said)
    if found.ratio is not None and found.ratio >= _DOUBLE:
        return f"{_short(found.ratio)} times as {_TIMES_AS.get(column, _MANY)}"
    way = _WAYS.get(column, _FEWER)[said == "higher"]
    return f"{_size(metric, found)} {way}"


def _faster(found: Difference, said: str) -> str:
    chance = found.value or 0.0
    faster = said == "higher"
    cases = _most(chance if faster else 1 - chance)
    return f"{'faster' if faster else 'slower'} in {cases} of cases"


def _likelier(found: Difference, said: str) -> str:
    ratio = found.ratio or 1.0
    if ratio >= _DOUBLE:
        return f"at any moment {_short(ratio)} times as likely to end"
    way = "more" if said == "higher" else "less"
    return f"at any moment {_apart(ratio)} {way} likely to end"


def _available(found: Difference, said: str) -> str:
    return f"{_short(100 * abs(found.difference or 0.0))} points {said}"


_SPECIAL = {"faster": _faster, "hazard_ratio": _likelier, "availability": _available}


def _undecided(metric: str, found: Difference, more: int | None) -> str:
    if more is not None:
        return f"undecided: about {_round(more):,} more trials would settle it"
    if metric.startswith("rate.") and found.value == found.reference == 0:
        return f"undecided: none on either side, at most {_percent(found.ci95[1])} apart"
    statistic = metric.partition(".")[2]
    if statistic == "hazard_ratio" and not found.testable:
        return "undecided: no trial ends before the limit"
    if None in found.ci95:
        which = " for this quantile" if statistic in PERCENTILES else ""
        return f"undecided: too few trials{which}"
    return "undecided: nothing to settle it by"


def _size(metric: str, found: Difference) -> str:
    """By how much, relative to the reference where that is possible."""
    if found.ratio is not None:
        return _apart(found.ratio)
    unit = " ms" if metric.partition(".")[0] in TIMES else ""
    if found.difference is not None:
        if metric.startswith("rate."):
            return f"{_short(100 * abs(found.difference))} points"
        return f"{_short(abs(found.difference))}{unit}"
    nearest = min(abs(end) for end in found.ci95 if end is not None)
    return f"at least {_short(nearest)}{unit}"


def _percent(share: float | None) -> str:
    return f"{_short(100 * (share or 0.0))} %"


def _apart(ratio: float) -> str:
    """How far a ratio is from 1; it is 100 % less only if nothing is left."""
    less = 1 - ratio
    if not 0.995 <= less < 1:
        return _percent(abs(less))
    return "over 99.9 %" if less > 0.999 else f"{100 * less:.3g} %"


def _most(share: float) -> str:
    """A share above one half, which is all only if it is."""
    return "over 99.9 %" if 0.999 < share < 1 else f"{100 * share:.3g} %"


def _short(number: float) -> str:
    """Two significant digits, more before the point if there are more."""
    return f"{number:.0f}" if abs(number) >= 99.5 else f"{number:.2g}"


def _round(count: int) -> int:
    """To two significant digits, never to nothing."""
    return int(float(f"{count:.1e}"))
