"""Never a lost hour: whatever ends a sweep, it goes on, to the same results to the last bit."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

import pytest

from .sweeps import COMMAND, TOML, contents, sweep_command

TRIALS = "100000"
KILLS = 20


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "small.toml"
    # Four times as many points: some seconds of work.
    path.write_text(TOML + '"network.duplicate" = [0.0, 0.01, 0.02, 0.03]\n')
    return path


@pytest.fixture(scope="module")
def undisturbed(spec, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "out.db"
    began = time.monotonic()
    subprocess.run(sweep_command(spec, out, "-n", TRIALS, "-j", "2"), check=True)
    return contents(out), time.monotonic() - began


def finish(spec: Path, out: Path) -> None:
    subprocess.run(sweep_command(spec, out, "-n", TRIALS, "-j", "2"), check=True)


def workers_of(process: subprocess.Popen, besides: Collection[int] = ()) -> list[int]:
    """Its worker processes, some moments into their work."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        listed = subprocess.run(
            ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False
        )
        children = list(map(int, listed.stdout.split()))
        if len(children) >= 2 and not set(children) & set(besides):
            time.sleep(0.3)
            return children
        time.sleep(0.02)
    raise AssertionError("no workers")


def without_events(points):
    """A block that was begun and lost is not counted; one that was split is counted twice."""
    return {point: cells[:-1] for point, cells in points.items()}


def test_killed_at_twenty_random_moments(spec, undisturbed, tmp_path):
    expected, seconds = undisturbed
    out = tmp_path / "killed.db"
    luck = random.Random(4)
    found = []
    for _ in range(KILLS):
        process = subprocess.Popen(sweep_command(spec, out, "-n", TRIALS, "-j", "2"))
        try:
            process.wait(0.6 + 0.4 * luck.random() * min(seconds, 3))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        found.append(len(contents(out)) if out.exists() and out.stat().st_size else 0)
        if found[-1] == len(expected):
            for path in tmp_path.iterdir():
                path.unlink()
    finish(spec, out)
    assert contents(out) == expected
    # Some were killed in the midst of it.
    assert any(0 < n < len(expected) for n in found)


def test_interrupted_it_stops_soon_and_says_so(spec, undisturbed, tmp_path):
    _, seconds = undisturbed
    out = tmp_path / "interrupted.db"
    command = [*sweep_command(spec, out, "-n", "1e6", "-j", "2")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(0.7 + seconds / 2)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert time.monotonic() - began < 1.5
    assert errors.strip().splitlines()[-1] == "raftfast: interrupted"
    finish(spec, out)


def test_a_killed_worker_costs_nothing(spec, undisturbed, tmp_path):
    expected, _ = undisturbed
    out = tmp_path / "worker.db"
    process = subprocess.Popen(sweep_command(spec, out, "-n", TRIALS, "-j", "2"))
    workers = workers_of(process)
    os.kill(workers[0], signal.SIGKILL)
    # Both are replaced then.
    os.kill(workers_of(process, besides=workers)[1], signal.SIGKILL)
    assert process.wait(60) == 0
    assert contents(out) == expected


def test_a_worker_that_is_asked_to_end_costs_nothing(spec, undisturbed, tmp_path):
    expected, _ = undisturbed
    out = tmp_path / "ended.db"
    process = subprocess.Popen(sweep_command(spec, out, "-n", TRIALS, "-j", "2"))
    os.kill(workers_of(process)[0], signal.SIGTERM)
    assert process.wait(60) == 0
    assert contents(out) == expected


def test_workers_do_not_outlive_a_killed_sweep(spec, tmp_path):
    out = tmp_path / "orphans.db"
    process = subprocess.Popen(sweep_command(spec, out, "-n", "1e6", "-j", "2"))
    children = workers_of(process)
    process.kill()
    process.wait()
    until = time.monotonic() + 5
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.skipif(not shutil.which("unshare"), reason="a small disk needs a mount of one's own")
def test_a_full_disk_keeps_what_was_finished(spec, undisturbed, tmp_path):
    expected, _ = undisturbed
    disk = tmp_path / "disk"
    disk.mkdir()
    kept = tmp_path / "kept.db"
    sweep_line = " ".join(sweep_command(spec, disk / "full.db", "-n", TRIALS, "-j", "2"))
    script = (
        f"mount -t tmpfs -o size=350k tmpfs {disk} && {sweep_line};"
        f" code=$?; {' '.join(COMMAND)} status {disk}/full.db;"
        f" cp {disk}/full.db {kept}; cp {disk}/full.db-wal {kept}-wal 2>/dev/null; exit $code"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "the disk is full; what was finished before is kept" in done.stderr
    assert 0 < len(contents(kept)) < len(expected)
    finish(spec, kept)
    assert contents(kept) == expected
