"""`raftfast compare`: scenarios, points of a sweep or a measured cluster against a reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from ..errors import InputError
from .options import (
    FORMATS,
    Source,
    complete_preset,
    format_option,
    jobs_option,
    keys_option,
    preset_option,
    progress_options,
    ready_option,
    seed_option,
    trials_option,
    whole,
)
from .show import duration

if TYPE_CHECKING:
    from ..comparing import Compared
    from ..scenario import Scenario
    from .variants import Variant

_TRIALS_MAX = 2**63 - 1
_BAND = 0.01
_POINTS_SHOWN = 5
_NO_LABELS: Mapping[str, str] = MappingProxyType({})
_FILE = click.Path(dir_okay=False)
_CORRECTIONS = ("holm", "bh", "none")

_ALONE = {
    "by": {"words", "by", "reference", "metrics", "band", "correction", "form", "mode", "quiet"},
    "measured": {
        "words", "measured", "file", "preset", "ready", "overrides", "trials", "seed", "jobs",
        "form", "mode", "quiet",
    },
}  # fmt: skip
"""Of --by and --measured: the options that mean something beside them."""


def _percent(text: str) -> float:
    """The type of --band: a percentage of the reference, as a share."""
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= 10:
        raise click.BadParameter(f"{text!r} must be per cent of the reference, such as 1 or 0.5")
    return share


def _complete_side(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Presets, and files where none begins so."""
    names = complete_preset(ctx, param, incomplete)
    return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]


@click.command("compare", short_help="Hold scenarios against one another, with uncertainty.")
@click.argument("words", nargs=-1, metavar="REFERENCE OTHER ...", shell_complete=_complete_side)
@click.option(
    "-L",
    "lists",
    multiple=True,
    metavar="KEY=A,B,...",
    help="Compare variants of one scenario; may be repeated, for every combination.",
)
@click.option("--reference", metavar="NAME", help="What the others are held against; the first.")
@click.option(
    "--file", metavar="FILE.toml", type=_FILE, help="Lay a scenario file over every preset."
)
@preset_option("Start every file from it.")
@ready_option("What happens to all, such as leader-crash (see `raftfast run --help`).")
@keys_option("Set a key of every side, such as cluster.nodes=7; may be repeated.")
@click.option("--by", metavar="KEY", help="Compare points of a sweep that differ in it alone.")
@click.option(
    "--measured", metavar="FILE.csv", type=_FILE, help="Hold measured failover times against one."
)
@click.option("--metrics", metavar="A,B,...", help="Such as election_ms.p99,messages,rate; or all.")
@click.option(
    "--band", type=_percent, default="1", show_default=True, metavar="PERCENT",
    help="A difference within so much of the reference does not matter.",
)  # fmt: skip
@click.option(
    "--correction", type=click.Choice(_CORRECTIONS), default="holm", show_default=True,
    help="Of p, for how many metrics are compared.",
)  # fmt: skip
@click.option(
    "--until", type=click.Choice(("decided",)), help="Add trials until every verdict stands."
)
@click.option(
    "--max-trials", "most", type=whole(1, _TRIALS_MAX), metavar="N",
    help="Of a side, with --until; 1e6 unless given.",
)  # fmt: skip
@trials_option
@seed_option
@jobs_option
@format_option(*FORMATS)
@progress_options
@click.pass_context
def command(
    ctx: click.Context,
    words: tuple[str, ...],
    lists: tuple[str, ...],
    reference: str | None,
    file: str | None,
    preset: str | None,
    ready: str | None,
    overrides: tuple[str, ...],
    by: str | None,
    measured: str | None,
    metrics: str | None,
    band: float,
    correction: str,
    until: str | None,
    most: int | None,
    trials: int | None,
    seed: int | None,
    jobs: int | None,
    form: str,
    mode: str,
    quiet: bool,
) -> None:
    """Hold presets and scenario files against the first of them, trial by trial on the same luck.

    \b
    raftfast compare etcd-3.4 etcd-3.5 consul --scenario leader-crash
    raftfast compare before.toml after.toml --until decided
    raftfast compare wan.toml -L timeouts.timer=redraw,keep
    raftfast compare results.db --by network.loss
    raftfast compare --measured failovers.csv wan.toml

    Trials and seed are the reference's unless given. Of every metric: both values, the difference
    with its 95 % interval, the ratio, p corrected over all metrics, and a verdict. The table shows
    what matters first; json and csv have every metric.
    """
    for name, given in (("by", by), ("measured", measured)):
        if given is not None:
            _refuse_others(ctx, name)
    if most is not None and until is None:
        raise InputError("goes with --until decided", key="--max-trials")
    below = Source(file, preset, overrides, ready)
    if measured is not None:
        from .failovers import against

        broken = against(words, below, measured, trials, seed, jobs, form, mode, quiet)
    else:
        asked = _Asked(reference, _names(metrics), band, correction, form, mode, quiet)
        if by is not None:
            broken = _points(words, by, asked)
        else:
            broken = _scenarios(words, lists, below, asked, _Size(trials, seed, jobs, until, most))
    if broken:
        ctx.exit(1)


