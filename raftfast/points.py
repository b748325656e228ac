"""What a worker of a sweep does: some trials of some points, and what it hands back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import engine as engines
from .batch import Worker
from .cells import Row, Said, rows_of
from .columns import BLOCK, block_digest, weighted_sums
from .errors import RaftfastError
from .histograms import Histograms, count_block, open_tally
from .parameters import Block, block
from .samples import pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .scenario import Scenario
    from .spec import Spec


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
        self._buffer: NDArray[np.int64] | None = None
        self._tally = open_tally(self.engine)
        self._sums = np.empty(BLOCK, dtype=np.uint64)

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
        prepared = []
        for piece in pieces:
            with _noted(piece, outcomes):
                scenario = self.spec.scenario(piece.point)
                prepared.append((piece, scenario, block(scenario)))
        # An ensemble can be changed to the next point most often if that has as many servers.
        prepared.sort(key=lambda each: each[2].nodes)
        done = []
        for piece, scenario, parameters in prepared:
            if self.stopped.is_set():
                break
            with _noted(piece, outcomes):
                if trials := self._simulate(piece, scenario.seed, parameters):
                    done.append((scenario, trials))
        return outcomes + _outcomes(done)

    def _simulate(self, piece: Piece, seed: int, parameters: Block) -> _Trials | None:
        """The trials of a piece, None where it was stopped."""
        worker = self._worker
        if worker is None or not worker.turn_to(parameters):
            # The last one's memory is warm.
            self._worker = worker = None
            self._worker = worker = Worker(parameters, self.engine)
            # Fresh memory costs more than the trials of a small point.
            worker.buffer = self._buffer
        if self.stopped.is_set():
            return None
        tally = self._tally
        tally.clear()
        digests = []
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
            digests.append(block_digest(self._count(values, max(piece.first - start, 0))))
            events += handled
            if self.samples:
                columns.append((start, count, pack(values)))
        self._buffer = worker.buffer
        record = Histograms.from_tally(tally)
        return _Trials(piece, record, digests, elapsed, events, columns)

    def _count(self, values: NDArray[np.int64], skipped: int) -> NDArray[np.uint64]:
        """Count the trials of a block but the first, and return the `weighted_sums` of all."""
        sums = self._sums[: values.shape[1]]
        count_block(self._tally, values, sums, skipped)
        if skipped:
            sums[:skipped] = weighted_sums(values[:, :skipped])
        return sums


class _Trials(NamedTuple):
    """What a piece came to, before anything is said of it."""

    piece: Piece
    record: Histograms
    digests: list[bytes]
    elapsed_s: float
    events: int
    columns: list[tuple[int, int, bytes]]


@contextmanager
def _noted(piece: Piece, outcomes: list[Outcome]) -> Iterator[None]:
    """Let what goes wrong with a piece be its outcome."""
    try:
        yield
    except RaftfastError as error:
        outcomes.append(Outcome(piece, error=str(error)))
    except MemoryError:
        outcomes.append(Outcome(piece, error="out of memory"))


def _outcomes(done: Sequence[tuple[Scenario, _Trials]]) -> list[Outcome]:
    whole = [
        Said(trials.record, trials.piece.trials, trials.digests, scenario)
        for scenario, trials in done
        if trials.piece.first == 0
    ]
    rows = iter(rows_of(whole))
    return [
        Outcome(
            trials.piece,
            trials.record.to_bytes(),
            b"".join(trials.digests),
            trials.elapsed_s,
            trials.events,
            next(rows) if trials.piece.first == 0 else None,
            tuple(trials.columns),
        )
        for _, trials in done
    ]
