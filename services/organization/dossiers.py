"""The dossier of a handover: what a successor must know, customer by customer (C-09). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from services.organization.handover_views import HandoverCard, days_between
from services.organization.owned_items import Handed, Kind, OwnedItem
from shared.documents import Document, Section, section

DOMAINS: Mapping[Kind, str] = {
    "company": "contacts",
    "person": "contacts",
    "opportunity": "opportunities",
    "issue": "issues",
    "commitment": "issues",
    "entry": "calendar",
    "series": "calendar",
    "visit": "contacts",
    "promise": "contacts",
}
KINDS: tuple[Kind, ...] = tuple(DOMAINS)
NO_CUSTOMER = "No customer"
COLUMNS = (
    *("What", "Name", "Stage", "Since", "Next step", "Until", "Due on", "Last touch", "With whom"),
    *("Whose", "Moved on", "Days without an owner"),
)


@dataclass(frozen=True, slots=True)
class DossierItem:
    """One thing that the leaver had: how it stands, whose it is now, and since when.

    `days` is for how many days nobody had it; `history` is where all of its facts are read.
    """

    item: str
    kind: Kind | None
    title: str | None
    stage: str | None
    stage_on: date | None
    next_step: str | None
    next_step_on: date | None
    due_on: date | None
    last_touch_on: date | None
    person: str | None
    person_name: str | None
    open: bool
    owner: str | None
    receiver: str | None
    moved_on: date | None
    moved: bool
    days: int | None
    history: str


@dataclass(frozen=True, slots=True)
class Customer:
    """What there is of one customer, a company or a person; None: it is about no customer."""

    customer: str | None
    name: str | None
    items: tuple[DossierItem, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """Answers: what did the leaver look after, what must be known of it, whose is it now?"""

    today: date
    handover: HandoverCard
    leaver_name: str | None
    receiver_name: str | None
    total: int
    moved: int
    customers: tuple[Customer, ...]


def of_handover(card: HandoverCard, items: Iterable[OwnedItem], today: date) -> list[OwnedItem]:
    """Return what this handover is about: what it moved, and what the leaver still has."""
    return [
        one
        for one in {one.item: one for one in items}.values()
        if _handed(card, one) is not None or (one.owner == card.employee and one.owed(today))
    ]


def named_in(items: Iterable[OwnedItem]) -> set[str]:
    """Return the customers and people whose names the dossier tells."""
    return {name for one in items for name in (one.customer, one.person) if name is not None}


def dossier(
    card: HandoverCard,
    items: Iterable[OwnedItem],
    known: Mapping[str, OwnedItem],
    names: Mapping[str, str | None],
    today: date,
) -> Dossier:
    """Make the dossier of what `of_handover` found; `known` and `names` say what they are called.

    What the leaver still has comes first: that is what is left to do.
    """
    groups: dict[str | None, list[DossierItem]] = {}
    for one in sorted(items, key=_rank):
        groups.setdefault(one.customer, []).append(_told(card, one, known, today))
    customers = [
        Customer(customer, _title(known, customer), tuple(told))
        for customer, told in groups.items()
    ]
    every = [one for customer in customers for one in customer.items]
    return Dossier(
        today=today,
        handover=card,
        leaver_name=names.get(card.employee or ""),
        receiver_name=names.get(card.receiver or ""),
        total=len(every),
        moved=sum(one.moved for one in every),
        customers=tuple(sorted(customers, key=_by_name)),
    )


def _rank(one: OwnedItem) -> tuple[int, date, str]:
    kind = KINDS.index(one.kind) if one.kind else len(KINDS)
    return (kind, one.next_step_on or one.due_on or date.max, one.item)


def _by_name(one: Customer) -> tuple[bool, bool, str, str]:
    return (
        all(item.moved for item in one.items),
        one.customer is None,
        one.name or "",
        one.customer or "",
    )


def _handed(card: HandoverCard, one: OwnedItem) -> Handed | None:
    """Return how this handover moved it last; an earlier one of the same colleague is another."""
    told = [h for h in one.handed if h.handover == card.handover and h.version > card.began]
    return told[-1] if told else None


def _title(known: Mapping[str, OwnedItem], name: str | None) -> str | None:
    found = known.get(name or "")
    return None if found is None else found.title


def _told(
    card: HandoverCard, one: OwnedItem, known: Mapping[str, OwnedItem], today: date
) -> DossierItem:
    handed = _handed(card, one)
    moved_on = None if handed is None else handed.on
    days = None if card.leaves_on is None else days_between(card.leaves_on, moved_on or today)
    return DossierItem(
        item=one.item,
        kind=one.kind,
        title=one.title,
        stage=one.stage,
        stage_on=one.stage_on,
        next_step=one.next_step,
        next_step_on=one.next_step_on,
        due_on=one.due_on,
        last_touch_on=one.last_touch_on,
        person=one.person,
        person_name=_title(known, one.person),
        open=one.open,
        owner=one.owner,
        receiver=None if handed is None else handed.receiver,
        moved_on=moved_on,
        moved=one.owner != card.employee,
        days=days,
        history=f"/{DOMAINS[one.kind]}/history/{one.item.partition('/')[0]}" if one.kind else "",
    )


def document(told: Dossier) -> Document:
    """Return the dossier as a page that somebody reads on the way to the first customer."""
    card = told.handover
    return Document(
        title=told.leaver_name or card.employee or card.handover,
        name="Handover dossier",
        today=told.today,
        sections=(_at_a_glance(told), _gap(told), *_customers(told)),
    )


def _at_a_glance(told: Dossier) -> Section:
    card = told.handover
    facts = (
        ("Hands over", _called(told.leaver_name, card.employee)),
        ("Because they", card.cause),
        ("Last day", card.leaves_on),
        ("Takes over", _called(told.receiver_name, card.receiver)),
        ("Acknowledged on", card.acknowledged_day if card.acknowledged else None),
        ("First meeting until", card.meet_by),
        ("Met on", next((one.on for one in card.meetings), None)),
        ("Still lacks", ", ".join(card.lacks)),
        ("Overdue", "yes" if card.overdue else None),
        ("Moved", f"{told.moved} of {told.total}"),
    )
    return section("At a glance", ("", ""), [(name, one) for name, one in facts if one])


def _gap(told: Dossier) -> Section:
    gap = told.handover.gap
    columns = ("Days", "From", "To", "Rests on the facts", "Read at")
    if gap is None:
        return section("Days without an owner", columns, [])
    until = gap.until or "it goes on"
    return section(
        "Days without an owner",
        columns,
        [(gap.days, gap.since, until, ", ".join(gap.facts), gap.history)],
    )


def _customers(told: Dossier) -> Iterator[Section]:
    for customer in told.customers:
        rows = (
            (
                *(one.kind, one.title or one.item, one.stage, one.stage_on),
                *(one.next_step, one.next_step_on, one.due_on, one.last_touch_on),
                *(_called(one.person_name, one.person), one.owner, one.moved_on, one.days),
            )
            for one in customer.items
        )
        yield section(customer.name or customer.customer or NO_CUSTOMER, COLUMNS, rows)


def _called(name: str | None, stream: str | None) -> str | None:
    return f"{name} ({stream})" if name and stream else stream
