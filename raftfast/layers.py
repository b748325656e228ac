"""Where a scenario's values come from: presets, files and -p options, each laid over the last."""

from __future__ import annotations

import numbers
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .schema import DEFAULT_SPECS, KEYS, TABLES, dotted, mismatch, show, suggestion

OVERRIDE = "-p"
"""What errors call the source of a value given by an option."""

_PLAIN: tuple[type, ...] = (bool, int, float, str)
_BYTES_MAX = 16 * 2**20
_PERSIST = tuple(key for key in KEYS if key.startswith("node.persist."))

# Ways of saying one thing: a layer may use one, and so overrules the others of lower layers.
_ALTERNATIVES: tuple[Mapping[str, tuple[str, ...]], ...] = (
    {key: (key,) for key in ("network.latency_ms", "network.matrix_ms", "network.matrix_rtt_ms")},
    {"node.persist_ms": ("node.persist_ms",), "node.persist": _PERSIST},
)
_OVERRULED: Mapping[str, frozenset[str]] = {
    key: frozenset(other for way in ways.values() if way is not keys for other in way)
    for ways in _ALTERNATIVES
    for keys in ways.values()
    for key in keys
}
"""By each such key what it overrules."""

_POINT = re.compile(r"[+-]?\.[0-9]+(?:[eE][+-]?[0-9]+)?")
_TOKEN = re.compile(r""" "(?:\\.|[^"\\])*" | '[^']*' | [^\s,\[\]{}="']+ """, re.VERBOSE)
_POSITION = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True)
class Layer:
    """Values by dotted key, as written, with who wrote them and where their files are."""

    source: str | None
    folder: Path
    values: Mapping[str, object]


@dataclass(frozen=True)
class Given:
    """All layers as one: for every key the value of the highest layer that gives it.

    `rank` tells which layer that is, an index into `layers`; 0 is the contract's defaults, of which
    only the distributions are here. Of keys that exclude each other the highest alone is left.
    """

    layers: tuple[Layer, ...]
    values: Mapping[str, object]
    rank: Mapping[str, int]

    def __contains__(self, key: str) -> bool:
        """Whether a file, a preset or an option gave the key."""
        return self.rank.get(key, 0) > 0

    def layer(self, key: str) -> Layer:
        """The layer whose value of `key` is in force; the defaults where there is none."""
        return self.layers[self.rank.get(key, 0)]

    def error(self, problem: str, *keys: str, part: tuple[str, object] | None = None) -> InputError:
        """An error about several keys: it names the one that the highest layer gave.

        Of keys from the same layer the first is named. Where only a part of the first key's value
        is wrong, `part` says which, for instance ("[0].from", 7) of the links.
        """
        key = max(keys, key=lambda key: self.rank.get(key, 0))
        at, value = key, self.values.get(key)
        if part and key == keys[0]:
            at, value = key + part[0], part[1]
        shown = "" if value is None else f"value {show(value)}: "
        return InputError(shown + problem, key=at, source=self.layer(key).source)


NOTHING_GIVEN = Given((), {}, {})
DEFAULTS = Layer(None, Path(), DEFAULT_SPECS)
"""The lowest layer: of the contract's defaults those that a struct does not have by itself."""


def lay(given: Given, layers: Iterable[Layer]) -> Given:
    """Lay each layer over what is given and the ones before it.

    Raises InputError where one layer gives two keys that exclude each other.
    """
    stack = list(given.layers)
    values, rank = dict(given.values), dict(given.rank)
    for layer in layers:
        for replaced in _replaced_by(layer):
            values.pop(replaced, None)
            rank.pop(replaced, None)
        values.update(layer.values)
        rank.update(dict.fromkeys(layer.values, len(stack)))
        stack.append(layer)
    return Given(tuple(stack), values, rank)


def _replaced_by(layer: Layer) -> set[str]:
    """The keys of lower layers that a layer overrules by saying the same in another way."""
    replaced = {
        other for key in _OVERRULED.keys() & layer.values.keys() for other in _OVERRULED[key]
    }
    if not replaced.isdisjoint(layer.values):
        raise _clash(layer)
    return replaced


