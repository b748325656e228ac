"""When a server gives up waiting: every server's timer, and what restarts it.

The state machine gives reasons (bits); a timer class says which of them draw a new timeout and
which only restart the one drawn before. All else leaves the timer alone. So a class is two sets
of reasons, made in `raftfast/classes.py`, and never a branch in the state machine.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        CAMPAIGN,
        CONTACT,
        EXPIRED,
        FAR_NS,
        FOR_CANDIDACY,
        FOR_ELECTION,
        FOR_FIRST,
        FOR_WINDOW,
        GRANT,
        LEAD,
        NEVER,
        NOBODY,
        PRE_CAMPAIGN,
        PURPOSE,
        UNIT,
        own_draw,
        rarely,
        whole,
    )
from .clock import Clock
from .detector import Detector
from .rng import Rng


class Timeouts:
    """One timer a server: `due[i]` is when it expires (ns), NEVER while it does not run.

    `ranges` holds [low, high) of a follower's and of a candidate's timeout, four numbers a server,
    in ns or in ticks where the clock has them; low == high is a fixed one. Most timers are
    restarted long before they could expire, so a draw is put off: until it is taken, `due[i]` is
    the earliest it can give. As draws are keyed, when one is taken changes nothing.
    """

    def __init__(
        self,
        rng: Rng,
        clock: Clock,
        detector: Detector,
        nodes: int,
        heartbeat_ns: int,
        ranges: list[int],
        up: list[int],
    ) -> None:
        self.rng = rng
        self.clock = clock
        self.detector = detector
        self.tuning = detector.tuning
        self.listens = 0
        self.nodes = nodes
        self.heartbeat_ns = heartbeat_ns
        self.up = array("i", up)
        self.follow(0, 0)
        self.once = 0
        self.window = 0
        self.polled = 0
        self.each_tick = 0
        self.own_candidacy = 1
        self.plain = 1
        self.simple = 0
        self.begins_apart = 0
        self.ahead = 0
        self.boots_otherwise = 0
        self.rank_wait = 0
        self.stretched = 0
        self.draws_own = 0
        self.otherwise = 0
        self.longest = NEVER
        self.first = NOBODY
        self.first_at = NEVER
        self.election_low = [0] * 1048
        self.election_span = [0] * 1048
        self.candidate_low = [0] * 1048
        self.candidate_span = [0] * 1048
        self.due = [0] * 1048
        self.armed = [0] * 1048
        self.drawn = [0] * 1048
        self.put_off = [0] * 1048
        self.drawn_for = [0] * 1048
        self.since = [0] * 1048
        self.election_draws = [0] * 1048
        self.candidacy_draws = [0] * 1048
        self.drawn_at = array("q", bytes(8 * nodes))
        self.heard = array("q", bytes(8 * nodes))
        self.rank = array("q", bytes(8 * nodes))
        self.scale = array("d", bytes(8 * nodes))
        self.extra = array("q", bytes(8 * nodes))
        self.lost = array("q", bytes(8 * nodes))
        self.first_low = array("q", bytes(8 * nodes))
        self.first_high = array("q", bytes(8 * nodes))
        self.take_ranges(ranges)

    def take_ranges(self, ranges: list[int]) -> None:
        """Take four numbers a server: low and high of followers' and of candidates' timeouts."""
        for i in range(self.nodes):
            self.election_low[i] = ranges[4 * i]
            self.election_span[i] = ranges[4 * i + 1] - ranges[4 * i]
            self.candidate_low[i] = ranges[4 * i + 2]
            self.candidate_span[i] = ranges[4 * i + 3] - ranges[4 * i + 2]

    # The timer class, and what else there is to a timeout.

    def take_class(self, block: object) -> None:
        """Take all of the settings below from a parameter block."""
        self.follow(block.redraw_on, block.restart_on)
        if block.once:
            self.draw_once(block.own_candidacy)
        if block.window:
            self.keep_jitter()
        if block.polled:
            self.run_freely(block.polled == 2)
        if block.each_tick:
            self.draw_each_tick()
        if block.first_ranges is not None:
            self.begin_with(block.first_ranges)
        if block.ahead > 0:
            self.be_ahead(block.ahead)
        if block.own is not None:
            self.draw_by(block.own)
        self.wait_by_rank(block.rank_wait)
        self.ready()

    def follow(self, redraw_on: int, restart_on: int) -> None:
        """Set the timer class: the reasons that draw anew, and those that restart the last draw."""
        self.redraw_on = redraw_on
        self.restart_on = restart_on

    def draw_once(self, own_candidacy: int) -> None:
        """Let every draw of a server be its first; a candidate's the follower's, too, unless it
        has a range of its own (`own_candidacy`)."""
        self.once = 1
        self.otherwise = 1
        self.own_candidacy = own_candidacy

    def keep_jitter(self) -> None:
        """Let a restart draw again when the last draw is a range's width old."""
        self.window = 1

    def run_freely(self, own_draw: int) -> None:
        """Let followers' timers run whatever they hear; one that expires counts if the last
        contact is as old as the range's minimum, or (`own_draw`) as the draw itself."""
        self.polled = 2 if own_draw else 1

    def draw_each_tick(self) -> None:
        """Let a timer that has run for the minimum, and d of the range's m ticks, expire at a tick
        with the chance d / m (etcd 2.3, `isElectionTimeout`)."""
        self.each_tick = 1

    def draw_by(self, own: Callable[..., int]) -> None:
        """Ask `own` for every timeout: `raftfast/callbacks.py` says what it is given."""
        self.own = own_draw(own)
        self.draws_own = 1

    def begin_with(self, ranges: list[int]) -> None:
        """Draw the first timeout from [low, high) instead, two numbers a server."""
        self.begins_apart = 1
        self.boots_otherwise = 1
        for i in range(self.nodes):
            self.first_low[i] = ranges[2 * i]
            self.first_high[i] = ranges[2 * i + 1]

    def be_ahead(self, wait: int) -> None:
        """Let so much of the first timeout be over at the start."""
        self.ahead = wait
        self.boots_otherwise = 1

    def wait_by_rank(self, wait: int) -> None:
        """Add this to every timeout of a server, once for each server with a longer log."""
        self.rank_wait = wait

    def stretch_to(self, longest: int) -> None:
        """Let candidates' timeouts be stretched, up to this."""
        self.stretched = 1
        self.otherwise = 1
        self.simple = 0
        self.longest = longest

    def stretch(self, server: int, scale: float, extra: int) -> None:
        """Make a server's timeouts as a candidate so many times as long, and longer by `extra`."""
        self.scale[server] = scale
        self.extra[server] = extra

    def set_rank(self, server: int, rank: int) -> None:
        """Say how many servers have a longer log."""
        self.rank[server] = rank

    def ready(self) -> None:
        """All is set: find out whether the quick ways will do."""
        self.plain = 1
        if not self.clock.plain or self.window or self.each_tick or self.rank_wait > 0:
            self.plain = 0
        if self.draws_own or self.detector.kind > 0:
            self.plain = 0
        self.listens = 1 if self.polled or self.detector.kind > 0 else 0
        self.otherwise = 0
        if self.once or self.each_tick or self.stretched or self.draws_own or self.rank_wait > 0:
            self.otherwise = 1
        if self.detector.kind > 0:
            self.otherwise = 1
        self.simple = 1 if self.plain and not self.otherwise and not self.listens else 0
        if self.boots_otherwise:
            self.simple = 0

    # How a trial begins.

    def clear(self, broadcast_ns: int) -> None:
        """Begin a trial; every server must then `start` or `sit_out`.

        The last broadcast of a leader was at `broadcast_ns` <= 0.
        """
        self.first = NOBODY
        self.first_at = -NEVER
        self.arms = self.nodes
        if rarely(not self.clock.plain):
            self.clock.start(broadcast_ns)

    def start(self, server: int, now: int, boots: int) -> int:
        """Begin with a follower's timer, drawn and started at `now` (which may be before 0), and
        as a server that boots, or has run for long; when it is due."""
        self.election_draws[server] = 1
        self.candidacy_draws[server] = 0
        self.drawn_for[server] = FOR_ELECTION
        self.put_off[server] = 1
        if rarely(not self.simple):
            at = self.start_otherwise(server, now, boots)
        else:
            at = now + self.draw(server)
        self.due[server] = at
        self.armed[server] = server
        return at

    def start_otherwise(self, server: int, now: int, boots: int) -> int:
        """When the first timer of a server is due where that may not be its draw after `now`."""
        self.since[server] = now
        self.lost[server] = 0
        # What a leader in office since long ago has tuned is kept.
        if self.detector.kind > 0 and (boots or not self.tuning.on):
            self.detector.start(server, now)
        wait = self.draw(server)
        later = self.rank_wait * self.rank[server]
        own_first = boots and self.begins_apart
        if own_first:
            low = self.first_low[server]
            high = self.first_high[server]
            wait = later + low + self.rng.below(FOR_FIRST * PURPOSE + server, 0, high - low)
            self.drawn[server] = wait
        if self.window:
            # The jitter was drawn some part of its window ago.
            self.drawn_at[server] = now - self.rng.below(
                FOR_WINDOW * PURPOSE + server, 0, self.election_span[server]
            )
        if self.polled:
            self.heard[server] = now
            if not own_first:
                # It runs since long ago: in the midst of an interval, the likelier the longer.
                low = later + self.election_low[server]
                high = low + self.election_span[server]
                key = FOR_WINDOW * PURPOSE + server
                self.drawn[server] = self.clock.interval(key, low, high)
                wait = self.rng.below(key, 1, self.drawn[server])
                if boots and self.ahead > 0:
                    wait = wait - self.ahead if wait > self.ahead else 0
                return self.clock.noticed(server, wait, now)
        if boots and self.ahead > 0:
            wait = wait - self.ahead if wait > self.ahead else 1
        at = self.clock.expiry(server, wait, 0, now)
        # By a fast clock a tuned timeout may be shorter than the interval it was tuned to.
        return 0 if self.tuning.on and at < 0 else at

    def boot(self, server: int, now: int) -> None:
        """Start the timer of a server that starts again."""
        self.election_draws[server] += 1
        self.drawn_for[server] = FOR_ELECTION
        self.put_off[server] = 1
        at = self.start_otherwise(server, now, 1)
        self.set_due(server, at if at > now else now)

    def lead(self, server: int, at: int) -> None:
        """Begin with a leader, whose next heartbeat leaves at `at`."""
        self.election_draws[server] = 0
        self.candidacy_draws[server] = 0
        self.drawn_for[server] = FOR_ELECTION
        self.put_off[server] = 0
        self.armed[server] = server
        self.due[server] = at
        # It was in contact with the others when it sent last.
        self.heard[server] = at - self.heartbeat_ns
        if self.detector.kind > 0:
            self.detector.start(server, 0)
        if self.tuning.on and self.nodes > 1:
            at = self.tuning.schedule(server, self.clock.pace(server))
            self.due[server] = at if at > 0 else 0

    def sit_out(self, server: int) -> None:
        """Begin with no timer."""
        if rarely(self.detector.kind > 0):
            self.detector.start(server, 0)
        self.due[server] = NEVER
        self.put_off[server] = 0
        self.election_draws[server] = 0
        self.candidacy_draws[server] = 0

    def start_all(self) -> None:
        """Begin a trial at t = 0: the timers of all servers that are up start."""
        self.clear(0)
        first = NOBODY
        soonest = NEVER
        for i in range(self.nodes):
            if rarely(not self.up[i]):
                self.sit_out(i)
                continue
            at = self.start(i, 0, 1)
            first = i if at < soonest else first
            soonest = at if at < soonest else soonest
        self.first = first
        self.first_at = soonest

    # What restarts a timer.

    def apply(self, server: int, reasons: int, now: int) -> None:
        """Draw, restart or leave the timer of `server`, as these reasons ask, at `now` (ns)."""
        if rarely(self.listens):
            self.listen(server, reasons, now)
        if rarely(reasons & LEAD):
            self.put_off[server] = 0
            at = now + self.heartbeat_ns
            if rarely(not self.plain):
                at = self.next_beat(server, now)
            self.set_due(server, at)
        elif reasons & self.redraw_on or (
            # A follower does not keep what it drew as a candidate: its role has changed.
            reasons & self.restart_on
            and reasons & (CONTACT | GRANT)
            and self.drawn_for[server] == FOR_CANDIDACY
        ):
            low = self.election_low[server]
            if reasons & (CAMPAIGN | PRE_CAMPAIGN):
                low = self.candidate_low[server]
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

    def listen(self, server: int, reasons: int, now: int) -> None:
        """Note a contact where timers run freely, or are learnt from it."""
        if self.tuning.on:
            self.tuning.note(server, reasons)
        elif self.polled:
            if reasons & (CONTACT | GRANT):
                self.heard[server] = now
        elif reasons & CONTACT:
            self.detector.hear(server, now)

    def next_beat(self, server: int, now: int) -> int:
        """When a leader that sends `now` sends again, by a clock or at intervals of its own."""
        if self.tuning.on and self.nodes > 1:
            at = self.tuning.send(server, self.clock.pace(server), now)
            return self.clock.noticed(server, at, now)
        return self.clock.beat(server, self.heartbeat_ns, now)

    def hear_answer(self, server: int, follower: int, now: int) -> None:
        """A leader has its follower's answer in hand, and may have to send at another time."""
        at = self.tuning.take_answer(server, follower, self.clock.pace(server), now)
        at = self.clock.noticed(server, at if at > now else now, now)
        # A timer that expired, and waits until its server has the time, sends soon enough.
        if at != self.due[server] and self.due[server] < NEVER:
            self.set_due(server, at)

    def restart(self, server: int, reasons: int, now: int) -> None:
        """Start the timer of `server` again with what it drew last."""
        if not self.plain:
            if self.window and now - self.drawn_at[server] >= self.election_span[server]:
                self.election_draws[server] += 1
                self.put_off[server] = 1
            self.restart_by_clock(server, reasons, now)
        elif not self.put_off[server]:
            self.set_due(server, now + self.drawn[server])
        else:
            self.since[server] = now
            if self.drawn_for[server] == FOR_ELECTION:
                self.set_due(server, now + self.election_low[server])
            else:
                self.set_due(server, now + self.candidate_low[server])

    def restart_by_clock(self, server: int, reasons: int, now: int) -> None:
        """Start the timer of a server with its draw, where that is not all there is to it."""
        if self.put_off[server]:
            self.drawn_at[server] = now
            self.since[server] = now
            if self.drawn_for[server] != FOR_CANDIDACY:
                self.lost[server] = 0
            elif reasons & EXPIRED:
                self.lost[server] += 1
        wait = self.draw(server)
        self.set_due(server, self.clock.expiry(server, wait, reasons & EXPIRED, now))

    def is_overdue(self, server: int, now: int) -> int:
        """Whether the last contact of a follower whose free timer expired is old enough; where it
        is not, the timer runs again with a fresh draw."""
        age = self.election_low[server] if self.polled == 1 else self.drawn[server]
        if now >= self.clock.lapse(server, age, 0, self.heard[server]):
            return 1
        self.election_draws[server] += 1
        self.drawn_for[server] = FOR_ELECTION
        self.put_off[server] = 1
        self.restart_by_clock(server, EXPIRED, now)
        return 0

    # How long a timeout is.

    def draw(self, server: int) -> int:
        """Take the draw that was put off, if one was; the timeout in force, in ns or ticks."""
        if self.put_off[server]:
            self.put_off[server] = 0
            if rarely(self.otherwise):
                self.drawn[server] = self.draw_otherwise(server)
            elif self.drawn_for[server] == FOR_ELECTION:
                self.drawn[server] = self.election_low[server] + self.rng.below(
                    FOR_ELECTION * PURPOSE + server,
                    self.election_draws[server] - 1,
                    self.election_span[server],
                )
            else:
                self.drawn[server] = self.candidate_low[server] + self.rng.below(
                    FOR_CANDIDACY * PURPOSE + server,
                    self.candidacy_draws[server] - 1,
                    self.candidate_span[server],
                )
        return self.drawn[server]

    def draw_otherwise(self, server: int) -> int:
        """A draw that hangs on more than its range."""
        low = self.election_low[server]
        span = self.election_span[server]
        purpose = FOR_ELECTION
        ordinal = self.election_draws[server] - 1
        if self.drawn_for[server] == FOR_ELECTION:
            if self.tuning.on:
                if self.tuning.timeout[server] > 0:
                    low = self.tuning.timeout[server]
                    span = low
            elif self.detector.kind > 0:
                low = self.detector.silence(server)
        else:
            low = self.candidate_low[server]
            span = self.candidate_span[server]
            if self.own_candidacy:
                purpose = FOR_CANDIDACY
            ordinal = self.candidacy_draws[server] - 1
        if self.once:
            ordinal = 0
        key = purpose * PURPOSE + server
        wait = low
        if self.draws_own:
            wait = self.draw_own(server, low, low + span, self.rng.draw(key, ordinal) * UNIT)
        elif self.each_tick and span > 0:
            left = 1.0
            u = self.rng.draw(key, ordinal) * UNIT
            while u < left:
                wait += 1
                left *= 1.0 - (wait - low) * 1.0 / span
        else:
            wait += self.rng.below(key, ordinal, span)
        if self.stretched and self.drawn_for[server] == FOR_CANDIDACY:
            longer = whole(wait * self.scale[server]) + self.extra[server]
            longest = wait if wait > self.longest else self.longest
            wait = longer if longer < longest else longest
        return wait + self.rank_wait * self.rank[server]

    def draw_own(self, server: int, low: int, high: int, u: float) -> int:
        """A timeout by a strategy from outside, at least a nanosecond."""
        campaigns = 1 if self.drawn_for[server] == FOR_CANDIDACY else 0
        lost = self.lost[server] - 1 if self.lost[server] > 0 else 0
        wait = self.own(server, campaigns, lost, self.since[server], low, high, u)
        if wait < 1:
            return 1
        return wait if wait < FAR_NS else FAR_NS

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

    def wait(self, server: int, wait_ns: int, now: int) -> None:
        """Let the timer of `server` expire so much later, whatever its timeout."""
        self.put_off[server] = 0
        self.set_due(server, self.clock.noticed(server, now + wait_ns, now))

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
