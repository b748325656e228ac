"""The named settings that come with raftfast: which there are, and what each one sets."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from .errors import InputError
from .schema import show, suggestion

_FOLDER = resources.files("raftfast") / "presets"
_SUFFIX = ".toml"


def names() -> list[str]:
    """The presets there are, sorted."""
    files = (entry.name for entry in _FOLDER.iterdir())
    return sorted(file.removesuffix(_SUFFIX) for file in files if file.endswith(_SUFFIX))


def text(name: str, *, key: str | None = "preset", source: str | None = None) -> str:
    """The preset's file as written.

    Raises InputError for a name that is none, naming `key` and `source`: where it was asked for.
    """
    known = names()
    if name in known:
        return (_FOLDER / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    listed = f"presets: {', '.join(known)}"
    if near := suggestion(name, known):
        problem = f"value {show(name)}: unknown preset; did you mean {near}? {listed}"
    else:
        problem = f"value {show(name)}: unknown preset; {listed}"
    raise InputError(problem, key=key, source=source)


def load(name: str, *, key: str | None = "preset", source: str | None = None) -> dict[str, Any]:
    """The preset's tables, as a scenario file has them. Raises InputError as `text` does."""
    return tomllib.loads(text(name, key=key, source=source))


def describe(name: str) -> str:
    """The comment block that opens the preset's file, as one paragraph."""
    lines: list[str] = []
    for line in text(name).splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return " ".join(line for line in lines if line)
