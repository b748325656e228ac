"""Measured failovers against a simulation: are they alike, and if not, what has to change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .differences import Ends
from .intervals import PERCENTILES, quantile_ranks
from .places import Sample
from .quantiles import quantile_difference
from .readers import read_samples
from .verdicts import SIGNIFICANT

Floats = NDArray[np.float64]

DURATIONS = ("failover_ms", "election_ms", "unavailable_ms")
"""What a heading may call the column of measured times."""

QUANTILES = ("p10", "p50", "p90", "p99")
"""The quantiles that are shown side by side."""

_DRAWS = 4000
_SEED = 0
"""The intervals of spreads are drawn, always with the same luck."""


@dataclass(frozen=True, slots=True)
class MeasuredQuantile:
    """A quantile of both, in milliseconds; difference is measured - simulated.

    What cannot be told is None: simulated trials that were cut count as slower than all others.
    """

    name: str
    measured: float | None
    measured_ci95: Ends
    simulated: float | None
    simulated_ci95: Ends
    difference: float | None
    difference_ci95: Ends


@dataclass(frozen=True, slots=True)
class AgainstMeasured:
    """How measured times and simulated ones differ.

    measured, simulated: how many. statistic, p: Kolmogorov and Smirnov's two-sample test, the
    largest distance between the two shares of trials that have ended by some time. words: what the
    numbers say, one sentence each.
    """

    measured: int
    simulated: int
    statistic: float
    p: float
    quantiles: tuple[MeasuredQuantile, ...]
    words: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Strict JSON."""
        return asdict(self)


def read_measured(path: str | Path, *, key: str = "--measured") -> Floats:
    """The times of a CSV file in milliseconds: one number a line, or a column with a heading.

    Of several columns one must be called by a name in DURATIONS. Raises InputError, one line that
    names file and line, for anything but numbers from 0 to 1e9, and for another unit in a heading.
    """
    found = read_samples(path, key=key, folder=Path(), source=None, columns=DURATIONS)
    return np.array(found)


def against_measured(
    samples_ms: Sequence[float] | Floats, simulated_ms: Floats, *, limit_ms: float = math.inf
) -> AgainstMeasured:
    """Hold measured times against simulated ones.

    simulated_ms: by trial, nan where it was cut; limit_ms: where. Intervals are 95 % ones: of a
    quantile between order statistics, of their difference as in quantiles.py, unpaired. The test
    takes the values as they are: those that were rounded coarsely are told from a simulation by
    that alone once there are enough of them. Raises ValueError without samples on either side.
    """
    from scipy import stats

    measured = Sample.of(_upto(np.asarray(samples_ms, dtype=np.float64), limit_ms), limit_ms)
    simulated = Sample.of(_upto(simulated_ms, limit_ms), limit_ms)
    if not measured.size or not simulated.size:
        raise ValueError("nothing to compare")
    found = stats.ks_2samp(measured.ascending, simulated.ascending)
    quantiles = tuple(_side_by_side(name, measured, simulated) for name in QUANTILES)
    p = float(found.pvalue)
    said = tuple(_words(measured, simulated, quantiles, p))
    return AgainstMeasured(
        measured.size, simulated.size, float(found.statistic), p, quantiles, said
    )


def _upto(values_ms: Floats, limit_ms: float) -> Floats:
    """What came within the limit; nan is what did not."""
    return np.where(values_ms <= limit_ms, values_ms, np.nan)


def _side_by_side(name: str, measured: Sample, simulated: Sample) -> MeasuredQuantile:
    share = PERCENTILES[name]
    apart = quantile_difference(simulated, measured, share, paired=False)
    return MeasuredQuantile(
        name,
        measured.quantile(share),
        _ends(measured, share),
        simulated.quantile(share),
        _ends(simulated, share),
        None if apart is None else apart.difference,
        (None, None) if apart is None else apart.ci95,
    )


def _ends(sample: Sample, share: float) -> Ends:
    """The order statistics between which the quantile lies."""
    low, high = (
        None if rank is None or rank > sample.seen else float(sample.ascending[rank - 1])
        for rank in quantile_ranks(sample.size, share)
    )
    return low, high


