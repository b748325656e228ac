"""Measured times against simulated ones: the test, the quantiles, the words, the files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.stats

from raftfast import InputError
from raftfast.measured import QUANTILES, against_measured, read_measured
from raftfast.statistics import PERCENTILES, summarise


def lognormal(seed, size):
    return np.exp(5 + 0.3 * np.random.default_rng(seed).standard_normal(size))


SIMULATED = lognormal(0, 50_000)


def test_the_statistic_is_kolmogorov_and_smirnovs():
    measured = lognormal(1, 200) + 20
    found = against_measured(measured, SIMULATED)
    oracle = scipy.stats.ks_2samp(measured, SIMULATED)
    assert (found.statistic, found.p) == (oracle.statistic, oracle.pvalue)
    assert (found.measured, found.simulated) == (200, 50_000)


def test_quantiles_and_their_intervals_are_those_of_a_summary():
    measured = lognormal(2, 2000)
    found = against_measured(list(measured), SIMULATED)
    for row in found.quantiles:
        for sample, value, ends in (
            (measured, row.measured, row.measured_ci95),
            (SIMULATED, row.simulated, row.simulated_ci95),
        ):
            assert value == np.quantile(sample, PERCENTILES[row.name])
            if row.name in ("p50", "p99"):
                assert list(ends) == summarise(sample)["ci95"][row.name]
        assert row.difference == pytest.approx(row.measured - row.simulated)
        assert row.difference_ci95[0] < row.difference < row.difference_ci95[1]
    assert [row.name for row in found.quantiles] == list(QUANTILES)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["measured"] == 2000


def two_sentences(measured, **options):
    return "; ".join(against_measured(measured, SIMULATED, **options).words)


def test_no_difference_is_said_with_what_could_hide():
    said = two_sentences(lognormal(3, 100))
    assert said.startswith("no difference shows in 100 measured values; the medians are within ")


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (lognormal(4, 300) + 120, "the measured median is later by 12"),
        (lognormal(4, 300) + 120, "a constant is missing, such as"),
        (lognormal(4, 300) - 40, "a constant is too much"),
        (lognormal(4, 300) * 1.4, "as long throughout"),
        (150 + 2 * (lognormal(4, 300) - 150), "2.00 times (1.8"),
        (150 + 2 * (lognormal(4, 300) - 150), "a wider range of timeouts"),
        (150 + (lognormal(4, 300) - 150) / 2, "a narrower range of timeouts"),
        (np.append(lognormal(5, 2850), 500 + lognormal(6, 150)), "the slowest 1 % are later"),
    ],
)
def test_what_would_have_to_differ(measured, said):
    assert said in two_sentences(measured)


def test_a_constant_is_blamed_only_at_equal_spread():
    assert "constant" not in two_sentences(150 + 2 * (lognormal(4, 300) - 150))
    assert "constant" not in two_sentences(lognormal(4, 300) * 1.4)


def test_simulated_trials_that_were_cut_are_slower_than_all():
    cut = np.where(SIMULATED > 200, np.nan, SIMULATED)
    found = against_measured(lognormal(2, 400), cut, limit_ms=200.0)
    assert found.p > 0.05
    assert found.quantiles[2].simulated is None
    found = against_measured(lognormal(2, 400) + 60, cut, limit_ms=200.0)
    share = f"{100 * np.isnan(cut).mean():.3g} % of the simulated trials were cut"
    assert found.words[0].startswith(share)


@pytest.mark.parametrize(
    ("measured", "limit_ms", "said"),
    [
        (lognormal(2, 400), 1.0, "100 % of the simulated trials were cut: mend that first"),
        (lognormal(2, 400), 130.0, "% of the simulated trials were cut: mend that first"),
        (np.full(20, 2e4), 1e4, "100 % of the measured times are beyond stop.limit_ms, 10000 ms"),
        (np.full(5, 1e4), 1e5, "5 measured and 50,000 simulated values are too few to say"),
        (np.linspace(5e3, 6e3, 20), 1e5, "the measured median is later by 53"),
    ],
)
def test_what_hides_the_difference_is_said(measured, limit_ms, said):
    found = against_measured(measured, SIMULATED, limit_ms=limit_ms)
    text = ". ".join(found.words)
    assert said in text
    assert "e+" not in text
    assert "no difference" not in text


@pytest.mark.parametrize("sides", [([], SIMULATED), ([1.0], np.array([]))])
def test_nothing_cannot_be_compared(sides):
    with pytest.raises(ValueError, match="nothing to compare"):
        against_measured(*sides)


@pytest.mark.parametrize("size", [1, 2, 3, 10])
@pytest.mark.parametrize("value", [0.0, 150.0, 1e6])
def test_a_few_measured_values_break_nothing(size, value):
    found = against_measured(np.full(size, value), SIMULATED)
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert found.words


def test_a_simulation_of_one_value_breaks_nothing():
    assert against_measured(lognormal(8, 50), np.full(100, 150.0)).words
    assert against_measured(np.full(50, 0.0), np.full(100, 0.0)).p == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "120.5\n130\n99\n",
        "failover_ms\n120.5\n130\n99\n",
        "when,failover_ms,leader\nmonday,120.5,a\ntuesday,130,b\nsunday,99,c\n",
        "# at night\n120.5\n\n130 # the second\n99\n",
        "Unavailable_MS;x\n120.5;1\n130;2\n99;3\n",
        "anything\n120.5\n130\n99\n",
    ],
)
def test_files_of_measured_times(tmp_path, text):
    path = tmp_path / "failovers.csv"
    path.write_text(text)
    assert read_measured(path).tolist() == [120.5, 130.0, 99.0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("120\nfast\n", "line 2: 'fast' is not a number of milliseconds"),
        ("120\n-3\n", "line 2: -3 is not from 0 to 1e+09 ms"),
        ("120\nnan\n", "line 2: 'nan' is not a number"),
        ("120,1\n130,2\n", "line 1: has 2 columns; want one, or a heading failover_ms or"),
        ("a,b\n1,2\n", "no column is called failover_ms or election_ms or unavailable_ms: a, b"),
        ("failover_s\n0.2\n", "line 1: 'failover_s' does not sound like ms: want failover_ms"),
        ("failover_ms\n", "holds a heading and no samples"),
        ("", "is empty"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, text, problem):
    path = tmp_path / "failovers.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_measured(path)
    said = str(caught.value)
    assert problem in said
    assert said.startswith(f"--measured: {path}")
    assert "\n" not in said


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        read_measured(tmp_path / "none.csv")
