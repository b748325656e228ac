"""Sweeps: each point is what `run` gives, however and wherever the points are run."""

from __future__ import annotations

import json

import numpy as np
import pytest

import raftfast
from raftfast import InputError, RunError, batch
from raftfast.merging import merge
from raftfast.points import _KEPT, Piece, Runner
from raftfast.results import SweepResult
from raftfast.spec import Spec
from raftfast.store import Part, Store
from raftfast.sweeping import open_for, sweep

from .sweeps import SPEC, TOML, contents, run


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A finished file, with samples, and its results."""
    path = tmp_path_factory.mktemp("sweep") / "small.db"
    with sweep(SPEC, path, jobs=2, samples=True) as result:
        yield path, result


def test_a_point_is_what_run_gives(swept):
    _, result = swept
    assert [row["point"] for row in result.rows()] == list(range(12))
    for row in result.rows():
        single = raftfast.run(result.scenario(row["point"]))
        summary = single.summary()
        assert row["digest"] == single.digest
        assert row["trials"] == 300
        assert row["cluster.nodes"] == single.scenario.cluster.nodes
        assert row["timeouts.election_ms"] == list(single.scenario.timeouts.election_ms)
        for metric, entry in summary["metrics"].items():
            bounds = dict.fromkeys(("p10", "p50", "p90", "p95", "p99", "p99.9"), 1.0001 / 2048)
            bounds |= {"count": 0, "min": 1e-12, "max": 1e-12, "mean": 1e-9, "sd": 1e-9}
            for name, bound in bounds.items():
                ours, theirs = row[f"{metric}.{name}"], entry[name]
                assert ours == theirs or ours == pytest.approx(theirs, rel=bound, abs=1e-12)
        for rate, entry in summary["rates"].items():
            assert row[f"rate.{rate}"] == entry["value"]
            assert [row[f"rate.{rate}.low"], row[f"rate.{rate}.high"]] == entry["ci95"]


def test_samples_are_kept_where_they_were_asked_for(swept):
    _, result = swept
    single = raftfast.run(result.scenario(3))
    kept = result.samples(3)
    for name in single.samples:
        np.testing.assert_array_equal(kept[name], single.samples[name])
    with (
        sweep({**SPEC, "trials": 10}) as bare,
        pytest.raises(InputError, match="point 3 has no samples"),
    ):
        bare.samples(3)


def test_columns_are_numpy_arrays(swept):
    _, result = swept
    assert result["cluster.nodes"].tolist() == [3] * 4 + [4] * 4 + [5] * 4
    assert result["network.loss"].dtype == np.float64
    assert result["timeouts.election_ms"][0] == [150, 300]
    assert result["election_ms.p99"].shape == (12,)
    with pytest.raises(KeyError):
        result["election_ms.p98"]


@pytest.mark.parametrize("executor", ["threads", "processes"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_results_do_not_depend_on_who_ran_them(swept, tmp_path, executor, jobs):
    path = tmp_path / "other.db"
    sweep(SPEC, path, jobs=jobs, executor=executor).close()
    assert contents(path) == contents(swept[0])


def test_shards_merge_to_the_whole(swept, tmp_path):
    parts = [tmp_path / f"{k}.db" for k in (1, 2, 3)]
    for k, part in enumerate(parts, start=1):
        sweep(SPEC, part, jobs=1, shard=(k, 3)).close()
        assert sorted(contents(part)) == list(range(k - 1, 12, 3))
    with merge(tmp_path / "whole.db", parts) as whole:
        assert whole.status()["left"] == 0
    assert contents(tmp_path / "whole.db") == contents(swept[0])
    # Once more is no harm.
    merge(tmp_path / "whole.db", parts).close()
    assert contents(tmp_path / "whole.db") == contents(swept[0])


def test_more_trials_are_added_to_every_point(swept, tmp_path):
    path = tmp_path / "more.db"
    for trials in (7, 120, 300):
        sweep({**SPEC, "trials": trials}, path, jobs=1).close()
    ours = contents(path)
    theirs = contents(swept[0])
    # The events of a block that was run twice are counted twice.
    assert {p: cells[:-1] for p, cells in ours.items()} == {
        p: cells[:-1] for p, cells in theirs.items()
    }
    # Fewer trials are there already.
    sweep({**SPEC, "trials": 20}, path, jobs=1).close()
    assert {p: cells[:-1] for p, cells in contents(path).items()} == {
        p: cells[:-1] for p, cells in theirs.items()
    }


@pytest.mark.parametrize("trials", [4_999, 5_000, 5_001, 12_345])
def test_a_point_in_pieces_is_the_same_point(tmp_path, trials, monkeypatch):
    spec = {**SPEC, "trials": trials, "sweep": {"cluster.nodes": [3, 5]}}
    with sweep(spec, jobs=2) as whole:
        rows = list(whole.rows())
    monkeypatch.setattr("raftfast.sweeping.TASK_S", 1e-9)
    with sweep(spec, jobs=2, executor="threads") as pieces:
        assert list(pieces.rows()) == rows
    for row in rows:
        scenario = Spec.from_dict(spec).scenario(row["point"])
        assert row["digest"] == raftfast.run(scenario).digest


def test_points_that_take_turns_are_as_if_each_had_a_worker_of_its_own(monkeypatch):
    """More shapes than a worker keeps, and some that outgrow what they begin with."""
    monkeypatch.setattr(batch, "_FIRST_CAPACITY", 32)
    tables = {
        "trials": 40,
        "base": {"network": {"latency_ms": {"uniform": [1, 80]}}},
        "sweep": {
            "network.loss": [0.0, 0.1],
            "protocol.pre_vote": ["off", "on"],
            "cluster.nodes": [1, 2, 3, 5, 9, 21],
        },
    }
    spec = Spec.from_dict(tables)
    # In an order in which neighbours are not alike, and points come back to what was kept.
    pieces = [Piece(7 * i % spec.size, 0, 40) for i in range(2 * spec.size)]
    runner = Runner(spec)
    together = [made for piece in pieces for made in runner.run([piece])]
    for made in (*together, *Runner(spec).run(pieces)):
        (alone,) = Runner(spec).run([made.piece])
        assert made._replace(elapsed_s=0.0) == alone._replace(elapsed_s=0.0)
    assert 1 < len(runner._kept) <= _KEPT


def test_trials_are_added_to_results_that_are_still_open(tmp_path):
    path = tmp_path / "open.db"
    first = sweep({**SPEC, "trials": 5}, path, jobs=1)
    second = sweep({**SPEC, "trials": 9}, path, jobs=1)
    assert set(first["trials"]) == set(second["trials"]) == {9.0}
    first.close()
    second.close()


def test_parts_that_overlap_or_leave_a_gap_are_run_again(tmp_path):
    path = tmp_path / "parts.db"
    spec = Spec.from_dict({**SPEC, "trials": 20_000, "sweep": {"cluster.nodes": [3, 5]}})
    pieces = [Piece(0, 0, 5000), Piece(0, 10_000, 5000), Piece(0, 5000, 15_000), Piece(1, 5000, 9)]
    store = open_for(spec, path)
    with store.writing():
        for made in Runner(spec).run(pieces):
            times = (made.elapsed_s, made.events)
            store.keep_parts([Part(*made.piece, made.record, made.blocks, *times)])
    store.close()
    with sweep(spec, path, jobs=2) as result:
        rows = list(result.rows())
    for row in rows:
        assert row["election_ms.count"] == 20_000
        assert row["digest"] == raftfast.run(spec.scenario(row["point"])).digest


def test_samples_of_some_trials_do_not_pass_for_all(tmp_path):
    path = tmp_path / "some.db"
    sweep({**SPEC, "trials": 6000}, path, jobs=2).close()
    with sweep({**SPEC, "trials": 12_000}, path, jobs=2, samples=True) as result:
        assert result.status()["done"] == 12
        with pytest.raises(InputError, match=r"samples of 0 of its 12,000 trials: not every run"):
            result.samples(0)


def test_what_was_interrupted_in_a_commit_is_committed_after_all(tmp_path, monkeypatch):
    path = tmp_path / "interrupted.db"
    finish = Store.finish
    calls = []

    def interrupted(self, rows, wholes):
        rows = list(rows)
        if rows and not calls:
            calls.append(len(rows))
            raise KeyboardInterrupt
        finish(self, rows, wholes)

    monkeypatch.setattr(Store, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(SPEC, path, jobs=1, executor="threads")
    assert len(contents(path)) >= calls[0]


def test_another_spec_is_refused_with_the_difference(swept):
    path, _ = swept
    with pytest.raises(InputError, match=r"small\.db: holds another sweep \(.*seed.*\); give"):
        sweep({**SPEC, "seed": 6}, path)


def test_a_point_that_fails_is_noted_and_the_others_are_done(tmp_path, monkeypatch):
    # Servers slower than what they get: more messages wait than there is room for.
    monkeypatch.setattr("raftfast.batch.QUEUE_LIMIT", 1024)
    spec = {
        **SPEC,
        "trials": 3,
        "sweep": {"node.process_ms": [0, 1_000]},
        "base": {"cluster": {"nodes": 51}, "stop": {"limit_ms": 3_000}},
    }
    path = tmp_path / "fails.db"
    with sweep(spec, path, jobs=1) as result:
        assert list(result["point"]) == [0]
        assert "messages in flight" in result.failures[1]
        assert result.status()["failed"] == 1
    with pytest.raises(RunError, match="point 1: trial 0: more than"):
        sweep(spec, path, jobs=1, fail_fast=True)


def test_adaptive_points_get_trials_until_their_interval_is_narrow(tmp_path):
    adaptive = {"metric": "election_ms.mean", "precision": 0.01, "max_trials": 20_000}
    spec = {**SPEC, "trials": 100, "adaptive": adaptive}
    with sweep(spec, tmp_path / "a.db", jobs=2) as result:
        rows = list(result.rows())
    trials = {row["trials"] for row in rows}
    assert len(trials) > 1
    for row in rows:
        half = (row["election_ms.mean.high"] - row["election_ms.mean.low"]) / 2
        assert half <= 0.01 * row["election_ms.mean"] or row["trials"] == 20_000
        scenario = Spec.from_dict(spec).scenario(row["point"]).replace(trials=row["trials"])
        assert raftfast.run(scenario).digest == row["digest"]
    with sweep(spec, tmp_path / "a.db", jobs=2) as again:
        assert list(again.rows()) == rows


def test_top_orders_by_a_column(swept):
    _, result = swept
    best = [row["election_ms.mean"] for row in result.top("election_ms.mean", 3)]
    assert best == sorted(result["election_ms.mean"])[:3]
    worst = result.top("rate.split_first_term", 1, largest=True)[0]["rate.split_first_term"]
    assert worst == max(result["rate.split_first_term"])
    with pytest.raises(InputError, match=r"did you mean election_ms\.mean"):
        result.top("election_ms.meen")


def test_the_commands_from_init_to_export(tmp_path):
    spec, out = tmp_path / "small.toml", tmp_path / "small.db"
    spec.write_text(TOML)
    dry = run("sweep", str(spec), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "12 points of 300 trials, 3,600 in all" in dry.stdout
    assert not out.exists()
    done = run("sweep", str(spec), "-j", "2")
    assert done.returncode == 0, done.stderr
    assert "12 of 12 points" in done.stdout
    status = run("status", str(out), "--format", "json")
    assert json.loads(status.stdout)["done"] == 12
    top = run("top", str(out), "--by", "election_ms.mean", "-n", "2", "--format", "csv")
    assert top.stdout.splitlines()[0].startswith("point,cluster.nodes,timeouts.election_ms")
    assert len(top.stdout.splitlines()) == 3
    rows = run("export", str(out)).stdout.splitlines()
    head = rows[0].split(",")
    assert head[:4] == ["point", "cluster.nodes", "timeouts.election_ms", "network.loss"]
    assert head[4:8] == ["trials", "censored", "violations", "digest"]
    assert len(rows) == 13
    lines = run("export", str(out), "--format", "jsonl").stdout.splitlines()
    assert json.loads(lines[2])["timeouts.election_ms"] == [100, 130]
    table = run("export", str(out), "--format", "md", "-c", "point,election_ms.p99").stdout
    assert table.startswith("| point | election_ms.p99 |")
    parquet = tmp_path / "rows.parquet"
    assert run("export", str(out), "--format", "parquet", "-o", str(parquet)).returncode == 0
    assert parquet.read_bytes()[:4] == b"PAR1"


def test_keys_to_vary_on_the_command_line(tmp_path):
    out = tmp_path / "cli.db"
    varied = ["-P", "cluster.nodes=3..7:2", "-L", "timeouts.timer=redraw,keep"]
    done = run("sweep", *varied, "-n", "50", "-o", str(out), "-q")
    assert done.returncode == 0, done.stderr
    with SweepResult.open(out) as result:
        assert result["cluster.nodes"].tolist() == [3, 3, 5, 5, 7, 7]
        assert result["timeouts.timer"].tolist() == ["redraw", "keep"] * 3


def test_the_template_runs_as_it_is(tmp_path):
    spec = tmp_path / "wan.toml"
    assert run("init", str(spec)).returncode == 0
    again = run("init", str(spec))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    done = run("sweep", str(spec), "-n", "200", "-o", str(tmp_path / "wan.db"), "-q")
    assert done.returncode == 0, done.stderr
    assert run("top", str(tmp_path / "wan.db"), "-n", "3").returncode == 0
