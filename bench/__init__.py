"""What raftfast costs: suites for pytest-benchmark, the instruction gate, and commands."""
