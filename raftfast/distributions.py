"""Latency and duration laws as people write them: validated, in milliseconds, never drawn here."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .errors import InputError
from .readers import MS_MAX, read_matrix, read_ping, read_samples

__all__ = ["Distribution", "parse", "read_matrix"]

_PAIRS = {
    "uniform": ("low", "high"),
    "normal": ("mean", "sigma"),
    "lognormal": ("median", "sigma"),
    "pareto": ("scale", "shape"),
}
_SINGLES = {"constant": "value", "exponential": "mean"}
_LAWS = (*_SINGLES, *_PAIRS, "mixture", "samples", "ping")
_OPTIONS = ("plus", "below")
_BELOW = ("redraw", "clamp")
_FORMS = "a number of milliseconds or a table with one law, such as { uniform = [1, 5] }"
_WEIGHT_TOLERANCE = 1e-9
_REDRAW_HOPE = 1e-6
_DEPTH_MAX = 8
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Distribution:
    """One validated law of a delay or duration; times are milliseconds, one way.

    law: "constant", "uniform", "normal", "exponential", "lognormal", "pareto", "mixture" or
        "samples" (also what `{ping = ...}` becomes).
    parameters: constant (value,), uniform (low, high) over [low, high), or always low where the
        two are equal, normal (mean, sigma), exponential (mean,), lognormal (median, sigma of the
        logarithm), pareto (scale, shape) with P(x > t) = (scale / t) ** shape for t >= scale,
        mixture the weights (they sum to 1 within 1e-9), samples ().
    plus_ms: base added after the draw, and after `below` is settled.
    below: what a normal draw below zero becomes: "redraw", drawn again until it is not below zero
        (the acceptance is at least one in a million), or "clamp", zero.
    components: of a mixture, one per weight.
    values_ms: of samples, in the order of the file; one is drawn uniformly, with replacement.
    answered: of `{ping = ...}`, the share of requests that were answered, in (0, 1]; otherwise
        None, also for a mixture that has a ping among its components.

    The numbers a law is given are bounded by 1e9; draws of the laws without an upper end are not.
    """

    law: str
    parameters: tuple[float, ...]
    plus_ms: float = 0.0
    below: str = "redraw"
    components: tuple[Distribution, ...] = ()
    values_ms: tuple[float, ...] = ()
    answered: float | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it is the constant 0."""
        return self.law == "constant" and self.parameters[0] == 0.0 and self.plus_ms == 0.0


def parse(spec: object, *, key: str, folder: Path, source: str | None) -> Distribution:
    """Return the law that `spec`, a value as TOML gives it, describes.

    spec: a number (a constant), or a table with exactly one of constant, uniform, normal,
        exponential, lognormal, pareto, mixture, samples, ping; `plus` with any law, `below` with
        normal only (of a mixture both go on its components, `plus` on the whole, too).
    key: the dotted path of `spec`, for errors; nested parts extend it ("...mixture[1].normal").
    folder: what the paths of `samples` and `ping` are relative to; "~" is expanded.
    source: the name of the file `spec` stands in, for errors.

    Raises InputError, one line, for whatever is not a law: wrong types, numbers that are negative,
    not finite or over 1e9, ranges upside down, weights that do not sum to 1, unreadable files.
    """
    return _Parser(folder, source).distribution(spec, key, 0)


