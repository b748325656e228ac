"""What each handler of the public `Raft` does, with the section of the Raft paper that says so."""

from __future__ import annotations

from typing import Any

import pytest

from raftfast.machine import (
    AppendRequest,
    AppendResponse,
    Message,
    PreVoteRequest,
    PreVoteResponse,
    Ready,
    Role,
    VoteRequest,
    VoteResponse,
)

from .machines import MS, NOW, candidate, expire, leader, server


def test_a_new_server_is_a_follower_that_waits(engine: str) -> None:
    """Section 5.2: "When servers start up, they begin as followers"."""
    raft = server(engine, now_ns=5 * MS)
    assert (raft.role, raft.term, raft.voted_for, raft.leader, raft.votes) == (
        Role.FOLLOWER, 0, None, None, 0,
    )  # fmt: skip
    assert raft.deadline_ns is not None
    assert 155 * MS <= raft.deadline_ns < 305 * MS
    assert (raft.server, raft.nodes) == (0, 3)
    assert repr(raft) == "<Raft server 0 of 3: follower, term 0>"


def test_a_timeout_starts_an_election(engine: str) -> None:
    """Section 5.2: increments its term, votes for itself, requests votes from everyone else."""
    raft = server(engine, log=9)
    ready = expire(raft)
    assert ready.became is Role.CANDIDATE
    assert ready.must_persist
    assert ready.messages == (VoteRequest(0, 1, 1, 9), VoteRequest(0, 2, 1, 9))
    assert (raft.term, raft.voted_for, raft.leader, raft.votes) == (1, 0, None, 1)


def test_before_the_deadline_a_timeout_does_nothing(engine: str) -> None:
    raft = server(engine)
    deadline = raft.deadline_ns
    assert deadline is not None
    assert raft.on_timeout(deadline - 1) == Ready()
    assert (raft.role, raft.deadline_ns) == (Role.FOLLOWER, deadline)


def test_a_candidate_that_times_out_starts_anew(engine: str) -> None:
    """Section 5.2: it starts a new election "by incrementing its term"."""
    raft = candidate(engine)
    raft.receive(VoteResponse(1, 0, 1, False), NOW)
    ready = expire(raft)
    assert ready.became is None
    assert ready.must_persist
    assert [message.term for message in ready.messages] == [2, 2]
    assert (raft.role, raft.term, raft.votes) == (Role.CANDIDATE, 2, 1)


def test_the_first_to_ask_gets_the_vote_of_a_term(engine: str) -> None:
    """Section 5.2: at most one candidate a term, first-come-first-served."""
    raft = server(engine)
    first = raft.on_vote_request(VoteRequest(1, 0, 1, 0), 1)
    assert first == Ready((VoteResponse(0, 1, 1, True),), must_persist=True)
    again = raft.on_vote_request(VoteRequest(1, 0, 1, 0), 2)
    assert again == Ready((VoteResponse(0, 1, 1, True),))
    other = raft.on_vote_request(VoteRequest(2, 0, 1, 0), 3)
    assert other == Ready((VoteResponse(0, 2, 1, False),))
    assert (raft.term, raft.voted_for) == (1, 1)


def test_the_vote_given_before_a_restart_still_counts(engine: str) -> None:
    """Figure 2, persistent state."""
    raft = server(engine, term=4, voted_for=1)
    assert raft.receive(VoteRequest(2, 0, 4, 0), 1).messages == (VoteResponse(0, 2, 4, False),)
    assert raft.receive(VoteRequest(1, 0, 4, 0), 1).messages == (VoteResponse(0, 1, 4, True),)


def test_a_log_that_is_behind_gets_no_vote_but_its_term_is_adopted(engine: str) -> None:
    """Section 5.4.1, the election restriction, and section 5.1."""
    raft = server(engine, log=2)
    ready = raft.on_vote_request(VoteRequest(1, 0, 3, 1), 1)
    assert ready == Ready((VoteResponse(0, 1, 3, False),), must_persist=True)
    assert (raft.term, raft.voted_for) == (3, None)
    assert raft.receive(VoteRequest(2, 0, 3, 2), 1).messages[0] == VoteResponse(0, 2, 3, True)


def test_a_log_that_grew_is_the_one_that_counts(engine: str) -> None:
    """Section 5.4.1."""
    raft = server(engine)
    raft.log = 2**37
    assert raft.log == 2**37
    assert raft.receive(VoteRequest(1, 0, 1, 2**37 - 1), 1).messages[0].granted is False  # type: ignore[attr-defined]
    assert expire(raft).messages[0] == VoteRequest(0, 1, 2, 2**37)
    with pytest.raises(ValueError, match=r"^log: "):
        raft.log = -1


