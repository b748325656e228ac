"""The engine: ordinary Python, one room each; compiled a second time as `raftfast._compiled`."""
