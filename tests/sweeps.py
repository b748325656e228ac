"""A small sweep for the tests, and how its results are held against others."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

SPEC: dict[str, Any] = {
    "name": "small",
    "seed": 5,
    "trials": 300,
    "base": {"network": {"latency_ms": {"uniform": [2, 12]}}},
    "sweep": {
        "cluster.nodes": [3, 4, 5],
        "timeouts.election_ms": [[150, 300], [100, 130]],
        "network.loss": [0.0, 0.1],
    },
}

TOML = """
name = "small"
seed = 5
trials = 300
[base]
network.latency_ms = { uniform = [2, 12] }
[sweep]
"cluster.nodes" = [3, 4, 5]
"timeouts.election_ms" = [[150, 300], [100, 130]]
"network.loss" = [0.0, 0.1]
"""

COMMAND = [sys.executable, "-m", "raftfast"]


def contents(path: str | os.PathLike[str]) -> dict[int, tuple[Any, ...]]:
    """All that a file says of its points: rows, distributions, block digests."""
    with sqlite3.connect(path) as db:
        rows = {row[0]: row[1:] for row in db.execute("SELECT * FROM result")}
        query = "SELECT point, record, blocks, events FROM distribution"
        return {row[0]: (*rows[row[0]], *row[1:]) for row in db.execute(query)}


def sweep_command(spec: Path, out: Path, *options: str) -> list[str]:
    """The command line that runs a sweep quietly."""
    return [*COMMAND, "sweep", str(spec), "-o", str(out), "-q", *options]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command of raftfast to its end."""
    return subprocess.run(
        [*COMMAND, *command], capture_output=True, text=True, timeout=120, check=False
    )
