"""`raftfast trace`: one trial, event by event."""

from __future__ import annotations

import click

from .options import Source, format_option, scenario_options, seed_option, trial_option
from .show import write, write_json


@click.command("trace", short_help="Replay one trial, event by event.")
@scenario_options
@trial_option
@seed_option
@format_option("text", "json", "table")
@click.pass_context
def command(ctx: click.Context, source: Source, trial: int, seed: int | None, form: str) -> None:
    """Replay trial K of a scenario and write what happened, event by event.

    It is the very trial that `raftfast run` simulates with the same scenario and seed, however
    many trials that has. The format "table" is "text".
    """
    scenario = source.load()
    from ..trace import trace

    transcript = trace(scenario, trial, seed)
    if form == "json":
        write_json(transcript.to_dict())
    else:
        write(transcript.lines())
    if transcript.outcome["violations"]:
        click.echo(f"raftfast: safety violated in trial {trial}", err=True)
        ctx.exit(1)
