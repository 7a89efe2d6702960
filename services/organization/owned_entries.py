"""Whose is what the calendar holds: open until it is over; what repeats, until it ends. Pure folds.

What is private is nobody else's, and nobody is told of it (K-02).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import Protocol

from services.organization.owned_views import Kind, OwnedItem, owned_item, taken
from shared.events import Envelope
from shared.events.calendar import (
    EntryCancelled,
    EntryDescribed,
    EntryDisplaced,
    EntryDone,
    EntryMissed,
    EntryMoved,
    EntryPlanned,
    EntryReassigned,
    SeriesEnded,
    SeriesPlanned,
    SeriesReassigned,
)


class Planned(Protocol):
    """What an entry and a series tell alike."""

    @property
    def seller(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def company(self) -> str | None: ...
    @property
    def person(self) -> str | None: ...


def planned(
    item: OwnedItem, kind: Kind, event: Planned, due_on: date | None, at: Envelope
) -> OwnedItem:
    if event.category == "private":
        return replace(item, kind=kind, open=False)
    told = replace(
        item,
        kind=kind,
        title=event.title,
        open=True,
        stage=event.category,
        due_on=due_on,
        company=event.company,
        person=event.person,
    )
    return taken(told, event.seller, None, at)


def day_of(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()


@owned_item.on_zoned(EntryPlanned)
def entry_planned(item: OwnedItem, event: EntryPlanned, at: Envelope, zone: tzinfo) -> OwnedItem:
    return planned(item, "entry", event, day_of(event.starts_at, zone), at)


@owned_item.on(EntryDescribed)
def entry_described(item: OwnedItem, event: EntryDescribed, at: Envelope) -> OwnedItem:
    if event.category == "private":
        return item
    return replace(
        item,
        stage=event.category,
        title=event.title,
        company=event.company,
        person=event.person,
    )


@owned_item.on_zoned(EntryMoved)
def entry_moved(item: OwnedItem, event: EntryMoved, at: Envelope, zone: tzinfo) -> OwnedItem:
    # It stands again, if it had been missed; a private one has no owner here.
    return replace(item, due_on=day_of(event.starts_at, zone), open=item.owner is not None)


@owned_item.on(EntryReassigned)
def entry_reassigned(item: OwnedItem, event: EntryReassigned, at: Envelope) -> OwnedItem:
    return taken(item, event.seller, event.on, at)


@owned_item.on(EntryDone)
def entry_done(item: OwnedItem, event: EntryDone, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(EntryMissed)
def entry_missed(item: OwnedItem, event: EntryMissed, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(EntryDisplaced)
def entry_displaced(item: OwnedItem, event: EntryDisplaced, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(EntryCancelled)
def entry_cancelled(item: OwnedItem, event: EntryCancelled, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(SeriesPlanned)
def series_planned(item: OwnedItem, event: SeriesPlanned, at: Envelope) -> OwnedItem:
    # When its last time is, only its rule knows: until it is ended it is somebody's to end.
    return planned(item, "series", event, None, at)


@owned_item.on(SeriesReassigned)
def series_reassigned(item: OwnedItem, event: SeriesReassigned, at: Envelope) -> OwnedItem:
    return taken(item, event.seller, event.on, at)


@owned_item.on(SeriesEnded)
def series_ended(item: OwnedItem, event: SeriesEnded, at: Envelope) -> OwnedItem:
    # Its `due_on` is its last day: after it, it is past and nobody has to have it.
    return replace(item, due_on=event.last_day)
