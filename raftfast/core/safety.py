"""Raft's safety, checked from outside: what a server's columns may never do, whatever its code.

Nothing here trusts the state machine: votes are counted where they are cast, not where they are
received (Ongaro and Ousterhout 2014, figure 3, election safety), and those of servers that may
vote alone.

A server that starts again without its term and vote breaks two of the paper's promises: its term
goes back (figure 2: it only rises), and it may vote twice in one term. Both are reported as what
they are; so is a second leader of a term where that is what comes of it. Nothing is excused as a
setting, since the loss is what there is to see.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        FOLLOWER,
        LEADER,
        NO_MAJORITY,
        NO_TERM,
        NOBODY,
        TERM_WENT_BACK,
        TWO_LEADERS,
        VOTED_TWICE,
    )


class Safety:
    """The invariants, over every server's role, term and vote as they were last seen.

    `violations` counts, `broken` holds which (bits). Terms from `terms` on set `overflowed`.
    """

    def __init__(self, nodes: int, terms: int) -> None:
        self.nodes = nodes
        self.voters = nodes
        self.doubtful = nodes
        self.terms = terms
        self.selective = 0
        self.overflowed = 0
        self.violations = 0
        self.broken = 0
        self.highest = 0
        self.role = [0] * 1048
        self.term = [0] * 1048
        self.voted_for = [0] * 1048
        self.support = [0] * 1048
        self.support_term = [0] * 1048
        self.office = array("i", bytes(4 * terms))
        self.voter = array("i", [1] * nodes)
        self.latest_vote = 0
        self.cast = array("h", bytes(2))
        self.votes = array("h", bytes(2))

    def take_rules(self, voters: list[int], forgets: int) -> None:
        """Say whose votes count, 1 or 0 a server, and whether servers may forget how they voted.

        If not all count, or some may come twice, then who voted for whom is kept term by term.
        """
        self.voter = array("i", voters)
        self.voters = sum(voters)
        if forgets or self.voters < self.nodes:
            self.selective = 1
            # No majority is taken on trust: `support` counts whatever anybody votes.
            self.doubtful = 2 * self.nodes
            self.cast = array("h", bytes(2 * self.terms * self.nodes))
            self.votes = array("h", bytes(2 * self.terms * self.nodes))

    def clear(self) -> None:
        """Forget every term that was led."""
        self.overflowed = 0
        self.violations = 0
        self.broken = 0
        for term in range(self.highest + 1):
            self.office[term] = 0
        self.highest = 0

    def open_votes(self) -> None:
        """A trial begins: of all votes kept those are left that were cast before it."""
        for i in range((self.latest_vote + 1) * self.nodes):
            self.cast[i] = 0
            self.votes[i] = 0
        self.latest_vote = 0
        for server in range(self.nodes):
            self.keep_vote(server, self.term[server], self.voted_for[server])

    def enter(self, server: int, term: int, voted_for: int) -> None:
        """Take a server's first state for granted."""
        self.role[server] = FOLLOWER
        self.term[server] = term
        self.voted_for[server] = voted_for
        self.support_term[server] = NO_TERM

    def enter_all(self) -> None:
        """Take it for granted that nobody has voted in term 0."""
        for i in range(self.nodes):
            self.role[i] = FOLLOWER
            self.term[i] = 0
            self.voted_for[i] = NOBODY
            self.support_term[i] = NO_TERM

    def enter_leader(self, server: int, term: int) -> None:
        """Take it for granted that a server is in office in `term`."""
        self.enter(server, term, server)
        self.role[server] = LEADER
        self.note_office(server, term)

    def note_office(self, server: int, term: int) -> None:
        """Take it for granted that a server was in office in `term`."""
        if term < self.terms:
            self.office[term] = server + 1
            self.highest = term

    # Checks on a transition.

    def check_change(self, server: int, term: int, voted_for: int) -> None:
        """A server's term or vote changed: terms only rise, and one vote a term."""
        before = self.term[server]
        vote = self.voted_for[server]
        self.term[server] = term
        self.voted_for[server] = voted_for
        if term < before:
            self.report(TERM_WENT_BACK)
        elif term == before and vote != NOBODY:
            self.report(VOTED_TWICE)
        if voted_for != NOBODY:
            # A vote for an earlier candidacy may come late: it no longer matters.
            if self.support_term[voted_for] < term:
                self.support_term[voted_for] = term
                self.support[voted_for] = 0
            if self.support_term[voted_for] == term:
                self.support[voted_for] += 1

    def check_vote(self, server: int, term: int, voted_for: int) -> None:
        """Before `check_change`, where votes are kept: a vote may be a server's second in a term
        though the server does not know of the first."""
        knows = term == self.term[server] and self.voted_for[server] != NOBODY
        # What it knows `check_change` will report.
        if self.keep_vote(server, term, voted_for) and not knows:
            self.report(VOTED_TWICE)

    def keep_vote(self, server: int, term: int, voted_for: int) -> int:
        """Keep a vote; whether the server's last one in the term was another's.

        Whom it voted for last gets nothing by being granted the same vote again.
        """
        if voted_for == NOBODY:
            return 0
        if term >= self.terms:
            self.overflowed = 1
            return 0
        earlier = self.cast[term * self.nodes + server]
        if earlier == voted_for + 1:
            return 0
        self.cast[term * self.nodes + server] = voted_for + 1
        self.votes[term * self.nodes + voted_for] += self.voter[server]
        if term > self.latest_vote:
            self.latest_vote = term
        return earlier > 0

    # Checks on a state.

    def check_leader(self, server: int, term: int, tally: int) -> int:
        """A server took office, with `tally` votes by its own count. 1 if it is the term's first.

        It must be alone in its term, have counted a majority of those who vote, and a majority
        must have voted so.
        """
        if term >= self.terms:
            self.overflowed = 1
            return 0
        votes = self.support[server] if self.support_term[server] == term else 0
        if votes * 2 <= self.doubtful or tally * 2 <= self.doubtful:
            self.check_majority(server, term, votes, tally)
        if self.office[term]:
            if self.office[term] != server + 1:
                self.report(TWO_LEADERS)
            return 0
        self.office[term] = server + 1
        if term > self.highest:
            self.highest = term
        return 1

    def check_majority(self, server: int, term: int, votes: int, tally: int) -> None:
        """Report a leader for whom, or by whose own count, no majority voted."""
        if self.selective:
            votes = self.votes[term * self.nodes + server]
        if votes * 2 <= self.voters or tally * 2 <= self.voters:
            self.report(NO_MAJORITY)

    def is_led(self, term: int) -> int:
        """Whether anybody took office in this term."""
        return term < self.terms and self.office[term] != 0

    def report(self, invariant: int) -> None:
        self.violations += 1
        self.broken |= invariant