@dataclass(frozen=True)
class _Asked:
    """What is to be said of whatever is compared, and how."""

    reference: str | None
    metrics: Sequence[str]
    band: float
    correction: str
    form: str
    mode: str
    quiet: bool

    @property
    def shown(self) -> str:
        """How progress is shown."""
        return "none" if self.quiet else self.mode

    def judging(self) -> dict[str, Any]:
        """For who compares."""
        names = ("band", "correction", "metrics")
        return {name: getattr(self, name) for name in names}

    def words(self) -> list[str]:
        """The options that say the same again, where they are not the default ones."""
        words = [] if self.reference is None else ["--reference", self.reference]
        words += ["--metrics", ",".join(self.metrics)] if self.metrics else []
        words += [] if self.band == _BAND else ["--band", f"{100 * self.band:g}"]
        return words + ([] if self.correction == "holm" else ["--correction", self.correction])


@dataclass(frozen=True)
class _Size:
    """How many trials, with which luck, on how many workers."""

    trials: int | None
    seed: int | None
    jobs: int | None
    until: str | None
    most: int | None

    def words(self, trials: int, seed: int) -> list[str]:
        """The options that say the same again."""
        words = [] if self.until is None else ["--until", self.until]
        words += [] if self.most is None else ["--max-trials", str(self.most)]
        return [*words, "-n", str(trials), "-s", str(seed)]


def _names(metrics: str | None) -> list[str]:
    if metrics is None:
        return []
    from .. import metrics as known

    names = known.split(metrics)
    known.choose(names or [metrics], key="--metrics")
    return names


def _refuse_others(ctx: click.Context, alone: str) -> None:
    """Raise InputError where an option is given that means nothing here."""
    default = click.core.ParameterSource.DEFAULT
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name not in _ALONE[alone] and ctx.get_parameter_source(name) is not default:
            raise InputError(f"means nothing with --{alone}", key=parameter.opts[0])


def _path(word: str) -> str:
    return f"./{word}" if word.startswith("-") else word


def _words(below: Source) -> list[str]:
    words = [] if below.path is None else ["--file", below.path]
    words += [] if below.preset is None else ["--preset", below.preset]
    words += [] if below.ready is None else ["--scenario", below.ready]
    return words + [word for text in below.overrides for word in ("-p", text)]


