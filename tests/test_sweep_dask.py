"""Sweeps on a Dask cluster: a scheduler and two workers in processes of their own, over TCP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from raftfast import InputError
from raftfast.sweeping import sweep

from .sweeps import SPEC, contents

BIG = {**SPEC, "trials": 20_000}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def cluster():
    """The address of a scheduler, and its two workers' processes."""
    address = f"tcp://127.0.0.1:{free_port()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = [
        sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1",
        "--port", address.rpartition(":")[2], "--no-dashboard", "--no-show",
    ]  # fmt: skip
    worker = [
        sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1",
        "--nworkers", "1", "--no-dashboard", "--no-nanny",
    ]  # fmt: skip
    with ExitStack() as stack:
        processes = []
        for command in (scheduler, worker, worker):
            process = subprocess.Popen(command, **quiet)
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        _await_workers(address, 2)
        yield address, processes[1:]


def _await_workers(address: str, count: int) -> None:
    from distributed import Client

    until = time.monotonic() + 60
    while True:
        try:
            with Client(address, timeout=5) as client:
                client.wait_for_workers(count, timeout=30)
            return
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.2)


def test_dask_gives_the_same_results_over_tcp_also_when_a_worker_is_killed(cluster, tmp_path):
    address, workers = cluster
    here, there, killed = (tmp_path / f"{name}.db" for name in ("here", "there", "killed"))
    sweep(BIG, here, jobs=2).close()
    sweep(BIG, there, executor="dask", scheduler=address).close()
    assert contents(there) == contents(here)

    def kill(progress):
        if progress.done >= 2 and workers[0].poll() is None:
            os.kill(workers[0].pid, signal.SIGKILL)

    sweep(BIG, killed, executor="dask", scheduler=address, progress=kill).close()
    assert workers[0].wait(10) == -signal.SIGKILL
    assert contents(killed) == contents(here)


def test_a_scheduler_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr("raftfast.executors._SCHEDULER_S", 0.5)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(InputError, match=r"--scheduler: .*does not answer"):
        sweep(SPEC, tmp_path / "x.db", executor="dask", scheduler=address)
    with pytest.raises(InputError, match="goes with --executor dask alone"):
        sweep(SPEC, tmp_path / "y.db", scheduler=address)


def test_a_cluster_of_this_machine(tmp_path):
    sweep(SPEC, tmp_path / "here.db", jobs=1).close()
    sweep(SPEC, tmp_path / "local.db", executor="dask", jobs=2).close()
    assert contents(tmp_path / "local.db") == contents(tmp_path / "here.db")