def test_a_stale_vote_request_is_refused_with_the_own_term(engine: str) -> None:
    """Section 5.1: "If a server receives a request with a stale term number, it rejects"."""
    raft = server(engine, term=5)
    deadline = raft.deadline_ns
    ready = raft.on_vote_request(VoteRequest(1, 0, 4, 0), 1)
    assert ready == Ready((VoteResponse(0, 1, 5, False),))
    assert raft.deadline_ns == deadline


def test_only_a_granted_vote_restarts_the_timer(engine: str) -> None:
    """Figure 2, rules for followers."""
    raft = server(engine)
    deadline = raft.deadline_ns
    raft.receive(VoteRequest(1, 0, 1, 0), 100 * MS)
    granted = raft.deadline_ns
    assert granted is not None
    assert 250 * MS <= granted < 400 * MS
    assert granted != deadline
    raft.receive(VoteRequest(2, 0, 1, 0), 110 * MS)
    raft.receive(VoteRequest(2, 0, 0 + 1, 0), 120 * MS)
    assert raft.deadline_ns == granted


def test_a_majority_of_votes_makes_a_leader_that_says_so_at_once(engine: str) -> None:
    """Section 5.2: "It then sends heartbeat messages to all of the other servers"."""
    raft = candidate(engine, nodes=5)
    assert raft.on_vote_response(VoteResponse(1, 0, 1, True), NOW) == Ready()
    assert raft.votes == 2
    ready = raft.on_vote_response(VoteResponse(2, 0, 1, True), NOW)
    assert ready.became is Role.LEADER
    assert not ready.must_persist
    assert ready.messages == tuple(AppendRequest(0, peer, 1) for peer in (1, 2, 3, 4))
    assert (raft.leader, raft.votes, raft.deadline_ns) == (0, 3, NOW + 50 * MS)


@pytest.mark.parametrize(
    "answer",
    [
        VoteResponse(1, 0, 1, True),  # counted before
        VoteResponse(2, 0, 1, False),  # a denial
    ],
)
def test_what_is_no_vote_is_not_counted(engine: str, answer: VoteResponse) -> None:
    """Section 5.2: votes of a majority of the servers, each of which has one."""
    raft = candidate(engine, nodes=5)
    raft.receive(VoteResponse(1, 0, 1, True), NOW)
    assert raft.receive(answer, NOW) == Ready()
    assert (raft.role, raft.votes) == (Role.CANDIDATE, 2)


def test_a_vote_of_an_earlier_term_is_not_counted(engine: str) -> None:
    """Section 5.2: votes "for the same term"."""
    raft = candidate(engine)
    expire(raft)
    assert raft.receive(VoteResponse(1, 0, 1, True), NOW) == Ready()
    assert (raft.role, raft.term, raft.votes) == (Role.CANDIDATE, 2, 1)


def test_a_follower_counts_no_votes(engine: str) -> None:
    raft = candidate(engine)
    raft.receive(AppendRequest(2, 0, 1), NOW)
    assert raft.receive(VoteResponse(1, 0, 1, True), NOW) == Ready()
    assert (raft.role, raft.leader, raft.votes) == (Role.FOLLOWER, 2, 0)


HIGHER = [
    VoteRequest(1, 0, 7, 0),
    VoteResponse(1, 0, 7, False),
    AppendRequest(1, 0, 7),
    AppendResponse(1, 0, 7, False),
    PreVoteResponse(1, 0, 7, 0),
]


