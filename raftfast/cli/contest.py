"""What `raftfast compare` writes of a comparison: the table, the Markdown, the CSV."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import duels as d
from .show import WIDTH, aside, escape, heading, markdown, shell

if TYPE_CHECKING:
    from ..comparing import Compared, Duel
    from ..comparison import Comparison

DETAILED_MAX = 4
"""So many sides are held against the reference row by row; of more the sides' values are shown."""

GROUPS_MAX = 12
"""So many groups of points are shown in a table; csv and json have all."""

CSV_HEADER = (
    "name", "metric", "reference", "value", "difference", "ci95_low", "ci95_high", "ratio",
    "ratio_ci95_low", "ratio_ci95_high", "p", "p_corrected", "verdict", "more_trials", "words",
)  # fmt: skip
_MARKDOWN_HEADER = (
    "", "reference", "value", "difference (95 % interval)", "ratio", "p", "verdict",
)  # fmt: skip
_CORRECTIONS = {"holm": "Holm", "bh": "Benjamini and Hochberg"}


Label = Callable[[str], str]
"""What a side is called in tables, where its full name would say the same on every line."""


def table(
    compared: Compared, facts: Sequence[str], command: Sequence[str], label: Label = str
) -> list[str]:
    """The comparison for people; `facts` are what was compared, `command` repeats it."""
    lines = [line for text in facts for line in textwrap.wrap(text, WIDTH)]
    lines += [*textwrap.wrap(_pairing(compared), WIDTH), ""]
    if compared.by is None:
        lines += _scenarios(compared, label)
    else:
        lines += _points(compared)
    lines += [line for text in _notes(compared, label) for line in textwrap.wrap(text, WIDTH)]
    return [*lines, "", "To repeat:", *shell(command)]


def _scenarios(compared: Compared, label: Label) -> list[str]:
    sides = d.Sides(compared.reference, compared.duels, compared.shown, label)
    said = [sides.who()] if len(compared.duels) > 1 else []
    if len(compared.duels) <= DETAILED_MAX:
        for duel in compared.duels:
            told = d.sentence(compared.shown(duel))
            said.append(f"{_against(compared, duel, label)}: {told}.")
    lines = [heading(line) for text in said for line in textwrap.wrap(text, WIDTH)]
    lines += ["", *sides.lines(), *_legend(sides), ""]
    if len(compared.duels) > DETAILED_MAX:
        return [*lines, *_wrapped(_MANY), ""]
    for duel in compared.duels:
        lines += map(aside, _wrapped(_against(compared, duel, label)))
        lines += [*d.details(compared.shown(duel)), ""]
    return lines


def _against(compared: Compared, duel: Duel, label: Label) -> str:
    return f"{label(duel.name)} against {label(compared.reference)}"


_MANY = "Every difference with its interval: --format md, csv or json."


def _points(compared: Compared) -> list[str]:
    """First how often what came out, then the groups' values."""
    groups = _grouped(compared)
    many = f"in {len(groups):,} groups of points" if len(groups) > 1 else "of the points"
    said = f"{compared.by}: {_others(compared)} against {compared.reference}, {many} "
    lines = [*map(heading, textwrap.wrap(f"{said}that differ in it alone.", WIDTH)), ""]
    lines += [*_tally(compared), ""]
    detailed = len(compared.duels) <= DETAILED_MAX
    for common, duels in groups[:GROUPS_MAX]:
        if common:
            lines += _wrapped(common)
        sides = d.Sides(compared.reference, duels, compared.shown)
        lines += [*sides.lines(), *_legend(sides), ""]
        if detailed:
            for duel in duels:
                lines.append(aside(f"{duel.name} against {compared.reference}"))
                lines += [*d.details(compared.shown(duel)), ""]
    if len(groups) > GROUPS_MAX:
        lines += [f"{len(groups) - GROUPS_MAX:,} more groups: --format csv or json", ""]
    elif not detailed:
        lines += [*_wrapped(_MANY), ""]
    return lines


