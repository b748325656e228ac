"""`raftfast compare` as its users start it."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from raftfast import Scenario, comparing, run, sweep
from raftfast.cli import main

from .command import COMMAND, ROOT, environment, raftfast, without_advice

REGIONS = """\
0,68,144,210,80
68,0,90,150,140
144,90,0,70,220
210,150,70,0,170
80,140,220,170,0
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with scenarios and five regions."""
    monkeypatch.chdir(tmp_path)
    Path("regions.csv").write_text(REGIONS)
    Path("lan.toml").write_text("[network]\nlatency_ms = { uniform = [0.2, 1] }\n")
    Path("before.toml").write_text("trials = 300\nseed = 5\n")
    Path("after.toml").write_text("trials = 77\n[network]\nlatency_ms = { uniform = [1, 7] }\n")
    return tmp_path


def compare(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What the command writes on stdout; stderr must be empty."""
    assert main(["compare", *words, "--progress", "none"]) == code
    out, err = capsys.readouterr()
    assert without_advice(err) == ""
    return out


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    out = compare(capsys, *words, "--format", "json")
    return json.loads(out, parse_constant=pytest.fail)


# Which sides.


def test_presets_on_five_regions_in_a_ready_scenario(here, capsys):
    matrix = "network.matrix_rtt_ms=regions.csv"
    words = ["--scenario", "leader-crash", "-p", matrix, "-n", "400"]
    found = document(capsys, "etcd-3.4", "etcd-3.5", "consul", *words)
    assert [side["name"] for side in found["sides"]] == ["etcd-3.4", "etcd-3.5", "consul"]
    assert (found["reference"], found["trials"], found["paired"]) == ("etcd-3.4", 400, True)
    for side in found["sides"]:
        scenario = Scenario.preset(side["name"], (matrix,)).under("leader-crash", (matrix,))
        assert side["digest"] == run(scenario, trials=400).digest


def test_a_file_lies_over_every_preset_and_presets_below_every_file(here, capsys):
    over = document(capsys, "etcd-3.4", "consul", "--file", "lan.toml", "-n", "50")
    varied = document(capsys, "lan.toml", "-L", "preset=etcd-3.4,consul", "-n", "50")
    expected = [
        run(Scenario.load("lan.toml", preset=name), trials=50).digest
        for name in ("etcd-3.4", "consul")
    ]
    assert [side["digest"] for side in over["sides"]] == expected
    assert [side["digest"] for side in varied["sides"]] == expected
    below = document(capsys, "lan.toml", "before.toml", "--preset", "consul", "-n", "50")
    assert below["sides"][0]["digest"] == expected[1]


def test_trials_and_seed_are_the_references(here, capsys):
    found = document(capsys, "before.toml", "after.toml")
    assert {(side["trials"], side["seed"]) for side in found["sides"]} == {(300, 5)}
    found = document(capsys, "before.toml", "after.toml", "--reference", "after.toml", "-s", "2")
    assert found["reference"] == "after.toml"
    assert {(side["trials"], side["seed"]) for side in found["sides"]} == {(77, 2)}


def test_lists_vary_one_scenario_in_every_combination(here, capsys):
    lists = ["-L", "timeouts.timer=redraw,keep", "-L", "cluster.nodes=3,5"]
    found = document(capsys, "lan.toml", *lists, "-n", "50")
    assert [side["name"] for side in found["sides"]] == [
        "timeouts.timer=redraw, cluster.nodes=3",
        "timeouts.timer=redraw, cluster.nodes=5",
        "timeouts.timer=keep, cluster.nodes=3",
        "timeouts.timer=keep, cluster.nodes=5",
    ]
    one = document(capsys, "-L", "cluster.nodes=3,5,7", "--reference", "5", "-n", "50")
    assert one["reference"] == "cluster.nodes=5"
    files = document(capsys, "-L", "file=before.toml,after.toml", "-n", "50")
    assert [side["name"] for side in files["sides"]] == ["file=before.toml", "file=after.toml"]


# What is written.


def test_the_table_says_who_is_best_and_by_how_much(here, capsys):
    out = compare(capsys, "before.toml", "after.toml", "-n", "2000")
    assert out.startswith("before.toml and after.toml: 5 servers, cold-start, stop on leader\n")
    assert "2,000 trials each, paired" in out
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "before.toml" in next(line for line in lines if "*" in line)
    (mean,) = (line for line in lines if line.startswith("election_ms.mean"))
    assert mean.endswith("% slower")
    again = out.partition("To repeat:\n")[2].replace("\\\n", "").split()
    assert again[:2] == ["raftfast", "compare"]
    assert compare(capsys, *again[2:]) == out


