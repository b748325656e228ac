"""Scenarios of the timer classes beyond redraw and keep, and of what sets servers' timers apart.

As in reference_scenarios.py.
"""

from __future__ import annotations

from .reference_rules import LOSSY
from .reference_scenarios import CONTESTED, CRASH, DISTINCT, LONG_TAIL, SLOW, Tables, lasting

WINDOW = {"election_ms": [60, 110], "heartbeat_ms": 15, "timer": "jitter"}
OWN = [{"id": 0, "election_ms": 50}, {"id": 1, "election_ms": [120, 140], "candidate_ms": [30, 60]}]


def _class(timer: str, **keys: object) -> Tables:
    return {**CONTESTED, "timer": timer, **keys}


TIMINGS: dict[str, tuple[int, Tables]] = {
    # Free-running timers are in their stationary state at the start, be it cold.
    "poll, cold": (1500, {"timeouts": _class("poll"), "network": SLOW}),
    "poll, crash, long tail": (
        500, {"timeouts": _class("poll"), "network": LONG_TAIL, "scenario": CRASH,
              "stop": lasting(300)},
    ),
    "poll, loss": (300, {"timeouts": _class("poll"), "network": LOSSY, "stop": lasting(500)}),
    "poll, queues": (
        300, {"timeouts": _class("poll"), "network": {"loss": 0.3}, "scenario": CRASH,
              "node": {"process_ms": {"exponential": 2}}, "stop": lasting(400)},
    ),
    "poll, its own draw, cold": (1500, {"timeouts": _class("poll-own-draw"), "network": SLOW}),
    "poll, its own draw, crash": (
        1500, {"timeouts": _class("poll-own-draw"), "network": SLOW, "scenario": CRASH},
    ),
    "boot": (1000, {"timeouts": _class("boot"), "network": SLOW, "stop": {"limit_ms": 2000}}),
    "boot, candidates' own range": (
        300, {"timeouts": _class("boot", candidate_ms=[40, 90]), "network": LOSSY,
              "scenario": CRASH, "stop": lasting(400)},
    ),
    # Two equal numbers of ticks are a tie that never ends.
    "boot, ticks": (
        200, {"timeouts": {"election_ms": [60, 120], "tick_ms": 20, "heartbeat_ms": 20,
                           "timer": "boot"}, "network": LOSSY, "stop": lasting(400)},
    ),
    "jitter, crash": (1500, {"timeouts": WINDOW, "network": SLOW, "scenario": CRASH}),
    "jitter, loss": (
        300, {"timeouts": WINDOW, "network": {**SLOW, "loss": 0.5}, "scenario": CRASH,
              "stop": lasting(500)},
    ),
    "jitter, a wide window": (
        300, {"timeouts": {**WINDOW, "election_ms": [60, 200]}, "scenario": CRASH,
              "network": {"latency_ms": {"uniform": [20, 40]}, "loss": 0.2},
              "stop": lasting(500)},
    ),
    # Timers are looked at now and then, a leader's too.
    "looks, every 15 ms": (
        400, {"timeouts": {**CONTESTED, "poll_ms": 15}, "network": LOSSY, "scenario": CRASH,
              "stop": lasting(400)},
    ),
    "looks, drawn": (1500, {"timeouts": {**CONTESTED, "poll_ms": [5, 40]}, "network": SLOW}),
    "looks, drawn, drift": (
        300, {"timeouts": {**CONTESTED, "poll_ms": [5, 40]}, "network": LOSSY,
              "node": {"drift_ppm": 300_000}, "stop": lasting(400)},
    ),
    "looks, aligned, fixed": (
        800, {"timeouts": _class("fixed", poll_ms=25, tick_phase="aligned", candidate_ms=[20, 60]),
              "network": LOSSY, "scenario": CRASH},
    ),
    "ranks": (
        1500, {"timeouts": {**CONTESTED, "rank_ms": 15}, "cluster": DISTINCT, "network": SLOW},
    ),
    "ranks, one down, drift": (
        300, {"timeouts": _class("keep", rank_ms=15, candidate_ms=[20, 60]), "network": LOSSY,
              "cluster": {"log": [3, 3, 2, 1, 1], "down": [0]}, "node": {"drift_ppm": 300_000},
              "stop": lasting(400)},
    ),
    "a first timeout": (
        1500, {"timeouts": {**CONTESTED, "first_ms": [100, 110], "candidate_ms": [30, 90]},
               "network": SLOW},
    ),
    "a first timeout, jitter": (
        300, {"timeouts": _class("jitter", first_ms=[20, 50]), "network": LOSSY,
              "stop": lasting(400)},
    ),
    "a first timeout after a crash is like any": (
        1500, {"timeouts": {**CONTESTED, "first_ms": [10, 20]}, "network": SLOW, "scenario": CRASH},
    ),
    "ahead at boot": (
        400, {"timeouts": {**CONTESTED, "fast_forward_ms": 80}, "network": LOSSY,
              "stop": lasting(400)},
    ),
    "servers that differ": (
        400, {"timeouts": {**CONTESTED, "server": OWN}, "network": LOSSY, "stop": lasting(400)},
    ),
    "servers that differ, fixed, crash": (
        400, {"timeouts": _class("fixed", server=OWN, candidate_ms=[30, 50]), "network": LOSSY,
              "scenario": CRASH, "stop": lasting(400)},
    ),
}  # fmt: skip
