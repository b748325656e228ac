"""The scenarios in which the engine and the reference model are compared, every option among them.

A comment above one says which rule of MODEL.md it is there for, where that is not in its name.
"""

from __future__ import annotations

from typing import Any

Tables = dict[str, Any]

CRASH = {"kind": "leader-crash"}
TOGETHER = {"kind": "leader-crash", "crash_phase": "synchronised"}
SLOW = {"latency_ms": {"uniform": [8, 12]}}
LONG_TAIL = {"latency_ms": {"exponential": 15}}
CONTESTED = {"election_ms": [60, 90], "heartbeat_ms": 20}


def lasting(ms: float) -> Tables:
    return {"on": "duration", "duration_ms": ms}


def staying(ms: float) -> Tables:
    return {"on": "stable", "stable_ms": ms}


FOLLOWED = {"on": "followed"}
PRE_VOTE = {"pre_vote": "on"}
DISTINCT = {"log": "distinct"}

# By name: how many trials the model runs (as many as its speed allows), and the tables.
SCENARIOS: dict[str, tuple[int, Tables]] = {
    # The start, the number of servers, who can win.
    "defaults": (3000, {}),
    "leader crash": (3000, {"scenario": CRASH}),
    "one server, its write": (
        1000, {"cluster": {"nodes": 1}, "node": {"persist_ms": {"uniform": [5, 20]}}},
    ),
    "two servers, loss": (
        1000, {"cluster": {"nodes": 2}, "timeouts": CONTESTED, "network": {**SLOW, "loss": 0.5}},
    ),
    "three servers, many terms": (
        1000,
        {"cluster": {"nodes": 3}, "timeouts": {"election_ms": [30, 45]}, "network": SLOW},
    ),
    "four servers, crash, down, followed": (
        1000,
        {
            "cluster": {"nodes": 4, "down": [2]}, "scenario": CRASH, "timeouts": CONTESTED,
            "network": {**SLOW, "loss": 0.1}, "stop": {**FOLLOWED, "limit_ms": 300},
        },
    ),
    "seven servers, synchronised, candidates' own range": (
        500,
        {
            "cluster": {"nodes": 7}, "scenario": TOGETHER, "network": SLOW,
            "timeouts": {"election_ms": [150, 170], "candidate_ms": [20, 60]},
        },
    ),
    "nine servers, three down": (
        500,
        {
            "cluster": {"nodes": 9, "down": [1, 4, 8]}, "scenario": CRASH,
            "timeouts": {"election_ms": [150, 200]}, "network": {"latency_ms": {"exponential": 8}},
        },
    ),
    "no majority": (
        500,
        {
            "cluster": {"down": [0, 1, 2]}, "timeouts": {"election_ms": [50, 100]},
            "stop": {"on": "leader", "limit_ms": 500},
        },
    ),
    "censored by the limit": (
        1000,
        {
            "timeouts": {"election_ms": [30, 45]}, "network": SLOW,
            "stop": {"on": "leader", "limit_ms": 60},
        },
    ),
    "four votes of five": (
        650,
        {
            "cluster": {"quorum": 4}, "scenario": CRASH, "network": SLOW,
            "timeouts": {"election_ms": [100, 150]},
        },
    ),
    "two votes of four": (
        650, {"cluster": {"nodes": 4, "quorum": 2}, "timeouts": CONTESTED, "network": SLOW},
    ),
    "logs of given lengths": (
        650, {"cluster": {"log": [3, 3, 2, 1, 1]}, "scenario": CRASH, "timeouts": CONTESTED},
    ),
    # Timers.
    "candidates' own range": (
        500, {"timeouts": {"election_ms": [50, 60], "candidate_ms": [20, 100]}, "network": SLOW},
    ),
    "keep, crash, long tail": (
        650, {"timeouts": {**CONTESTED, "timer": "keep"}, "scenario": CRASH, "network": LONG_TAIL},
    ),
    "keep, redraw on stepping down, distinct logs": (
        300,
        {
            "timeouts": {**CONTESTED, "candidate_ms": [25, 120], "timer": "keep"},
            "protocol": {"step_down_timer": "redraw"}, "network": {**SLOW, "loss": 0.2},
            "cluster": DISTINCT, "stop": staying(100),
        },
    ),
    # A role that changes draws anew: a candidate that stepped down and hears from a leader waits
    # as a follower does.
    "keep, a deposed candidate follows": (
        300,
        {
            "timeouts": {
                "election_ms": [200, 210], "candidate_ms": [60, 120], "heartbeat_ms": 50,
                "timer": "keep",
            },
            "network": {"latency_ms": {"uniform": [4, 8]}, "loss": 0.3}, "cluster": DISTINCT,
            "stop": lasting(1500),
        },
    ),
    "redraw on stepping down, distinct logs": (
        500,
        {
            "timeouts": {"election_ms": [40, 60], "candidate_ms": [25, 120]}, "network": SLOW,
            "protocol": {"step_down_timer": "redraw"}, "cluster": DISTINCT,
        },
    ),
    "fixed, candidates draw": (
        650,
        {
            "timeouts": {"election_ms": [100, 150], "candidate_ms": [40, 90], "timer": "fixed"},
            "scenario": CRASH, "network": LONG_TAIL,
        },
    ),
    "drift": (
        300,
        {
            "timeouts": {"election_ms": [100, 110], "heartbeat_ms": 30},
            "node": {"drift_ppm": 300_000}, "stop": lasting(500),
        },
    ),
    # Ticks.
    "ticks, random": (
        1000,
        {"timeouts": {"election_ms": [100, 205], "tick_ms": 25}, "scenario": CRASH},
    ),
    "ticks, aligned, synchronised": (
        650,
        {
            "timeouts": {"election_ms": [100, 200], "tick_ms": 25, "tick_phase": "aligned"},
            "scenario": TOGETHER, "node": {"drift_ppm": 5000},
        },
    ),
    "ticks, aligned, ties with deliveries": (
        200,
        {
            "timeouts": {
                "election_ms": [50, 100], "tick_ms": 10, "tick_phase": "aligned",
                "heartbeat_ms": 20,
            },
            "network": {"latency_ms": 10, "loss": 0.2, "duplicate": 0.2}, "stop": lasting(400),
        },
    ),
    "ticks, keep, distinct logs": (
        500,
        {
            "timeouts": {
                "election_ms": [100, 200], "candidate_ms": [60, 150], "tick_ms": 10,
                "timer": "keep",
            },
            "network": SLOW, "scenario": CRASH, "cluster": DISTINCT,
        },
    ),
    # The largest whole number of ticks within [low, high): six.
    "ticks, fixed": (
        650, {"timeouts": {"election_ms": [100, 200], "tick_ms": 30, "timer": "fixed"}},
    ),
    # Pre-vote.
    "pre-vote": (2000, {"protocol": PRE_VOTE}),
    "pre-vote, crash, candidates' own range": (
        500,
        {
            "protocol": PRE_VOTE, "scenario": CRASH, "network": {**SLOW, "loss": 0.2},
            "timeouts": {"election_ms": [80, 120], "candidate_ms": [30, 60]},
        },
    ),
    "pre-vote, keep, loss": (
        500,
        {
            "protocol": PRE_VOTE, "network": {**SLOW, "loss": 0.3},
            "timeouts": {"election_ms": [60, 90], "candidate_ms": [20, 40], "timer": "keep"},
        },
    ),
    "pre-vote, distinct logs, loss, stable": (
        250,
        {
            "protocol": {**PRE_VOTE, "step_down_timer": "redraw"}, "timeouts": CONTESTED,
            "network": {**SLOW, "loss": 0.3}, "cluster": DISTINCT, "stop": staying(150),
        },
    ),
    "pre-vote, copies, writes, a duration": (
        200,
        {
            "protocol": PRE_VOTE, "timeouts": CONTESTED, "cluster": DISTINCT,
            "network": {**LONG_TAIL, "duplicate": 0.5, "loss": 0.2},
            "node": {"persist_ms": {"uniform": [0, 20]}, "process_ms": {"uniform": [0, 4]}},
            "stop": lasting(400),
        },
    ),
    # The voter's lease is over at the tick at which a timer of the minimum would be.
    "pre-vote, ticks": (
        500,
        {
            "protocol": PRE_VOTE, "timeouts": {"election_ms": [60, 120], "tick_ms": 20},
            "network": SLOW,
        },
    ),
    # Its clock drifts for the lease as for everything else.
    "pre-vote, drift": (
        650,
        {
            "protocol": PRE_VOTE, "timeouts": {"election_ms": [100, 110]}, "scenario": CRASH,
            "node": {"drift_ppm": 200_000},
        },
    ),
    # The lease is the range's minimum, whatever followers wait and however exact the clock is.
    "pre-vote, fixed, drift": (
        500,
        {
            "protocol": PRE_VOTE, "timeouts": {"election_ms": [100, 150], "timer": "fixed"},
            "node": {"drift_ppm": 50_000},
        },
    ),
    # Links.
    "heavy loss, followed": (
        200,
        {"network": {**SLOW, "loss": 0.5}, "timeouts": CONTESTED, "stop": FOLLOWED},
    ),
    "ordered, copies, loss, stable": (
        200,
        {
            "network": {**LONG_TAIL, "loss": 0.2, "duplicate": 0.5, "ordered": True},
            "timeouts": CONTESTED, "stop": staying(150),
        },
    ),
    "ordered": (
        200,
        {
            "network": {"latency_ms": {"exponential": 25}, "ordered": True},
            "timeouts": CONTESTED, "stop": lasting(300),
        },
    ),
    "normal, clamped": (
        650,
        {
            "network": {"latency_ms": {"normal": [5, 6], "below": "clamp", "plus": 2}},
            "timeouts": CONTESTED,
        },
    ),
    "normal, drawn again": (
        650, {"network": {"latency_ms": {"normal": [5, 6]}}, "timeouts": CONTESTED},
    ),
    "links of their own, one unreachable": (
        500,
        {
            "timeouts": CONTESTED, "stop": FOLLOWED,
            "network": {
                "link": [
                    {"from": 0, "to": [1, 2], "latency_ms": {"uniform": [20, 40]}, "loss": 0.3},
                    {"from": [0, 1, 2, 3], "to": 4, "one_way": True, "loss": 1.0},
                    {"from": [2], "to": [0, 3], "duplicate": 0.8},
                ]
            },
        },
    ),
    # Queues and writes.
    "processing, crash, pre-vote": (
        300,
        {
            "node": {"process_ms": {"exponential": 8}}, "scenario": CRASH, "protocol": PRE_VOTE,
            "timeouts": {"election_ms": [100, 150]}, "network": LONG_TAIL,
        },
    ),
    "saturated processing": (
        200,
        {
            "node": {"process_ms": {"uniform": [4, 8]}}, "stop": lasting(400),
            "timeouts": {"election_ms": [60, 90], "heartbeat_ms": 15},
        },
    ),
    "saturated processing, seven servers, followed": (
        250,
        {
            "node": {"process_ms": {"exponential": 9}}, "cluster": {"nodes": 7},
            "timeouts": {"election_ms": [80, 120], "heartbeat_ms": 40}, "stop": FOLLOWED,
        },
    ),
    "one write a handler": (
        200,
        {
            "node": {"persist_ms": {"exponential": 6}}, "cluster": DISTINCT, "timeouts": CONTESTED,
            "network": {"loss": 0.1}, "stop": staying(150),
        },
    ),
    "writes apart, followed": (
        650,
        {
            "node": {
                "persist": {
                    "candidate": 5, "term": {"uniform": [2, 6]}, "vote": {"exponential": 4},
                    "lead": {"uniform": [20, 40]},
                },
                "process_ms": {"exponential": 2},
            },
            "timeouts": {"election_ms": [80, 120], "heartbeat_ms": 30}, "scenario": CRASH,
            "stop": FOLLOWED,
        },
    ),
    # What still waits for its sender's write when the trial ends has not been sent.
    "messages that never left": (
        650,
        {"node": {"persist": {"candidate": {"uniform": [0, 150]}}}, "network": {"latency_ms": 1}},
    ),
    # One vote is enough: whose write is done first leads, and others may have campaigned by then.
    "one vote of five, writes": (
        650,
        {
            "cluster": {"quorum": 1}, "timeouts": CONTESTED,
            "node": {"persist_ms": {"uniform": [0, 40]}},
        },
    ),
    # The stop rules.
    "stable, distinct logs": (
        500,
        {
            "cluster": DISTINCT, "network": SLOW, "stop": staying(200),
            "timeouts": {"election_ms": [60, 100], "heartbeat_ms": 30},
        },
    ),
    "duration, crash, loss": (
        300,
        {
            "scenario": CRASH, "cluster": {"nodes": 3}, "network": {**SLOW, "loss": 0.6},
            "timeouts": {"election_ms": [60, 100], "heartbeat_ms": 30}, "stop": lasting(900),
        },
    ),
    "everything": (
        200,
        {
            "cluster": {"nodes": 7, "down": [3], "log": "distinct"},
            "timeouts": {
                "election_ms": [100, 200], "candidate_ms": [80, 160], "timer": "keep",
                "heartbeat_ms": 40,
            },
            "protocol": {"pre_vote": "on", "step_down_timer": "redraw"},
            "network": {
                "latency_ms": {"normal": [6, 4]}, "loss": 0.1, "duplicate": 0.2, "ordered": True,
            },
            "node": {
                "process_ms": {"uniform": [0, 2]}, "persist_ms": {"exponential": 3},
                "drift_ppm": 500,
            },
            "scenario": CRASH, "stop": staying(300),
        },
    ),
}  # fmt: skip
