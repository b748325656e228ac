"""Scenario files: defaults, layers, what is refused and how, and the way back to TOML."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from raftfast import preset
from raftfast.distributions import Distribution
from raftfast.errors import InputError
from raftfast.layers import read_toml
from raftfast.scenario import Scenario
from raftfast.schema import KEYS

# Every key of INTERFACE.md that has a value where nobody gives one, with that value.
CONTRACT: dict[str, Any] = {
    "name": "",
    "seed": 1,
    "trials": 10_000,
    "cluster": {"nodes": 5, "down": [], "log": "equal", "quorum": "majority"},
    "timeouts": {
        "election_ms": [150, 300],
        "heartbeat_ms": 50,
        "timer": "redraw",
        "backoff": "none",
        "tick_ms": 0,
        "tick_phase": "random",
        "poll_ms": 0,
    },
    "protocol": {
        "pre_vote": "off",
        "check_quorum": False,
        "sticky": "off",
        "repoll_ms": 0,
        "step_down_timer": "keep",
        "priority": "none",
    },
    "network": {"latency_ms": {"uniform": [1, 5]}, "loss": 0, "duplicate": 0, "ordered": False},
    "node": {"process_ms": 0, "persist_ms": 0, "drift_ppm": 0},
    "scenario": {"kind": "cold-start", "crash_phase": "uniform"},
    "stop": {"on": "leader", "stable_ms": 600, "duration_ms": 60_000, "limit_ms": 60_000},
}


def file(folder: Path, text: str, name: str = "wan.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(call: object, *args: object, **keywords: object) -> str:
    """The one line with which a call refuses its input."""
    with pytest.raises(InputError) as caught:
        call(*args, **keywords)  # type: ignore[operator]
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


def test_defaults_are_the_contracts() -> None:
    scenario = Scenario.from_dict({})
    tables = scenario.to_dict()
    # The contract may be extended: other keys may stand beside its own.
    assert {
        **tables,
        **{
            name: {key: tables[name][key] for key in table}
            for name, table in CONTRACT.items()
            if isinstance(table, dict)
        },
    } == CONTRACT
    assert scenario.network.latency_ms == Distribution("uniform", (1.0, 5.0))
    assert scenario.node.process_ms == scenario.node.persist_ms
    assert scenario.node.process_ms == Distribution("constant", (0.0,))
    assert scenario.timeouts.candidate_ms is None
    assert scenario.timeouts.candidate_range_ms == (150.0, 300.0)
    assert scenario.cluster.votes_needed == 3


def test_default_preset_writes_out_the_defaults() -> None:
    named = Scenario.preset("default")
    assert named.replace(name="") == Scenario.from_dict({})
    tables = Scenario.from_dict({}).to_dict()
    del tables["stop"]["limit_ms"]
    assert preset.load("default") == {**tables, "name": "default"}


def test_default_preset_speaks_of_every_key() -> None:
    words = preset.text("default")
    assert [key for key in KEYS if key.rpartition(".")[2] not in words] == []


def test_paper_preset() -> None:
    scenario = Scenario.preset("paper")
    assert scenario.timeouts.election_ms == (150.0, 300.0)
    assert scenario.timeouts.heartbeat_ms == 75.0
    assert scenario.scenario.kind == "leader-crash"
    source = preset.describe("paper").source
    assert source is not None
    assert "Ongaro" in source
    assert "9.3" in source


def test_every_preset_loads() -> None:
    assert preset.names() == sorted(preset.names())
    assert {"default", "paper"} <= set(preset.names())
    for name in preset.names():
        assert Scenario.preset(name).name == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("papr", "did you mean paper?"),
        ("etcd", "did you mean etcd-2.3, etcd-3.4 or etcd-3.5? presets: "),
        ("etcd-3", "did you mean etcd-3.4, etcd-3.5 or etcd-2.3?"),
        ("raft", "did you mean raft-rs, "),
        ("../paper", "did you mean paper?"),
        ("", "unknown preset"),
        ("zzz", "unknown preset; presets: availsim, "),
    ],
)
def test_unknown_preset(name: str, hint: str, tmp_path: Path) -> None:
    assert hint in refusal(Scenario.preset, name)
    path = file(tmp_path, f'preset = "{name}"')
    message = refusal(Scenario.load, path)
    assert message.startswith(f'{path}: preset: value "{name}"')
    assert f"presets: {', '.join(preset.names())}" in message


# Each is tried in a file, as -p and through `replace`: the key, its value in TOML, a part of what
# is said, and the key the message names where it is not the one given.
BAD = [
    ("cluster.nodes", "0", "value 0: must be a whole number from 1 to 1023"),
    ("cluster.nodes", "1024", "value 1024: must be a whole number from 1 to 1023"),
    ("cluster.nodes", "5.5", "whole number"),
    ("cluster.nodes", "true", "not true or false"),
    ("cluster.nodes", '"five"', "not a string"),
    ("cluster.nodes", "[5]", "not a list"),
    ("cluster.nodes", "1" * 400, "whole number"),
    ("cluster.down", "[5]", "below cluster.nodes (5), not 5"),
    ("cluster.down", "[1, 1]", "different ids"),
    ("cluster.down", "[0, 1, 2, 3, 4]", "at least one of the 5 servers must run"),
    ("cluster.down", "[-1]", "a list of ids"),
    ("cluster.down", "1", "a list of ids"),
    ("cluster.down", "[1.0]", "a list of ids"),
    ("cluster.witnesses", "[7]", "below cluster.nodes (5), not 7"),
    ("cluster.witnesses", "[0, 1, 2, 3, 4]", "or nobody could lead"),
    ("cluster.witnesses", "[1, 1]", "different ids"),
    ("cluster.learners", "[7]", "learners must hold ids below cluster.nodes (5), not 7"),
    ("cluster.learners", "[1, 1]", "different ids"),
    ("cluster.learners", "1", "a list of ids"),
    ("cluster.learners", "[0, 1, 2, 3, 4]", "must vote; all are learners"),
    ("cluster.log", '"equals"', 'did you mean "equal"?'),
    ("cluster.log", "[1, 2]", "5 in all, not 2"),
    ("cluster.log", "[1, 2, 3, 4, -5]", "each a whole number from 0"),
    ("cluster.quorum", "6", "at most cluster.nodes (5), not 6"),
    ("cluster.quorum", "0", "from 1 to cluster.nodes"),
    ("cluster.quorum", '"most"', '"majority", "gist" or a number'),
    ("timeouts.election_ms", "[300, 150]", "low <= high"),
    ("timeouts.election_ms", "[150]", "a list of two numbers [low, high]"),
    ("timeouts.election_ms", "[1, 2, 3]", "a list of two numbers [low, high]"),
    ("timeouts.election_ms", "0", "value 0: must be one number"),
    ("timeouts.election_ms", "[0, 300]", "from 1e-6 (one nanosecond)"),
    ("timeouts.election_ms", "[1, true]", "value [1, true]: must be one number"),
    ("timeouts.election_ms", "nan", "value NaN: must be one number"),
    ("timeouts.election_ms", "[1, nan]", "value [1, NaN]: must be one number"),
    ("timeouts.election_ms", "inf", "value Infinity"),
    ("timeouts.election_ms", "1_000_000_001", "to 1e9 milliseconds"),
    ("timeouts.election_ms", "{ uniform = [1, 2] }", "not a table"),
    ("timeouts.candidate_ms", "[300, 150]", "low <= high"),
    ("timeouts.candidate_ms", '"fast"', "not a string"),
    ("timeouts.heartbeat_ms", "0", "value 0: must be a number"),
    ("timeouts.heartbeat_ms", "1e-7", "one nanosecond"),
    ("timeouts.heartbeat_ms", "[1, 2]", "not a list"),
    ("timeouts.timer", '"redraw-each-tick"', "needs a tick_ms above 0"),
    ("timeouts.server", "5", "must be a list of tables"),
    ("timeouts.server", "[5]", "must be a table"),
    ("timeouts.server", "[{ election_ms = 5 }]", "timeouts.server[0].id: is missing"),
    ("timeouts.server", "[{ id = 5 }]", "below cluster.nodes (5), not 5"),
    ("timeouts.server", "[{ id = 1 }, { id = 1 }]", "another server"),
    ("timeouts.server", "[{ id = 1, elction_ms = 5 }]", "did you mean election_ms?"),
    ("timeouts.server", "[{ id = 1, election_ms = [9, 5] }]", "low <= high"),
    ("timeouts.detector", '"phy"', 'did you mean "phi"?'),
    ("timeouts.first_ms", "0", "must be one number or a list"),
    ("timeouts.rank_ms", "-1", "from 0 to 1e9"),
    ("timeouts.timer", '"redrw"', 'did you mean "redraw"?'),
    ("timeouts.timer", "5", "not a number"),
    ("timeouts.backoff", '"combo"', '"rejections"'),
    ("timeouts.backoff_factor", "0.5", "from 1 to 1000"),
    ("timeouts.backoff_ms", "0", "from 1e-6"),
    ("timeouts.tick_ms", "-1", "from 0 to 1e9"),
    ("timeouts.tick_ms", "1e-9", "0 (continuous)"),
    ("timeouts.tick_ms", "300", "no whole number of ticks (300 ms) fits in election_ms, [150, 300"),
    ("timeouts.tick_phase", '"alligned"', 'did you mean "aligned"?'),
    ("timeouts.poll_ms", "-5", "must be 0, a number"),
    ("timeouts.poll_ms", "[0, 5]", "a low above 0"),
    ("timeouts.elction_ms", "5", "unknown key; did you mean timeouts.election_ms?"),
    ("timeouts.nodes", "5", "it belongs in [cluster]"),
    ("timeouts.seed", "5", "it belongs before the first table"),
    ("timeouts.qqq", "5", "[timeouts] has election_ms, candidate_ms"),
    ("protocol.pre_vote", "true", '"heartbeat-dead" or "dry-run"'),
    ("protocol.pre_vote", '"dry_run"', 'did you mean "dry-run"?'),
    ("protocol.pre_vote", '"perhaps"', 'must be "off", "on"'),
    ("protocol.check_quorum_ms", "-1", "from 0"),
    ("protocol.check_quorum", "1", "must be true or false, not a number"),
    ("protocol.sticky", '"until-own"', 'did you mean "until-own-timer"?'),
    ("protocol.sticky", "0", "or a number of milliseconds"),
    ("protocol.refusals", '"none"', '"explicit" or "silent"'),
    ("protocol.repoll_ms", "-1", "from 0"),
    ("protocol.on_rejection", '"give-up"', '"wait" or "follower"'),
    ("protocol.wait_for", '"most"', '"all" or "higher"'),
    ("protocol.priorities", "[1, 2]", "one number a server, 5 in all, not 2"),
    ("protocol.priorities", "[1, 2, 3, 4, -1]", "from 0"),
    ("protocol.quirks", '["gist"]', "a list of"),
    ("protocol.step_down_timer", '"drop"', '"keep" or "redraw"'),
    ("protocol.priority", "[5, 4, 3, 2, 1]", '"decay-skip" or "escape"'),
    ("network.latency_ms", "-1", "not -1"),
    ("network.latency_ms", '"fast"', "fast"),
    ("network.loss", "1.5", "value 1.5: must be a number between 0 and 1"),
    ("network.loss", '"lots"', "not a string"),
    ("network.duplicate", "-0.1", "between 0 and 1"),
    ("network.ordered", "1", "must be true or false"),
    ("network.matrix_ms", '"gone.csv"', "no such file"),
    ("network.matrix_ms", "5", "the name of a file"),
    ("network.matrix", "[[0]]", "unknown key"),
    ("network.link", "5", "must be a list of tables"),
    ("node.process_ms", "-1", "not -1"),
    ("node.persist", "5", "must be a table, [node.persist]"),
    ("node.persist.voter", "5", "did you mean node.persist.vote?"),
    ("node.persist.vote", "-5", "not -5"),
    ("node.persistence", '"off"', 'must be "durable" or "none"'),
    ("node.drift_ppm", "1e6", "below 1e6"),
    ("scenario.kind", '"steadily"', 'did you mean "steady"?'),
    ("scenario.crash_phase", '"synchronized"', 'did you mean "synchronised"?'),
    ("scenario.event", "[{ at_ms = 100 }]", "scenario.event[0].do: is missing"),
    ("scenario.event", '[{ do = "crash", at_ms = 100 }]', "needs who"),
    ("scenario.event", '[{ do = "transfer", at_ms = 1, who = 1 }]', "has nothing to do with who"),
    ("scenario.event", '[{ do = "transfer", at_ms = 1, to = [1, 2] }]', "to must be one id"),
    ("scenario.event", '[{ do = "transfer", at_ms = 1, to = 5 }]', "ids must be below"),
    ("scenario.event", '[{ do = "crash", who = 7, at_ms = 100 }]', "below cluster.nodes (5)"),
    ("scenario.event", '[{ do = "crash", who = "nobody", at_ms = 100 }]', '"leader", "random"'),
    ("scenario.event", '[{ do = "crash", who = 1 }]', "one of at_ms and every_ms"),
    ("scenario.event", '[{ do = "crsh", who = 1, at_ms = 1 }]', 'did you mean "crash"?'),
    ("scenario.event", '[{ do = "heal", who = 1, at_ms = 1 }]', "nothing to do with who"),
    ("scenario.event", '[{ do = "restart", who = "random", at_ms = 1 }]', "an id or a list"),
    ("scenario.event", '[{ do = "block", from = 1, to = 1, at_ms = 1 }]', "another server"),
    ("scenario.event", '[{ do = "partition", groups = [[1], [1]], at_ms = 1 }]', "each id once"),
    ("stop.on", '"never"', '"leader", "followed", "stable" or "duration"'),
    ("stop.stable_ms", "0", "must be a number"),
    ("stop.limit_ms", "2000-01-01", "not a date or time"),
    ("seed", "-1", "from 0 to 2^64-1"),
    ("seed", "18446744073709551616", "from 0 to 2^64-1"),
    ("trials", "0", "from 1"),
    ("trials", "1.5", "whole number"),
    ("name", "5", "must be a string, not a number"),
    ("name", r'"a\nb"', "one line"),
    ("cluster", "5", "must be a table, [cluster], not a number"),
    ("nodes", "5", "did you mean cluster.nodes?"),
    ('"cluster.nodes"', "5", "write its dots without quotes"),
    ("clutser", "{ nodes = 5 }", "did you mean [cluster]?"),
    ("timeout", "5", "did you mean [timeouts]?"),
    ("qqq", "5", "a scenario has name, seed, trials, cluster"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "hint"), BAD, ids=[f"{k}={v[:20]}" for k, v, _ in BAD])
def test_refuses(key: str, value: str, hint: str, tmp_path: Path) -> None:
    path = file(tmp_path, f"{key} = {value}\n")
    written = tomllib.loads(f"value = {value}")["value"]
    said = [(refusal(Scenario.load, path), str(path))]
    if not key.startswith('"'):
        option = refusal(Scenario.from_dict, {}, overrides=[f"{key}={value}"])
        call = refusal(Scenario.from_dict({}).replace, **{key: written})
        said += [(option, "-p"), (call, "replace")]
    named = key.strip('"')
    for message, source in said:
        assert message.startswith(f"{source}: {named}")
        assert hint in message


@pytest.mark.parametrize(
    ("entry", "key", "hint"),
    [
        ("from = 0, to = 1", "network.link[0]", "at least one of latency_ms, loss, duplicate"),
        ("from = 0, to = 0, loss = 0.1", "network.link[0].to", "another server"),
        ("from = [1, 2], to = 5, loss = 0.1", "network.link[0].to", "below cluster.nodes (5)"),
        ("from = 9, to = 1, loss = 0.1", "network.link[0].from", "value 9"),
        ("from = 0, loss = 0.1", "network.link[0].to", "is missing"),
        ("from = 0, to = 1, loss = 2", "network.link[0].loss", "between 0 and 1"),
        ("from = 0, to = 1, los = 0.2", "network.link[0].los", "did you mean loss?"),
        ("from = [], to = 1, loss = 0.2", "network.link[0].from", "an id or a list of ids"),
        ("from = 0, to = true, loss = 0.2", "network.link[0].to", "an id or a list of ids"),
        ("from = 0, to = 1, latency_ms = -2", "network.link[0].latency_ms", "not -2"),
        ("from = 0, to = 1, one_way = 1, loss = 1", "network.link[0].one_way", "true or false"),
    ],
)
def test_refuses_links(entry: str, key: str, hint: str, tmp_path: Path) -> None:
    path = file(tmp_path, f"network.link = [{{ {entry} }}]")
    message = refusal(Scenario.load, path)
    assert message.startswith(f"{path}: {key}: ")
    assert hint in message


@pytest.mark.parametrize(
    ("text", "overrides", "start", "hint"),
    [
        ("cluster.nodes = 3", ["cluster.down=[4]"], "-p: cluster.down: value [4]", "(3)"),
        ("cluster.down = [4]", ["cluster.nodes=3"], "-p: cluster.nodes: value 3", "not 4"),
        ("cluster.down = [4]\ncluster.nodes = 3", ["seed=2"], "FILE: cluster.down", "(3)"),
        ("cluster.log = [1, 2, 3, 4, 5]", ["cluster.nodes=3"], "-p: cluster.nodes", "3 in all"),
        ("cluster.quorum = 4", ["cluster.nodes=3"], "-p: cluster.nodes", "at most"),
        ("timeouts.heartbeat_ms = 200", ["scenario.kind=leader-crash"], "-p: scenario.kind",
         "heartbeat_ms (200) must be below the lowest election timeout (150)"),
        ("scenario.kind = 'leader-crash'", ["timeouts.heartbeat_ms=150"],
         "-p: timeouts.heartbeat_ms: value 150", "below the lowest"),
        ("scenario.kind = 'leader-crash'", ["timeouts.election_ms=[50, 100]"],
         "-p: timeouts.election_ms: value [50, 100]", "heartbeat_ms (50)"),
        ("timeouts.tick_ms = 100", ["timeouts.candidate_ms=[110, 190]"],
         "-p: timeouts.candidate_ms", "no whole number of ticks (100 ms)"),
        ("timeouts.tick_ms = 0.1", ["timeouts.election_ms=0.25"], "-p: timeouts.election_ms",
         "fits in election_ms, 0.25"),
        ("network.link = [{from=0, to=4, loss=1}]", ["cluster.nodes=4"], "-p: cluster.nodes",
         "below cluster.nodes (4), not 4"),
        ("stop = {on='duration', limit_ms=100}", ["seed=2"], "FILE: stop.limit_ms: value 100",
         "at least duration_ms (60000)"),
        ("stop = {on='stable', limit_ms=900}", ["stop.stable_ms=900"], "-p: stop.stable_ms",
         "above stable_ms (900)"),
        ("network = {latency_ms=1, matrix_ms='m.csv'}", [], "FILE: network.matrix_ms",
         "excludes network.latency_ms"),
        ("network.matrix_ms='m.csv'\nnetwork.matrix_rtt_ms='m.csv'", [],
         "FILE: network.matrix_rtt_ms", "excludes network.matrix_ms"),
        ("node.persist_ms=1\nnode.persist.vote=1", [], "FILE: node.persist.vote",
         "excludes node.persist_ms"),
        ("", ["node.persist_ms=1", "node.persist={vote=1}"], "-p: node.persist.vote", "excludes"),
        ("preset = 'pysyncobj'", ["node.persist_ms=4"], "-p: node.persist_ms: value 4",
         'must be 0 with persistence "none"'),
        ("node.persist.vote=4", ["node.persistence=none"], "-p: node.persistence: value",
         "persist.vote must be 0"),
        ("node={persistence='none', candidacy='overlapped'}", [], "FILE: node.candidacy",
         'needs persistence "durable"'),
        ("cluster.learners=[0, 1]", ["cluster.quorum=4"], "-p: cluster.quorum",
         "number of voters (3: cluster.nodes less the learners), not 4"),
        ("cluster.quorum=4", ["cluster.learners=[0, 1]"], "-p: cluster.learners", "not 4"),
        ("cluster.learners=[0, 1]", ["cluster.down=[2, 3, 4]"], "-p: cluster.down",
         "must vote, and be no learner"),
        ("cluster.learners=[0]", ["cluster.witnesses=[0, 1]"], "-p: cluster.witnesses",
         "0 cannot be both"),
        ("cluster.learners=[0, 1]", ["cluster.witnesses=[2, 3, 4]"], "-p: cluster.witnesses",
         "nobody could lead"),
        ("cluster.learners=[3]", ["scenario.event=[{do='transfer', at_ms=1, to=3}]"],
         "-p: scenario.event[0]", "a server that can lead, which 3 cannot"),
    ],
)  # fmt: skip
def test_rules_across_keys_name_the_highest_layer(
    text: str, overrides: list[str], start: str, hint: str, tmp_path: Path
) -> None:
    path = file(tmp_path, f"seed = 1\n{text}")
    message = refusal(Scenario.load, path, overrides)
    assert message.startswith(start.replace("FILE", str(path)))
    assert hint in message


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"", "is empty"),
        (b" \n# nothing\n", "is empty"),
        (b"\xff\xfe\x00\x01", "is not a text file"),
        (b"a = \xe9", "is not a text file"),
        (b"seed = 1\nname = \n", "line 2, column 8: is not valid TOML"),
        (b"seed = [1,\n", "line 1, column 11: is not valid TOML"),
        (b"seed = 1\nseed = 2\n", "line 2, column 9: is not valid TOML"),
        (b"seed = " + b"1" * 5000, "is not valid TOML"),
        (b"seed = " + b"[" * 100_000, "nested too deeply"),
        (b"#" * (16 * 2**20 + 1), "is over 16 MiB"),
    ],
)
def test_unusable_files(content: bytes, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    message = refusal(Scenario.load, path)
    assert message.startswith(f"{path}: ")
    assert hint in message


def test_missing_files_and_directories(tmp_path: Path) -> None:
    assert (
        refusal(Scenario.load, tmp_path / "gone.toml") == f"{tmp_path / 'gone.toml'}: no such file"
    )
    assert refusal(Scenario.load, tmp_path).startswith(f"{tmp_path}: is a directory")
    assert "cannot be read" in refusal(Scenario.load, "a\0b.toml")
    assert read_toml(file(tmp_path, "\ufeffseed = 3\r\n")) == {"seed": 3}
    path = file(tmp_path, "network.latency_ms = { ping = 'gone.txt' }")
    message = refusal(Scenario.load, path)
    assert message.startswith(f"{path}: network.latency_ms")
    assert "gone.txt: no such file" in message


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("cluster.nodes=7", "nodes", 7),
        (" cluster . nodes = 7 ", "nodes", 7),
        ("cluster.log=distinct", "log", "distinct"),
        ('cluster.log="distinct"', "log", "distinct"),
        ("cluster.log='distinct'", "log", "distinct"),
        ("cluster.log=[1,2,3,4,5]", "log", (1, 2, 3, 4, 5)),
        ("cluster={log=distinct, nodes=7}", "log", "distinct"),
        ('cluster={"log"=distinct}', "log", "distinct"),
    ],
)
def test_override_values(text: str, key: str, value: object) -> None:
    assert getattr(Scenario.from_dict({}, overrides=[text]).cluster, key) == value


@pytest.mark.parametrize(
    "text", ["foo", "=5", "seed=", "cluster..nodes=5", "cluster.nodes=[1,", "preset=paper", "",
             "seed=1\ntrials=2", 'cluster.log="equal'],
)  # fmt: skip
def test_override_without_key_or_value(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Scenario.from_dict({}, overrides=[text])
    assert str(caught.value).startswith("-p: ")
    assert "must be" in str(caught.value)


def test_one_override_is_not_a_sequence_of_them() -> None:
    with pytest.raises(TypeError):
        Scenario.from_dict({}, overrides="seed=1")


def test_import_is_light() -> None:
    code = "import sys, raftfast.scenario; print('numpy' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
