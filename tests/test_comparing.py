"""`raftfast.compare`: which sides, which pairs, and looks at growing numbers of trials."""

from __future__ import annotations

import json
import signal
import threading
import time

import numpy as np
import pytest

import raftfast
from raftfast import InputError, Scenario, run
from raftfast.comparing import looks
from raftfast.comparison import Trials
from raftfast.comparison import compare as rows_of
from raftfast.corrections import holm
from raftfast.interrupts import interruptible

PAPER = Scenario.from_dict({"name": "paper"})
LATER = Scenario.from_dict({"name": "later", "network": {"latency_ms": {"uniform": [1, 7]}}})
LOSSY = Scenario.from_dict({"name": "lossy", "network": {"loss": 0.2}})


def by_metric(duel):
    return {row.metric: row for row in duel.rows}


def test_scenarios_are_run_on_the_same_luck_and_paired():
    found = raftfast.compare(PAPER, LATER, trials=1000, seed=7)
    assert (found.reference, found.trials, found.paired) == ("paper", 1000, True)
    sides = [Trials.of(run(x, trials=1000, seed=7)) for x in (PAPER, LATER)]
    assert list(found.duels[0].rows) == rows_of(*sides)
    assert [side.seed for side in found.sides] == [7, 7]
    assert found.sides[1].digest == run(LATER, trials=1000, seed=7).digest


def test_trials_and_seed_are_the_references():
    reference = PAPER.replace(trials=300, seed=9)
    found = raftfast.compare(LATER, reference, reference="paper")
    assert (found.reference, found.trials) == ("paper", 300)
    assert {side.seed for side in found.sides} == {9}
    assert [side.name for side in found.sides] == ["paper", "later"]


def test_results_are_taken_as_they_are():
    same, other = (run(LATER, trials=400, seed=seed) for seed in (1, 2))
    base = run(PAPER, trials=300, seed=1)
    assert raftfast.compare(base, same).paired
    assert raftfast.compare(base, same).trials == 300
    assert not raftfast.compare(base, other).paired
    assert raftfast.compare(base, other).duels[0].trials == 300


def test_sides_without_names_of_their_own_are_numbered():
    found = raftfast.compare(PAPER, PAPER.replace(**{"network.loss": 0.1}), trials=50)
    assert [side.name for side in found.sides] == ["side 1", "side 2"]


def test_p_is_corrected_over_all_comparisons_together():
    found = raftfast.compare(PAPER, LATER, LOSSY, trials=500, metrics=["election_ms.mean", "rate"])
    rows = [row for duel in found.duels for row in duel.rows]
    tested = [row for row in rows if row.p < 1]
    assert len(rows) == 10
    assert len(tested) >= 4
    # A p of 1 may be that of a test, or of trials in which nothing differs: no order changes.
    families = [holm([*(row.p for row in tested), *[1.0] * more]) for more in range(7)]
    assert [row.p_corrected for row in tested] in [x[: len(tested)] for x in families]


def test_the_document_is_strict_json_with_the_contracts_keys():
    found = raftfast.compare(PAPER, LOSSY, trials=200).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {"reference", "trials", "paired", "comparisons"} <= set(found)
    wanted = {
        "name", "metric", "reference", "value", "difference", "ci95", "ratio", "p", "p_corrected",
        "verdict",
    }  # fmt: skip
    assert all(wanted <= set(row) for row in found["comparisons"])
    assert {row["verdict"] for row in found["comparisons"]} <= {
        "same", "lower", "higher", "undecided",
    }  # fmt: skip


def test_metrics_are_chosen_by_name_column_or_group():
    found = raftfast.compare(PAPER, LOSSY, trials=200, metrics=["messages", "election_ms.p50"])
    assert list(by_metric(found.duels[0])) == ["election_ms.p50", "messages.mean"]
    cut = {"stop": {"limit_ms": 170}}
    sides = [Scenario.from_dict({**cut, "network": {"loss": loss}}) for loss in (0.0, 0.1)]
    found = raftfast.compare(*sides, trials=200, metrics=["election_ms.mean"])
    assert list(by_metric(found.duels[0])) == ["election_ms.restricted_mean"]


