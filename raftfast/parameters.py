"""From a scenario to the engine's parameter block: nanoseconds, rows and bits."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

from . import happenings
from .classes import masks, ranges
from .core import words as w
from .distributions import Distribution
from .lawtable import LawTable, Row, ns
from .scenario import Scenario
from .schema import Network, Timeouts

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
_DETECTORS = {"none": 0, "ewma": w.BY_EWMA, "phi": w.BY_PHI, "aten": w.BY_ATEN}
_DECAYS = {"decay": w.DECAY, "decay-fixed": w.DECAY_FIXED, "decay-skip": w.DECAY_AFTER_SKIP}


@dataclass(frozen=True)
class Voting:
    """What voters, candidates and leaders go by beyond the paper, as `core.raft.Raft` takes it."""

    sticky: int
    sticky_ns: int
    silent: int
    stubborn: int
    restart_on_response: int
    deaf: int
    counts_refusals: int
    gives_up: int
    waits_for_all: int
    check_ns: int
    transfers: int
    tie_break: int
    priorities: list[int]
    steps: list[int]


@dataclass(frozen=True)
class Patience:
    """What a server waits for before it campaigns, as `core.patience.Patience` takes it.

    `step` and `longest` are in the unit of the timeouts, ticks or ns.
    """

    backoff: int
    decay: int
    witnesses: list[int]
    factor: float
    step: int
    step_ns: int
    longest: int
    longest_ns: int


@dataclass(frozen=True)
class Block:
    """All that `Ensemble` needs to know; picklable, and made of what the engine's rooms take.

    `up` is 1 for servers that run, `eligible` for those of them that can lead; `logs` are log
    lengths by rank, which compare as the lengths do; `desk_laws` are the rows for process, persist,
    and the four writes, -1 for none; `timeout_ranges` are [low, high) of followers and candidates
    in ns, or in ticks, four numbers a server, and `lease_wait` is the shortest of election_ms in
    the same.
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
    lease_ns: int
    lease_wait: int
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
    synchronised: int
    stop_on: int
    stable_ns: int
    duration_ns: int
    limit_ns: int
    own: object = None
    link_laws: array[int] | None = None
    link_losses: array[float] | None = None
    link_duplicates: array[float] | None = None


def block(scenario: Scenario) -> Block:
    """The parameter block of a scenario. Raises nothing: a Scenario is valid."""
    table = LawTable()
    network = scenario.network
    latency = network.latency_ms or Distribution("constant", (0.0,))
    timeouts = scenario.timeouts
    redraw_on, restart_on = masks(
        timeouts.timer, scenario.protocol.step_down_timer, scenario.protocol.redraw_on_precandidate
    )
    cluster = scenario.cluster
    down = set(cluster.down)
    latency_law = table.add(latency)
    links = _links(network, cluster.nodes, latency_law, table)
    events, groups = happenings.rows(scenario.scenario.event, cluster.nodes, table.add)
    return Block(
        nodes=cluster.nodes,
        quorum=cluster.votes_needed,
        up=[int(i not in down) for i in range(cluster.nodes)],
        eligible=[int(i not in down | {*cluster.witnesses}) for i in range(cluster.nodes)],
        logs=_ranks(cluster.log, cluster.nodes),
        distinct_logs=int(cluster.log == "distinct"),
        timeout_ranges=_timeout_ranges(scenario),
        heartbeat_ns=ns(scenario.timeouts.heartbeat_ms),
        redraw_on=redraw_on,
        restart_on=restart_on,
        once=int(timeouts.timer == "boot"),
        own_candidacy=int(timeouts.candidate_ms is not None),
        window=int(timeouts.timer == "jitter"),
        polled={"poll": 1, "poll-own-draw": 2}.get(timeouts.timer, 0),
        detector=_DETECTORS[timeouts.detector],
        each_tick=int(timeouts.timer == "redraw-each-tick"),
        first_ranges=_first_ranges(scenario),
        ahead=_count(timeouts.fast_forward_ms, timeouts),
        rank_wait=_count(timeouts.rank_ms, timeouts),
        ranked=int(timeouts.rank_ms > 0),
        poll_range=(ns(timeouts.poll_ms[0]), ns(timeouts.poll_ms[1])),
        tick_ns=ns(scenario.timeouts.tick_ms),
        tick_aligned=int(scenario.timeouts.tick_phase == "aligned"),
        drift_ppm=scenario.node.drift_ppm,
        pre_vote=_PRE_VOTES[scenario.protocol.pre_vote],
        voting=_voting(scenario),
        patience=_patience(scenario),
        repoll_ns=ns(scenario.protocol.repoll_ms),
        repoll_denied=int(scenario.protocol.repoll_denied),
        lease_ns=ns(scenario.timeouts.election_ms[0]),
        lease_wait=_lease_wait(scenario),
        latency_law=latency_law,
        chances=[network.loss, network.duplicate],
        ordered=int(network.ordered),
        desk_laws=_desk_laws(scenario, table),
        crash=int(scenario.scenario.kind == "leader-crash"),
        steady=int(scenario.scenario.kind == "steady"),
        events=events,
        groups=groups,
        overlapped=int(scenario.node.candidacy == "overlapped"),
        pauses=int(any(event.do == "pause" for event in scenario.scenario.event)),
        synchronised=int(scenario.scenario.crash_phase == "synchronised"),
        stop_on=_STOPS[scenario.stop.on],
        stable_ns=ns(scenario.stop.stable_ms),
        duration_ns=ns(scenario.stop.duration_ms),
        limit_ns=ns(scenario.stop.limit_ms),
        laws=table.rows,
        pool=table.pool,
        link_laws=links[0] if links else None,
        link_losses=links[1] if links else None,
        link_duplicates=links[2] if links else None,
    )


