"""The named settings that come with raftfast: which there are, and what each one sets."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any, NamedTuple

from .errors import InputError
from .schema import either, show, suggestions

_FOLDER = resources.files("raftfast") / "presets"
_SUFFIX = ".toml"
_SOURCE, _LEFT_OUT = "Source:", "Left out:"


class About(NamedTuple):
    """What a preset is: in paragraphs; where its values are from; what of its system it lacks.

    `source` and `left_out` are None where the file does not say.
    """

    description: str
    source: str | None
    left_out: str | None

    @property
    def summary(self) -> str:
        """The first paragraph of the description."""
        return self.description.partition("\n\n")[0]


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
    near = suggestions(str(name), known)
    meant = f"did you mean {either(near)}? " if near else ""
    problem = f"value {show(name)}: unknown preset; {meant}presets: {', '.join(known)}"
    raise InputError(problem, key=key, source=source)


def load(name: str, *, key: str | None = "preset", source: str | None = None) -> dict[str, Any]:
    """The preset's tables, as a scenario file has them. Raises InputError as `text` does."""
    return tomllib.loads(text(name, key=key, source=source))


def describe(name: str) -> About:
    """What the comment block that opens the preset's file says. Raises InputError as `text` does.

    Its paragraphs are parted by a line without words, or begin with "Source:" or "Left out:".
    """
    paragraphs: list[str] = [""]
    for line in text(name).splitlines():
        if not line.startswith("#"):
            break
        words = line.lstrip("#").strip()
        if not words or words.startswith((_SOURCE, _LEFT_OUT)):
            paragraphs.append("")
        paragraphs[-1] = f"{paragraphs[-1]} {words}".strip()
    kept = [part for part in paragraphs if part and not part.startswith((_SOURCE, _LEFT_OUT))]
    return About("\n\n".join(kept), _after(_SOURCE, paragraphs), _after(_LEFT_OUT, paragraphs))


def _after(opening: str, paragraphs: list[str]) -> str | None:
    found = (part for part in paragraphs if part.startswith(opening))
    return next((part.removeprefix(opening).strip() for part in found), None)
