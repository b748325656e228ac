"""The rules of [[scenario.event]], and its entries as rows for the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .core import words as w
from .distributions import Distribution
from .layers import Given
from .schema import EVENTS, Cluster, Event, directed, show

NS_PER_MS = 1_000_000

_DOES = {
    "crash": w.CRASH,
    "restart": w.RESTART,
    "pause": w.PAUSE,
    "resume": w.RESUME,
    "transfer": w.TRANSFER,
    "partition": w.PARTITION,
    "heal": w.HEAL,
    "block": w.BLOCK,
    "unblock": w.UNBLOCK,
    "slow": w.SLOW,
}
_WORDS = {"leader": w.THE_LEADER, "random": w.ANYONE}
_LINK = ("from", "to")
# What each needs beside its time, and what it may have.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "crash": ("who",),
    "restart": ("who",),
    "pause": ("who",),
    "resume": ("who",),
    "transfer": (),
    "partition": ("groups",),
    "heal": (),
    "block": _LINK,
    "unblock": _LINK,
    "slow": (*_LINK, "add_ms"),
}
_MAY: Mapping[str, tuple[str, ...]] = {
    "crash": ("for_ms",),
    "pause": ("for_ms",),
    "transfer": ("to",),
    "partition": ("for_ms",),
    "block": ("for_ms", "one_way"),
    "unblock": ("one_way",),
    "slow": ("for_ms", "one_way"),
}

Row = tuple[int, int, int, int, int, int, int, int, int, int]
"""entry, do, at_low_ns, at_span_ns, law of every_ms, who, from, to, law of for_ms, by."""


def check_events(given: Given, structs: Mapping[str, Any]) -> None:
    """Refuse events that say too little, too much, or speak of servers that there are not."""
    cluster = structs["cluster"]
    for i, event in enumerate(structs["scenario"].event):
        if problem := _wrong(event, cluster):
            raise given.error(problem, EVENTS, part=(f"[{i}]", event.do))
    start = structs["scenario"]
    if start.kind == "steady" and structs["stop"].on != "duration":
        problem = f'kind "steady" stops on "duration", not on {show(structs["stop"].on)}'
        raise given.error(problem, "stop.on", "scenario.kind")


def _wrong(event: Event, cluster: Cluster) -> str:
    """What is wrong with an event, or nothing."""
    return _wrong_keys(event) or _wrong_values(event, cluster.nodes) or _wrong_heir(event, cluster)


def _wrong_keys(event: Event) -> str:
    values = {name: getattr(event, name) for name in ("who", "to", "groups", "add_ms", "for_ms")}
    values |= {"from": event.from_, "one_way": event.one_way}
    needed = _NEEDS[event.do]
    for name, value in values.items():
        if name in needed and not value:
            return f"needs {name}"
        if value and name not in needed and name not in _MAY.get(event.do, ()):
            return f"has nothing to do with {name}"
    if (event.at_ms is None) == (event.every_ms is None):
        return "must have one of at_ms and every_ms"
    return ""


def _wrong_values(event: Event, nodes: int) -> str:
    if event.who in _WORDS and event.do in ("restart", "resume"):
        return "who must be an id or a list of ids"
    parted = [server for group in event.groups for server in group]
    if len(set(parted)) < len(parted):
        return "groups must hold each id once"
    who = event.who if isinstance(event.who, tuple) else ()
    for server in (*who, *(event.from_ or ()), *(event.to or ()), *parted):
        if server >= nodes:
            return f"ids must be below cluster.nodes ({nodes}), not {server}"
    if event.from_ and not any(True for _ in _pairs(event)):
        return "to must be another server than from"
    return ""


def _wrong_heir(event: Event, cluster: Cluster) -> str:
    if event.do != "transfer" or not event.to:
        return ""
    if len(event.to) > 1:
        return "to must be one id: leadership is handed to one server"
    if event.to[0] in (*cluster.down, *cluster.witnesses, *cluster.learners):
        return f"to must be a server that can lead, which {event.to[0]} cannot"
    return ""


def rows(
    events: tuple[Event, ...], nodes: int, law: Callable[[Distribution], int]
) -> tuple[list[Row], list[int]]:
    """The rows of `core.events.Events`, and the groups that partitions part.

    `law` gives the row of a distribution.
    """
    out: list[Row] = []
    groups: list[int] = []
    for entry, event in enumerate(events):
        low, high = event.at_ms or (0.0, 0.0)
        at = (round(low * NS_PER_MS), round(high * NS_PER_MS) - round(low * NS_PER_MS))
        every = w.NOBODY
        if event.every_ms is not None:
            every = law(Distribution("exponential", (event.every_ms,)))
        lasting = w.NOBODY if event.for_ms is None else law(event.for_ms)
        by = round((event.add_ms or 0.0) * NS_PER_MS)
        if event.do == "partition":
            by = len(groups)
            groups += _group_of_each(event, nodes)
        head = (entry, _DOES[event.do], *at, every)
        if event.from_:
            out += [(*head, w.NOBODY, a, b, lasting, by) for a, b in _pairs(event)]
        elif event.do == "transfer":
            heir = event.to[0] if event.to else w.ANYONE
            out.append((*head, w.THE_LEADER, 0, heir, lasting, by))
        elif isinstance(event.who, tuple):
            out += [(*head, server, 0, 0, lasting, by) for server in event.who]
        else:
            who = _WORDS.get(str(event.who), w.NOBODY)
            out.append((*head, who, 0, 0, lasting, by))
    return out, groups


def _pairs(event: Event) -> Iterator[tuple[int, int]]:
    return directed(event.from_ or (), event.to or (), event.one_way)


def _group_of_each(event: Event, nodes: int) -> list[int]:
    """The group of every server; those that are not named form one more."""
    of = {server: i + 1 for i, group in enumerate(event.groups) for server in group}
    return [of.get(server, 0) for server in range(nodes)]
