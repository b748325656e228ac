"""What `raftfast compare --measured` writes: measured failovers against simulated ones."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .show import WIDTH, between, decimals, escape, heading, markdown, numbers, shell

if TYPE_CHECKING:
    from ..measured import AgainstMeasured, MeasuredQuantile

CSV_HEADER = (
    "quantile", "measured", "measured_low", "measured_high", "simulated", "simulated_low",
    "simulated_high", "difference", "difference_low", "difference_high", "p",
)  # fmt: skip
_HEADER = ("election_ms", "measured", "simulated", "difference", "95 % interval")


def table(found: AgainstMeasured, facts: Sequence[str], command: Sequence[str]) -> list[str]:
    """Quantiles side by side, and what would have to differ."""
    lines = [line for text in facts for line in textwrap.wrap(text, WIDTH)]
    lines += ["", *map(heading, textwrap.wrap(_headline(found), WIDTH)), ""]
    rows = [_HEADER, *(_cells(row) for row in found.quantiles)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        lines.append(f"{name:<{widths[0]}}  {'  '.join(padded)}".rstrip())
    lines += ["", *textwrap.wrap(_distance(found), WIDTH), "", "To repeat:", *shell(command)]
    return lines


def markdown_table(
    found: AgainstMeasured, facts: Sequence[str], command: Sequence[str]
) -> list[str]:
    """The same for a pull request."""
    rows = [[f"`{name}`", *cells] for name, *cells in map(_cells, found.quantiles)]
    lines = [f"**{escape(_headline(found))}**", "", *markdown(_HEADER, rows), ""]
    said = ". ".join([*facts, _distance(found)])
    return [*lines, escape(said), "", "```sh", *(line[2:] for line in shell(command)), "```"]


def csv_rows(found: AgainstMeasured) -> list[list[Any]]:
    """A row a quantile, under CSV_HEADER, and last the test's: ks, its distance, and p."""
    rows: list[list[Any]] = [
        [
            q.name, q.measured, *q.measured_ci95, q.simulated, *q.simulated_ci95,
            q.difference, *q.difference_ci95, None,
        ]
        for q in found.quantiles
    ]  # fmt: skip
    return [*rows, ["ks", *[None] * 6, found.statistic, None, None, found.p]]


def _headline(found: AgainstMeasured) -> str:
    text = ". ".join(said[:1].upper() + said[1:] for said in found.words)
    return f"{text}."


def _distance(found: AgainstMeasured) -> str:
    p = "below .0001" if found.p < 1e-4 else f"{found.p:.2g}"
    return (
        f"Kolmogorov and Smirnov's distance of {found.measured:,} measured and "
        f"{found.simulated:,} simulated times is {found.statistic:.4f}, p {p}."
    )


def _cells(row: MeasuredQuantile) -> tuple[str, ...]:
    places = decimals([row.difference_ci95])
    values = numbers([row.measured, row.simulated, row.difference], places, 10)
    return row.name, *values, between(row.difference_ci95, places)
