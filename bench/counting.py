"""Counts the instructions of the workloads under valgrind, and says what counts rest on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from bench.baseline import Count
from bench.workloads import NOTHING, WORKLOADS

BENCH = Path(__file__).resolve().parent
COUNTER = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")

# Without site: it would import what an installation of packages for development asks for, which
# some commands then need not.
PYTHON = (sys.executable, "-S")

_PYTHON = "python"
_COUNTED = re.compile(r"^==\d+== I\s+refs:\s+([\d,]+)\s*$", re.MULTILINE)
_COMPILER = re.compile(rb"(?:GCC: \([^)]*\)|clang version) [0-9][^\0\n(]*")
_CYTHON = re.compile(rb"_cython_(\d+(?:_\w+?)*)[.\0]")
# What else would decide how much is done: the order of sets of strings, the threads of a BLAS,
# colours, the width of a terminal. Of this process's environment only what is needed is kept.
_FIXED = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NO_COLOR": "1",
    "COLUMNS": "100",
    "LC_ALL": "C.UTF-8",
}
_KEPT = ("PATH", "HOME", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "VALGRIND_LIB")
# In a process of the environment that is counted: it may be another one than this process's.
_ASK = """
import importlib.metadata, json, os, platform, sys, sysconfig
import raftfast._compiled.rooms as rooms
root = os.path.dirname(os.path.dirname(os.path.dirname(rooms.__file__)))
optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
print(json.dumps({
    "extension": rooms.__file__,
    "path": [root, *(path for path in sys.path if path.endswith("-packages"))],
    "machine": platform.machine(),
    "python": f"{platform.python_version()} by {platform.python_compiler()}"
    + ("" if optimised else ", not optimised"),
    **{name: importlib.metadata.version(name)
       for name in ("numpy", "scipy", "click", "rich", "msgspec")},
}))
"""


class CountError(Exception):
    """Something could not be counted, in one line."""


class Finished(NamedTuple):
    """What a counted process executed, and what it wrote."""

    instructions: int
    output: str


def environment(path: Path | None = None) -> dict[str, str]:
    """What counts rest on: machine, Python, what built the extension, and packages.

    Of the package in the folder `path` if given, else of the one that is installed. Raises
    CountError where the extension is not built.
    """
    told = _told(path)
    del told["path"]
    return told | built_by(Path(told.pop("extension")).read_bytes())


def _told(path: Path | None) -> dict[str, Any]:
    done = _run([sys.executable, "-c", _ASK], _variables(path))
    if done.returncode != 0:
        raise CountError(f"the compiled extension cannot be imported: {_last_line(done.stderr)}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def built_by(extension: bytes) -> dict[str, str]:
    """The compilers and the Cython that an extension names in itself."""
    compilers = sorted({match.decode().strip() for match in _COMPILER.findall(extension)})
    cython = _CYTHON.search(extension)
    return {
        "compiler": ", ".join(compilers) or "unknown",
        "cython": cython[1].decode().replace("_", ".") if cython else "unknown",
    }


def count(names: Sequence[str], jobs: int, path: Path | None = None) -> dict[str, Count]:
    """Instructions and events a unit of each workload, `jobs` at a time; `path` as above.

    Raises CountError where a workload fails, or valgrind does.
    """
    variables = _variables(os.pathsep.join(_told(path)["path"]))
    commands = {name: _command(name) for name in (NOTHING, _PYTHON, *names)}
    for name, command in commands.items():
        # Whatever has yet to be compiled to a .pyc file is so before anything is counted.
        if name == NOTHING or "-m" in command:
            _succeed(command, variables)
    with ThreadPoolExecutor(jobs) as pool:
        counted = pool.map(lambda command: _under_valgrind(command, variables), commands.values())
        found = dict(zip(commands, counted, strict=True))
    return {name: _a_unit(name, found) for name in names}


def _command(name: str) -> list[str]:
    if name == _PYTHON:
        return [*PYTHON, "-c", "pass"]
    if name != NOTHING and WORKLOADS[name].arguments:
        return [*PYTHON, "-m", "raftfast", *WORKLOADS[name].arguments]
    return [*PYTHON, str(BENCH / "workloads.py"), name]


def _a_unit(name: str, found: Mapping[str, Finished]) -> Count:
    workload = WORKLOADS[name]
    instructions, output = found[name]
    if workload.arguments:
        return Count(float(instructions - found[_PYTHON].instructions))
    a_unit = (instructions - found[NOTHING].instructions) / workload.size
    return Count(a_unit, json.loads(output)["events"])


def _under_valgrind(command: Sequence[str], variables: Mapping[str, str]) -> Finished:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        done = _succeed([*COUNTER, f"--log-file={log}", *command], variables)
        return Finished(instructions_of(log.read_text(encoding="utf-8")), done.stdout)


def instructions_of(log: str) -> int:
    """What cachegrind's log says was executed. Raises CountError where it says nothing of it."""
    found = _COUNTED.search(log)
    if found is None:
        raise CountError(f"valgrind did not count: {_last_line(log)}")
    return int(found[1].replace(",", ""))


def _variables(path: Path | str | None) -> dict[str, str]:
    kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
    return kept | _FIXED | ({} if path is None else {"PYTHONPATH": str(path)})


def _succeed(
    command: Sequence[str], variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    done = _run(command, variables)
    if done.returncode != 0:
        ended = f"{' '.join(command[-2:])} ended with {done.returncode}"
        raise CountError(f"{ended}: {_last_line(done.stderr)}")
    return done


def _run(command: Sequence[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    # In a folder without modules: Python looks for them where it is started.
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            command, env=variables, cwd=folder, capture_output=True, text=True, check=False
        )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it wrote nothing"
