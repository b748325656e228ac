"""Every way to time and to vote (`raftfast strategies`), and every preset as it comes."""

from __future__ import annotations

import tomllib

import pytest

from raftfast import Scenario, preset, strategies

# Votes get lost, so that candidates meet, lose and try again; followers hear of the new leader.
ROUGH = ("network.loss=0.05", "scenario.kind=leader-crash", "stop.on=followed")


@pytest.mark.parametrize("entry", strategies.entries(), ids=lambda entry: entry.name)
def bench_strategy(elections, entry):
    tables = tomllib.loads(entry.toml)
    elections(Scenario.from_dict(tables, overrides=ROUGH), "strategies, leader-crash, 5 % loss")


@pytest.mark.parametrize("name", preset.names())
def bench_preset(elections, name):
    elections(Scenario.preset(name), "presets, as they come")
