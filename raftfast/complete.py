"""What samples say of which every trial ended: the statistics of many of them at once."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .intervals import INTERVALS, PERCENTILES, quantile_ranks, t_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Pick = Callable[[Ints], Floats]
"""The values of ranks, 1 the smallest: a row of ranks for every sample, and of values for it."""


_ENDS = (".low", ".high")


def names(percentiles: Mapping[str, float] = PERCENTILES) -> list[str]:
    """What the columns of `statistics` are."""
    ends = [f"{name}{end}" for name in ("mean", *INTERVALS) for end in _ENDS]
    return ["count", "mean", "sd", "min", *percentiles, "max", *ends]


class _Plan(NamedTuple):
    """What is read off a sample of some size, and how far each quantile is between two ranks.

    ranks: the first and the last, the two around each quantile, both ends of each interval. known:
    which of these ends there are.
    """

    ranks: list[int]
    parts: list[float]
    known: list[bool]
    t: float
    root: float


@functools.lru_cache(maxsize=1024)
def _plan(size: int, shares: tuple[float, ...]) -> _Plan:
    indices = [(size - 1) * share for share in shares]
    ranks = [1, size]
    for index in indices:
        ranks += [math.floor(index) + 1, min(math.floor(index) + 2, size)]
    ends = [end for name in INTERVALS for end in quantile_ranks(size, PERCENTILES[name])]
    ranks += [end or 1 for end in ends]
    t = t_quantile(size - 1) if size > 1 else math.nan
    parts = [index - math.floor(index) for index in indices]
    return _Plan(ranks, parts, [end is not None for end in ends], t, math.sqrt(size))


def statistics(
    sizes: Ints,
    means: Floats,
    sds: Floats,
    pick: Pick,
    percentiles: Mapping[str, float] = PERCENTILES,
) -> Floats:
    """Of each sample a row of `names`, nan where something cannot be told.

    sizes: how many values each has, at least one; means, sds: theirs, sds nan below two values.
    Quantiles are numpy's default to the last bit, the mean's interval is Student's, that of a
    quantile lies between order statistics.
    """
    distinct, which = np.unique(sizes, return_inverse=True)
    plans = [_plan(size, tuple(percentiles.values())) for size in distinct.tolist()]
    ranks, parts, known, t, root = (np.array(column)[which] for column in zip(*plans, strict=True))
    found = pick(ranks)
    end = 2 + 2 * len(percentiles)
    low, high = found[:, 2:end:2], found[:, 3:end:2]
    step = high - low
    half = t * sds / root
    out = np.empty((sizes.size, len(names(percentiles))))
    out[:, 0], out[:, 1], out[:, 2], out[:, 3] = sizes, means, sds, found[:, 0]
    at = 4 + len(percentiles)
    out[:, 4:at] = np.where(2 * parts >= 1, high - step * (1 - parts), low + step * parts)
    out[:, at], out[:, at + 1], out[:, at + 2] = found[:, 1], means - half, means + half
    out[:, at + 3 :] = np.where(known, found[:, end:], np.nan)
    return out


def entry(row: Sequence[float], percentiles: Mapping[str, float] = PERCENTILES) -> dict[str, Any]:
    """One row of `statistics` as the entry of a metric; `nothing` for a sample without values."""
    called: dict[str, Any] = {
        name: None if math.isnan(value) else value
        for name, value in zip(names(percentiles), row, strict=True)
    }
    called["count"] = int(row[0])
    ci95 = {}
    for name in ("mean", *INTERVALS):
        ends = [called.pop(f"{name}{end}") for end in _ENDS]
        ci95[name] = None if ends == [None, None] else ends
    return {**called, "ci95": ci95}


def nothing(percentiles: Mapping[str, float] = PERCENTILES) -> list[float]:
    """The row of a sample without values."""
    return [0.0, *[math.nan] * (len(names(percentiles)) - 1)]
