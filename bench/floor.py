"""The engine against bare C on workload C0: python bench/floor.py ../shared/floor/floor.c

The machine drifts, so floor and engine run in turn; what counts is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

import raftfast

TRIALS = 2_000_000
INTERPRETED_TRIALS = 20_000


def main() -> None:
    """Print trials a second of floor and engine, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("floor", type=Path, help="shared/floor/floor.c")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "floor"
        subprocess.run(["gcc", "-O3", str(arguments.floor), "-o", str(program)], check=True)
        for _ in range(arguments.rounds):
            for name, measure in (
                ("floor.c", lambda: floor(program)),
                ("compiled, 1 worker", lambda: engine("compiled", TRIALS, 1)),
                ("compiled, 2 workers", lambda: engine("compiled", 2 * TRIALS, 2)),
                ("interpreted, 1 worker", lambda: engine("python", INTERPRETED_TRIALS, 1)),
            ):
                rates.setdefault(name, []).append(measure())
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, values in rates.items():
        share = medians[name] / medians["floor.c"]
        print(
            f"{name:24}{medians[name]:14,.0f} trials/s  {share:6.3f} of floor"
            f"  (from {min(values):,.0f} to {max(values):,.0f})"
        )
    both = medians["compiled, 2 workers"] / medians["compiled, 1 worker"]
    print(f"two workers against one: {both:.2f}")


def floor(program: Path) -> float:
    """Trials a second of the C program."""
    out = subprocess.run(
        [str(program), str(TRIALS), "5"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"(\d+) trials/s", out)
    assert found is not None, out
    return float(found[1])


def engine(name: str, trials: int, jobs: int) -> float:
    """Trials a second of the engine on the default scenario, from parameters to columns."""
    result = raftfast.run(raftfast.Scenario.from_dict({}), trials, jobs=jobs, engine=name)
    return trials / result.elapsed_s


if __name__ == "__main__":
    main()
