"""`raftfast info`: what is installed here, and what it runs on."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from ..version import VERSION
from .options import FORMATS, format_option
from .show import escape, write, write_csv, write_json, write_markdown

_BUILDERS = (rb"GCC: \([^)\0]*\) ([\w.+-]+)", rb"clang version ([\w.+-]+)")
_CYTHON = rb"_cython_(\d+(?:_\w+?)*)\."


@click.command("info", short_help="Say what is installed here.")
@format_option(*FORMATS)
def command(form: str) -> None:
    """Say which version and backend this is, why, what built it, and what it runs on."""
    facts = _facts()
    if form == "json":
        write_json(facts)
        return
    rows = [[name, "unknown" if value is None else str(value)] for name, value in facts.items()]
    if form == "csv":
        write_csv(["name", "value"], rows)
    elif form == "md":
        write_markdown(["", "raftfast"], [[name, escape(value)] for name, value in rows])
    else:
        longest = max(map(len, facts))
        write(f"{name:<{longest}}  {value}" for name, value in rows)


def _facts() -> dict[str, Any]:
    from .. import engine

    backend = engine.name()
    built = _built_with() if backend == engine.COMPILED else None
    return {
        "version": VERSION,
        "backend": backend,
        "why": engine.why(),
        "extensions_built_with": built,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "python_built_with": platform.python_compiler(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "cores_usable": _usable_cores(),
        "numpy": metadata.version("numpy"),
    }


def _usable_cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _built_with() -> str | None:
    """The compilers of the extensions, from the marks that they leave in the file; None if none."""
    from .. import engine

    binary = Path(str(engine.room(engine.COMPILED, "rng").__file__)).read_bytes()
    found = []
    for name, pattern in zip(("GCC", "clang"), _BUILDERS, strict=True):
        if match := re.search(pattern, binary):
            found.append(f"{name} {match[1].decode()}")
    if match := re.search(_CYTHON, binary):
        found.append(f"Cython {match[1].decode().replace('_', '.')}")
    return ", ".join(found) or None
