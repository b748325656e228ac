"""Corrections for many questions at once, against published values and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from raftfast.corrections import CORRECTIONS, benjamini_hochberg, holm

# Benjamini and Hochberg, J. R. Statist. Soc. B 57 (1995) 289-300, section 4.1: fifteen tests of
# the thrombolysis trial of Neuhaus et al.
NEUHAUS = [
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.3240,
    0.4262,
    0.5719,
    0.6528,
    0.7590,
    1.0000,
]
ps_of_any = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def test_benjamini_and_hochbergs_own_example():
    corrected = benjamini_hochberg(NEUHAUS)
    assert sum(p <= 0.05 for p in corrected) == 4  # as the paper says; Bonferroni finds three
    # R: p.adjust(ps, "BH")
    expected = [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.0638571429, 0.0638571429, 0.0645]
    assert corrected[:8] == pytest.approx(expected, abs=1e-9)
    assert corrected[8:10] == pytest.approx([0.0765, 0.486], abs=1e-9)


def test_holms_procedure_on_the_same_example():
    # Holm (1979), by hand: 15 * .0001, 14 * .0004, 13 * .0019, 12 * .0095, 11 * .0201, ...
    corrected = holm(NEUHAUS)
    assert corrected[:5] == pytest.approx([0.0015, 0.0056, 0.0247, 0.114, 0.2211], abs=1e-12)
    # From 10 * .0278 = .278 down to 7 * .0459 = .3213; then 6 * .324 is over one.
    expected = [0.278, 0.278, 0.278, 0.3213, *[1.0] * 6]
    expected[1:3] = [max(0.278, 9 * 0.0298), max(0.278, 8 * 0.0344)]
    assert corrected[5:] == pytest.approx(expected, abs=1e-12)


@given(ps_of_any)
def test_benjamini_and_hochberg_is_scipys(ps):
    assert benjamini_hochberg(ps) == pytest.approx(scipy.stats.false_discovery_control(ps))


@given(ps_of_any, st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_procedure_rejects(ps, alpha):
    corrected = holm(ps)
    rejected = set()
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        if ps[index] * (len(ps) - rank) > alpha:
            break
        rejected.add(index)
    assert {i for i, p in enumerate(corrected) if p <= alpha} == rejected


@pytest.mark.parametrize("name", CORRECTIONS)
@given(ps=ps_of_any)
def test_a_correction_keeps_the_order_and_lowers_nothing(name, ps):
    corrected = CORRECTIONS[name](ps)
    order = np.argsort(ps, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()
    assert all(p <= c <= 1 for p, c in zip(ps, corrected, strict=True))


@pytest.mark.parametrize("name", ["holm", "bh"])
@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused(name, p):
    with pytest.raises(ValueError, match="a p-value is from 0 to 1"):
        CORRECTIONS[name]([0.5, p])
