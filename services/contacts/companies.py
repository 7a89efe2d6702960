"""What may happen to a company. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import ClassVar, assert_never

from pydantic import Field

from services.contacts.defaults import ContactsDefaults
from services.contacts.held import Parent, placed
from services.contacts.notices import (
    AcknowledgeMove,
    Notice,
    NoticeMove,
    acknowledge_move,
    notice_move,
)
from services.contacts.owners import AssignCompanyOwner, assigned
from services.contacts.people import Name
from shared.command import Command, DatedCommand, HappenedCommand
from shared.errors import DomainError, NotFoundError
from shared.events.contacts import (
    CompanyDescribed,
    CompanyEvent,
    CompanyOwnerAssigned,
    CompanyPlacedUnder,
    CompanyRegistered,
    MoveAcknowledged,
    MoveNoticed,
)
from shared.handovers import TakeOver
from shared.held import Owner, owned
from shared.references import CompanyStream


class CompanyUnknownError(NotFoundError):
    """No company of that id is in our book."""


class CompanyAlreadyRegisteredError(DomainError):
    """A company is registered once."""


@dataclass(frozen=True, slots=True)
class Company:
    """Only what a rule needs to know."""

    name: str | None = None
    parents: tuple[Parent, ...] = ()
    described: CompanyDescribed | None = None
    owners: tuple[Owner, ...] = ()
    notices: Mapping[str, Notice] = field(default_factory=dict)

    @property
    def owner(self) -> str | None:
        return self.owners[-1].owner if self.owners else None

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


CompanyCommand = (
    RegisterCompany
    | PlaceCompanyUnder
    | DescribeCompany
    | MirrorCompany
    | AssignCompanyOwner
    | NoticeMove
    | AcknowledgeMove
    | TakeOver
)


def decide_company(
    company: Company, command: CompanyCommand, rules: ContactsDefaults
) -> list[CompanyEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case RegisterCompany(name=name, on=on):
            if company.name is not None:
                raise CompanyAlreadyRegisteredError(f"{company.name} is in our book already")
            return [CompanyRegistered(name=name, on=on)]
        case MirrorCompany():
            return _mirror_company(company, command)
        case NoticeMove(notice=notice) if notice in company.notices:
            return []
        case NoticeMove():
            return [*notice_move(command, company.owner, rules.move_days)]
        case _:
            if company.name is None:
                raise CompanyUnknownError
            return _decide_known(company, command)


def _decide_known(
    company: Company,
    command: PlaceCompanyUnder | DescribeCompany | AssignCompanyOwner | AcknowledgeMove | TakeOver,
) -> list[CompanyEvent]:
    match command:
        case PlaceCompanyUnder(parent=parent, on=on):
            if placed(company.parents, parent, on) == company.parents:
                return []
            return [CompanyPlacedUnder(parent=parent, on=on)]
        case DescribeCompany():
            stated = CompanyDescribed(**command.model_dump(exclude={"date_unknown"}))
            return [] if stated == company.described else [stated]
        case AssignCompanyOwner() | TakeOver():
            told = assigned(company.owners, command)
            return [] if told is None else [CompanyOwnerAssigned(**told._asdict())]
        case AcknowledgeMove(notice=notice):
            return [*acknowledge_move(command, company.notices.get(notice), company.owner)]
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
        case CompanyOwnerAssigned(owner=owner, on=on):
            return replace(company, owners=owned(company.owners, owner, on))
        case MoveNoticed(notice=name, owner=owner):
            return replace(company, notices={**company.notices, name: Notice(owner)})
        case MoveAcknowledged(notice=name, by=by):
            told = company.notices.get(name, Notice(by))
            known = {name: replace(told, acknowledged=True)}
            return replace(company, notices={**company.notices, **known})
        case _:
            assert_never(event)
