"""`raftfast run`: its formats, its exit codes, and how it behaves on pipes and terminals."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import raftfast as package
from raftfast import Scenario

from .command import COMMAND, ROOT, environment, raftfast, without_advice

UNSAFE = ("-p", "cluster.nodes=4", "-p", "cluster.quorum=2")
LOSSY = ("--preset", "paper", "-p", "network.loss=0.3", "-p", "stop.limit_ms=400")
PURE = {"RAFTFAST_PURE": "1"}
LATIN = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
HOPELESS = ("-p", "cluster.down=[0, 1, 2]")


def _json(*arguments: str) -> dict[str, Any]:
    """The JSON of a run, read strictly."""
    done = raftfast("run", *arguments, "--format", "json")
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout, parse_constant=pytest.fail)
    return document


def _timeless(summary: dict[str, Any]) -> dict[str, Any]:
    return {key: summary[key] for key in summary if key not in ("elapsed_s", "trials_per_s")}


@pytest.mark.parametrize("arguments", [(), LOSSY, HOPELESS, ("-n", "1")])
def test_json_is_the_summary_and_strict(arguments: tuple[str, ...]) -> None:
    document = _json("-n", "300", "-s", "5", *arguments)
    overrides = [text for text in arguments if "=" in text]
    preset = Scenario.preset("paper" if "paper" in arguments else "default", overrides)
    scenario = preset if "paper" in arguments else Scenario.from_dict({}, overrides=overrides)
    trials = 1 if "1" in arguments else 300
    assert _timeless(document) == _timeless(package.run(scenario, trials, 5).summary())


def test_workers_change_nothing_and_seeds_everything() -> None:
    one, two, other = (_json("-n", "5e3", *more) for more in (["-j1"], ["-j", "2"], ["-s2"]))
    assert one["digest"] == two["digest"] != other["digest"]
    assert one["metrics"] == two["metrics"]
    assert (one["trials"], one["seed"], other["seed"]) == (5000, 1, 2)


@pytest.mark.parametrize("arguments", [(), LOSSY])
def test_csv_has_every_statistic_once(arguments: tuple[str, ...]) -> None:
    rows = list(csv.reader(io.StringIO(raftfast("run", "--format", "csv", *arguments).stdout)))
    assert rows[0] == ["metric", "statistic", "value", "ci95_low", "ci95_high"]
    document = _json(*arguments)
    wanted = {("run", key) for key in ("seed", "trials", "censored", "violations")}
    for name, entry in document["metrics"].items():
        wanted |= {(name, key) for key in entry if key != "ci95"}
    wanted |= {(name, "rate") for name in document["rates"]}
    told = {(row[0], row[1]): row[2:] for row in rows[1:]}
    assert len(told) == len(rows) - 1
    assert set(told) == wanted
    p50 = document["metrics"]["election_ms"]
    exact = ["" if value is None else repr(value) for value in (p50["p50"], *p50["ci95"]["p50"])]
    assert told["election_ms", "p50"] == exact
    rate = document["rates"]["multi_term"]
    assert told["multi_term", "rate"] == [repr(rate["value"]), *map(repr, rate["ci95"])]


def test_markdown_holds_tables_and_the_command() -> None:
    name = "name='a|b*c d'"
    lines = raftfast("run", "-n", "100", "-p", name, "--format", "md").stdout.splitlines()
    assert lines[0].startswith("**A leader after ")
    assert r"a\|b\*c d, 5 servers" in lines[0]
    rows = [line for line in lines if line.startswith("|")]
    assert {len(line.split(" | ")) for line in rows} == {8, 3}
    assert [line.split()[1] for line in rows[2:4]] == ["`election_ms`", "`detect_ms`"]
    assert all(line.startswith("| ") and line.endswith(" |") for line in rows)
    command = lines[lines.index("```sh") + 1 : -1]
    assert shlex.split("".join(command)) == shlex.split(f'raftfast run -p "{name}" -n 100 -s 1')


TABLES = {
    "defaults": (),
    "followed": ("--preset", "paper", "-p", "stop.on=followed"),
    "censored": LOSSY,
    "all censored": HOPELESS,
    "one server": ("-p", "cluster.nodes=1"),
    "one trial": ("-n", "1"),
    "steps": ("-p", "stop.on=duration", "-p", "stop.duration_ms=170"),
    "slow": ("-p", "timeouts.election_ms=[1e8, 2e8]", "-p", "stop.limit_ms=1e9"),
    "fast": ("-p", "timeouts.election_ms=[1e-3, 2e-3]", "-p", "network.latency_ms=0"),
    "pre-vote": ("-p", "protocol.pre_vote=on", "-p", "network.loss=0.1"),
    "many": ("-n", "2e5"),
    "long name": ("-p", f"name='{'many words ' * 20}'"),
    "word": ("-p", f"name='{'x' * 200}'"),
}


@pytest.mark.parametrize("arguments", TABLES.values(), ids=TABLES)
def test_the_table_fits_80_columns_without_escapes(arguments: tuple[str, ...]) -> None:
    done = raftfast("run", "-n", "500", "-q", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    table, _, command = done.stdout.partition("To repeat:\n")
    assert command
    assert "\x1b" not in done.stdout
    lines = table.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)
    assert "nan" not in table
    assert "None" not in table


def test_the_table_says_what_the_json_says() -> None:
    out = raftfast("run", "--preset", "paper", "-n", "20_000").stdout
    document = _json("--preset", "paper", "-n", "20_000")
    entry = document["metrics"]["election_ms"]
    headline = re.search(r"A leader after ([\d.]+) ms \(median\), 99 % .* within ([\d.]+) ms", out)
    assert headline is not None
    assert float(headline[1]) == pytest.approx(entry["p50"], abs=0.051)
    assert float(headline[2]) == pytest.approx(entry["p99"], abs=0.051)
    row = next(line for line in out.splitlines() if line.startswith("election_ms "))
    columns = ["mean", "p10", "p50", "p90", "p95", "p99", "p99.9"]
    found = [float(cell) for cell in row.split()[1:]]
    assert found == pytest.approx([entry[key] for key in columns], abs=0.051)
    assert f"digest {document['digest'][:16]}" in out
    split = 100 * document["rates"]["split_first_term"]["value"]
    shown = re.search(r"first term without a leader +([\d.]+) %", out)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(split, abs=0.005)


def test_the_table_owns_up_to_censored_trials() -> None:
    out = " ".join(raftfast("run", "-n", "1e4", *LOSSY).stdout.split())
    censored = _json("-n", "1e4", *LOSSY)["censored"]
    assert f"{censored:,} of 10,000 trials (" in out
    assert "quantiles are Kaplan-Meier's and there is no mean" in out
    assert f"none within 400 ms in {censored / 100:.2f} % of trials" in out
    hopeless = raftfast("run", "-n", "100", *HOPELESS).stdout
    assert "No leader within 60 s in any of 100 trials." in hopeless


def test_the_command_it_prints_repeats_it(tmp_path: Path) -> None:
    path = tmp_path / "two words.toml"
    path.write_text("name = 'from a file'\nseed = 77\ntrials = 321\n[cluster]\nnodes = 3\n")
    latency = "network.latency_ms={ lognormal = [2, 0.5] }"
    out = raftfast("run", path.name, "-p", latency, "-p", "network.loss=0.1", cwd=tmp_path).stdout
    command = out.partition("To repeat:\n")[2].replace("\\\n", "")
    words = shlex.split(command)
    assert words[-4:] == ["-n", "321", "-s", "77"]
    again = raftfast(*words[1:], cwd=tmp_path).stdout
    digest = re.search(r"digest ([0-9a-f]{16})", out)
    assert digest is not None
    assert digest[0] in again
    assert "from a file" in out.splitlines()[0]


def test_the_histogram_is_ascii_where_blocks_cannot_be_shown() -> None:
    plain = raftfast("run", "-n", "100", env=LATIN).stdout
    assert "####" in plain
    assert plain.isascii()
    assert "████" in raftfast("run", "-n", "100").stdout


def test_a_name_that_cannot_be_shown_is_escaped() -> None:
    arguments = ["run", "-n", "9", "-p", "name='π'"]
    done = raftfast(*arguments, env=LATIN)
    assert done.returncode == 0
    assert done.stdout.startswith("\\u03c0\n")


# Violations.


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
def test_a_violation_is_reported_and_exits_1(form: str) -> None:
    done = raftfast("run", "-n", "50", "-s", "3", "--format", form, *UNSAFE)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "a leader without a majority of votes; violations: " in done.stderr
    assert len(done.stdout.splitlines()) > 10
    if form == "json":
        assert json.loads(done.stdout)["violations"] >= 50
    replay = shlex.split(done.stderr.partition("to replay it: ")[2])
    assert replay == ["raftfast", "trace", *UNSAFE, "--trial", "0", "--seed", "3"]
    assert raftfast(*replay[1:]).returncode == 1


# Samples.


def test_samples_hold_every_trial(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    done = raftfast("run", "-n", "40", "--samples", str(path), "-q")
    assert done.returncode == 0
    rows = list(csv.DictReader(path.open()))
    samples = package.run(Scenario.from_dict({}), trials=40).samples
    assert [float(row["election_ms"]) for row in rows] == samples["election_ms"].tolist()
    assert [entry.name for entry in tmp_path.iterdir()] == ["samples.csv"]


def test_samples_are_kept_when_nobody_reads_the_table(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    assert _run_into_closed_pipe("-n", "10", "--samples", str(path)) == (141, "")
    assert path.stat().st_size > 0


def test_the_result_is_shown_when_the_samples_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken.csv").mkdir()
    done = raftfast("run", "-n", "10", "--samples", str(tmp_path / "taken.csv"))
    assert done.returncode == 2
    path = tmp_path / "full.csv"
    path.symlink_to("/dev/full")
    assert raftfast("run", "-n", "10", "--samples", str(path)).returncode in (0, 1, 2)


# stderr.


def test_stderr_is_empty_off_a_terminal_unless_asked() -> None:
    assert raftfast("run", "-n", "100").stderr == ""
    for mode in ("plain", "bar"):
        line = raftfast("run", "-n", "1e3", "--progress", mode).stderr
        assert re.fullmatch(r"raftfast: 1,000 trials in \S+ m?s, [\d,]+/s\n", line)
    assert raftfast("run", "-n", "100", "--progress", "none").stderr == ""
    assert raftfast("run", "-n", "100", "--progress", "plain", "-q").stderr == ""


def test_the_interpreted_backend_says_so() -> None:
    done = raftfast("run", "-n", "20", env=PURE)
    assert re.fullmatch(r"raftfast: .*interpreted.*unset RAFTFAST_PURE.*\n", done.stderr)
    assert "(python)" in done.stdout
    assert raftfast("run", "-n", "20", "-q", env=PURE).stderr == ""


def _run_into_closed_pipe(*arguments: str) -> tuple[int, str]:
    """Exit code and stderr of a run whose stdout was closed before it wrote."""
    with subprocess.Popen(
        [*COMMAND, "run", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    return process.returncode, without_advice(errors)


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
def test_a_closed_pipe_is_no_error(form: str) -> None:
    assert _run_into_closed_pipe("-n", "100", "--format", form) == (141, "")


def test_head_takes_one_line() -> None:
    command = f"{shlex.join([*COMMAND, 'run', '-n', '100'])} | head -1"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout == "5 servers, cold-start, stop on leader, 100 trials, seed 1\n"
    assert without_advice(done.stderr) == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line_and_exit_1() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "run", "-n", "10"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment(),
        )
    assert done.returncode == 1
    assert without_advice(done.stderr) == "raftfast: No space left on device\n"


# Terminals and interrupts.


class _Terminal:
    """A run with stdout or stderr on a pseudo-terminal, the other on a pipe."""

    def __init__(self, stream: str, *arguments: str, **changes: str) -> None:
        self.master, slave = pty.openpty()
        streams: dict[str, int] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        streams[stream] = slave
        self.process = subprocess.Popen(
            [*COMMAND, "run", *arguments],
            cwd=ROOT,
            env=environment({"TERM": "xterm-256color", **changes}),
            **streams,  # type: ignore[call-overload]
        )
        os.close(slave)
        self.seen = ""

    def read(self, until: Callable[[str], bool] = lambda _: False) -> str:
        """What the terminal was sent, up to where `until` is content or all is over."""
        while not until(self.seen):
            try:
                piece = os.read(self.master, 65536)
            except OSError:  # Linux's way to say that the other side is closed.
                break
            if not piece:
                break
            self.seen += piece.decode(errors="replace")
        return self.seen

    def end(self) -> tuple[int, str]:
        """Exit code, and what went down the pipe."""
        out, err = self.process.communicate(timeout=20)
        os.close(self.master)
        return self.process.returncode, without_advice((out or err or b"").decode())


def test_a_terminal_gets_colour_unless_no_color_is_set() -> None:
    for changes, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
        terminal = _Terminal("stdout", "-n", "100", **changes)
        assert ("\x1b[" in terminal.read()) == coloured
        assert terminal.end() == (0, "")


def test_an_interrupt_ends_a_long_run_within_a_second_and_takes_the_bar_away() -> None:
    terminal = _Terminal("stderr", "-n", "3e8", "--progress", "bar")
    terminal.read(lambda seen: "of 300,000,000 trials" in seen)
    begun = time.monotonic()
    terminal.process.send_signal(signal.SIGINT)
    seen = terminal.read()
    assert time.monotonic() - begun < 1
    assert terminal.end() == (130, "")
    assert seen.endswith("raftfast: interrupted\r\n")
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")


def test_a_short_run_shows_no_bar() -> None:
    terminal = _Terminal("stderr", "-n", "100")
    assert without_advice(terminal.read()) == ""
    code, out = terminal.end()
    assert code == 0
    assert out.startswith("5 servers")


def test_the_interpreted_backend_is_interrupted_within_a_second() -> None:
    terminal = _Terminal("stderr", "-n", "1e8", "--progress", "bar", "-j2", RAFTFAST_PURE="1")
    terminal.read(lambda seen: "of 100,000,000 trials" in seen)
    begun = time.monotonic()
    terminal.process.send_signal(signal.SIGINT)
    terminal.read()
    assert time.monotonic() - begun < 1
    assert terminal.end() == (130, "")
