"""What a sweep's spec is refused for: one line that names the file, the key, and what is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from raftfast.axes import POINTS_MAX, parse_list, parse_range
from raftfast.errors import InputError
from raftfast.spec import Spec

NODES = "[sweep]\ncluster.nodes = [3, 5]\n"


def refusal(folder: Path, text: str, **options: Any) -> str:
    """The one line with which a spec of this text is refused, without the folder's name."""
    path = folder / "wan.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Spec.load(path, **options).validate()
    assert caught.value.exit_code == 2
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


BAD_SPECS = {
    # The spec as a whole.
    "": "wan.toml: is empty; must be a TOML file with a sweep's spec",
    "[sweep": "wan.toml: line 1, column 7: is not valid TOML",
    "seed = 1": "wan.toml: sweep: sweeps nothing; give [sweep], [[zip]], [[point]] or [sample]",
    "[sweep]": "wan.toml: sweep: sweeps nothing",
    "[cluster]\nnodes = 3": "wan.toml: cluster: unknown key; what all points have in common goes "
    "into [base]",
    "preset = 'paper'": "wan.toml: preset: unknown key; what all points have in common goes into",
    "[swep]\ncluster.nodes = [3]": "wan.toml: swep: unknown key; did you mean sweep?",
    "trial = 3": "wan.toml: trial: unknown key; did you mean trials?",
    f"trials = 0\n{NODES}": "wan.toml: trials: value 0: must be a whole number from 1",
    f"seed = -1\n{NODES}": "wan.toml: seed: value -1: must be a whole number from 0",
    f"name = 3\n{NODES}": "wan.toml: name: value 3: must be a string",
    f"common_random_numbers = 1\n{NODES}": "wan.toml: common_random_numbers: value 1: must be true "
    "or false",
    # [base]
    f"base = 3\n{NODES}": "wan.toml: base: value 3: must be a table, [base]",
    f"[base]\nseed = 3\n{NODES}": "wan.toml: base.seed: belongs at the top of the spec",
    f"[base]\npreset = 'etcd'\n{NODES}": 'wan.toml: base.preset: value "etcd": unknown preset',
    f"[base]\npreset = 3\n{NODES}": "wan.toml: base.preset: value 3: must be the name of a preset",
    f"[base]\nfile = 'no.toml'\n{NODES}": 'wan.toml: base.file: value "no.toml": no.toml: no such',
    f"[base]\nunder = 'crash'\n{NODES}": 'wan.toml: base.under: value "crash": unknown scenario',
    f"[base]\ncluster.node = 3\n{NODES}": "wan.toml: [base]: cluster.node: unknown key; did you "
    "mean cluster.nodes?",
    f"[base]\nnetwork.loss = 2\n{NODES}": "wan.toml: [base]: network.loss: value 2: must be a "
    "number between 0 and 1 (point 0: cluster.nodes = 3)",
    # [sweep] and [[zip]]
    "sweep = [3]": "wan.toml: sweep: value [3]: must be a table",
    "[sweep]\ncluster.node = [3]": "wan.toml: sweep.cluster.node: unknown key; did you mean "
    "cluster.nodes?",
    "[sweep]\ncluster = [3]": "wan.toml: sweep.cluster: is a table; name a key of it, such as "
    "cluster.nodes",
    "[sweep]\ntrials = [3, 5]": "wan.toml: sweep.trials: is the same for all points",
    "[sweep]\ncluster.nodes = 3": "wan.toml: sweep.cluster.nodes: value 3: must be a list of",
    "[sweep]\ncluster.nodes = []": "wan.toml: sweep.cluster.nodes: value []: must hold at least",
    "[sweep]\ncluster.nodes = [3, 5, 3]": "wan.toml: sweep.cluster.nodes: gives 3 twice",
    "[sweep]\ncluster.nodes = { log = [3, 5], num = 9 }": "wan.toml: sweep.cluster.nodes: gives 3",
    "[sweep]\ncluster.nodes = { start = 3, stop = 9 }": "wan.toml: sweep.cluster.nodes: value",
    "[sweep]\nnetwork.loss = { start = 0, stop = 1, step = 0 }": "wan.toml: sweep.network.loss: "
    "value {",
    "[sweep]\ncluster.nodes = [3]\n'cluster.nodes' = [5]": "wan.toml: sweep.cluster.nodes: stands "
    "twice",
    f"{NODES}[[zip]]\ncluster.nodes = [3, 5]": "wan.toml: cluster.nodes: is swept twice",
    f"{NODES}[zip]\nnetwork.loss = [0]": "wan.toml: zip: value",
    f"{NODES}[[zip]]": "wan.toml: zip[0]: names no key",
    "[[zip]]\nnode.process_ms = [0, 1]\nnode.persist_ms = [0]": "wan.toml: zip[0]: keys that vary "
    "together must have equally many values, not node.process_ms 2, node.persist_ms 1",
    "[[zip]]\nnode.process_ms = [0, 1]\nnode.process = [0, 1]": "wan.toml: zip[0].node.process: "
    "unknown key",
    # [[exclude]]
    f"{NODES}[[exclude]]\nnetwork.loss = 0": "wan.toml: exclude[0].network.loss: is not swept; "
    "swept are cluster.nodes",
    f"{NODES}[[exclude]]\ncluster.nodes = 7": "wan.toml: exclude[0].cluster.nodes: value 7: no "
    "point has it; swept are 3, 5",
    f"{NODES}[[exclude]]": "wan.toml: exclude[0]: names no key",
    f"{NODES}[[exclude]]\ncluster.nodes = 3\n[[exclude]]\ncluster.nodes = 5": "wan.toml: exclude: "
    "leaves no point of the grid",
    "[[zip]]\nnode.process_ms = [0, 1]\nnode.persist_ms = [0, 1]\n[[exclude]]\n"
    "node.process_ms = 0\nnode.persist_ms = 1": "wan.toml: exclude[0]: value {",
    # [[point]] and [sample]
    "point = 3": "wan.toml: point: value 3: must be a list of tables, [[point]]",
    "[[point]]": "wan.toml: point[0]: sets no key",
    "[[point]]\nname = 3\ncluster.nodes = 3": "wan.toml: point[0].name: value 3: must be a string",
    "[[point]]\ncluster.nods = 3": "wan.toml: point[0].cluster.nods: unknown key",
    "[sample]\npoints = 3": "wan.toml: sample.keys: is missing",
    # [adaptive]
    f"[adaptive]\nmetrics = 3\n{NODES}": "wan.toml: adaptive.metrics: unknown key; did you mean "
    "metric?",
    f"[adaptive]\nmetric = 'election_ms.p95'\n{NODES}": "wan.toml: adaptive.metric: value "
    '"election_ms.p95": must be COLUMN.mean',
    f"[adaptive]\nprecision = 0\n{NODES}": "wan.toml: adaptive.precision: value 0: must be a "
    "number above 0",
    f"[adaptive]\n{NODES}": "wan.toml: adaptive.max_trials: is missing",
    f"trials = 5\n[adaptive]\nmax_trials = 4\n{NODES}": "wan.toml: adaptive.max_trials: value 4: "
    "must be at least trials (5)",
    f"[adaptive]\nmetric = 'rate.availability'\nmax_trials = 20_000\n{NODES}": "wan.toml: "
    'adaptive.metric: value "rate.availability": has a value only with stop.on = "duration", not '
    '"leader" (point 0: cluster.nodes = 3)',
    # Values, and values together.
    "[sweep]\nnetwork.loss = [0, 0.5, 1.5]": "wan.toml: network.loss: value 1.5: must be a number "
    "between 0 and 1 (point 2: network.loss = 1.5)",
    "[sweep]\ncluster.nodes = { start = 3, stop = 4, step = 0.5 }": "wan.toml: cluster.nodes: "
    "value 3.5: must be a whole number from 1 to 1023 (point 1: cluster.nodes = 3.5)",
    "[sweep]\ncluster.nodes = [3, 5]\ncluster.down = [[4]]": "wan.toml: cluster.down: value [4]: "
    "down must hold ids below cluster.nodes (3), not 4 (point 0: cluster.nodes = 3, cluster.down "
    "= [4])",
    "[sweep]\npreset = ['paper', 'papers']": 'wan.toml: preset: value "papers": unknown preset',
    "[sweep]\npreset = [1]": "wan.toml: preset: value 1: must be the name of a preset, a string",
    "[sweep]\nnetwork.latency_ms = [1, { samples = 'no.csv' }]": "wan.toml: "
    "network.latency_ms.samples: no.csv: no such file (point 1: ",
    "[sweep]\nnetwork.latency_ms = [1]\nnetwork.matrix_ms = ['a.csv']": "wan.toml: "
    'network.matrix_ms: value "a.csv": excludes network.latency_ms; give one of the two (point 0',
    "[base]\nunder = 'bridge'\n[sweep]\ncluster.nodes = [3, 2]": 'wan.toml: under: value "bridge": '
    "needs cluster.nodes of 3 or more, not 2 (point 1: cluster.nodes = 2)",
    "[[point]]\ncluster.nodes = 3\n[[point]]\nname = 'none'\ncluster.nodes = 0": "wan.toml: "
    'cluster.nodes: value 0: must be a whole number from 1 to 1023 (point 1 "none": cluster.nodes '
    "= 0)",
    "[base]\nscenario.kind = 'leader-crash'\n[sweep]\ntimeouts.heartbeat_ms = [50, 150]": "wan.toml"
    ": timeouts.heartbeat_ms: value 150: heartbeat_ms (150) must be below the lowest election "
    "timeout (150) where a leader is in office at first (point 1: timeouts.heartbeat_ms = 150)",
    f"[sweep]\nseed = {{ start = 0, stop = {POINTS_MAX}, step = 1 }}": "wan.toml: sweep.seed: val",
    "[sweep]\nseed = { start = 1, stop = 4000, step = 1 }\nnetwork.loss = { start = 0, stop = 1, "
    "num = 4000 }": "wan.toml: sweep: 4,000 x 4,000 combinations are 16,000,000 points; at most "
    "10,000,000",
}


