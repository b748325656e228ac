"""What a caller's arguments must be: a ValueError names the one that is not."""

from __future__ import annotations

import math
import operator

_MS_MIN, _MS_MAX = 1e-6, 1e9


def whole(name: str, value: object, low: int, high: int) -> int:
    """`value` as a whole number in [low, high]; ValueError naming it otherwise."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or not low <= number <= high:
        raise ValueError(f"{name}: must be a whole number from {low} to {high}, not {value!r}")
    return number


def flag(name: str, value: object) -> bool:
    """`value`, which is true or false; ValueError naming it otherwise."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: must be true or false, not {value!r}")
    return value


def milliseconds(name: str, value: object) -> float:
    """`value` as a time from a nanosecond to 1e9 ms; ValueError naming it otherwise."""
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    if not _MS_MIN <= number <= _MS_MAX:
        raise ValueError(f"{name}: must be from 1e-6 to 1e9 milliseconds, not {value!r}")
    return number


def bounds(name: str, value: object) -> tuple[float, float]:
    """`value` as a range [low, high) in milliseconds, one number being both ends; ValueError."""
    if not isinstance(value, tuple | list):
        number = milliseconds(name, value)
        return number, number
    if len(value) != len(("low", "high")):
        raise ValueError(f"{name}: must be one number or two, (low, high), not {value!r}")
    low, high = (milliseconds(name, end) for end in value)
    if low > high:
        raise ValueError(f"{name}: must be (low, high) with low <= high, not {value!r}")
    return low, high
