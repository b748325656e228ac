"""What `raftfast run` writes of a result: the table, the CSV, the Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .show import (
    WIDTH,
    amount,
    aside,
    between,
    decimals,
    duration,
    escape,
    heading,
    histogram,
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
}
_RATES = {
    "split_first_term": "first term without a leader",
    "contested_first_term": "first term contested",
    "multi_term": "more than one term",
    "censored": "censored",
}
_LABEL = max(map(len, _TIMES))
_CELL = (WIDTH - _LABEL) // len(_STATISTICS) - 1

Entry = dict[str, Any]


def table(result: Result, command: Sequence[str]) -> list[str]:
    """The result for people, in 80 columns; `command` is what repeats it."""
    summary = result.summary()
    lines = [*_title(result), "", heading(headline(result, summary)), "", *_quantiles(summary)]
    lines += ["", *_per_election(summary, result), *_remarks(result, summary)]
    lines += [*_histogram(result), "", _effort(result, summary), "To repeat:", *shell(command)]
    return lines


def markdown_table(result: Result, command: Sequence[str]) -> list[str]:
    """The result for a pull request."""
    summary = result.summary()
    metrics = summary["metrics"]
    lines = [f"**{escape(_name(result))}**: {headline(result, summary)}", ""]
    rows = []
    for name in _telling(metrics):
        entry = metrics[name]
        places = decimals(entry["ci95"].values())
        cells = numbers([entry[key] for key in _STATISTICS], places, _CELL)
        for i, key in enumerate(_STATISTICS):
            if interval := between(entry["ci95"].get(key), places):
                cells[i] += f" ({interval})"
        rows.append([name, *cells])
    lines += markdown(["", *_STATISTICS], rows)
    lines += ["", *markdown(["per election", "", "95 % interval"], _shares(summary, result))]
    lines += [line and escape(line) for line in _remarks(result, summary)]
    lines += ["", _effort(result, summary), "", "```sh", *map(str.strip, shell(command)), "```"]
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
    for name, rate in summary["rates"].items():
        rows.append([name, "rate", rate["value"], *(rate["ci95"] or (None, None))])
    return rows


def headline(result: Result, summary: Entry) -> str:
    """The one sentence to remember."""
    entry = summary["metrics"]["election_ms"]
    stop = result.scenario.stop
    leader = "stable leader" if stop.on == "stable" else "leader"
    limit = duration((stop.duration_ms if stop.on == "duration" else stop.limit_ms) / 1000)
    share, _ = percent({"value": entry["count"] / result.trials, "ci95": [0, 1]})
    if not entry["count"]:
        return f"No {leader} within {limit} in any of {result.trials:,} trials."
    places = decimals(entry["ci95"].values())
    if entry["p50"] is None:
        return f"A {leader} within {limit} in only {share} of {result.trials:,} trials."
    text = f"A {leader} after {entry['p50']:.{places}f} ms (median)"
    if entry["count"] < result.trials and not result.censored:
        return f"{text} in the {share} of trials that had one."
    if entry["p99"] is None:
        missing, _ = percent(summary["rates"]["censored"])
        return f"{text}; {missing} of elections have none within {limit}."
    return f"{text}, 99 % of elections within {entry['p99']:.{places}f} ms."


def _name(result: Result) -> str:
    return result.scenario.name or "raftfast"


def _title(result: Result) -> list[str]:
    scenario = result.scenario
    servers = f"{scenario.cluster.nodes} server{'s' * (scenario.cluster.nodes != 1)}"
    facts = f"{servers}, {scenario.scenario.kind}, stop on {scenario.stop.on}, "
    facts += f"{result.trials:,} trials, seed {result.seed}"
    name = textwrap.shorten(_name(result), WIDTH, placeholder="...") or _name(result)[:WIDTH]
    return [name] + ([facts] if len(facts) <= WIDTH else textwrap.wrap(facts, WIDTH))


def _telling(metrics: dict[str, Entry]) -> list[str]:
    """The times that say something: not nothing, not always zero, not what another one says."""
    told: list[str] = []
    for name in _TIMES:
        entry = metrics[name]
        if (entry["count"] and entry["max"] and entry not in [metrics[n] for n in told]) or (
            name == _TIMES[0]
        ):
            told.append(name)
    return told


def _quantiles(summary: Entry) -> list[str]:
    lines = [aside(" " * _LABEL + "".join(f"{key:>{_CELL + 1}}" for key in _STATISTICS))]
    for name in _telling(summary["metrics"]):
        entry = summary["metrics"][name]
        ends = [_ends(entry, i) for i in range(2)]
        values = [[entry[key] for key in _STATISTICS], *ends]
        places = decimals(entry["ci95"].values())
        cells = numbers([value for row in values for value in row], places, _CELL)
        known = [entry["ci95"].get(key) is not None for key in _STATISTICS]
        for label, at in ((name, 0), ("  95 % low", 1), ("  95 % high", 2)):
            row = cells[at * len(known) : (at + 1) * len(known)]
            shown = [cell if at == 0 or is_known else "" for cell, is_known in zip(row, known)]
            line = f"{label:<{_LABEL}}" + "".join(f"{cell:>{_CELL + 1}}" for cell in shown)
            lines.append(line.rstrip() if at == 0 else aside(line.rstrip()))
    return lines


def _ends(entry: Entry, end: int) -> list[float | None]:
    """The low (0) or high (1) ends of the intervals, in the order of the columns."""
    return [(entry["ci95"].get(key) or (None, None))[end] for key in _STATISTICS]


def _shares(summary: Entry, result: Result) -> list[list[str]]:
    """Rates and counts that are not always zero: label, value, interval."""
    rows = [[label, *percent(summary["rates"][name])] for name, label in _RATES.items()]
    for name, label in _COUNTS.items():
        entry = summary["metrics"][name]
        if not entry["max"] and name not in ("messages", "campaigns"):
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


def _per_election(summary: Entry, result: Result) -> list[str]:
    head = aside(f"{'per election':<28}{'':>14}   95 % interval")
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
    area = summary["metrics"]["election_ms"]["restricted_mean"]
    if area is not None:
        text += f"; restricted to {limit}, election_ms has one of {area:.1f} ms"
    return ["", *textwrap.wrap(text + ".", WIDTH)]


def _histogram(result: Result) -> list[str]:
    from .. import statistics

    values = result.samples["election_ms"]
    edges, counts = statistics.histogram(values, BARS)
    if (counts > 0).sum() < 2:  # noqa: PLR2004 - one bar says nothing
        return []
    return ["", aside("election_ms"), *histogram(edges.tolist(), counts.tolist())]


def _effort(result: Result, summary: Entry) -> str:
    rate = amount(summary["trials_per_s"])
    return (
        f"{result.trials:,} trials in {duration(result.elapsed_s)}, {rate}/s "
        f"({result.backend}); digest {result.digest[:DIGEST_SHOWN]}"
    )
