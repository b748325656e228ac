"""A cluster on the real clock, in one process: the public `Raft`, driven and talked about."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any

import msgspec

from .classes import ALONE
from .core import words as w
from .errors import InputError
from .links import Links
from .machine import Raft, Ready, Role
from .messages import AppendRequest, AppendResponse, Message, PreVoteRequest, VoteResponse
from .parameters import block
from .scenario import Scenario
from .schema import Persist, show

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_REPORT_NS = _NS_PER_S
_NAP_NS = 3600 * _NS_PER_S
_SEED_MAX = 2**64 - 1
_S_MAX = 1e9

_HONOURED: dict[str, tuple[object, ...]] = {
    "cluster.witnesses": ((),),
    "cluster.learners": ((),),
    "timeouts.timer": ALONE,
    "timeouts.backoff": ("none",),
    "timeouts.tick_ms": (0,),
    "timeouts.poll_ms": ((0.0, 0.0),),
    "timeouts.detector": ("none",),
    "timeouts.first_ms": (None,),
    "timeouts.fast_forward_ms": (0,),
    "timeouts.rank_ms": (0,),
    "timeouts.escape_ms": (0,),
    "timeouts.server": ((),),
    "protocol.pre_vote": ("off", "on"),
    "protocol.check_quorum": (False,),
    "protocol.sticky": ("off",),
    "protocol.repoll_ms": (0,),
    "protocol.step_down_timer": ("keep", "redraw"),
    "protocol.on_rejection": ("wait",),
    "protocol.wait_for": ("quorum",),
    "protocol.quirks": ((),),
    "protocol.redraw_on_precandidate": (None,),
    "protocol.priority": ("none",),
    "node.candidacy": ("before",),
    "node.persistence": ("durable",),
    "node.drift_ppm": (0,),
    "scenario.kind": ("cold-start", "leader-crash"),
    "scenario.event": ((),),
}
"""What the keys may be that change what a server does; `_refuse` names those that are not."""

_BEGINNINGS = {
    Role.CANDIDATE: "timed out without enough votes",
    Role.PRE_CANDIDATE: "pre-vote won",
}
"""Why a server campaigns, by what it was before; a follower just timed out."""

_COSTS = ("process_ms", "persist_ms", "persist")


def live(
    scenario: Scenario,
    duration_s: float | None = None,
    kill_leader_every_s: float | None = None,
    write: Callable[[str], object] = print,
    seed: int = 1,
    *,
    engine: str | None = None,
) -> dict[str, Any]:
    """Run the scenario's servers on the real clock, one line a thing that happens to `write`.

    Each running server is a `raftfast.machine.Raft` with the scenario's timeouts, timer class,
    pre-vote, quorum and log. Messages pass through a queue in this process: they take what the
    scenario's network draws, may be lost and come twice; links, matrices and `ordered` hold, too.
    After a leader crash, `scenario.kind`, the crashed leader comes back as a killed one does.

    duration_s: seconds to run, or, where it is None, until KeyboardInterrupt, which in any case
        ends the run and not the caller.
    kill_leader_every_s: crash each leader so long after it took office. It comes back as a
        follower with its term and vote, when the next leader is in office or after the longest
        election timeout, whichever comes first.
    seed: of timeouts, latencies and losses, 0 to 2**64 - 1; the real clock has no seed.
    engine: "compiled" or "python"; where None, compiled if it is there.

    Returns "elections" (the times office was taken), "leaders" ([term, server] of each), "kills"
    (without the crash a scenario starts with), "heartbeats_followed" (append requests that a
    follower accepted), "violations" (leaders beyond the first of a term, which a quorum below a
    majority allows) and "duration_s".

    Raises InputError, naming the key, for what a server on the real clock does not do: ticks,
    polling, clock drift, times to process and to persist, and rules `Raft` does not have. The
    keys that say how many trials to run and when one ends, `trials`, `seed` and [stop], are the
    simulator's and mean nothing here.
    """
    _refuse(scenario)
    for key, value in (("duration_s", duration_s), ("kill_leader_every_s", kill_leader_every_s)):
        if value is not None and not 0 < value <= _S_MAX:
            raise InputError(f"value {value}: must be above 0, at most 1e9 seconds", key=key)
    if not isinstance(seed, int) or not 0 <= seed <= _SEED_MAX:
        raise InputError(f"value {seed}: must be a whole number from 0 to 2^64-1", key="seed")
    cluster = _Cluster(scenario, write, seed, engine)
    if kill_leader_every_s is not None:
        cluster.kill_ns = round(kill_leader_every_s * _NS_PER_S)
    return cluster.run(w.NEVER if duration_s is None else round(duration_s * _NS_PER_S))


def _refuse(scenario: Scenario) -> None:
    """Refuse the first key with a value that `live` would have to pass over."""
    for key, honoured in _HONOURED.items():
        table, name = key.split(".")
        value = getattr(getattr(scenario, table), name)
        if value not in honoured:
            right = " or ".join(map(show, honoured))
            problem = f"value {show(value)}: not supported on the real clock; must be {right}"
            raise InputError(problem, key=key)
    for name in _COSTS:
        cost = getattr(scenario.node, name)
        parts = msgspec.structs.asdict(cost) if isinstance(cost, Persist) else {"": cost}
        for part, law in parts.items():
            if law is not None and not law.is_nothing:
                key = f"node.{name}.{part}".rstrip(".")
                raise InputError("not supported on the real clock; must be 0", key=key)


@dataclass
class _Server:
    """One server; `raft` is None while it is crashed, and `kept` what it then has on its disk.

    `followed` counts the heartbeats of its present office that were followed, `told` those that
    a line has told of.
    """

    id: int
    raft: Raft | None = None
    kept: tuple[int, int | None] = (0, None)
    starts: int = 0
    campaign_ns: int = 0
    office_ns: int = 0
    followed: int = 0
    told: int = 0
    hailed: tuple[int, int] | None = None

    def leads(self, term: int) -> bool:
        """Whether it is in office in this very term."""
        return self.raft is not None and (self.raft.role, self.raft.term) == (Role.LEADER, term)


class _Cluster:
    """The servers, what is on its way between them, and what is said about it."""

    def __init__(
        self, scenario: Scenario, write: Callable[[str], object], seed: int, engine: str | None
    ) -> None:
        self.scenario = scenario
        self.write = write
        self.seed = seed
        self.engine = engine
        self.kill_ns: int | None = None
        parameters = block(scenario)
        self.links = Links(parameters, seed, engine)
        nodes = parameters.nodes
        self.logs = parameters.logs
        if parameters.distinct_logs:
            luck = [self.links.share(w.FOR_LOG, 0, i) for i in range(nodes)]
            self.logs = [sorted(luck).index(share) for share in luck]
        self.servers = {i: _Server(i) for i in scenario.cluster.running}
        self.absence_ns = round(scenario.timeouts.election_ms[1] * _NS_PER_MS)
        self.agenda: list[tuple[int, int, Callable[[int], None]]] = []
        self.sequence = count()
        self.leaders: list[list[int]] = []
        self.kills = self.followed = self.violations = 0

    # The clock.

    def run(self, duration_ns: int) -> dict[str, Any]:
        """Run for so long, or until KeyboardInterrupt."""
        began = time.monotonic_ns()
        until = min(began + duration_ns, w.NEVER)
        with suppress(KeyboardInterrupt):
            self.start(began)
            self.loop(until)
        elapsed_s = (time.monotonic_ns() - began) / _NS_PER_S
        self.say(
            None,
            f"stopped after {elapsed_s:.1f} s; elections: {len(self.leaders)}, "
            f"kills: {self.kills}, heartbeats followed: {self.followed}",
        )
        return {
            "elections": len(self.leaders),
            "leaders": self.leaders,
            "kills": self.kills,
            "heartbeats_followed": self.followed,
            "violations": self.violations,
            "duration_s": elapsed_s,
        }

    def loop(self, until: int) -> None:
        """Do what is due, deliveries before timers, and sleep until something is."""
        while (now := time.monotonic_ns()) < until:
            if self.agenda and self.agenda[0][0] <= now:
                heappop(self.agenda)[2](now)
                continue
            deadline, server = self.next_timer()
            if deadline <= now:
                self.expire(server, now)
                continue
            next_ns = self.agenda[0][0] if self.agenda else until
            time.sleep(min(next_ns - now, deadline - now, until - now, _NAP_NS) / _NS_PER_S)

    def next_timer(self) -> tuple[int, _Server]:
        """The timer that is due first, at NEVER if none runs."""
        first, due = next(iter(self.servers.values())), w.NEVER
        for server in self.servers.values():
            deadline = server.raft.deadline_ns if server.raft is not None else None
            if deadline is not None and deadline < due:
                first, due = server, deadline
        return due, first

    def at(self, at_ns: int, action: Callable[[int], None]) -> None:
        """Put `action` on the agenda: it is called with the time when it is done."""
        heappush(self.agenda, (at_ns, next(self.sequence), action))

    def say(self, server: _Server | None, line: str) -> None:
        who = "cluster" if server is None else f"server {server.id}"
        clock = datetime.fromtimestamp(time.time()).isoformat(timespec="milliseconds")
        self.write(f"{clock.partition('T')[2]}  {who}: {line}")

    # Servers come and go.

    def start(self, now: int) -> None:
        """All start as followers, after a leader crash but for the one who crashes."""
        low, high = self.scenario.timeouts.election_ms
        timeout = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        self.say(
            None,
            f"{len(self.servers)} of {self.scenario.cluster.nodes} servers run, election timeout "
            f"{timeout} ms, heartbeat every {self.scenario.timeouts.heartbeat_ms:g} ms",
        )
        crashing = None
        if self.scenario.scenario.kind == "leader-crash":
            crashing = self.last_leader(now)
        for server in self.servers.values():
            if server is not crashing:
                self.boot(server, now)

    def last_leader(self, now: int) -> _Server:
        """Let a leader of term 1 make its last broadcast now, and crash within a heartbeat."""
        longest = max(self.logs[i] for i in self.servers)
        fit = [server for server in self.servers.values() if self.logs[server.id] == longest]
        leader = fit[int(self.links.share(w.FOR_LEADER, 0, 0) * len(fit))]
        for server in self.servers.values():
            server.kept = (1, leader.id)
            if server is not leader:
                delay = 0
                if self.scenario.scenario.crash_phase == "uniform":
                    delay = self.links.latency_ns(leader.id, server.id, w.FOR_BROADCAST, 0)
                last = AppendRequest(leader.id, server.id, 1)
                self.at(now + delay, partial(self.deliver, last))
        heartbeat_ns = self.scenario.timeouts.heartbeat_ms * _NS_PER_MS
        into = int(self.links.share(w.FOR_CRASH, 0, 0) * heartbeat_ns)
        self.at(now + into, partial(self.crash, leader, "leader of term 1, crashes"))
        return leader

    def boot(self, server: _Server, now: int) -> None:
        """Start a server with the term and vote it kept; later starts draw other timeouts."""
        timeouts, protocol = self.scenario.timeouts, self.scenario.protocol
        server.raft = Raft(
            server=server.id,
            nodes=self.scenario.cluster.nodes,
            election_ms=timeouts.election_ms,
            candidate_ms=timeouts.candidate_ms,
            heartbeat_ms=timeouts.heartbeat_ms,
            pre_vote=protocol.pre_vote == "on",
            timer=timeouts.timer,
            step_down_timer=protocol.step_down_timer,
            quorum=self.scenario.cluster.votes_needed,
            log=self.logs[server.id],
            term=server.kept[0],
            voted_for=server.kept[1],
            seed=(self.seed + server.starts) & _SEED_MAX,
            now_ns=now,
            engine=self.engine,
        )
        server.starts += 1

    def kill(self, server: _Server, term: int, now: int) -> None:
        """Crash a leader unless it has left the office meanwhile."""
        if server.leads(term):
            self.kills += 1
            office_s = (now - server.office_ns) / _NS_PER_S
            line = f"leader of term {term}, crashes after {office_s:.1f} s in office, "
            self.crash(server, line + f"{server.followed} heartbeats followed", now)

    def crash(self, server: _Server, line: str, now: int) -> None:
        if server.raft is not None:
            server.kept = (server.raft.term, server.raft.voted_for)
        server.raft = None
        self.say(server, line)
        self.at(now + self.absence_ns, partial(self.come_back, server, server.starts))

    def come_back(self, server: _Server, starts: int, now: int) -> None:
        """Restart a crashed server unless it has been restarted since."""
        if server.raft is None and server.starts == starts:
            self.boot(server, now)
            self.say(server, f"is back, follower in term {server.kept[0]}")

    # What happens to a server.

    def expire(self, server: _Server, now: int) -> None:
        """The timer of a server is due."""
        raft = server.raft
        assert raft is not None
        before = (raft.role, raft.term)
        self.settle(server, raft, before, raft.on_timeout(now), now)

    def deliver(self, message: Message, now: int) -> None:
        """A message arrives, at a server that may be down: then it is lost."""
        server = self.servers.get(message.to)
        if server is None or server.raft is None:
            return
        raft = server.raft
        before = (raft.role, raft.term)
        ready = raft.receive(message, now)
        self.settle(server, raft, before, ready, now)
        for answer in ready.messages:
            if isinstance(answer, VoteResponse) and answer.granted and ready.must_persist:
                self.say(server, f"votes for server {answer.to}, term {answer.term}")
            elif isinstance(answer, AppendResponse) and answer.success:
                self.follow(server, answer.to, answer.term)

    def settle(
        self, server: _Server, raft: Raft, before: tuple[Role, int], ready: Ready, now: int
    ) -> None:
        """Tell what a handler made of a server, and send what it left."""
        role, term = before
        if ready.became is Role.FOLLOWER:
            what = "steps down as leader of" if role is Role.LEADER else "gives up its campaign in"
            led = f"server {raft.leader} leads it"
            why = f"term {raft.term} has begun" if raft.term > term else led
            self.say(server, f"{what} term {term}: {why}")
        elif raft.term > term and raft.voted_for == server.id:
            server.campaign_ns = now
            begin = _BEGINNINGS.get(role, "timed out")
            self.say(server, f"{begin}, campaigns for term {raft.term}")
        elif any(isinstance(message, PreVoteRequest) for message in ready.messages):
            self.say(server, f"timed out, asks for pre-votes for term {raft.term + 1}")
        if ready.became is Role.LEADER:
            self.take_office(server, raft, now)
        for message in ready.messages:
            for arrival in self.links.arrivals(message.sender, message.to, now):
                self.at(arrival, partial(self.deliver, message))

    def take_office(self, server: _Server, raft: Raft, now: int) -> None:
        term = raft.term
        took_ms = (now - server.campaign_ns) / _NS_PER_MS
        tally = f"Tally: {raft.votes} of {raft.nodes}, term {term}"
        self.say(server, f"Election won. {tally}, {took_ms:.0f} ms after the campaign began")
        rivals = [leader for office, leader in self.leaders if office == term]
        if rivals:
            self.violations += 1
            self.say(None, f"SAFETY VIOLATED: server {rivals[0]} was elected in term {term}, too")
        self.say(server, f"leads, term {term}")
        self.leaders.append([term, server.id])
        server.office_ns, server.followed, server.told = now, 0, 0
        self.at(now + _REPORT_NS, partial(self.report, server, term))
        if self.kill_ns is not None:
            self.at(now + self.kill_ns, partial(self.kill, server, term))
        for other in self.servers.values():
            if other.raft is None:
                self.come_back(other, other.starts, now)

    def follow(self, server: _Server, leader: int, term: int) -> None:
        """A server accepted a heartbeat."""
        self.followed += 1
        if self.servers[leader].leads(term):
            self.servers[leader].followed += 1
        if server.hailed != (term, leader):
            server.hailed = (term, leader)
            self.say(server, f"All hail leader {leader}, term {term}")

    def report(self, server: _Server, term: int, now: int) -> None:
        """Once a second, tell that a leader is followed."""
        if server.leads(term):
            fresh = server.followed - server.told
            server.told = server.followed
            self.say(server, f"leads term {term}, {fresh} heartbeats followed in the last second")
            self.at(now + _REPORT_NS, partial(self.report, server, term))
