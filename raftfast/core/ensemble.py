"""One ensemble: its events in order of time, the dispatch to handlers, and how a trial ends."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        APPEND_RESPONSE,
        CAMPAIGN,
        CANCELLED,
        CONTACT,
        DONE,
        DUE,
        FOLLOWER,
        FOR_CRASH,
        FOR_LEADER,
        FOR_LOG,
        JOURNAL_FULL,
        LEAD,
        LEADER,
        LIST_MAX,
        NEVER,
        NOBODY,
        OFFICE,
        PAYLOAD,
        PRE_CAMPAIGN,
        PURPOSE,
        QUEUE_FULL,
        RUNNING,
        SAW_CRASH,
        SAW_RECEIVED,
        SAW_ROLE,
        SAW_TERM,
        SAW_TIMEOUT,
        SAW_VOTE,
        SERVED,
        TERMS_FULL,
        TIMEOUT,
        UNANSWERED,
        rarely,
    )
from .census import Census
from .clock import Clock
from .desk import Desk
from .detector import Detector
from .events import Events
from .journal import Journal
from .laws import Laws
from .leases import Leases
from .network import Network
from .patience import Patience
from .queue import Queue
from .raft import Raft
from .rng import Rng
from .safety import Safety
from .stop import Stop
from .timeouts import Timeouts


class Ensemble:
    """The servers of one scenario, run trial after trial; nothing is shared with another.

    `block` is a `raftfast.parameters.Block`; the capacities are of deliveries in flight, of terms
    and of the journal's rows. A trial that would need more ends with QUEUE_FULL, TERMS_FULL or
    JOURNAL_FULL and has no result.
    """

    def __init__(self, block: object, queue: int, terms: int, journal: int) -> None:
        nodes = block.nodes
        self.nodes = nodes
        self.rng = Rng()
        self.queue = Queue(queue)
        self.laws = Laws(self.rng, block.laws, block.pool)
        self.journal = Journal(journal)
        self.clock = Clock(self.rng, nodes)
        self.clock.tick_by(block.tick_ns, block.tick_aligned)
        self.clock.drift_by(block.drift_ppm)
        self.clock.poll_by(block.poll_range[0], block.poll_range[1])
        self.timeouts = Timeouts(
            self.rng,
            self.clock,
            Detector(nodes, block.detector, block.heartbeat_ns),
            nodes,
            block.heartbeat_ns,
            block.timeout_ranges,
            block.up,
        )
        self.timeouts.take_class(block)
        self.tuning = self.timeouts.tuning
        self.tuning.hold(queue)
        self.tunes = self.tuning.on
        self.raft = Raft(nodes, block.quorum, block.pre_vote, 0)
        self.raft.take_rules(block)
        if self.tunes:
            self.raft.send_heartbeats_to(DUE)
        self.leases = Leases(self.clock, self.tuning, self.raft, nodes)
        self.leases.take_rules(block)
        self.leased = self.leases.on
        self.patience = Patience(self.rng, self.timeouts, self.raft, nodes)
        self.patience.take_rules(block)
        self.network = Network(
            self.rng,
            self.queue,
            self.laws,
            self.raft,
            self.journal,
            self.tuning,
            nodes,
            block.latency_law,
            block.chances,
            block.ordered,
        )
        if block.link_laws is not None:
            self.network.set_links(block.link_laws, block.link_losses, block.link_duplicates)
        self.network.again_if_refused = block.repoll_denied
        self.repoll_ns = block.repoll_ns
        self.rounds = array("q", bytes(8 * nodes))
        self.overlapped = block.overlapped
        self.persistent = int(self.repoll_ns > 0 or self.patience.on > 0)
        self.desk = Desk(self.laws, self.queue, nodes, block.desk_laws, queue, block.pauses)
        self.safety = Safety(nodes, terms)
        self.safety.take_rules(block.voting.voters, block.forgets)
        self.census = Census(nodes, terms)
        self.busy = self.desk.busy
        self.writes = self.desk.writes
        self.take_start(block)
        self.stop = Stop(
            self.network,
            nodes,
            block.stop_on,
            [block.stable_ns, block.duration_ns, block.limit_ns],
        )
        self.let_things_happen(block)
        self.columns = array("q", bytes(8))
        self.stride = 1
        self.events = 0
        self.served = NOBODY
        self.watched = 0
        self.cancelled = 0
        self.status = DONE
        self.now = 0
        self.crashed = NOBODY

    def take_numbers(self, block: object) -> None:
        """Take a block that differs from the one before in `parameters.NUMBERS` alone."""
        self.laws.hold(block.laws, block.pool)
        self.network.take_law(block.latency_law, block.chances)
        self.timeouts.take_ranges(block.timeout_ranges)
        self.stop.take_times([block.stable_ns, block.duration_ns, block.limit_ns])

    def take_start(self, block: object) -> None:
        """Take how a trial starts."""
        self.up = array("i", block.up)
        self.eligible = array("i", block.eligible)
        self.logs = array("q", block.logs)
        self.distinct_logs = block.distinct_logs
        self.ranked = block.ranked
        self.crash = block.crash
        self.steady = block.steady
        self.synchronised = block.synchronised
        for i in range(self.nodes):
            self.raft.set_log(i, self.logs[i])
        self.network.revive(self.up)

    def let_things_happen(self, block: object) -> None:
        """Set up the events of the scenario, if it has any, and what they make servers forget."""
        self.forgets = block.forgets
        if self.forgets:
            self.stop.expect_forgetting()
        self.events_from = Events(
            self.rng,
            self.laws,
            self.queue,
            self.journal,
            self.raft,
            self.leases,
            self.timeouts,
            self.network,
            self.desk,
            self.safety,
            self.census,
            self.stop,
            block,
        )
        self.eventful = int(self.events_from.rows > 0)
        if self.eventful:
            self.network.let_change(self.up)
        self.observed = 0
        if self.busy or self.repoll_ns > 0 or self.eventful or self.safety.selective or self.tunes:
            self.observed = 1

    def cancel(self) -> None:
        """Let `run` return after a few thousand more events at most. Any thread may call this."""
        self.cancelled = 1

    def run(self, seed: int, first: int, count: int, columns: array[int]) -> int:
        """Run trials first .. first + count - 1, and write trial i's value of column c to
        `columns[c * count + i]` (int64; times in ns, -1 where there is none).

        Returns how many were run: fewer than `count` where one could not be finished (`status`
        says why) or `cancel` was called.
        """
        done = 0
        self.columns = columns
        self.stride = count
        with cython.nogil:
            while done < count and self.elect(seed, first + done) == DONE:
                self.write(done)
                done += 1
        return done

    def elect(self, seed: int, trial: int) -> int:
        """Run one trial to its end and return its status, DONE if it has a result."""
        self.start(seed, trial)
        events = self.events
        while True:
            if self.queue.next_at <= self.timeouts.first_at:
                now = self.queue.next_at
                if rarely(now >= self.stop.until):
                    break
                self.now = now
                server = self.take_delivery()
            elif self.timeouts.first < 0:
                self.timeouts.find_first()
                continue
            else:
                now = self.timeouts.first_at
                server = self.timeouts.first
                if rarely(now >= self.stop.until):
                    break
                if self.timeouts.put_off[server]:
                    self.timeouts.deadline(server)
                    continue
                self.now = now
                server = self.take_timeout(server)
            if server >= 0:
                self.settle(server, now)
            if rarely(self.busy):
                self.desk.serve(self.served, self.now, self.timeouts.armed[self.served])
            events += 1
            if rarely(events & 4095 == 0):
                self.look_around()
        self.stop.run_out()
        self.census.close(self.stop.at_ns)
        if self.writes:
            self.network.recall(self.stop.at_ns)
        # What overflowed a moment ago must not pass for a result.
        self.look_around()
        if self.status == RUNNING:
            self.status = DONE
            self.events = events
        return self.status

    def look_around(self) -> None:
        """Now and then: give up a trial that was cancelled or that outgrew a capacity."""
        if self.cancelled:
            self.status = CANCELLED
        elif self.queue.overflowed or self.desk.overflowed or self.tuning.overflowed:
            self.status = QUEUE_FULL
        elif self.census.overflowed or self.safety.overflowed:
            self.status = TERMS_FULL
        elif self.journal.overflowed:
            self.status = JOURNAL_FULL
        if self.status != RUNNING:
            self.stop.cut()

    # How a trial starts.

    def start(self, seed: int, trial: int) -> None:
        self.rng.open_trial(seed, trial)
        self.queue.clear()
        self.journal.clear()
        self.network.clear()
        self.safety.clear()
        if self.busy:
            self.desk.clear()
            self.network.clear_departures()
        self.stop.clear()
        self.watched = 0
        if self.observed or self.journal.on:
            self.watched = 1
            if self.tunes:
                self.tuning.clear()
        self.status = RUNNING
        if self.distinct_logs:
            self.permute_logs()
        if self.patience.on:
            self.patience.clear()
        self.crashed = NOBODY
        if self.crash or self.steady:
            self.census.clear(2)
            self.start_led()
        else:
            self.census.clear(1)
            self.start_cold()
        if self.observed:
            self.start_observed()

    def start_observed(self) -> None:
        """What else begins with a trial that has more to it than messages and timers."""
        if self.safety.selective:
            self.safety.open_votes()
        if self.forgets:
            self.census.expect_forgetting()
        if self.eventful:
            self.events_from.start(self.crashed)

    def start_cold(self) -> None:
        """All servers are followers in term 0 with fresh timers at t = 0."""
        self.raft.enter_all()
        self.safety.enter_all()
        if self.ranked:
            self.rank_logs(NOBODY)
        self.timeouts.start_all()
        if self.leased:
            for i in range(self.nodes):
                self.leases.hold(i, 0)

    def start_led(self) -> None:
        """A leader is in office in term 1, and at t = 0 crashes or (`steady`) does not, some part
        of a heartbeat after its last broadcast.

        Each follower's timer starts when that broadcast reaches it, be it after t = 0. Under
        Dynatune it was tuned by a list of heartbeats, of which the last to each was its own.
        """
        leader = self.draw_leader()
        if self.ranked:
            self.rank_logs(NOBODY if self.steady else leader)
        broadcast = -self.rng.below(FOR_CRASH * PURPOSE, 0, self.timeouts.heartbeat_ns)
        if self.tunes:
            broadcast = self.recall_past(leader)
        self.timeouts.clear(broadcast)
        for i in range(self.nodes):
            contact = broadcast
            if self.tunes and i != leader:
                contact = self.tuning.sent_at[leader * self.nodes + i]
            if not self.synchronised and i != leader:
                contact += self.network.broadcast_delay(leader, i)
            self.enter(i, 1, leader, leader, contact)
            self.network.set_alive(i, self.up[i])
            if self.leased:
                self.leases.hold(i, contact)
            if self.up[i] and i != leader:
                self.timeouts.start(i, contact, 0)
            else:
                self.timeouts.sit_out(i)
        if self.steady:
            self.begin_led(leader, broadcast)
        else:
            self.crashed = leader
            self.network.set_alive(leader, 0)
            if self.journal.on:
                self.journal.note(0, SAW_CRASH, leader, NOBODY, 0, 1, 0, broadcast)

    def begin_led(self, leader: int, broadcast: int) -> None:
        """The leader stays: its next heartbeat leaves one after the last."""
        self.raft.enthrone(leader, 1, broadcast)
        self.safety.enter_leader(leader, 1)
        self.census.begin_led()
        self.stop.begin_led(leader, 1)
        self.timeouts.lead(leader, broadcast + self.timeouts.heartbeat_ns)

    def recall_past(self, leader: int) -> int:
        """Let `leader` have sent every follower a list of heartbeats, and these have tuned by them;
        when the last of all left.

        The last to a follower left some part of its interval before t = 0; synchronised, all did
        at once, some part of the shortest. Losses and latencies are drawn, copies are not.
        """
        self.tuning.stand(leader)
        self.tuning.forget(leader)
        shortest = NEVER
        for i in range(self.nodes):
            if i != leader:
                self.recall_list(leader, i)
                interval = self.tuning.interval_of(i)
                shortest = interval if interval < shortest else shortest
        latest = -NEVER
        for i in range(self.nodes):
            if i != leader:
                span = shortest if self.synchronised else self.tuning.interval_of(i)
                place = 0 if self.synchronised else i + 1
                sent_at = -self.rng.below(FOR_CRASH * PURPOSE + place, 0, span)
                self.tuning.resume(leader, i, sent_at)
                latest = sent_at if sent_at > latest else latest
        return latest if self.nodes > 1 else 0

    def recall_list(self, leader: int, server: int) -> None:
        """Let a follower have measured all that a list of heartbeats tells."""
        self.tuning.forget(server)
        if not self.up[server]:
            return
        for ago in range(LIST_MAX - 1, -1, -1):
            trip = self.network.past_trip(leader, server, ago, self.desk.process)
            if trip != UNANSWERED:
                self.tuning.learn(server, LIST_MAX - ago, trip)
        self.tuning.tune(server)

    def enter(self, server: int, term: int, voted_for: int, leader: int, contact: int) -> None:
        self.raft.enter(server, term, voted_for, leader, contact)
        self.safety.enter(server, term, voted_for)

    def draw_leader(self) -> int:
        """One of the running servers with the longest log, each as likely; never a witness or a
        learner."""
        longest = -1
        several = 0
        for i in range(self.nodes):
            if self.eligible[i] and self.logs[i] > longest:
                longest = self.logs[i]
                several = 0
            if self.eligible[i] and self.logs[i] == longest:
                several += 1
        left = self.rng.below(FOR_LEADER * PURPOSE, 0, several)
        for i in range(self.nodes):
            if self.eligible[i] and self.logs[i] == longest:
                if left == 0:
                    return i
                left -= 1
        return NOBODY

    def permute_logs(self) -> None:
        """Log lengths 0 .. nodes - 1 in a random order (Fisher and Yates)."""
        for i in range(self.nodes):
            self.logs[i] = i
        for i in range(self.nodes - 1, 0, -1):
            j = self.rng.below(FOR_LOG * PURPOSE, i, i + 1)
            length = self.logs[i]
            self.logs[i] = self.logs[j]
            self.logs[j] = length
        for i in range(self.nodes):
            self.raft.set_log(i, self.logs[i])

    def rank_logs(self, crashed: int) -> None:
        """Tell each timer how many running servers have a longer log and could lead (Redis,
        `clusterGetSlaveRank`, which passes by replicas that cannot fail over)."""
        for i in range(self.nodes):
            rank = 0
            for j in range(self.nodes):
                if self.eligible[j] and j != crashed and self.logs[j] > self.logs[i]:
                    rank += 1
            self.timeouts.set_rank(i, rank)

    # What happens.

    def take_delivery(self) -> int:
        """Dispatch the next delivery to the state machine; NOBODY where its server is busy."""
        what = self.queue.pop()
        term = self.queue.term
        server = (what >> 14) & 1023
        if rarely(self.watched) and not self.is_ready(server, what, term):
            return NOBODY
        if rarely(what & 7 == TIMEOUT):
            self.expire(server)
        else:
            self.raft.take(what, term, self.now)
        return server

    def is_ready(self, server: int, what: int, term: int) -> int:
        """Whether a delivery's server can handle it now; otherwise it waits at its desk."""
        self.served = server
        if what & 7 == OFFICE:
            self.take_alarm(server, what, term)
            return 0
        if self.eventful and not self.network.alive[server]:
            self.network.lose(what, term, self.now)
            return 0
        if self.busy:
            if what & SERVED:
                self.desk.rest(server)
            elif not self.desk.is_free(server, self.now):
                self.desk.wait(server, what, term)
                return 0
        if self.journal.on and what & 7 != TIMEOUT:
            self.journal.note_message(self.now, SAW_RECEIVED, what, term, 0)
        if self.tunes:
            self.read_letter(server, what, term)
        return 1

    def read_letter(self, server: int, what: int, term: int) -> None:
        """Take up what a message says of the network; a leader goes by the answers of its term."""
        self.tuning.open(what)
        if (
            what & 7 == APPEND_RESPONSE
            and term == self.raft.term[server]
            and self.raft.role[server] == LEADER
        ):
            self.timeouts.hear_answer(server, (what >> 4) & 1023, self.now)

    def take_alarm(self, server: int, what: int, term: int) -> None:
        """What was put off has come: an office, an event, or the time to ask again."""
        word = what >> 24
        if word == 0:
            self.take_office(server, term, self.now)
        elif word & 1 == 0:
            server = self.events_from.fire(word, server, self.now)
            self.served = server if server >= 0 else self.served
        elif self.rounds[server] == word >> 1 and self.raft.is_campaigning(server):
            self.raft.repoll(server, self.now)
            self.settle(server, self.now)
            self.queue.push(self.now + self.repoll_ns, what, 0)

    def take_timeout(self, server: int) -> int:
        """Let a server know that its timer expired; NOBODY where it is busy, else the server."""
        if self.busy:
            self.served = server
            if not self.desk.is_free(server, self.now):
                self.timeouts.stop(server)
                what = TIMEOUT + server * 16384 + self.timeouts.armed[server] * PAYLOAD
                self.desk.wait(server, what, 0)
                return NOBODY
        self.expire(server)
        return server

    def is_overdue(self, server: int) -> int:
        """Whether the expiry of a free-running timer means anything: a follower's may not."""
        if self.raft.role[server] != FOLLOWER:
            return 1
        return self.timeouts.is_overdue(server, self.now)

    def expire(self, server: int) -> None:
        """Let a server act on its expired timer; a free-running one may mean nothing."""
        if rarely(self.timeouts.polled) and not self.is_overdue(server):
            self.raft.begin(self.now)
            return
        if rarely(self.patience.on) and not self.patience.acts(server, self.now):
            self.raft.begin(self.now)
            return
        if rarely(self.journal.on):
            self.journal.note(
                self.now, SAW_TIMEOUT, server, NOBODY, 0, self.raft.term[server], 0, 0
            )
        self.raft.on_timeout(server, self.now)

    # What a handler left behind.

    def settle(self, server: int, now: int) -> None:
        """Check what changed, write it, touch the timer, and send the outbox."""
        at = now
        if rarely(self.watched):
            at = self.write_down(server, now)
        term = self.raft.term[server]
        voted_for = self.raft.voted_for[server]
        if term != self.safety.term[server] or voted_for != self.safety.voted_for[server]:
            self.safety.check_change(server, term, voted_for)
        reasons = self.raft.reasons
        if reasons:
            if rarely(reasons & (CAMPAIGN | PRE_CAMPAIGN)):
                self.census.note_campaign(server, reasons, term, now)
            if rarely(self.raft.role[server] != self.safety.role[server]):
                self.change_role(server, at)
                if self.stop.over:
                    return
            if reasons & LEAD and rarely(self.writes):
                at = self.desk.write_lead(server, self.raft.durable, at)
            self.timeouts.apply(server, reasons, at if reasons & LEAD else now)
            if rarely(self.persistent):
                self.come_back(server, reasons, at)
        if self.raft.out:
            if rarely(at > now):
                self.send_late(server, reasons, now, at)
            else:
                self.network.carry(at)
        if rarely(reasons & CONTACT):
            self.note_contact(server, term)

    def send_late(self, server: int, reasons: int, now: int, at: int) -> None:
        """Send what waits for a write, when that is done; a request for votes may not wait."""
        if self.overlapped and reasons & CAMPAIGN and not reasons & LEAD:
            # braft, node.cpp: the own vote is written while the others are asked.
            self.network.carry(now)
        else:
            self.network.carry_later(server, at)

    def write_down(self, server: int, now: int) -> int:
        """Note a new term or vote in the journal, and write down what must be durable; when that
        is done."""
        if self.journal.on:
            term = self.raft.term[server]
            voted_for = self.raft.voted_for[server]
            if term != self.safety.term[server]:
                self.journal.note(now, SAW_TERM, server, NOBODY, 0, term, 0, 0)
            elif voted_for == self.safety.voted_for[server]:
                voted_for = NOBODY
            if voted_for != NOBODY:
                self.journal.note(now, SAW_VOTE, server, voted_for, 0, term, 0, 0)
        if self.safety.selective:
            self.check_vote(server)
        if self.writes and self.raft.durable:
            return self.desk.write_down(server, self.raft.durable, now)
        return now

    def check_vote(self, server: int) -> None:
        """Where votes are kept: keep a new one."""
        term = self.raft.term[server]
        voted_for = self.raft.voted_for[server]
        if term != self.safety.term[server] or voted_for != self.safety.voted_for[server]:
            self.safety.check_vote(server, term, voted_for)

    def come_back(self, server: int, reasons: int, at: int) -> None:
        """See to how a candidate goes on: when it asks again, and how long it waits."""
        if self.patience.on:
            self.patience.note(server, reasons, self.now)
        if self.repoll_ns > 0 and reasons & (CAMPAIGN | PRE_CAMPAIGN):
            self.rounds[server] += 1
            what = OFFICE + server * 16384 + (2 * self.rounds[server] + 1) * PAYLOAD
            self.queue.push(at + self.repoll_ns, what, 0)

    def note_contact(self, server: int, term: int) -> None:
        """A server follows the leader of `term`: for the stop rule, and for its lease."""
        if self.leased:
            self.leases.hold(server, self.now)
        self.stop.note_follower(server, self.raft.leader[server], term, self.now)

    def change_role(self, server: int, at: int) -> None:
        """A server entered or left a role; office is taken `at`, when its own vote is written."""
        before = self.safety.role[server]
        role = self.raft.role[server]
        self.safety.role[server] = role
        if self.journal.on:
            self.journal.note(
                self.now, SAW_ROLE, server, before, role, self.raft.term[server], 0, at
            )
        if before == LEADER:
            self.census.note_resignation(self.now)
            self.stop.note_resignation(server)
        if role == LEADER:
            if at > self.now:
                self.queue.push(at, OFFICE + server * 16384, self.raft.term[server])
            else:
                self.take_office(server, self.raft.term[server], at)

    def take_office(self, server: int, term: int, at: int) -> None:
        first_of_term = self.safety.check_leader(server, term, self.raft.tally[server])
        self.census.note_office(first_of_term, at)
        self.stop.note_office(server, term, at)

    def write(self, trial: int) -> None:
        """Write what the trial that just ended measured, in the order of `raftfast/columns.py`."""
        changes = self.census.offices - 1 + self.crash
        self.put(0, trial, self.stop.election_ns)
        self.put(1, trial, self.census.detect_ns)
        self.put(2, trial, self.stop.followed_ns)
        self.put(3, trial, self.census.campaigns)
        self.put(4, trial, self.census.pre_campaigns)
        self.put(5, trial, self.census.distinct_terms)
        self.put(6, trial, self.census.distinct_terms - self.census.led_terms)
        self.put(7, trial, self.census.first_term_candidates)
        self.put(8, trial, self.network.sent)
        self.put(9, trial, self.network.lost)
        self.put(10, trial, self.stop.winner)
        self.put(11, trial, changes if changes > 0 else 0)
        self.put(12, trial, self.census.unavailable_ns)
        self.put(13, trial, self.stop.censored)
        self.put(14, trial, self.safety.violations)
        self.put(15, trial, not self.safety.is_led(self.census.first_term))
        self.put(16, trial, self.census.needless)

    def put(self, column: int, trial: int, value: int) -> None:
        self.columns[column * self.stride + trial] = value
