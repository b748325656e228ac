"""How long a server holds by the leader it heard from, where its clock is not exact."""

from __future__ import annotations

from array import array

from .clock import Clock
from .raft import Raft


class Leases:
    """The leases of all servers, each as long as its own timeouts say and its own clock measures.

    By exact clocks (`on` is 0) the state machine counts from the contact. By clocks that tick or
    drift the ends are asked of them at each contact: of the pre-vote's lease, `lease_wait`, and of
    what makes votes stick, `sticky_wait`, in ticks or ns.
    """

    def __init__(self, clock: Clock, raft: Raft, nodes: int) -> None:
        self.clock = clock
        self.raft = raft
        self.nodes = nodes
        self.on = 0
        self.lease_wait = array("q", bytes(8 * nodes))
        self.sticky_wait = array("q", bytes(8 * nodes))

    def take_rules(self, block: object) -> None:
        """Take the settings of a parameter block."""
        inexact = block.tick_ns > 0 or block.drift_ppm > 0.0
        self.on = int(inexact and (block.pre_vote > 0 or block.voting.sticky > 0))
        self.lease_wait = array("q", block.voting.lease_wait)
        self.sticky_wait = array("q", block.voting.sticky_wait)
        if self.on:
            self.raft.go_by_clock()

    def hold(self, server: int, contact: int) -> None:
        """Let the leases that began at `contact` be as long as they are by the server's clock."""
        self.raft.hold_lease(
            server,
            self.clock.lapse(server, self.lease_wait[server], 0, contact),
            self.clock.lapse(server, self.sticky_wait[server], 0, contact),
        )
