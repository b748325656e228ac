"""The world of the reference model: events in order of time, links, and each server's desk."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from typing import Any

from .reference_cluster import Expiry, Message, Model, Server, make_servers

END, DELIVERY, TIMER = 0, 1, 2


class World:
    """One trial's time, links and desks; what a message or a timer leads to comes on top."""

    def __init__(self, model: Model, rng: random.Random) -> None:
        self.model = model
        self.rng = rng
        self.now = 0
        self.expired = False
        self.stopped: int | None = None
        self.sequence = itertools.count()
        self.events: list[tuple[int, int, int, Callable[..., None], tuple[Any, ...]]] = []
        self.last_delivery: dict[tuple[int, int], int] = {}
        self.messages = self.lost = 0
        # What lies on a link: who blocks it, and by how much it is slowed.
        self.blocks: dict[tuple[int, int], set[int]] = {}
        self.slowed: dict[tuple[int, int], int] = {}
        self.servers = make_servers(model, rng)
        self.draw_looks()

    def draw_looks(self) -> None:
        """Fill in how the servers come to look at their timers now and then."""

    def at(self, time: int, rank: int, do: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self.events, (time, rank, next(self.sequence), do, arguments))

    def go_on(self) -> None:
        """Let happen what is to happen before the end."""
        while self.stopped is None and self.events and self.events[0][0] < self.model.end:
            self.now, _, _, do, arguments = heapq.heappop(self.events)
            do(*arguments)
        if self.stopped is None:
            self.now = self.model.end

    # -- messages --------------------------------------------------------------------------------

    def send(self, sender: int, to: int, message: Message) -> None:
        link = self.model.links[sender, to]
        self.messages += 1
        blocked = bool(self.blocks.get((sender, to)))
        if self.rng.random() < link.loss or to not in self.servers or blocked:
            self.lost += 1
            return
        copies = 2 if self.rng.random() < link.duplicate else 1
        for _ in range(copies):
            time = self.now + link.latency(self.rng) + self.slowed.get((sender, to), 0)
            if self.model.ordered:
                time = max(time, self.last_delivery.get((sender, to), time))
                self.last_delivery[sender, to] = time
            self.at(time, DELIVERY, self.deliver, self.servers[to], message)

    def deliver(self, server: Server, message: Message) -> None:
        if server.up:
            self.arrive(server, message)
        else:
            self.lost += 1

    def to_all(self, server: Server, message: Message) -> None:
        server.outbox += [(to, message) for to in range(self.model.n) if to != server.id]

    def respond(self, server: Server, request: Message, granted: bool, term: int) -> None:
        kind = request.kind.replace("request", "response")
        answer = Message(kind, server.id, term, granted=granted, about=request.term)
        server.outbox.append((request.sender, answer))

    # -- a server's queue, and its writes --------------------------------------------------------

    def arrive(self, server: Server, item: Message | Expiry) -> None:
        server.inbox.append(item)
        self.serve(server)

    def serve(self, server: Server) -> None:
        while server.inbox and not server.busy and not server.paused and self.stopped is None:
            item = server.inbox.popleft()
            if isinstance(item, Expiry) and item.count != server.counts[item.kind]:
                continue
            server.busy = True
            cost = self.model.process(self.rng)
            if cost:
                self.at(self.now + cost, DELIVERY, self.processed, server, item, server.life)
            else:
                self.processed(server, item, server.life)

    def processed(self, server: Server, item: Message | Expiry, life: int) -> None:
        if life != server.life:
            return
        self.expired = isinstance(item, Expiry)
        if isinstance(item, Message):
            self.handle(server, item)
        else:
            self.time_out(server, item.kind)
        self.expired = False
        self.write(server)

    def handle(self, server: Server, message: Message) -> None:
        raise NotImplementedError

    def time_out(self, server: Server, kind: str) -> None:
        raise NotImplementedError

    def write(self, server: Server) -> None:
        cost, apart = 0, self.model.persist
        for name in sorted(server.writes):
            cost += apart[name](self.rng) if apart else 0
        if not apart and server.writes - {"lead"}:
            cost = self.model.persist_all(self.rng)
        server.writes.clear()
        if cost:
            self.at(self.now + cost, DELIVERY, self.written, server, server.life)
        else:
            self.written(server, server.life)

    def written(self, server: Server, life: int) -> None:
        if life != server.life:
            return
        for to, message in server.outbox:
            self.send(server.id, to, message)
        server.outbox.clear()
        self.go_ahead(server)
        if server.wins_alone:
            server.wins_alone = False
            self.take_office(server)
            if self.stopped is None:
                self.write(server)
            return
        server.busy = False
        self.serve(server)

    def go_ahead(self, server: Server) -> None:
        """All is written and sent: start what begins only now."""
        raise NotImplementedError

    def take_office(self, server: Server) -> None:
        raise NotImplementedError
