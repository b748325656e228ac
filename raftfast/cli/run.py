"""`raftfast run`: simulate elections and say how they converge."""

from __future__ import annotations

import importlib.util
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import InputError
from .options import (
    FORMATS,
    Source,
    format_option,
    jobs_option,
    progress_options,
    scenario_options,
    seed_option,
    trials_option,
)

if TYPE_CHECKING:
    from ..result import Result


@click.command("run", short_help="Simulate elections and say how they converge.")
@scenario_options
@trials_option
@seed_option
@jobs_option
@format_option(*FORMATS)
@click.option(
    "--samples",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Also write every trial's columns to a .csv, .npz or .parquet file.",
)
@progress_options
@click.pass_context
def command(
    ctx: click.Context,
    source: Source,
    trials: int | None,
    seed: int | None,
    jobs: int | None,
    form: str,
    samples: str | None,
    mode: str,
    quiet: bool,
) -> None:
    """Simulate the elections of a scenario: without a file or preset, of the defaults.

    Formats: table is for reading, md for a pull request. json is the whole summary. csv has one
    row a statistic, under the header metric,statistic,value,ci95_low,ci95_high: first the run's
    (seed, trials, censored, violations), then every metric's (count, mean, sd, min, p10 to p99.9,
    max), then the rates (statistic "rate", 0 to 1); empty where there is no value.
    """
    import raftfast

    from .progress import reporting

    scenario = source.load()
    if samples is not None:
        _check_samples(samples)
    if not quiet:
        advise()
    wanted = scenario.trials if trials is None else trials
    simulate = raftfast.run
    with reporting("none" if quiet else mode, wanted) as progress:
        result = simulate(scenario, trials, seed, jobs, progress)
    try:
        if samples is not None:
            result.write_samples(samples)
    finally:
        _show(result, form, source)
    if result.violations:
        accuse(result, source)
        ctx.exit(1)


def _show(result: Result, form: str, source: Source) -> None:
    from . import report
    from .show import write, write_csv, write_json

    again = ["raftfast", "run", *source.words()]
    again += ["-n", str(result.trials), "-s", str(result.seed)]
    if form == "json":
        write_json(result.summary())
    elif form == "csv":
        write_csv(report.CSV_HEADER, report.csv_rows(result))
    elif form == "md":
        write(report.markdown_table(result, again))
    else:
        write(report.table(result, again))


def accuse(result: Result, source: Source, name: str | None = None) -> None:
    """Say which invariants were broken, in which scenario of several, and how to see it happen."""
    words = ["raftfast", "trace", *source.words()]
    words += ["--trial", str(result.first_violation), "--seed", str(result.seed)]
    broken = ", ".join(result.broken) or "an invariant"
    where = "" if name is None else f"{name}: "
    click.echo(
        f"raftfast: {where}safety violated: {broken}; violations: {result.violations:,}, the first "
        f"in trial {result.first_violation}; to replay it: {shlex.join(words)}",
        err=True,
    )


def advise() -> None:
    """Say, where the slow backend runs, that it does, and how to get the other one."""
    from .. import engine

    if engine.name() != engine.PYTHON:
        return
    asked = os.environ.get("RAFTFAST_PURE", "") not in ("", "0")
    cure = "unset RAFTFAST_PURE to get that one" if asked else engine.why()
    click.echo(
        "raftfast: this is the interpreted backend, about 100 times slower than the compiled one; "
        f"{cure}",
        err=True,
    )


def _check_samples(path: str) -> None:
    """Refuse before the run what could not be written after it."""
    from ..sample_files import SUFFIXES

    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: must end in {', '.join(SUFFIXES)}", key="--samples")
    if not Path(path).absolute().parent.is_dir():
        raise InputError(f"{path}: its folder does not exist", key="--samples")
    if suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise InputError(f"{path}: needs pyarrow: pip install 'raftfast[parquet]'", key="--samples")
