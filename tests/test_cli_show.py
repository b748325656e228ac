"""How the command line writes numbers, bars, commands and progress."""

from __future__ import annotations

import math
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftfast.cli import progress, show

WORDS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\n\0")), min_size=1, max_size=12
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.00531, "5.31 ms"),
        (0.4, "400 ms"),
        (0.9999, "1 s"),
        (1.26, "1.3 s"),
        (9.51, "9.5 s"),
        (12.4, "12 s"),
        (60, "60 s"),
        (125, "2 min 5 s"),
        (180, "3 min"),
        (3600 * 3 + 12 * 60, "3 h 12 min"),
        (1e6, "277 h 46 min"),
    ],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert show.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(833_777, "834,000"), (999.6, "1,000"), (99.96, "100"), (1.234, "1.23")]
)
def test_amounts_keep_three_digits(value: float, text: str) -> None:
    assert show.amount(value) == text


@pytest.mark.parametrize(
    ("intervals", "places"),
    [
        ([], 1),
        ([None, [None, 5.0]], 1),
        ([[2.0, 2.0]], 1),
        ([[100.0, 300.0]], 1),
        ([[182.0, 182.8]], 1),
        ([[182.40, 182.48], [1.0, 9.0]], 2),
        ([[0.0, 1e-12]], 6),
    ],
)
def test_decimals_suit_the_narrowest_interval(intervals: list[Any], places: int) -> None:
    assert show.decimals(intervals) == places


@given(st.floats(0, 1e9), st.floats(1e-6, 1e3))
def test_an_interval_as_shown_has_a_width(low: float, width: float) -> None:
    high = low + width
    first, _, last = show.between([low, high], show.decimals([[low, high]])).partition(" to ")
    assert high == low or high - low < 1e-5 or first != last


@given(st.lists(st.none() | st.just(0.0) | st.floats(1e-6, 1e9), min_size=1), st.integers(0, 6))
def test_numbers_fit_and_are_true(values: list[float | None], places: int) -> None:
    texts = show.numbers(values, places, 8)
    assert all(len(text) <= 8 for text in texts)
    for value, text in zip(values, texts, strict=True):
        assert (text == "-") == (value is None)
        if value is not None:
            assert float(text) == pytest.approx(value, rel=0.005, abs=0.5)


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        ({"value": 0.0421, "ci95": [0.0383, 0.0462]}, ("4.21 %", "3.83 to 4.62 %")),
        ({"value": 0.0, "ci95": [0.0, 3.8e-6]}, ("0.0000 %", "0.0000 to 0.0004 %")),
        ({"value": 1.0, "ci95": [0.9, 1.0]}, ("100.00 %", "90.00 to 100.00 %")),
        ({"value": None, "ci95": None}, ("-", "")),
    ],
)
def test_rates_are_percentages(rate: dict[str, Any], shown: tuple[str, str]) -> None:
    assert show.percent(rate) == shown


def test_an_unknown_end_is_a_question_mark() -> None:
    assert show.between([12.5, None], 1) == "12.5 to ?"
    assert show.between(None, 1) == ""


@given(WORDS)
def test_a_command_can_be_pasted(words: list[str]) -> None:
    lines = show.shell(words)
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == words


def test_a_command_breaks_between_options_and_within_80_columns() -> None:
    words = ["raftfast", "run", *["-p", "network.loss=0.1234"] * 9, "-n", "10000", "-s", "1"]
    lines = show.shell(words)
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert not any(line.removesuffix(" \\").endswith("-p") for line in lines)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_bars_are_as_long_as_their_counts(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def __init__(self) -> None:
            self.encoding = encoding

    monkeypatch.setattr("sys.stdout", Stream())
    lines = show.bars([0.0, 1.0, 2.0, 3.0, math.inf], [800_000, 400_000, 0, 1])
    full = "#" if encoding == "ascii" else "█"
    lengths = [line.count(full) for line in lines]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=1)
    assert lengths[2] == 0
    assert set(lines[3]) & set("#▏")
    assert [line.split()[-2] for line in lines] == ["66.67", "33.33", "0.00", "<0.01"]
    assert lines[3].split()[:2] == ["over", "3.0"]
    assert max(map(len, lines)) <= show.WIDTH


@pytest.mark.parametrize("text", ["a|b", "*x*", "<b>", r"back\slash", "[link](x)"])
def test_markdown_escapes_what_it_would_read(text: str) -> None:
    escaped = show.escape(text)
    assert escaped.replace("\\", "") == text.replace("\\", "")
    assert escaped != text


# Progress.


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_status_tells_rate_and_time_left() -> None:
    assert progress.status(250, 1000, 0.5) == "250 of 1,000 trials (25 %), 500/s, 1.5 s left"
    assert progress.status(0, 1000, 3) == "0 of 1,000 trials (0 %)"


@pytest.mark.parametrize("closing", [False, True])
def test_lines_come_every_five_seconds(closing: bool, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = progress.Lines(1000, closing, clock)
    for _ in range(23):
        clock.now += 0.5
        lines(int(10 * (clock.now - 100)), 1000)
    lines.close(finished=True)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "raftfast: 50 of 1,000 trials (5 %), 10/s, 95 s left",
        "raftfast: 100 of 1,000 trials (10 %), 10/s, 90 s left",
        "raftfast: 1,000 trials in 12 s, 87/s",
    ]


def test_what_there_is_to_do_may_grow(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = progress.Lines(1000, closing=True, clock=clock)
    lines(1000, 1000)
    clock.now += 2
    lines(1500, 2000)
    lines.close(finished=True)
    assert capsys.readouterr().err == "raftfast: 2,000 trials in 2 s, 1,000/s\n"


@pytest.mark.parametrize(
    ("mode", "raises", "said"),
    [
        ("auto", False, 0),
        ("plain", False, 1),
        ("bar", False, 1),
        ("none", False, 0),
        ("plain", True, 0),
    ],
)
def test_the_last_line(
    mode: str, raises: bool, said: int, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        with progress.reporting(mode, 10) as report:
            assert (report is None) == (mode == "none")
            if report is not None:
                report(10, 10)
            if raises:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert len(capsys.readouterr().err.splitlines()) == said
