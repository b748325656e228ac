"""A spec as it is stored, what its fingerprint counts, and how two specs differ."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import raftfast
from raftfast.axes import parse_list
from raftfast.errors import InputError
from raftfast.spec import Spec, template

PING = """PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.
64 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=8.00 ms

--- 10.0.0.2 ping statistics ---
4 packets transmitted, 1 received, 75% packet loss, time 3004ms
"""
MATRIX = "0,10,20\n10,0,30\n20,30,0\n"

SPEC = """
name = "all files there are"
trials = 20
[adaptive]
max_trials = 50
[base]
file = "base.toml"
node.process_ms = { samples = "costs.csv" }
[sweep]
network.latency_ms = [3, { ping = "ping.txt" }, { mixture = [[0.5, { samples = "slow.csv" }],
                      [0.5, 1]] }]
timeouts.timer = ["redraw", "keep"]
[[zip]]
cluster.nodes = [3, 5]
network.link = [[], [{ from = 0, to = [1, 2], latency_ms = { samples = "slow.csv", plus = 1 } }]]
[[exclude]]
cluster.nodes = 5
timeouts.timer = "keep"
[[point]]
name = "a matrix"
network.matrix_ms = "three.csv"
cluster.nodes = 3
[[point]]
scenario.kind = "steady"
scenario.event = [{ do = "crash", who = "leader", at_ms = 5, for_ms = { samples = "slow.csv" } }]
stop.duration_ms = 500
[[point]]
preset = "etcd-3.4"
file = "plain.toml"
under = "slow-disk"
"""
FILES = {
    "wan.toml": SPEC,
    "base.toml": "preset = 'paper'\n[node]\npersist_ms = { samples = 'costs.csv' }\n",
    "plain.toml": "timeouts.heartbeat_ms = 60\n",
    "costs.csv": "one_way_ms\n0.5\n0.75\n",
    "slow.csv": "9\n12\n",
    "ping.txt": PING,
    "three.csv": MATRIX,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with FILES."""
    folder = tmp_path / "spec"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def load(folder: Path, **options: Any) -> Spec:
    """The spec of a folder."""
    return Spec.load(folder / "wan.toml", **options)


def stored(spec: Spec) -> dict[str, Any]:
    """The spec as a file of JSON gives it back."""
    tables: dict[str, Any] = json.loads(json.dumps(spec.to_dict(), allow_nan=False))
    return tables


def test_a_stored_spec_needs_no_files(folder: Path) -> None:
    spec = load(folder)
    spec.validate()
    expected = [spec.scenario(i) for i in range(spec.size)]
    tables = stored(spec)
    shutil.rmtree(folder)
    again = Spec.from_resolved(tables)
    again.validate()
    assert again.size == spec.size == 12
    assert again.keys == spec.keys
    assert list(again.points()) == list(spec.points())
    assert [again.scenario(i) for i in range(again.size)] == expected
    assert (again.name, again.seed, again.trials) == ("all files there are", 1, 20)
    assert again.adaptive == spec.adaptive
    assert again.source == spec.source
    assert again.fingerprint() == spec.fingerprint()
    assert again.differences(spec) == []
    assert stored(again) == tables


def test_a_spec_reads_its_files_once(folder: Path) -> None:
    spec = load(folder)
    shutil.rmtree(folder)
    spec.validate()
    assert spec.scenario(9).network.matrix == ((0, 10, 20), (10, 0, 30), (20, 30, 0))
    assert stored(spec)["base"]["node"]["process_ms"] == {"samples": str(folder / "costs.csv")}


def test_a_stored_point_runs_as_before(folder: Path, engine: str) -> None:
    spec = load(folder)
    tables = stored(spec)
    digests = [raftfast.run(spec.scenario(i), engine=engine).digest for i in (2, 9, 10, 11)]
    shutil.rmtree(folder)
    again = pickle.loads(pickle.dumps(Spec.from_resolved(tables)))
    for i, digest in zip((2, 9, 10, 11), digests, strict=True):
        assert raftfast.run(again.scenario(i), engine=engine).digest == digest


