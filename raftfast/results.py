"""The results of a sweep, read from its file: rows, columns, distributions, samples."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import sample_files
from .cells import summary_of
from .columns import Columns
from .errors import InputError
from .histograms import Histograms
from .rows import COUNTS, statistics
from .samples import unpack
from .schema import show, suggestion
from .spec import Spec
from .store import Part, Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .scenario import Scenario


class SweepResult(Mapping[str, "NDArray[Any]"]):
    """The finished points of a sweep, in the spec's order; a mapping of columns.

    `result["election_ms.p99"]` is float64, one value a finished point, nan where there is none;
    so are swept keys whose values are numbers, all others are objects. The columns are those of
    `raftfast export`. Closed by `close`, or at the end of a `with`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> SweepResult:
        """The results in a file, also while a sweep writes to it.

        Raises InputError where it is missing, damaged or no such file.
        """
        return cls(Store.open(path))

    def __enter__(self) -> SweepResult:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    # What was asked.

    @cached_property
    def spec(self) -> Spec:
        """The spec, as it was resolved."""
        return Spec.from_resolved(json.loads(self._meta["spec"]))

    @cached_property
    def _meta(self) -> dict[str, str]:
        return self._store.meta()

    @property
    def keys_swept(self) -> list[str]:
        """The keys that the points vary, in order."""
        return list(self.spec.keys)

    def scenario(self, point: int) -> Scenario:
        """The scenario of a point. Raises InputError for a point that there is not."""
        self._check(point)
        return self.spec.scenario(point)

    def _check(self, point: int) -> None:
        if not 0 <= point < self.spec.size:
            problem = f"{point}: must be from 0 to {self.spec.size - 1}"
            raise InputError(problem, key="point", source=self._store.path)

    # What came out.

    @cached_property
    def columns(self) -> list[str]:
        """The names of the columns, as `raftfast export` heads them."""
        return self._store.header()

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, name: str) -> NDArray[Any]:
        import numpy as np

        if name not in self.columns:
            raise KeyError(name)
        cells = [self._value(name, cell) for (cell,) in self._store.rows([name])]
        if all(cell is None or isinstance(cell, int | float) for cell in cells):
            return np.array(cells, dtype=np.float64)
        array = np.empty(len(cells), dtype=object)
        array[:] = cells
        return array

    def _value(self, name: str, cell: Any) -> Any:
        """A cell as it was before it was written: lists and tables are kept as JSON."""
        if name in self.spec.keys and isinstance(cell, str) and cell[:1] in ("[", "{", "t", "f"):
            try:
                return json.loads(cell)
            except ValueError:
                return cell
        return cell

    def rows(self, columns: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """The finished points one after the other, by column; None where there is no value.

        All columns, or those named.
        """
        names = [*columns] or self.columns
        for row in self._store.rows(names):
            yield {name: self._value(name, cell) for name, cell in zip(names, row, strict=True)}

    def top(self, metric: str, count: int = 10, *, largest: bool = False) -> list[dict[str, Any]]:
        """The rows with the smallest (or largest) values of a column, best first.

        Points without a value, an unreached quantile say, come last. Raises InputError for a column
        that there is not.
        """
        name = self.column(metric)
        quoted = '"' + name.replace('"', '""') + '"'
        way = "DESC" if largest else "ASC"
        order = f"{quoted} IS NULL, {quoted} {way}, point LIMIT {int(count)}"
        cells = (zip(self.columns, row, strict=True) for row in self._store.rows(order=order))
        return [{name: self._value(name, cell) for name, cell in row} for row in cells]

    def column(self, name: str) -> str:
        """The name of a column, checked. Raises InputError, with what may have been meant."""
        if name in self.columns:
            return name
        known = [*self.spec.keys, *COUNTS, *statistics()]
        near = suggestion(name, known)
        meant = f"did you mean {near}? " if near else ""
        problem = f"value {show(name)}: unknown column; {meant}such as election_ms.p99"
        raise InputError(problem, key="metric")

    def whole(self, point: int) -> Part:
        """What a finished point is made of. Raises InputError where it is not finished."""
        self._check(point)
        found = self._store.whole(point)
        if found is None:
            raise InputError(f"point {point} is not finished", source=self._store.path)
        return found

    def summary(self, point: int) -> dict[str, Any]:
        """The metrics and rates of a finished point, as `Result.summary` has them."""
        record = Histograms.from_bytes(self.whole(point).record)
        metrics, rates = summary_of(record, self.spec.scenario(point))
        return {"metrics": metrics, "rates": rates}

    def samples(self, point: int) -> Columns:
        """Every trial's columns of a point, where the sweep was to keep them.

        Raises InputError where it was not.
        """
        self._check(point)
        kept = self._store.samples(point)
        if not kept:
            problem = f"point {point} has no samples; they are kept by sweep --samples"
            raise InputError(problem, source=self._store.path)
        columns = Columns()
        upto = 0
        for first, count, packed in kept:
            if first == upto:
                columns.add(first, unpack(packed, count))
                upto += count
        trials = self.whole(point).trials
        if upto != trials:
            problem = f"point {point} has samples of {upto:,} of its {trials:,} trials: not every "
            problem += "run was with --samples"
            raise InputError(problem, source=self._store.path)
        return columns

    def write_samples(self, point: int, path: str | os.PathLike[str]) -> None:
        """Write a point's samples to a .csv, .npz or .parquet file (see `sample_files`)."""
        sample_files.write(self.samples(point), path)

    @property
    def failures(self) -> dict[int, str]:
        """The errors of the points that failed."""
        return self._store.failures()

    def status(self) -> dict[str, Any]:
        """How far the sweep is: points, done, failed, left, trials, violations, seconds, rates.

        A point counts as done when it has as many trials as the spec asks of it at first.
        """
        wanted = self.spec.trials
        failures = self._store.failures()
        done = trials = violations = 0
        for point, count, broken in self._store.rows(["point", "trials", "violations"]):
            done += count >= wanted and point not in failures
            trials += count
            violations += broken
        trials += sum(part.trials for part in self._store.parts())
        failed = len(failures)
        sessions = self._store.sessions()
        elapsed = sum(session["elapsed_s"] for session in sessions)
        last = sessions[-1] if sessions else None
        rate = last["trials"] / last["elapsed_s"] if last and last["elapsed_s"] else 0.0
        return {
            "name": self.spec.name,
            "fingerprint": self._meta["fingerprint"],
            "points": self.spec.size,
            "done": done,
            "failed": failed,
            "left": self.spec.size - done - failed,
            "trials": trials,
            "violations": violations,
            "elapsed_s": elapsed,
            "trials_per_s": rate,
            "sessions": sessions,
        }
