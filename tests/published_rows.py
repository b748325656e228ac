"""Published numbers the engine must reproduce, each once: for the tests and for bench/published.py.

Sections are those of shared/reference/published.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from .published_checks import (
    AtMost,
    Case,
    Check,
    Errors,
    Measured,
    Percent,
    Samples,
    deviation,
    mean,
    share,
    times,
)

# Section 1: exact results for constant one-way latency d (l = d / w) and fresh timers.


def cold_start(n: int, s: int, low: float, width: float, latency_ms: Any, **protocol: str) -> Any:
    """Tables: s live servers of n, uniform timeouts in [low, low + width), fresh at t = 0."""
    return {
        "cluster": {"nodes": n, "down": list(range(s, n))},
        "timeouts": {"election_ms": [low, low + width]},
        "protocol": protocol,
        "network": {"latency_ms": latency_ms},
    }


def no_leader(n: int, s: int, part: float) -> float:
    """P(Bin(s, l) >= s - floor(n / 2)), Ongaro's dissertation 9.2."""
    return sum(math.comb(s, k) * part**k * (1 - part) ** (s - k) for k in range(s - n // 2, s + 1))


def _longest_after_first(samples: Samples) -> Measured:
    """The farthest that an unsplit first term's leader takes office from T1 + 2 d, d = 7.5 ms."""
    unsplit = samples["split_first_term"] == 0
    took = samples["election_ms"][unsplit] - samples["detect_ms"][unsplit]
    return float(np.abs(took - 15.0).max()), math.nan


FIRST_TIMEOUT = Case(
    "1",
    "n=5 s=4 150-300",
    cold_start(5, 4, 150, 150, 1.0),
    (
        # a + w / (s + 1): the smallest of s uniform draws, Ongaro's dissertation 9.2.
        Check("first timeout, mean ms", mean("detect_ms"), 180.0, Errors(), 180.0),
        Check("first timeout, sd ms", deviation("detect_ms"), math.sqrt(600), Errors(), 24.495),
    ),
)

SPLITS = tuple(
    Case(
        "1",
        f"n={n} s={s} l={part}",
        cold_start(n, s, 150, 150, part * 150),
        (
            Check(
                "P(no leader in the first term)",
                mean("split_first_term"),
                no_leader(n, s, part),
                Errors(),
                printed,
            ),
        ),
    )
    for n, s, part, printed in (
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
    )
)

# (1 - l)^s candidates alone, 1 + s l - l^s of them in the mean: both derived.
CANDIDATES = (
    *(
        Case(
            "1",
            f"n=5 s={s} l=.1",
            cold_start(5, s, 150, 150, 15.0),
            (
                Check(
                    "P(one candidate in the first term)",
                    share("first_term_candidates", lambda seen: seen == 1),
                    0.9**s,
                    Errors(),
                    printed,
                ),
            ),
        )
        for s, printed in ((3, 0.729), (5, 0.59049))
    ),
    Case(
        "1",
        "n=5 s=4 l=.1",
        cold_start(5, 4, 150, 150, 15.0),
        (
            Check(
                "candidates in the first term, mean",
                mean("first_term_candidates"),
                1.3999,
                Errors(),
                1.3999,
            ),
        ),
    ),
)

UNSPLIT = Case(
    "1",
    "n=5 s=4 d=7.5",
    cold_start(5, 4, 150, 150, 7.5),
    (Check("unsplit: office - (T1 + 2d), largest ms", _longest_after_first, 0.0, AtMost(1e-9), 0),),
)

# A protocol simulation of 100,000 runs; with pre-vote the lease counts from t = 0.
TIME_TO_LEADER = tuple(
    Case(
        "1",
        f"n=5 s={s} {low}-{low + width} d={d:g} pre-vote {pre_vote}",
        cold_start(5, s, low, width, d, pre_vote=pre_vote),
        (Check("time to leader, mean ms", mean("election_ms"), ms, Errors(published=error), ms),),
    )
    for s, low, width, d, pre_vote, ms, error in (
        (4, 150, 150, 7.5, "off", 197.76, 0.11),
        (4, 150, 150, 7.5, "on", 212.70, 0.11),
        (3, 300, 300, 30.0, "off", 575.5, 0.9),
        (3, 300, 300, 30.0, "on", 660.6, 1.1),
    )
)

# 2 mu - 2 mu^2 (1 - e^(-1 / mu)) for n = 3, s = 2, latency Exp(mean mu w), mu = .1: derived.
EXPONENTIAL = Case(
    "1",
    "n=3 s=2 latency Exp(15 ms)",
    cold_start(3, 2, 150, 150, {"exponential": 15.0}),
    (
        Check(
            "P(no leader in the first term)",
            mean("split_first_term"),
            0.2 - 0.02 * (1 - math.exp(-10)),
            Errors(),
            0.180001,
        ),
    ),
)

SECTION_1 = (FIRST_TIMEOUT, *SPLITS, *CANDIDATES, UNSPLIT, *TIME_TO_LEADER, EXPONENTIAL)


# Section 2: AvailSim (Ongaro's dissertation, chapter 9), five servers over a WAN.

SECTION_2 = tuple(
    Case(
        "2",
        name,
        {
            "cluster": {"nodes": 5, "down": down, "log": logs},
            "timeouts": {"election_ms": [300, 600], "heartbeat_ms": 150},
            "network": {"latency_ms": {"uniform": [30, 40]}},
            "stop": {"on": "stable", "stable_ms": 600},
        },
        times(
            "election_ms",
            dict(zip(("mean", "p10", "p50", "p90", "p99", "p99.9"), published, strict=True)),
            {"mean": 2.5, "p99": 6.0},
        ),
    )
    for name, logs, down, published in (
        ("same logs, 1 down", "equal", [0], (468.6, 379.4, 423.3, 562.4, 1005, 1385)),
        ("distinct logs, 0 down", "distinct", [], (492.6, 386.1, 470.7, 613.9, 941, 1151)),
    )
)


# Section 3: the Raft paper's figure 16, a LogCabin cluster, 1000 crashes a line. The preset's
# scales are fitted on 150-300 alone: the other three lines are predictions.

_FIG16 = Path(__file__).parent / "fig16"


@cache
def figure16_samples(low: int, high: int) -> np.ndarray:
    """The 1000 times of a line, in ms, ascending."""
    return np.loadtxt(_FIG16 / f"{low}-{high}.csv", skiprows=1)


def _figure16_distance(low: int, high: int) -> Callable[[Samples], Measured]:
    """The two-sample Kolmogorov-Smirnov distance to a line."""

    def measure(samples: Samples) -> Measured:
        published = figure16_samples(low, high)
        found = ks_2samp(samples["followed_ms"], published, method="asymp")
        return float(found.statistic), math.nan

    return measure


SECTION_3 = tuple(
    Case(
        "3",
        f"{low}-{high} {'fitted' if (low, high) == (150, 300) else 'predicted'}",
        {
            "preset": "figure16",
            "timeouts": {"election_ms": [low, high], "heartbeat_ms": low / 2},
        },
        (
            Check("KS distance", _figure16_distance(low, high), 0.0, AtMost(0.08), 0),
            *times(
                "followed_ms",
                dict(zip(("mean", "p50", "p90", "p95", "p99"), published, strict=True)),
                {"p50": 5.0},
            ),
        ),
        trials=100_000,
    )
    for low, high, published in (
        (50, 100, (71.3, 66.7, 95.6, 119.8, 168.1)),
        (150, 155, (345.0, 287.3, 606.7, 763.2, 1224)),
        (150, 200, (156.0, 146.4, 193.5, 292.9, 344.8)),
        (150, 300, (180.7, 171.2, 244.0, 264.1, 405.5)),
    )
)


# Section 4: Raft Refloated (ocaml-raft), five servers from a cold start, 1000 runs a cell. Its
# result is the first leader's time less U(0, low / 2), truncated to ms.

REFLOATED_RUNS = 1000


def _since_the_crash(low: int, samples: Samples) -> np.ndarray:
    took = samples["election_ms"]
    return np.floor(took - np.random.default_rng(1).uniform(0, low / 2, len(took)))


def _refloated_mean(low: int) -> Callable[[Samples], Measured]:
    """The mean; its standard error and that of 1000 published runs of the same spread."""

    def measure(samples: Samples) -> Measured:
        took = _since_the_crash(low, samples)
        error = float(took.std()) * math.sqrt(1 / len(took) + 1 / REFLOATED_RUNS)
        return float(took.mean()), error

    return measure


def _refloated_p95(low: int) -> Callable[[Samples], Measured]:
    return lambda samples: (float(np.quantile(_since_the_crash(low, samples), 0.95)), math.nan)


SECTION_4 = tuple(
    Case(
        "4",
        f"{low}-{high} {variant}",
        {"preset": f"refloated-{variant}", "timeouts": {"election_ms": [low, high]}},
        (
            Check("mean ms", _refloated_mean(low), published, Errors(), published),
            Check("p95 ms", _refloated_p95(low), p95, Percent(None), p95),
            Check("mean packets", mean("messages"), packets, Percent(5.0), packets),
        ),
        trials=200_000,
    )
    for low, high, variant, published, p95, packets in (
        (100, 200, "org", 108.5, 149, 11.7),
        (100, 200, "combo", 105.2, 147, 11.4),
        (150, 155, "org", 566.8, 1311, 113.1),
        (150, 155, "combo", 184.0, 303, 51.0),
        (150, 300, "org", 152.2, 207, 10.6),
        (150, 300, "combo", 152.2, 212, 11.4),
    )
)


# Section 5: etcd's lock-step ticks, timeout = T + Intn(T) ticks, T = 10, one phase for all.


def tick_shared(s: int, ticks: int = 10) -> float:
    """P(two or more of s followers draw the smallest tick of as many)."""
    return 1 - sum(s * (k / ticks) ** (s - 1) / ticks for k in range(ticks))


def _earliest_tick(s: int, printed: float) -> tuple[Check, ...]:
    return (
        Check(
            "P(the earliest tick is shared)",
            share("first_term_candidates", lambda seen: seen >= 2),
            tick_shared(s),
            Errors(),
            printed,
        ),
    )


ETCD = tuple(
    Case(
        "5",
        f"s={n - 1} preset etcd-3.4, aligned",
        {
            "preset": "etcd-3.4",
            "cluster": {"nodes": n},
            "timeouts": {"tick_phase": "aligned"},
            "scenario": {"crash_phase": "synchronised"},
        },
        _earliest_tick(n - 1, printed),
    )
    for n, printed in ((3, 0.1), (5, 0.19))
)

SECTION_5 = ETCD + tuple(
    Case(
        "5",
        f"s={n - 1} {kind}",
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
        },
        _earliest_tick(n - 1, printed),
    )
    for n, printed in ((3, 0.1), (5, 0.19))
    for kind in ("cold-start", "leader-crash")
)

SECTIONS: Mapping[str, tuple[str, tuple[Case, ...]]] = {
    "1": ("Exact results", SECTION_1),
    "2": ("AvailSim, WAN, five servers", SECTION_2),
    "3": ("The Raft paper's figure 16, preset figure16", SECTION_3),
    "4": ("Raft Refloated", SECTION_4),
    "5": ("Lock-step ticks", SECTION_5),
}
