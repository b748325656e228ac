"""Histograms of points: their sums, merging, bytes, and what they say, against the samples."""

from __future__ import annotations

import json
import math
import zlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import raftfast
from raftfast import Scenario, bins, statistics
from raftfast.batch import Worker
from raftfast.columns import COLUMNS, FINAL, TIMES
from raftfast.histograms import PERCENTILES, Histograms, merge, open_tally
from raftfast.parameters import block

from .columns import CENSORED, TOP, columns, draw, samples

SHARE = 1 / 2048
"""How far a quantile may lie from the sample's, relative to it."""

EMPTY = merge([])


def histograms(values, engine=raftfast.backend):
    tally = open_tally(engine)
    count = values.shape[1]
    sums = np.empty(count, dtype=np.uint64)
    tally.add(np.ascontiguousarray(values).reshape(-1).data, count, 0, count, sums.data)
    return Histograms.from_tally(tally)


# Parts and the whole.


@settings(deadline=None, max_examples=40)
@given(columns(most=200), st.lists(st.integers(0, 3), min_size=200, max_size=200))
def test_any_parts_merge_to_the_whole_to_the_last_bit(both, values, whose):
    whole = histograms(values, both[0])
    owner = np.array(whose[: values.shape[1]])
    a, b, c, d = (
        histograms(part, both[i % 2]) if part.size else EMPTY
        for i, part in enumerate(values[:, owner == i] for i in range(4))
    )
    assert merge([a, b, c, d]) == whole
    expected = whole.to_bytes()
    for merged in (
        merge([a, b, c, d]),
        merge([merge([d, b]), merge([c, a])]),
        merge([merge([merge([c, d]), a]), b]),
        merge([whole, EMPTY]),
    ):
        assert merged.to_bytes() == expected


def test_more_trials_than_can_be_summed_up_are_refused():
    one = histograms(np.zeros((len(COLUMNS), 3), dtype=np.int64))
    most = one
    for _ in range(38):
        most = merge([most, most])
    assert most.trials == 3 * 2**38
    assert Histograms.from_bytes(most.to_bytes()) == most
    with pytest.raises(ValueError, match=r"more than 1,099,511,627,776 trials"):
        merge([most, most])


def test_the_sums_of_the_most_trials_are_exact():
    values = np.full((len(COLUMNS), 2), 2047)
    values[1] = [TOP, TOP - 1]
    values[CENSORED] = 0
    found = histograms(values)
    for _ in range(39):
        found = merge([found, found])
    assert found.total("messages") == 2**40 * 2047
    assert found.total("election_ms") == 2**40 * 2047
    assert found.availability(1.0)["value"] == 1 - 0.002047
    squares = 2**39 * (TOP**2 + (TOP - 1) ** 2)
    assert found.large[2] == (TOP - 1, TOP, 2**39 * (2 * TOP - 1), squares)
    assert Histograms.from_bytes(found.to_bytes()) == found


def test_histograms_are_immutable():
    found = histograms(np.zeros((len(COLUMNS), 3), dtype=np.int64))
    for part in (found, Histograms.from_bytes(found.to_bytes()), merge([found, found])):
        with pytest.raises(ValueError, match="read-only"):
            part.counts[0] = 1


# Bytes.


@settings(deadline=None)
@given(columns())
def test_bytes_are_read_as_they_were_written(values):
    found = histograms(values)
    data = found.to_bytes()
    again = Histograms.from_bytes(data)
    assert again == found
    assert again.to_bytes() == data
    assert again != EMPTY


def test_nothing_has_bytes_too():
    assert Histograms.from_bytes(EMPTY.to_bytes()) == EMPTY
    assert (EMPTY.trials, EMPTY.censored) == (0, 0)


@pytest.mark.parametrize(
    ("tables", "most"),
    [
        ({}, 400),
        ({"network": {"loss": 0.4}, "stop": {"limit_ms": 400}}, 600),
        ({"scenario": {"kind": "leader-crash"}, "stop": {"on": "followed"}}, 700),
    ],
)
def test_a_hundred_trials_take_some_hundred_bytes(tables, most):
    values, _ = Worker(block(Scenario.from_dict(tables)), "python").run(1, 0, 100)
    assert len(histograms(values).to_bytes()) < most


def test_a_column_that_is_the_first_again_takes_few_bytes():
    apart, nearly, again = (
        len(
            histograms(
                draw(["times", *["zero"] * 11, kind, *["zero"] * 4], 3, 5000, 0.3, share)
            ).to_bytes()
        )
        for kind, share in (("zero", 0.0), ("times", 0.99), ("times", 1.0))
    )
    # But for what is exact of its large values, those that ended and those that were censored.
    assert again - apart < 100 < nearly - again


