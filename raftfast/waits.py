"""From a scenario's timeouts to the engine's numbers: what is waited for, in ns or in ticks."""

from __future__ import annotations

import math
from typing import NamedTuple

from .classes import ranges
from .lawtable import ns
from .scenario import Scenario
from .schema import Server, Timeouts


class Lease(NamedTuple):
    """How long one server holds by a leader: pre-votes, votes, and, in office, without answers.

    In ns; `pre_vote_wait` and `sticky_wait` are the same in the unit of the timeouts.
    """

    pre_vote_ns: int
    pre_vote_wait: int
    sticky_ns: int
    sticky_wait: int
    check_ns: int


def priorities(scenario: Scenario) -> list[int]:
    """Every server's priority: as given, or nodes, nodes - 1, ..., 1."""
    nodes = scenario.cluster.nodes
    return list(scenario.protocol.priorities) or list(range(nodes, 0, -1))


def _own(scenario: Scenario) -> list[Server]:
    """What [[timeouts.server]] says of each server; nothing, of most."""
    entries = {entry.id: entry for entry in scenario.timeouts.server}
    return [entries.get(i, Server(id=i)) for i in range(scenario.cluster.nodes)]


def leases(scenario: Scenario) -> list[Lease]:
    """Every server's leases. They go by the range of election_ms that is its own, as each is
    configured by itself (hashicorp/consul#9135)."""
    timeouts, protocol = scenario.timeouts, scenario.protocol
    found = []
    for server in _own(scenario):
        low_ms, high_ms = server.election_ms or timeouts.election_ms
        sticky_ms = protocol.sticky
        if isinstance(sticky_ms, str):
            words = {"off": 0.0, "min": low_ms, "max": high_ms, "until-own-timer": 0.0}
            sticky_ms = words[sticky_ms]
        found.append(
            Lease(
                pre_vote_ns=ns(low_ms),
                pre_vote_wait=_unit((low_ms, low_ms), timeouts)[0],
                sticky_ns=ns(sticky_ms),
                sticky_wait=_unit((sticky_ms, sticky_ms), timeouts)[0],
                check_ns=ns(protocol.check_quorum_ms or low_ms),
            )
        )
    return found


def timeout_ranges(scenario: Scenario) -> list[int]:
    """Four numbers a server: [low, high) of its own timeout as a follower and as a candidate."""
    timeouts = scenario.timeouts
    ends: list[int] = []
    for server, later in zip(_own(scenario), _later(scenario), strict=True):
        election = server.election_ms or timeouts.election_ms
        candidate = server.candidate_ms or timeouts.candidate_ms
        ends += [end + later for end in _drawn_from(timeouts, election, candidate)]
    return ends


def first_ranges(scenario: Scenario) -> list[int] | None:
    """[low, high) of every server's first timeout, where it is another; as late as its others."""
    timeouts = scenario.timeouts
    if timeouts.first_ms is None:
        return None
    ends = _unit(timeouts.first_ms, timeouts)
    return [end + later for later in _later(scenario) for end in ends]


def _later(scenario: Scenario) -> list[int]:
    """How much later every server is for its priority (ESCAPE, arXiv 2202.09434)."""
    nodes = scenario.cluster.nodes
    if scenario.protocol.priority != "escape":
        return [0] * nodes
    step = counted(scenario.timeouts.escape_ms, scenario.timeouts)
    return [step * (nodes - priority) for priority in priorities(scenario)]


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
