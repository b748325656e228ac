"""What determines the results of a sweep: as a fingerprint, and as differences in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .axes import GROUND_KEYS, canonical
from .contents import column, digest, names_file, told
from .grid import Grid
from .ground import Ground, merged
from .layers import Layer
from .rules import Laws
from .schema import show

_ELSEWHERE = ("name", "seed", "trials")
_SWEEP = "sweep."
_LOSS, _LATENCY = "network.loss", "network.latency_ms"

Identity = Mapping[str, Any]
"""What determines results, by a name to show: JSON-ready, files by a hash of what they hold."""


def identity(
    seeds: Mapping[str, Any],
    ground: Ground,
    grid: Grid,
    points: Sequence[Mapping[str, Any]],
    known: Laws,
) -> Identity:
    """Of a spec with these seeds (by key of the spec), ground, grid and explicit points.

    Layout, names, comments and the place of a key, in a preset, a file or [base], do not count;
    nor does a preset that no point has. Raises InputError for a file that cannot be read.
    """
    parts: dict[str, Any] = dict(seeds)
    parts |= _base(ground, known)
    for name in GROUND_KEYS[:2]:
        parts |= _begun(name, ground, grid, points, known)
    source, folder = ground.source, ground.folder
    for axis in grid.axes:
        for key, values in zip(axis.keys, axis.columns, strict=True):
            parts[f"{_SWEEP}{key}"] = list(column(key, values, source, folder, known))
    parts["axes"] = [list(axis.keys) for axis in grid.axes]
    parts["exclude"] = [
        {key: told(key, value, source, folder, known) for key, value in exclude.items()}
        for exclude in sorted(grid.excludes, key=canonical)
    ]
    for i, point in enumerate(points):
        parts[f"point[{i}]"] = {
            key: told(key, value, source, folder, known) for key, value in point.items()
        }
    return parts


def _base(ground: Ground, known: Laws) -> Iterator[tuple[str, Any]]:
    """What the ground gives, preset and file merged with the rest; not what is derived of it."""
    given = merged((*ground.below(ground.ways), *ground.above({})))
    for key, value in given.values.items():
        if key in given and key not in _ELSEWHERE:
            layer = given.layer(key)
            value_told = told(key, value, layer.source, layer.folder, known)
            if key == _LOSS and _below_ping(given.rank, given.values):
                # Lost pings overrule a loss of a lower layer, but not one of their own.
                value_told = {f"below {_LATENCY}": value}
            yield f"base.{key}", value_told
    if ground.ways.under is not None:
        yield "base.under", ground.ways.under


def _below_ping(rank: Mapping[str, int], values: Mapping[str, Any]) -> bool:
    return rank[_LOSS] < rank.get(_LATENCY, 0) and names_file(_LATENCY, values[_LATENCY])


def _begun(
    name: str, ground: Ground, grid: Grid, points: Sequence[Mapping[str, Any]], known: Laws
) -> Iterator[tuple[str, Any]]:
    """What the presets, or the files, say that points of their own choice begin with."""
    chosen = [point[name] for point in points if name in point]
    for axis in grid.axes:
        if name in axis.keys:
            chosen += axis.columns[axis.keys.index(name)]
    layers_of = ground.presets if name == "preset" else ground.files
    for one in dict.fromkeys(chosen):
        layers: tuple[Layer, ...] = layers_of[one]
        given = merged(layers)
        for key, value in given.values.items():
            if key in given and key not in _ELSEWHERE:
                layer = given.layer(key)
                yield (
                    f"{name} {one}: {key}",
                    told(key, value, layer.source, layer.folder, known),
                )


def fingerprint(parts: Identity) -> str:
    """SHA-256, in hex: equal where all parts are."""
    return digest(parts)


def differences(here: Identity, there: Identity) -> list[str]:
    """What differs between two specs, one line each; none where the fingerprints are equal."""
    lines = []
    for name in dict.fromkeys((*here, *there)):
        mine, other = here.get(name, _NOTHING), there.get(name, _NOTHING)
        if mine is _NOTHING or other is _NOTHING or canonical(mine) != canonical(other):
            lines.append(f"{name}: {_contrast(name, mine, other)}")
    return lines


_NOTHING = object()


def _contrast(name: str, mine: Any, other: Any) -> str:
    both = isinstance(mine, list) and isinstance(other, list)
    if name.startswith(_SWEEP) and both and len(mine) == len(other):
        j = next(j for j in range(len(mine)) if canonical(mine[j]) != canonical(other[j]))
        return f"[{j}] is {_shown(mine[j])} here, {_shown(other[j])} there"
    return f"{_shown(mine)} here, {_shown(other)} there"


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    if isinstance(value, Mapping) and {*value} == {"sha256"}:
        return f"a file with contents {value['sha256'][:12]}"
    shown = show(value)
    if isinstance(value, list) and shown.endswith("..."):
        shown += f" ({len(value)} values)"
    return shown