def _scenarios(
    words: Sequence[str], lists: Sequence[str], below: Source, asked: _Asked, size: _Size
) -> bool:
    """Compare scenarios, write what came out, and say whether safety was violated."""
    import raftfast

    from ..comparing import Interrupted
    from .progress import reporting
    from .run import advise
    from .variants import named, variants

    sides = variants(words, below, lists)
    scenarios = [side.load() for side in sides]
    if not asked.quiet:
        advise()
    names = [side.name for side in sides]
    first = named(asked.reference, sides)
    begin = size.trials or scenarios[names.index(first) if first in names else 0].trials
    if size.most is not None and size.most < begin:
        problem = f"{size.most}: must be at least the {begin:,} trials to begin with"
        raise InputError(problem, key="--max-trials")
    interrupted = False
    with reporting(asked.shown, len(sides) * begin) as progress:
        try:
            compared = raftfast.compare(
                *scenarios, names=names, reference=first, trials=begin, seed=size.seed,
                jobs=size.jobs, until=size.until, max_trials=size.most, progress=progress,
                **asked.judging(),
            )  # fmt: skip
        except Interrupted as error:
            compared, interrupted = error.compared, True
    again = ["raftfast", "compare", *map(_path, words)]
    again += [word for text in lists for word in ("-L", text)]
    again += [*_words(below), *asked.words(), *size.words(begin, compared.sides[0].seed or 0)]
    labels = {side.name: side.label or side.name for side in sides}
    _write(compared, asked.form, _facts(sides, scenarios, lists), again, labels)
    unsafe = _accuse(compared, sides)
    if interrupted:
        raise KeyboardInterrupt
    return unsafe


def _groups_done(done: int, total: int, elapsed_s: float) -> str:
    left = f", {duration((total - done) * elapsed_s / done)} left" if done else ""
    return f"{done:,} of {total:,} groups{left}"


def _points(words: Sequence[str], by: str, asked: _Asked) -> bool:
    """Compare points of a sweep, write what came out, and say whether safety was violated."""
    from ..contrasts import compare_points
    from ..results import SweepResult
    from .progress import reporting

    if len(words) != 1:
        raise InputError("goes with the results of one sweep, such as results.db", key="--by")
    with (
        SweepResult.open(words[0]) as result,
        reporting(asked.shown, 0, _groups_done, "groups") as progress,
    ):
        compared = compare_points(
            result, by, reference=asked.reference, progress=progress, **asked.judging()
        )
        facts = [": ".join(filter(None, (words[0], result.spec.name)))]
    again = ["raftfast", "compare", _path(words[0]), "--by", by, *asked.words()]
    _write(compared, asked.form, facts, again)
    if compared.violations:
        broken = [str(side.point) for side in compared.sides if side.violations]
        click.echo(
            f"raftfast: safety was violated {compared.violations:,} times, in points "
            f"{', '.join(broken[:_POINTS_SHOWN])}",
            err=True,
        )
    return bool(compared.violations)


def _facts(
    sides: Sequence[Variant], scenarios: Sequence[Scenario], lists: Sequence[str]
) -> list[str]:
    """What is compared: in one line where all are of one kind."""
    kinds = [
        f"{x.cluster.nodes} server{'s' * (x.cluster.nodes != 1)}, {x.scenario.kind}, "
        f"stop on {x.stop.on}"
        for x in scenarios
    ]
    names = [side.name for side in sides]
    if len({*kinds}) == 1:
        listed = f"{', '.join(names[:-1])} and {names[-1]}"
        if lists:
            keys = (text.partition("=")[0].strip() for text in lists)
            listed = f"{len(names)} variants of {' and '.join(keys)}"
        return [f"{listed}: {kinds[0]}"]
    return [f"{name}: {kind}" for name, kind in zip(names, kinds, strict=True)]


def _write(
    compared: Compared,
    form: str,
    facts: Sequence[str],
    command: Sequence[str],
    labels: Mapping[str, str] = _NO_LABELS,
) -> None:
    from . import contest
    from .show import write, write_csv, write_json

    def label(name: str) -> str:
        return labels.get(name, name)

    if form == "json":
        write_json(compared.to_dict())
    elif form == "csv":
        write_csv(*contest.csv_rows(compared))
    elif form == "md":
        write(contest.markdown_table(compared, facts, command, label))
    else:
        write(contest.table(compared, facts, command, label))


def _accuse(compared: Compared, sides: Sequence[Variant]) -> bool:
    """Say of every side that violated safety how to see it happen; whether there is one."""
    from .run import accuse

    sources = {side.name: side.source for side in sides}
    for side in compared.sides:
        if side.violations and side.result is not None:
            accuse(side.result, sources[side.name], side.name)
    return bool(compared.violations)
