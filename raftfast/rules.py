"""From values as written to a validated scenario: files read, rules across keys checked."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from . import schema
from .distributions import Distribution, parse, read_matrix
from .errors import InputError
from .happenings import check_events
from .layers import DEFAULTS, NOTHING_GIVEN, Given, Layer, lay
from .members import check_members
from .schema import (
    DISTRIBUTIONS,
    KEYS,
    LINKS,
    RECORD_KEYS,
    RECORDS,
    SERVERS,
    TABLES,
    Key,
    mismatch,
    show,
)

Laws = dict[tuple[str, str], Any]
"""Distributions and matrices that were read, by what was written and the folder."""

Check = Callable[[Given, Mapping[str, Any]], None]
"""A rule across keys: raises InputError where structs, by table, break it."""

_FILE_LAWS = ("samples", "ping")
_MATRICES = {"network.matrix_ms": False, "network.matrix_rtt_ms": True}
_LIMIT_MS = 60_000.0
_FREE = Distribution("constant", (0.0,))
_MADE_MAX = 1024
NO_LAWS: Laws = {}

_HOMES = {key: (key.rpartition(".")[0], key.rpartition(".")[2]) for key in KEYS}
_KEYS_OF = {table: [key for key in KEYS if _HOMES[key][0] == table] for table in TABLES}
# What is derived in a table from another one.
_FOLLOWS = {"node.persist": "node", "scenario": "stop"}
_IN_ORDER = sorted(TABLES, key=lambda table: table in _FOLLOWS.values())


class Settled(NamedTuple):
    """What the value of a key came to.

    fields: of its table's struct, those the key sets. written: how a file would write it; None
    where as the field of its name. laws: the distributions in it.
    """

    fields: Mapping[str, Any]
    written: Any = None
    laws: Laws = NO_LAWS


@dataclass(frozen=True)
class Resolved:
    """A scenario that holds: what was given, what each key came to, and its tables as structs."""

    given: Given
    settled: Mapping[str, Settled]
    structs: Mapping[str, Any]


NOTHING = Resolved(NOTHING_GIVEN, {}, {})
"""What the first layer is laid over; `defaults` are the first scenario that holds."""


_ORDER = {key: at for at, key in enumerate(KEYS)}


@functools.cache
def defaults() -> Resolved:
    """The scenario nobody says anything of: the contract's defaults."""
    return resolve(NOTHING, [DEFAULTS])


class Made(NamedTuple):
    """A table as some layers made it: what the keys that they change came to, and the struct."""

    settled: Mapping[str, Settled]
    struct: Any


def resolve(
    known: Resolved,
    layers: Iterable[Layer],
    held: Laws = NO_LAWS,
    made: dict[object, Made] | None = None,
) -> Resolved:
    """Lay layers over a scenario: validate what they change, and fill in the rest anew.

    What they do not change holds already: it is neither checked nor read from files again, nor is
    what is `held`. `made` keeps the tables that they change, for other layers with the same values
    of them: from the same sources and folders, over the same scenario. Raises InputError, naming
    the layer and the key, for whatever the contract refuses.
    """
    given = lay(known.given, layers)
    changed = _changed(known.given, given)
    renewed = {_HOMES[key][0] for key in changed} | (TABLES.keys() - known.structs.keys())
    renewed.update(follows for table, follows in _FOLLOWS.items() if table in renewed)
    marks = {} if made is None else _marks(given, changed, renewed)
    there = {table: made[mark] for table, mark in marks.items() if mark in made} if made else {}
    settled = _settle(given, changed, known.settled, held, there)
    structs = {**known.structs, **{table: one.struct for table, one in there.items()}}
    structs = build(renewed - there.keys(), given, settled, structs)
    for check, tables in CHECKS.items():
        # What a table is made of is there if its own rules, at least, held.
        if not renewed.isdisjoint(tables) and (len(tables) > 1 or tables[0] not in there):
            check(given, {table: structs[table] for table in tables})
    if made is not None:
        if len(made) >= _MADE_MAX:
            made.clear()
        for table in marks.keys() - there.keys():
            own = {key: settled[key] for key in changed & settled.keys() if _HOMES[key][0] == table}
            made[marks[table]] = Made(own, structs[table])
    return Resolved(given, settled, structs)


