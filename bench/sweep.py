"""What a sweep costs beside the engine: `python bench/sweep.py`.

Two sweeps of elections like C0 on two workers, each a tenth of what it stands for: 10,000 points of
10,000 trials, where all but the engine may take 15 % of the engine's own time and 500 MB, and
100,000 points of 100 trials, where a point may cost 300 microseconds beside the engine.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from raftfast import Spec, sweep

WORKERS = 2
SHARE_MAX = 0.15
POINT_US_MAX = 300
MEMORY_MB_MAX = 500


def tables(points: int, trials: int) -> dict[str, Any]:
    """A spec of points like C0: 3 to 9 servers, ranges, latencies, loss."""
    rest = points // (7 * 2)
    return {
        "trials": trials,
        "sweep": {
            "cluster.nodes": [3, 4, 5, 6, 7, 8, 9],
            "timeouts.election_ms": [[150, 300], [200, 400]],
        },
        "sample": {
            "method": "latin-hypercube",
            "points": rest,
            "keys": {
                "network.loss": {"low": 0.0, "high": 0.05},
                "network.latency_ms": {"low": 1.0, "high": 10.0},
            },
        },
    }


def measure(name: str, points: int, trials: int) -> tuple[float, float, float]:
    """(overhead as a share of the engine's time, microseconds a point, MB) of one sweep."""
    of = Spec.from_dict(tables(points, trials))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.db"
        began = time.perf_counter()
        with sweep(of, path, jobs=WORKERS) as result:
            elapsed = time.perf_counter() - began
            engine = sum(part.elapsed_s for part in map(result.whole, range(of.size))) / WORKERS
        size = path.stat().st_size
    memory = sum(
        resource.getrusage(who).ru_maxrss / 1024 * count
        for who, count in ((resource.RUSAGE_SELF, 1), (resource.RUSAGE_CHILDREN, WORKERS))
    )
    share = (elapsed - engine) / engine
    point_us = (elapsed - engine) / of.size * 1e6
    print(
        f"{name}: {of.size:,} points of {trials:,}: {elapsed:.2f} s, the engine {engine:.2f} s on "
        f"each of {WORKERS} workers; beside it {100 * share:.1f} %, {point_us:.0f} us a point; "
        f"{memory:.0f} MB; file {size / of.size:,.0f} bytes a point"
    )
    return share, point_us, memory


def main() -> None:
    """Measure, and say what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="all of it, not a tenth")
    times = 10 if parser.parse_args().whole else 1
    share, _, memory = measure("many trials", 1_000 * times, 10_000)
    _, point_us, more = measure("many points", 10_000 * times, 100)
    assert share < SHARE_MAX, f"{share:.3f} of the engine's time, not {SHARE_MAX}"
    assert point_us < POINT_US_MAX, f"{point_us:.0f} us a point, not {POINT_US_MAX}"
    assert max(memory, more) < MEMORY_MB_MAX, f"{max(memory, more):.0f} MB, not {MEMORY_MB_MAX}"


if __name__ == "__main__":
    main()
