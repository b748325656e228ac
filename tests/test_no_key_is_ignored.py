"""Every key of a scenario does something: for each, scenarios that it changes, and values to see.

What changes is the digest of a run, which is over the columns alone: a key that only finds its way
into the scenario's text is ignored. A key that the table does not hold fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

import raftfast
from raftfast import InputError, Scenario, schema

Tables = Mapping[str, Any]
"""A scenario by dotted keys; a key of a list of tables is one of the list's last table."""

TRIALS, SEED = 300, 7
FILES = {"near.csv": (10, 30, 50), "far.csv": (20, 60, 100)}
"""Latencies between three servers: 0-1, 0-2 and 1-2."""

CRASH = {"scenario.kind": "leader-crash"}
STEADY = {"scenario.kind": "steady", "stop.duration_ms": 2000}
LASTING = {"stop.on": "duration", "stop.duration_ms": 1000}
SLOW = {"network.latency_ms": {"uniform": [8, 12]}}
CONTESTED = {**SLOW, "timeouts.election_ms": [60, 90], "timeouts.heartbeat_ms": 20}
LOSSY = {**CONTESTED, "network.loss": 0.2}
TICKS = {"timeouts.tick_ms": 10}
DISTINCT = {"cluster.log": "distinct"}
ASKED = {"protocol.pre_vote": "on"}
THREE = {"cluster.nodes": 3}
OWN = {"id": 0, "election_ms": [100, 200]}
OWN_AGAIN = {"id": 0, "candidate_ms": [100, 200]}
# A lease is seen where somebody asks for votes whom the leader does not reach.
DEAF_0 = {**STEADY, "network.link": [{"from": [1, 2, 3, 4], "to": 0, "one_way": True, "loss": 0.9}]}
# So that a crash is noticed before the leases of all the others have ended.
UNEVEN = {**CRASH, **CONTESTED, "network.latency_ms": {"exponential": 15}}
CUT = (0, [1, 2, 3, 4])
GROUPS = [[0, 1], [2, 3]]
BRIEFLY = [100, {"exponential": 400}]


def preferring(how: str) -> dict[str, Any]:
    return {**CRASH, "protocol.priority": how}


def backing_off(how: str) -> dict[str, Any]:
    return {**LOSSY, "timeouts.backoff": how}


def link(**entry: Any) -> dict[str, Any]:
    """Contested elections, and a [[network.link]] from server 0."""
    return {**CONTESTED, "network.link": [{"from": 0, "to": [1, 2, 3], **entry}]}


def earlier(do: str, **keys: Any) -> dict[str, Any]:
    """What happens after 100 ms, or as `keys` say; `ends` are those of a link."""
    when = {} if "every_ms" in keys else {"at_ms": 100}
    ends = keys.pop("ends", None)
    return {"do": do, **when, **keys, **({"from": ends[0], "to": ends[1]} if ends else {})}


def event(do: str, *before: Tables, **keys: Any) -> dict[str, Any]:
    """A steady cluster in which something happens after 300 ms, after other events."""
    when = {} if "every_ms" in keys else {"at_ms": 300}
    return {**STEADY, "scenario.event": [*before, earlier(do, **when, **keys)]}