def _voting(scenario: Scenario) -> Voting:
    protocol, timeouts = scenario.protocol, scenario.timeouts
    low_ms, high_ms = timeouts.election_ms
    sticky_ms = {"off": 0.0, "min": low_ms, "max": high_ms, "until-own-timer": 0.0}
    held_ms = protocol.sticky
    if isinstance(held_ms, str):
        held_ms = sticky_ms[held_ms]
    kind = {"off": 0, "until-own-timer": w.UNTIL_TIMEOUT}.get(str(protocol.sticky), w.BY_AGE)
    check_ms = protocol.check_quorum_ms or low_ms
    priorities = _priorities(scenario)
    refusals = protocol.on_rejection == "follower" or protocol.wait_for != "quorum"
    refusals |= timeouts.backoff in ("rejections", "kafka-2024") or protocol.repoll_ms > 0
    return Voting(
        sticky=kind,
        sticky_ns=ns(held_ms),
        silent=int(protocol.refusals == "silent"),
        stubborn=int("refuse-new-term" in protocol.quirks),
        restart_on_response=int("restart-on-response" in protocol.quirks),
        deaf=int("deaf-to-responses" in protocol.quirks),
        counts_refusals=int(refusals),
        gives_up=int(protocol.on_rejection == "follower"),
        waits_for_all={"quorum": 0, "all": w.FOR_ALL, "higher": w.FOR_HIGHER}[protocol.wait_for],
        check_ns=ns(check_ms) if protocol.check_quorum else 0,
        transfers=int(any(event.do == "transfer" for event in scenario.scenario.event)),
        tie_break=int(protocol.priority == "tie-break"),
        priorities=priorities,
        steps=priorities if protocol.priority == "escape" else [1] * scenario.cluster.nodes,
    )


def _priorities(scenario: Scenario) -> list[int]:
    """Every server's priority: as given, or nodes, nodes - 1, ..., 1."""
    nodes = scenario.cluster.nodes
    return list(scenario.protocol.priorities) or list(range(nodes, 0, -1))


def _patience(scenario: Scenario) -> Patience:
    timeouts = scenario.timeouts
    return Patience(
        backoff=_BACKOFFS[timeouts.backoff],
        witnesses=[int(i in scenario.cluster.witnesses) for i in range(scenario.cluster.nodes)],
        decay=_DECAYS.get(scenario.protocol.priority, 0),
        factor=timeouts.backoff_factor,
        step=_count(timeouts.backoff_ms, timeouts),
        step_ns=ns(timeouts.backoff_ms),
        longest=_count(timeouts.backoff_max_ms, timeouts),
        longest_ns=ns(timeouts.backoff_max_ms),
    )


def _ranks(log: object, nodes: int) -> list[int]:
    if not isinstance(log, tuple | list):
        return [0] * nodes
    order = {length: rank for rank, length in enumerate(sorted(set(log)))}
    return [order[length] for length in log]


def _timeout_ranges(scenario: Scenario) -> list[int]:
    """Four numbers a server: [low, high) of its own timeout as a follower and as a candidate."""
    timeouts = scenario.timeouts
    own = {entry.id: entry for entry in timeouts.server}
    later = _later(scenario)
    ends: list[int] = []
    for server in range(scenario.cluster.nodes):
        entry = own.get(server)
        election, candidate = timeouts.election_ms, timeouts.candidate_ms
        if entry is not None and entry.election_ms is not None:
            election = entry.election_ms
        if entry is not None and entry.candidate_ms is not None:
            candidate = entry.candidate_ms
        drawn = _drawn_from(timeouts, election, candidate)
        ends += [end + later[server] for end in drawn]
    return ends


def _first_ranges(scenario: Scenario) -> list[int] | None:
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
    step = _count(scenario.timeouts.escape_ms, scenario.timeouts)
    return [step * (nodes - priority) for priority in _priorities(scenario)]


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


def _count(time_ms: float, timeouts: Timeouts) -> int:
    """A time in ns, or in whole ticks, at most so long."""
    if timeouts.tick_ms > 0:
        return math.floor(time_ms / timeouts.tick_ms + 1e-9)
    return ns(time_ms)


def _lease_wait(scenario: Scenario) -> int:
    return _unit(scenario.timeouts.election_ms, scenario.timeouts)[0]


def _ticks(bounds: tuple[float, float], tick_ms: float) -> tuple[int, int]:
    """[low, high) in whole ticks: every k with low <= k * tick < high, or a fixed time's one."""
    low = math.ceil(bounds[0] / tick_ms - 1e-9)
    high = math.ceil(bounds[1] / tick_ms - 1e-9)
    return (low, low) if bounds[0] == bounds[1] else (low, max(high, low + 1))


def _desk_laws(scenario: Scenario, table: LawTable) -> list[int]:
    node = scenario.node
    laws: list[Distribution | None] = [node.process_ms, node.persist_ms, None, None, None, None]
    if node.persist is not None:
        persist = node.persist
        laws[2:] = [persist.candidate, persist.term, persist.vote, persist.lead]
    return [w.NOBODY if law is None or _is_nothing(law) else table.add(law) for law in laws]


def _is_nothing(law: Distribution) -> bool:
    return law.law == "constant" and law.parameters[0] == 0.0 and law.plus_ms == 0.0


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
