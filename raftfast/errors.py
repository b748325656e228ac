"""What can go wrong, by who is to mend it: the user's input, or the run itself."""

from __future__ import annotations


class RaftfastError(Exception):
    """Base of every error raftfast raises on purpose; `exit_code` is what the command returns."""

    exit_code = 1


class InputError(RaftfastError):
    """A scenario, option or file the user gave is not valid.

    The message is one line, "source: key: problem", with the parts that are known. Exit code 2.
    """

    exit_code = 2

    def __init__(self, problem: str, *, key: str | None = None, source: str | None = None) -> None:
        self.problem = problem
        self.key = key
        self.source = source
        parts = (source, key, problem)
        super().__init__(" ".join(": ".join(part for part in parts if part).split()))


class BaselineError(RaftfastError):
    """There is no baseline to hold results against, or they cannot be compared. Exit code 4."""

    exit_code = 4


class RunError(RaftfastError):
    """A run failed while it ran, for instance because a capacity overflowed. Exit code 1."""