def test_what_matters_first_leaves_out_what_never_happens():
    found = raftfast.compare(PAPER, LATER, trials=300)
    shown = [row.metric for row in found.shown(found.duels[0])]
    assert shown[:3] == ["election_ms.mean", "election_ms.p99", "election_ms.p99.9"]
    assert "messages.mean" in shown
    assert "rate.censored" not in shown
    assert "leader_changes.mean" not in shown
    steady = {"scenario": {"kind": "steady"}, "stop": {"on": "duration", "duration_ms": 900}}
    sides = [Scenario.from_dict({**steady, "network": {"loss": loss}}) for loss in (0.2, 0.4)]
    found = raftfast.compare(*sides, trials=200)
    shown = [row.metric for row in found.shown(found.duels[0])]
    assert {"unavailable_ms.mean", "rate.availability", "leader_changes.mean"} <= set(shown)
    assert "election_ms.mean" not in shown


# Until it is decided.


@pytest.mark.parametrize(
    ("trials", "most", "expected"),
    [
        (10, 10, [10]),
        (10, 15, [10, 15]),
        (10, 20, [10, 20]),
        (10, 85, [10, 20, 40, 80, 85]),
        (10_000, 1_000_000, [10_000 * 2**k for k in range(7)] + [1_000_000]),
    ],
)
def test_looks_double_and_end_at_the_most(trials, most, expected):
    assert looks(trials, most) == expected


def test_trials_are_added_until_every_verdict_stands():
    nearly = LATER.replace(**{"network.latency_ms": {"uniform": [1, 5], "plus": 0.3}})
    options = {"metrics": ["election_ms.mean", "election_ms.p99"], "band": 0.0}
    before = raftfast.compare(PAPER, nearly, trials=200, **options)
    assert "undecided" in {row.verdict for row in before.duels[0].rows}
    counted = []
    found = raftfast.compare(
        PAPER, nearly, trials=200, until="decided", max_trials=102_400,
        progress=lambda *done: counted.append(done), **options,
    )  # fmt: skip
    assert 1 < found.look <= found.looks == 10
    assert found.trials == 200 * 2 ** (found.look - 1)
    assert "undecided" not in {row.verdict for row in found.duels[0].rows}
    # The very trials of one run of that many: none is run twice, or another.
    whole = run(nearly, trials=found.trials, seed=1)
    assert found.sides[1].digest == whole.digest
    assert counted[-1] == (2 * found.trials, 2 * found.trials)
    assert all(done <= total for done, total in counted)


def test_what_no_trials_would_settle_does_not_keep_it_going():
    found = raftfast.compare(
        PAPER, LATER, trials=100, until="decided", metrics=["rate.censored"]
    )  # fmt: skip
    assert (found.look, found.duels[0].rows[0].verdict) == (1, "undecided")


def test_it_ends_at_the_most_trials():
    found = raftfast.compare(
        PAPER, LOSSY, trials=60, seed=3, until="decided", max_trials=100, band=0.0,
        metrics=["election_ms.p99.9"],
    )  # fmt: skip
    assert (found.look, found.looks, found.trials) == (2, 2, 100)
    assert not found.is_settled


def test_a_look_has_its_part_of_the_five_per_cent():
    """L looks: p_corrected is L times as large, and p < .05 / L just where zero is left out."""
    options = {"metrics": ["election_ms", "rate"], "correction": "none", "trials": 500}
    once = raftfast.compare(PAPER, LATER, **options)
    first = raftfast.compare(PAPER, LATER, **options, until="decided", max_trials=500)
    assert (first.looks, first.duels) == (1, once.duels)
    held = run(PAPER, trials=500, seed=1), run(LATER, trials=500, seed=1)
    many = raftfast.compare(*held, **options, until="decided", max_trials=500 * 2**6)
    assert many.looks == 7
    alpha = 0.05 / 7
    for row in many.duels[0].rows:
        low, high = row.ci95
        if low is None or high is None or 0 < row.p < 1e-12:
            continue
        assert (low > 0 or high < 0) == (row.p < alpha), row
        assert row.p_corrected == pytest.approx(min(1.0, 7 * row.p))


