"""Timer classes: which of the state machine's reasons draw a new timeout, restart it, or leave it.

The classes and their names are those of the systems that use them: `redraw` is the Raft paper's
(Ongaro and Ousterhout 2014, section 5.2) and LogCabin's, `keep` is etcd's, `fixed` is what
`redraw` becomes where followers do not draw at all; the others: `reference/systems.md`.
"""

from __future__ import annotations

from collections.abc import Mapping

from .core.words import (
    CAMPAIGN,
    CONTACT,
    DEPOSED,
    FOLLOW,
    GRANT,
    PRE_CAMPAIGN,
    START,
    STEP_DOWN,
    TERM,
)

REDRAW = "redraw"
"""The timer starts again with a fresh draw."""

RESTART = "restart"
"""The timer starts again with the draw it has."""

LEAVE = "leave"
"""The timer runs on."""

Class = Mapping[int, str]
"""A row each reason of `core.words`: what becomes of the timer. Under several, a redraw wins."""

_REDRAW: Class = {
    START: REDRAW,
    CONTACT: REDRAW,
    GRANT: REDRAW,
    TERM: LEAVE,
    STEP_DOWN: LEAVE,
    DEPOSED: REDRAW,
    FOLLOW: LEAVE,
    PRE_CAMPAIGN: REDRAW,
    CAMPAIGN: REDRAW,
}
# A change of term or role draws, as etcd's reset() does; contact and a granted vote only restart.
_KEEP: Class = {
    START: REDRAW,
    CONTACT: RESTART,
    GRANT: RESTART,
    TERM: REDRAW,
    STEP_DOWN: LEAVE,
    DEPOSED: REDRAW,
    FOLLOW: REDRAW,
    PRE_CAMPAIGN: RESTART,
    CAMPAIGN: REDRAW,
}

# Contact and votes do not touch a timer that runs freely; a change of role does.
_FREE: Class = {**_REDRAW, CONTACT: LEAVE, GRANT: LEAVE, FOLLOW: REDRAW}
_JITTER: Class = {**_REDRAW, CONTACT: RESTART, GRANT: RESTART}

CLASSES: Mapping[str, Class] = {
    "redraw": _REDRAW,
    "keep": _KEEP,
    "fixed": _REDRAW,
    "boot": _REDRAW,
    "jitter": _JITTER,
    "poll": _FREE,
    "poll-own-draw": _FREE,
    "redraw-each-tick": _REDRAW,
}
"""Every timer class by its name in a scenario, under `step_down_timer = "keep"`.

What a redraw gives is another matter: under `boot` the first draw again, under `jitter` a restart
may be a redraw, under `redraw-each-tick` the law is another.
"""

ALONE = ("redraw", "keep", "fixed", "boot")
"""The classes that are their rows alone, as a state machine without a simulator can have them."""

STEP_DOWN_TIMERS: Mapping[str, str] = {"keep": LEAVE, "redraw": REDRAW}
"""What becomes of the timer of a candidate that steps down, by the name in a scenario."""


def masks(
    timer: str, step_down_timer: str, redraw_on_precandidate: bool | None = None
) -> tuple[int, int]:
    """The reasons, as bits, that draw anew and those that restart: `Timeouts.follow` takes them.

    `redraw_on_precandidate` overrides what the class does when a server asks for pre-votes. The
    reasons LEAD and EXPIRED are no part of a class. Raises ValueError naming the argument for a
    class or a `step_down_timer` that is not known.
    """
    if timer not in CLASSES:
        raise ValueError(f"timer: must be one of {', '.join(CLASSES)}, not {timer!r}")
    if step_down_timer not in STEP_DOWN_TIMERS:
        known = ", ".join(STEP_DOWN_TIMERS)
        raise ValueError(f"step_down_timer: must be one of {known}, not {step_down_timer!r}")
    rows = {**CLASSES[timer], STEP_DOWN: STEP_DOWN_TIMERS[step_down_timer]}
    if redraw_on_precandidate is not None:
        rows[PRE_CAMPAIGN] = REDRAW if redraw_on_precandidate else RESTART
    redraw_on = sum(reason for reason, rule in rows.items() if rule == REDRAW)
    restart_on = sum(reason for reason, rule in rows.items() if rule == RESTART)
    return redraw_on, restart_on


def ranges(
    timer: str, election: tuple[float, float], candidate: tuple[float, float] | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """What followers and candidates draw from, in the unit given; candidates as followers if None.

    Under `fixed` a follower waits the maximum (reference/seed.md, quirk 1); a range of candidates'
    own is still drawn from.
    """
    if timer == "fixed":
        election = (election[1], election[1])
    return election, election if candidate is None else candidate