# By key: scenarios, each with values. In each the scenario itself, where the key is at its default
# unless it says another, and the scenario with each of the values must all differ.
TABLE: dict[str, list[tuple[Tables, list[Any]]]] = {
    "seed": [({}, [8, 2**64 - 1])],
    "trials": [({}, [200, 301])],
    "cluster.nodes": [({}, [1, 4, 7])],
    "cluster.down": [({}, [[0], [1], [0, 1]])],
    "cluster.witnesses": [({}, [[0], [1, 2]]), (CRASH, [[0], [1, 2]])],
    "cluster.learners": [({}, [[0], [1, 2]]), (CRASH, [[0], [1, 2]])],
    "cluster.log": [({}, ["distinct", [3, 3, 2, 1, 1]])],
    "cluster.quorum": [({"cluster.nodes": 6}, ["gist", 2])],
    "timeouts.election_ms": [({}, [200, [100, 300], [150, 250]])],
    "timeouts.candidate_ms": [(CONTESTED, [50, [20, 80], [60, 120]])],
    "timeouts.heartbeat_ms": [(CRASH, [20]), (LASTING, [20])],
    "timeouts.timer": [
        (
            {**LASTING, **LOSSY, **DISTINCT, "timeouts.candidate_ms": [50, 70]},
            ["keep", "poll", "poll-own-draw", "boot", "fixed", "jitter"],
        ),
        ({**LASTING, **LOSSY, **TICKS}, ["redraw-each-tick", "keep", "boot", "fixed"]),
    ],
    "timeouts.detector": [
        ({**CRASH, "timeouts.heartbeat_ms": 20}, ["ewma", "phi", "aten", "dynatune"]),
        (STEADY, ["dynatune"]),
    ],
    "timeouts.first_ms": [
        ({}, [200, [100, 300], [150, 250]]),
        (event("crash", who=0, for_ms=100), [[20, 40]]),
    ],
    "timeouts.fast_forward_ms": [
        ({}, [50, 100]),
        (TICKS, [50]),
        (event("crash", who=0, for_ms=100), [140]),
    ],
    "timeouts.rank_ms": [(DISTINCT, [50, 100])],
    "timeouts.backoff": [
        ({**LOSSY, **DISTINCT}, ["rejections", "failures", "lost-elections", "kafka-2024"]),
    ],
    "timeouts.backoff_factor": [(backing_off("rejections"), [3]), (backing_off("failures"), [3])],
    "timeouts.backoff_ms": [
        (backing_off("lost-elections"), [50]),
        (backing_off("kafka-2024"), [50]),
    ],
    "timeouts.backoff_max_ms": [
        (backing_off(how), [90 if how != "kafka-2024" else 20])
        for how in ("rejections", "failures", "lost-elections", "kafka-2024")
    ],
    "timeouts.escape_ms": [({"protocol.priority": "escape"}, [10, 20])],
    "timeouts.tick_ms": [({}, [10, 30]), ({**CRASH, "timeouts.timer": "keep"}, [10, 30])],
    "timeouts.tick_phase": [(TICKS, ["aligned"]), ({**CRASH, **TICKS}, ["aligned"])],
    "timeouts.poll_ms": [({}, [10, [5, 20], [5, 40]])],
    "timeouts.server": [({}, [[{"id": 0, "election_ms": 100}]])],
    "timeouts.server.id": [({"timeouts.server": [OWN]}, [1])],
    "timeouts.server.election_ms": [({"timeouts.server": [OWN]}, [50, [50, 200], [100, 150]])],
    "timeouts.server.candidate_ms": [
        ({**LOSSY, "timeouts.server": [OWN_AGAIN]}, [50, [50, 200], [100, 150]]),
    ],
    "protocol.pre_vote": [
        (UNEVEN, ["on", "log", "heartbeat-dead"]),
        # By design the same as "log": terms and logs decide.
        (UNEVEN, ["dry-run"]),
    ],
    "protocol.check_quorum": [({**LASTING, **LOSSY}, [True])],
    "protocol.check_quorum_ms": [({**LASTING, **LOSSY, "protocol.check_quorum": True}, [100])],
    "protocol.sticky": [
        (UNEVEN, ["min", "max", 70]),
        # Only a timer that outlasts the maximum tells these two apart.
        ({**UNEVEN, "timeouts.timer": "poll"}, ["max", "until-own-timer"]),
    ],
    "protocol.refusals": [
        ({**DEAF_0, "protocol.sticky": "min"}, ["silent"]),
        ({**DEAF_0, **ASKED}, ["silent"]),
    ],
    "protocol.repoll_ms": [(LOSSY, [5, 10]), ({**LOSSY, **ASKED}, [5, 10])],
    "protocol.repoll_denied": [({**LOSSY, "protocol.repoll_ms": 5}, [True])],
    "protocol.step_down_timer": [({**LOSSY, **DISTINCT}, ["redraw"])],
    "protocol.redraw_on_precandidate": [
        ({**LOSSY, **ASKED}, [False]),
        ({**LOSSY, **ASKED, "timeouts.timer": "keep"}, [True]),
    ],
    "protocol.on_rejection": [({**CONTESTED, **DISTINCT}, ["follower"])],
    "protocol.wait_for": [(SLOW, ["all", "higher"]), ({**SLOW, **ASKED}, ["all", "higher"])],
    "protocol.priority": [
        (CRASH, ["tie-break", "decay", "decay-fixed", "decay-skip", "escape"]),
    ],
    "protocol.priorities": [
        (preferring("tie-break"), [[1, 2, 3, 4, 5], [5, 1, 4, 2, 3]]),
        (preferring("decay"), [[1, 2, 3, 4, 5], [5, 1, 4, 2, 3]]),
        (preferring("decay-fixed"), [[100, 80, 60, 40, 20], [100, 20, 80, 40, 60]]),
        (preferring("decay-skip"), [[100, 80, 60, 40, 20], [100, 20, 80, 40, 60]]),
        (preferring("escape"), [[1, 2, 3, 4, 5], [5, 1, 4, 2, 3]]),
        ({**preferring("escape"), "timeouts.escape_ms": 10}, [[1, 2, 3, 4, 5], [5, 1, 4, 2, 3]]),
    ],
    "protocol.quirks": [
        (
            {**LOSSY, **DISTINCT, **LASTING},
            [["refuse-new-term"], ["restart-on-response"], ["deaf-to-responses"]],
        ),
    ],
    "network.latency_ms": [({}, [2, 3, {"uniform": [1, 6]}])],
    "network.loss": [({}, [0.1, 0.2])],
    "network.duplicate": [(LOSSY, [0.5, 1])],
    "network.ordered": [({**LASTING, "network.latency_ms": {"exponential": 40}}, [True])],
    "network.matrix_ms": [(THREE, ["near.csv", "far.csv"])],
    "network.matrix_rtt_ms": [(THREE, ["near.csv", "far.csv"])],
    "network.link": [({}, [[{"from": 0, "to": 1, "latency_ms": 40}]])],
    "network.link.from": [(link(latency_ms=40), [4, [0, 4]])],
    "network.link.to": [(link(latency_ms=40), [4, [1, 2]])],
    "network.link.one_way": [(link(latency_ms=40), [True])],
    "network.link.latency_ms": [(link(duplicate=0), [40, {"uniform": [20, 40]}])],
    "network.link.loss": [(link(duplicate=0), [0.1, 1])],
    "network.link.duplicate": [(link(loss=0), [0.5, 1])],
    "node.process_ms": [({}, [1, 5])],
    "node.persist_ms": [({}, [1, 5])],
    "node.candidacy": [({"node.persist_ms": 10}, ["overlapped"])],
    "node.persistence": [(event("crash", who=[0, 1, 2], for_ms=10), ["none"])],
    "node.drift_ppm": [({}, [1000, 100_000]), (TICKS, [100_000])],
    "node.persist.candidate": [({}, [5, 10])],
    "node.persist.term": [({}, [5, 10])],
    "node.persist.vote": [({}, [5, 10])],
    "node.persist.lead": [(LASTING, [5, 10])],
    "scenario.kind": [(LASTING, ["leader-crash", "steady"])],
    "scenario.crash_phase": [(CRASH, ["synchronised"]), ({**STEADY, **LOSSY}, ["synchronised"])],
    "scenario.event": [({}, [[{"do": "crash", "who": 0, "at_ms": 100}]])],
    # A table stands for the whole event: what each takes is not the same.
    "scenario.event.do": [
        (event("crash", who=1, for_ms=400), ["pause"]),
        (event("transfer"), ["heal"]),
        (event("restart", earlier("crash", who=[0, 1, 2]), who=[0, 1]), ["crash"]),
        (event("resume", earlier("pause", who=[0, 1, 2]), who=[0, 1]), ["pause"]),
        (event("heal", earlier("partition", groups=GROUPS)), [
            earlier("partition", groups=GROUPS, at_ms=300),
            earlier("slow", ends=CUT, add_ms=50, at_ms=300),
        ]),
        (event("unblock", earlier("block", ends=CUT), ends=CUT), ["block"]),
    ],
    "scenario.event.at_ms": [(event("crash", who="leader"), [400, [100, 300], [300, 500]])],
    "scenario.event.every_ms": [(event("crash", who="leader", for_ms=50, every_ms=500), [900])],
    "scenario.event.for_ms": [
        (event("crash", who=[0, 1, 2]), BRIEFLY),
        (event("pause", who=[0, 1, 2]), BRIEFLY),
        (event("partition", groups=GROUPS), BRIEFLY),
        (event("block", ends=CUT), BRIEFLY),
        (event("slow", ends=CUT, add_ms=200), BRIEFLY),
    ],
    "scenario.event.who": [
        (event("crash", who=0), ["leader", "random", 1, [0, 1, 2]]),
        (event("pause", who=0), ["leader", "random", 1, [0, 1, 2]]),
        (event("restart", earlier("crash", who=[0, 1, 2]), who=0), [1, [0, 1]]),
        (event("resume", earlier("pause", who=[0, 1, 2]), who=0), [1, [0, 1]]),
    ],
    "scenario.event.from": [
        (event("block", ends=CUT), [4, [0, 4]]),
        (event("slow", ends=CUT, add_ms=200), [4, [0, 4]]),
        (event("unblock", earlier("block", ends=([0, 4], [1, 2, 3])), ends=CUT), [4, [0, 4]]),
    ],
    "scenario.event.to": [
        (event("block", ends=CUT), [[1, 2]]),
        (event("slow", ends=CUT, add_ms=200), [4, [1, 2]]),
        (event("transfer", to=0), [1]),
        (event("unblock", earlier("block", ends=CUT), ends=CUT), [4, [1, 2]]),
    ],
    "scenario.event.one_way": [
        (event("block", ends=CUT), [True]),
        (event("slow", ends=CUT, add_ms=200), [True]),
        (event("unblock", earlier("block", ends=CUT), ends=CUT), [True]),
    ],
    "scenario.event.groups": [(event("partition", groups=GROUPS), [[[0, 1]], [[0], [1]]])],
    "scenario.event.add_ms": [(event("slow", ends=CUT, add_ms=200), [100, 400])],
    "stop.on": [(LOSSY, ["followed", "stable", "duration"])],
    "stop.stable_ms": [({**LOSSY, **DISTINCT, "stop.on": "stable"}, [100, 300])],
    "stop.duration_ms": [({"stop.on": "duration"}, [1000, 2000])],
    "stop.limit_ms": [
        ({}, [180]),
        ({**LOSSY, "stop.on": "followed"}, [100]),
        ({**LOSSY, "stop.on": "stable"}, [700]),
    ],
}  # fmt: skip

