"""When messages arrive on the real clock: the laws, losses and copies of a scenario's network."""

from __future__ import annotations

from .core import words as w
from .engine import load
from .parameters import Block


class Links:
    """The links between servers: each message's fate is a keyed draw, as in `core/network.py`."""

    def __init__(self, parameters: Block, seed: int, engine: str | None) -> None:
        twin = load(engine)
        self.rng = twin.Rng()
        self.rng.open_trial(seed, 0)
        self.laws = twin.Laws(self.rng, parameters.laws, parameters.pool)
        self.parameters = parameters
        self.sent: dict[int, int] = {}
        self.latest: dict[int, int] = {}

    def share(self, purpose: int, place: int, ordinal: int) -> float:
        """A draw uniform over [0, 1)."""
        return float(self.rng.draw(purpose * w.PURPOSE + place, ordinal) * w.UNIT)

    def latency_ns(self, sender: int, to: int, purpose: int, ordinal: int) -> int:
        """The one-way latency of a message, drawn by its link's law."""
        p = self.parameters
        law = p.latency_law if p.link_laws is None else p.link_laws[sender * p.nodes + to]
        place = sender * 16 + to * 16384
        return int(self.laws.sample(law, purpose * w.PURPOSE + place, ordinal))

    def arrivals(self, sender: int, to: int, now_ns: int) -> list[int]:
        """When a message sent now arrives: never, once, or twice."""
        p = self.parameters
        pair, place = sender * p.nodes + to, sender * 16 + to * 16384
        ordinal = self.sent[pair] = self.sent.get(pair, -1) + 1
        loss, duplicate = p.chances
        if p.link_losses is not None and p.link_duplicates is not None:
            loss, duplicate = p.link_losses[pair], p.link_duplicates[pair]
        if self.share(w.FOR_LOSS, place, ordinal) < loss:
            return []
        arrivals = [now_ns + self.latency_ns(sender, to, w.FOR_LATENCY, ordinal)]
        if self.share(w.FOR_COPY, place, ordinal) < duplicate:
            arrivals.append(now_ns + self.latency_ns(sender, to, w.FOR_COPY_LATENCY, ordinal))
        if p.ordered:
            for i, arrival in enumerate(arrivals):
                arrivals[i] = self.latest[pair] = max(arrival, self.latest.get(pair, arrival))
        return arrivals