def test_looking_many_times_raises_no_more_false_alarms_than_looking_once():
    """A scenario against itself with other luck, at up to five numbers of trials. 20 of 400 may be
    told apart, and 3 standard errors (4.4) more: 33. Looking as often at 5 % each is over that."""
    repetitions, start, most = 400, 50, 800
    scenario = Scenario.from_dict({})
    pool = [run(scenario, trials=repetitions * most, seed=s).samples["election_ms"] for s in (1, 2)]
    samples = [x.reshape(repetitions, most) for x in pool]
    sizes = looks(start, most)
    assert len(sizes) == 5
    alarms, naive, missed = 0, 0, 0
    for pair in zip(*samples, strict=True):
        told = false = uncovered = False
        for size in sizes:
            row = mean_row(*(x[:size] for x in pair), looks=len(sizes))
            told |= row.p_corrected < 0.05
            uncovered |= not row.ci95[0] <= 0 <= row.ci95[1]
            false |= row.p < 0.05
        alarms += told
        naive += false
        missed += uncovered
    assert alarms == missed <= 33 < naive


def mean_row(first, second, looks):
    """As `compare` finds and judges a mean at one of so many looks."""
    from raftfast.comparison import Found, judge
    from raftfast.differences import ALPHA
    from raftfast.means import mean_difference

    found = mean_difference(first, second, paired=False, alpha=ALPHA / looks)
    ((row,),) = judge(
        [Found(first.size, False, (("election_ms.mean", found),))], correction="none", looks=looks
    )
    return row


# What is refused.


@pytest.mark.parametrize(
    ("sides", "options", "says"),
    [
        ([PAPER], {}, r"^compare: 1 to compare: give at least two"),
        ([PAPER, PAPER], {"names": ["a", "a"]}, r"^compare: a stands twice"),
        ([PAPER, LATER], {"names": ["a"]}, r"^names: 1 names of 2 sides"),
        ([PAPER, LATER], {"reference": "papr"}, r"^reference: papr: .*did you mean paper\?"),
        ([PAPER, LATER], {"band": -0.1}, r"^band: -0.1: must be"),
        ([PAPER, LATER], {"band": float("nan")}, r"^band: nan: must be"),
        ([PAPER, LATER], {"correction": "bonferroni"}, r"^correction: .*one of holm, bh, none"),
        ([PAPER, LATER], {"until": "bored"}, r"^until: bored: must be decided"),
        ([PAPER, LATER], {"metrics": ["election.p99"]}, r"^metrics: .*did you mean election_ms"),
        ([PAPER, LATER], {"metrics": ["rate.availability"], "trials": 9}, r"^metrics: .*none of"),
        (
            [PAPER, LATER],
            {"until": "decided", "max_trials": 5},
            r"^max_trials: 5: must be at least",
        ),
        ([PAPER, LATER], {"by": "network.loss"}, r"^by: goes with the results"),
        (
            [PAPER, LATER.replace(**{"stop.on": "followed"})],
            {},
            r"^stop.on: is leader in paper, followed in later: .*-p stop.on=leader",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(sides, options, says):
    with pytest.raises(InputError, match=says):
        raftfast.compare(*sides, **options)


def test_stop_rules_differ_also_by_how_long_they_take():
    lasting = {"scenario": {"kind": "steady"}, "stop": {"on": "duration", "duration_ms": 500}}
    sides = [Scenario.from_dict(lasting), Scenario.from_dict(lasting)]
    sides[1] = sides[1].replace(**{"stop.duration_ms": 700})
    with pytest.raises(InputError, match=r"^stop.duration_ms: is 500 in side 1, 700 in side 2"):
        raftfast.compare(*sides)
    # Of two limits the smaller one holds: those can be compared.
    longer = PAPER.replace(**{"stop.limit_ms": 90_000})
    assert raftfast.compare(PAPER, longer, trials=20).duels


def test_what_another_thread_does_comes_back():
    assert interruptible(lambda: np.arange(3).sum()) == 3
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)


def test_an_interrupt_does_not_wait_for_what_another_thread_does():
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    begun = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(lambda: time.sleep(2))
    assert time.monotonic() - begun < 1
