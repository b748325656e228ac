"""A slow, obvious simulation of MODEL.md in plain Python objects, to hold the engine against.

It shares no code and no draw with `raftfast` and keeps time in whole nanoseconds, so that instants
that ought to coincide do. Where MODEL.md is silent it takes the engine's known decisions: a lost
message is lost with its copy; after a leader crash a follower's timer starts when the last
broadcast reaches it, which nobody answers; a candidate whose own vote suffices asks nobody; what
withholds votes withholds pre-votes, in every mode. Where the engine differs from what is written,
this stays as written, and no scenario speaks of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

from .reference_cluster import FOLLOWER, NS, Model, Server
from .reference_desk import DELIVERY
from .reference_events import Happenings


def simulate(tables: Mapping[str, Any], trials: int, seed: int) -> dict[str, list[float]]:
    """Every column of MODEL.md, one value a trial, nan where there is none; times in ms."""
    model = Model(tables)
    rng = random.Random(seed)
    rows = [Election(model, rng).run() for _ in range(trials)]
    return {name: [row[name] for row in rows] for name in rows[0]}


class Election(Happenings):
    """One trial."""

    first_term = 1
    # Offices that were taken before the trial, or without which it would not be one.
    offices_due = 1

    def begin(self) -> None:
        kind = self.model.start["kind"]
        if kind == "cold-start":
            self.rank()
            for server in self.servers.values():
                self.boot_timer(server)
        else:
            self.begin_with_leader(crashed=kind == "leader-crash")
        self.plan()

    def rank(self) -> None:
        voters = self.model.voters
        able = [server for server in self.servers.values() if server.up and server.id in voters]
        logs = [server.log for server in able]
        for server in self.servers.values():
            server.rank = sum(log > server.log for log in logs)

    def begin_with_leader(self, crashed: bool) -> None:
        model = self.model
        self.first_term = 2
        able = [server for server in self.servers.values() if server.id in model.voters]
        longest = max(server.log for server in able)
        leader = self.rng.choice([server for server in able if server.log == longest])
        self.led[1] = leader.id
        broadcast = -int(self.rng.random() * model.heartbeat)
        for server in self.servers.values():
            server.term, server.leader = 1, leader.id
            # All of them elected it.
            self.cast(server, leader.id)
            server.phase += broadcast
            server.looks = [look + broadcast for look in server.looks]
            if server is leader:
                continue
            delay = 0
            if model.start["crash_phase"] == "uniform":
                delay = model.links[leader.id, server.id].latency(self.rng)
            self.at(broadcast + delay, DELIVERY, self.last_broadcast, server)
        if crashed:
            self.offices_due = 0
            leader.up, leader.role, leader.leader = False, FOLLOWER, None
            if not model.start["event"]:
                # It never comes back: what is sent to it is lost at once.
                del self.servers[leader.id]
        else:
            self.enter_office(leader)
            due = broadcast + round(model.heartbeat * leader.factor)
            self.set_timer(leader, "heartbeat", self.noticed(leader, due))
        self.rank()

    def last_broadcast(self, server: Server) -> None:
        if server.life:
            # It crashed meanwhile, and began anew or not at all.
            return
        if server.term == 1:
            self.join_timer(server)
        elif server.draw is None:
            self.restart_timer(server, fresh=False)

    def run(self) -> dict[str, float]:
        self.begin()
        self.go_on()
        if self.leading == 0:
            self.leaderless += self.now - self.leaderless_since
        if self.model.rule == "duration" and self.offices:
            self.result = (self.offices[0][0], self.offices[0][1])
        return self.row()

    def row(self) -> dict[str, float]:
        ended = self.result is not None
        office, leader = self.result or (0, 0)
        led = self.led
        followed = ended and self.model.rule == "followed"
        return {
            "election_ms": office / NS if ended else math.nan,
            "detect_ms": math.nan if self.detect is None else self.detect / NS,
            "followed_ms": self.now / NS if followed else math.nan,
            "campaigns": self.campaigns,
            "pre_campaigns": self.pre_campaigns,
            "needless_campaigns": self.needless,
            "terms": len(self.candidates),
            "split_terms": len(self.candidates.keys() - led.keys()),
            "first_term_candidates": len(self.candidates.get(self.first_term, ())),
            "messages": self.messages,
            "lost": self.lost,
            "leader": leader if ended else math.nan,
            "leader_changes": max(0, len(self.offices) - self.offices_due),
            "unavailable_ms": self.leaderless / NS,
            "censored": float(not ended),
            "violations": self.violations,
            "split_first_term": float(self.first_term not in led),
        }
