"""Policies: how one domain acts on another's facts. Pure functions from a fact to commands.

The runtime journals what they decide in the same transaction as the policy's cursor and heads, so
a policy acts exactly once; a replay never re-fires it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from shared.events import Envelope, Event

E = TypeVar("E", bound=Event)

# A chain of facts that cause facts stops here: two policies answering each other must not spin.
DEPTH_MAX = 16


@dataclass(frozen=True, slots=True)
class Reaction:
    """One command that a fact calls for, and the stream it goes to."""

    stream: str
    command: BaseModel


React = Callable[[E, Envelope], Iterable[Reaction]]


class Policy(Generic[E]):
    """`name` is for ever: it names the cursor from which the policy goes on.

    With `since_ever` it answers also what was recorded before it was there: for what has to be
    known of every fact. Its commands change nothing twice, so that a lost cursor does no harm.
    """

    def __init__(self, name: str, *, since_ever: bool = False) -> None:
        self.name = name
        self.since_ever = since_ever
        self.reactions: dict[type[Event], React[Any]] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(sorted({event.topic for event in self.reactions}))

    def on(self, event_type: type[E]) -> Callable[[React[E]], React[E]]:
        def register(react: React[E]) -> React[E]:
            if event_type in self.reactions:
                raise TypeError(f"{self.name} reacts to {event_type.__name__} twice")
            self.reactions[event_type] = react
            return react

        return register

    def react(self, at: Envelope) -> list[Reaction]:
        """Return the commands this fact calls for, none beyond the chain's greatest depth."""
        react = self.reactions.get(type(at.data))
        if react is None or at.depth >= DEPTH_MAX:
            return []
        return list(react(at.data, at))
