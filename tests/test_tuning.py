"""Dynatune: the arithmetic by hand, what followers come to in a cluster, and what that is worth.

Statistical gates are four standard errors wide, with fixed seeds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import raftfast
from raftfast import InputError, Scenario, batch
from raftfast import engine as engines
from raftfast.batch import Worker
from raftfast.columns import COLUMNS
from raftfast.core import words as w
from raftfast.parameters import block

from .scenarios import tables

MS = 1_000_000
CONFIGURED = {"election_ms": [1000, 2000], "heartbeat_ms": 100}
CRASH = {"kind": "leader-crash"}
STEADY = {"kind": "steady"}


def tuning(engine: str, nodes: int = 1) -> Any:
    """What followers and leaders know, by a configured interval of 100 ms."""
    return engines.load(engine).Detector(nodes, w.BY_DYNATUNE, 100 * MS).tuning


def tuned(engine: str, trips: list[int], numbers: list[int] | None = None) -> tuple[int, int]:
    """Timeout and interval of a follower that measured these, in ns."""
    known = tuning(engine)
    for number, trip in zip(numbers or range(1, len(trips) + 1), trips, strict=True):
        known.learn(0, number, trip)
        known.tune(0)
    return known.timeout[0], known.interval[0]


def scenario(latency_ms: Any, duration_ms: float = 10_000, **given: Any) -> Scenario:
    """A cluster that goes by Dynatune; `given` are tables, or keys of [timeouts]."""
    tables: dict[str, Any] = {"timeouts": {**CONFIGURED, "detector": "dynatune"}}
    tables["network"] = {"latency_ms": latency_ms}
    tables["stop"] = {"on": "duration", "duration_ms": duration_ms}
    for name, table in given.items():
        tables[name] = {**tables.get(name, {}), **table}
    if given.get("scenario") == CRASH:
        tables["stop"] = {"on": "leader"}
    return Scenario.from_dict(tables)


def in_the_end(of: Scenario, engine: str, trial: int = 0) -> tuple[dict[str, int], Any]:
    """A trial's columns, and what its servers know when it is over."""
    worker = Worker(block(of), engine)
    values, _ = worker.run(of.seed, trial, 1)
    row = dict(zip(COLUMNS, values[:, 0].tolist(), strict=True))
    return row, worker.ensemble.tuning


def of_followers(row: dict[str, int], column: Any) -> list[float]:
    """A column of what servers tuned, in ms, but for the leader's."""
    return [value / MS for server, value in enumerate(column) if server != row["leader"]]


# The arithmetic.


@pytest.mark.parametrize(
    ("lost", "of", "enough"),
    # ceil(log_p(.001)): one in ten 3, one in a hundred 1.5, half 9.97, a third 6.29, 999 of a
    # thousand 1000 (fewer than ten came, so what was configured holds).
    [
        (0, 100, 1),
        (1, 1000, 1),
        (1, 100, 2),
        (10, 100, 3),
        (20, 60, 7),
        (50, 100, 10),
        (90, 100, 66),
    ],
)
def test_so_many_heartbeats_that_one_comes(engine: str, lost: int, of: int, enough: int) -> None:
    # The first and the last of them come: they are those the gaps are counted between.
    heard = [1, *range(lost + 2, of + 1)]
    timeout, interval = tuned(engine, [300 * MS] * len(heard), heard)
    assert timeout == 300 * MS
    assert interval == timeout // enough


@pytest.mark.parametrize("count", [10, 11, 150, 1000, 2500])
def test_the_mean_of_the_round_trips_and_two_deviations(engine: str, count: int) -> None:
    draws = np.random.default_rng(5)
    trips = draws.integers(20 * MS, 400 * MS, count)
    numbers = np.cumsum(draws.integers(1, 3, count))
    timeout, interval = tuned(engine, trips.tolist(), numbers.tolist())
    last = trips[-1000:]
    assert timeout == pytest.approx(last.mean() + 2 * last.std(), abs=2)
    heard = numbers[-1000:]
    lost = 1 - len(heard) / (heard[-1] - heard[0] + 1)
    assert interval == timeout // math.ceil(math.log(0.001) / math.log(lost))


