"""What makes a server wait before it campaigns again, lost elections and a lower priority, or for
ever: witnesses and learners."""

from __future__ import annotations

from array import array

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        BY_FAILURES,
        BY_KAFKA,
        BY_LOSSES,
        BY_REJECTIONS,
        CONTACT,
        DECAY,
        DECAY_AFTER_SKIP,
        DEPOSED,
        EXPIRED,
        FOLLOW,
        FOLLOWER,
        FOR_BACKOFF,
        LEAD,
        LEADER,
        LOST,
        PURPOSE,
        STEP_DOWN,
    )
from .raft import Raft
from .rng import Rng
from .timeouts import Timeouts


class Patience:
    """How often each server lost in a row, and the priority it takes to campaign now.

    `backoff` is 0 or says what counts as lost and what it leads to: BY_REJECTIONS and BY_FAILURES
    make the candidates' timeout `factor` times as long each time, BY_LOSSES adds `step_ns`,
    BY_KAFKA waits between two candidacies. `decay` is 0 or how the target priority comes down.
    """

    def __init__(self, rng: Rng, timeouts: Timeouts, raft: Raft, nodes: int) -> None:
        self.rng = rng
        self.timeouts = timeouts
        self.raft = raft
        self.nodes = nodes
        self.on = 0
        self.backoff = 0
        self.decay = 0
        self.factor = 1.0
        self.step = 0
        self.step_ns = 0
        self.longest_ns = 0
        self.top = 0
        self.lost = array("q", bytes(8 * nodes))
        self.waiting = array("i", bytes(4 * nodes))
        self.waits = array("q", bytes(8 * nodes))
        self.target = array("q", bytes(8 * nodes))
        self.skipped = array("i", bytes(4 * nodes))
        self.passive = array("i", bytes(4 * nodes))

    def take_rules(self, block: object) -> None:
        """Take the settings of a parameter block's `patience`."""
        patience = block.patience
        self.backoff = patience.backoff
        self.decay = patience.decay
        self.factor = patience.factor
        self.step = patience.step
        self.step_ns = patience.step_ns
        self.longest_ns = patience.longest_ns
        self.top = patience.top
        self.passive = array("i", patience.passive)
        self.on = int(self.backoff > 0 or self.decay > 0 or max(patience.passive) > 0)
        if self.backoff:
            self.timeouts.stretch_to(patience.longest)

    def clear(self) -> None:
        """Nobody has lost yet."""
        for i in range(self.nodes):
            self.lost[i] = 0
            self.waiting[i] = 0
            self.waits[i] = 0
            self.target[i] = self.top
            self.skipped[i] = 0
            self.timeouts.stretch(i, 1.0, 0)

    def acts(self, server: int, now: int) -> int:
        """Whether `server` acts on its expired timer; where not, it waits again."""
        role = self.raft.role[server]
        if role == LEADER:
            return 1
        if self.passive[server]:
            # A witness keeps nothing that it could lead with, and nobody would vote for a learner.
            self.wait_again(server, now)
            return 0
        if self.backoff and role != FOLLOWER:
            if self.waiting[server]:
                self.waiting[server] = 0
                return 1
            if self.backoff != BY_REJECTIONS or self.raft.against[server] >= self.raft.quorum - 1:
                self.lose(server)
            if self.backoff == BY_KAFKA:
                self.back_off(server, now)
                return 0
        if self.decay and role == FOLLOWER and self.raft.priority[server] < self.target[server]:
            self.come_down(server)
            self.wait_again(server, now)
            return 0
        return 1

    def wait_again(self, server: int, now: int) -> None:
        """The timer of `server` has fired, and that leads to nothing but another wait."""
        self.raft.forget_leader(server)
        self.timeouts.apply(server, DEPOSED | EXPIRED, now)

    def note(self, server: int, reasons: int, now: int) -> None:
        """A handler of `server` left these reasons."""
        if reasons & (STEP_DOWN | DEPOSED | FOLLOW | LEAD | CONTACT):
            self.waiting[server] = 0
            if self.lost[server] > 0:
                self.lost[server] = 0
                self.timeouts.stretch(server, 1.0, 0)
            if reasons & CONTACT:
                self.target[server] = self.top
                self.skipped[server] = 0
        elif reasons & LOST and self.backoff == BY_KAFKA:
            self.lose(server)
            self.back_off(server, now)

    def lose(self, server: int) -> None:
        """Count one more election lost."""
        self.lost[server] += 1
        scale = 1.0
        if self.backoff == BY_LOSSES:
            self.timeouts.stretch(server, 1.0, self.lost[server] * self.step)
        elif self.backoff == BY_REJECTIONS or self.backoff == BY_FAILURES:
            for _ in range(self.lost[server]):
                scale = scale * self.factor if scale < 1e9 else scale
            self.timeouts.stretch(server, scale, 0)

    def back_off(self, server: int, now: int) -> None:
        """Wait min(step * randint(0, 2^min(21, lost) - 1), longest) before the next candidacy
        (Kafka's `KafkaRaftClient.binaryExponentialElectionBackoffMs`, October 2024)."""
        power = self.lost[server] if self.lost[server] < 21 else 21
        times = self.rng.below(FOR_BACKOFF * PURPOSE + server, self.waits[server], 1 << power)
        self.waits[server] += 1
        wait = times * self.step_ns
        self.waiting[server] = 1
        self.timeouts.wait(server, wait if wait < self.longest_ns else self.longest_ns, now)

    def come_down(self, server: int) -> None:
        """Lower the priority that `server` must have to campaign: redpanda's `consensus.cc`, or
        NuRaft's `handle_priority.cxx` and sofa-jraft's `decayTargetPriority`."""
        target = self.target[server]
        if self.decay == DECAY:
            self.target[server] = target * (self.nodes - 1) // self.nodes
            return
        if self.decay == DECAY_AFTER_SKIP and not self.skipped[server]:
            self.skipped[server] = 1
            return
        less = target // 5 if target > 50 else 10
        self.target[server] = target - less if target - less > 1 else 1
