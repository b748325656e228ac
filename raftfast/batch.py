"""Trials over workers: threads for the compiled engine, processes for the interpreted one."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import engine as engines
from .columns import BLOCK, COLUMNS, Columns
from .core import words as w
from .errors import RunError
from .parameters import Block

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Progress = Callable[[int, int], None]
"""Called in the caller's thread now and then with the trials done and the trials asked for."""

CHUNK_MAX = BLOCK
CHUNK_SECONDS = 0.1
QUEUE_LIMIT = 1 << 22
TERMS_LIMIT = 1 << 22
_FIRST_CAPACITY = 1024
_SMALL_NODES = 101
_SMALL_POOL = 10_000
_POLL_SECONDS = 0.1
_WORTH_A_PROCESS = 2000


@dataclass(frozen=True)
class Batch:
    """What a batch gave: its columns, how long it took and how many events it handled."""

    columns: Columns
    elapsed_s: float
    events: int


class Worker:
    """One engine and its capacities, which grow when a trial needs more, up to a limit."""

    def __init__(self, block: Block, engine: str, journal: int = 1) -> None:
        self.block = block
        self.engine = engine
        self.queue = self.terms = _FIRST_CAPACITY
        self.journal = journal
        self.stopped = False
        self.buffer: NDArray[np.int64] | None = None
        self.build()

    def build(self) -> None:
        """A new ensemble of the present capacities."""
        make = engines.room(self.engine, "ensemble").Ensemble
        self.ensemble: Any = make(self.block, self.queue, self.terms, self.journal)
        if self.journal > 1:
            self.ensemble.journal.open()
        if self.stopped:
            self.ensemble.cancel()

    def turn_to(self, block: Block) -> None:
        """Run trials of this block, which `are_alike` with the one before, from now on."""
        self.block = block
        self.ensemble.take_numbers(block)

    def is_small(self) -> bool:
        """Whether it takes a few megabytes at most: it never had to grow, nor has large laws."""
        return (
            self.queue == self.terms == _FIRST_CAPACITY
            and self.block.nodes <= _SMALL_NODES
            and len(self.block.pool) <= _SMALL_POOL
        )

    def stop(self) -> None:
        """Let `run` return soon, with what it has. May be called by another thread."""
        self.stopped = True
        self.ensemble.cancel()

    def run(self, seed: int, first: int, count: int) -> tuple[NDArray[np.int64], int]:
        """Columns x count values of the engine, and the events handled; RunError on an overflow.

        Fewer than `count` values only after `stop`. The values hold until the next call.
        """
        import numpy as np

        parts = []
        events = 0
        done = 0
        while True:
            part = self.room_for(count - done)
            before = self.ensemble.events
            ran = self.ensemble.run(
                seed, first + done, count - done, memoryview(part.reshape(-1).data)
            )
            events += self.ensemble.events - before
            done += ran
            if ran == count:
                return part, events
            parts.append(part[:, :ran].copy())
            if done == count or self.stopped:
                return np.concatenate(parts, axis=1), events
            self.grow(first + done)

    def room_for(self, count: int) -> NDArray[np.int64]:
        """Columns x count values to write to, in the same memory every time: fresh memory costs
        more than a trial."""
        import numpy as np

        wanted = len(COLUMNS) * count
        if self.buffer is None or len(self.buffer) < wanted:
            self.buffer = np.empty(wanted, dtype=np.int64)
        return self.buffer[:wanted].reshape(len(COLUMNS), count)

    def grow(self, trial: int) -> None:
        """More of what `trial` ran out of; RunError where the limit is reached."""
        status = self.ensemble.status
        if status == w.TERMS_FULL:
            if self.terms >= TERMS_LIMIT:
                raise RunError(f"trial {trial}: more than {TERMS_LIMIT:,} terms")
            self.terms = min(8 * self.terms, TERMS_LIMIT)
        elif status == w.JOURNAL_FULL:
            self.journal *= 8
        else:
            if self.queue >= QUEUE_LIMIT:
                raise RunError(
                    f"trial {trial}: more than {QUEUE_LIMIT:,} messages in flight or waiting; "
                    "are the servers slower (node.process_ms, node.persist_ms) than what they get?"
                )
            self.queue = min(8 * self.queue, QUEUE_LIMIT)
        self.build()


def run_batch(
    block: Block,
    seed: int,
    trials: int,
    *,
    jobs: int | None = None,
    engine: str | None = None,
    progress: Progress | None = None,
    onto: Columns | None = None,
) -> Batch:
    """Run trials 0 .. trials - 1; the result does not depend on `jobs` or `engine`.

    `onto` holds the first of these trials: they are not run again, and it gets the others.

    Raises RunError where a trial overflows a capacity, KeyboardInterrupt soon after Ctrl-C.
    """
    engine = engine or engines.name()
    columns = Columns() if onto is None else onto
    left = trials - columns.trials
    jobs = max(1, min(jobs or os.cpu_count() or 1, left))
    report = progress or (lambda done, total: None)
    start = time.perf_counter()
    if engine == engines.COMPILED:
        events = _run_threads(block, seed, trials, jobs, report, columns)
    elif jobs == 1 or left < _WORTH_A_PROCESS:
        events = _run_here(block, seed, trials, report, columns)
    else:
        events = _run_processes(block, seed, trials, jobs, report, columns)
    return Batch(columns, time.perf_counter() - start, events)


