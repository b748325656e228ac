"""The engine by the number of servers, and the interpreted one."""

from __future__ import annotations

import pytest

from raftfast import Scenario

NODES = (3, 5, 7, 9, 25, 51, 101)
FEW = (3, 5, 9, 51)


def _scenario(nodes: int, kind: str) -> Scenario:
    return Scenario.from_dict({"cluster": {"nodes": nodes}, "scenario": {"kind": kind}})


@pytest.mark.parametrize("kind", ["cold-start", "leader-crash"])
@pytest.mark.parametrize("nodes", NODES)
def bench_nodes(elections, nodes, kind):
    elections(_scenario(nodes, kind), f"engine by servers, {kind}")


@pytest.mark.parametrize("nodes", FEW)
def bench_interpreted(elections, nodes):
    elections(_scenario(nodes, "cold-start"), "interpreted engine, cold-start", "python")
