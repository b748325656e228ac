"""The columns of a trial, in the order in which the engine writes them, kept small."""

from __future__ import annotations

import functools
import hashlib
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .core.words import FOLDED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIMES = ("election_ms", "detect_ms", "followed_ms", "unavailable_ms")
"""Columns that the engine keeps in nanoseconds and everyone else reads in milliseconds."""

FINAL = ("detect_ms",)
"""Times of what is over once it was there: of a censored trial, too, the value is no bound."""

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

TWIN = COLUMNS.index("unavailable_ms")
"""Most often the first column again: while no leader is lost, nobody leads until the election
ends."""

BLOCK = 5000
"""How many trials a digest takes together: no power of two, as the columns of a block would all
fall into the same few lines of the cache."""

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
                packed.append(self._shelf.keep(block[i], smallest(a, b)))
        self._chunks[first] = (block.shape[1], packed)

    def copy(self) -> Columns:
        """The same trials, to add others to; the chunks are shared."""
        twin = Columns()
        twin._chunks.update(self._chunks)
        return twin

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
        """`digest_of` the trials in blocks of BLOCK, in whatever chunks they came."""
        blocks = (block_digest(weighted_sums(block)) for block in self.blocks())
        return digest_of(self.trials, blocks)

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        """All trials in order, columns x BLOCK or, at the end, what is left, as the engine wrote
        them."""
        firsts = sorted(self._chunks)
        for start in range(0, self.trials, BLOCK):
            yield self._cut(firsts, start, min(start + BLOCK, self.trials))

    def _cut(self, firsts: Sequence[int], start: int, end: int) -> NDArray[np.int64]:
        """Trials start .. end - 1 of every column, as the engine wrote them."""
        import numpy as np

        out = np.empty((len(COLUMNS), end - start), dtype=np.int64)
        for first in firsts[bisect_right(firsts, start) - 1 : bisect_left(firsts, end)]:
            count, packed = self._chunks[first]
            low, high = max(first, start), min(first + count, end)
            for row, values in zip(out[:, low - start : high - start], packed, strict=True):
                row[:] = values if isinstance(values, int) else values[low - first : high - first]
        return out

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


def weighted_sums(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """One number a trial of a block, columns x count as the engine wrote them: its values, each
    times its column's of `weights`, summed up modulo 2**64."""
    import numpy as np

    sums: NDArray[np.uint64] = np.einsum("c,ci->i", weights(), values.view(np.uint64))
    return sums


def block_digest(sums: NDArray[np.uint64]) -> bytes:
    """SHA-256 of a block of trials, over a number in eight bytes, little-endian, for every four.

    That is the polynomial modulo 2**64 in the weight of "trial" whose coefficients are their
    `weighted_sums`, the first trial's the constant one, 0 for those that the last four lack.
    Trials that differ in one column of one trial have another digest for certain, and others but
    for a chance of 2**-64.
    """
    import numpy as np

    if lacking := -len(sums) % FOLDED:
        sums = np.concatenate([sums, np.zeros(lacking, dtype=np.uint64)])
    return folded_digest(sums.reshape(-1, FOLDED) @ _powers())


def folded_digest(numbers: NDArray[np.uint64]) -> bytes:
    """`block_digest` of the sums that these numbers were made of, as `Tally.fold` makes them."""
    return hashlib.sha256(numbers.astype("<u8", copy=False).data).digest()


@functools.cache
def weights() -> NDArray[np.uint64]:
    """The weight of each column: see `_weight`."""
    import numpy as np

    return np.array([_weight(name) for name in COLUMNS], dtype=np.uint64)


@functools.cache
def _powers() -> NDArray[np.uint64]:
    import numpy as np

    powers = [pow(fold_base(), n, 1 << 64) for n in range(FOLDED)]
    return np.array(powers, dtype=np.uint64)


@functools.cache
def fold_base() -> int:
    """The weight of "trial"."""
    return _weight("trial")


def _weight(name: str) -> int:
    """The first eight bytes of the SHA-256 of a name, little-endian, made odd."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") | 1


def digest_of(trials: int, blocks: Iterable[bytes]) -> str:
    """The digest of a run: SHA-256, in hexadecimal, over the number of trials in decimal and the
    digests of its blocks. Block b holds trials BLOCK * b to BLOCK * (b + 1) - 1, the last what is
    left of them."""
    sha = hashlib.sha256(str(trials).encode())
    for block in blocks:
        sha.update(block)
    return sha.hexdigest()


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


def smallest(low: int, high: int) -> str:
    """The dtype of the smallest integer that holds both."""
    for kind, limit in (("i1", 1 << 7), ("i2", 1 << 15), ("i4", 1 << 31)):
        if -limit <= low and high < limit:
            return kind
    return "i8"
