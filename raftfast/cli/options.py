"""What commands have in common on their command line: the options, their types, the scenario."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..scenario import Scenario

FORMATS = ("table", "json", "csv", "md")
MODES = ("auto", "bar", "plain", "none")

_SEED_MAX = 2**64 - 1
_INT64_MAX = 2**63 - 1
_JOBS_MAX = 1024
_DURATION = re.compile(r"(?P<number>[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(?P<unit>ms|s|m|h|)", re.I)
_DURATION_S_MAX = 1e9
_UNITS_S = {"ms": 1e-3, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def whole(low: int, high: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number in a range, also as 1_000_000 or 1e6."""

    def convert(text: str) -> int:
        from decimal import Decimal, InvalidOperation

        try:
            number = Decimal(text)
            # The range comes first: int() of 1e999999999 would take all memory there is.
            if low <= number <= high and number == number.to_integral_value():
                return int(number)
        except InvalidOperation:
            pass
        wanted = f"a whole number from {low} to {high}, such as 100, 1_000 or 1e6"
        raise click.BadParameter(f"{text!r} must be {wanted}")

    return convert


def seconds(text: str) -> float:
    """The type of an option that takes a duration: 500ms, 30s, 2m, 1h; in seconds without unit."""
    found = _DURATION.fullmatch(text.strip())
    value = float(found["number"]) * _UNITS_S[found["unit"].lower()] if found else 0.0
    if not 0 < value <= _DURATION_S_MAX:
        wanted = "above 0 and at most 1e9 seconds, such as 500ms, 30s, 2m or 30"
        raise click.BadParameter(f"{text!r} must be {wanted}")
    return value


@dataclass(frozen=True)
class Source:
    """Where a scenario comes from, as typed."""

    path: str | None
    preset: str | None
    overrides: tuple[str, ...]
    ready: str | None = None

    @property
    def is_default(self) -> bool:
        """Whether neither a file nor a preset nor a ready scenario was given."""
        return self.path is None and self.preset is None and self.ready is None

    def load(self, defaults: Mapping[str, Any] | None = None) -> Scenario:
        """The scenario; `defaults` are the tables to use where no file or preset was given.

        Raises InputError.
        """
        if self.ready is not None:
            # The cluster decides what a ready scenario is, and options stand above both.
            return self._base(defaults or {}).under(self.ready, self.overrides)
        return self._base(defaults or {})

    def _base(self, defaults: Mapping[str, Any]) -> Scenario:
        from ..scenario import Scenario

        if self.path is not None:
            return Scenario.load(self.path, self.overrides, self.preset)
        if self.preset is not None:
            return Scenario.preset(self.preset, self.overrides)
        return Scenario.from_dict(defaults, overrides=self.overrides)

    def words(self) -> list[str]:
        """The arguments that give the same scenario again, from the same folder."""
        path = self.path
        if path is not None and path.startswith("-"):
            path = f"./{path}"
        words = [] if path is None else [path]
        words += [] if self.preset is None else ["--preset", self.preset]
        words += [] if self.ready is None else ["--scenario", self.ready]
        return words + [word for text in self.overrides for word in ("-p", text)]


def complete_preset(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from .. import preset

    return [name for name in preset.names() if name.startswith(incomplete)]


def complete_ready(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from .. import ready

    return [name for name in ready.names() if name.startswith(incomplete)]


def complete_key(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from ..schema import KEYS

    return [f"{key}=" for key in KEYS if key.startswith(incomplete)]


def preset_option(says: str) -> Decorator:
    """--preset NAME, handed to the command as `preset`."""
    return click.option("--preset", metavar="NAME", shell_complete=complete_preset, help=says)


def ready_option(says: str) -> Decorator:
    """--scenario NAME, handed to the command as `ready`."""
    return click.option(
        "--scenario", "ready", metavar="NAME", shell_complete=complete_ready, help=says
    )


def keys_option(says: str) -> Decorator:
    """-p KEY=VALUE, which may be repeated, handed to the command as `overrides`."""
    return click.option(
        "-p", "overrides", multiple=True, metavar="KEY=VALUE", shell_complete=complete_key,
        help=says,
    )  # fmt: skip


def scenario_options(command: Command) -> Command:
    """[SCENARIO.toml] --preset --scenario -p, handed to the command as `source`, a Source."""

    @click.argument("scenario", required=False, metavar="[SCENARIO.toml]")
    @preset_option("Start from a preset.")
    @ready_option(
        "What happens to the cluster: bridge, deaf, flaky-link, leader-crash, partition-heal, "
        "rejoin, rolling-restart or slow-disk."
    )
    @keys_option("Set a key of the scenario, such as cluster.nodes=7; may be repeated.")
    @functools.wraps(command)
    def with_source(
        scenario: str | None,
        preset: str | None,
        ready: str | None,
        overrides: tuple[str, ...],
        **rest: Any,
    ) -> Any:
        return command(source=Source(scenario, preset, overrides, ready), **rest)

    return with_source  # type: ignore[return-value]


seed_option = click.option(
    "-s",
    "--seed",
    type=whole(0, _SEED_MAX),
    metavar="S",
    help="Seed of all draws; the scenario's unless given.",
)
trials_option = click.option(
    "-n",
    "--trials",
    type=whole(1, _INT64_MAX),
    metavar="N",
    help="Elections to simulate, such as 1e6; the scenario's unless given.",
)
jobs_option = click.option(
    "-j",
    "--jobs",
    type=whole(1, _JOBS_MAX),
    metavar="J",
    help="Workers; all cores unless given. The result is the same for any number.",
)
trial_option = click.option(
    "--trial",
    type=whole(0, _INT64_MAX),
    required=True,
    metavar="K",
    help="Which trial; the first is 0.",
)


def format_option(*formats: str) -> Callable[[Command], Command]:
    """--format, of these, the first by default, handed to the command as `form`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How to write the result on stdout.",
    )


def progress_options(command: Command) -> Command:
    """-q and --progress, handed to the command as `quiet` and `mode`."""
    quiet = click.option(
        "-q", "--quiet", is_flag=True, help="No progress and no advice on stderr; errors remain."
    )
    mode = click.option(
        "--progress",
        "mode",
        type=click.Choice(MODES),
        default=MODES[0],
        show_default=True,
        help="On stderr; auto is a bar on a terminal and otherwise a line every 5 s.",
    )
    return quiet(mode(command))
