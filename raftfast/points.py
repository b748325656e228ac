"""What a worker of a sweep does: some trials of some points, and what it hands back."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import engine as engines
from .batch import Worker
from .cells import Row, Said, rows_of
from .columns import BLOCK, folded_digest, weighted_sums
from .errors import RaftfastError
from .histograms import Histograms, Reading, count_block, fold_sums, open_tally, pack_all
from .parameters import Block, are_alike, block
from .samples import pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .scenario import Scenario
    from .spec import Spec


_KEPT = 8  # workers, for the next point that is alike
_BLOCKS = 256  # of a piece, which wait for their digests
_FAILURES = (RaftfastError, MemoryError)  # of a point, which the others may not have
_FREED = 31 << 20  # below the 32 MiB up to which glibc learns from it


class Piece(NamedTuple):
    """Trials first .. first + trials - 1 of a point."""

    point: int
    first: int
    trials: int


class Outcome(NamedTuple):
    """What became of a piece: its distribution and block digests, or the error.

    `blocks` are the digests of the blocks that trials first .. first + trials - 1 are in, the first
    block from its beginning. `row` is the point's, if the piece is the
    point. `columns` are packed samples by first trial, where they were asked for.
    """

    piece: Piece
    record: bytes = b""
    blocks: bytes = b""
    elapsed_s: float = 0.0
    events: int = 0
    row: Row | None = None
    columns: tuple[tuple[int, int, bytes], ...] = ()
    error: str | None = None


class Runner:
    """Runs pieces one after the other, until it is told to stop."""

    def __init__(self, spec: Spec, engine: str | None = None, samples: bool = False) -> None:
        self.spec = spec
        self.engine = engine or engines.name()
        self.samples = samples
        self.stopped = threading.Event()
        self._worker: Worker | None = None
        self._kept: list[Worker] = []
        self._buffer: NDArray[np.int64] | None = None
        self._tally = open_tally(self.engine)
        self._sums = np.empty(BLOCK, dtype=np.uint64)
        # Memory that is freed then stays with the process, and is not had again from the kernel
        # page by page: glibc keeps pieces up to the largest that it has seen freed.
        np.empty(_FREED, dtype=np.uint8)

    def stop(self) -> None:
        """Let `run` return soon, with what it has finished. May be called by another thread."""
        self.stopped.set()
        worker = self._worker
        if worker is not None:
            worker.stop()

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """The outcomes of the pieces; fewer after `stop`.

        What can be is done for all pieces in a row: the engine fills the caches, and between two of
        its runs everything else takes twice as long.
        """
        outcomes: list[Outcome] = []
        groups: list[list[_Prepared]] = []
        for piece in pieces:
            try:
                scenario = self.spec.scenario(piece.point)
                one = _Prepared(piece, scenario, block(scenario))
            except _FAILURES as error:
                outcomes.append(_failed(piece, error))
                continue
            group = next((some for some in groups if are_alike(some[0].block, one.block)), None)
            if group is None:
                groups.append([one])
            else:
                group.append(one)
        done = []
        for group in groups:
            done += self._simulate_alike(group, outcomes)
        return outcomes + _outcomes(done)

    def _simulate_alike(
        self, group: Sequence[_Prepared], outcomes: list[Outcome]
    ) -> list[tuple[Scenario, _Trials]]:
        """The trials of points whose blocks are alike; what fails is an outcome."""
        done = []
        worker = None
        for piece, scenario, parameters in group:
            if self.stopped.is_set():
                break
            try:
                worker = self._worker_for(parameters, worker)
                if trials := self._simulate(worker, piece, scenario.seed):
                    done.append((scenario, trials))
            except _FAILURES as error:
                worker = None  # What failed is not used again.
                outcomes.append(_failed(piece, error))
        if worker is not None:
            self._kept = [worker, *self._kept[: _KEPT - 1]]
        return done

    def _simulate(self, worker: Worker, piece: Piece, seed: int) -> _Trials | None:
        """The trials of a piece, None where it was stopped."""
        self._worker = worker
        if self.stopped.is_set():
            return None
        tally = self._tally
        tally.clear()
        digests: list[bytes] = []
        folded: list[NDArray[np.uint64]] = []
        columns = []
        events = 0
        elapsed = 0.0
        end = piece.first + piece.trials
        for start in range(piece.first - piece.first % BLOCK, end, BLOCK):
            count = min(BLOCK, end - start)
            began = time.perf_counter()
            values, handled = worker.run(seed, start, count)
            elapsed += time.perf_counter() - began
            if values.shape[1] < count:
                return None
            folded.append(self._count(values, max(piece.first - start, 0)))
            if len(folded) == _BLOCKS:
                digests += map(folded_digest, folded)
                folded.clear()
            events += handled
            if self.samples:
                columns.append((start, count, pack(values)))
        self._buffer = worker.buffer
        return _Trials(piece, Reading.of(tally), digests, folded, elapsed, events, columns)

    def _worker_for(self, parameters: Block, last: Worker | None) -> Worker:
        """A worker for these parameters: the last one, which is alike, or one from before that can
        be turned to them, or a new one.

        The points of a sweep often differ in numbers alone, or take turns in what else they have.
        """
        if last is not None:
            last.turn_to(parameters)
            return last
        alike = next((one for one in self._kept if are_alike(one.block, parameters)), None)
        # What a large one takes may be wanted.
        self._worker = None
        self._kept = [worker for worker in self._kept if worker is not alike and worker.is_small()]
        if alike is not None:
            alike.turn_to(parameters)
            return alike
        worker = Worker(parameters, self.engine)
        # Fresh memory costs more than the trials of a small point.
        worker.buffer = self._buffer
        return worker

    def _count(self, values: NDArray[np.int64], skipped: int) -> NDArray[np.uint64]:
        """Count the trials of a block but the first, and return what its digest is over."""
        count_block(self._tally, values, self._sums, skipped)
        if skipped:
            self._sums[:skipped] = weighted_sums(values[:, :skipped])
        return fold_sums(self._tally, self._sums, values.shape[1])


class _Prepared(NamedTuple):
    """A piece, and what its point is."""

    piece: Piece
    scenario: Scenario
    block: Block


class _Trials(NamedTuple):
    """What a piece came to, before anything is said of it: what was counted, the digests of its
    first blocks, and of what those of the others are made."""

    piece: Piece
    reading: Reading
    digests: list[bytes]
    folded: list[NDArray[np.uint64]]
    elapsed_s: float
    events: int
    columns: list[tuple[int, int, bytes]]


def _failed(piece: Piece, error: Exception) -> Outcome:
    return Outcome(piece, error="out of memory" if isinstance(error, MemoryError) else str(error))


def _outcomes(done: Sequence[tuple[Scenario, _Trials]]) -> list[Outcome]:
    said = []
    for scenario, trials in done:
        record = Histograms.from_reading(trials.reading)
        digests = [*trials.digests, *map(folded_digest, trials.folded)]
        said.append(Said(record, trials.piece.trials, digests, scenario))
    whole = [
        point for point, (_, trials) in zip(said, done, strict=True) if trials.piece.first == 0
    ]
    rows = iter(rows_of(whole))
    packed = pack_all([point.record for point in said])
    return [
        Outcome(
            trials.piece,
            record,
            b"".join(point.blocks),
            trials.elapsed_s,
            trials.events,
            next(rows) if trials.piece.first == 0 else None,
            tuple(trials.columns),
        )
        for record, point, (_, trials) in zip(packed, said, done, strict=True)
    ]