def test_every_metric_is_in_the_json_and_the_csv(here, capsys):
    found = document(capsys, "before.toml", "after.toml")
    rows = list(csv.DictReader(io.StringIO(compare(
        capsys, "before.toml", "after.toml", "--format", "csv"
    ))))  # fmt: skip
    assert [row["metric"] for row in rows] == [row["metric"] for row in found["comparisons"]]
    assert len(rows) > 20
    for row, expected in zip(rows, found["comparisons"], strict=True):
        assert row["verdict"] == expected["verdict"]
        assert float(row["p_corrected"]) == expected["p_corrected"]
        ends = [float(row[name]) if row[name] else None for name in ("ci95_low", "ci95_high")]
        assert ends == expected["ci95"]


def test_metrics_that_were_asked_for_are_all_there_is(here, capsys):
    words = ["before.toml", "after.toml", "--metrics", "rate,election_ms.p50"]
    found = document(capsys, *words)
    metrics = [row["metric"] for row in found["comparisons"]]
    assert metrics[0] == "election_ms.p50"
    assert len(metrics) == 5
    out = compare(capsys, *words)
    assert "rate.censored" in out
    assert "more metrics" not in out
    everything = compare(capsys, "before.toml", "after.toml", "--metrics", "all")
    assert "first_term_candidates.mean" in everything


def test_markdown_is_fit_for_a_pull_request(here, capsys):
    out = compare(capsys, "before.toml", "after.toml", "--format", "md")
    lines = out.splitlines()
    assert lines[0].startswith("**after.toml against before.toml: elections ")
    head = lines.index(
        "|  | reference | value | difference (95 % interval) | ratio | p | verdict |"
    )
    assert set(lines[head + 1]) == set("|- :")
    assert lines[head + 2].startswith("| `election_ms.mean` | ")
    assert all(line.count(" | ") == 6 for line in lines[head : head + 4])
    assert lines[-3:-1] == ["```sh", "raftfast compare before.toml after.toml -n 300 -s 5"]
    more = compare(capsys, "paper", "etcd-3.5", "consul", "-n", "300", "--format", "md")
    assert more.startswith("**paper is best at election")
    assert "| `election_ms.mean` | `election_ms.p99` |" in more.splitlines()[2]
    labels = compare(capsys, "-L", "cluster.nodes=3,5", "-n", "300")
    assert labels.startswith("cluster.nodes=3: 3 servers, cold-start, stop on leader\n")
    assert "\n5 against 3" in labels


@pytest.mark.parametrize(
    ("band", "verdicts"),
    [("0", {"lower", "higher", "undecided"}), ("900", {"same"})],
)
def test_the_band_decides_what_matters(here, capsys, band, verdicts):
    words = ["before.toml", "after.toml", "-n", "3000", "--metrics", "election_ms.mean,messages"]
    found = document(capsys, *words, "--band", band)
    assert found["band"] == float(band) / 100
    assert {row["verdict"] for row in found["comparisons"]} <= verdicts


def test_corrections(here, capsys):
    ps = {
        name: [
            row["p_corrected"]
            for row in document(
                capsys, "before.toml", "after.toml", "--correction", name
            )["comparisons"]
        ]
        for name in ("holm", "bh", "none")
    }  # fmt: skip
    assert all(x >= y >= z for x, y, z in zip(*ps.values(), strict=True))
    assert ps["holm"] != ps["bh"] != ps["none"]


def test_p_is_corrected_over_as_many_rows_as_is_said(here, capsys):
    words = ["before.toml", "after.toml", "--metrics", "all"]
    found = document(capsys, *words)
    rows = found["comparisons"]
    # Where no trial differs p is 1 in any test; Holm's first p is multiplied by all the others.
    least = min((row for row in rows if row["p"] > 0), key=lambda row: row["p"])
    before = sum(row["p"] == 0 for row in rows)
    assert least["p_corrected"] == pytest.approx((found["tests"] - before) * least["p"])
    assert 1 < found["tests"] < len(rows)
    said = " ".join(compare(capsys, *words).split())
    over = f"over the {found['tests']} of {len(rows)} rows in which trials differ"
    assert f"p is corrected by Holm {over}" in said
    assert f"by Benjamini and Hochberg {over}" in " ".join(
        compare(capsys, *words, "--correction", "bh").split()
    )


def test_without_a_trial_that_differs_nothing_is_corrected(here, capsys):
    Path("again.toml").write_text(Path("before.toml").read_text())
    words = ["before.toml", "again.toml"]
    assert document(capsys, *words)["tests"] == 0
    said = " ".join(compare(capsys, *words).split())
    assert "p is 1 in all rows, as no trial differs in any; rates are" in said


