"""The axes of a sweep: lists and ranges of values, keys that vary together, options -P and -L."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from .errors import InputError
from .layers import flatten, nested, plain, typed
from .rules import anchored
from .schema import KEYS, TABLES, convert, dotted, mismatch, show

POINTS_MAX = 10_000_000
"""The most points of a sweep."""

GROUND_KEYS = ("preset", "file", "under")
"""What a point can begin with, beside the keys of a scenario: see `ground`."""

RANGE, LIST = "-P", "-L"
"""What errors call the axes of the command line."""

Columns = tuple[Sequence[Any], ...]

_ONCE = ("name", "trials")
_FORMS = (
    "a list of values, { start = 0, stop = 1, step = 0.1 }, { start = 0, stop = 1, num = 11 } or "
    "{ log = [1, 100], num = 5 }"
)
_PARTS = ({"start", "stop", "step"}, {"start", "stop", "num"}, {"log", "num"})
_NUMBER = r"[+-]?(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?", re.ASCII)


@dataclass(frozen=True)
class Axis:
    """Keys that vary together: `columns[k][j]` is the value of `keys[k]` at position j.

    `source` is what errors call the place where it was given.
    """

    keys: tuple[str, ...]
    columns: Columns
    source: str | None

    def __len__(self) -> int:
        return len(self.columns[0])

    def values(self, position: int) -> dict[str, Any]:
        """The value of each key at a position."""
        return {k: column[position] for k, column in zip(self.keys, self.columns, strict=True)}


def round12(number: float) -> float:
    """A number to 12 significant digits, so that 3 x 0.05 is 0.15."""
    return float(f"{number:.12g}")


def entries(table: object, at: str, source: str | None) -> Iterator[tuple[str, Any]]:
    """The keys of a scenario that a table of a spec names, dotted, with their values.

    Keys may stand as "cluster.nodes" = ... or cluster.nodes = ... . `at` is the table's place, for
    errors. Raises InputError for what is no table, an unknown key, or one that stands twice.
    """
    if not isinstance(table, Mapping):
        raise InputError(mismatch(table, "a table"), key=at, source=source)
    seen: set[str] = set()
    for key, value in _walk(table, ""):
        _check_key(key, f"{at}.{key}" if at else key, source)
        if key in seen:
            raise InputError("stands twice", key=f"{at}.{key}", source=source)
        seen.add(key)
        yield key, plain(value)


def _walk(table: Mapping[object, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        key = dotted(prefix, str(name))
        if key and key in TABLES and isinstance(value, Mapping):
            yield from _walk(value, key)
        else:
            yield key, value


def _check_key(key: str, at: str, source: str | None) -> None:
    if key in _ONCE:
        problem = "is the same for all points; it belongs at the top of the spec"
        raise InputError(problem, key=at, source=source)
    if key in GROUND_KEYS or key in KEYS:
        return
    if key in TABLES:
        inside = next(known for known in KEYS if known.startswith(f"{key}."))
        raise InputError(f"is a table; name a key of it, such as {inside}", key=at, source=source)
    try:
        flatten(nested(key, None), source)
    except InputError as error:
        raise InputError(error.problem, key=at, source=source) from None


def takes_whole(key: str) -> bool:
    """Whether a key takes whole numbers, and no others."""
    if key not in KEYS:
        return False

    def takes(value: float) -> bool:
        try:
            convert(KEYS[key], value, key=key, source=None)
        except InputError:
            return False
        return True

    return takes(2) and not takes(2.5)


def expand(key: str, written: object, at: str, source: str | None) -> list[Any]:
    """The values that a list or a range stands for: at least one, at most POINTS_MAX.

    Values of a range are start + i * step to 12 significant digits, whole numbers where the ends
    and the step are; with `num` they are rounded where the key takes whole numbers only. Raises
    InputError for what is neither, and for nothing at all.
    """
    if isinstance(written, Mapping):
        return _range(key, written, at, source)
    if not isinstance(written, list):
        raise InputError(mismatch(written, _FORMS), key=at, source=source)
    if not written:
        raise InputError("value []: must hold at least one value", key=at, source=source)
    return written


def _one_axis(keys: tuple[str, ...], columns: Columns, at: str, source: str | None) -> Axis:
    """An axis, once it is sure that no two of its positions are the same: they would be points
    that cost twice and say nothing."""
    axis = Axis(keys, columns, source)
    if len(keys) == 1 and all(type(value) in (int, float) for value in columns[0]):
        distinct = len({*columns[0]}) == len(axis)
    else:
        rows = map(canonical, zip(*columns, strict=True))
        distinct = len({*rows}) == len(axis)
    if distinct:
        return axis
    seen: set[str] = set()
    for j in range(len(axis)):
        row = [column[j] for column in columns]
        if canonical(row) in seen:
            shown = show(row if len(row) > 1 else row[0])
            raise InputError(f"gives {shown} twice", key=at, source=source)
        seen.add(canonical(row))
    return axis


def canonical(value: object) -> str:
    """A text that is equal for equal values: JSON without spaces, keys sorted, 7.0 as 7."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Mapping):
        pairs = sorted((json.dumps(str(name)), canonical(part)) for name, part in value.items())
        return "{" + ",".join(f"{name}:{part}" for name, part in pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)


