"""Who is in a cluster, who votes in it, who can lead it: the rules of [cluster]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .layers import Given
from .schema import Cluster


def check_members(given: Given, structs: Mapping[str, Any]) -> None:
    """Refuse ids there are not, clusters that nobody could lead, and lists of another length."""
    _check_ids(given, structs["cluster"])
    _check_leaders(given, structs["cluster"])
    _check_quorum(given, structs["cluster"])
    _check_lengths(given, structs)


def _check_ids(given: Given, cluster: Cluster) -> None:
    nodes = cluster.nodes
    for name in ("down", "witnesses", "learners"):
        ids = getattr(cluster, name)
        if ids and max(ids) >= nodes:
            problem = f"{name} must hold ids below cluster.nodes ({nodes}), not {max(ids)}"
            raise given.error(problem, f"cluster.{name}", "cluster.nodes")
        if len(set(ids)) < len(ids):
            raise given.error("must hold different ids", f"cluster.{name}")


def _check_leaders(given: Given, cluster: Cluster) -> None:
    if not (cluster.down or cluster.witnesses or cluster.learners):
        return
    nodes, running = cluster.nodes, {*cluster.running}
    down = ("cluster.down", "cluster.nodes")
    if not running:
        raise given.error(f"at least one of the {nodes} servers must run; all are down", *down)
    if both := {*cluster.witnesses} & {*cluster.learners}:
        problem = f"a witness votes and a learner does not: {min(both)} cannot be both"
        raise given.error(problem, "cluster.learners", "cluster.witnesses")
    if not cluster.voters:
        problem = f"at least one of the {nodes} servers must vote; all are learners"
        raise given.error(problem, "cluster.learners", "cluster.nodes")
    if not running & {*cluster.voters}:
        problem = "at least one server that runs must vote, and be no learner"
        raise given.error(problem, "cluster.learners", *down)
    if running & {*cluster.voters} <= {*cluster.witnesses}:
        problem = "a running server must be no witness, or nobody could lead"
        raise given.error(problem, "cluster.witnesses", "cluster.learners", *down)


def _check_quorum(given: Given, cluster: Cluster) -> None:
    # A part of the voters, as the words say, is never more than there are.
    if isinstance(cluster.quorum, str) or cluster.quorum <= (voters := len(cluster.voters)):
        return
    most = f"cluster.nodes ({voters})"
    if voters < cluster.nodes:
        most = f"the number of voters ({voters}: cluster.nodes less the learners)"
    problem = f"quorum must be at most {most}, not {cluster.quorum}"
    raise given.error(problem, "cluster.quorum", "cluster.nodes", "cluster.learners")


def _check_lengths(given: Given, structs: Mapping[str, Any]) -> None:
    """Lists of one entry a server hold one of every server's."""
    cluster, protocol = structs["cluster"], structs["protocol"]
    nodes = cluster.nodes
    if isinstance(cluster.log, tuple) and len(cluster.log) != nodes:
        problem = f"log must hold one length a server, {nodes} in all, not {len(cluster.log)}"
        raise given.error(problem, "cluster.log", "cluster.nodes")
    priorities = protocol.priorities
    if priorities and len(priorities) != nodes:
        problem = f"priorities must hold one number a server, {nodes} in all, not {len(priorities)}"
        raise given.error(problem, "protocol.priorities", "cluster.nodes")
    if protocol.priority == "escape" and (
        max(priorities, default=nodes) > nodes or min(priorities, default=1) < 1
    ):
        problem = f'with priority "escape" they must be from 1 to cluster.nodes ({nodes})'
        raise given.error(problem, "protocol.priorities", "cluster.nodes", "protocol.priority")
