"""The spec to begin with: it runs as it is, and so does what stands in its comments."""

from __future__ import annotations

from pathlib import Path

import raftfast
from raftfast.spec import Spec, template


def file(folder: Path, text: str, name: str = "wan.toml") -> Path:
    """A file of the folder with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_template_runs(tmp_path: Path, engine: str) -> None:
    spec = Spec.load(file(tmp_path, template(), "sweep.toml"))
    spec.validate()
    assert 10 <= spec.size <= 100
    for index in (0, spec.size - 1):
        result = raftfast.run(spec.scenario(index), trials=20, engine=engine)
        assert result.violations == 0
        assert result.censored == 0


def test_what_the_template_has_in_comments_works(tmp_path: Path) -> None:
    lines = template().splitlines()

    def uncommented(*names: str, last: bool = True) -> Spec:
        text = list(lines)
        for name in names:
            places = [
                i
                for i, line in enumerate(lines)
                if line.startswith("# ") and line.split()[1].strip('"[]') == name
            ]
            place = places[-1 if last else 0]
            text[place] = text[place].removeprefix("# ")
        spec = Spec.load(file(tmp_path, "\n".join(text), "sweep.toml"))
        spec.validate()
        return spec

    grid = uncommented().size - 1
    assert uncommented("adaptive", "metric", "precision", "max_trials").adaptive is not None
    for key, times in (
        ("node.process_ms", 2),
        ("timeouts.heartbeat_ms", 5),
        ("node.drift_ppm", 6),
        ("preset", 3),
    ):
        assert uncommented(key, last=False).size == times * grid + 1
    assert uncommented("under", last=False).scenario(0).scenario.event
    assert uncommented("under").size == 2 * grid + 1
    keys = ("timeouts.heartbeat_ms", "network.duplicate", "protocol.repoll_ms", "timeouts.timer")
    sample = ("sample", "method", "points", "sample.keys")
    assert uncommented(*sample, *keys).size == 50 * grid + 1
