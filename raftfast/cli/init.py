"""`raftfast init`: a file to begin with, of a sweep, of a check, or of a workflow that checks."""

from __future__ import annotations

import os
import shlex

import click

from ..errors import InputError
from .show import write

_SWEEP, _CHECK, _WORKFLOW = "sweep.toml", "raftfast.toml", ".github/workflows/raftfast.yml"


@click.command("init", short_help="Write a commented file to begin a sweep or a check with.")
@click.argument("path", required=False, metavar="[FILE]")
@click.option("--check", is_flag=True, help=f"Scenarios to check, {_CHECK}, and not a sweep.")
@click.option("--workflow", is_flag=True, help=f"A GitHub workflow that checks, {_WORKFLOW}.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def command(path: str | None, check: bool, workflow: bool, force: bool) -> None:
    """Write a spec that compares strategies for a cluster over a WAN, sweep.toml, with all it can
    say in it; or with --check a few scenarios and thresholds for `raftfast check`.

    Both run as they are, in a few seconds.
    """
    if check and workflow:
        raise InputError("exclude each other; give one, then the other", key="--check, --workflow")
    if path is None:
        path = _CHECK if check else _WORKFLOW if workflow else _SWEEP
        if workflow:
            os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path) and not force:
        raise InputError("is there already; --force writes over it", source=path)
    _write(path, check, workflow)
    write(_next(path, check, workflow))


def _write(path: str, check: bool, workflow: bool) -> None:
    from .. import checklist, spec
    from ..files import whole_file

    text = checklist.template if check else checklist.workflow if workflow else spec.template
    with whole_file(path) as file:
        file.write(text().encode())


def _next(path: str, check: bool, workflow: bool) -> list[str]:
    """What was written, and what to do with it."""
    quoted = shlex.quote(path)
    if workflow:
        return [
            f"{path}: a workflow that runs `raftfast check` on every pull request. It needs:",
            "  raftfast init --check",
            "  raftfast check --save baseline.json",
        ]
    if check:
        named = "" if path == _CHECK else f" {quoted}"
        return [
            f"{path}: scenarios and thresholds to change as you like. Then:",
            f"  raftfast check{named} --save baseline.json",
            f"  raftfast check{named} --against baseline.json",
        ]
    out = shlex.quote(os.path.splitext(path)[0] + ".db")
    return [
        f"{path}: a sweep to change as you like. Then:",
        f"  raftfast sweep {quoted} --dry-run",
        f"  raftfast sweep {quoted} -o {out}",
        f"  raftfast top {out} --by election_ms.p99",
    ]
