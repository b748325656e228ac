"""What `raftfast run` writes of a result: the table, the CSV, the Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..statistics import histogram, rate
from .show import (
    WIDTH,
    amount,
    aside,
    bars,
    between,
    decimals,
    duration,
    escape,
    heading,
    markdown,
    numbers,
    percent,
    shell,
)

if TYPE_CHECKING:
    from ..result import Result

BARS = 10
DIGEST_SHOWN = 16

CSV_HEADER = ("metric", "statistic", "value", "ci95_low", "ci95_high")

_STATISTICS = ("mean", "p10", "p50", "p90", "p95", "p99", "p99.9")
_TIMES = ("election_ms", "detect_ms", "followed_ms", "unavailable_ms")
_COUNTS = {
    "messages": "messages",
    "lost": "messages lost",
    "campaigns": "campaigns",
    "pre_campaigns": "pre-campaigns",
    "leader_changes": "changes of leader",
    "needless_campaigns": "needless campaigns",
}
_RATES = {
    "split_first_term": "first term without a leader",
    "contested_first_term": "first term contested",
    "multi_term": "more than one term",
    "censored": "censored",
}
_AVAILABILITY = "availability"
_LEADERS = {"followed": "leader followed by all", "stable": "stable leader"}
_LABEL = max(map(len, _TIMES))
_CELL = (WIDTH - _LABEL) // len(_STATISTICS) - 1

Entry = dict[str, Any]


def table(result: Result, command: Sequence[str]) -> list[str]:
    """The result for people, in 80 columns; `command` is what repeats it."""
    summary = result.summary()
    title = [line for text in _title(result) for line in textwrap.wrap(text, WIDTH)]
    lines = [*title, "", *map(heading, textwrap.wrap(headline(result, summary), WIDTH)), ""]
    lines += _quantiles(summary)
    lines += [*_per_trial(summary, result), *_remarks(result, summary)]
    lines += [*_histogram(result), "", _effort(result, summary), "To repeat:", *shell(command)]
    return lines


def markdown_table(result: Result, command: Sequence[str]) -> list[str]:
    """The result for a pull request."""
    summary = result.summary()
    metrics = summary["metrics"]
    title = ", ".join(_title(result))
    lines = [f"**{escape(headline(result, summary))}** {escape(title)}.", ""]
    rows = []
    for name in _telling(metrics):
        entry = metrics[name]
        places = decimals(entry["ci95"].values())
        cells = numbers([entry[key] for key in _STATISTICS], places, _CELL)
        for i, key in enumerate(_STATISTICS):
            if interval := between(entry["ci95"].get(key), places):
                cells[i] += f" ({interval})"
        rows.append([f"`{name}`", *cells])
    lines += markdown(["", *_STATISTICS], rows)
    lines += ["", *markdown(["per trial", "", "95 % interval"], _shares(summary, result))]
    lines += [line and escape(line) for line in _remarks(result, summary)]
    lines += [
        "",
        _effort(result, summary),
        "",
        "```sh",
        *(line[2:] for line in shell(command)),
        "```",
    ]
    return lines


def csv_rows(result: Result) -> list[list[Any]]:
    """One row a statistic, under `CSV_HEADER`: of the run, of every metric, then the rates."""
    summary = result.summary()
    rows = [
        ["run", key, summary[key], None, None]
        for key in ("seed", "trials", "censored", "violations")
    ]
    for name, entry in summary["metrics"].items():
        for key, value in entry.items():
            if key != "ci95":
                rows.append([name, key, value, *(entry["ci95"].get(key) or (None, None))])
    for name, share in summary["rates"].items():
        rows.append([name, "rate", share["value"], *(share["ci95"] or (None, None))])
    return rows


def headline(result: Result, summary: Entry) -> str:
    """The one sentence to remember."""
    entry, ci95 = summary["metrics"]["election_ms"], summary["metrics"]["election_ms"]["ci95"]
    stop = result.scenario.stop
    if result.scenario.scenario.kind == "steady":
        return _steady_headline(result, summary)
    leader = _LEADERS.get(stop.on, "leader")
    limit = duration((stop.duration_ms if stop.on == "duration" else stop.limit_ms) / 1000)
    had = percent(rate(entry["count"], result.trials))[0]
    if not entry["count"]:
        return f"No {leader} within {limit} in any of {result.trials:,} trials."
    if entry["p50"] is None:
        return f"A {leader} within {limit} in only {had} of {result.trials:,} trials."
    median = f"{entry['p50']:.{decimals([ci95['p50']])}f} ms"
    if entry["count"] < result.trials and not result.censored:
        return f"A leader after {median} (median) in the {had} of trials that had one."
    if entry["p99"] is None:
        missing = percent(summary["rates"]["censored"])[0]
        return f"A {leader} after {median} (median), none within {limit} in {missing} of trials."
    slow = f"{entry['p99']:.{decimals([ci95['p99']])}f} ms"
    # With "followed", the time is still the one at which office was taken.
    leader = "leader" if stop.on == "followed" else leader
    return f"A {leader} after {median} (median), 99 % of elections within {slow}."


def _steady_headline(result: Result, summary: Entry) -> str:
    lasting = duration(result.scenario.stop.duration_ms / 1000)
    share = percent(summary["rates"][_AVAILABILITY])[0]
    changes = summary["metrics"]["leader_changes"]["mean"]
    needless = summary["metrics"]["needless_campaigns"]["mean"]
    return (
        f"A leader in office for {share} of {lasting}, changed {changes:.2f} times in the mean; "
        f"{needless:.2f} campaigns begun while one was."
    )


def _title(result: Result) -> list[str]:
    """The scenario's name, if it has one, and what it is, on lines of their own."""
    scenario = result.scenario
    servers = f"{scenario.cluster.nodes} server{'s' * (scenario.cluster.nodes != 1)}"
    facts = f"{servers}, {scenario.scenario.kind}, stop on {scenario.stop.on}, "
    facts += f"{result.trials:,} trials, seed {result.seed}"
    return [*filter(None, [scenario.name]), facts]