def _changed(before: Given, given: Given) -> set[str]:
    """The keys that layers laid over `before` give, and those that they take away."""
    changed = before.rank.keys() - given.rank.keys()
    return changed.union(*(layer.values for layer in given.layers[len(before.layers) :]))


def _marks(given: Given, changed: Set[str], renewed: Iterable[str]) -> dict[str, object]:
    """Of each table what it comes to depends on, beside what layers are laid over."""
    marks: dict[str, list[object]] = {table: [table] for table in renewed}
    for key in sorted(changed):
        mark = key, given.rank.get(key), repr(given.values.get(key))
        table = _HOMES[key][0]
        marks[table].append(mark)
        if table in _FOLLOWS:
            marks[_FOLLOWS[table]].append(mark)
    return {table: tuple(mark) for table, mark in marks.items()}


@dataclass(frozen=True)
class _Reader:
    """Reads what one key holds; distributions in `read` are not read again."""

    key: str
    layer: Layer
    read: Laws
    laws: Laws = field(default_factory=dict)

    def distribution(self, spec: object, key: str) -> Distribution:
        """The distribution at `key`, which is in what is read or all of it."""
        memo = (repr(spec), str(self.layer.folder))
        law: Distribution | None = self.read.get(memo)
        if law is None:
            law = parse(spec, key=key, folder=self.layer.folder, source=self.layer.source)
            self.read[memo] = law
        self.laws[memo] = law
        return law

    def matrix(self, path: str) -> tuple[tuple[float, ...], ...]:
        """The table of latencies in a file."""
        memo = (f"{self.key} = {path!r}", str(self.layer.folder))
        table: tuple[tuple[float, ...], ...] | None = self.read.get(memo)
        if table is None:
            table = read_matrix(
                path, key=self.key, folder=self.layer.folder, source=self.layer.source,
                round_trip=_MATRICES[self.key],
            )  # fmt: skip
            self.read[memo] = table
        self.laws[memo] = table
        return table


def _settle(
    given: Given,
    changed: Set[str],
    known: Mapping[str, Settled],
    held: Laws,
    there: Mapping[str, Made],
) -> dict[str, Settled]:
    """What every key that is given came to: `known`, but for those that changed, which may be in
    tables that are `there`."""
    settled = dict(known)
    for key in changed - given.values.keys():
        settled.pop(key, None)
    for one in there.values():
        settled |= one.settled
    if left := {key for key in changed if _HOMES[key][0] not in there}:
        read = {memo: law for before in known.values() for memo, law in before.laws.items()}
        settled |= settle(given, left, {**held, **read})
    return settled


def settle(given: Given, keys: Set[str], read: Laws) -> dict[str, Settled]:
    """What these keys came to, those that are given, by their own rules. Raises InputError.

    What `read` has is not read again; what is read is added to it.
    """
    there = sorted(keys & given.values.keys(), key=_ORDER.__getitem__)
    return {key: _convert(_Reader(key, given.layer(key), read), given.values[key]) for key in there}


