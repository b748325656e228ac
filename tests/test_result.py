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


@pytest.mark.parametrize(("first", "then"), [(7, 23), (600, 601), (5000, 7000)])
def test_a_run_that_is_extended_is_the_longer_run(engine: str, first: int, then: int) -> None:
    scenario = Scenario.from_dict({"cluster": {"nodes": 3}})
    if engine == "python":
        first, then = min(first, 600), min(then, 900)
    short = run(scenario, trials=first, seed=3, jobs=2, engine=engine)
    digest = short.digest
    counted = []
    longer = short.extended(then, jobs=2, progress=lambda *done: counted.append(done))
    whole = run(scenario, trials=then, seed=3, engine=engine)
    assert (longer.digest, longer.events) == (whole.digest, whole.events)
    assert longer.scenario == whole.scenario
    assert longer.elapsed_s > short.elapsed_s
    assert all(0 <= done <= total == then - first for done, total in counted)
    assert (short.digest, short.trials) == (digest, first)


def test_a_run_cannot_be_extended_to_less() -> None:
    result = run(Scenario.from_dict({}), trials=11)
    with pytest.raises(InputError, match=r"^trials: 10: must be at least the 11"):
        result.extended(10)
    assert result.extended(11).digest == result.digest