def _grouped(compared: Compared) -> list[tuple[str, list[Duel]]]:
    groups: dict[str, list[Duel]] = {}
    for duel in compared.duels:
        groups.setdefault(_common(duel.group), []).append(duel)
    return list(groups.items())


def _common(group: Mapping[str, Any]) -> str:
    from ..contrasts import text_of

    return ", ".join(f"{key} = {text_of(value)}" for key, value in group.items())


def _others(compared: Compared) -> str:
    names = dict.fromkeys(duel.name for duel in compared.duels)
    return ", ".join(names) if len(names) <= DETAILED_MAX else f"{len(names)} values"


def _tally(compared: Compared) -> list[str]:
    """Of every other value, in how many groups which verdict came out."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for duel in compared.duels:
        for row in compared.shown(duel):
            counts.setdefault((duel.name, row.metric), Counter())[row.verdict] += 1
    verdicts = ("lower", "higher", "same", "undecided")
    cells = [
        (name, metric, *(f"{count[x]:,}" for x in verdicts))
        for (name, metric), count in counts.items()
    ]
    rows = [("", "", *verdicts), *cells]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first, second = widths[:2]
    return [
        f"{name:<{first}}  {metric:<{second}}"
        + "".join(f"  {x:>{w}}" for x, w in zip(counted, widths[2:], strict=True))
        for name, metric, *counted in rows
    ]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)


def _legend(sides: d.Sides) -> list[str]:
    if d.BEST not in sides.marked:
        return []
    maybe = f", {d.MAYBE} may be as good" if d.MAYBE in sides.marked else ""
    return [aside(f"{d.BEST} best{maybe}")]


def _pairing(compared: Compared) -> str:
    """How many trials there are, and whether they can be compared one by one."""
    many = {side.trials for side in compared.sides}
    count = f"{min(many):,}" if len(many) == 1 else f"{min(many):,} to {max(many):,}"
    head = f"{count} trials each"
    if compared.paired:
        seeds = {side.seed for side in compared.sides}
        return f"{head}, paired: trial k has the same luck everywhere (seed {seeds.pop()})"
    if compared.by is None:
        return f"{head}, unpaired: the seeds differ"
    if any(duel.paired for duel in compared.duels):
        return f"{head}, in pairs where there are samples of both, else from distributions"
    return (
        f"{head}, unpaired, from stored distributions: `raftfast sweep --samples` keeps what "
        "compares in pairs, with narrower intervals"
    )


def _notes(compared: Compared, label: Label) -> list[str]:
    """How to read it, and what would settle what is open."""
    rows, tests = sum(len(duel.rows) for duel in compared.duels), compared.tests
    band = f"{100 * compared.band:g} %"
    notes = [f"same: the interval is within {band} of the reference"]
    if compared.correction == "none":
        notes[0] += "; p is not corrected for how many metrics there are"
    elif not tests:
        notes[0] += "; p is 1 in all rows, as no trial differs in any"
    else:
        over = f"{tests:,} rows"
        if tests < rows:
            over = f"the {tests:,} of {rows:,} rows in which trials differ"
        notes[0] += f"; p is corrected by {_CORRECTIONS[compared.correction]} over {over}"
    notes[0] += "; rates are in per cent"
    if compared.looks > 1:
        notes.append(
            f"Looked at {compared.look} of {compared.looks} times at most: p and intervals are "
            "widened so that they hold for all looks together."
        )
    every = {row.metric for duel in compared.duels for row in duel.rows}
    seen = {row.metric for duel in compared.duels for row in compared.shown(duel)}
    if len(seen) < len(every):
        notes[0] += f"; {len(every) - len(seen)} more metrics: --metrics all"
    if compared.skipped:
        notes.append(f"{compared.skipped:,} groups have no point with {compared.reference}, or "
                     "none beside it")  # fmt: skip
    notes += [f"{text}." for text in _open(compared, label)]
    return notes


def _open(compared: Compared, label: Label) -> list[str]:
    named = [
        (
            f"{label(duel.name)}{f' ({_common(duel.group)})' if duel.group else ''}",
            compared.shown(duel),
        )
        for duel in compared.duels
    ]
    lines = d.undecided(named)
    if compared.by is None and compared.looks == 1 and _is_within_reach(compared):
        lines.append("To add trials until all is settled that can be: --until decided")
    if lines and compared.by is not None:
        lines.append("The sweep's command with more trials (-n) adds them")
    return lines


def _is_within_reach(compared: Compared) -> bool:
    """Whether as many trials as --until adds would settle something, as far as is known."""
    from ..comparing import MAX_TRIALS

    wanted = [row.more_trials for duel in compared.duels for row in compared.shown(duel)]
    return any(more is not None and compared.trials + more <= MAX_TRIALS for more in wanted)


def markdown_table(
    compared: Compared, facts: Sequence[str], command: Sequence[str], label: Label = str
) -> list[str]:
    """The comparison for a pull request."""
    lines = []
    if compared.by is None and len(compared.duels) > 1:
        lines += [*_markdown_sides(compared, label), ""]
    for duel in compared.duels[:GROUPS_MAX]:
        rows = compared.shown(duel)
        common = f" ({_common(duel.group)})" if duel.group else ""
        said = f"{_against(compared, duel, label)}{common}: {d.sentence(rows)}."
        lines += [f"**{escape(said)}**", ""]
        body = [_markdown_row(row) for row in rows]
        lines += [*markdown(_MARKDOWN_HEADER, body), ""]
    if len(compared.duels) > GROUPS_MAX:
        lines += [f"{len(compared.duels) - GROUPS_MAX:,} more comparisons: `--format csv`", ""]
    read = [*facts, _pairing(compared), *_notes(compared, label)]
    said = ". ".join(text.rstrip(".") for text in read)
    lines += [escape(f"{said}."), "", "```sh", *(line[2:] for line in shell(command)), "```"]
    return lines


def _markdown_sides(compared: Compared, label: Label) -> list[str]:
    """Who is best; the values of all sides, in bold what is best and what may be as good."""
    sides = d.Sides(compared.reference, compared.duels, compared.shown, label)
    head = ["", *(f"`{x}`{' (%)' if d.is_rate(x) else ''}" for x in sides.metrics)]
    rows = [
        [escape(name), *(f"**{x[1:]}**" if x[:1] in (d.BEST, d.MAYBE) else x for x in row)]
        for name, row in zip(sides.names, sides.cells, strict=True)
    ]
    who = [f"**{escape(sides.who())}**", ""] if sides.who() else []
    return [*who, *markdown(head, rows)]


def _markdown_row(row: Comparison) -> list[str]:
    name = f"`{row.metric}`" + (" (%)" if d.is_rate(row.metric) else "")
    return [
        name,
        d.value(row.metric, row.reference),
        d.value(row.metric, row.value),
        d.difference(row),
        d.ratio(row),
        escape(d.p_value(row)),
        row.words if row.verdict in ("same", "undecided") else f"**{row.words}**",
    ]


def csv_rows(compared: Compared) -> tuple[list[str], list[list[Any]]]:
    """(header, rows): one row a metric and side; of points the keys in common come first."""
    import json

    keys = list(dict.fromkeys(key for duel in compared.duels for key in duel.group))
    rows = []
    for duel in compared.duels:
        common = [_cell(duel.group.get(key), json.dumps) for key in keys]
        for row in duel.rows:
            rows.append([
                *common, duel.name, row.metric, row.reference, row.value, row.difference,
                *row.ci95, row.ratio, *row.ratio_ci95, row.p, row.p_corrected, row.verdict,
                row.more_trials, row.words,
            ])  # fmt: skip
    return [*keys, *CSV_HEADER], rows


def _cell(value: Any, dumps: Any) -> Any:
    return dumps(value) if isinstance(value, list | dict | bool) else value