@pytest.mark.parametrize("message", HIGHER, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize("make", [server, candidate, leader])
def test_a_higher_term_makes_a_follower(engine: str, make: Any, message: Message) -> None:
    """Section 5.1: "If a candidate or leader discovers that its term is out of date"."""
    raft = make(engine)
    before = raft.role
    ready = raft.receive(message, NOW)
    assert (raft.role, raft.term) == (Role.FOLLOWER, 7)
    assert ready.must_persist
    assert ready.became is (None if before is Role.FOLLOWER else Role.FOLLOWER)


def test_a_candidate_follows_the_leader_of_its_term(engine: str) -> None:
    """Section 5.2: "the candidate recognizes the leader as legitimate and returns to follower"."""
    raft = candidate(engine)
    ready = raft.on_append_request(AppendRequest(2, 0, 1), NOW)
    assert ready == Ready((AppendResponse(0, 2, 1, True),), became=Role.FOLLOWER)
    assert (raft.leader, raft.voted_for) == (2, 0)
    assert raft.deadline_ns is not None
    assert NOW + 150 * MS <= raft.deadline_ns < NOW + 300 * MS


def test_an_append_of_an_old_term_is_refused(engine: str) -> None:
    """Section 5.2: "the candidate rejects the RPC and continues in candidate state"."""
    raft = candidate(engine, term=3)
    deadline = raft.deadline_ns
    ready = raft.on_append_request(AppendRequest(2, 0, 3), NOW)
    assert ready == Ready((AppendResponse(0, 2, 4, False),))
    assert (raft.role, raft.deadline_ns) == (Role.CANDIDATE, deadline)


def test_a_leader_does_not_follow_another_of_its_own_term(engine: str) -> None:
    """Figure 3: there is none; with a quorum that allows it, neither gives way unnoticed."""
    raft = leader(engine)
    ready = raft.on_append_request(AppendRequest(2, 0, 1), NOW)
    assert ready == Ready((AppendResponse(0, 2, 1, False),))
    assert raft.role is Role.LEADER


def test_a_leader_sends_heartbeats(engine: str) -> None:
    """Section 5.2: "periodic heartbeats to all followers in order to maintain their authority"."""
    raft = leader(engine, heartbeat_ms=20)
    for beat in (1, 2, 3):
        assert raft.deadline_ns == NOW + 20 * beat * MS
        assert expire(raft) == Ready((AppendRequest(0, 1, 1), AppendRequest(0, 2, 1)))


def test_an_append_response_of_the_own_term_changes_nothing(engine: str) -> None:
    raft = leader(engine)
    for success in (True, False):
        assert raft.on_append_response(AppendResponse(1, 0, 1, success), NOW) == Ready()
    assert (raft.role, raft.term) == (Role.LEADER, 1)


def test_a_server_alone_leads_at_its_timeout_and_then_waits_for_nothing(engine: str) -> None:
    raft = server(engine, nodes=1)
    assert expire(raft) == Ready((), must_persist=True, became=Role.LEADER)
    assert (raft.leader, raft.votes, raft.deadline_ns) == (0, 1, None)
    assert raft.on_timeout(NOW) == Ready()


# Pre-vote.


def test_a_pre_candidate_asks_before_it_touches_its_term(engine: str) -> None:
    """Dissertation, section 9.6: increments its term once it learns that it could win."""
    raft = server(engine, pre_vote=True, log=4)
    ready = expire(raft)
    asked = (PreVoteRequest(0, 1, 1, 4), PreVoteRequest(0, 2, 1, 4))
    assert ready == Ready(asked, became=Role.PRE_CANDIDATE)
    assert (raft.term, raft.voted_for, raft.votes) == (0, None, 1)
    assert raft.receive(PreVoteResponse(1, 0, 0, 0), NOW) == Ready()
    assert raft.receive(PreVoteResponse(1, 0, 0, 2), NOW) == Ready()
    ready = raft.receive(PreVoteResponse(2, 0, 0, 1), NOW)
    assert ready.became is Role.CANDIDATE
    assert ready.must_persist
    assert ready.messages == (VoteRequest(0, 1, 1, 4), VoteRequest(0, 2, 1, 4))
    assert repr(server(engine)) == "<Raft server 0 of 3: follower, term 0>"


@pytest.mark.parametrize(
    ("term", "log", "now", "granted"),
    [
        (3, 5, 150 * MS, 3),
        (9, 6, 999 * MS, 9),
        (2, 5, 150 * MS, 0),  # not above the own term
        (3, 4, 150 * MS, 0),  # a log that is behind
        (3, 5, 150 * MS - 1, 0),  # a leader may have been heard within the minimum timeout
    ],
)
def test_who_gets_a_pre_vote(engine: str, term: int, log: int, now: int, granted: int) -> None:
    """Dissertation, sections 9.6 and 4.2.3; nothing changes in the one that answers."""
    raft = server(engine, term=2, log=5)
    deadline = raft.deadline_ns
    ready = raft.on_pre_vote_request(PreVoteRequest(1, 0, term, log), now)
    assert ready == Ready((PreVoteResponse(0, 1, 2, granted),))
    assert (raft.term, raft.voted_for, raft.deadline_ns) == (2, None, deadline)


def test_the_lease_counts_from_the_last_contact(engine: str) -> None:
    """Dissertation, section 4.2.3: "within the minimum election timeout of hearing from"."""
    raft = server(engine, term=2)
    raft.receive(AppendRequest(2, 0, 2), NOW)
    early = raft.receive(PreVoteRequest(1, 0, 3, 0), NOW + 150 * MS - 1)
    late = raft.receive(PreVoteRequest(1, 0, 3, 0), NOW + 150 * MS)
    assert [ready.messages[0].granted for ready in (early, late)] == [0, 3]  # type: ignore[attr-defined]


def test_a_leader_grants_no_pre_vote(engine: str) -> None:
    raft = leader(engine)
    ready = raft.receive(PreVoteRequest(1, 0, 2, 0), NOW + 900 * MS)
    assert ready == Ready((PreVoteResponse(0, 1, 1, 0),))


def test_without_a_majority_a_pre_candidate_disturbs_nobody(engine: str) -> None:
    """Dissertation, section 9.6: a server that is cut off does not raise its term."""
    raft = server(engine, pre_vote=True)
    for _ in range(5):
        expire(raft)
    assert (raft.role, raft.term) == (Role.PRE_CANDIDATE, 0)
