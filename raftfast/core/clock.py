"""What a server's clock makes of a timeout: ticks, drift, and timers looked at now and then."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from math import sqrt

    from .words import FOR_DRIFT, FOR_PHASE, FOR_POLL, FOR_POLL_PHASE, PURPOSE, UNIT, whole
from .rng import Rng


class Clock:
    """The clocks of all servers; `plain` where every one is exact, continuous and always watched.

    With ticks a timeout is a number of them; else it is in ns.
    """

    def __init__(self, rng: Rng, nodes: int) -> None:
        self.rng = rng
        self.nodes = nodes
        self.plain = 1
        self.tick_ns = 0
        self.aligned = 0
        self.drift = 0.0
        self.poll_low = 0
        self.poll_high = 0
        self.tick = array("q", bytes(8 * nodes))
        self.phase = array("q", bytes(8 * nodes))
        self.rate = array("d", bytes(8 * nodes))
        self.poll_at = array("q", bytes(8 * nodes))
        self.polls = array("q", bytes(8 * nodes))

    def tick_by(self, tick_ns: int, aligned: int) -> None:
        """Count time in ticks (0: do not). `aligned`: all servers tick, and poll, in one phase."""
        self.tick_ns = tick_ns
        self.aligned = aligned
        self.see()

    def drift_by(self, ppm: float) -> None:
        """Let each clock be fast or slow by up to this, uniformly: a timeout takes 1 + drift."""
        self.drift = ppm * 1e-6
        self.see()

    def poll_by(self, low_ns: int, high_ns: int) -> None:
        """Look at the timers only now and then, at intervals in [low, high) (0: always)."""
        self.poll_low = low_ns
        self.poll_high = high_ns
        self.see()

    def see(self) -> None:
        self.plain = 1
        if self.tick_ns > 0 or self.drift > 0.0 or self.poll_high > 0:
            self.plain = 0

    def start(self, broadcast_ns: int) -> None:
        """Draw rates and phases. Ticks count from the last broadcast, at `broadcast_ns` <= 0."""
        for i in range(self.nodes):
            place = 0 if self.aligned else i
            if self.drift > 0.0:
                u = self.rng.draw(FOR_DRIFT * PURPOSE + i, 0) * UNIT
                self.rate[i] = 1.0 + self.drift * (2.0 * u - 1.0)
            if self.tick_ns > 0:
                self.tick[i] = self.tick_ns
                if self.drift > 0.0:
                    self.tick[i] = whole(self.tick_ns * self.rate[i])
                into = self.rng.below(FOR_PHASE * PURPOSE + place, 0, self.tick[i])
                self.phase[i] = broadcast_ns + into - self.tick[i]
            if self.poll_high > 0:
                self.polls[i] = 0
                self.poll_at[i] = self.residual(
                    FOR_POLL_PHASE * PURPOSE + place, self.poll_low, self.poll_high
                )

    def interval(self, key: int, low: int, high: int) -> int:
        """The length of the interval that a moment falls into, of intervals uniform over
        [low, high) one after the other: longer ones are met more often."""
        u = self.rng.draw(key, 0) * UNIT
        shortest = low * 1.0
        longest = high * 1.0
        return whole(sqrt(shortest * shortest + u * (longest * longest - shortest * shortest)))

    def residual(self, key: int, low: int, high: int) -> int:
        """How much of such an interval is still to come."""
        return self.rng.below(key, 1, self.interval(key, low, high))

    def expiry(self, server: int, wait: int, expired: int, now: int) -> int:
        """When a timeout that starts `now` is noticed; see `lapse`."""
        return self.noticed(server, self.lapse(server, wait, expired, now), now)

    def lapse(self, server: int, wait: int, expired: int, now: int) -> int:
        """When a timeout is over that starts `now`, in the unit of the clock.

        A timer of k ticks expires at the k-th tick after `now`; a tick at `now` itself counts for
        a message, which comes before it, and not for the timer that expired with it (`expired`).
        """
        at = now
        if self.tick_ns > 0:
            tick = self.tick[server]
            since = now - self.phase[server]
            done = since // tick
            if not expired and done * tick == since:
                done -= 1
            at = self.phase[server] + (done + wait) * tick
        elif self.drift > 0.0:
            at += whole(wait * self.rate[server])
        else:
            at += wait
        return at

    def pace(self, server: int) -> float:
        """How long a nanosecond takes by a server's clock, in nanoseconds."""
        return self.rate[server] if self.drift > 0.0 else 1.0

    def beat(self, server: int, wait_ns: int, now: int) -> int:
        """When a leader that waits from `now` sends again: never by ticks."""
        if self.drift > 0.0:
            wait_ns = whole(wait_ns * self.rate[server])
        return self.noticed(server, now + wait_ns, now)

    def noticed(self, server: int, at: int, now: int) -> int:
        """The first look at the timers of `server` at `at` or later."""
        if self.poll_high == 0:
            return at
        place = 0 if self.aligned else server
        poll = self.poll_at[server]
        if self.poll_low == self.poll_high:
            if poll < at:
                poll += (at - poll + self.poll_low - 1) // self.poll_low * self.poll_low
            return poll
        polls = self.polls[server]
        while poll < at:
            poll += self.poll_low + self.rng.below(
                FOR_POLL * PURPOSE + place, polls, self.poll_high - self.poll_low
            )
            polls += 1
            # What lies ahead is drawn again when it is asked for again.
            if poll <= now:
                self.poll_at[server] = poll
                self.polls[server] = polls
        return poll
