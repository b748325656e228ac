"""Scenarios of steady clusters, and of what befalls servers and links while they run.

As in reference_scenarios.py.
"""

from __future__ import annotations

from typing import Any

from .reference_rules import LOSING, LOSSY
from .reference_scenarios import CONTESTED, FOLLOWED, SLOW, Tables, lasting, staying


def _event(do: str, **keys: Any) -> Tables:
    return {"do": do, **keys}


def _again(do: str, every_ms: float, for_ms: float, who: str = "random") -> Tables:
    """Something that happens again and again, each time for a while."""
    return _event(do, every_ms=every_ms, who=who, for_ms={"exponential": for_ms})


def _steady(
    trials: int, *events: Tables, ms: float = 500, network: Tables = SLOW, **tables: Tables
) -> tuple[int, Tables]:
    return trials, {
        "timeouts": CONTESTED, "network": network, "stop": lasting(ms),
        "scenario": {"kind": "steady", "event": list(events)}, **tables,
    }  # fmt: skip


def _cold(trials: int, *events: Tables, **tables: Tables) -> tuple[int, Tables]:
    return trials, {
        "timeouts": CONTESTED, "network": SLOW, **tables,
        "scenario": {"kind": "cold-start", "event": list(events)},
    }  # fmt: skip


AMNESIA = {"persistence": "none"}
TO_ALL = {"from": 0, "to": [1, 2, 3, 4]}
HAPPENINGS: dict[str, tuple[int, Tables]] = {
    "steady, loss": _steady(400, network=LOSING),
    "steady, synchronised, pre-vote, sticky": (
        300,
        {
            "timeouts": CONTESTED, "network": {**SLOW, "loss": 0.5}, "stop": lasting(500),
            "scenario": {"kind": "steady", "crash_phase": "synchronised"},
            "protocol": {"pre_vote": "on", "sticky": "min"},
        },
    ),
    "steady, ticks, distinct logs": _steady(
        300, network=LOSING, cluster={"log": "distinct"},
        timeouts={"election_ms": [60, 120], "tick_ms": 20, "heartbeat_ms": 20},
    ),
    "steady, poll, looks, drift": _steady(
        300, network=LOSING, timeouts={**CONTESTED, "timer": "keep", "poll_ms": [5, 20]},
        node={"drift_ppm": 50_000},
    ),
    "the leader crashes": _steady(500, _event("crash", at_ms=[50, 150], who="leader")),
    "leaders crash and come back": _steady(
        200, _again("crash", 150, 100, "leader"), ms=700,
        protocol={"sticky": "min", "check_quorum": True},
    ),
    "any crash": _steady(200, _again("crash", 100, 60), ms=600),
    "any crash, writes, queues, pre-vote, keep": _steady(
        150, _again("crash", 80, 60), network={"latency_ms": {"uniform": [1, 30]}},
        timeouts={**CONTESTED, "timer": "keep"}, protocol={"pre_vote": "on"},
        node={"process_ms": {"exponential": 2}, "persist_ms": {"uniform": [0, 20]}},
    ),
    # One that runs restarts: nothing happens.
    "two crash, three restart": _steady(
        300, _event("crash", at_ms=100, who=[0, 1]),
        _event("restart", at_ms=[150, 300], who=[0, 1, 2]), network=LOSSY,
    ),
    "restarts, a first timeout": _steady(
        200, _again("crash", 60, 20), timeouts={**CONTESTED, "first_ms": [20, 120]}
    ),
    "restarts, poll": _steady(
        200, _again("crash", 60, 20), timeouts={**CONTESTED, "timer": "poll"}
    ),
    "restarts, ticks, pre-vote": _steady(
        200, _again("crash", 60, 20), protocol={"pre_vote": "on"},
        timeouts={"election_ms": [60, 120], "tick_ms": 20, "heartbeat_ms": 20},
    ),
    "restarts, sticky, dead heartbeats": _steady(
        200, _again("crash", 60, 20),
        protocol={"pre_vote": "heartbeat-dead", "sticky": "until-own-timer"},
    ),
    "restarts, losses forgotten": _steady(
        200, _again("crash", 60, 20), timeouts={**CONTESTED, "backoff": "failures"},
        protocol={"priority": "decay", "priorities": [1000, 800, 600, 400, 200]},
    ),
    # Nobody's disc or queue is lost by a pause, and a leader stays in office.
    "the leader pauses": _steady(
        300, _event("pause", at_ms=[50, 150], who="leader", for_ms={"uniform": [20, 300]})
    ),
    "pauses, writes, queues": _steady(
        200, _again("pause", 90, 60),
        node={"process_ms": {"exponential": 2}, "persist_ms": {"uniform": [0, 10]}},
    ),
    "pauses, crashes, asking again": _steady(
        200, _again("pause", 90, 40), _again("crash", 90, 40), network=LOSSY,
        protocol={"repoll_ms": 15},
    ),
    "pause, resume": _steady(
        300, _event("pause", at_ms=60, who=[0, 1, 2]),
        _event("resume", at_ms=[100, 300], who=[0, 1]),
    ),
    "a transfer to one": _steady(
        500, _event("transfer", at_ms=[50, 150], to=3), cluster={"log": "distinct"}
    ),
    "transfers, the lease stands aside": _steady(
        300, _event("transfer", every_ms=100), network={**LOSSY, "duplicate": 0.3},
        protocol={"sticky": "until-own-timer", "pre_vote": "on"},
    ),
    "transfers, crashes, pauses, asking again, writes": _steady(
        200, _event("transfer", every_ms=60), _again("crash", 150, 40), _again("pause", 90, 40),
        protocol={"repoll_ms": 15, "sticky": "min"}, network=LOSSY,
        node={"process_ms": {"exponential": 1}, "persist_ms": {"uniform": [0, 10]}},
    ),
    "partition, heal": _steady(
        300, _event("partition", at_ms=[20, 60], groups=[[0, 1]]), _event("heal", at_ms=300)
    ),
    "partition in three, check-quorum, pre-vote": _steady(
        300,
        _event("partition", at_ms=[20, 60], groups=[[0, 1], [2]], for_ms={"uniform": [50, 300]}),
        protocol={"check_quorum": True, "pre_vote": "on"},
    ),
    # A link is open when every block on it is taken back, or all of them are.
    "partitions that overlap, heal": _steady(
        200, _event("partition", every_ms=120, groups=[[0, 1]], for_ms={"exponential": 100}),
        _event("partition", every_ms=120, groups=[[1, 2], [3]], for_ms={"exponential": 100}),
        _event("heal", every_ms=200),
    ),
    "blocked one way": _steady(
        300,
        _event(
            "block", at_ms=[20, 60], **{"from": [0, 1]}, to=[2, 3, 4], one_way=True, for_ms=200
        ),
    ),
    "blocked twice, unblocked once": _steady(
        300, _event("block", at_ms=20, **TO_ALL), _event("partition", at_ms=30, groups=[[0]]),
        _event("unblock", at_ms=200, **TO_ALL),
    ),
    "blocked, unblocked one way": _steady(
        300, _event("block", at_ms=20, **TO_ALL),
        _event("unblock", at_ms=[100, 200], **{"from": 0}, to=[1, 2], one_way=True),
    ),
    "slow links": _steady(
        300,
        _event("slow", at_ms=[20, 60], **{"from": [0, 1, 2]}, to=[2, 3, 4], add_ms=40, for_ms=200),
        _event("slow", at_ms=100, **{"from": 0}, to=[1, 2], add_ms=25, one_way=True),
    ),
    "slow links, again and again, ordered": _steady(
        200,
        _event("slow", every_ms=100, **{"from": [0, 1, 2]}, to=[2, 3, 4], add_ms=40, for_ms=50),
        network={**SLOW, "ordered": True},
    ),
    "crashes until the first leader": _cold(1000, _again("crash", 40, 60)),
    "pauses until a leader stays": _cold(500, _again("pause", 80, 60), stop=staying(150)),
    "crashes until all follow": _cold(1000, _again("crash", 80, 60), stop=FOLLOWED),
    # Terms and votes are written nowhere: who comes back is in term 0, and has not voted.
    "amnesia, any crash": _steady(300, _again("crash", 60, 20), ms=400, node=AMNESIA),
    "amnesia, many crashes, loss": _steady(
        200, _again("crash", 30, 10), ms=400, network=LOSSY, node=AMNESIA,
        protocol={"pre_vote": "on", "sticky": "min"},
    ),
    "amnesia, all at once": _steady(
        400, _event("crash", at_ms=[100, 150], who=[0, 1, 2, 3, 4], for_ms=5), node=AMNESIA
    ),
    "amnesia, learners, check-quorum, asking again": _steady(
        200, _again("crash", 40, 15), node=AMNESIA, network=LOSSY,
        cluster={"nodes": 6, "learners": [1]}, protocol={"check_quorum": True, "repoll_ms": 13},
    ),
    "amnesia, transfers": _steady(
        200, _again("crash", 60, 20), _event("transfer", every_ms=80), node=AMNESIA,
        protocol={"repoll_ms": 15},
    ),
    "amnesia until the first leader": _cold(1000, _again("crash", 40, 20), node=AMNESIA),
    "amnesia until a leader stays": _cold(
        400, _again("crash", 60, 20), _event("crash", at_ms=200, who=[0, 1, 2, 3, 4], for_ms=9),
        node=AMNESIA, stop=staying(150),
    ),
    "amnesia until all follow, copies": _cold(
        600, _again("crash", 40, 15), node=AMNESIA, stop=FOLLOWED,
        network={**SLOW, "duplicate": 0.5, "loss": 0.3},
    ),
    "amnesia after a leader crash": (
        400, {**_steady(1, _again("crash", 60, 20), node=AMNESIA)[1],
              "scenario": {"kind": "leader-crash", "event": [_again("crash", 60, 20)]}},
    ),
    "amnesia, the crashed leader comes back": (
        600, {**_steady(1, node=AMNESIA)[1],
              "scenario": {"kind": "leader-crash", "event": [
                  _event("restart", at_ms=[10, 60], who=[0, 1, 2, 3, 4]),
                  _event("crash", at_ms=[10, 60], who=[0, 1, 2], for_ms=10),
              ]}},
    ),
    "the crashed leader comes back": (
        600, {**_steady(1, protocol={"sticky": "min"})[1],
              "scenario": {"kind": "leader-crash", "event": [
                  _event("restart", at_ms=[10, 120], who=[0, 1, 2, 3, 4]),
              ]}},
    ),
    "crashes of learners and voters": _steady(
        200, _again("crash", 60, 30), cluster={"nodes": 6, "learners": [0, 3]},
        protocol={"check_quorum": True},
    ),
}  # fmt: skip
