"""What is measured in one trial: campaigns, terms, offices held."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import CAMPAIGN, HANDED, PRE_CAMPAIGN, rarely


class Census:
    """The counts of a trial. `first_term` is the first in which anyone can campaign who has not
    forgotten the one of a leader before the trial."""

    def __init__(self, nodes: int, terms: int) -> None:
        self.nodes = nodes
        self.terms = terms
        self.overflowed = 0
        self.first_term = 1
        self.highest = 0
        self.campaigned = array("b", bytes(terms))
        self.campaigns = 0
        self.pre_campaigns = 0
        self.needless = 0
        self.first_term_candidates = 0
        self.distinct_terms = 0
        self.led_terms = 0
        self.detect_ns = -1
        self.offices = 0
        self.in_office = 0
        self.vacant_since_ns = 0
        self.unavailable_ns = 0
        self.forgetful = 0
        self.stood = array("b", bytes(nodes))

    def expect_forgetting(self) -> None:
        """Servers may forget their terms: a trial begins in which none has stood in any."""
        self.forgetful = 1
        for i in range(self.nodes):
            self.stood[i] = 0

    def clear(self, first_term: int) -> None:
        """Begin a trial at t = 0, with nobody in office."""
        for term in range(self.highest + 1):
            self.campaigned[term] = 0
        self.highest = 0
        self.overflowed = 0
        self.first_term = first_term
        self.campaigns = 0
        self.pre_campaigns = 0
        self.needless = 0
        self.first_term_candidates = 0
        self.distinct_terms = 0
        self.led_terms = 0
        self.detect_ns = -1
        self.offices = 0
        self.in_office = 0
        self.vacant_since_ns = 0
        self.unavailable_ns = 0

    def note_campaign(self, server: int, reasons: int, term: int, now: int) -> None:
        """A server asked for votes in `term`, or for pre-votes."""
        if self.detect_ns < 0:
            self.detect_ns = now
        if reasons & PRE_CAMPAIGN:
            self.pre_campaigns += 1
        if self.in_office > 0 and not reasons & HANDED:
            self.needless += 1
        if not reasons & CAMPAIGN:
            return
        if term >= self.terms:
            self.overflowed = 1
            return
        self.campaigns += 1
        if rarely(self.forgetful):
            self.note_again(server, term)
        if term == self.first_term:
            self.first_term_candidates += 1
        if not self.campaigned[term]:
            self.campaigned[term] = 1
            self.distinct_terms += 1
            if term > self.highest:
                self.highest = term

    def note_again(self, server: int, term: int) -> None:
        """Who campaigned in the first term before is no other candidate in it now, and a term
        before it had its leader."""
        if term == self.first_term:
            self.first_term_candidates -= self.stood[server]
            self.stood[server] = 1
        elif term < self.first_term and not self.campaigned[term]:
            self.led_terms += 1

    def begin_led(self) -> None:
        """Somebody is in office from the start."""
        self.offices = 1
        self.in_office = 1

    def note_office(self, first_of_term: int, at: int) -> None:
        """A server took office."""
        self.led_terms += first_of_term
        self.offices += 1
        if self.in_office == 0:
            self.unavailable_ns += at - self.vacant_since_ns
        self.in_office += 1

    def note_resignation(self, at: int) -> None:
        """A server left office."""
        self.in_office -= 1
        if self.in_office == 0:
            self.vacant_since_ns = at

    def close(self, at: int) -> None:
        """The trial ends at `at`."""
        if self.in_office == 0:
            self.unavailable_ns += at - self.vacant_since_ns
