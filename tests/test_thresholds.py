"""Thresholds: what they say, what is refused, and when one is breached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raftfast.errors import InputError
from raftfast.gate import BREACHED, OK, UNDECIDED, Evidence, judge, more_trials, widening
from raftfast.thresholds import DEFAULTS, Threshold, chosen, metrics, read

INF = float("inf")


def one(text: object, metric: str = "election_ms.p99") -> Threshold:
    (found,) = read({metric: text}, None)[metric]
    return found


FORMS = {
    "<= +5%": ("ratio", None, 0.05),
    "<=+5 %": ("ratio", None, 0.05),
    ">= -15%": ("ratio", -0.15, None),
    "<= -5%": ("ratio", None, -0.05),
    ">= +0%": ("ratio", 0.0, None),
    "+-1%": ("ratio", -0.01, 0.01),
    "+- 20": ("change", -20.0, 20.0),
    "<= +20": ("change", None, 20.0),
    ">= -1_000.5": ("change", -1000.5, None),
    "<= 800": ("value", None, 800.0),
    " >= 1e3 ": ("value", 1000.0, None),
    "<= .5": ("value", None, 0.5),
}


@pytest.mark.parametrize("text", FORMS)
def test_a_sign_makes_it_relative_and_a_percentage_a_share(text: str) -> None:
    found = one(text)
    assert (found.of, found.low, found.high) == pytest.approx(FORMS[text])
    assert found.is_relative is (found.of != "value")


def test_a_rate_may_be_a_percentage() -> None:
    assert one(">= 99.9%", "rate.availability").low == pytest.approx(0.999)
    assert one("<= +1%", "rate.multi_term").of == "ratio"


def test_metrics_may_be_written_in_tables_and_have_several_thresholds() -> None:
    found = read({"election_ms": {"p99": ["<= +5%", "<= 800"]}, "messages.mean": "off"}, None)
    assert [str(x) for x in found["election_ms.p99"]] == [
        "election_ms.p99 <= +5%",
        "election_ms.p99 <= 800",
    ]
    assert found["messages.mean"] == ()


REFUSED: dict[str, tuple[object, str]] = {
    "election_ms.p99 1": (5, 'value 5: must be "<= +5%"'),
    "election_ms.p99 2": ("5%", 'value "5%": must be "<= +5%"'),
    "election_ms.p99 3": ("< +5%", "must be"),
    "election_ms.p99 4": ("<= 5%", 'must have a sign to be relative to the baseline, as "<= +5%"'),
    "election_ms.p99 5": ("+- +5%", "+- takes no sign"),
    "election_ms.p99 6": ("<= ++5%", "must be"),
    "election_ms.p99 7": ("<= +5% ms", "must be"),
    "election_ms.p99 8": ([], "value []: must be"),
    "election_ms.p99 9": (["<= +5%", "off"], "must be"),
    "election_ms.p99 10": ("<= nan", "must be"),
    "election_ms.p99 11": ("<= +\u0665%", "must be"),
    "election_ms.max": ("<= +5%", "no interval says how much of a change is chance"),
    "messages.sd": ("+-5", "must be a value"),
    "election_ms.p98": ("<= +5%", "unknown metric; election_ms has mean,"),
    "election_ms.p99.99": ("<= +5%", "unknown metric"),
    "election.p99": ("<= +5%", "unknown metric; did you mean election_ms.p99?"),
    "rate.split": ("<= +5%", "unknown metric; the rates are split_first_term,"),
    "violations.mean": ("<= 0", "any violation of safety fails the check"),
    "leader.mean": ("<= 0", "unknown metric"),
    "digest": ("+-1%", 'must be "equal" or "off"'),
    "* 1": ("<= +5%", 'must be as "+-1%" or "off"'),
    "* 2": ("+-5", 'must be as "+-1%" or "off"'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_threshold_is_refused_with_its_metric(case: str) -> None:
    metric, (written, says) = case.partition(" ")[0], REFUSED[case]
    with pytest.raises(InputError) as caught:
        read({metric: written}, "raftfast.toml")
    message = str(caught.value)
    assert message.startswith(f"raftfast.toml: thresholds.{metric}: ")
    assert says in message
    assert "\n" not in message


@given(st.text(max_size=12) | st.text("<>=+-0159.e_% ", max_size=9))
def test_any_text_is_a_threshold_or_refused(text: str) -> None:
    try:
        found = one(text)
    except InputError:
        return
    except ValueError:
        assert text == "off"  # no threshold to unpack
        return
    assert found.text.strip() == text.strip()
    assert (found.low is None) + (found.high is None) == (0 if "+-" in text else 1)


@pytest.mark.parametrize("metric", [m for m in metrics() if m not in ("*", "digest")])
def test_every_metric_takes_a_value(metric: str) -> None:
    assert one("<= 800", metric).high == 800


def test_those_of_a_scenario_go_before_those_of_all_metric_by_metric() -> None:
    common = read({"election_ms.p99": "<= +5%", "messages.mean": "<= +1%"}, None)
    own = read({"election_ms.p99": "<= +9%", "messages.mean": "off"}, None)
    assert [str(x) for x in chosen(common, own)] == ["election_ms.p99 <= +9%"]


@pytest.mark.parametrize(
    ("table", "has"),
    [
        ({}, True),
        ({"election_ms.p99": "<= 800"}, True),
        ({"throughput": ">= -15%"}, True),
        ({"election_ms.p99": "<= +5%"}, False),
        ({"*": "off"}, False),
        ({"digest": "equal"}, False),
        ({"election_ms.p99": "off"}, True),
    ],
)
def test_the_default_holds_unless_something_relative_is_written(
    table: dict[str, str], has: bool
) -> None:
    assert (DEFAULTS[0] in chosen(read(table, None), {})) is has
    assert (DEFAULTS[0] in chosen({}, read(table, None))) is has


numbers = st.floats(-1e6, 1e6)


@given(numbers, st.floats(0, 1e3), st.floats(0, 1e3), numbers, st.integers(1, 10_000))
def test_only_what_lies_wholly_beyond_a_bound_breaches_it(
    middle: float, below: float, above: float, bound: float, comparisons: int
) -> None:
    ends = (middle - below, middle + above)
    factor = widening(comparisons)
    status = judge(Evidence(middle, ends, None, bound), factor)
    assert (status == OK) is (ends[1] <= bound)
    assert (status == BREACHED) is (
        ends[1] > bound and middle + factor * (ends[0] - middle) > bound
    )
    mirrored = Evidence(-middle, (-ends[1], -ends[0]), -bound, None)
    assert judge(mirrored, factor) == status


def test_more_comparisons_take_more_to_breach() -> None:
    assert widening(1) == pytest.approx(1)
    assert widening(100) == pytest.approx(3.4808 / 1.95996, rel=1e-4)  # R: qnorm(1 - 0.025 / 100)
    evidence = Evidence(10.0, (6.0, 14.0), None, 5.0)
    assert judge(evidence, widening(1)) == BREACHED
    assert judge(evidence, widening(100)) == UNDECIDED


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        (Evidence(None, (900.0, None), None, 800.0), BREACHED),
        (Evidence(None, (700.0, None), None, 800.0), UNDECIDED),
        (Evidence(750.0, (None, 790.0), None, 800.0), OK),
        (Evidence(750.0, (700.0, None), None, 800.0), UNDECIDED),
        (Evidence(None, (None, None), None, 800.0), UNDECIDED),
        (Evidence(1.0, (0.5, 2.0), None, None), UNDECIDED),
        (Evidence(3.0, (3.0, 3.0), None, 2.9, exact=True), BREACHED),
        (Evidence(0.0, (0.0, 0.0), -0.0, 0.0, exact=True), OK),
    ],
)
def test_an_end_that_is_not_known_settles_nothing(evidence: Evidence, status: str) -> None:
    assert judge(evidence, widening(1)) == status


@given(st.floats(0.01, 10), st.floats(0.1, 10), st.integers(10, 10**6), st.booleans())
def test_as_many_more_trials_as_it_says_would_settle_it(
    away: float, half: float, trials: int, inside: bool
) -> None:
    middle = -away if inside else away
    evidence = Evidence(middle, (middle - half, middle + half), None, 0.0)
    factor = widening(10)
    if judge(evidence, factor) != UNDECIDED:
        return
    more = more_trials(evidence, trials, factor)
    assert more is not None and more > 0
    narrow = half * (trials / (trials + more)) ** 0.5
    later = Evidence(middle, (middle - narrow, middle + narrow), None, 0.0)
    assert judge(later, factor) == (OK if inside else BREACHED)
    assert more_trials(Evidence(0.0, (-1.0, 1.0), None, 0.0), trials, factor) is None
