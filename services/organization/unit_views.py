"""What our units are, and how each stands on a day. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from services.organization.held import Through, also, held_on
from shared.events import Envelope
from shared.events.organization import (
    ManagerAppointed,
    UnitCalendarAssigned,
    UnitFormed,
    UnitKind,
    UnitPlacedUnder,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class UnitCard:
    """Answers: what is this unit, under which parent, led by whom, working when, since when?"""

    unit: str
    name: str | None = None
    kind: UnitKind | None = None
    parent: str | None = None
    manager: str | None = None
    calendar: str | None = None
    parents: Through = ()
    managers: Through = ()
    calendars: Through = ()

    def on(self, day: date) -> UnitCard:
        """Return the card as it is on a day."""
        return replace(
            self,
            parent=held_on(self.parents, day),
            manager=held_on(self.managers, day),
            calendar=held_on(self.calendars, day),
        )


unit_card = Projection(
    "unit_card",
    version=3,
    view=UnitCard,
    indexes=("parents.what", "managers.what", "kind"),
    streams=("unit",),
)


@unit_card.on(UnitFormed)
def unit_formed(card: UnitCard, event: UnitFormed, at: Envelope) -> UnitCard:
    named = replace(card, name=event.name, kind=event.kind)
    if event.parent is None:
        return named
    return replace(named, parents=also(card.parents, event.parent, None))


@unit_card.on(UnitPlacedUnder)
def unit_placed_under(card: UnitCard, event: UnitPlacedUnder, at: Envelope) -> UnitCard:
    return replace(card, parents=also(card.parents, event.parent, event.on))


@unit_card.on(ManagerAppointed)
def manager_appointed(card: UnitCard, event: ManagerAppointed, at: Envelope) -> UnitCard:
    return replace(card, managers=also(card.managers, event.employee, event.on))


@unit_card.on(UnitCalendarAssigned)
def unit_calendar_assigned(card: UnitCard, event: UnitCalendarAssigned, at: Envelope) -> UnitCard:
    return replace(card, calendars=also(card.calendars, event.calendar, event.on))
