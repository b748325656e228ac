"""What happened in one trial, event by event, in int columns; rendered elsewhere, in Python."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import SAW_RECEIVED


class Journal:
    """Rows of (at_ns, event, server, peer, kind, term, word, arrival_ns), written while `on`."""

    def __init__(self, capacity: int) -> None:
        self.on = 0
        self.capacity = capacity
        self.size = 0
        self.overflowed = 0
        self.rows = array("q", bytes(64 * capacity))

    def clear(self) -> None:
        self.size = 0
        self.overflowed = 0

    def open(self) -> None:
        """Note everything from the next trial on."""
        self.on = 1

    def note(
        self,
        at: int,
        event: int,
        server: int,
        peer: int,
        kind: int,
        term: int,
        word: int,
        arrival: int,
    ) -> None:
        """Add a row; beyond the capacity nothing is noted and `overflowed` is set."""
        if self.size == self.capacity:
            self.overflowed = 1
            return
        i = 8 * self.size
        self.size += 1
        self.rows[i] = at
        self.rows[i + 1] = event
        self.rows[i + 2] = server
        self.rows[i + 3] = peer
        self.rows[i + 4] = kind
        self.rows[i + 5] = term
        self.rows[i + 6] = word
        self.rows[i + 7] = arrival

    def note_message(self, at: int, event: int, what: int, term: int, arrival: int) -> None:
        """Note a message as the queue packs it; the server is its sender, or who received it."""
        server = (what >> 4) & 1023
        peer = (what >> 14) & 1023
        if event == SAW_RECEIVED:
            self.note(at, event, peer, server, what & 7, term, what >> 24, arrival)
        else:
            self.note(at, event, server, peer, what & 7, term, what >> 24, arrival)
