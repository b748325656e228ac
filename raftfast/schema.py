"""The shape of a scenario: its tables and keys, with type, range and default of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from .distributions import Distribution
from .errors import InputError

NODES_MAX = 1023
"""The largest ensemble: ids fit ten bits."""

TIME_MS_MAX = 1e9
"""No time in a scenario is longer (eleven days and a half)."""

SEED_MAX = 2**64 - 1

NANOSECOND_MS = 1e-6
"""The engine counts whole nanoseconds: a shorter time would become zero and never pass."""

_INT64_MAX = 2**63 - 1
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_TIME = "from 1e-6 (one nanosecond) to 1e9 milliseconds"

Ms = Annotated[float, Meta(ge=NANOSECOND_MS, le=TIME_MS_MAX, description=f"a number {_TIME}")]
MsOrZero = Annotated[
    float, Meta(ge=0, le=TIME_MS_MAX, description="a number from 0 to 1e9 milliseconds")
]
Range = Annotated[
    tuple[Ms, Ms],
    Meta(description=f"one number or a list of two numbers [low, high], low <= high, {_TIME}"),
]
RangeOrZero = Annotated[
    tuple[MsOrZero, MsOrZero],
    Meta(description="0, a number of milliseconds, or a list of two, [low, high], low <= high"),
]
Share = Annotated[float, Meta(ge=0, le=1, description="a number between 0 and 1")]
NodeId = Annotated[int, Meta(ge=0, lt=NODES_MAX)]
Ids = Annotated[tuple[NodeId, ...], Meta(description="a list of ids, each a whole number from 0")]
IdOrIds = Annotated[
    tuple[NodeId, ...],
    Meta(min_length=1, description="an id or a list of ids, each a whole number from 0"),
]
Flag = Annotated[bool, Meta(description="true or false")]
File = Annotated[str, Meta(min_length=1, description="the name of a file, a string")]


class Top(Struct, frozen=True, kw_only=True):
    """Keys before the first table. `name` is empty where nobody gave one."""

    name: Annotated[str, Meta(description="a string")] = ""
    seed: Annotated[int, Meta(ge=0, description="a whole number from 0 to 2^64-1")] = 1
    trials: Annotated[
        int, Meta(ge=1, le=_INT64_MAX, description="a whole number from 1 to 2^63-1")
    ] = 10_000


class Cluster(Struct, frozen=True, kw_only=True, cache_hash=True):
    """[cluster]. `log` holds one length a server where it is a tuple; `down` is sorted.

    `witnesses` vote and never campaign; `learners` do neither and follow.
    """

    nodes: Annotated[
        int, Meta(ge=1, le=NODES_MAX, description=f"a whole number from 1 to {NODES_MAX}")
    ] = 5
    down: Ids = ()
    witnesses: Ids = ()
    learners: Ids = ()
    log: Annotated[
        Literal["equal", "distinct"] | tuple[Annotated[int, Meta(ge=0, le=_INT64_MAX)], ...],
        Meta(description='"equal", "distinct" or a list of lengths, each a whole number from 0'),
    ] = "equal"
    quorum: Annotated[
        Literal["majority", "gist"] | Annotated[int, Meta(ge=1)],
        Meta(
            description='"majority", "gist" or a number of votes, a whole number from 1 to '
            "cluster.nodes, less the learners"
        ),
    ] = "majority"

    @property
    def running(self) -> tuple[int, ...]:
        """Ids of the servers that run, ascending; at least one."""
        down = set(self.down)
        return tuple(server for server in range(self.nodes) if server not in down)

    @property
    def voters(self) -> tuple[int, ...]:
        """Ids of the servers that vote, ascending; at least one of them runs."""
        learners = set(self.learners)
        return tuple(server for server in range(self.nodes) if server not in learners)

    @property
    def votes_needed(self) -> int:
        """Votes a candidate needs to win, its own among them.

        `gist`: half of the other voters, rounded down, and its own (reference/seed.md, quirk 4):
        right for odd numbers of voters, one short of a majority for even ones.
        """
        voters = len(self.voters)
        if self.quorum == "majority":
            return voters // 2 + 1
        return (voters - 1) // 2 + 1 if self.quorum == "gist" else self.quorum


class Server(Struct, frozen=True, kw_only=True):
    """One [[timeouts.server]]: timeouts of one server; None leaves what [timeouts] says."""

    id: Annotated[NodeId, Meta(description="an id, a whole number from 0")]
    election_ms: Range | None = None
    candidate_ms: Range | None = None


class Timeouts(Struct, frozen=True, kw_only=True, cache_hash=True):
    """[timeouts]. Ranges are (low, high) in ms, drawn from [low, high); equal ends are fixed."""

    election_ms: Range = (150.0, 300.0)
    candidate_ms: Range | None = None
    heartbeat_ms: Ms = 50.0
    timer: Literal[
        "redraw", "keep", "poll", "poll-own-draw", "boot", "fixed", "jitter", "redraw-each-tick"
    ] = "redraw"
    detector: Literal["none", "ewma", "phi", "aten", "dynatune"] = "none"
    first_ms: Range | None = None
    fast_forward_ms: MsOrZero = 0.0
    rank_ms: MsOrZero = 0.0
    backoff: Literal["none", "rejections", "failures", "lost-elections", "kafka-2024"] = "none"
    backoff_factor: Annotated[float, Meta(ge=1, le=1000, description="a number from 1 to 1000")] = (
        2.0
    )
    backoff_ms: Ms = 25.0
    backoff_max_ms: Ms = 30_000.0
    escape_ms: MsOrZero = 0.0
    tick_ms: MsOrZero = 0.0
    tick_phase: Literal["random", "aligned"] = "random"
    poll_ms: RangeOrZero = (0.0, 0.0)
    server: tuple[Server, ...] = ()

    @property
    def candidate_range_ms(self) -> tuple[float, float]:
        """The range candidates draw from: `candidate_ms`, or `election_ms` where it is unset."""
        return self.election_ms if self.candidate_ms is None else self.candidate_ms


class Protocol(Struct, frozen=True, kw_only=True, cache_hash=True):
    """[protocol]. `sticky` is a number of ms where it is not a word."""

    pre_vote: Literal["off", "on", "log", "heartbeat-dead", "dry-run"] = "off"
    check_quorum: Flag = False
    check_quorum_ms: MsOrZero = 0.0
    sticky: Annotated[
        Literal["off", "min", "max", "until-own-timer"] | Ms,
        Meta(description='"off", "min", "max", "until-own-timer" or a number of milliseconds'),
    ] = "off"
    refusals: Literal["explicit", "silent"] = "explicit"
    repoll_ms: MsOrZero = 0.0
    repoll_denied: Flag = False
    step_down_timer: Literal["keep", "redraw"] = "keep"
    redraw_on_precandidate: Flag | None = None
    on_rejection: Literal["wait", "follower"] = "wait"
    wait_for: Literal["quorum", "all", "higher"] = "quorum"
    priority: Literal["none", "tie-break", "decay", "decay-fixed", "decay-skip", "escape"] = "none"
    priorities: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=1_000_000)], ...],
        Meta(description="a list of whole numbers from 0 to 1000000, one a server"),
    ] = ()
    quirks: Annotated[
        tuple[Literal["refuse-new-term", "restart-on-response", "deaf-to-responses"], ...],
        Meta(description='a list of "refuse-new-term", "restart-on-response", "deaf-to-responses"'),
    ] = ()


def directed(
    from_: tuple[int, ...], to: tuple[int, ...], one_way: bool
) -> Iterator[tuple[int, int]]:
    """Every directed link between these servers, and back unless `one_way`, each once."""
    forth = [(a, b) for a in from_ for b in to if a != b]
    back = [] if one_way else [(b, a) for a, b in forth]
    return iter(dict.fromkeys(forth + back))


class Link(Struct, frozen=True, kw_only=True):
    """One [[network.link]]; None leaves what the network, or an earlier entry, says."""

    from_: IdOrIds = msgspec.field(name="from")
    to: IdOrIds
    one_way: Flag = False
    latency_ms: Distribution | None = None
    loss: Share | None = None
    duplicate: Share | None = None

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Every directed link (sender, receiver) this entry speaks of, once, never to oneself."""
        return directed(self.from_, self.to, self.one_way)


