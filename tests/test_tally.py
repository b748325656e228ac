"""The tally against plain counting, on both backends."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftfast import bins
from raftfast.columns import COLUMNS, block_digest, folded_digest, weighted_sums
from raftfast.core.words import TALLY_BLOCK, TALLY_PLACES
from raftfast.histograms import Histograms, fold_sums, open_tally

from .columns import CENSORED, TOP, UNAVAILABLE, columns, draw


def counted(tally, values):
    """Count columns x count values."""
    count = values.shape[1]
    sums = np.full(count, 1, dtype=np.uint64)
    tally.add(np.ascontiguousarray(values).reshape(-1).data, count, 0, count, sums.data)
    assert np.array_equal(sums, weighted_sums(values))
    room = np.append(sums, np.full(3, 1, dtype=np.uint64))
    assert folded_digest(fold_sums(tally, room, count)) == block_digest(sums)
    return tally


def place(value: int) -> int:
    """The place of a value, by text: none, itself, or octave and ten more bits."""
    if value < 2048:
        return 1 + max(value, -1)
    digits = f"{value:b}"
    return 1 + 1024 * (len(digits) - 10) + int(digits[1:11], 2)


@settings(deadline=None)
@given(columns())
def test_places_and_sums_are_those_of_plain_counting(both, values):
    keys = Counter()
    large = {}
    for column, row in enumerate(values.tolist()):
        for value, censored in zip(row, values[CENSORED].tolist(), strict=True):
            side = 2 * column + censored
            keys[side * TALLY_PLACES + place(value)] += 1
            if value >= 2048:
                large.setdefault(side, []).append(value)
    exact = {
        side: (min(those), max(those), sum(those), sum(x * x for x in those))
        for side, those in large.items()
    }
    for engine in both:
        found = Histograms.from_tally(counted(open_tally(engine), values))._with_twins()
        assert dict(zip(found.keys.tolist(), found.counts.tolist(), strict=True)) == keys
        assert found.keys.tolist() == sorted(keys)
        assert found.large == exact
        assert (found.trials, found.censored) == (values.shape[1], values[CENSORED].sum())


@given(st.integers(2048, TOP))
def test_a_large_value_is_within_a_share_of_2048_of_the_middle_of_its_place(value):
    found = bins.place(value)
    assert found == place(value)
    middle = bins.middles()[found]
    assert abs(middle - value) <= value / 2048


def test_there_is_a_place_for_every_value_and_a_value_for_every_place():
    middles = bins.middles()
    assert middles.size == TALLY_PLACES == place(TOP) + 1
    assert np.array_equal(middles[:2049], np.arange(-1.0, 2048.0))
    assert [place(int(middle)) for middle in middles] == list(range(TALLY_PLACES))


@settings(deadline=None, max_examples=30)
@given(columns(), st.lists(st.integers(0, 400), max_size=4), st.integers(0, 5))
def test_trials_may_come_in_any_pieces(engine, values, cuts, before):
    count = values.shape[1]
    whole = Histograms.from_tally(counted(open_tally(engine), values))
    tally = open_tally(engine)
    wide = np.full((len(COLUMNS), count + before), 77, dtype=np.int64)
    wide[:, before:] = values
    ends = sorted({min(cut, count) for cut in cuts} | {0, count})
    for start, end in pairwise(ends):
        sums = np.empty(before + end, dtype=np.uint64)
        tally.add(wide.reshape(-1).data, count + before, before + start, before + end, sums.data)
    assert Histograms.from_tally(tally) == whole


@pytest.mark.parametrize("again", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_blocks_do_not_show(both, share, again):
    kinds = ["top", "tail", "times", "counts", "some", "anything", *["top"] * (len(COLUMNS) - 6)]
    values = draw(kinds, 5, 2 * TALLY_BLOCK + 3, share, again)
    # Nothing but the greatest value, for longer than its squares may be summed up at once.
    values[6] = TOP
    first, second = (Histograms.from_tally(counted(open_tally(e), values)) for e in both)
    assert first == second
    assert first.total(COLUMNS[6]) == TOP * values.shape[1]
    for column in (0, 6, UNAVAILABLE):
        kept = values[column][values[CENSORED] == 0].tolist()
        if kept:
            assert first._with_twins().large[2 * column][2:] == (
                sum(kept),
                sum(x * x for x in kept),
            )


@settings(deadline=None, max_examples=30)
@given(columns(), columns())
def test_a_cleared_tally_is_as_new(engine, values, others):
    tally = counted(open_tally(engine), values)
    tally.clear()
    assert tally.trials == 0
    assert Histograms.from_tally(tally).keys.size == 0
    counted(tally, others)
    assert Histograms.from_tally(tally) == Histograms.from_tally(
        counted(open_tally(engine), others)
    )


@pytest.mark.parametrize("row", [[1, 2**51], [2**51, 2**51], [2**51, 7], [7, 2**63 - 1]])
def test_a_value_beyond_the_last_place_is_told(engine, row):
    values = np.zeros((len(COLUMNS), 2), dtype=np.int64)
    values[4] = row
    tally = counted(open_tally(engine), values)
    with pytest.raises(ValueError, match=r"values below 2\*\*51"):
        Histograms.from_tally(tally)
    tally.clear()
    assert Histograms.from_tally(tally).trials == 0


def test_more_trials_than_a_count_can_hold_are_told(engine):
    values = np.zeros((len(COLUMNS), 2), dtype=np.int64)
    tally = counted(open_tally(engine), values)
    # Refused before the first is read.
    tally.add(values.reshape(-1).data, 2, 0, 2**31 - 2, np.empty(2, dtype=np.uint64).data)
    assert tally.trials == 2
    with pytest.raises(ValueError, match=r"2\*\*31 - 1 trials"):
        Histograms.from_tally(tally)