def _telling(metrics: dict[str, Entry]) -> list[str]:
    """The times that say something: not nothing, not always zero, not what another one says."""
    told: list[str] = []
    for name in _TIMES:
        entry = metrics[name]
        if entry["count"] and entry["max"] and all(entry != metrics[other] for other in told):
            told.append(name)
    return told


def _quantiles(summary: Entry) -> list[str]:
    """A row a time, each above the two ends of its intervals."""
    told = _telling(summary["metrics"])
    lines = [aside(_row("", _STATISTICS))] if told else []
    for name in told:
        entry = summary["metrics"][name]
        intervals = [entry["ci95"].get(key) for key in _STATISTICS]
        low, high = ([ends and ends[i] for ends in intervals] for i in (0, 1))
        values = [entry[key] for key in _STATISTICS]
        cells = numbers([*values, *low, *high], decimals(intervals), _CELL)
        lines.append(_row(name, cells[: len(values)]))
        for label, first in (("  95 % low", len(values)), ("  95 % high", 2 * len(values))):
            row = [cells[first + i] if ends else "" for i, ends in enumerate(intervals)]
            lines.append(aside(_row(label, row)))
    return lines and [*lines, ""]


def _row(label: str, cells: Sequence[str]) -> str:
    return f"{label:<{_LABEL}}{''.join(f' {cell:>{_CELL}}' for cell in cells)}".rstrip()


def _shares(summary: Entry, result: Result) -> list[list[str]]:
    """Rates and counts that are not always zero: label, value, interval."""
    rates = summary["rates"]
    rows = [[label, *percent(rates[name])] for name, label in _RATES.items()]
    if _AVAILABILITY in rates:
        rows.insert(0, ["a leader in office", *percent(rates[_AVAILABILITY])])
    for name, label in _COUNTS.items():
        entry = summary["metrics"][name]
        if not entry["max"] or (name == "leader_changes" and entry["max"] == 1):
            continue
        interval = entry["ci95"]["mean"]
        places = max(2, decimals([interval]))
        if entry["mean"] is not None:
            rows.append([label, f"{entry['mean']:.{places}f}", between(interval, places)])
        elif entry["p50"] is not None:
            interval = between(entry["ci95"]["p50"], 0)
            rows.append([f"{label} (median)", f"{entry['p50']:.0f}", interval])
    if result.violations:
        rows.append(["safety violations, in all", f"{result.violations:,}", ""])
    return rows


def _per_trial(summary: Entry, result: Result) -> list[str]:
    head = aside(f"{'per trial':<28}{'':>14}   95 % interval")
    body = [
        f"{label:<28}{value:>14}   {interval}".rstrip()
        for label, value, interval in _shares(summary, result)
    ]
    return [head, *body]


def _remarks(result: Result, summary: Entry) -> list[str]:
    """What one must know to read the numbers of a run with censored trials."""
    if not result.censored:
        return []
    limit = duration(result.scenario.stop.limit_ms / 1000)
    share, _ = percent(summary["rates"]["censored"])
    text = (
        f"{result.censored:,} of {result.trials:,} trials ({share}) reached the limit of {limit} "
        "and are censored: quantiles are Kaplan-Meier's and there is no mean"
    )
    if summary["metrics"]["detect_ms"]["mean"] is not None:
        text += ", but of detect_ms, which is final"
    area = summary["metrics"]["election_ms"]["restricted_mean"]
    if area is not None and result.censored < result.trials:
        text += f"; restricted to {limit}, election_ms has one of {area:.1f} ms"
    return ["", *textwrap.wrap(text + ".", WIDTH)]


def _histogram(result: Result) -> list[str]:
    values, censored = result.samples["election_ms"], result.samples["censored"]
    edges, counts = histogram(values[censored == 0], BARS)
    if (counts > 0).sum() < 2:
        return []
    title = f"election_ms of {counts.sum():,} elections"
    return ["", aside(title), *bars(edges.tolist(), counts.tolist())]


def _effort(result: Result, summary: Entry) -> str:
    return (
        f"{result.trials:,} trials in {duration(result.elapsed_s)}, "
        f"{amount(summary['trials_per_s'])}/s ({result.backend}); "
        f"digest {result.digest[:DIGEST_SHOWN]}"
    )
