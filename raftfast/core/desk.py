"""What waits at a server: one first-in-first-out queue for messages and expired timers, and writes.

A server does one thing at a time. Processing takes a drawn time before the handler runs; a write
takes a drawn time after it, before anything is sent; meanwhile all else waits.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        FOR_PROCESS,
        FOR_WRITE,
        NOBODY,
        PURPOSE,
        SERVED,
        TIMEOUT,
        WROTE_CANDIDACY,
        WROTE_LEAD,
        WROTE_TERM,
        WROTE_VOTE,
    )
from .laws import Laws
from .queue import Queue


class Desk:
    """The desks of all servers.

    `process` and the writes are rows of `laws`, NOBODY for none: `write` is the one write a
    handler, or `candidate`, `term`, `vote` and `lead` are the writes of [node.persist]. More than
    `capacity` deliveries waiting set `overflowed`.
    """

    def __init__(
        self, laws: Laws, queue: Queue, nodes: int, rows: list[int], capacity: int, pauses: int
    ) -> None:
        self.laws = laws
        self.queue = queue
        self.nodes = nodes
        self.capacity = capacity
        self.process = rows[0]
        self.write = rows[1]
        self.candidate = rows[2]
        self.term = rows[3]
        self.vote = rows[4]
        self.lead = rows[5]
        self.writes = int(max(rows[1:6]) >= 0)
        self.busy = int(pauses or max(rows[0:6]) >= 0)
        self.overflowed = 0
        self.fresh = 0
        self.spare = NOBODY
        self.head = array("i", bytes(4 * nodes))
        self.tail = array("i", bytes(4 * nodes))
        self.serving = array("i", bytes(4 * nodes))
        self.free_at = array("q", bytes(8 * nodes))
        self.processed = array("q", bytes(8 * nodes))
        self.written = array("q", bytes(8 * nodes))
        self.paused = array("i", bytes(4 * nodes))
        slots = capacity if self.busy else 1
        self.what = array("q", bytes(8 * slots))
        self.terms = array("q", bytes(8 * slots))
        self.after = array("i", bytes(4 * slots))

    def clear(self) -> None:
        """Every server is free and nothing waits."""
        self.overflowed = 0
        self.fresh = 0
        self.spare = NOBODY
        for i in range(self.nodes):
            self.head[i] = NOBODY
            self.tail[i] = NOBODY
            self.serving[i] = 0
            self.free_at[i] = 0
            self.processed[i] = 0
            self.written[i] = 0
            self.paused[i] = 0

    def is_free(self, server: int, now: int) -> int:
        """Whether `server` could run a handler at once, at `now`."""
        return (
            self.process < 0
            and not self.paused[server]
            and not self.serving[server]
            and self.head[server] == NOBODY
            and self.free_at[server] <= now
        )

    def wait(self, server: int, what: int, term: int) -> None:
        """Put a delivery at the end of what waits at `server`."""
        slot = self.spare
        if slot != NOBODY:
            self.spare = self.after[slot]
        elif self.fresh < self.capacity:
            slot = self.fresh
            self.fresh = slot + 1
        else:
            self.overflowed = 1
            return
        self.what[slot] = what
        self.terms[slot] = term
        self.after[slot] = NOBODY
        if self.head[server] == NOBODY:
            self.head[server] = slot
        else:
            self.after[self.tail[server]] = slot
        self.tail[server] = slot

    def serve(self, server: int, now: int, armed: int) -> None:
        """Let an idle server begin with what waited longest; it comes back from the queue, SERVED.

        An expired timer that was restarted while it waited (its payload is not `armed`, the number
        of the timer's last start) is dropped.
        """
        while not self.serving[server] and not self.paused[server] and self.head[server] != NOBODY:
            slot = self.head[server]
            self.head[server] = self.after[slot]
            self.after[slot] = self.spare
            self.spare = slot
            what = self.what[slot]
            if what & 7 == TIMEOUT and what >> 24 != armed:
                continue
            self.serving[server] = 1
            at = now
            if self.free_at[server] > at:
                at = self.free_at[server]
            if self.process >= 0:
                ordinal = self.processed[server]
                self.processed[server] = ordinal + 1
                at += self.laws.sample(self.process, FOR_PROCESS * PURPOSE + server, ordinal)
            self.queue.push(at, what | SERVED, self.terms[slot])

    def forget(self, server: int) -> None:
        """A server crashed: nothing waits there any more, and it serves nothing."""
        while self.head[server] != NOBODY:
            slot = self.head[server]
            self.head[server] = self.after[slot]
            self.after[slot] = self.spare
            self.spare = slot
        self.serving[server] = 0
        self.free_at[server] = 0
        self.paused[server] = 0

    def rest(self, server: int) -> None:
        """The delivery in service is done."""
        self.serving[server] = 0

    def write_down(self, server: int, durable: int, now: int) -> int:
        """Write what a handler left, one thing after the other; the time when it is done."""
        at = now
        if self.write >= 0 and durable & (WROTE_CANDIDACY | WROTE_TERM | WROTE_VOTE):
            at += self.take_write(server, self.write)
        if self.candidate >= 0 and durable & WROTE_CANDIDACY:
            at += self.take_write(server, self.candidate)
        if self.term >= 0 and durable & WROTE_TERM:
            at += self.take_write(server, self.term)
        if self.vote >= 0 and durable & WROTE_VOTE:
            at += self.take_write(server, self.vote)
        self.free_at[server] = at
        return at

    def write_lead(self, server: int, durable: int, now: int) -> int:
        """What a new leader writes before its first append; the time when it is done."""
        at = now
        if self.lead >= 0 and durable & WROTE_LEAD:
            at += self.take_write(server, self.lead)
        self.free_at[server] = at
        return at

    def take_write(self, server: int, row: int) -> int:
        ordinal = self.written[server]
        self.written[server] = ordinal + 1
        return self.laws.sample(row, FOR_WRITE * PURPOSE + server, ordinal)
