"""What may happen to a person or a company. Pure: no clock, no ids, no I/O, no framework."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, assert_never

from pydantic import Field, StringConstraints

from services.contacts.held import Affiliations, Parent, begun, ended, placed, taken_back
from shared.command import Command, DatedCommand, HappenedCommand
from shared.errors import DomainError, NotFoundError
from shared.events.contacts import (
    AffiliationEnded,
    AffiliationKind,
    CompanyDescribed,
    CompanyEvent,
    CompanyPlacedUnder,
    CompanyRegistered,
    PersonAffiliated,
    PersonEvent,
    PersonRegistered,
)
from shared.references import CompanyStream

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class PersonUnknownError(NotFoundError):
    """Nobody of that id is in our book."""


class PersonAlreadyRegisteredError(DomainError):
    """A person is registered once."""


class NotAffiliatedError(DomainError):
    """The person is not with this company, or was not on that day."""


class CompanyUnknownError(NotFoundError):
    """No company of that id is in our book."""


class CompanyAlreadyRegisteredError(DomainError):
    """A company is registered once."""


@dataclass(frozen=True, slots=True)
class Person:
    """Only what a rule needs to know. What a screen needs lives in projections.py."""

    name: str | None = None
    affiliations: Affiliations = ()
    # What was taken back since we were last told of that company: once is once.
    mistakes: frozenset[tuple[str, date | None]] = frozenset()


class RegisterPerson(HappenedCommand):
    name: Name
    email: str | None = Field(None, max_length=320)
    phone: str | None = Field(None, max_length=50)
    language: str | None = Field(None, max_length=35)


class Affiliate(DatedCommand):
    company: CompanyStream
    kind: AffiliationKind = "employee"
    role: str | None = Field(None, max_length=200)


class EndAffiliation(DatedCommand):
    company: CompanyStream
    reason: Literal["moved", "left", "mistaken"] = "left"


PersonCommand = RegisterPerson | Affiliate | EndAffiliation


def decide_person(person: Person, command: PersonCommand) -> list[PersonEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case RegisterPerson():
            if person.name is not None:
                raise PersonAlreadyRegisteredError(f"{person.name} is in our book already")
            return [PersonRegistered(**command.model_dump(exclude={"date_unknown"}))]
        case Affiliate(company=company, kind=kind, role=role, on=on):
            if person.name is None:
                raise PersonUnknownError
            # An earlier day of the same role puts its date right; a later one says nothing new.
            if begun(person.affiliations, company, kind, role, on) == person.affiliations:
                return []
            return [PersonAffiliated(company=company, kind=kind, role=role, on=on)]
        case EndAffiliation():
            if person.name is None:
                raise PersonUnknownError
            return _end(person, command)
        case _:
            assert_never(command)


def _end(person: Person, command: EndAffiliation) -> list[PersonEvent]:
    company, on = command.company, command.on
    mistaken = command.reason == "mistaken"
    if mistaken and (company, on) in person.mistakes:
        return []
    change = taken_back if mistaken else ended
    if change(person.affiliations, company, on) == person.affiliations:
        known = any(one.company == company for one in person.affiliations)
        raise NotAffiliatedError(
            f"not with {company}" + (f" on {on}" if known and on else ""),
            field="#/on" if known else "#/company",
        )
    return [AffiliationEnded(company=company, reason=command.reason, on=on)]


def evolve_person(person: Person, event: PersonEvent) -> Person:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case PersonRegistered(name=name):
            return replace(person, name=name)
        case PersonAffiliated(company=company, kind=kind, role=role, on=on):
            return replace(
                person,
                affiliations=begun(person.affiliations, company, kind, role, on),
                mistakes=frozenset(one for one in person.mistakes if one[0] != company),
            )
        case AffiliationEnded(company=company, reason="mistaken", on=on):
            rest = taken_back(person.affiliations, company, on)
            return replace(person, affiliations=rest, mistakes=person.mistakes | {(company, on)})
        case AffiliationEnded(company=company, on=on):
            return replace(person, affiliations=ended(person.affiliations, company, on))
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class Company:
    """Only what a rule needs to know."""

    name: str | None = None
    parents: tuple[Parent, ...] = ()
    described: CompanyDescribed | None = None

    @property
    def parent(self) -> str | None:
        return self.parents[-1].parent if self.parents else None


class RegisterCompany(HappenedCommand):
    name: Name


class PlaceCompanyUnder(DatedCommand):
    others: ClassVar[tuple[str, ...]] = ("parent",)

    parent: CompanyStream


class DescribeCompany(HappenedCommand):
    """A dated statement of what kind of company this is, by whom."""

    stated_by: Name
    sector: str | None = Field(None, max_length=200)
    founded_year: int | None = Field(None, ge=1000, le=2200)
    revenue: Decimal | None = Field(None, max_digits=20, decimal_places=4)
    revenue_unit: str | None = Field(None, max_length=50)
    employee_count: int | None = Field(None, ge=0, le=100_000_000)
    location: str | None = Field(None, max_length=200)


class MirrorCompany(Command):
    """Another system says: this company exists, there in the tree, described like this."""

    others: ClassVar[tuple[str, ...]] = ("parent",)

    name: Name
    stated_by: Name
    parent: CompanyStream | None = None
    sector: str | None = Field(None, max_length=200)
    founded_year: int | None = Field(None, ge=1000, le=2200)
    revenue: Decimal | None = Field(None, max_digits=20, decimal_places=4)
    revenue_unit: str | None = Field(None, max_length=50)
    employee_count: int | None = Field(None, ge=0, le=100_000_000)
    location: str | None = Field(None, max_length=200)


CompanyCommand = RegisterCompany | PlaceCompanyUnder | DescribeCompany | MirrorCompany


def decide_company(company: Company, command: CompanyCommand) -> list[CompanyEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case RegisterCompany(name=name, on=on):
            if company.name is not None:
                raise CompanyAlreadyRegisteredError(f"{company.name} is in our book already")
            return [CompanyRegistered(name=name, on=on)]
        case PlaceCompanyUnder(parent=parent, on=on):
            if company.name is None:
                raise CompanyUnknownError
            if placed(company.parents, parent, on) == company.parents:
                return []
            return [CompanyPlacedUnder(parent=parent, on=on)]
        case DescribeCompany():
            if company.name is None:
                raise CompanyUnknownError
            stated = CompanyDescribed(**command.model_dump(exclude={"date_unknown"}))
            return [] if stated == company.described else [stated]
        case MirrorCompany():
            return _mirror_company(company, command)
        case _:
            assert_never(command)


def _mirror_company(company: Company, command: MirrorCompany) -> list[CompanyEvent]:
    facts: list[CompanyEvent] = []
    if company.name is None:
        facts.append(CompanyRegistered(name=command.name))
    if command.parent is not None and command.parent != company.parent:
        facts.append(CompanyPlacedUnder(parent=command.parent))
    stated = CompanyDescribed(**command.model_dump(exclude={"name", "parent"}))
    if stated != company.described:
        facts.append(stated)
    return facts


def evolve_company(company: Company, event: CompanyEvent) -> Company:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case CompanyRegistered(name=name):
            return replace(company, name=name)
        case CompanyPlacedUnder(parent=parent, on=on):
            return replace(company, parents=placed(company.parents, parent, on))
        case CompanyDescribed():
            return replace(company, described=event)
        case _:
            assert_never(event)