@pytest.mark.parametrize(("text", "message"), BAD_SPECS.items(), ids=range(len(BAD_SPECS)))
def test_a_bad_spec_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"overrides": ["cluster.nodes=7"]},
            "-p: cluster.nodes: value 7: the key varies in wan",
        ),
        ({"overrides": ["cluster.node=7"]}, "-p: cluster.node: unknown key"),
        ({"overrides": ["network.loss=7"]}, "-p: network.loss: value 7: must be a number between"),
        ({"overrides": ["trials=0"]}, "-p: trials: value 0: must be a whole number"),
        ({"axes": [parse_list("node.process_ms=1,2")]}, "-L: node.process_ms: varies with other"),
        (
            {"axes": [parse_list("network.loss=1,2")]},
            "-L: network.loss: value 2: must be a number between 0 and 1 (point 1 of wan.toml: ",
        ),
        (
            {"axes": [parse_list("network.loss=0,1"), parse_range("network.loss=0..1")]},
            "-P: network.loss: is swept twice",
        ),
        (
            {"axes": [parse_list("cluster.nodes=0,3")]},
            "-L: cluster.nodes: value 0: must be a whole number from 1 to 1023 (point 0 of wan.t",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    text = f"{NODES}[[zip]]\nnode.process_ms = [0, 1]\nnode.persist_ms = [0, 1]\n"
    if "overrides" not in options:
        text += "[[exclude]]\ncluster.nodes = 5\n"
    assert refusal(tmp_path, text, **options).startswith(message)


def test_a_preset_excludes_a_file_that_begins_with_one(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("preset = 'paper'")
    text = "[base]\nfile = 'base.toml'\n[sweep]\npreset = ['etcd-3.4']"
    message = refusal(tmp_path, text)
    assert message.startswith('wan.toml: preset: value "etcd-3.4": "base.toml" begins with preset')
    assert "(point 0: preset = " in message


def test_tables_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="value 3: must be a table"):
        Spec.from_dict(3)  # type: ignore[arg-type]


def test_many_values_are_cut_in_an_error() -> None:
    down = list(range(200))
    spec = Spec.from_dict({"sweep": {"cluster.down": [down], "cluster.log": [down]}})
    with pytest.raises(InputError) as caught:
        spec.validate()
    assert len(str(caught.value)) < 400