def test_until_decided_adds_trials(here, capsys):
    words = ["before.toml", "-L", "network.latency_ms={uniform=[1,5]},{uniform=[1,9]}"]
    words += ["--band", "0", "--metrics", "election_ms.p99.9"]
    assert document(capsys, *words)["comparisons"][0]["verdict"] == "undecided"
    found = document(capsys, *words, "--until", "decided", "--max-trials", "1e5")
    assert found["looks"]["done"] > 1
    assert found["trials"] == 300 * 2 ** (found["looks"]["done"] - 1)
    assert found["comparisons"][0]["verdict"] == "higher"
    out = compare(capsys, *words, "--until", "decided", "--max-trials", "1e5")
    assert "p and intervals are widened" in out.replace("\n", " ")
    assert "-n 300 -s 5" in out


# Points of a sweep.


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sweep") / "results.db"
    axes = {"network.loss": [0.0, 0.2], "timeouts.timer": ["redraw", "keep"]}
    spec = {"name": "s", "trials": 200, "sweep": axes}
    sweep(spec, path, executor="threads").close()
    return str(path)


def test_points_of_a_sweep(here, capsys, results):
    found = document(capsys, results, "--by", "network.loss")
    assert (found["by"], found["reference"], found["paired"]) == ("network.loss", "0.0", False)
    groups = [row["group"]["timeouts.timer"] for row in found["comparisons"]]
    assert set(groups) == {"redraw", "keep"}
    rows = compare(capsys, results, "--by", "network.loss", "--format", "csv").splitlines()
    assert rows[0].startswith("timeouts.timer,name,metric,reference,")
    assert len(rows) == 1 + len(groups)
    out = compare(capsys, results, "--by", "network.loss")
    assert "unpaired, from stored distributions" in out
    assert "in 2 groups of points that differ in it alone" in out
    assert all(len(line) <= 80 for line in out.splitlines() if results not in line)
    assert "timeouts.timer = keep" in compare(
        capsys, results, "--by", "network.loss", "--format", "md"
    )  # fmt: skip


# Measured failovers.


@pytest.fixture
def failovers(here: Path) -> str:
    times = run(Scenario.preset("etcd-3.5"), trials=200, seed=9).samples["election_ms"] + 60
    Path("failovers.csv").write_text("failover_ms\n" + "\n".join(f"{x:.3f}" for x in times) + "\n")
    return "failovers.csv"


def test_measured_failovers(failovers, capsys):
    words = ["--measured", failovers, "etcd-3.5", "-n", "2000"]
    found = document(capsys, *words)
    assert (found["measured"], found["simulated"]) == (200, 2000)
    assert [row["name"] for row in found["quantiles"]] == ["p10", "p50", "p90", "p99"]
    assert 0 < found["p"] < 0.05
    out = compare(capsys, *words)
    assert "later by" in out
    assert "Kolmogorov and Smirnov" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    rows = list(csv.DictReader(io.StringIO(compare(capsys, *words, "--format", "csv"))))
    assert [row["quantile"] for row in rows] == ["p10", "p50", "p90", "p99", "ks"]
    assert float(rows[-1]["p"]) == found["p"]
    assert compare(capsys, *words, "--format", "md").startswith("**The measured median is later")


# What is refused, and how it ends.

