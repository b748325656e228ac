"""Servers for the tests of the public `Raft`, and one of three in each role."""

from __future__ import annotations

from typing import Any

from raftfast.machine import (
    Raft,
    Ready,
    Role,
    VoteResponse,
)

MS = 1_000_000
NOW = 1000 * MS
"""Later than any first timeout of these tests."""


def server(engine: str, **choices: Any) -> Raft:
    """Server 0 of three at time 0, unless told otherwise."""
    return Raft(**{"server": 0, "nodes": 3, "seed": 1, "engine": engine, **choices})


def expire(raft: Raft) -> Ready:
    """Let a server's timer expire."""
    assert raft.deadline_ns is not None
    return raft.on_timeout(raft.deadline_ns)


def candidate(engine: str, **choices: Any) -> Raft:
    raft = server(engine, **choices)
    expire(raft)
    assert raft.role is Role.CANDIDATE
    return raft


def leader(engine: str, **choices: Any) -> Raft:
    """Server 0, elected in term 1 by server 1."""
    raft = candidate(engine, **choices)
    raft.receive(VoteResponse(1, 0, raft.term, True), NOW)
    assert raft.role is Role.LEADER
    return raft
