"""What every test shares: both backends, and the folder of reference data."""

from __future__ import annotations

import os

import pytest

from raftfast import engine as engines


def _has_compiled() -> bool:
    try:
        engines.room("compiled", "ensemble")
    except ImportError:
        return False
    return True


HAS_COMPILED = _has_compiled()
# In CI a missing compiled backend must fail and not go unnoticed as a skip.
NEED_COMPILED = os.environ.get("RAFTFAST_REQUIRE_COMPILED") == "1"


@pytest.fixture(params=["python", "compiled"], scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    """The name of a backend; the test runs once on each."""
    if request.param == "compiled" and not HAS_COMPILED and not NEED_COMPILED:
        pytest.skip("the compiled extensions are not built")
    return request.param


@pytest.fixture(scope="session")
def both() -> tuple[str, str]:
    """The names of both backends, for tests that hold one against the other."""
    if not HAS_COMPILED and not NEED_COMPILED:
        pytest.skip("the compiled extensions are not built")
    return ("python", "compiled")
