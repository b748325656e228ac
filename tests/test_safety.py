"""The safety check is real: a broken state machine is caught, named, and can be replayed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import raftfast
import raftfast.batch
import raftfast.parameters
from raftfast import Scenario
from raftfast import engine as engines
from raftfast.core import words as w

# What breaks the state machine, as edits of core/raft.py, and what the check must then find.
MUTANTS = {
    "two votes a term": (
        "self.voted_for[me] == NOBODY or self.voted_for[me] == sender",
        "self.voted_for[me] >= NOBODY",
        "a server voted twice in one term",
    ),
    "minority quorum": (
        "self.count(me, sender) >= self.quorum and self.has_waited(me):\n"
        "                self.become_leader",
        "self.count(me, sender) >= self.quorum - 1:\n                self.become_leader",
        "a leader without a majority of votes",
    ),
    "refusals count as votes": (
        "term == self.term[me] and granted:",
        "term == self.term[me]:",
        "a leader without a majority of votes",
    ),
}
CONTESTED = """
[cluster]
nodes = 5
[timeouts]
election_ms = [100, 120]
heartbeat_ms = 30
[network]
latency_ms = { uniform = [1, 60] }
[stop]
limit_ms = 3000
"""


@pytest.fixture
def broken_raftfast(tmp_path: Path):
    """A copy of the package, a room of which is edited; interpreted, so that no build is due."""

    def make(old: str, new: str, name: str = "raft") -> Path:
        source = Path(raftfast.__file__).parent
        copy = tmp_path / "raftfast"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        room = copy / "core" / f"{name}.py"
        text = room.read_text()
        assert text.count(old) == 1
        room.write_text(text.replace(old, new))
        return tmp_path

    return make


def command(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "raftfast", *arguments],
        env={**os.environ, "PYTHONPATH": str(path)},
        cwd=path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_state_machine_is_reported_with_how_to_replay_it(mutant, broken_raftfast):
    old, new, invariant = MUTANTS[mutant]
    path = broken_raftfast(old, new)
    (path / "contested.toml").write_text(CONTESTED)
    run = command(path, "run", "contested.toml", "-n", "200", "-s", "3", "--format", "json")
    assert run.returncode == 1, run.stderr
    report = json.loads(run.stdout)  # the output is still written
    assert report["violations"] > 0
    assert invariant in run.stderr
    # The line names the command that replays the trial; what it replays has the violation.
    line = next(line for line in run.stderr.splitlines() if "raftfast trace" in line)
    replay = line[line.index("raftfast trace") :].split()[1:]
    trace = command(path, *replay, "--format", "json")
    assert trace.returncode in (0, 1), trace.stderr
    assert json.loads(trace.stdout)["outcome"]["violations"] > 0


def test_votes_of_learners_are_no_majority(broken_raftfast):
    """Whoever asks learners, too, and counts what they say, is found out where votes are cast."""
    path = broken_raftfast(
        "if to != sender and self.raft.voter[to]:", "if to != sender:", "network"
    )
    (path / "contested.toml").write_text(CONTESTED)
    learners = ["-p", "cluster.nodes=7", "-p", "cluster.learners=[0,1,2,3]"]
    run = command(path, "run", "contested.toml", "-n", "100", "--format", "json", *learners)
    assert run.returncode == 1, run.stderr
    assert json.loads(run.stdout)["violations"] > 0
    assert "a leader without a majority of votes" in run.stderr


# Server 2 hears 0's request alone, votes, and starts again; 1, which cannot hear 0, asks it later.
FORGETFUL = {
    "cluster": {"nodes": 3},
    "timeouts": {
        "election_ms": [900, 950],
        "heartbeat_ms": 50,
        "server": [{"id": 0, "election_ms": 100}, {"id": 1, "election_ms": 120}],
    },
    "network": {"latency_ms": 5},
    "scenario": {
        "event": [
            {"do": "block", "from": 0, "to": 1, "at_ms": 0},
            {"do": "crash", "who": 2, "at_ms": 110, "for_ms": 5},
        ]
    },
    "stop": {"on": "duration", "duration_ms": 200},
}


def test_a_server_that_forgets_its_vote_is_seen_to_vote_twice(engine):
    """And its term to go back, and two leaders to share the term; one that keeps both does not."""
    scenario = Scenario.from_dict({**FORGETFUL, "node": {"persistence": "none"}})
    result = raftfast.run(scenario, 3, engine=engine)
    assert result.violations == 3 * 3
    assert result.broken == [
        "a term went back",
        "a server voted twice in one term",
        "two leaders in one term",
    ]
    durable = raftfast.run(Scenario.from_dict(FORGETFUL), 3, engine=engine)
    assert durable.violations == 0
    assert (durable.samples["leader"] == 0).all()


def test_a_preset_that_forgets_says_so():
    """PySyncObj under a rolling restart: every server's term goes back, and nothing else need."""
    result = raftfast.run(Scenario.preset("pysyncobj").under("rolling-restart", []), 50)
    assert result.broken[0] == "a term went back"
    assert result.violations >= 5 * 50


