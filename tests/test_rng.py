"""Keyed draws: uniform, and independent across neighbouring keys, ordinals, trials and seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from raftfast import engine as engines
from raftfast.core import words as w

DRAWS = 20_000


def draws(engine: str, walk, count: int = DRAWS) -> np.ndarray:
    """`walk(i)` -> (seed, trial, key, ordinal) of the i-th draw; all as floats in [0, 1)."""
    rng = engines.load(engine).Rng()
    out = np.empty(count)
    for i in range(count):
        seed, trial, key, ordinal = walk(i)
        rng.open_trial(seed, trial)
        out[i] = rng.draw(key, ordinal) * w.UNIT
    return out


WALKS = {
    "ordinals": lambda i: (1, 0, w.PURPOSE, i),
    "servers": lambda i: (1, 0, w.PURPOSE + i % 1024, i // 1024),
    "links": lambda i: (1, 0, w.FOR_LATENCY * w.PURPOSE + 16 * i, 0),
    "purposes": lambda i: (1, i // 16, i % 16 * w.PURPOSE, 0),
    "trials": lambda i: (1, i, w.PURPOSE, 0),
    "seeds": lambda i: (i, 0, w.PURPOSE, 0),
    "high seeds": lambda i: (2**64 - 1 - i, 5, w.PURPOSE, 0),
}


@pytest.mark.parametrize("walk", WALKS)
def test_draws_are_uniform_along_every_walk(walk):
    # Kolmogorov-Smirnov and a chi-square over 256 cells, each with one false alarm in 10,000.
    u = draws("python", WALKS[walk])
    assert stats.kstest(u, "uniform").pvalue > 1e-4
    cells = np.bincount((u * 256).astype(int), minlength=256)
    assert stats.chisquare(cells).pvalue > 1e-4


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("lag", [1, 2, 16])
def test_neighbouring_draws_are_independent(walk, lag):
    u = draws("python", WALKS[walk])
    pairs = (u[:-lag] * 16).astype(int) * 16 + (u[lag:] * 16).astype(int)
    assert stats.chisquare(np.bincount(pairs, minlength=256)).pvalue > 1e-4
    correlation = np.corrcoef(u[:-lag], u[lag:])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(len(u))  # four standard errors


def test_the_lowest_bits_are_as_good_as_the_highest():
    rng = engines.load("python").Rng()
    rng.open_trial(3, 7)
    low = np.array([rng.draw(w.PURPOSE, i) & 255 for i in range(DRAWS)])
    assert stats.chisquare(np.bincount(low, minlength=256)).pvalue > 1e-4


def test_no_two_keys_of_a_trial_share_a_draw():
    rng = engines.load("python").Rng()
    rng.open_trial(1, 1)
    keys = [purpose * w.PURPOSE + place for purpose in range(15) for place in range(300)]
    values = {rng.draw(key, ordinal) for key in keys for ordinal in range(5)}
    assert len(values) == 5 * len(keys)


def test_both_backends_draw_the_same(both):
    for walk in WALKS.values():
        python, compiled = (draws(engine, walk, 500) for engine in both)
        assert (python == compiled).all()
