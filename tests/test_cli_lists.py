"""The command line's lists: `raftfast presets` and `raftfast strategies`, in every form."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from raftfast import InputError, Scenario, preset, strategies

from .command import raftfast

ENTRIES = strategies.entries()


def _json(*arguments: str) -> Any:
    return json.loads(raftfast(*arguments, "--format", "json").stdout)


def _csv(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raftfast(*arguments, "--format", "csv").stdout)))


# presets


def test_presets_lists_each_on_a_line_of_80_columns() -> None:
    lines = raftfast("presets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == preset.names()
    assert max(map(len, lines)) <= 80
    # What two versions of a system differ in must stand where the line is not cut yet.
    taught = [re.sub(r"\d+\.\d[.\d]*", "", line.partition(" ")[2]) for line in lines]
    assert len(set(taught)) == len(taught)


@pytest.mark.parametrize("name", preset.names())
def test_a_preset_is_shown_as_a_file_to_use(name: str, tmp_path: Path) -> None:
    path = tmp_path / "shown.toml"
    path.write_text(raftfast("presets", name).stdout)
    assert Scenario.load(path) == Scenario.preset(name)


def test_lists_of_presets_show_first_paragraphs() -> None:
    listed = _json("presets")["presets"]
    assert [entry["name"] for entry in listed] == preset.names()
    for entry in listed:
        whole = preset.describe(entry["name"]).description
        assert whole.split("\n\n")[0] == entry["description"]
    assert any("\n\n" in preset.describe(name).description for name in preset.names())
    assert _csv("presets") == listed


def test_a_preset_as_json_csv_and_markdown() -> None:
    shown = _json("presets", "paper")
    assert list(shown) == ["name", "description", "source", "left_out", "toml"]
    assert tomllib.loads(shown["toml"])["name"] == shown["name"] == "paper"
    assert shown["description"].endswith("a crashed leader.")
    assert shown["source"].startswith("Ongaro and Ousterhout, ")
    assert shown["left_out"].startswith("what the section does to provoke split votes")
    assert _csv("presets", "paper") == [shown]
    text = raftfast("presets", "paper", "--format", "md").stdout
    headings = [line for line in text.splitlines() if line.startswith("##")]
    assert headings == ["## paper", "### Source", "### Left out"]


def test_a_preset_without_a_system_has_no_source() -> None:
    shown = _json("presets", "default")
    assert shown["source"] is shown["left_out"] is None
    text = raftfast("presets", "default", "--format", "md").stdout
    assert "###" not in text


@pytest.mark.parametrize("name", [name for name in preset.names() if name != "default"])
def test_every_preset_of_a_system_says_its_source_and_what_it_leaves_out(name: str) -> None:
    about = preset.describe(name)
    assert about.source
    assert about.left_out
    words = f"{about.description} {about.source} {about.left_out}"
    head = preset.text(name).partition("\nname = ")[0]
    comment = " ".join(line.removeprefix("#") for line in head.splitlines()).split()
    labels = ["Source:", "Left", "out:"]
    assert sorted([*words.split(), *labels]) == sorted(comment)


def test_an_unknown_preset_has_no_description() -> None:
    with pytest.raises(InputError, match="unknown preset; did you mean paper"):
        preset.describe("papr")


# strategies


def test_strategies_are_listed_by_key_in_one_or_two_lines_each() -> None:
    *lines, last = raftfast("strategies").stdout.splitlines()
    assert "raftfast strategies NAME" in last
    keys = list(dict.fromkeys(entry.key for entry in ENTRIES))
    assert [line for line in lines if not line.startswith(" ")] == keys
    entries = [line for line in lines if line.startswith("  ") and line[2] != " "]
    assert len(entries) == len(ENTRIES)
    assert len(lines) <= len(keys) + 2 * len(ENTRIES)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("entry", [ENTRIES[0], ENTRIES[-1]], ids=lambda entry: entry.name)
def test_a_strategy_is_shown_as_a_file_to_use(entry: strategies.Strategy, tmp_path: Path) -> None:
    path = tmp_path / "shown.toml"
    path.write_text(raftfast("strategies", entry.name).stdout)
    assert Scenario.load(path) == Scenario.from_dict(tomllib.loads(entry.toml))
    comment = [line[2:] for line in path.read_text().splitlines() if line.startswith("# ")]
    wanted = f"{entry.name}: {entry.what} Who uses it: {entry.who}. When it hurts: {entry.hurts}"
    assert " ".join(comment) == wanted


def test_strategies_as_json_and_csv() -> None:
    listed = _json("strategies")["strategies"]
    assert listed == [entry._asdict() for entry in ENTRIES]
    shown = _json("strategies", "timeouts.timer")["strategies"]
    assert shown == [entry for entry in listed if entry["key"] == "timeouts.timer"]
    labels = [entry.label for entry in ENTRIES]
    rows = [{**entry, "value": label} for entry, label in zip(listed, labels, strict=True)]
    assert _csv("strategies") == rows


def test_strategies_as_markdown() -> None:
    lines = raftfast("strategies", "--format", "md").stdout.splitlines()
    assert len(lines) == 2 + len(ENTRIES)
    assert all(line.startswith("| ") and line.count(" | ") == 3 for line in lines)
    text = raftfast("strategies", "redraw", "--format", "md").stdout
    blocks = text.split("```toml\n")
    assert len(blocks) == 3
    headings = [line for line in text.splitlines() if line.startswith("#")]
    parts = ["### Who uses it", "### When it hurts"]
    names = ["## `timeouts.timer=redraw`", "## `protocol.step_down_timer=redraw`"]
    assert headings == [names[0], *parts, names[1], *parts]
