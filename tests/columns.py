"""Columns of trials, as an engine would write them, for the tests of what reads them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from raftfast.columns import COLUMNS, TIMES

CENSORED = COLUMNS.index("censored")
UNAVAILABLE = COLUMNS.index("unavailable_ms")
TOP = 2**51 - 1
"""The largest value that a tally counts."""

_KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "zero": lambda rng, n: np.zeros(n),
    "missing": lambda rng, n: np.full(n, -1),
    "one time": lambda rng, n: np.full(n, 150_000_001),
    "flags": lambda rng, n: rng.integers(0, 2, n),
    "counts": lambda rng, n: rng.poisson(9, n),
    "many": lambda rng, n: rng.integers(1900, 2300, n),
    "times": lambda rng, n: rng.integers(150_000_000, 300_000_000, n),
    "tail": lambda rng, n: rng.lognormal(18, 2, n),
    "some": lambda rng, n: np.where(rng.random(n) < 0.4, -1, rng.integers(1, 10**7, n)),
    "anything": lambda rng, n: np.exp2(rng.uniform(0, 51, n)),
    "top": lambda rng, n: TOP - rng.integers(0, 2, n),
}
"""Values of a column, drawn: whole numbers from -1 to TOP."""


def draw(kinds: list[str], seed: int, count: int, share: float, again: float = 0.0) -> np.ndarray:
    """int64 of COLUMNS x count: each column of its kind, a share of the trials censored, and in a
    share of the first trials, `again`, the unavailable time that of the election."""
    rng = np.random.default_rng(seed)
    rows = [np.minimum(_KINDS[kind](rng, count), TOP) for kind in kinds]
    values = np.array(rows).astype(np.int64)
    values[CENSORED] = rng.random(count) < share
    same = round(again * count)
    values[UNAVAILABLE, :same] = values[0, :same]
    return values


def columns(
    most: int = 400, shares: tuple[float, ...] = (0.0, 0.3, 1.0)
) -> st.SearchStrategy[np.ndarray]:
    """Columns of up to so many trials, of all kinds, of which such a share is censored."""
    kind = st.sampled_from(sorted(_KINDS))
    kinds = st.lists(kind, min_size=len(COLUMNS), max_size=len(COLUMNS))
    seeds = st.integers(0, 2**32 - 1)
    again = st.sampled_from([0.0, 0.5, 1.0])
    return st.builds(draw, kinds, seeds, st.integers(1, most), st.sampled_from(shares), again)


def samples(values: np.ndarray) -> dict[str, np.ndarray]:
    """What `Result.samples` says of such columns: float64, times in ms, nan if missing."""
    found = {}
    for name, row in zip(COLUMNS, values, strict=True):
        sample = np.where(row < 0, np.nan, row.astype(np.float64))
        found[name] = sample / 1e6 if name in TIMES else sample
    return found
