"""What `raftfast check` refuses: one line that names the file, the key, and what is right."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from .checks import LAN, Folder


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Folder:
    return Folder(tmp_path, monkeypatch, capsys)


def one(text: str) -> str:
    """A file with one scenario of these lines."""
    return f'[[scenario]]\nname = "wan"\n{text}\n'


BAD_FILES = {
    "": "raftfast.toml: is empty; must be a TOML file with scenarios to check",
    "[[scenario": "raftfast.toml: line 1, column 11: is not valid TOML",
    "seed = 1": "raftfast.toml: scenario: there is none; give at least one, [[scenario]] with a",
    "scenario = 3": "raftfast.toml: scenario: value 3: must be a list of tables, each begun by",
    "[scenario]\nname = 'wan'": "raftfast.toml: scenario: value {",
    "scenario = [3]": "raftfast.toml: scenario[0]: value 3: must be a table",
    "[[scenario]]\nseed = 3": "raftfast.toml: scenario[0].name: must be there, by which the",
    "[[scenario]]\nname = ''": "raftfast.toml: scenario[0].name: must be there",
    "[[scenario]]\nname = 3": "raftfast.toml: scenario[0].name: value 3: must be a string",
    "[[scenario]]\nname = 'a\\u0000'".replace("'", '"'): "scenario[0].name: value",
    "[[scenario]]\nname = ' a'": "scenario[0].name: value \" a\": must neither begin",
    one("") + one(""): 'raftfast.toml: scenario[1].name: value "wan": another scenario has this',
    "trials = 0\n" + one(""): "raftfast.toml: trials: value 0: must be a whole number from 1",
    "seed = 'x'\n" + one(""): 'raftfast.toml: seed: value "x": must be a whole number',
    "trial = 3\n" + one(""): "raftfast.toml: trial: unknown key; did you mean trials?",
    "cluster.nodes = 3\n" + one(""): "raftfast.toml: cluster: unknown key; what a scenario is made",
    "preset = 'paper'\n" + one(""): "raftfast.toml: preset: unknown key; what a scenario is made",
    "election_ms.p99 = '<= 5'\n" + one(""): "election_ms: unknown key; thresholds go into",
    "frobnicate = 3\n" + one(""): "raftfast.toml: frobnicate: the file has trials, seed,",
    one("trials = -1"): 'raftfast.toml: scenario "wan": trials: value -1: must be a whole number',
    one("preset = 'etcd'"): 'raftfast.toml: scenario "wan": preset: value "etcd": unknown preset',
    one("preset = 3"): 'raftfast.toml: scenario "wan": preset: value 3: must be the name of a',
    one("file = 'no.toml'"): 'scenario "wan": file: value "no.toml": ',
    one("under = 'crash'"): 'raftfast.toml: scenario "wan": under: value "crash": unknown scenario',
    one("cluster.node = 3"): 'scenario "wan": cluster.node: unknown key; did you mean cluster.',
    one("'network.loss' = 2"): 'scenario "wan": network.loss: value 2: must be a number between 0',
    one("cluster.down = [0, 1, 2, 3, 4]"): 'scenario "wan": cluster.down: value [0, 1, 2, 3, 4]: ',
    "thresholds = 3\n" + one(""): "raftfast.toml: thresholds: value 3: must be a table of",
    one("thresholds.election_ms.p99 = 3"): 'scenario "wan": thresholds.election_ms.p99: value 3',
    one("thresholds.'rate.availability' = '>= 99%'"): "there is none unless stop.on = ",
    one("thresholds.followed_ms.p99 = '<= 500'"): 'there is none unless stop.on = "followed"',
    "thresholds.followed_ms.p99 = '<= 500'\n" + one(""): "followed_ms.p99: no scenario has it",
}  # fmt: skip


@pytest.mark.parametrize("text", BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_bad_file_is_refused_in_one_line(here: Folder, text: str) -> None:
    here.write(text)
    done = here.check("--save", "b.json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("raftfast: raftfast.toml: ")
    assert BAD_FILES[text] in done.err.replace(f"{here.path}/", "")
    assert done.err.count("\n") == 1
    assert [path.name for path in here.path.iterdir()] == ["raftfast.toml"]


def test_a_file_that_is_not_there(here: Folder) -> None:
    done = here.check()
    assert done.code == 2
    assert done.err == (
        "raftfast: raftfast.toml: no such file; `raftfast init --check` writes one to begin with\n"
    )


def test_a_check_that_could_only_succeed_is_refused(here: Folder) -> None:
    here.write(LAN)
    done = here.check()
    assert done.code == 2
    assert "without a baseline there is nothing to check" in done.err


BAD_OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "allow": (("--allow-changed", "--save", "b.json"), "--allow-changed: goes with --against"),
    "save": (("--save", "no/b.json"), "no/b.json: --save: its folder does not exist"),
    "save to a folder": (("--save", "."), ".: --save: is a folder"),
    "junit": (("--save", "b.json", "--junit", "no/j.xml"), "no/j.xml: --junit: its folder does"),
    "save over the scenarios": (("--save", "./raftfast.toml"), "--save: is the file of scenarios"),
    "junit over them": (("--junit", "raftfast.toml"), "--junit: is the file of scenarios; must be"),
    "junit over the baseline": (
        ("--against", "b.json", "--junit", "./b.json"),
        "./b.json: --junit: is the baseline; must be another file",
    ),
    "two in one": (("--save", "b.json", "--junit", "b.json"), "--junit: is the file of --save"),
    "format": (("--save", "b.json", "--format", "xml"), "xml"),
    "trials": (("--save", "b.json", "-n", "0"), "'0' must be a whole number"),
    "against a folder": (("--against", "."), "raftfast: .: cannot be read: Is a directory"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options_are_refused_before_anything_is_run(here: Folder, case: str) -> None:
    arguments, says = BAD_OPTIONS[case]
    here.write(LAN.replace("2000", "1_000_000_000"))
    done = here.check(*arguments)
    assert done.code == 2
    assert says in done.err
    assert [path.name for path in here.path.iterdir()] == ["raftfast.toml"]


def _record(document: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = document["scenarios"]["lan"]
    return record


def _halve(document: dict[str, Any]) -> None:
    data = base64.b64decode(_record(document)["distribution"])
    _record(document)["distribution"] = base64.b64encode(data[: len(data) // 2]).decode()


DAMAGES: dict[str, Any] = {
    "format": lambda d: d.update(format=99),
    "no format": lambda d: d.pop("format"),
    "scenarios": lambda d: d.update(scenarios=[]),
    "digest": lambda d: _record(d).pop("digest"),
    "trials": lambda d: _record(d).update(trials=1999),
    "trials as text": lambda d: _record(d).update(trials="2000"),
    "keys": lambda d: _record(d)["scenario"].update({"network.loss": 0.5}),
    "half a distribution": _halve,
    "no base64": lambda d: _record(d).update(distribution="?" * 8),
    "throughput": lambda d: _record(d)["throughput"].update(value=0),
    "no throughput": lambda d: _record(d).update(throughput={}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_baseline_is_invalid_input(here: Folder, damage: str) -> None:
    here.save()
    document = json.loads((here.path / "b.json").read_text(encoding="utf-8"))
    DAMAGES[damage](document)
    here.write(json.dumps(document), "b.json")
    done = here.check("--against", "b.json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("raftfast: b.json: is not a baseline that `raftfast check --save`")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("data", ["", "{}", "[]", "not JSON", LAN, "\x00"])
def test_what_is_no_baseline_is_invalid_input(here: Folder, data: str) -> None:
    here.write(LAN)
    here.write(data, "b.json")
    done = here.check("--against", "b.json")
    assert done.code == 2
    assert done.err.startswith("raftfast: b.json: is not a baseline")
    assert done.err.count("\n") == 1
