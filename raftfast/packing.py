"""The bytes of a point's histograms: small, checked, and by one zlib the same for the same ones.

One byte for the version, four for the CRC-32 of what follows, and then, deflated: how many sides
there can be, how many trials ended and how many were censored; of each side how many places are in
use, and the first of these; for each further place how far it is from the one before, and how often
it was met, both less one; and of each side with large values its `Large`. How often a first place
was met is what the others leave of the trials.

Numbers of more than a byte are little-endian. Those of a row are written byte by byte, all the
lowest ones first, as most of the higher ones are zero; the two long rows in single bytes, LONG for
whatever is not less, which follows whole.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .bins import Large, edges, place
from .columns import TWIN
from .core import words as w
from .statistics import Ints

VERSION = 2
LEVEL = 1
"""Of zlib's; higher ones save next to nothing where bytes are compared with their neighbours."""

TRIALS_MAX = 1 << 40
"""Up to here the sums over plain values fit int64."""

LONG = 255
_GAP, _COUNT = 2, 8  # bytes of numbers that are LONG or more
_HEAD = struct.Struct("<HQQ")
_LARGE = (7, 7, 12, 18)
"""Bytes of least, most, total and squares: values below TALLY_END in TRIALS_MAX trials."""


class Packable(Protocol):
    """Histograms: places in use, ascending, how often each, and large values by side.

    A key is side * TALLY_PLACES + place. Every column has a value or its lack for every trial, but
    a side of the column TWIN may have nothing where it is the first column's again.
    """

    @property
    def keys(self) -> Ints: ...

    @property
    def counts(self) -> Ints: ...

    @property
    def large(self) -> Mapping[int, Large]: ...

    @property
    def bounds(self) -> Sequence[int]: ...

    @property
    def ended(self) -> int: ...

    @property
    def censored(self) -> int: ...


