"""Every trial's columns as a file: CSV, npz or Parquet."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from .columns import COLUMNS, Columns
from .errors import InputError
from .files import whole_file

SUFFIXES = (".csv", ".npz", ".parquet")
"""The files there are, by their ends."""

_KEY = "--samples"
_ROWS = 10_000
_WHOLE = {name for name in COLUMNS if not name.endswith("_ms")}


def write(columns: Columns, path: str | os.PathLike[str]) -> None:
    """Write the columns to a file of one of SUFFIXES, whole or not at all.

    CSV: a header, numbers, empty where there is none, booleans 0 and 1. Raises InputError for
    another suffix, a folder that is not there, or a missing pyarrow.
    """
    writer = _WRITERS.get(Path(path).suffix.lower())
    if writer is None:
        raise InputError(f"{Path(path).name!r}: must end in .csv, .npz or .parquet", key=_KEY)
    with whole_file(path, _KEY) as file:
        writer(columns, file)


def _write_csv(samples: Columns, file: BinaryIO) -> None:
    import numpy as np

    file.write(("trial," + ",".join(COLUMNS) + "\n").encode())
    columns = [samples[name] for name in COLUMNS]
    for first in range(0, samples.trials, _ROWS):
        cells = [np.char.mod("%d", np.arange(first, min(first + _ROWS, samples.trials)))]
        for name, column in zip(COLUMNS, columns, strict=True):
            values = column[first : first + _ROWS]
            text = np.char.mod("%.0f" if name in _WHOLE else "%.6f", values)
            cells.append(np.where(np.isnan(values), "", text))
        lines = (",".join(row) for row in zip(*cells, strict=True))
        file.write(("\n".join(lines) + "\n").encode())


def _write_npz(samples: Columns, file: BinaryIO) -> None:
    import numpy as np

    columns: dict[str, Any] = {name: samples[name] for name in COLUMNS}
    np.savez_compressed(file, **columns)


def _write_parquet(samples: Columns, file: BinaryIO) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError("needs pyarrow: pip install 'raftfast[parquet]'", key=_KEY) from None
    table = pa.table({name: pa.array(samples[name], from_pandas=True) for name in COLUMNS})
    pq.write_table(table, file)


_WRITERS: dict[str, Callable[[Columns, BinaryIO], None]] = {
    ".csv": _write_csv,
    ".npz": _write_npz,
    ".parquet": _write_parquet,
}
