"""Which twin of the engine runs: the compiled one where it was built, else the interpreted one."""

from __future__ import annotations

import importlib
import os
from functools import cache
from types import ModuleType
from typing import Any

COMPILED = "compiled"
PYTHON = "python"
TALLY = "tally"


@cache
def name() -> str:
    """ "compiled" or "python"; the environment variable RAFTFAST_PURE=1 asks for the latter."""
    if os.environ.get("RAFTFAST_PURE", "") not in ("", "0"):
        return PYTHON
    try:
        room(COMPILED, "ensemble")
    except ImportError:
        return PYTHON
    return COMPILED


def why() -> str:
    """Why this backend was chosen, as a sentence for people."""
    if name() == COMPILED:
        return "the compiled extensions are installed"
    if os.environ.get("RAFTFAST_PURE", "") not in ("", "0"):
        return "RAFTFAST_PURE is set"
    return "the compiled extensions are missing; reinstall raftfast where a C compiler is"


def room(backend: str, module: str) -> ModuleType:
    """A room of the engine, such as "ensemble", in the twin asked for; ImportError if not built.

    Compiled, the rooms of an election are one module. Both twins can be imported in one process,
    which is how the tests compare them.
    """
    if backend == PYTHON:
        return importlib.import_module(f"raftfast.core.{module}")
    return importlib.import_module(f"raftfast._compiled.{module if module == TALLY else 'rooms'}")


def load(backend: str | None = None) -> Any:
    """The classes of the engine (`Ensemble`, `Raft`, `Timeouts`, `Rng`, ...) as attributes."""
    return _Engine(backend or name())


_ROOMS = {
    "Ensemble": "ensemble",
    "Raft": "raft",
    "Clock": "clock",
    "Detector": "detector",
    "Tuning": "tuning",
    "Timeouts": "timeouts",
    "Rng": "rng",
    "Laws": "laws",
    "Queue": "queue",
    "Tally": "tally",
}


class _Engine:
    def __init__(self, backend: str) -> None:
        self.backend = backend

    def __getattr__(self, name: str) -> Any:
        if name not in _ROOMS:
            raise AttributeError(name)
        return getattr(room(self.backend, _ROOMS[name]), name)
