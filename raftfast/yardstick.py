"""How fast the engine is, told in a measure that a slower machine slows as well.

Trials a second say more of the machine than of the engine. So the engine is measured in turns with
a yardstick, zlib at work on the same bytes, which no change of the engine touches: a throttled
processor slows both. Times are those of the processor, which leave out the turns of others.
"""

from __future__ import annotations

import hashlib
import statistics
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from . import engine as engines
from .batch import Worker
from .intervals import quantile_ranks
from .parameters import block
from .scenario import Scenario

ROUNDS = 11
"""How many turns are taken at a time; where a single trial takes over TURN_MAX_S they are 6."""

TURN_S = 0.01
TURN_MAX_S = 0.1
_FEW = 6
_TRIALS_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Throughput:
    """Trials that one worker runs in the time of one yardstick: the median and its interval.

    trials: how many a turn ran, the scenario's first ones.
    """

    value: float
    low: float
    high: float
    trials: int


class Meter:
    """Measures the throughput of a scenario on this process's engine.

    `trials` are those of a turn, by default as many as take TURN_S: measurements to be compared
    should have the same, and do unless they would take over TURN_MAX_S here.
    """

    def __init__(self, scenario: Scenario, trials: int | None = None) -> None:
        self._worker = Worker(block(scenario), engines.name())
        self._seed = scenario.seed
        tasted, taken_s = 1, self._run(1)
        # Powers of two, so that on a machine like this one it is the same number again.
        while taken_s < TURN_S / 2 and tasted < _TRIALS_MAX:
            tasted *= 2
            taken_s = self._run(tasted)
        fits = trials is not None and trials * taken_s / tasted <= TURN_MAX_S
        self._trials = trials if trials is not None and fits else tasted
        self._rounds = ROUNDS if self._trials > 1 or taken_s < TURN_MAX_S else _FEW
        self._yard = _yardstick()
        self._repeats = max(1, round(TURN_S / max(_timed(self._yard), 1e-6)))
        self._shares: list[float] = []

    def take(self, *, afresh: bool = False) -> Throughput:
        """Take turns, and tell what these and the ones before came to; `afresh`: without those."""
        if afresh:
            self._shares.clear()
        for _ in range(self._rounds):
            yard_s = sum(_timed(self._yard) for _ in range(self._repeats)) / self._repeats
            self._shares.append(self._trials * yard_s / self._run(self._trials))
        shares = sorted(self._shares)
        low, high = quantile_ranks(len(shares), 0.5)
        assert low is not None and high is not None
        median = statistics.median(shares)
        return Throughput(median, shares[low - 1], shares[high - 1], self._trials)

    def _run(self, count: int) -> float:
        return _timed(lambda: self._worker.run(self._seed, 0, count))


def _timed(work: Callable[[], object]) -> float:
    """The processor's seconds, never none."""
    began = time.thread_time_ns()
    work()
    return max(1, time.thread_time_ns() - began) / 1e9


def _yardstick() -> Callable[[], object]:
    """One yardstick: 64 KiB of hexadecimal digits, deflated."""
    text = b"".join(hashlib.sha256(b"%d" % i).hexdigest().encode() for i in range(1024))
    return lambda: zlib.compress(text, 6)
