"""`raftfast export`: a sweep's rows, or a point's samples, for other programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..errors import InputError
from .options import whole

if TYPE_CHECKING:
    from ..results import SweepResult

_FORMATS = ("csv", "jsonl", "parquet", "md")
_POINT_MAX = 2**31


@click.command("export", short_help="Write a sweep's rows as csv, jsonl, parquet or md.")
@click.argument("results", metavar="RESULTS.db")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), default="csv", show_default=True,
    help="How to write the rows.",
)  # fmt: skip
@click.option("-o", "--out", metavar="FILE", help="Where to; stdout unless given.")
@click.option(
    "-c", "--columns", metavar="A,B,...", help="These columns alone, such as election_ms.p99."
)
@click.option(
    "--point", type=whole(0, _POINT_MAX), metavar="K", help="A point's samples, to --samples."
)
@click.option(
    "--samples", metavar="FILE", help="Where to write them: a .csv, .npz or .parquet file."
)
def command(
    results: str,
    form: str,
    out: str | None,
    columns: str | None,
    point: int | None,
    samples: str | None,
) -> None:
    """Write one row a finished point, in the spec's order.

    A row has the point's number, its swept keys, trials, censored, violations, digest, then the
    statistics of every metric (election_ms.mean, election_ms.p99, ...; .low and .high are the ends
    of 95 % intervals) and every rate. Swept values that are lists are JSON.
    """
    from ..results import SweepResult

    if (point is None) != (samples is None):
        raise InputError("go together", key="--point, --samples")
    with SweepResult.open(results) as result:
        if point is not None and samples is not None:
            if out is not None or columns is not None:
                problem = "take no --out and no --columns: the file is that of --samples"
                raise InputError(problem, key="--point, --samples")
            result.write_samples(point, samples)
            return
        chosen = []
        if columns is not None:
            names = (result.column(name.strip()) for name in columns.split(","))
            chosen = list(dict.fromkeys(names))
        _export(result, form, out, chosen)


def _export(result: SweepResult, form: str, out: str | None, columns: list[str]) -> None:
    from ..export import export
    from ..files import whole_file

    if out is not None:
        with whole_file(out, "--out") as file:
            export(result, form, file, columns)
    elif form == "parquet":
        raise InputError("parquet needs a file", key="--out")
    else:
        sys.stdout.flush()
        export(result, form, sys.stdout.buffer, columns)
        sys.stdout.flush()
