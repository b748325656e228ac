"""`raftfast sweep`: run every point of a spec, and keep what comes out."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import click

from ..errors import InputError
from .options import (
    jobs_option,
    keys_option,
    preset_option,
    progress_options,
    seed_option,
    trials_option,
)
from .show import amount, duration, write

if TYPE_CHECKING:
    from ..results import SweepResult
    from ..spec import Spec
    from ..sweeping import Progress

_TASTED = 5
_TASTE_TRIALS = 300
_POINT_S = 5e-4
_SHOWN = 5


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    k, slash, n = text.partition("/")
    if not (slash and k.isdigit() and n.isdigit() and 1 <= int(k) <= int(n)):
        problem = f"{text!r} must be K/N with K from 1 to N, such as 2/8"
        raise click.BadParameter(problem, param_hint="'--shard'")
    return int(k), int(n)


@click.command("sweep", short_help="Run every point of a spec, and keep the results in a file.")
@click.argument("spec", required=False, metavar="[SPEC.toml]")
@click.option("-o", "--out", metavar="FILE", help="The results file; the spec's name with .db.")
@preset_option("Without a spec: start here.")
@keys_option("Set a key of every point.")
@click.option(
    "-P",
    "ranges",
    multiple=True,
    metavar="KEY=START..STOP[:STEP]",
    help="Vary a key over a range, its stop included; may be repeated.",
)
@click.option(
    "-L",
    "lists",
    multiple=True,
    metavar="KEY=A,B,...",
    help="Vary a key over these values; may be repeated.",
)
@trials_option
@seed_option
@jobs_option
@click.option(
    "--executor",
    default="processes",
    show_default=True,
    type=click.Choice(("processes", "threads", "dask")),
    help="Where the points are run; the results are the same.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Dask's, such as tcp://host:8786.")
@click.option("--shard", metavar="K/N", help="Run every N-th point from the K-th on, to merge.")
@click.option("--samples", is_flag=True, help="Keep every trial's columns, too.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first point that fails.")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and how long it would take.")
@progress_options
@click.pass_context
def command(
    ctx: click.Context,
    spec: str | None,
    out: str | None,
    preset: str | None,
    overrides: tuple[str, ...],
    ranges: tuple[str, ...],
    lists: tuple[str, ...],
    trials: int | None,
    seed: int | None,
    jobs: int | None,
    executor: str,
    scheduler: str | None,
    shard: str | None,
    samples: bool,
    fail_fast: bool,
    dry_run: bool,
    mode: str,
    quiet: bool,
) -> None:
    """Run every point of a spec, or of the keys that -P and -L vary, and keep the results.

    `raftfast init` writes a spec to begin with. The results file holds all there is to know, the
    spec included; the same command again goes on where the last one was interrupted or killed, and
    with more trials adds them. See it with `raftfast top`, `export` and `status`.
    """
    from ..sweeping import shard_of, sweep
    from .progress import reporting

    wanted = _shard(shard)
    resolved = _load(spec, preset, overrides, ranges, lists, trials, seed)
    points = shard_of(resolved.size, wanted)
    if dry_run:
        resolved.validate()
        _taste(resolved, points, jobs)
        return
    path = out or _default_path(spec)
    counter = _Counter()
    with reporting("none" if quiet else mode, len(points), counter.describe, "points") as report:
        result = sweep(
            resolved,
            path,
            jobs=jobs,
            executor=executor,
            scheduler=scheduler,
            shard=wanted,
            samples=samples,
            fail_fast=fail_fast,
            progress=None if report is None else counter.to(report),
        )
    with result:
        if _conclude(result, path):
            ctx.exit(1)


def _load(
    path: str | None,
    preset: str | None,
    overrides: tuple[str, ...],
    ranges: tuple[str, ...],
    lists: tuple[str, ...],
    trials: int | None,
    seed: int | None,
) -> Spec:
    from ..spec import Spec, parse_list, parse_range

    axes = [*map(parse_range, ranges), *map(parse_list, lists)]
    if path is not None:
        if preset is not None:
            problem = "goes with no spec; set `preset` in its [base], or -L preset=..."
            raise InputError(problem, key="--preset")
        spec = Spec.load(path, overrides, axes)
    else:
        if not axes:
            problem = "give a spec (`raftfast init` writes one), or keys to vary with -P or -L"
            raise InputError(problem, key="sweep")
        base = {} if preset is None else {"base": {"preset": preset}}
        spec = Spec.from_dict(base, overrides=overrides, axes=axes)
    return spec.replace(trials=trials, seed=seed)


def _default_path(spec: str | None) -> str:
    if spec is None:
        raise InputError("give a file for the results, such as -o results.db", key="--out")
    return os.path.splitext(spec)[0] + ".db"


class _Counter:
    """Tells `progress` of points how many trials there are, and which failed."""

    def __init__(self) -> None:
        self.latest: Progress | None = None
        self.before: int | None = None

    def to(self, report: Callable[[int, int], None]) -> Callable[[Progress], None]:
        """What the sweep calls, which calls `report` with points."""

        def tell(progress: Progress) -> None:
            self.latest = progress
            if self.before is None:
                self.before = progress.done
            report(progress.done + progress.failed, progress.points)

        return tell

    def describe(self, done: int, total: int, elapsed_s: float) -> str:
        """One line: points, trials a second, the time left as far as it can be told."""
        parts = [f"{done:,} of {total:,} points ({100 * done / max(total, 1):.0f} %)"]
        if self.latest is not None and elapsed_s > 0:
            parts.append(f"{amount(self.latest.trials / elapsed_s)} trials/s")
            new = done - (self.before or 0)
            if new > 0:
                parts.append(f"{duration((total - done) * elapsed_s / new)} left")
            if self.latest.failed:
                parts.append(f"{self.latest.failed:,} failed")
        return ", ".join(parts)


def _taste(spec: Spec, points: Sequence[int], jobs: int | None) -> None:
    """Run a few trials of a few points, and say how long all of them would take."""
    import raftfast

    from .. import engine

    if not points:
        write(["no points in this shard"])
        return
    chosen = sorted({points[i * (len(points) - 1) // (_TASTED - 1)] for i in range(_TASTED)})
    trials = min(spec.trials, _TASTE_TRIALS)
    seconds = 0.0
    for index in chosen:
        scenario = spec.scenario(index)
        # The first run warms up.
        raftfast.run(scenario, trials=min(trials, 20), jobs=1)
        seconds += raftfast.run(scenario, trials=trials, jobs=1).elapsed_s
    workers = jobs or os.cpu_count() or 1
    total = len(points) * spec.trials
    estimate = len(points) * (seconds / len(chosen) * spec.trials / trials + _POINT_S) / workers
    lines = [
        f"{len(points):,} points of {spec.trials:,} trials, {total:,} in all",
        f"varied: {', '.join(spec.keys)}",
    ]
    if spec.adaptive is not None:
        most = spec.adaptive.max_trials
        lines.append(f"up to {most:,} trials where {spec.adaptive.metric} is not precise before")
    lines.append(
        f"about {duration(estimate)} with {workers} workers ({engine.name()}), by a taste of "
        f"{len(chosen)} points"
    )
    for index in chosen[:_TASTED]:
        point = spec.point(index)
        values = ", ".join(f"{key} = {json.dumps(value)}" for key, value in point.values.items())
        lines.append(f"  point {index}: {values}")
    write(lines)


def _conclude(result: SweepResult, path: str) -> bool:
    """Say what there is now; whether points failed or violated safety."""
    status = result.status()
    text = f"{path}: {status['done']:,} of {status['points']:,} points"
    if status["left"]:
        text += f", {status['left']:,} left"
    if status["failed"]:
        text += f", {status['failed']:,} failed"
    lines = [f"{text}; {status['trials']:,} trials, {amount(status['trials_per_s'])}/s"]
    lines += [f"  raftfast top {shlex.quote(path)} --by election_ms.p99"]
    write(lines)
    for point, error in islice(result.failures.items(), _SHOWN):
        click.echo(f"raftfast: point {point}: {error}", err=True)
    if status["violations"]:
        broken = [row["point"] for row in result.rows() if row["violations"]]
        some = ", ".join(map(str, broken[:_SHOWN]))
        click.echo(
            f"raftfast: safety was violated {status['violations']:,} times, in points {some}",
            err=True,
        )
    return bool(status["failed"] or status["violations"])
