"""What a seller planned and what came of it. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from services.calendar.entry_state import Status
from shared.events import Envelope
from shared.events.calendar import (
    Activity,
    Category,
    EntryCancelled,
    EntryDescribed,
    EntryDisplaced,
    EntryDone,
    EntryMissed,
    EntryMoved,
    EntryPlanned,
    EntryReassigned,
    EntryStarted,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class EntryCard:
    """Answers: what did this seller plan for when, and what came of it? (K-01, K-03).

    `starts_at` and `ends_at` are the plan as it stands, `first_starts_at` as it was made; of a
    private entry `sealed` is all that tells what it is, to its owner alone (K-02).
    """

    entry: str
    seller: str | None = None
    category: Category | None = None
    # On which day it starts in the company's zone, in whatever offset that was written.
    day: date | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    all_day: bool = False
    zone: str | None = None
    busy: bool = True
    title: str | None = None
    person: str | None = None
    people: tuple[str, ...] = ()
    company: str | None = None
    opportunity: str | None = None
    issue: str | None = None
    place: str | None = None
    note: str | None = None
    attendees: tuple[str, ...] = ()
    activity: Activity | None = None
    status: Status = "planned"
    unplanned: bool = False
    first_starts_at: datetime | None = None
    moves: int = 0
    moved_because: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    missed_because: str | None = None
    displaced_by: str | None = None
    displaced_because: str | None = None
    cancelled_because: str | None = None
    series: str | None = None
    occurrence: datetime | None = None
    # One time of a series, of which nothing has become that anybody told.
    untouched: bool = False
    sealed: str | None = None
    sealed_to: str | None = None
    uid: str | None = None
    sequence: int = 0


entry_card = Projection(
    "entry_card",
    version=5,
    view=EntryCard,
    indexes=("seller", "person", "people", "company", "day", "series", "displaced_by", "activity"),
    streams=("entry",),
)


def linked(person: str | None, people: tuple[str, ...]) -> tuple[str, ...]:
    """Return everybody it is with, the one who was named first in front."""
    return tuple(dict.fromkeys((*([person] if person else []), *people)))


@entry_card.on_zoned(EntryPlanned)
def entry_planned(card: EntryCard, event: EntryPlanned, at: Envelope, zone: tzinfo) -> EntryCard:
    said: dict[str, Any] = event.model_dump(exclude={"people", "modified", "occurrence"})
    return EntryCard(
        **said,
        occurrence=None if event.occurrence is None else event.occurrence.astimezone(UTC),
        entry=card.entry,
        people=linked(event.person, event.people),
        day=event.starts_at.astimezone(zone).date(),
        first_starts_at=event.starts_at,
    )


@entry_card.on(EntryDescribed)
def entry_described(card: EntryCard, event: EntryDescribed, at: Envelope) -> EntryCard:
    said: dict[str, Any] = event.model_dump(exclude={"people", "modified"})
    return replace(card, **said, people=linked(event.person, event.people))


@entry_card.on_zoned(EntryMoved)
def entry_moved(card: EntryCard, event: EntryMoved, at: Envelope, zone: tzinfo) -> EntryCard:
    return replace(
        card,
        day=event.starts_at.astimezone(zone).date(),
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        all_day=event.all_day,
        zone=event.zone,
        sequence=event.sequence,
        status="planned",
        moves=card.moves + 1,
        moved_because=event.reason,
        displaced_by=None,
        displaced_because=None,
        missed_because=None,
    )


@entry_card.on(EntryReassigned)
def entry_reassigned(card: EntryCard, event: EntryReassigned, at: Envelope) -> EntryCard:
    return replace(card, seller=event.seller)


@entry_card.on(EntryStarted)
def entry_started(card: EntryCard, event: EntryStarted, at: Envelope) -> EntryCard:
    return replace(card, status="started", started_at=event.started_at)


@entry_card.on(EntryDone)
def entry_done(card: EntryCard, event: EntryDone, at: Envelope) -> EntryCard:
    return replace(card, status="done", started_at=event.started_at, ended_at=event.ended_at)


@entry_card.on(EntryMissed)
def entry_missed(card: EntryCard, event: EntryMissed, at: Envelope) -> EntryCard:
    return replace(card, status="missed", missed_because=event.reason)


@entry_card.on(EntryDisplaced)
def entry_displaced(card: EntryCard, event: EntryDisplaced, at: Envelope) -> EntryCard:
    return replace(card, status="displaced", displaced_by=event.by, displaced_because=event.reason)


@entry_card.on(EntryCancelled)
def entry_cancelled(card: EntryCard, event: EntryCancelled, at: Envelope) -> EntryCard:
    return replace(card, status="cancelled", cancelled_because=event.reason)
