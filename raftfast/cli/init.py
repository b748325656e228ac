"""`raftfast init`: a spec to begin a sweep with."""

from __future__ import annotations

import os
import shlex

import click

from ..errors import InputError
from .show import write


@click.command("init", short_help="Write a commented spec to begin a sweep with.")
@click.argument("path", default="sweep.toml", metavar="[SPEC.toml]")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def command(path: str, force: bool) -> None:
    """Write a spec that compares strategies for a cluster over a WAN, with all it can say in it.

    It runs as it is, in a few seconds.
    """
    from ..files import whole_file
    from ..spec import template

    if os.path.exists(path) and not force:
        raise InputError("is there already; --force writes over it", source=path)
    with whole_file(path) as file:
        file.write(template().encode())
    out = shlex.quote(os.path.splitext(path)[0] + ".db")
    quoted = shlex.quote(path)
    write(
        [
            f"{path}: a sweep to change as you like. Then:",
            f"  raftfast sweep {quoted} --dry-run",
            f"  raftfast sweep {quoted} -o {out}",
            f"  raftfast top {out} --by election_ms.p99",
        ]
    )
