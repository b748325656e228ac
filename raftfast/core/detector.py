"""When a silence is suspicious, learnt from the gaps between a leader's heartbeats."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from math import sqrt

    from .words import BY_ATEN, BY_DYNATUNE, BY_EWMA, GAPS_MAX, whole
from .tuning import Tuning


class Detector:
    """Each follower's gaps, the last thousand of them, the first the heartbeat interval itself.

    BY_EWMA: three times the moving average, alpha 1/5, from 100 to 2000 ms (TigerBeetle,
    `fault_detector.zig`). BY_PHI: when 1 - F(silence) falls below 10^-8 for a normal F of the
    gaps' mean, 3 s of acceptable pause and their deviation of 100 ms at least (Akka's phi accrual
    with its defaults: threshold 8). BY_ATEN: when more than .99 of the gaps, each half as long
    again, are behind (rabbitmq/aten). BY_DYNATUNE is another matter, and `tuning` sees to it.
    """

    def __init__(self, nodes: int, kind: int, heartbeat_ns: int) -> None:
        self.nodes = nodes
        self.kind = kind
        self.heartbeat_ns = heartbeat_ns
        self.tuning = Tuning(nodes, int(kind == BY_DYNATUNE), heartbeat_ns)
        slots = nodes * GAPS_MAX if kind > 0 and not self.tuning.on else 1
        self.gaps = array("q", bytes(8 * slots))
        self.count = array("q", bytes(8 * nodes))
        self.last = array("q", bytes(8 * nodes))
        self.average = array("d", bytes(8 * nodes))
        self.total = array("q", bytes(8 * nodes))
        self.squares = array("d", bytes(8 * nodes))

    def start(self, server: int, now: int) -> None:
        """Begin to listen, in contact `now`: all that is known is how often a leader sends."""
        if self.tuning.on:
            self.tuning.forget(server)
            return
        self.count[server] = 0
        self.total[server] = 0
        self.squares[server] = 0.0
        self.average[server] = self.heartbeat_ns * 1.0
        self.learn(server, self.heartbeat_ns)
        self.last[server] = now

    def hear(self, server: int, now: int) -> None:
        """A heartbeat came."""
        self.learn(server, now - self.last[server])
        self.last[server] = now

    def learn(self, server: int, gap: int) -> None:
        self.average[server] += (gap - self.average[server]) * 0.2
        place = server * GAPS_MAX + self.count[server] % GAPS_MAX
        if self.count[server] >= GAPS_MAX:
            old = self.gaps[place]
            self.total[server] -= old
            self.squares[server] -= old * 1.0 * old
        self.gaps[place] = gap
        self.total[server] += gap
        self.squares[server] += gap * 1.0 * gap
        self.count[server] += 1

    def silence(self, server: int) -> int:
        """How long a silence is suspicious, in ns."""
        if self.kind == BY_EWMA:
            wait = 3.0 * self.average[server]
            wait = wait if wait > 1e8 else 1e8
            return whole(wait if wait < 2e9 else 2e9)
        known = self.count[server] if self.count[server] < GAPS_MAX else GAPS_MAX
        if self.kind == BY_ATEN:
            return self.largest(server, known) * 3 // 2
        mean = self.total[server] * 1.0 / known
        variance = self.squares[server] / known - mean * mean
        deviation = sqrt(variance) if variance > 0.0 else 0.0
        deviation = deviation if deviation > 1e8 else 1e8
        # The standard normal quantile at 1 - 10^-8.
        return whole(mean + 3e9 + 5.612001244174789 * deviation)

    def largest(self, server: int, known: int) -> int:
        """The gap that more than .99 of those known are not longer than."""
        rank = (known - 1) // 100
        bound = -1
        base = server * GAPS_MAX
        # The (rank + 1)-th largest, found one after the other: rank is at most ten.
        left = rank + 1
        above = 1 << 62
        while left > 0:
            bound = -1
            for i in range(known):
                gap = self.gaps[base + i]
                if gap < above and gap > bound:
                    bound = gap
            same = 0
            for i in range(known):
                if self.gaps[base + i] == bound:
                    same += 1
            left -= same
            above = bound
        return bound
