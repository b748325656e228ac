"""From a scenario to the engine's parameter block: nanoseconds, rows and bits."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

from msgspec import Struct

from . import happenings
from .classes import masks
from .core import words as w
from .distributions import Distribution
from .lawtable import LawTable, Row, ns
from .scenario import Scenario
from .schema import Cluster, Event, Network, Protocol, Start, Timeouts
from .waits import counted, first_ranges, leases, priorities, timeout_ranges

_KNOWN = 64
_STOPS = {
    "leader": w.ON_LEADER,
    "followed": w.ON_FOLLOWED,
    "stable": w.ON_STABLE,
    "duration": w.ON_DURATION,
}
# MongoDB's dry run asks for votes without a new term and changes nothing: the terms and the logs
# decide, as in `log` (replication_coordinator_impl_elect_v1.cpp).
_PRE_VOTES = {
    "off": 0,
    "on": w.WITH_LEASE,
    "log": w.BY_LOG,
    "dry-run": w.BY_LOG,
    "heartbeat-dead": w.HEARTBEAT_DEAD,
}
_BACKOFFS = {
    "none": 0,
    "rejections": w.BY_REJECTIONS,
    "failures": w.BY_FAILURES,
    "lost-elections": w.BY_LOSSES,
    "kafka-2024": w.BY_KAFKA,
}
_DETECTORS = {
    "none": 0,
    "ewma": w.BY_EWMA,
    "phi": w.BY_PHI,
    "aten": w.BY_ATEN,
    "dynatune": w.BY_DYNATUNE,
}
_DECAYS = {"decay": w.DECAY, "decay-fixed": w.DECAY_FIXED, "decay-skip": w.DECAY_AFTER_SKIP}


@dataclass(frozen=True)
class Voting:
    """What voters, candidates and leaders go by beyond the paper, as `core.raft.Raft` takes it.

    `voters` are 1 for servers that vote. Leases are one a server, in ns, and as
    `core.leases.Leases` takes them, in the unit of the timeouts.
    """

    voters: list[int]
    lease_ns: list[int]
    lease_wait: list[int]
    sticky: int
    sticky_ns: list[int]
    sticky_wait: list[int]
    sticky_spans: int
    silent: int
    stubborn: int
    restart_on_response: int
    deaf: int
    counts_refusals: int
    gives_up: int
    waits_for_all: int
    checks_quorum: int
    check_ns: list[int]
    transfers: int
    tie_break: int
    priorities: list[int]
    steps: list[int]


@dataclass(frozen=True)
class Patience:
    """What a server waits for before it campaigns, as `core.patience.Patience` takes it.

    `step` and `longest` are in the unit of the timeouts, ticks or ns; `passive` is 1 for servers
    that never campaign; `top` is the highest priority of a voter.
    """

    backoff: int
    decay: int
    passive: list[int]
    top: int
    factor: float
    step: int
    step_ns: int
    longest: int
    longest_ns: int


class Block(Struct, frozen=True):
    """All that `Ensemble` needs to know; picklable, and made of what the engine's rooms take.

    `up` is 1 for servers that run, `eligible` for those of them that can lead; `logs` are log
    lengths by rank, which compare as the lengths do; `desk_laws` are the rows for process, persist,
    and the four writes, -1 for none; `timeout_ranges` are [low, high) of followers and candidates
    in ns, or in ticks, four numbers a server; `forgets` is 1 where a server that starts again has
    lost its term and vote.
    """

    nodes: int
    quorum: int
    up: list[int]
    eligible: list[int]
    logs: list[int]
    distinct_logs: int
    timeout_ranges: list[int]
    heartbeat_ns: int
    redraw_on: int
    restart_on: int
    once: int
    own_candidacy: int
    window: int
    polled: int
    each_tick: int
    detector: int
    first_ranges: list[int] | None
    ahead: int
    rank_wait: int
    ranked: int
    poll_range: tuple[int, int]
    tick_ns: int
    tick_aligned: int
    drift_ppm: float
    pre_vote: int
    voting: Voting
    patience: Patience
    repoll_ns: int
    repoll_denied: int
    laws: list[Row]
    pool: list[float]
    latency_law: int
    chances: list[float]
    ordered: int
    desk_laws: list[int]
    crash: int
    steady: int
    events: list[happenings.Row]
    groups: list[int]
    pauses: int
    overlapped: int
    forgets: int
    synchronised: int
    stop_on: int
    stable_ns: int
    duration_ns: int
    limit_ns: int
    own: object = None
    link_laws: array[int] | None = None
    link_losses: array[float] | None = None
    link_duplicates: array[float] | None = None


NUMBERS = ("laws", "pool", "latency_law", "chances", "timeout_ranges", "stable_ns", "duration_ns",
           "limit_ns")  # fmt: skip
"""What can be changed of an ensemble: to build one takes as long as some hundred trials."""

_shape = attrgetter(*(name for name in Block.__struct_fields__ if name not in NUMBERS))


def are_alike(one: Block, other: Block) -> bool:
    """Whether two blocks differ in NUMBERS alone, and all links of each are alike."""
    # Most of those that are not alike have more or fewer servers.
    if one.nodes != other.nodes or one.link_laws is not None:
        return False
    return bool(_shape(one) == _shape(other))


def block(scenario: Scenario) -> Block:
    """The parameter block of a scenario. Raises nothing: a Scenario is valid."""
    table = LawTable()
    cluster, network, node, stop = (
        scenario.cluster, scenario.network, scenario.node, scenario.stop,
    )  # fmt: skip
    latency_law = table.add(network.latency_ms or Distribution("constant", (0.0,)))
    links = _links(network, cluster.nodes, latency_law, table)
    events, groups = happenings.rows(scenario.scenario.event, cluster.nodes, table.add)
    return Block(
        **_apart_from_laws(scenario.timeouts, scenario.protocol, cluster, scenario.scenario),
        latency_law=latency_law,
        chances=[network.loss, network.duplicate],
        ordered=int(network.ordered),
        desk_laws=_desk_laws(scenario, table),
        drift_ppm=node.drift_ppm,
        events=events,
        groups=groups,
        overlapped=int(node.candidacy == "overlapped"),
        # Without events nobody starts again.
        forgets=int(node.persistence == "none" and len(events) > 0),
        stop_on=_STOPS[stop.on],
        stable_ns=ns(stop.stable_ms),
        duration_ns=ns(stop.duration_ms),
        limit_ns=ns(stop.limit_ms),
        laws=table.rows,
        pool=table.pool,
        link_laws=links[0] if links else None,
        link_losses=links[1] if links else None,
        link_duplicates=links[2] if links else None,
    )


# The points of a sweep have most of their tables in common.
@lru_cache(maxsize=_KNOWN)
def _apart_from_laws(
    timeouts: Timeouts, protocol: Protocol, cluster: Cluster, start: Start
) -> dict[str, Any]:
    """What a block has from these tables."""
    redraw_on, restart_on = masks(
        timeouts.timer, protocol.step_down_timer, protocol.redraw_on_precandidate
    )
    nodes = cluster.nodes
    down = set(cluster.down)
    passive = {*cluster.witnesses, *cluster.learners}
    return {
        "nodes": nodes,
        "quorum": cluster.votes_needed,
        "up": [int(i not in down) for i in range(nodes)],
        "eligible": [int(i not in down | passive) for i in range(nodes)],
        "logs": _ranks(cluster.log, nodes),
        "distinct_logs": int(cluster.log == "distinct"),
        "timeout_ranges": timeout_ranges(timeouts, protocol, nodes),
        "heartbeat_ns": ns(timeouts.heartbeat_ms),
        "redraw_on": redraw_on,
        "restart_on": restart_on,
        "once": int(timeouts.timer == "boot"),
        "own_candidacy": int(timeouts.candidate_ms is not None),
        "window": int(timeouts.timer == "jitter"),
        "polled": {"poll": 1, "poll-own-draw": 2}.get(timeouts.timer, 0),
        "detector": _DETECTORS[timeouts.detector],
        "each_tick": int(timeouts.timer == "redraw-each-tick"),
        "first_ranges": first_ranges(timeouts, protocol, nodes),
        "ahead": counted(timeouts.fast_forward_ms, timeouts),
        "rank_wait": counted(timeouts.rank_ms, timeouts),
        "ranked": int(timeouts.rank_ms > 0),
        "poll_range": (ns(timeouts.poll_ms[0]), ns(timeouts.poll_ms[1])),
        "tick_ns": ns(timeouts.tick_ms),
        "tick_aligned": int(timeouts.tick_phase == "aligned"),
        "pre_vote": _PRE_VOTES[protocol.pre_vote],
        "voting": _voting(timeouts, protocol, cluster, start.event),
        "patience": _patience(timeouts, protocol, cluster),
        "repoll_ns": ns(protocol.repoll_ms),
        "repoll_denied": int(protocol.repoll_denied),
        "crash": int(start.kind == "leader-crash"),
        "steady": int(start.kind == "steady"),
        "pauses": int(any(event.do == "pause" for event in start.event)),
        "synchronised": int(start.crash_phase == "synchronised"),
    }


def _voting(
    timeouts: Timeouts, protocol: Protocol, cluster: Cluster, events: tuple[Event, ...]
) -> Voting:
    voters = set(cluster.voters)
    given = priorities(protocol, cluster.nodes)
    refusals = protocol.on_rejection == "follower" or protocol.wait_for != "quorum"
    refusals |= timeouts.backoff in ("rejections", "kafka-2024") or protocol.repoll_ms > 0
    held = leases(timeouts, protocol, cluster.nodes)
    return Voting(
        voters=[int(i in voters) for i in range(cluster.nodes)],
        lease_ns=[lease.pre_vote_ns for lease in held],
        lease_wait=[lease.pre_vote_wait for lease in held],
        sticky={"off": 0, "until-own-timer": w.UNTIL_TIMEOUT}.get(str(protocol.sticky), w.BY_AGE),
        sticky_ns=[lease.sticky_ns for lease in held],
        sticky_wait=[lease.sticky_wait for lease in held],
        sticky_spans={"min": 1, "max": 2}.get(str(protocol.sticky), 0),
        silent=int(protocol.refusals == "silent"),
        stubborn=int("refuse-new-term" in protocol.quirks),
        restart_on_response=int("restart-on-response" in protocol.quirks),
        deaf=int("deaf-to-responses" in protocol.quirks),
        counts_refusals=int(refusals),
        gives_up=int(protocol.on_rejection == "follower"),
        waits_for_all={"quorum": 0, "all": w.FOR_ALL, "higher": w.FOR_HIGHER}[protocol.wait_for],
        checks_quorum=int(protocol.check_quorum),
        check_ns=[lease.check_ns for lease in held],
        transfers=int(any(event.do == "transfer" for event in events)),
        tie_break=int(protocol.priority == "tie-break"),
        priorities=given,
        steps=given if protocol.priority == "escape" else [1] * cluster.nodes,
    )


def _patience(timeouts: Timeouts, protocol: Protocol, cluster: Cluster) -> Patience:
    given = priorities(protocol, cluster.nodes)
    passive = {*cluster.witnesses, *cluster.learners}
    return Patience(
        backoff=_BACKOFFS[timeouts.backoff],
        passive=[int(i in passive) for i in range(cluster.nodes)],
        top=max(given[voter] for voter in cluster.voters),
        decay=_DECAYS.get(protocol.priority, 0),
        factor=timeouts.backoff_factor,
        step=counted(timeouts.backoff_ms, timeouts),
        step_ns=ns(timeouts.backoff_ms),
        longest=counted(timeouts.backoff_max_ms, timeouts),
        longest_ns=ns(timeouts.backoff_max_ms),
    )


def _ranks(log: object, nodes: int) -> list[int]:
    if not isinstance(log, tuple | list):
        return [0] * nodes
    order = {length: rank for rank, length in enumerate(sorted(set(log)))}
    return [order[length] for length in log]


def _desk_laws(scenario: Scenario, table: LawTable) -> list[int]:
    node = scenario.node
    laws: list[Distribution | None] = [node.process_ms, node.persist_ms, None, None, None, None]
    if node.persist is not None:
        persist = node.persist
        laws[2:] = [persist.candidate, persist.term, persist.vote, persist.lead]
    return [w.NOBODY if law is None or law.is_nothing else table.add(law) for law in laws]


def _links(
    network: Network, nodes: int, law: int, table: LawTable
) -> tuple[array[int], array[float], array[float]] | None:
    """Law, loss and duplication of each link, from * nodes + to; None where all are alike."""
    if network.matrix is None and not network.link:
        return None
    laws = array("i", [law]) * (nodes * nodes)
    losses = array("d", [network.loss]) * (nodes * nodes)
    duplicates = array("d", [network.duplicate]) * (nodes * nodes)
    if network.matrix is not None:
        for i, delays in enumerate(network.matrix):
            for j, delay_ms in enumerate(delays):
                laws[i * nodes + j] = table.add(Distribution("constant", (delay_ms,)))
    for link in network.link:
        own = None if link.latency_ms is None else table.add(link.latency_ms)
        for sender, to in link.pairs():
            pair = sender * nodes + to
            if own is not None:
                laws[pair] = own
            if link.loss is not None:
                losses[pair] = link.loss
            if link.duplicate is not None:
                duplicates[pair] = link.duplicate
    return laws, losses, duplicates
