"""When a server gives up waiting: every server's timer, and what restarts it.

The state machine gives reasons (bits); a timer class says which of them draw a new timeout and
which only restart the one drawn before. All else leaves the timer alone. So a class is two sets
of reasons, made in `raftfast/classes.py`, and never a branch in the state machine.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        CAMPAIGN,
        CONTACT,
        EXPIRED,
        FOR_CANDIDACY,
        FOR_DRIFT,
        FOR_ELECTION,
        FOR_PHASE,
        GRANT,
        LEAD,
        NEVER,
        NOBODY,
        PRE_CAMPAIGN,
        PURPOSE,
        UNIT,
        rarely,
        whole,
    )
from .rng import Rng


class Timeouts:
    """One timer a server: `due[i]` is when it expires (ns), NEVER while it does not run.

    `ranges` holds [low, high) of a follower's and of a candidate's timeout in ns, or in ticks
    where `tick_ns` is not 0; low == high is a fixed one. Most timers are restarted long before
    they could expire, so a draw is put off: until it is taken, `due[i]` is the earliest it can
    give. As draws are keyed, when one is taken changes nothing.
    """

    def __init__(
        self, rng: Rng, nodes: int, heartbeat_ns: int, ranges: list[int], up: list[int]
    ) -> None:
        self.rng = rng
        self.nodes = nodes
        self.heartbeat_ns = heartbeat_ns
        self.follower_low = ranges[0]
        self.follower_span = ranges[1] - ranges[0]
        self.candidate_low = ranges[2]
        self.candidate_span = ranges[3] - ranges[2]
        self.up = array("i", up)
        self.redraw_on = 0
        self.restart_on = 0
        self.tick_ns = 0
        self.aligned = 0
        self.drift = 0.0
        self.plain = 1
        self.first = NOBODY
        self.first_at = NEVER
        self.arms = 0
        self.due = [0] * 1048
        self.armed = [0] * 1048
        self.drawn = [0] * 1048
        self.put_off = [0] * 1048
        self.drawn_for = [0] * 1048
        self.since = [0] * 1048
        self.election_draws = [0] * 1048
        self.candidacy_draws = [0] * 1048
        self.tick = array("q", bytes(8 * nodes))
        self.phase = array("q", bytes(8 * nodes))
        self.rate = array("d", bytes(8 * nodes))

    def follow(self, redraw_on: int, restart_on: int) -> None:
        """Set the timer class: the reasons that draw anew, and those that restart the last draw."""
        self.redraw_on = redraw_on
        self.restart_on = restart_on

    def tick_by(self, tick_ns: int, aligned: int) -> None:
        """Look at the timers only at ticks (0: always), in one phase for all if `aligned`."""
        self.tick_ns = tick_ns
        self.aligned = aligned
        self.plain = 1 if tick_ns == 0 and self.drift <= 0.0 else 0

    def drift_by(self, ppm: float) -> None:
        """Let each clock be fast or slow by up to this, uniformly: a timeout takes 1 + drift."""
        self.drift = ppm * 1e-6
        self.plain = 1 if self.tick_ns == 0 and self.drift <= 0.0 else 0

    def clear(self, broadcast_ns: int) -> None:
        """Begin a trial; every server must then `start` or `sit_out`.

        Phases count from the last broadcast, at `broadcast_ns` <= 0.
        """
        self.first = NOBODY
        self.first_at = -NEVER
        self.arms = self.nodes
        if rarely(not self.plain):
            self.set_clocks(broadcast_ns)

    def set_clocks(self, broadcast_ns: int) -> None:
        """Draw the rates and the phases of clocks that drift or tick."""
        if self.drift > 0.0:
            for i in range(self.nodes):
                u = self.rng.draw(FOR_DRIFT * PURPOSE + i, 0) * UNIT
                self.rate[i] = 1.0 + self.drift * (2.0 * u - 1.0)
        if self.tick_ns > 0:
            self.set_phases(broadcast_ns)

    def set_phases(self, broadcast_ns: int) -> None:
        """Give each server the time of one of its ticks, long before anything happens."""
        for i in range(self.nodes):
            self.tick[i] = self.tick_ns
            if self.drift > 0.0:
                self.tick[i] = whole(self.tick_ns * self.rate[i])
            place = 0 if self.aligned else i
            into = self.rng.below(FOR_PHASE * PURPOSE + place, 0, self.tick[i])
            self.phase[i] = broadcast_ns + into - self.tick[i]

    def start(self, server: int, now: int) -> int:
        """Begin with a follower's timer, drawn and started at `now` (which may be before 0);
        when it is due."""
        self.election_draws[server] = 1
        self.candidacy_draws[server] = 0
        self.drawn_for[server] = FOR_ELECTION
        self.put_off[server] = 1
        wait = self.draw(server)
        at = now + wait
        if rarely(not self.plain):
            at = self.wait_by_clock(server, wait, 0, now)
        self.due[server] = at
        self.armed[server] = server
        return at

    def sit_out(self, server: int) -> None:
        """Begin with no timer."""
        self.due[server] = NEVER
        self.put_off[server] = 0

    def start_all(self) -> None:
        """Begin a trial at t = 0: the timers of all servers that are up start."""
        self.clear(0)
        first = NOBODY
        soonest = NEVER
        for i in range(self.nodes):
            if rarely(not self.up[i]):
                self.sit_out(i)
                continue
            at = self.start(i, 0)
            first = i if at < soonest else first
            soonest = at if at < soonest else soonest
        self.first = first
        self.first_at = soonest

    def apply(self, server: int, reasons: int, now: int) -> None:
        """Draw, restart or leave the timer of `server`, as these reasons ask, at `now` (ns)."""
        if rarely(reasons & LEAD):
            self.beat(server, now)
        elif reasons & self.redraw_on or (
            # A follower does not keep what it drew as a candidate: its role has changed.
            reasons & self.restart_on
            and reasons & (CONTACT | GRANT)
            and self.drawn_for[server] == FOR_CANDIDACY
        ):
            low = self.follower_low
            if reasons & (CAMPAIGN | PRE_CAMPAIGN):
                low = self.candidate_low
                self.candidacy_draws[server] += 1
                self.drawn_for[server] = FOR_CANDIDACY
            else:
                self.election_draws[server] += 1
                self.drawn_for[server] = FOR_ELECTION
            self.put_off[server] = 1
            if rarely(not self.plain):
                self.restart_by_clock(server, reasons, now)
            else:
                self.since[server] = now
                self.set_due(server, now + low)
        elif rarely(reasons & self.restart_on):
            self.restart(server, reasons, now)

    def beat(self, server: int, now: int) -> None:
        """Let a leader send its next heartbeat when it is time."""
        self.put_off[server] = 0
        wait = self.heartbeat_ns
        if self.drift > 0.0:
            wait = whole(wait * self.rate[server])
        self.set_due(server, now + wait)

    def restart(self, server: int, reasons: int, now: int) -> None:
        """Start the timer of `server` again with what it drew last."""
        if not self.plain:
            self.restart_by_clock(server, reasons, now)
        elif not self.put_off[server]:
            self.set_due(server, now + self.drawn[server])
        else:
            self.since[server] = now
            if self.drawn_for[server] == FOR_ELECTION:
                self.set_due(server, now + self.follower_low)
            else:
                self.set_due(server, now + self.candidate_low)

    def restart_by_clock(self, server: int, reasons: int, now: int) -> None:
        """Start the timer of a server whose clock drifts or ticks, with what it drew last."""
        wait = self.draw(server)
        self.set_due(server, self.wait_by_clock(server, wait, reasons, now))

    def draw(self, server: int) -> int:
        """Take the draw that was put off, if one was; the timeout in force, in ns or ticks."""
        if self.put_off[server]:
            self.put_off[server] = 0
            if self.drawn_for[server] == FOR_ELECTION:
                self.drawn[server] = self.follower_low + self.rng.below(
                    FOR_ELECTION * PURPOSE + server,
                    self.election_draws[server] - 1,
                    self.follower_span,
                )
            else:
                self.drawn[server] = self.candidate_low + self.rng.below(
                    FOR_CANDIDACY * PURPOSE + server,
                    self.candidacy_draws[server] - 1,
                    self.candidate_span,
                )
        return self.drawn[server]

    def wait_by_clock(self, server: int, wait: int, reasons: int, now: int) -> int:
        """When a timeout is over by a clock that drifts or ticks.

        A timer of k ticks expires at the k-th tick after `now`; a tick at `now` itself counts for
        a message, which comes before it, and not for the timer that expired with it.
        """
        if self.tick_ns == 0:
            return now + whole(wait * self.rate[server])
        tick = self.tick[server]
        since = now - self.phase[server]
        done = since // tick
        if not reasons & EXPIRED and done * tick == since:
            done -= 1
        return self.phase[server] + (done + wait) * tick

    def set_due(self, server: int, at: int) -> None:
        """Let the timer of `server` expire at `at`; NEVER stops it.

        No timer is due before `first_at`; where the one that was due then has been put later,
        `first` is NOBODY until somebody needs to know.
        """
        self.due[server] = at
        self.armed[server] = self.arms
        self.arms += 1
        first = self.first
        soonest = self.first_at
        first = NOBODY if first == server else first
        self.first = server if at < soonest else first
        self.first_at = at if at < soonest else soonest

    def stop(self, server: int) -> None:
        """Let the timer of `server` not run."""
        self.put_off[server] = 0
        self.set_due(server, NEVER)

    def find_first(self) -> None:
        """Find the timer that is due first; of several at one time, the one set first."""
        first = 0
        soonest = self.due[0]
        for i in range(1, self.nodes):
            at = self.due[i]
            if rarely(at == soonest) and self.armed[i] < self.armed[first]:
                first = i
            first = i if at < soonest else first
            soonest = at if at < soonest else soonest
        self.first = first
        self.first_at = soonest

    def is_settled(self, server: int) -> int:
        """Whether `server`, whose timer is due first, has its draw; takes it if not."""
        if not self.put_off[server]:
            return 1
        self.due[server] = self.since[server] + self.draw(server)
        self.first = NOBODY
        return 0

    def deadline(self, server: int) -> int:
        """When the timer of `server` expires, its draw taken; NEVER while it does not run."""
        self.is_settled(server)
        return self.due[server]
