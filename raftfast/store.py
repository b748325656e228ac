"""The file of a sweep: one SQLite database with the spec, every point's row and distribution."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from . import rows
from .errors import InputError, RunError

APPLICATION = 0x52414654
"""SQLite's application_id of our files: "RAFT" in ASCII."""

FORMAT = 1
"""SQLite's user_version of our files; a higher one was written by a later version."""

_MAGIC = b"SQLite format 3\x00"
_CHECKED_MAX = 1 << 28  # to check a larger file for damage takes seconds
_BUSY_S = 10.0
_INT_MAX = 2**63 - 1

# Among doubles whole numbers are known by their column. In a REAL one SQLite keeps those doubles
# short that are whole, as half of them are.
_KINDS = {name: " INTEGER" if name.endswith(".count") else " REAL" for name in rows.statistics()}

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE distribution (
  point INTEGER PRIMARY KEY, record BLOB NOT NULL, blocks BLOB NOT NULL,
  elapsed_s REAL NOT NULL, events INTEGER NOT NULL);
CREATE TABLE part (
  point INTEGER NOT NULL, first INTEGER NOT NULL, trials INTEGER NOT NULL, record BLOB NOT NULL,
  blocks BLOB NOT NULL, elapsed_s REAL NOT NULL, events INTEGER NOT NULL,
  PRIMARY KEY (point, first));
CREATE TABLE failure (point INTEGER PRIMARY KEY, error TEXT NOT NULL);
CREATE TABLE sample (
  point INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, columns BLOB NOT NULL,
  PRIMARY KEY (point, first));
CREATE TABLE session (
  id INTEGER PRIMARY KEY, started_at REAL NOT NULL, elapsed_s REAL NOT NULL,
  points INTEGER NOT NULL, trials INTEGER NOT NULL, workers INTEGER NOT NULL,
  version TEXT NOT NULL, backend TEXT NOT NULL, machine TEXT NOT NULL);
