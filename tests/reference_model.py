"""A slow, obvious simulation of MODEL.md in plain Python objects, to hold the engine against.

It shares no code and no draw with `raftfast` and keeps time in whole nanoseconds, so that instants
that ought to coincide do. Where MODEL.md is silent it takes the engine's known decisions: a lost
message is lost with its copy; after a leader crash a follower's timer starts when the last
broadcast reaches it, which nobody answers; a candidate whose own vote suffices asks nobody.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

from .reference_cluster import (
    CANDIDATE,
    FOLLOWER,
    LEADER,
    NS,
    PRE_CANDIDATE,
    Expiry,
    Message,
    Model,
    Server,
    make_servers,
)

END, DELIVERY, TIMER = 0, 1, 2


def simulate(tables: Mapping[str, Any], trials: int, seed: int) -> dict[str, list[float]]:
    """Every column of MODEL.md, one value a trial, nan where there is none; times in ms."""
    model = Model(tables)
    rng = random.Random(seed)
    rows = [Election(model, rng).run() for _ in range(trials)]
    return {name: [row[name] for row in rows] for name in rows[0]}


class Election:
    """One trial."""

    def __init__(self, model: Model, rng: random.Random) -> None:
        self.model = model
        self.rng = rng
        self.now = 0
        self.expired = False
        self.sequence = itertools.count()
        self.events: list[tuple[int, int, int, Callable[..., None], tuple[Any, ...]]] = []
        self.last_delivery: dict[tuple[int, int], int] = {}
        self.messages = self.lost = self.campaigns = self.pre_campaigns = self.violations = 0
        self.detect: int | None = None
        self.candidates: dict[int, set[int]] = {}
        self.offices: list[tuple[int, int, int]] = []
        self.followers: dict[int, set[int]] = {}
        self.leading = self.leaderless_since = self.leaderless = 0
        self.result: tuple[int, int] | None = None
        self.stopped: int | None = None
        self.first_term = 1
        self.servers = make_servers(model, rng)

    # -- the start -------------------------------------------------------------------------------

    def begin(self) -> None:
        model = self.model
        if model.start["kind"] == "cold-start":
            for server in self.servers.values():
                self.restart_timer(server, fresh=True)
            return
        self.first_term = 2
        longest = max(server.log for server in self.servers.values())
        leader = self.rng.choice([s.id for s in self.servers.values() if s.log == longest])
        del self.servers[leader]
        broadcast = -int(self.rng.random() * model.heartbeat)
        for server in self.servers.values():
            server.term = 1
            server.phase += broadcast
            delay = 0
            if model.start["crash_phase"] == "uniform":
                delay = model.links[leader, server.id].latency(self.rng)
            self.at(broadcast + delay, DELIVERY, self.last_broadcast, server)

    def last_broadcast(self, server: Server) -> None:
        if server.term == 1:
            server.heard = self.now
        if server.term == 1 or server.draw is None:
            self.restart_timer(server, fresh=False)

    # -- the loop --------------------------------------------------------------------------------

    def at(self, time: int, rank: int, do: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self.events, (time, rank, next(self.sequence), do, arguments))

    def run(self) -> dict[str, float]:
        self.begin()
        while self.stopped is None and self.events and self.events[0][0] < self.model.end:
            self.now, _, _, do, arguments = heapq.heappop(self.events)
            do(*arguments)
        if self.stopped is None:
            self.now = self.model.end
        if self.leading == 0:
            self.leaderless += self.now - self.leaderless_since
        if self.model.stop["on"] == "duration" and self.offices:
            self.result = (self.offices[0][0], self.offices[0][1])
        return self.row()

    def row(self) -> dict[str, float]:
        ended = self.result is not None
        office, leader = self.result or (0, 0)
        led = {term for _, _, term in self.offices}
        followed = ended and self.model.stop["on"] == "followed"
        return {
            "election_ms": office / NS if ended else math.nan,
            "detect_ms": math.nan if self.detect is None else self.detect / NS,
            "followed_ms": self.now / NS if followed else math.nan,
            "campaigns": self.campaigns,
            "pre_campaigns": self.pre_campaigns,
            "terms": len(self.candidates),
            "split_terms": len(self.candidates.keys() - led),
            "first_term_candidates": len(self.candidates.get(self.first_term, ())),
            "messages": self.messages,
            "lost": self.lost,
            "leader": leader if ended else math.nan,
            "leader_changes": max(0, len(self.offices) + self.first_term - 2),
            "unavailable_ms": self.leaderless / NS,
            "censored": float(not ended),
            "violations": self.violations,
            "split_first_term": float(self.first_term not in led),
        }

    # -- messages --------------------------------------------------------------------------------

    def send(self, sender: int, to: int, message: Message) -> None:
        link = self.model.links[sender, to]
        self.messages += 1
        if self.rng.random() < link.loss or to not in self.servers:
            self.lost += 1
            return
        copies = 2 if self.rng.random() < link.duplicate else 1
        for _ in range(copies):
            time = self.now + link.latency(self.rng)
            if self.model.ordered:
                time = max(time, self.last_delivery.get((sender, to), time))
                self.last_delivery[sender, to] = time
            self.at(time, DELIVERY, self.arrive, self.servers[to], message)

    def to_all(self, server: Server, message: Message) -> None:
        server.outbox += [(to, message) for to in range(self.model.n) if to != server.id]

    def respond(self, server: Server, request: Message, granted: bool, term: int) -> None:
        kind = request.kind.replace("request", "response")
        server.outbox.append((request.sender, Message(kind, server.id, term, granted=granted)))

    # -- a server's queue, and its writes --------------------------------------------------------

    def arrive(self, server: Server, item: Message | Expiry) -> None:
        server.inbox.append(item)
        self.serve(server)

    def serve(self, server: Server) -> None:
        while server.inbox and not server.busy and self.stopped is None:
            item = server.inbox.popleft()
            if isinstance(item, Expiry) and item.count != server.counts[item.kind]:
                continue
            server.busy = True
            cost = self.model.process(self.rng)
            if cost:
                self.at(self.now + cost, DELIVERY, self.processed, server, item)
            else:
                self.processed(server, item)

    def processed(self, server: Server, item: Message | Expiry) -> None:
        self.expired = isinstance(item, Expiry)
        if isinstance(item, Message):
            self.handle(server, item)
        elif item.kind == "heartbeat":
            self.send_heartbeat(server)
        else:
            self.give_up(server)
        self.expired = False
        self.write(server)

    def write(self, server: Server) -> None:
        cost, apart = 0, self.model.persist
        for name in sorted(server.writes):
            cost += apart[name](self.rng) if apart else 0
        if not apart and server.writes - {"lead"}:
            cost = self.model.persist_all(self.rng)
        server.writes.clear()
        if cost:
            self.at(self.now + cost, DELIVERY, self.written, server)
        else:
            self.written(server)

    def written(self, server: Server) -> None:
        for to, message in server.outbox:
            self.send(server.id, to, message)
        server.outbox.clear()
        if server.leads_next:
            server.leads_next = False
            self.restart_heartbeat(server)
        if server.wins_alone:
            server.wins_alone = False
            self.take_office(server)
            if self.stopped is None:
                self.write(server)
            return
        server.busy = False
        self.serve(server)

    # -- timers ----------------------------------------------------------------------------------

    def restart_timer(self, server: Server, fresh: bool, candidate: bool = False) -> None:
        """Start the election timer now; `fresh` says that even `keep` draws anew here."""
        model = self.model
        low, high = model.candidate_range if candidate else model.follower_range
        fresh = fresh or (server.new_role and not candidate)
        if fresh or model.timeouts["timer"] != "keep" or server.draw is None:
            server.new_role = False
            if model.tick:
                server.draw = self.rng.choice(model.ticks(low, high))
            else:
                server.draw = round(self.rng.uniform(low, high) * NS * server.factor)
        due = self.now + server.draw
        if model.tick:
            due = server.kth_tick(self.now, server.draw, self.expired)
        self.set_timer(server, "election", due)

    def set_timer(self, server: Server, kind: str, deadline: int) -> None:
        server.counts[kind] += 1
        self.at(deadline, TIMER, self.expire, server, Expiry(kind, server.counts[kind]))

    def expire(self, server: Server, expiry: Expiry) -> None:
        if expiry.count == server.counts[expiry.kind]:
            self.arrive(server, expiry)

    def give_up(self, server: Server) -> None:
        if self.detect is None:
            self.detect = self.now
        if self.model.protocol["pre_vote"] == "off":
            self.campaign(server)
            return
        self.pre_campaigns += 1
        self.restart_timer(server, fresh=False, candidate=True)
        server.role = PRE_CANDIDATE
        server.votes = {server.id}
        if len(server.votes) >= self.model.quorum:
            self.campaign(server)
        else:
            self.to_all(server, Message("pre-request", server.id, server.term + 1, server.log))

    def campaign(self, server: Server) -> None:
        self.campaigns += 1
        server.role = CANDIDATE
        server.term += 1
        server.voted_for = server.id
        server.votes = {server.id}
        server.writes.add("candidate")
        self.candidates.setdefault(server.term, set()).add(server.id)
        self.restart_timer(server, fresh=True, candidate=True)
        if len(server.votes) >= self.model.quorum:
            server.wins_alone = True
        else:
            self.to_all(server, Message("vote-request", server.id, server.term, server.log))

    # -- the state machine -----------------------------------------------------------------------

    def handle(self, server: Server, message: Message) -> None:
        if message.kind == "pre-request":
            self.on_pre_request(server, message)
            return
        if message.kind == "pre-response" and message.granted:
            self.on_pre_grant(server, message)
            return
        if message.term > server.term:
            self.adopt(server, message.term)
        if message.kind == "vote-request":
            self.on_vote_request(server, message)
        elif message.kind == "append-request":
            self.on_append_request(server, message)
        elif message.kind == "vote-response":
            mine = server.role == CANDIDATE and message.term == server.term
            if mine and message.granted:
                server.votes.add(message.sender)
                if len(server.votes) >= self.model.quorum:
                    self.take_office(server)

    def adopt(self, server: Server, term: int) -> None:
        """Enter a higher term as a follower."""
        role = server.role
        server.term, server.voted_for, server.role = term, None, FOLLOWER
        server.writes.add("term")
        if role == LEADER:
            server.counts["heartbeat"] += 1
            self.leading -= 1
            if self.leading == 0:
                self.leaderless_since = self.now
        redraws = role == LEADER or self.model.timeouts["timer"] == "keep"
        if role in (CANDIDATE, PRE_CANDIDATE):
            redraws = self.model.protocol["step_down_timer"] == "redraw"
            # The running timer goes on; what a follower keeps, it draws at the next contact.
            server.new_role = True
        if redraws:
            self.restart_timer(server, fresh=True)

    def on_pre_request(self, server: Server, message: Message) -> None:
        if self.model.tick:
            lowest = -(-round(self.model.lease_ms * NS) // self.model.tick)
            passed = server.ticks_before(self.now) - server.ticks_before(server.heard)
            free = passed >= lowest
        else:
            lowest = round(self.model.lease_ms * NS * server.factor)
            free = self.now - server.heard >= lowest
        would = message.term > server.term and message.log >= server.log
        granted = would and free and server.role != LEADER
        self.respond(server, message, granted, message.term if granted else server.term)

    def on_pre_grant(self, server: Server, message: Message) -> None:
        if server.role == PRE_CANDIDATE and message.term == server.term + 1:
            server.votes.add(message.sender)
            if len(server.votes) >= self.model.quorum:
                self.campaign(server)

    def on_vote_request(self, server: Server, message: Message) -> None:
        granted = (
            message.term == server.term
            and server.voted_for in (None, message.sender)
            and message.log >= server.log
        )
        if granted:
            if server.voted_for is None:
                server.voted_for = message.sender
                server.writes.add("vote")
            self.restart_timer(server, fresh=False)
        self.respond(server, message, granted, server.term)

    def on_append_request(self, server: Server, message: Message) -> None:
        # A leader of the same term would be a second one, which needs a quorum below a majority.
        current = message.term == server.term and server.role != LEADER
        if current:
            changed = server.role != FOLLOWER
            server.role = FOLLOWER
            server.heard = self.now
            self.restart_timer(server, fresh=changed)
        self.respond(server, message, current, server.term)
        if current:
            self.followers.setdefault(server.term, set()).add(server.id)
            self.check_followed(self.servers[message.sender])

    # -- a leader, and the stop ------------------------------------------------------------------

    def take_office(self, server: Server) -> None:
        if len(server.votes) < self.model.majority:
            self.violations += 1
        if any(term == server.term for _, _, term in self.offices):
            self.violations += 1
        server.role = LEADER
        server.counts["election"] += 1
        if self.leading == 0:
            self.leaderless += self.now - self.leaderless_since
        self.leading += 1
        self.offices.append((self.now, server.id, server.term))
        if self.model.stop["on"] == "leader":
            self.end(self.now, server)
            return
        if self.model.stop["on"] == "stable":
            due = self.now + round(self.model.stop["stable_ms"] * NS)
            self.at(due, END, self.check_stable, server, server.term, self.now)
        server.writes.add("lead")
        server.leads_next = True
        self.to_all(server, Message("append-request", server.id, server.term))
        self.check_followed(server)

    def send_heartbeat(self, server: Server) -> None:
        self.to_all(server, Message("append-request", server.id, server.term))
        self.restart_heartbeat(server)

    def restart_heartbeat(self, server: Server) -> None:
        due = self.now + round(self.model.heartbeat * server.factor)
        self.set_timer(server, "heartbeat", due)

    def check_followed(self, leader: Server) -> None:
        if self.model.stop["on"] != "followed" or leader.role != LEADER:
            return
        links = self.model.links
        others = {i for i in self.servers if i != leader.id and links[leader.id, i].loss < 1}
        if others <= self.followers.get(leader.term, set()):
            office = next(at for at, _, term in self.offices if term == leader.term)
            self.end(office, leader)

    def check_stable(self, server: Server, term: int, office: int) -> None:
        latest = max(term for _, _, term in self.offices)
        if server.role == LEADER and server.term == term == latest:
            self.end(office, server)

    def end(self, office: int, leader: Server) -> None:
        self.stopped = self.now
        self.result = (office, leader.id)
