"""Golden transcripts: single elections one can read, the same on both backends.

Each file in tests/golden is `raftfast trace` of the scenario of that name below. After a change
that is meant to change them, rewrite them with RAFTFAST_REWRITE=1 and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from raftfast import Scenario
from raftfast.trace import trace

FOLDER = Path(__file__).parent / "golden"

# name: (tables, trial)
ELECTIONS: dict[str, tuple[dict[str, Any], int]] = {
    "an election": ({"cluster": {"nodes": 3}}, 0),
    "one server alone": (
        {"cluster": {"nodes": 1}, "node": {"persist_ms": 5}},
        0,
    ),
    "a split vote": (
        {"cluster": {"nodes": 4}, "timeouts": {"election_ms": [150, 160]}},
        2,
    ),
    "a crash, followed": (
        {
            "cluster": {"nodes": 3},
            "scenario": {"kind": "leader-crash"},
            "stop": {"on": "followed"},
        },
        1,
    ),
    "pre-vote": (
        {
            "cluster": {"nodes": 3},
            "protocol": {"pre_vote": "on"},
            "scenario": {"kind": "leader-crash", "crash_phase": "synchronised"},
        },
        4,
    ),
    "a shorter log is refused": (
        {"cluster": {"nodes": 3, "log": [0, 5, 5]}, "stop": {"on": "stable", "stable_ms": 120}},
        3,
    ),
    "loss and copies": (
        {"cluster": {"nodes": 3}, "network": {"loss": 0.3, "duplicate": 0.3, "ordered": True}},
        5,
    ),
    "slow servers, slow disks": (
        {
            "cluster": {"nodes": 3},
            "node": {
                "process_ms": 4,
                "persist": {"candidate": 10, "term": 6, "vote": 3, "lead": 8},
            },
            "stop": {"on": "followed"},
        },
        0,
    ),
    "ticks in step": (
        {
            "cluster": {"nodes": 3},
            "timeouts": {
                "election_ms": [100, 200],
                "timer": "keep",
                "tick_ms": 10,
                "tick_phase": "aligned",
            },
        },
        1,
    ),
    "a tuned timeout": (
        {
            "cluster": {"nodes": 3},
            "timeouts": {"detector": "dynatune"},
            "scenario": {"kind": "leader-crash"},
            "stop": {"on": "stable", "stable_ms": 120},
        },
        0,
    ),
    "leadership is handed over": (
        {
            "cluster": {"nodes": 3},
            "protocol": {"pre_vote": "on", "sticky": "min"},
            "scenario": {
                "kind": "steady",
                "event": [{"do": "transfer", "at_ms": 10, "to": 0}],
            },
            "stop": {"on": "duration", "duration_ms": 60},
        },
        0,
    ),
    "no majority": (
        {"cluster": {"nodes": 3, "down": [0, 1]}, "stop": {"limit_ms": 500}},
        0,
    ),
}


@pytest.mark.parametrize("name", ELECTIONS)
def test_a_transcript_is_as_it_was(name, engine):
    tables, trial = ELECTIONS[name]
    transcript = trace(Scenario.from_dict({"name": name, **tables}), trial, engine=engine)
    text = "\n".join(transcript.lines()) + "\n"
    path = FOLDER / f"{name.replace(',', '').replace(' ', '-')}.txt"
    if os.environ.get("RAFTFAST_REWRITE") == "1":
        path.write_text(text)
    assert text == path.read_text()


def test_every_golden_file_belongs_to_an_election():
    names = {name.replace(",", "").replace(" ", "-") for name in ELECTIONS}
    assert {path.stem for path in FOLDER.glob("*.txt")} == names
