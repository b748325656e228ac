"""`raftfast check`: scenarios that are to stay as they are, held against a baseline."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ..errors import InputError
from .options import (
    FORMATS,
    format_option,
    jobs_option,
    progress_options,
    seed_option,
    trials_option,
)

if TYPE_CHECKING:
    from ..checking import Report
    from ..checklist import Checklist

_DEFAULT = "raftfast.toml"
_SUMMARY = "GITHUB_STEP_SUMMARY"
_SHOWN = 3


@click.command("check", short_help="Hold scenarios against a baseline and thresholds.")
@click.argument("checklist", default=_DEFAULT, metavar=f"[{_DEFAULT}]")
@click.option("--save", metavar="FILE", help="Save the results as a baseline, to commit.")
@click.option("--against", metavar="FILE", help="The baseline to hold the results against.")
@click.option(
    "--allow-changed",
    is_flag=True,
    help="Compare also scenarios whose keys, seed or trials are not the baseline's.",
)
@click.option("--github", is_flag=True, help="In a GitHub workflow: a step summary, annotations.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML, a test case for every threshold.")
@trials_option
@seed_option
@jobs_option
@format_option(*FORMATS)
@progress_options
@click.pass_context
def command(
    ctx: click.Context,
    checklist: str,
    save: str | None,
    against: str | None,
    allow_changed: bool,
    github: bool,
    junit: str | None,
    trials: int | None,
    seed: int | None,
    jobs: int | None,
    form: str,
    mode: str,
    quiet: bool,
) -> None:
    """Run the scenarios of a file, raftfast.toml unless another is named, and hold what they come
    to against its thresholds and a baseline. `raftfast init --check` writes a file to begin with.

    Equal digests: nothing changed, for sure. Else every metric is compared with the baseline's, on
    independent samples, and a threshold is breached where the 95 % interval lies wholly beyond it,
    widened so that all intervals of the check hold at once. "undecided" is no breach: more trials
    would tell.

    \b
    "election_ms.p99" = "<= +5%"    at most 5 % above the baseline
    "rate.multi_term" = "<= +0.01"  at most 0.01 above it
    "election_ms.p99.9" = "<= 800"  a value: it needs no baseline
    throughput = ">= -25%"          of the engine; advice unless there is a threshold
    digest = "equal"                any change at all is a breach
    "*" = "+-1%"                    every other metric, either way; "off": none

    A scenario without a threshold relative to the baseline has "*" = "+-1%"; where there is one,
    what else changed is told, and no breach. Only --allow-changed compares scenarios whose keys,
    trials or seed are not the baseline's.

    Throughput is measured in turns with a yardstick, zlib at work, and told in trials a yardstick.

    Formats: csv has one row a threshold and a metric that changed; json is what
    github-action-benchmark reads as customSmallerIsBetter.

    \b
    Exit codes: 0 fine, 1 failed while running or safety violated, 2 usage or invalid input,
    3 a threshold is breached and nothing else, 4 no baseline or not comparable, 130 interrupted.
    """
    from .. import checking
    from ..baseline import Baseline
    from ..checklist import Checklist
    from .progress import reporting

    if allow_changed and against is None:
        raise InputError("goes with --against", key="--allow-changed")
    for option, path in (("--save", save), ("--junit", junit)):
        _check_folder(option, path)
    _check_own("--save", save, checklist, "the file of scenarios")
    for path, what in ((checklist, "the file of scenarios"), (against, "the baseline"),
                       (save, "the file of --save")):  # fmt: skip
        _check_own("--junit", junit, path, what)
    try:
        wanted = Checklist.load(checklist, trials=trials, seed=seed)
    except InputError as error:
        if error.problem == "no such file" and error.source == checklist:
            problem = "no such file; `raftfast init --check` writes one to begin with"
            raise InputError(problem, source=checklist) from None
        raise
    _check_purpose(wanted, save, against)
    baseline = None if against is None else Baseline.load(against)
    total = sum(entry.scenario.trials for entry in wanted.entries)
    with reporting("none" if quiet else mode, total) as progress:
        report = checking.check(
            wanted, baseline, allow_changed=allow_changed, jobs=jobs, progress=progress
        )
    if save is not None:
        report.fresh.save(save)
    if junit is not None:
        _write_junit(report, junit)
    _show(report, form, save)
    if github:
        _tell_github(report, save, aside=form in ("json", "csv"))
    _conclude(report, against, quiet)
    ctx.exit(report.exit_code)


def _check_folder(option: str, path: str | None) -> None:
    """Refuse before the run what could not be written after it."""
    if path is None:
        return
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise InputError("its folder does not exist", source=path, key=option)
    if os.path.isdir(path):
        raise InputError("is a folder", source=path, key=option)


def _check_own(option: str, path: str | None, other: str | None, what: str) -> None:
    """Refuse to write over what the same command reads or writes."""
    if path is None or other is None:
        return
    if os.path.realpath(path) == os.path.realpath(other):
        raise InputError(f"is {what}; must be another file", source=path, key=option)


def _check_purpose(wanted: Checklist, save: str | None, against: str | None) -> None:
    """Refuse a check that could only succeed."""
    thresholds = [one for entry in wanted.entries for one in entry.thresholds]
    if save is None and against is None and all(one.is_relative for one in thresholds):
        problem = (
            "without a baseline there is nothing to check, as every threshold is relative to one; "
            "give --save baseline.json, and later --against baseline.json"
        )
        raise InputError(problem, source=wanted.source)


def _write_junit(report: Report, path: str) -> None:
    from .. import junit
    from ..files import whole_file

    with whole_file(path, "--junit") as file:
        file.write(junit.document(report))


def _show(report: Report, form: str, saved: str | None) -> None:
    from .. import github
    from . import checked
    from .show import write, write_csv, write_json

    if form == "json":
        write_json(github.benchmarks(report))
    elif form == "csv":
        write_csv(checked.CSV_HEADER, checked.csv_rows(report))
    elif form == "md":
        write(checked.markdown_lines(report, saved))
    else:
        write(checked.table(report, saved))


def _tell_github(report: Report, saved: str | None, *, aside: bool) -> None:
    """Add to the step's summary, and write annotations: on stderr, which GitHub reads as well,
    where stdout is for a program."""
    from .. import github
    from . import checked

    path = os.environ.get(_SUMMARY)
    problem = "" if path else " is not set"
    if path:
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write("\n".join([*checked.markdown_lines(report, saved), "", ""]))
        except OSError as error:
            # A breach must stay exit code 3, whatever becomes of its summary.
            problem = f": {path}: cannot be written ({error.strerror})"
    if problem:
        click.echo(f"raftfast: {_SUMMARY}{problem}, so there is no step summary", err=True)
    for line in github.commands(report):
        click.echo(line, err=aside)


def _conclude(report: Report, against: str | None, quiet: bool) -> None:
    """Say on stderr what the exit code is for, and what was not looked at."""
    for one in report.checked:
        where = f"raftfast: scenario {one.name}"
        if one.record.violations:
            broken = ", ".join(one.broken) or "an invariant"
            words = f"safety violated: {broken}; violations: {one.record.violations:,}"
            click.echo(f"{where}: {words}", err=True)
        metrics = list(dict.fromkeys(judgement.metric for judgement in one.breaches))
        if metrics:
            more = f" and {len(metrics) - _SHOWN} more" if metrics[_SHOWN:] else ""
            click.echo(f"{where}: breached: {', '.join(metrics[:_SHOWN])}{more}", err=True)
    if report.baseline is not None and not quiet:
        names = {one.name for one in report.checked}
        left = [name for name in report.baseline.records if name not in names]
        if left:
            listed = ", ".join(left[:_SHOWN]) + (", ..." if left[_SHOWN:] else "")
            click.echo(f"raftfast: in {against} and not in the file: {listed}", err=True)