def test_the_sound_state_machine_has_no_violation_there(tmp_path):
    (tmp_path / "contested.toml").write_text(CONTESTED)
    result = raftfast.run(Scenario.load(tmp_path / "contested.toml"), 3000)
    assert result.violations == 0
    assert result.first_violation is None
    assert result.broken == []


def test_a_minority_quorum_is_caught_on_both_backends(engine):
    """The quorum is a parameter, so this breaks the compiled twin as well."""
    scenario = Scenario.from_dict({"cluster": {"nodes": 5, "quorum": 2}})
    result = raftfast.run(scenario, 200, engine=engine)
    assert result.violations == 200
    assert result.first_violation is not None
    assert "a leader without a majority of votes" in result.broken


def test_two_leaders_in_one_term_are_caught_on_both_backends(engine):
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": 4, "quorum": 2},
            "network": {"latency_ms": {"uniform": [1, 100]}},
            "stop": {"on": "duration", "duration_ms": 2000},
        }
    )
    result = raftfast.run(scenario, 300, engine=engine)
    worker = raftfast.batch.Worker(raftfast.parameters.block(scenario), engine)
    broken = set()
    for trial in (result.samples["violations"] > 1).nonzero()[0][:20]:
        worker.run(1, int(trial), 1)
        broken.add(worker.ensemble.safety.broken & w.TWO_LEADERS)
    assert w.TWO_LEADERS in broken


def test_each_invariant_by_itself(engine):
    """The checks on transitions and states, called as the ensemble calls them."""
    safety_type = engines.room(engine, "safety").Safety

    def fresh():
        safety = safety_type(3, 100)
        safety.clear()
        for server in range(3):
            safety.enter(server, 5, w.NOBODY)
        return safety

    sound = fresh()
    sound.check_change(0, 6, 0)
    sound.check_change(1, 6, 0)
    assert sound.check_leader(0, 6, 2) == 1
    sound.check_change(1, 7, w.NOBODY)
    assert (sound.violations, sound.broken) == (0, 0)

    back = fresh()
    back.check_change(0, 4, w.NOBODY)
    assert back.broken == w.TERM_WENT_BACK

    twice = fresh()
    twice.check_change(0, 6, 1)
    twice.check_change(0, 6, 2)
    assert twice.broken == w.VOTED_TWICE

    forgotten = fresh()
    forgotten.check_change(0, 6, 1)
    forgotten.check_change(0, 6, w.NOBODY)
    assert forgotten.broken == w.VOTED_TWICE

    alone = fresh()
    alone.check_change(0, 6, 0)
    alone.check_leader(0, 6, 2)
    assert alone.broken == w.NO_MAJORITY

    too_soon = fresh()
    for server in (0, 1, 2):
        too_soon.check_change(server, 6, 0)
    too_soon.check_leader(0, 6, 1)
    assert too_soon.broken == w.NO_MAJORITY

    two = fresh()
    for server in (0, 1, 2):
        two.check_change(server, 6, 0)
    two.check_leader(0, 6, 3)
    two.check_change(1, 7, 1)
    two.check_leader(1, 6, 3)
    assert two.broken & w.TWO_LEADERS


def test_votes_that_are_kept_count_once_and_only_those_of_voters(engine):
    """Servers 3 and 4 have none, and all may forget theirs."""
    kept = engines.room(engine, "safety").Safety(5, 100)
    kept.take_rules([1, 1, 1, 0, 0], 1)
    kept.clear()
    for server in range(5):
        kept.enter(server, 5, w.NOBODY)
    kept.open_votes()

    def cast(server, voted_for):
        kept.check_vote(server, 6, voted_for)
        kept.check_change(server, 6, voted_for)

    cast(0, 0)
    cast(3, 0)
    cast(1, 1)
    assert kept.check_leader(0, 6, 2) == 1
    assert (kept.broken, kept.violations) == (w.NO_MAJORITY, 1)
    kept.check_change(1, 0, w.NOBODY)
    cast(1, 0)
    assert (kept.broken, kept.violations) == (
        w.NO_MAJORITY | w.TERM_WENT_BACK | w.VOTED_TWICE, 3
    )  # fmt: skip
    # Now there is one; the same vote again is no second one, whether or not it was forgotten.
    kept.check_leader(0, 6, 2)
    kept.check_change(0, 0, w.NOBODY)
    cast(0, 0)
    assert kept.violations == 4
    # A trial later all that is kept are the votes of its beginning.
    kept.clear()
    for server in range(5):
        kept.enter(server, 6, 2)
    kept.open_votes()
    assert kept.check_leader(0, 6, 3) == 1
    assert kept.check_leader(2, 6, 3) == 0
    assert (kept.broken, kept.violations) == (w.NO_MAJORITY | w.TWO_LEADERS, 2)