def build(
    tables: Set[str],
    given: Given,
    settled: Mapping[str, Settled],
    known: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The structs of these tables, of what their keys came to, beside those that are `known`.

    Tables that others follow from (`reach`) must be among them or known.
    """
    structs = dict(known)
    for table in _IN_ORDER:
        if table in tables:
            structs[table] = _struct(table, given, settled, structs)
    return structs


def reach(tables: Iterable[str]) -> frozenset[str]:
    """These tables and those that they follow from."""
    return frozenset(tables).union(t for t in _FOLLOWS if _FOLLOWS[t] in tables)


def _convert(reader: _Reader, value: object) -> Settled:
    """What the value of one key comes to by the key's own rules."""
    key, layer = reader.key, reader.layer
    name = _HOMES[key][1]
    if key in DISTRIBUTIONS:
        law = reader.distribution(value, key)
        return Settled({name: law}, _tidy(value, layer.folder), reader.laws)
    if key in RECORDS:
        structs, written = _records(reader, value)
        return Settled({name: structs}, written, reader.laws)
    converted = schema.convert(KEYS[key], value, key=key, source=layer.source)
    if key in _MATRICES:
        fields = {name: _absolute(converted, layer.folder), "matrix": reader.matrix(converted)}
        return Settled(fields, laws=reader.laws)
    return Settled({name: tuple(sorted(converted)) if key == "cluster.down" else converted})


def _records(reader: _Reader, entries: object) -> tuple[tuple[Any, ...], list[dict[str, Any]]]:
    """The tables of a list of them, as structs and as a file would write them."""
    key, layer = reader.key, reader.layer
    if not isinstance(entries, list):
        raise InputError(mismatch(entries, "a list of tables"), key=key, source=layer.source)
    shapes = RECORD_KEYS[key]
    structs, written = [], []
    for i, entry in enumerate(entries):
        given = _table(entry, shapes, f"{key}[{i}]", layer.source)
        values = _values(reader, given, f"{key}[{i}]")
        if key == LINKS:
            _complete_link(values, given, f"{key}[{i}]", layer.source)
        written.append({
            name: _as_written(shape, values[name], given.get(name), layer.folder)
            for name, shape in shapes.items() if name in values
        })  # fmt: skip
        if "from" in values:
            values["from_"] = values.pop("from")
        structs.append(RECORDS[key](**values))
    return tuple(structs), written


def _table(
    entry: object, shapes: Mapping[str, Key], at: str, source: str | None
) -> Mapping[str, Any]:
    """An entry of a list of tables, which must be a table of the keys there are."""
    if not isinstance(entry, Mapping):
        raise InputError(mismatch(entry, "a table"), key=at, source=source)
    for name in entry:
        if name not in shapes:
            near = schema.suggestion(name, shapes)
            meant = f"did you mean {near}?" if near else f"there are {', '.join(shapes)}"
            raise InputError(f"unknown key; {meant}", key=f"{at}.{name}", source=source)
    return entry


def _values(reader: _Reader, entry: Mapping[str, Any], at: str) -> dict[str, Any]:
    """What the keys of such a table came to, each by its own rules."""
    values: dict[str, Any] = {}
    for name, shape in RECORD_KEYS[reader.key].items():
        key, source = f"{at}.{name}", reader.layer.source
        if name not in entry:
            if shape.needed:
                raise InputError(f"is missing; must be {shape.expected}", key=key, source=source)
        elif shape.is_distribution:
            values[name] = reader.distribution(entry[name], key)
        else:
            values[name] = schema.convert(shape, entry[name], key=key, source=source)
    return values


def _as_written(shape: Key, value: Any, given: object, folder: Path) -> Any:
    """A value of a table in a list as a file would write it."""
    if shape.is_distribution:
        return _tidy(given, folder)
    if shape.is_ids:
        return _tidy(_shortest_ids(value))
    return _shortest(_tidy(value)) if shape.is_range else _tidy(value)


def _complete_link(
    values: dict[str, Any], entry: Mapping[str, Any], at: str, source: str | None
) -> None:
    """A link must say something; pings that were not answered tell its loss, too."""
    if not entry.keys() & {"latency_ms", "loss", "duplicate"}:
        problem = f"value {show(entry)}: must give at least one of latency_ms, loss, duplicate"
        raise InputError(problem, key=at, source=source)
    values.setdefault("one_way", False)
    if "latency_ms" in values and (lost := _share_lost(values["latency_ms"])):
        values.setdefault("loss", lost)


def _share_lost(law: Distribution) -> float:
    """The one-way loss that measured pings speak of; 0 where all were answered, or none sent.

    Both ways of a ping may lose it, so (1 - loss)^2 is the share answered. A message of a mixture
    takes one of its components.
    """
    if law.answered is not None:
        return 1.0 - math.sqrt(law.answered)
    weights = law.parameters if law.components else ()
    return math.fsum(
        weight * _share_lost(part) for weight, part in zip(weights, law.components, strict=True)
    )


def _struct(
    table: str, given: Given, settled: Mapping[str, Settled], structs: Mapping[str, Any]
) -> Any:
    """A table as a struct: what its keys came to, and what follows where they are silent."""
    fields: dict[str, Any] = {}
    for key in _KEYS_OF[table]:
        if key in settled:
            fields.update(settled[key].fields)
    if table == "node.persist":
        # Writes that [node.persist] does not name cost nothing.
        names = [_HOMES[key][1] for key in _KEYS_OF[table]]
        return schema.Persist(**{**dict.fromkeys(names, _FREE), **fields}) if fields else None
    if table == "node":
        fields["persist"] = structs["node.persist"]
    elif table == "network":
        _derive_loss(fields, given)
    elif table == "stop":
        _derive_stop(fields, given, structs["scenario"])
    return TABLES[table](**fields)


def _derive_loss(network: dict[str, Any], given: Given) -> None:
    """Pings that were not answered tell the loss, unless their layer or a higher one gives it."""
    law, rank = network.get("latency_ms"), given.rank
    lost = 0.0 if law is None else _share_lost(law)
    if lost and rank.get("network.loss", 0) < rank["network.latency_ms"]:
        network["loss"] = lost


def _derive_stop(fields: dict[str, Any], given: Given, start: schema.Start) -> None:
    """A steady cluster is watched for a while; a trial may last as long as its stop rule needs,
    unless a `limit_ms` of its own is given."""
    if start.kind == "steady":
        fields.setdefault("on", "duration")
    if "stop.limit_ms" not in given:
        stop = schema.Stop(**fields)
        needed = {"duration": stop.duration_ms}.get(stop.on, 0.0)
        if stop.on == "stable" and stop.stable_ms >= _LIMIT_MS:
            needed = min(stop.stable_ms + _LIMIT_MS, schema.TIME_MS_MAX)
        fields["limit_ms"] = max(_LIMIT_MS, needed)


def _check_persistence(given: Given, structs: Mapping[str, Any]) -> None:
    """A server that writes no term and vote neither takes the time for it nor asks meanwhile."""
    node: schema.Node = structs["node"]
    if node.persistence == "durable":
        return
    key = "node.persistence"
    costs = {"persist_ms": node.persist_ms}
    if node.persist is not None:
        parts = node.persist.__struct_fields__
        costs = {f"persist.{name}": getattr(node.persist, name) for name in parts}
    for name, cost in costs.items():
        if cost is not None and not cost.is_nothing:
            problem = f'{name} must be 0 with persistence "none", under which nothing is written'
            raise given.error(problem, f"node.{name}", key)
    if node.candidacy != "before":
        problem = f'candidacy "{node.candidacy}" needs persistence "durable": nothing is written'
        raise given.error(problem, "node.candidacy", key)


def _check_matrix(given: Given, structs: Mapping[str, Any]) -> None:
    matrix, nodes = structs["network"].matrix, structs["cluster"].nodes
    if matrix is not None and len(matrix) != nodes:
        key = next(key for key in _MATRICES if key in given)
        problem = f"the table must be of cluster.nodes ({nodes}) servers, not of {len(matrix)}"
        raise given.error(problem, key, "cluster.nodes")


def _check_links(given: Given, structs: Mapping[str, Any]) -> None:
    nodes = structs["cluster"].nodes
    for i, link in enumerate(structs["network"].link):
        for end, ids in (("from", link.from_), ("to", link.to)):
            if max(ids) >= nodes:
                problem = f"link ids must be below cluster.nodes ({nodes}), not {max(ids)}"
                part = (f"[{i}].{end}", _shortest_ids(ids))
                raise given.error(problem, LINKS, "cluster.nodes", part=part)
        if len({*link.from_, *link.to}) == 1:
            part = (f"[{i}].to", _shortest_ids(link.to))
            raise given.error("must be another server than from", LINKS, part=part)


def _check_servers(given: Given, structs: Mapping[str, Any]) -> None:
    """[[timeouts.server]] speaks of servers there are, of each once."""
    nodes = structs["cluster"].nodes
    seen: set[int] = set()
    for i, entry in enumerate(structs["timeouts"].server):
        part = (f"[{i}].id", entry.id)
        if entry.id >= nodes:
            problem = f"id must be below cluster.nodes ({nodes}), not {entry.id}"
            raise given.error(problem, SERVERS, "cluster.nodes", part=part)
        if entry.id in seen:
            raise given.error("must be another server than the entries before", SERVERS, part=part)
        seen.add(entry.id)


def _check_timer(given: Given, structs: Mapping[str, Any]) -> None:
    """What goes with the timer class, and with looking at timers now and then."""
    timeouts: schema.Timeouts = structs["timeouts"]
    ticks = timeouts.tick_ms > 0
    both = ("timeouts.timer", "timeouts.tick_ms")
    if timeouts.timer == "redraw-each-tick" and not ticks:
        raise given.error(f'timer "{timeouts.timer}" needs a tick_ms above 0', *both)
    if timeouts.timer in ("poll", "poll-own-draw", "jitter") and ticks:
        problem = f'timer "{timeouts.timer}" goes by no ticks; tick_ms must be 0'
        raise given.error(problem, *both)
    for name in ("rank_ms", "escape_ms", "fast_forward_ms", "backoff_ms"):
        used = name != "backoff_ms" or timeouts.backoff == "lost-elections"
        if used and 0 < getattr(timeouts, name) < timeouts.tick_ms:
            problem = f"{name} must be a tick ({_shown(timeouts.tick_ms)} ms) or more, or 0"
            raise given.error(problem, f"timeouts.{name}", "timeouts.tick_ms", "timeouts.backoff")
    if timeouts.detector != "none" and (timeouts.timer != "redraw" or ticks):
        problem = f'detector "{timeouts.detector}" goes with timer "redraw", and no tick_ms'
        raise given.error(problem, "timeouts.detector", *both)
    poll_ms = timeouts.poll_ms
    if poll_ms[1] > 0 and poll_ms[0] < schema.NANOSECOND_MS:
        raise given.error("must be 0 (always) or have a low above 0", "timeouts.poll_ms")
    if poll_ms[1] > 0 and ticks:
        problem = "excludes tick_ms: timers are looked at by ticks or by polls"
        raise given.error(problem, "timeouts.poll_ms", "timeouts.tick_ms")


def _timeout_ranges(timeouts: schema.Timeouts) -> Iterator[tuple[str, tuple[float, float]]]:
    """Every range of timeouts in force, with the key that says it."""
    for name in ("election_ms", "candidate_ms", "first_ms"):
        if getattr(timeouts, name) is not None:
            yield f"timeouts.{name}", getattr(timeouts, name)
    for entry in timeouts.server:
        for name in ("election_ms", "candidate_ms"):
            if getattr(entry, name) is not None:
                yield SERVERS, getattr(entry, name)


def _check_ticks(given: Given, structs: Mapping[str, Any]) -> None:
    """With ticks, a timeout is a whole number of them, at least one, that lies in the range."""
    timeouts: schema.Timeouts = structs["timeouts"]
    if not timeouts.tick_ms:
        return
    tick_ms = Fraction(repr(timeouts.tick_ms))
    for key, range_ms in _timeout_ranges(timeouts):
        low, high = (Fraction(repr(end)) for end in range_ms)
        first = max(1, math.ceil(low / tick_ms)) * tick_ms
        if first >= high and not first == low == high:
            name = key.rpartition(".")[2]
            problem = f"no whole number of ticks ({_shown(timeouts.tick_ms)} ms) fits in {name}, "
            problem += _shown(low) if low == high else f"[{_shown(low)}, {_shown(high)})"
            raise given.error(problem, key, "timeouts.tick_ms")


def _check_heartbeat(given: Given, structs: Mapping[str, Any]) -> None:
    """After a crash no timeout may be over before it, by a clock that ticks or drifts neither.

    A timer of k ticks can last as little as k - 1 of them, and one by a fast clock less than it
    says.
    """
    timeouts: schema.Timeouts = structs["timeouts"]
    own = [entry.election_ms[0] for entry in timeouts.server if entry.election_ms is not None]
    low_ms = min([timeouts.election_ms[0], *own])
    too_long = timeouts.heartbeat_ms >= low_ms
    if timeouts.tick_ms > 0 and not too_long:
        low_ms = (math.ceil(low_ms / timeouts.tick_ms - 1e-9) - 1) * timeouts.tick_ms
        too_long = timeouts.heartbeat_ms > low_ms
    slack = 1.0 - structs["node"].drift_ppm * 1e-6
    if slack < 1.0 and not too_long:
        low_ms *= slack
        too_long = timeouts.heartbeat_ms >= low_ms
    if structs["scenario"].kind != "cold-start" and too_long:
        problem = (
            f"heartbeat_ms ({_shown(timeouts.heartbeat_ms)}) must be below the lowest election "
            f"timeout ({_shown(low_ms)}) where a leader is in office at first"
        )
        keys = ("timeouts.heartbeat_ms", "timeouts.election_ms", "scenario.kind")
        raise given.error(problem, *keys)


def _check_limit(given: Given, structs: Mapping[str, Any]) -> None:
    """A limit that comes before any trial can end would censor them all."""
    stop: schema.Stop = structs["stop"]
    if stop.on == "duration" and stop.limit_ms < stop.duration_ms:
        bound, wait_ms = "at least", stop.duration_ms
    elif stop.on == "stable" and stop.limit_ms <= stop.stable_ms:
        bound, wait_ms = "above", stop.stable_ms
    else:
        return
    problem = (
        f"limit_ms ({_shown(stop.limit_ms)}) must be {bound} {stop.on}_ms ({_shown(wait_ms)}), "
        "or no trial could end"
    )
    raise given.error(problem, "stop.limit_ms", f"stop.{stop.on}_ms", "stop.on")


CHECKS: Mapping[Check, tuple[str, ...]] = {
    check_members: ("cluster", "protocol"),
    _check_matrix: ("network", "cluster"),
    _check_links: ("network", "cluster"),
    _check_servers: ("timeouts", "cluster"),
    _check_timer: ("timeouts",),
    check_events: ("scenario", "cluster", "stop"),
    _check_ticks: ("timeouts",),
    _check_heartbeat: ("timeouts", "node", "scenario"),
    _check_limit: ("stop",),
    _check_persistence: ("node",),
}
"""Every rule across keys, with the tables it looks at: it sees no others."""


def written(resolved: Resolved) -> dict[str, Any]:
    """Every key with the value in force, as a file would write it; unset keys are left out."""
    tables: dict[str, Any] = {}
    for table, struct in ((table, resolved.structs[table]) for table in TABLES):
        if struct is None:
            continue
        at = tables
        for part in table.split(".") if table else ():
            at = at.setdefault(part, {})
        for key in _KEYS_OF[table]:
            name = _HOMES[key][1]
            value = _written(key, getattr(struct, name), resolved.settled.get(key))
            if value is not None:
                at[name] = value
    return tables


def _written(key: str, value: object, settled: Settled | None) -> object:
    """The value of a key as a file would write it; None where it is unset."""
    if settled is not None and settled.written is not None:
        value = settled.written
    elif value is not None and key in DISTRIBUTIONS:
        value = 0
    if key in RECORDS and not value:
        return None
    value = _tidy(value)
    return _shortest(value) if KEYS[key].is_range else value


def _shown(number: float | Fraction) -> str:
    return show(_tidy(float(number)))


def _shortest_ids(ids: tuple[int, ...]) -> object:
    return ids[0] if len(ids) == 1 else ids


def _shortest(value: Any) -> Any:
    """A range as people write it: one number where its ends are equal."""
    return value[0] if isinstance(value, list) and value[0] == value[1] else value


def _tidy(value: Any, folder: Path | None = None) -> Any:
    """A value as a file would write it: lists, short numbers, and, given a folder, full paths."""
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, Mapping):
        return {
            name: _absolute(part, folder)
            if folder is not None and name in _FILE_LAWS and isinstance(part, str)
            else _tidy(part, folder)
            for name, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_tidy(part, folder) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def anchored(key: str, value: object, folder: Path) -> object:
    """A key's value that means the same in any folder: the files it names by their full paths."""
    if key in _MATRICES and isinstance(value, str):
        return _absolute(value, folder)
    return _tidy(value, folder)


def _absolute(name: str, folder: Path) -> str:
    """The full path of a file that a layer names, so that any other folder finds it, too."""
    return os.path.abspath(folder / Path(name).expanduser())
