"""Timer classes and what else there is to a timeout, against their laws (reference/systems.md)."""

from __future__ import annotations

import numpy as np
import pytest

import raftfast
from raftfast import Scenario
from raftfast import engine as engines
from raftfast.classes import masks
from raftfast.core import words as w

TRIALS = 100_000


def delays(timeouts: dict[str, object], trials: int = TRIALS, **tables: object) -> np.ndarray:
    """Seconds until a server alone, last in contact at t = 0, campaigns."""
    base = {"election_ms": [1000, 2000], "heartbeat_ms": 100}
    scenario = Scenario.from_dict({"cluster": {"nodes": 1}, "timeouts": base | timeouts, **tables})
    return raftfast.run(scenario, trials).samples["election_ms"] / 1000.0


@pytest.mark.parametrize(
    ("timer", "mean", "p99"),
    # systems.md: "R mean 1.50, p99 1.99; P mean 1.78, p99 2.83", draws U[1, 2).
    [("redraw", 1.50, 1.99), ("poll", 1.78, 2.83)],
)
def test_the_delay_since_the_last_contact(timer: str, mean: float, p99: float) -> None:
    x = delays({"timer": timer})
    # Half a unit of the last printed digit and four standard errors.
    assert abs(x.mean() - mean) < 0.005 + 4 * x.std() / TRIALS**0.5
    assert abs(np.percentile(x, 99) - p99) < 0.01
    assert x.max() < (2.0 if timer == "redraw" else 3.0)


def test_a_free_timer_that_asks_for_its_own_draw_waits_longer() -> None:
    """A residual r of an interval L counts only if r >= L, which it never is; so another draw d is
    waited for, and again while r + d is below d: E = 7/9 + 3/2, for r of mean 7/9."""
    x = delays({"timer": "poll-own-draw"})
    assert abs(x.mean() - (7 / 9 + 1.5)) < 4 * x.std() / TRIALS**0.5


def test_drawing_each_tick_favours_early_ticks() -> None:
    """etcd 2.3: at tick T + d of T = 10, with chance d / 10 (etcd-io/etcd#4887)."""
    x = delays(
        {"timer": "redraw-each-tick", "tick_ms": 100, "tick_phase": "aligned"},
    )
    # The phase is uniform within a tick, so the k-th tick lies in ((k - 1), k] ticks.
    ticks = np.ceil(np.round(x * 10, 6)).astype(int)
    left, share = 1.0, {}
    for d in range(1, 11):
        share[10 + d] = left * d / 10
        left *= 1 - d / 10
    for k, p in share.items():
        assert abs((ticks == k).mean() - p) < 4 * (p * (1 - p) / TRIALS) ** 0.5 + 1e-9, k


def test_looking_now_and_then_adds_half_an_interval() -> None:
    """A fixed timeout is noticed by a constant poll after a uniform wait."""
    x = delays({"election_ms": 1000, "poll_ms": 300})
    assert x.min() >= 1.0
    assert x.max() < 1.3
    assert abs(x.mean() - 1.15) < 4 * 0.3 / 12**0.5 / TRIALS**0.5


def test_polls_at_random_intervals_are_met_in_their_midst() -> None:
    """Renewal theory: what is left of the interval is E[L^2] / 2 E[L] long in the mean."""
    low, high = 0.1, 1.7
    x = delays({"election_ms": 1000, "poll_ms": [1000 * low, 1000 * high]})
    squared = (high**3 - low**3) / (3 * (high - low))
    expected = 1.0 + squared / (low + high)
    # The poll process is stationary at t = 0 and at any later time.
    assert abs(x.mean() - expected) < 4 * x.std() / TRIALS**0.5


def test_jitter_is_kept_for_its_window(engine: str) -> None:
    """MongoDB's `DelayableTimeoutCallbackWithJitter`: with contacts every 50 ms and a window of
    1000 ms, the jitter is drawn anew at the first contact a window after the last draw."""
    rooms = engines.load(engine)
    rng = rooms.Rng()
    rng.open_trial(1, 1)
    ms = 1_000_000
    timer = rooms.Timeouts(
        rng, rooms.Clock(rng, 1), rooms.Detector(1, 0, ms), 1, ms, [1000 * ms, 2000 * ms] * 2, [1]
    )
    timer.follow(*masks("jitter", "keep"))
    timer.keep_jitter()
    timer.ready()
    timer.clear(0)
    timer.start(0, 0, 1)
    waits = []
    for now in range(0, 10_000 * ms, 50 * ms):
        timer.apply(0, w.CONTACT, now)
        waits.append(timer.deadline(0) - now)
    drawn = [i for i in range(1, len(waits)) if waits[i] != waits[i - 1]]
    assert len(drawn) in (9, 10)
    assert set(np.diff(drawn)) == {20}
    assert all(1000 * ms <= wait < 2000 * ms for wait in waits)


