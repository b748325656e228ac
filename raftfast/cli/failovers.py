"""`raftfast compare --measured`: failover times of a real cluster against a scenario."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..errors import InputError
from .options import Source


def against(
    words: Sequence[str],
    below: Source,
    path: str,
    trials: int | None,
    seed: int | None,
    jobs: int | None,
    form: str,
    mode: str,
    quiet: bool,
) -> bool:
    """Simulate the one scenario that `words` and `below` say, and hold the file's times against it.

    Returns whether safety was violated. Raises InputError for more than one scenario, one in which
    nobody fails over, and a file that cannot be read.
    """
    import raftfast

    from ..measured import against_measured, read_measured
    from . import fit
    from .progress import reporting
    from .run import accuse, advise
    from .show import write, write_csv, write_json
    from .variants import sides_of

    if len(words) > 1:
        problem = f"goes with one scenario, not {len(words)}"
        raise InputError(problem, key="--measured")
    (side,) = sides_of(words, below)
    measured = read_measured(path)
    scenario = side.load()
    if scenario.stop.on == "duration":
        problem = "needs a scenario that ends with one failover, not one that lasts; such as "
        raise InputError(f"{problem}--scenario leader-crash", key="--measured")
    if scenario.scenario.kind == "cold-start" and not quiet:
        click.echo(
            f"raftfast: {side.name} is a cold start; failovers are of a leader that crashes: "
            "--scenario leader-crash",
            err=True,
        )
    if not quiet:
        advise()
    wanted = scenario.trials if trials is None else trials
    with reporting("none" if quiet else mode, wanted) as progress:
        result = raftfast.run(scenario, trials, seed, jobs, progress)
    found = against_measured(
        measured, result.samples["election_ms"], limit_ms=scenario.stop.limit_ms
    )
    facts = [
        f"{path} against {side.name}: {scenario.cluster.nodes} servers, {scenario.scenario.kind}, "
        f"stop on {scenario.stop.on}, {result.trials:,} trials, seed {result.seed}"
    ]
    again = ["raftfast", "compare", "--measured", path, *side.source.words()]
    again += ["-n", str(result.trials), "-s", str(result.seed)]
    if form == "json":
        write_json({"measured_file": path, "scenario": side.name, "trials": result.trials,
                    "seed": result.seed, "digest": result.digest, **found.to_dict()})  # fmt: skip
    elif form == "csv":
        write_csv(fit.CSV_HEADER, fit.csv_rows(found))
    elif form == "md":
        write(fit.markdown_table(found, facts, again))
    else:
        write(fit.table(found, facts, again))
    if result.violations:
        accuse(result, side.source)
    return bool(result.violations)
