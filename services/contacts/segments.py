"""Saved segments: who has such a history, asked again and again. Pure (C-16)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, Any, Literal, assert_never

from pydantic import Field, StringConstraints

from services.contacts.person_views import PersonCard, buying_role_on
from services.contacts.statement_views import PersonStatements, current
from shared.command import DatedCommand
from shared.errors import InvalidError, NotFoundError
from shared.events import Envelope
from shared.events.contacts import (
    AffiliationKind,
    BuyingRole,
    SegmentDropped,
    SegmentEvent,
    SegmentSaved,
    Stance,
)
from shared.events.touches import Topic
from shared.projection import Projection
from shared.references import CompanyStream, EmployeeStream

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class SegmentUnknownError(NotFoundError):
    """There is no such segment."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Only what a rule needs to know."""

    saved: SegmentSaved | None = None


class SaveSegment(DatedCommand):
    """What is left out does not matter; the rest must all be so. At least one thing must."""

    name: Text
    owner: EmployeeStream | None = None
    company: CompanyStream | None = None
    affiliation: AffiliationKind | None = None
    language: Text | None = None
    buying_role: BuyingRole | None = None
    stance: Stance | None = None
    recommends: Literal["yes", "no", "unsure"] | None = None
    within_days: int | None = Field(None, ge=1, le=3_650)
    touches_min: int | None = Field(None, ge=1, le=10_000)
    touches_max: int | None = Field(None, ge=0, le=10_000)
    about: Topic | None = None


class DropSegment(DatedCommand):
    reason: Text | None = None


SegmentCommand = SaveSegment | DropSegment
# What says nothing about whom the segment holds.
NAMES = frozenset({"name", "owner", "on", "within_days"})


def decide_segment(segment: Segment, command: SegmentCommand) -> list[SegmentEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case SaveSegment():
            saved = SegmentSaved(**command.model_dump(exclude={"date_unknown"}))
            if not saved.model_dump(exclude=set(NAMES), exclude_none=True):
                raise InvalidError("a segment of everybody is none", field="#/name")
            if saved.about and saved.touches_min is None and saved.touches_max is None:
                raise InvalidError(
                    "how many touches about it, at least or at most?", field="#/touches_min"
                )
            return [] if _same(saved, segment.saved) else [saved]
        case DropSegment(reason=reason, on=on):
            if segment.saved is None:
                raise SegmentUnknownError
            return [SegmentDropped(reason=reason, on=on)]
        case _:
            assert_never(command)


def _same(saved: SegmentSaved, before: SegmentSaved | None) -> bool:
    return before is not None and before.model_copy(update={"on": saved.on}) == saved


def evolve_segment(segment: Segment, event: SegmentEvent) -> Segment:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case SegmentSaved():
            return Segment(event)
        case SegmentDropped():
            return Segment()
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class SegmentCard:
    """Answers: which segment is this, and what must be so of whoever belongs to it?"""

    segment: str
    name: str | None = None
    owner: str | None = None
    company: str | None = None
    affiliation: str | None = None
    language: str | None = None
    buying_role: str | None = None
    stance: str | None = None
    recommends: str | None = None
    within_days: int | None = None
    touches_min: int | None = None
    touches_max: int | None = None
    about: str | None = None
    saved_on: date | None = None


segment_card = Projection(
    "segment_card",
    version=1,
    view=SegmentCard,
    indexes=("owner", "name"),
    streams=("segment",),
)


@segment_card.on(SegmentSaved)
def segment_saved(card: SegmentCard, event: SegmentSaved, at: Envelope) -> SegmentCard:
    return replace(card, **event.model_dump(exclude={"on"}), saved_on=event.on)


@segment_card.on(SegmentDropped)
def segment_dropped(card: SegmentCard, event: SegmentDropped, at: Envelope) -> None:
    return None


@dataclass(frozen=True, slots=True)
class History:
    """All that decides whether a person belongs to a segment; a touch is its day and its topic."""

    card: PersonCard
    told: PersonStatements
    touches: tuple[tuple[date, str], ...] = ()


def narrowed(segment: SegmentCard) -> dict[str, Any]:
    """Return by what a store finds few people, most of whom belong to it."""
    if segment.company is None:
        return {}
    return {"buyer_of" if segment.buying_role else "companies": segment.company}


def asks_for_touches(segment: SegmentCard) -> bool:
    return segment.touches_min is not None or segment.touches_max is not None


def belongs(segment: SegmentCard, person: History, today: date) -> bool:
    """Whether all that the segment asks for is so, today."""
    if person.card.erased_on is not None:
        return False
    return (
        _is(segment, person, today) and _said(segment, person.told) and _met(segment, person, today)
    )


def _is(segment: SegmentCard, person: History, today: date) -> bool:
    card = person.card
    if segment.language is not None and card.language != segment.language:
        return False
    if segment.affiliation is not None or (segment.company and not segment.buying_role):
        there = [one for one in card.affiliations if not one.ended]
        if not any(
            segment.company in (None, one.company) and segment.affiliation in (None, one.kind)
            for one in there
        ):
            return False
    if segment.buying_role is None:
        return True
    companies = (segment.company,) if segment.company else card.buyer_of
    return any(buying_role_on(card, one, today) == segment.buying_role for one in companies)


def _said(segment: SegmentCard, told: PersonStatements) -> bool:
    stances = [one for one in current(told.opinions, ("about", "subject")) if one.about == "us"]
    if segment.stance is not None and all(one.stance != segment.stance for one in stances):
        return False
    whom = [one for one in current(told.advocacy, ("seller",)) if one.seller is None]
    return segment.recommends is None or any(one.recommends == segment.recommends for one in whom)


def _met(segment: SegmentCard, person: History, today: date) -> bool:
    count = sum(_counts(segment, person.touches, today))
    least, most = segment.touches_min, segment.touches_max
    return (least is None or count >= least) and (most is None or count <= most)


def _counts(
    segment: SegmentCard, touches: Iterable[tuple[date, str]], today: date
) -> Iterable[bool]:
    since = today - timedelta(days=segment.within_days) if segment.within_days else date.min
    return (since < day <= today and segment.about in (None, about) for day, about in touches)