@pytest.mark.parametrize(
    ("key", "value", "shift"),
    [("first_ms", 500, None), ("fast_forward_ms", 400, -0.4)],
)
def test_a_servers_first_timeout(key: str, value: float, shift: float | None) -> None:
    plain, changed = delays({}, 1000), delays({key: value}, 1000)
    if shift is None:
        assert (changed == 0.5).all()
    else:
        np.testing.assert_allclose(changed, plain + shift, atol=1e-9)


def test_a_rank_is_the_number_of_longer_logs() -> None:
    """Redis Cluster: 500 + U[0, 500) + 1000 * rank ms; here the longest log is first, always."""
    scenario = Scenario.from_dict(
        {
            "cluster": {"nodes": 5, "log": "distinct"},
            "timeouts": {"election_ms": [500, 1000], "rank_ms": 1000},
        }
    )
    result = raftfast.run(scenario, 5000)
    assert (result.samples["campaigns"] == 1).all()
    assert result.samples["election_ms"].max() < 1011


def test_one_server_may_have_timeouts_of_its_own() -> None:
    own = [{"id": 3, "election_ms": [50, 60]}]
    result = raftfast.run(Scenario.from_dict({"timeouts": {"server": own}}), 2000)
    assert (result.samples["leader"] == 3).all()
    assert result.samples["detect_ms"].max() < 60


def test_boot_draws_once_so_that_a_tie_lasts_for_ever() -> None:
    """openraft PR #1838: of timeouts drawn once, equal ones split the vote until the end of time.

    Two servers, three ticks to draw from and one phase: a third of the clusters never elects.
    """
    trials = 2000
    tables = {
        "cluster": {"nodes": 2},
        "timeouts": {"election_ms": [150, 300], "tick_ms": 50, "tick_phase": "aligned"},
        "network": {"latency_ms": 5},
        "stop": {"limit_ms": 20_000},
    }
    scenario = Scenario.from_dict(tables)
    tied = raftfast.run(scenario.replace(**{"timeouts.timer": "boot"}), trials)
    share = tied.samples["censored"].mean()
    assert abs(share - 1 / 3) < 4 * (2 / 9 / trials) ** 0.5
    assert raftfast.run(scenario, trials).samples["censored"].max() == 0.0


@pytest.mark.parametrize(
    ("detector", "silence_ms"),
    # Three gaps of 50 ms; 50 + 3000 and 5.612 times the least deviation of 100; half as long again.
    [("ewma", 150.0), ("phi", 3611.2), ("aten", 75.0)],
)
def test_what_a_detector_makes_of_even_heartbeats(detector: str, silence_ms: float) -> None:
    """The leader crashes U[0, 50) after its last heartbeat, which took 1 ms."""
    scenario = Scenario.from_dict(
        {
            "timeouts": {"election_ms": 1000, "heartbeat_ms": 50, "detector": detector},
            "network": {"latency_ms": 1},
            "scenario": {"kind": "leader-crash", "crash_phase": "synchronised"},
            "stop": {"limit_ms": 10_000},
        }
    )
    detected = raftfast.run(scenario, 2000).samples["detect_ms"]
    assert silence_ms - 50 < detected.min() < silence_ms - 49
    assert silence_ms - 1 < detected.max() < silence_ms + 0.01


@pytest.mark.parametrize("count", [1, 7, 150, 1000, 2500])
def test_what_a_detector_learns(engine: str, count: int) -> None:
    ms = 1_000_000
    gaps = np.random.default_rng(5).integers(20 * ms, 400 * ms, count)
    known = np.concatenate([[50 * ms], gaps])
    rooms = engines.load(engine)
    silences = []
    for kind in (w.BY_EWMA, w.BY_PHI, w.BY_ATEN):
        detector = rooms.Detector(2, kind, 50 * ms)
        detector.start(1, 0)
        for at in np.cumsum(gaps):
            detector.hear(1, int(at))
        silences.append(detector.silence(1))
    average = 50.0 * ms
    for gap in known:
        average += (gap - average) / 5
    last = known[-1000:]
    assert silences[0] == pytest.approx(min(max(3 * average, 100 * ms), 2000 * ms))
    deviation = max(last.std(), 100 * ms)
    assert silences[1] == pytest.approx(last.mean() + 3000 * ms + 5.6120012442 * deviation)
    # The least gap that more than .99 of them do not exceed, half as long again.
    enough = [gap for gap in sorted(last) if (last <= gap).mean() > 0.99]
    assert silences[2] == int(enough[0]) * 3 // 2
