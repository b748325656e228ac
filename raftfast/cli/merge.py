"""`raftfast merge`: put the results of a sweep's shards together."""

from __future__ import annotations

import click

from .show import write


@click.command("merge", short_help="Put the results files of a sweep's shards together.")
@click.argument("out", metavar="OUT.db")
@click.argument("parts", nargs=-1, required=True, metavar="PART.db...")
def command(out: str, parts: tuple[str, ...]) -> None:
    """Put the points of results files of one spec into OUT.db, a new file or one of that spec.

    What is left to do may then be done by `raftfast sweep SPEC.toml -o OUT.db`.
    """
    from ..merging import merge

    with merge(out, parts) as result:
        status = result.status()
    write([f"{out}: {status['done']:,} of {status['points']:,} points, {status['left']:,} left"])
