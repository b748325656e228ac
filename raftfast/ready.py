"""Ready scenarios by name: what happens to a cluster, to lay over a preset or a file.

Times are multiples of the longest election timeout, so that they fit any system; servers are told
apart by their ids. What each is for: `describe`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import InputError
from .schema import TIME_MS_MAX, either, show, suggestions

Tables = Mapping[str, Any]


def names() -> list[str]:
    """The scenarios there are, sorted."""
    return sorted(_READY)


def describe(name: str) -> str:
    """What happens in the scenario, in a sentence."""
    return (_READY[name].__doc__ or "").strip()


def tables(name: str, nodes: int, election_ms: float) -> Tables:
    """The tables of a scenario for `nodes` servers whose longest election timeout is this.

    Raises InputError for a name that is none, or with too few servers.
    """
    if name not in _READY:
        near = suggestions(str(name), names())
        meant = f"did you mean {either(near)}? " if near else ""
        problem = f"value {show(name)}: unknown scenario; {meant}scenarios: {', '.join(names())}"
        raise InputError(problem, key="scenario")
    if nodes < 3 and name != "leader-crash":
        problem = f"value {show(name)}: needs cluster.nodes of 3 or more, not {nodes}"
        raise InputError(problem, key="scenario")
    return _READY[name](nodes, min(election_ms, TIME_MS_MAX / 1000.0))


def _steady(duration_ms: float, *events: Tables) -> Tables:
    return {
        "scenario": {"kind": "steady", "event": list(events)},
        "stop": {"on": "duration", "duration_ms": duration_ms, "limit_ms": duration_ms},
    }


def _leader_crash(nodes: int, wait: float) -> Tables:
    """The leader crashes within a heartbeat of its last one."""
    return {"scenario": {"kind": "leader-crash"}}


def _rolling_restart(nodes: int, wait: float) -> Tables:
    """Every server in turn is down for three timeouts, ten timeouts apart."""
    # However many they are, the last one is back within a scenario's longest time.
    apart = min(10 * wait, TIME_MS_MAX / (nodes + 2))
    return _steady(
        (nodes + 1) * apart,
        *(
            {"do": "crash", "who": i, "at_ms": (i + 1) * apart, "for_ms": 0.3 * apart}
            for i in range(nodes)
        ),
    )


def _partition_heal(nodes: int, wait: float) -> Tables:
    """The cluster falls apart into a majority and the rest for ten timeouts, and heals."""
    majority = list(range(nodes // 2 + 1))
    return _steady(
        40 * wait,
        {"do": "partition", "groups": [majority], "at_ms": 10 * wait, "for_ms": 10 * wait},
    )


def _bridge(nodes: int, wait: float) -> Tables:
    """Two sides no longer reach one another; the server in the middle reaches both."""
    middle = nodes // 2
    left, right = list(range(middle)), list(range(middle + 1, nodes))
    return _steady(60 * wait, {"do": "block", "from": left, "to": right, "at_ms": 10 * wait})


def _deaf(nodes: int, wait: float) -> Tables:
    """Server 0 sends, but from some time on receives nothing."""
    others = list(range(1, nodes))
    return _steady(
        60 * wait, {"do": "block", "from": others, "to": 0, "one_way": True, "at_ms": 10 * wait}
    )


def _slow_disk(nodes: int, wait: float) -> Tables:
    """The leader crashes, and every write of a term or vote takes a fifth of a timeout or so."""
    return {
        "scenario": {"kind": "leader-crash"},
        "node": {"persist_ms": {"exponential": wait / 5}},
    }


def _flaky_link(nodes: int, wait: float) -> Tables:
    """Half of what server 0 sends and is sent gets lost."""
    link = {"from": 0, "to": list(range(1, nodes)), "loss": 0.5}
    return {**_steady(60 * wait), "network": {"link": [link]}}


def _rejoin(nodes: int, wait: float) -> Tables:
    """The last server is cut off for twenty timeouts, and comes back."""
    alone = [[nodes - 1]]
    return _steady(
        60 * wait, {"do": "partition", "groups": alone, "at_ms": 5 * wait, "for_ms": 20 * wait}
    )


_READY: Mapping[str, Callable[[int, float], Tables]] = {
    "leader-crash": _leader_crash,
    "rolling-restart": _rolling_restart,
    "partition-heal": _partition_heal,
    "bridge": _bridge,
    "deaf": _deaf,
    "slow-disk": _slow_disk,
    "flaky-link": _flaky_link,
    "rejoin": _rejoin,
}
