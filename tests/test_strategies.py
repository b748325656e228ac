"""What `raftfast strategies` shows: every entry is taken, does something, and can be found."""

from __future__ import annotations

import tomllib
from itertools import groupby
from typing import Any

import pytest

import raftfast
from raftfast import InputError, Scenario, schema, strategies
from raftfast.strategies import Strategy

ENTRIES = strategies.entries()
DEFAULT = Scenario.from_dict({})
BASES = (
    ("network.loss=0.4", "cluster.log=distinct", "scenario.kind=cold-start"),
    ("network.loss=0.4", "cluster.log=distinct", "scenario.kind=leader-crash"),
    # Past the first leader, whose answers get lost; logs are equal.
    ("network.loss=0.6", "stop.on=duration", "stop.duration_ms=20000"),
)

every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def _tables(entry: Strategy) -> dict[str, Any]:
    return tomllib.loads(entry.toml)


def _without(entry: Strategy) -> dict[str, Any]:
    """The entry's tables but for the key that it is about."""
    tables = _tables(entry)
    table, _, key = entry.key.rpartition(".")
    assert tables[table].pop(key) == entry.value
    return tables


@every_entry
def test_the_toml_is_a_valid_scenario_with_the_value(entry: Strategy) -> None:
    scenario = Scenario.from_dict(_tables(entry))
    assert Scenario.from_dict(_without(entry), overrides=[entry.name]) == scenario
    is_default = entry.name == "timeouts.timer=redraw"
    assert (scenario == DEFAULT) == is_default


@every_entry
def test_the_value_changes_what_happens(entry: Strategy) -> None:
    low, high = Scenario.from_dict(_tables(entry)).timeouts.election_ms
    # Candidates must meet, lose and step down: latency is large against the timeouts' range.
    rough = f"network.latency_ms={{uniform=[0, {(high - low) / 2}]}}"

    def digests(tables: dict[str, Any]) -> list[str]:
        scenarios = [Scenario.from_dict(tables, overrides=[rough, *base]) for base in BASES]
        return [raftfast.run(scenario, trials=100, seed=1).digest for scenario in scenarios]

    is_default = entry.name == "timeouts.timer=redraw"
    assert (digests(_tables(entry)) == digests(_without(entry))) == is_default


@every_entry
def test_the_texts_are_sentences(entry: Strategy) -> None:
    assert all(text.strip() == text and "\n" not in text for text in entry[2:5])
    assert entry.what.endswith(".")
    assert entry.hurts.endswith(".")
    assert not entry.who.endswith(".")


def test_entries_of_a_key_stand_together_and_have_names_of_their_own() -> None:
    groups = [key for key, _ in groupby(ENTRIES, key=lambda entry: entry.key)]
    assert len(groups) == len(set(groups))
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)


def test_every_timer_class_has_an_entry() -> None:
    expected = schema.KEYS["timeouts.timer"].expected
    entries = [entry for entry in ENTRIES if entry.key == "timeouts.timer"]
    assert sorted(f'"{entry.value}"' for entry in entries) == sorted(
        expected.replace(" or ", ", ").split(", ")
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("poll", ["timeouts.timer=poll"]),
        ("timeouts.timer=poll", ["timeouts.timer=poll"]),
        ('timeouts.timer = "Poll"', ["timeouts.timer=poll"]),
        ("timer=poll", ["timeouts.timer=poll"]),
        ("redraw", ["timeouts.timer=redraw", "protocol.step_down_timer=redraw"]),
        ("timeouts.candidate_ms=[23,46]", ["timeouts.candidate_ms=[23, 46]"]),
        (
            "redraw_on_precandidate",
            ["protocol.redraw_on_precandidate=true", "protocol.redraw_on_precandidate=false"],
        ),
        ("server", ["timeouts.server=[{ id = 0, election_ms = [300, 600] }]"]),
    ],
)
def test_what_is_found_by_name(name: str, found: list[str]) -> None:
    assert [entry.name for entry in strategies.find(name)] == found


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("timeouts.timer=pol", 'value "timeouts.timer=pol": unknown strategy; did you mean'),
        ("boots", "did you mean boot?"),
        ("step_down_timr", "did you mean step_down_timer?"),
        ("xyzzy", "keys: timeouts.timer, "),
        ("cluster.nodes", "unknown strategy"),
        ("", 'value "": unknown strategy'),
    ],
)
def test_an_unknown_name_is_refused(name: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        strategies.find(name)
    assert says in str(caught.value)


def test_a_name_holds_the_whole_value() -> None:
    value = {"a key": list(range(30)), "word": "x" * 80, "flag": True}
    label = Strategy("timeouts.timer", value, "", "", "", "").label
    assert tomllib.loads(f"value = {label}") == {"value": value}
