"""The state machine on its own, usable without the simulator: messages in, messages out.

A `Raft` is one server's view of leader election (Ongaro and Ousterhout, "In Search of an
Understandable Consensus Algorithm", 2014; below "the paper"). It has no clock and does no I/O:
every call takes the time, and gives back what to write and to send. The code is the simulator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from .arguments import bounds, flag, milliseconds, whole
from .classes import ALONE, masks, ranges
from .core import words as w
from .engine import load
from .messages import (
    AppendRequest,
    AppendResponse,
    Message,
    PreVoteRequest,
    PreVoteResponse,
    VoteRequest,
    VoteResponse,
    check,
    count,
    from_outbox,
)

__all__ = [
    "AppendRequest",
    "AppendResponse",
    "Message",
    "PreVoteRequest",
    "PreVoteResponse",
    "Raft",
    "Ready",
    "Role",
    "VoteRequest",
    "VoteResponse",
]

NODES_MAX = 1023
"""The largest cluster."""

NOW_NS_MAX = 2**61
"""The largest time in nanoseconds, either side of zero: 73 years, so any epoch will do."""

_SEED_MAX = 2**64 - 1
_NS_PER_MS = 1_000_000


class Role(IntEnum):
    """What a server is (the paper, section 5.1); a pre-candidate asks whether it could win."""

    FOLLOWER = w.FOLLOWER
    PRE_CANDIDATE = w.PRE_CANDIDATE
    CANDIDATE = w.CANDIDATE
    LEADER = w.LEADER


class Ready(NamedTuple):
    """What a call leaves to be done.

    `messages` are to be sent, in any order; one that gets lost is no error. If `must_persist`,
    `term` and `voted_for` have to be on stable storage before (the paper, figure 2). `became` is
    the new role if the role is another than before the call.
    """

    messages: tuple[Message, ...] = ()
    must_persist: bool = False
    became: Role | None = None


class Raft:
    """One server, `server` of 0 .. `nodes` - 1, of a cluster that elects a leader.

    Give each message that arrives to `receive`, and call `on_timeout` when `deadline_ns` has come;
    do with each `Ready` what it says. Messages may be lost, delayed, repeated and reordered. Every
    server of the cluster votes.

    election_ms, candidate_ms: what followers, and candidates waiting for votes, draw timeouts from:
        [low, high) in milliseconds, or one number. Candidates draw as followers where theirs is
        None. A randomised timeout is what makes split votes rare (the paper, section 5.2).
    heartbeat_ms: a leader's time from one round of append requests to the next.
    pre_vote: ask before a campaign whether it could be won (Ongaro's dissertation, section 9.6).
    timer: "redraw": every contact with a leader and every vote granted draws a new timeout.
        "keep": they restart the one drawn, a new term or role draws (as etcd). "fixed": followers
        wait the upper end of `election_ms`.
    step_down_timer: whether the timer of a candidate that finds a higher term goes on ("keep") or
        draws anew ("redraw").
    quorum: votes that win, the own one included; a majority where None. Fewer are not safe.
    log: how up to date the log is (the paper, section 5.4.1): its length, or any rank that orders
        logs as that section does. `log` can be set later, too.
    term, voted_for: as last persisted, for a server that starts again; 0 and None for a new one.
    seed: 0 to 2**64 - 1. Servers draw differently under one seed, so a cluster can share it; a
        server that starts again repeats its draws unless it is given another.
    now_ns: when it starts, as a follower whose timer runs and that counts as just in contact with
        a leader. Any clock will do; where one goes back, the time is held to stand still.
    engine: "compiled" or "python"; where None, compiled if it is there.

    Raises ValueError, naming the argument, for a value that makes no sense.
    """

    def __init__(
        self,
        *,
        server: int,
        nodes: int,
        election_ms: float | Sequence[float] = (150, 300),
        candidate_ms: float | Sequence[float] | None = None,
        heartbeat_ms: float = 50,
        pre_vote: bool = False,
        timer: str = "redraw",
        step_down_timer: str = "keep",
        quorum: int | None = None,
        log: int = 0,
        term: int = 0,
        voted_for: int | None = None,
        seed: int = 0,
        now_ns: int = 0,
        engine: str | None = None,
    ) -> None:
        self._nodes = whole("nodes", nodes, 1, NODES_MAX)
        self._server = whole("server", server, 0, self._nodes - 1)
        self._peers = tuple(peer for peer in range(self._nodes) if peer != self._server)
        majority = self._nodes // 2 + 1
        needed = majority if quorum is None else whole("quorum", quorum, 1, self._nodes)
        first_vote = w.NOBODY
        if voted_for is not None:
            first_vote = whole("voted_for", voted_for, 0, self._nodes - 1)
        first_term = count("term", term)
        length = count("log", log)
        self._now_ns = whole("now_ns", now_ns, -NOW_NS_MAX, NOW_NS_MAX)
        election = bounds("election_ms", election_ms)
        candidate = None if candidate_ms is None else bounds("candidate_ms", candidate_ms)
        heartbeat_ns = _ns(milliseconds("heartbeat_ms", heartbeat_ms))
        asks = flag("pre_vote", pre_vote)
        classes = masks(timer, step_down_timer)
        if timer not in ALONE:
            raise ValueError(f"timer: must be one of {', '.join(ALONE)}, not {timer!r}")
        drawn = [_ns(end) for pair in ranges(timer, election, candidate) for end in pair]
        chosen = _twin(engine)
        rng = chosen.Rng()
        rng.open_trial(whole("seed", seed, 0, _SEED_MAX), 0)
        self._raft = chosen.Raft(self._nodes, needed, int(asks), _ns(election[0]))
        up = [int(i == self._server) for i in range(self._nodes)]
        clock = chosen.Clock(rng, self._nodes)
        self._timeouts = chosen.Timeouts(
            rng,
            clock,
            chosen.Detector(self._nodes, 0, heartbeat_ns),
            self._nodes,
            heartbeat_ns,
            drawn * self._nodes,
            up,
        )
        self._timeouts.follow(*classes)
        if timer == "boot":
            self._timeouts.draw_once(int(candidate is not None))
        self._timeouts.clear(0)
        self._raft.enter(self._server, first_term, first_vote, w.NOBODY, self._now_ns)
        self._raft.set_log(self._server, length)
        self._timeouts.start(self._server, self._now_ns, 1)
        self._role = Role.FOLLOWER

    @property
    def server(self) -> int:
        """The id of this server."""
        return self._server

    @property
    def nodes(self) -> int:
        """How many servers there are, this one included."""
        return self._nodes

    @property
    def role(self) -> Role:
        """What the server is now."""
        return self._role

    @property
    def term(self) -> int:
        """The latest term the server has seen. It never falls (the paper, section 5.1)."""
        return int(self._raft.term[self._server])

    @property
    def voted_for(self) -> int | None:
        """Who got the vote in `term`, itself perhaps; None where nobody did."""
        return _somebody(self._raft.voted_for[self._server])

    @property
    def leader(self) -> int | None:
        """The leader of `term`, itself perhaps; None while the server knows of none."""
        return _somebody(self._raft.leader[self._server])

    @property
    def log(self) -> int:
        """How up to date the log is; set it when the log grows.

        Setting raises ValueError for what is no whole number from 0 to 2**37.
        """
        return int(self._raft.log[self._server])

    @log.setter
    def log(self, log: int) -> None:
        self._raft.set_log(self._server, count("log", log))

    @property
    def votes(self) -> int:
        """Votes (a pre-candidate's: pre-votes) counted so far, its own included; a follower's: 0.

        A leader's are those it took office with.
        """
        return 0 if self._role == Role.FOLLOWER else int(self._raft.tally[self._server])

    @property
    def deadline_ns(self) -> int | None:
        """When `on_timeout` is to be called; any other call may move it.

        None is never: a leader that has no peers waits for nothing.
        """
        due = int(self._timeouts.deadline(self._server))
        return None if due >= w.NEVER else due

    def __repr__(self) -> str:
        role = self._role.name.lower().replace("_", "-")
        return f"<Raft server {self._server} of {self._nodes}: {role}, term {self.term}>"

    # What happens to it.

    def receive(self, message: Message, now_ns: int) -> Ready:
        """Handle one message by the handler of its type.

        Raises TypeError for what is none of the six messages, and ValueError, changing nothing,
        for one that no server could have sent to this one: another server's, its own, from an id
        that is not in the cluster, or with a number that is out of range. A message of an old term
        is no error: networks delay. A `now_ns` before one given earlier counts as that one.
        """
        match message:
            case AppendRequest():
                return self.on_append_request(message, now_ns)
            case AppendResponse():
                return self.on_append_response(message, now_ns)
            case VoteRequest():
                return self.on_vote_request(message, now_ns)
            case VoteResponse():
                return self.on_vote_response(message, now_ns)
            case PreVoteRequest():
                return self.on_pre_vote_request(message, now_ns)
            case PreVoteResponse():
                return self.on_pre_vote_response(message, now_ns)
        raise TypeError(f"message: {type(message).__name__} is not a message of Raft's elections")

    def on_timeout(self, now_ns: int) -> Ready:
        """The timer expired: a leader sends its heartbeat, everyone else campaigns.

        A campaign is for the next term, with the own vote first (the paper, section 5.2), or with
        `pre_vote` asks for pre-votes and changes no term. Where the own vote is enough the server
        leads at once. Before `deadline_ns` nothing happens, so a call too many does no harm.
        `now_ns` is as in `receive`.
        """
        now_ns = self._advance(now_ns)
        if now_ns < self._timeouts.deadline(self._server):
            return Ready()
        self._raft.on_timeout(self._server, now_ns)
        return self._settle(now_ns)

    def on_vote_request(self, message: VoteRequest, now_ns: int) -> Ready:
        """Answer a candidate.

        A higher term is adopted first (the paper, section 5.1). The vote is granted if the term is
        the own, nobody else has the vote, and the candidate's log is at least as up to date
        (sections 5.2 and 5.4.1): one vote a term, first come first served; the same candidate is
        granted it again. A grant restarts the timer (figure 2, rules for followers). Raises as
        `receive`.
        """
        now_ns = self._open(message, VoteRequest, now_ns)
        asked = (message.sender, message.term, message.log)
        self._raft.on_vote_request(self._server, *asked, now_ns)
        return self._settle(now_ns)

    def on_vote_response(self, message: VoteResponse, now_ns: int) -> Ready:
        """Count a vote, and lead as soon as there are enough (the paper, section 5.2).

        A vote counts for the candidacy of its term alone, once a sender. A new leader sends append
        requests at once. A higher term makes a follower (section 5.1). Raises as `receive`.
        """
        now_ns = self._open(message, VoteResponse, now_ns)
        granted = int(message.granted)
        self._raft.on_vote_response(self._server, message.sender, message.term, granted, now_ns)
        return self._settle(now_ns)

    def on_append_request(self, message: AppendRequest, now_ns: int) -> Ready:
        """Follow the leader of this or a higher term; refuse one of an older term.

        A candidate, too, becomes a follower of its term's leader (the paper, section 5.2), and the
        timer restarts. One of an older term gets the own term in answer (section 5.1). A leader
        follows nobody else in its own term. Raises as `receive`.
        """
        now_ns = self._open(message, AppendRequest, now_ns)
        self._raft.on_append_request(self._server, message.sender, message.term, now_ns)
        return self._settle(now_ns)

    def on_append_response(self, message: AppendResponse, now_ns: int) -> Ready:
        """Step down if the answer tells of a higher term (the paper, section 5.1).

        Whether the append succeeded changes nothing in an election. Raises as `receive`.
        """
        now_ns = self._open(message, AppendResponse, now_ns)
        self._raft.on_append_response(self._server, message.sender, message.term, now_ns)
        return self._settle(now_ns)

    def on_pre_vote_request(self, message: PreVoteRequest, now_ns: int) -> Ready:
        """Say whether the vote would be granted; nothing changes, the timer included.

        Yes if the term proposed is above the own, the log at least as up to date, and no leader
        was heard from within the minimum election timeout (Ongaro's dissertation, sections 9.6 and
        4.2.3); a leader says no. Answered whether or not `pre_vote` is on. Raises as `receive`.
        """
        now_ns = self._open(message, PreVoteRequest, now_ns)
        asked = (message.sender, message.term, message.log)
        self._raft.on_pre_vote_request(self._server, *asked, now_ns)
        return self._settle(now_ns)

    def on_pre_vote_response(self, message: PreVoteResponse, now_ns: int) -> Ready:
        """Count a pre-vote, and campaign as soon as there are enough (dissertation, section 9.6).

        A pre-vote counts for the term it was granted for alone, once a sender. A refusal from a
        higher term makes a follower. Raises as `receive`.
        """
        now_ns = self._open(message, PreVoteResponse, now_ns)
        granted = message.granted
        answer = (message.sender, message.term, granted)
        self._raft.on_pre_vote_response(self._server, *answer, now_ns)
        return self._settle(now_ns)

    # Around every handler.

    def _open(self, message: Message, kind: type[Message], now_ns: int) -> int:
        """Check all that a message is judged by before its handler runs; the time."""
        check(message, kind, self._server, self._nodes)
        return self._advance(now_ns)

    def _advance(self, now_ns: int) -> int:
        self._now_ns = max(self._now_ns, whole("now_ns", now_ns, -NOW_NS_MAX, NOW_NS_MAX))
        return self._now_ns

    def _settle(self, now_ns: int) -> Ready:
        """Touch the timer as the handler's reasons ask, and gather what it left."""
        raft = self._raft
        became = None
        if reasons := raft.reasons:
            self._timeouts.apply(self._server, reasons, now_ns)
            role = Role(raft.role[self._server])
            if role != self._role:
                self._role = became = role
            if role == Role.LEADER and not self._peers:
                self._timeouts.stop(self._server)
        must_persist = bool(raft.durable & (w.WROTE_CANDIDACY | w.WROTE_TERM | w.WROTE_VOTE))
        return Ready(self._outbox() if raft.out else (), must_persist, became)

    def _outbox(self) -> tuple[Message, ...]:
        raft = self._raft
        to = raft.out_to
        return tuple(
            from_outbox(raft.out_what, receiver, raft.out_term)
            for receiver in (self._peers if to == w.EVERYONE else (to,))
        )


def _twin(name: str | None) -> Any:
    if name not in (None, "compiled", "python"):
        raise ValueError(f"engine: must be 'compiled', 'python' or None, not {name!r}")
    return load(name)


def _somebody(server: int) -> int | None:
    return None if server == w.NOBODY else int(server)


def _ns(ms: float) -> int:
    return round(ms * _NS_PER_MS)