@dataclass(frozen=True)
class _Parser:
    """What every part of one specification needs: where its files are, and what errors name."""

    folder: Path
    source: str | None

    def fail(self, problem: str, key: str) -> InputError:
        return InputError(problem, key=key, source=self.source)

    def distribution(self, spec: object, key: str, depth: int) -> Distribution:
        if isinstance(spec, Mapping):
            return self.table(spec, key, depth)
        if isinstance(spec, numbers.Real) and not isinstance(spec, bool):
            return Distribution("constant", (self.number(spec, key, "value"),))
        hint = ""
        if isinstance(spec, str):
            hint = '; a file is { samples = "one_way.csv" } or { ping = "ping.txt" }'
        raise self.fail(f"{_shown(spec)} is not a distribution: want {_FORMS}{hint}", key)

    def table(self, spec: Mapping[object, object], key: str, depth: int) -> Distribution:
        laws = self.laws_of(spec, key)
        if len(laws) > 1:
            raise self.fail(f"one law at a time, not {' and '.join(laws)}", key)
        law = laws[0]
        drawn = self.law(law, spec[law], f"{key}.{law}", depth)
        if "below" in spec:
            drawn = replace(drawn, below=self.below(spec["below"], law, f"{key}.below"))
        if "plus" in spec:
            drawn = replace(drawn, plus_ms=self.number(spec["plus"], f"{key}.plus", "base"))
        if law == "normal" and drawn.below == "redraw":
            self.check_redraw(drawn.parameters, f"{key}.normal")
        longest_ms = _longest_named_ms(drawn)
        if longest_ms > MS_MAX:
            raise self.fail(f"adds up to {longest_ms:g} ms; no time may be over {MS_MAX:g} ms", key)
        return drawn

    def laws_of(self, spec: Mapping[object, object], key: str) -> list[str]:
        """Return the laws the table names, at least one; refuse a key that is not known."""
        known = (*_LAWS, *_OPTIONS)
        for name in spec:
            if name not in known:
                near = [word for word in known if name and word.startswith(str(name))]
                near = near or difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}? " if near else ""
                what = "option" if any(law in spec for law in _LAWS) else "law"
                raise self.fail(
                    f"unknown {what} {_shown(name)}; {hint}Laws: {', '.join(_LAWS)}; "
                    f"options: {', '.join(_OPTIONS)}",
                    key,
                )
        laws = [law for law in _LAWS if law in spec]
        if not laws:
            raise self.fail(f"names no law; want one of {', '.join(_LAWS)}", key)
        return laws

    def law(self, law: str, value: object, key: str, depth: int) -> Distribution:
        if law == "mixture":
            return self.mixture(value, key, depth)
        if law == "samples":
            values_ms = read_samples(value, key=key, folder=self.folder, source=self.source)
            return Distribution("samples", (), values_ms=values_ms)
        if law == "ping":
            one_way_ms, share = read_ping(value, key=key, folder=self.folder, source=self.source)
            return Distribution("samples", (), values_ms=one_way_ms, answered=share)
        if law in _SINGLES:
            return Distribution(law, (self.number(value, key, _SINGLES[law]),))
        return Distribution(law, self.pair(law, value, key))

    def pair(self, law: str, value: object, key: str) -> tuple[float, float]:
        names = _PAIRS[law]
        if not isinstance(value, list | tuple) or len(value) != len(names):
            raise self.fail(f"want two numbers, [{', '.join(names)}], not {_shown(value)}", key)
        # A normal may lean below zero, as `below` says what becomes of such a draw.
        lowest = -MS_MAX if law == "normal" else 0.0
        first = self.number(value[0], key, names[0], lowest)
        second = self.number(value[1], key, names[1])
        if law == "uniform" and first > second:
            raise self.fail(f"low {first:g} is above high {second:g}: want [low, high]", key)
        if law in ("lognormal", "pareto") and first == 0.0:
            raise self.fail(f"{names[0]} must be above 0", key)
        if law == "pareto" and second == 0.0:
            raise self.fail("shape must be above 0", key)
        return first, second

    def number(
        self, value: object, key: str, name: str, lowest: float = 0.0, highest: float = MS_MAX
    ) -> float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise self.fail(f"{name} must be a number, not {_shown(value)}", key)
        try:
            number = float(value) + 0.0  # The sum makes -0.0 a plain zero.
        except OverflowError:  # An integer of hundreds of digits.
            number = math.inf
        if not lowest <= number <= highest:
            raise self.fail(
                f"{name} must be from {lowest:g} to {highest:g}, not {_shown(value)}", key
            )
        return number

    def below(self, value: object, law: str, key: str) -> str:
        if law != "normal":
            raise self.fail(f"goes with a normal, which can fall below zero, not with {law}", key)
        if not isinstance(value, str) or value not in _BELOW:
            raise self.fail(f"want 'redraw' or 'clamp', not {_shown(value)}", key)
        return value

    def check_redraw(self, parameters: tuple[float, ...], key: str) -> None:
        mean, sigma = parameters
        if sigma > 0.0:
            accepted = 0.5 * math.erfc(-mean / (sigma * math.sqrt(2.0)))
        else:
            accepted = 1.0 if mean >= 0.0 else 0.0
        if accepted < _REDRAW_HOPE:
            raise self.fail(
                f"mean {mean:g} with sigma {sigma:g} is all but always below zero and would be "
                "redrawn for ever: raise the mean, or say below = 'clamp'",
                key,
            )

    def mixture(self, value: object, key: str, depth: int) -> Distribution:
        form = "[[weight, distribution], ...]"
        if depth >= _DEPTH_MAX:
            raise self.fail(f"mixtures may be nested {_DEPTH_MAX} deep, not deeper", key)
        if not isinstance(value, list | tuple) or not value:
            raise self.fail(f"want {form}, not {_shown(value)}", key)
        weights: list[float] = []
        components: list[Distribution] = []
        for i, entry in enumerate(value):
            here = f"{key}[{i}]"
            if not isinstance(entry, list | tuple) or len(entry) != len(("weight", "law")):
                raise self.fail(f"want [weight, distribution], not {_shown(entry)}", here)
            weights.append(self.number(entry[0], here, "weight", highest=1.0))
            components.append(self.distribution(entry[1], here, depth + 1))
        total = math.fsum(weights)
        if abs(total - 1.0) > _WEIGHT_TOLERANCE:
            raise self.fail(f"weights must sum to 1, not {total:.12g}", key)
        return Distribution("mixture", tuple(weights), components=tuple(components))


def _longest_named_ms(law: Distribution) -> float:
    """Return the longest time a law names outright: its upper end, or where it is centred."""
    if law.components:
        longest_ms = max(_longest_named_ms(part) for part in law.components)
    elif law.values_ms:
        longest_ms = max(law.values_ms)
    else:
        longest_ms = law.parameters[1 if law.law == "uniform" else 0]
    return longest_ms + law.plus_ms


def _shown(value: object) -> str:
    """Return a value as an error shows it: its repr, cut where it gets long."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print an integer of more than 4300 digits.
        text = "a number of thousands of digits"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
