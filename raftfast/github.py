"""What a GitHub workflow shows of a check: annotations, and values for github-action-benchmark."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .gate import BREACHED, UNDECIDED
from .judgements import CHANGED, Judgement, number, unit_of
from .thresholds import THROUGHPUT

if TYPE_CHECKING:
    from .checking import Checked, Report

ANNOTATIONS_MAX = 10
"""GitHub shows no more of one step."""

_TOLD = ("mean", "p50", "p99", "p99.9")
_RATES = ("split_first_term", "contested_first_term", "multi_term", "censored")


def commands(report: Report) -> list[str]:
    """Workflow commands, ANNOTATIONS_MAX at most: violations and breaches as errors, what changed
    or may be breached as warnings, as far as there is room."""
    file = _from_workspace(report.checklist.source)
    found: list[tuple[str, str, str]] = []
    for checked in report.checked:
        if checked.record.violations:
            broken = ", ".join(checked.broken) or "an invariant"
            words = f"safety violated: {broken}; violations: {checked.record.violations:,}"
            found.append(("error", f"{checked.name}: safety", words))
    for level, status in (("error", BREACHED), ("warning", CHANGED), ("warning", UNDECIDED)):
        found += [
            (level, f"{one.scenario}: {one.metric}", str(one))
            for one in report.judgements
            if one.status == status and (status != UNDECIDED or _is_worth_saying(one))
        ]
    if len(found) > ANNOTATIONS_MAX:
        rest = len(found) - ANNOTATIONS_MAX + 1
        level = "error" if found[ANNOTATIONS_MAX - 1][0] == "error" else "warning"
        found = found[: ANNOTATIONS_MAX - 1]
        found.append((level, "raftfast check", f"{rest} more; the step's summary has them all"))
    return [
        f"::{level} file={_property(file)},title={_property(title)}::{_data(words)}"
        for level, title, words in found
    ]


def _is_worth_saying(undecided: Judgement) -> bool:
    """Not that of "*", of which some always are, nor of the throughput of a busy machine."""
    return undecided.is_own and undecided.metric != THROUGHPUT


def _from_workspace(path: str) -> str:
    """The path as GitHub knows it: from the root of the repository, if it lies within."""
    root = os.environ.get("GITHUB_WORKSPACE")
    if not root:
        return path
    within = os.path.relpath(os.path.abspath(path), root)
    return path if within.startswith("..") else within


def _data(text: str) -> str:
    """Text as a workflow command's message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Text as a workflow command's property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def benchmarks(report: Report) -> list[dict[str, Any]]:
    """What github-action-benchmark reads as customSmallerIsBetter: {name, unit, value, range,
    extra} of every scenario's election_ms, messages, rates, the metrics with thresholds of their
    own, and the time that a trial takes, in yardsticks. What has no value is left out."""
    return [one for checked in report.checked for one in _benchmarks(checked)]


def _benchmarks(checked: Checked) -> list[dict[str, Any]]:
    record, rows = checked.record, []
    extra = [f"{record.trials} trials, seed {record.seed}", f"digest {record.digest}"]

    def add(metric: str, unit: str, value: float | None, ends: Any) -> None:
        if value is None:
            return
        about = [str(one) for one in checked.judgements if one.metric == metric]
        row = {"name": f"{checked.name}: {metric}", "unit": unit, "value": value}
        if ends is not None and None not in ends:
            row["range"] = f"{number(ends[0])} to {number(ends[1])}"
        rows.append({**row, "extra": "\n".join([*about, *extra])})

    wanted = [f"election_ms.{name}" for name in _TOLD] + ["messages.mean"]
    wanted += [
        one.metric for one in checked.judgements
        if one.is_own and one.metric.partition(".")[0] in record.metrics
    ]  # fmt: skip
    for metric in dict.fromkeys(wanted):
        column, _, name = metric.partition(".")
        entry = record.metrics[column]
        if entry.get(name) is None and name == "mean":
            name = "restricted_mean"
        unit = unit_of(metric).strip() or "per trial"
        add(f"{column}.{name}", unit, entry.get(name), entry["ci95"].get(name))
    for name in _RATES:
        rate = record.rates[name]
        add(f"rate.{name}", "of trials", rate["value"], rate["ci95"])
    if "availability" in record.rates:
        value, ends = record.rates["availability"]["value"], record.rates["availability"]["ci95"]
        add("unavailability", "of the time", 1 - value, [1 - end for end in reversed(ends)])
    speed = record.speed
    add("time", "yardsticks/trial", 1 / speed.value, [1 / speed.high, 1 / speed.low])
    return rows
