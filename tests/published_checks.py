"""What a published number is held against: cases to run, checks of their samples, gates.

The numbers themselves are in published_rows.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from raftfast import Scenario, run

SEED = 2024
MILLION = 1_000_000
WIDTH = 4.0
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}

Samples = Mapping[str, np.ndarray]
Measured = tuple[float, float]


@dataclass(frozen=True)
class Errors:
    """Within so many standard errors, of simulation and publication together."""

    width: float = WIDTH
    published: float = 0.0


@dataclass(frozen=True)
class Percent:
    """Within so many percent of the published number; only shown where there is no limit."""

    limit: float | None = None


@dataclass(frozen=True)
class AtMost:
    """A distance from what is published, at most the limit."""

    limit: float


Gate = Errors | Percent | AtMost


@dataclass(frozen=True)
class Check:
    """One published number: what it is, how samples say it, and how near is near enough.

    measure: samples -> (value, its standard error, nan where the gate does not ask for it).
    expected: what the gate compares with: the formula, to its full precision, where there is one.
    printed: the number as the source prints it, None where only the source's formula gives it.
    """

    quantity: str
    measure: Callable[[Samples], Measured]
    expected: float
    gate: Gate
    printed: float | None = None

    def deviation(self, measured: Measured) -> float:
        """How far off, in the unit of the gate."""
        value, error = measured
        if isinstance(self.gate, Errors):
            return (value - self.expected) / math.hypot(error, self.gate.published)
        if isinstance(self.gate, Percent):
            return 100.0 * (value / self.expected - 1.0)
        return value - self.expected

    def passes(self, measured: Measured) -> bool:
        """Whether the gate holds; without a limit it does, and nan never does."""
        limit = self.gate.width if isinstance(self.gate, Errors) else self.gate.limit
        return limit is None or abs(self.deviation(measured)) <= limit


@dataclass(frozen=True)
class Case:
    """A scenario to run, and what is published of it. `section` is that of published.md."""

    section: str
    name: str
    tables: Mapping[str, Any]
    checks: tuple[Check, ...]
    trials: int = MILLION

    def samples(self) -> Samples:
        """The columns of a run. Raises AssertionError where safety was violated."""
        result = run(Scenario.from_dict(self.tables), self.trials, seed=SEED)
        assert result.violations == 0
        return result.samples


def mean(column: str) -> Callable[[Samples], Measured]:
    """The mean of a column."""
    return lambda samples: _mean(samples[column])


def share(column: str, which: Callable[[np.ndarray], np.ndarray]) -> Callable[[Samples], Measured]:
    """The share of trials whose value in a column is such."""
    return lambda samples: _mean(which(samples[column]).astype(float))


def deviation(column: str) -> Callable[[Samples], Measured]:
    """The standard deviation of a column; its standard error by the fourth moment."""

    def measure(samples: Samples) -> Measured:
        squares = (samples[column] - samples[column].mean()) ** 2
        variance, error = _mean(squares)
        return math.sqrt(variance), error / (2 * math.sqrt(variance))

    return measure


def quantile(column: str, q: float) -> Callable[[Samples], Measured]:
    """A quantile of a column, without a standard error."""
    return lambda samples: (float(np.quantile(samples[column], q)), math.nan)


def _mean(values: np.ndarray) -> Measured:
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))


def times(
    column: str, published: Mapping[str, float], limits: Mapping[str, float]
) -> tuple[Check, ...]:
    """Checks of a mean and quantiles, in percent; those without a limit are only shown."""
    return tuple(
        Check(
            f"{name} ms",
            mean(column) if name == "mean" else quantile(column, QUANTILES[name]),
            ms,
            Percent(limits.get(name)),
            ms,
        )
        for name, ms in published.items()
    )
