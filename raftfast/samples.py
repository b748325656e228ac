"""Every trial's columns as bytes, small enough to keep in a file of results."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from .columns import COLUMNS, smallest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def pack(values: NDArray[np.int64]) -> bytes:
    """The engine's values (columns x count) as bytes: `unpack` gives them back."""
    pieces = []
    for column in values:
        kind = smallest(int(column.min()), int(column.max()))
        pieces += [kind.encode(), column.astype(f"<{kind}").tobytes()]
    return zlib.compress(b"".join(pieces), level=1)


def unpack(data: bytes, count: int) -> NDArray[np.int64]:
    """The values (columns x count, int64) that `pack` made these bytes of."""
    import numpy as np

    raw = zlib.decompress(data)
    values = np.empty((len(COLUMNS), count), dtype=np.int64)
    at = 0
    for column in values:
        kind = raw[at : at + 2].decode()
        column[:] = np.frombuffer(raw, f"<{kind}", count, at + 2)
        at += 2 + count * int(kind[1])
    return values
