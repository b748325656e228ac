"""The columns of a trial, in the order in which the engine writes them, kept small."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIMES = ("election_ms", "detect_ms", "followed_ms", "unavailable_ms")
"""Columns that the engine keeps in nanoseconds and everyone else reads in milliseconds."""

COLUMNS = (
    "election_ms",
    "detect_ms",
    "followed_ms",
    "campaigns",
    "pre_campaigns",
    "terms",
    "split_terms",
    "first_term_candidates",
    "messages",
    "lost",
    "leader",
    "leader_changes",
    "unavailable_ms",
    "censored",
    "violations",
    "split_first_term",
    "needless_campaigns",
)
"""Every column: int64 in the engine, -1 where there is no value (what each means: MODEL.md)."""

_NS_PER_MS = 1e6
_SHORT = 1 << 15  # what is smaller is sooner copied than compared
_FIRST_PIECE = 1 << 16
_LAST_PIECE = 1 << 24


class Columns(Mapping[str, "NDArray[np.float64]"]):
    """The measurements of many trials by column; each is float64, nan where there is no value.

    Kept in chunks of the smallest integer type that holds them, a constant as one number and
    equal columns once: to touch fresh memory can cost as much as to simulate. Every access to a
    column makes a new array.
    """

    def __init__(self) -> None:
        self._chunks: dict[int, tuple[int, list[int | NDArray[np.integer]]]] = {}
        self._shelf = _Shelf()

    def add(self, first: int, block: NDArray[np.int64]) -> None:
        """Take trials `first` and on: `block[c, i]` is the engine's value of column c."""
        import numpy as np

        low, high = block.min(axis=1), block.max(axis=1)
        ranges = list(zip(low.tolist(), high.tolist(), strict=True))
        packed: list[int | NDArray[np.integer]] = []
        for i, (a, b) in enumerate(ranges):
            # Some columns are often the same, such as a first leader's time and the time without.
            twin = ranges.index((a, b))
            if a == b:
                packed.append(a)
            elif twin < i and b > _SHORT and np.array_equal(block[i], block[twin]):
                packed.append(packed[twin])
            else:
                packed.append(self._shelf.keep(block[i], _smallest(a, b)))
        self._chunks[first] = (block.shape[1], packed)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        import numpy as np

        if name not in COLUMNS:
            raise KeyError(name)
        out = np.empty(self.trials)
        at = 0
        for count, values in self._walk(COLUMNS.index(name)):
            out[at : at + count] = values
            at += count
        out[out < 0] = np.nan
        if name in TIMES:
            out /= _NS_PER_MS
        return out

    def __iter__(self) -> Iterator[str]:
        return iter(COLUMNS)

    def __len__(self) -> int:
        return len(COLUMNS)

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return sum(count for count, _ in self._chunks.values())

    def digest(self) -> str:
        """SHA-256 over the columns in their order: of each the name, then the one value of a
        constant column or every value, as little-endian int64. However they are kept."""
        import numpy as np

        sha = hashlib.sha256(str(self.trials).encode())
        for index, name in enumerate(COLUMNS):
            sha.update(name.encode())
            pieces = list(self._walk(index))
            constants = {values if isinstance(values, int) else None for _, values in pieces}
            if len(constants) == 1 and None not in constants:
                sha.update(str(constants.pop()).encode())
                continue
            for count, values in pieces:
                sha.update(np.ascontiguousarray(np.broadcast_to(values, count), "<i8").data)
        return sha.hexdigest()

    def total(self, name: str) -> int:
        """The sum of a column of counts."""
        import numpy as np

        return sum(
            values * count if isinstance(values, int) else int(np.sum(values, dtype=np.int64))
            for count, values in self._walk(COLUMNS.index(name))
        )

    def _walk(self, index: int) -> Iterator[tuple[int, int | NDArray[np.integer]]]:
        for first in sorted(self._chunks):
            count, packed = self._chunks[first]
            yield count, packed[index]


class _Shelf:
    """Room for packed columns, taken in large pieces: the kernel gives those in huge pages, which
    are several times sooner had than small ones. Any thread may keep something."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: NDArray[np.uint8] | None = None
        self._next = _FIRST_PIECE

    def keep(self, values: NDArray[np.int64], kind: str) -> NDArray[np.integer]:
        """A copy of `values` as integers of this kind."""
        import numpy as np

        wanted = len(values) * int(kind[1:])
        with self._lock:
            if self._free is None or len(self._free) < wanted:
                self._free = np.empty(max(self._next, wanted), dtype=np.uint8)
                self._next = min(2 * self._next, _LAST_PIECE)
            room = self._free[:wanted]
            # The next one begins where any kind may.
            self._free = self._free[(wanted + 7) // 8 * 8 :]
        kept = room.view(kind)
        kept[:] = values
        return kept


def _smallest(low: int, high: int) -> str:
    """The dtype of the smallest integer that holds both."""
    for kind, limit in (("i1", 1 << 7), ("i2", 1 << 15), ("i4", 1 << 31)):
        if -limit <= low and high < limit:
            return kind
    return "i8"
