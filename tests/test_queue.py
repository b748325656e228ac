"""The queue of deliveries against a sorted list: order by time, then by sequence."""

from __future__ import annotations

import heapq

from hypothesis import given
from hypothesis import strategies as st

from raftfast import engine as engines
from raftfast.core import words as w

# Times from a small range, so that ties are common, and bursts that fill the window and the heap.
steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 30), st.integers(1, 60)),
        st.tuples(st.just("pop"), st.integers(1, 80), st.just(0)),
    ),
    max_size=40,
)


def play(engine: str, todo, capacity: int = 4096) -> None:
    queue = engines.load(engine).Queue(capacity)
    expected: list[tuple[int, int, int, int]] = []
    pushed = 0
    for what, number, more in todo:
        if what == "push":
            for i in range(more):
                at = (number * 7 + i * 11) % 31
                queue.push(at, 1000 + pushed, pushed % w.TERM_LIMIT)
                heapq.heappush(expected, (at, pushed, 1000 + pushed, pushed % w.TERM_LIMIT))
                pushed += 1
        else:
            for _ in range(min(number, len(expected))):
                at, _, payload, term = heapq.heappop(expected)
                assert queue.next_at == at
                assert (queue.pop(), queue.term) == (payload, term)
        assert queue.next_at == (expected[0][0] if expected else w.NEVER)
    assert not queue.overflowed


@given(steps)
def test_deliveries_come_by_time_then_by_sequence(engine, todo):
    play(engine, todo)


def test_a_full_queue_says_so(engine):
    queue = engines.load(engine).Queue(32)
    for i in range(w.WINDOW + 32):
        queue.push(i, i, 0)
    assert queue.overflowed
    queue.clear()
    assert not queue.overflowed
    assert queue.next_at == w.NEVER
