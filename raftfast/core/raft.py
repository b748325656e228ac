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
        BY_LOG,
        BY_TRANSFER,
        CAMPAIGN,
        CANDIDATE,
        CONTACT,
        DEPOSED,
        EVERYONE,
        EXPIRED,
        FOLLOW,
        FOLLOWER,
        FOR_HIGHER,
        GRANT,
        HANDED,
        HEARTBEAT_DEAD,
        LEAD,
        LEADER,
        LOST,
        NOBODY,
        ONE,
        PAYLOAD,
        PRE_CAMPAIGN,
        PRE_CANDIDATE,
        PRE_VOTE_REQUEST,
        PRE_VOTE_RESPONSE,
        STEP_DOWN,
        TERM,
        UNANSWERED,
        UNTIL_TIMEOUT,
        VOTE_REQUEST,
        VOTE_RESPONSE,
        VOTERS,
        WROTE_CANDIDACY,
        WROTE_LEAD,
        WROTE_TERM,
        WROTE_VOTE,
        rarely,
    )


class Raft:
    """Servers 0 .. nodes - 1. A candidate needs `quorum` votes, its own included.

    `pre_vote` asks before a campaign whether it could be won (WITH_LEASE, BY_LOG, HEARTBEAT_DEAD:
    what the asked go by); under a lease a server refuses such a request while it heard from a
    leader less than `lease_ns` ago. What real systems add to the paper is set by the methods
    behind `enter_all`, and off without them. All servers vote but for learners, which
    `take_rules` names: those follow and answer a leader, and nobody asks them for votes.
    """

    def __init__(self, nodes: int, quorum: int, pre_vote: int, lease_ns: int) -> None:
        self.nodes = nodes
        self.quorum = quorum
        self.pre_vote = pre_vote
        self.voters = nodes
        self.asked = EVERYONE
        self.by_clock = 0
        self.sticky = 0
        self.silent = 0
        self.tie_break = 0
        self.stubborn = 0
        self.particular = 0
        self.restart_on_response = 0
        self.deaf = 0
        self.whom = EVERYONE
        self.counts_refusals = 0
        self.gives_up = 0
        self.waits_for_all = 0
        self.checks_quorum = 0
        self.role = [0] * 1048
        self.term = [0] * 1048
        self.voted_for = [0] * 1048
        self.leader = [0] * 1048
        self.log = [0] * 1048
        self.contact = [0] * 1048
        self.tally = [0] * 1048
        self.against = [0] * 1048
        self.step = [1] * 1048
        self.priority = [0] * 1048
        self.ballot = array("Q", bytes(8 * nodes * BALLOT_WORDS))
        self.refusals = array("Q", bytes(8 * nodes * BALLOT_WORDS))
        self.heard = array("q", bytes(8))
        self.handed = array("q", bytes(8 * nodes))
        self.lease_ns = array("q", [lease_ns] * nodes)
        self.sticky_ns = array("q", bytes(8 * nodes))
        self.check_ns = array("q", bytes(8 * nodes))
        self.lease_until = array("q", bytes(8 * nodes))
        self.sticky_until = array("q", bytes(8 * nodes))
        self.voter = array("i", [1] * nodes)
        self.now = 0
        self.reasons = 0
        self.durable = 0
        self.out = 0
        self.out_what = 0
        self.out_to = 0
        self.out_term = 0

    def enter(self, me: int, term: int, voted_for: int, leader: int, contact: int) -> None:
        """Make `me` a follower with this term, vote and leader, last in contact at `contact`."""
        self.role[me] = FOLLOWER
        self.term[me] = term
        self.voted_for[me] = voted_for
        self.leader[me] = leader
        self.contact[me] = contact

    def forget_leader(self, me: int) -> None:
        """Let `me`, whose timer fired without a campaign, know no leader any more."""
        self.leader[me] = NOBODY

    def halt(self, me: int) -> None:
        """Make `me` what a server is that does not run: no role, no leader."""
        self.role[me] = FOLLOWER
        self.leader[me] = NOBODY
        self.begin(self.now)

    def enthrone(self, me: int, term: int, now: int) -> None:
        """Let `me` be in office in `term`, elected long ago."""
        self.enter(me, term, me, me, now)
        self.role[me] = LEADER
        self.tally[me] = self.nodes
        if self.checks_quorum:
            for i in range(self.nodes):
                self.heard[me * self.nodes + i] = now

    def forget(self, me: int) -> None:
        """Let `me`, which starts again, know nothing of its term and vote: nobody wrote them."""
        self.term[me] = 0
        self.voted_for[me] = NOBODY
        self.handed[me] = 0

    def hold_lease(self, server: int, until: int, sticky_until: int) -> None:
        """Let the lease of the leader heard from last end at `until`, and votes be withheld until
        `sticky_until`, by a clock that is not exact (`go_by_clock`)."""
        self.lease_until[server] = until
        self.sticky_until[server] = sticky_until

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

    # What systems add to the paper.

    def take_rules(self, block: object) -> None:
        """Take all of the settings below from a parameter block's `voting`."""
        voting = block.voting
        self.seat(voting.voters)
        self.sticky = voting.sticky
        self.silent = voting.silent
        self.stubborn = voting.stubborn
        self.restart_on_response = voting.restart_on_response
        self.deaf = voting.deaf
        self.gives_up = voting.gives_up
        self.waits_for_all = voting.waits_for_all
        self.counts_refusals = voting.counts_refusals
        if voting.checks_quorum:
            self.check_quorum()
        for i in range(self.nodes):
            self.lease_ns[i] = voting.lease_ns[i]
            self.sticky_ns[i] = voting.sticky_ns[i]
            self.check_ns[i] = voting.check_ns[i]
            self.set_priority(i, voting.priorities[i], voting.steps[i])
        self.tie_break = voting.tie_break
        self.particular = int(
            self.tie_break > 0 or self.stubborn > 0 or self.sticky > 0 or voting.transfers > 0
        )

    def seat(self, voters: list[int]) -> None:
        """Say who votes, 1 or 0 a server."""
        self.voter = array("i", voters)
        self.voters = sum(voters)
        self.asked = EVERYONE if self.voters == self.nodes else VOTERS

    def go_by_clock(self) -> None:
        """Let leases end when `hold_lease` says, not so long after a contact."""
        self.by_clock = 1

    def check_quorum(self) -> None:
        """Let a leader step down that no quorum answered for its `check_ns`, found at its
        heartbeats."""
        self.checks_quorum = 1
        self.heard = array("q", bytes(8 * self.nodes * self.nodes))

    def send_heartbeats_to(self, whom: int) -> None:
        """Let heartbeats go to EVERYONE, or to those who are DUE by the caller's clock."""
        self.whom = whom

    def set_priority(self, server: int, priority: int, step: int) -> None:
        """Set what voters compare under `tie_break`, and by how much a campaign raises the term."""
        self.priority[server] = priority
        self.step[server] = step

    # What happens to a server: the handlers.

    def take(self, what: int, term: int, now: int) -> None:
        """Dispatch a message, packed as in the queue, to its handler."""
        kind = what & 7
        me = (what >> 14) & 1023
        sender = (what >> 4) & 1023
        word = what >> 24
        if kind == VOTE_REQUEST:
            self.on_vote_request(me, sender, term, word, now)
        elif kind == VOTE_RESPONSE:
            self.on_vote_response(me, sender, term, word, now)
        elif kind == APPEND_REQUEST:
            if rarely(word & BY_TRANSFER):
                self.on_timeout_now(me, term, now)
            else:
                self.on_append_request(me, sender, term, now)
        elif kind == APPEND_RESPONSE:
            self.on_append_response(me, sender, term, now)
        elif kind == PRE_VOTE_REQUEST:
            self.on_pre_vote_request(me, sender, term, word, now)
        else:
            self.on_pre_vote_response(me, sender, term, word, now)

    def on_timeout(self, me: int, now: int) -> None:
        """The timer of `me` expired: a leader sends its heartbeat, everyone else campaigns."""
        self.begin(now)
        self.reasons = EXPIRED
        if self.role[me] == LEADER:
            if rarely(self.checks_quorum) and not self.has_quorum(me):
                self.resign(me)
            else:
                self.send_heartbeat(me)
        elif rarely(self.waits_for_all) and self.role[me] >= PRE_CANDIDATE and self.has_won(me):
            self.win(me)
        elif self.pre_vote:
            self.become_pre_candidate(me)
        else:
            self.become_candidate(me)

    def on_vote_request(self, me: int, sender: int, term: int, log: int, now: int) -> None:
        """Grant one vote a term, first come first served, to a log no shorter than the own."""
        self.begin(now)
        granted = 0
        refused = 0
        if rarely(self.particular):
            if log & BY_TRANSFER:
                # Who is asked for by the leader itself may have the vote: no lease stands in
                # the way (dissertation, section 4.2.3; etcd, `raft.go` Step, campaignTransfer).
                log -= BY_TRANSFER
            elif self.is_held(me):
                self.refuse_held(VOTE_RESPONSE, me, sender)
                return
            refused = self.is_particular(me, sender, term, log)
        if term > self.term[me]:
            self.step_down(me, term)
        if (
            term == self.term[me]
            and (self.voted_for[me] == NOBODY or self.voted_for[me] == sender)
            and log >= self.log[me]
            and not refused
        ):
            granted = 1
            self.grant(me, sender)
        self.send(VOTE_RESPONSE, me, sender, self.term[me], granted)

    def on_vote_response(self, me: int, sender: int, term: int, granted: int, now: int) -> None:
        """Count a vote for this term's candidacy, once a sender."""
        self.begin(now)
        if rarely(term > self.term[me]):
            self.learn_of_term(me, term)
        elif self.role[me] != CANDIDATE:
            return
        elif term == self.term[me] and granted:
            if self.count(me, sender) >= self.quorum and self.has_waited(me):
                self.become_leader(me)
        elif (
            rarely(self.counts_refusals)
            and not granted
            # Who withholds a vote does not adopt the term, and answers from a lower one.
            and (term == self.term[me] or self.sticky)
        ):
            self.count_refusal(me, sender)

    def on_append_request(self, me: int, sender: int, term: int, now: int) -> None:
        """Follow the leader of this or a higher term; tell one of an older term of the own."""
        self.begin(now)
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

    def on_timeout_now(self, me: int, term: int, now: int) -> None:
        """The leader of `term` hands its office over: campaign at once, without a pre-vote
        (dissertation, section 3.10)."""
        self.begin(now)
        if term > self.term[me]:
            self.step_down(me, term)
        if term == self.term[me] and self.role[me] == FOLLOWER:
            self.reasons |= HANDED
            self.become_candidate(me)
            if self.role[me] == CANDIDATE:
                self.handed[me] = self.term[me]
                self.out_what += BY_TRANSFER * PAYLOAD

    def on_append_response(self, me: int, sender: int, term: int, now: int) -> None:
        """Step down where the answer tells of a higher term."""
        self.begin(now)
        if term > self.term[me]:
            if not self.deaf:
                self.step_down(me, term)
        elif rarely(self.checks_quorum):
            self.heard[me * self.nodes + sender] = now

    def on_pre_vote_request(self, me: int, sender: int, term: int, log: int, now: int) -> None:
        """Say whether `me` would vote in the proposed `term`. Changes nothing in `me`."""
        self.begin(now)
        if self.is_held(me) or self.is_in_lease(me):
            self.refuse_held(PRE_VOTE_RESPONSE, me, sender)
            return
        granted = (
            term > self.term[me]
            and log >= self.log[me]
            # By the log alone a leader would step down for the higher term, and vote.
            and (self.role[me] != LEADER or self.pre_vote == BY_LOG)
            and not (self.tie_break and self.outranks(me, sender, log))
        )
        self.send(PRE_VOTE_RESPONSE, me, sender, self.term[me], term if granted else 0)

    def on_pre_vote_response(self, me: int, sender: int, term: int, granted: int, now: int) -> None:
        """Count a pre-vote for the term proposed (`granted`, 0 for a refusal), once a sender."""
        self.begin(now)
        if term > self.term[me]:
            self.learn_of_term(me, term)
        elif self.role[me] == PRE_CANDIDATE:
            if granted == self.term[me] + self.step[me]:
                if self.count(me, sender) >= self.quorum and self.has_waited(me):
                    self.become_candidate(me)
            elif granted == 0 and self.counts_refusals:
                self.count_refusal(me, sender)

    # What a voter goes by beyond the paper.

    def is_held(self, me: int) -> int:
        """Whether `me` withholds its votes because it knows a leader: BY_AGE, while it was in
        contact less than its `sticky_ns` ago; UNTIL_TIMEOUT, until its own timer expires."""
        if self.sticky == 0:
            return 0
        if self.role[me] == LEADER:
            return 1
        if self.leader[me] == NOBODY:
            return 0
        if self.sticky == UNTIL_TIMEOUT:
            return 1
        if self.by_clock:
            return self.now < self.sticky_until[me]
        return self.now - self.contact[me] < self.sticky_ns[me]

    def is_in_lease(self, me: int) -> int:
        """Whether `me` refuses pre-votes because it heard from a leader, or knows one."""
        if self.pre_vote == BY_LOG:
            return 0
        if self.pre_vote == HEARTBEAT_DEAD:
            return self.leader[me] != NOBODY
        if self.by_clock:
            return self.now < self.lease_until[me]
        return self.now - self.contact[me] < self.lease_ns[me]

    def refuse_held(self, kind: int, me: int, sender: int) -> None:
        """Refuse for a leader's sake: in so many words, or silently as etcd does."""
        if not self.silent:
            self.send(kind, me, sender, self.term[me], 0)

    def is_particular(self, me: int, sender: int, term: int, log: int) -> int:
        """Whether `me` refuses a vote that the paper would grant."""
        if self.stubborn and term > self.term[me] and self.is_campaigning(me):
            return 1
        return self.tie_break and self.outranks(me, sender, log)

    def outranks(self, me: int, sender: int, log: int) -> int:
        """Whether `me` has an equal log and a higher priority (raft-rs; Ratis, `VoteContext`)."""
        return log == self.log[me] and self.priority[me] > self.priority[sender]

    def learn_of_term(self, me: int, term: int) -> None:
        """A vote response told of a higher term."""
        if self.deaf:
            return
        self.step_down(me, term)
        if self.restart_on_response:
            self.reasons |= DEPOSED

    # What a candidate and a leader go by beyond the paper.

    def has_waited(self, me: int) -> int:
        """Whether a candidate with enough votes needs to wait for no more answers."""
        if rarely(self.waits_for_all):
            if self.waits_for_all == FOR_HIGHER:
                return self.has_heard_the_higher(me)
            return self.tally[me] + self.against[me] >= self.voters
        return 1

    def has_heard_the_higher(self, me: int) -> int:
        """Whether every voter of a higher priority has answered."""
        for i in range(self.nodes):
            if (
                self.voter[i]
                and self.priority[i] > self.priority[me]
                and self.has_answered(me, i) == 0
            ):
                return 0
        return 1

    def has_won(self, me: int) -> int:
        return self.tally[me] >= self.quorum

    def win(self, me: int) -> None:
        """A (pre-)candidate has its votes and waited long enough."""
        if self.role[me] == CANDIDATE:
            self.become_leader(me)
        else:
            self.become_candidate(me)

    def count_refusal(self, me: int, sender: int) -> None:
        """Count a refusal, once a sender; one that cannot win any more may give up (etcd)."""
        w = me * BALLOT_WORDS + (sender >> 6)
        bit = ONE << (sender & 63)
        if self.refusals[w] & bit:
            return
        self.refusals[w] |= bit
        self.against[me] += 1
        vetoed = self.waits_for_all == FOR_HIGHER and self.priority[sender] > self.priority[me]
        if vetoed:
            # Ratis, `LeaderElection`: a rejection by a higher priority loses the election.
            self.reasons |= LOST | DEPOSED
            self.role[me] = FOLLOWER
        elif self.waits_for_all and self.has_won(me) and self.has_waited(me):
            self.win(me)
        elif self.against[me] == self.voters - self.quorum + 1:
            self.reasons |= LOST
            if self.gives_up:
                self.role[me] = FOLLOWER
                self.reasons |= DEPOSED

    def has_answered(self, me: int, sender: int) -> int:
        """Whether `sender` granted its vote (1), refused it (2), or neither (0)."""
        w = me * BALLOT_WORDS + (sender >> 6)
        bit = ONE << (sender & 63)
        if self.ballot[w] & bit:
            return 1
        return 2 if self.refusals[w] & bit else 0

    def is_campaigning(self, me: int) -> int:
        """Whether `me` waits for votes or pre-votes."""
        return self.role[me] == CANDIDATE or self.role[me] == PRE_CANDIDATE

    def repoll(self, me: int, now: int) -> None:
        """Ask those again who have not answered."""
        self.begin(now)
        kind = VOTE_REQUEST
        term = self.term[me]
        if self.role[me] == PRE_CANDIDATE:
            kind = PRE_VOTE_REQUEST
            term += self.step[me]
        log = self.log[me]
        if self.handed[me] == term:
            log += BY_TRANSFER
        self.send(kind, me, UNANSWERED, term, log)

    def has_quorum(self, me: int) -> int:
        """Whether a leader was answered by a quorum within its `check_ns`, itself counted."""
        count = 1
        for i in range(self.nodes):
            recent = self.now - self.heard[me * self.nodes + i] < self.check_ns[me]
            if recent and i != me and self.voter[i]:
                count += 1
        return count >= self.quorum

    def hand_over(self, me: int, heir: int, now: int) -> None:
        """Tell `heir` to campaign; `me` stays in office until it hears of the higher term."""
        self.begin(now)
        self.send(APPEND_REQUEST, me, heir, self.term[me], BY_TRANSFER)

    def forget_transfers(self) -> None:
        """A trial begins: nobody campaigns for a leader's sake."""
        for i in range(self.nodes):
            self.handed[i] = 0

    def resign(self, me: int) -> None:
        """Leave office within the term."""
        self.role[me] = FOLLOWER
        self.leader[me] = NOBODY
        self.reasons |= DEPOSED

    # What a server becomes.

    def become_pre_candidate(self, me: int) -> None:
        self.role[me] = PRE_CANDIDATE
        self.leader[me] = NOBODY
        self.reasons |= PRE_CAMPAIGN
        self.open_ballot(me)
        if self.tally[me] >= self.quorum:
            self.become_candidate(me)
        else:
            self.send(PRE_VOTE_REQUEST, me, self.asked, self.term[me] + self.step[me], self.log[me])

    def become_candidate(self, me: int) -> None:
        self.role[me] = CANDIDATE
        self.term[me] += self.step[me]
        self.voted_for[me] = me
        self.leader[me] = NOBODY
        self.durable |= WROTE_CANDIDACY
        self.reasons |= CAMPAIGN
        self.open_ballot(me)
        if self.tally[me] >= self.quorum:
            self.become_leader(me)
        else:
            self.send(VOTE_REQUEST, me, self.asked, self.term[me], self.log[me])

    def become_leader(self, me: int) -> None:
        self.role[me] = LEADER
        self.leader[me] = me
        self.durable |= WROTE_LEAD
        if rarely(self.checks_quorum):
            for i in range(self.nodes):
                self.heard[me * self.nodes + i] = self.now
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

    def begin(self, now: int) -> None:
        self.now = now
        self.reasons = 0
        self.durable = 0
        self.out = 0

    def open_ballot(self, me: int) -> None:
        """Clear the ballot but for the own vote."""
        self.tally[me] = 1
        self.against[me] = 0
        for w in range(me * BALLOT_WORDS, me * BALLOT_WORDS + (self.nodes + 63) // 64):
            self.ballot[w] = 0
            self.refusals[w] = 0

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
        self.send(APPEND_REQUEST, me, self.whom, self.term[me], 0)

    def send(self, kind: int, me: int, to: int, term: int, word: int) -> None:
        """Put a message in the outbox: to one server, to EVERYONE else, to all other VOTERS, to
        those who are UNANSWERED, or to those whose heartbeat the caller finds DUE. `out_what` is
        packed as what is delivered (words.py), but for the receiver. A handler sends at most one.
        """
        self.out_what = kind + me * 16 + word * PAYLOAD
        self.out_to = to
        self.out_term = term
        self.out = 1
