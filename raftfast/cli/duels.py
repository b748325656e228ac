"""Comparisons as people read them: cells, sentences, the sides with the best of them marked."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .show import WIDTH, numbers

if TYPE_CHECKING:
    from ..comparing import Duel
    from ..comparison import Comparison

BEST, MAYBE = "*", "~"
SETTLED_SHOWN = 6
"""So many undecided rows are named below a table."""

_CELL = 7
_SMALL = 0.1
_PLACES_MAX = 8
_NOBODY = ""
_RELATIVE = ("faster", "hazard_ratio")
_WORDS_MIN = 15
_GAP = "  "

_SAID: Mapping[str, str] = {
    "election_ms.mean": "{} on average",
    "election_ms.restricted_mean": "{} on average, up to the limit",
    "election_ms.p99": "{} at p99",
    "election_ms.p99.9": "{} at p99.9",
    "unavailable_ms.mean": "{} time without a leader",
    "unavailable_ms.restricted_mean": "{} time without a leader",
    "rate.availability": "availability {}",
    "rate.split_first_term": "split votes {}",
    "messages.mean": "{} messages",
    "messages.restricted_mean": "{} messages",
    "leader_changes.mean": "{} changes of leader",
    "needless_campaigns.mean": "{} needless campaigns",
    "rate.censored": "cut at the limit {}",
}
"""How a verdict reads in a sentence; what is not here is left to the table."""


def is_rate(metric: str) -> bool:
    """Whether a metric is a share, and shown in per cent."""
    return metric.startswith("rate.")


def is_relative(metric: str) -> bool:
    """Whether a metric is of both sides together, so that neither has a value of its own."""
    return metric.rpartition(".")[2] in _RELATIVE


def value(metric: str, number: float | None) -> str:
    """A side's value: rates in per cent, small ones with two digits; times with one decimal, counts
    with two."""
    if number is None:
        return "-"
    if is_rate(metric):
        # What counts of 99.995 % is how little is missing.
        rest = 100 * (1 - number if metric == "rate.availability" else number)
        places = 2 if rest == 0 else min(max(2, 1 - math.floor(math.log10(abs(rest)))), _PLACES_MAX)
        return f"{100 * number:.{places if rest < _SMALL else 2}f}"
    return f"{number:.1f}" if "_ms." in metric and not is_relative(metric) else f"{number:.2f}"


def difference(row: Comparison) -> str:
    """The difference and its interval: "118.5 (107.9 to 129.1)", rates in points."""
    factor = 100.0 if is_rate(row.metric) else 1.0
    ends = [None if end is None else factor * end for end in row.ci95]
    middle = None if row.difference is None else factor * row.difference
    if row.ci95 == (0.0, 0.0):
        return "0"
    cells = numbers([middle, *ends], _places(ends), _CELL)
    low, high = ("?" if end == "-" else end for end in cells[1:])
    return f"{cells[0]} ({low} to {high})"


def _places(ends: Sequence[float | None]) -> int:
    """How many decimals give half of an interval's width two digits that count."""
    low, high = ends
    if low is None or high is None or high <= low:
        return 1
    return max(0, 1 - math.floor(math.log10((high - low) / 2)))


def p_value(row: Comparison) -> str:
    """The corrected p with two digits, or that it is below what matters to anybody."""
    p = row.p_corrected
    if p < 0.001:
        return "<.001"
    return "1" if p > 0.995 else f"{p:.2f}"[1:] if p >= 0.1 else f"{p:.3f}"[1:]


def ratio(row: Comparison) -> str:
    """The other side's value over the reference's."""
    if row.ratio is None:
        return "-"
    return f"{row.ratio:.3f}" if row.ratio < 2 else f"{row.ratio:.3g}"


def verdict(row: Comparison) -> str:
    """The verdict in a few words; of an undecided one the rest is said elsewhere."""
    if row.verdict == "undecided":
        return "undecided"
    return row.words.replace("no difference beyond", "same within")


def details(rows: Iterable[Comparison]) -> list[str]:
    """A row a metric: the difference with its interval, ratio, corrected p, verdict."""
    cells = [(row.metric, difference(row), ratio(row), p_value(row), verdict(row)) for row in rows]
    head = ("", "difference (95 %)", "ratio", "p", "")
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    begin = sum(widths[:4]) + 3 * 1 + len(_GAP)
    lines = []
    for name, *middle, said in (head, *cells):
        right = " ".join(f"{x:>{w}}" for x, w in zip(middle, widths[1:4], strict=True))
        first, *more = textwrap.wrap(said, max(_WORDS_MIN, WIDTH - begin)) or [""]
        lines.append(f"{name:<{widths[0]}} {right}{_GAP}{first}".rstrip())
        lines += [f"{'':{begin}}{text}" for text in more]
    return lines


