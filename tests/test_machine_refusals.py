"""What the public `Raft` refuses: arguments and messages that make no sense, each by its name."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from raftfast.machine import (
    AppendRequest,
    AppendResponse,
    Message,
    PreVoteRequest,
    PreVoteResponse,
    Raft,
    Ready,
    VoteRequest,
    VoteResponse,
)

from .machines import MS, NOW, candidate, expire, server


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server", 3), ("server", -1), ("server", "0"), ("server", True), ("server", 0.0),
        ("nodes", 0), ("nodes", 1024), ("nodes", None),
        ("election_ms", (300, 150)), ("election_ms", 0), ("election_ms", (1, 2, 3)),
        ("election_ms", float("nan")), ("election_ms", (0, 1)), ("election_ms", 1e10),
        ("election_ms", "150"), ("election_ms", ()),
        ("candidate_ms", -1), ("candidate_ms", (2, 1)),
        ("heartbeat_ms", 0), ("heartbeat_ms", float("inf")), ("heartbeat_ms", None),
        ("heartbeat_ms", True),
        ("pre_vote", "on"), ("pre_vote", 1),
        ("timer", "poll"), ("step_down_timer", "drop"),
        ("quorum", 0), ("quorum", 4), ("quorum", "majority"),
        ("log", -1), ("log", 2**37 + 1), ("term", -1), ("term", 1.5),
        ("voted_for", 3), ("voted_for", -1),
        ("seed", -1), ("seed", 2**64),
        ("now_ns", 0.5), ("now_ns", 2**62),
        ("engine", "fast"),
    ],
)  # fmt: skip
def test_an_argument_that_makes_no_sense_is_named(engine: str, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: must be "):
        Raft(**{"server": 0, "nodes": 3, "engine": engine, name: value})


GOOD = [
    VoteRequest(1, 0, 1, 0),
    VoteResponse(1, 0, 1, True),
    AppendRequest(1, 0, 1),
    AppendResponse(1, 0, 1, True),
    PreVoteRequest(1, 0, 1, 0),
    PreVoteResponse(1, 0, 1, 1),
]
BAD_FIELDS: list[tuple[str, Any]] = [
    ("to", 1), ("to", None), ("sender", 0), ("sender", 3), ("sender", -1), ("sender", "1"),
    ("term", -1), ("term", 2**37 + 1), ("term", None),
    ("log", -1), ("log", None), ("granted", None), ("granted", -1), ("success", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "name", "value"),
    [
        pytest.param(message, name, value, id=f"{type(message).__name__}-{name}-{value}")
        for message in GOOD
        for name, value in BAD_FIELDS
        if hasattr(message, name)
    ],
)
def test_a_message_nobody_could_have_sent_is_refused_and_changes_nothing(
    engine: str, message: Message, name: str, value: Any
) -> None:
    raft = candidate(engine)
    state = (raft.role, raft.term, raft.voted_for, raft.votes, raft.deadline_ns)
    bad = dataclasses.replace(message, **{name: value})
    with pytest.raises(ValueError, match=rf"^message\.{name}: "):
        raft.receive(bad, NOW)
    assert (raft.role, raft.term, raft.voted_for, raft.votes, raft.deadline_ns) == state
    raft.receive(message, 300 * MS)


@pytest.mark.parametrize("message", GOOD, ids=lambda message: type(message).__name__)
def test_requests_belong_to_a_term_and_only_pre_votes_are_answered_in_none(
    engine: str, message: Message
) -> None:
    """Section 5.1: terms are numbered from 1, 0 is before any election."""
    before = dataclasses.replace(message, term=0)
    if isinstance(message, PreVoteResponse):
        server(engine).receive(before, 1)
    else:
        with pytest.raises(ValueError, match=r"^message\.term: "):
            server(engine).receive(before, 1)


@pytest.mark.parametrize("message", [None, "vote", Message(1, 0, 1), VoteRequest])
def test_what_is_no_message_is_a_type_error(engine: str, message: Any) -> None:
    with pytest.raises(TypeError, match=r"^message: "):
        server(engine).receive(message, 1)


def test_a_handler_takes_its_own_messages_alone(engine: str) -> None:
    raft = server(engine)
    handlers: list[Any] = [
        raft.on_vote_request, raft.on_vote_response, raft.on_append_request,
        raft.on_append_response, raft.on_pre_vote_request, raft.on_pre_vote_response,
    ]  # fmt: skip
    for handler, own in zip(handlers, GOOD, strict=True):
        for message in GOOD:
            if message is not own:
                with pytest.raises(TypeError, match=rf"^message: must be a {type(own).__name__}"):
                    handler(message, 1)


def test_messages_are_values() -> None:
    assert VoteRequest(1, 0, 1, 5) == VoteRequest(sender=1, to=0, term=1, log=5)
    assert len({AppendRequest(1, 0, 1), AppendRequest(1, 0, 1)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        VoteRequest(1, 0, 1, 5).term = 2  # type: ignore[misc]


def test_the_largest_cluster_and_the_highest_term(engine: str) -> None:
    raft = Raft(server=1022, nodes=1023, term=2**37, log=2**37, pre_vote=True, engine=engine)
    asked = expire(raft).messages
    assert len(asked) == 1022
    assert asked[-1] == PreVoteRequest(1022, 1021, 2**37 + 1, 2**37)
    for peer in range(511):
        ready = raft.receive(PreVoteResponse(peer, 1022, 2**37, 0), NOW)
        assert ready == Ready()
    # A pre-vote for a term that is out of range is refused, so the server stays where it is.
    with pytest.raises(ValueError, match=r"^message\.granted: "):
        raft.receive(PreVoteResponse(0, 1022, 2**37, 2**37 + 1), NOW)
