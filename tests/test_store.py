"""The file of a sweep: what it refuses, and who may use it at once."""

from __future__ import annotations

import sqlite3

import pytest

from raftfast import InputError, RunError
from raftfast.results import SweepResult
from raftfast.store import Store
from raftfast.sweeping import sweep

from .sweeps import SPEC, run

TINY = {**SPEC, "trials": 5, "sweep": {"cluster.nodes": [3, 5]}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tiny.db"
    sweep(TINY, path, jobs=1, executor="threads").close()
    return path


def test_a_file_that_is_none_of_ours_is_refused(tmp_path):
    text = tmp_path / "notes.db"
    text.write_text("all work and no play makes a dull database")
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE t (x)")
    for path, problem in ((text, "is no file of results"), (other, "is an SQLite file, but none")):
        with pytest.raises(InputError, match=problem):
            SweepResult.open(path)
        before = path.read_bytes()
        with pytest.raises(InputError, match=problem):
            sweep(TINY, path)
        assert path.read_bytes() == before
    with pytest.raises(InputError, match=r"gone\.db: cannot be read: No such file"):
        SweepResult.open(tmp_path / "gone.db")


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_file_cut_short_is_damaged(file, cut):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(InputError, match=r"tiny\.db: is damaged: "):
        SweepResult.open(file)
    status = run("status", str(file))
    assert status.returncode == 2
    assert len(status.stderr.splitlines()) == 1


def test_a_file_of_a_later_format_is_refused(file):
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="has format 99, this raftfast reads up to 1"):
        SweepResult.open(file)


def test_two_sweeps_do_not_work_on_one_file(file):
    store = Store.open(file, write=True)
    store.lock()
    other = Store.open(file, write=True)
    with pytest.raises(RunError, match="another sweep is at work on it"):
        other.lock(patience_s=0.2)
    # Whoever only reads may do so meanwhile.
    with SweepResult.open(file) as result:
        assert result.status()["done"] == 2
    store.close()
    other.lock(patience_s=0.2)
    other.close()


def test_nothing_is_kept_of_what_was_not_committed(file):
    store = Store.open(file, write=True)
    with pytest.raises(ZeroDivisionError), store.writing():
        store.fail([(1, "a trial failed")])
        raise ZeroDivisionError
    assert store.failures() == {}
    store.close()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        sweep(TINY, tmp_path / "no" / "x.db")


def test_a_closed_file_needs_no_log_beside_it(file):
    """Readers of a log write to the folder, which may not be theirs to write to."""
    # SQLite's file format, 1.3: the versions of writing and reading are 1, and 2 with a log.
    assert file.read_bytes()[18:20] == b"\1\1"
    assert [other.name for other in file.parent.iterdir()] == [file.name]
