"""Keyed draws: each a function of (seed, trial, purpose and place, ordinal), with nothing to seed.

A draw is wyrand's output (Wang Yi 2020, wyhash final version 4: the two halves of a product,
folded) over base(seed, trial) + id * STEP_ID + ordinal * STEP_ORDINAL; the base is two rounds of
SplitMix64's finaliser. The id holds the purpose and the server or link; the ordinal counts the
draws under that id. So two scenarios that differ in one thing share the luck of everything else,
and a trial does not depend on the trials before it. Changing anything here changes every digest.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from . import standin as cython
if not cython.compiled:
    from .words import (
        MASK,
        MIX_1,
        MIX_2,
        SHORT_SPAN,
        STEP_ID,
        STEP_ORDINAL,
        STEP_TRIAL,
        UNIT,
        fold,
        rarely,
        whole,
    )


class Rng:
    """The draws of one trial at a time."""

    def __init__(self) -> None:
        self.base = 0

    def mix(self, x: int) -> int:
        """The finaliser: a bijection of 64 bits whose every output bit hangs on every input bit."""
        x = ((x ^ (x >> 30)) * MIX_1) & MASK
        x = ((x ^ (x >> 27)) * MIX_2) & MASK
        return x ^ (x >> 31)

    def open_trial(self, seed: int, trial: int) -> None:
        """Turn to the draws of `trial` (0 to 2**63 - 1) under `seed` (0 to 2**64 - 1)."""
        self.base = self.mix((self.mix((seed + STEP_ID) & MASK) + trial * STEP_TRIAL) & MASK)

    def draw(self, key: int, ordinal: int) -> int:
        """An integer uniform over 0 .. 2**53 - 1."""
        x = (self.base + key * STEP_ID + ordinal * STEP_ORDINAL) & MASK
        return fold(x, x ^ MIX_1) >> 11

    def below(self, key: int, ordinal: int, span: int) -> int:
        """An integer uniform over 0 .. span - 1, or 0 for a span of 0; up to 2**53.

        Spans below 2**31 (two seconds in ns) are scaled in integers, which is sooner done.
        """
        if rarely(span >= SHORT_SPAN):
            return whole(self.draw(key, ordinal) * (span * UNIT))
        return self.below_short(key, ordinal, span)

    def below_short(self, key: int, ordinal: int, span: int) -> int:
        """`below` for a span known to be below SHORT_SPAN."""
        return ((self.draw(key, ordinal) >> 21) * span) >> 32
