"""Deliveries in flight, by (time, sequence): a short window while they are few, else a heap."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import NEVER, OFFICE, SERVED, TERM_LIMIT, WINDOW, rarely


class Queue:
    """At most `capacity` deliveries; the next one is due at `next_at` (NEVER: there is none).

    A delivery is three numbers: when, what (kind + sender * 16 + to * 16384 + payload * 2**24) and
    a tag (sequence * TERM_LIMIT + term). While they are few they stand unsorted in the window,
    where the next is found by a scan without a branch on their times: a mispredicted branch costs
    more than the scan. From WINDOW on all are in the heap until it is empty. A push beyond the
    capacity is not done and sets `overflowed`.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.next_at = NEVER
        self.term = 0
        self.near = 0
        self.first = 0
        self.size = 0
        self.sequence = 0
        self.overflowed = 0
        self.window_at = [0] * 16
        self.window_what = [0] * 16
        self.window_tag = [0] * 16
        self.heap_at = array("q", bytes(8 * capacity))
        self.heap_what = array("q", bytes(8 * capacity))
        self.heap_tag = array("q", bytes(8 * capacity))

    def clear(self) -> None:
        """Forget everything, in constant time."""
        self.next_at = NEVER
        self.near = 0
        self.size = 0
        self.sequence = 0
        self.overflowed = 0

    def push(self, at: int, what: int, term: int) -> None:
        """Add a delivery at the time `at` (ns), behind all that were pushed for that time."""
        tag = self.sequence + term
        self.sequence += TERM_LIMIT
        i = self.near
        if rarely(self.size > 0 or i == WINDOW):
            self.push_far(at, what, tag)
            return
        self.window_at[i] = at
        self.window_what[i] = what
        self.window_tag[i] = tag
        self.near = i + 1
        first = self.first
        soonest = self.next_at
        self.first = i if at < soonest else first
        self.next_at = at if at < soonest else soonest

    def pop(self) -> int:
        """Take the next delivery out and return what it is; `term` is its own until the next."""
        if rarely(self.size > 0):
            return self.pop_far()
        i = self.first
        last = self.near - 1
        self.near = last
        what = self.window_what[i]
        self.term = self.window_tag[i] & (TERM_LIMIT - 1)
        self.window_at[i] = self.window_at[last]
        self.window_what[i] = self.window_what[last]
        self.window_tag[i] = self.window_tag[last]
        first = 0
        soonest = NEVER
        for i in range(last):
            at = self.window_at[i]
            if rarely(at == soonest) and self.window_tag[i] < self.window_tag[first]:
                first = i
            first = i if at < soonest else first
            soonest = at if at < soonest else soonest
        self.first = first
        self.next_at = soonest
        return what

    def withdraw(self, server: int) -> None:
        """Take out what a server has in service, and the office it was to take."""
        kept = 0
        for i in range(self.near):
            if not self.is_own(self.window_what[i], server):
                self.window_at[kept] = self.window_at[i]
                self.window_what[kept] = self.window_what[i]
                self.window_tag[kept] = self.window_tag[i]
                kept += 1
        self.near = kept
        size = self.size
        self.size = 0
        for i in range(size):
            if not self.is_own(self.heap_what[i], server):
                self.push_heap(self.heap_at[i], self.heap_what[i], self.heap_tag[i])
        if self.size > 0:
            self.next_at = self.heap_at[0]
            return
        self.next_at = NEVER
        for i in range(self.near):
            if self.window_at[i] < self.next_at or (
                self.window_at[i] == self.next_at
                and self.window_tag[i] < self.window_tag[self.first]
            ):
                self.first = i
                self.next_at = self.window_at[i]

    def is_own(self, what: int, server: int) -> int:
        """Whether a delivery is of a server to itself: what it serves, or an office to take."""
        if (what >> 14) & 1023 != server:
            return 0
        return what & SERVED != 0 or (what & 7 == OFFICE and what >> 24 == 0)

    def awaits_office(self, server: int) -> int:
        """Whether a server that leads has yet to take office, when its write is done."""
        office = OFFICE + server * 16384
        for i in range(self.near):
            if self.window_what[i] == office:
                return 1
        for i in range(self.size):
            if self.heap_what[i] == office:
                return 1
        return 0

    def push_far(self, at: int, what: int, tag: int) -> None:
        """Add to the heap, and before that all that stands in the window."""
        for i in range(self.near):
            self.push_heap(self.window_at[i], self.window_what[i], self.window_tag[i])
        self.near = 0
        self.push_heap(at, what, tag)
        self.next_at = self.heap_at[0]

    def pop_far(self) -> int:
        """Take the next delivery from the heap."""
        what = self.heap_what[0]
        self.term = self.heap_tag[0] & (TERM_LIMIT - 1)
        self.pop_heap()
        self.next_at = self.heap_at[0] if self.size > 0 else NEVER
        return what

    def push_heap(self, at: int, what: int, tag: int) -> None:
        i = self.size
        if i == self.capacity:
            self.overflowed = 1
            return
        self.size = i + 1
        while i > 0:
            p = (i - 1) >> 1
            if self.heap_at[p] < at or (self.heap_at[p] == at and self.heap_tag[p] < tag):
                break
            self.heap_at[i] = self.heap_at[p]
            self.heap_what[i] = self.heap_what[p]
            self.heap_tag[i] = self.heap_tag[p]
            i = p
        self.heap_at[i] = at
        self.heap_what[i] = what
        self.heap_tag[i] = tag

    def pop_heap(self) -> None:
        last = self.size - 1
        self.size = last
        at = self.heap_at[last]
        tag = self.heap_tag[last]
        i = 0
        c = 1
        while c < last:
            best = self.heap_at[c]
            if c + 1 < last and (
                self.heap_at[c + 1] < best
                or (self.heap_at[c + 1] == best and self.heap_tag[c + 1] < self.heap_tag[c])
            ):
                c += 1
                best = self.heap_at[c]
            if best > at or (best == at and self.heap_tag[c] > tag):
                break
            self.heap_at[i] = best
            self.heap_what[i] = self.heap_what[c]
            self.heap_tag[i] = self.heap_tag[c]
            i = c
            c = 2 * i + 1
        self.heap_at[i] = at
        self.heap_what[i] = self.heap_what[last]
        self.heap_tag[i] = tag
