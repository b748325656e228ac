"""A baseline: what scenarios came to when somebody saved them, to hold later runs against.

A JSON file with sorted keys, one value a line, so that a diff shows what changed: of each scenario
its keys with the values in force (files by a hash of what they hold), seed, trials, digest, the
summary, and, in a few kilobytes, the distribution of every column. Nothing in it depends on the
time of day, on paths or on names of machines.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import platform
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from . import contents
from .errors import BaselineError, InputError
from .files import whole_file
from .histograms import Histograms
from .identity import Identity, differences, fingerprint
from .layers import flatten
from .scenario import Scenario
from .schema import show
from .sides import Trials
from .version import VERSION
from .yardstick import Throughput

if TYPE_CHECKING:
    from .result import Result

FORMAT = 1
"""The version of the file's form."""

_NUMBERS = ("seed", "trials")
_ELSEWHERE = ("name", *_NUMBERS)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario came to. `scenario` is its `identity`, `distribution` its histograms."""

    fingerprint: str
    scenario: dict[str, Any]
    seed: int
    trials: int
    digest: str
    censored: int
    violations: int
    metrics: dict[str, dict[str, Any]]
    rates: dict[str, dict[str, Any]]
    distribution: str
    throughput: dict[str, float]

    @classmethod
    def of(cls, result: Result, throughput: Throughput) -> Record:
        """The record of a run, and of how fast the engine was."""
        summary = result.summary()
        names = ("seed", "trials", "digest", "censored", "violations", "metrics", "rates")
        told = identity(result.scenario)
        packed = base64.b64encode(result.histograms().to_bytes()).decode()
        return cls(
            fingerprint=fingerprint(told),
            scenario=dict(told),
            distribution=packed,
            throughput=cls.told(throughput),
            **{name: summary[name] for name in names},
        )

    @staticmethod
    def told(speed: Throughput) -> dict[str, float]:
        """How fast the engine was, for the file."""
        ends = {name: _rounded(getattr(speed, name)) for name in ("value", "low", "high")}
        return {**ends, "trials": speed.trials}

    @property
    def speed(self) -> Throughput:
        """How fast the engine was."""
        at = self.throughput
        return Throughput(at["value"], at["low"], at["high"], int(at["trials"]))

    def histograms(self) -> Histograms:
        """The distribution of every column. Raises ValueError where it is damaged."""
        return Histograms.from_bytes(base64.b64decode(self.distribution, validate=True))

    def side(self) -> Trials:
        """The trials, for a comparison, with the seed left out: they are no pairs any more."""
        stop = {key: self.scenario[f"stop.{key}"] for key in ("limit_ms", "on")}
        lasting = self.scenario.get("stop.duration_ms")
        return Trials(self.histograms().samples(), **stop, duration_ms=lasting)


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What throughput was measured on."""

    cores: int | None
    processor: str
    python: str
    system: str
    zlib: str

    @classmethod
    def here(cls) -> Machine:
        """This one."""
        return cls(
            cores=os.cpu_count(),
            processor=platform.machine(),
            python=f"{platform.python_implementation()} {platform.python_version()}",
            system=platform.system(),
            zlib=zlib.ZLIB_RUNTIME_VERSION,
        )


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    backend: str


