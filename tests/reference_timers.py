"""The timers of the reference model: what each class draws, when, and when a timer is looked at."""

from __future__ import annotations

import bisect
import math

from .reference_cluster import FOLLOWER, NS, Expiry, Server, pair
from .reference_desk import TIMER, World

FREE = ("poll", "poll-own-draw")


class Timers(World):
    """Every server's timers."""

    # -- clocks ----------------------------------------------------------------------------------

    def is_ago(self, server: Server, since: int, ms: float) -> bool:
        """Whether `ms` have passed since then, by the server's clock."""
        if self.model.tick:
            lowest = -(-round(ms * NS) // self.model.tick)
            return server.ticks_before(self.now) - server.ticks_before(since) >= lowest
        return self.now - since >= round(ms * NS * server.factor)

    def residual(self, low: float, high: float) -> tuple[float, float]:
        """The interval that a moment falls into, of many uniform ones, and what is left of it."""
        # The density of its length is proportional to the length.
        length = math.sqrt(low * low + self.rng.random() * (high * high - low * low))
        return length, self.rng.random() * length

    def draw_looks(self) -> None:
        low, high = (ms * NS for ms in pair(self.model.timeouts["poll_ms"]))
        if not high:
            return
        aligned = self.model.timeouts["tick_phase"] == "aligned"
        shared = round(self.residual(low, high)[1])
        for server in self.servers.values():
            server.looks = [shared if aligned else round(self.residual(low, high)[1])]

    def noticed(self, server: Server, at: int) -> int:
        """When the server looks at its timers for the first time at `at` or later."""
        if not server.looks:
            return at
        low, high = pair(self.model.timeouts["poll_ms"])
        while server.looks[-1] < at:
            server.looks.append(server.looks[-1] + round(self.rng.uniform(low, high) * NS))
        return server.looks[bisect.bisect_left(server.looks, at)]

    # -- timers of every kind --------------------------------------------------------------------

    def set_timer(self, server: Server, kind: str, deadline: int) -> None:
        server.counts[kind] += 1
        self.at(deadline, TIMER, self.expire, server, Expiry(kind, server.counts[kind]))

    def expire(self, server: Server, expiry: Expiry) -> None:
        if expiry.count == server.counts[expiry.kind]:
            self.arrive(server, expiry)

    def restart_heartbeat(self, server: Server) -> None:
        due = self.now + round(self.model.heartbeat * server.factor)
        self.set_timer(server, "heartbeat", self.noticed(server, due))

    def restart_repoll(self, server: Server) -> None:
        ms = self.model.protocol["repoll_ms"]
        if ms:
            self.set_timer(server, "repoll", self.now + round(ms * NS * server.factor))

    # -- the election timer ----------------------------------------------------------------------

    def boot_timer(self, server: Server) -> None:
        """Start the timer of a server that boots; a free-running one is in its stationary state."""
        of = self.model.timeouts
        server.contact = server.heard = self.now
        if of["first_ms"] is not None:
            server.draw = self.draw_from(server, *pair(of["first_ms"]))
            # It is no jitter, which would be kept.
            server.drawn_at = -self.model.end
        elif of["timer"] in FREE:
            self.run_on(server)
            return
        else:
            self.draw(server, candidate=False)
        self.run_timer(server, min(round(of["fast_forward_ms"] * NS), server.draw or 0))

    def join_timer(self, server: Server) -> None:
        """Start the timer of a follower that has run for long and hears its leader now."""
        server.contact = server.heard = self.now
        kind = self.model.timeouts["timer"]
        if kind in FREE:
            self.run_on(server)
            return
        self.draw(server, candidate=False)
        if kind == "jitter":
            # It was drawn at one of the heartbeats within a window, or is drawn now.
            window = (server.ranges.high - server.ranges.low) * NS
            beats = math.ceil(window / self.model.heartbeat)
            server.drawn_at -= self.rng.randrange(beats) * self.model.heartbeat
        self.run_timer(server, 0)

    def run_on(self, server: Server) -> None:
        """Let a free timer run that has run for ever."""
        low, high = (ms * NS * server.factor for ms in server.ranges.follower)
        length, left = self.residual(low, high)
        server.draw = round(length)
        self.set_timer(server, "election", self.noticed(server, self.now + round(left)))

    def restart_timer(self, server: Server, fresh: bool, candidate: bool = False) -> None:
        """Start the election timer now; `fresh` says that even `keep` draws anew here."""
        kind = self.model.timeouts["timer"]
        if kind in FREE and not fresh and not candidate:
            return
        fresh = fresh or (server.new_role and not candidate)
        if kind == "jitter" and not server.ranges.apart:
            fresh = self.is_ago(server, server.drawn_at, server.ranges.high - server.ranges.low)
        if fresh or kind not in ("keep", "jitter") or server.draw is None:
            server.new_role = False
            self.draw(server, candidate)
        self.run_timer(server, 0)

    def run_timer(self, server: Server, ahead: int) -> None:
        """Start the timer with its draw, of which `ahead` is over."""
        assert server.draw is not None
        due = self.now + server.draw - ahead
        if self.model.tick:
            due = server.kth_tick(self.now, server.draw, self.expired)
        self.set_timer(server, "election", self.noticed(server, due))

    def draw(self, server: Server, candidate: bool) -> None:
        """Draw the timeout that is in force from now on."""
        ranges = server.ranges
        low, high = ranges.candidate if candidate else ranges.follower
        server.drawn_at = self.now
        if self.model.timeouts["timer"] == "boot":
            whose = "candidate" if candidate and ranges.apart else "follower"
            if whose not in server.boot:
                server.boot[whose] = self.draw_from(server, low, high)
            server.draw = server.boot[whose]
        else:
            server.draw = self.draw_from(server, low, high)
        if candidate:
            server.draw = self.stretched(server, server.draw)

    def draw_from(self, server: Server, low: float, high: float) -> int:
        model = self.model
        if model.tick:
            return self.rng.choice(model.ticks(low, high))
        rank_ms = server.rank * model.timeouts["rank_ms"]
        return round((self.rng.uniform(low, high) + rank_ms) * NS * server.factor)

    def is_overdue(self, server: Server) -> bool:
        """Whether the expiry of a free-running timer means anything."""
        kind = self.model.timeouts["timer"]
        if kind not in FREE or server.role != FOLLOWER:
            return True
        if kind == "poll":
            return self.is_ago(server, server.contact, server.ranges.low)
        return self.now - server.contact >= (server.draw or 0)

    # -- lost elections --------------------------------------------------------------------------

    def stretched(self, server: Server, draw: int) -> int:
        """A candidate's timeout, made longer by the elections it lost."""
        of = self.model.timeouts
        longest = round(of["backoff_max_ms"] * NS)
        if of["backoff"] in ("rejections", "failures"):
            return min(round(draw * of["backoff_factor"] ** server.lost), longest)
        if of["backoff"] == "lost-elections":
            return min(draw + round(server.lost * of["backoff_ms"] * NS), longest)
        return draw

    def back_off(self, server: Server) -> None:
        """Wait before the next candidacy, as Kafka did in 2024."""
        of = self.model.timeouts
        times = self.rng.randint(0, 2 ** min(21, server.lost) - 1)
        wait_ms = min(of["backoff_ms"] * times, of["backoff_max_ms"])
        server.backing_off = True
        self.set_timer(server, "election", self.now + round(wait_ms * NS * server.factor))

    def heeds_priority(self, server: Server) -> bool:
        """Whether the server may campaign at this timeout; where not, its target comes down."""
        rule = self.model.protocol["priority"]
        if rule not in ("decay", "decay-fixed", "decay-skip"):
            return True
        if self.model.priorities[server.id] >= server.target:
            return True
        if rule == "decay-skip" and not server.skipped:
            server.skipped = True
        elif rule == "decay":
            server.target = server.target * (self.model.n - 1) / self.model.n
        else:
            server.target -= max(10, server.target / 5)
        return False

    def forget_losses(self, server: Server) -> None:
        """It won, or follows another."""
        server.lost = 0
        server.backing_off = False
