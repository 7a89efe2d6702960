"""What people ask about companies. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, tzinfo
from decimal import Decimal

from services.contacts.held import (
    Affiliation,
    Affiliations,
    Parent,
    begun,
    ended,
    placed,
    taken_back,
)
from shared.events import Envelope
from shared.events.contacts import (
    AffiliationEnded,
    CompanyDescribed,
    CompanyOwnerAssigned,
    CompanyPlacedUnder,
    CompanyRegistered,
    PersonAffiliated,
)
from shared.held import Owner, owned
from shared.projection import Projection


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
    owner: str | None = None
    owners: tuple[Owner, ...] = ()


company_card = Projection(
    "company_card",
    version=3,
    view=CompanyCard,
    indexes=("parent", "name", "sector", "owner"),
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


@company_card.on(CompanyOwnerAssigned)
def owner_assigned(card: CompanyCard, event: CompanyOwnerAssigned, at: Envelope) -> CompanyCard:
    owners = owned(card.owners, event.owner, event.on)
    return replace(card, owners=owners, owner=owners[-1].owner)


@dataclass(frozen=True, slots=True)
class Member:
    """Who is or was with a company, in which roles there."""

    person: str
    affiliations: Affiliations


@dataclass(frozen=True, slots=True)
class CompanyPeople:
    """Answers: who came to this company, who left it, and who of ours has to know? (C-08)."""

    company: str
    owner: str | None = None
    owners: tuple[Owner, ...] = ()
    members: tuple[Member, ...] = ()


company_people = Projection(
    "company_people",
    version=1,
    view=CompanyPeople,
    indexes=("owner",),
    streams=("person", "company"),
)


def _company(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, PersonAffiliated | AffiliationEnded)
    return (at.data.company,)


def _member(people: CompanyPeople, person: str) -> Affiliations:
    return next((m.affiliations for m in people.members if m.person == person), ())


def _with(people: CompanyPeople, person: str, known: Affiliations) -> CompanyPeople:
    others = [member for member in people.members if member.person != person]
    members = sorted([*others, Member(person, known)], key=lambda member: member.person)
    return replace(people, members=tuple(members))


@company_people.on(PersonAffiliated, keys=_company)
def came(people: CompanyPeople, event: PersonAffiliated, at: Envelope) -> CompanyPeople:
    known = _member(people, at.stream)
    known = begun(known, event.company, event.kind, event.role, event.on)
    return _with(people, at.stream, known)


@company_people.on(AffiliationEnded, keys=_company)
def went(people: CompanyPeople, event: AffiliationEnded, at: Envelope) -> CompanyPeople:
    change = taken_back if event.reason == "mistaken" else ended
    return _with(people, at.stream, change(_member(people, at.stream), event.company, event.on))


@company_people.on(CompanyOwnerAssigned)
def people_owner(people: CompanyPeople, event: CompanyOwnerAssigned, at: Envelope) -> CompanyPeople:
    owners = owned(people.owners, event.owner, event.on)
    return replace(people, owners=owners, owner=owners[-1].owner)


@dataclass(frozen=True, slots=True)
class Move:
    """Somebody came to a company, changed role there, or left it."""

    company: str
    person: str
    what: str
    on: date
    role: str | None = None


def moves(people: CompanyPeople, since: date) -> list[Move]:
    """Return what the company's owner has to know of since that day, newest first."""
    found = [
        move
        for member in people.members
        for place, one in enumerate(member.affiliations)
        for move in _moves(member.person, one, fresh=place == 0 or _left_before(member, place))
        if move.on >= since
    ]
    return sorted(found, key=lambda move: (move.on, move.person, move.what), reverse=True)


def _left_before(member: Member, place: int) -> bool:
    return member.affiliations[place - 1].left


def _moves(person: str, one: Affiliation, *, fresh: bool) -> list[Move]:
    found = []
    if one.since is not None:
        what = "came" if fresh else "changed role"
        found.append(Move(one.company, person, what, one.since, one.role))
    if one.left and one.until is not None:
        found.append(Move(one.company, person, "left", one.until, one.role))
    return found