def _clash(layer: Layer) -> InputError:
    """The error of a layer that says one thing in two ways."""
    used = (
        [(way, key) for way, keys in ways.items() for key in keys if key in layer.values]
        for ways in _ALTERNATIVES
    )
    (first, _), *others = next(given for given in used if len(dict(given)) > 1)
    key = next(key for way, key in others if way != first)
    problem = f"value {show(layer.values[key])}: excludes {first}; give one of the two"
    return InputError(problem, key=key, source=layer.source)


def flatten(tables: Mapping[str, object], source: str | None) -> dict[str, object]:
    """The values of nested tables by dotted key, in plain Python types.

    Raises InputError for an unknown key or table, with the one that was probably meant.
    """
    values: dict[str, object] = {}
    _walk(tables, "", source, values)
    return values


def _walk(
    tables: Mapping[str, object], table: str, source: str | None, values: dict[str, object]
) -> None:
    for name, value in tables.items():
        key = dotted(table, str(name))
        if name and key in TABLES and "." not in str(name):
            if not isinstance(value, Mapping):
                problem = mismatch(value, f"a table, [{key}]")
                raise InputError(problem, key=key, source=source)
            _walk(value, key, source, values)
        elif key in KEYS and "." not in str(name):
            values[key] = plain(value)
        else:
            raise InputError(_unknown(table, str(name), value), key=key, source=source)


def plain(value: object) -> object:
    """A value in the types TOML has: what numpy and pathlib give becomes numbers and strings."""
    if type(value) in _PLAIN:
        return value
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, numbers.Real) and type(value) not in _PLAIN:
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    return value


def _unknown(table: str, name: str, value: object) -> str:
    """The problem of a key nobody knows, with the one that was probably meant."""
    if not table and name == "preset":
        return f"value {show(value)}: a preset is what a scenario begins with, not laid over it"
    if not table and name in KEYS:
        return "unknown key; write its dots without quotes, or put it in its table"
    tables = [known for known in TABLES if known and "." not in known]
    if not table and isinstance(value, Mapping):
        near = suggestion(name, tables)
        return f"unknown table; did you mean [{near}]?" if near else _has("a scenario", tables)
    homes = [key for key in KEYS if key.rpartition(".")[2] == name]
    if homes:
        home = homes[0].rpartition(".")[0]
        place = f"in [{home}]" if home else "before the first table"
        return f"unknown key; it belongs {place}: did you mean {' or '.join(homes)}?"
    siblings = {key.rpartition(".")[2]: key for key in KEYS if key.rpartition(".")[0] == table}
    if not table:
        siblings |= {known: f"[{known}]" for known in tables} | {"preset": "preset"}
    for known in (siblings, {key.rpartition(".")[2]: key for key in KEYS}):
        if near := suggestion(name, known):
            return f"unknown key; did you mean {known[near]}?"
    return _has(f"[{table}]" if table else "a scenario", list(siblings))


def _has(where: str, names: Sequence[str]) -> str:
    return f"unknown key; {where} has {', '.join(names)}"


def nested(key: str, value: object) -> dict[str, object]:
    """The tables that hold one value at a dotted key."""
    head, _, rest = key.partition(".")
    return {head: nested(rest, value) if rest else value}


def from_keys(keys: Mapping[str, object], *, source: str | None, folder: Path) -> Layer:
    """The layer of values by dotted key; a table replaces only the keys it names.

    Raises InputError for unknown keys.
    """
    values: dict[str, object] = {}
    for key, value in keys.items():
        # By its full name a key is found without the tables around it, as every point's are.
        if key in KEYS and key not in TABLES:
            values[key] = plain(value)
        else:
            values.update(flatten(nested(key, value), source))
    return Layer(source, folder, values)


