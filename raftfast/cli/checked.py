"""What `raftfast check` writes of a report: the table, the CSV, the Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..gate import BREACHED, OK, UNCHECKED, UNDECIDED
from ..judgements import CHANGED
from .show import WIDTH, aside, escape, heading, markdown

if TYPE_CHECKING:
    from ..checking import Checked, Report
    from ..judgements import Judgement

CSV_HEADER = (
    "scenario", "metric", "threshold", "status", "reference", "value", "ci95_low", "ci95_high",
    "more_trials", "digest", "reference_digest",
)  # fmt: skip

DIGEST_SHOWN = 16
_ADVICE = "advice"
_STATUS = 2 + max(map(len, (OK, BREACHED, UNDECIDED, UNCHECKED, CHANGED, _ADVICE)))
_ORDER = (BREACHED, UNDECIDED, OK, UNCHECKED, CHANGED)


def headline(report: Report) -> str:
    """The one sentence to remember."""
    size = len(report.checked)
    scenarios = "1 scenario" if size == 1 else f"{size} scenarios"
    if report.violations:
        return f"Safety was violated {report.violations:,} times in {scenarios}."
    standing = _standing(report)
    if report.baseline is None:
        return f"{scenarios} run; {standing}."
    same = sum(one.same for one in report.checked)
    if same == size:
        which = "Nothing changed" if size == 1 else f"Nothing changed in any of {scenarios}"
        return f"{which}: equal digests; {standing}."
    which = "The scenario" if size == 1 else f"{size - same} of {scenarios}"
    return f"{which} changed; {standing}."


def _standing(report: Report) -> str:
    breaches = len(report.breaches)
    if breaches:
        return "1 threshold is breached" if breaches == 1 else f"{breaches} thresholds are breached"
    undecided = sum(one.status == UNDECIDED for one in report.judgements)
    if undecided:
        return f"no threshold is breached, {undecided} {_are(undecided)} undecided"
    held = {one.status for one in report.judgements} - {CHANGED}
    if not held:
        return "there are no thresholds"
    if held != {UNCHECKED}:
        return "all thresholds hold"
    return "no threshold was checked, for want of a baseline"


def table(report: Report, saved: str | None) -> list[str]:
    """The report for people."""
    lines = [_title(report), "", *map(heading, textwrap.wrap(headline(report), WIDTH))]
    for one in report.checked:
        lines += ["", *_scenario_lines(one)]
    if saved is not None:
        lines += ["", _saved(report, saved)]
    return lines


def markdown_lines(report: Report, saved: str | None) -> list[str]:
    """The report for a pull request."""
    lines = [f"**{escape(headline(report))}** {escape(_title(report))}.", ""]
    rows = []
    for checked in report.checked:
        shown, rest = _parted(checked)
        first = f"{escape(checked.name)}: {_how(checked)}"
        for judgement in shown:
            rows.append([first, *_markdown_row(judgement)])
            first = ""
        if rest or not shown:
            rows.append([first, "", "", "", "", _rest_words(rest) if rest else ""])
    header = ["scenario", "metric", "value", "change, 95 % interval", "threshold", ""]
    lines += markdown(header, rows)
    changes = [
        f"- {escape(one.name)}: {escape(line)}" for one in report.checked for line in one.changes
    ]
    if changes:
        lines += ["", "Keys that are not the baseline's:", "", *changes]
    if saved is not None:
        lines += ["", f"{escape(_saved(report, saved))}."]
    return lines


def csv_rows(report: Report) -> list[list[Any]]:
    """One row a judgement, under `CSV_HEADER`; the interval is of the change, or without a
    reference of the value."""
    rows = []
    for checked in report.checked:
        reference = None if checked.reference is None else checked.reference.digest
        advice = [] if checked.advice is None else [checked.advice]
        for one in (*checked.judgements, *advice):
            text = None if one.threshold is None else one.threshold.text
            status = _ADVICE if one is checked.advice else one.status
            rows.append(
                [one.scenario, one.metric, text, status, one.reference, one.value, *one.ends,
                 one.more_trials, checked.record.digest, reference]
            )  # fmt: skip
    return rows


def _title(report: Report) -> str:
    trials = sum(one.record.trials for one in report.checked)
    whole = " in all" if len(report.checked) > 1 else ""
    facts = f"{report.checklist.source}, {trials:,} trials{whole} ({report.engine})"
    if report.baseline is None:
        return facts
    made = f"raftfast {report.baseline.version}, {report.baseline.backend}"
    return f"{facts} against {report.baseline.source} ({made})"


def _saved(report: Report, path: str) -> str:
    size = len(report.checked)
    return f"saved in {path}: {size} scenario{'s' * (size != 1)}"


def _scenario_lines(checked: Checked) -> list[str]:
    shown, rest = _parted(checked)
    lines = [heading(f"{checked.name}: {_how(checked)}")]
    lines += [aside(f"  {line}") for line in checked.changes]
    for judgement in shown:
        lines += _judgement_lines(judgement, judgement.status)
    if rest:
        lines.append(f"  {OK:<{_STATUS}}{_rest_words(rest)}")
    if checked.advice is not None:
        lines += map(aside, _judgement_lines(checked.advice, _ADVICE))
    return lines


def _how(checked: Checked) -> str:
    digest = checked.record.digest[:DIGEST_SHOWN]
    if checked.record.violations:
        return f"safety violated {checked.record.violations:,} times"
    if checked.reference is None:
        return f"digest {digest}"
    if checked.same:
        return f"nothing changed, digest {digest}"
    was = checked.reference.digest[:DIGEST_SHOWN]
    return f"changed, digest {digest} was {was}"


def _parted(checked: Checked) -> tuple[list[Judgement], list[Judgement]]:
    """What is to be shown one by one, the gravest first, and what "*" says of the rest."""
    shown: list[Judgement] = []
    rest: list[Judgement] = []
    for one in checked.judgements:
        quiet = one.threshold is not None and not one.is_own and one.status != BREACHED
        (rest if quiet else shown).append(one)
    return sorted(shown, key=lambda one: _ORDER.index(one.status)), rest


def _rest_words(rest: Sequence[Judgement]) -> str:
    """The metrics under "*" that are not breached, in one line."""
    text = rest[0].threshold.text if rest[0].threshold is not None else ""
    undecided = sum(one.status == UNDECIDED for one in rest)
    if len(rest) == 1 and not undecided:
        return f"every metric within {text}"
    line = f"{len(rest) - undecided} metrics surely within {text}"
    return f"{line}, {undecided} with too few trials to tell" if undecided else line


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _judgement_lines(one: Judgement, status: str) -> list[str]:
    """The status, the metric, its threshold; then, on a line of its own if need be, the numbers."""
    threshold = "" if one.threshold is None else f" {one.threshold.text}"
    first = f"  {status:<{_STATUS}}{one.metric}{threshold}"
    facts = []
    if one.value is not None or one.reference is not None:
        facts.append(one.values)
        if one.reference is not None:
            facts.append(one.change)
    text = ", ".join(filter(None, [*facts, one.words]))
    if not text:
        return [first]
    if len(first) + len(text) + 2 <= WIDTH:
        return [f"{first}  {text}"]
    indent = " " * (_STATUS + 2)
    return [first, *textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)]


def _markdown_row(one: Judgement) -> list[str]:
    threshold = "" if one.threshold is None else f"`{one.threshold.text}`"
    known = one.value is not None or one.reference is not None
    status = f"**{one.status}**" if one.status == BREACHED else one.status
    words = f"{status}: {escape(one.words)}" if one.words else status
    return [f"`{one.metric}`", one.values if known else "", one.change, threshold, words]
