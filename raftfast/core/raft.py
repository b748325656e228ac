"""The state machine of Raft's leader election, for every server of an ensemble, in columns.

It has no I/O, no clock and no randomness: handlers take `now`, leave what they send in an outbox,
what must be written first in `durable`, and why a timer may have to be touched in `reasons`. The
caller drains these after every handler. Raft: Ongaro and Ousterhout 2014, section 5.2 and 5.4.1;
pre-vote: Ongaro's dissertation, section 9.6.
"""

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
        BALLOT_WORDS,
        CAMPAIGN,
        CANDIDATE,
        CONTACT,
        DEPOSED,
        EVERYONE,
        EXPIRED,
        FOLLOW,
        FOLLOWER,
        GRANT,
        LEAD,
        LEADER,
        NOBODY,
        ONE,
        PAYLOAD,
        PRE_CAMPAIGN,
        PRE_CANDIDATE,
        PRE_VOTE_REQUEST,
        PRE_VOTE_RESPONSE,
        STEP_DOWN,
        TERM,
        VOTE_REQUEST,
        VOTE_RESPONSE,
        WROTE_CANDIDACY,
        WROTE_LEAD,
        WROTE_TERM,
        WROTE_VOTE,
    )


class Raft:
    """Servers 0 .. nodes - 1. A candidate needs `quorum` votes, its own included.

    `pre_vote` asks before a campaign whether it could be won; a server refuses such a request
    while it heard from a leader less than `lease_ns` ago.
    """

    def __init__(self, nodes: int, quorum: int, pre_vote: int, lease_ns: int) -> None:
        self.nodes = nodes
        self.quorum = quorum
        self.pre_vote = pre_vote
        self.lease_ns = lease_ns
        self.role = [0] * 1048
        self.term = [0] * 1048
        self.voted_for = [0] * 1048
        self.leader = [0] * 1048
        self.log = [0] * 1048
        self.contact = [0] * 1048
        self.tally = [0] * 1048
        self.ballot = array("Q", bytes(8 * nodes * BALLOT_WORDS))
        self.reasons = 0
        self.durable = 0
        self.out = 0
        self.out_what = 0
        self.out_to = 0
        self.out_term = 0

    def enter(self, me: int, term: int, voted_for: int, contact: int) -> None:
        """Make `me` a follower with this term and vote, last in contact at `contact`."""
        self.role[me] = FOLLOWER
        self.term[me] = term
        self.voted_for[me] = voted_for
        self.leader[me] = NOBODY
        self.contact[me] = contact

    def hold_lease(self, server: int, until: int) -> None:
        """Let the lease of the leader heard from last end at `until`, by a clock that is not
        exact, and not `lease_ns` after the contact."""
        self.contact[server] = until - self.lease_ns

    def enter_all(self) -> None:
        """Make every server a follower in term 0, just in contact; logs stay as they are."""
        for i in range(self.nodes):
            self.role[i] = FOLLOWER
            self.term[i] = 0
            self.voted_for[i] = NOBODY
            self.leader[i] = NOBODY
            self.contact[i] = 0

    def set_log(self, server: int, log: int) -> None:
        """Set the length of a server's log."""
        self.log[server] = log

    # What happens to a server: the handlers.

    def take(self, what: int, term: int, now: int) -> None:
        """Dispatch a message, packed as in the queue, to its handler."""
        kind = what & 7
        me = (what >> 14) & 1023
        sender = (what >> 4) & 1023
        word = what >> 24
        if kind == VOTE_REQUEST:
            self.on_vote_request(me, sender, term, word)
        elif kind == VOTE_RESPONSE:
            self.on_vote_response(me, sender, term, word)
        elif kind == APPEND_REQUEST:
            self.on_append_request(me, sender, term, now)
        elif kind == APPEND_RESPONSE:
            self.on_append_response(me, sender, term)
        elif kind == PRE_VOTE_REQUEST:
            self.on_pre_vote_request(me, sender, term, word, now)
        else:
            self.on_pre_vote_response(me, sender, term, word)

    def on_timeout(self, me: int) -> None:
        """The timer of `me` expired: a leader sends its heartbeat, everyone else campaigns."""
        self.begin()
        self.reasons = EXPIRED
        if self.role[me] == LEADER:
            self.send_heartbeat(me)
        elif self.pre_vote:
            self.become_pre_candidate(me)
        else:
            self.become_candidate(me)

    def on_vote_request(self, me: int, sender: int, term: int, log: int) -> None:
        """Grant one vote a term, first come first served, to a log no shorter than the own."""
        self.begin()
        if term > self.term[me]:
            self.step_down(me, term)
        granted = 0
        if (
            term == self.term[me]
            and (self.voted_for[me] == NOBODY or self.voted_for[me] == sender)
            and log >= self.log[me]
        ):
            granted = 1
            self.grant(me, sender)
        self.send(VOTE_RESPONSE, me, sender, self.term[me], granted)

    def on_vote_response(self, me: int, sender: int, term: int, granted: int) -> None:
        """Count a vote for this term's candidacy, once a sender."""
        self.begin()
        if term > self.term[me]:
            self.step_down(me, term)
        elif (
            granted
            and term == self.term[me]
            and self.role[me] == CANDIDATE
            and self.count(me, sender) >= self.quorum
        ):
            self.become_leader(me)

    def on_append_request(self, me: int, sender: int, term: int, now: int) -> None:
        """Follow the leader of this or a higher term; tell one of an older term of the own."""
        self.begin()
        if term > self.term[me]:
            self.step_down(me, term)
        # A leader of the same term would be a second one: it is not followed.
        success = 0
        if term == self.term[me] and self.role[me] != LEADER:
            success = 1
            if self.role[me] != FOLLOWER:
                self.role[me] = FOLLOWER
                self.reasons |= FOLLOW
            self.leader[me] = sender
            self.contact[me] = now
            self.reasons |= CONTACT
        self.send(APPEND_RESPONSE, me, sender, self.term[me], success)

    def on_append_response(self, me: int, sender: int, term: int) -> None:
        """Step down where the answer tells of a higher term."""
        self.begin()
        if term > self.term[me]:
            self.step_down(me, term)

    def on_pre_vote_request(self, me: int, sender: int, term: int, log: int, now: int) -> None:
        """Say whether `me` would vote in the proposed `term`. Changes nothing in `me`."""
        self.begin()
        granted = (
            term > self.term[me]
            and log >= self.log[me]
            and self.role[me] != LEADER
            and now - self.contact[me] >= self.lease_ns
        )
        self.send(PRE_VOTE_RESPONSE, me, sender, self.term[me], term if granted else 0)

    def on_pre_vote_response(self, me: int, sender: int, term: int, granted: int) -> None:
        """Count a pre-vote for the term proposed (`granted`, 0 for a refusal), once a sender."""
        self.begin()
        if term > self.term[me]:
            self.step_down(me, term)
        elif (
            granted == self.term[me] + 1
            and self.role[me] == PRE_CANDIDATE
            and self.count(me, sender) >= self.quorum
        ):
            self.become_candidate(me)

    # What a server becomes.

    def become_pre_candidate(self, me: int) -> None:
        self.role[me] = PRE_CANDIDATE
        self.leader[me] = NOBODY
        self.reasons |= PRE_CAMPAIGN
        self.open_ballot(me)
        if self.tally[me] >= self.quorum:
            self.become_candidate(me)
        else:
            self.send(PRE_VOTE_REQUEST, me, EVERYONE, self.term[me] + 1, self.log[me])

    def become_candidate(self, me: int) -> None:
        self.role[me] = CANDIDATE
        self.term[me] += 1
        self.voted_for[me] = me
        self.leader[me] = NOBODY
        self.durable |= WROTE_CANDIDACY
        self.reasons |= CAMPAIGN
        self.open_ballot(me)
        if self.tally[me] >= self.quorum:
            self.become_leader(me)
        else:
            self.send(VOTE_REQUEST, me, EVERYONE, self.term[me], self.log[me])

    def become_leader(self, me: int) -> None:
        self.role[me] = LEADER
        self.leader[me] = me
        self.durable |= WROTE_LEAD
        self.send_heartbeat(me)

    def step_down(self, me: int, term: int) -> None:
        """Adopt a higher term as a follower who has not voted."""
        if self.role[me] == LEADER:
            self.reasons |= DEPOSED
        elif self.role[me] == FOLLOWER:
            self.reasons |= TERM
        else:
            self.reasons |= STEP_DOWN
        self.role[me] = FOLLOWER
        self.term[me] = term
        self.voted_for[me] = NOBODY
        self.leader[me] = NOBODY
        self.durable |= WROTE_TERM

    def grant(self, me: int, candidate: int) -> None:
        self.reasons |= GRANT
        if self.reasons & STEP_DOWN:
            self.reasons |= FOLLOW
        if self.voted_for[me] != candidate:
            self.voted_for[me] = candidate
            self.durable |= WROTE_VOTE

    # Ballots and the outbox.

    def begin(self) -> None:
        self.reasons = 0
        self.durable = 0
        self.out = 0

    def open_ballot(self, me: int) -> None:
        """Clear the ballot but for the own vote."""
        self.tally[me] = 1
        for w in range(me * BALLOT_WORDS, me * BALLOT_WORDS + (self.nodes + 63) // 64):
            self.ballot[w] = 0

    def count(self, me: int, sender: int) -> int:
        """Count the vote of `sender` unless it was counted before; the tally."""
        w = me * BALLOT_WORDS + (sender >> 6)
        bit = ONE << (sender & 63)
        if not self.ballot[w] & bit:
            self.ballot[w] |= bit
            self.tally[me] += 1
        return self.tally[me]

    def send_heartbeat(self, me: int) -> None:
        self.reasons |= LEAD
        self.send(APPEND_REQUEST, me, EVERYONE, self.term[me], 0)

    def send(self, kind: int, me: int, to: int, term: int, word: int) -> None:
        """Put a message in the outbox, to one server or to EVERYONE else; `out_what` is packed as
        what is delivered (words.py), but for the receiver. A handler sends at most one."""
        self.out_what = kind + me * 16 + word * PAYLOAD
        self.out_to = to
        self.out_term = term
        self.out = 1
