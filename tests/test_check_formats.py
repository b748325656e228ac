"""What `raftfast check` writes for people, programs, GitHub and JUnit; the files to begin with."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from raftfast import checklist
from raftfast.checklist import Checklist
from raftfast.cli import main, raftfast
from raftfast.github import ANNOTATIONS_MAX

from .checks import LAN, Folder

NAMED = LAN.replace('"lan"', '"a|b, 100%: <&> \U0001f600"')
GATE = """[scenario.thresholds]
"election_ms.p50" = "<= +5%"
"election_ms.p99.9" = "<= 200"
"election_ms.p90" = "<= 10_000"
"messages.mean" = "<= +100%"
"""


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Folder:
    return Folder(tmp_path, monkeypatch, capsys)


def _slower(here: Folder, text: str = LAN) -> None:
    """A baseline of the scenarios, and a file in which they have become slower."""
    here.save(text)
    here.write(text.replace('"paper"', '"paper"\ntimeouts.election_ms = [200, 400]'))


SLOWER = ("--against", "b.json", "--allow-changed")


def test_csv_has_a_row_a_judgement(here: Folder) -> None:
    _slower(here, LAN + GATE)
    done = here.check(*SLOWER, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert done.code == 3
    by = {row["metric"]: row for row in rows}
    assert by["election_ms.p50"]["status"] == "breached"
    assert by["election_ms.p50"]["threshold"] == "<= +5%"
    assert float(by["election_ms.p50"]["ci95_low"]) > 0.05 * float(
        by["election_ms.p50"]["reference"]
    )
    assert by["election_ms.p90"] | {"status": "ok", "reference": ""} == by["election_ms.p90"]
    assert by["throughput"]["status"] == "advice"
    assert by["detect_ms.p50"]["status"] == "changed"
    assert by["detect_ms.p50"]["threshold"] == ""
    assert len({row["digest"] for row in rows}) == 1
    assert rows[0]["digest"] != rows[0]["reference_digest"]


def test_no_threshold_is_said_to_hold_where_there_is_none(here: Folder) -> None:
    here.save(LAN + "[thresholds]\n'*' = 'off'\n")
    done = here.check("--against", "b.json")
    assert "\nNothing changed: equal digests; there are no thresholds.\n" in done.out
    here.write(LAN + "node.process_ms = 30\n[thresholds]\n'*' = 'off'\n")
    done = here.check("--against", "b.json", "--allow-changed")
    assert (done.code, done.err) == (0, "")
    assert "\nThe scenario changed; there are no thresholds.\n" in done.out


def test_a_metric_that_breaches_two_thresholds_is_named_once(here: Folder) -> None:
    here.write(LAN + "[scenario.thresholds]\n'election_ms.p99' = ['<= 3', '<= 4']\n")
    done = here.check()
    assert (done.code, done.err) == (3, "raftfast: scenario lan: breached: election_ms.p99\n")


def test_the_trials_of_several_scenarios_are_told_as_their_sum(here: Folder) -> None:
    here.write(LAN + GATE)
    assert ", 2,000 trials (" in here.check().out.partition("\n")[0]
    here.write(LAN + GATE + "[[scenario]]\nname = 'b'\n")
    assert ", 4,000 trials in all (" in here.check().out.partition("\n")[0]


def test_markdown_is_one_table_of_what_matters(here: Folder) -> None:
    _slower(here, NAMED + GATE)
    done = here.check(*SLOWER, "--format", "md")
    lines = done.out.splitlines()
    assert lines[0].startswith("**The scenario changed; 2 thresholds are breached.**")
    rows = [line for line in lines if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {8}
    assert r"a\|b, 100%: \<&\> " in rows[2]
    assert "| `election_ms.p50` |" in rows[2]
    assert rows[2].endswith("| `<= +5%` | **breached** |")
    assert any("timeouts.election" in line and line.startswith("- ") for line in lines)


def test_json_is_what_github_action_benchmark_reads(here: Folder) -> None:
    lasting = '[[scenario]]\nname = "steady"\nscenario.kind = "steady"\nstop.duration_ms = 500\n'
    _slower(here, LAN + GATE + lasting)
    done = here.check(*SLOWER, "--format", "json")
    document: list[dict[str, Any]] = json.loads(done.out, parse_constant=pytest.fail)
    by = {row["name"]: row for row in document}
    assert len(by) == len(document)
    for row in document:
        assert {*row} <= {"name", "unit", "value", "range", "extra"}
        assert isinstance(row["value"], int | float)
        assert all(isinstance(row[key], str) for key in row if key != "value")
    assert "breaches <= +5%" in by["lan: election_ms.p50"]["extra"]
    assert by["lan: election_ms.p50"]["unit"] == "ms"
    assert by["steady: unavailability"]["value"] == 0
    assert by["lan: time"]["value"] > 0
    assert "lan: election_ms.p90" in by


def test_junit_has_a_case_a_threshold(here: Folder) -> None:
    _slower(here, NAMED + GATE)
    assert here.check(*SLOWER, "--junit", "j.xml").code == 3
    root = ElementTree.parse(here.path / "j.xml").getroot()
    (suite,) = root
    assert suite.get("name") == "a|b, 100%: <&> \U0001f600"
    cases = {case.get("name"): case for case in suite}
    assert {"safety", "digest is the baseline's", "election_ms.p50 <= +5%"} <= {*cases}
    failures = {name for name, case in cases.items() if case.find("failure") is not None}
    assert failures == {"election_ms.p50 <= +5%", "election_ms.p99.9 <= 200"}
    message = cases["election_ms.p50 <= +5%"].find("failure").get("message")
    assert message.startswith("election_ms.p50: ")
    assert message.endswith("breaches <= +5%")
    for element in (root, suite):
        assert element.get("failures") == "2"
        assert element.get("tests") == str(len(cases))
    assert here.check("--junit", "j.xml").code == 3
    (suite,) = ElementTree.parse(here.path / "j.xml").getroot()
    assert suite.get("skipped") == "2"


def test_junit_calls_a_violation_of_safety_an_error(here: Folder) -> None:
    here.write(LAN + "cluster.nodes = 4\ncluster.quorum = 2\n")
    assert here.check("--save", "b.json", "--junit", "j.xml").code == 1
    root = ElementTree.parse(here.path / "j.xml").getroot()
    assert (root.get("errors"), root.get("failures")) == ("1", "0")


def test_github_gets_a_summary_and_at_most_ten_annotations(
    here: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here.path / "summary.md"))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(here.path.parent))
    here.write("before\n", "summary.md")
    _slower(here, NAMED)
    done = here.check(*SLOWER, "--github")
    assert done.code == 3
    found = [line for line in done.out.splitlines() if line.startswith("::")]
    assert len(found) == ANNOTATIONS_MAX == 10
    place = re.escape(f"{here.path.name}/raftfast.toml")
    title = r"a\|b%2C 100%25%3A <&> \U0001f600".replace(r"\U0001f600", "\U0001f600")
    assert re.match(
        rf"::error file={place},title={title}%3A election_ms\.mean::election_ms", found[0]
    )
    assert re.search(r"::\d+ more; the step's summary has them all$", found[-1])
    assert "%25 (" in found[0]
    summary = (here.path / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("before\n**The scenario changed; ")
    assert summary.count("**breached**") == int(re.findall(r"(\d+) thresholds are", summary)[0])
    assert summary.endswith("\n\n")


def test_a_summary_that_cannot_be_written_hides_no_breach(
    here: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "no/summary.md")
    here.write(LAN + GATE)
    done = here.check("--github")
    assert done.code == 3
    assert "::error file=raftfast.toml,title=lan%3A election_ms.p99.9::" in done.out
    assert done.err.splitlines() == [
        "raftfast: GITHUB_STEP_SUMMARY: no/summary.md: cannot be written (No such file or "
        "directory), so there is no step summary",
        "raftfast: scenario lan: breached: election_ms.p99.9",
    ]


@pytest.mark.parametrize("form", ["json", "csv"])
def test_annotations_do_not_mix_with_what_a_program_reads(here: Folder, form: str) -> None:
    here.write(LAN + GATE)
    done = here.check("--format", form, "--github")
    assert done.code == 3
    assert "::error" not in done.out
    assert "::error file=raftfast.toml,title=lan%3A election_ms.p99.9::" in done.err
    assert "GITHUB_STEP_SUMMARY is not set" in done.err


def test_nothing_is_annotated_where_nothing_changed(here: Folder) -> None:
    here.save()
    done = here.check("--against", "b.json", "--github")
    assert done.code == 0
    assert "::" not in done.out


# The files to begin with.


def test_the_template_is_a_check(here: Folder) -> None:
    assert main(["init", "--check"]) == 0
    assert (here.path / "raftfast.toml").read_text(encoding="utf-8") == checklist.template()
    assert here.check("-n", 30, "--save", "b.json").code == 0
    assert here.check("-n", 30, "--against", "b.json").code == 0
    assert main(["init", "--check"]) == 2


def test_what_the_template_has_in_comments_works(here: Folder) -> None:
    text = checklist.template()
    for line in re.findall(r'^# (?=["td].* = )', text, re.MULTILINE):
        text = text.replace(line, "")
    text, found = re.subn(
        r'^# (?=("[a-z*]|throughput|digest))', "", checklist.template(), flags=re.M
    )
    assert found == 6
    here.write(text)
    entries = Checklist.load("raftfast.toml").entries
    written = {threshold.metric for entry in entries for threshold in entry.thresholds}
    assert {"election_ms.p99.9", "messages.mean", "throughput", "digest", "*"} <= written
    assert [entry.scenario.trials for entry in entries] == [100_000, 100_000, 2000]
    assert "rate.availability" in {threshold.metric for threshold in entries[2].thresholds}


def test_the_workflow_uses_commands_and_options_that_there_are(here: Folder) -> None:
    assert main(["init", "--workflow"]) == 0
    text = (here.path / ".github/workflows/raftfast.yml").read_text(encoding="utf-8")
    assert text == checklist.workflow()
    lines = re.findall(r"run: (raftfast .+)", text)
    lines += [
        part
        for line in re.findall(r"^# To \w+: +([^,]+),", text, re.M)
        for part in line.split("&&")
    ]
    assert len(lines) == 4
    for line in lines:
        _, name, *words = shlex.split(line)
        options = {word for parameter in raftfast.commands[name].params for word in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options


def test_the_workflow_is_yaml_that_runs_the_check() -> None:
    yaml = pytest.importorskip("yaml")
    document = yaml.safe_load(checklist.workflow())
    (job,) = document["jobs"].values()
    assert any("raftfast check" in step.get("run", "") for step in job["steps"])
    assert document["permissions"] == {"contents": "read"}