class _File(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    raftfast: _Made
    machine: Machine
    scenarios: dict[str, Record]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Records by the names of the scenarios, and what made them."""

    records: Mapping[str, Record]
    backend: str
    machine: Machine
    version: str = VERSION
    source: str | None = None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Baseline:
        """The baseline of a file.

        Raises BaselineError where there is none, or one of another minor version; InputError where
        the file is something else, or damaged.
        """
        source = os.fspath(path)
        try:
            data = Path(path).read_bytes()
        except FileNotFoundError:
            problem = f"{source}: there is no such baseline; save one with --save {source}"
            raise BaselineError(problem) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"cannot be read: {reason}", source=source) from None
        found = _read(data, source)
        if _minor(found.raftfast.version) != _minor(VERSION):
            raise BaselineError(
                f"{source}: saved by raftfast {found.raftfast.version}, and results may differ "
                f"from those of {VERSION}; save a new one with --save {source}"
            )
        made = found.raftfast
        return cls(found.scenarios, made.backend, found.machine, made.version, source)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all. Raises InputError where it cannot be written."""
        made = _Made(version=self.version, backend=self.backend)
        file = _File(
            format=FORMAT, raftfast=made, machine=self.machine, scenarios=dict(self.records)
        )
        text = json.dumps(msgspec.to_builtins(file), indent=1, sort_keys=True, allow_nan=False)
        with whole_file(path, "--save") as out:
            out.write(f"{text}\n".encode())

    def record(self, scenario: Scenario, *, changed: bool = False) -> Record:
        """The record that a scenario can be held against.

        Raises BaselineError, one line that says what to do, where there is none, or where it is of
        another scenario, seed or number of trials, unless they may have `changed`.
        """
        record = self.records.get(scenario.name)
        where = f"{self.source}: scenario {show(scenario.name)}"
        if record is None:
            raise BaselineError(f"{where}: is not in the baseline; {self._renew}")
        if not changed:
            apart = changes(scenario, record)
            if apart:
                more = f", and {len(apart) - 1} more" if apart[1:] else ""
                raise BaselineError(
                    f"{where}: is not the baseline's: {apart[0]}{more}; {self._renew}, or compare "
                    "all the same with --allow-changed"
                )
        return record

    @property
    def _renew(self) -> str:
        return f"save a new one with --save {self.source}"


def identity(scenario: Scenario) -> Identity:
    """Every key of a scenario with the value in force, but for name, seed and trials.

    Files count by what they hold, as a hash. Raises InputError for a file that cannot be read.
    """
    values = flatten(scenario.to_dict(), None)
    return {
        key: contents.told(key, value, None, Path("/"), {})
        for key, value in values.items()
        if key not in _ELSEWHERE
    }


def changes(scenario: Scenario, record: Record) -> list[str]:
    """What differs between a scenario and the record's, a line each: "here" is the scenario's.

    A key that only one of them has is taken as the default on the other side.
    """
    default = identity(Scenario.from_dict({}))
    here, there = identity(scenario), record.scenario
    both = {*here, *there}
    found = differences(
        *({key: side.get(key, default.get(key)) for key in both} for side in (here, there))
    )
    numbers = ((name, getattr(scenario, name), getattr(record, name)) for name in _NUMBERS)
    apart = [
        f"{name}: {mine} here, {other} there" for name, mine, other in numbers if mine != other
    ]
    return sorted(found) + apart


def _read(data: bytes, source: str) -> _File:
    try:
        document = msgspec.json.decode(data, type=_File)
        if document.format != FORMAT:
            raise ValueError(f"it has form {document.format}, not {FORMAT}")
        for name, record in document.scenarios.items():
            _check(name, record)
    except (msgspec.DecodeError, ValueError, KeyError, binascii.Error) as error:
        problem = f"is not a baseline that `raftfast check --save` wrote, or is damaged: {error}"
        raise InputError(problem, source=source) from None
    return document


def _check(name: str, record: Record) -> None:
    """Raise ValueError for what a later use of the record would stumble on."""
    if record.histograms().trials != record.trials:
        raise ValueError(f"scenario {show(name)} has another number of trials")
    if fingerprint(record.scenario) != record.fingerprint:
        raise ValueError(f"scenario {show(name)} does not have its fingerprint")
    if not {"value", "low", "high", "trials"} <= {*record.throughput}:
        raise ValueError(f"scenario {show(name)} has no throughput")
    if not min(record.throughput.values()) > 0:
        raise ValueError(f"scenario {show(name)} has no throughput")
    if "stop.limit_ms" not in record.scenario or "stop.on" not in record.scenario:
        raise ValueError(f"scenario {show(name)} does not say when it stops")


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")
