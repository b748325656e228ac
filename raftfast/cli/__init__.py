"""The command `raftfast`: finds its commands, and turns whatever ends one into an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from ..errors import RaftfastError
from ..version import VERSION

_COMMANDS = (
    "run",
    "sweep",
    "status",
    "top",
    "export",
    "merge",
    "compare",
    "check",
    "init",
    "trace",
    "live",
    "strategies",
    "presets",
    "info",
)

_FAILED, _INTERRUPTED, _PIPE_CLOSED = 1, 130, 141


class _Commands(MutableMapping[str, click.Command]):
    """The commands by name, in the order in which help lists them, imported when looked up."""

    def __init__(self) -> None:
        self._added: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name in _COMMANDS and name not in self._added:
            module = importlib.import_module(f".{name}", __name__)
            self._added[name] = module.command
        return self._added[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._added[name] = command

    def __delitem__(self, name: str) -> None:
        del self._added[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*_COMMANDS, *self._added)))

    def __len__(self) -> int:
        return len(list(iter(self)))


class _Group(click.Group):
    """A group that answers for interrupts and pipes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    # Click would answer an interrupt with an empty line, and a closed pipe with exit code 1.
    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _endings():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _endings():
            return super().invoke(ctx)


@click.group(
    cls=_Group,
    commands=_Commands(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 fine, 1 failed while running or a safety violation, "
    "2 usage or invalid input, 3 a breached threshold and 4 no baseline to compare with (both of "
    "check), 130 interrupted.",
)
@click.version_option(VERSION, prog_name="raftfast", message="%(prog)s %(version)s")
def raftfast() -> None:
    """Run Raft leader elections by the million and say how they converge."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (sys.argv's where `arguments` is None) and return its exit code.

    What the user is to blame for, or a run that failed, is one line on stderr; a reader of stdout
    that has gone away is no error and gets 141, silently.
    """
    for stream in (sys.stdout, sys.stderr):
        # A name the terminal cannot show must not cost the result: it is shown escaped.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = raftfast.main(arguments, prog_name="raftfast", standalone_mode=False)
        with _endings():
            if sys.stdout is not None:
                sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _fail("interrupted", _INTERRUPTED)
    return code if isinstance(code, int) else 0


@contextmanager
def _endings() -> Iterator[None]:
    """Turn what may end a command early into a line on stderr and click's Exit with its code."""
    try:
        yield
        return
    except RaftfastError as error:
        code = _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = _fail("interrupted", _INTERRUPTED)
    except MemoryError:
        code = _fail("out of memory; fewer --trials need less", _FAILED)
    except BrokenPipeError:
        _abandon_stdout()
        code = _PIPE_CLOSED
    except OSError as error:
        _abandon_stdout()
        where = f"{error.filename}: " if error.filename else ""
        code = _fail(f"{where}{error.strerror or error}", _FAILED)
    raise click.exceptions.Exit(code)


def _fail(message: str, code: int) -> int:
    """Say on stderr why, on a line of its own also after a terminal's ^C, and pass the code on."""
    with suppress(OSError):
        if code == _INTERRUPTED and sys.stderr is not None and sys.stderr.isatty():
            click.echo(err=True)
        click.echo(f"raftfast: {message}", err=True)
    return code


def _abandon_stdout() -> None:
    """Let what is still buffered for stdout go nowhere, so that closing it cannot fail."""
    with suppress(OSError, AttributeError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
