"""The laws of delays and durations as rows for the engine (`core.laws`), in nanoseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .core import words as w
from .distributions import Distribution

NS_PER_MS = 1_000_000

_LAWS = {
    "constant": w.CONSTANT,
    "uniform": w.UNIFORM,
    "normal": w.NORMAL,
    "exponential": w.EXPONENTIAL,
    "lognormal": w.LOGNORMAL,
    "pareto": w.PARETO,
    "mixture": w.MIXTURE,
    "samples": w.SAMPLES,
}

Row = tuple[int, int, float, float, float, int, int, int]
"""A law: kind, base_ns, a, b, c, first component's row, start in the pool, count."""


@dataclass
class LawTable:
    """The rows of `core.laws.Laws`; equal distributions share a row."""

    rows: list[Row] = field(default_factory=list)
    pool: list[float] = field(default_factory=list)
    known: dict[Distribution, int] = field(default_factory=dict)

    def add(self, distribution: Distribution) -> int:
        """The row of a distribution."""
        if distribution not in self.known:
            self.rows.append((0, 0, 0.0, 0.0, 0.0, 0, 0, 0))
            self.known[distribution] = len(self.rows) - 1
            self._fill(self.known[distribution], distribution)
        return self.known[distribution]

    def _fill(self, row: int, d: Distribution) -> None:
        kind = _LAWS[d.law]
        base = ns(d.plus_ms)
        a = b = c = 0.0
        first = start = count = 0
        if d.law == "mixture":
            start, count, first = len(self.pool), len(d.components), len(self.rows)
            total = 0.0
            for weight in d.parameters:
                total += weight
                self.pool.append(total)
            # Components stand in a block, so their own components come behind it.
            self.rows.extend([(0, 0, 0.0, 0.0, 0.0, 0, 0, 0)] * count)
            for i, component in enumerate(d.components):
                self._fill(first + i, component)
        elif d.law == "samples":
            start, count = len(self.pool), len(d.values_ms)
            self.pool.extend(float(ns(value)) for value in d.values_ms)
        elif d.law == "constant":
            base += ns(d.parameters[0])
        elif d.law == "uniform":
            a, b = float(ns(d.parameters[0])), float(ns(d.parameters[1]) - ns(d.parameters[0]))
        elif d.law == "exponential":
            a = d.parameters[0] * NS_PER_MS
        elif d.law in ("lognormal", "pareto"):
            a, b = d.parameters[0] * NS_PER_MS, d.parameters[1]
        else:
            a, b = d.parameters[0] * NS_PER_MS, d.parameters[1] * NS_PER_MS
            c = _below_zero(*d.parameters) if d.below == "redraw" else -1.0
        self.rows[row] = (kind, base, a, b, c, first, start, count)


def _below_zero(mean: float, sigma: float) -> float:
    """P(x < 0) of a normal; 0 where it has no spread."""
    return 0.5 * math.erfc(mean / (sigma * math.sqrt(2.0))) if sigma > 0.0 else 0.0


def ns(ms: float) -> int:
    """Milliseconds in whole nanoseconds."""
    return round(ms * NS_PER_MS)
