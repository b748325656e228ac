"""From a scenario's timeouts to the engine's numbers: what is waited for, in ns or in ticks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from .classes import ranges
from .lawtable import ns
from .schema import Protocol, Server, Timeouts


class Lease(NamedTuple):
    """How long one server holds by a leader: pre-votes, votes, and, in office, without answers.

    In ns; `pre_vote_wait` and `sticky_wait` are the same in the unit of the timeouts.
    """

    pre_vote_ns: int
    pre_vote_wait: int
    sticky_ns: int
    sticky_wait: int
    check_ns: int


T = TypeVar("T")


def priorities(protocol: Protocol, nodes: int) -> list[int]:
    """Every server's priority: as given, or nodes, nodes - 1, ..., 1."""
    return list(protocol.priorities) or list(range(nodes, 0, -1))


def _of_each(timeouts: Timeouts, nodes: int, make: Callable[[Server], T]) -> list[T]:
    """What is made of each server's [[timeouts.server]]; most have none, and are alike."""
    found = [make(Server(id=0))] * nodes
    for entry in timeouts.server:
        found[entry.id] = make(entry)
    return found


def leases(timeouts: Timeouts, protocol: Protocol, nodes: int) -> list[Lease]:
    """Every server's leases. They go by the range of election_ms that is its own, as each is
    configured by itself (hashicorp/consul#9135). Where the protocol has none they are nothing."""
    if protocol.pre_vote == "off" and protocol.sticky == "off" and not protocol.check_quorum:
        return [Lease(0, 0, 0, 0, 0)] * nodes

    def lease(server: Server) -> Lease:
        low_ms, high_ms = server.election_ms or timeouts.election_ms
        sticky_ms = protocol.sticky
        if isinstance(sticky_ms, str):
            words = {"off": 0.0, "min": low_ms, "max": high_ms, "until-own-timer": 0.0}
            sticky_ms = words[sticky_ms]
        return Lease(
            pre_vote_ns=ns(low_ms),
            pre_vote_wait=_unit((low_ms, low_ms), timeouts)[0],
            sticky_ns=ns(sticky_ms),
            sticky_wait=_unit((sticky_ms, sticky_ms), timeouts)[0],
            check_ns=ns(protocol.check_quorum_ms or low_ms),
        )

    return _of_each(timeouts, nodes, lease)


def timeout_ranges(timeouts: Timeouts, protocol: Protocol, nodes: int) -> list[int]:
    """Four numbers a server: [low, high) of its own timeout as a follower and as a candidate."""

    def drawn(server: Server) -> tuple[int, ...]:
        election = server.election_ms or timeouts.election_ms
        return _drawn_from(timeouts, election, server.candidate_ms or timeouts.candidate_ms)

    of_each = zip(_of_each(timeouts, nodes, drawn), _later(timeouts, protocol, nodes), strict=True)
    return [end + later for ends, later in of_each for end in ends]


def first_ranges(timeouts: Timeouts, protocol: Protocol, nodes: int) -> list[int] | None:
    """[low, high) of every server's first timeout, where it is another; as late as its others."""
    if timeouts.first_ms is None:
        return None
    ends = _unit(timeouts.first_ms, timeouts)
    return [end + later for later in _later(timeouts, protocol, nodes) for end in ends]


def _later(timeouts: Timeouts, protocol: Protocol, nodes: int) -> list[int]:
    """How much later every server is for its priority (ESCAPE, arXiv 2202.09434)."""
    if protocol.priority != "escape":
        return [0] * nodes
    step = counted(timeouts.escape_ms, timeouts)
    return [step * (nodes - priority) for priority in priorities(protocol, nodes)]


def _drawn_from(
    timeouts: Timeouts, election: tuple[float, float], candidate: tuple[float, float] | None
) -> tuple[int, ...]:
    """What a follower and a candidate draw from, in ns, or in ticks where there are."""
    if timeouts.tick_ms > 0 and timeouts.timer == "fixed":
        # The longest of the whole numbers of ticks in the range.
        longest = _ticks(election, timeouts.tick_ms)[1] - (election[0] != election[1])
        own = (longest, longest) if candidate is None else _ticks(candidate, timeouts.tick_ms)
        return (longest, longest, *own)
    pairs = ranges(timeouts.timer, election, candidate)
    return tuple(end for pair in pairs for end in _unit(pair, timeouts))


def _unit(range_ms: tuple[float, float], timeouts: Timeouts) -> tuple[int, int]:
    """A range in ns, or in ticks where timeouts are whole numbers of them."""
    if timeouts.tick_ms > 0:
        return _ticks(range_ms, timeouts.tick_ms)
    return ns(range_ms[0]), ns(range_ms[1])


def counted(time_ms: float, timeouts: Timeouts) -> int:
    """A time in ns, or in whole ticks, at most so long."""
    if timeouts.tick_ms > 0:
        return math.floor(time_ms / timeouts.tick_ms + 1e-9)
    return ns(time_ms)


def _ticks(bounds: tuple[float, float], tick_ms: float) -> tuple[int, int]:
    """[low, high) in whole ticks: every k with low <= k * tick < high, or a fixed time's one."""
    low = math.ceil(bounds[0] / tick_ms - 1e-9)
    high = math.ceil(bounds[1] / tick_ms - 1e-9)
    return (low, low) if bounds[0] == bounds[1] else (low, max(high, low + 1))