class Network(Struct, frozen=True, kw_only=True):
    """[network]. Either `latency_ms` is set or `matrix`; later entries of `link` win.

    `matrix[i][j]` is the one-way latency from i to j in ms, nodes x nodes, whichever of the two
    files it was read from.
    """

    latency_ms: Distribution | None = None
    loss: Share = 0.0
    duplicate: Share = 0.0
    ordered: Flag = False
    matrix_ms: File | None = None
    matrix_rtt_ms: File | None = None
    link: tuple[Link, ...] = ()
    matrix: tuple[tuple[float, ...], ...] | None = None


class Persist(Struct, frozen=True, kw_only=True):
    """[node.persist]: what each write costs."""

    candidate: Distribution
    term: Distribution
    vote: Distribution
    lead: Distribution


class Node(Struct, frozen=True, kw_only=True):
    """[node]. Either `persist_ms` is set or `persist`. `candidacy` says when a candidate writes,
    `persistence` whether anybody does: a server that writes nothing starts again in term 0.
    """

    process_ms: Distribution
    persist_ms: Distribution | None = None
    candidacy: Literal["before", "overlapped"] = "before"
    persistence: Literal["durable", "none"] = "durable"
    drift_ppm: Annotated[float, Meta(ge=0, lt=1e6, description="a number from 0 to below 1e6")] = (
        0.0
    )
    persist: Persist | None = None


