"""Whose is what in every domain, and what must know who takes it over. Pure folds, never refuse.

The facts of each domain are folded in a module of their own, `owned_<what>.py`. An item is made of
its own stream, of touches and of handovers, which arrive in any order: each tells a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, tzinfo
from typing import Literal

from shared.events import Envelope
from shared.events.organization import HandoverItemsMoved
from shared.events.touches import TouchRecorded
from shared.held import Owner
from shared.projection import Projection

Kind = Literal[
    "company",
    "person",
    "opportunity",
    "issue",
    "commitment",
    "entry",
    "series",
    "visit",
    "promise",
]
TOUCHED = ("company", "person", "opportunity")


@dataclass(frozen=True, slots=True)
class Handed:
    """A handover moved it, on that day, from who left to who took over."""

    handover: str
    version: int
    giver: str
    receiver: str
    on: date


@dataclass(frozen=True, slots=True)
class OwnedItem:
    """Answers: whose is this, is it open, and what must know who takes it over? (C-09).

    `held_from` is the version of the fact that made it the owner's. `due_on` is its next date.
    """

    item: str
    kind: Kind | None = None
    title: str | None = None
    owner: str | None = None
    owners: tuple[Owner, ...] = ()
    owner_since: date | None = None
    held_from: int = 0
    open: bool = False
    due_on: date | None = None
    company: str | None = None
    company_since: date | None = None
    person: str | None = None
    stage: str | None = None
    stage_on: date | None = None
    next_step: str | None = None
    next_step_on: date | None = None
    last_touch_on: date | None = None
    handed: tuple[Handed, ...] = ()

    @property
    def customer(self) -> str | None:
        """The company it concerns, or the person; of a promise the visit at which it was made."""
        if self.kind == "promise":
            return self.item.partition("/")[0]
        if self.kind in ("company", "person"):
            return self.item if self.kind == "company" else self.company or self.item
        return self.company or self.person

    def owed(self, today: date) -> bool:
        """Whether somebody has to have it: what the calendar had before today is past."""
        past = self.kind in ("entry", "series") and self.due_on is not None and self.due_on < today
        return self.open and not past


owned_item = Projection(
    "owned_item",
    version=3,
    view=OwnedItem,
    indexes=("owner", "open", "item", "handed.handover"),
    streams=(
        *("company", "person", "opportunity", "issue", "commitment", "entry", "series", "visit"),
        *("touch", "handover"),
    ),
)


def _touched(at: Envelope, zone: tzinfo) -> tuple[str, ...]:
    assert isinstance(at.data, TouchRecorded)
    told = (at.data.person, at.data.company, at.data.opportunity)
    return tuple(one for one in told if one and one.partition("-")[0] in TOUCHED)


@owned_item.on_zoned(TouchRecorded, keys=_touched)
def touched(item: OwnedItem, event: TouchRecorded, at: Envelope, zone: tzinfo) -> OwnedItem:
    # Touches arrive late, so the last is a maximum.
    day = at.day(zone)
    return replace(item, last_touch_on=max(item.last_touch_on or day, day))


def _moved(at: Envelope, zone: tzinfo) -> tuple[str, ...]:
    assert isinstance(at.data, HandoverItemsMoved)
    return tuple(one.item for one in at.data.items)


@owned_item.on_zoned(HandoverItemsMoved, keys=_moved)
def moved(item: OwnedItem, event: HandoverItemsMoved, at: Envelope, zone: tzinfo) -> OwnedItem:
    new = Handed(at.stream, at.version, event.employee, event.receiver, at.day(zone))
    told = sorted((*item.handed, new), key=lambda one: (one.handover, one.version))
    return replace(item, handed=tuple(told))


def taken(item: OwnedItem, owner: str, since: date | None, at: Envelope) -> OwnedItem:
    """Return the item in this owner's hands; in the same ones it stays held from where it was."""
    held_from = item.held_from if owner == item.owner else at.version
    return replace(item, owner=owner, owner_since=since, held_from=held_from)
