"""Lists, ranges and zips of a sweep, and the axes that the command line gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raftfast.axes import POINTS_MAX, canonical, expand, parse_list, parse_range, read_axes
from raftfast.errors import InputError


def values(key: str, written: Any) -> list[Any]:
    """What a list or a range stands for."""
    return expand(key, written, key, "wan.toml")


def refusal(call: Any, *args: Any) -> str:
    """The one line with which a call refuses its input."""
    with pytest.raises(InputError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"start": 0.0, "stop": 0.2, "step": 0.05}, [0.0, 0.05, 0.1, 0.15, 0.2]),
        ({"start": -0.3, "stop": 0.3, "step": 0.1}, [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]),
        ({"start": 0.3, "stop": 0.1, "step": -0.1}, [0.3, 0.2, 0.1]),
        ({"start": 3, "stop": 9, "step": 2}, [3, 5, 7, 9]),
        ({"start": 1, "stop": 10, "step": 4}, [1, 5, 9]),
        ({"start": 7, "stop": 7, "step": 1}, [7]),
        ({"start": 0, "stop": 1, "num": 4}, [0, 0.333333333333, 0.666666666667, 1]),
        ({"start": 1, "stop": 0, "num": 3}, [1, 0.5, 0]),
        ({"log": [10, 1000], "num": 3}, [10, 100, 1000]),
        ({"log": [10, 100], "num": 5}, [10, 17.7827941004, 31.6227766017, 56.234132519, 100]),
        ([0.1, 7, 3], [0.1, 7, 3]),
    ],
)
def test_ranges_are_start_and_steps_to_twelve_digits(written: Any, expected: list[Any]) -> None:
    assert values("node.drift_ppm", written) == expected


def test_whole_numbers_stay_whole() -> None:
    stepped = values("cluster.nodes", {"start": 3, "stop": 9, "step": 2})
    log = values("cluster.nodes", {"log": [3, 101], "num": 5})
    assert log == [3, 7, 17, 42, 101]
    assert {type(value) for value in stepped + log} == {int}
    from_floats = values("cluster.nodes", {"start": 3.0, "stop": 9.0, "step": 2})
    assert [type(value) for value in from_floats] == [int] * 4
    seeds = values("seed", {"start": 2**60 + 1, "stop": 2**60 + 3, "step": 1})
    assert seeds == [2**60 + 1, 2**60 + 2, 2**60 + 3]


@settings(deadline=None)
@given(
    start=st.integers(-1000, 1000),
    count=st.integers(1, 60),
    step=st.integers(1, 500),
    digits=st.integers(0, 6),
)
def test_a_range_ends_where_it_says(start: int, count: int, step: int, digits: int) -> None:
    scale = 10**digits
    stop = (start + (count - 1) * step) / scale
    got = values("node.drift_ppm", {"start": start / scale, "stop": stop, "step": step / scale})
    # Decimal steps give the floats one would write down.
    assert got == [(start + i * step) / scale for i in range(count)]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (7, "must be a list of values"),
        ([], "at least one value"),
        ({"uniform": [1, 5]}, "must be a list of values"),
        ({"start": 0, "stop": 1}, "must be a list of values"),
        ({"start": 0, "stop": 1, "step": 1, "num": 2}, "must be a list of values"),
        ({"start": 0, "stop": 1, "step": 0}, "step must be a number other than 0"),
        ({"start": 0, "stop": 1, "step": -1}, "leads away from stop"),
        ({"start": 0, "stop": 1, "step": "1"}, "step must be"),
        ({"start": "0", "stop": 1, "step": 1}, "the two ends must be numbers"),
        ({"start": 0, "stop": float("nan"), "step": 1}, "the two ends must be numbers"),
        ({"start": 0, "stop": 1, "num": 1}, "num must be a whole number from 2"),
        ({"start": 0, "stop": 1, "num": 2.0}, "num must be a whole number"),
        ({"start": 1, "stop": 1, "num": 3}, "the two ends must differ"),
        ({"log": [0, 1], "num": 3}, "above 0"),
        ({"log": [1], "num": 3}, "the two ends must be numbers"),
        ({"start": 0, "stop": 1e9, "step": 1e-6}, f"at most {POINTS_MAX:,} points"),
    ],
)
def test_what_is_no_range_is_refused(written: Any, reason: str) -> None:
    message = refusal(values, "network.loss", written)
    assert message.startswith("wan.toml: network.loss: ")
    assert reason in message


def test_zips_are_axes_after_those_of_sweep() -> None:
    axes = read_axes(
        {"seed": [1], "cluster": {"nodes": [3, 5]}},
        [{"node.process_ms": [0, 1], "node": {"persist_ms": [0, 5]}}, {"network.loss": [0, 0.1]}],
        None,
    )
    assert [axis.keys for axis in axes] == [
        ("seed",),
        ("cluster.nodes",),
        ("node.process_ms", "node.persist_ms"),
        ("network.loss",),
    ]
    assert axes[2].values(1) == {"node.process_ms": 1, "node.persist_ms": 5}


def test_a_zip_may_say_a_value_twice_but_not_a_whole_position() -> None:
    (axis,) = read_axes({}, [{"cluster.nodes": [3, 3], "network.loss": [0, 0.1]}], None)
    assert len(axis) == 2
    both = [{"cluster.nodes": [3, 5, 3], "network.loss": [0, 0.1, 0.0]}]
    assert "zip[0]: gives [3, 0.0] twice" in refusal(read_axes, {}, both, None)


def test_an_option_gives_a_range() -> None:
    axis = parse_range("cluster.nodes=1..10:2")
    assert (axis.keys, list(axis.columns[0])) == (("cluster.nodes",), [1, 3, 5, 7, 9])
    assert list(parse_range(" network.loss = 0..0.15:.05").columns[0]) == [0, 0.05, 0.1, 0.15]
    assert list(parse_range("network.loss=0.0..1").columns[0]) == [0.0, 1.0]
    assert list(parse_range("timeouts.heartbeat_ms=1e2..1_00:5").columns[0]) == [100]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cluster.nodes=3,5,7", [3, 5, 7]),
        ("timeouts.election_ms=[150,300],[300,600]", [[150, 300], [300, 600]]),
        ("preset=etcd-3.4, consul", ["etcd-3.4", "consul"]),
        ("network.loss=.1,1e-3", [0.1, 0.001]),
        ("protocol.check_quorum=true,false", [True, False]),
        ("network.latency_ms={uniform=[1,5]},5", [{"uniform": [1, 5]}, 5]),
        ("timeouts.timer='keep',\"redraw\"", ["keep", "redraw"]),
        ("stop.on=leader", ["leader"]),
    ],
)
def test_an_option_gives_a_list(text: str, expected: list[Any]) -> None:
    assert list(parse_list(text).columns[0]) == expected


def test_files_of_an_option_are_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    laws = parse_list("network.latency_ms={samples=a.csv},{mixture=[[1,{ping=b.txt}]]}")
    assert list(laws.columns[0]) == [
        {"samples": str(tmp_path / "a.csv")},
        {"mixture": [[1, {"ping": str(tmp_path / "b.txt")}]]},
    ]
    assert list(parse_list("file=a.toml").columns[0]) == [str(tmp_path / "a.toml")]
    assert list(parse_list("network.matrix_ms=m.csv").columns[0]) == [str(tmp_path / "m.csv")]


@pytest.mark.parametrize(
    ("call", "text", "message"),
    [
        (parse_range, "cluster.nodes", '-P: cluster.nodes: value "cluster.nodes": must be KEY='),
        (parse_range, "=1..2", '-P: value "=1..2": must be KEY=VALUES'),
        (parse_range, "cluster.nodes=3", '-P: cluster.nodes: value "3": must be START..STOP'),
        (parse_range, "cluster.nodes=3..x", "must be START..STOP"),
        (parse_range, "cluster.nodes=3..9:0", "step must be a number other than 0"),
        (parse_range, "cluster.nodes=9..3", "step leads away from stop"),
        (parse_range, "cluster.node=3..9", "-P: cluster.node: unknown key; did you mean cluster.n"),
        (parse_range, "trials=3..9", "-P: trials: is the same for all points"),
        (parse_list, "cluster=3,5", "-L: cluster: is a table; name a key of it"),
        (parse_list, "cluster.nodes=3,,5", '-L: cluster.nodes: value "3,,5": must be values'),
        (parse_list, "cluster.nodes=", "must be KEY=VALUES"),
        (parse_list, "cluster.nodes=3,5,3.0", "-L: cluster.nodes: gives 3 twice"),
        (parse_list, "timeouts.election_ms=[150,300", "must be a TOML value"),
    ],
)
def test_what_is_no_axis_is_refused(call: Any, text: str, message: str) -> None:
    assert message in refusal(call, text)


def test_equal_values_have_one_canonical_text() -> None:
    assert canonical({"b": [1.0, True], "a": "x"}) == '{"a":"x","b":[1,true]}'
    assert canonical(0.1) != canonical(0.1000000001)
    assert canonical("1") != canonical(1)
