"""Strategies of one's own: a Python class, and a compiled function."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import raftfast
from raftfast import InputError, Scenario
from raftfast.callbacks import SIGNATURE, Draw

SOURCE = """
#include <stdint.h>
int64_t spread(int64_t server, int64_t campaigning, int64_t lost, int64_t now_ns,
               int64_t low_ns, int64_t high_ns, double u) {
    return low_ns + (int64_t)((double)(high_ns - low_ns) * u) + 25000000 * lost;
}
"""
CLOSE = Scenario.from_dict(
    {
        "timeouts": {"election_ms": [150, 160]},
        "network": {"latency_ms": 5},
        "stop": {"limit_ms": 9000},
    }
)


class Spread:
    """The range of the scenario, and 25 ms more for every candidacy in a row."""

    def timeout_ms(self, draw: Draw) -> float:
        low, high = round(draw.low_ms * 1e6), round(draw.high_ms * 1e6)
        return (low + int((high - low) * draw.u) + 25_000_000 * draw.lost) / 1e6


class BySlot:
    """Server i waits 100 + 50 i ms: nobody ever collides."""

    def timeout_ms(self, draw: Draw) -> float:
        assert 0.0 <= draw.u < 1.0
        assert (draw.low_ms, draw.high_ms) == (150.0, 160.0)
        return 100.0 + 50.0 * draw.server


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> ctypes._CFuncPtr:
    """A compiled strategy."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform == "win32":
        pytest.skip("no C compiler")
    folder: Path = tmp_path_factory.mktemp("strategy")
    (folder / "spread.c").write_text(SOURCE)
    command = [compiler, "-O2", "-shared", "-fPIC", "spread.c", "-o", "spread.so"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "spread.so"))
    library.spread._path = library._name
    return library.spread


def test_a_python_class_decides(engine: str) -> None:
    if engine == "compiled":
        with pytest.raises(InputError, match="strategy: is written in Python"):
            raftfast.run(CLOSE, 10, strategy=BySlot(), engine=engine)
        return
    result = raftfast.run(CLOSE, 200, strategy=BySlot())
    assert result.backend == "python"
    assert (result.samples["detect_ms"] == 100.0).all()
    assert (result.samples["leader"] == 0).all()


def test_a_compiled_function_gives_the_same_on_both_backends(both, spread) -> None:
    digests = {
        raftfast.run(CLOSE, 400, strategy=spread, engine=engine, jobs=jobs).digest
        for engine in both
        for jobs in (1, 2)
    }
    digests.add(raftfast.run(CLOSE, 400, strategy=Spread()).digest)
    assert len(digests) == 1
    assert digests != {raftfast.run(CLOSE, 400).digest}


def test_scipy_and_cython_hand_over_the_same_function(spread) -> None:
    from scipy import LowLevelCallable

    int64, double = ctypes.c_int64, ctypes.c_double
    typed = ctypes.CFUNCTYPE(int64, *[int64] * 6, double)(("spread", ctypes.CDLL(spread._path)))
    address = ctypes.cast(typed, ctypes.c_void_p).value
    make = ctypes.pythonapi.PyCapsule_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    # A capsule does not copy its name.
    name, other = SIGNATURE.encode(), b"int (int)"
    capsule = make(address, name, None)
    wanted = raftfast.run(CLOSE, 400, strategy=typed).digest
    for strategy in (LowLevelCallable(typed), capsule, LowLevelCallable(capsule), address):
        assert raftfast.run(CLOSE, 400, strategy=strategy).digest == wanted
    with pytest.raises(InputError, match=r"a function int \(int\): must be int64_t"):
        raftfast.run(CLOSE, 10, strategy=make(address, other, None))


def test_what_is_lost_is_counted(spread) -> None:
    """With 25 ms more for each candidacy in a row, narrow timeouts part sooner or later."""
    plain, grown = raftfast.run(CLOSE, 2000), raftfast.run(CLOSE, 2000, strategy=spread)
    assert plain.samples["split_first_term"].mean() > 0.2
    assert grown.samples["campaigns"].max() != plain.samples["campaigns"].max()
    assert np.isfinite(grown.samples["election_ms"]).all()


@pytest.mark.parametrize("strategy", [object(), "name", 0, -5, True, 1.5])
def test_what_is_no_strategy_is_refused(strategy: object) -> None:
    with pytest.raises(InputError, match=r"^strategy: .*timeout_ms"):
        raftfast.run(CLOSE, 10, strategy=strategy)


def test_ticks_are_refused() -> None:
    ticking = CLOSE.replace(**{"timeouts.tick_ms": 10})
    with pytest.raises(InputError, match="tick_ms must be 0"):
        raftfast.run(ticking, 10, strategy=BySlot())