FIRST = {"timeouts.first_ms": [150, 300]}
COARSE = {**DISTINCT, "network.loss": 0.3, "timeouts.tick_ms": 50}
# Where keys meet others that might take them over: key, scenario, value.
MEETINGS: list[tuple[str, Tables, Any]] = [
    ("timeouts.fast_forward_ms", {"timeouts.timer": "poll"}, 100),
    ("timeouts.fast_forward_ms", {"timeouts.timer": "poll-own-draw"}, 100),
    ("timeouts.rank_ms", {**DISTINCT, **FIRST}, 1000),
    ("timeouts.escape_ms", {"protocol.priority": "escape", **FIRST}, 100),
    # Learners are left out of each of these.
    ("cluster.learners", {**LASTING, **LOSSY, "protocol.check_quorum": True}, [0]),
    ("cluster.learners", {**LOSSY, "protocol.repoll_ms": 5}, [0]),
    ("cluster.learners", {**LOSSY, "protocol.wait_for": "higher"}, [0]),
    ("cluster.learners", preferring("decay"), [0]),
    ("cluster.learners", {**CRASH, "stop.on": "followed"}, [0]),
    ("cluster.learners", {"timeouts.rank_ms": 50, "cluster.log": [9, 1, 1, 1, 1]}, [0]),
]
# Less than a tick would be rounded down to none, and so is refused.
BELOW_A_TICK: list[tuple[str, Tables, Any]] = [
    ("timeouts.backoff", COARSE, "lost-elections"),
    ("timeouts.rank_ms", COARSE, 45),
    ("timeouts.escape_ms", {**COARSE, "protocol.priority": "escape"}, 45),
    ("timeouts.fast_forward_ms", COARSE, 45),
]

