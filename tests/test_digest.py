"""The digest: by its definition, however the trials came, and of everything that there is."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import raftfast
from raftfast import Scenario
from raftfast.batch import Worker
from raftfast.columns import BLOCK, COLUMNS, Columns, block_digest, digest_of, weighted_sums
from raftfast.parameters import block

from .columns import columns, draw

KINDS = ["times", "tail", "missing", "counts", "zero", "flags", "many", "some", "top"]


def by_definition(values):
    """What `digest_of` and `block_digest` say that a digest is, value by value."""
    trials = values.shape[1]
    hashes = [hashlib.sha256(name.encode()).digest() for name in [*COLUMNS, "trial"]]
    *weights, base = [int.from_bytes(found[:8], "little") | 1 for found in hashes]
    whole = hashlib.sha256(str(trials).encode())
    for start in range(0, trials, 5000):
        part = hashlib.sha256()
        rows = values[:, start : start + 5000].T.tolist()
        for first in range(0, len(rows), 4):
            number = 0
            for power, row in enumerate(rows[first : first + 4]):
                total = sum(weight * value for weight, value in zip(weights, row, strict=True))
                number += total * base**power
            part.update((number % 2**64).to_bytes(8, "little"))
        whole.update(part.digest())
    return whole.hexdigest()


def hashed(values):
    return block_digest(weighted_sums(values))


def in_chunks(values, ends):
    found = Columns()
    # In no order, as workers end when they do.
    for start, end in sorted(pairwise(ends), key=lambda pair: pair[1] % 7):
        found.add(start, np.ascontiguousarray(values[:, start:end]))
    return found


@settings(deadline=None, max_examples=50)
@given(columns(shares=(0.0, 0.3)))
def test_a_digest_is_what_its_definition_says(values):
    assert in_chunks(values, [0, values.shape[1]]).digest() == by_definition(values)
    assert digest_of(values.shape[1], [hashed(values)]) == by_definition(values)


@pytest.mark.parametrize("trials", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 7])
def test_blocks_are_hashed_apart(trials):
    values = draw([*KINDS, *KINDS[:8]], 3, trials, 0.1)
    # Small in the first block only.
    values[1, :BLOCK] %= 100
    expected = by_definition(values)
    blocks = [hashed(values[:, at : at + BLOCK]) for at in range(0, trials, BLOCK)]
    assert digest_of(trials, blocks) == expected
    assert in_chunks(values, [*range(0, trials, BLOCK), trials]).digest() == expected


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 2 * BLOCK), max_size=6), st.integers(0, 2**32 - 1))
def test_chunks_do_not_show(cuts, seed):
    values = draw([*KINDS, *KINDS[:8]], seed, 2 * BLOCK + 100, 0.01)
    whole = in_chunks(values, [0, values.shape[1]]).digest()
    assert in_chunks(values, sorted({0, *cuts, values.shape[1]})).digest() == whole


@settings(deadline=None, max_examples=60)
@given(columns(most=30, shares=(0.3,)), st.data())
def test_every_value_of_every_trial_is_in_it(values, data):
    other = values.copy()
    column = data.draw(st.integers(0, len(COLUMNS) - 1))
    trial = data.draw(st.integers(0, values.shape[1] - 1))
    other[column, trial] += data.draw(st.sampled_from([-1, 1, 2**40]))
    assert hashed(other) != hashed(values)


def test_the_order_and_the_number_of_blocks_are_in_it():
    one, two = b"1" * 32, b"2" * 32
    digests = {digest_of(n, blocks) for n in (1, 2) for blocks in ([], [one, two], [two, one])}
    assert len(digests) == 6


def test_a_run_has_the_digest_of_its_blocks(engine):
    scenario = Scenario.from_dict({"cluster": {"nodes": 3}})
    trials = BLOCK + 300
    worker = Worker(block(scenario), engine)
    blocks = [hashed(worker.run(1, first, count)[0]) for first, count in ((0, BLOCK), (BLOCK, 300))]
    assert raftfast.run(scenario, trials, 1, engine=engine, jobs=2).digest == digest_of(
        trials, blocks
    )
