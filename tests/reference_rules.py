"""Scenarios of what systems add to the paper: when votes are withheld, and when a server waits.

As in reference_scenarios.py; nearly all run past the first leader.
"""

from __future__ import annotations

import random
from typing import Any

from .reference_scenarios import (
    CONTESTED,
    CRASH,
    DISTINCT,
    FOLLOWED,
    LONG_TAIL,
    SLOW,
    Tables,
    lasting,
    staying,
)

LOSSY = {**SLOW, "loss": 0.25}
LOSING = {**SLOW, "loss": 0.4}
NARROW = {"election_ms": [30, 45], "heartbeat_ms": 15, "backoff_ms": 20, "backoff_max_ms": 200}
PRIORITIES = [1000, 800, 600, 400, 200]


def _protocol(trials: int, timeouts: Tables | None = None, **keys: Any) -> tuple[int, Tables]:
    """A crash, losses and a duration, under these keys of [protocol]."""
    return trials, {
        "timeouts": timeouts or CONTESTED, "network": LOSSY, "scenario": CRASH,
        "stop": lasting(400), "protocol": keys,
    }  # fmt: skip


def _learning(trials: int, learners: list[int], **tables: Tables) -> tuple[int, Tables]:
    """The same with learners among the servers."""
    base = _protocol(trials)[1]
    return trials, {
        **base, **tables, "cluster": {**tables.get("cluster", {}), "learners": learners},
    }  # fmt: skip


# Servers 0 and 1 hold by a leader for longer, and server 2 for a shorter time.
OWN = [
    {"id": 0, "election_ms": [140, 200], "candidate_ms": [40, 90]},
    {"id": 1, "election_ms": [100, 180]},
    {"id": 2, "election_ms": [40, 80]},
]


def _owning(trials: int, **keys: Any) -> tuple[int, Tables]:
    """The same where three of the servers have ranges of their own."""
    return _protocol(trials, {**CONTESTED, "server": OWN}, **keys)


