"""Random scenarios for hypothesis: everything the contract allows, the unkind corners among it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from raftfast import Scenario

ms = st.sampled_from([0.0, 0.5, 1.0, 5.0, 30.0, 120.0])
chances = st.sampled_from([0.0, 0.05, 0.3, 0.8])


def _plain_laws() -> st.SearchStrategy[Any]:
    return st.one_of(
        ms,
        st.tuples(ms, ms).map(lambda p: {"uniform": sorted(p)}),
        st.sampled_from([{"exponential": 7.0}, {"lognormal": [10.0, 1.0]}, {"pareto": [2.0, 1.1]}]),
        st.sampled_from(
            [
                {"normal": [5.0, 3.0]},
                {"normal": [2.0, 4.0], "below": "clamp"},
                {"normal": [10.0, 2.0], "plus": 3},
            ]
        ),
    )


def laws() -> st.SearchStrategy[Any]:
    """Latencies: every law, and mixtures of them."""
    mixtures = st.tuples(_plain_laws(), _plain_laws()).map(
        lambda pair: {"mixture": [[0.75, pair[0]], [0.25, pair[1]]]}
    )
    return st.one_of(_plain_laws(), mixtures)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """The tables of a scenario; its trials are worth about the same time whatever its size."""
    nodes = draw(
        st.one_of(st.integers(1, 9), st.integers(1, 9), st.sampled_from([21, 64, 65, 101]))
    )
    low = draw(st.sampled_from([20.0, 150.0, 300.0]))
    high = low + draw(st.sampled_from([0.0, 5.0, 150.0]))
    kind = draw(st.sampled_from(["cold-start", "leader-crash", "steady"]))
    running = draw(st.integers((nodes + 2) // 2, nodes))
    order = draw(st.permutations(range(nodes)))
    witnesses = draw(st.sampled_from([0, 0, 0, 1, 2]))
    learners = draw(st.sampled_from([0, 0, 1, 3]))
    timeouts: dict[str, Any] = {
        "election_ms": [low, high],
        "heartbeat_ms": draw(st.sampled_from([7.0, 13.0])),
    }
    if draw(st.booleans()):
        timeouts["candidate_ms"] = draw(st.sampled_from([[23.0, 46.0], [100.0, 200.0], 80.0]))
    if draw(st.integers(0, 3)) == 0:
        timeouts |= {"election_ms": [20.0, 40.0], "candidate_ms": [20.0, 60.0], "tick_ms": 5.0}
        timeouts["tick_phase"] = draw(st.sampled_from(["random", "aligned"]))
    timeouts |= draw(timers(nodes, "tick_ms" in timeouts))
    return {
        "cluster": {
            "nodes": nodes,
            "down": order[running:],
            "witnesses": sorted(order[1 : 1 + witnesses]),
            "learners": sorted(order[1 + witnesses : 1 + witnesses + learners]),
            "log": draw(
                st.one_of(
                    st.sampled_from(["equal", "equal", "distinct"]),
                    st.lists(st.integers(0, 3), min_size=nodes, max_size=nodes),
                )
            ),
        },
        "timeouts": timeouts,
        "protocol": draw(protocols(nodes)),
        "network": draw(networks(nodes)),
        "node": draw(nodes_tables()),
        "scenario": {
            "kind": kind,
            "crash_phase": draw(st.sampled_from(["uniform", "synchronised"])),
            "event": draw(st.lists(events(nodes, order[0]), max_size=4)),
        },
        "stop": draw(stops(nodes)) | ({"on": "duration"} if kind == "steady" else {}),
    }


@st.composite
def timers(draw: st.DrawFn, nodes: int, ticks: bool) -> dict[str, Any]:
    """The timer class, and what else there is to a timeout."""
    classes = ["redraw", "keep", "fixed", "boot"]
    classes += ["redraw-each-tick"] if ticks else ["poll", "poll-own-draw", "jitter"]
    timers: dict[str, Any] = {"timer": draw(st.sampled_from(classes))}
    if timers["timer"] == "redraw" and not ticks:
        detectors = ["none", "none", "ewma", "phi", "aten", "dynatune", "dynatune"]
        timers["detector"] = draw(st.sampled_from(detectors))
    if draw(st.integers(0, 3)) == 0:
        timers["first_ms"] = draw(st.sampled_from([[60.0, 90.0], 50.0]))
    if draw(st.integers(0, 3)) == 0:
        timers["fast_forward_ms"] = draw(st.sampled_from([10.0, 500.0]))
    if draw(st.integers(0, 3)) == 0:
        timers["rank_ms"] = 25.0
    if draw(st.integers(0, 3)) == 0 and not ticks:
        timers["poll_ms"] = draw(st.sampled_from([9.0, [5.0, 40.0]]))
    if draw(st.integers(0, 2)) == 0:
        kinds = ["rejections", "failures", "lost-elections", "kafka-2024"]
        timers["backoff"] = draw(st.sampled_from(kinds))
        timers["backoff_factor"] = draw(st.sampled_from([1.5, 2.0]))
        timers["backoff_max_ms"] = draw(st.sampled_from([100.0, 30_000.0]))
    timers["escape_ms"] = draw(st.sampled_from([0.0, 10.0]))
    if draw(st.integers(0, 3)) == 0:
        timers["server"] = [{"id": nodes - 1, "election_ms": [30.0, 60.0]}]
        if draw(st.booleans()):
            timers["server"][0]["candidate_ms"] = 40.0
    return timers


@st.composite
def protocols(draw: st.DrawFn, nodes: int) -> dict[str, Any]:
    """What systems do about votes."""
    often = st.integers(0, 2).map(lambda i: i == 0)
    protocol: dict[str, Any] = {
        "pre_vote": draw(st.sampled_from(["off", "off", "on", "log", "heartbeat-dead", "dry-run"])),
        "step_down_timer": draw(st.sampled_from(["keep", "redraw"])),
        "sticky": draw(st.sampled_from(["off", "off", "min", "max", "until-own-timer", 35.0])),
        "refusals": draw(st.sampled_from(["explicit", "silent"])),
        "check_quorum": draw(often),
        "check_quorum_ms": draw(st.sampled_from([0.0, 25.0])),
        "on_rejection": draw(st.sampled_from(["wait", "wait", "follower"])),
        "wait_for": draw(st.sampled_from(["quorum", "quorum", "all", "higher"])),
        "priority": draw(
            st.sampled_from(
                ["none", "none", "tie-break", "decay", "decay-fixed", "decay-skip", "escape"]
            )
        ),
        "quirks": draw(
            st.sampled_from(
                [[], [], ["refuse-new-term"], ["restart-on-response"], ["deaf-to-responses"]]
            )
        ),
    }
    if draw(often):
        protocol["repoll_ms"] = draw(st.sampled_from([8.0, 60.0]))
        protocol["repoll_denied"] = draw(st.booleans())
    if draw(often):
        protocol["redraw_on_precandidate"] = draw(st.booleans())
    if draw(often):
        protocol["priorities"] = [1 + 7 * i % nodes for i in range(nodes)]
    return protocol


@st.composite
def events(draw: st.DrawFn, nodes: int, heir: int) -> dict[str, Any]:
    """Something that happens to servers or links; `heir` is one that can lead."""
    ids = st.integers(0, nodes - 1)
    kinds = ["crash", "crash", "restart", "pause", "resume", "partition", "heal", "transfer"]
    kinds += ["block", "unblock", "slow"] if nodes > 1 else []
    do = draw(st.sampled_from(kinds))
    event: dict[str, Any] = {"do": do}
    if draw(st.booleans()):
        event["at_ms"] = draw(st.sampled_from([0.0, 40.0, [10.0, 300.0], 250.0]))
    else:
        event["every_ms"] = draw(st.sampled_from([60.0, 300.0]))
    if do in ("crash", "pause"):
        event["who"] = draw(st.one_of(st.sampled_from(["leader", "random"]), ids))
    elif do in ("restart", "resume"):
        event["who"] = draw(st.lists(ids, min_size=1, max_size=2))
    elif do == "partition":
        event["groups"] = [sorted(draw(st.sets(ids, min_size=1, max_size=3)))]
    elif do == "transfer":
        if draw(st.booleans()):
            event["to"] = heir
    elif do != "heal":
        event["from"] = draw(ids)
        event["to"] = draw(
            st.lists(ids, min_size=1, max_size=2).filter(lambda to: set(to) != {event["from"]})
        )
        event["one_way"] = draw(st.booleans())
    if do == "slow":
        event["add_ms"] = 30.0
    if do in ("crash", "pause", "partition", "block", "slow") and draw(st.booleans()):
        event["for_ms"] = draw(st.sampled_from([0.0, 70.0, {"exponential": 100.0}]))
    return event


@st.composite
def networks(draw: st.DrawFn, nodes: int) -> dict[str, Any]:
    network: dict[str, Any] = {
        "latency_ms": draw(laws()),
        "loss": draw(chances),
        "duplicate": draw(chances),
        "ordered": draw(st.booleans()),
    }
    if nodes > 1 and draw(st.booleans()):
        link: dict[str, Any] = {
            "from": 0,
            "to": sorted(draw(st.sets(st.integers(1, nodes - 1), min_size=1, max_size=3))),
            "one_way": draw(st.booleans()),
            "loss": draw(st.sampled_from([0.0, 0.5, 1.0])),
        }
        if draw(st.booleans()):
            link["latency_ms"] = draw(laws())
        network["link"] = [link]
    return network


@st.composite
def nodes_tables(draw: st.DrawFn) -> dict[str, Any]:
    node: dict[str, Any] = {"drift_ppm": draw(st.sampled_from([0.0, 0.0, 200.0, 100_000.0]))}
    if draw(st.integers(0, 2)) == 0:
        # Up to 40 ms a message: with many servers, more work comes in than is done.
        node["process_ms"] = draw(
            st.sampled_from([0.1, 2.0, 40.0, {"exponential": 4.0}, {"uniform": [0, 9]}])
        )
    node["candidacy"] = draw(st.sampled_from(["before", "overlapped"]))
    persist = draw(st.integers(0, 3))
    if persist == 0:
        node["persist_ms"] = draw(st.sampled_from([1.0, 15.0, {"normal": [2.0, 1.5]}]))
    elif persist == 1:
        node["persist"] = {
            "candidate": 2.0,
            "term": draw(laws()),
            "vote": {"normal": [1.0, 1.3], "below": "clamp"},
            "lead": 3.0,
        }
    elif node["candidacy"] == "before":
        node["persistence"] = draw(st.sampled_from(["durable", "none"]))
    return node


@st.composite
def stops(draw: st.DrawFn, nodes: int) -> dict[str, Any]:
    """Half of them run past the first leader."""
    limit = 1500.0 if nodes < 10 else 300.0
    on = draw(st.sampled_from(["leader", "followed", "stable", "duration"]))
    return {
        "on": on,
        "stable_ms": limit / 4,
        "duration_ms": limit / 2,
        "limit_ms": limit,
    }


def scenarios() -> st.SearchStrategy[Scenario]:
    """Valid scenarios."""
    return tables().map(Scenario.from_dict)