WITHOUT_EFFECT = {"name": "it is what a scenario is called, and no part of what it simulates"}
"""Keys that must not change what is simulated, and why."""


def known_keys() -> dict[str, tuple[schema.Key, Any]]:
    """Every key, those of lists of tables by "list.key": what it takes, and its default."""
    known = {*schema.KEYS}
    known |= {f"{name}.{key}" for name, keys in schema.RECORD_KEYS.items() for key in keys}
    tables = {**schema.TABLES, **schema.RECORDS}
    return {
        key: (shape, field.default)
        for name, table in tables.items()
        for field, shape in zip(
            msgspec.structs.fields(table), schema.keys_of(table).values(), strict=True
        )
        if (key := schema.dotted(name, field.encode_name)) in known
    }


def choices(kind: Any) -> Iterator[Any]:
    """The words, or true and false, that a type takes."""
    if kind is bool:
        yield from (True, False)
    elif get_origin(kind) is Literal:
        yield from get_args(kind)
    else:
        for part in get_args(kind):
            yield from choices(part)


def home(key: str) -> tuple[str, str]:
    """The list of tables that a key is of, "" where it is of none, and the key's name there."""
    lists = tuple(schema.RECORDS)
    return next(((name, key[len(name) + 1 :]) for name in lists if key.startswith(name + ".")),
                ("", key))  # fmt: skip


