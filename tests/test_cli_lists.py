"""The command line's list: `raftfast presets`, in every form."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from raftfast import InputError, Scenario, preset

from .command import raftfast


def _json(*arguments: str) -> Any:
    return json.loads(raftfast(*arguments, "--format", "json").stdout)


def _csv(*arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raftfast(*arguments, "--format", "csv").stdout)))


# presets


def test_presets_lists_each_on_a_line_of_80_columns() -> None:
    lines = raftfast("presets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == preset.names()
    assert max(map(len, lines)) <= 80


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
    comment = preset.text(name).partition("\nname = ")[0].replace("#", "").split()
    labels = ["Source:", "Left", "out:"]
    assert sorted([*words.split(), *labels]) == sorted(comment)


def test_an_unknown_preset_has_no_description() -> None:
    with pytest.raises(InputError, match="unknown preset; did you mean paper"):
        preset.describe("papr")
