"""What people ask about one person. Pure folds, never refuse.

An entry of our book holds what was told of it. Entries that are one person are read together
(`joined`), never folded together: so what was merged can be parted again, years later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.contacts.held import Affiliations, begun, ended, merged_by_date, taken_back
from services.contacts.matching import Known
from services.contacts.timelines import touched_person
from shared.events import Envelope
from shared.events.contacts import (
    AffiliationEnded,
    BuyingRole,
    BuyingRoleStated,
    PersonAffiliated,
    PersonDetailsStated,
    PersonErased,
    PersonMerged,
    PersonOwnerAssigned,
    PersonRegistered,
    PersonToldApart,
    PersonUnmerged,
)
from shared.events.touches import TouchRecorded
from shared.held import Owner, in_order, owned
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Details:
    """By what name the person went and how to reach them, from a date on."""

    since: date | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class BuyingRoleHeld:
    """Which say the person has at a company from a date on."""

    company: str
    role: BuyingRole
    since: date | None = None


@dataclass(frozen=True, slots=True)
class PersonCard:
    """Answers: who is this, with which companies, when were we last in touch, how often?

    `merged_into`: this entry is part of that one. `identities`: entries that are part of this one.
    """

    person: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    affiliations: Affiliations = ()
    companies: tuple[str, ...] = ()
    last_touch_at: datetime | None = None
    touch_count: int = 0
    details: tuple[Details, ...] = ()
    merged_into: str | None = None
    identities: tuple[str, ...] = ()
    told_apart: tuple[str, ...] = ()
    buying_roles: tuple[BuyingRoleHeld, ...] = ()
    # Where the person ever had a say in what is bought.
    buyer_of: tuple[str, ...] = ()
    # Which colleague answers for the person now (C-09), and who did from when on.
    owner: str | None = None
    owners: tuple[Owner, ...] = ()
    # From when on nobody can read anything about the person any more (M4).
    erased_on: date | None = None


person_card = Projection(
    "person_card",
    version=5,
    view=PersonCard,
    indexes=("companies", "buyer_of", "person", "owner"),
    published=True,
    streams=("person", "touch"),
)


def _with(card: PersonCard, affiliations: Affiliations) -> PersonCard:
    current = tuple(sorted({a.company for a in affiliations if not a.ended}))
    return replace(card, affiliations=affiliations, companies=current)


def _told(card: PersonCard, event: PersonRegistered | PersonDetailsStated) -> PersonCard:
    details = Details(event.on, event.name, event.email, event.phone, event.language)
    return _current(replace(card, details=in_order(card.details, details)))


def _current(card: PersonCard) -> PersonCard:
    """Return the card with the newest of each detail."""
    said: dict[str, Any] = {}
    for told in card.details:
        found = {name: getattr(told, name) for name in ("name", "email", "phone", "language")}
        said |= {name: value for name, value in found.items() if value is not None}
    return replace(card, **said)


@person_card.on(PersonRegistered)
def person_registered(card: PersonCard, event: PersonRegistered, at: Envelope) -> PersonCard:
    return _told(card, event)


@person_card.on(PersonDetailsStated)
def details_stated(card: PersonCard, event: PersonDetailsStated, at: Envelope) -> PersonCard:
    return _told(card, event)


@person_card.on(PersonAffiliated)
def person_affiliated(card: PersonCard, event: PersonAffiliated, at: Envelope) -> PersonCard:
    # Another role at the same company: the one before ends there, its history stays (C-08).
    known = card.affiliations
    return _with(card, begun(known, event.company, event.kind, event.role, event.on))


@person_card.on(AffiliationEnded)
def affiliation_ended(card: PersonCard, event: AffiliationEnded, at: Envelope) -> PersonCard:
    change = taken_back if event.reason == "mistaken" else ended
    return _with(card, change(card.affiliations, event.company, event.on))


@person_card.on(TouchRecorded, keys=lambda at: (touched_person(at),))
def touched(card: PersonCard, event: TouchRecorded, at: Envelope) -> PersonCard:
    # Touches arrive late, so the newest is a maximum, not the last one folded.
    newest = max(card.last_touch_at or at.occurred_at, at.occurred_at)
    return replace(card, last_touch_at=newest, touch_count=card.touch_count + 1)


@person_card.on(BuyingRoleStated)
def buying_role_stated(card: PersonCard, event: BuyingRoleStated, at: Envelope) -> PersonCard:
    held = BuyingRoleHeld(event.company, event.role, event.on)
    return replace(
        card,
        buying_roles=in_order(card.buying_roles, held),
        buyer_of=tuple(sorted({*card.buyer_of, event.company})),
    )


@person_card.on(PersonOwnerAssigned)
def owner_assigned(card: PersonCard, event: PersonOwnerAssigned, at: Envelope) -> PersonCard:
    owners = owned(card.owners, event.owner, event.on)
    return replace(card, owners=owners, owner=owners[-1].owner)


@person_card.on(PersonErased)
def erased(card: PersonCard, event: PersonErased, at: Envelope) -> PersonCard:
    # A published card changes: its subscribers hear of it, and have to forget what they know.
    return replace(card, erased_on=event.on or at.recorded_at.date())


def _both(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, PersonMerged | PersonUnmerged)
    other = at.data.into if isinstance(at.data, PersonMerged) else at.data.survivor
    return (at.stream, other)


@person_card.on(PersonMerged, keys=_both)
def merged(card: PersonCard, event: PersonMerged, at: Envelope) -> PersonCard:
    if card.person == at.stream:
        card = replace(card, merged_into=event.into)
    if card.person == event.into:
        card = replace(card, identities=tuple(sorted({*card.identities, at.stream})))
    return card


@person_card.on(PersonUnmerged, keys=_both)
def unmerged(card: PersonCard, event: PersonUnmerged, at: Envelope) -> PersonCard:
    if card.person == at.stream:
        card = replace(card, merged_into=None)
    if card.person == event.survivor:
        rest = tuple(one for one in card.identities if one != at.stream)
        card = replace(card, identities=rest)
    return card


@person_card.on(PersonToldApart)
def told_apart(card: PersonCard, event: PersonToldApart, at: Envelope) -> PersonCard:
    return replace(card, told_apart=tuple(sorted({*card.told_apart, event.other})))


def joined(cards: Sequence[PersonCard]) -> PersonCard:
    """Return the card of one person out of those of its entries, the surviving one first.

    What the survivor's own entry says comes first; what it leaves open, the others tell.
    """
    first, *others = cards
    said: dict[str, Any] = {}
    for name in ("name", "email", "phone", "language"):
        values = (getattr(card, name) for card in cards)
        said[name] = next((value for value in values if value is not None), None)
    ever = sorted(
        (one for card in cards for one in card.affiliations), key=lambda a: a.since or date.min
    )
    owners: tuple[Owner, ...] = merged_by_date(card.owners for card in cards)
    newest = [card.last_touch_at for card in cards if card.last_touch_at is not None]
    return replace(
        first,
        **said,
        affiliations=tuple(ever),
        companies=tuple(sorted({company for card in cards for company in card.companies})),
        last_touch_at=max(newest, default=None),
        touch_count=sum(card.touch_count for card in cards),
        details=merged_by_date(card.details for card in cards),
        identities=tuple(sorted(card.person for card in others)),
        told_apart=tuple(sorted({one for card in cards for one in card.told_apart})),
        buying_roles=merged_by_date(card.buying_roles for card in cards),
        buyer_of=tuple(sorted({company for card in cards for company in card.buyer_of})),
        owner=owners[-1].owner if owners else None,
        owners=owners,
    )


def known(card: PersonCard) -> Known:
    """Return what tells whether another entry is the same person; former addresses too."""
    return Known(
        names=tuple(dict.fromkeys(one.name for one in card.details if one.name)),
        emails=tuple(dict.fromkeys(one.email for one in card.details if one.email)),
        phones=tuple(dict.fromkeys(one.phone for one in card.details if one.phone)),
        companies=tuple(sorted({one.company for one in card.affiliations})),
    )


def buying_role_on(card: PersonCard, company: str, on: date) -> str | None:
    """Return the say that the person had there on that day, or None."""
    held = [
        one.role
        for one in card.buying_roles
        if one.company == company and (one.since is None or one.since <= on)
    ]
    return held[-1] if held and held[-1] != "none" else None
