"""What people ask about the people we sell to. Pure folds, never refuse.

Facts of a person, of a company and of touches arrive in any order, so every fold that combines
them gives the same view whatever the interleaving.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from decimal import Decimal

from services.contacts.held import Affiliations, Parent, begun, ended, placed, taken_back
from shared.events import Envelope
from shared.events.contacts import (
    AffiliationEnded,
    CompanyDescribed,
    CompanyPlacedUnder,
    CompanyRegistered,
    PersonAffiliated,
    PersonRegistered,
)
from shared.events.touches import TouchRecorded
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class PersonCard:
    """Answers: who is this, with which companies, when were we last in touch, how often?"""

    person: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    affiliations: Affiliations = ()
    companies: tuple[str, ...] = ()
    last_touch_at: datetime | None = None
    touch_count: int = 0


person_card = Projection(
    "person_card",
    version=2,
    view=PersonCard,
    indexes=("companies", "name", "email"),
    published=True,
    streams=("person", "touch"),
)


def _with(card: PersonCard, affiliations: Affiliations) -> PersonCard:
    current = tuple(sorted({a.company for a in affiliations if not a.ended}))
    return replace(card, affiliations=affiliations, companies=current)


@person_card.on(PersonRegistered)
def person_registered(card: PersonCard, event: PersonRegistered, at: Envelope) -> PersonCard:
    return replace(
        card, name=event.name, email=event.email, phone=event.phone, language=event.language
    )


@person_card.on(PersonAffiliated)
def person_affiliated(card: PersonCard, event: PersonAffiliated, at: Envelope) -> PersonCard:
    # Another role at the same company: the one before ends there, its history stays (C-08).
    known = card.affiliations
    return _with(card, begun(known, event.company, event.kind, event.role, event.on))


@person_card.on(AffiliationEnded)
def affiliation_ended(card: PersonCard, event: AffiliationEnded, at: Envelope) -> PersonCard:
    change = taken_back if event.reason == "mistaken" else ended
    return _with(card, change(card.affiliations, event.company, event.on))


@person_card.on(TouchRecorded, keys=lambda at: (_touched(at),))
def touched(card: PersonCard, event: TouchRecorded, at: Envelope) -> PersonCard:
    # Touches arrive late, so the newest is a maximum, not the last one folded.
    newest = max(card.last_touch_at or at.occurred_at, at.occurred_at)
    return replace(card, last_touch_at=newest, touch_count=card.touch_count + 1)


def _touched(at: Envelope) -> str:
    assert isinstance(at.data, TouchRecorded)
    return at.data.person


@dataclass(frozen=True, slots=True)
class Touch:
    """One line of a timeline."""

    touch: str
    occurred_at: datetime
    recorded_at: datetime
    channel: str
    about: str
    direction: str
    employee: str | None = None
    grade: str | None = None
    function: str | None = None
    company: str | None = None
    opportunity: str | None = None
    subject: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """Answers: what happened with this person in this month? Any touch, any channel (C-03).

    A month as the company's zone has it: the one in which figures count the touch.
    """

    key: str
    person: str = ""
    month: str = ""
    touches: tuple[Touch, ...] = field(default=())


timeline = Projection("timeline", version=2, view=Month, indexes=("person",))


def _month(at: Envelope, zone: tzinfo) -> str:
    return f"{at.day(zone):%Y-%m}"


@timeline.on_zoned(TouchRecorded, keys=lambda at, zone: (f"{_touched(at)}/{_month(at, zone)}",))
def touch_entered(month: Month, event: TouchRecorded, at: Envelope, zone: tzinfo) -> Month:
    touch = Touch(
        touch=at.stream,
        occurred_at=at.occurred_at,
        recorded_at=at.recorded_at,
        channel=event.channel,
        about=event.about,
        direction=event.direction,
        employee=event.employee,
        grade=event.grade,
        function=event.function,
        company=event.company,
        opportunity=event.opportunity,
        subject=event.subject,
        note=event.note,
    )
    # Sorted by when it happened: the same timeline whatever arrived first.
    touches = sorted((*month.touches, touch), key=lambda t: (t.occurred_at, t.touch))
    return replace(month, person=event.person, month=_month(at, zone), touches=tuple(touches))


@dataclass(frozen=True, slots=True)
class CompanyCard:
    """Answers: what is this company, under which parent, by whose statement?"""

    company: str
    name: str | None = None
    parent: str | None = None
    stated_by: str | None = None
    stated_on: date | None = None
    sector: str | None = None
    founded_year: int | None = None
    revenue: Decimal | None = None
    revenue_unit: str | None = None
    employee_count: int | None = None
    location: str | None = None
    parents: tuple[Parent, ...] = ()


company_card = Projection(
    "company_card",
    version=2,
    view=CompanyCard,
    indexes=("parent", "name", "sector"),
    streams=("company",),
)


@company_card.on(CompanyRegistered)
def company_registered(card: CompanyCard, event: CompanyRegistered, at: Envelope) -> CompanyCard:
    return replace(card, name=event.name)


@company_card.on(CompanyPlacedUnder)
def company_placed_under(card: CompanyCard, event: CompanyPlacedUnder, at: Envelope) -> CompanyCard:
    parents = placed(card.parents, event.parent, event.on)
    return replace(card, parents=parents, parent=parents[-1].parent)


@company_card.on_zoned(CompanyDescribed)
def company_described(
    card: CompanyCard, event: CompanyDescribed, at: Envelope, zone: tzinfo
) -> CompanyCard:
    # Learnt late is normal: the newest statement is current, not the last one recorded. One whose
    # date nobody knows counts from the day we were told.
    stated_on = at.day(zone)
    if card.stated_on is not None and stated_on < card.stated_on:
        return card
    return replace(
        card,
        stated_by=event.stated_by,
        stated_on=stated_on,
        sector=event.sector,
        founded_year=event.founded_year,
        revenue=event.revenue,
        revenue_unit=event.revenue_unit,
        employee_count=event.employee_count,
        location=event.location,
    )


PROJECTIONS = (person_card, timeline, company_card)
