"""Points of a sweep that differ in one key alone, each against the one with the reference's value.

Where the sweep kept samples and the points had the same seed, trials are compared in pairs. Where
it did not, there are the stored distributions: exact for counts, within 0.05 % for times, and of
which trial had which luck nothing is known, so that intervals are wider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import metrics as known
from .axes import canonical
from .columns import COLUMNS
from .comparing import Compared, Duel, Side, against_first, check_options, check_stops
from .comparison import BAND, Found, Trials, judge
from .errors import InputError
from .histograms import Histograms
from .layers import typed
from .schema import show, suggestion
from .toml import inline

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .results import SweepResult

Progress = Callable[[int, int], None]


class Unfolded(Mapping[str, "NDArray[np.float64]"]):
    """A stored distribution as the columns of its trials; see `Histograms.column`."""

    def __init__(self, stored: Histograms) -> None:
        self._stored = stored

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self._stored.column(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COLUMNS)

    def __len__(self) -> int:
        return len(COLUMNS)


@dataclass(frozen=True)
class _Group:
    """Finished points that differ in one key alone: `points` by the text of its value."""

    common: Mapping[str, Any]
    points: Mapping[str, int]


def compare_points(
    result: SweepResult,
    by: str,
    *,
    reference: object = None,
    band: float = BAND,
    correction: str = "holm",
    metrics: Sequence[str] = (),
    progress: Progress | None = None,
) -> Compared:
    """Hold the points that differ in the key `by` alone against the one with the reference's value.

    reference: that value, or its text as an option has it; by default the first one of the sweep. A
    group is of the points that have all other keys in common; one without the reference, or without
    another point, is skipped. Points that are not finished do not count. progress(done, groups) is
    called after each group; the rest is as in `comparing.compare`.

    Raises InputError for a key that is not swept, a value that it does not have, and where no two
    points differ in that key alone.
    """
    check_options(band, correction, None)
    _check_key(result, by)
    chosen = known.choose(metrics) if metrics else None
    groups = _groups(result, by)
    first = _reference(groups, by, reference)
    held = [group for group in groups if first in group.points and len(group.points) > 1]
    if not held:
        raise _none_alone(result, by)
    digests = {row["point"]: row["digest"] for row in result.rows(["point", "digest"])}
    sides: list[Side] = []
    found: list[tuple[str, _Group, Found]] = []
    for done, group in enumerate(held, 1):
        names = [first, *(name for name in group.points if name != first)]
        mine, other = _compared(result, group, names, chosen)
        sides += [replace(side, digest=digests[side.point]) for side in mine]
        found += [(name, group, one) for name, one in zip(names[1:], other, strict=True)]
        if progress is not None:
            progress(done, len(held))
    judged = judge([one for *_, one in found], band=band, correction=correction)
    if not any(judged):
        raise known.nothing_of(metrics)
    duels = tuple(
        Duel(name, group.common, one.trials, one.paired, tuple(rows))
        for (name, group, one), rows in zip(found, judged, strict=True)
    )
    return Compared(
        first,
        tuple(sides),
        duels,
        band,
        correction,
        sum(one.tests for *_, one in found),
        asked=tuple(metrics),
        by=by,
        skipped=len(groups) - len(held),
    )


def _check_key(result: SweepResult, by: str) -> None:
    keys = result.keys_swept
    if by not in keys:
        near = suggestion(by, keys)
        meant = f"did you mean {near}? " if near else ""
        problem = f"value {show(by)}: is not swept; {meant}keys: {', '.join(keys)}"
        raise InputError(problem, key="by")


def text_of(value: object) -> str:
    """A value as people write it in an option: TOML, but plain words without quotes."""
    return value if isinstance(value, str) else inline(value)


def _groups(result: SweepResult, by: str) -> list[_Group]:
    """Finished points by what they have in common, in the spec's order."""
    found: dict[str, _Group] = {}
    spec = result.spec
    failed = result.failures
    for row in result.rows(["point"]):
        point = row["point"]
        values = dict(spec.point(point).values)
        if by not in values or point in failed:
            continue
        name = text_of(values.pop(by))
        group = found.setdefault(canonical(values), _Group(values, {}))
        group.points.setdefault(name, point)  # type: ignore[attr-defined]
    return list(found.values())


def _reference(groups: Sequence[_Group], by: str, reference: object) -> str:
    values = list(dict.fromkeys(name for group in groups for name in group.points))
    if not values:
        raise InputError(f"no point with {by} is finished", key="by")
    if reference is None:
        return values[0]
    same = {canonical(typed(name, by, "reference")): name for name in values}
    wanted = typed(reference, by, "reference") if isinstance(reference, str) else reference
    if canonical(wanted) not in same:
        problem = f"value {show(reference)}: {by} has none such; it has {', '.join(values)}"
        raise InputError(problem, key="reference")
    return same[canonical(wanted)]


def _none_alone(result: SweepResult, by: str) -> InputError:
    others = [key for key in result.keys_swept if key != by]
    beside = f"; {', '.join(others)} differ, too" if others else ""
    problem = f"no two finished points differ in {by} alone, one of them the reference{beside}"
    return InputError(problem, key="by")


def _compared(
    result: SweepResult, group: _Group, names: Sequence[str], chosen: known.Chosen | None
) -> tuple[list[Side], list[Found]]:
    points = [group.points[name] for name in names]
    scenarios = [result.scenario(point) for point in points]
    check_stops(names, scenarios)
    stored = [Histograms.from_bytes(result.whole(point).record) for point in points]
    seeds = {scenario.seed for scenario in scenarios}
    columns: list[Any] = [_samples(result, point) for point in points] if len(seeds) == 1 else []
    paired = bool(columns) and None not in columns
    if not paired:
        columns = [Unfolded(one) for one in stored]
    trials = [
        Trials(column, x.stop.limit_ms, x.stop.on, x.stop.duration_ms, x.seed if paired else None)
        for column, x in zip(columns, scenarios, strict=True)
    ]
    sides = [
        Side(name, one.trials, x.seed, one.censored, one.total("violations"), point=point)
        for name, point, one, x in zip(names, points, stored, scenarios, strict=True)
    ]
    return sides, against_first(trials, chosen, paired=paired)


def _samples(result: SweepResult, point: int) -> Mapping[str, Any] | None:
    """The samples of a point, None where not all of them were kept."""
    try:
        return result.samples(point)
    except InputError:
        return None
