"""The instruction gate: what it reads, what it lets pass, and what it says it did not look at."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bench import baseline, commits, counting, instructions, workloads
from bench.baseline import Count, Counts, hold

HERE = {"machine": "x86_64", "python": "3.12.1", "compiler": "GCC: (x) 12.2.0", "cython": "3.3.1"}
RESTS_ON = {
    "engine": ("machine", "python", "compiler", "cython"),
    "interpreted": ("machine", "python"),
}
BEFORE = Counts(HERE, {"engine": Count(2000.0, 7.5), "interpreted": Count(400_000.0, 7.5)})


def _now(engine: float = 2000.0, interpreted: float = 400_000.0, **differs: str) -> Counts:
    counts = {"engine": Count(engine, 7.5), "interpreted": Count(interpreted, 7.5)}
    return Counts({**HERE, **differs}, counts)


LOG = """==7== Cachegrind, a cache and branch-prediction profiler
--7-- warning: L3 cache found, using its data for the LL simulation.
==7==
==7== I{}refs:      1,038,900,174
"""


@pytest.mark.parametrize("space", ["   ", " "], ids=["valgrind 3.19", "valgrind 3.21"])
def test_the_count_is_read_from_the_log(space):
    assert counting.instructions_of(LOG.format(space)) == 1_038_900_174


@pytest.mark.parametrize("log", ["", "==7== Command: python", "valgrind: fatal error: no ld.so"])
def test_a_log_without_a_count_is_an_error(log):
    with pytest.raises(counting.CountError, match="did not count"):
        counting.instructions_of(log)


@pytest.mark.parametrize(
    ("extension", "compiler", "cython"),
    [
        (
            b"\0GCC: (Debian 12.2.0-14+deb12u1) 12.2.0\0\0_cython_3_3_1\0",
            "GCC: (Debian 12.2.0-14+deb12u1) 12.2.0",
            "3.3.1",
        ),
        (
            b"\0clang version 16.0.6 (https://x)\0_cython_3_4_0a1.y\0",
            "clang version 16.0.6",
            "3.4.0a1",
        ),
        (b"\0GCC: (x) 12.2.0\0GCC: (x) 9.1.0\0", "GCC: (x) 12.2.0, GCC: (x) 9.1.0", "unknown"),
        (b"", "unknown", "unknown"),
    ],
)
def test_an_extension_says_what_built_it(extension, compiler, cython):
    assert counting.built_by(extension) == {"compiler": compiler, "cython": cython}


@pytest.mark.parametrize(
    ("now", "verdicts", "code"),
    [
        (_now(), ["same", "same"], 0),
        (_now(engine=2098.0), ["same", "same"], 0),
        (_now(engine=2102.0), ["more", "same"], 3),
        (_now(engine=1890.0), ["fewer", "same"], 0),
        (_now(engine=1000.0, interpreted=430_000.0), ["fewer", "more"], 3),
        (
            _now(compiler="GCC: (x) 13.1.0"),
            ["not comparable: compiler GCC: (x) 13.1.0 here, GCC: (x) 12.2.0 there", "same"],
            4,
        ),
        # What is not comparable is no excuse for what is.
        (_now(interpreted=500_000.0, cython="3.4.0"), ["not comparable", "more"], 3),
        (_now(engine=4000.0, python="3.13.0"), ["not comparable", "not comparable"], 4),
        (Counts(HERE, {"engine": Count(2000.0)}), ["same", "not counted now"], 4),
    ],
)
def test_what_passes(now, verdicts, code):
    rows = hold(BEFORE, now, RESTS_ON)
    found = [row.verdict(5.0) for row in rows]
    assert all(verdict.startswith(says) for verdict, says in zip(found, verdicts, strict=True))
    assert baseline.exit_code(rows, 5.0) == code


def test_a_workload_that_the_baseline_lacks_is_told():
    before = Counts(HERE, {"engine": Count(2000.0)})
    rows = hold(before, _now(), RESTS_ON)
    assert [row.why for row in rows] == ["", "not in the baseline"]
    assert baseline.exit_code(rows, 5.0) == baseline.NOT_COMPARABLE


def test_counts_survive_being_written():
    assert Counts.from_json(BEFORE.to_json()) == BEFORE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"environment": {}}',
        '{"environment": {}, "workloads": {"engine": 2000}}',
        '{"environment": {}, "workloads": {"engine": {"instruction": 2000}}}',
        '{"environment": {}, "workloads": {"engine": {"instructions": 0}}}',
    ],
)
def test_what_is_no_baseline_is_refused(text):
    with pytest.raises(ValueError, match="is no baseline"):
        Counts.from_json(text)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch):
    """Counts without valgrind: what `environment` and `count` return can be set."""
    told = {"environment": dict(HERE), "count": 2000.0, "asked": []}

    def count(names, jobs, path=None):
        told["asked"].append((tuple(names), path))
        return {name: Count(told["count"], 7.5) for name in names}

    def environment(path=None):
        return dict(HERE) if path is not None else told["environment"]

    monkeypatch.setattr(instructions.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(instructions, "environment", environment)
    monkeypatch.setattr(instructions, "count", count)
    return told


@pytest.fixture
def kept(tmp_path: Path, counted) -> Path:
    path = tmp_path / "kept.json"
    assert instructions.main(["--save", str(path)]) == 0
    return path


def test_without_valgrind_it_says_that_it_was_skipped(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert instructions.main(["--against", "bench/instructions.json"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "instructions: SKIPPED: valgrind is not installed, so nothing was counted\n"


def test_the_gate_holds_what_is_counted_against_what_was_kept(kept, counted, capsys):
    assert instructions.main(["--against", str(kept)]) == 0
    counted["count"] = 2400.0
    capsys.readouterr()
    assert instructions.main(["--against", str(kept)]) == 3
    out, err = capsys.readouterr()
    assert "+20.00 %" in out
    assert err.count("\n") == 1
    assert "REGRESSION: more than 5 % above the baseline: c0, " in err
    assert instructions.main(["--against", str(kept), "--threshold", "25"]) == 0


def test_a_baseline_that_is_not_there_or_none_is_told(tmp_path, counted, capsys):
    path = tmp_path / "none.json"
    assert instructions.main(["--against", str(path)]) == 4
    path.write_text("{}")
    assert instructions.main(["--against", str(path)]) == 4
    err = capsys.readouterr().err
    assert err.count("SKIPPED") == err.count("\n") == 2
    assert counted["asked"] == []


def test_another_compiler_is_told(kept, counted, capsys):
    counted["environment"] = {**HERE, "compiler": "GCC: (x) 13.1.0"}
    counted["count"] = 9000.0
    assert instructions.main(["--against", str(kept)]) == 3  # what the compiler does not touch
    counted["environment"] = {**HERE, "python": "3.13.0"}
    assert instructions.main(["--against", str(kept)]) == 4
    skipped = capsys.readouterr().err.splitlines()[-1]
    assert skipped.startswith("instructions: SKIPPED: c0, ")
    assert skipped.endswith(": not comparable: python 3.13.0 here, 3.12.1 there")


@pytest.mark.parametrize(("count", "code"), [(2000.0, 0), (2400.0, 3)])
def test_with_another_compiler_the_commit_of_the_baseline_is_counted_here(
    kept, counted, monkeypatch, count, code
):
    counted["environment"] = {**HERE, "python": "3.13.0"}
    site = Path("/somewhere/site")

    def environment(path=None):
        return counted["environment"]

    def counts(names, jobs, path=None):
        value = 2000.0 if path == site else count
        return {name: Count(value, 7.5) for name in names}

    monkeypatch.setattr(instructions, "environment", environment)
    monkeypatch.setattr(instructions, "count", counts)
    monkeypatch.setattr(instructions, "that_saved", lambda path: "c0ffee")
    monkeypatch.setattr(instructions, "built", lambda commit, folder: site)
    assert instructions.main(["--against", str(kept), "--rebuild"]) == code


def test_a_commit_that_cannot_be_built_leaves_the_gate_skipped(kept, counted, monkeypatch, capsys):
    counted["environment"] = {**HERE, "python": "3.13.0"}

    def fail(path):
        raise commits.CommitError("this clone is shallow")

    monkeypatch.setattr(instructions, "that_saved", fail)
    assert instructions.main(["--against", str(kept), "--rebuild"]) == 4
    out, err = capsys.readouterr()
    assert "this clone is shallow" in out + err
    assert "SKIPPED" in err


def test_the_commit_that_saved_a_baseline(tmp_path):
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=x", "-c", "user.email=x@y"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    path = tmp_path / "kept.json"
    git("init", "-q")
    path.write_text("1")
    with pytest.raises(commits.CommitError, match="not committed"):
        commits.that_saved(path)
    git("add", ".")
    git("commit", "-q", "-m", "one")
    saved = git("rev-parse", "HEAD")
    (tmp_path / "other").write_text("1")
    git("add", ".")
    git("commit", "-q", "-m", "two")
    assert commits.that_saved(path) == saved
    path.write_text("2")
    with pytest.raises(commits.CommitError, match="not committed"):
        commits.that_saved(path)


def test_the_stored_baseline_has_every_workload():
    path = counting.BENCH / "instructions.json"
    kept = Counts.from_json(path.read_text(encoding="utf-8"))
    assert list(kept.workloads) == list(workloads.WORKLOADS)
    needed = {key for workload in workloads.WORKLOADS.values() for key in workload.rests_on}
    assert needed <= set(kept.environment)
    assert kept.to_json() == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [n for n, w in workloads.WORKLOADS.items() if w.prepare])
def test_a_workload_runs_as_many_units_as_asked(name, both):
    run = workloads.WORKLOADS[name].prepare()
    few, more = run(3), run(12)
    assert 3 <= few < more == run(12)


def test_events_of_the_stored_baseline_are_those_of_today(both):
    """Where they are not, what a trial does has changed, and the baseline is to be renewed."""
    text = (counting.BENCH / "instructions.json").read_text(encoding="utf-8")
    workload = workloads.WORKLOADS["c0"]
    events = workload.prepare()(workload.size) / workload.size
    assert events == json.loads(text)["workloads"]["c0"]["events"]
