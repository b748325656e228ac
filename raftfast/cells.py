"""What is said of a sweep's points: their summaries, and the cells of their rows."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import rows
from .columns import digest_of
from .sheet import Sheet

if TYPE_CHECKING:
    from .histograms import Histograms
    from .scenario import Scenario


class Row(NamedTuple):
    """The cells of a point behind its swept values: those of `rows.COUNTS`, and the others, of
    `rows.statistics`, as the bytes of doubles, nan where there is no value."""

    counts: tuple[int, int, int, str]
    statistics: bytes

    def cells(self) -> list[Any]:
        """All of them."""
        return [*self.counts, *array("d", self.statistics)]


_BEFORE = rows.STATISTICS.index("restricted_mean")


class Said(NamedTuple):
    """What a point's row is worked out from: its trials, and the digests of their blocks."""

    record: Histograms
    trials: int
    blocks: Sequence[bytes]
    scenario: Scenario


def summary_of(record: Histograms, scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metrics and rates of a point, as `Result.summary` has them."""
    stop = scenario.stop
    metrics, rates = record.summary(limit_ms=stop.limit_ms)
    if stop.on == "duration":
        rates["availability"] = record.availability(stop.duration_ms)
    return metrics, rates


def rows_of(points: Sequence[Said]) -> list[Row]:
    """The row of each point.

    Of points whose trials all ended they are worked out together, which takes a fraction.
    """
    complete = [i for i, point in enumerate(points) if not point.record.censored]
    together = dict(zip(complete, _complete([points[i] for i in complete]), strict=True))
    return [together.get(i) or _apart(point) for i, point in enumerate(points)]


def _apart(point: Said) -> Row:
    """The row of one point, from its summary."""
    cells = rows.cells(*summary_of(point.record, point.scenario))
    known = array("d", [math.nan if cell is None else cell for cell in cells])
    return Row(_counts(point, point.record.total("violations")), known.tobytes())


def _complete(points: Sequence[Said]) -> list[Row]:
    """The rows of points of which every trial ended."""
    if not points:
        return []
    sheet = Sheet([point.record for point in points])
    found = sheet.statistics()
    nowhere = np.full((*found.shape[:2], 1), np.nan)
    wide = np.concatenate((found[:, :, :_BEFORE], nowhere, found[:, :, _BEFORE:]), axis=2)
    parts = [wide.reshape(len(points), -1), sheet.rates().reshape(len(points), -1)]
    cells = np.concatenate([*parts, np.full((len(points), 3), np.nan)], axis=1)
    for point, row in zip(points, cells, strict=True):
        stop = point.scenario.stop
        if stop.on == "duration":
            row[-3:] = rows.rate_cells(point.record.availability(stop.duration_ms))
    violations = sheet.total("violations")
    return [
        Row(_counts(point, broken), row.tobytes())
        for point, broken, row in zip(points, violations, cells, strict=True)
    ]


def _counts(point: Said, violations: int) -> tuple[int, int, int, str]:
    digest = digest_of(point.trials, point.blocks)
    return (point.trials, point.record.censored, violations, digest)