class Event(Struct, frozen=True, kw_only=True):
    """One [[scenario.event]]. Either `at_ms` or `every_ms` is set, and of the rest what `do` needs.

    `who` is a tuple of ids where it is not a word; `groups` are ids, of which each stands once.
    """

    do: Literal[
        "crash",
        "restart",
        "pause",
        "resume",
        "transfer",
        "partition",
        "heal",
        "block",
        "unblock",
        "slow",
    ]
    at_ms: RangeOrZero | None = None
    every_ms: Ms | None = None
    for_ms: Distribution | None = None
    who: Annotated[
        Literal["leader", "random"] | tuple[NodeId, ...],
        Meta(description='"leader", "random", an id or a list of ids'),
    ] | None = None  # fmt: skip
    from_: IdOrIds | None = msgspec.field(name="from", default=None)
    to: IdOrIds | None = None
    one_way: Flag = False
    groups: Annotated[
        tuple[tuple[NodeId, ...], ...], Meta(description="a list of lists of ids")
    ] = ()
    add_ms: Ms | None = None


class Start(Struct, frozen=True, kw_only=True, cache_hash=True):
    """[scenario]: where a trial begins, and what happens in it."""

    kind: Literal["cold-start", "leader-crash", "steady"] = "cold-start"
    crash_phase: Literal["uniform", "synchronised"] = "uniform"
    event: tuple[Event, ...] = ()


class Stop(Struct, frozen=True, kw_only=True):
    """[stop]: where a trial ends. `limit_ms` unset follows what the trial has to wait for."""

    on: Literal["leader", "followed", "stable", "duration"] = "leader"
    stable_ms: Ms = 600.0
    duration_ms: Ms = 60_000.0
    limit_ms: Ms = 60_000.0


DEFAULT_SPECS: Mapping[str, object] = {
    "network.latency_ms": {"uniform": [1, 5]},
    "node.process_ms": 0,
    "node.persist_ms": 0,
}
"""Defaults that are distributions, as a file would write them."""

TABLES: Mapping[str, type[Struct]] = {
    "": Top,
    "cluster": Cluster,
    "timeouts": Timeouts,
    "protocol": Protocol,
    "network": Network,
    "node": Node,
    "node.persist": Persist,
    "scenario": Start,
    "stop": Stop,
}
"""The struct of every table of a file, by its dotted name; "" holds what stands before them."""

LINKS = "network.link"
EVENTS = "scenario.event"
SERVERS = "timeouts.server"
UNSETTABLE = ("timeouts.candidate_ms", "timeouts.first_ms", "protocol.redraw_on_precandidate")
"""The keys that None, which TOML does not have, takes back from a lower layer."""


class Key(NamedTuple):
    """What a key takes: its type for msgspec, and the same in words ("must be ...").

    `box` is a struct of one such value: msgspec keeps what it knows of a struct's types, whereas it
    would look at a bare type anew for every value.
    """

    kind: Any
    expected: str
    box: Any
    needed: bool
    is_distribution: bool
    is_range: bool
    is_ids: bool


def either(words: Sequence[str]) -> str:
    """Words as alternatives, at least one: "a, b or c"."""
    *head, last = words
    return f"{', '.join(head)} or {last}" if head else last


def _choices(kind: Any) -> tuple[str, ...]:
    """The strings a type accepts, where it is a Literal or a union with one."""
    if get_origin(kind) is Literal:
        return tuple(get_args(kind))
    return tuple(choice for part in get_args(kind) for choice in _choices(part))


def _described(kind: Any) -> str:
    """The outermost description in an annotation, or the choices of a Literal."""
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, Meta) and meta.description:
            return meta.description
    parts = (part for part in get_args(kind) if hasattr(part, "__metadata__"))
    if inner := next(filter(None, map(_described, parts)), ""):
        return inner
    if choices := _choices(kind):
        return either([f'"{choice}"' for choice in choices])
    return next(filter(None, map(_described, get_args(kind))), "")


def keys_of(table: type[Struct]) -> dict[str, Key]:
    """The keys of a table, in order."""
    return {
        field.encode_name: _key(field.type, field.required)
        for field in msgspec.structs.fields(table)
    }


