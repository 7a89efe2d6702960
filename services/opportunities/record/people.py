"""Who has a say, with which influence and stance, and the way to them (O-09). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never, get_args

from services.opportunities.record.dated import Told, held_on
from shared.dated import placed
from shared.events.opportunities import (
    Influence,
    PersonAssessed,
    PersonReleased,
    SayEvent,
    Stance,
)


@dataclass(frozen=True, slots=True)
class Assessed(Told):
    """What we took a person's influence and stance to be, from a day on; None: they left."""

    person: str
    influence: Influence | None = None
    stance: Stance | None = None
    reached_through: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionMap:
    """Every assessment, in the order in which they hold: what holds now is the last of each."""

    assessments: tuple[Assessed, ...] = ()

    def of(self, person: str, on: date | None = None) -> Assessed | None:
        return held_on(self.assessments, on, lambda one: one.person == person)

    @property
    def now(self) -> tuple[Assessed, ...]:
        """Return who has a say today, as we see them, in the order in which we first did."""
        last = {one.person: one for one in self.assessments}
        return tuple(one for one in last.values() if one.influence is not None)


@dataclass(frozen=True, slots=True)
class Say:
    """Who has a say: in which roles, and how we see them now. `since`: since when we do."""

    person: str
    roles: tuple[str, ...] = ()
    influence: Influence = "unknown"
    stance: Stance = "unknown"
    reached_through: str | None = None
    note: str | None = None
    since: date | None = None


def says(people: DecisionMap, roles: Iterable[tuple[str, str]]) -> tuple[Say, ...]:
    """Return everybody who has a say, the weightiest first: what a decision map shows."""
    held: dict[str, list[str]] = {}
    for person, role in roles:
        held.setdefault(person, []).append(role)
    seen = {one.person: one for one in people.assessments}
    found = []
    for person in dict.fromkeys([*held, *seen]):
        one, their = seen.get(person), tuple(held.get(person, ()))
        if one is None:
            found.append(Say(person, their))
        elif one.influence is not None and one.stance is not None:
            said = (one.influence, one.stance, one.reached_through, one.note, one.on)
            found.append(Say(person, their, *said))
    weight = get_args(Influence)
    return tuple(sorted(found, key=lambda say: weight.index(say.influence)))


def evolve_people(people: DecisionMap, event: SayEvent) -> DecisionMap:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    match event:
        case PersonAssessed():
            seen = Assessed(
                event.on,
                event.person,
                event.influence,
                event.stance,
                event.reached_through,
                event.note,
            )
        case PersonReleased(person=person, reason=reason, on=on):
            seen = Assessed(on, person, note=reason)
        case _:
            assert_never(event)
    return replace(people, assessments=placed(people.assessments, seen))
