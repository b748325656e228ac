"""A spec as a results file keeps it: with all it rests on, so that no other file is needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from . import contents
from .adaptive import Adaptive
from .axes import Axis
from .errors import InputError
from .ground import Ground, Ways
from .layers import Layer
from .parts import Parts
from .scenario import Scenario

FORMAT = 1
"""The number of this form; one that is made otherwise has another."""


class _Layer(Struct):
    source: str | None
    folder: str
    values: dict[str, Any]


class _Axis(Struct):
    keys: list[str]
    values: list[list[Any]]
    source: str | None


class _Point(Struct):
    name: str | None
    values: dict[str, Any]


class _Stored(Struct, kw_only=True):
    """`base` is the scenario that [base] is by itself, in full, for who reads it; None where it is
    none. `own` are the keys of [base], `over` those of -p. `values` of an axis are by key."""

    format: int
    name: str
    seed: int
    trials: int
    common_random_numbers: bool
    adaptive: Adaptive | None
    source: str | None
    folder: str
    base: dict[str, Any] | None
    ways: Ways
    own: _Layer
    over: list[_Layer]
    presets: dict[str, list[_Layer]]
    files: dict[str, list[_Layer]]
    axes: list[_Axis]
    exclude: list[dict[str, Any]]
    points: list[_Point]
    sampling: dict[str, Any] | None
    contents: list[dict[str, Any]]


def to_stored(parts: Parts) -> dict[str, Any]:
    """The parts of a spec, JSON-ready."""
    ground = parts.ground
    stored = _Stored(
        format=FORMAT,
        name=parts.name,
        seed=parts.seed,
        trials=parts.trials,
        common_random_numbers=parts.common_random_numbers,
        adaptive=parts.adaptive,
        source=ground.source,
        folder=str(ground.folder),
        base=_base(parts),
        ways=ground.ways,
        own=_written(ground.own),
        over=[_written(layer) for layer in ground.over],
        presets={name: [*map(_written, layers)] for name, layers in ground.presets.items()},
        files={name: [*map(_written, layers)] for name, layers in ground.files.items()},
        axes=[_Axis([*a.keys], [[*c] for c in a.columns], a.source) for a in parts.axes],
        exclude=[dict(exclude) for exclude in parts.excludes],
        points=[_Point(name, values) for name, values in parts.points],
        sampling=None if parts.sampling is None else dict(parts.sampling),
        contents=contents.store(parts.known),
    )
    tables: dict[str, Any] = msgspec.to_builtins(stored)
    return tables


def _base(parts: Parts) -> dict[str, Any] | None:
    try:
        return Scenario.from_layers(parts.ground.layers({}), parts.known).to_dict()
    except InputError:
        return None


def _written(layer: Layer) -> _Layer:
    return _Layer(layer.source, str(layer.folder), dict(layer.values))


def _read(layer: _Layer) -> Layer:
    return Layer(layer.source, Path(layer.folder), layer.values)


def from_stored(tables: Mapping[str, Any]) -> Parts:
    """The parts that `to_stored` wrote. Raises InputError for anything else."""
    found = tables.get("format") if isinstance(tables, Mapping) else None
    if found != FORMAT:
        problem = f"is no stored spec of format {FORMAT}; its format is {found}"
        raise InputError(problem, key="spec")
    try:
        stored = msgspec.convert(tables, _Stored)
    except msgspec.ValidationError as error:
        raise InputError(f"is no stored spec: {error}", key="spec") from None
    ground = Ground(
        stored.ways,
        _read(stored.own),
        tuple(map(_read, stored.over)),
        stored.source,
        Path(stored.folder),
    )
    for name, layers in stored.presets.items():
        ground.presets[name] = tuple(map(_read, layers))
    for name, layers in stored.files.items():
        ground.files[name] = tuple(map(_read, layers))
    return Parts(
        name=stored.name,
        seed=stored.seed,
        trials=stored.trials,
        common_random_numbers=stored.common_random_numbers,
        adaptive=stored.adaptive,
        ground=ground,
        axes=tuple(Axis(tuple(a.keys), tuple(a.values), a.source) for a in stored.axes),
        excludes=tuple(stored.exclude),
        points=tuple((point.name, point.values) for point in stored.points),
        sampling=stored.sampling,
        known=contents.restore(stored.contents),
    )
