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

import numpy as np

from . import engine as engines
from .batch import Worker
from .parameters import block
from .scenario import Scenario
from .statistics import quantile_ranks

ROUNDS = 21
"""How many turns; their median counts. Where a single trial takes over TURN_MAX_S they are 7."""

TURN_S = 0.01
TURN_MAX_S = 0.1
_FEW = 7
_CHUNKS = 2048
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


def measure(scenario: Scenario, trials: int | None = None) -> Throughput:
    """The throughput of a scenario on this process's engine, in about half a second.

    `trials` are those of a turn, by default as many as take TURN_S: measurements to be compared
    should have the same, and do unless they would take over TURN_MAX_S here.
    """
    worker = Worker(block(scenario), engines.name())

    def run(count: int) -> float:
        return _timed(lambda: worker.run(scenario.seed, 0, count))

    tasted, taken_s = 1, run(1)
    # Powers of two, so that on a machine like this one it is the same number again.
    while taken_s < TURN_S / 2 and tasted < _TRIALS_MAX:
        tasted *= 2
        taken_s = run(tasted)
    if trials is None or trials * taken_s / tasted > TURN_MAX_S:
        trials = tasted
    yard = _yardstick()
    repeats = max(1, round(TURN_S / max(_timed(yard), 1e-6)))
    rounds = ROUNDS if trials > 1 or taken_s < TURN_MAX_S else _FEW
    shares = []
    for _ in range(rounds):
        measured_s = sum(_timed(yard) for _ in range(repeats)) / repeats
        shares.append(trials * measured_s / run(trials))
    shares.sort()
    low, high = quantile_ranks(rounds, 0.5)
    assert low is not None and high is not None
    return Throughput(statistics.median(shares), shares[low - 1], shares[high - 1], trials)


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _yardstick() -> Callable[[], object]:
    """One yardstick: 64 KiB of hexadecimal digits, deflated."""
    text = b"".join(hashlib.sha256(b"%d" % i).hexdigest().encode() for i in range(_CHUNKS // 2))
    return lambda: zlib.compress(np.frombuffer(text, np.uint8).data, 6)
