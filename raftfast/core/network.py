"""What a link does to a message: latency, loss, duplication, order."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        APPEND_REQUEST,
        APPEND_RESPONSE,
        DUE,
        EVERYONE,
        FOR_BROADCAST,
        FOR_COPY,
        FOR_COPY_LATENCY,
        FOR_LATENCY,
        FOR_LOSS,
        FOR_PAST,
        NOBODY,
        OPS_END,
        OPS_MAX,
        PURPOSE,
        SAW_LOST,
        SAW_SENT,
        SERVED,
        SHORT_SPAN,
        UNANSWERED,
        UNIT,
        VOTERS,
        rarely,
    )
from .journal import Journal
from .laws import Laws
from .queue import Queue
from .raft import Raft
from .rng import Rng
from .tuning import Tuning


class Network:
    """Links between `nodes` servers; a link of a kind is kind + from * 16 + to * 16384.

    One law, loss and duplication for all links, or (after `set_links`) one a link. A message is
    lost with its link's probability; one that is not lost comes a second time with the
    probability of duplication, and the copy draws its own delay. With `ordered` none overtakes
    another on its link. `sent` counts messages, `lost` those that will not be received.
    """

    def __init__(
        self,
        rng: Rng,
        queue: Queue,
        laws: Laws,
        raft: Raft,
        journal: Journal,
        tuning: Tuning,
        nodes: int,
        law: int,
        chances: list[float],
        ordered: int,
    ) -> None:
        self.rng = rng
        self.queue = queue
        self.laws = laws
        self.raft = raft
        self.journal = journal
        self.tuning = tuning
        self.nodes = nodes
        self.ordered = ordered
        self.by_link = 0
        self.changing = 0
        self.again_if_refused = 0
        self.sent = 0
        self.lost = 0
        self.plain = 0
        self.take_law(law, chances)
        self.alive = [0] * 1048
        # Counts of earlier trials are below `ops_from` and need no clearing.
        self.ops = [0] * 16768
        self.ops_from = 0
        self.leaves_at = array("q", bytes(8 * nodes))
        self.leaving = array("q", bytes(8 * nodes))
        self.leaving_lost = array("q", bytes(8 * nodes))
        self.latest = array("q", bytes(8 * (nodes * nodes if ordered else 1)))
        self.exists = array("i", bytes(4 * nodes))
        self.blocked = array("i", bytes(4))
        self.added = array("q", bytes(8))
        self.link_law = array("i", bytes(4))
        self.link_loss = array("d", bytes(8))
        self.link_duplicate = array("d", bytes(8))

    def take_law(self, law: int, chances: list[float]) -> None:
        """Take the law of all links, and their chances of loss and duplication."""
        self.law = law
        self.loss = chances[0]
        self.duplicate = chances[1]
        self.risky = int(self.loss > 0.0 or self.duplicate > 0.0)
        # The commonest case, one uniform law and no risks, is worked out without a call.
        self.quick = int(self.laws.is_plain(law) and self.laws.span_of(law) < SHORT_SPAN)
        if self.tuning.on:
            self.quick = 0
        self.low = self.laws.low_of(law)
        self.span = self.laws.span_of(law)

    def set_links(self, law: array[int], loss: array[float], duplicate: array[float]) -> None:
        """Give each link its own law (row), loss and duplication: arrays over from * nodes + to."""
        self.by_link = 1
        self.quick = 0
        self.risky = 1
        self.link_law = law
        self.link_loss = loss
        self.link_duplicate = duplicate

    def let_change(self, up: array[int]) -> None:
        """Let servers (those that are `up`) crash and start again, and links be cut and slowed."""
        self.changing = 1
        self.exists = array("i", up)
        self.blocked = array("i", bytes(4 * self.nodes * self.nodes))
        self.added = array("q", bytes(8 * self.nodes * self.nodes))

    def clear(self) -> None:
        """Forget what was sent."""
        self.sent = 0
        self.lost = 0
        self.plain = 0
        if self.quick and not (self.risky or self.ordered or self.journal.on or self.changing):
            self.plain = 1
        if self.changing:
            self.open_all()
            self.revive(self.exists)
        self.ops_from += OPS_MAX
        if rarely(self.ops_from == OPS_END):
            self.ops_from = 0
            for i in range(16 * self.nodes):
                self.ops[i] = 0
        if self.ordered:
            for i in range(self.nodes * self.nodes):
                self.latest[i] = 0

    def clear_departures(self) -> None:
        """Nobody writes: nothing is on its way out."""
        for i in range(self.nodes):
            self.leaves_at[i] = -1

    def revive(self, up: array[int]) -> None:
        """Let the servers that are `up` run."""
        for i in range(self.nodes):
            self.alive[i] = up[i]

    def set_alive(self, server: int, alive: int) -> None:
        """Say whether `server` runs: what is sent to one that does not is lost."""
        self.alive[server] = alive

    def reaches(self, sender: int, to: int) -> int:
        """Whether a message from `sender` can arrive at `to` at all."""
        if not self.alive[to]:
            return 0
        if self.changing and self.blocked[sender * self.nodes + to] > 0:
            return 0
        if self.by_link:
            return self.link_loss[sender * self.nodes + to] < 1.0
        return self.loss < 1.0

    def carry(self, at: int) -> None:
        """Send what the state machine left in its outbox, at `at` (ns)."""
        what = self.raft.out_what
        to = self.raft.out_to
        # Draws are counted by kind and sender, the lowest bits of `what`.
        count = self.ops[what & 0x3FFF]
        count = self.ops_from if count < self.ops_from else count
        self.ops[what & 0x3FFF] = count + 1
        ordinal = count - self.ops_from
        if rarely(to < 0):
            if to == EVERYONE:
                self.broadcast(what, self.raft.out_term, at, ordinal)
            elif to == VOTERS:
                self.ask_voters(what, self.raft.out_term, at, ordinal)
            elif to == DUE:
                self.send_due(what, self.raft.out_term, at, ordinal)
            else:
                self.send_again(what, self.raft.out_term, at, ordinal)
        else:
            self.sent += 1
            self.send(to, what + to * 16384, self.raft.out_term, at, ordinal)

    def carry_later(self, sender: int, at: int) -> None:
        """Send what `sender` left in the outbox when it has written, at `at`; until then it has
        nothing else to send."""
        sent = self.sent
        lost = self.lost
        self.carry(at)
        self.leaves_at[sender] = at
        self.leaving[sender] = self.sent - sent
        self.leaving_lost[sender] = self.lost - lost

    def recall(self, at: int) -> None:
        """Take back what had not left by the end of the trial, at `at`."""
        for i in range(self.nodes):
            if self.leaves_at[i] >= at:
                self.sent -= self.leaving[i]
                self.lost -= self.leaving_lost[i]

    def broadcast(self, what: int, term: int, at: int, ordinal: int) -> None:
        """Send to everyone else, in the order of the ids."""
        sender = (what >> 4) & 1023
        self.sent += self.nodes - 1
        for i in range(self.nodes - 1):
            to = i + 1 if i >= sender else i
            self.send(to, what + to * 16384, term, at, ordinal)

    def ask_voters(self, what: int, term: int, at: int, ordinal: int) -> None:
        """Send to everyone else who votes, in the order of the ids."""
        sender = (what >> 4) & 1023
        for to in range(self.nodes):
            if to != sender and self.raft.voter[to]:
                self.sent += 1
                self.send(to, what + to * 16384, term, at, ordinal)

    def send_due(self, what: int, term: int, at: int, ordinal: int) -> None:
        """Send a heartbeat to those whose time has come."""
        sender = (what >> 4) & 1023
        for to in range(self.nodes):
            if self.tuning.going[sender * self.nodes + to]:
                self.sent += 1
                self.send(to, what + to * 16384, term, at, ordinal)

    def send_again(self, what: int, term: int, at: int, ordinal: int) -> None:
        """Ask the voters again that have not answered, or (`again_if_refused`) not granted."""
        sender = (what >> 4) & 1023
        for to in range(self.nodes):
            answer = self.raft.has_answered(sender, to)
            if to == sender or not self.raft.voter[to]:
                continue
            if answer == 0 or (answer == 2 and self.again_if_refused):
                self.sent += 1
                self.send(to, what + to * 16384, term, at, ordinal)

    def send(self, to: int, what: int, term: int, at: int, ordinal: int) -> None:
        """Decide what becomes of a message, and queue its delivery."""
        if rarely(not self.alive[to]) and not (self.changing and self.exists[to]):
            self.lose(what, term, at)
        elif rarely(not self.plain):
            self.send_at_risk(what, term, at, ordinal)
        else:
            # The lowest 24 bits of `what` are the kind and the link.
            key = FOR_LATENCY * PURPOSE + (what & 0xFFFFFF)
            arrival = at + self.low + self.rng.below_short(key, ordinal, self.span)
            self.queue.push(arrival, what, term)

    def send_at_risk(self, what: int, term: int, at: int, ordinal: int) -> None:
        """Send by a link that may lose, copy, hold up or write down what it carries."""
        link = what & 0xFFFFFF
        sender = (what >> 4) & 1023
        pair = sender * self.nodes + ((what >> 14) & 1023)
        loss = self.loss
        duplicate = self.duplicate
        law = self.law
        added = 0
        if self.changing:
            if self.blocked[pair] > 0:
                self.lose(what, term, at)
                return
            added = self.added[pair]
        if self.by_link:
            loss = self.link_loss[pair]
            duplicate = self.link_duplicate[pair]
            law = self.link_law[pair]
        if loss > 0.0 and self.rng.draw(FOR_LOSS * PURPOSE + link, ordinal) * UNIT < loss:
            self.lose(what, term, at)
            return
        if self.tuning.on:
            what = self.tuning.seal(what, at)
        delay = self.laws.sample(law, FOR_LATENCY * PURPOSE + link, ordinal)
        self.deliver(pair, at + added + delay, what, term, at)
        if duplicate > 0.0 and self.rng.draw(FOR_COPY * PURPOSE + link, ordinal) * UNIT < duplicate:
            delay = self.laws.sample(law, FOR_COPY_LATENCY * PURPOSE + link, ordinal)
            self.deliver(pair, at + added + delay, what, term, at)

    def deliver(self, pair: int, arrival: int, what: int, term: int, at: int) -> None:
        if self.ordered:
            if arrival < self.latest[pair]:
                arrival = self.latest[pair]
            self.latest[pair] = arrival
        if self.journal.on:
            self.journal.note_message(at, SAW_SENT, what, term, arrival)
        self.queue.push(arrival, what, term)

    # How links change.

    def open_all(self) -> None:
        """Unblock every link, and slow none."""
        for i in range(self.nodes * self.nodes):
            self.blocked[i] = 0
            self.added[i] = 0

    def open_link(self, sender: int, to: int) -> None:
        """Unblock a link, however often it was blocked."""
        self.blocked[sender * self.nodes + to] = 0

    def block_link(self, sender: int, to: int, by: int) -> None:
        """Block a link once more (1), or take a block back (-1): a link may be opened before."""
        pair = sender * self.nodes + to
        if self.blocked[pair] + by >= 0:
            self.blocked[pair] += by

    def slow_link(self, sender: int, to: int, by_ns: int) -> None:
        """Add to the delay of every message on a link, or take that back."""
        self.added[sender * self.nodes + to] += by_ns

    def lose(self, what: int, term: int, at: int) -> None:
        self.lost += 1
        if self.journal.on:
            self.journal.note_message(at, SAW_LOST, what, term, 0)

    def broadcast_delay(self, sender: int, to: int) -> int:
        """The latency of the crashed leader's last broadcast to `to`, in ns."""
        law = self.law
        if self.by_link:
            law = self.link_law[sender * self.nodes + to]
        key = FOR_BROADCAST * PURPOSE + APPEND_REQUEST + sender * 16 + to * 16384
        return self.laws.sample(law, key, 0)

    def past_trip(self, leader: int, to: int, ago: int, process: int) -> int:
        """How long it took until a heartbeat before the trial was answered, in ns; NOBODY where the
        answer was lost, UNANSWERED where the heartbeat was.

        The last one, 0 `ago`, never was. `process` is the law of what it takes to process, if any.
        """
        trip = 0
        for back in range(2):
            sender = to if back else leader
            receiver = leader if back else to
            pair = sender * self.nodes + receiver
            law = self.link_law[pair] if self.by_link else self.law
            loss = self.link_loss[pair] if self.by_link else self.loss
            link = (APPEND_RESPONSE if back else APPEND_REQUEST) + sender * 16 + receiver * 16384
            risky = loss > 0.0 and (back or ago > 0)
            if risky and self.rng.draw(FOR_PAST * PURPOSE + link, ago) * UNIT < loss:
                return NOBODY if back else UNANSWERED
            trip += self.laws.sample(law, FOR_BROADCAST * PURPOSE + link, ago)
            if process >= 0:
                trip += self.laws.sample(process, FOR_PAST * PURPOSE + SERVED + link, ago)
        return trip