"""


class Part(NamedTuple):
    """Trials first .. first + trials - 1 of a point: their distribution and block digests."""

    point: int
    first: int
    trials: int
    record: bytes
    blocks: bytes
    elapsed_s: float
    events: int


class Store:
    """An open file of results.

    The table `result` holds a row a point, as `raftfast export` writes it; `distribution` what its
    quantiles are worked out from; `part` what there is of points that are not finished; `failure`
    the error of points that failed; `sample` every trial's columns, where they were asked for;
    `session` when, with what and how fast it was worked on; `meta` the spec.

    Errors of the file are InputError (not ours, damaged) and RunError (a full disk, say); what was
    committed before stays.
    """

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self.path = path
        self._db = connection
        self._lock: int | None = None
        self._session: int | None = None
        self._committed: int | None = None
        self._logs = False

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], meta: Mapping[str, str], header: Sequence[str]
    ) -> Store:
        """A new file; `header` names the columns of its rows, `point` first."""
        source = os.fspath(path)
        if source == ":memory:":
            store = cls(_connect(source, "rwc"), source)
            store._furnish(meta, header)
            return store
        folder = Path(source).parent
        if not folder.is_dir():
            raise InputError(f"there is no folder {str(folder)!r}", source=source)
        # Killed meanwhile, it leaves no half of a file.
        part = folder / f".{Path(source).name}.{os.getpid()}.part"
        try:
            new = cls(_connect(str(part), "rwc"), source)
            try:
                new._furnish(meta, header)
            finally:
                new.close()
            for rest in ("-wal", "-shm"):  # of a file of that name that was deleted
                Path(source + rest).unlink(missing_ok=True)
            part.replace(source)
        except OSError as error:
            problem = f"cannot be written: {error.strerror}"
            raise InputError(problem, source=source) from None
        finally:
            part.unlink(missing_ok=True)
        return cls.open(source, write=True)

    def _furnish(self, meta: Mapping[str, str], header: Sequence[str]) -> None:
        """Make the tables."""
        columns = ", ".join(f"{_quoted(name)}{_KINDS.get(name, '')}" for name in header[1:])
        with self.writing():
            for statement in _TABLES.split(";\n"):
                self._db.execute(statement)
            self._db.execute(f"CREATE TABLE result (point INTEGER PRIMARY KEY, {columns})")
            self._db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            self._db.execute(f"PRAGMA application_id = {APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {FORMAT}")

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, write: bool = False) -> Store:
        """An existing file. Raises InputError where it is missing, foreign, damaged or too new."""
        source = os.fspath(path)
        try:
            with open(source, "rb") as file:
                head = file.read(16)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", source=source) from None
        if head != _MAGIC:
            raise InputError("is no file of results that `raftfast sweep` wrote", source=source)
        store = cls(_connect(source, "rw" if write else "ro"), source)
        try:
            with store._told():
                store._check()
                if write:
                    store._keep_log()
        except BaseException:
            store.close()
            raise
        return store

    def _check(self) -> None:
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION:
            problem = "is an SQLite file, but none that `raftfast sweep` wrote"
            raise InputError(problem, source=self.path)
        if version > FORMAT:
            problem = f"has format {version}, this raftfast reads up to {FORMAT}; use a later one"
            raise InputError(problem, source=self.path)
        if os.path.getsize(self.path) <= _CHECKED_MAX:
            (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise InputError(f"is damaged: {verdict}", source=self.path)

    def _keep_log(self) -> None:
        """Write to a log beside the file: readers and the writer do not wait for one another, and
        what was committed survives a killed process."""
        self._logs = True
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")

    # What is in it.

    def meta(self) -> dict[str, str]:
        """What is known of the sweep as a whole."""
        with self._told():
            return dict(self._db.execute("SELECT key, value FROM meta"))

    def header(self) -> list[str]:
        """The columns of a row."""
        return list(self._header)

    @cached_property
    def _header(self) -> list[str]:
        with self._told():
            return [row[1] for row in self._db.execute("PRAGMA table_info(result)")]

    def rows(
        self, columns: Sequence[str] = (), where: str = "", order: str = ""
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of finished points in the spec's order; all their columns, or those named."""
        names = ", ".join(map(_quoted, columns)) or "*"
        with self._told():
            yield from self._db.execute(
                f"SELECT {names} FROM result {where} ORDER BY {order or 'point'}"
            )

    def row(self, point: int) -> dict[str, Any] | None:
        """The row of one point by column, None where it is not finished."""
        with self._told():
            found = self._db.execute("SELECT * FROM result WHERE point = ?", (point,))
            names = [column[0] for column in found.description]
            values = found.fetchone()
        return None if values is None else dict(zip(names, values, strict=True))

    def trials(self) -> dict[int, int]:
        """How many trials each finished point has."""
        with self._told():
            return dict(self._db.execute("SELECT point, trials FROM result"))

    def parts(self, point: int | None = None) -> list[Part]:
        """What there is of a point that is not finished, or of all, in order."""
        chosen = "" if point is None else f"WHERE point = {int(point)}"
        with self._told():
            rows = self._db.execute(f"SELECT * FROM part {chosen} ORDER BY point, first")
            return [Part(*row) for row in rows]

    def whole(self, point: int) -> Part | None:
        """What a finished point is made of, None where it is not finished."""
        with self._told():
            row = self._db.execute(
                "SELECT d.point, 0, r.trials, d.record, d.blocks, d.elapsed_s, d.events"
                " FROM distribution d JOIN result r ON r.point = d.point WHERE d.point = ?",
                (point,),
            ).fetchone()
        return None if row is None else Part(*row)

    def failures(self) -> dict[int, str]:
        """The errors of the points that failed."""
        with self._told():
            return dict(self._db.execute("SELECT point, error FROM failure ORDER BY point"))

    def samples(self, point: int) -> list[tuple[int, int, bytes]]:
        """(first, count, columns) of the samples kept of a point, in order."""
        query = "SELECT first, count, columns FROM sample WHERE point = ? ORDER BY first"
        with self._told():
            return self._db.execute(query, (point,)).fetchall()

    def sessions(self) -> list[dict[str, Any]]:
        """Every time that the file was worked on, in order."""
        with self._told():
            found = self._db.execute("SELECT * FROM session ORDER BY id")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found]

    # What is written to it. All of it between `writing`.

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing of what is written within."""
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                self._session = self._committed
                raise
            self._committed = self._session

    def finish(self, rows: Iterable[Sequence[Any]], wholes: Sequence[Part]) -> None:
        """Keep finished points: their rows, whose nans become NULL, and what they are made of."""
        marks = ", ".join("?" * len(self._header))
        self._db.executemany(f"INSERT OR REPLACE INTO result VALUES ({marks})", rows)
        self._db.executemany(
            "INSERT OR REPLACE INTO distribution VALUES (?, ?, ?, ?, ?)",
            [(p.point, p.record, p.blocks, p.elapsed_s, p.events) for p in wholes],
        )
        points = [(part.point,) for part in wholes]
        self._db.executemany("DELETE FROM part WHERE point = ?", points)
        self._db.executemany("DELETE FROM failure WHERE point = ?", points)

    def keep_parts(self, parts: Iterable[Part]) -> None:
        """Keep what there is of points that are not finished."""
        self._db.executemany("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?)", parts)

    def keep_samples(self, samples: Iterable[tuple[int, int, int, bytes]]) -> None:
        """Keep (point, first, count, columns) of every trial."""
        self._db.executemany("INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?)", samples)

    def fail(self, failures: Iterable[tuple[int, str]]) -> None:
        """Keep the errors of points that failed."""
        self._db.executemany("INSERT OR REPLACE INTO failure VALUES (?, ?)", failures)

    def forgive(self, points: Iterable[int]) -> None:
        """Forget the errors of points that need no more trials."""
        self._db.executemany("DELETE FROM failure WHERE point = ?", [(p,) for p in points])

    def set_spec(self, spec: str) -> None:
        """Keep the spec as it is now: the same sweep, but maybe with other trials."""
        if self.meta()["spec"] != spec:
            with self.writing():
                self._db.execute("UPDATE meta SET value = ? WHERE key = 'spec'", (spec,))

    def note_session(
        self, elapsed_s: float, points: int, trials: int, facts: Sequence[Any]
    ) -> None:
        """Say how far this time's work has come; `facts` are workers, version, backend, machine."""
        if self._session is None:
            started = time.time() - elapsed_s
            query = "INSERT INTO session VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
            values = (started, elapsed_s, points, trials, *facts)
            self._session = self._db.execute(query, values).lastrowid
            return
        self._db.execute(
            "UPDATE session SET elapsed_s = ?, points = ?, trials = ? WHERE id = ?",
            (elapsed_s, points, trials, self._session),
        )

    # Who else is at it.

    def lock(self, patience_s: float = 3.0) -> None:
        """Let no other sweep write to the file; RunError where another does.

        The lock goes with the process, however that ends.
        """
        if self.path == ":memory:":
            return
        try:
            import fcntl
        except ImportError:  # Windows has no flock; SQLite's own locks keep the file whole there.
            return
        self._lock = os.open(self.path, os.O_RDONLY)
        os.set_inheritable(self._lock, False)
        until = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                if time.monotonic() > until:
                    raise RunError(f"{self.path}: another sweep is at work on it") from None
            time.sleep(0.1)

    def unlock(self) -> None:
        """Let others write again; in a forked worker: let the lock end with its parent."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def close(self) -> None:
        """Close the file; the write-ahead log is folded into it, and nobody needs to write to the
        folder to read it."""
        if self._logs:
            with suppress(sqlite3.Error):
                self._db.execute("PRAGMA busy_timeout = 0")
                self._db.execute("PRAGMA journal_mode = DELETE")
        with suppress(sqlite3.Error):
            self._db.close()
        self.unlock()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what went wrong with the file in one line."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise _as_ours(error, self.path) from None


def _connect(path: str, mode: str) -> sqlite3.Connection:
    try:
        if path == ":memory:":
            return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        uri = f"{Path(os.path.abspath(path)).as_uri()}?mode={mode}"
        return sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=_BUSY_S, check_same_thread=False
        )
    except sqlite3.DatabaseError as error:
        raise _as_ours(error, path) from None


def _as_ours(error: sqlite3.DatabaseError, path: str) -> InputError | RunError:
    text = str(error)
    if "full" in text:
        kept = "what was finished before is kept: make room and run the same again"
        return RunError(f"{path}: the disk is full; {kept}")
    if "malformed" in text or "not a database" in text or "no such table" in text:
        return InputError(f"is damaged: {text}", source=path)
    if "locked" in text:
        return RunError(f"{path}: another program holds it")
    return RunError(f"{path}: {text}")


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def as_cell(value: Any) -> Any:
    """A swept value as a cell of its row: numbers and strings as they are, all else as JSON."""
    if isinstance(value, int) and abs(value) > _INT_MAX:
        return str(value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return None if value is None else json.dumps(value)
