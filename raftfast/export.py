"""A sweep's rows for other programs: CSV, JSON lines, Parquet, Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from .errors import InputError
from .results import SweepResult

FORMATS = ("csv", "jsonl", "parquet", "md")
"""The formats there are, the default first."""

MARKDOWN_COLUMNS = ("trials", "election_ms.mean", "election_ms.p50", "election_ms.p99")
"""What a Markdown table shows of every point, beside its swept keys, unless columns are named."""

_ROWS = 1000


def export(result: SweepResult, form: str, file: BinaryIO, columns: Sequence[str] = ()) -> None:
    """Write the finished points to a file in one of FORMATS: all columns, or those named.

    CSV and Markdown write swept values that are lists as JSON, and nothing where there is no value;
    JSON lines have them as they are, and null. Raises InputError for a missing pyarrow.
    """
    _WRITERS[form](result, file, list(columns))


def _rows(result: SweepResult, columns: Sequence[str]) -> Iterator[list[Any]]:
    for row in result.rows(columns):
        yield list(row.values())


def _write_csv(result: SweepResult, file: BinaryIO, columns: list[str]) -> None:
    names = columns or result.columns
    _csv_lines(file, [names])
    batch: list[list[Any]] = []
    for row in _rows(result, names):
        batch.append([_text(cell) for cell in row])
        if len(batch) == _ROWS:
            _csv_lines(file, batch)
            batch = []
    _csv_lines(file, batch)


def _csv_lines(file: BinaryIO, rows: Sequence[Sequence[Any]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    file.write(text.getvalue().encode())


def _text(cell: Any) -> Any:
    """A cell for CSV: numbers and strings as they are, lists and the like as JSON."""
    return cell if cell is None or _is_plain(cell) else json.dumps(cell)


def _is_plain(cell: Any) -> bool:
    return isinstance(cell, str | int | float) and not isinstance(cell, bool)


def _write_jsonl(result: SweepResult, file: BinaryIO, columns: list[str]) -> None:
    for row in result.rows(columns):
        file.write((json.dumps(row, allow_nan=False) + "\n").encode())


def _write_parquet(result: SweepResult, file: BinaryIO, columns: list[str]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        problem = "needs pyarrow: pip install 'raftfast[parquet]'"
        raise InputError(problem, key="--format") from None
    names = columns or result.columns
    cells = zip(*_rows(result, names), strict=True)
    table = pa.table(
        {name: _arrow([*column], pa) for name, column in zip(names, cells, strict=True)}
        or {name: pa.array([], pa.float64()) for name in names}
    )
    pq.write_table(table, file)


def _arrow(cells: list[Any], pa: Any) -> Any:
    """A column: of numbers or strings as such, of anything else as JSON."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float} or kinds == {str}:
        return pa.array(cells, pa.float64() if kinds == {int, float} or not kinds else None)
    return pa.array([None if cell is None else json.dumps(cell) for cell in cells])


def _write_markdown(result: SweepResult, file: BinaryIO, columns: list[str]) -> None:
    names = columns or ["point", *result.keys_swept, *MARKDOWN_COLUMNS]
    lines = [names, ["--:"] * len(names)]
    lines += [[_shown(cell) for cell in row] for row in _rows(result, names)]
    file.write("".join(f"| {' | '.join(line)} |\n" for line in lines).encode())


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    text = f"{cell:.6g}" if isinstance(cell, float) else str(_text(cell))
    return text.replace("|", "\\|")


_WRITERS: dict[str, Callable[[SweepResult, BinaryIO, list[str]], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
    "md": _write_markdown,
}