def given(tables: Tables, key: str) -> Any:
    """The value of a key, None where there is none."""
    name, key = home(key)
    return (tables[name][-1] if name else tables).get(key)


def changed(tables: Tables, key: str, value: Any) -> Tables:
    name, key = home(key)
    if not name:
        return {**tables, key: value}
    *before, last = tables[name]
    is_event = isinstance(value, dict) and "do" in value
    return {**tables, name: [*before, value if is_event else {**last, key: value}]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, both: tuple[str, str]) -> Path:
    """Where the files are. `both`: without the compiled backend all this would take minutes."""
    folder = tmp_path_factory.mktemp("matrices")
    for name, (a, b, c) in FILES.items():
        (folder / name).write_text(f"0,{a},{b}\n{a},0,{c}\n{b},{c},0\n")
    return folder


def alike(key: str, base: Tables, values: list[Any], folder: Path) -> list[tuple[str, str]]:
    """Which of a scenario and it with each of the values give one digest."""
    digests = {"the scenario itself": digest(base, folder)}
    digests |= {str(value): digest(changed(base, key, value), folder) for value in values}
    return [(a, b) for a, b in combinations(digests, 2) if digests[a] == digests[b]]


def digest(tables: Tables, folder: Path) -> str:
    keys = {"trials": TRIALS, "seed": SEED, **tables}
    scenario = Scenario.from_dict({}).layered(keys, source=None, folder=folder)
    return raftfast.run(scenario, jobs=1, engine="compiled").digest


@pytest.mark.parametrize(
    ("key", "base", "values"),
    [
        pytest.param(key, base, values, id=f"{key}-{i}")
        for key, tries in TABLE.items()
        for i, (base, values) in enumerate(tries)
    ],
)
def test_every_value_has_its_own_effect(
    key: str, base: Tables, values: list[Any], folder: Path
) -> None:
    assert not alike(key, base, values, folder)


@pytest.mark.parametrize(("key", "base", "value"), MEETINGS)
def test_a_key_acts_beside_others(key: str, base: Tables, value: Any, folder: Path) -> None:
    assert not alike(key, base, [value], folder)


@pytest.mark.parametrize(("key", "base", "value"), BELOW_A_TICK)
def test_what_could_do_nothing_is_refused(key: str, base: Tables, value: Any, folder: Path) -> None:
    with pytest.raises(InputError, match="a tick"):
        digest(changed(base, key, value), folder)


@pytest.mark.parametrize("key", WITHOUT_EFFECT)
def test_no_effect_where_there_must_be_none(key: str, folder: Path) -> None:
    assert digest({}, folder) == digest({key: "another"}, folder)


def test_the_table_holds_every_key() -> None:
    assert {*TABLE, *WITHOUT_EFFECT} == {*known_keys()}


@pytest.mark.parametrize("key", TABLE)
def test_the_table_holds_every_choice(key: str) -> None:
    """And holds each against the default, where there is one."""
    shape, default = known_keys()[key]
    wanted = {*choices(shape.kind)}
    tried: list[Any] = [default]
    for base, values in TABLE[key]:
        assert given(base, key) is None or not isinstance(default, str | bool)
        tried += [given(base, key), *values]
    if key == "scenario.event.do":
        tried = [value["do"] if isinstance(value, dict) else value for value in tried]
    if key == "protocol.quirks":
        tried = [quirk for quirks in tried for quirk in quirks or ()]
    assert wanted <= {value for value in tried if isinstance(value, str | bool)}
