"""Laws of random times: latency, processing, writing. One keyed draw a value, by inversion.

By inversion a larger draw always means a longer time, so two scenarios with different laws still
share their luck. Only log, exp and sqrt come from the platform's C library; everything else is
IEEE arithmetic in one order.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from math import exp, log, sqrt

    from .words import (
        CONSTANT,
        EXPONENTIAL,
        FAR_NS,
        HALF_UNIT,
        LOGNORMAL,
        MIXTURE,
        NESTED,
        PARETO,
        SAMPLES,
        UNIFORM,
        UNIT,
        whole,
    )
from .rng import Rng


class Laws:
    """A table of laws; row `r` of the columns says how to turn a draw into nanoseconds.

    CONSTANT: `base`. UNIFORM over [a, a + b). NORMAL: mean a, deviation b, c = P(below zero) to
    draw again below zero, c = -1 to clamp. EXPONENTIAL: mean a. LOGNORMAL: median a, sigma b.
    PARETO: scale a, shape b. MIXTURE: rows `first` and on, their cumulated weights in the pool
    at `start`, `count` of them. SAMPLES: `count` values in the pool at `start`. All add `base`.
    """

    def __init__(self, rng: Rng, rows: list[tuple[int, ...]], pool: list[float]) -> None:
        self.rng = rng
        self.size = -1
        self.hold(rows, pool)

    def hold(self, rows: list[tuple[int, ...]], pool: list[float]) -> None:
        """Let this be the table."""
        if len(rows) != self.size:
            self.size = len(rows)
            self.kind, self.first, self.start, self.count = (
                array("i", bytes(4 * self.size)) for _ in range(4)
            )
            self.base = array("q", bytes(8 * self.size))
            self.a, self.b, self.c = (array("d", bytes(8 * self.size)) for _ in range(3))
        for i, row in enumerate(rows):
            kind, base, a, b, c, first, start, count = row
            self.kind[i] = int(kind)
            self.base[i] = int(base)
            self.a[i] = float(a)
            self.b[i] = float(b)
            self.c[i] = float(c)
            self.first[i] = int(first)
            self.start[i] = int(start)
            self.count[i] = int(count)
        self.pool = array("d", pool or [0.0])

    def is_plain(self, row: int) -> bool:
        """Whether this is `low + draw * span`, by the two methods below."""
        return self.kind[row] in (CONSTANT, UNIFORM)

    def low_of(self, row: int) -> int:
        """The least value of a plain law, in ns."""
        return self.base[row] + whole(self.a[row])

    def span_of(self, row: int) -> int:
        """How many values a plain law has, in ns; 0 for a constant."""
        return whole(self.b[row])

    def sample(self, row: int, key: int, ordinal: int) -> int:
        """A time in ns by the law in this row, 0 to FAR_NS plus the bases."""
        base = 0
        while self.kind[row] == MIXTURE:
            base += self.base[row]
            u = self.rng.draw(key + NESTED, ordinal) * UNIT
            i = self.start[row]
            last = i + self.count[row] - 1
            while i < last and u >= self.pool[i]:
                i += 1
            row = self.first[row] + i - self.start[row]
            # A mixture within a mixture must not choose by the same draw again.
            key += 2 * NESTED
        base += self.base[row]
        kind = self.kind[row]
        if kind == CONSTANT:
            return base
        if kind == UNIFORM:
            return base + whole(self.a[row]) + self.rng.below(key, ordinal, self.span_of(row))
        if kind == SAMPLES:
            i = self.start[row] + self.rng.below(key, ordinal, self.count[row])
            return base + whole(self.pool[i])
        draw = self.rng.draw(key, ordinal)
        x = self.invert(row, kind, ((draw >> 1) + 0.5) * HALF_UNIT)
        if x > FAR_NS:
            x = FAR_NS
        return base + whole(x)

    def invert(self, row: int, kind: int, u: float) -> float:
        """The quantile of a law at u in (0, 1), in ns, not below zero."""
        if kind == EXPONENTIAL:
            return -self.a[row] * log(1.0 - u)
        if kind == PARETO:
            return self.a[row] * self.power(-log(1.0 - u) / self.b[row])
        if kind == LOGNORMAL:
            return self.a[row] * self.power(self.b[row] * self.normal_quantile(u))
        if self.c[row] > 0.0:
            # Drawn again below zero: the quantile of the part above.
            u = self.c[row] + u * (1.0 - self.c[row])
        x = self.a[row] + self.b[row] * self.normal_quantile(u)
        return x if x > 0.0 else 0.0

    def power(self, x: float) -> float:
        """e to the x, without the overflow that Python would raise for and C would not."""
        return exp(x if x < 300.0 else 300.0)

    def normal_quantile(self, u: float) -> float:
        """The standard normal quantile: Wichura 1988, algorithm AS 241 (PPND16), 1e-16 relative."""
        q = u - 0.5
        if -0.425 <= q <= 0.425:
            r = 0.180625 - q * q
            top = (((((((2509.0809287301226727 * r + 33430.575583588128105) * r
                + 67265.770927008700853) * r + 45921.953931549871457) * r
                + 13731.693765509461125) * r + 1971.5909503065514427) * r
                + 133.14166789178437745) * r + 3.387132872796366608)  # fmt: skip
            low = (((((((5226.495278852854561 * r + 28729.085735721942674) * r
                + 39307.89580009271061) * r + 21213.794301586595867) * r
                + 5394.1960214247511077) * r + 687.1870074920579083) * r
                + 42.313330701600911252) * r + 1.0)  # fmt: skip
            return q * top / low
        r = u if q < 0.0 else 1.0 - u
        if r < 1e-300:
            r = 1e-300
        r = sqrt(-log(r))
        if r <= 5.0:
            r -= 1.6
            top = (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r
                + 0.24178072517745061177) * r + 1.27045825245236838258) * r
                + 3.64784832476320460504) * r + 5.7694972214606914055) * r
                + 4.6303378461565452959) * r + 1.42343711074968357734)  # fmt: skip
            low = (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r
                + 0.0151986665636164571966) * r + 0.14810397642748007459) * r
                + 0.68976733498510000455) * r + 1.6763848301838038494) * r
                + 2.05319162663775882187) * r + 1.0)  # fmt: skip
        else:
            r -= 5.0
            top = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                + 0.0012426609473880784386) * r + 0.026532189526576123093) * r
                + 0.29656057182850489123) * r + 1.7848265399172913358) * r
                + 5.4637849111641143699) * r + 6.6579046435011037772)  # fmt: skip
            low = (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r
                + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r
                + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
                + 0.59983220655588793769) * r + 1.0)  # fmt: skip
        x = top / low
        return -x if q < 0.0 else x
