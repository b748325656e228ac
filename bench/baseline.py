"""Counts that are kept, and how new ones are held against them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FINE, FAILED, REGRESSION, NOT_COMPARABLE = 0, 1, 3, 4


@dataclass(frozen=True)
class Count:
    """Instructions a unit of a workload, and the events handled in one, where there are any."""

    instructions: float
    events: float | None = None


@dataclass(frozen=True)
class Counts:
    """Counts by workload, and the environment they were made in."""

    environment: Mapping[str, str]
    workloads: Mapping[str, Count]

    def to_json(self) -> str:
        """What `from_json` reads, a line a workload."""
        cells = {
            name: {"instructions": round(count.instructions), "events": count.events}
            for name, count in self.workloads.items()
        }
        return (
            f'{{\n  "environment": {_table(self.environment)},\n'
            f'  "workloads": {_table(cells)}\n}}\n'
        )

    @classmethod
    def from_json(cls, text: str) -> Counts:
        """The counts of a baseline. Raises ValueError, one line, for what `to_json` never wrote."""
        try:
            tables = json.loads(text)
            environment = {key: str(value) for key, value in tables["environment"].items()}
            counts = {name: Count(**cell) for name, cell in tables["workloads"].items()}
            if not all(count.instructions > 0 for count in counts.values()):
                raise ValueError("a workload without instructions")
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"is no baseline ({type(error).__name__}: {error})") from None
        return cls(environment, counts)


def _table(values: Mapping[str, Any]) -> str:
    lines = (f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items())
    return "{\n" + ",\n".join(lines) + "\n  }"


@dataclass(frozen=True)
class Row:
    """A workload held against the baseline; `why` says what forbids that, if anything does.

    `differs`: what forbids it is that the environments are not the same.
    """

    name: str
    before: Count | None
    now: Count | None
    why: str = ""
    differs: bool = False

    @property
    def events_differ(self) -> bool:
        """Whether the workload itself does something else than it did."""
        both = self.before is not None and self.now is not None
        return both and self.before.events != self.now.events

    @property
    def percent(self) -> float:
        """How many more instructions a unit takes, in percent; 0 where not comparable."""
        if self.why or self.before is None or self.now is None:
            return 0.0
        return 100.0 * (self.now.instructions / self.before.instructions - 1.0)

    def verdict(self, threshold_percent: float) -> str:
        """more, fewer or same, or why the two are not compared."""
        if self.why:
            return self.why
        if abs(self.percent) <= threshold_percent:
            return "same"
        return "more" if self.percent > 0 else "fewer"


def hold(before: Counts, now: Counts, rests_on: Mapping[str, Sequence[str]]) -> list[Row]:
    """A row for every workload of either, those of `now` first.

    Where what a workload `rests_on`, keys of the environment, is not the same, it is not compared.
    """
    rows = []
    for name, count in now.workloads.items():
        there = before.workloads.get(name)
        if there is None:
            rows.append(Row(name, None, count, "not in the baseline"))
            continue
        difference = _difference(before.environment, now.environment, rests_on[name])
        rows.append(Row(name, there, count, difference, differs=difference != ""))
    gone = [name for name in before.workloads if name not in now.workloads]
    return rows + [Row(name, before.workloads[name], None, "not counted now") for name in gone]


def _difference(before: Mapping[str, str], now: Mapping[str, str], keys: Iterable[str]) -> str:
    for key in keys:
        if before.get(key) != now.get(key):
            return f"not comparable: {key} {now.get(key)} here, {before.get(key)} there"
    return ""


def exit_code(rows: Sequence[Row], threshold_percent: float) -> int:
    """3 where a workload takes more, else 4 where one is not comparable, else 0."""
    if any(row.percent > threshold_percent for row in rows):
        return REGRESSION
    return NOT_COMPARABLE if any(row.why for row in rows) else FINE