def test_round_trips_that_are_all_alike_have_no_deviation(engine: str) -> None:
    """To the nanosecond, however long it goes on."""
    assert tuned(engine, [20_000_001] * 3000) == (20_000_001, 20_000_001)


def test_nothing_is_tuned_before_ten_are_known(engine: str) -> None:
    assert tuned(engine, [20 * MS] * 9) == (0, 0)
    assert tuned(engine, [20 * MS] * 10) == (20 * MS, 20 * MS)
    # The first heartbeat has no round trip to tell of.
    assert tuned(engine, [-1] + [20 * MS] * 9) == (0, 0)
    assert tuned(engine, [-1] + [20 * MS] * 10) == (20 * MS, 20 * MS)


def test_no_interval_is_below_a_millisecond_and_a_timeout_holds_enough_of_them(engine: str) -> None:
    assert tuned(engine, [0] * 10) == (MS, MS)
    heard = [1, *range(12, 101)]
    assert tuned(engine, [MS // 5] * 90, heard) == (3 * MS, MS)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_a_number_counts_once_and_in_its_order(both: tuple[str, str], numbers: list[int]) -> None:
    known = sorted(set(numbers))
    sent = known[-1] - known[0] + 1
    expected = 1
    if sent > len(known):
        lost = 1 - len(known) / sent
        expected = math.ceil(math.log(0.001) / math.log(lost) - 1e-9)
    for engine in both:
        follower = tuning(engine)
        for number in numbers:
            follower.learn(0, number, -1)
        assert follower.enough(0) == expected


def test_a_list_holds_the_thousand_latest_numbers(engine: str) -> None:
    follower = tuning(engine)
    for number in [1, *range(1001, 2001)]:
        follower.learn(0, number, -1)
    assert follower.enough(0) == 1
    # Older than all in the list: it is not heard any more.
    follower.learn(0, 999, -1)
    assert follower.enough(0) == 1


def test_what_is_forgotten_has_to_be_measured_anew(engine: str) -> None:
    known = tuning(engine)
    for number in range(1, 11):
        known.learn(0, number, 20 * MS)
    known.tune(0)
    known.forget(0)
    assert (known.timeout[0], known.interval[0]) == (0, 0)
    for number in range(11, 20):
        known.learn(0, number, 30 * MS)
        known.tune(0)
    assert known.timeout[0] == 0
    known.learn(0, 20, 30 * MS)
    known.tune(0)
    assert known.timeout[0] == 30 * MS


# A cluster that nothing befalls.


@pytest.mark.parametrize("start", [STEADY, {"kind": "cold-start"}], ids=["steady", "cold start"])
def test_a_constant_latency_is_a_timeout_of_two_of_it(engine: str, start: dict[str, str]) -> None:
    row, known = in_the_end(scenario(10, scenario=start), engine)
    assert of_followers(row, known.timeout) == [20.0] * 4
    assert of_followers(row, known.interval) == [20.0] * 4
    assert row["needless_campaigns"] == 0
    if start == STEADY:
        # 500 heartbeats to each and their answers; which of these come in time is the phase's.
        assert 3988 <= row["messages"] <= 4000


def test_loss_makes_heartbeats_more_frequent(engine: str) -> None:
    """.139 is midway between .1 and .178, so K is 4; a thousand heartbeats tell it to within .011.

    In the long run a follower hears 20 ms / 4 apart, and of so many is sent 0.861 answers each.
    """
    of = scenario(10, network={"loss": 0.139}, scenario=STEADY, protocol={"pre_vote": "on"})
    row, known = in_the_end(of, engine)
    assert of_followers(row, known.timeout) == [20.0] * 4
    assert of_followers(row, known.interval) == [5.0] * 4
    # 4 followers * 2000 heartbeats: the answers' standard deviation is 31; phases, and a follower
    # that fell back for ten heartbeats, are within the rest.
    assert abs(row["messages"] - 8000 * 1.861) < 4 * 31 + 100


def test_every_follower_has_an_interval_of_its_own(engine: str) -> None:
    link = {"from": [0, 1, 2, 3], "to": 4, "latency_ms": 40}
    of = scenario(10, network={"link": [link]}, scenario=STEADY)
    row, known = in_the_end(of, engine, next(k for k in range(99) if leader_of(of, k) != 4))
    assert sorted(of_followers(row, known.interval)) == [20.0, 20.0, 20.0, 80.0]
    assert 2 * (3 * 500 + 125) - 9 <= row["messages"] <= 2 * (3 * 500 + 125)


def leader_of(of: Scenario, trial: int) -> int:
    return int(raftfast.run(of, trial + 1, jobs=1).samples["leader"][trial])


def test_without_latency_a_heartbeat_comes_every_millisecond(engine: str) -> None:
    row, known = in_the_end(scenario(0, 1000, scenario=STEADY), engine)
    assert of_followers(row, known.timeout) == [1.0] * 4
    assert 7992 <= row["messages"] <= 8000


def test_a_server_that_is_down_asks_for_nothing(engine: str) -> None:
    """To a server that does not run, heartbeats go as configured."""
    of = scenario(10, cluster={"nodes": 4, "down": [3]}, scenario=STEADY)
    row, known = in_the_end(of, engine)
    assert sorted(of_followers(row, known.timeout)) == [0.0, 20.0, 20.0]
    assert abs(row["messages"] - (2 * 2 * 500 + 100)) <= 9
    assert abs(row["lost"] - 100) <= 1


# What it is worth, and what it costs.


def test_a_crash_is_noticed_within_two_tuned_timeouts(engine: str) -> None:
    """Followers heard a heartbeat U[0, 20) ms before the crash, all at once; each draws U[20, 40).

    The first of four: 20 + 20 / 5 in the mean, 10 ms less for the phase; the variance is that of
    the least of four, 20^2 * 4 / (25 * 6), and 20^2 / 12 of the phase.
    """
    start = {"kind": "leader-crash", "crash_phase": "synchronised"}
    trials = 2000 if engine == "compiled" else 60
    of = scenario(10, scenario=start, stop={"on": "leader"})
    x = raftfast.run(of, trials, 3, engine=engine).samples["detect_ms"]
    assert abs(x.mean() - 14.0) < 4 * math.sqrt(400 * 4 / 150 + 400 / 12) / math.sqrt(trials)
    assert 0 < x.min() < x.max() < 40


def test_detection_is_faster_than_as_configured() -> None:
    of = scenario(1, scenario=CRASH)
    untuned = of.replace(**{"timeouts.detector": "none"})
    by, without = (raftfast.run(s, 2000).samples for s in (of, untuned))
    # As configured, no timer fires before a whole second less a heartbeat.
    assert without["detect_ms"].min() > 900
    assert by["detect_ms"].max() < 6
    assert by["election_ms"].mean() < 0.6 * without["election_ms"].mean()


def test_a_leader_that_crashes_later_is_noticed_as_soon() -> None:
    """What a leader crash begins with is what a steady cluster is like a second later."""
    crash = {**STEADY, "event": [{"do": "crash", "who": "leader", "at_ms": 1000}]}
    trials = 5000
    of = scenario(10, scenario=CRASH), scenario(10, 2000, scenario=crash)
    at_once, later = (raftfast.run(s, trials).samples["detect_ms"] for s in of)
    later = later - 1000
    error = math.sqrt((at_once.var() + later.var()) / trials)
    assert abs(at_once.mean() - later.mean()) < 4 * error
    assert abs(np.median(at_once) - np.median(later)) < 4 * 1.5 * error
    # The last heartbeat of some follower may be yet to come.
    assert max(at_once.max(), later.max()) < 50


def test_the_lease_of_a_leader_is_as_short_as_the_timeout() -> None:
    """By the configured lease nobody would be granted a pre-vote for a second after a contact."""
    of = scenario(1, scenario=CRASH, protocol={"pre_vote": "on", "sticky": "min"})
    x = raftfast.run(of, 2000).samples["election_ms"]
    assert (x < 20).mean() > 0.3
    # Timeouts are of 2 to 4 ms: a lease of 4 lasts until the voter's own timer fires.
    held = [raftfast.run(of.replace(**{"protocol.sticky": s}), 2000) for s in ("max", 1000)]
    longest, fixed = (result.samples["election_ms"] for result in held)
    assert 0.1 < (longest < 20).mean() < (x < 20).mean() - 0.05
    np.testing.assert_array_equal(longest, fixed)


SLOWED = {
    "kind": "steady",
    "event": [{"do": "slow", "from": [0, 1], "to": [1, 2], "add_ms": 100, "at_ms": 1005}],
}


def test_a_latency_that_rises_lets_timers_fire_and_fall_back(engine: str) -> None:
    """All followers fall back to what is configured, and then tune to what they measure again.

    Pre-vote keeps the leader in office: its heartbeats come before anybody's pre-votes do.
    """
    of = scenario(10, cluster={"nodes": 3}, scenario=SLOWED, protocol={"pre_vote": "on"})
    soon, known = in_the_end(of.replace(**{"stop.duration_ms": 1050}), engine)
    assert of_followers(soon, known.timeout) == [0.0, 0.0]
    assert soon["needless_campaigns"] == 2
    late, known = in_the_end(of, engine)
    # It is 220 ms now; the first round trip told was still one of 20, and makes for a deviation.
    assert all(220 < timeout < 300 for timeout in of_followers(late, known.timeout))
    assert late["leader_changes"] == 0
    assert late["needless_campaigns"] == 2


def test_jitter_alone_fires_timers_where_nothing_is_lost() -> None:
    """Without losses a heartbeat comes once a timeout, which is no more than it is drawn from."""
    calm, nervous = (
        raftfast.run(scenario(law, scenario=STEADY, protocol={"pre_vote": "on"}), 50).samples
        for law in (3, {"uniform": [1, 5]})
    )
    assert calm["needless_campaigns"].max() == 0
    assert nervous["needless_campaigns"].min() > 0


def test_a_server_that_starts_again_goes_by_what_is_configured(engine: str) -> None:
    event = {"do": "crash", "who": 0, "at_ms": 100, "for_ms": 50}
    of = scenario(10, 300, scenario={**STEADY, "event": [event]})
    trial = next(k for k in range(99) if leader_of(of, k) != 0)
    _, known = in_the_end(of, engine, trial)
    assert known.timeout[0] == 0
    _, known = in_the_end(of.replace(**{"stop.duration_ms": 1500}), engine, trial)
    assert known.timeout[0] == 20 * MS


# Both backends, and limits.


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables().filter(lambda drawn: drawn["cluster"]["nodes"] < 10), st.integers(0, 2**64 - 1))
def test_both_backends_agree(both: tuple[str, str], drawn: dict[str, Any], seed: int) -> None:
    timeouts = {
        key: value for key, value in drawn["timeouts"].items() if not key.startswith("tick")
    }
    drawn["timeouts"] = {**timeouts, "timer": "redraw", "detector": "dynatune"}
    drawn["node"] = {**drawn["node"], "persistence": "durable"}
    of = Scenario.from_dict(drawn)
    python, compiled = (raftfast.run(of, 3, seed, jobs=1, engine=engine) for engine in both)
    assert python.digest == compiled.digest
    assert python.events == compiled.events
    assert python.violations == 0


def test_letters_that_outgrow_their_place_change_nothing(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = scenario({"pareto": [2.0, 1.1]}, 300, scenario=STEADY)
    expected = raftfast.run(of, 3, engine=engine).digest
    monkeypatch.setattr(batch, "_FIRST_CAPACITY", 1)
    assert raftfast.run(of, 3, engine=engine).digest == expected


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"timeouts": {"tick_ms": 10}}, '"dynatune" goes with timer "redraw", and no tick_ms'),
        ({"timeouts": {"timer": "keep"}}, 'goes with timer "redraw"'),
    ],
)  # fmt: skip
def test_what_it_does_not_go_with(given: dict[str, Any], hint: str) -> None:
    with pytest.raises(InputError) as caught:
        scenario(1, **given)
    assert hint in str(caught.value)
