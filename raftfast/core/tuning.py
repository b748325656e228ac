"""Dynatune: timeouts and heartbeat intervals follow the network, as heartbeats measure it.

Shiozaki and Nakamura 2025, "Dynatune: Dynamic Tuning of Raft Election Parameters Using Network
Measurement" (arXiv 2507.15154). A leader numbers its heartbeats to a follower, measures from the
answers how long a round trip takes, and tells with the next heartbeat. The follower lists round
trips, and numbers, whose gaps are losses, and sets

    timeout  = mean round trip + 2 standard deviations
    interval = timeout / K, K = ceil(log_p(0.001)) for the share p that was lost,

so that with a chance of .999 one of K heartbeats comes in time. The interval goes to the leader
with its answer. From the authors' code (distsys-lab/dynatune, a fork of etcd; its README): the 2,
the .999, at most 1000 in a list, no tuning before both have 10, and until then what is configured.
From a summary of the paper: each follower has an interval of its own, and an election voids what
was measured.

The paper's own text was out of reach, so these are choices. Void is what a follower measured as
soon as its timer fires, whatever comes of it, and when it adopts a term. As in etcd, the timeout is
drawn from [timeout, 2 timeout), at every contact anew. Where nothing was lost, K is 1, the limit of
the formula. The deviation is that of the list, divided by its length. A number counts once and in
its order, however late or often it comes; a round trip is told once, with the first heartbeat after
it. A leader sends to each follower by that follower's interval, which counts from the last
heartbeat, at once where that is over; to those who ask for none, by the configured one. No interval
is below 1 ms, and a timeout is never below K of them: without latency there would be no end of
heartbeats. Time is measured by an exact clock. Candidates draw as configured. The tuned timeout is
the minimum timeout of leases, too, and twice that the maximum. A trial that begins with a leader
begins with followers which have measured as many of its heartbeats as a list holds, by the
network's laws.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from math import log, sqrt

    from .words import (
        APPEND_REQUEST,
        APPEND_RESPONSE,
        BEAT_MIN_NS,
        BY_TRANSFER,
        CAMPAIGN,
        CONTACT,
        DEAF_ONCE_IN,
        DEPOSED,
        FAR_NS,
        LIST_MAX,
        LIST_MIN,
        NEVER,
        PAYLOAD,
        PRE_CAMPAIGN,
        SPREADS,
        STEP_DOWN,
        TERM,
        whole,
    )


class Tuning:
    """What followers measure, what leaders know of followers, and what their messages say.

    `timeout[i]` and `interval[i]` are what follower i has tuned, in ns, 0 while it has not. A
    message has no room for all it says, so it carries the number of a letter, which is kept here;
    of these there are `capacity`, used in turn. One that is read after it was used again sets
    `overflowed`.
    """

    def __init__(self, nodes: int, on: int, heartbeat_ns: int) -> None:
        self.nodes = nodes
        self.on = on
        self.heartbeat_ns = heartbeat_ns
        self.overflowed = 0
        # Of each follower: its two lists, the round trips as differences from the first.
        slots = nodes * LIST_MAX if on else 1
        self.trips = array("q", bytes(8 * slots))
        self.numbers = array("q", bytes(8 * slots))
        self.measured = array("q", bytes(8 * nodes))
        self.first_trip = array("q", bytes(8 * nodes))
        self.total = array("q", bytes(8 * nodes))
        self.squares = array("d", bytes(8 * nodes))
        self.heard = array("q", bytes(8 * nodes))
        self.oldest = array("q", bytes(8 * nodes))
        self.timeout = array("q", bytes(8 * nodes))
        self.interval = array("q", bytes(8 * nodes))
        # Of each leader and follower, at leader * nodes + follower.
        pairs = nodes * nodes if on else 1
        self.number = array("q", bytes(8 * pairs))
        self.sent_at = array("q", bytes(8 * pairs))
        self.due = array("q", bytes(8 * pairs))
        self.going = array("i", bytes(4 * pairs))
        self.asked = array("q", bytes(8 * pairs))
        self.learnt = array("q", bytes(8 * pairs))
        self.tells = array("q", bytes(8 * pairs))
        # The letters, and the one in hand.
        self.letters = 0
        self.hand_at = 0
        self.hand_number = 0
        self.hand_value = 0
        self.hold(1)

    def hold(self, capacity: int) -> None:
        """Keep so many letters."""
        self.capacity = capacity
        slots = capacity if self.on else 1
        self.letter = array("q", bytes(8 * slots))
        self.letter_at = array("q", bytes(8 * slots))
        self.letter_number = array("q", bytes(8 * slots))
        self.letter_value = array("q", bytes(8 * slots))

    def clear(self) -> None:
        """Begin a trial: no letter is on its way."""
        self.letters = 0
        self.hand_number = 0
        self.overflowed = 0

    def note(self, server: int, reasons: int) -> None:
        """A handler of `server` gave these reasons, the letter that it went by in hand."""
        if reasons & (TERM | STEP_DOWN | DEPOSED | PRE_CAMPAIGN | CAMPAIGN):
            self.forget(server)
        if reasons & CAMPAIGN:
            self.stand(server)
        if reasons & CONTACT:
            self.hear(server)

    # The follower: what it measures, and what it makes of that.

    def forget(self, server: int) -> None:
        """All that `server` measured is void: it goes by what is configured."""
        self.measured[server] = 0
        self.total[server] = 0
        self.squares[server] = 0.0
        self.heard[server] = 0
        self.oldest[server] = 0
        self.timeout[server] = 0
        self.interval[server] = 0

    def hear(self, server: int) -> None:
        """A heartbeat came: its number, and the round trip it tells of, if it tells of one."""
        self.learn(server, self.hand_number, self.hand_value)
        self.tune(server)

    def learn(self, server: int, number: int, trip: int) -> None:
        """List the number of a heartbeat and, where that is not below 0, a round trip in ns."""
        if not self.take_number(server, number) or trip < 0:
            return
        if self.measured[server] == 0:
            # Differences from a round trip like the others keep the sums of squares exact.
            self.first_trip[server] = trip
        trip -= self.first_trip[server]
        place = server * LIST_MAX + self.measured[server] % LIST_MAX
        if self.measured[server] >= LIST_MAX:
            old = self.trips[place]
            self.total[server] -= old
            self.squares[server] -= old * 1.0 * old
        self.trips[place] = trip
        self.total[server] += trip
        self.squares[server] += trip * 1.0 * trip
        self.measured[server] += 1

    def take_number(self, server: int, number: int) -> int:
        """Put the number of a heartbeat in its place; 0 if it is there, or too old for the list."""
        base = server * LIST_MAX
        first = self.oldest[server]
        heard = self.heard[server]
        place = heard
        while place > 0 and self.numbers[base + (first + place - 1) % LIST_MAX] > number:
            place -= 1
        if place > 0 and self.numbers[base + (first + place - 1) % LIST_MAX] == number:
            return 0
        if heard == LIST_MAX:
            if place == 0:
                return 0
            first = (first + 1) % LIST_MAX
            self.oldest[server] = first
            heard -= 1
            place -= 1
        for i in range(heard, place, -1):
            self.numbers[base + (first + i) % LIST_MAX] = self.numbers[
                base + (first + i - 1) % LIST_MAX
            ]
        self.numbers[base + (first + place) % LIST_MAX] = number
        self.heard[server] = heard + 1
        return 1

    def tune(self, server: int) -> None:
        """Set timeout and interval, if enough was measured."""
        if self.measured[server] < LIST_MIN or self.heard[server] < LIST_MIN:
            return
        known = self.measured[server] if self.measured[server] < LIST_MAX else LIST_MAX
        mean = self.total[server] * 1.0 / known
        variance = self.squares[server] / known - mean * mean
        spread = sqrt(variance) if variance > 0.0 else 0.0
        wait = self.first_trip[server] + mean + SPREADS * spread
        timeout = whole(wait) if wait < FAR_NS else FAR_NS
        enough = self.enough(server)
        if timeout < enough * BEAT_MIN_NS:
            timeout = enough * BEAT_MIN_NS
        self.timeout[server] = timeout
        self.interval[server] = timeout // enough

    def enough(self, server: int) -> int:
        """K: so many heartbeats in a timeout that hardly ever all are lost."""
        base = server * LIST_MAX
        first = self.oldest[server]
        last = (first + self.heard[server] - 1) % LIST_MAX
        sent = self.numbers[base + last] - self.numbers[base + first] + 1
        lost = sent - self.heard[server]
        if lost == 0:
            return 1
        # Rounded up, but not for the last bit of a logarithm: three for one lost in ten.
        return whole(log(DEAF_ONCE_IN) / log(sent * 1.0 / lost) - 1e-9) + 1

    # The leader: when it sends to whom, and what it learns.

    def stand(self, server: int) -> None:
        """`server` campaigns: as a leader it will know of no follower, and send to all at once."""
        for i in range(self.nodes):
            pair = server * self.nodes + i
            self.number[pair] = 0
            self.sent_at[pair] = 0
            self.due[pair] = -NEVER
            self.going[pair] = 0
            self.asked[pair] = 0
            self.learnt[pair] = -1
            self.tells[pair] = -1

    def resume(self, server: int, follower: int, sent_at: int) -> None:
        """Let a leader have sent a follower, which knows them all, a list of heartbeats, the last
        of them at `sent_at`."""
        pair = server * self.nodes + follower
        self.number[pair] = LIST_MAX
        self.sent_at[pair] = sent_at
        self.asked[pair] = self.interval[follower]

    def interval_of(self, follower: int) -> int:
        """The interval that a follower asks for, or the configured one."""
        return self.interval[follower] if self.interval[follower] > 0 else self.heartbeat_ns

    def every(self, pair: int, pace: float) -> int:
        """The interval of a follower by its leader's clock, one of which takes `pace`."""
        asked = self.asked[pair] if self.asked[pair] > 0 else self.heartbeat_ns
        return whole(asked * pace)

    def send(self, server: int, pace: float, now: int) -> int:
        """A leader sends to those whose time has come; when the time of the next comes."""
        for i in range(self.nodes):
            pair = server * self.nodes + i
            self.going[pair] = 0
            if i != server and self.due[pair] <= now:
                self.going[pair] = 1
                self.number[pair] += 1
                self.sent_at[pair] = now
                self.due[pair] = now + self.every(pair, pace)
                self.tells[pair] = self.learnt[pair]
                self.learnt[pair] = -1
        return self.soonest(server)

    def soonest(self, server: int) -> int:
        """When a leader of somebody has to send next."""
        soonest = NEVER
        for i in range(self.nodes):
            if i != server and self.due[server * self.nodes + i] < soonest:
                soonest = self.due[server * self.nodes + i]
        return soonest

    def schedule(self, server: int, pace: float) -> int:
        """A leader in office since long ago goes on: when it has to send next."""
        for i in range(self.nodes):
            pair = server * self.nodes + i
            self.due[pair] = self.sent_at[pair] + self.every(pair, pace)
        return self.soonest(server)

    def take_answer(self, server: int, follower: int, pace: float, now: int) -> int:
        """A leader has an answer in hand; when it has to send next."""
        pair = server * self.nodes + follower
        self.learnt[pair] = now - self.hand_at
        self.asked[pair] = self.hand_value
        self.due[pair] = self.sent_at[pair] + self.every(pair, pace)
        return self.soonest(server)

    # What messages say.

    def seal(self, what: int, at: int) -> int:
        """Put into a message that leaves `at` what it is to say; `what` it is then."""
        sender = (what >> 4) & 1023
        kind = what & 7
        if kind == APPEND_REQUEST and what >> 24 == 0:
            pair = sender * self.nodes + ((what >> 14) & 1023)
            return what + self.write(at, self.number[pair], self.tells[pair])
        if kind == APPEND_RESPONSE:
            # When the heartbeat left that it answers, and what its sender asks for.
            return what + self.write(self.hand_at, 0, self.interval[sender])
        return what

    def write(self, at: int, number: int, value: int) -> int:
        """Write a letter; what a message that carries it has more."""
        self.letters += 1
        slot = self.letters % self.capacity
        self.letter[slot] = self.letters
        self.letter_at[slot] = at
        self.letter_number[slot] = number
        self.letter_value[slot] = value
        return 2 * self.letters * PAYLOAD

    def open(self, what: int) -> None:
        """Take in hand what a message says; the lowest bit of its payload is its own."""
        kind = what & 7
        letter = ((what >> 24) & (BY_TRANSFER - 1)) >> 1
        if (kind != APPEND_REQUEST and kind != APPEND_RESPONSE) or letter == 0:
            return
        slot = letter % self.capacity
        if self.letter[slot] != letter:
            self.overflowed = 1
            return
        self.hand_at = self.letter_at[slot]
        self.hand_number = self.letter_number[slot]
        self.hand_value = self.letter_value[slot]
