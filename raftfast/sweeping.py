"""Runs a sweep: points over workers, kept in a file as they finish, so that it can go on later."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import rows
from .cells import Row, Said, rows_of
from .columns import BLOCK
from .errors import InputError, RunError
from .executors import Executor, make
from .histograms import Histograms, merge
from .plan import Plan
from .points import Outcome, Piece
from .results import SweepResult
from .spec import Spec
from .store import Part, Store, as_cell
from .version import VERSION

TASK_S = 0.5
"""How long a task keeps a worker busy, about: what is lost at most when it dies."""

ATTEMPTS_MAX = 3
"""How often workers may die of a point before it counts as failed."""

_COMMIT_S = 0.5
_HURRY_S = 0.7
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Progress:
    """How far a sweep has come, counted over its points, or those of its shard.

    `trials` are those run this time, of finished points and others; `failed` points are not done.
    """

    points: int
    done: int
    failed: int
    trials: int


Report = Callable[[Progress], None]
"""Called in the caller's thread now and then."""


def sweep(
    spec: Spec | str | os.PathLike[str] | Mapping[str, Any],
    path: str | os.PathLike[str] | None = None,
    *,
    jobs: int | None = None,
    executor: str = "processes",
    scheduler: str | None = None,
    shard: tuple[int, int] | None = None,
    samples: bool = False,
    fail_fast: bool = False,
    progress: Report | None = None,
) -> SweepResult:
    """Run the points of a sweep and return its `SweepResult`, the results file opened to read.

    `spec` is a `Spec`, a spec's file, or its tables. `path` is the results file: a new one, or one
    of the same spec, which is gone on with; more trials than it has are added to every point. None
    keeps the results in memory. `executor` is "processes", "threads" or "dask", with the address
    of a `scheduler`; results are the same with each, for any number of `jobs`. `shard` (k, n) runs
    every n-th point from the k-th on (k from 1), for `merge`. `samples` keeps every trial's
    columns. A point that fails is noted and left, unless `fail_fast`.

    Raises InputError for a bad spec or a file of another, RunError where the file cannot be
    written or (`fail_fast`) a point failed, KeyboardInterrupt soon after Ctrl-C. Whatever way it
    ends, the file holds what was finished.
    """
    if not isinstance(spec, Spec):
        spec = Spec.from_dict(spec) if isinstance(spec, Mapping) else Spec.load(spec)
    spec.validate()
    points = shard_of(spec.size, shard)
    store = open_for(spec, path)
    try:
        store.lock()
        store.set_spec(_stored(spec))
        with _running(store, spec, jobs, executor, scheduler, samples) as workers:
            _Sweep(spec, store, workers, points, fail_fast, progress).run()
    except BaseException:
        store.close()
        raise
    # Whoever keeps the results open may add trials to them.
    store.unlock()
    return SweepResult(store)


def shard_of(size: int, shard: tuple[int, int] | None) -> range:
    """The points of shard (k, n) of so many. Raises InputError for a shard that there is not."""
    if shard is None:
        return range(size)
    k, n = shard
    if not 1 <= k <= n:
        raise InputError(f"{k}/{n}: must be K/N with K from 1 to N", key="--shard")
    return range(k - 1, size, n)


def open_for(spec: Spec, path: str | os.PathLike[str] | None) -> Store:
    """The results file of a spec, made where there is none.

    Raises InputError where the file is of another spec, and says what differs.
    """
    if path is None or not os.path.exists(path) or os.path.getsize(path) == 0:
        meta = {
            "spec": _stored(spec),
            "fingerprint": spec.fingerprint(),
            "name": spec.name,
            "version": VERSION,
        }
        return Store.create(path or ":memory:", meta, rows.header(spec.keys))
    store = Store.open(path, write=True)
    meta = store.meta()
    if meta["fingerprint"] != spec.fingerprint():
        store.close()
        there = Spec.from_resolved(json.loads(meta["spec"]))
        differences = "; ".join(there.differences(spec))
        problem = f"holds another sweep ({differences}); give another file with -o"
        raise InputError(problem, source=os.fspath(path))
    if minor(meta["version"]) != minor(VERSION):
        store.close()
        problem = (
            f"was begun by raftfast {meta['version']}, whose draws may differ from {VERSION}'s"
        )
        raise InputError(f"{problem}; give another file with -o", source=os.fspath(path))
    return store


