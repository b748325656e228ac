"""What `raftfast.run` refuses before it begins."""

from __future__ import annotations

import os

import pytest

from raftfast import InputError, Scenario, run


def test_trials_must_fit_in_the_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PHYS_PAGES": 20, "SC_PAGE_SIZE": 4}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    scenario = Scenario.from_dict({})
    assert run(scenario, trials=10).trials == 10
    with pytest.raises(InputError, match=r"^trials: value 11: must be fewer"):
        run(scenario, trials=11)
    with pytest.raises(InputError, match=r"^trials: value 11: must be fewer"):
        run(scenario.replace(trials=11))


@pytest.mark.parametrize("error", [AttributeError, ValueError, OSError])
def test_a_system_that_does_not_tell_its_memory_is_asked_for_all(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> int:
        raise error(name)

    monkeypatch.setattr(os, "sysconf", fail)
    assert run(Scenario.from_dict({}), trials=11).trials == 11
