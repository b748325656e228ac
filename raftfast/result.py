"""What a run gave: its samples, its summary, its digest, and what it broke."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from . import callbacks, sample_files, statistics
from . import engine as engines
from .batch import Batch, Progress, Worker, run_batch
from .core import words as w
from .errors import InputError
from .histograms import Histograms
from .parameters import Block, block
from .scenario import Scenario
from .version import VERSION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED_MAX = 2**64 - 1
_INVARIANTS = {
    w.TERM_WENT_BACK: "a term went back",
    w.VOTED_TWICE: "a server voted twice in one term",
    w.TWO_LEADERS: "two leaders in one term",
    w.NO_MAJORITY: "a leader without a majority of votes",
}
_AGAIN_MAX = 1000
# Every statistic is made of a whole column, a float64 a trial. Most runs need as much again to sort
# it, and keep some 20 bytes of all columns besides.
_BYTES_A_TRIAL = 8
_BYTES_USUAL = 40


def run(
    scenario: Scenario,
    trials: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    *,
    engine: str | None = None,
    strategy: object = None,
) -> Result:
    """Simulate a scenario and return its `Result`.

    `trials` and `seed` are the scenario's where they are None; `jobs` is the number of workers,
    all cores where it is None, and does not change the result; `progress(done, trials)` is called
    now and then; `engine` is "compiled" or "python", by default `raftfast.backend`. Trial k's
    outcome is a function of the scenario, the seed and k alone, stable within a minor version.

    `strategy` draws the timeouts instead: an object with a method `timeout_ms(draw)` (see
    `raftfast.callbacks.Draw`), which runs on the interpreted backend, or a compiled function of
    `raftfast.callbacks.SIGNATURE` (numba's cfunc, ctypes, Cython, scipy.LowLevelCallable) at full
    speed. Ranges, classes and backoff of the scenario hold as before.

    Raises InputError for a number out of range or more trials than this machine's memory can hold,
    RunError where a trial overflows a capacity.
    """
    if trials is not None:
        scenario = scenario.replace(trials=trials)
    if seed is not None:
        scenario = scenario.replace(seed=seed)
    if jobs is not None and jobs < 1:
        raise InputError(f"{jobs}: must be at least 1", key="jobs")
    check_memory(scenario.trials)
    engine = engine or (engines.PYTHON if callbacks.is_python(strategy) else engines.name())
    parameters = block(scenario)
    if strategy is not None:
        parameters = _with_strategy(parameters, strategy, engine)
    batch = run_batch(
        parameters, scenario.seed, scenario.trials, jobs=jobs, engine=engine, progress=progress
    )
    return Result(scenario, parameters, batch, engine)


def check_memory(trials: int, runs: int = 1) -> None:
    """Refuse before the runs what no memory could hold; the system would end it when that is full.

    What passes may still be too much: how much columns take is not known before. Raises InputError.
    """
    memory_bytes = _memory_bytes()
    needed_bytes = runs * trials * _BYTES_A_TRIAL
    if needed_bytes > memory_bytes:
        problem = (
            f"value {trials}: must be fewer, as a trial needs {_BYTES_A_TRIAL} bytes at the very "
            f"least ({_BYTES_USUAL} are usual), all of them {needed_bytes / 1e9:,.0f} GB, and this "
            f"machine has {memory_bytes / 1e9:,.0f} GB"
        )
        raise InputError(problem, key="trials")


def _memory_bytes() -> float:
    """The machine's memory, or infinity where the system does not tell.

    Not what is free of it: caches take what nobody needs, and give it back.
    """
    try:
        pages = os.sysconf("SC_PHYS_PAGES")
        page_bytes = os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, others not all names.
        return math.inf
    return pages * page_bytes if pages > 0 else math.inf


def _with_strategy(parameters: Block, strategy: object, engine: str) -> Block:
    if parameters.tick_ns > 0:
        raise InputError("goes by no ticks; timeouts.tick_ms must be 0", key="strategy")
    if engine == engines.PYTHON:
        return msgspec.structs.replace(parameters, own=callbacks.in_python(strategy))
    if callbacks.is_python(strategy):
        problem = "is written in Python, which the compiled backend does not call"
        raise InputError(f"{problem}; leave out the engine", key="strategy")
    return msgspec.structs.replace(parameters, own=callbacks.address(strategy))


class Result:
    """The outcome of `run`.

    `samples` maps each column to float64 values by trial, nan where there is none (an election
    that was censored, say); `elapsed_s` runs from the parameter block to filled columns; `events`
    counts deliveries and timers handled.
    """

    def __init__(self, scenario: Scenario, parameters: Block, batch: Batch, engine: str) -> None:
        self.scenario = scenario
        self.backend = engine
        self.elapsed_s = batch.elapsed_s
        self.events = batch.events
        self._columns = batch.columns
        self._parameters = parameters

    def extended(
        self, trials: int, jobs: int | None = None, progress: Progress | None = None
    ) -> Result:
        """The same run with so many trials in all, of which those that there are stay as they are.

        Equal to a run of that many; only the others are run now, and `progress` counts them.
        Raises InputError for fewer trials than there are, or more than memory can hold.
        """
        if trials < self.trials:
            problem = f"{trials}: must be at least the {self.trials} that there are"
            raise InputError(problem, key="trials")
        check_memory(trials)
        batch = run_batch(
            self._parameters,
            self.seed,
            trials,
            jobs=jobs,
            engine=self.backend,
            progress=progress,
            onto=self._columns.copy(),
        )
        whole = Batch(batch.columns, self.elapsed_s + batch.elapsed_s, self.events + batch.events)
        scenario = self.scenario.replace(trials=trials)
        return Result(scenario, self._parameters, whole, self.backend)

    @property
    def seed(self) -> int:
        """The seed of the draws."""
        return self.scenario.seed

    @property
    def trials(self) -> int:
        """How many elections were simulated."""
        return self.scenario.trials

    @property
    def samples(self) -> Mapping[str, NDArray[np.float64]]:
        """Every column by its name; each access makes the array anew."""
        return self._columns

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the columns: equal for equal scenario, seed and trials, on every backend
        and for any number of workers."""
        return self._columns.digest()

    @cached_property
    def censored(self) -> int:
        """How many trials reached the limit."""
        return self._columns.total("censored")

    @cached_property
    def violations(self) -> int:
        """How often Raft's safety was violated, over all trials."""
        return self._columns.total("violations")

    @cached_property
    def first_violation(self) -> int | None:
        """The first trial that violated safety, or None."""
        if not self.violations:
            return None
        return int((self.samples["violations"] > 0).argmax())

    @cached_property
    def broken(self) -> list[str]:
        """Which invariants were broken, found by running the violating trials again, the first
        thousand of them at most."""
        if self.first_violation is None:
            return []
        worker = Worker(self._parameters, self.backend)
        bits = 0
        for trial in self.samples["violations"].nonzero()[0][:_AGAIN_MAX]:
            worker.run(self.seed, int(trial), 1)
            bits |= worker.ensemble.safety.broken
        return [name for bit, name in _INVARIANTS.items() if bits & bit]

    def histograms(self) -> Histograms:
        """The distribution of every column, a few kilobytes of it, as a sweep keeps it."""
        return Histograms.from_blocks(self._columns.blocks(), self.backend)

    def summary(self) -> dict[str, Any]:
        """What `raftfast run --format json` prints, as a dict (see INTERFACE.md): strict JSON."""
        stop = self.scenario.stop
        metrics, rates = statistics.summary(self.samples, limit_ms=stop.limit_ms)
        if stop.on == "duration":
            mean_ms, sd_ms = statistics.moments(self.samples["unavailable_ms"])
            rates["availability"] = statistics.availability(
                self.trials, mean_ms, sd_ms, stop.duration_ms
            )
        return {
            "raftfast": {"version": VERSION, "backend": self.backend},
            "scenario": self.scenario.to_dict(),
            "seed": self.seed,
            "trials": self.trials,
            "censored": self.censored,
            "violations": self.violations,
            "digest": self.digest,
            "metrics": metrics,
            "rates": rates,
            "elapsed_s": self.elapsed_s,
            "trials_per_s": self.trials / self.elapsed_s,
            "events": self.events,
        }

    def write_samples(self, path: str | Path) -> None:
        """Write every trial's columns to a .csv, .npz or .parquet file (see `sample_files`)."""
        sample_files.write(self._columns, path)
