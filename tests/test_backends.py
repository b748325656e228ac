"""Both backends, any number of workers, any chunk size: the same outcome to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import raftfast
import raftfast.parameters
from raftfast import Scenario, batch
from raftfast.batch import Worker
from raftfast.columns import COLUMNS
from raftfast.errors import RunError
from raftfast.parameters import are_alike, block

from .scenarios import scenarios, tables

SATURATED = Scenario.from_dict(
    {
        "cluster": {"nodes": 101},
        "network": {"latency_ms": {"uniform": [1, 200]}, "loss": 0.3, "duplicate": 0.3},
        "node": {"process_ms": 40},
        "stop": {"on": "stable", "stable_ms": 100, "limit_ms": 400},
    }
)


PLAIN = (
    {"network.loss": 0.05, "timeouts.election_ms": [100, 150]},
    {"network.latency_ms": 4.5, "stop.limit_ms": 400},
)
"""Two settings of the numbers of a scenario that an ensemble can be turned from and to."""


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios(), st.integers(0, 2**64 - 1))
@example(SATURATED, 2**64 - 1)
def test_both_backends_agree_and_nothing_is_unsafe(both, scenario, seed):
    trials = 3 if scenario.cluster.nodes < 10 else 1
    python, compiled = (
        raftfast.run(scenario, trials, seed, jobs=1, engine=engine) for engine in both
    )
    for name in COLUMNS:
        np.testing.assert_array_equal(python.samples[name], compiled.samples[name], err_msg=name)
    assert python.digest == compiled.digest
    assert python.events == compiled.events
    assert python.broken == compiled.broken
    if scenario.node.persistence == "durable":
        assert python.violations == 0
    # Who forgets may break anything but this: nobody leads whom no majority voted for.
    assert "a leader without a majority of votes" not in python.broken


NUMBERS = st.fixed_dictionaries(
    {
        "network.loss": st.sampled_from([0.0, 0.05, 0.3]),
        "network.latency_ms": st.sampled_from(
            [0.0, 4.5, {"uniform": [1, 5]}, {"lognormal": [3, 0.5]}, {"uniform": [1, 3000]}]
        ),
        "timeouts.election_ms": st.sampled_from([[100, 150], [150, 300], [4000, 9000]]),
        "stop.limit_ms": st.sampled_from([800, 1500, 2500]),
    }
)


def _turnable(tables: dict[str, Any]) -> Scenario:
    """The scenario less what ties a choice to those numbers: links of their own, stickiness."""
    tables["network"].pop("link", None)
    if tables["protocol"]["sticky"] in ("min", "max"):
        tables["protocol"]["sticky"] = "until-own-timer"
    return Scenario.from_dict(tables)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables().map(_turnable), NUMBERS, NUMBERS)
@example(Scenario.from_dict({}), *PLAIN)
def test_an_ensemble_turned_to_other_numbers_runs_as_a_new_one(both, scenario, before, after):
    first, second = (block(scenario.replace(**numbers)) for numbers in (before, after))
    for engine in both:
        worker = Worker(first, engine)
        worker.run(1, 0, 2)
        alike = are_alike(first, second)
        assert alike or scenario != Scenario.from_dict({})
        # A law that two places shared, and now do not, is no matter of numbers.
        if not alike:
            continue
        worker.turn_to(second)
        new = Worker(second, engine)
        assert np.array_equal(worker.run(2, 5, 2)[0], new.run(2, 5, 2)[0])


def test_workers_do_not_change_the_result(engine):
    scenario = Scenario.from_dict({})
    one, two, three = (
        raftfast.run(scenario, 5000, 7, jobs=jobs, engine=engine) for jobs in (1, 2, 3)
    )
    assert one.digest == two.digest == three.digest
    assert one.events == two.events == three.events


@pytest.mark.parametrize("chunk", [1, 7, 100_000])
def test_the_size_of_a_chunk_does_not_change_the_result(engine, chunk, monkeypatch):
    scenario = Scenario.from_dict({"protocol": {"pre_vote": "on"}})
    expected = raftfast.run(scenario, 1500, 7, engine=engine).digest
    monkeypatch.setattr(batch, "CHUNK_MAX", chunk)
    assert raftfast.run(scenario, 1500, 7, jobs=2, engine=engine).digest == expected


def test_fewer_trials_are_a_prefix_of_more(engine):
    scenario = Scenario.from_dict({"scenario": {"kind": "leader-crash"}})
    short, long = (raftfast.run(scenario, trials, 3, engine=engine) for trials in (1000, 2000))
    for name in COLUMNS:
        np.testing.assert_array_equal(short.samples[name], long.samples[name][:1000])
    assert short.digest != long.digest


def test_another_seed_is_another_result(engine):
    scenario = Scenario.from_dict({})
    digests = {raftfast.run(scenario, 50, seed, engine=engine).digest for seed in range(20)}
    assert len(digests) == 20


# A leader of long ago that steps down has heard of nobody in this trial.
DEPOSED = Scenario.from_dict(
    {
        "timeouts": {"election_ms": [100, 150], "timer": "poll"},
        "protocol": {"check_quorum": True},
        "network": {"latency_ms": {"uniform": [1, 3000]}},
        "scenario": {"kind": "steady"},
        "stop": {"on": "duration", "duration_ms": 750, "limit_ms": 800},
    }
)

# Nor has a leader of long ago measured heartbeats, by which it would hold its lease.
TUNED = Scenario.from_dict(
    {
        "timeouts": {"detector": "dynatune"},
        "protocol": {"pre_vote": "on", "refusals": "silent"},
        "scenario": {"kind": "steady"},
        "stop": {"on": "duration", "duration_ms": 5000},
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios(), st.integers(0, 2**64 - 1))
@example(DEPOSED, 2)
@example(TUNED, 7)
def test_a_trial_does_not_depend_on_the_trials_before_it(both, scenario, seed):
    numbers = block(scenario)
    together = Worker(numbers, both[1]).run(seed, 0, 8)[0]
    for trial in (1, 3, 7):
        alone = Worker(numbers, both[1]).run(seed, trial, 1)[0]
        np.testing.assert_array_equal(alone[:, 0], together[:, trial])


def test_two_scenarios_share_the_luck_of_what_they_have_in_common(both):
    """Pre-vote changes no draw of the timers: the first campaigns come at the same times."""
    plain, pre_vote = (
        raftfast.run(Scenario.from_dict({"protocol": {"pre_vote": mode}}), 1000, engine=both[1])
        for mode in ("off", "on")
    )
    np.testing.assert_array_equal(plain.samples["detect_ms"], pre_vote.samples["detect_ms"])


# Capacities: they grow without changing anything, and where they end, nothing is made up.


def test_a_capacity_that_grows_changes_nothing(engine, monkeypatch):
    expected = raftfast.run(SATURATED, 2, engine=engine)
    monkeypatch.setattr(batch, "_FIRST_CAPACITY", 1)
    found = raftfast.run(SATURATED, 2, engine=engine)
    # What was tried in vain is not counted.
    assert (found.digest, found.events) == (expected.digest, expected.events)


@pytest.mark.parametrize("limit", ["QUEUE_LIMIT", "TERMS_LIMIT"])
def test_a_capacity_that_overflows_is_reported(engine, limit, monkeypatch):
    monkeypatch.setattr(batch, limit, 4)
    monkeypatch.setattr(batch, "_FIRST_CAPACITY", 4)
    # Always split: timeouts all alike, and slower messages than timeouts.
    split = Scenario.from_dict(
        {
            "cluster": {"nodes": 9},
            "timeouts": {"election_ms": 20, "heartbeat_ms": 5},
            "network": {"latency_ms": 50},
            "node": {"process_ms": 30},
        }
    )
    with pytest.raises(RunError, match=r"^trial 0: more than 4 "):
        raftfast.run(split, 3, engine=engine)
