"""When a trial ends, and with whom in office: the stop rules of [stop]."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import NEVER, NO_TERM, NOBODY, ON_DURATION, ON_FOLLOWED, ON_LEADER, ON_STABLE
from .network import Network


class Stop:
    """The stop rule and how far a trial is towards it.

    Nothing happens at or after `until`; `over` says that the trial has ended, at `at_ns`. Only
    the leader of the highest term counts; where servers forget their terms (`forgetful`), of
    those since the one that counted last left office. `times` are stable_ns, duration_ns and
    limit_ns.
    """

    def __init__(self, network: Network, nodes: int, rule: int, times: list[int]) -> None:
        self.network = network
        self.nodes = nodes
        self.rule = rule
        self.forgetful = 0
        self.take_times(times)
        self.over = 0
        self.at_ns = 0
        self.until = 0
        self.leader = NOBODY
        self.leader_term = NO_TERM
        self.unhailed = 0
        self.winner = NOBODY
        self.election_ns = -1
        self.followed_ns = -1
        self.censored = 0
        self.awaited = [0] * 1048

    def take_times(self, times: list[int]) -> None:
        """Take stable_ns, duration_ns and limit_ns."""
        self.stable_ns = times[0]
        self.duration_ns = times[1]
        self.last_ns = times[2]
        if self.rule == ON_DURATION and self.duration_ns < self.last_ns:
            self.last_ns = self.duration_ns

    def expect_forgetting(self) -> None:
        """Servers may forget their terms, so that a later leader can be of an earlier one."""
        self.forgetful = 1

    def clear(self) -> None:
        """A trial begins: nobody is in office."""
        self.over = 0
        self.until = self.last_ns
        self.leader = NOBODY
        self.leader_term = NO_TERM
        self.winner = NOBODY
        self.election_ns = -1
        self.followed_ns = -1
        self.censored = 0

    def begin_led(self, server: int, term: int) -> None:
        """A server is in office from the start: it is the first leader."""
        self.leader = server
        self.leader_term = term
        self.winner = server
        self.election_ns = 0

    def note_office(self, server: int, term: int, at: int) -> None:
        """A leader took office: the trial may end, or waits for what its rule asks."""
        if term <= self.leader_term:
            return
        self.leader = server
        self.leader_term = term
        if self.rule == ON_LEADER:
            self.end(server, at, at)
        elif self.rule == ON_DURATION:
            if self.winner == NOBODY:
                self.winner = server
                self.election_ns = at
        else:
            self.election_ns = at
            if self.rule == ON_FOLLOWED:
                self.count_unhailed(at)
            elif at + self.stable_ns < self.last_ns:
                self.until = at + self.stable_ns
            else:
                self.until = self.last_ns

    def count_unhailed(self, at: int) -> None:
        """Under `followed`: wait for every server that runs and can be reached now, learners
        among them."""
        self.unhailed = 0
        for i in range(self.nodes):
            self.awaited[i] = 0
            if i != self.leader and self.network.reaches(self.leader, i):
                self.awaited[i] = 1
                self.unhailed += 1
        if self.unhailed == 0:
            self.followed_ns = at
            self.end(self.leader, at, at)

    def note_follower(self, server: int, leader: int, term: int, at: int) -> None:
        """A server handled an append of `leader` in `term`: one fewer to wait for."""
        if (
            self.rule == ON_FOLLOWED
            and leader == self.leader
            and term == self.leader_term
            and self.awaited[server]
        ):
            self.awaited[server] = 0
            self.unhailed -= 1
            if self.unhailed == 0:
                self.followed_ns = at
                self.end(leader, self.election_ns, at)

    def note_resignation(self, server: int) -> None:
        """A leader left office."""
        if server == self.leader:
            self.leader = NOBODY
            self.until = self.last_ns
            if self.forgetful:
                self.leader_term = NO_TERM

    def run_out(self) -> None:
        """Nothing more happens before `until`: the leader stayed, time is over, or the limit is.

        What is over already stays as it ended.
        """
        if self.over:
            return
        if self.rule == ON_STABLE and self.leader >= 0 and self.until < self.last_ns:
            self.end(self.leader, self.election_ns, self.until)
        elif self.rule == ON_DURATION and self.until == self.duration_ns and self.winner >= 0:
            self.end(self.winner, self.election_ns, self.until)
        else:
            self.censored = 1
            self.end(NOBODY, -1, self.until)

    def end(self, winner: int, election_ns: int, at: int) -> None:
        self.winner = winner
        self.election_ns = election_ns
        self.at_ns = at
        self.cut()

    def cut(self) -> None:
        """The trial is over: nothing more happens."""
        self.over = 1
        self.until = -NEVER
