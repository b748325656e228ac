"""A timeout strategy of one's own: a Python class, or a compiled function at full speed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from .errors import InputError

SIGNATURE = "int64_t (int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, double)"
"""What a compiled strategy is: server, campaigning, lost, now_ns, low_ns, high_ns, u -> ns.

The arguments are those of `Draw`, times in whole nanoseconds. It runs without the GIL, in several
threads at once, and must depend on its arguments alone.
"""

_NS_PER_MS = 1_000_000
_TYPE = ctypes.CFUNCTYPE(
    ctypes.c_int64, *[ctypes.c_int64] * 6, ctypes.c_double
)  # numba: types.int64(*[types.int64] * 6, types.float64)
# The base of every ctypes function, which has no public name.
_FUNCTION: Any = _TYPE.__mro__[1]


class Draw(NamedTuple):
    """What a timeout may be drawn from.

    `server` is who waits; `campaigning` whether it does so as a candidate or pre-candidate; `lost`
    how many candidacies it has begun in a row before this; `now_ms` the time; `low_ms` and
    `high_ms` the range the scenario gives it; `u` a uniform number in [0, 1), the same in every
    scenario under one seed, so that strategies are compared on common luck.
    """

    server: int
    campaigning: bool
    lost: int
    now_ms: float
    low_ms: float
    high_ms: float
    u: float


@runtime_checkable
class Strategy(Protocol):
    """A strategy in Python: called for every timeout that is drawn, at interpreted speed."""

    def timeout_ms(self, draw: Draw) -> float:
        """How long to wait, above 0, in ms. Must depend on `draw` alone."""


Own = Callable[[int, int, int, int, int, int, float], int]


def is_python(strategy: object) -> bool:
    """Whether a strategy is Python and so wants the interpreted backend."""
    return isinstance(strategy, Strategy)


def in_python(strategy: object) -> Own:
    """A strategy as the interpreted backend calls it. Raises InputError as `address` does."""
    if isinstance(strategy, Strategy):
        own = strategy

        def draw(
            server: int, campaigning: int, lost: int, now: int, low: int, high: int, u: float
        ) -> int:
            times = (now / _NS_PER_MS, low / _NS_PER_MS, high / _NS_PER_MS)
            return round(own.timeout_ms(Draw(server, bool(campaigning), lost, *times, u)) * 1e6)

        return draw
    function = _TYPE(address(strategy))
    return lambda *arguments: int(function(*arguments))


def address(strategy: object) -> int:
    """Where a compiled strategy is: of a numba cfunc, a ctypes function, a Cython function's
    capsule (`__pyx_capi__`), a `scipy.LowLevelCallable`, or the address itself.

    Raises InputError for anything else, and for a capsule of another signature.
    """
    # What a scipy.LowLevelCallable was made of: a ctypes function or a capsule.
    strategy = getattr(strategy, "function", strategy)
    found: object
    if isinstance(strategy, _FUNCTION):
        found = ctypes.cast(strategy, ctypes.c_void_p).value
    elif type(strategy).__name__ == "PyCapsule":
        found = _pointer(strategy)
    else:
        found = getattr(strategy, "address", strategy)
    if isinstance(found, bool) or not isinstance(found, int) or found <= 0:
        problem = f"{strategy!r}: must have a method timeout_ms(draw), or be a compiled function"
        raise InputError(f"{problem}: {SIGNATURE}", key="strategy")
    return found


def _pointer(capsule: Any) -> int | None:
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    name: bytes | None = name_of(capsule)
    if name and name.decode().replace(" noexcept", "").replace(" nogil", "") != SIGNATURE:
        problem = f"a function {name.decode()}: must be {SIGNATURE}"
        raise InputError(problem, key="strategy")
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype = ctypes.c_void_p
    pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
    found: int | None = pointer_of(capsule, name)
    return found
