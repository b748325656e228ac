"""The bytes of a point's histograms: small, checked, and by one zlib the same for the same ones.

One byte for the version, four for the CRC-32 of what follows, and then, deflated: how many sides
there can be, how many trials ended and how many were censored, how wide the numbers below are;
of each side that has trials how many places are in use, and the first of these; for each further
place how far it is from the one before, and how often it was met, both less one; and of each side
with large values its `Large`. How often a first place was met is what the others leave of the
trials. Numbers of more than a byte are little-endian; those of a long row are written byte by byte,
all the lowest ones first, as most of the higher ones are zero.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np

from .bins import Large, edges, place
from .core import words as w
from .statistics import Ints

VERSION = 1
LEVEL = 1
"""Of zlib's; higher ones save a tenth of the bytes, and take up to six times as long."""

TRIALS_MAX = 1 << 40
"""Up to here the sums over plain values fit int64."""

_HEAD = struct.Struct("<HQQBB")
_LARGE = (7, 7, 12, 18)
"""Bytes of least, most, total and squares: values below TALLY_END in TRIALS_MAX trials."""


def pack(keys: Ints, counts: Ints, large: Mapping[int, Large], sides: int) -> bytes:
    """The bytes of histograms: places in use, ascending, how often each, and large values by side.

    A key is side * TALLY_PLACES + place. Every column has a value or its lack for every trial.
    """
    starts = edges(sides)
    bounds = keys.searchsorted(starts)
    sizes = bounds[1:] - bounds[:-1]
    (used,) = sizes.nonzero()
    begin = bounds[used]
    later = np.ones(keys.size, dtype=np.bool_)
    later[begin] = False
    gaps = (keys[1:] - keys[:-1])[later[1:]] - 1
    rest = counts[later] - 1
    trials = [int(counts[bounds[side] : bounds[side + 1]].sum()) for side in (0, 1)]
    wide = [_width(gaps), _width(rest)]
    parts = [
        _HEAD.pack(sides, *trials, *wide),
        _planes(sizes[used], 2),
        _planes(keys[begin] - starts[used], 2),
        _planes(gaps, wide[0]),
        _planes(rest, wide[1]),
    ]
    for side in sorted(large):
        parts += [x.to_bytes(n, "little") for x, n in zip(large[side], _LARGE, strict=True)]
    deflated = zlib.compress(b"".join(parts), LEVEL, wbits=-15)
    return bytes([VERSION]) + zlib.crc32(deflated).to_bytes(4, "little") + deflated


def _width(numbers: Ints) -> int:
    """How many bytes each of these takes: 1, 2, 4 or 8."""
    most = int(numbers.max()) if numbers.size else 0
    return 1 if most < 1 << 8 else 2 if most < 1 << 16 else 4 if most < 1 << 32 else 8


def _planes(numbers: Ints, width: int) -> bytes:
    """Numbers of so many bytes: all the lowest bytes first, as most of the higher are zero."""
    if width == 1:
        return numbers.astype(np.uint8).tobytes()
    return numbers.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T.tobytes()


def unpack(data: bytes, sides: int) -> tuple[Ints, Ints, dict[int, Large]]:
    """What `pack` was given; ValueError for bytes that it never makes."""
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
        found, ended, cut, *wide = _HEAD.unpack_from(self.payload)
        self.at = _HEAD.size
        _insist(found == sides, f"{found} sides, not {sides}")
        _insist(ended + cut <= TRIALS_MAX, "too many trials")
        _insist(wide[0] in (1, 2) and wide[1] in (1, 2, 4, 8), "no such width")
        trials = np.array([ended, cut] * (sides // 2))
        (used,) = trials.nonzero()
        sizes, firsts = self.numbers(used.size, 2), self.numbers(used.size, 2)
        size = int(sizes.sum())
        _insist(not (sizes == 0).any(), "a side without places")
        ends = sizes.cumsum()
        begin = ends - sizes
        later = np.ones(size, dtype=np.bool_)
        later[begin] = False
        steps = np.zeros(size, dtype=np.int64)
        steps[later] = self.numbers(size - used.size, wide[0]) + 1
        counts = np.zeros(size, dtype=np.int64)
        counts[later] = self.numbers(size - used.size, wide[1]) + 1
        if size:
            counts[begin] = trials[used] - np.add.reduceat(counts, begin)
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

    def numbers(self, count: int, width: int) -> Ints:
        """As many numbers as `_planes` wrote."""
        end = self.at + count * width
        _insist(end <= len(self.payload), "they end too soon")
        planes = np.frombuffer(self.payload, np.uint8, count * width, self.at)
        self.at = end
        if width == 1:
            return planes.astype(np.int64)
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