@dataclass(frozen=True, slots=True)
class _Ratio:
    """An estimate with its interval, against 1."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, draws: Floats) -> _Ratio:
        low, high = np.quantile(draws, (0.025, 0.975))
        return cls(value, float(low), float(high))

    @property
    def is_one(self) -> bool:
        return self.low <= 1 <= self.high

    def __str__(self) -> str:
        return f"{self.value:.2f} times ({self.low:.2f} to {self.high:.2f})"


def _words(
    measured: Sample, simulated: Sample, rows: Sequence[MeasuredQuantile], p: float
) -> list[str]:
    median = rows[1]
    low, high = median.difference_ci95
    hidden = _hidden(measured, simulated, rows[1:2] if p >= SIGNIFICANT else rows[:3])
    if hidden:
        return [hidden]
    if p >= SIGNIFICANT:
        alike = f"no difference shows in {measured.size} measured values"
        if low is not None and high is not None:
            alike += f"; the medians are within {_ms(max(-low, high))} of each other"
        return [alike]
    if low is None or high is None:
        few = f"{measured.size} measured and {simulated.size:,} simulated values"
        return [f"the times are not alike; {few} are too few to say in what they differ"]
    body = [[row.measured, row.simulated] for row in rows[:3]]
    said = _shape(measured, simulated, np.array(body, dtype=np.float64), median)
    tail = _tail(rows)
    if tail and said:
        return [*said, tail]
    return said or [tail or "the quantiles agree, the shapes between them do not"]


def _hidden(measured: Sample, simulated: Sample, rows: Sequence[MeasuredQuantile]) -> str | None:
    """A word on the limit, where it hides one of these quantiles of either."""
    if any(row.simulated is None for row in rows):
        cut = 1 - simulated.seen / simulated.size
        return f"{100 * cut:.3g} % of the simulated trials were cut: mend that first"
    if any(row.measured is None for row in rows):
        late = 1 - measured.seen / measured.size
        return (
            f"{100 * late:.3g} % of the measured times are beyond stop.limit_ms, {measured.limit:g}"
            " ms, where simulated trials are cut: raise it first"
        )
    return None


def _shape(
    measured: Sample, simulated: Sample, body: Floats, median: MeasuredQuantile
) -> list[str]:
    """What moved and what stretched, of p10, p50 and p90; body[i] is (measured, simulated)."""
    rng = np.random.default_rng(_SEED)
    here, there = (_drawn(sample, rng) for sample in (measured, simulated))
    wide, narrow = body[2] - body[0]
    if not narrow or not body[0].all():
        return [_moved(median)] if _is_apart(median) else []
    spread = _Ratio.of(wide / narrow, (here[2] - here[0]) / (there[2] - there[0]))
    if spread.is_one:
        if not _is_apart(median):
            return []
        return [
            f"{_moved(median)} at equal spread, {spread}: a constant is "
            + (
                "missing, such as the time until clients notice or reconnect"
                if (median.difference or 0.0) > 0
                else "too much: the cluster waits for less than the scenario does"
            )
        ]
    ratios = body[:, 0] / body[:, 1]
    tilt = _Ratio.of(ratios[2] / ratios[0], here[2] * there[0] / (there[2] * here[0]))
    factor = _Ratio.of(ratios[1], here[1] / there[1])
    if tilt.is_one and not factor.is_one:
        return [
            f"measured times are {factor} as long throughout: as if every timeout and latency were"
        ]
    cause = (
        "a wider range of timeouts, latencies that vary more, or more split votes"
        if spread.value > 1
        else "a narrower range of timeouts, latencies that vary less, or fewer split votes"
    )
    first = f"the measured spread from p10 to p90 is {spread} the simulated one: {cause}"
    return [first, _moved(median)] if _is_apart(median) else [first]


def _drawn(sample: Sample, rng: np.random.Generator) -> Floats:
    """p10, p50 and p90, a row each, as their joint confidence distribution has them.

    Counts of values below each are multinomial, and a quantile lies evenly between the order
    statistics that its count names.
    """
    counts = rng.multinomial(sample.size, (0.1, 0.4, 0.4, 0.1), _DRAWS)[:, :3].cumsum(axis=1).T
    ranks = counts + rng.random(counts.shape)
    seen = np.arange(1.0, sample.seen + 1)
    return np.interp(ranks, seen, sample.ascending[: sample.seen])


def _is_apart(row: MeasuredQuantile) -> bool:
    low, high = row.difference_ci95
    return (low is not None and low > 0) or (high is not None and high < 0)


def _moved(row: MeasuredQuantile) -> str:
    by = row.difference or 0.0
    ends = sorted(abs(end) for end in row.difference_ci95 if end is not None)
    within = f" ({' to '.join(map(_digits, ends))})" if len(ends) == 2 else ""
    return f"the measured median is {'later' if by > 0 else 'earlier'} by {_ms(abs(by))}{within}"


def _tail(rows: Sequence[MeasuredQuantile]) -> str | None:
    """A word on the slowest per cent, where it moved further than the body did."""
    body, top = rows[2], rows[3]
    (low, high), (floor, roof) = body.difference_ci95, top.difference_ci95
    if floor is not None and high is not None and floor > max(0.0, high):
        return (
            "the slowest 1 % are later than that: rare failures are missing, such as lost messages"
        )
    if roof is not None and low is not None and roof < min(0.0, low):
        return (
            "the slowest 1 % are earlier than that: the scenario fails more often than the cluster"
        )
    return None


def _ms(value: float) -> str:
    return f"{_digits(value)} ms"


def _digits(value: float) -> str:
    """Three significant digits, more before the point if there are more."""
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"
