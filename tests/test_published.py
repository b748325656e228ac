"""Published numbers: shared/reference/published.md, sections 1, 2, 4 and 5.

Gate of sections 1 and 5: |simulated - expected| <= 4 sqrt(se_simulated^2 + se_published^2) at a
million trials. Gate of section 2: mean within 2.5 %, p99 within 6 %. Of section 4:
mean within 4 standard errors, packets within 5 %. The numbers and their gates
are in published_rows.py; section 3 is in test_figure16.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import raftfast
from raftfast import Scenario

from .published_checks import MILLION, WIDTH, Case
from .published_rows import SECTION_1, SECTION_2, SECTION_4, SECTION_5, SECTIONS

CASES = (*SECTION_1, *SECTION_2, *SECTION_4, *SECTION_5)

compiled = pytest.mark.skipif(
    raftfast.backend != "compiled", reason="a million trials a row want the compiled backend"
)


@compiled
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.section} {case.name}")
def test_published(case: Case):
    samples = case.samples()
    for check in case.checks:
        measured = check.measure(samples)
        assert check.passes(measured), (check.quantity, measured, check.expected)


def test_formulas_give_what_is_printed():
    checks = [c for _, cases in SECTIONS.values() for case in cases for c in case.checks]
    printed = [check for check in checks if check.printed is not None]
    assert len(printed) > 30
    for check in printed:
        assert check.expected == pytest.approx(check.printed, rel=2e-3)


# C0, the workload of shared/floor: mean 180.8 ms, p99 247.8 ms, 0.15 % beyond the first term.


@compiled
def test_c0():
    result = raftfast.run(Scenario.from_dict({}), MILLION, seed=2024)
    took = result.samples["election_ms"]
    assert took.mean() == pytest.approx(180.8, abs=0.1)
    assert np.quantile(took, 0.99) == pytest.approx(247.8, abs=0.5)
    multi = result.samples["terms"] > 1
    # Four standard errors, and the half of the last digit given.
    assert abs(multi.mean() - 0.0015) <= WIDTH * math.sqrt(0.0015 / MILLION) + 0.00005
