"""Chance that is the same every time. Rule: one source of chance for each thing that is made up.

So a company with one more seller still has the same customers, and nothing depends on the order
in which things are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws that follow from the seed and from what they are for."""

    def __init__(self, *purpose: object) -> None:
        # Seeded with text, whose digest is the same on every Python and every machine.
        self._random = Random("/".join(map(str, purpose)))  # noqa: S311 - no secret

    def pick(self, items: Sequence[T]) -> T:
        return self._random.choice(items)

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        return self._random.choices(items, weights)[0]

    def some(self, items: Sequence[T], count: int) -> list[T]:
        return self._random.sample(items, min(count, len(items)))

    def happens(self, probability: float) -> bool:
        return self._random.random() < probability

    def between(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return self._random.randint(low, high)

    def share(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def around(self, usual: float, spread: float = 0.5) -> float:
        """Return a duration or a size: mostly near the usual, now and then much more."""
        return usual * self._random.lognormvariate(0, spread)
