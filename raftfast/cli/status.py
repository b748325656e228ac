"""`raftfast status`: how far a sweep is."""

from __future__ import annotations

import click

from .options import FORMATS, format_option
from .show import amount, duration, escape, write, write_csv, write_json, write_markdown

_SHOWN = 5


@click.command("status", short_help="Say how far a sweep is.")
@click.argument("results", metavar="RESULTS.db")
@format_option(*FORMATS)
def command(results: str, form: str) -> None:
    """Say how many points are done, left and failed, and how fast the last session went.

    It may be asked while the sweep is running.
    """
    from ..results import SweepResult

    with SweepResult.open(results) as result:
        status = result.status()
        failures = result.failures
    if form == "json":
        write_json({**status, "failures": {str(p): error for p, error in failures.items()}})
        return
    pairs = {
        "sweep": status["name"] or "without a name",
        "points": f"{status['points']:,}",
        "done": f"{status['done']:,} ({100 * status['done'] / status['points']:.1f} %)",
        "failed": f"{status['failed']:,}",
        "left": f"{status['left']:,}",
        "trials": f"{status['trials']:,}",
        "violations": f"{status['violations']:,}",
        "worked for": duration(status["elapsed_s"]),
        "last rate": f"{amount(status['trials_per_s'])} trials/s",
    }
    if form == "csv":
        write_csv(["name", "value"], [[k, status[k]] for k in status if k != "sessions"])
    elif form == "md":
        write_markdown(["", "sweep"], [[name, escape(text)] for name, text in pairs.items()])
    else:
        lines = [f"{name:<10}  {text}" for name, text in pairs.items()]
        lines += [f"  point {p}: {error}" for p, error in list(failures.items())[:_SHOWN]]
        write(lines)
