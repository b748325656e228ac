"""Comparisons as people read them: cells, marks and sentences."""

from __future__ import annotations

import pytest

from raftfast.cli import duels
from raftfast.comparing import Duel
from raftfast.comparison import Comparison


def row(metric="election_ms.mean", reference=100.0, value=90.0, ci95=(-12.0, -8.0), **others):
    known = None not in (reference, value)
    given = {
        "difference": value - reference if known else None,
        "ratio": value / reference if known and reference else None,
        "ratio_ci95": (None, None),
        "p": 0.001,
        "p_corrected": 0.002,
        "verdict": "lower",
        "more_trials": None,
        "words": "10 % faster",
    }
    return Comparison(metric, reference, value, ci95=ci95, **{**given, **others})


def sides(*rows, reference="a"):
    """A column of one metric, the rows those of sides b, c, ..."""
    made = [
        Duel(name, {}, 100, True, (one,)) for name, one in zip("bcdef", rows, strict=False)
    ]  # fmt: skip
    return duels.Sides(reference, made, lambda duel: duel.rows)


@pytest.mark.parametrize(
    ("metric", "number", "text"),
    [
        ("election_ms.p99", 3616.44, "3616.4"),
        ("messages.mean", 10.196, "10.20"),
        ("rate.multi_term", 0.1452, "14.52"),
        ("rate.multi_term", 0.000031, "0.0031"),
        ("rate.multi_term", 0.0, "0.00"),
        ("rate.availability", 0.9982, "99.82"),
        ("rate.availability", 0.999951, "99.9951"),
        ("rate.availability", 1.0, "100.00"),
        ("election_ms.p99.9", None, "-"),
    ],
)
def test_values(metric, number, text):
    assert duels.value(metric, number) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (row(), "-10.0 (-12.0 to -8.0)"),
        (row(value=8521.2, ci95=(8378.6, 8463.9)), "8421 (8379 to 8464)"),
        (row("rate.multi_term", 0.1452, 0.1202, (-0.0319, -0.0181)), "-2.50 (-3.19 to -1.81)"),
        (row(ci95=(0.0, 0.0), value=100.0), "0"),
        (row(value=None, ci95=(12.5, None)), "- (12.5 to ?)"),
    ],
)
def test_differences_have_two_digits_that_count(found, text):
    assert duels.difference(found) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "<.001"), (0.0331, ".033"), (0.17, ".17"), (1.0, "1"), (0.999, "1")]
)
def test_p_values(p, text):
    assert duels.p_value(row(p_corrected=p)) == text


def test_the_best_is_marked_and_what_may_be_as_good():
    undecided = {"verdict": "undecided"}
    assert marks(row()) == ["", "*"]
    assert marks(row(value=110.0, ci95=(8.0, 12.0), verdict="higher")) == ["*", ""]
    assert marks(row(value=99.0, ci95=(-5.0, 3.0), **undecided)) == ["", ""]
    # Of two that are better than the reference, their intervals against it tell.
    assert marks(row(), row(value=91.0, ci95=(-11.0, -7.0))) == ["", "*", "~"]
    assert marks(row(), row(value=97.0, ci95=(-5.0, -1.0))) == ["", "*", ""]
    # Whose interval is open may be anywhere.
    assert marks(row(), row(value=97.0, ci95=(None, -1.0))) == ["", "*", "~"]


def marks(*rows):
    column = [cells[0] for cells in sides(*rows).cells]
    return [text[0] if text[0] in "*~" else "" for text in column]


def test_of_availability_more_is_better():
    more = row("rate.availability", 0.98, 0.99, (0.008, 0.012), verdict="higher")
    less = row("rate.availability", 0.98, 0.97, (-0.012, -0.008))
    also = row("rate.availability", 0.98, 0.989, (0.007, 0.011), verdict="higher")
    assert marks(more, less) == ["", "*", ""]
    assert marks(more, also) == ["", "*", "~"]


def test_who_is_best_at_what():
    assert sides(row()).who() == "b is best at election_ms.mean."
    close = row(), row(value=91.0, ci95=(-11.0, -7.0))
    assert sides(*close).who() == ""


def test_a_sentence_says_what_is_settled_what_is_the_same_and_what_is_open():
    rows = [
        row(),
        row("election_ms.p99", words="3 times as long", verdict="higher"),
        row("messages.mean", words="no difference beyond 1 %", verdict="same"),
        row("rate.split_first_term", words="undecided: ...", verdict="undecided"),
        row("rate.availability", words="no difference beyond 1 %", verdict="same"),
        row("campaigns.mean", words="10 % fewer"),
    ]
    assert duels.sentence(rows) == (
        "elections 10 % faster on average; 3 times as long at p99; no difference beyond 1 % in "
        "messages.mean; undecided: rate.split_first_term"
    )


def test_details_fit_a_terminal():
    wide = [
        row("first_term_candidates.restricted_mean", 1234567.0, 2345678.0, (1.1e6, 1.2e6)),
        row("election_ms.hazard_ratio", words="at any moment 2.5 times as likely to end"),
    ]
    lines = duels.details(wide)
    assert max(map(len, lines)) <= 95
    assert " ".join(" ".join(line[-20:].split()) for line in lines[2:]).endswith("likely to end")


def test_many_columns_are_set_below_one_another():
    names = [f"{x}.mean" for x in ("campaigns", "messages", "needless_campaigns", "split_terms")]
    made = Duel("b" * 30, {}, 100, True, tuple(row(name) for name in names))
    lines = duels.Sides("a", [made], lambda duel: duel.rows).lines()
    assert max(map(len, lines)) <= 80
    assert lines.count("") == 1
    assert sum("b" * 30 in line for line in lines) == 2


def test_of_many_undecided_rows_the_first_are_named():
    rows = [row(f"x{i}", verdict="undecided", words=f"undecided {i}") for i in range(9)]
    lines = duels.undecided([("b", rows)])
    assert lines[0] == "b, x0: undecided 0"
    assert lines[-1] == "and 4 more are undecided"
    assert len(lines) == 6