def pack(records: Sequence[Packable], sides: int) -> list[bytes]:
    """The bytes of each of several histograms, which take less time together."""
    keys = np.concatenate([record.keys for record in records])
    counts = np.concatenate([record.counts for record in records])
    bounds = np.array([record.bounds for record in records])
    ends = bounds[:, -1].cumsum()
    bounds += (ends - bounds[:, -1])[:, np.newaxis]
    sizes = np.diff(bounds)
    firsts = np.where(sizes > 0, np.append(keys, 0)[bounds[:, :-1]] - edges(sides)[:-1], 0)
    later = np.ones(keys.size, dtype=np.bool_)
    later[bounds[:, :-1][sizes > 0]] = False
    (there,) = later.nonzero()
    gaps = _Row.of(keys[there] - keys[there - 1] - 1, _GAP)
    rest = _Row.of(counts[there] - 1, _COUNT)
    begun = np.stack((sizes, firsts), axis=1).reshape(len(records), 2, sides // 2, 2)
    # All the lowest bytes first, and of these those of trials that ended.
    begun = begun.swapaxes(2, 3).astype("<u2", order="C").view(np.uint8)
    begun = begun.reshape(len(records), 2, sides, 2)
    begun = begun.swapaxes(2, 3)
    cuts = [0, *there.searchsorted(ends).tolist()]
    return [
        _framed(
            [_HEAD.pack(sides, record.ended, record.censored), begun[i].tobytes()]
            + [*gaps.between(first, last), *rest.between(first, last)]
            + [_written(large) for _, large in sorted(record.large.items())]
        )
        for i, (record, (first, last)) in enumerate(zip(records, pairwise(cuts), strict=True))
    ]


class _Row(NamedTuple):
    """Numbers in a byte each, and where those are that do not fit, which are written whole."""

    short: NDArray[np.uint8]
    at: Ints
    long: NDArray[np.uint8]

    @classmethod
    def of(cls, numbers: Ints, width: int) -> _Row:
        """Of numbers of at most so many bytes."""
        short = np.minimum(numbers, LONG).astype(np.uint8)
        (at,) = (short == LONG).nonzero()
        return cls(short, at, numbers[at].astype(f"<u{width}").view(np.uint8).reshape(-1, width))

    def between(self, first: int, last: int) -> tuple[bytes, bytes]:
        """Of numbers first .. last - 1 the short and the long ones."""
        low, high = self.at.searchsorted((first, last))
        return self.short[first:last].tobytes(), self.long[low:high].T.tobytes()


def _written(large: Large) -> bytes:
    return b"".join(x.to_bytes(n, "little") for x, n in zip(large, _LARGE, strict=True))


def _framed(parts: Sequence[bytes]) -> bytes:
    """The version, the check, and the parts, deflated."""
    deflate = zlib.compressobj(LEVEL, wbits=-15, strategy=zlib.Z_RLE)
    deflated = deflate.compress(b"".join(parts)) + deflate.flush()
    return bytes([VERSION]) + zlib.crc32(deflated).to_bytes(4, "little") + deflated


def unpack(data: bytes, sides: int) -> tuple[Ints, Ints, dict[int, Large]]:
    """What `pack` was given; ValueError for bytes that are damaged, or of another version."""
    if len(data) < 6 or data[0] != VERSION:
        found = f"version {data[0]}" if data else "nothing"
        raise ValueError(f"histograms: expected version {VERSION}, found {found}")
    if zlib.crc32(data[5:]) != int.from_bytes(data[1:5], "little"):
        raise ValueError("histograms: the bytes are damaged")
    try:
        return _Reader(zlib.decompress(data[5:], wbits=-15)).read(sides)
    except (zlib.error, struct.error, IndexError) as error:
        raise ValueError(f"histograms: the bytes are damaged: {error}") from None


class _Reader:
    """Reads the deflated part from its beginning to its end."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.at = 0

    def read(self, sides: int) -> tuple[Ints, Ints, dict[int, Large]]:
        found, *trials = _HEAD.unpack_from(self.payload)
        self.at = _HEAD.size
        _insist(found == sides, f"{found} sides, not {sides}")
        _insist(sum(trials) <= TRIALS_MAX, "too many trials")
        sizes, firsts = (self.planes(sides, 2).reshape(2, -1).T.ravel() for _ in range(2))
        there = sizes > 0
        expected = np.array(trials * (sides // 2)) > 0
        (left_out,) = (there != expected).nonzero()
        twins = {2 * TWIN + kind for kind in (0, 1) if there[kind]}
        _insist(twins.issuperset(left_out.tolist()), "a side without places")
        _insist(not firsts[~there].any(), "a first place of nothing")
        (used,) = there.nonzero()
        sizes, firsts = sizes[used], firsts[used]
        size = int(sizes.sum())
        ends = sizes.cumsum()
        begin = ends - sizes
        later = np.ones(size, dtype=np.bool_)
        later[begin] = False
        steps = np.zeros(size, dtype=np.int64)
        steps[later] = self.row(size - used.size, _GAP) + 1
        counts = np.zeros(size, dtype=np.int64)
        counts[later] = self.row(size - used.size, _COUNT) + 1
        if size:
            counts[begin] = np.array(trials)[used % 2] - np.add.reduceat(counts, begin)
            _insist(int(counts.min()) > 0, "more values than trials")
        base = edges(sides)[used]
        keys = steps.cumsum()
        keys += (firsts + base - keys[begin]).repeat(sizes)
        last = keys[ends - 1] - base
        _insist(not (last >= w.TALLY_PLACES).any(), "no such place")
        far = last > w.PLAIN_END
        large = {
            side: self.large(at)
            for side, at in zip(used[far].tolist(), last[far].tolist(), strict=True)
        }
        _insist(self.at == len(self.payload), "they are too long")
        return keys, counts, large

    def row(self, count: int, width: int) -> Ints:
        """As many numbers as a `_Row` was of."""
        found = self.planes(count, 1)
        (at,) = (found == LONG).nonzero()
        found[at] = self.planes(at.size, width)
        _insist(not (found[at] < LONG).any(), "a long number is short")
        return found

    def planes(self, count: int, width: int) -> Ints:
        """As many numbers of so many bytes, the lowest bytes first."""
        end = self.at + count * width
        _insist(end <= len(self.payload), "they end too soon")
        planes = np.frombuffer(self.payload, np.uint8, count * width, self.at)
        self.at = end
        whole = np.ascontiguousarray(planes.reshape(width, count).T).view(f"<u{width}")
        return whole.reshape(count).astype(np.int64)

    def large(self, last: int) -> Large:
        """What is exact of a side whose last place is `last`."""
        found = []
        for n in _LARGE:
            found.append(int.from_bytes(self.payload[self.at : self.at + n], "little"))
            self.at += n
        large = Large(*found)
        _insist(w.PLAIN_END <= large.least <= large.most < w.TALLY_END, "no such large values")
        _insist(place(large.most) == last, "the largest value is not in the last place")
        return large


def _insist(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(f"histograms: the bytes are damaged: {otherwise}")
