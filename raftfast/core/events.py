"""What happens to a cluster from outside: servers crash and pause, links are blocked and slowed."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        ANYONE,
        BLOCK,
        CRASH,
        FOLLOWER,
        FOR_EVENT,
        FOR_LASTING,
        FOR_VICTIM,
        HEAL,
        LEADER,
        NOBODY,
        OFFICE,
        PARTITION,
        PAUSE,
        PAYLOAD,
        PURPOSE,
        RESTART,
        RESUME,
        SAW_DOWN,
        SAW_PAUSE,
        SAW_RESTART,
        SAW_RESUME,
        SLOW,
        THE_LEADER,
        TRANSFER,
        UNBLOCK,
    )
from .census import Census
from .desk import Desk
from .journal import Journal
from .laws import Laws
from .leases import Leases
from .network import Network
from .queue import Queue
from .raft import Raft
from .rng import Rng
from .safety import Safety
from .stop import Stop
from .timeouts import Timeouts


class Events:
    """The rows of [[scenario.event]], and who runs.

    A row says what to do (`do`), when (`at_low`, `at_span`, or again and again by the law
    `every`), to whom (`who`: an id, THE_LEADER, or ANYONE, which is any server that runs, be it a
    witness or a learner) or to which link (`sender`, `to`; of a transfer, `to` is the heir), for
    how long (the law `lasting`, NOBODY: for good), and `by`: nanoseconds to add, or where the
    servers' groups begin in `groups`. Rows that stem from one entry share its luck (`entry`).
    An alarm's payload is twice the row's number and two, and for its reverse that of a row `rows`
    further on.
    """

    def __init__(
        self,
        rng: Rng,
        laws: Laws,
        queue: Queue,
        journal: Journal,
        raft: Raft,
        leases: Leases,
        timeouts: Timeouts,
        network: Network,
        desk: Desk,
        safety: Safety,
        census: Census,
        stop: Stop,
        block: object,
    ) -> None:
        self.rng = rng
        self.laws = laws
        self.queue = queue
        self.journal = journal
        self.raft = raft
        self.leases = leases
        self.timeouts = timeouts
        self.network = network
        self.desk = desk
        self.safety = safety
        self.census = census
        self.stop = stop
        self.nodes = block.nodes
        rows = block.events
        self.rows = len(rows)
        self.entry = array("i", [row[0] for row in rows])
        self.do = array("i", [row[1] for row in rows])
        self.at_low = array("q", [row[2] for row in rows])
        self.at_span = array("q", [row[3] for row in rows])
        self.every = array("i", [row[4] for row in rows])
        self.who = array("i", [row[5] for row in rows])
        self.sender = array("i", [row[6] for row in rows])
        self.to = array("i", [row[7] for row in rows])
        self.lasting = array("i", [row[8] for row in rows])
        self.by = array("q", [row[9] for row in rows])
        self.groups = array("i", block.groups or [0])
        self.fired = array("q", bytes(8 * self.rows))
        self.up = array("i", block.up)
        self.eligible = array("i", block.eligible)
        self.alive = array("i", block.up)
        self.forgets = block.forgets

    def start(self, crashed: int) -> None:
        """A trial begins: all that are up run, but for `crashed`, and every row awaits its time."""
        self.raft.forget_transfers()
        for i in range(self.nodes):
            self.alive[i] = self.up[i]
        if crashed != NOBODY:
            self.alive[crashed] = 0
            self.safety.note_office(crashed, 1)
        for row in range(self.rows):
            self.fired[row] = 0
            if self.every[row] != NOBODY:
                self.come_again(row, 0)
            else:
                key = FOR_EVENT * PURPOSE + self.entry[row]
                at = self.at_low[row] + self.rng.below(key, 0, self.at_span[row])
                self.queue.push(at, OFFICE + (2 * row + 2) * PAYLOAD, 0)

    def come_again(self, row: int, now: int) -> None:
        key = FOR_EVENT * PURPOSE + self.entry[row]
        wait = self.laws.sample(self.every[row], key, self.fired[row])
        self.queue.push(now + wait, OFFICE + (2 * row + 2) * PAYLOAD, 0)

    def fire(self, word: int, server: int, now: int) -> int:
        """An alarm with this payload and `server` came; who may now begin with what waited."""
        row = word // 2 - 1
        if row >= self.rows:
            row -= self.rows
            return self.act(row, self.reverse(self.do[row]), server, now)
        victim = self.victim(row)
        if victim != NOBODY or self.do[row] >= PARTITION:
            self.act(row, self.do[row], victim, now)
            if self.lasting[row] != NOBODY:
                key = FOR_LASTING * PURPOSE + self.entry[row]
                over = now + self.laws.sample(self.lasting[row], key, self.fired[row])
                what = OFFICE + (victim if victim >= 0 else 0) * 16384
                self.queue.push(over, what + (2 * (row + self.rows) + 2) * PAYLOAD, 0)
        self.fired[row] += 1
        if self.every[row] != NOBODY:
            self.come_again(row, now)
        return victim

    def victim(self, row: int) -> int:
        """Whom a row is about now: NOBODY where there is nobody."""
        who = self.who[row]
        if who >= 0 or self.do[row] >= PARTITION:
            return who if who >= 0 else NOBODY
        if who == THE_LEADER:
            return self.find_leader()
        running = 0
        for i in range(self.nodes):
            running += self.alive[i]
        key = FOR_VICTIM * PURPOSE + self.entry[row]
        left = self.rng.below(key, self.fired[row], running)
        for i in range(self.nodes):
            if self.alive[i]:
                if left == 0:
                    return i
                left -= 1
        return NOBODY

    def find_leader(self) -> int:
        """Who is in office in the highest term."""
        found = NOBODY
        for i in range(self.nodes):
            if not self.alive[i] or self.raft.role[i] != LEADER:
                continue
            if found == NOBODY or self.raft.term[i] > self.raft.term[found]:
                found = i
        return found

    def reverse(self, do: int) -> int:
        """What takes an event back."""
        if do == CRASH:
            return RESTART
        if do == PAUSE:
            return RESUME
        return -do

    def act(self, row: int, do: int, server: int, now: int) -> int:
        """Do it, or with a negative `do` take back what was done to links; the server."""
        if do == CRASH:
            self.crash(server, now)
        elif do == RESTART:
            self.restart(server, now)
        elif do == PAUSE:
            self.pause(server, 1, now)
        elif do == RESUME:
            self.pause(server, 0, now)
        elif do == TRANSFER:
            self.transfer(row, server, now)
        elif do == HEAL:
            self.network.open_all()
        elif do == UNBLOCK:
            self.network.open_link(self.sender[row], self.to[row])
        elif do == BLOCK or do == -BLOCK:
            self.network.block_link(self.sender[row], self.to[row], 1 if do > 0 else -1)
        elif do == SLOW or do == -SLOW:
            by = self.by[row] if do > 0 else -self.by[row]
            self.network.slow_link(self.sender[row], self.to[row], by)
        else:
            self.part(self.by[row], 1 if do > 0 else -1)
        return server

    def transfer(self, row: int, leader: int, now: int) -> None:
        """Let a leader hand its office over, if it has anybody to hand it to."""
        heir = self.to[row]
        if heir == ANYONE:
            heir = self.find_heir(row, leader)
        if heir in (NOBODY, leader) or self.desk.paused[leader]:
            return
        # A leader waits until its heir has all entries, and here it does not get any more.
        if self.raft.log[heir] >= self.raft.log[leader]:
            self.raft.hand_over(leader, heir, now)
            self.network.carry(now)

    def is_heir(self, server: int, leader: int) -> int:
        """Whether a server could lead now instead of `leader`."""
        if server == leader or not self.alive[server] or not self.eligible[server]:
            return 0
        return self.raft.log[server] >= self.raft.log[leader]

    def find_heir(self, row: int, leader: int) -> int:
        """One of those who could lead, each as likely."""
        heirs = 0
        for i in range(self.nodes):
            heirs += self.is_heir(i, leader)
        left = self.rng.below(FOR_VICTIM * PURPOSE + self.entry[row], self.fired[row], heirs)
        for i in range(self.nodes):
            if self.is_heir(i, leader):
                if left == 0:
                    return i
                left -= 1
        return NOBODY

    def part(self, start: int, by: int) -> None:
        """Block, or open, the links between servers of different groups."""
        for i in range(self.nodes):
            for j in range(self.nodes):
                if self.groups[start + i] != self.groups[start + j]:
                    self.network.block_link(i, j, by)

    def crash(self, server: int, now: int) -> None:
        """Stop a server: what it wrote (term, vote and log) is kept, all else is lost."""
        if not self.alive[server]:
            return
        if self.journal.on:
            self.journal.note(now, SAW_DOWN, server, NOBODY, 0, self.raft.term[server], 0, 0)
        self.alive[server] = 0
        self.network.set_alive(server, 0)
        if self.raft.role[server] == LEADER:
            self.leave_office(server, now)
        self.raft.halt(server)
        self.safety.role[server] = FOLLOWER
        self.timeouts.stop(server)
        self.queue.withdraw(server)
        if self.desk.busy:
            self.desk.forget(server)

    def leave_office(self, server: int, now: int) -> None:
        """A leader is gone. One that waits for its write has not taken office yet."""
        if not self.queue.awaits_office(server):
            self.census.note_resignation(now)
        self.stop.note_resignation(server)

    def restart(self, server: int, now: int) -> None:
        """Start a server that crashed, as a follower that knows no leader, and where term and vote
        are not written, in term 0 without a vote."""
        if self.alive[server] or not self.up[server]:
            return
        if self.forgets:
            self.raft.forget(server)
            self.safety.check_change(server, 0, NOBODY)
        if self.journal.on:
            self.journal.note(now, SAW_RESTART, server, NOBODY, 0, self.raft.term[server], 0, 0)
        self.alive[server] = 1
        self.network.set_alive(server, 1)
        term = self.raft.term[server]
        self.raft.enter(server, term, self.raft.voted_for[server], NOBODY, now)
        if self.leases.on:
            self.leases.hold(server, now)
        self.timeouts.boot(server, now)

    def pause(self, server: int, paused: int, now: int) -> None:
        """Let a server handle nothing until further notice, or go on."""
        if not self.alive[server] or self.desk.paused[server] == paused:
            return
        if self.journal.on:
            event = SAW_PAUSE if paused else SAW_RESUME
            self.journal.note(now, event, server, NOBODY, 0, self.raft.term[server], 0, 0)
        self.desk.paused[server] = paused