RULES: dict[str, tuple[int, Tables]] = {
    # Who withholds votes, how long, and what it answers.
    "sticky, min": _protocol(400, sticky="min"),
    "sticky, max, silent": _protocol(400, sticky="max", refusals="silent"),
    "sticky, until its own timer": _protocol(400, sticky="until-own-timer"),
    "sticky, 45 ms, silent": _protocol(400, sticky=45, refusals="silent"),
    "sticky, ticks": _protocol(
        300, {"election_ms": [60, 120], "tick_ms": 20, "heartbeat_ms": 20}, sticky="max"
    ),
    "sticky, drift": (
        300, {**_protocol(1, sticky="min")[1], "node": {"drift_ppm": 200_000}, "scenario": {},
              "timeouts": {"election_ms": [100, 110], "heartbeat_ms": 30}},
    ),
    # What withholds votes withholds pre-votes.
    "pre-vote by log, sticky": _protocol(400, pre_vote="log", sticky="max"),
    "pre-vote, sticky, silent": _protocol(
        300, pre_vote="on", sticky="until-own-timer", refusals="silent"
    ),
    "pre-vote, silent": _protocol(
        300, {**CONTESTED, "candidate_ms": [20, 40]}, pre_vote="on", refusals="silent"
    ),
    "pre-vote by dead heartbeats": _protocol(400, pre_vote="heartbeat-dead"),
    "pre-vote by dead heartbeats, distinct logs, check-quorum": (
        300, {**_protocol(1, pre_vote="heartbeat-dead", check_quorum=True)[1],
              "cluster": DISTINCT, "network": LOSING},
    ),
    # The leader's side.
    "check-quorum": (
        400, {"timeouts": CONTESTED, "network": LOSING, "stop": lasting(500),
              "protocol": {"check_quorum": True, "check_quorum_ms": 50}},
    ),
    "check-quorum, the minimum, queues": (
        300, {"timeouts": CONTESTED, "network": {"loss": 0.3}, "stop": lasting(400),
              "protocol": {"check_quorum": True, "sticky": "min"},
              "node": {"process_ms": {"exponential": 2}, "persist_ms": {"uniform": [0, 10]}}},
    ),
    # A number of votes of the gist's; with six servers two leaders may share a term.
    "the gist's quorum, five": (1500, {"cluster": {"quorum": "gist"}, "timeouts": CONTESTED}),
    "the gist's quorum, six, check-quorum": (
        400, {"cluster": {"nodes": 6, "quorum": "gist"}, "timeouts": CONTESTED, "network": LOSSY,
              "protocol": {"check_quorum": True}, "stop": lasting(200)},
    ),
    # What a candidate makes of refusals, and whom it asks again.
    "a rejected candidate follows": (
        400, {"timeouts": {**CONTESTED, "timer": "keep", "candidate_ms": [30, 120]},
              "cluster": {"nodes": 4}, "protocol": {"on_rejection": "follower"},
              "network": LOSSY, "stop": lasting(300)},
    ),
    "a rejected pre-candidate follows": _protocol(
        300, {**CONTESTED, "candidate_ms": [30, 120]}, on_rejection="follower", pre_vote="on",
        sticky="max",
    ),
    "waiting for all, one is down": (
        500, {"timeouts": CONTESTED, "cluster": {"down": [2]}, "network": SLOW,
              "protocol": {"wait_for": "all"}, "stop": lasting(300)},
    ),
    "waiting for all, pre-vote, asking again": (
        300, {"timeouts": CONTESTED, "cluster": DISTINCT, "network": LOSSY,
              "protocol": {"wait_for": "all", "pre_vote": "on", "repoll_ms": 17},
              "stop": staying(100)},
    ),
    "asking again": (
        400, {"timeouts": CONTESTED, "network": {**SLOW, "loss": 0.5},
              "protocol": {"repoll_ms": 11}, "stop": FOLLOWED},
    ),
    "asking again who refused, writes": (
        250, {**_protocol(1, sticky="max", repoll_ms=11, repoll_denied=True)[1],
              "node": {"persist_ms": {"uniform": [0, 10]}}},
    ),
    # Priorities.
    "priority, tie-break": _protocol(400, priority="tie-break"),
    "priority, tie-break, pre-vote, given": (
        400, {**_protocol(1, priority="tie-break", priorities=[1, 3, 3, 2, 2], pre_vote="on")[1],
              "cluster": {"log": [2, 2, 2, 1, 1]}},
    ),
    "priority, decay": (
        300, {**_protocol(1, priority="decay", priorities=PRIORITIES)[1], "stop": lasting(600)},
    ),
    "priority, decay, two down": (
        1000, {"timeouts": CONTESTED, "cluster": {"down": [0, 1]},
               "protocol": {"priority": "decay", "priorities": PRIORITIES}},
    ),
    "priority, decay by a fifth": (
        1000, {"timeouts": CONTESTED, "cluster": {"down": [0, 1]},
               "protocol": {"priority": "decay-fixed", "priorities": PRIORITIES}},
    ),
    "priority, decay after one": (
        300, {**_protocol(1, priority="decay-skip", priorities=PRIORITIES)[1],
              "stop": lasting(600)},
    ),
    # Who lost waits longer.
    "backoff, rejections": (
        1500, {"timeouts": {**NARROW, "backoff": "rejections"}, "cluster": {"nodes": 3},
               "network": SLOW},
    ),
    "backoff, rejections, distinct logs": (
        600, {"timeouts": {**NARROW, "backoff": "rejections", "backoff_factor": 1.5},
              "cluster": DISTINCT, "network": SLOW},
    ),
    "backoff, failures": (
        250, {"timeouts": {**NARROW, "backoff": "failures", "candidate_ms": [20, 30]},
              "network": LOSSY, "scenario": CRASH, "stop": lasting(300)},
    ),
    "backoff, failures up to a limit": (
        400, {"timeouts": {**NARROW, "backoff": "failures", "backoff_factor": 1.5},
              "cluster": {"down": [0, 1, 2]}, "stop": lasting(900)},
    ),
    "backoff, lost elections, pre-vote": (
        250, {"timeouts": {**NARROW, "backoff": "lost-elections"}, "protocol": {"pre_vote": "on"},
              "cluster": DISTINCT, "network": LOSSY, "stop": lasting(300)},
    ),
    "backoff, Kafka": (
        300, {"timeouts": {**NARROW, "backoff": "kafka-2024"}, "cluster": DISTINCT,
              "network": LOSSY, "stop": lasting(300)},
    ),
    "backoff, Kafka, four servers": (
        1000, {"timeouts": {**NARROW, "backoff": "kafka-2024"}, "cluster": {"nodes": 4},
               "network": SLOW},
    ),
    # Members that do not vote.
    "learners, cold": (
        1500, {"timeouts": CONTESTED, "cluster": {"learners": [1, 3]}, "network": SLOW},
    ),
    "learners, crash, followed": (
        1000, {"timeouts": CONTESTED, "cluster": {"nodes": 7, "learners": [0, 2, 5], "down": [2]},
               "network": LOSSY, "scenario": CRASH, "stop": FOLLOWED},
    ),
    "learners, the longest logs, crash": _learning(
        400, [0, 1], cluster={"nodes": 6, "log": [9, 8, 2, 2, 1, 1]}
    ),
    "learners, the gist's quorum": _learning(
        400, [4], cluster={"nodes": 5, "quorum": "gist"}, protocol={"check_quorum": True},
    ),
    "learners, one voter": (
        400, {"timeouts": CONTESTED, "cluster": {"nodes": 4, "learners": [0, 1, 2]},
              "protocol": {"pre_vote": "on"}, "stop": FOLLOWED},
    ),
    "learners, check-quorum, sticky, pre-vote": _learning(
        300, [0, 1], protocol={"check_quorum": True, "sticky": "min", "pre_vote": "on"},
        network=LOSING,
    ),
    "learners, waiting for all, asking again": _learning(
        300, [0, 4], protocol={"wait_for": "all", "repoll_ms": 13, "pre_vote": "log"},
    ),
    "learners, rejections, asking again who refused": _learning(
        300, [2], cluster={"nodes": 6, "log": "distinct"},
        protocol={"on_rejection": "follower", "repoll_ms": 13, "repoll_denied": True},
    ),
    "learners, backoff by rejections": (
        600, {"timeouts": {**NARROW, "backoff": "rejections"}, "network": SLOW,
              "cluster": {"nodes": 6, "learners": [0, 5]}},
    ),
    "learners, ranks": (
        1000, {"timeouts": {**CONTESTED, "rank_ms": 15}, "network": SLOW,
               "cluster": {"learners": [0, 1], "log": [5, 4, 3, 2, 1]}},
    ),
    "learners, decay": (
        1000, {"timeouts": CONTESTED, "cluster": {"learners": [0], "down": [1]},
               "protocol": {"priority": "decay", "priorities": PRIORITIES}},
    ),
    "learners, queues and writes, followed": (
        400, {"timeouts": {"election_ms": [80, 120], "heartbeat_ms": 30}, "stop": FOLLOWED,
              "cluster": {"nodes": 6, "learners": [3, 4, 5]}, "network": {"loss": 0.3},
              "node": {"process_ms": {"exponential": 4}, "persist_ms": {"uniform": [0, 10]}}},
    ),
    # Leases go by a server's own range.
    "own ranges, pre-vote": _owning(400, pre_vote="on"),
    "own ranges, sticky, min": _owning(400, sticky="min"),
    "own ranges, sticky, max, silent": _owning(400, sticky="max", refusals="silent"),
    "own ranges, sticky, max, pre-vote, drift": (
        300, {**_owning(1, sticky="max", pre_vote="on")[1], "node": {"drift_ppm": 300_000}},
    ),
    "own ranges, sticky, a number, ticks": (
        300, {**_owning(1, sticky=55, pre_vote="on")[1],
              "timeouts": {**CONTESTED, "election_ms": [60, 100], "tick_ms": 20, "server": OWN}},
    ),
    "own ranges, check-quorum": _owning(400, check_quorum=True),
}  # fmt: skip


