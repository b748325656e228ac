"""[base]: what the points of a sweep stand on, a preset, a file, a ready scenario and keys.

A point's layers are, each over the ones before it: the preset, the scenario file, the ready
scenario (which the cluster and its timeouts decide), the keys of [base], those of -p options, and
the point's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import ready
from .axes import GROUND_KEYS
from .errors import InputError
from .layers import DEFAULTS, NOTHING_GIVEN, Given, Layer, flatten, from_keys, lay, read_toml
from .rules import Laws, Made
from .scenario import Scenario, preset_layers, table_layers
from .schema import KEYS, Cluster, Timeouts, convert, mismatch, show

_TOP = ("name", "seed", "trials")
_WANTED = {
    "preset": "the name of a preset, a string",
    "file": "the name of a scenario file, a string",
    "under": "the name of a ready scenario, a string",
}


class Ways(NamedTuple):
    """What a point begins with; None: nothing."""

    preset: str | None
    file: str | None
    under: str | None


class _Stand(NamedTuple):
    """What lies below the points, where it is a scenario; and tables made upon it, which many
    points have in common."""

    scenario: Scenario
    made: dict[object, Made]


class Ground:
    """The layers below a point's own, read once.

    `files` are the layers of scenario files by name: the preset's they begin with, if any, and
    their own. They and `presets` hold what was read so far.
    """

    def __init__(
        self, ways: Ways, own: Layer, over: tuple[Layer, ...], source: str | None, folder: Path
    ) -> None:
        self.ways = ways
        self.own = own
        self.over = over
        self.source = source
        self.folder = folder
        self.presets: dict[str, tuple[Layer, ...]] = {}
        self.files: dict[str, tuple[Layer, ...]] = {}
        self._stands: dict[Ways, _Stand | None] = {}
        self._ready: dict[tuple[str, int, float], Layer] = {}

    @classmethod
    def read(
        cls, base: object, over: tuple[Layer, ...], source: str | None, folder: Path
    ) -> Ground:
        """The ground of a [base] table, under the layer of -p options. Raises InputError."""
        if not isinstance(base, Mapping):
            raise InputError(mismatch(base, "a table, [base]"), key="base", source=source)
        for name in _TOP:
            if name in base:
                problem = "belongs at the top of the spec: it is the same for all points"
                raise InputError(problem, key=f"base.{name}", source=source)
        given = {name: base[name] for name in GROUND_KEYS if name in base}
        keys = {name: value for name, value in base.items() if name not in GROUND_KEYS}
        at = f"{source}: [base]" if source else "[base]"
        own = Layer(at, folder, flatten(keys, at))
        ground = cls(Ways(None, None, None), own, over, source, folder)
        try:
            ground.ways = ground.ways_of(given)
        except InputError as error:
            if error.source == source and error.key in given:
                raise InputError(error.problem, key=f"base.{error.key}", source=source) from None
            raise
        return ground

    def ways_of(self, values: Mapping[str, Any]) -> Ways:
        """What a point with these values begins with, read. Raises InputError for what there is
        not."""
        for name in GROUND_KEYS:
            if name in values and not isinstance(values[name], str):
                problem = mismatch(values[name], _WANTED[name])
                raise InputError(problem, key=name, source=self.source)
        ways = Ways(*(values.get(name, getattr(self.ways, name)) for name in GROUND_KEYS))
        if ways.preset is not None and ways.preset not in self.presets:
            self.presets[ways.preset] = preset_layers(ways.preset, source=self.source)
        if ways.file is not None and ways.file not in self.files:
            self.files[ways.file] = self._read_file(ways.file)
        if ways.under is not None:
            self.ready_layer(ways.under, *size({}))  # Any size tells whether there is such a one.
        return ways

    def _read_file(self, name: str) -> tuple[Layer, ...]:
        path = self.folder / Path(name).expanduser()
        try:
            return table_layers(read_toml(path), str(path), path.parent)
        except InputError as error:
            problem = f"value {show(name)}: {error}"
            raise InputError(problem, key="file", source=self.source) from None

    def below(self, ways: Ways) -> tuple[Layer, ...]:
        """The layers of the preset and the file, which were read. Raises InputError where both
        are given and the file begins with a preset, too."""
        preset = () if ways.preset is None else self.presets[ways.preset]
        file = () if ways.file is None else self.files[ways.file]
        if preset and len(file) > 1:
            problem = f"value {show(ways.preset)}: {show(ways.file)} begins with {file[0].source}; "
            problem += "give one of the two"
            raise InputError(problem, key="preset", source=self.source)
        return (*preset, *file)

    def ready_layer(self, name: str, nodes: int, election_ms: float) -> Layer:
        """The layer of a ready scenario, for a cluster of so many servers and timeouts of at most
        `election_ms`. Raises InputError."""
        memo = (name, nodes, election_ms)
        if memo not in self._ready:
            if len(self._ready) >= 1000:
                self._ready.clear()
            try:
                tables = ready.tables(*memo)
            except InputError as error:
                raise InputError(error.problem, key="under", source=self.source) from None
            (self._ready[memo],) = table_layers(tables, f"scenario {name}", Path())
        return self._ready[memo]

    def above(self, own: Mapping[str, Any]) -> tuple[Layer, ...]:
        """The layers of [base]'s keys, of -p options, and of a point's own values."""
        keys = {key: value for key, value in own.items() if key not in GROUND_KEYS}
        point = from_keys(keys, source=self.source, folder=self.folder)
        return (self.own, *self.over, point)

    def scenario(self, own: Mapping[str, Any], top: Layer, held: Laws) -> Scenario:
        """The scenario of a point with these values of its own, and a layer upon all.

        Files whose contents are `held` are not read. Raises InputError.
        """
        ways = self.ways_of(own)
        if ways.under is not None:
            return Scenario.from_layers((*self.layers(own), top), held)
        # Mostly what lies below the points is a scenario itself, and they need but little more.
        if ways not in self._stands:
            below = (*self.below(ways), self.own, *self.over)
            try:
                self._stands[ways] = _Stand(Scenario.from_layers(below, held), {})
            except InputError:
                self._stands[ways] = None
        stand = self._stands[ways]
        if stand is None:
            return Scenario.from_layers((*self.layers(own), top), held)
        layers = (*self.above(own)[-1:], top)
        return Scenario.from_layers(layers, held, stand.scenario, stand.made)

    def layers(self, own: Mapping[str, Any]) -> tuple[Layer, ...]:
        """All layers of a point with these values of its own. Raises InputError."""
        ways = self.ways_of(own)
        below, above = self.below(ways), self.above(own)
        if ways.under is None:
            return (*below, *above)
        given = merged((*below, *above))
        cluster = {
            key: convert(KEYS[key], given.values[key], key=key, source=given.layer(key).source)
            for key in ("cluster.nodes", "timeouts.election_ms")
            if key in given
        }
        return (*below, self.ready_layer(ways.under, *size(cluster)), *above)

    def walk(self) -> Iterator[Layer]:
        """Every layer that was read, and those of [base] and -p."""
        for layers in (*self.presets.values(), *self.files.values()):
            yield from layers
        yield from (self.own, *self.over)


def merged(layers: Iterable[Layer]) -> Given:
    """What layers give, laid over the contract's defaults."""
    return lay(NOTHING_GIVEN, (DEFAULTS, *layers))


def size(values: Mapping[str, Any]) -> tuple[int, float]:
    """The servers and the longest election timeout, of values by key: what decides a ready
    scenario."""
    nodes = values.get("cluster.nodes", Cluster().nodes)
    longest_ms = values.get("timeouts.election_ms", Timeouts().election_ms)[1]
    return nodes, longest_ms
