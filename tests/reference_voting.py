"""The state machine of the reference model: who asks for votes, who grants them, who leads."""

from __future__ import annotations

from typing import Any

from .reference_cluster import CANDIDATE, FOLLOWER, LEADER, NS, PRE_CANDIDATE, Message, Server
from .reference_desk import END
from .reference_timers import Timers


class Voting(Timers):
    """Every server's role, term and vote, and what is counted of them."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.campaigns = self.pre_campaigns = self.needless = self.violations = 0
        self.detect: int | None = None
        self.candidates: dict[int, set[int]] = {}
        self.offices: list[tuple[int, int, int]] = []
        # Whom each server voted for last in each term, and who led each term first.
        self.ballots: dict[tuple[int, int], int] = {}
        self.led: dict[int, int] = {}
        # The leader that counts, its term, when it took office, and who is to follow it.
        self.counting: Server | None = None
        self.counting_term = self.counting_since = 0
        self.followers: set[int] = set()
        self.awaited: set[int] = set()
        self.leading = self.leaderless_since = self.leaderless = 0
        self.result: tuple[int, int] | None = None

    # -- timers that expired ---------------------------------------------------------------------

    def time_out(self, server: Server, kind: str) -> None:
        if kind == "heartbeat":
            self.beat(server)
        elif kind == "repoll":
            self.ask(server, again=True)
            server.repolls_next = True
        elif not self.is_overdue(server):
            self.draw(server, candidate=False)
            self.run_timer(server, 0)
        else:
            self.give_up(server)

    def give_up(self, server: Server) -> None:
        """The election timer of a server that does not lead has fired."""
        server.leader = None
        if server.role in (CANDIDATE, PRE_CANDIDATE) and len(server.votes) >= self.model.quorum:
            # It waited for all, and need not any longer.
            self.win(server)
            return
        if server.id not in self.model.voters:
            self.restart_timer(server, fresh=True)
            return
        if not self.heeds_priority(server):
            self.restart_timer(server, fresh=False)
            return
        backoff = self.model.timeouts["backoff"]
        if server.role == CANDIDATE and not server.backing_off:
            if backoff in ("failures", "lost-elections", "kafka-2024"):
                server.lost += 1
            if backoff == "kafka-2024":
                self.back_off(server)
                return
        server.backing_off = False
        if self.detect is None:
            self.detect = self.now
        if self.model.protocol["pre_vote"] == "off":
            self.campaign(server)
            return
        self.pre_campaigns += 1
        self.needless += self.leading > 0
        self.restart_timer(server, fresh=False, candidate=True)
        server.role = PRE_CANDIDATE
        self.open_ballot(server)

    def campaign(self, server: Server, handed: bool = False) -> None:
        self.campaigns += 1
        if self.detect is None:
            self.detect = self.now
        self.needless += self.leading > 0 and not handed
        server.role = CANDIDATE
        server.term += 1
        server.handed = server.term if handed else None
        self.cast(server, server.id)
        server.writes.add("candidate")
        self.candidates.setdefault(server.term, set()).add(server.id)
        self.restart_timer(server, fresh=True, candidate=True)
        self.open_ballot(server)

    def cast(self, server: Server, candidate: int) -> None:
        """Vote. Who voted for another in this term, whether it knows or not, votes twice."""
        server.voted_for = candidate
        ballot = server.id, server.term
        self.violations += self.ballots.get(ballot, candidate) != candidate
        self.ballots[ballot] = candidate

    def open_ballot(self, server: Server) -> None:
        server.votes, server.refusals = {server.id}, set()
        server.counts["repoll"] += 1
        if len(server.votes) < self.model.quorum:
            self.ask(server, again=False)
            server.repolls_next = True
        elif server.role == CANDIDATE:
            server.wins_alone = True
        else:
            self.campaign(server)

    def ask(self, server: Server, again: bool) -> None:
        """Ask for votes or pre-votes; `again`: those only who did not answer, or refused."""
        forced = server.handed == server.term
        request = Message("vote-request", server.id, server.term, server.log, forced=forced)
        if server.role == PRE_CANDIDATE:
            request = Message("pre-request", server.id, server.term + 1, server.log)
        settled: set[int] = set()
        if again:
            settled |= server.votes
            if not self.model.protocol["repoll_denied"]:
                settled |= server.refusals
        asked = [i for i in self.model.voters if i != server.id and i not in settled]
        server.outbox += [(to, request) for to in asked]

    def go_ahead(self, server: Server) -> None:
        if server.leads_next:
            server.leads_next = False
            self.restart_heartbeat(server)
        if server.repolls_next:
            server.repolls_next = False
            self.restart_repoll(server)

    def leave_ballot(self, server: Server) -> None:
        server.counts["repoll"] += 1
        server.repolls_next = False
        server.backing_off = False

    # -- answers ---------------------------------------------------------------------------------

    def count_vote(self, server: Server, sender: int) -> None:
        server.votes.add(sender)
        server.refusals.discard(sender)
        self.count(server)

    def count_refusal(self, server: Server, sender: int) -> None:
        if sender in server.votes | server.refusals:
            return
        server.refusals.add(sender)
        self.count(server)
        model = self.model
        if len(server.refusals) != len(model.voters) - model.quorum + 1:
            return
        # From now on it cannot win any more.
        backoff = model.timeouts["backoff"]
        counts = backoff in ("rejections", "kafka-2024") and not server.backing_off
        if server.role == CANDIDATE and counts:
            server.lost += 1
            if backoff == "kafka-2024":
                self.back_off(server)
        if model.protocol["on_rejection"] == "follower":
            self.leave_ballot(server)
            server.role = FOLLOWER
            self.restart_timer(server, fresh=True)

    def count(self, server: Server) -> None:
        """See whether there are votes enough, and answers enough."""
        answered = len(server.votes | server.refusals)
        waits = self.model.protocol["wait_for"] == "all" and answered < len(self.model.voters)
        if len(server.votes) >= self.model.quorum and not waits:
            self.win(server)

    def win(self, server: Server) -> None:
        if server.role == CANDIDATE:
            self.take_office(server)
        elif server.role == PRE_CANDIDATE:
            self.campaign(server)

    # -- messages --------------------------------------------------------------------------------

    def handle(self, server: Server, message: Message) -> None:
        if message.kind == "pre-request":
            self.on_pre_request(server, message)
            return
        if message.kind == "pre-response" and message.granted:
            if server.role == PRE_CANDIDATE and message.term == server.term + 1:
                self.count_vote(server, message.sender)
            return
        if message.kind == "vote-request" and not message.forced and self.holds_votes(server):
            self.refuse_for_leader(server, message)
            return
        if message.term > server.term:
            self.adopt(server, message.term)
        if message.kind == "vote-request":
            self.on_vote_request(server, message)
        elif message.kind == "append-request":
            self.on_append_request(server, message)
        elif message.kind == "timeout-now":
            if message.term == server.term and server.role == FOLLOWER:
                self.campaign(server, handed=True)
        else:
            self.handle_answer(server, message)

    def handle_answer(self, server: Server, message: Message) -> None:
        if message.kind == "append-response":
            if message.granted and message.term == server.term:
                server.answers[message.sender] = self.now
        elif message.kind == "vote-response":
            if server.role == CANDIDATE and message.about == server.term:
                count = self.count_vote if message.granted else self.count_refusal
                count(server, message.sender)
        elif server.role == PRE_CANDIDATE and message.about == server.term + 1:
            self.count_refusal(server, message.sender)

    def adopt(self, server: Server, term: int) -> None:
        """Enter a higher term as a follower."""
        role = server.role
        server.term, server.voted_for, server.role = term, None, FOLLOWER
        server.leader = None
        server.writes.add("term")
        self.leave_ballot(server)
        if role == LEADER:
            self.leave_office(server)
        redraws = role == LEADER or self.model.timeouts["timer"] == "keep"
        if role in (CANDIDATE, PRE_CANDIDATE):
            self.forget_losses(server)
            redraws = self.model.protocol["step_down_timer"] == "redraw"
            # The running timer goes on; what a follower keeps, it draws at the next contact.
            server.new_role = True
        if redraws:
            self.restart_timer(server, fresh=True)

    def holds_votes(self, server: Server) -> bool:
        """Whether the server withholds its vote because it knows a leader."""
        sticky = self.model.protocol["sticky"]
        if sticky == "off" or server.leader is None:
            return False
        if server.role == LEADER or sticky == "until-own-timer":
            return True
        ms = {"min": server.ranges.low, "max": server.ranges.high}.get(sticky, sticky)
        return not self.is_ago(server, server.heard, ms)

    def refuse_for_leader(self, server: Server, request: Message) -> None:
        if self.model.protocol["refusals"] == "explicit":
            self.respond(server, request, False, server.term)

    def is_behind(self, server: Server, request: Message) -> bool:
        """Whether the server refuses a candidate for its log, or for its priority."""
        if self.model.protocol["priority"] == "tie-break" and request.log == server.log:
            priorities = self.model.priorities
            return priorities[server.id] > priorities[request.sender]
        return request.log < server.log

    def on_pre_request(self, server: Server, message: Message) -> None:
        mode = self.model.protocol["pre_vote"]
        # The question is whether it would vote: what withholds votes withholds pre-votes.
        held = self.holds_votes(server)
        if mode == "heartbeat-dead":
            held = held or server.leader is not None
        elif mode == "on":
            held = held or server.role == LEADER
            held = held or not self.is_ago(server, server.heard, server.ranges.low)
        if held:
            self.refuse_for_leader(server, message)
            return
        granted = message.term > server.term and not self.is_behind(server, message)
        self.respond(server, message, granted, message.term if granted else server.term)

    def on_vote_request(self, server: Server, message: Message) -> None:
        granted = (
            message.term == server.term
            and server.voted_for in (None, message.sender)
            and not self.is_behind(server, message)
        )
        if granted:
            if server.voted_for is None:
                self.cast(server, message.sender)
                server.writes.add("vote")
            server.contact = self.now
            self.restart_timer(server, fresh=False)
        self.respond(server, message, granted, server.term)

    def on_append_request(self, server: Server, message: Message) -> None:
        # A leader of the same term would be a second one, which needs a quorum below a majority.
        current = message.term == server.term and server.role != LEADER
        if current:
            changed = server.role != FOLLOWER
            if changed:
                self.leave_ballot(server)
            server.role = FOLLOWER
            server.leader = message.sender
            server.heard = server.contact = self.now
            server.target, server.skipped = self.model.top, False
            self.forget_losses(server)
            self.restart_timer(server, fresh=changed)
        self.respond(server, message, current, server.term)
        leader = self.servers[message.sender]
        if current and leader is self.counting and server.term == self.counting_term:
            self.followers.add(server.id)
            self.check_followed()

    # -- a leader, and the stop ------------------------------------------------------------------

    def take_office(self, server: Server) -> None:
        if len(server.votes) < self.model.majority:
            self.violations += 1
        self.violations += self.led.setdefault(server.term, server.id) != server.id
        self.leave_ballot(server)
        self.forget_losses(server)
        self.enter_office(server)
        if self.model.rule == "leader":
            self.end(self.now, server)
            return
        if self.model.rule == "stable":
            due = self.now + round(self.model.stop["stable_ms"] * NS)
            self.at(due, END, self.check_stable, server, self.now)
        server.writes.add("lead")
        server.leads_next = True
        self.to_all(server, Message("append-request", server.id, server.term))
        self.check_followed()

    def reaches(self, server: Server, other: Server) -> bool:
        """Whether what a server sends now can reach the other."""
        if not other.up or other is server:
            return False
        link = server.id, other.id
        return self.model.links[link].loss < 1 and not self.blocks.get(link)

    def enter_office(self, server: Server) -> None:
        server.role = LEADER
        server.leader = server.id
        server.answers = dict.fromkeys(range(self.model.n), self.now)
        server.counts["election"] += 1
        if self.leading == 0:
            self.leaderless += self.now - self.leaderless_since
        self.leading += 1
        self.offices.append((self.now, server.id, server.term))
        # Only the leader of the highest term counts.
        if server.term > self.counting_term:
            self.counting, self.counting_term = server, server.term
            self.counting_since = self.now
            self.followers = set()
            self.awaited = {i for i, other in self.servers.items() if self.reaches(server, other)}

    def leave_office(self, server: Server) -> None:
        if server is self.counting:
            self.counting = None
            if self.model.forgets:
                # The next leader may be of any term, as all may have forgotten this one.
                self.counting_term = 0
        server.counts["heartbeat"] += 1
        server.leads_next = False
        self.leading -= 1
        if self.leading == 0:
            self.leaderless_since = self.now

    def beat(self, server: Server) -> None:
        if self.model.protocol["check_quorum"] and not self.has_quorum(server):
            server.role, server.leader = FOLLOWER, None
            self.leave_office(server)
            self.restart_timer(server, fresh=True)
            return
        self.to_all(server, Message("append-request", server.id, server.term))
        self.restart_heartbeat(server)

    def has_quorum(self, server: Server) -> bool:
        ms = self.model.protocol["check_quorum_ms"] or server.ranges.low
        longest = round(ms * NS * server.factor)
        recent = [i for i in self.model.voters if self.now - server.answers[i] < longest]
        return len({server.id, *recent}) >= self.model.quorum

    def check_followed(self) -> None:
        """See whether all follow that were up and reachable when the leader took office."""
        if self.model.rule != "followed" or self.counting is None:
            return
        if self.awaited <= self.followers:
            self.end(self.counting_since, self.counting)

    def check_stable(self, server: Server, office: int) -> None:
        if server is self.counting and self.counting_since == office:
            self.end(office, server)

    def end(self, office: int, leader: Server) -> None:
        self.stopped = self.now
        self.result = (office, leader.id)