def from_overrides(overrides: Sequence[str]) -> tuple[Layer, ...]:
    """The layer of `-p KEY=VALUE` options, the last of a key counting; none where there are none.

    A value is TOML, or a bare word that is taken as a string, also within a table or a list. Files
    are relative to the working directory. Raises InputError with the source "-p".
    """
    if isinstance(overrides, str):
        raise TypeError("overrides must be a sequence of KEY=VALUE strings, not one string")
    values: dict[str, object] = {}
    for text in overrides:
        key, value = _override(text)
        values.update(flatten(nested(key, value), OVERRIDE))
    return (Layer(OVERRIDE, Path.cwd(), values),) if values else ()


def _override(text: str) -> tuple[str, object]:
    key, _, value = text.partition("=")
    parts = [part.strip() for part in key.split(".")]
    key = ".".join(parts)
    if not all(parts) or not value.strip():
        problem = f"value {show(text)}: must be KEY=VALUE, for instance cluster.nodes=7"
        raise InputError(problem, key=key, source=OVERRIDE)
    if key == "preset":
        problem = f"value {show(value.strip())}: must be given as --preset NAME"
        raise InputError(problem, key=key, source=OVERRIDE)
    return key, typed(value.strip(), key, OVERRIDE)


def typed(text: str, key: str, source: str) -> object:
    """A value as an option gives it: TOML, but a bare word stands for a string, since shells eat
    quotes, and a number may begin with its point. Raises InputError with the key and source."""
    if _POINT.fullmatch(text):
        return float(text)
    try:
        return _toml_value(text)
    except (ValueError, RecursionError):
        if text[0] not in "[{\"'":
            return text
    try:
        return _toml_value(_TOKEN.sub(_quoted, text))
    except (ValueError, RecursionError):
        problem = (
            f"value {show(text)}: must be a TOML value, for instance 7, keep, [150, 300] or "
            "{ uniform = [1, 5] }"
        )
        raise InputError(problem, key=key, source=source) from None


def _toml_value(text: str) -> object:
    document = tomllib.loads(f"value = {text}")
    if list(document) != ["value"]:
        raise ValueError("more than one value")
    return document["value"]


def _quoted(match: re.Match[str]) -> str:
    token = match[0]
    is_key = match.string[match.end() :].lstrip().startswith("=")
    if is_key or token[0] in "\"'":
        return token
    try:
        _toml_value(token)
    except ValueError:
        return f"'{token}'"
    return token


def read_toml(path: str | os.PathLike[str], *, what: str = "a scenario") -> dict[str, object]:
    """The tables of a TOML file, at least one key.

    Raises InputError that names the file: missing, a directory, unreadable, binary, empty (but for
    comments), or not TOML, then with line and column. `what` says what the file should hold.
    """
    source = os.fspath(path)
    try:
        with open(path, "rb") as file:
            content = file.read(_BYTES_MAX + 1)
    except FileNotFoundError:
        raise InputError("no such file", source=source) from None
    except IsADirectoryError:
        problem = f"is a directory; must be a TOML file with {what}"
        raise InputError(problem, source=source) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name.
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read: {reason}", source=source) from None
    if len(content) > _BYTES_MAX:
        problem = f"is over {_BYTES_MAX // 2**20} MiB; must be a TOML file with {what}"
        raise InputError(problem, source=source)
    if b"\0" in content:
        raise InputError("is not a text file; must be TOML in UTF-8", source=source)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("is not a text file; must be TOML in UTF-8", source=source) from None
    return _parsed(text, what, source)


def _parsed(text: str, what: str, source: str) -> dict[str, object]:
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise InputError("is nested too deeply", source=source) from None
    except ValueError as error:
        raise InputError(_syntax(text, str(error)), source=source) from None
    if not tables:
        raise InputError(f"is empty; must be a TOML file with {what}", source=source)
    return tables


def _syntax(text: str, message: str) -> str:
    """What tomllib says is wrong, with the line and column first; the end has one, too."""
    found = _POSITION.search(message)
    if not found:
        return f"is not valid TOML: {message}"
    lines = text.splitlines() or [""]
    line, column = found[1] or len(lines), found[2] or len(lines[-1]) + 1
    return f"line {line}, column {column}: is not valid TOML: {message[: found.start()]}"
