"""The servers, links and laws of the reference model, read from a scenario's tables."""

from __future__ import annotations

import csv
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

NS = 1_000_000
FOLLOWER, PRE_CANDIDATE, CANDIDATE, LEADER = "follower", "pre-candidate", "candidate", "leader"

DEFAULTS: dict[str, dict[str, Any]] = {
    "cluster": {"nodes": 5, "down": [], "learners": [], "log": "equal", "quorum": "majority"},
    "timeouts": {
        "election_ms": [150, 300], "candidate_ms": None, "heartbeat_ms": 50, "timer": "redraw",
        "tick_ms": 0, "tick_phase": "random", "poll_ms": 0, "first_ms": None, "fast_forward_ms": 0,
        "rank_ms": 0, "backoff": "none", "backoff_factor": 2, "backoff_ms": 25,
        "backoff_max_ms": 30_000, "server": [],
    },
    "protocol": {
        "pre_vote": "off", "step_down_timer": "keep", "check_quorum": False, "check_quorum_ms": 0,
        "sticky": "off", "refusals": "explicit", "repoll_ms": 0, "repoll_denied": False,
        "on_rejection": "wait", "wait_for": "quorum", "priority": "none", "priorities": [],
    },
    "network": {
        "latency_ms": {"uniform": [1, 5]}, "loss": 0.0, "duplicate": 0.0, "ordered": False,
        "matrix_ms": None, "matrix_rtt_ms": None, "link": [],
    },
    "node": {
        "process_ms": 0, "persist_ms": 0, "persist": None, "drift_ppm": 0,
        "persistence": "durable",
    },
    "scenario": {"kind": "cold-start", "crash_phase": "uniform", "event": []},
    "stop": {"on": "leader", "stable_ms": 600, "duration_ms": 60_000, "limit_ms": 60_000},
}  # fmt: skip


def law(spec: Any) -> Callable[[random.Random], int]:
    """A distribution as the file writes it, as a function that draws whole nanoseconds."""
    if isinstance(spec, int | float):
        value = round(float(spec) * NS)
        return lambda rng: value
    plus = float(spec.get("plus", 0))
    if "constant" in spec:
        return law(spec["constant"] + plus)
    if "uniform" in spec:
        low, high = spec["uniform"]
        return lambda rng: round((plus + rng.uniform(low, high)) * NS)
    if "exponential" in spec:
        mean = spec["exponential"]
        return lambda rng: round((plus - mean * math.log(1.0 - rng.random())) * NS)
    mean, sigma = (float(value) for value in spec["normal"])
    clamp = spec.get("below", "redraw") == "clamp"

    def normal(rng: random.Random) -> int:
        value = rng.gauss(mean, sigma)
        while value < 0 and not clamp:
            value = rng.gauss(mean, sigma)
        return round((plus + max(0.0, value)) * NS)

    return normal


@dataclass
class Link:
    """What one directed link does to a message."""

    latency: Callable[[random.Random], int]
    loss: float
    duplicate: float


class Model:
    """The tables, with what is left out filled in, and their distributions ready to draw."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        of = {name: {**rest, **tables.get(name, {})} for name, rest in DEFAULTS.items()}
        self.cluster, self.timeouts, self.protocol = of["cluster"], of["timeouts"], of["protocol"]
        self.node, self.start, self.stop = of["node"], of["scenario"], of["stop"]
        self.n: int = self.cluster["nodes"]
        self.running = [i for i in range(self.n) if i not in self.cluster["down"]]
        self.voters = [i for i in range(self.n) if i not in self.cluster["learners"]]
        self.majority = len(self.voters) // 2 + 1
        # The gist: half of the peers, rounded down, and the own vote.
        quorums = {"majority": self.majority, "gist": (len(self.voters) - 1) // 2 + 1}
        quorum = self.cluster["quorum"]
        self.quorum: int = quorums.get(quorum, quorum)
        self.tick = round(self.timeouts["tick_ms"] * NS)
        own = {entry["id"]: entry for entry in self.timeouts["server"]}
        self.ranges = [Ranges(self, own.get(i, {})) for i in range(self.n)]
        self.priorities: list[float] = self.protocol["priorities"] or list(range(self.n, 0, -1))
        self.top = max(self.priorities[i] for i in self.voters)
        self.forgets: bool = self.node["persistence"] == "none"
        self.heartbeat = round(self.timeouts["heartbeat_ms"] * NS)
        self.ordered: bool = of["network"]["ordered"]
        self.links = read_links(of["network"], self.n)
        self.process = law(self.node["process_ms"])
        self.persist_all = law(self.node["persist_ms"])
        apart = self.node["persist"]
        self.persist = None
        if apart is not None:
            names = ("candidate", "term", "vote", "lead")
            self.persist = {name: law(apart.get(name, 0)) for name in names}
        self.rule = self.stop["on"]
        if self.start["kind"] == "steady" and "stop" not in tables:
            self.rule = "duration"
        end_ms = self.stop["limit_ms"]
        if self.rule == "duration":
            end_ms = self.stop["duration_ms"]
        self.end = round(end_ms * NS)

    def ticks(self, low_ms: float, high_ms: float) -> range:
        """The whole numbers of ticks in [low, high), or the one number they both are."""
        low, high = round(low_ms * NS), round(high_ms * NS)
        if low == high:
            return range(low // self.tick, low // self.tick + 1)
        return range(max(1, -(-low // self.tick)), -(-high // self.tick))


class Ranges:
    """What one server draws its timeouts from, in ms; `own` is its entry of timeouts.server."""

    def __init__(self, model: Model, own: Mapping[str, Any]) -> None:
        of = model.timeouts
        self.low, self.high = pair(own.get("election_ms", of["election_ms"]))
        self.follower = (self.low, self.high)
        if of["timer"] == "fixed":
            longest = self.high
            if model.tick:
                longest = max(model.ticks(self.low, self.high)) * model.tick / NS
            self.follower = (longest, longest)
        candidate = own.get("candidate_ms", of["candidate_ms"])
        self.apart = candidate is not None
        self.candidate = pair(candidate) if self.apart else self.follower


def pair(value: Any) -> tuple[float, float]:
    """A range as (low, high)."""
    return (value, value) if isinstance(value, int | float) else (value[0], value[1])


def read_links(network: Mapping[str, Any], n: int) -> dict[tuple[int, int], Link]:
    """Every directed link: the network's values, then the matrix, then the entries in order."""
    links: dict[tuple[int, int], Link] = {}
    table = network["matrix_ms"] or network["matrix_rtt_ms"]
    cells = None
    if table:
        with open(table, newline="") as file:
            cells = [[float(cell) for cell in row] for row in csv.reader(file)]
    for a, b in itertools.permutations(range(n), 2):
        latency = network["latency_ms"]
        if cells is not None:
            latency = cells[a][b] if network["matrix_ms"] else cells[a][b] / 2
        links[a, b] = Link(law(latency), network["loss"], network["duplicate"])
    for entry in network["link"]:
        senders, receivers = (
            [ends] if isinstance(ends, int) else ends for ends in (entry["from"], entry["to"])
        )
        pairs = list(itertools.product(senders, receivers))
        if not entry.get("one_way", False):
            pairs += [(b, a) for a, b in pairs]
        for a, b in pairs:
            if a == b:
                continue
            if "latency_ms" in entry:
                links[a, b].latency = law(entry["latency_ms"])
            links[a, b].loss = entry.get("loss", links[a, b].loss)
            links[a, b].duplicate = entry.get("duplicate", links[a, b].duplicate)
    return links