def test_the_template_and_options_can_be_stored(tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(template())
    axes = [parse_list("network.loss=0,0.05"), parse_list("network.duplicate=0,0.1")]
    spec = Spec.load(tmp_path / "sweep.toml", ["cluster.log=distinct"], axes)
    again = Spec.from_resolved(stored(spec))
    assert list(again.points()) == list(spec.points())
    assert again.scenario(5) == spec.scenario(5)
    assert again.fingerprint() == spec.fingerprint()
    assert stored(spec)["base"]["cluster"]["log"] == "distinct"


def test_samples_are_stored_as_drawn() -> None:
    sample = {"method": "latin-hypercube", "points": 4, "keys": {"network.loss": {"log": [0.1, 1]}}}
    spec = Spec.from_dict({"sample": sample})
    tables = stored(spec)
    assert tables["sampling"] == {"method": "latin-hypercube", "points": 4}
    assert tables["axes"][0]["values"] == [[p.values["network.loss"] for p in spec.points()]]
    assert list(Spec.from_resolved(tables).points()) == list(spec.points())


@pytest.mark.parametrize(
    "change",
    [
        lambda tables: tables.pop("axes"),
        lambda tables: tables.update(format=0),
        lambda tables: tables.update(seed="one"),
        lambda tables: tables["contents"][0].pop("folder"),
        lambda tables: tables["contents"][0].update(law={"law": 3}),
    ],
)
def test_what_is_no_stored_spec_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    tables = stored(load(folder))
    change(tables)
    with pytest.raises(InputError) as caught:
        Spec.from_resolved(tables)
    assert "\n" not in str(caught.value)


# What does not determine results, and what does, by what replaces what in which file.
SAME = [
    ("wan.toml", 'name = "all files there are"', 'name = "other"'),
    ("wan.toml", "trials = 20", "trials = 30"),
    ("wan.toml", "max_trials = 50", "max_trials = 60\nmetric = 'messages.p50'"),
    ("wan.toml", '"a matrix"', '"the matrix"'),
    ("wan.toml", "[3, {", "[3.0, {"),
    ("wan.toml", "[base]", "# A comment.\n[base]\n"),
    ("wan.toml", 'cluster.nodes = 5\ntimeouts.timer = "keep"', 'timeouts.timer = "keep"\n'
     "cluster.nodes = 5.0"),
    ("base.toml", "[node]", "name = 'base'\nseed = 3\ntrials = 7\n[node]"),
    ("costs.csv", "0.75", "0.750  # measured"),
    ("three.csv", MATRIX, MATRIX.replace(",", ";")),
]  # fmt: skip
OTHER = [
    ("wan.toml", "trials = 20", "trials = 20\nseed = 2", "seed: 2 here, 1 there"),
    ("wan.toml", "trials = 20", "trials = 20\ncommon_random_numbers = false",
     "common_random_numbers: false here, true there"),
    ("wan.toml", "[3, {", "[4, {", "sweep.network.latency_ms: [0] is 4 here, 3 there"),
    ("wan.toml", '["redraw", "keep"]', '["redraw", "keep", "fixed"]', "sweep.timeouts.timer: "),
    ("wan.toml", "cluster.nodes = 3\n", "cluster.nodes = 3\nnetwork.loss = 0.1\n", "point[0]: "),
    ("wan.toml", '[[exclude]]\ncluster.nodes = 5\ntimeouts.timer = "keep"\n', "", "exclude: "),
    ("wan.toml", "[base]", "[base]\nnetwork.loss = 0.1", "base.network.loss: 0.1 here, nothing "),
    ("wan.toml", 'under = "slow-disk"', 'under = "deaf"', "point[2]: "),
    ("wan.toml", 'file = "base.toml"', 'file = "base.toml"\nunder = "deaf"', "base.under: "),
    ("base.toml", "paper", "etcd-3.4", "base.timeouts.election_ms: [1000, 2000] here, [150, 300] "),
    ("plain.toml", "60", "61", "file plain.toml: timeouts.heartbeat_ms: 61 here, 60 there"),
    ("costs.csv", "0.75", "0.76", "base.node.process_ms: a file with contents "),
    ("slow.csv", "12", "13", "sweep.network.latency_ms: [2] is a file with contents "),
    ("ping.txt", "4 packets", "5 packets", "sweep.network.latency_ms: [1] is a file with "),
    ("three.csv", "30", "31", "point[0]: "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), SAME)
def test_what_does_not_determine_results(folder: Path, name: str, old: str, new: str) -> None:
    before = load(folder)
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    assert load(folder).differences(before) == []
    assert load(folder).fingerprint() == before.fingerprint()


@pytest.mark.parametrize(("name", "old", "new", "line"), OTHER)
def test_what_determines_results(folder: Path, name: str, old: str, new: str, line: str) -> None:
    before = load(folder)
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    after = load(folder)
    assert after.fingerprint() != before.fingerprint()
    lines = after.differences(before)
    assert any(one.startswith(line) for one in lines), lines
    assert all("\n" not in one and len(one) < 250 for one in lines)


def test_a_fingerprint_is_fixed() -> None:
    """A store tells by it whether it may go on: it must not change from version to version."""
    spec = Spec.from_dict(
        {
            "base": {"cluster": {"nodes": 3}, "under": "deaf"},
            "sweep": {"network.loss": {"start": 0, "stop": 1, "num": 3}},
        }
    )
    assert spec.fingerprint() == "979cc10ef081c594d3391e503f315314e60b326e592929652b294d77c6ce314d"


def test_a_file_may_move_and_a_key_change_its_place(folder: Path, tmp_path: Path) -> None:
    before = load(folder)
    other = tmp_path / "elsewhere"
    shutil.copytree(folder, other)
    (other / "base.toml").write_text("preset = 'paper'\n")
    text = SPEC.replace("[base]", "[base]\nnode.persist_ms = { samples = 'moved.csv' }")
    (other / "wan.toml").write_text(text)
    (other / "costs.csv").rename(other / "moved.csv")
    (other / "wan.toml").write_text(text.replace("costs.csv", "moved.csv"))
    assert load(other).differences(before) == []


def test_a_loss_that_pings_overrule_is_another(folder: Path) -> None:
    """The loss of a lower layer holds only where a point has another latency."""
    (folder / "wan.toml").write_text(
        "[base]\nfile = 'base.toml'\nnetwork.latency_ms = { ping = 'ping.txt' }\n"
        "[sweep]\ncluster.nodes = [3]"
    )
    (folder / "base.toml").write_text("network.loss = 0.1")
    below = load(folder)
    (folder / "base.toml").write_text("")
    (folder / "wan.toml").write_text(
        "[base]\nnetwork = { loss = 0.1, latency_ms = { ping = 'ping.txt' } }\n"
        "[sweep]\ncluster.nodes = [3]"
    )
    beside = load(folder)
    assert below.scenario(0).network.loss == 0.5
    assert beside.scenario(0).network.loss == 0.1
    assert len(beside.differences(below)) == 1


def test_a_file_that_cannot_be_read_has_no_fingerprint(folder: Path) -> None:
    (folder / "slow.csv").unlink()
    with pytest.raises(InputError, match=r"slow.csv: no such file"):
        load(folder).fingerprint()
