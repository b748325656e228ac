"""Long calculations that Ctrl-C ends at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_S = 0.1


def interruptible(work: Callable[[], T]) -> T:
    """The value of `work()`, or what it raises; a KeyboardInterrupt comes through soon.

    To sort a hundred million numbers is one step for Python, which heeds no signal before its end.
    So another thread does it. After an interrupt that one goes on for nobody, at most until the
    process ends.
    """
    values: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_POLL_S)
    if errors:
        raise errors[0]
    return values[0]
