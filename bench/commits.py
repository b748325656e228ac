"""A commit of this repository, built apart: for counts that only the same compiler can give."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_NOTHING: Mapping[str, str] = {}


class CommitError(Exception):
    """A commit is not there, or cannot be built; in one line."""


def that_saved(path: Path) -> str:
    """The commit that last changed a file.

    Raises CommitError where the history does not tell: no repository, a shallow clone, or changes
    of the file that are not committed.
    """
    folder, name = path.resolve().parent, path.name
    if _succeed(["git", "status", "--porcelain", "--", name], folder):
        raise CommitError(f"{path} has changes that are not committed")
    if _succeed(["git", "rev-parse", "--is-shallow-repository"], folder) == "true":
        raise CommitError("this clone is shallow; git fetch --unshallow")
    commit = _succeed(["git", "log", "-1", "--format=%H", "--", name], folder)
    if not commit:
        raise CommitError(f"{path} is in no commit")
    return commit


def built(commit: str, folder: Path) -> Path:
    """Install a commit, compiled, into a folder of `folder`, and return that one.

    Raises CommitError where it cannot be built.
    """
    source, site = folder / "source", folder / "site"
    here = Path(__file__).resolve().parent
    top = _succeed(["git", "rev-parse", "--show-toplevel"], here)
    _succeed(["git", "clone", "-q", "--no-checkout", top, str(source)], here)
    _succeed(["git", "checkout", "-q", "--detach", commit], source)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site)]
    _succeed([*pip, str(source)], folder, {"RAFTFAST_REQUIRE_COMPILED": "1"})
    return site


def _succeed(command: Sequence[str], folder: Path, extra: Mapping[str, str] = _NOTHING) -> str:
    """What a command prints."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **extra},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise CommitError(f"{command[0]} is not installed") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it wrote nothing"]
        raise CommitError(f"{' '.join(command[:3])} ended with {done.returncode}: {lines[-1]}")
    return done.stdout.strip()
