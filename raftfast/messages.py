"""The messages servers exchange about elections: requests and responses, one frozen type each."""

from __future__ import annotations

from dataclasses import dataclass

from .core import words as w


@dataclass(frozen=True, slots=True)
class Message:
    """What every message carries: ids of two servers and a term, the sender's unless stated."""

    sender: int
    to: int
    term: int


@dataclass(frozen=True, slots=True)
class VoteRequest(Message):
    """A candidate of `term` asks for a vote; `log` is the length of its log."""

    log: int


@dataclass(frozen=True, slots=True)
class VoteResponse(Message):
    """Whether `to` has the sender's vote in `term`."""

    granted: bool


@dataclass(frozen=True, slots=True)
class AppendRequest(Message):
    """The leader of `term`, which is the sender, is in office: a heartbeat."""


@dataclass(frozen=True, slots=True)
class AppendResponse(Message):
    """Whether the sender follows `to` in `term`."""

    success: bool


@dataclass(frozen=True, slots=True)
class PreVoteRequest(Message):
    """Would a candidate with this `log` length get a vote in `term`? It is not in it yet."""

    log: int


@dataclass(frozen=True, slots=True)
class PreVoteResponse(Message):
    """The term in which `to` would have the sender's vote, or 0 if it would not."""

    granted: int


def from_outbox(what: int, to: int, term: int) -> Message:
    """A message to `to` as the engine packs it in its outbox: kind, sender and what it carries."""
    sender = (what >> 4) & 1023
    carried = what // w.PAYLOAD
    match what & 7:
        case w.VOTE_REQUEST:
            return VoteRequest(sender, to, term, carried)
        case w.VOTE_RESPONSE:
            return VoteResponse(sender, to, term, bool(carried))
        case w.APPEND_REQUEST:
            return AppendRequest(sender, to, term)
        case w.APPEND_RESPONSE:
            return AppendResponse(sender, to, term, bool(carried))
        case w.PRE_VOTE_REQUEST:
            return PreVoteRequest(sender, to, term, carried)
    return PreVoteResponse(sender, to, term, carried)
