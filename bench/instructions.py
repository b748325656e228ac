"""Holds the instructions of fixed workloads, counted under valgrind, against a stored baseline.

python bench/instructions.py                                      count and print
python bench/instructions.py --against bench/instructions.json    the gate
python bench/instructions.py --save bench/instructions.json       renew the baseline

Exit codes: 0 fine, 1 something could not be counted, 2 usage, 3 a workload takes more instructions
than the threshold allows, 4 no valgrind, no baseline, or (in part) not comparable. With --rebuild,
what is not comparable because a compiler, Python or package differs is held against the commit that
saved the baseline, built and counted here. bench/README.md says what is counted, and why.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.baseline import FAILED, FINE, NOT_COMPARABLE, Counts, Row, exit_code, hold
from bench.commits import CommitError, built, that_saved
from bench.counting import COUNTER, CountError, count, environment
from bench.workloads import WORKLOADS

THRESHOLD_PERCENT = 5.0
RESTS_ON = {name: workload.rests_on for name, workload in WORKLOADS.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; the exit code."""
    asked = _parser().parse_args(arguments)
    if shutil.which(COUNTER[0]) is None:
        return _say(NOT_COMPARABLE, "SKIPPED: valgrind is not installed, so nothing was counted")
    try:
        if asked.against is not None:
            return _gate(asked.against, asked.threshold, asked.jobs, asked.rebuild)
        now = _counted(list(WORKLOADS), asked.jobs)
    except CountError as error:
        return _say(FAILED, str(error))
    _show([Row(name, None, counted) for name, counted in now.workloads.items()])
    if asked.save is not None:
        asked.save.write_text(now.to_json(), encoding="utf-8")
        _say(FINE, f"saved to {asked.save}")
    return FINE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--against", type=Path, metavar="FILE", help="the gate: hold against FILE")
    what.add_argument("--save", type=Path, metavar="FILE", help="count, and write FILE")
    parser.add_argument("--threshold", type=_percent, default=THRESHOLD_PERCENT, metavar="PERCENT")
    parser.add_argument(
        "--rebuild", action="store_true", help="build the baseline's commit if need be"
    )
    parser.add_argument("-j", "--jobs", type=_jobs, default=os.cpu_count() or 1, metavar="N")
    return parser


def _percent(text: str) -> float:
    value = float(text)
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 100")
    return value


def _jobs(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def _counted(names: Sequence[str], jobs: int, path: Path | None = None) -> Counts:
    return Counts(environment(path), count(names, jobs, path))


def _gate(path: Path, threshold_percent: float, jobs: int, rebuild: bool) -> int:
    """Count, hold against the baseline, and say what came of it."""
    try:
        before = Counts.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _say(NOT_COMPARABLE, f"SKIPPED: no baseline {path}; --save {path} makes one")
    except ValueError as error:
        return _say(NOT_COMPARABLE, f"SKIPPED: {path} {error}; --save {path} makes one")
    now = _counted(list(WORKLOADS), jobs)
    rows = hold(before, now, RESTS_ON)
    if rebuild and any(row.differs for row in rows):
        rows = _rebuilt(rows, now, path, jobs)
    _show(rows)
    return _verdict(rows, threshold_percent, path)


def _rebuilt(rows: Sequence[Row], now: Counts, path: Path, jobs: int) -> list[Row]:
    """The rows, where environments differ held against the commit that saved the baseline."""
    again = [row.name for row in rows if row.differs]
    _say(FINE, next(row.why for row in rows if row.differs))
    try:
        commit = that_saved(path)
        _say(FINE, f"{len(again)} workloads are held against commit {commit[:12]}, built here")
        with tempfile.TemporaryDirectory() as folder:
            before = _counted(again, jobs, built(commit, Path(folder)))
    except (CommitError, CountError) as error:
        _say(FINE, f"that commit cannot be counted here: {error}")
        return list(rows)
    held = {row.name: row for row in hold(before, now, RESTS_ON) if row.name in again}
    return [held.get(row.name, row) for row in rows]


def _show(rows: Sequence[Row]) -> None:
    """A line a workload: instructions and events a unit, and the change."""
    print(f"{'workload':26}{'instructions':>16}{'baseline':>14}{'change':>10}{'events':>11}")
    for row in rows:
        now = f"{row.now.instructions:,.0f}" if row.now else ""
        before = f"{row.before.instructions:,.0f}" if row.before else ""
        change = f"{row.percent:+.2f} %" if row.before and not row.why else ""
        events = f"{row.now.events:,.1f}" if row.now and row.now.events is not None else ""
        cells = f"{row.name:26}{now:>16}{before:>14}{change:>10}{events:>11}"
        print(f"{cells}  {row.why.partition(':')[0]}".rstrip())


def _verdict(rows: Sequence[Row], threshold_percent: float, path: Path) -> int:
    """What is to be done, and the exit code."""
    code = exit_code(rows, threshold_percent)
    more = [row.name for row in rows if row.verdict(threshold_percent) == "more"]
    fewer = [row.name for row in rows if row.verdict(threshold_percent) == "fewer"]
    lost = [row.name for row in rows if row.why]
    other = [row.name for row in rows if row.events_differ]
    if other:
        _say(code, f"events a unit are not the baseline's: {', '.join(other)}")
    if fewer:
        _say(code, f"fewer than the baseline: {', '.join(fewer)}; --save {path} keeps the gain")
    if lost:
        skipped = "SKIPPED" if len(lost) == len(rows) else "SKIPPED IN PART"
        reasons = "; ".join(dict.fromkeys(row.why for row in rows if row.why))
        _say(code, f"{skipped}: {', '.join(lost)}: {reasons}")
    if more:
        allowed = f"more than {threshold_percent:g} % above the baseline: {', '.join(more)}"
        return _say(code, f"REGRESSION: {allowed}; if that is meant, --save {path}")
    if len(lost) < len(rows):
        _say(code, f"{len(rows) - len(lost)} held, none over {threshold_percent:g} % more")
    return code


def _say(code: int, line: str) -> int:
    """Print a line, to stderr unless all is fine."""
    print(f"instructions: {line}", file=sys.stderr if code else sys.stdout, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
