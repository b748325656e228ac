"""What is said of a sweep's points: their summaries, and the cells of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import rows
from .columns import digest_of
from .sheet import Sheet

if TYPE_CHECKING:
    from .histograms import Histograms
    from .scenario import Scenario

Cells = tuple[Any, ...]

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


def cells_of(points: Sequence[Said]) -> list[Cells]:
    """The cells of each point behind its swept values: those of `rows.COUNTS`, its statistics.

    Of points whose trials all ended they are worked out together, which takes a fraction.
    """
    found: list[Cells | None] = [None] * len(points)
    complete = [i for i, point in enumerate(points) if not point.record.censored]
    if complete:
        cells = _complete([points[i] for i in complete])
        for i, each in zip(complete, cells, strict=True):
            found[i] = each
    return [each or _apart(point) for each, point in zip(found, points, strict=True)]


def _apart(point: Said) -> Cells:
    """The cells of one point, from its summary."""
    record = point.record
    counts = _counts(point, record.total("violations"))
    return (*counts, *rows.cells(*summary_of(record, point.scenario)))


def _complete(points: Sequence[Said]) -> list[Cells]:
    """The cells of points of which every trial ended."""
    sheet = Sheet([point.record for point in points])
    found = sheet.statistics()
    nowhere = np.full((*found.shape[:2], 1), np.nan)
    wide = np.concatenate((found[:, :, :_BEFORE], nowhere, found[:, :, _BEFORE:]), axis=2)
    metrics = wide.reshape(len(points), -1)
    rates = sheet.rates().reshape(len(points), -1)
    cells = np.concatenate((metrics, rates), axis=1)
    out = []
    unknown = np.isnan(cells)
    lists = cells.tolist()
    for i, j in np.argwhere(unknown).tolist():
        lists[i][j] = None
    for point, row, violations in zip(points, lists, sheet.total("violations"), strict=True):
        counted = row[: metrics.shape[1] : wide.shape[2]]
        row[: metrics.shape[1] : wide.shape[2]] = map(int, counted)
        stop = point.scenario.stop
        available = None
        if stop.on == "duration":
            available = point.record.availability(stop.duration_ms)
        out.append((*_counts(point, violations), *row, *rows.rate_cells(available)))
    return out


def _counts(point: Said, violations: int) -> Cells:
    digest = digest_of(point.trials, point.blocks)
    return (point.trials, point.record.censored, violations, digest)
