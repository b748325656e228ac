"""The extensions: the rooms of raftfast/core, compiled as raftfast._compiled.rooms and .tally.

Those of an election are joined, because a C compiler inlines only what it sees in one file: apart,
the same rooms elect a tenth to a fifth fewer leaders a second. Nothing of their text is changed but
that the imports of one another fall away.
"""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# In the order in which they need one another.
ROOMS = (
    "rng",
    "queue",
    "laws",
    "journal",
    "clock",
    "tuning",
    "detector",
    "timeouts",
    "raft",
    "leases",
    "patience",
    "network",
    "desk",
    "safety",
    "census",
    "stop",
    "events",
    "ensemble",
)
JOINED = Path("build/joined/raftfast/_compiled")
PYTHON_HEAD = "from array import array\nimport cython\n"
TYPES_HEAD = """\
cimport cython
from libc.math cimport exp, log, sqrt
from libc.stdint cimport int64_t, uint64_t
from raftfast._compiled.words cimport *
"""
# Long loops over columns, which gain by vectors.
TALLY_FLAGS = ["-O3", "-fno-wrapv"]
# Contraction and reordering of floats would part the two backends in the last bit. The core never
# relies on wrap-around; its branches predict better than a table of jumps; its loops are short
# (a call of memset costs more than five stores, and a second copy of a loop more than its test),
# and its functions small enough to be one. That some are kept apart (words.pxd) says little of the
# variables which hold what they return.
FLAGS = [
    "-O3",
    "-ffp-contract=off",
    "-fno-wrapv",
    "-fno-jump-tables",
    "-fno-tree-vectorize",
    "-fno-tree-loop-distribute-patterns",
    "-Wno-attributes",
    "-fno-split-loops",
    "-fno-unswitch-loops",
    "-fno-peel-loops",
    "-finline-limit=1000",
]
DIRECTIVES = {
    "language_level": 3,
    "infer_types": True,
    "annotation_typing": False,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
}


def after(mark: str, path: Path) -> str:
    """What a room's file says from its class on."""
    text = path.read_text(encoding="utf-8")
    return text[text.index(mark) :]


def write(path: Path, text: str) -> None:
    """Write a file unless it says so already, so that nothing is compiled twice."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def joined(name: str, names: tuple[str, ...]) -> str:
    """Join rooms and their types; the path of the source."""
    JOINED.mkdir(parents=True, exist_ok=True)
    write(JOINED / "__init__.py", "")
    write(JOINED.parent / "__init__.py", "")
    rooms = [after("\nclass ", Path(f"raftfast/core/{room}.py")) for room in names]
    types = [after("@cython.final", Path(f"raftfast/_compiled/{room}.pxd")) for room in names]
    write(JOINED / f"{name}.py", PYTHON_HEAD + "\n".join(rooms))
    write(JOINED / f"{name}.pxd", TYPES_HEAD + "\n".join(types))
    write(JOINED / "words.pxd", Path("raftfast/_compiled/words.pxd").read_text(encoding="utf-8"))
    return str(JOINED / f"{name}.py")


extensions = cythonize(
    [
        Extension(
            f"raftfast._compiled.{name}",
            [joined(name, names)],
            extra_compile_args=[] if sys.platform == "win32" else flags,
        )
        for name, names, flags in (("rooms", ROOMS, FLAGS), ("tally", ("tally",), TALLY_FLAGS))
    ],
    build_dir="build",
    include_path=["build/joined"],
    compiler_directives=DIRECTIVES,
)
for extension in extensions:
    # Without a C compiler the install succeeds and the interpreted backend runs, unless this
    # is set. It must be set here: cythonize() loses it.
    extension.optional = os.environ.get("RAFTFAST_REQUIRE_COMPILED") != "1"

setup(ext_modules=extensions)
