"""The command as its users start it: in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "raftfast"]

_NOTHING: Mapping[str, str] = MappingProxyType({})
_UNSET = ("NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING", "COLUMNS")
_ADVICE = re.compile(r"raftfast: this is the interpreted backend.*\r?\n")


def environment(changes: Mapping[str, str] = _NOTHING) -> dict[str, str]:
    """This process's environment as a plain shell would have it, with changes."""
    env = {key: value for key, value in os.environ.items() if key not in _UNSET}
    path = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
    return {**env, "PYTHONPATH": path, "PYTHONUTF8": "1", **changes}


def without_advice(stderr: str) -> str:
    """What a command wrote on stderr but for the advice to get the compiled backend."""
    return _ADVICE.sub("", stderr)


def raftfast(
    *arguments: str, cwd: Path = ROOT, env: Mapping[str, str] = _NOTHING
) -> subprocess.CompletedProcess[str]:
    """What `raftfast ARGUMENTS` writes and returns; `env` changes its environment.

    Without a compiled backend, stderr is told without the advice to get it, unless `env` asks for
    the interpreted one.
    """
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=60,
        check=False,
        cwd=cwd,
        env=environment(env),
    )
    if "RAFTFAST_PURE" not in env:
        done.stderr = without_advice(done.stderr)
    return done
