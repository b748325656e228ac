"""Points of a sweep against one another: groups, pairs, and what stored distributions are worth."""

from __future__ import annotations

import numpy as np
import pytest

import raftfast
from raftfast import InputError, Scenario, run, sweep
from raftfast.columns import COLUMNS, TIMES
from raftfast.comparison import Trials, compare
from raftfast.contrasts import Unfolded
from raftfast.histograms import Histograms

SPEC = {
    "name": "contrasts",
    "trials": 400,
    "base": {"stop": {"limit_ms": 5000}},
    "sweep": {
        "cluster.nodes": [3, 5],
        "network.loss": [0.0, 0.1, 0.3],
        "timeouts.timer": ["redraw", "keep"],
    },
}


def swept(tmp_path, spec=None, **options):
    return sweep(spec or SPEC, tmp_path / "results.db", executor="threads", jobs=2, **options)


def test_groups_have_all_other_keys_in_common(tmp_path):
    with swept(tmp_path) as result:
        found = raftfast.compare(result, by="network.loss")
    assert (found.by, found.reference, found.paired) == ("network.loss", "0.0", False)
    groups = [tuple(duel.group.items()) for duel in found.duels]
    expected = [
        (("cluster.nodes", nodes), ("timeouts.timer", timer))
        for nodes in (3, 5)
        for timer in ("redraw", "keep")
    ]
    assert groups == [group for group in expected for _ in range(2)]
    assert [duel.name for duel in found.duels] == ["0.1", "0.3"] * 4
    assert [side.point for side in found.sides] == [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]


def test_the_reference_may_be_any_value(tmp_path):
    with swept(tmp_path) as result:
        by_text = raftfast.compare(result, by="timeouts.timer", reference="keep")
        by_value = raftfast.compare(result, by="network.loss", reference="0.10")
        with pytest.raises(InputError, match=r"^by: runs nothing"):
            raftfast.compare(result, by="network.loss", trials=9)
        with pytest.raises(InputError, match=r'^reference: value "0.2": .*it has 0.0, 0.1, 0.3'):
            raftfast.compare(result, by="network.loss", reference="0.2")
    assert {duel.name for duel in by_text.duels} == {"redraw"}
    assert [duel.name for duel in by_value.duels] == ["0.0", "0.3"] * 4


def test_with_samples_points_of_one_seed_are_paired(tmp_path):
    with swept(tmp_path, samples=True) as result:
        found = raftfast.compare(result, by="network.loss", metrics=["election_ms", "rate"])
    assert found.paired
    sides = [
        Scenario.from_dict({**SPEC["base"], "cluster": {"nodes": 3}, "network": {"loss": loss}})
        for loss in (0.0, 0.1)
    ]
    wanted = raftfast.compare(*sides, trials=400, metrics=["election_ms", "rate"])
    for row, expected in zip(found.duels[0].rows, wanted.duels[0].rows, strict=True):
        assert (row.difference, row.ci95, row.p) == (
            expected.difference, expected.ci95, expected.p,
        )  # fmt: skip


def test_points_of_other_luck_are_not_paired(tmp_path):
    spec = {**SPEC, "common_random_numbers": False}
    with swept(tmp_path, spec, samples=True) as result:
        assert not raftfast.compare(result, by="network.loss").paired


def test_stored_distributions_give_what_samples_give(tmp_path):
    """Counts and rates are exact, times within 0.05 %; which of two in a bin was first is lost."""
    with swept(tmp_path) as result:
        found = raftfast.compare(result, by="network.loss")
        scenarios = [result.scenario(side.point) for side in found.sides[:2]]
    sides = [Trials.of(run(x, trials=400)) for x in scenarios]
    wanted = {row.metric: row for row in compare(*sides, paired=False)}
    assert [row.metric for row in found.duels[0].rows] == list(wanted)
    for row in found.duels[0].rows:
        expected = wanted[row.metric]
        exact = "_ms." not in row.metric
        near = (1e-9 if exact else 1e-3) * abs(expected.value)
        assert row.value == pytest.approx(expected.value, abs=near)
        assert row.difference == pytest.approx(expected.difference, abs=near)
        width, other = (np.ptp(x.ci95) if None not in x.ci95 else None for x in (row, expected))
        assert (width is None) == (other is None)
        if width is not None:
            assert width == pytest.approx(other, rel=0.1, abs=0.3)


@pytest.mark.parametrize("limit_ms", [170, 60_000])
def test_columns_of_a_stored_distribution_are_those_of_the_trials(tmp_path, limit_ms):
    spec = {
        "trials": 500,
        "base": {"stop": {"limit_ms": limit_ms}},
        "sweep": {"network.loss": [0.1, 0.2]},
    }
    with swept(tmp_path, spec) as result:
        stored = Histograms.from_bytes(result.whole(1).record)
        samples = run(result.scenario(1), trials=500).samples
    unfolded = Unfolded(stored)
    assert list(unfolded) == list(COLUMNS)
    cut = samples["censored"] == 1
    assert cut.any() == (limit_ms == 170)
    for name in COLUMNS:
        column = unfolded[name]
        for kind, trials in ((column[: 500 - cut.sum()], ~cut), (column[500 - cut.sum() :], cut)):
            exact = np.sort(samples[name][trials])
            close = {"rtol": 5e-4} if name in TIMES else {"rtol": 0}
            np.testing.assert_allclose(np.sort(kind), exact, **close)


def test_groups_without_the_reference_are_counted(tmp_path):
    exclude = [{"cluster.nodes": 5, "network.loss": 0.0}]
    with swept(tmp_path, {**SPEC, "exclude": exclude}) as result:
        found = raftfast.compare(result, by="network.loss")
    assert found.skipped == 2
    assert {duel.group["cluster.nodes"] for duel in found.duels} == {3}


@pytest.mark.parametrize(
    ("spec", "by", "says"),
    [
        (SPEC, "network.los", r'^by: value "network.los": .*did you mean network.loss\?'),
        (
            {
                "trials": 10,
                "zip": [{"cluster.nodes": [3, 5], "network.loss": [0.0, 0.1]}],
            },
            "network.loss",
            r"^by: no two finished points differ in network.loss alone, .*cluster.nodes differ",
        ),
        (
            {"trials": 10, "sweep": {"stop.on": ["leader", "followed"]}},
            "stop.on",
            r"^stop.on: is leader in leader, followed in followed",
        ),
    ],
)
def test_what_is_no_contrast_is_refused(tmp_path, spec, by, says):
    with swept(tmp_path, spec) as result, pytest.raises(InputError, match=says):
        raftfast.compare(result, by=by)


def test_progress_counts_groups(tmp_path):
    told = []
    with swept(tmp_path) as result:
        raftfast.compare(
            result, by="network.loss", metrics=["messages"], progress=lambda *x: told.append(x)
        )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
