"""`raftfast live`: the servers of a scenario on the real clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .options import Source, scenario_options, seconds, seed_option

if TYPE_CHECKING:
    from ..scenario import Scenario

_HEARTBEAT_MS = 5_000.0


@click.command("live", short_help="Run servers on the real clock and log what they do.")
@scenario_options
@click.option(
    "--for",
    "duration_s",
    type=seconds,
    metavar="TIME",
    help="Stop after this long (500ms, 30s, 2m; a number alone is seconds); else at Ctrl-C.",
)
@click.option(
    "--kill-leader-every",
    "kill_leader_every_s",
    type=seconds,
    metavar="TIME",
    help="Crash the leader this often, so that the others elect again and again.",
)
@seed_option
@click.pass_context
def command(
    ctx: click.Context,
    source: Source,
    duration_s: float | None,
    kill_leader_every_s: float | None,
    seed: int | None,
) -> None:
    """Run the servers of a scenario on the real clock and log their elections as they happen.

    Without a scenario: three servers, a heartbeat every 5 s and election timeouts of 10 to 15 s.
    -p scales that down: where -p sets timeouts.election_ms so low that 5 s is no longer below it,
    and does not set timeouts.heartbeat_ms, the heartbeat is a third of the lowest timeout.
    """
    scenario = _default(source) if source.is_default else source.load()
    from ..live import live

    seed = scenario.seed if seed is None else seed
    outcome = live(scenario, duration_s, kill_leader_every_s, click.echo, seed)
    if outcome["violations"]:
        click.echo(f"raftfast: safety violated; violations: {outcome['violations']:,}", err=True)
        ctx.exit(1)


def _default(source: Source) -> Scenario:
    # Loaded first with the shortest heartbeat there is, to learn the timeouts -p asks for.
    low_ms = source.load(_tables(1e-6)).timeouts.election_ms[0]
    return source.load(_tables(_HEARTBEAT_MS if low_ms > _HEARTBEAT_MS else low_ms / 3))


def _tables(heartbeat_ms: float) -> dict[str, Any]:
    return {
        "name": "live",
        "cluster": {"nodes": 3},
        "timeouts": {"election_ms": [10_000, 15_000], "heartbeat_ms": heartbeat_ms},
    }
