"""The messages servers exchange about elections, one frozen type each, and what each may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .arguments import flag, whole
from .core import words as w

COUNT_MAX = 2**37
"""The highest term or log length a server accepts: the engine packs them beside ids in 64 bits."""


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


def check(message: Message, kind: type[Message], server: int, nodes: int) -> None:
    """Refuse what no server of `nodes` could have sent to `server` as a message of this kind.

    Raises TypeError for another kind, and ValueError naming what is wrong: for a message to
    another server, from itself or from nobody, or with a number that is out of range.
    """
    if not isinstance(message, kind):
        raise TypeError(f"message: must be a {kind.__name__}, not {type(message).__name__}")
    if message.to != server:
        raise ValueError(f"message.to: this is server {server}, not {message.to!r}")
    sender = whole("message.sender", message.sender, 0, nodes - 1)
    if sender == server:
        raise ValueError(f"message.sender: server {sender} sends no messages to itself")
    # Nobody asks anything in term 0, but it can be the term of one who answers a pre-vote.
    lowest = 0 if kind is PreVoteResponse else 1
    whole("message.term", message.term, lowest, COUNT_MAX)
    if kind in _CARRIED:
        name, judge = _CARRIED[kind]
        judge(f"message.{name}", getattr(message, name))


def count(name: str, value: object) -> int:
    """`value` as a term or the length of a log; ValueError naming it otherwise."""
    return whole(name, value, 0, COUNT_MAX)


_CARRIED: Mapping[type[Message], tuple[str, Callable[[str, object], int]]] = {
    VoteRequest: ("log", count),
    VoteResponse: ("granted", flag),
    AppendResponse: ("success", flag),
    PreVoteRequest: ("log", count),
    PreVoteResponse: ("granted", count),
}
"""What a message carries beyond its term, and what that must be."""
