"""Where the pieces of a sweep are run: threads, processes, or a cluster by Dask."""

from __future__ import annotations

import gc
import importlib
import json
import multiprocessing
import os
import signal
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, Protocol

from . import engine as engines
from .errors import InputError, RunError
from .points import Outcome, Piece, Runner
from .version import VERSION

if TYPE_CHECKING:
    from .spec import Spec

KINDS = ("processes", "threads", "dask")
"""The executors there are, the default first."""

_ORPHANS_LOOK_S = 0.3
_LAST_S = 1.0
_GARBAGE = 20_000  # new objects, before a worker looks for cycles among them
_SCHEDULER_S = 20


class Executor(Protocol):
    """Runs pieces somewhere. `workers` is how many at once, `backend` with which engine."""

    backend: str

    @property
    def workers(self) -> int: ...

    def submit(self, pieces: Sequence[Piece]) -> Future[list[Outcome]]:
        """Run pieces; the future's result has an outcome of each, or fewer after `stop`."""
        ...

    def died(self, error: BaseException) -> bool:
        """Whether an error says that a worker died and its pieces are to be submitted again."""
        ...

    def stop(self) -> None:
        """Ask the workers to hand back soon what they have finished."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


def make(
    kind: str,
    spec: Spec,
    jobs: int | None,
    *,
    samples: bool = False,
    scheduler: str | None = None,
    in_child: Callable[[], None] | None = None,
) -> Executor:
    """The executor of this kind for `jobs` workers, all cores where it is None.

    `in_child` is called in each forked worker. Raises InputError for a kind that is none, and where
    a scheduler is named that is not needed.
    """
    if kind not in KINDS:
        raise InputError(f"{kind!r}: must be one of {', '.join(KINDS)}", key="--executor")
    if scheduler is not None and kind != "dask":
        raise InputError("goes with --executor dask alone", key="--scheduler")
    workers = jobs or os.cpu_count() or 1
    if kind == "threads":
        return Threads(spec, workers, samples)
    if kind == "dask":
        return Dask(spec, jobs, samples, scheduler)
    return Processes(spec, workers, samples, in_child)


class Threads:
    """Threads of this process: the compiled engine runs without the interpreter's lock."""

    def __init__(self, spec: Spec, workers: int, samples: bool) -> None:
        self.workers = workers
        self.backend = engines.name()
        self._tables = spec.to_dict()
        self._samples = samples
        self._local = threading.local()
        self._runners: list[Runner] = []
        self._pool = ThreadPoolExecutor(workers)

    def submit(self, pieces: Sequence[Piece]) -> Future[list[Outcome]]:
        return self._pool.submit(self._run, pieces)

    def _run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        if not hasattr(self._local, "runner"):
            from .spec import Spec

            # A spec keeps what it has read: each thread has its own.
            self._local.runner = Runner(Spec.from_resolved(self._tables), samples=self._samples)
            self._runners.append(self._local.runner)
        runner: Runner = self._local.runner
        return runner.run(pieces)

    def died(self, error: BaseException) -> bool:
        return False

    def stop(self) -> None:
        for runner in self._runners:
            runner.stop()

    def close(self) -> None:
        self.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)


_runner: Runner | None = None


def _open_process(
    spec: Spec, samples: bool, parent: int, in_child: Callable[[], None] | None
) -> None:
    """A worker process begins. Ctrl-C is the parent's to handle, who then asks it to stop."""
    global _runner  # noqa: PLW0603 - one runner a process, made once
    # What came from the parent stays, and of what a task makes most ends with it: to search either
    # for cycles again and again takes as long as the statistics.
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    runner = _runner = Runner(spec, samples=samples)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: _end_soon(runner))
    if in_child is not None:
        in_child()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_soon(runner: Runner) -> None:
    """Asked to end: hand back what is finished, and go, whatever this process waits for then."""
    runner.stop()
    last = threading.Timer(_LAST_S, os._exit, (1,))
    last.daemon = True
    last.start()


def _end_with(parent: int) -> None:
    """End this process soon after its parent, which may have been killed."""
    while os.getppid() == parent:
        time.sleep(_ORPHANS_LOOK_S)
    os._exit(1)


def _run_in_process(pieces: Sequence[Piece]) -> list[Outcome]:
    assert _runner is not None
    if _runner.stopped.is_set():  # by somebody else than the sweep: another worker takes over
        os._exit(1)
    return _runner.run(pieces)


