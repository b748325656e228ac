"""`raftfast check`: what it saves, what it says of changes, and its exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from raftfast import Scenario, run
from raftfast.baseline import Baseline

from .checks import LAN, Folder
from .command import COMMAND, ROOT, environment, raftfast

CONSTANT = ("self.tally[me] = 1", "self.tally[me] = 0")
"""A candidate's own vote, and without it: a majority takes one vote more."""

REFACTORED = ("self.tally[me] += 1", "self.tally[me] = 1 + self.tally[me]")
UNSAFE = LAN + "cluster.nodes = 4\ncluster.quorum = 2\n"
PURE = {"RAFTFAST_PURE": "1"}


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Folder:
    return Folder(tmp_path, monkeypatch, capsys)


def _mutant(folder: Path, before: str, after: str) -> None:
    """A copy of the sources in a folder, in which `python -m raftfast` finds it, with a change of
    the state machine."""
    ignored = shutil.ignore_patterns("*.so")
    shutil.copytree(ROOT / "raftfast", folder / "raftfast", ignore=ignored)
    room = folder / "raftfast" / "core" / "raft.py"
    text = room.read_text(encoding="utf-8")
    assert text.count(before) == 1
    room.write_text(text.replace(before, after), encoding="utf-8")


def test_a_changed_constant_of_the_state_machine_is_a_regression_that_names_the_metric(
    tmp_path: Path,
) -> None:
    path = tmp_path / "raftfast.toml"
    path.write_text(LAN, encoding="utf-8")
    assert (
        raftfast("check", "--save", "b.json", "-n", "1000", cwd=tmp_path, env=PURE).returncode == 0
    )
    _mutant(tmp_path, *CONSTANT)
    done = raftfast("check", "--against", "b.json", "-q", "-n", "1000", cwd=tmp_path, env=PURE)
    assert done.returncode == 3, done
    assert "The scenario changed; " in done.stdout
    assert "  breached   election_ms.mean +-1%" in done.stdout
    assert done.stderr.startswith("raftfast: scenario lan: breached: election_ms.mean, ")
    path.write_text(f'{LAN}thresholds = {{ "messages.mean" = "<= +50%" }}\n', encoding="utf-8")
    done = raftfast("check", "--against", "b.json", "-q", "-n", "1000", cwd=tmp_path, env=PURE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  changed    election_ms.mean" in done.stdout
    assert "% slower" in done.stdout


def test_a_pure_refactoring_leaves_the_digests_equal(tmp_path: Path) -> None:
    path = tmp_path / "raftfast.toml"
    path.write_text(LAN, encoding="utf-8")
    # Saved by whatever backend there is, and checked by the interpreted one.
    assert raftfast("check", "--save", "b.json", "-n", "1000", cwd=tmp_path).returncode == 0
    _mutant(tmp_path, *REFACTORED)
    done = raftfast("check", "--against", "b.json", "-q", "-n", "1000", cwd=tmp_path, env=PURE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing changed: equal digests; all thresholds hold." in done.stdout


def test_a_baseline_is_small_stable_and_whole(here: Folder) -> None:
    here.save()
    first = (here.path / "b.json").read_text(encoding="utf-8")
    here.save()
    second = json.loads((here.path / "b.json").read_text(encoding="utf-8"))
    document = json.loads(first, parse_constant=pytest.fail)
    for one in (document, second):
        assert one["scenarios"]["lan"].pop("throughput")["value"] > 0
    assert document == second
    assert json.dumps(json.loads(first), indent=1, sort_keys=True) + "\n" == first
    assert len(first) < 25_000
    assert str(here.path) not in first
    record = document["scenarios"]["lan"]
    summary = run(Scenario.preset("paper"), 2000).summary()
    for name in ("digest", "metrics", "rates", "seed", "trials", "censored", "violations"):
        assert record[name] == summary[name]


def test_a_distribution_of_the_baseline_is_that_of_the_run(here: Folder) -> None:
    here.save()
    saved = Baseline.load("b.json").records["lan"].histograms().samples()
    samples = run(Scenario.preset("paper"), 2000).samples
    for name, values in samples.items():
        assert sorted(saved[name]) == pytest.approx(sorted(values), rel=5e-4, nan_ok=True)


def test_equal_digests_hold_every_threshold_but_those_of_values(here: Folder) -> None:
    text = LAN + '[scenario.thresholds]\n"election_ms.p99" = "<= +0%"\n"rate.multi_term" = "+-0"\n'
    here.save(text)
    done = here.check("--against", "b.json")
    assert (done.code, done.err) == (0, "")
    assert "ok         election_ms.p99 <= +0%" in done.out
    here.write(text + '"election_ms.p50" = "<= 100"\n"election_ms.mean" = ">= 100"\n')
    done = here.check("--against", "b.json")
    assert (done.code, done.err) == (3, "raftfast: scenario lan: breached: election_ms.p50\n")
    assert "ok         election_ms.mean >= 100" in done.out
    here.write(text + '"election_ms.p90" = "<= -5%"\n')  # an improvement that is not there
    assert here.check("--against", "b.json").code == 3


def test_values_are_held_to_thresholds_without_a_baseline(here: Folder) -> None:
    text = LAN + '[scenario.thresholds]\n"election_ms.{}" = "<= {}"\n"messages.p50" = "<= +5%"\n'
    for statistic, most, code, status in [
        ("p99", 1000, 0, "ok"),
        ("p99", 200, 3, "breached"),
        ("p99.9", 430, 0, "undecided"),
        ("max", 100, 3, "breached"),
        ("mean", 200, 0, "ok"),
    ]:
        here.write(text.format(statistic, most))
        done = here.check()
        assert done.code == code, done
        assert f"  {status:<9}  election_ms.{statistic} <= {most}" in done.out
        assert "unchecked  messages.p50 <= +5%  there is no baseline" in done.out


def test_a_value_beyond_the_limit_breaches_what_it_cannot_hold(here: Folder) -> None:
    lossy = LAN + "network.loss = 0.9\nstop.limit_ms = 1000\n[scenario.thresholds]\n"
    here.write(lossy + '"election_ms.p99" = "<= 900"\n')
    done = here.check()
    assert done.code == 3
    assert "breached   election_ms.p99 <= 900" in done.out
    here.write(lossy + '"election_ms.p99" = "<= 2000"\n"election_ms.mean" = "<= 900"\n')
    done = here.check()
    assert done.code in (0, 3)
    assert "undecided  election_ms.p99 <= 2000" in done.out


def test_elections_that_no_longer_end_breach_a_mean_and_a_quantile(here: Folder) -> None:
    both = '[scenario.thresholds]\n"election_ms.mean" = "<= +5%"\n"election_ms.p99" = "<= +5%"\n'
    here.save(LAN + both)
    here.write(LAN + "cluster.down = [0, 1, 2]\n" + both)
    done = here.check("--against", "b.json", "--allow-changed")
    assert done.code == 3
    assert "lan: breached: election_ms.mean, election_ms.p99" in done.err
    assert "cluster.down: [0, 1, 2] here, [] there" in done.out


def test_a_threshold_on_what_a_scenario_does_not_have_leaves_it_the_default(here: Folder) -> None:
    followed = '[[scenario]]\nname = "followed"\npreset = "paper"\nstop.on = "followed"\n'
    text = f"{LAN}{followed}[thresholds]\n'followed_ms.p99' = '<= +5%'\n"
    here.save(text)
    here.write(text.replace('"paper"', '"paper"\nnode.process_ms = 20', 1))
    done = here.check("--against", "b.json", "--allow-changed")
    assert done.code == 3
    assert "scenario lan: breached: " in done.err


def test_a_threshold_on_the_digest_fails_any_change(here: Folder) -> None:
    text = LAN + 'thresholds = { digest = "equal", "*" = "off" }\n'
    here.save(text)
    assert here.check("--against", "b.json").code == 0
    done = here.check("--against", "b.json", "--allow-changed", "-s", 2)
    assert (done.code, done.err) == (3, "raftfast: scenario lan: breached: digest\n")


def test_throughput_is_advice_unless_a_threshold_says_otherwise(here: Folder) -> None:
    here.save()
    document = json.loads((here.path / "b.json").read_text(encoding="utf-8"))
    speed = document["scenarios"]["lan"]["throughput"]
    speed.update({key: 10 * speed[key] for key in ("value", "low", "high")})
    here.write(json.dumps(document), "b.json")
    done = here.check("--against", "b.json")
    assert (done.code, done.err) == (0, "")
    assert "advice     throughput" in done.out
    here.write(LAN + '[scenario.thresholds]\nthroughput = ">= -50%"\n')
    done = here.check("--against", "b.json")
    assert (done.code, done.err) == (3, "raftfast: scenario lan: breached: throughput\n")
    here.write(LAN + '[scenario.thresholds]\nthroughput = ">= 1e-6"\n')
    assert here.check().code == 0


def test_a_violation_of_safety_goes_before_a_breach(here: Folder) -> None:
    here.write(UNSAFE + '[scenario.thresholds]\n"election_ms.p50" = "<= 1"\n')
    done = here.check()
    assert done.code == 1
    assert "Safety was violated" in done.out
    assert (
        "raftfast: scenario lan: safety violated: a leader without a majority of votes" in done.err
    )


def test_a_run_that_fails_says_in_which_scenario(
    here: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Servers slower than what they get: more messages wait than there is room for.
    monkeypatch.setattr("raftfast.batch.QUEUE_LIMIT", 4)
    monkeypatch.setattr("raftfast.batch._FIRST_CAPACITY", 4)
    here.write(LAN + "cluster.nodes = 9\nnode.process_ms = 30\n")
    done = here.check("--save", "b.json")
    assert done.code == 1
    assert done.err.startswith('raftfast: scenario "lan": trial ')
    assert done.err.count("\n") == 1
    assert not (here.path / "b.json").exists()


NOT_COMPARABLE = {
    "none": ("", (), "b.json: there is no such baseline; save one with --save b.json"),
    "seed": ("", ("-s", 2), 'b.json: scenario "lan": is not the baseline\'s: seed: 2 here, 1'),
    "trials": ("", ("-n", 10), "trials: 10 here, 2000 there"),
    "key": ("network.loss = 0.5\n", (), "network.loss: 0.5 here, 0 there"),
    "scenario": ('[[scenario]]\nname = "wan"\n', (), 'scenario "wan": is not in the baseline'),
}


@pytest.mark.parametrize("case", NOT_COMPARABLE)
def test_what_cannot_be_compared_is_exit_code_4_and_says_what_to_do(
    here: Folder, case: str
) -> None:
    more, arguments, says = NOT_COMPARABLE[case]
    if case == "none":
        here.write(LAN)
    else:
        here.save()
    here.write(LAN + more)
    done = here.check("--against", "b.json", *arguments, "--junit", "j.xml")
    assert (done.code, done.out) == (4, "")
    assert says in done.err
    assert "--save b.json" in done.err
    assert done.err.count("\n") == 1
    assert not (here.path / "j.xml").exists()


def test_a_baseline_of_another_minor_version_is_none(here: Folder) -> None:
    here.save()
    document = json.loads((here.path / "b.json").read_text(encoding="utf-8"))
    document["raftfast"]["version"] = "0.0.9"
    here.write(json.dumps(document), "b.json")
    done = here.check("--against", "b.json")
    assert done.code == 4
    assert "b.json: saved by raftfast 0.0.9, and results may differ from those of" in done.err
    document["raftfast"]["version"] = ".".join([*__version().split(".")[:2], "99"])
    here.write(json.dumps(document), "b.json")
    assert here.check("--against", "b.json").code == 0


def __version() -> str:
    from raftfast import __version__

    return __version__


def test_files_count_by_what_they_hold_wherever_they_are(here: Folder) -> None:
    here.write("1.5\n2.5\n4\n", "one.csv")
    here.write("1.5\n2.5\n4\n", "two.csv")
    text = LAN + 'network.latency_ms = { samples = "one.csv" }\n'
    here.save(text)
    here.write(text.replace("one.csv", "two.csv"))
    assert here.check("--against", "b.json").code == 0
    here.write("1.5\n2.5\n5\n", "two.csv")
    done = here.check("--against", "b.json")
    assert done.code == 4
    assert "network.latency_ms: a file with contents" in done.err


def test_names_and_the_order_of_scenarios_do_not_matter(here: Folder) -> None:
    here.write('name = "other"\npreset = "paper"\n', "paper.toml")
    wan = '[[scenario]]\nname = "wan"\nnetwork.loss = 0.1\n'
    here.save(LAN + wan)
    again = '[[scenario]]\nname = "lan"\nfile = "paper.toml"\n'
    here.write(f"trials = 2000\n{wan}{again}")
    done = here.check("--against", "b.json")
    assert (done.code, done.err) == (0, "")
    assert "Nothing changed in any of 2 scenarios" in done.out


def test_scenarios_may_have_changed_where_that_is_allowed(here: Folder) -> None:
    gate = '[scenario.thresholds]\n"election_ms.p50" = "<= +5%"\n'
    here.save(LAN + gate)
    here.write(LAN + "timeouts.election_ms = [120, 240]\n" + gate)
    done = here.check("--against", "b.json", "--allow-changed")
    assert (done.code, done.err) == (0, "")
    assert "timeouts.election_ms: [120, 240] here, [150, 300] there" in done.out
    here.write(LAN + "timeouts.election_ms = [200, 400]\n" + gate)
    done = here.check("--against", "b.json", "--allow-changed")
    assert (done.code, done.err) == (3, "raftfast: scenario lan: breached: election_ms.p50\n")


def test_other_seeds_cry_no_wolf() -> None:
    """Of 50 comparisons of a scenario with itself, the strictest threshold there is, no change of
    any metric whatever, is breached in 5 % at most: 2.5, and three standard errors are 4.6 more."""
    from raftfast.baseline import Record
    from raftfast.checklist import Entry
    from raftfast.gate import widening
    from raftfast.holding import Held
    from raftfast.pending import comparisons, settle
    from raftfast.thresholds import read
    from raftfast.yardstick import Throughput

    (thresholds,) = read({"*": "+-0%"}, None).values()
    scenario = Scenario.preset("paper")
    records = []
    alarms = 0
    for seed in range(51):
        result = run(scenario, 2000, seed)
        records.append(Record.of(result, Throughput(1.0, 1.0, 1.0, 1)))
        if seed:
            held = Held(Entry("", scenario, thresholds), result, records[-1], records[-2])
            pending = list(held.pending())
            factor = widening(comparisons(pending))
            assert comparisons(pending) > 12
            alarms += any(one.status == "breached" for one in settle(pending, factor))
    assert alarms <= 7


def test_ctrl_c_ends_a_check_within_a_second_and_leaves_the_baseline(tmp_path: Path) -> None:
    (tmp_path / "raftfast.toml").write_text(LAN.replace("2000", "1_000_000_000"))
    (tmp_path / "b.json").write_text("as it was")
    process = subprocess.Popen(
        [*COMMAND, "check", "--save", "b.json", "--progress", "plain"],
        cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 1.5  # a second, and half of one for a busy machine
    assert (process.returncode, out) == (130, "")
    assert err.endswith("raftfast: interrupted\n")
    assert sorted(os.listdir(tmp_path)) == ["b.json", "raftfast.toml"]
    assert (tmp_path / "b.json").read_text() == "as it was"


def test_what_is_in_the_baseline_alone_is_said(here: Folder) -> None:
    here.save(LAN + '[[scenario]]\nname = "wan"\n')
    here.write(LAN)
    here.capsys.readouterr()
    from raftfast.cli import main

    assert main(["check", "--against", "b.json"]) == 0
    assert "in b.json and not in the file: wan\n" in here.capsys.readouterr().err
