"""How far a run has come, on stderr: a bar for a terminal, now and then a line for a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from .show import amount, duration

if TYPE_CHECKING:
    from rich.progress import Progress

Report = Callable[[int, int], None]
Describe = Callable[[int, int, float], str]
Clock = Callable[[], float]

LINE_EVERY_S = 5.0
BAR_AFTER_S = 0.5


def status(done: int, total: int, elapsed_s: float) -> str:
    """One line: how many of how many, the rate, the time left as far as it can be told."""
    parts = [f"{done:,} of {total:,} trials ({100 * done / max(total, 1):.0f} %)"]
    if done and elapsed_s > 0:
        rate = done / elapsed_s
        parts += [f"{amount(rate)}/s", f"{duration((total - done) / rate)} left"]
    return ", ".join(parts)


class Lines:
    """A line every `LINE_EVERY_S`, and a last one after any, or where `closing` asks for it.

    `describe` makes the line of what is done, of all there is, and of the seconds so far; `unit` is
    what is counted. `total` may grow on the way: the last one told counts.
    """

    def __init__(
        self,
        total: int,
        closing: bool,
        clock: Clock = time.monotonic,
        describe: Describe = status,
        unit: str = "trials",
    ) -> None:
        self.total = total
        self.closing = closing
        self.clock = clock
        self.describe = describe
        self.unit = unit
        self.begun = self.said = clock()

    def __call__(self, done: int, total: int) -> None:
        self.total = total
        now = self.clock()
        if now - self.said >= LINE_EVERY_S and done < total:
            self.said = now
            self.closing = True
            click.echo(f"raftfast: {self.describe(done, total, now - self.begun)}", err=True)

    def close(self, finished: bool) -> None:
        """Say the last line, if the run came to its end."""
        if finished and self.closing:
            elapsed_s = self.clock() - self.begun
            rate = f", {amount(self.total / elapsed_s)}/s" if elapsed_s > 0 else ""
            text = f"raftfast: {self.total:,} {self.unit} in {duration(elapsed_s)}{rate}"
            click.echo(text, err=True)


class Bar:
    """Rich's bar, which goes when the run ends; runs too short to wonder about show none."""

    def __init__(
        self, after_s: float, clock: Clock = time.monotonic, describe: Describe = status
    ) -> None:
        self.after_s = after_s
        self.clock = clock
        self.describe = describe
        self.begun = clock()
        self.bar: Progress | None = None

    def __call__(self, done: int, total: int) -> None:
        elapsed_s = self.clock() - self.begun
        if self.bar is None:
            if elapsed_s < self.after_s:
                return
            self.bar = _rich_bar()
            self.bar.add_task("", total=total)
            self.bar.start()
        text = self.describe(done, total, elapsed_s)
        self.bar.update(self.bar.task_ids[0], completed=done, total=total, description=text)

    def close(self, finished: bool) -> None:
        """Take the bar away and give the cursor back."""
        if self.bar is not None:
            self.bar.stop()


def _rich_bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        BarColumn(bar_width=16),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )


@contextmanager
def reporting(
    mode: str, total: int, describe: Describe = status, unit: str = "trials"
) -> Iterator[Report | None]:
    """What to hand to a run as `progress`, for one of `options.MODES`; None for "none".

    `describe` says how far it is, of `total` things called `unit`, after so many seconds.

    A bar needs a terminal that can move its cursor; elsewhere there are lines instead. "auto" has
    neither a bar nor a line for a run that is over before one would be of use.
    """
    reporter: Lines | Bar | None = None
    if mode in ("auto", "bar") and _stderr_is_terminal():
        reporter = Bar(0.0 if mode == "bar" else BAR_AFTER_S, describe=describe)
    elif mode != "none":
        reporter = Lines(total, closing=mode != "auto", describe=describe, unit=unit)
    finished = False
    try:
        yield reporter
        finished = True
    finally:
        if reporter is not None:
            reporter.close(finished)


def _stderr_is_terminal() -> bool:
    stream = sys.stderr
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
