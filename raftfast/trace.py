"""The transcript of one election: what every server did and every message became, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import engine as engines
from .batch import Worker
from .columns import COLUMNS, TIMES
from .core import words as w
from .errors import InputError
from .parameters import block
from .scenario import Scenario

_JOURNAL_ROWS = 4096
_NS_PER_MS = 1e6
_ROLES = {
    w.FOLLOWER: "follower",
    w.PRE_CANDIDATE: "pre-candidate",
    w.CANDIDATE: "candidate",
    w.LEADER: "leader",
}
_KINDS = {
    w.VOTE_REQUEST: "vote request",
    w.VOTE_RESPONSE: "vote response",
    w.APPEND_REQUEST: "append request",
    w.APPEND_RESPONSE: "append response",
    w.PRE_VOTE_REQUEST: "pre-vote request",
    w.PRE_VOTE_RESPONSE: "pre-vote response",
}
_EVENTS = {
    w.SAW_SENT: "send",
    w.SAW_LOST: "lose",
    w.SAW_RECEIVED: "receive",
    w.SAW_TIMEOUT: "timeout",
    w.SAW_ROLE: "become",
    w.SAW_TERM: "adopt",
    w.SAW_VOTE: "vote",
    w.SAW_CRASH: "crash",
    w.SAW_DOWN: "crash",
    w.SAW_RESTART: "restart",
    w.SAW_PAUSE: "pause",
    w.SAW_RESUME: "resume",
}
_HAPPENS = {
    "adopt": "is",
    "crash": "crashes",
    "restart": "starts again",
    "pause": "pauses",
    "resume": "goes on",
}
_ANSWERS = (w.VOTE_RESPONSE, w.PRE_VOTE_RESPONSE)


@dataclass(frozen=True)
class Event:
    """One thing that happened at one server.

    `event` is send, lose (sent, and will not arrive), receive, timeout, become, adopt, vote,
    crash, restart, pause or resume; `peer` the other server, `message` the kind of message, `role`
    what it became (from `before`), `arrives_ms` when a message sent arrives, `granted` what a vote
    response says, `broadcast_ms` when the crashed leader had sent its last heartbeat.
    Fields that do not belong to the event are None.
    """

    at_ms: float
    server: int
    event: str
    term: int
    peer: int | None = None
    message: str | None = None
    role: str | None = None
    before: str | None = None
    arrives_ms: float | None = None
    granted: bool | None = None
    broadcast_ms: float | None = None

    def line(self) -> str:
        """The event as one line for people."""
        return f"{self.at_ms:12.6f}  S{self.server:<3} {self._text()}"

    def _text(self) -> str:
        if self.event in ("send", "lose", "receive"):
            return self._message_text()
        if self.event == "timeout":
            return f"timer expires in term {self.term}"
        if self.event == "become":
            return f"becomes {self.role} in term {self.term} (was {self.before})"
        if self.event == "vote":
            whom = "itself" if self.peer == self.server else f"S{self.peer}"
            return f"votes for {whom} in term {self.term}"
        return self._happening()

    def _happening(self) -> str:
        if self.broadcast_ms is None:
            return f"{_HAPPENS[self.event]} in term {self.term}"
        return (
            f"crashes, the leader of term {self.term}; its last heartbeat left at "
            f"{self.broadcast_ms:.6f}"
        )

    def _message_text(self) -> str:
        says = {None: "", True: " (granted)", False: " (refused)"}[self.granted]
        what = f"{self.message}, term {self.term}{says}"
        if self.event == "receive":
            return f"<- S{self.peer:<3} {what}"
        if self.event == "lose":
            return f"-> S{self.peer:<3} {what}: lost"
        return f"-> S{self.peer:<3} {what}, arrives {self.arrives_ms:.6f}"


@dataclass(frozen=True)
class Transcript:
    """One trial: its events in order, and the columns it ended with (None where no value)."""

    scenario: Scenario
    seed: int
    trial: int
    backend: str
    events: tuple[Event, ...]
    outcome: dict[str, float | int | None]

    def lines(self) -> list[str]:
        """The transcript for people, times in milliseconds."""
        name = f"{self.scenario.name!r}, " if self.scenario.name else ""
        head = f"{name}trial {self.trial} of seed {self.seed}; times in ms"
        return [head, *(event.line() for event in self.events), self._closing()]

    def _closing(self) -> str:
        o = self.outcome
        counts = f"{o['campaigns']} campaigns, {o['messages']} messages, {o['lost']} lost"
        if o["violations"]:
            counts += f"; {o['violations']} violations of safety"
        if o["censored"]:
            return f"no end within the limit of {self.scenario.stop.limit_ms:g} ms: {counts}"
        end = f"S{o['leader']} took office after {o['election_ms']:.6f} ms"
        if o["followed_ms"] is not None:
            end += f", followed by all after {o['followed_ms']:.6f} ms"
        return f"{end}: {counts}"

    def to_dict(self) -> dict[str, Any]:
        """The transcript as JSON-ready values; an event's fields that are None are left out."""
        return {
            "scenario": self.scenario.to_dict(),
            "seed": self.seed,
            "trial": self.trial,
            "backend": self.backend,
            "events": [
                {key: value for key, value in vars(event).items() if value is not None}
                for event in self.events
            ],
            "outcome": self.outcome,
        }


def trace(
    scenario: Scenario, trial: int, seed: int | None = None, *, engine: str | None = None
) -> Transcript:
    """The transcript of trial `trial` (from 0) of a scenario, the very one that `run` counted.

    Raises InputError for a trial below zero or a seed out of range, RunError on an overflow.
    """
    if trial < 0:
        raise InputError(f"{trial}: must be 0 or more", key="--trial")
    if seed is not None:
        scenario = scenario.replace(seed=seed)
    engine = engine or engines.name()
    worker = Worker(block(scenario), engine, journal=_JOURNAL_ROWS)
    values, _ = worker.run(scenario.seed, trial, 1)
    journal = worker.ensemble.journal
    rows = list(journal.rows[: 8 * journal.size])
    events = tuple(_events(rows))
    outcome = {
        name: _value(name, int(value)) for name, value in zip(COLUMNS, values[:, 0], strict=True)
    }
    return Transcript(scenario, scenario.seed, trial, engine, events, outcome)


def _value(name: str, value: int) -> float | int | None:
    if value < 0:
        return None
    return value / _NS_PER_MS if name in TIMES else value


def _message(kind: int, word: int) -> str:
    """The name of a message of this kind that carries `word`."""
    return "timeout now" if kind == w.APPEND_REQUEST and word == w.BY_TRANSFER else _KINDS[kind]


def _events(rows: list[int]) -> Iterator[Event]:
    for i in range(0, len(rows), 8):
        at_ns, event, server, peer, kind, term, word, arrival_ns = rows[i : i + 8]
        name = _EVENTS[event]
        at_ms = at_ns / _NS_PER_MS
        if name in ("send", "lose", "receive"):
            yield Event(
                at_ms,
                server,
                name,
                term,
                peer=peer,
                message=_message(kind, word),
                granted=bool(word) if kind in _ANSWERS else None,
                arrives_ms=arrival_ns / _NS_PER_MS if name == "send" else None,
            )
        elif name == "become":
            yield Event(at_ms, server, name, term, role=_ROLES[kind], before=_ROLES[peer])
        elif name == "vote":
            yield Event(at_ms, server, name, term, peer=peer)
        elif event == w.SAW_CRASH:
            yield Event(at_ms, server, name, term, broadcast_ms=arrival_ns / _NS_PER_MS)
        else:
            yield Event(at_ms, server, name, term)
