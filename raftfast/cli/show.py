"""How results are written on stdout: numbers, histograms, JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import click

WIDTH = 80
"""Tables fit a terminal of this width."""

Interval = Sequence[float | None] | None
"""Both ends of an interval as `Result.summary` has them; an unknown end, or the whole, is None."""

_BLOCKS = " ▏▎▍▌▋▊▉█"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#])")
_DECIMALS_MAX = 6


def write(lines: Iterable[str]) -> None:
    """Write lines on stdout, in one piece."""
    click.echo("\n".join(lines), color=_has_colour())


def write_json(document: object) -> None:
    """Write strict JSON: ASCII, null where there is no value; ValueError for a nan or infinity."""
    click.echo(json.dumps(document, indent=2, allow_nan=False))


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write CSV with a header, numbers in full, empty where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    click.echo(text.getvalue(), nl=False)


def write_markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write one Markdown table."""
    write(markdown(header, rows))


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table of Markdown: the first column left, the others right."""
    rule = ["---"] + ["--:"] * (len(header) - 1)
    cells = [header, rule, *rows]
    return [f"| {' | '.join(row)} |" for row in cells]


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _MARKDOWN.sub(r"\\\1", text)


def heading(text: str) -> str:
    """Text in bold, on a terminal that has colours and where NO_COLOR is not set."""
    return click.style(text, bold=True) if _has_colour() else text


def aside(text: str) -> str:
    """Text that need not be read first: dim where `heading` is bold."""
    return click.style(text, dim=True) if _has_colour() else text


def _has_colour() -> bool:
    """Whether stdout is a terminal that shows colours, and nobody asked for none (no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout is not None and sys.stdout.isatty()


def decimals(intervals: Iterable[Interval]) -> int:
    """How many decimals show that the narrowest interval has a width, 1 to 6."""
    halves = [
        (high - low) / 2
        for low, high in filter(None, intervals)
        if low is not None and high is not None and high > low
    ]
    if not halves:
        return 1
    return min(max(1, math.ceil(-math.log10(min(halves)))), _DECIMALS_MAX)


def numbers(values: Sequence[float | None], places: int, width: int) -> list[str]:
    """The values with as many of these decimals as let every one fit the width, "-" for None."""
    for kept in range(places, -1, -1):
        texts = ["-" if value is None else f"{value:.{kept}f}" for value in values]
        if max(map(len, texts)) <= width:
            return texts
    return ["-" if value is None else f"{value:.3g}" for value in values]


def between(interval: Interval, places: int, unit: str = "") -> str:
    """ "3.2 to 4.1", with a unit; an end that is not known is "?", and no interval is empty."""
    if interval is None:
        return ""
    low, high = ("?" if end is None else f"{end:.{places}f}" for end in interval)
    return f"{low} to {high}{unit}"


def percent(rate: dict[str, Any]) -> tuple[str, str]:
    """A rate and its interval as percentages, with as many decimals as the interval is worth."""
    if rate["value"] is None:
        return "-", ""
    ends = [100 * end for end in rate["ci95"]]
    places = max(2, decimals([ends]))
    return f"{100 * rate['value']:.{places}f} %", between(ends, places, " %")


def amount(value: float) -> str:
    """A count or rate with three digits that count: 834,000."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def duration(seconds: float) -> str:
    """A time span for people: 12 ms, 1.2 s, 60 s, 2 min 5 s, 3 h 12 min."""
    if round(seconds, 3) < 1:
        return f"{1000 * seconds:.3g} ms"
    whole = round(seconds)
    if whole < 120:
        return f"{seconds:.2g} s" if seconds < 9.95 else f"{whole} s"
    large, small, units = whole // 60, whole % 60, ("min", "s")
    if large >= 60:
        large, small, units = large // 60, large % 60, ("h", "min")
    return f"{large:,} {units[0]}" + (f" {small} {units[1]}" if small else "")


def shell(words: Sequence[str]) -> list[str]:
    """A command to paste into a shell, over several lines where one would be too long.

    No line ends between an option and its value.
    """
    parts: list[str] = []
    previous = ""
    for word in words:
        if previous.startswith("-"):
            parts[-1] += f" {shlex.quote(word)}"
            previous = ""
        else:
            parts.append(shlex.quote(word))
            previous = word
    lines = [f"  {parts[0]}"]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) > WIDTH - 3:
            lines[-1] += " \\"
            lines.append("     ")
        lines[-1] += f" {part}"
    return lines


def bars(edges: Sequence[float], counts: Sequence[int]) -> list[str]:
    """One bar a bin, with its range and its share; the last range may be open."""
    fine = _can_write(_BLOCKS)
    total, most = sum(counts), max(counts)
    places = decimals([edges[:2]])
    ranges = [
        f"{low:.{places}f} to {high:.{places}f}"
        if math.isfinite(high)
        else f"over {low:.{places}f}"
        for low, high in pairwise(edges)
    ]
    label = max(map(len, ranges))
    room = WIDTH - label - 14
    return [
        f"  {text:>{label}}  {_bar(count / most * room, fine):<{room}} {_share(count, total)}"
        for text, count in zip(ranges, counts, strict=True)
    ]


def _share(count: int, total: int) -> str:
    """A percentage that is 0 only for nothing."""
    share = 100 * count / total
    return "<0.01 %" if 0 < share < 0.01 else f"{share:5.2f} %"


def _bar(length: float, fine: bool) -> str:
    """A bar of so many characters; what is not nothing can be seen."""
    if not fine:
        return "#" * (math.ceil(length) if length < 1 else round(length))
    eighths = max(round(8 * length), int(length > 0))
    return "█" * (eighths // 8) + _BLOCKS[eighths % 8].strip()


def _can_write(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
