"""Puts the results files of one sweep's shards together."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from itertools import islice
from typing import Any

from .errors import InputError, RunError
from .results import SweepResult
from .spec import Spec
from .store import Store
from .sweeping import minor, open_for
from .version import VERSION

_BATCH = 500


def merge(out: str | os.PathLike[str], parts: Sequence[str | os.PathLike[str]]) -> SweepResult:
    """Put the points of several results files of one spec into `out`, and return its results.

    `out` is made where there is none. Of a point that several files have, the one with most trials
    is kept; a point that is not finished anywhere is left to a later sweep, and a failure counts
    where no file has the point.

    Raises InputError where files are of different specs or cannot be read, RunError where two have
    different results of the same trials.
    """
    if not parts:
        raise InputError("needs the files to merge", key="merge")
    sources: list[Store] = []
    try:
        for part in parts:
            sources.append(Store.open(part))
        spec = Spec.from_resolved(json.loads(sources[0].meta()["spec"]))
        for source in sources:
            _check(source, spec, sources[0].path)
        store = open_for(spec, out)
        try:
            store.lock()
            for source in sources:
                _copy(source, store)
        except BaseException:
            store.close()
            raise
    finally:
        for source in sources:
            source.close()
    store.unlock()
    return SweepResult(store)


def _check(source: Store, spec: Spec, first: str) -> None:
    meta = source.meta()
    if minor(meta["version"]) != minor(VERSION):
        problem = f"was made by raftfast {meta['version']}, whose draws may differ from {VERSION}'s"
        raise InputError(problem, source=source.path)
    if meta["fingerprint"] != spec.fingerprint():
        there = Spec.from_resolved(json.loads(meta["spec"]))
        differences = "; ".join(spec.differences(there))
        problem = f"is of another sweep than {first} ({differences})"
        raise InputError(problem, source=source.path)


def _copy(source: Store, store: Store) -> None:
    """Take over the points that the store lacks, or has fewer trials of."""
    header = store.header()
    trials, digest = header.index("trials"), header.index("digest")
    there = {row[0]: row[1:] for row in store.rows(["point", "trials", "digest"])}
    found = iter(source.rows())
    while batch := list(islice(found, _BATCH)):
        wanted: list[tuple[Any, ...]] = []
        for row in batch:
            count, had = there.get(row[0], (0, ""))
            if row[trials] == count and row[digest] != had:
                problem = f"{source.path}: point {row[0]} has other results than in {store.path}"
                raise RunError(f"{problem}: were they of one version of raftfast?")
            if row[trials] > count:
                wanted.append(row)
        wholes = [whole for row in wanted if (whole := source.whole(row[0])) is not None]
        with store.writing():
            store.finish(wanted, wholes)
            for row in wanted:
                store.keep_samples((row[0], *kept) for kept in source.samples(row[0]))
    done = store.trials()
    with store.writing():
        store.fail((p, error) for p, error in source.failures().items() if p not in done)
