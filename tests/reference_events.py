"""What befalls the servers and links of the reference model: the [[scenario.event]] tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from .reference_cluster import FOLLOWER, LEADER, NS, Message, Server, law, pair
from .reference_desk import DELIVERY
from .reference_voting import Voting

Event = Mapping[str, Any]


class Happenings(Voting):
    """A trial to which things happen."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.tokens = itertools.count()

    def plan(self) -> None:
        """Queue the events, as of t = 0."""
        for event in self.model.start["event"]:
            if "every_ms" in event:
                self.at(self.interval(event), DELIVERY, self.happen_again, event)
            else:
                low, high = pair(event["at_ms"])
                self.at(round(self.rng.uniform(low, high) * NS), DELIVERY, self.happen, event)

    def interval(self, event: Event) -> int:
        return law({"exponential": event["every_ms"]})(self.rng)

    def happen_again(self, event: Event) -> None:
        self.happen(event)
        self.at(self.now + self.interval(event), DELIVERY, self.happen_again, event)

    def happen(self, event: Event) -> None:
        do = event["do"]
        if do in ("crash", "restart", "pause", "resume"):
            for server in self.whom(event["who"]):
                self.befall(do, server, event)
        elif do == "transfer":
            for leader in self.whom("leader"):
                self.transfer(leader, event.get("to"))
        elif do == "heal":
            self.blocks.clear()
        elif do == "unblock":
            for pair_ in self.links_of(event):
                self.blocks.pop(pair_, None)
        elif do == "slow":
            add = round(event["add_ms"] * NS)
            links = self.links_of(event)
            self.slow(links, add)
            self.take_back_later(event, partial(self.slow, links, -add))
        else:
            links = self.parted(event["groups"]) if do == "partition" else self.links_of(event)
            token = next(self.tokens)
            for link in links:
                self.blocks.setdefault(link, set()).add(token)
            self.take_back_later(event, partial(self.take_back, links, token))

    def take_back_later(self, event: Event, reverse: partial[None]) -> None:
        if "for_ms" in event:
            self.at(self.now + law(event["for_ms"])(self.rng), DELIVERY, reverse)

    # -- servers ---------------------------------------------------------------------------------

    def whom(self, who: Any) -> list[Server]:
        servers = self.servers
        if who == "leader":
            leaders = [server for server in servers.values() if server.role == LEADER]
            return sorted(leaders, key=lambda server: server.term)[-1:]
        if who == "random":
            running = [server for server in servers.values() if server.up]
            return [self.rng.choice(running)] if running else []
        ids = [who] if isinstance(who, int) else who
        return [servers[i] for i in ids if i in servers]

    def transfer(self, leader: Server, to: int | None) -> None:
        """Let the leader tell its heir, or whom it likes, to campaign at once."""
        servers = self.servers.values()
        heirs = [s for s in servers if s is not leader and s.log >= leader.log]
        heirs = [s for s in heirs if s.id in self.model.voters]
        if to is None:
            able = [
                s for s in heirs if s.up and s.id not in self.model.cluster.get("witnesses", [])
            ]
            heirs = [self.rng.choice(able)] if able else []
        else:
            heirs = [server for server in heirs if server.id == to]
        for heir in heirs:
            if not leader.paused:
                self.send(leader.id, heir.id, Message("timeout-now", leader.id, leader.term))

    def befall(self, do: str, server: Server, event: Event) -> None:
        """Let it happen; where nothing happens, nothing is taken back later."""
        reverse = {
            "crash": self.restart, "restart": self.crash, "pause": self.resume,
            "resume": self.pause,
        }  # fmt: skip
        if getattr(self, do)(server):
            self.take_back_later(event, partial(reverse[do], server))

    def crash(self, server: Server) -> bool:
        if not server.up:
            return False
        if server.role == LEADER:
            self.leave_office(server)
        self.leave_ballot(server)
        self.forget_losses(server)
        server.role, server.leader = FOLLOWER, None
        server.up = server.paused = server.busy = False
        server.life += 1
        for kind in server.counts:
            server.counts[kind] += 1
        server.inbox.clear()
        server.outbox.clear()
        server.writes.clear()
        server.wins_alone = server.leads_next = server.new_role = False
        return True

    def restart(self, server: Server) -> bool:
        if server.up:
            return False
        server.up = True
        if self.model.forgets:
            # Its term goes back, which it never may.
            self.violations += server.term > 0
            server.term, server.voted_for = 0, None
        server.boot.clear()
        server.target, server.skipped = self.model.top, False
        self.boot_timer(server)
        return True

    def pause(self, server: Server) -> bool:
        if not server.up or server.paused:
            return False
        server.paused = True
        return True

    def resume(self, server: Server) -> bool:
        if not server.paused:
            return False
        server.paused = False
        self.serve(server)
        return True

    # -- links -----------------------------------------------------------------------------------

    def links_of(self, event: Event) -> list[tuple[int, int]]:
        ends = (event["from"], event["to"])
        senders, receivers = ([end] if isinstance(end, int) else end for end in ends)
        links = {(a, b) for a, b in itertools.product(senders, receivers) if a != b}
        if not event.get("one_way", False):
            links |= {(b, a) for a, b in links}
        return sorted(links)

    def parted(self, groups: Iterable[list[int]]) -> list[tuple[int, int]]:
        group = {i: number for number, ids in enumerate(groups) for i in ids}
        everyone = range(self.model.n)
        return [
            (a, b) for a, b in itertools.permutations(everyone, 2) if group.get(a) != group.get(b)
        ]

    def take_back(self, links: Iterable[tuple[int, int]], token: int) -> None:
        for link in links:
            self.blocks.get(link, set()).discard(token)

    def slow(self, links: Iterable[tuple[int, int]], add: int) -> None:
        for link in links:
            self.slowed[link] = self.slowed.get(link, 0) + add
