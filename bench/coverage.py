"""What the intervals of `raftfast compare` are worth: python bench/coverage.py [PART ...]

coverage: of intervals, on samples whose true differences are known (tests/known_pairs.py)
alarms: p < .05 where a scenario is compared with itself
power: how often a true change is found, and by how much pairing narrows the intervals
looks: p < .05 after up to eight looks at growing numbers of trials, as --until decided takes them
settling: how often the number of trials that is said to settle a difference does
speed: of one comparison of 100,000 trials a side
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from raftfast import Scenario, run
from raftfast.comparing import looks as sizes_of
from raftfast.comparison import Comparison, Trials, compare, find, judge
from raftfast.differences import ALPHA
from raftfast.metrics import choose
from tests.known_pairs import LAWS, tally

NARROW = {"timeouts": {"election_ms": [150, 200]}}
CENSORED = {"timeouts": {"election_ms": [150, 165]}, "stop": {"limit_ms": 500}}
DEFAULT: dict = {}
SHARED = 0.8
WAYS = ((None, 1.0), (None, 1.05), (0.5, 1.0), (0.9, 1.0), (0.9, 1.05), (0.99, 1.05))
"""How closely pairs are correlated (None: not at all), and how much larger the other side is."""


def main() -> None:
    """Print what is asked for; all of it if nothing is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--laws", nargs="+", default=list(LAWS))
    arguments = parser.parse_args()
    parts = {
        "coverage": lambda: coverage(arguments.laws, arguments.sizes, arguments.repetitions),
        "alarms": lambda: alarms(arguments.repetitions // 2),
        "power": lambda: power(arguments.repetitions // 10),
        "looks": lambda: looks(arguments.repetitions // 2),
        "settling": lambda: settling(arguments.repetitions // 2),
        "speed": speed,
    }
    asked = arguments.parts or list(parts)
    if unknown := [name for name in asked if name not in parts]:
        parser.error(f"no part {unknown[0]}; there are {', '.join(parts)}")
    for name in asked:
        print(f"## {name}", flush=True)
        parts[name]()


def coverage(laws: list[str], sizes: list[int], repetitions: int) -> None:
    """Coverage by law, size, pairing and effect; misses above and below, intervals left open."""
    designs = [(name, size, *way) for name in laws for size in sizes for way in WAYS]
    for seed, (name, size, pairing, factor) in enumerate(designs):
        kind = "unpaired" if pairing is None else f"paired {pairing}"
        print(f"{name}, {size} trials, {kind}, factor {factor}")
        found = tally(
            LAWS[name],
            size=size,
            factor=factor,
            pairing=pairing,
            repetitions=repetitions,
            seed=seed,
        )
        for metric, x in found.items():
            print(
                f"  {metric:22}{100 * x.coverage:7.1f} %"
                f"  above {100 * x.too_high / x.total:4.1f} %"
                f"  below {100 * x.too_low / x.total:4.1f} %"
                f"  open {100 * x.open_ended / x.total:5.1f} %",
                flush=True,
            )


def trials(scenario: dict, count: int, seed: int) -> Trials:
    return Trials.of(run(Scenario.from_dict(scenario), trials=count, seed=seed))


def partly_shared(reference: Trials, stranger: Trials, seed: int) -> Trials:
    """Trials of the same law as both, of which a share had the luck of the reference."""
    same = np.random.default_rng(seed).random(reference.samples["censored"].size) < SHARED
    samples = {
        name: np.where(same, values, stranger.samples[name])
        for name, values in reference.samples.items()
    }
    return Trials(samples, reference.limit_ms, reference.on, reference.duration_ms)


def alarms(repetitions: int) -> None:
    """False alarms by metric, and how often a whole comparison had one after correction.

    Of all comparisons: a quantile is there only if one side reached it, which is news by itself.
    """
    for scenario, count in ((DEFAULT, 20_000), (NARROW, 2000), (CENSORED, 2000)):
        for paired in (False, True):
            alarmed: Counter[str] = Counter()
            seen: Counter[str] = Counter()
            for i in range(repetitions):
                first = trials(scenario, count, 2 * i)
                other = trials(scenario, count, 2 * i + 1)
                if paired:
                    other = partly_shared(first, other, i)
                rows = compare(first, other, paired=paired, band=0.0)
                for row in rows:
                    seen[row.metric] += 1
                    alarmed[row.metric] += row.p < 0.05
                alarmed["any, corrected by Holm"] += any(row.p_corrected < 0.05 for row in rows)
            seen["any, corrected by Holm"] = repetitions
            kind = f"{SHARED:.0%} of luck shared" if paired else "unpaired"
            print(f"{scenario or 'the default'}, {count} trials, {kind}, {repetitions} times")
            for name, total in seen.items():
                print(
                    f"  {name:38}{100 * alarmed[name] / repetitions:6.1f} %"
                    f"  there {100 * total / repetitions:5.1f} %",
                    flush=True,
                )


def power(repetitions: int) -> None:
    """How often 100,000 trials find a true change, paired and not, and how wide they leave it."""
    count = 100_000
    changes = {
        "election_ms times 1.002": (None, 1.002, ("election_ms.mean", "election_ms.p50")),
        "election_ms times 1.01": (None, 1.01, ("election_ms.mean", "election_ms.p99")),
        "latency 0.18 ms longer (mean up 0.2 %)": (
            {"network": {"latency_ms": {"uniform": [1, 5], "plus": 0.18}}},
            1.0,
            ("election_ms.mean", "election_ms.p50"),
        ),
        "latency 1.2 ms longer (p99 up 1 %)": (
            {"network": {"latency_ms": {"uniform": [1, 5], "plus": 1.2}}},
            1.0,
            ("election_ms.mean", "election_ms.p99", "rate.contested_first_term"),
        ),
    }
    for name, (scenario, factor, metrics) in changes.items():
        found: Counter[tuple[str, bool]] = Counter()
        widths: dict[tuple[str, bool], list[float]] = {}
        differences: dict[str, list[float]] = {}
        for i in range(repetitions):
            first = trials(DEFAULT, count, 2 * i)
            for paired in (True, False):
                other = trials(scenario or DEFAULT, count, 2 * i + (not paired))
                samples = {
                    key: values * factor if key == "election_ms" else values
                    for key, values in other.samples.items()
                }
                other = Trials(samples, other.limit_ms)
                rows = {r.metric: r for r in compare(first, other, paired=paired, band=0.0)}
                for metric in metrics:
                    row = rows[metric]
                    found[metric, paired] += row.p_corrected < 0.05
                    widths.setdefault((metric, paired), []).append(width(row))
                    if paired:
                        differences.setdefault(metric, []).append(100 * (row.ratio - 1))
        print(f"{name}, {repetitions} times")
        for metric in metrics:
            with_luck, without = (np.mean(widths[metric, paired]) for paired in (True, False))
            print(
                f"  {metric:28} up {np.mean(differences[metric]):6.3f} %"
                f"  found paired {100 * found[metric, True] / repetitions:5.1f} %"
                f"  unpaired {100 * found[metric, False] / repetitions:5.1f} %"
                f"  intervals {without / with_luck:6.1f} times narrower",
                flush=True,
            )


def looks(repetitions: int) -> None:
    """A scenario against itself, other luck, looked at until it is decided: false alarms, and ends
    of intervals that leave out zero, as printed and as they would be with 5 % at every look."""
    start, most = 200, 25_600
    metrics = ("election_ms.mean", "election_ms.p99", "rate.split_first_term")
    sizes = sizes_of(start, most)
    for scenario in (DEFAULT, NARROW, CENSORED):
        told: Counter[str] = Counter()
        missed: Counter[str] = Counter()
        naive: Counter[str] = Counter()
        for i in range(repetitions):
            pair = [run(Scenario.from_dict(scenario), trials=most, seed=2 * i + k) for k in (0, 1)]
            columns = [{name: result.samples[name] for name in result.samples} for result in pair]
            seen: dict[str, set[str]] = {"told": set(), "missed": set(), "naive": set()}
            for size in sizes:
                sides = [
                    Trials(
                        {name: x[:size] for name, x in part.items()}, result.scenario.stop.limit_ms
                    )
                    for part, result in zip(columns, pair, strict=True)
                ]
                found = find(*sides, paired=False, chosen=choose(metrics), alpha=ALPHA / len(sizes))
                ((*rows,),) = judge([found], band=0.0, correction="none", looks=len(sizes))
                for row in rows:
                    low, high = row.ci95
                    name = row.metric.replace("restricted_", "")
                    if row.p_corrected < 0.05:
                        seen["told"].add(name)
                    if (low is not None and low > 0) or (high is not None and high < 0):
                        seen["missed"].add(name)
                    if row.p < 0.05:
                        seen["naive"].add(name)
            told.update(seen["told"])
            missed.update(seen["missed"])
            naive.update(seen["naive"])
        print(f"{scenario or 'the default'}, {len(sizes)} looks, {start} to {most} trials, "
              f"{repetitions} times")  # fmt: skip
        for name in metrics:
            shares = [100 * count[name] / repetitions for count in (told, missed, naive)]
            print("  {:28} told apart {:4.1f} %  zero left out {:4.1f} %  at 5 % a look {:4.1f} %"
                  .format(name, *shares), flush=True)  # fmt: skip


def width(row: Comparison) -> float:
    low, high = row.ci95
    return np.nan if low is None or high is None else high - low


def settling(repetitions: int) -> None:
    """Undecided comparisons, again with as many trials as were said to be needed."""
    start = 2000
    changed = {"network": {"latency_ms": {"uniform": [1, 5], "plus": 1.2}}}
    asked: Counter[str] = Counter()
    settled: Counter[str] = Counter()
    for i in range(repetitions):
        rows = compare(trials(DEFAULT, start, i), trials(changed, start, i), correction="none")
        for row in rows:
            if row.verdict == "undecided" and row.more_trials and row.more_trials < 200_000:
                count = start + row.more_trials
                seed = 10_000 + i
                pair = trials(DEFAULT, count, seed), trials(changed, count, seed)
                again = {x.metric: x for x in compare(*pair, correction="none")}[row.metric]
                asked[row.metric] += 1
                settled[row.metric] += again.verdict != "undecided"
        if asked.total() >= repetitions:
            break
    for metric, total in asked.items():
        print(f"  {metric:38}{settled[metric]:5} of {total:5} settled")


def speed() -> None:
    """Seconds a comparison takes, the best of seven."""
    count = 100_000
    for scenario in (DEFAULT, NARROW, CENSORED):
        for seed in (1, 2):
            pair = trials(scenario, count, 1), trials(scenario, count, seed)
            if seed == 1:
                changed = {**scenario, "network": {"latency_ms": {"uniform": [1, 5], "plus": 0.2}}}
                pair = pair[0], trials(changed, count, 1)
            taken = []
            for _ in range(7):
                begun = time.perf_counter()
                rows = compare(*pair)
                taken.append(time.perf_counter() - begun)
            kind = "paired" if seed == 1 else "unpaired"
            print(f"  {scenario or 'the default'}, {kind}, {len(rows)} metrics: {min(taken):.3f} s")


if __name__ == "__main__":
    main()
