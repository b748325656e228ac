"""What `raftfast compare` holds against one another: the scenarios named, or variants of one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .options import Source

if TYPE_CHECKING:
    from ..axes import Axis
    from ..scenario import Scenario

_FIELDS = {"preset": "preset", "file": "path", "under": "ready"}


@dataclass(frozen=True)
class Variant:
    """A side: its name, where it comes from, the keys that -L gave it, and what it is called in
    tables, where each line need not say again what varies; its name where there is nothing else."""

    name: str
    source: Source
    keys: tuple[str, ...] = ()
    label: str = ""

    def load(self) -> Scenario:
        """The scenario. Raises InputError, which names -L where its value is to blame."""
        try:
            return self.source.load()
        except InputError as error:
            if error.source == "-p" and error.key and error.key.startswith(self.keys or ("?",)):
                raise InputError(error.problem, key=error.key, source="-L") from None
            raise


def variants(words: Sequence[str], below: Source, lists: Sequence[str]) -> list[Variant]:
    """The sides that the command line asks for, in order.

    words: presets and scenario files. below: what they have in common; its path is a file that lies
    over presets, its preset one that files lie over. lists: the texts of -L. Raises InputError.
    """
    if not lists:
        if len(words) < 2:
            raise InputError(_too_few(words), key="compare")
        return sides_of(words, below)
    from ..axes import parse_list

    axes = [parse_list(text) for text in lists]
    _check(words, below, axes)
    source = _source(words[0], below) if words else below
    return [_variant(source, values) for values in _combinations(axes)]


def sides_of(words: Sequence[str], below: Source) -> list[Variant]:
    """The sides that words name, or what all have in common where there are none."""
    if words:
        return [Variant(word, _source(word, below)) for word in words]
    return [Variant(below.path or below.preset or "the default scenario", below)]


def _too_few(words: Sequence[str]) -> str:
    if not words:
        return "give at least two presets or scenario files, or vary one with -L KEY=A,B"
    if is_results(words[0]):
        return f"{words[0]}: is the results of a sweep; say by which key with --by KEY"
    return f"{words[0]} alone: give another preset or scenario file, or vary it with -L KEY=A,B"


def is_results(path: str) -> bool:
    """Whether a file is what `raftfast sweep` writes, by its first bytes."""
    try:
        with open(path, "rb") as file:
            return file.read(6) == b"SQLite"
    except (OSError, ValueError):
        return False


def _source(word: str, below: Source) -> Source:
    """A preset or a file, upon or below what all have in common."""
    if _is_file(word):
        if is_results(word):
            problem = "is the results of a sweep; give it alone, with --by KEY"
            raise InputError(problem, source=word)
        if below.path is not None:
            raise InputError(f"lies over presets, and {word} is a file", key="--file")
        return replace(below, path=word)
    if below.preset is not None:
        raise InputError(f"is what files lie over, and {word} is none", key="--preset")
    return replace(below, preset=word)


def _is_file(word: str) -> bool:
    """Whether a word is a file, not a preset. Raises InputError for what is neither."""
    from .. import preset
    from ..schema import suggestions

    if word.endswith(".toml") or os.path.basename(word) != word:
        return True
    known = preset.names()
    if word in known:
        return False
    if Path(word).exists():
        return True
    near = suggestions(word, known)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    problem = f"{word}: is neither a preset nor a file; {meant}presets: {', '.join(known)}"
    raise InputError(problem, key="compare")


def _check(words: Sequence[str], below: Source, axes: Sequence[Axis]) -> None:
    if len(words) > 1:
        problem = f"varies one scenario, not {' and '.join(words)}; to vary what they are, too: "
        raise InputError(f"{problem}-L preset=A,B", key="-L")
    keys = [key for axis in axes for key in axis.keys]
    if sum(map(len, axes)) == len(axes):
        raise InputError("gives one value; to compare it takes two, such as A,B", key=keys[0],
                         source="-L")  # fmt: skip
    given = {text.partition("=")[0].strip() for text in below.overrides}
    for key in keys:
        if key == "seed":
            raise InputError("is the same for all sides; -s sets it", key=key, source="-L")
        if keys.count(key) > 1:
            raise InputError("stands twice", key=key, source="-L")
        if key in given:
            raise InputError("is set by -p, too; give one of the two", key=key, source="-L")


def _combinations(axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    """Every combination of values, the last key fastest."""
    for positions in itertools.product(*(range(len(axis)) for axis in axes)):
        yield {
            key: value
            for axis, j in zip(axes, positions, strict=True)
            for key, value in axis.values(j).items()
        }


def _variant(below: Source, values: dict[str, Any]) -> Variant:
    from ..toml import inline

    source = below
    for key, value in values.items():
        if key in _FIELDS:
            if getattr(below, _FIELDS[key]) is not None:
                raise InputError("is given already; give one of the two", key=key, source="-L")
            field: dict[str, Any] = {_FIELDS[key]: str(value)}
            source = replace(source, **field)
    own = {key: value for key, value in values.items() if key not in _FIELDS}
    added = tuple(f"{key}={inline(value)}" for key, value in own.items())
    source = replace(source, overrides=(*source.overrides, *added))
    name = ", ".join(f"{key}={_text(value)}" for key, value in values.items())
    # One key goes without saying; of several, their last parts tell them apart.
    short = [f"{key.rpartition('.')[2]}=" if len(values) > 1 else "" for key in values]
    label = ", ".join(a + _text(b) for a, b in zip(short, values.values(), strict=True))
    return Variant(name, source, tuple(own), label)


def _text(value: Any) -> str:
    """A value as it was typed, or nearly so: files are found from here."""
    from ..contrasts import text_of

    here = f"{Path.cwd()}{os.sep}"
    return text_of(value).replace(here, "")


def named(reference: str | None, sides: Sequence[Variant]) -> str | None:
    """The reference's name; of variants in one key its value is enough."""
    names = [side.name for side in sides]
    ends = [name for name in names if name.partition("=")[2] == reference and ", " not in name]
    return ends[0] if reference not in names and len(ends) == 1 else reference
