"""Published numbers beside simulated ones: python bench/published.py [SECTION ...]

The rows, their sources and their gates are those the tests use: tests/published_rows.py. A number
in brackets is not printed in its source, but follows from the formula there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.published_checks import Case, Check, Errors, Measured, Percent
from tests.published_rows import SECTIONS

HEAD = ("case", "quantity", "published", "simulated", "deviation", "gate", "")
RIGHT = {2, 3, 4, 5}


def main() -> None:
    """Print a table a section; exit 1 where a gate does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="of 1 to 5; all if none")
    asked = parser.parse_args().sections or list(SECTIONS)
    if unknown := [name for name in asked if name not in SECTIONS]:
        parser.error(f"no section {unknown[0]}; there are {', '.join(SECTIONS)}")
    held = [show(name) for name in asked]
    sys.exit(not all(held))


def show(section: str) -> bool:
    """Run a section's cases and print its table; whether every gate held."""
    title, cases = SECTIONS[section]
    print(f"## {section}. {title}\n")
    lines, held = [], True
    for case in cases:
        samples = case.samples()
        for check in case.checks:
            measured = check.measure(samples)
            held &= check.passes(measured)
            lines.append(line(case, check, measured))
    print_table([HEAD, *lines])
    trials = sorted({f"{case.trials:,}" for case in cases})
    print(f"\n{' or '.join(trials)} trials a case.\n")
    return held


def line(case: Case, check: Check, measured: Measured) -> tuple[str, ...]:
    """The cells of a check."""
    gate, off = check.gate, check.deviation(measured)
    published = f"({check.expected:.5g})" if check.printed is None else f"{check.printed:.6g}"
    if isinstance(gate, Errors):
        source = f", published +- {gate.published:g}" if gate.published else ""
        far, limit = f"{off:+.2f} se", f"{gate.width:g} se{source}"
    elif isinstance(gate, Percent):
        far, limit = f"{off:+.1f} %", "none" if gate.limit is None else f"{gate.limit:g} %"
    else:
        far, limit = f"{off:.3g}", f"<= {gate.limit:g}"
    verdict = "" if limit == "none" else "ok" if check.passes(measured) else "FAILS"
    return (case.name, check.quantity, published, f"{measured[0]:.5g}", far, limit, verdict)


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Print rows as a table in Markdown, the first of them its head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for at, row in enumerate(rows):
        cells = (
            f"{cell:>{width}}" if place in RIGHT else f"{cell:<{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print(f"| {' | '.join(cells)} |")
        if at == 0:
            rules = (
                f"{'-' * (width + 1)}:" if place in RIGHT else "-" * (width + 2)
                for place, width in enumerate(widths)
            )
            print(f"|{'|'.join(rules)}|")


if __name__ == "__main__":
    main()