def mixes(number: int) -> dict[str, tuple[int, Tables]]:
    """Options drawn at random; the draws are fixed, and pass by what cannot be combined."""
    rng = random.Random(20240301)
    pick = rng.choice
    found = {}
    for i in range(number):
        backoff = pick(["none", "none", "failures", "lost-elections", "kafka-2024"])
        found[f"mix {i}"] = 250, {
            "cluster": {
                "nodes": pick([3, 4, 5, 7]), "log": pick(["equal", "distinct"]),
                "learners": [[], [1], [0]][i % 3],
            },
            "timeouts": {
                "election_ms": [60, pick([75, 90, 120])], "heartbeat_ms": pick([15, 25]),
                "timer": pick(["redraw", "keep", "boot", "fixed"]), "backoff": backoff,
                "candidate_ms": [40, 90], "rank_ms": 0, "poll_ms": pick([0, 0, 10]),
            },
            "protocol": {
                "pre_vote": pick(["off", "on"]) if backoff == "none" else "off",
                "sticky": pick(["off", "min", "max", "until-own-timer"]),
                "refusals": pick(["explicit", "silent"]),
                "check_quorum": pick([False, True]),
                "on_rejection": "wait" if backoff != "none" else pick(["wait", "follower"]),
                "wait_for": pick(["quorum", "all"]) if backoff == "none" else "quorum",
                "repoll_ms": pick([0, 0, 13]), "repoll_denied": True,
                "step_down_timer": pick(["keep", "redraw"]),
                "priority": pick(["none", "none", "tie-break"]),
            },
            "network": pick([SLOW, LOSSY, LOSING, LONG_TAIL]),
            "node": {"persist_ms": pick([0, {"uniform": [0, 8]}])},
            "scenario": pick([{}, CRASH]), "stop": pick([lasting(250), staying(100), {}]),
        }  # fmt: skip
    return found
