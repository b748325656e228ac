"""The public `Raft` as the author of a Raft library uses it: messages in, messages out."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftfast.classes import ALONE
from raftfast.machine import (
    Message,
    Raft,
    Ready,
    Role,
    VoteRequest,
    VoteResponse,
)

from .machines import MS


def test_three_servers_elect_a_leader_through_a_list(engine: str) -> None:
    """The paper, section 5.2: one of three wins, and its heartbeats make followers of the rest."""
    servers = [Raft(server=i, nodes=3, seed=7, engine=engine) for i in range(3)]
    mail: list[Message] = []
    now = 0
    while sum(raft.leader is not None for raft in servers) < 3:
        first = min(servers, key=lambda raft: raft.deadline_ns or 0)
        now = max(now, first.deadline_ns or 0)
        mail += first.on_timeout(now).messages
        while mail:
            message = mail.pop(0)
            mail += servers[message.to].receive(message, now + MS).messages
        now += MS
        assert now < 10_000 * MS
    winner = servers[servers[0].leader or 0]
    assert winner.role is Role.LEADER
    assert winner.votes >= 2
    assert {raft.leader for raft in servers} == {winner.server}
    assert {raft.term for raft in servers} == {winner.term}
    assert sorted(raft.role for raft in servers) == [Role.FOLLOWER, Role.FOLLOWER, Role.LEADER]


class World:
    """Servers whose messages a test may deliver in any order, drop and repeat; it checks safety.

    A server that crashes comes back with what its author wrote down because `must_persist` said
    so, and with nothing else.
    """

    def __init__(self, engine: str, nodes: int, **choices: Any) -> None:
        self.choices = {"nodes": nodes, "engine": engine, "seed": 3, **choices}
        self.now = 0
        self.disks: list[tuple[int, int | None]] = [(0, None)] * nodes
        self.raft = [Raft(server=i, **self.choices) for i in range(nodes)]
        self.mail: list[Message] = []
        self.votes: dict[tuple[int, int], int] = {}
        self.leaders: dict[int, int] = {}
        self.history: list[object] = []

    def settle(self, i: int, term: int, ready: Ready) -> None:
        """Do what a `Ready` says, as its contract has it, and check the invariants (figure 3)."""
        raft = self.raft[i]
        assert raft.term >= term
        if ready.must_persist:
            self.disks[i] = (raft.term, raft.voted_for)
        assert self.disks[i] == (raft.term, raft.voted_for)
        if raft.voted_for is not None:
            assert self.votes.setdefault((i, raft.term), raft.voted_for) == raft.voted_for
        if raft.role is Role.LEADER:
            assert self.leaders.setdefault(raft.term, i) == i
        self.mail += ready.messages
        self.history += [ready, raft.role, raft.term, raft.votes, raft.leader, raft.deadline_ns]

    def expire(self, i: int) -> None:
        term, deadline = self.raft[i].term, self.raft[i].deadline_ns
        if deadline is not None:
            self.now = max(self.now, deadline)
            self.settle(i, term, self.raft[i].on_timeout(self.now))

    def deliver(self, k: int, keep: bool = False) -> None:
        if self.mail:
            k %= len(self.mail)
            message = self.mail[k] if keep else self.mail.pop(k)
            term = self.raft[message.to].term
            self.settle(message.to, term, self.raft[message.to].receive(message, self.now))

    def restart(self, i: int) -> None:
        term, voted_for = self.disks[i]
        choices = {**self.choices, "term": term, "voted_for": voted_for, "now_ns": self.now}
        self.raft[i] = Raft(server=i, **choices)

    def play(self, steps: list[tuple[str, int]]) -> None:
        for what, k in steps:
            self.now += k % 7 * MS
            match what:
                case "expire":
                    self.expire(k % len(self.raft))
                case "restart":
                    self.restart(k % len(self.raft))
                case "drop":
                    if self.mail:
                        del self.mail[k % len(self.mail)]
                case _:
                    self.deliver(k, keep=what == "repeat")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deliver"] * 8 + ["expire", "expire", "repeat", "drop", "restart"]),
        st.integers(0, 1000),
    ),
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(
    steps=STEPS,
    nodes=st.integers(1, 5),
    pre_vote=st.booleans(),
    timer=st.sampled_from(ALONE),
)
def test_no_order_loss_copy_or_crash_breaks_safety(
    engine: str, steps: list[tuple[str, int]], nodes: int, pre_vote: bool, timer: str
) -> None:
    """The paper, figure 3 and section 5.4.3: election safety, one vote a term, terms only rise."""
    World(engine, nodes, pre_vote=pre_vote, timer=timer).play(steps)


def random_steps(seed: int, length: int) -> list[tuple[str, int]]:
    luck = random.Random(seed)
    words = ["deliver"] * 12 + ["expire", "expire", "repeat", "drop", "restart"]
    return [(luck.choice(words), luck.randrange(1000)) for _ in range(length)]


def test_the_worlds_of_these_tests_do_elect_and_do_contend(engine: str) -> None:
    """The safety test above is about something: leaders come and go, terms are contested."""
    worlds = [World(engine, 3, pre_vote=seed % 2 == 0) for seed in range(20)]
    for seed, world in enumerate(worlds):
        world.play(random_steps(seed, 400))
    assert sum(len(world.leaders) for world in worlds) > 50
    terms = [max(raft.term for raft in world.raft) for world in worlds]
    assert sum(terms) > sum(len(world.leaders) for world in worlds)


def test_a_quorum_below_a_majority_lets_two_lead_and_the_world_notices(engine: str) -> None:
    """Half of four servers is the gist's mistake: the check above can fail."""
    world = World(engine, 4, quorum=2)
    world.expire(0)
    world.expire(3)
    for request in (VoteRequest(0, 1, 1, 0), VoteRequest(3, 2, 1, 0)):
        world.deliver(world.mail.index(request))
    world.deliver(world.mail.index(VoteResponse(1, 0, 1, True)))
    with pytest.raises(AssertionError):
        world.deliver(world.mail.index(VoteResponse(2, 3, 1, True)))


@pytest.mark.parametrize("timer", ALONE)
@pytest.mark.parametrize("pre_vote", [False, True])
def test_both_engines_do_the_same(both: tuple[str, str], timer: str, pre_vote: bool) -> None:
    """The twins agree on every message, role, term and deadline."""
    for seed in range(5):
        histories = []
        for engine in both:
            world = World(engine, 4, timer=timer, pre_vote=pre_vote)
            world.play(random_steps(seed, 300))
            histories.append(world.history)
        assert histories[0] == histories[1]
