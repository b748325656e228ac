"""How TOML writes keys and values, each in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def pairs(table: Mapping[str, Any]) -> list[str]:
    """`key = value` of each key of a table, a key in quotes where it must be."""
    return [f"{_key(key)} = {inline(value)}" for key, value in table.items()]


def inline(value: Any) -> str:
    """A string, number, true or false, list or table as TOML writes it in one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(pairs(value))
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    # TOML's strings escape as JSON's do, but for one character that JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else inline(key)
