"""`raftfast top`: the best points of a sweep by a metric."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from .options import FORMATS, format_option, whole
from .show import escape, heading, write, write_csv, write_json, write_markdown

_COUNT_MAX = 10_000
_BY = "election_ms.p99"
_BESIDE = ("election_ms.mean", "election_ms.p99", "rate.split_first_term")
_INTERVAL = "95 % interval"


@click.command("top", short_help="Show the best points of a sweep by a metric.")
@click.argument("results", metavar="RESULTS.db")
@click.option("--by", default=_BY, show_default=True, metavar="COLUMN", help="What to go by.")
@click.option(
    "-n", "count", type=whole(1, _COUNT_MAX), default=10, show_default=True, metavar="N",
    help="How many points.",
)  # fmt: skip
@click.option("--largest", is_flag=True, help="The largest values, not the smallest.")
@click.option("-c", "--columns", metavar="A,B,...", help="What to show beside it.")
@format_option(*FORMATS)
def command(
    results: str, by: str, count: int, largest: bool, columns: str | None, form: str
) -> None:
    """Show the points with the smallest values of a column, with 95 % intervals where it has one.

    Points whose interval reaches over the best one's value are marked ~: the difference may be
    chance (`raftfast compare` says).
    """
    from ..results import SweepResult

    with SweepResult.open(results) as result:
        by = result.column(by)
        beside = [name.strip() for name in columns.split(",")] if columns else [*_BESIDE]
        shown = [result.column(name) for name in beside if name != by]
        rows = result.top(by, count, largest=largest)
        keys = result.keys_swept
        ends = [name for name in (f"{by}.low", f"{by}.high") if name in result.columns]
        total = result.status()
    header = ["point", *keys, by, *ends, *shown]
    table = [[row[name] for name in header] for row in rows]
    if form == "json":
        write_json([dict(zip(header, row, strict=True)) for row in table])
    elif form == "csv":
        write_csv(header, [[_cell(value) for value in row] for row in table])
    else:
        # A key that none of these points sets says nothing here.
        keys = [key for key in keys if any(row[key] is not None for row in rows)]
        interval = [_INTERVAL] if len(ends) == 2 else []
        header = ["point", *keys, by, *interval, *shown]
        texts = [[_shown(row, name, ends) for name in header] for row in rows]
        if form == "md":
            write_markdown(header, [[escape(text) for text in row] for row in texts])
            return
        _show(header, texts, rows, by, ends, largest, total)


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict | bool) else value


def _shown(row: dict[str, Any], name: str, ends: Sequence[str]) -> str:
    if name == _INTERVAL:
        return " to ".join(_text(row[end]) for end in ends)
    return _text(row[name])


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.5g}" if isinstance(value, float) else str(_cell(value))


def _show(
    header: Sequence[str],
    texts: Sequence[Sequence[str]],
    rows: Sequence[dict[str, Any]],
    by: str,
    ends: Sequence[str],
    largest: bool,
    status: dict[str, Any],
) -> None:
    """A table under a header of two lines: "timeouts" over "election_ms"."""
    parts = [name.rpartition(".") for name in header]
    heads = [[head for head, _, _ in parts], [tail for _, _, tail in parts]]
    widths = [max(map(len, column)) for column in zip(*heads, *texts, strict=True)]
    order = "largest" if largest else "smallest"
    lines = [heading(f"The {order} of {status['done']:,} points by {by}"), ""]
    lines += [_line(" ", head, widths) for head in heads]
    marks = ["~" if i and _may_be_chance(row, rows[0], by, ends) else " "
             for i, row in enumerate(rows)]  # fmt: skip
    lines += [_line(mark, row, widths) for mark, row in zip(marks, texts, strict=True)]
    if "~" in marks:
        lines += ["", "~ its 95 % interval reaches the first one's: the order may be chance"]
    if status["left"] or status["failed"]:
        lines += ["", f"{status['left']:,} points are left and {status['failed']:,} failed"]
    write(lines)


def _line(mark: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{mark} {'  '.join(padded)}".rstrip()


def _may_be_chance(row: dict[str, Any], best: dict[str, Any], by: str, ends: Sequence[str]) -> bool:
    if len(ends) < 2 or any(one[end] is None for one in (row, best) for end in ends):
        return False
    low, high = ends
    return bool(row[low] <= best[high] and best[low] <= row[high])
