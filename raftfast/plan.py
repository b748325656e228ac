"""Which pieces of a sweep are still to be run, and when a point has trials enough."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .columns import BLOCK
from .points import Piece

if TYPE_CHECKING:
    from .spec import Spec
    from .store import Part, Store

POINT_S = 3e-4
"""What a point costs a worker beside its trials, roughly: it only sizes the tasks."""

PIECES_MAX = 400
"""More pieces are not handed to a worker at once."""

_LEAST_S = 0.02
_WHOLE_S = 0.05
_ROUNDS = 2
_FIRST_RATE = 50_000.0
_LEARNT = 0.3


@dataclass
class Point:
    """A point under way: it has `parts`, wants `target` trials, and `issued` are run or running."""

    point: int
    target: int
    parts: list[Part] = field(default_factory=list)
    issued: int = 0

    def add(self, part: Part) -> None:
        """Take the outcome of a piece, in any order."""
        self.parts.append(part)
        self.parts.sort(key=lambda part: part.first)

    @property
    def upto(self) -> int:
        """How many trials there are from the first without a gap."""
        upto = 0
        for part in self.parts:
            if part.first != upto:
                break
            upto += part.trials
        return upto


class Plan:
    """The pieces that are left of these points of a sweep, in their order.

    What the store holds is not run again; `enough` are points found to have all. With [adaptive] a
    point's trials are doubled until its interval is narrow: a stage after the other, each of which
    is a whole result.
    """

    def __init__(self, spec: Spec, points: Sequence[int], store: Store) -> None:
        self.spec = spec
        self.store = store
        self.rate = _FIRST_RATE
        self.open: dict[int, Point] = {}
        self.enough: list[int] = []
        self._next = iter(points)
        self._unopened = len(points)
        self._trials = store.trials()
        self._begun = {part.point for part in store.parts()}
        self._waiting: deque[Point] = deque()

    def take(self, seconds: float, workers: int) -> list[Piece]:
        """Pieces that take a worker about so long; none where nothing is left to hand out.

        Towards the end they are fewer, so that all `workers` end at about the same time.
        """
        left = self._unopened * (POINT_S + self.spec.trials / self.rate)
        seconds = max(_LEAST_S, min(seconds, left / (_ROUNDS * workers)))
        pieces: list[Piece] = []
        while seconds > 0 and len(pieces) < PIECES_MAX:
            point = self._waiting.popleft() if self._waiting else self._open_next()
            if point is None:
                break
            piece = self._cut(point, seconds)
            pieces.append(piece)
            seconds -= POINT_S + piece.trials / self.rate
            if point.issued < point.target:
                self._waiting.appendleft(point)
        return pieces

    def _cut(self, point: Point, seconds: float) -> Piece:
        """The next piece of a point: it ends with a block, or with the point.

        To put a point together again costs more than to let a worker wait for a moment.
        """
        first = point.issued
        blocks = max(1, round(seconds * self.rate / BLOCK))
        point.issued = min((first // BLOCK + blocks) * BLOCK, point.target)
        if (point.target - first) / self.rate < _WHOLE_S:
            point.issued = point.target
        return Piece(point.point, first, point.issued - first)

    def _open_next(self) -> Point | None:
        for index in self._next:
            self._unopened -= 1
            done = self._trials.get(index, 0)
            target = self.spec.trials
            if done >= target:
                row = self.store.row(index) if self.spec.adaptive else None
                if row is None or self.is_enough(done, row):
                    self.enough.append(index)
                    continue
                target = self._doubled(done)
            parts = self.store.parts(index) if index in self._begun else []
            if done:
                whole = self.store.whole(index)
                parts = [*([whole] if whole else []), *(p for p in parts if p.first >= done)]
            return self._opened(index, target, parts)
        return None

    def _opened(self, index: int, target: int, parts: list[Part]) -> Point:
        point = Point(index, target)
        # What came after a gap, overlaps, or is more than there is to be, is run again.
        for part in sorted(parts):
            if part.first == point.issued and part.first + part.trials <= target:
                point.parts.append(part)
                point.issued += part.trials
        self.open[index] = point
        return point

    def note_rate(self, trials: int, elapsed_s: float) -> None:
        """Learn how fast a worker runs trials."""
        if elapsed_s > 0:
            self.rate += _LEARNT * (trials / elapsed_s - self.rate)

    def close(self, index: int, whole: Part, header: Sequence[str], row: Sequence[Any]) -> None:
        """A point has the trials it wanted: let it go, or begin its next stage."""
        del self.open[index]
        if self.spec.adaptive is None:
            return
        if not self.is_enough(whole.trials, dict(zip(header, row, strict=True))):
            self._waiting.append(self._opened(index, self._doubled(whole.trials), [whole]))

    def drop(self, index: int) -> None:
        """Run no more of a point."""
        point = self.open.pop(index)
        if point in self._waiting:
            self._waiting.remove(point)

    def is_enough(self, trials: int, row: Mapping[str, Any]) -> bool:
        """Whether a point needs no more trials, its row being this."""
        adaptive = self.spec.adaptive
        if adaptive is None or trials >= adaptive.max_trials:
            return True
        value, low, high = (row[f"{adaptive.metric}{end}"] for end in ("", ".low", ".high"))
        if any(known is None or math.isnan(known) for known in (value, low, high)):
            return False
        return bool((high - low) / 2 <= adaptive.precision * abs(value))

    def _doubled(self, trials: int) -> int:
        assert self.spec.adaptive is not None
        return min(2 * trials, self.spec.adaptive.max_trials)