BAD = {
    "nothing": ([], "give at least two presets or scenario files"),
    "one": (["paper"], "paper alone: give another"),
    "preset": (["paper", "papre"], "papre: is neither a preset nor a file; did you mean"),
    "file": (["paper", "nowhere.toml"], "nowhere.toml: no such file"),
    "twice": (["paper", "paper"], "paper stands twice"),
    "stop": (["paper", "figure16"], "stop.on: is leader in paper, followed in figure16"),
    "duration": (["paper", "consul", "--scenario", "deaf"], "stop.duration_ms: is 18000 in paper"),
    "reference": (["paper", "consul", "--reference", "papr"], "did you mean paper"),
    "metric": (["paper", "consul", "--metrics", "election_ms.p9"], "did you mean election_ms.p99"),
    "no metric": (["paper", "consul", "--metrics", ","], "unknown metric"),
    "not measured": (
        ["paper", "consul", "-n", "9", "--metrics", "rate.availability"],
        "none of these is measured",
    ),
    "value": (["-L", "cluster.nodes=3,x"], "-L: cluster.nodes: "),
    "one value": (["-L", "cluster.nodes=3"], "-L: cluster.nodes: gives one value"),
    "seed": (["-L", "seed=1,2"], "-L: seed: is the same for all"),
    "both": (["-L", "cluster.nodes=3,5", "-p", "cluster.nodes=7"], "is set by -p, too"),
    "two varied": (["paper", "consul", "-L", "cluster.nodes=3,5"], "varies one scenario"),
    "preset twice": (["paper", "-L", "preset=consul,tikv"], "-L: preset: is given already"),
    "two files": (["lan.toml", "paper", "--file", "lan.toml"], "--file: lies over presets"),
    "two presets": (["lan.toml", "paper", "--preset", "consul"], "--preset: is what files lie"),
    "most": (["paper", "consul", "--max-trials", "9"], "--max-trials: goes with --until decided"),
    "too few": (["paper", "consul", "--until", "decided", "--max-trials", "9"], "at least"),
    "by": (["paper", "--by", "network.loss"], "paper: cannot be read"),
    "by two": (["paper", "consul", "--by", "x"], "--by: goes with the results of one sweep"),
    "by and n": (["x.db", "--by", "network.loss", "-n", "9"], "-n: means nothing with --by"),
    "measured band": (["--measured", "x.csv", "paper", "--band", "2"], "--band: means nothing"),
    "measured two": (["--measured", "x.csv", "paper", "consul"], "goes with one scenario, not 2"),
    "measured none": (["--measured", "x.csv", "paper"], "x.csv"),
    "measured row": (["--measured", "bad.csv", "paper"], "bad.csv line 3: 'soon'"),
    "measured steady": (
        ["--measured", "good.csv", "paper", "--scenario", "deaf"],
        "needs a scenario that ends with one failover",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("words", "says"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_exit_2(here, capsys, words, says):
    Path("bad.csv").write_text("failover_ms\n120\nsoon\n")
    Path("good.csv").write_text("120\n130\n")
    assert main(["compare", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("raftfast: ")
    assert says in without_advice(err)
    assert without_advice(err).count("\n") == 1


def test_bad_keys_of_a_sweep(here, capsys, results):
    for words, says in (
        ([results], "say by which key with --by KEY"),
        ([results, "paper"], "give it alone, with --by KEY"),
        ([results, "--by", "network.los"], "did you mean network.loss"),
        ([results, "--by", "network.loss", "--reference", "9"], "it has 0.0, 0.2"),
    ):
        assert main(["compare", *words]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert says in err


@pytest.mark.parametrize("text", ["x", "-1", "nan", "inf", "1001"])
def test_a_band_is_a_percentage(text, capsys):
    assert main(["compare", "paper", "consul", "--band", text]) == 2
    assert "must be per cent of the reference" in capsys.readouterr().err


def test_a_violation_on_any_side_exits_1(here, capsys):
    code = main(["compare", "-L", "cluster.quorum=3,2", "-p", "cluster.nodes=4", "-n", "50", "-q"])
    out, err = capsys.readouterr()
    assert code == 1
    assert "2 against 3" in out
    assert err.startswith("raftfast: cluster.quorum=2: safety violated: ")
    assert err.count("\n") == 1
    assert "raftfast trace -p cluster.nodes=4 -p cluster.quorum=2 --trial " in err


def test_an_interrupt_ends_it_within_a_second():
    words = ["compare", "paper", "consul", "-n", "3e8", "--progress", "plain"]
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=ROOT, env=environment(),
    ) as process:  # fmt: skip
        time.sleep(1.5)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert time.monotonic() - begun < 1
    assert (process.returncode, out) == (130, "")
    assert without_advice(err) == "raftfast: interrupted\n"


def test_an_interrupt_leaves_the_looks_before_it(monkeypatch, capsys):
    """The second look is broken off; what the first one found holds."""
    upto = comparing._Contest.upto
    sizes = []

    def break_off(contest, size):
        sizes.append(size)
        if len(sizes) > 1:
            raise KeyboardInterrupt
        return upto(contest, size)

    monkeypatch.setattr(comparing._Contest, "upto", break_off)
    words = ["compare", "paper", "-L", "network.loss=0,0.0001", "-n", "200", "--format", "json"]
    assert main([*words, "--until", "decided", "--max-trials", "800", "-q"]) == 130
    out, err = capsys.readouterr()
    assert json.loads(out)["looks"] == {"done": 1, "planned": 3}
    assert json.loads(out)["trials"] == 200
    assert without_advice(err) == "raftfast: interrupted\n"


def test_the_whole_way_in_a_process_of_its_own(here):
    done = raftfast("compare", "before.toml", "after.toml", "--progress", "plain", cwd=here)
    assert done.returncode == 0
    assert "after.toml against before.toml: elections" in done.stdout
    assert done.stderr.startswith("raftfast: 600 trials in ")


def test_the_readmes_example_is_true(tmp_path, monkeypatch, capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Compare\n")[2]
    blocks = text.split("```\n")
    monkeypatch.chdir(tmp_path)
    Path("regions.csv").write_text(blocks[1])
    words, _, expected = (
        blocks[3].removeprefix("$ raftfast ").replace("\\\n", "", 1).partition("\n")
    )
    assert words.split()[:5] == ["compare", "etcd-3.4", "etcd-3.5", "consul", "--scenario"]
    begun = time.monotonic()
    assert compare(capsys, *words.split()[1:]) == expected
    assert time.monotonic() - begun < 10