class Processes:
    """Worker processes on this machine; those that die are replaced."""

    def __init__(
        self, spec: Spec, workers: int, samples: bool, in_child: Callable[[], None] | None
    ) -> None:
        self.workers = workers
        self.backend = engines.name()
        self._arguments = (spec, samples, os.getpid(), in_child)
        self._pool = self._open()

    def _open(self) -> ProcessPoolExecutor:
        # A forked worker needs no importable main module, so a plain script can call this.
        method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
        return ProcessPoolExecutor(
            self.workers,
            multiprocessing.get_context(method),
            initializer=_open_process,
            initargs=self._arguments,
        )

    def submit(self, pieces: Sequence[Piece]) -> Future[list[Outcome]]:
        try:
            return self._pool.submit(_run_in_process, pieces)
        except BrokenProcessPool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = self._open()
            return self._pool.submit(_run_in_process, pieces)

    def died(self, error: BaseException) -> bool:
        return isinstance(error, BrokenProcessPool)

    def stop(self) -> None:
        for process in list((self._pool._processes or {}).values()):
            process.terminate()

    def close(self) -> None:
        self.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)


class Dask:
    """The workers of a Dask scheduler, or of a cluster on this machine where none is named."""

    def __init__(self, spec: Spec, jobs: int | None, samples: bool, scheduler: str | None) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")
        except ImportError:
            problem = "needs dask: pip install 'raftfast[dask]'"
            raise InputError(problem, key="--executor") from None
        self._cluster: Any = None
        address: Any = scheduler
        if scheduler is None:
            workers = jobs or os.cpu_count() or 1
            address = self._cluster = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None
            )
        try:
            self._client = distributed.Client(address, timeout=_SCHEDULER_S)
        except (OSError, ValueError) as error:
            problem = f"{scheduler!r} does not answer: {error}"
            raise InputError(problem, key="--scheduler") from None
        try:
            self._check()
        except ImportError as error:
            self.close()
            raise RunError(f"a Dask worker cannot import raftfast: {error}") from None
        except BaseException:
            self.close()
            raise
        # Without `pure` a call is run again where its arguments were seen before.
        self._pool = self._client.get_executor(pure=False)
        self._spec = _packed(spec)
        self._samples = samples
        self._jobs = jobs

    def _check(self) -> None:
        """See that every worker would give the results that this process would."""
        answers = set(self._client.run(_about).values())
        if not answers:
            raise RunError("the Dask scheduler has no workers; start some with `dask worker`")
        others = {f"{version} ({backend})" for version, backend in answers if version != VERSION}
        if others:
            raise RunError(
                f"Dask workers run raftfast {', '.join(sorted(others))}, and this is {VERSION}"
            )
        backends = {backend for _, backend in answers}
        self.backend = "/".join(sorted(backends))

    @property
    def workers(self) -> int:
        running: int = sum(self._client.nthreads().values())
        return min(running, self._jobs) if self._jobs else running

    def submit(self, pieces: Sequence[Piece]) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = self._pool.submit(
            run_packed, self._spec, tuple(pieces), self._samples
        )
        return future

    def died(self, error: BaseException) -> bool:
        from concurrent.futures import CancelledError

        from distributed.scheduler import KilledWorker

        return isinstance(error, KilledWorker | CancelledError)

    def stop(self) -> None:
        pass

    def close(self) -> None:
        if hasattr(self, "_pool"):
            self._pool.shutdown(wait=False)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _about() -> tuple[str, str]:
    return VERSION, engines.name()


_known: dict[bytes, Spec] = {}


def _packed(spec: Spec) -> bytes:
    """A spec with all it rests on: workers elsewhere have none of its files."""
    return zlib.compress(json.dumps(spec.to_dict(), allow_nan=False).encode())


def _unpacked(packed: bytes) -> Spec:
    from .spec import Spec

    return Spec.from_resolved(json.loads(zlib.decompress(packed)))


def run_packed(spec: bytes, pieces: Sequence[Piece], samples: bool) -> list[Outcome]:
    """Run pieces of a packed spec, which is unpacked once a process."""
    if spec not in _known:
        _known.clear()
        _known[spec] = _unpacked(spec)
    return Runner(_known[spec], samples=samples).run(pieces)
