"""What a user waits for before anything happens: the command, from its start to its end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

COMMANDS = {
    "python": ["-c", "pass"],
    "import raftfast": ["-c", "import raftfast"],
    "--version": ["-m", "raftfast", "--version"],
    "--help": ["-m", "raftfast", "--help"],
    "run --help": ["-m", "raftfast", "run", "--help"],
    "strategies": ["-m", "raftfast", "strategies"],
    "presets": ["-m", "raftfast", "presets"],
    "run -n 1": ["-m", "raftfast", "run", "-n", "1"],
    "run -n 1, interpreted": ["-m", "raftfast", "run", "-n", "1", "-q"],
}


@pytest.mark.parametrize("name", COMMANDS)
def bench_start(timed, name):
    command = [sys.executable, *COMMANDS[name]]
    env = {**os.environ, **({"RAFTFAST_PURE": "1"} if "interpreted" in name else {})}

    def start() -> None:
        subprocess.run(command, env=env, check=True, capture_output=True)

    timed(start, group="start-up", unit="start")
