"""What the files that a spec names hold: read once, carried in its stored form, told apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from .axes import GROUND_KEYS, canonical
from .distributions import Distribution
from .errors import InputError
from .layers import Given, Layer
from .rules import Laws, Settled, settle
from .schema import mismatch

_FILE_KEYS = ("network.matrix_ms", "network.matrix_rtt_ms")
_FILE_LAWS = ("samples", "ping")


def names_file(key: str, value: object) -> bool:
    """Whether a value of a key names a file that is to be read."""
    if type(value) in (int, float):
        return False
    if isinstance(value, Mapping):
        return any(
            isinstance(part, str) if name in _FILE_LAWS else names_file("", part)
            for name, part in value.items()
        )
    if isinstance(value, list | tuple):
        return any(names_file("", part) for part in value)
    return key in _FILE_KEYS and isinstance(value, str)


def read(
    values: Iterable[tuple[str, object]], source: str | None, folder: Path, known: Laws
) -> None:
    """Add to `known` what the files hold that some of the values, each with its key, name.

    What cannot be read is left out: whoever needs it will raise the error.
    """
    for key, value in values:
        if key not in GROUND_KEYS and names_file(key, value):
            try:
                settled = _settled(Layer(source, folder, {key: value}), key, known)
            except InputError:
                continue
            known |= {memo: law for memo, law in settled.laws.items() if _has_values(law)}


def _settled(layer: Layer, key: str, known: Laws) -> Settled:
    given = Given((layer,), layer.values, {key: 0})
    return settle(given, {key}, dict(known))[key]


def _has_values(law: object) -> bool:
    """Whether what was parsed is a matrix, or a law with values from a file."""
    if isinstance(law, Distribution):
        return bool(law.values_ms) or any(map(_has_values, law.components))
    return True


def store(known: Laws) -> list[dict[str, Any]]:
    """What was read, JSON-ready. The order of keys within tables must be kept: the texts by which
    `restore` finds them again speak of them in it."""
    return [
        {"written": written, "folder": folder, **_stored(law)}
        for (written, folder), law in known.items()
    ]


def _stored(law: object) -> dict[str, Any]:
    name = "law" if isinstance(law, Distribution) else "matrix"
    return {name: msgspec.to_builtins(law)}


def restore(stored: object) -> Laws:
    """What `store` made. Raises InputError for anything else."""
    known: Laws = {}
    try:
        for entry in msgspec.convert(stored, list[dict[str, Any]]):
            memo = (entry["written"], entry["folder"])
            if "law" in entry:
                known[memo] = msgspec.convert(entry["law"], Distribution)
            else:
                known[memo] = msgspec.convert(entry["matrix"], tuple[tuple[float, ...], ...])
    except (KeyError, msgspec.ValidationError):
        raise InputError(mismatch(stored, "what a spec's files hold"), key="contents") from None
    return known


def told(key: str, value: Any, source: str | None, folder: Path, known: Laws) -> Any:
    """The value for a comparison of specs: where it names a file, by a hash of what that holds.

    Raises InputError for a file that is not in `known` and cannot be read.
    """
    if not names_file(key, value):
        return value
    fields = _settled(Layer(source, folder, {key: value}), key, known).fields
    holds = fields.get("matrix", fields[key.rpartition(".")[2]])
    return {"sha256": digest(msgspec.to_builtins(holds))}


def digest(value: object) -> str:
    """SHA-256 over the canonical text of a value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def column(
    key: str, values: Sequence[Any], source: str | None, folder: Path, known: Laws
) -> Sequence[Any]:
    """As `told`, of all values of an axis."""
    if all(type(value) in (int, float, str, bool) for value in values) and key not in _FILE_KEYS:
        return values
    return [told(key, value, source, folder, known) for value in values]
