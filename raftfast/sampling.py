"""[sample]: points drawn at random or as a Latin hypercube, as one axis of a sweep.

The draws are made of `random.Random.random`, whose sequence Python keeps from version to version,
each key's from its name and the seed: the same spec gives the same points anywhere, and another
key beside it leaves a key's values as they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

from .axes import POINTS_MAX, Axis, entries, round12, takes_whole
from .errors import InputError
from .schema import SEED_MAX, mismatch, show, suggestion

RANDOM, LATIN = METHODS = ("random", "latin-hypercube")

_KEYS = ("method", "points", "seed", "keys")
_SEED = 1
_LAWS = (
    "{ low = 0, high = 1 }, { log = [1, 100] }, { int = [3, 9] } or { choice = [a, b] }, from "
    "which to draw"
)


def read_sample(sample: object, source: str | None) -> Axis:
    """The axis of [sample]: the values of its keys, point by point.

    Of a Latin hypercube each key's values fall one into each of as many equal parts of its range
    as there are points. Raises InputError.
    """
    if not isinstance(sample, Mapping):
        raise InputError(mismatch(sample, "a table, [sample]"), key="sample", source=source)
    for name in sample:
        if name not in _KEYS:
            near = suggestion(name, _KEYS)
            meant = f"did you mean {near}?" if near else f"[sample] has {', '.join(_KEYS)}"
            raise InputError(f"unknown key; {meant}", key=f"sample.{name}", source=source)
    method = sample.get("method", RANDOM)
    if method not in METHODS:
        wanted = " or ".join(f'"{name}"' for name in METHODS)
        raise InputError(mismatch(method, wanted), key="sample.method", source=source)
    points = _whole(sample, "points", 1, POINTS_MAX, source)
    seed = _whole(sample, "seed", 0, SEED_MAX, source) if "seed" in sample else _SEED
    laws = dict(entries(sample.get("keys", {}), "sample.keys", source))
    if not laws:
        problem = 'is missing; must name keys, such as "network.loss" = { low = 0, high = 0.2 }'
        raise InputError(problem, key="sample.keys", source=source)
    columns = tuple(
        _Draws(key, law, source).column(method, points, Random(f"{seed} {key}"))
        for key, law in laws.items()
    )
    return Axis(tuple(laws), columns, source)


def _whole(table: Mapping[str, Any], name: str, low: int, high: int, source: str | None) -> int:
    value = table.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    wanted = f"a whole number from {low} to {high}"
    problem = f"is missing; must be {wanted}" if value is None else mismatch(value, wanted)
    raise InputError(problem, key=f"sample.{name}", source=source)


class _Draws:
    """What one key's values are drawn from: a function of a number from 0 to below 1."""

    def __init__(self, key: str, law: object, source: str | None) -> None:
        self.key, self.source, self.law = key, source, law
        name = next(iter(law)) if isinstance(law, Mapping) and law else ""
        readers = {"low": self._even, "high": self._even, "log": self._log, "int": self._int}
        readers["choice"] = self._choice
        names = {"low", "high"} if name in ("low", "high") else {name}
        if not isinstance(law, Mapping) or name not in readers or {*law} != names:
            raise self._fail(f"must be {_LAWS}")
        self.value = readers[name](law)

    def column(self, method: str, points: int, random: Random) -> list[Any]:
        if method == RANDOM:
            return [self.value(random.random()) for _ in range(points)]
        shuffled = [(random.random(), part) for part in range(points)]
        shuffled.sort()
        return [self.value((part + random.random()) / points) for _, part in shuffled]

    def _fail(self, problem: str) -> InputError:
        at = f"sample.keys.{self.key}"
        return InputError(f"value {show(self.law)}: {problem}", key=at, source=self.source)

    def _ends(self, ends: object, wanted: str, lowest: float = -math.inf) -> tuple[Any, Any]:
        if (
            isinstance(ends, list)
            and len(ends) == 2
            and all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
            and lowest < ends[0] < ends[1] <= 2**64
        ):
            return ends[0], ends[1]
        raise self._fail(f"must be {wanted}, the first below the second")

    def _even(self, law: Mapping[str, Any]) -> Any:
        low, high = self._ends([law.get("low"), law.get("high")], "two numbers, low and high")
        if takes_whole(self.key):
            raise self._fail(f"the key takes whole numbers: want {{ int = [{low:g}, {high:g}] }}")
        return lambda share: round12(low + share * (high - low))

    def _log(self, law: Mapping[str, Any]) -> Any:
        low, high = self._ends(law["log"], "[low, high], two numbers above 0", 0.0)
        ratio = math.log(high / low)
        if takes_whole(self.key):
            return lambda share: round(low * math.exp(ratio * share))
        return lambda share: round12(low * math.exp(ratio * share))

    def _int(self, law: Mapping[str, Any]) -> Any:
        low, high = self._ends(law["int"], "[low, high], two whole numbers")
        if not isinstance(low, int) or not isinstance(high, int):
            raise self._fail("must be [low, high], two whole numbers")
        return lambda share: low + min(int(share * (high - low + 1)), high - low)

    def _choice(self, law: Mapping[str, Any]) -> Any:
        choices = law["choice"]
        if not isinstance(choices, list) or not choices:
            raise self._fail("choice must be a list of values, at least one")
        return lambda share: choices[min(int(share * len(choices)), len(choices) - 1)]