def _key(kind: Any, needed: bool) -> Key:
    kinds = (kind, *get_args(kind))
    return Key(
        kind,
        _described(kind),
        msgspec.defstruct("Box", [("value", kind)], array_like=True),
        needed,
        is_distribution=Distribution in kinds,
        is_range=Range in kinds or RangeOrZero in kinds,
        is_ids=IdOrIds in kinds,
    )


def dotted(table: str, key: str) -> str:
    """The dotted name of a key of a table; the top table is ""."""
    return f"{table}.{key}" if table else key


RECORDS: Mapping[str, type[Struct]] = {LINKS: Link, SERVERS: Server, EVENTS: Event}
"""The keys that hold a list of tables, and the struct of such a table."""

RECORD_KEYS: Mapping[str, Mapping[str, Key]] = {
    key: keys_of(struct) for key, struct in RECORDS.items()
}
"""The keys of such a table."""

KEYS: Mapping[str, Key] = {
    dotted(name, key): shape
    for name, table in TABLES.items()
    for key, shape in keys_of(table).items()
    if dotted(name, key) not in ("network.matrix", "node.persist")
}
"""Every key of a file by its dotted name, in the contract's order."""

DISTRIBUTIONS = frozenset(key for key, shape in KEYS.items() if shape.is_distribution)
"""The keys that take a distribution."""


def show(value: object, width: int = 60) -> str:
    """A value as one line for an error: quoted as in TOML or JSON, cut at `width` characters."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):  # Python prints no integer of more than 4300 digits.
        text = "of thousands of digits" if isinstance(value, int) else f"({kind_of(value)})"
    return text if len(text) <= width else text[: width - 3] + "..."


def kind_of(value: object) -> str:
    """What a value is, in a word its writer knows: "string", "number", "list", ..."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    words = {int: "number", float: "number", str: "string", list: "list", tuple: "list"}
    if isinstance(value, Mapping):
        return "table"
    return words.get(type(value), "date or time" if hasattr(value, "isoformat") else "object")


def suggestion(word: object, known: Mapping[str, object] | tuple[str, ...] | list[str]) -> str:
    """The known name closest to a mistyped one, or "" where none is close."""
    near = get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return near[0] if near else ""


def suggestions(word: str, known: Sequence[str]) -> list[str]:
    """The known names that begin with a word, and those that are close to it, the closest first."""
    begun = [name for name in known if word and name.startswith(word)]
    return list(dict.fromkeys([*begun, *get_close_matches(word, known)]))


def mismatch(value: object, expected: str) -> str:
    """The problem of a value that is not what was expected, in one sentence."""
    got = kind_of(value)
    article = "" if got in ("null", "true or false") else "a "
    understood = got in expected or (got == "string" and '"' in expected)
    wrong = "" if understood else f", not {article}{got}"
    return f"value {show(value)}: must be {expected}{wrong}"


def convert(shape: Key, value: object, *, key: str, source: str | None) -> Any:
    """A value of the file as the struct holds it: the type and the range of that key alone.

    Ranges become a pair, single ids a tuple of one; None unsets `UNSETTABLE`. Raises InputError,
    naming `source`, `key`, the value and what would be right.
    """
    if value is None:
        if key in UNSETTABLE:
            return None
        raise InputError(mismatch(value, shape.expected), key=key, source=source)
    try:
        converted = msgspec.convert((_prepared(key, shape, value),), shape.box).value
    except msgspec.ValidationError:
        problem = mismatch(value, shape.expected)
        if isinstance(value, str) and (near := suggestion(value, _choices(shape.kind))):
            problem += f'; did you mean "{near}"?'
        raise InputError(problem, key=key, source=source) from None
    problem = _own_rule(key, shape, value, converted)
    if problem:
        raise InputError(problem, key=key, source=source)
    return converted


def _prepared(key: str, shape: Key, value: object) -> object:
    """The value with the contract's shorthands written out, for msgspec to judge."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and shape.is_range:
        return (value, value)
    if isinstance(value, int) and (shape.is_ids or key.endswith(".who")):
        return (value,)
    if key == "trials" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _own_rule(key: str, shape: Key, value: object, converted: Any) -> str:
    """The problem msgspec cannot see in a value of the right type, or ""."""
    if key == "seed" and converted > SEED_MAX:
        return mismatch(value, shape.expected)
    if key == "timeouts.tick_ms" and 0 < converted < NANOSECOND_MS:
        return f"value {show(value)}: must be 0 (continuous) or a number {_TIME}"
    if shape.is_range and converted[0] > converted[1]:
        return f"value {show(value)}: must be [low, high] with low <= high"
    if key == "name" and _UNPRINTABLE.search(converted):
        return f"value {show(value)}: must be a string of one line without control characters"
    return ""