def _range(
    key: str, written: Mapping[str, Any], at: str, source: str | None
) -> list[int] | list[float]:
    def fail(problem: str) -> InputError:
        return InputError(f"value {show(written)}: {problem}", key=at, source=source)

    if {*written} not in _PARTS:
        raise fail(f"must be {_FORMS}")
    ends = written["log"] if "log" in written else [written["start"], written["stop"]]
    if not isinstance(ends, list) or len(ends) != 2 or not all(map(_is_number, ends)):
        raise fail("the two ends must be numbers")
    if "step" in written:
        stepped = _stepped(ends[0], ends[1], written["step"], fail)
        return [_whole(value) for value in stepped] if takes_whole(key) else stepped
    num = written["num"]
    if not isinstance(num, int) or isinstance(num, bool) or not 2 <= num <= POINTS_MAX:
        raise fail(f"num must be a whole number from 2 to {POINTS_MAX}")
    low, high = ends
    if low == high:
        raise fail("the two ends must differ")
    if "log" not in written:
        values = _spaced(low, high, num)
    elif min(ends) <= 0:
        raise fail("the ends of log must be above 0")
    else:
        ratio = math.log(high / low) / (num - 1)
        values = [round12(low * math.exp(ratio * i)) for i in range(num - 1)]
        values.append(round12(high))
    return [round(value) for value in values] if takes_whole(key) else values


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 2**64
    )  # As is neither inf nor nan.


def _stepped(
    start: float, stop: float, step: object, fail: Callable[[str], InputError]
) -> list[int] | list[float]:
    if not isinstance(step, int | float) or not _is_number(step) or step == 0:
        raise fail("step must be a number other than 0")
    if (stop - start) * step < 0:
        raise fail("step leads away from stop")
    first, last, by = (Fraction(repr(number)) for number in (start, stop, step))
    count = int((last - first) / by) + 1
    if count > POINTS_MAX:
        raise fail(f"gives {count:,} values; a sweep has at most {POINTS_MAX:,} points")
    if isinstance(start, int) and isinstance(step, int):
        return [start + i * step for i in range(count)]
    scale = math.lcm(first.denominator, by.denominator)
    a, b = int(first * scale), int(by * scale)
    # Of two integers Python's quotient is the nearest float there is.
    return [round12((a + i * b) / scale) for i in range(count)]


def _whole(value: float) -> float:
    """A whole number where the value is one."""
    return int(value) if value == int(value) else value


def _spaced(start: float, stop: float, num: int) -> list[float]:
    first, last = Fraction(repr(start)), Fraction(repr(stop))
    scale = math.lcm(first.denominator, last.denominator) * (num - 1)
    a, b = int(first * scale), int((last - first) * scale) // (num - 1)
    return [round12((a + i * b) / scale) for i in range(num)]


def read_axes(sweep: object, zips: object, source: str | None) -> list[Axis]:
    """The axes of [sweep] and, after them, of every [[zip]]. Raises InputError."""
    axes = [
        _one_axis((key,), (expand(key, written, f"sweep.{key}", source),), f"sweep.{key}", source)
        for key, written in entries(sweep, "sweep", source)
    ]
    for i, table in enumerate(tables_of(zips, "zip", source)):
        at = f"zip[{i}]"
        columns = {
            key: expand(key, written, f"{at}.{key}", source)
            for key, written in entries(table, at, source)
        }
        if not columns:
            raise InputError("names no key", key=at, source=source)
        lengths = {key: len(values) for key, values in columns.items()}
        if len({*lengths.values()}) > 1:
            listed = ", ".join(f"{key} {count}" for key, count in lengths.items())
            problem = f"keys that vary together must have equally many values, not {listed}"
            raise InputError(problem, key=at, source=source)
        axes.append(_one_axis(tuple(columns), tuple(columns.values()), at, source))
    return axes


def tables_of(value: object, name: str, source: str | None) -> list[Any]:
    """The tables of a list of them, [[name]]. Raises InputError for anything else."""
    if not isinstance(value, list):
        raise InputError(mismatch(value, f"a list of tables, [[{name}]]"), key=name, source=source)
    return value


def parse_range(text: str) -> Axis:
    """The axis of an option `-P KEY=START..STOP[:STEP]`, the stop included; the step is 1 unless
    given. Raises InputError with the source "-P"."""
    key, written = _option(text, RANGE, "cluster.nodes=3..9:2")
    found = _RANGE.fullmatch(written)
    if found is None:
        problem = f"value {show(written)}: must be START..STOP or START..STOP:STEP"
        raise InputError(f"{problem}, such as 3..9:2", key=key, source=RANGE)
    start, stop, step = (typed(part or "1", key, RANGE) for part in found.groups())
    values = expand(key, {"start": start, "stop": stop, "step": step}, key, RANGE)
    return _one_axis((key,), (values,), key, RANGE)


def parse_list(text: str) -> Axis:
    """The axis of an option `-L KEY=A,B,C`: values as `-p` takes them, with brackets respected.

    Raises InputError with the source "-L".
    """
    key, written = _option(text, LIST, "timeouts.election_ms=[150,300],[300,600]")
    parts = _split(written)
    if not all(parts):
        problem = f"value {show(written)}: must be values with commas between, such as 3,5,7"
        raise InputError(problem, key=key, source=LIST)
    values = [_anchored(key, typed(part, key, LIST)) for part in parts]
    return _one_axis((key,), (expand(key, values, key, LIST),), key, LIST)


def _anchored(key: str, value: object) -> object:
    """A value whose files are found from any folder: options name them from the working one."""
    if key == "file" and isinstance(value, str):
        return str(Path.cwd() / Path(value).expanduser())
    return anchored(key, value, Path.cwd())


def _option(text: str, source: str, example: str) -> tuple[str, str]:
    key, _, written = text.partition("=")
    key = ".".join(part.strip() for part in key.split("."))
    if not key or not written.strip():
        problem = f"value {show(text)}: must be KEY=VALUES, such as {example}"
        raise InputError(problem, key=key, source=source)
    _check_key(key, key, source)
    return key, written.strip()


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no bracket and in no quotes."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "[{") - (character in "]}")
        if character == "," and not quote and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
