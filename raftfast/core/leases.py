"""How long a server holds by the leader it heard from, where no exact clock says."""

from __future__ import annotations

from array import array

from .clock import Clock
from .raft import Raft
from .tuning import Tuning


class Leases:
    """The leases of all servers, each as long as its own timeouts say and its own clock measures.

    By exact clocks (`on` is 0) the state machine counts from the contact. By clocks that tick or
    drift the ends are asked of them at each contact: of the pre-vote's lease, `lease_wait`, and of
    what makes votes stick, `sticky_wait`, in ticks or ns. Where a timeout was tuned it takes the
    place of the first, and `sticky_spans` of it that of the second, unless that is 0.
    """

    def __init__(self, clock: Clock, tuning: Tuning, raft: Raft, nodes: int) -> None:
        self.clock = clock
        self.tuning = tuning
        self.sticky_spans = 0
        self.raft = raft
        self.nodes = nodes
        self.on = 0
        self.lease_wait = array("q", bytes(8 * nodes))
        self.sticky_wait = array("q", bytes(8 * nodes))

    def take_rules(self, block: object) -> None:
        """Take the settings of a parameter block."""
        varies = block.tick_ns > 0 or block.drift_ppm > 0.0 or self.tuning.on > 0
        self.on = int(varies and (block.pre_vote > 0 or block.voting.sticky > 0))
        self.sticky_spans = block.voting.sticky_spans
        self.lease_wait = array("q", block.voting.lease_wait)
        self.sticky_wait = array("q", block.voting.sticky_wait)
        if self.on:
            self.raft.go_by_clock()

    def hold(self, server: int, contact: int) -> None:
        """Let the leases that began at `contact` be as long as they are by the server's clock."""
        lease = self.lease_wait[server]
        sticky = self.sticky_wait[server]
        tuned = self.tuning.timeout[server]
        if tuned > 0:
            lease = tuned
            if self.sticky_spans > 0:
                sticky = self.sticky_spans * tuned
        self.raft.hold_lease(
            server,
            self.clock.lapse(server, lease, 0, contact),
            self.clock.lapse(server, sticky, 0, contact),
        )