def test_every_flipped_bit_is_found():
    data = histograms(draw(["times", "tail", *["counts"] * 15], 3, 60, 0.2, 1.0)).to_bytes()
    for at in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[at // 8] ^= 1 << at % 8
        with pytest.raises(ValueError, match=r"^histograms: "):
            Histograms.from_bytes(bytes(damaged))


@pytest.mark.parametrize("cut", [0, 1, 5, 6, 40, -1])
def test_bytes_that_are_too_few_or_too_many_are_refused(cut):
    data = histograms(draw(["times"] * len(COLUMNS), 3, 60, 0.2)).to_bytes()
    with pytest.raises(ValueError, match=r"^histograms: "):
        Histograms.from_bytes(data[:cut])
    with pytest.raises(ValueError, match="damaged"):
        Histograms.from_bytes(data + b"\\0")


def framed(payload):
    """Bytes whose check is right, whatever they say."""
    deflate = zlib.compressobj(1, wbits=-15, strategy=zlib.Z_RLE)
    deflated = deflate.compress(payload) + deflate.flush()
    return b"\2" + zlib.crc32(deflated).to_bytes(4, "little") + deflated


def test_another_version_is_refused_by_its_number():
    with pytest.raises(ValueError, match="expected version 2, found version 3"):
        Histograms.from_bytes(b"\3" + EMPTY.to_bytes()[1:])


@settings(deadline=None, max_examples=300)
@given(columns(most=20), st.data())
def test_what_is_wrong_but_checked_is_refused_or_makes_sense(values, data):
    payload = bytearray(zlib.decompress(histograms(values).to_bytes()[5:], wbits=-15))
    assert framed(bytes(payload)) == histograms(values).to_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = Histograms.from_bytes(framed(bytes(payload)))
    except ValueError as error:
        assert str(error).startswith("histograms: ")
        return
    assert np.all(np.diff(found.keys) > 0) and np.all(found.counts > 0)
    per_side = [found._side(side) for side in range(2 * len(COLUMNS))]
    totals = {side.size + side.missing for side in per_side[::2]}
    assert totals == {found.trials - found.censored}
    assert Histograms.from_bytes(found.to_bytes()) == found


# What they say, of trials that all ended.


def strict(value):
    """The same, through JSON that refuses nan, infinity and anything of numpy's."""
    return json.loads(json.dumps(value, allow_nan=False))


def near(value, expected, share):
    """Equal, or both there and within a share."""
    if value is None or expected is None:
        return value is expected
    return abs(value - expected) <= share * abs(expected)


def check_quantiles(found, expected, share, ended=()):
    """Every quantile and every end of its interval, against an entry of the samples.

    Where the largest values that `ended` share a bin and differ, an interval that has no end may
    end with them.
    """
    large = [int(value) for value in ended if value >= 2048]
    last = {value for value in large if bins.place(value) == bins.place(max(large))}
    for name in statistics.PERCENTILES:
        assert near(found[name], expected[name], share), name
    for name in statistics.INTERVALS:
        ends, others = (entry["ci95"][name] or [None] * 2 for entry in (found, expected))
        for end, other in zip(ends, others, strict=True):
            at_last = other is None and len(last) > 1 and near(end, expected["max"], share)
            assert near(end, other, share) or at_last, name


@settings(deadline=None)
@given(columns(shares=(0.0,)))
def test_a_summary_says_what_the_samples_say(values):
    limit_ms = 1e9
    metrics, rates = histograms(values).summary(limit_ms=limit_ms)
    expected, expected_rates = statistics.summary(samples(values), limit_ms=limit_ms)
    assert strict([metrics, rates]) == [metrics, rates]
    assert rates == expected_rates
    assert list(metrics) == list(expected)
    for name, entry in metrics.items():
        row = values[COLUMNS.index(name)]
        row = row[row >= 0]
        assert [key for key in entry if key != "p99.99"] == list(expected[name])
        assert (entry["count"], entry["min"], entry["max"]) == tuple(
            expected[name][key] for key in ("count", "min", "max")
        )
        check_quantiles(entry, expected[name], 0.0 if row.max(initial=0) < 2048 else 1.0001 * SHARE)
        if not row.size:
            assert entry["p99.99"] is None
            continue
        unit = 10**6 if name in TIMES else 1
        top = np.quantile(row, 0.9999) / unit
        assert near(entry["p99.99"], top, 1.0001 * SHARE)
        check_moments(entry, row.tolist(), unit)
        scale = 1e-12 * float(row.max()) / unit
        assert entry["mean"] == pytest.approx(expected[name]["mean"], rel=1e-12)
        if row.size > 1:
            assert entry["sd"] == pytest.approx(expected[name]["sd"], rel=1e-12, abs=scale)


def check_moments(entry, row, unit):
    """Mean, deviation and the mean's interval, against exact fractions."""
    mean = Fraction(sum(row), len(row))
    assert entry["mean"] == float(mean / unit)
    if len(row) == 1:
        assert entry["sd"] is entry["ci95"]["mean"] is None
        return
    variance = sum((x - mean) ** 2 for x in row) / (len(row) - 1) / unit**2
    assert entry["sd"] == pytest.approx(math.sqrt(variance), rel=1e-15)
    half = statistics.t_quantile(len(row) - 1) * entry["sd"] / math.sqrt(len(row))
    assert entry["ci95"]["mean"] == [entry["mean"] - half, entry["mean"] + half]


def test_equal_large_values_are_known_exactly():
    values = np.full((len(COLUMNS), 9), 123_456_789)
    values[CENSORED] = 0
    entry = histograms(values).summary(limit_ms=1e9)[0]["election_ms"]
    assert {entry[name] for name in ("mean", "min", "max", *PERCENTILES)} == {123.456789}
    assert entry["sd"] == 0.0
    assert entry["ci95"]["mean"] == [123.456789] * 2


def test_a_summary_of_no_trials_is_that_of_no_samples():
    metrics, rates = EMPTY.summary(limit_ms=1.0)
    none = {name: np.array([]) for name in COLUMNS}
    expected, expected_rates = statistics.summary(none, limit_ms=1.0)
    for entry in metrics.values():
        assert entry.pop("p99.99") is None
    assert (metrics, rates) == (expected, expected_rates)


# Where some were censored.


def spread(row):
    """Large values just before their bin, and at its end, after all else that is in it."""
    low, high = row.copy(), row.copy()
    (large,) = np.nonzero(row >= 2048)
    unit = np.array([1 << (int(x).bit_length() - 11) for x in row[large]], dtype=np.int64)
    low[large] = row[large] // unit * unit - 1
    high[large] = (row[large] // unit + 1) * unit - 1
    return low, high


def share_bins(seen, cut):
    """Whether one that ended and one that was censored lie in one bin and are not equal."""
    places = [{bins.place(int(x)) for x in row[row >= 2048]} for row in (seen, cut)]
    return bool(places[0] & places[1])


def check_censored(values, limit_ms):
    """Within the bound, or, where it is not known which of two was first, between both answers."""
    censored = values[CENSORED] == 1
    metrics, rates = histograms(values).summary(limit_ms=limit_ms)
    assert strict([metrics, rates]) == [metrics, rates]
    expected, expected_rates = statistics.summary(samples(values), limit_ms=limit_ms)
    assert rates == expected_rates
    sooner, later = values.copy(), values.copy()
    for row, low, high in zip(values, sooner, later, strict=True):
        low[censored], high[censored] = spread(row[censored])
    least, most = (
        statistics.summary(samples(each), limit_ms=limit_ms)[0] for each in (sooner, later)
    )
    shared = 0
    for name, entry in metrics.items():
        assert [key for key in entry if key != "p99.99"] == list(expected[name])
        for key in ("count", "min", "max"):
            assert entry[key] == expected[name][key], name
        row = values[COLUMNS.index(name)]
        assert (entry["mean"] is None) == (expected[name]["mean"] is None)
        if entry["mean"] is not None:
            check_moments(entry, row[row >= 0].tolist(), 10**6 if name in TIMES else 1)
        exact = name in FINAL or not share_bins(row[~censored], row[censored])
        shared += not exact
        if exact:
            check_quantiles(entry, expected[name], 1.0001 * SHARE, row[~censored])
        for key in ("restricted_mean", *statistics.PERCENTILES):
            if key in entry:
                # A mean without a limit goes to the largest value, which was moved by a bin, too.
                off = 1.0001 * SHARE if key in statistics.PERCENTILES else 3.0001 * SHARE
                ends = [math.inf if e[name][key] is None else e[name][key] for e in (least, most)]
                found = math.inf if entry[key] is None else entry[key]
                assert ends[0] * (1 - off) <= found <= ends[1] * (1 + off), (name, key)
    return shared


@settings(deadline=None)
@given(columns(shares=(0.05, 0.3, 1.0)), st.integers(1, 10**9).map(float))
def test_a_summary_of_censored_trials_says_what_the_samples_say(values, limit_ms):
    assume(values[CENSORED].any())
    check_censored(values, limit_ms)


@settings(deadline=None)
@given(columns(shares=(0.05, 0.3)), st.data())
def test_trials_cut_at_the_limit_are_after_all_others(values, data):
    """As of an election: what is censored has no time, or lasted until the limit."""
    limit_ns = int(max(1, values.max()))
    censored = values[CENSORED] == 1
    assume(censored.any())
    for column, name in enumerate(COLUMNS):
        if name in TIMES:
            values[column, censored] = data.draw(st.sampled_from([-1, limit_ns]))
    metrics, _ = histograms(values).summary(limit_ms=limit_ns / 1e6)
    expected, _ = statistics.summary(samples(values), limit_ms=limit_ns / 1e6)
    for name in TIMES:
        ended = values[COLUMNS.index(name), ~censored]
        check_quantiles(metrics[name], expected[name], 1.0001 * SHARE, ended)
        area, other = (entry[name].get("restricted_mean") for entry in (metrics, expected))
        assert near(area, other, 1.0001 * SHARE)


def test_which_was_first_in_a_bin_is_not_a_matter_of_bias():
    """A quantile of many trials is off by less than the bin, where all bins are shared."""
    rng = np.random.default_rng(4)
    values = np.zeros((len(COLUMNS), 200_000), dtype=np.int64)
    values[0] = rng.integers(150_000_000, 300_000_000, 200_000)
    values[CENSORED] = rng.random(200_000) < 0.7
    metrics, _ = histograms(values).summary(limit_ms=300.0)
    expected, _ = statistics.summary(samples(values), limit_ms=300.0)
    for name in ("p10", "p50", "p90", "restricted_mean"):
        assert near(metrics["election_ms"][name], expected["election_ms"][name], SHARE)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("trials", [300, 3000, 30_000])
def test_quantiles_of_times_are_within_a_bin_of_the_samples_however_many_are_cut(seed, trials):
    scenario = Scenario.from_dict({"network": {"loss": 0.6}, "stop": {"limit_ms": 300}})
    values, _ = Worker(block(scenario), raftfast.backend).run(seed, 0, trials)
    metrics, _ = histograms(values).summary(limit_ms=300.0)
    expected, _ = statistics.summary(samples(values), limit_ms=300.0)
    assert 0.3 < values[CENSORED].mean() < 0.9
    for name in TIMES:
        check_quantiles(metrics[name], expected[name], 1.0001 * SHARE)


# Of an engine.

SCENARIOS = {
    "cold start": {},
    "crash": {"scenario": {"kind": "leader-crash"}, "stop": {"on": "followed"}},
    "cut off": {"network": {"loss": 0.4}, "stop": {"limit_ms": 400}},
    "most cut off": {"network": {"loss": 0.6}, "stop": {"limit_ms": 300}},
    "never": {"cluster": {"down": [0, 1, 2]}, "stop": {"limit_ms": 500}},
    "large": {"cluster": {"nodes": 101}, "network": {"loss": 0.1}},
    "some seconds": {
        "scenario": {
            "kind": "steady",
            "event": [{"do": "crash", "who": "leader", "every_ms": 900.0, "for_ms": 500.0}],
        },
        "stop": {"on": "duration", "duration_ms": 5000},
    },
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_and_its_histograms_say_the_same(name):
    scenario = Scenario.from_dict(SCENARIOS[name])
    trials = 40 if scenario.cluster.nodes > 9 else 1500
    result = raftfast.run(scenario, trials, seed=3)
    values, _ = Worker(block(scenario), raftfast.backend).run(3, 0, trials)
    shared = check_censored(values, scenario.stop.limit_ms)
    # Of an election's times and few messages, nothing that was cut is among what ended.
    assert shared == 0
    found = histograms(values, raftfast.backend)
    assert (found.trials, found.censored) == (trials, result.censored)
    assert found.total("violations") == result.violations
    assert found.total("messages") == result.samples["messages"].sum()
    rates = found.summary(limit_ms=scenario.stop.limit_ms)[1]
    if scenario.stop.on == "duration":
        rates["availability"] = found.availability(scenario.stop.duration_ms)
    for key, rate in result.summary()["rates"].items():
        assert rates[key]["value"] == pytest.approx(rate["value"], rel=1e-12)
        assert rates[key]["ci95"] == pytest.approx(rate["ci95"], rel=1e-9)


# As samples.


@settings(deadline=None, max_examples=40)
@given(columns(most=200))
def test_samples_are_the_columns_by_whether_trials_ended(values):
    found = histograms(values).samples()
    assert [*found] == [*COLUMNS]
    cut = values[CENSORED] != 0
    ended = int((~cut).sum())
    assert (found["censored"] == np.sort(cut)).all()
    for name, column in samples(values).items():
        for part, exact in (
            (found[name][:ended], column[~cut]),
            (found[name][ended:], column[cut]),
        ):
            np.testing.assert_allclose(np.sort(part), np.sort(exact), rtol=SHARE)
