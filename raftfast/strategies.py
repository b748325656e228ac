"""The ways to time and to vote: which there are, what each does, who uses it, when it hurts."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import Any, NamedTuple

from .errors import InputError
from .schema import show, suggestion
from .toml import inline

_FILE = resources.files("raftfast") / "strategies.toml"
_LOOSE = re.compile(r"[\s\"']")


class Strategy(NamedTuple):
    """One value of a scenario's key; `toml` is what a scenario file needs to have it."""

    key: str
    value: Any
    what: str
    who: str
    hurts: str
    toml: str

    @property
    def label(self) -> str:
        """The value as TOML, a string without its quotation marks."""
        return self.value if isinstance(self.value, str) else inline(self.value)

    @property
    def name(self) -> str:
        """KEY=VALUE, as `-p` takes it."""
        return f"{self.key}={self.label}"

    @property
    def words(self) -> tuple[str, ...]:
        """What one may call it: its key, with or without the table, its value, or both."""
        keys = _forms(self.key)
        return (*keys, self.label, *(f"{key}={self.label}" for key in keys))


def entries() -> tuple[Strategy, ...]:
    """Every strategy, in the order of the file: those of one key stand together."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))["strategy"]
    return tuple(Strategy(**table) for table in tables)


def find(name: str) -> tuple[Strategy, ...]:
    """The strategies called so (`Strategy.words`), one or more.

    Blanks, quotation marks and case do not count. Raises InputError, with the name that was
    probably meant, where there is none.
    """
    known = entries()
    wanted = _plain(name)
    if found := tuple(entry for entry in known if wanted in map(_plain, entry.words)):
        return found
    keys = ", ".join(dict.fromkeys(entry.key for entry in known))
    words = tuple(dict.fromkeys(word for entry in known for word in entry.words))
    if near := suggestion(name, words):
        problem = f"unknown strategy; did you mean {near}?"
    else:
        problem = f"unknown strategy; keys: {keys}"
    raise InputError(f"value {show(name)}: {problem}", key="strategies")


def _plain(text: str) -> str:
    return _LOOSE.sub("", text).lower()


def _forms(key: str) -> tuple[str, str]:
    """A key with its table and without."""
    return key, key.rpartition(".")[2]
