"""Whose are the people and the companies, as contacts tells it. Pure folds."""

from __future__ import annotations

from dataclasses import replace

from services.organization.owned_views import OwnedItem, owned_item, taken
from shared.events import Envelope
from shared.events.contacts import (
    AffiliationEnded,
    CompanyOwnerAssigned,
    CompanyRegistered,
    PersonAffiliated,
    PersonDetailsStated,
    PersonErased,
    PersonOwnerAssigned,
    PersonRegistered,
)
from shared.held import owned


@owned_item.on(CompanyRegistered)
def company_registered(item: OwnedItem, event: CompanyRegistered, at: Envelope) -> OwnedItem:
    return replace(item, kind="company", title=event.name, open=True)


@owned_item.on(CompanyOwnerAssigned)
def company_owner(item: OwnedItem, event: CompanyOwnerAssigned, at: Envelope) -> OwnedItem:
    return _answered_for(replace(item, kind="company"), event, at)


@owned_item.on(PersonRegistered)
def person_registered(item: OwnedItem, event: PersonRegistered, at: Envelope) -> OwnedItem:
    return replace(item, kind="person", title=event.name, open=True)


@owned_item.on(PersonDetailsStated)
def details_stated(item: OwnedItem, event: PersonDetailsStated, at: Envelope) -> OwnedItem:
    return replace(item, title=event.name or item.title)


@owned_item.on(PersonErased)
def person_erased(item: OwnedItem, event: PersonErased, at: Envelope) -> OwnedItem:
    return replace(item, open=False)


@owned_item.on(PersonOwnerAssigned)
def person_owner(item: OwnedItem, event: PersonOwnerAssigned, at: Envelope) -> OwnedItem:
    return _answered_for(replace(item, kind="person"), event, at)


@owned_item.on(PersonAffiliated)
def person_affiliated(item: OwnedItem, event: PersonAffiliated, at: Envelope) -> OwnedItem:
    if event.on and item.company_since and event.on < item.company_since:
        return item  # Learnt late: the person has moved on since.
    return replace(item, company=event.company, company_since=event.on)


@owned_item.on(AffiliationEnded)
def affiliation_ended(item: OwnedItem, event: AffiliationEnded, at: Envelope) -> OwnedItem:
    there = item.company == event.company
    return replace(item, company=None, company_since=None) if there else item


def _answered_for(
    item: OwnedItem, event: CompanyOwnerAssigned | PersonOwnerAssigned, at: Envelope
) -> OwnedItem:
    owners = owned(item.owners, event.owner, event.on)
    last = owners[-1]
    return replace(taken(item, last.owner, last.since, at), owners=owners, open=True)
