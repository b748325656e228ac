"""Published numbers the engine must reproduce: shared/reference/published.md, sections 1, 2 and 5.

Gate of sections 1 and 5: |simulated - expected| <= 4 sqrt(se_simulated^2 + se_published^2) at a
million trials. Gate of section 2: mean within 2.5 %, p99 within 6 %.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import raftfast
from raftfast import Scenario

TRIALS = 1_000_000
WIDTH = 4.0

pytestmark = pytest.mark.skipif(
    raftfast.backend != "compiled", reason="a million trials a row want the compiled backend"
)


def cold_start(n: int, s: int, low: float, width: float, latency_ms, **protocol) -> Scenario:
    """Constant or given latency, s live servers of n, uniform [low, low + width), t = 0 fresh."""
    return Scenario.from_dict(
        {
            "cluster": {"nodes": n, "down": list(range(s, n))},
            "timeouts": {"election_ms": [low, low + width]},
            "protocol": protocol,
            "network": {"latency_ms": latency_ms},
        }
    )


def samples(scenario: Scenario, column: str) -> np.ndarray:
    return raftfast.run(scenario, TRIALS, seed=2024).samples[column]


def assert_mean(values: np.ndarray, expected: float, se_published: float = 0.0) -> None:
    se = math.hypot(values.std(ddof=1) / math.sqrt(len(values)), se_published)
    assert abs(values.mean() - expected) <= WIDTH * se


# Section 1: exact results for constant one-way latency d (l = d / w) and fresh timers.


def test_time_to_first_timeout():
    """a + w / (s + 1), Ongaro's dissertation 9.2; the smallest of s uniform draws."""
    first = samples(cold_start(5, 4, 150, 150, 1.0), "detect_ms")
    assert_mean(first, 180.0)
    # The standard error of a standard deviation is about sd / sqrt(2 n) here; four of them.
    assert abs(first.std(ddof=1) - 24.495) <= WIDTH * 24.495 / math.sqrt(TRIALS)


