"""The constants of the engine are written twice, for Python and for C: they must agree."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import raftfast
from raftfast.core import words

PXD = (Path(raftfast.__file__).parent / "_compiled" / "words.pxd").read_text()


def _python_constants() -> dict[str, int | float]:
    names = re.findall(r"^([A-Z][A-Z_0-9]*) = ", Path(words.__file__).read_text(), re.M)
    return {name: getattr(words, name) for name in names}


def _c_constants() -> dict[str, int | float]:
    found: dict[str, int | float] = {}
    for name, value in re.findall(r"^    ([A-Z_0-9]+) = (.+)$", PXD, re.M):
        found[name] = ast.literal_eval(value)
    for name, value in re.findall(r"#define ([A-Z_0-9]+) U?INT64_C\((.+)\)", PXD):
        found[name] = int(value, 0)
    for name, value in re.findall(r"#define ([A-Z_0-9]+) (0x1[.]0+p[-+]\d+)", PXD):
        found[name] = float.fromhex(value)
    return found


def test_the_compiled_twin_has_the_same_constants():
    assert _c_constants() == _python_constants()


def test_every_defined_constant_is_declared_to_cython():
    defined = set(re.findall(r"#define ([A-Z_0-9]+)", PXD))
    declared = set(re.findall(r"^    const \w+ ([A-Z_0-9]+)$", PXD, re.M))
    assert defined == declared
