"""What we sold against what order, contract, fulfilment and finance say of it (O-12, X-01). Pure.

What we send is that something was won, as a fact; what comes back are facts, too. So every line of
a reconciliation opens into facts on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from typing import Literal

from services.opportunities.record.dated import Told
from shared.dated import placed
from shared.events import Envelope
from shared.events.opportunities import (
    HandOffReported,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityWon,
    OutcomeCorrected,
)
from shared.hand_offs import STEPS, HandOffStep, plain
from shared.projection import Projection

State = Literal["matched", "waiting", "missing", "contradicts"]


@dataclass(frozen=True, slots=True)
class Came(Told):
    """One status as another system reported it, and the fact that it is."""

    step: HandOffStep
    status: str
    reference: str | None
    system: str | None
    amount: Decimal | None
    currency: str | None
    fact: str


@dataclass(frozen=True, slots=True)
class HandOffCard:
    """Answers: what was won here, and what has come back about it?

    `concerned_on`: the day of the win or, where there is none, of what came back first.
    `sent` is the fact that we won it, which is its name on the way out; `withdrawn` is the fact
    that took that back.
    """

    opportunity: str
    title: str | None = None
    company: str | None = None
    owner: str | None = None
    outcome: Literal["won", "lost"] | None = None
    won_on: date | None = None
    value: Decimal | None = None
    currency: str | None = None
    sent: str | None = None
    withdrawn: str | None = None
    came: tuple[Came, ...] = ()
    references: tuple[str, ...] = ()
    concerned_on: date | None = None

    @property
    def newest(self) -> dict[HandOffStep, Came]:
        return {one.step: one for one in self.came}


hand_off_card = Projection(
    "hand_off_card",
    version=1,
    view=HandOffCard,
    indexes=("concerned_on", "references", "owner", "company"),
    streams=("opportunity",),
)


def _dated(card: HandOffCard) -> HandOffCard:
    first = min((one.on for one in card.came if one.on is not None), default=None)
    return replace(card, concerned_on=card.won_on or first)


@hand_off_card.on(OpportunityDiscovered)
def discovered(card: HandOffCard, event: OpportunityDiscovered, at: Envelope) -> HandOffCard:
    return replace(card, title=event.title, company=event.company, owner=event.owner)


@hand_off_card.on(OpportunityCorrected)
def corrected(card: HandOffCard, event: OpportunityCorrected, at: Envelope) -> HandOffCard:
    return replace(card, title=event.title, company=event.company)


@hand_off_card.on(OpportunityReassigned)
def reassigned(card: HandOffCard, event: OpportunityReassigned, at: Envelope) -> HandOffCard:
    return replace(card, owner=event.owner)


@hand_off_card.on_zoned(OpportunityWon)
def won(card: HandOffCard, event: OpportunityWon, at: Envelope, zone: tzinfo) -> HandOffCard:
    return _dated(
        replace(
            card,
            outcome="won",
            won_on=at.day(zone),
            value=event.value,
            currency=event.currency,
            sent=at.id,
            withdrawn=None,
        )
    )


@hand_off_card.on_zoned(OutcomeCorrected)
def outcome_corrected(
    card: HandOffCard, event: OutcomeCorrected, at: Envelope, zone: tzinfo
) -> HandOffCard:
    if card.outcome != "won":
        return card
    return _dated(
        replace(card, won_on=at.day(zone), value=event.value, currency=event.currency, sent=at.id)
    )


@hand_off_card.on(OpportunityLost)
def lost(card: HandOffCard, event: OpportunityLost, at: Envelope) -> HandOffCard:
    return replace(card, outcome="lost")


@hand_off_card.on(OpportunityReopened)
def reopened(card: HandOffCard, event: OpportunityReopened, at: Envelope) -> HandOffCard:
    taken_back = at.id if card.outcome == "won" else card.withdrawn
    return _dated(
        replace(card, outcome=None, won_on=None, value=None, currency=None, withdrawn=taken_back)
    )


@hand_off_card.on_zoned(HandOffReported)
def reported(card: HandOffCard, event: HandOffReported, at: Envelope, zone: tzinfo) -> HandOffCard:
    new = Came(
        at.day(zone),
        event.step,
        event.status,
        event.reference,
        event.system,
        event.amount,
        event.currency,
        at.id,
    )
    names = () if event.reference is None else (event.reference,)
    return _dated(
        replace(
            card,
            came=placed(card.came, new),
            references=tuple(dict.fromkeys((*card.references, *names))),
        )
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """After how many days a step is missed (0: it is not waited for), and what calls it off."""

    days: dict[HandOffStep, int]
    called_off: frozenset[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not fit, of which step, and the facts that say so."""

    what: Literal[
        "missing", "not_won", "called_off", "value_differs", "currency_differs", "without_order"
    ]
    step: HandOffStep
    says: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Answers: does what came back fit what we sent, and if not, why not?"""

    opportunity: str
    title: str | None
    company: str | None
    owner: str | None
    outcome: str | None
    concerned_on: date | None
    value: Decimal | None
    currency: str | None
    state: State
    sent: str | None
    came: tuple[Came, ...]
    findings: tuple[Finding, ...]
    opens: str


def reconciled(card: HandOffCard, terms: Terms, today: date) -> Reconciled:
    """Compare both sides of one opportunity, as of a day."""
    findings = tuple(_findings(card, terms, today))
    kinds = {finding.what for finding in findings}
    state: State = "matched"
    if kinds - {"missing"}:
        state = "contradicts"
    elif kinds:
        state = "missing"
    elif any(days and step not in card.newest for step, days in terms.days.items()):
        state = "waiting"
    return Reconciled(
        card.opportunity,
        card.title,
        card.company,
        card.owner,
        card.outcome,
        card.concerned_on,
        card.value,
        card.currency,
        state,
        card.sent if card.outcome == "won" else card.withdrawn,
        tuple(card.newest[step] for step in STEPS if step in card.newest),
        findings,
        f"/opportunities/history/{card.opportunity}",
    )


def _findings(card: HandOffCard, terms: Terms, today: date) -> Iterator[Finding]:
    newest = card.newest
    if card.outcome != "won":
        stands = card.outcome or "open"
        for step, came in newest.items():
            if not _off(came, terms):
                says = f"{came.status}, but it is {stands} here"
                yield Finding("not_won", step, says, _facts(card.withdrawn, came.fact))
        return
    yield from _missing(card, terms, today)
    for step, came in newest.items():
        if _off(came, terms):
            says = f"{came.status}, but it is won here"
            yield Finding("called_off", step, says, _facts(card.sent, came.fact))
        elif step in ("fulfilment", "finance") and "order" not in newest:
            says = f"{came.status}, but nobody told of an order"
            yield Finding("without_order", step, says, (came.fact,))
        yield from _differing(card, came)


def _missing(card: HandOffCard, terms: Terms, today: date) -> Iterator[Finding]:
    for step, days in terms.days.items():
        if not days or step in card.newest or card.won_on is None:
            continue
        due = card.won_on + timedelta(days=days)
        if today > due:
            yield Finding("missing", step, f"nothing came by {due}", _facts(card.sent))


def _differing(card: HandOffCard, came: Came) -> Iterator[Finding]:
    """Order and contract say what was sold; of deliveries and invoices there may be several."""
    if came.step not in ("order", "contract") or came.amount is None:
        return
    if came.currency != card.currency:
        says = f"{came.amount} {came.currency} there, {card.value} {card.currency} here"
        yield Finding("currency_differs", came.step, says, _facts(card.sent, came.fact))
    elif came.amount != card.value:
        says = f"{came.amount} there, {card.value} here"
        yield Finding("value_differs", came.step, says, _facts(card.sent, came.fact))


def _off(came: Came, terms: Terms) -> bool:
    return plain(came.status) in terms.called_off


def _facts(*names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name is not None)