def sentence(rows: Sequence[Comparison]) -> str:
    """What matters first, in one sentence: what is settled, what is the same, what is open."""
    said = {row.metric: row for row in rows if row.metric in _SAID}
    told = [
        _SAID[metric].format(row.words)
        for metric, row in said.items()
        if row.verdict in ("lower", "higher")
    ]
    if told and told[0].partition(" on ")[1] and not told[0].startswith("elections"):
        told[0] = f"elections {told[0]}"
    # Of availability a per cent is a lot, and what matters of it is the time without a leader.
    same = [x for x, row in said.items() if row.verdict == "same" and x != "rate.availability"]
    if same:
        words = {said[metric].words for metric in same}
        told.append(f"{max(words, key=len)} in {_listed(same)}")
    if open_ := [metric for metric, row in said.items() if row.verdict == "undecided"]:
        told.append(f"undecided: {_listed(open_)}")
    return "; ".join(told)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def undecided(duels: Iterable[tuple[str, Sequence[Comparison]]]) -> list[str]:
    """What would settle what is undecided, a line each; of many only the first."""
    lines = [
        f"{name}, {row.metric}: {row.words}"
        for name, rows in duels
        for row in rows
        if row.verdict == "undecided"
    ]
    if len(lines) > SETTLED_SHOWN:
        rest = len(lines) - SETTLED_SHOWN + 1
        lines[SETTLED_SHOWN - 1 :] = [f"and {rest} more are undecided"]
    return lines


class Sides:
    """A row a side, a column a metric, with marks at what is best, and at what may be."""

    def __init__(
        self,
        reference: str,
        duels: Sequence[Duel],
        shown: Callable[[Duel], Sequence[Comparison]],
        label: Callable[[str], str] = str,
    ) -> None:
        """`label` is what a side is called here."""
        rows = {duel.name: {row.metric: row for row in shown(duel)} for duel in duels}
        metrics = dict.fromkeys(metric for found in rows.values() for metric in found)
        self.metrics = [metric for metric in metrics if not is_relative(metric)]
        self.names = [label(name) for name in (reference, *rows)]
        self.cells = [[""] * len(self.metrics) for _ in self.names]
        self.marked: set[str] = set()
        self.best: dict[str, list[str]] = {}
        for k, metric in enumerate(self.metrics):
            column = [found.get(metric) for found in rows.values()]
            # Where this one is not shown, it is because nothing happened on either side.
            known = next(row for row in column if row is not None)
            values = [known.reference, *(row.value if row else known.reference for row in column)]
            marks = _marks(metric, values, column)
            self.marked.update(marks)
            if BEST in marks:
                clear = MAYBE not in marks
                name = self.names[marks.index(BEST)] if clear else _NOBODY
                self.best.setdefault(name, []).append(metric)
            for i, (number, mark) in enumerate(zip(values, marks, strict=True)):
                self.cells[i][k] = f"{mark}{value(metric, number)}"

    def who(self) -> str:
        """Who is best at what, in one sentence; empty where nobody is."""
        said = [
            f"{name} is best at {_listed(metrics)}"
            for name, metrics in self.best.items()
            if name != _NOBODY
        ]
        if not said:
            return ""
        open_ = self.best.get(_NOBODY)
        tail = f"; unclear: {_listed(open_)}" if open_ else ""
        return f"{'; '.join(said)}{tail}."

    def lines(self) -> list[str]:
        """As many tables below one another as the width of a terminal takes."""
        first = max(map(len, self.names))
        heads = [metric.partition(".")[::2] for metric in self.metrics]
        widths = [
            max(*(len(row[k]) for row in self.cells), *map(len, self.head(k)))
            for k in range(len(heads))
        ]
        lines: list[str] = []
        at = 0
        while at < len(heads):
            end = at + 1
            while end < len(heads) and first + sum(w + 2 for w in widths[at : end + 1]) <= WIDTH:
                end += 1
            columns = range(at, end)
            for part in (0, 1):
                lines.append(_line("", first, [(self.head(k)[part], widths[k]) for k in columns]))
            for name, row in zip(self.names, self.cells, strict=True):
                lines.append(_line(name, first, [(row[k], widths[k]) for k in columns]))
            at = end
            if at < len(heads):
                lines.append("")
        return lines

    def head(self, k: int) -> tuple[str, str]:
        """A column's head in two lines: what is measured, and which statistic of it."""
        column, _, statistic = self.metrics[k].partition(".")
        return (statistic, "%") if column == "rate" else (column, statistic)


def _line(name: str, width: int, cells: Iterable[tuple[str, int]]) -> str:
    return (f"{name:<{width}}" + "".join(f"  {cell:>{w}}" for cell, w in cells)).rstrip()


def _marks(
    metric: str, values: Sequence[float | None], rows: Sequence[Comparison | None]
) -> list[str]:
    """A mark for the reference and for each other side: the best, what may be as good, the rest."""
    sign = -1.0 if metric == "rate.availability" else 1.0
    ranked = [i for i, number in enumerate(values) if number is not None]
    best = min(ranked, key=lambda i: sign * (values[i] or 0.0), default=0)
    ties = [i == best or _may_tie(i, best, rows, sign) for i in range(len(values))]
    if all(ties):
        return [""] * len(values)
    return [BEST if i == best else MAYBE if tie else "" for i, tie in enumerate(ties)]


def _may_tie(i: int, best: int, rows: Sequence[Comparison | None], sign: float) -> bool:
    """Whether a side may be as good as the best one: the verdict says so against the reference, and
    between two others that their intervals against it overlap."""
    if 0 in (i, best):
        row = rows[max(i, best) - 1]
        return row is None or row.verdict in ("same", "undecided")
    mine, top = rows[i - 1], rows[best - 1]
    if mine is None or top is None:
        return mine is top
    low, high = (mine.ci95[0], top.ci95[1]) if sign > 0 else (top.ci95[0], mine.ci95[1])
    return low is None or high is None or low <= high
