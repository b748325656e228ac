"""Timer classes: their masks, and what they do to the timer of a public `Raft`."""

from __future__ import annotations

import pytest

from raftfast.classes import masks, ranges
from raftfast.core import words as w
from raftfast.machine import (
    AppendRequest,
    Raft,
    VoteRequest,
    VoteResponse,
)

from .machines import MS, candidate, server


def deadlines(raft: Raft, contacts: int) -> list[int]:
    """How long after each of some contacts with a leader the timer is due."""
    waits = []
    for k in range(contacts):
        now = (k + 1) * 10 * MS
        raft.receive(AppendRequest(1, 0, 1), now)
        assert raft.deadline_ns is not None
        waits.append(raft.deadline_ns - now)
    return waits


def test_timeouts_are_spread_over_their_range(engine: str) -> None:
    """Section 5.2: "chosen randomly from a fixed interval (e.g., 150-300 ms)".

    300 draws: the mean lies within 4 standard errors (of 43.3 ms / sqrt(300)) of 225 ms.
    """
    waits = deadlines(server(engine), 300)
    assert all(150 * MS <= wait < 300 * MS for wait in waits)
    assert len(set(waits)) == len(waits)
    assert abs(sum(waits) / len(waits) - 225 * MS) < 4 * 43.3 * MS / 300**0.5


def test_servers_of_one_seed_draw_differently_and_the_same_again(engine: str) -> None:
    first = [server(engine, server=i).deadline_ns for i in range(3)]
    assert len(set(first)) == 3
    assert first == [server(engine, server=i).deadline_ns for i in range(3)]
    assert first[0] != server(engine, seed=2).deadline_ns


def test_keep_restarts_what_it_drew_until_term_or_role_changes(engine: str) -> None:
    """etcd's rule: contact zeroes the elapsed time, `reset()` draws."""
    raft = server(engine, timer="keep", term=1)
    first = raft.deadline_ns
    assert deadlines(raft, 5) == [first] * 5
    raft.receive(AppendRequest(1, 0, 2), 60 * MS)
    assert raft.deadline_ns is not None
    drawn = raft.deadline_ns - 60 * MS
    assert drawn != first
    raft.receive(VoteRequest(1, 0, 2, 0), 70 * MS)
    assert raft.deadline_ns == 70 * MS + drawn


def test_fixed_followers_wait_the_maximum_and_candidates_may_still_draw(engine: str) -> None:
    """reference/seed.md, quirk 1."""
    assert set(deadlines(server(engine, timer="fixed"), 5)) == {300 * MS}
    raft = candidate(engine, timer="fixed", candidate_ms=(10, 20))
    assert raft.deadline_ns is not None
    assert 310 * MS <= raft.deadline_ns < 320 * MS
    assert candidate(engine, timer="fixed").deadline_ns == 600 * MS


def test_candidates_can_have_a_range_of_their_own(engine: str) -> None:
    raft = candidate(engine, election_ms=100, candidate_ms=(400, 500))
    assert raft.deadline_ns is not None
    assert 500 * MS <= raft.deadline_ns < 600 * MS


def test_what_becomes_of_the_timer_of_a_candidate_that_steps_down(engine: str) -> None:
    kept, drawn = (candidate(engine, step_down_timer=rule) for rule in ("keep", "redraw"))
    assert kept.deadline_ns == drawn.deadline_ns
    now = 290 * MS
    for raft in (kept, drawn):
        raft.receive(VoteResponse(1, 0, 9, False), now)
    assert kept.deadline_ns == candidate(engine).deadline_ns
    assert drawn.deadline_ns is not None
    assert now + 150 * MS <= drawn.deadline_ns < now + 300 * MS
    assert drawn.deadline_ns != kept.deadline_ns


def test_a_clock_that_goes_back_stands_still(engine: str) -> None:
    """The time of the latest call counts: no timer starts in the past, and none is due twice."""
    raft = server(engine)
    raft.receive(AppendRequest(1, 0, 1), 100 * MS)
    due = raft.deadline_ns
    assert due is not None
    raft.receive(AppendRequest(1, 0, 1), 20 * MS)
    again = raft.deadline_ns
    assert again is not None
    assert 250 * MS <= again < 400 * MS
    assert raft.on_timeout(again + 5).must_persist
    assert raft.on_timeout(again).messages == ()


def test_the_masks_are_the_rows_of_the_table() -> None:
    common = w.START | w.DEPOSED | w.CAMPAIGN
    redraw = common | w.CONTACT | w.GRANT | w.PRE_CAMPAIGN
    assert masks("redraw", "keep") == masks("fixed", "keep") == (redraw, 0)
    assert masks("redraw", "redraw") == (redraw | w.STEP_DOWN, 0)
    keep = (common | w.TERM | w.FOLLOW, w.CONTACT | w.GRANT | w.PRE_CAMPAIGN)
    assert masks("keep", "keep") == keep
    assert masks("keep", "redraw") == (keep[0] | w.STEP_DOWN, keep[1])


def test_a_timer_class_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^timer: must be one of redraw, keep, .*, not 'pol'"):
        masks("pol", "keep")
    with pytest.raises(ValueError, match=r"^step_down_timer: must be one of keep, redraw, not ''"):
        masks("keep", "")


def test_fixed_collapses_the_followers_range_alone() -> None:
    assert ranges("redraw", (1, 2), None) == ((1, 2), (1, 2))
    assert ranges("fixed", (1, 2), None) == ((2, 2), (2, 2))
    assert ranges("fixed", (1, 2), (3, 4)) == ((2, 2), (3, 4))
