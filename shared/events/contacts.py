"""Facts about the people we sell to and the companies where they happen to be.

Streams: `person-<id>` and `company-<id>`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from shared.events.base import Dated

AffiliationKind = Literal["employee", "dealer", "self"]


class PersonRegistered(Dated, wire="contacts.person_registered.v1"):
    """Someone entered our book for the first time (C-01). A company is not needed (C-15)."""

    name: str
    email: str | None = None
    phone: str | None = None
    language: str | None = None


class PersonAffiliated(Dated, wire="contacts.person_affiliated.v1"):
    """From this date the person works for, deals for, or is this company (C-08, C-15)."""

    company: str
    kind: AffiliationKind = "employee"
    role: str | None = None


class AffiliationEnded(Dated, wire="contacts.affiliation_ended.v1"):
    """The person is no longer with this company; the history stays with the person (C-08)."""

    company: str
    reason: Literal["moved", "left", "mistaken"] = "left"


class CompanyRegistered(Dated, wire="contacts.company_registered.v1"):
    """A company entered our book."""

    name: str


class CompanyPlacedUnder(Dated, wire="contacts.company_placed_under.v1"):
    """The company belongs to a parent company."""

    parent: str


class CompanyDescribed(Dated, wire="contacts.company_described.v1"):
    """A source stated what kind of company this is. A dated statement; the newest is current."""

    stated_by: str
    sector: str | None = None
    founded_year: int | None = None
    revenue: Decimal | None = None
    revenue_unit: str | None = None
    employee_count: int | None = None
    location: str | None = None


PersonEvent = PersonRegistered | PersonAffiliated | AffiliationEnded
CompanyEvent = CompanyRegistered | CompanyPlacedUnder | CompanyDescribed
ContactsEvent = PersonEvent | CompanyEvent
