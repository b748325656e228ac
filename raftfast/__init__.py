"""Runs Raft leader elections by the million and says how they converge."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .errors import InputError, RaftfastError, RunError
from .version import VERSION as __version__

if TYPE_CHECKING:
    from .comparing import Compared, compare
    from .machine import Raft
    from .result import Result, run
    from .results import SweepResult
    from .scenario import Scenario
    from .spec import Spec
    from .sweeping import sweep

    backend: str

__all__ = [
    "Compared",
    "InputError",
    "Raft",
    "RaftfastError",
    "Result",
    "RunError",
    "Scenario",
    "Spec",
    "SweepResult",
    "__version__",
    "backend",
    "compare",
    "run",
    "sweep",
]

_ROOMS = {
    "Compared": "comparing",
    "Raft": "machine",
    "Result": "result",
    "Scenario": "scenario",
    "Spec": "spec",
    "SweepResult": "results",
    "compare": "comparing",
    "run": "result",
    "sweep": "sweeping",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first used: `raftfast --help` needs none of them."""
    if name == "backend":
        return importlib.import_module(".engine", __name__).name()
    if name in _ROOMS:
        return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
