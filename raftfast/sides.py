"""Two sets of trials side by side: every metric of both, seen up to the same horizon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .columns import TIMES
from .differences import ALPHA, Difference
from .intervals import PERCENTILES
from .means import mean_difference, restricted_mean_difference, superiority
from .metrics import COUNTS, QUANTILES, Chosen
from .places import Sample
from .quantiles import quantile_difference
from .rates import rate_difference
from .statistics import hits
from .survival import log_rank

if TYPE_CHECKING:
    from .result import Result

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Asked = Iterator[tuple[str, Callable[[], Difference | None]]]
"""Metrics, each with what finds how it differs; None where neither side has a value."""


@dataclass(frozen=True, slots=True)
class Trials:
    """One side: the columns of its trials, and what the scenario says of their end.

    samples: as `Result.samples`, each column float64 by trial. on: the stop rule; duration_ms
    counts under "duration" only. seed: None where it is not known.
    """

    samples: Mapping[str, Floats]
    limit_ms: float
    on: str = "leader"
    duration_ms: float | None = None
    seed: int | None = None

    @classmethod
    def of(cls, result: Result) -> Trials:
        """The trials of a run."""
        stop = result.scenario.stop
        return cls(result.samples, stop.limit_ms, stop.on, stop.duration_ms, result.seed)

    @property
    def lasting_ms(self) -> float | None:
        """How long every trial lasts, if that is the stop rule."""
        return self.duration_ms if self.on == "duration" else None

    @property
    def horizon_ms(self) -> float:
        """Up to when a trial is watched."""
        return min(self.limit_ms, self.lasting_ms or self.limit_ms)


@dataclass(frozen=True, slots=True)
class Time:
    """A column of times up to the horizon: nan where none came until then.

    `watched` says that every trial without one was watched up to the horizon.
    """

    values: Floats
    watched: bool

    @property
    def limited(self) -> bool:
        """Whether some trial has none."""
        return bool(np.isnan(self.values).any())


class Sides:
    """Both sides up to the smaller horizon; paired ones with as many trials as both have."""

    def __init__(
        self, reference: Trials, other: Trials, *, paired: bool, alpha: float = ALPHA
    ) -> None:
        self.both = reference, other
        self.paired = paired
        self._how: dict[str, Any] = {"paired": paired, "alpha": alpha}
        sizes = [side.samples["censored"].size for side in self.both]
        self.trials = min(sizes)
        if not self.trials:
            raise ValueError("no trials to compare")
        self._sizes = [self.trials] * 2 if paired else sizes
        self.horizon_ms = min(side.horizon_ms for side in self.both)
        self._cut = [self._is_cut(i) for i in range(2)]
        lasting = any(side.lasting_ms is not None for side in self.both)
        self._outlasted = (
            not lasting
            and reference.horizon_ms != other.horizon_ms
            and any(bool(self._goes_on(i).any()) for i in range(2))
        )

    def metrics(self, chosen: Chosen | None = None) -> Iterator[tuple[str, Difference]]:
        """Every metric that is chosen and how it differs: times, counts, rates."""
        for name, find in self._metrics():
            if chosen is None or chosen(name):
                found = find()
                if found is not None:
                    yield name, found

    def find(self, metric: str) -> Difference | None:
        """How one metric differs, also one that `metrics` leaves out: any of PERCENTILES of a time
        or a count, "election_ms.faster" and the like, a rate. A mean is a restricted one where
        trials were cut, whichever name it is asked by.

        None for a metric that these sides do not have, and for a quantile that neither has.
        """
        name, _, statistic = metric.partition(".")
        if name == "rate":
            return _asked(self._rates(), metric)
        if statistic in ("faster", "hazard_ratio"):
            return _asked(self._races([self._when(i, "election_ms") for i in range(2)]), metric)
        if name in TIMES:
            return self._find_time(name, statistic)
        if name not in COUNTS or self._outlasted:
            return None
        if statistic in PERCENTILES:
            return self._quantile([Sample.of(self._column(i, name)) for i in range(2)], statistic)
        return self._mean(name)

    def _find_time(self, name: str, statistic: str) -> Difference | None:
        if name == "unavailable_ms" and self._outlasted:
            return None
        if name == "followed_ms" and any(side.on != "followed" for side in self.both):
            return None
        both = [self.time(i, name) for i in range(2)]
        if statistic in PERCENTILES:
            return self._quantile(self._samples(both), statistic)
        return self._mean_time(both)

    def time(self, i: int, name: str) -> Time:
        """One of TIMES as a side has it, up to the horizon."""
        return self._without_leader(i) if name == "unavailable_ms" else self._when(i, name)

    def _metrics(self) -> Asked:
        yield from self._times()
        if not self._outlasted:
            kind = "restricted_mean" if any(cut.any() for cut in self._cut) else "mean"
            for name in COUNTS:
                yield f"{name}.{kind}", partial(self._mean, name)
        yield from self._rates()

    def _mean(self, name: str) -> Difference:
        return mean_difference(self._column(0, name), self._column(1, name), **self._how)

    def _column(self, i: int, name: str) -> Floats:
        return self.both[i].samples[name][: self._sizes[i]]

    def _is_cut(self, i: int) -> Bools:
        """Which trials reached the limit; to last as long as it should is no cut."""
        if self.both[i].lasting_ms is not None:
            return np.zeros(self._sizes[i], dtype=bool)
        return np.not_equal(self._column(i, "censored"), 0)

    def _goes_on(self, i: int) -> Bools:
        """Which trials have not come to their end by the horizon."""
        name = "followed_ms" if self.both[i].on == "followed" else "election_ms"
        return self._cut[i] | ~(self._column(i, name) <= self.horizon_ms)

    def _times(self) -> Asked:
        elections = [self._when(i, "election_ms") for i in range(2)]
        yield from self._time("election_ms", elections)
        yield from self._races(elections)
        yield from self._time("detect_ms", [self._when(i, "detect_ms") for i in range(2)])
        if all(side.on == "followed" for side in self.both):
            yield from self._time("followed_ms", [self._when(i, "followed_ms") for i in range(2)])
        if self._outlasted:
            return
        without = [self._without_leader(i) for i in range(2)]
        # Where a trial ends with the first leader both say the same, and need to be tested once.
        same = (
            np.array_equal(x.values, y.values, equal_nan=True)
            for x, y in zip(without, elections, strict=True)
        )
        if not all(same):
            yield from self._time("unavailable_ms", without)

    def _when(self, i: int, name: str) -> Time:
        values = self._column(i, name)
        lost = np.isnan(values) & ~self._cut[i]
        watched = self.both[i].lasting_ms is not None or not lost.any()
        return Time(np.where(values <= self.horizon_ms, values, np.nan), watched)

    def _without_leader(self, i: int) -> Time:
        """The time without a leader; of a trial that was cut without one, at least the horizon."""
        values = self._column(i, "unavailable_ms")
        return Time(np.where(self._cut[i] & (values >= self.horizon_ms), np.nan, values), True)

    def _time(self, name: str, both: list[Time]) -> Asked:
        kind = "restricted_mean" if any(x.limited for x in both) else "mean"
        yield f"{name}.{kind}", partial(self._mean_time, both)

        @cache
        def samples() -> list[Sample]:
            return self._samples(both)

        def apart(quantile: str) -> Difference | None:
            return self._quantile(samples(), quantile)

        for quantile in QUANTILES:
            yield f"{name}.{quantile}", partial(apart, quantile)

    def _mean_time(self, both: list[Time]) -> Difference | None:
        values = both[0].values, both[1].values
        if not any(x.limited for x in both):
            return mean_difference(*values, **self._how)
        if all(x.watched for x in both):
            return restricted_mean_difference(*values, self.horizon_ms, **self._how)
        return None

    def _samples(self, both: list[Time]) -> list[Sample]:
        return [Sample.of(x.values, self.horizon_ms) for x in both]

    def _quantile(self, samples: list[Sample], quantile: str) -> Difference | None:
        first, second = samples
        return quantile_difference(first, second, PERCENTILES[quantile], **self._how)

    def _races(self, elections: list[Time]) -> Asked:
        """Who is faster to elect: by trials, and where some were cut by the log-rank test."""
        yield "election_ms.faster", partial(self._race, elections)
        if any(x.limited for x in elections) and all(x.watched for x in elections):
            yield "election_ms.hazard_ratio", partial(self._hazards, elections)

    def _race(self, elections: list[Time]) -> Difference:
        first, second = (np.where(np.isnan(x.values), np.inf, x.values) for x in elections)
        return superiority(first, second, **self._how)

    def _hazards(self, elections: list[Time]) -> Difference:
        ended = [~np.isnan(x.values) for x in elections]
        upto = [
            np.where(end, x.values, self.horizon_ms)
            for x, end in zip(elections, ended, strict=True)
        ]
        return log_rank(upto[0], ended[0], upto[1], ended[1], **self._how)

    def _rates(self) -> Asked:
        found = [
            {name: hit[:size] for name, hit in hits(side.samples).items()}
            for side, size in zip(self.both, self._sizes, strict=True)
        ]
        if self._outlasted:
            found = [{"censored": self._goes_on(i)} for i in range(2)]
        for name, hit in found[0].items():
            yield f"rate.{name}", partial(rate_difference, hit, found[1][name], **self._how)
        first, second = (side.lasting_ms for side in self.both)
        if first is not None and second is not None:
            shares = [
                1.0 - self._column(i, "unavailable_ms") / lasting_ms
                for i, lasting_ms in enumerate((first, second))
            ]
            yield "rate.availability", partial(mean_difference, *shares, **self._how)


def _asked(metrics: Asked, metric: str) -> Difference | None:
    find = dict(metrics).get(metric)
    return find() if find is not None else None
