"""Histories of every kind that are the same each time, under as many names as somebody needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from services.analytics.tests.histories import (
    entry,
    feedback,
    issue,
    opportunity,
    series,
    touch,
)
from shared.clock import derived_id
from shared.events import Envelope
from shared.testing import interleaved

# So many of each kind bring every figure several times; `test_histories` says so.
DRAWS: tuple[tuple[Callable[[int], SearchStrategy[list[Envelope]]], int], ...] = (
    (opportunity, 250),
    (issue, 120),
    (entry, 120),
    (series, 30),
    (feedback, 30),
    (touch, 20),
)

# Of one run, hypothesis makes further examples out of those before: many short runs bring more.
A_FEW = 10


@cache
def drawn() -> tuple[tuple[Envelope, ...], ...]:
    """Return what so many draws have brought: the facts of each stream."""
    found = [history for kind, count in DRAWS for history in _drawn(kind(0), count) if history]
    return tuple(renamed(history, f"{number}") for number, history in enumerate(found))


def _drawn(kind: SearchStrategy[list[Envelope]], count: int) -> list[list[Envelope]]:
    found: list[list[Envelope]] = []

    @settings(
        max_examples=A_FEW,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(kind)
    def draw(history: list[Envelope]) -> None:
        found.append(history)

    for number in range(count // A_FEW):
        seed(number)(draw)()
    return found


def renamed(history: Sequence[Envelope], name: str) -> tuple[Envelope, ...]:
    """Return the same facts as those of another stream of the kind, with ids of their own."""
    stream = f"{history[0].stream.partition('-')[0]}-{name}"
    return tuple(
        replace(fact, stream=stream, id=derived_id(stream, str(fact.version))) for fact in history
    )


def told(random: Random, name: str, count: int) -> list[Envelope]:
    """Return so many streams of all kinds as they happen, side by side."""
    chosen = [random.choice(drawn()) for _ in range(count)]
    return interleaved(
        [renamed(history, f"{name}-{number}") for number, history in enumerate(chosen)], random
    )
