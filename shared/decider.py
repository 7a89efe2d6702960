"""What a domain decides with: one value for each kind of stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Generic, TypeVar

from pydantic import BaseModel

from shared.events import Event

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Decider(Generic[S, C, E]):
    """One kind of stream: what is known of it, what may be decided, what a fact changes. Pure.

    `commands` are those that may be sent in bulk, by the name they go by there.
    """

    initial: S
    decide: Callable[[S, C], list[E]]
    evolve: Callable[[S, E], S]
    commands: Mapping[str, type[BaseModel]] = field(default_factory=dict)

    def state(self, history: Sequence[E]) -> S:
        return reduce(self.evolve, history, self.initial)