def _stored(spec: Spec) -> str:
    return json.dumps(spec.to_dict(), allow_nan=False)


def minor(version: str) -> str:
    """The part of a version within which digests are stable."""
    return ".".join(version.split(".")[:2])


@contextmanager
def _running(
    store: Store, spec: Spec, jobs: int | None, kind: str, scheduler: str | None, samples: bool
) -> Iterator[Executor]:
    workers = make(
        kind,
        spec,
        jobs,
        samples=samples,
        scheduler=scheduler,
        in_child=store.unlock,
    )
    try:
        yield workers
    finally:
        workers.close()


@dataclass
class _Task:
    pieces: list[Piece]
    attempts: int = 1
    alone: bool = False


@dataclass
class _Unsaved:
    """What came in since the last commit."""

    rows: dict[int, list[Any]] = field(default_factory=dict)
    wholes: dict[int, Part] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    samples: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    failures: list[tuple[int, str]] = field(default_factory=list)


class _Sweep:
    """One time of working on a sweep."""

    def __init__(
        self,
        spec: Spec,
        store: Store,
        workers: Executor,
        points: range,
        fail_fast: bool,
        report: Report | None,
    ) -> None:
        self.spec = spec
        self.store = store
        self.workers = workers
        self.points = points
        self.fail_fast = fail_fast
        self.report = report or (lambda progress: None)
        self.plan = Plan(spec, points, store)
        self.names = rows.header(spec.keys)
        self.pending: dict[Future[list[Outcome]], _Task] = {}
        self.suspects: list[_Task] = []
        self.unsaved = _Unsaved()
        done = store.trials()
        self.done = {p for p in points if done.get(p, 0) >= spec.trials}
        self.failed: set[int] = set()
        self.trials = 0
        self.finished = 0
        self.began = self.saved = time.monotonic()
        facts = (workers.workers, VERSION, workers.backend, _machine())
        self.facts = facts

    def run(self) -> None:
        """Run all that is left to run."""
        try:
            while True:
                self._hand_out()
                if not self.pending:
                    break
                done, _ = wait(self.pending, timeout=_COMMIT_S, return_when=FIRST_COMPLETED)
                for future in done:
                    self._receive(future)
                if time.monotonic() - self.saved > _COMMIT_S:
                    self._save()
                self._tell()
        except KeyboardInterrupt:
            self._hurry()
            raise
        finally:
            try:
                self._save()
            except KeyboardInterrupt:
                self._save()
                raise
            self._tell()

    def _tell(self) -> None:
        self.report(Progress(len(self.points), len(self.done), len(self.failed), self.trials))

    def _hand_out(self) -> None:
        """Keep every worker busy, and one task a worker waiting."""
        if self.suspects and not self.pending:
            self._submit(self.suspects.pop())
        while not any(task.alone for task in self.pending.values()) and not self.suspects:
            if len(self.pending) >= 2 * self.workers.workers:
                break
            pieces = self.plan.take(TASK_S, self.workers.workers)
            if not pieces:
                break
            self._submit(_Task(pieces))

    def _submit(self, task: _Task) -> None:
        self.pending[self.workers.submit(task.pieces)] = task

    def _receive(self, future: Future[list[Outcome]]) -> None:
        task = self.pending.pop(future)
        try:
            outcomes = future.result()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) or not self.workers.died(error):
                raise
            self._try_again(task)
            return
        for outcome in outcomes:
            self._take(outcome)
        # A worker that somebody stopped hands back what it has.
        there = {outcome.piece for outcome in outcomes}
        if left := [piece for piece in task.pieces if piece not in there]:
            self._submit(_Task(left))
        if outcomes:
            elapsed = sum(outcome.elapsed_s for outcome in outcomes)
            self.plan.note_rate(sum(outcome.piece.trials for outcome in outcomes), elapsed)

    def _try_again(self, task: _Task) -> None:
        """A worker died: its task is run again, after some such deaths piece by piece, alone."""
        if task.alone:
            died = "a worker process died of it, twice alone; was there enough memory?"
            if task.attempts < 2:
                self.suspects.append(_Task(task.pieces, task.attempts + 1, alone=True))
            else:
                self._take(Outcome(task.pieces[0], error=died))
        elif task.attempts < ATTEMPTS_MAX:
            self._submit(_Task(task.pieces, task.attempts + 1))
        else:
            # One death takes all pieces under way with it: only one that runs alone can be blamed.
            self.suspects += [_Task([piece], alone=True) for piece in task.pieces]

    def _take(self, outcome: Outcome) -> None:
        index = outcome.piece.point
        point = self.plan.open.get(index)
        if point is None:  # It failed in another piece.
            return
        if outcome.error is not None:
            self.plan.drop(index)
            self.failed.add(index)
            self.done.discard(index)
            self.unsaved.failures.append((index, outcome.error))
            if self.fail_fast:
                raise RunError(f"point {index}: {outcome.error}")
            return
        self.trials += outcome.piece.trials
        self.unsaved.samples += [(index, *columns) for columns in outcome.columns]
        part = Part(
            index,
            outcome.piece.first,
            outcome.piece.trials,
            outcome.record,
            outcome.blocks,
            outcome.elapsed_s,
            outcome.events,
        )
        point.add(part)
        if point.upto < point.target:
            self.unsaved.parts.append(part)
        else:
            # A worker works the statistics out where it had all of the point.
            self._finish(index, point.parts, outcome.row if len(point.parts) == 1 else None)

    def _finish(self, index: int, parts: Sequence[Part], found: Row | None) -> None:
        """All of a point's trials are there."""
        whole = parts[0]
        if found is None:
            whole, record = joined(parts)
            scenario = self.spec.scenario(index)
            (found,) = rows_of([Said(record, whole.trials, _blocks(whole.blocks), scenario)])
        values = self.spec.point(index).values
        row = [index, *(as_cell(values.get(key)) for key in self.spec.keys), *found.cells()]
        self.unsaved.rows[index] = row
        self.unsaved.wholes[index] = whole
        self.unsaved.parts = [part for part in self.unsaved.parts if part.point != index]
        self.done.add(index)
        self.finished += 1
        self.plan.close(index, whole, self.names, row)

    def _save(self) -> None:
        """Commit what came in; where that is interrupted, it is still to be committed."""
        unsaved = self.unsaved
        with self.store.writing():
            self.store.finish(unsaved.rows.values(), list(unsaved.wholes.values()))
            self.store.keep_parts(unsaved.parts)
            self.store.keep_samples(unsaved.samples)
            self.store.forgive(self.plan.enough)
            self.store.fail(unsaved.failures)
            elapsed = time.monotonic() - self.began
            self.store.note_session(elapsed, self.finished, self.trials, self.facts)
        self.unsaved = _Unsaved()
        self.plan.enough.clear()
        self.saved = time.monotonic()

    def _hurry(self) -> None:
        """Interrupted: take what the workers have finished, if they hand it back soon."""
        self.workers.stop()
        done, _ = wait(self.pending, timeout=_HURRY_S)
        for future in done:
            if future.exception() is None:
                for outcome in future.result():
                    self._take(outcome)


def joined(parts: Sequence[Part]) -> tuple[Part, Histograms]:
    """The parts of a point, which follow one another from trial 0 on, as one."""
    first = parts[0]
    record = Histograms.from_bytes(first.record)
    if len(parts) == 1:
        return first, record
    record = merge([record, *(Histograms.from_bytes(part.record) for part in parts[1:])])
    blocks = first.blocks
    for part in parts[1:]:
        # A part that begins within a block has the digest of that whole block.
        blocks = blocks[: part.first // BLOCK * _DIGEST_BYTES] + part.blocks
    trials = parts[-1].first + parts[-1].trials
    elapsed = sum(part.elapsed_s for part in parts)
    events = sum(part.events for part in parts)
    return Part(first.point, 0, trials, record.to_bytes(), blocks, elapsed, events), record


def _blocks(digests: bytes) -> list[bytes]:
    return [digests[i : i + _DIGEST_BYTES] for i in range(0, len(digests), _DIGEST_BYTES)]


def _machine() -> str:
    # Without what `platform.platform` adds: it starts a process to ask for the processor.
    kind = f"{platform.system()}-{platform.release()}-{platform.machine()}"
    return f"{platform.node()}, {kind}, {os.cpu_count()} cores"