class Chunks:
    """Hands out the trials from `first` on to whoever asks, as many as take about CHUNK_SECONDS.

    No chunk has trials of two blocks: what is chunk and block in one is hashed as it is kept.
    """

    def __init__(self, trials: int, first: int = 0) -> None:
        self.trials = trials
        self.next = first
        self.lock = threading.Lock()

    def take(self, rate: float) -> tuple[int, int]:
        """(first, count) for a worker that runs `rate` trials a second; count 0 at the end."""
        with self.lock:
            first = self.next
            wanted = max(1, min(int(rate * CHUNK_SECONDS), CHUNK_MAX))
            count = min(wanted, self.trials - first, BLOCK - first % BLOCK)
            self.next += count
            return first, count


def _measured(
    chunks: Chunks, worker: Worker, seed: int
) -> Iterator[tuple[int, NDArray[np.int64], int]]:
    """Run chunk after chunk on one worker: (first, values, events) of each."""
    rate = 160.0 / CHUNK_SECONDS
    while not worker.stopped:
        first, count = chunks.take(rate)
        if count == 0:
            return
        began = time.perf_counter()
        values, events = worker.run(seed, first, count)
        if worker.stopped:
            return
        rate = values.shape[1] / max(time.perf_counter() - began, 1e-6)
        yield first, values, events


def _run_here(block: Block, seed: int, trials: int, report: Progress, columns: Columns) -> int:
    begun = columns.trials
    chunks = Chunks(trials, begun)
    total = done = 0
    for first, values, events in _measured(chunks, Worker(block, engines.PYTHON), seed):
        columns.add(first, values)
        total += events
        done += values.shape[1]
        report(done, trials - begun)
    return total


class _Thread(threading.Thread):
    """One worker's thread; what it raised is kept for the caller."""

    def __init__(self, chunks: Chunks, block: Block, seed: int, columns: Columns) -> None:
        super().__init__(daemon=True)
        self.chunks = chunks
        self.worker = Worker(block, engines.COMPILED)
        self.seed = seed
        self.columns = columns
        self.done = 0
        self.events = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for first, values, events in _measured(self.chunks, self.worker, self.seed):
                self.columns.add(first, values)
                self.done += values.shape[1]
                self.events += events
        except BaseException as error:
            self.error = error


def _run_threads(
    block: Block, seed: int, trials: int, jobs: int, report: Progress, columns: Columns
) -> int:
    begun = columns.trials
    chunks = Chunks(trials, begun)
    threads = [_Thread(chunks, block, seed, columns) for _ in range(jobs)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(_POLL_SECONDS)
                report(sum(one.done for one in threads), trials - begun)
                if any(one.error for one in threads):
                    break
    finally:
        # On an interrupt, or when one failed, the others must not run on.
        for thread in threads:
            thread.worker.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    for thread in threads:
        if thread.error is not None:
            raise thread.error
    return sum(thread.events for thread in threads)


_worker: Worker | None = None


def _open_process(block: Block) -> None:
    """A worker process begins: Ctrl-C is the parent's to handle, who then asks it to stop.

    It must not die of that: half a result in the pipe would keep the parent waiting for the rest.
    """
    global _worker  # noqa: PLW0603 - one engine a process, made once
    worker = _worker = Worker(block, engines.PYTHON)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: worker.stop())


def _run_in_process(seed: int, first: int, count: int) -> tuple[int, NDArray[np.int64], int]:
    assert _worker is not None
    values, events = _worker.run(seed, first, count)
    return first, values, events


def _run_processes(
    block: Block, seed: int, trials: int, jobs: int, report: Progress, columns: Columns
) -> int:
    begun = columns.trials
    # A forked worker needs no importable main module, so a plain script can call raftfast.run.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    size = max(1, min(1000, (trials - begun) // (4 * jobs)))
    starts = iter(range(begun, trials, size))
    total = done = 0
    pool = ProcessPoolExecutor(
        jobs, multiprocessing.get_context(method), initializer=_open_process, initargs=(block,)
    )
    try:
        pending: set[Future[tuple[int, NDArray[np.int64], int]]] = set()
        while True:
            for first in itertools.islice(starts, 2 * jobs - len(pending)):
                count = min(size, trials - first)
                pending.add(pool.submit(_run_in_process, seed, first, count))
            if not pending:
                return total
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                first, values, events = future.result()
                columns.add(first, values)
                total += events
                done += values.shape[1]
            report(done, trials - begun)
    except BrokenProcessPool:
        raise RunError("a worker process died; was there enough memory?") from None
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