@dataclass
class Message:
    """One message; `log` is of requests, `granted` of responses, `about` the term asked for;
    `forced` asks for votes in the name of the leader."""

    kind: str
    sender: int
    term: int
    log: int = 0
    granted: bool = False
    about: int = 0
    forced: bool = False


@dataclass
class Expiry:
    """An expired timer; it is void where the server's count of that timer has moved on."""

    kind: str
    count: int


@dataclass
class Server:
    """One server; `heard` is the last contact of its leader, `contact` also the last grant."""

    id: int
    log: int
    ranges: Ranges
    factor: float = 1.0
    phase: int = 0
    tick: int = 0
    rank: int = 0
    target: float = 0
    # The state of Raft.
    role: str = FOLLOWER
    term: int = 0
    voted_for: int | None = None
    handed: int | None = None
    leader: int | None = None
    heard: int = 0
    votes: set[int] = field(default_factory=set)
    refusals: set[int] = field(default_factory=set)
    answers: dict[int, int] = field(default_factory=dict)
    # Its timers.
    contact: int = 0
    draw: int | None = None
    drawn_at: int = 0
    boot: dict[str, int] = field(default_factory=dict)
    new_role: bool = False
    counts: dict[str, int] = field(
        default_factory=lambda: {"election": 0, "heartbeat": 0, "repoll": 0}
    )
    looks: list[int] = field(default_factory=list)
    # How it fared in elections.
    lost: int = 0
    backing_off: bool = False
    skipped: bool = False
    # Its desk.
    up: bool = True
    paused: bool = False
    life: int = 0
    inbox: deque[Message | Expiry] = field(default_factory=deque)
    busy: bool = False
    outbox: list[tuple[int, Message]] = field(default_factory=list)
    writes: set[str] = field(default_factory=set)
    wins_alone: bool = False
    leads_next: bool = False
    repolls_next: bool = False

    def ticks_before(self, now: int) -> int:
        """How many ticks there were before `now`, counted from the phase."""
        return -((self.phase - now) // self.tick)

    def kth_tick(self, start: int, k: int, expired: bool) -> int:
        """The instant of the k-th tick after `start`.

        Deliveries come before timers, so a tick at `start` itself is the first after a message;
        it is not after the timer that `expired` with it.
        """
        done = self.ticks_before(start + 1 if expired else start)
        return self.phase + (done + k - 1) * self.tick


def make_servers(model: Model, rng: random.Random) -> dict[int, Server]:
    """The running servers, with logs, clocks and phases drawn; phases count from t = 0."""
    logs = model.cluster["log"]
    if logs == "equal":
        logs = [0] * model.n
    elif logs == "distinct":
        logs = rng.sample(range(model.n), model.n)
    ppm = model.node["drift_ppm"]
    shared = rng.random()
    servers = {}
    for i in model.running:
        server = Server(i, logs[i], model.ranges[i], factor=1 + rng.uniform(-ppm, ppm) * 1e-6)
        server.target = model.top
        if model.tick:
            server.tick = round(model.tick * server.factor)
            aligned = model.timeouts["tick_phase"] == "aligned"
            server.phase = int(shared * model.tick if aligned else rng.random() * server.tick)
        servers[i] = server
    return servers
