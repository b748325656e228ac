"""Laws of latency and files of samples: what is accepted, what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftfast.distributions import Distribution, parse
from raftfast.errors import InputError

KEY = "network.latency_ms"


def law(spec: object, folder: Path = Path()) -> Distribution:
    return parse(spec, key=KEY, folder=folder, source="wan.toml")


def put(folder: Path, text: str | bytes, name: str = "data") -> str:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def refusal(spec: object, folder: Path = Path()) -> InputError:
    with pytest.raises(InputError) as caught:
        law(spec, folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("wan.toml: network.latency_ms")
    return caught.value


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (5, Distribution("constant", (5.0,))),
        (0.25, Distribution("constant", (0.25,))),
        ({"constant": 2}, Distribution("constant", (2.0,))),
        ({"uniform": [1, 5]}, Distribution("uniform", (1.0, 5.0))),
        ({"uniform": [5, 5], "plus": 3}, Distribution("uniform", (5.0, 5.0), plus_ms=3.0)),
        ({"normal": [10, 2]}, Distribution("normal", (10.0, 2.0))),
        ({"normal": [-1, 2], "below": "clamp"}, Distribution("normal", (-1, 2), below="clamp")),
        ({"normal": [0, 0]}, Distribution("normal", (0.0, 0.0))),
        ({"normal": [-9, 0], "below": "clamp"}, Distribution("normal", (-9, 0), below="clamp")),
        ({"exponential": 0}, Distribution("exponential", (0.0,))),
        ({"lognormal": (40, 0.3)}, Distribution("lognormal", (40.0, 0.3))),
        (
            {"mixture": [[0.3333333333, 1], [0.6666666666, 2]]},
            Distribution(
                "mixture",
                (0.3333333333, 0.6666666666),
                components=(Distribution("constant", (1.0,)), Distribution("constant", (2.0,))),
            ),
        ),
        ({"pareto": [1, 1.5]}, Distribution("pareto", (1.0, 1.5))),
    ],
)
def test_laws(spec: object, expected: Distribution) -> None:
    assert law(spec) == expected


def test_negative_zero_is_zero() -> None:
    assert str(law(-0.0).parameters[0]) == "0.0"


def test_mixture_nests_and_keeps_each_component_as_written(tmp_path: Path) -> None:
    reply = "64 bytes from 1.1.1.1: seq=%d ttl=55 time=12.345 ms\n"
    (tmp_path / "ping.txt").write_text(reply % 0 + reply % 2)
    inner = {"mixture": [[0.5, 1], [0.5, {"normal": [9, 1], "below": "clamp"}]], "plus": 2}
    ping = {"ping": "ping.txt"}
    mixed = law({"mixture": [[0.9, inner], [0.1, ping]], "plus": 1}, tmp_path)
    assert (mixed.law, mixed.parameters, mixed.plus_ms) == ("mixture", (0.9, 0.1), 1.0)
    first, second = mixed.components
    assert (first.law, first.plus_ms) == ("mixture", 2.0)
    assert first.components[1] == Distribution("normal", (9.0, 1.0), below="clamp")
    assert second.answered == pytest.approx(2 / 3)
    assert mixed.answered is None


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=50))
def test_weights_normalised_in_floating_point_are_accepted(shares: list[int]) -> None:
    total = sum(shares)
    mixed = law({"mixture": [[share / total, share] for share in shares]})
    assert [part.parameters for part in mixed.components] == [(float(s),) for s in shares]


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_uniform_wants_its_ends_in_order(low: float, high: float) -> None:
    if low <= high:
        assert law({"uniform": [low, high]}).parameters == (low, high)
    else:
        refusal({"uniform": [low, high]})


@pytest.mark.parametrize(
    ("spec", "key", "says"),
    [
        ("5", "", "is not a distribution"),
        (True, "", "is not a distribution"),
        (None, "", "is not a distribution"),
        ([1, 5], "", "{ uniform = [1, 5] }"),
        (-1, "", "value must be from 0 to 1e+09, not -1"),
        (float("nan"), "", "not nan"),
        (float("inf"), "", "not inf"),
        ({"constant": 10**400}, ".constant", "not 1000"),
        ({"constant": 10**5000}, ".constant", "not a number of thousands of digits"),
        (1_000_000_001, "", "not 1000000001"),
        ({}, "", "names no law"),
        ({"plus": 3}, "", "names no law"),
        ({"unifrom": [1, 5]}, "", "unknown law 'unifrom'; did you mean 'uniform'?"),
        ({"exp": 5}, "", "unknown law 'exp'; did you mean 'exponential'?"),
        ({"weibull": [1, 5]}, "", "unknown law 'weibull'; Laws: constant,"),
        ({"uniform": [1, 5], "pluss": 1}, "", "unknown option 'pluss'; did you mean 'plus'?"),
        ({"uniform": [1, 5], "normal": [1, 5]}, "", "not uniform and normal"),
        ({"uniform": [5, 1]}, ".uniform", "low 5 is above high 1"),
        ({"uniform": [1]}, ".uniform", "want two numbers, [low, high]"),
        ({"uniform": 5}, ".uniform", "want two numbers, [low, high], not 5"),
        ({"uniform": [-1, 5]}, ".uniform", "low must be from 0"),
        ({"uniform": ["1", 5]}, ".uniform", "low must be a number, not '1'"),
        ({"normal": [5, -1]}, ".normal", "sigma must be from 0"),
        ({"normal": [5, float("nan")]}, ".normal", "sigma must be from 0"),
        ({"normal": [-4.76, 1]}, ".normal", "below = 'clamp'"),
        ({"normal": [-1, 0]}, ".normal", "below = 'clamp'"),
        ({"exponential": -2}, ".exponential", "mean must be from 0"),
        ({"exponential": [2]}, ".exponential", "mean must be a number, not [2]"),
        ({"lognormal": [0, 1]}, ".lognormal", "median must be above 0"),
        ({"lognormal": [1, -1]}, ".lognormal", "sigma must be from 0"),
        ({"pareto": [0, 1]}, ".pareto", "scale must be above 0"),
        ({"pareto": [1, 0]}, ".pareto", "shape must be above 0"),
        ({"uniform": [1, 5], "plus": -1}, ".plus", "base must be from 0"),
        ({"uniform": [1, 5], "plus": False}, ".plus", "base must be a number"),
        ({"uniform": [1, 1e9], "plus": 1}, "", "adds up to 1e+09 ms"),
        ({"uniform": [1, 5], "below": "clamp"}, ".below", "goes with a normal"),
        ({"mixture": [[1, 5]], "below": "clamp"}, ".below", "goes with a normal"),
        ({"normal": [1, 5], "below": "zero"}, ".below", "want 'redraw' or 'clamp', not 'zero'"),
        ({"normal": [1, 5], "below": 0}, ".below", "want 'redraw' or 'clamp', not 0"),
        ({"mixture": []}, ".mixture", "want [[weight, distribution], ...]"),
        ({"mixture": {"a": 1}}, ".mixture", "want [[weight, distribution], ...]"),
        ({"mixture": [[0.5, 1], [0.4, 2]]}, ".mixture", "weights must sum to 1, not 0.9"),
        ({"mixture": [[0.5, 1], [0.499999998, 2]]}, ".mixture", "not 0.999999998"),
        ({"mixture": [[1, 2, 3]]}, ".mixture[0]", "want [weight, distribution]"),
        ({"mixture": [[2, 1], [-1, 2]]}, ".mixture[0]", "weight must be from 0 to 1, not 2"),
        ({"mixture": [[0.5, 1], [0.5, {"normal": [1]}]]}, ".mixture[1].normal", "[mean, sigma]"),
        ({"mixture": [[0.5, 1], [0.5, -2]]}, ".mixture[1]", "value must be from 0"),
        ({"samples": 5}, ".samples", "name of a file in quotes, not 5"),
        ({"ping": ""}, ".ping", "name of a file in quotes, not ''"),
        ({"samples": "a\0b"}, ".samples", "no usable file name"),
        ({"samples": "~nobody-at-all/x"}, ".samples", "~nobody-at-all/x: is no usable file name"),
    ],
)
def test_bad_laws_are_refused(spec: object, key: str, says: str) -> None:
    error = refusal(spec)
    assert error.key == KEY + key
    assert says in error.problem


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(
            st.sampled_from(["uniform", "normal", "pareto", "mixture", "samples", "plus", "below"]),
            part,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JUNK)
def test_junk_is_a_law_or_refused_in_one_line(spec: object) -> None:
    try:
        read = law(spec, Path("/nonexistent"))
    except InputError as error:
        assert "\n" not in str(error) and (error.key or "").startswith(KEY)
    else:
        assert isinstance(spec, int | float | dict) and read.law != "samples"


def test_a_redraw_is_refused_where_one_draw_in_a_million_would_do() -> None:
    # The normal's upper tail is 1e-6 at 4.7534 standard deviations.
    assert law({"normal": [-4.75, 1]}).parameters == (-4.75, 1.0)
    refusal({"normal": [-4.76, 1]})
    assert law({"normal": [-4.76, 1], "below": "clamp"}).below == "clamp"


def test_a_mixture_that_holds_itself_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["mixture"] = [[1.0, endless]]
    assert "nested" in refusal(endless).problem


@pytest.mark.parametrize("key", ["samples", "ping"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        (b" \n\r\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff", "is not a text file"),
        (b"1\x002\n", "is a binary file"),
        (b"\xff\xfe1", "is not a text file"),
        (b"# measured on Monday\n", "holds"),
    ],
)
def test_unusable_files_are_named(
    tmp_path: Path, key: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        put(tmp_path, content)
    error = refusal({key: "data"}, tmp_path)
    assert error.key == f"{KEY}.{key}"
    assert error.problem.startswith(f"{tmp_path / 'data'}: ") and says in error.problem


def test_directories_pipes_large_and_forbidden_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "large").open("wb") as sparse:
        sparse.truncate(2**26 + 1)
    assert "large: is over 64 MiB" in refusal({"ping": "large"}, tmp_path).problem
    put(tmp_path, "1,".ljust(200_000, "2"))
    assert "data line 1: is not CSV" in refusal({"samples": "data"}, tmp_path).problem
    assert "is a directory" in refusal({"ping": "."}, tmp_path).problem
    assert "not a regular file" in refusal({"ping": "/dev/null"}).problem
    put(tmp_path, "1\n")
    assert "cannot be read" in refusal({"samples": "data/x"}, tmp_path).problem
    with monkeypatch.context() as patched:  # The tests may run as root, whom no mode forbids.
        patched.setattr(Path, "read_bytes", lambda self: (_ for _ in ()).throw(PermissionError(13)))
        assert f"{tmp_path}/data: cannot be read" in refusal({"samples": "data"}, tmp_path).problem


def test_a_home_directory_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path, "3\n", "delays.csv")
    assert law({"samples": "~/delays.csv"}).values_ms == (3.0,)


@pytest.mark.parametrize(
    "text",
    [
        "3\n1.5\n0\n",
        "one-way delay\n3\n1.5\n0",
        "# of Monday\n\n3 # slow\n  1.5\r\n\n0e0\n",
        '"delay_ms"\n"3"\n"1.5"\n"0"\n',
        "at,ONE_WAY_MS\n10:00,3\n10:01, 1.5\n10:02,0\n",
        "latency_ms;rtt\n3;6\n1.5;3\n0;0\n",
        "host\tlatency_ms\nb\t3\n\t1.5\nc\t0\n",
        "\ufeff3\n1.5\n.0\n",
    ],
)
def test_samples_keep_the_order_of_the_file(tmp_path: Path, text: str) -> None:
    read = law({"samples": put(tmp_path, text), "plus": 1}, tmp_path)
    assert read == Distribution("samples", (), plus_ms=1.0, values_ms=(3.0, 1.5, 0.0))


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_samples_come_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    name = put(folder, "latency_ms\n" + "".join(f"{value!r}\n" for value in values))
    assert law({"samples": name}, folder).values_ms == tuple(values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("delay\n1\nfast\n", "data line 3: 'fast' is not a number"),
        ("1\n\n-2\n", "data line 3: -2 is not from 0"),
        ("nan\n1\n", "data line 1: 'nan' is not a number"),
        ("1\ninf\n", "data line 2: 'inf' is not a number"),
        ("1e10\n", "data line 1: 1e10 is not from 0 to 1e+09 ms"),
        ("1_000\n", "data line 1: '1_000' is not a number"),
        ("\u0663\n", "data line 1: '\u0663' is not a number"),
        ("12.5ms\n", "data line 1: '12.5ms' is not a number"),
        ("1 2\n", "data line 1: '1 2' is not a number"),
        ("12,5\n", "data line 1: has 2 columns; want one, or a heading"),
        ("delay\n", "data: holds a heading and no samples"),
        ("a,b\n1,2\n", "data line 1: no column is called one_way_ms or latency_ms: a, b"),
        ("one_way_ms,latency_ms\n1,2\n", "data line 1: want one column"),
        ("a,latency_ms\n1,2\n1\n", "data line 3: want 2 column(s), found 1"),
        ("a,latency_ms\n1,\n", "data line 2: a latency is missing"),
        ("rtt_ms\n2\n", "data line 1: 'rtt_ms' does not sound like one-way ms"),
        ("latency_us\n2\n", "'latency_us' does not sound like one-way ms"),
    ],
)
def test_bad_samples_are_named_by_line(tmp_path: Path, text: str, says: str) -> None:
    error = refusal({"samples": put(tmp_path, text)}, tmp_path)
    assert error.key == f"{KEY}.samples"
    assert says in error.problem
