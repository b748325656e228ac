"""The extensions: every room of raftfast/core compiled a second time, as raftfast._compiled."""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOMS = (
    "rng",
    "queue",
    "laws",
    "journal",
    "timeouts",
    "raft",
    "network",
    "desk",
    "safety",
    "census",
    "ensemble",
)
# Contraction and reordering of floats would part the two backends in the last bit.
FLAGS = (
    []
    if sys.platform == "win32"
    else ["-O3", "-ffp-contract=off", "-fno-wrapv", "-fno-jump-tables"]
)
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

extensions = cythonize(
    [
        Extension(
            f"raftfast._compiled.{room}", [f"raftfast/core/{room}.py"], extra_compile_args=FLAGS
        )
        for room in ROOMS
    ],
    build_dir="build",
    compiler_directives=DIRECTIVES,
)
for extension in extensions:
    # Without a C compiler the install succeeds and the interpreted backend runs, unless this
    # is set. It must be set here: cythonize() loses it.
    extension.optional = os.environ.get("RAFTFAST_REQUIRE_COMPILED") != "1"

setup(ext_modules=extensions)
