"""Laws of random times: each against its exact distribution, on both backends to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from raftfast import engine as engines
from raftfast.core import words as w
from raftfast.distributions import Distribution
from raftfast.lawtable import LawTable

SAMPLES = 20_000
NS = 1e6


def sampled(engine: str, distribution: Distribution, count: int = SAMPLES) -> np.ndarray:
    """Draws of a law in ms, one trial's ordinals 0, 1, 2, ..."""
    table = LawTable()
    row = table.add(distribution)
    rooms = engines.load(engine)
    rng = rooms.Rng()
    rng.open_trial(11, 4)
    laws = rooms.Laws(rng, table.rows, table.pool)
    return np.array([laws.sample(row, w.PURPOSE, i) for i in range(count)]) / NS


LAWS = {
    "uniform": (Distribution("uniform", (1.0, 5.0)), stats.uniform(1, 4).cdf),
    "wide uniform": (Distribution("uniform", (0.0, 1e9)), stats.uniform(0, 1e9).cdf),
    "exponential": (Distribution("exponential", (10.0,)), stats.expon(scale=10).cdf),
    "lognormal": (
        Distribution("lognormal", (20.0, 0.7)),
        stats.lognorm(s=0.7, scale=20).cdf,
    ),
    "pareto": (Distribution("pareto", (3.0, 2.5)), stats.pareto(2.5, scale=3).cdf),
    "normal": (Distribution("normal", (50.0, 3.0)), stats.norm(50, 3).cdf),
    # Redrawn until not below zero: the normal truncated at zero.
    "truncated": (
        Distribution("normal", (5.0, 3.0)),
        stats.truncnorm(-5 / 3, np.inf, loc=5, scale=3).cdf,
    ),
    "far below": (
        Distribution("normal", (-9.0, 3.0)),
        stats.truncnorm(3, np.inf, loc=-9, scale=3).cdf,
    ),
    "with a base": (Distribution("exponential", (2.0,), plus_ms=7.0), stats.expon(7, 2).cdf),
    "mixture": (
        Distribution(
            "mixture",
            (0.3, 0.7),
            components=(Distribution("uniform", (0.0, 1.0)), Distribution("exponential", (9.0,))),
        ),
        lambda x: 0.3 * stats.uniform(0, 1).cdf(x) + 0.7 * stats.expon(scale=9).cdf(x),
    ),
    "mixture of mixtures": (
        Distribution(
            "mixture",
            (0.5, 0.5),
            plus_ms=1.0,
            components=(
                Distribution(
                    "mixture",
                    (0.5, 0.5),
                    components=(
                        Distribution("uniform", (0.0, 1.0)),
                        Distribution("uniform", (1.0, 2.0)),
                    ),
                ),
                Distribution("uniform", (2.0, 4.0)),
            ),
        ),
        stats.uniform(1, 4).cdf,
    ),
}


@pytest.mark.parametrize("law", LAWS)
def test_a_law_has_its_distribution(law):
    distribution, cdf = LAWS[law]
    # One false alarm in 10,000 for each law.
    assert stats.kstest(sampled("python", distribution), cdf).pvalue > 1e-4


@pytest.mark.parametrize("law", LAWS)
def test_both_backends_sample_the_same(law, both):
    python, compiled = (sampled(engine, LAWS[law][0], 3000) for engine in both)
    assert (python == compiled).all()


def test_a_clamped_normal_has_its_mass_at_zero(engine):
    x = sampled(engine, Distribution("normal", (1.0, 1.0), below="clamp"))
    share = stats.norm(1, 1).cdf(0)
    assert abs((x == 0).mean() - share) < 4 * np.sqrt(share * (1 - share) / SAMPLES)
    assert stats.kstest(x[x > 0], stats.truncnorm(-1, np.inf, loc=1, scale=1).cdf).pvalue > 1e-4


def test_samples_are_drawn_evenly_from_the_file(engine):
    x = sampled(engine, Distribution("samples", (), values_ms=(1.0, 2.0, 2.0, 8.0)))
    counts = [(x == value).sum() for value in (1.0, 2.0, 8.0)]
    assert sum(counts) == SAMPLES
    assert stats.chisquare(counts, np.array([0.25, 0.5, 0.25]) * SAMPLES).pvalue > 1e-4


def test_a_constant_is_exact(engine):
    assert set(sampled(engine, Distribution("constant", (2.5,), plus_ms=1.0), 50)) == {3.5}


def test_a_time_never_passes_the_longest_there_is(engine):
    x = sampled(engine, Distribution("pareto", (1.0, 0.01)), 2000)
    assert x.max() == w.FAR_NS / NS


def test_the_normal_quantile_is_exact_to_sixteen_digits(engine):
    rooms = engines.load(engine)
    laws = rooms.Laws(rooms.Rng(), [(0, 0, 0.0, 0.0, 0.0, 0, 0, 0)], [])
    u = np.concatenate([np.logspace(-300, -1, 400), np.linspace(0.01, 0.99, 400)])
    ours = np.array([laws.normal_quantile(x) for x in u])
    np.testing.assert_allclose(ours, special.ndtri(u), rtol=5e-15, atol=5e-16)


@given(st.floats(1e-12, 0.5))
def test_the_normal_quantile_is_symmetric(u):
    rooms = engines.load("python")
    laws = rooms.Laws(rooms.Rng(), [(0, 0, 0.0, 0.0, 0.0, 0, 0, 0)], [])
    assert laws.normal_quantile(u) == pytest.approx(
        -laws.normal_quantile(1 - u), rel=1e-4, abs=1e-15
    )