@pytest.mark.parametrize(
    ("n", "s", "share", "expected"),
    [
        (3, 3, 0.05, 0.00725),
        (3, 3, 0.1, 0.0280),
        (5, 5, 0.1, 0.00856),
        (5, 5, 0.2, 0.05792),
        (5, 4, 0.1, 0.0523),
        (5, 4, 0.2, 0.1808),
        (9, 5, 0.1, 0.40951),
        # More of the same kind, from the formula itself.
        (7, 7, 0.15, None),
        (7, 5, 0.1, None),
        (4, 4, 0.1, None),
    ],
)
def test_no_leader_in_the_first_term(n, s, share, expected):
    """P(Bin(s, l) >= s - floor(n / 2)), Ongaro's dissertation 9.2."""
    exact = sum(
        math.comb(s, k) * share**k * (1 - share) ** (s - k) for k in range(s - n // 2, s + 1)
    )
    if expected is not None:
        assert exact == pytest.approx(expected, rel=2e-3)
    scenario = cold_start(n, s, 150, 150, share * 150)
    assert_mean(samples(scenario, "split_first_term"), exact)


@pytest.mark.parametrize(("s", "expected"), [(3, 0.729), (5, 0.59049)])
def test_exactly_one_candidate(s, expected):
    """(1 - l)^s, derived."""
    candidates = samples(cold_start(5, s, 150, 150, 15.0), "first_term_candidates")
    assert_mean((candidates == 1).astype(float), expected)


def test_mean_number_of_candidates():
    """1 + s l - l^s, derived: s = 4, l = .1."""
    candidates = samples(cold_start(5, 4, 150, 150, 15.0), "first_term_candidates")
    assert_mean(candidates, 1.3999)


def test_the_first_to_time_out_wins_an_unsplit_term():
    """The winner of an unsplit first term takes office at T1 + 2 d, deterministically."""
    result = raftfast.run(cold_start(5, 4, 150, 150, 7.5), TRIALS, seed=2024)
    unsplit = result.samples["split_first_term"] == 0
    took = result.samples["election_ms"] - result.samples["detect_ms"]
    np.testing.assert_allclose(took[unsplit], 15.0, atol=1e-9)


@pytest.mark.parametrize(
    ("s", "low", "width", "d", "pre_vote", "expected", "se"),
    [
        (4, 150, 150, 7.5, "off", 197.76, 0.11),
        (4, 150, 150, 7.5, "on", 212.70, 0.11),
        (3, 300, 300, 30.0, "off", 575.5, 0.9),
        (3, 300, 300, 30.0, "on", 660.6, 1.1),
    ],
)
def test_mean_time_to_leader(s, low, width, d, pre_vote, expected, se):
    """A protocol simulation of 100,000 runs; with pre-vote the lease counts from t = 0."""
    scenario = cold_start(5, s, low, width, d, pre_vote=pre_vote)
    assert_mean(samples(scenario, "election_ms"), expected, se)


def test_split_with_exponential_latency():
    """2 mu - 2 mu^2 (1 - e^(-1 / mu)) for n = 3, s = 2, latency Exp(mean mu w), derived."""
    scenario = cold_start(3, 2, 150, 150, {"exponential": 15.0})
    expected = 0.2 - 0.02 * (1 - math.exp(-10))
    assert expected == pytest.approx(0.180001, abs=1e-6)
    assert_mean(samples(scenario, "split_first_term"), expected)


# Section 2: AvailSim (Ongaro's dissertation, chapter 9), five servers over a WAN.


@pytest.mark.parametrize(
    ("logs", "down", "mean", "p99"),
    [("equal", [0], 468.6, 1005.0), ("distinct", [], 492.6, 941.0)],
)
def test_availsim(logs, down, mean, p99):
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": 5, "down": down, "log": logs},
            "timeouts": {"election_ms": [300, 600], "heartbeat_ms": 150},
            "network": {"latency_ms": {"uniform": [30, 40]}},
            "stop": {"on": "stable", "stable_ms": 600},
        }
    )
    took = samples(scenario, "election_ms")
    assert took.mean() == pytest.approx(mean, rel=0.025)
    assert np.quantile(took, 0.99) == pytest.approx(p99, rel=0.06)


# Section 5: etcd's lock-step ticks, timeout = T + Intn(T) ticks, T = 10, one phase for all.


@pytest.mark.parametrize(("n", "expected"), [(3, 0.1), (5, 0.19)])
@pytest.mark.parametrize("kind", ["cold-start", "leader-crash"])
def test_the_earliest_tick_is_shared(n, expected, kind):
    """P(two or more of s = n - 1 followers draw the smallest of m = 10 ticks)."""
    s = n - 1
    exact = 1 - sum(s * (k / 10) ** (s - 1) / 10 for k in range(10))
    assert exact == pytest.approx(expected, abs=1e-12)
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": n, "down": [0] if kind == "cold-start" else []},
            "timeouts": {
                "election_ms": [1000, 2000],
                "heartbeat_ms": 100,
                "timer": "keep",
                "tick_ms": 100,
                "tick_phase": "aligned",
            },
            "scenario": {"kind": kind, "crash_phase": "synchronised"},
        }
    )
    candidates = samples(scenario, "first_term_candidates")
    assert_mean((candidates >= 2).astype(float), exact)


# C0, the workload of shared/floor: mean 180.8 ms, p99 247.8 ms, 0.15 % beyond the first term.


def test_c0():
    result = raftfast.run(Scenario.from_dict({}), TRIALS, seed=2024)
    took = result.samples["election_ms"]
    assert took.mean() == pytest.approx(180.8, abs=0.1)
    assert np.quantile(took, 0.99) == pytest.approx(247.8, abs=0.5)
    multi = result.samples["terms"] > 1
    # Four standard errors, and the half of the last digit given.
    assert abs(multi.mean() - 0.0015) <= WIDTH * math.sqrt(0.0015 / TRIALS) + 0.00005
