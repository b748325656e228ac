"""The command line but for `run` and the lists: help, errors, options, trace, live, info."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

import raftfast as package
from raftfast import InputError, RunError, Scenario, ready
from raftfast.cli import main, options, run
from raftfast.cli.options import Source
from raftfast.schema import either

from .command import COMMAND, ROOT, environment, raftfast, without_advice

HEAVY = ("numpy", "scipy", "rich", "msgspec")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["run", "--help"], ["compare", "--help"], ["live", "-h"]],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"import sys; from raftfast.cli import main; main({arguments}); print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    modules = {name.partition(".")[0] for name in out.splitlines()[-1].split()}
    assert "click" in modules
    assert modules.isdisjoint(HEAVY)


def test_help_is_fast() -> None:
    def cpu_s() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    took = []
    for _ in range(3):
        before = cpu_s()
        assert raftfast("--help").returncode == 0
        took.append(cpu_s() - before)
    assert min(took) < 0.2


def test_help_lists_every_command() -> None:
    out = raftfast("--help").stdout
    listed = out.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == [
        "run", "sweep", "status", "top", "export", "merge", "compare", "check", "init",
        "trace", "live", "strategies", "presets", "info",
    ]  # fmt: skip
    assert all(len(line.split()) > 2 for line in listed)


def test_help_names_the_ready_scenarios() -> None:
    # It cannot ask for them: what they are made with is too heavy for a help text.
    shown = next(option for option in run.command.params if option.name == "ready")
    assert isinstance(shown, click.Option)
    assert shown.help == f"What happens to the cluster: {either(ready.names())}."


def test_version_is_the_packages() -> None:
    assert raftfast("--version").stdout == f"raftfast {package.__version__}\n"


BAD_INPUT = {
    "no file": (["run", "nowhere.toml"], "nowhere.toml: no such file"),
    "folder": (["run", "."], "directory"),
    "preset": (["run", "--preset", "papre"], "did you mean paper"),
    "key": (["run", "-p", "cluster.nods=7"], "did you mean cluster.nodes"),
    "value": (["run", "-p", "network.loss=2"], "network.loss"),
    "no value": (["run", "-p", "cluster.nodes"], "KEY=VALUE"),
    "trace": (["trace", "--trial", "0", "-p", "network.loss=x"], "network.loss"),
    "live": (["live", "--for", "1", "-p", "timeouts.tick_ms=10"], "timeouts.tick_ms"),
    "presets": (["presets", "papre"], "did you mean paper"),
    "strategies": (["strategies", "timeouts.timr"], "did you mean timeouts.timer"),
    "suffix": (["run", "-n", "1e15", "--samples", "x.txt"], ".parquet"),
    "memory": (["run", "-n", "1e15"], "trials: value 1000000000000000: must be fewer"),
    "no folder": (["run", "-n", "1e15", "--samples", "no/where/x.csv"], "no/where/x.csv"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_one_line_and_exit_2(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = raftfast(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("raftfast: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


BAD_USAGE = {
    "command": (["rnu"], "No such command"),
    "option": (["run", "--frobnicate"], "--frobnicate"),
    "format": (["run", "--format", "xml"], "xml"),
    "trace csv": (["trace", "--trial", "0", "--format", "csv"], "csv"),
    "no trial": (["trace"], "--trial"),
    "trials": (["run", "-n", "0"], "'0' must be a whole number from 1"),
    "half": (["run", "-n", "1.5"], "'1.5' must be a whole number"),
    "seed": (["run", "-s", str(2**64)], "from 0 to 18446744073709551615"),
    "huge": (["run", "-n", "1e999999999"], "must be a whole number"),
    "duration": (["live", "--for", "soon"], "'soon' must be above 0"),
    "kill": (["live", "--kill-leader-every", "0"], "'0' must be above 0"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD_USAGE.values(), ids=BAD_USAGE)
def test_bad_usage_exits_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: raftfast")
    assert says in err


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (RunError("trial 7: more than 4 terms"), 1, "raftfast: trial 7: more than 4 terms\n"),
        (InputError("is odd", key="a.b", source="x"), 2, "raftfast: x: a.b: is odd\n"),
        (KeyboardInterrupt(), 130, "raftfast: interrupted\n"),
        (OSError(28, "No space left on device", "f"), 1, "raftfast: f: No space left on device\n"),
        (MemoryError(), 1, "raftfast: out of memory; fewer --trials need less\n"),
    ],
)
def test_whatever_ends_a_run_early_is_one_line(
    error: BaseException,
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("raftfast.cli._abandon_stdout", lambda: None)
    monkeypatch.setattr(package, "run", fail, raising=False)
    assert main(["run"]) == code
    out, err = capsys.readouterr()
    assert (out, without_advice(err)) == ("", says)


def test_a_defect_is_not_dressed_up_as_a_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("a defect")

    monkeypatch.setattr(package, "run", fail, raising=False)
    with pytest.raises(AssertionError, match="a defect"):
        main(["run"])


@given(st.integers(0, 2**64 - 1))
def test_whole_numbers_are_read_exactly(number: int) -> None:
    read = options.whole(0, 2**64 - 1)
    assert read(str(number)) == read(f"{number:_}") == read(f"{number}e0") == number


@pytest.mark.parametrize("text", ["1e6", "1E6", "1_000_000", "1000000.0", "0.001e9"])
def test_trials_as_people_write_them(text: str) -> None:
    assert options.whole(1, 10**9)(text) == 10**6


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-1", "1.5", "1e10", "0x10", "1e-3"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        options.whole(0, 10**9)(text)


@pytest.mark.parametrize(
    ("text", "wanted_s"),
    [("500ms", 0.5), ("30s", 30), ("30", 30), ("1.5", 1.5), (".5m", 30), ("2 H", 7200)],
)
def test_durations_as_people_write_them(text: str, wanted_s: float) -> None:
    assert options.seconds(text) == pytest.approx(wanted_s)


@pytest.mark.parametrize("text", ["", "0", "-1s", "ms", "1d", "nan", "inf", "1e400", "1s1s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        options.seconds(text)


@pytest.mark.parametrize(
    "source",
    [
        Source(None, None, ()),
        Source("a b.toml", "paper", ("cluster.nodes=3", "-x=1")),
        Source("-n.toml", None, ()),
    ],
)
def test_a_source_is_typed_again_as_it_was(source: Source) -> None:
    seen = []

    @click.command()
    @options.scenario_options
    def probe(source: Source) -> None:
        seen.append(source)

    probe.main(source.words(), standalone_mode=False)
    path = "./-n.toml" if source.path == "-n.toml" else source.path
    assert seen == [Source(path, source.preset, source.overrides)]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("raftfast comp", {"compare"}),
        ("raftfast compare paper etcd-3.5 pap", {"paper"}),
        ("raftfast compare --file lan.toml cons", {"consul"}),
        ("raftfast pre", {"presets"}),
        ("raftfast run --preset pap", {"paper"}),
        ("raftfast run -p cluster.n", {"cluster.nodes="}),
        ("raftfast presets def", {"default"}),
        ("raftfast strategies pol", {"poll", "poll-own-draw"}),
        ("raftfast strategies timeouts.tick", {"timeouts.tick_ms", "timeouts.tick_phase"}),
        ("raftfast run --format js", {"json"}),
    ],
)
def test_completion(words: str, wanted: set[str]) -> None:
    count = str(len(words.split()) - 1)
    changes = {"_RAFTFAST_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
    out = raftfast(env=changes).stdout
    assert {line.partition(",")[2] for line in out.splitlines()} == wanted


# info


def test_info_says_what_is_here() -> None:
    facts = json.loads(raftfast("info", "--format", "json").stdout)
    assert facts["version"] == package.__version__
    assert facts["backend"] == package.backend
    assert facts["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert 1 <= facts["cores_usable"] <= facts["cores"]
    built = facts["extensions_built_with"]
    assert "Cython" in built if facts["backend"] == "compiled" else built is None


def test_info_says_why_the_backend_is_interpreted() -> None:
    done = raftfast("info", env={"RAFTFAST_PURE": "1"})
    facts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert facts["backend"] == "python"
    assert "RAFTFAST_PURE" in facts["why"]
    assert facts["extensions_built_with"] == "unknown"


@pytest.mark.parametrize("arguments", [["presets"], ["info"]])
def test_lists_as_markdown(arguments: list[str]) -> None:
    lines = raftfast(*arguments, "--format", "md").stdout.splitlines()
    assert lines[1] == "| --- | --: |"
    assert all(line.startswith("| ") and line.count(" | ") == 1 for line in lines)


# trace


@pytest.mark.parametrize("form", ["text", "table", None])
def test_trace_writes_the_transcript(form: str | None) -> None:
    from raftfast.trace import trace

    done = raftfast("trace", "--trial", "7", "-s", "3", *(["--format", form] if form else []))
    assert done.returncode == 0
    assert done.stdout.splitlines() == trace(Scenario.from_dict({}), 7, 3).lines()


def test_trace_as_json_is_strict_and_the_trial_of_the_run() -> None:
    done = raftfast("trace", "--preset", "paper", "--trial", "1e1", "--format", "json")
    transcript = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (transcript["trial"], transcript["seed"]) == (10, 1)
    samples = package.run(Scenario.preset("paper"), trials=11).samples
    assert transcript["outcome"]["election_ms"] == samples["election_ms"][10]


def test_a_trace_that_shows_a_violation_exits_1() -> None:
    unsafe = ["-p", "cluster.nodes=4", "-p", "cluster.quorum=2"]
    done = raftfast("trace", "--trial", "0", *unsafe)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) > 5
    assert done.stderr == "raftfast: safety violated in trial 0\n"


# live


def _live_call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Any, ...]:
    calls = []

    def fake(*values: Any) -> dict[str, int]:
        calls.append(values)
        return {"violations": 0}

    monkeypatch.setattr("raftfast.live.live", fake)
    assert main(["live", *arguments]) == 0
    return calls[0]


def test_live_runs_the_gists_three_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, duration_s, kill_s, _, seed = _live_call(monkeypatch)
    assert scenario.cluster.nodes == 3
    assert scenario.timeouts.election_ms == (10_000, 15_000)
    assert scenario.timeouts.heartbeat_ms == 5_000
    assert (duration_s, kill_s, seed) == (None, None, 1)


def test_live_hands_on_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["--for", "2m", "--kill-leader-every", "500ms", "-s", "9", "--preset", "paper"]
    scenario, duration_s, kill_s, _, seed = _live_call(monkeypatch, *arguments)
    assert scenario == Scenario.preset("paper")
    assert (duration_s, kill_s, seed) == (120, 0.5, 9)


@pytest.mark.parametrize(
    ("overrides", "wanted_ms"),
    [
        (["timeouts.election_ms=[150, 300]"], 50),
        (["timeouts.election_ms=5000"], 5000 / 3),
        (["timeouts.election_ms=[6000, 7000]"], 5000),
        (["timeouts.heartbeat_ms=20"], 20),
        (["timeouts.election_ms=[150, 300]", "timeouts.heartbeat_ms=20"], 20),
        (["timeouts.election_ms=150", "scenario.kind=leader-crash"], 50),
    ],
)
def test_live_scales_the_heartbeat_with_the_timeouts(
    overrides: list[str], wanted_ms: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [word for text in overrides for word in ("-p", text)]
    assert _live_call(monkeypatch, *arguments)[0].timeouts.heartbeat_ms == wanted_ms


def test_live_elects_and_ends_when_it_should() -> None:
    begun = time.monotonic()
    done = raftfast("live", "--for", "700ms", "-p", "timeouts.election_ms=[100, 200]")
    assert 0.7 <= time.monotonic() - begun < 10
    assert done.returncode == 0
    assert done.stderr == ""
    assert "Election won" in done.stdout
    assert "All hail leader" in done.stdout


def test_live_ends_cleanly_at_an_interrupt() -> None:
    arguments = [*COMMAND, "live", "-p", "timeouts.election_ms=[100, 200]"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        arguments, stdout=pipe, stderr=pipe, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        assert "3 of 3 servers run" in process.stdout.readline()
        process.send_signal(2)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert err == ""
    assert "stopped after" in out.splitlines()[-1]


def test_live_with_two_leaders_in_a_term_exits_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("raftfast.live.live", lambda *_: {"violations": 2})
    assert main(["live"]) == 1
    assert capsys.readouterr().err == "raftfast: safety violated; violations: 2\n"
