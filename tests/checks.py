"""Check files for the tests of `raftfast check`, and the command in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from raftfast import yardstick
from raftfast.cli import main

LAN = """
trials = 2000
[[scenario]]
name = "lan"
preset = "paper"
"""


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


class Folder:
    """A folder in which `raftfast check` is run; its yardstick is short."""

    def __init__(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.path = path
        self.capsys = capsys
        monkeypatch.chdir(path)
        monkeypatch.setattr(yardstick, "TURN_S", 2e-4)
        for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "NO_COLOR"):
            monkeypatch.delenv(name, raising=False)

    def write(self, text: str, name: str = "raftfast.toml") -> None:
        """Write a file, by default the one that is checked."""
        (self.path / name).write_text(text, encoding="utf-8")

    def check(self, *arguments: Any) -> Done:
        """Run `raftfast check ARGUMENTS -q` here."""
        self.capsys.readouterr()
        code = main(["check", *map(str, arguments), "-q"])
        said = self.capsys.readouterr()
        return Done(code, said.out, said.err)

    def save(self, text: str = LAN, *arguments: Any) -> None:
        """Write the file, and save its baseline in b.json."""
        self.write(text)
        done = self.check("--save", "b.json", *arguments)
        assert done.code in (0, 3), done
