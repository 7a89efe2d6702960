"""What people ask about the calendar. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Literal

from shared.events import Envelope
from shared.events.calendar import (
    Category,
    EntryCancelled,
    EntryDone,
    EntryPlanned,
    EntryReassigned,
)
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class EntryCard:
    """Answers: what did this seller plan for when, and what came of it? (K-01, K-03)."""

    entry: str
    seller: str | None = None
    category: Category | None = None
    # On which day it starts in the company's zone, in whatever offset that was written.
    day: date | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    title: str | None = None
    person: str | None = None
    company: str | None = None
    opportunity: str | None = None
    status: Literal["planned", "done", "cancelled"] = "planned"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancelled_because: str | None = None


entry_card = Projection(
    "entry_card", version=3, view=EntryCard, indexes=("seller", "person", "company")
)


@entry_card.on_zoned(EntryPlanned)
def entry_planned(card: EntryCard, event: EntryPlanned, at: Envelope, zone: tzinfo) -> EntryCard:
    return replace(
        card,
        seller=event.seller,
        category=event.category,
        day=event.starts_at.astimezone(zone).date(),
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        title=event.title,
        person=event.person,
        company=event.company,
        opportunity=event.opportunity,
    )


@entry_card.on(EntryReassigned)
def entry_reassigned(card: EntryCard, event: EntryReassigned, at: Envelope) -> EntryCard:
    return replace(card, seller=event.seller)


@entry_card.on(EntryDone)
def entry_done(card: EntryCard, event: EntryDone, at: Envelope) -> EntryCard:
    return replace(card, status="done", started_at=event.started_at, ended_at=event.ended_at)


@entry_card.on(EntryCancelled)
def entry_cancelled(card: EntryCard, event: EntryCancelled, at: Envelope) -> EntryCard:
    return replace(card, status="cancelled", cancelled_because=event.reason)


PROJECTIONS = (entry_card,)
