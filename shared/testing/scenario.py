"""Given facts, when a command, then facts (or a refusal). The one way domain rules are tested."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import pytest

from shared.decider import Decider
from shared.errors import DomainError
from shared.events import Event

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=Event)
R = TypeVar("R", bound=DomainError)


class Scenario(Generic[S, C, E]):
    """What one command comes to after some facts. Each `then` is an assertion of its own."""

    def __init__(self, decider: Decider[S, C, E], facts: tuple[E, ...], command: C) -> None:
        self._decider = decider
        self._state = decider.state(facts)
        self._command = command

    def then(self, *expected: E) -> None:
        """These facts, in this order, and `evolve` takes each of them."""
        decided = self._decider.decide(self._state, self._command)
        assert decided == list(expected)
        self._decider.state(decided)

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, error: type[R]) -> R:
        """Return the refusal, so that a test can also look at its field and its sentence."""
        with pytest.raises(error) as refused:
            self._decider.decide(self._state, self._command)
        return refused.value


class Given(Generic[S, C, E]):
    def __init__(self, decider: Decider[S, C, E], facts: tuple[E, ...]) -> None:
        self._decider = decider
        self._facts = facts

    def when(self, command: C) -> Scenario[S, C, E]:
        return Scenario(self._decider, self._facts, command)


def given(decider: Decider[S, C, E], *facts: Any) -> Given[S, C, E]:
    return Given(decider, facts)
