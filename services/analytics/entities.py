"""How an opportunity or a touch stood, day by day: what all figures about it follow from. Pure.

A fact says how things stand from its day on, and the fact recorded last is right about that: it
overrides what earlier ones said of that day and later. So figures and views never disagree about
how things stand now, whatever was entered late.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, NamedTuple, TypeVar, assert_never
from zoneinfo import ZoneInfo

from shared.events import Envelope
from shared.events.opportunities import (
    EngagementCorrected,
    OpportunityCorrected,
    OpportunityDiscovered,
    OpportunityEvent,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityRevalued,
    OpportunityWon,
    OutcomeCorrected,
    PersonInvolved,
    StageAdvanced,
)
from shared.events.touches import TouchRecorded

T = TypeVar("T")

WON, LOST = "Won", "Lost"
# The stage before we are in earnest: the cycle of a deal runs from the day it was left.
PROSPECTING = "Prospecting"
MONEY_SCALE = 10_000
NO_CURRENCY = "XXX"  # ISO 4217: no currency is involved.
_CURRENCY = re.compile(r"[A-Z]{3}")
# Sums are kept in 64 bits: nine hundred values of this size fit into one day of one cell.
_MONEY_MAX = 10**16


StepKind = Literal["discovered", "advanced", "reopened", "won", "lost"]


@dataclass(frozen=True, slots=True)
class Step:
    """The opportunity entered a stage, or was decided. `recorded` stands in for a date unknown."""

    kind: StepKind
    stage: str
    on: date | None
    recorded: date
    version: int
    value: int = 0
    currency: str = ""

    @property
    def day(self) -> date:
        return self.on or self.recorded

    @property
    def decides(self) -> bool:
        return self.kind in {"won", "lost"}


@dataclass(frozen=True, slots=True)
class Handover:
    """From this day on the opportunity is in other hands."""

    owner: str
    day: date
    version: int


@dataclass(frozen=True, slots=True)
class Opportunity:
    """What its contributions need: what it is about, its steps and its handovers, as recorded."""

    stream: str
    title: str = ""
    owner: str = ""
    product: str = ""
    company: str = ""
    steps: tuple[Step, ...] = ()
    handovers: tuple[Handover, ...] = ()

    @property
    def owners(self) -> list[str]:
        return sorted({self.owner, *(handover.owner for handover in self.handovers)})


@dataclass(frozen=True, slots=True)
class Touch:
    """Whose touch it was, and when."""

    stream: str
    owner: str = ""
    day: date | None = None


Entity = Opportunity | Touch


def entity_of(fact: Envelope) -> Entity | None:
    """Return the blank entity that a fact belongs to, None where no figure depends on it."""
    if isinstance(fact.data, OpportunityEvent):
        return Opportunity(fact.stream)
    if isinstance(fact.data, TouchRecorded):
        return Touch(fact.stream)
    return None


def evolve(entity: Entity, fact: Envelope, zone: ZoneInfo) -> Entity:
    """Apply a fact to its entity. Total: a fact cannot be refused.

    Raises:
        ValueError: a sum of money beyond everything that can be summed exactly.

    """
    if isinstance(entity, Touch):
        owner = fact.data.employee if isinstance(fact.data, TouchRecorded) else None
        return replace(entity, owner=owner or "", day=fact.day(zone))
    assert isinstance(fact.data, OpportunityEvent)
    return _evolve_opportunity(entity, fact.data, fact, zone)


def _evolve_opportunity(
    known: Opportunity, event: OpportunityEvent, fact: Envelope, zone: ZoneInfo
) -> Opportunity:
    recorded = fact.recorded_at.astimezone(zone).date()
    match event:
        case OpportunityDiscovered():
            known = replace(
                known,
                title=event.title,
                owner=event.owner or "",
                product=event.product or "",
                company=event.company or "",
            )
            step = Step("discovered", event.stage, event.on, recorded, fact.version)
        case StageAdvanced(stage=stage):
            step = Step("advanced", stage, event.on, recorded, fact.version)
        case OpportunityReopened(stage=stage):
            step = Step("reopened", stage, event.on, recorded, fact.version)
        case OpportunityWon(value=value, currency=currency):
            price = whole(value), currency_code(currency)
            step = Step("won", WON, event.on, recorded, fact.version, *price)
        case OpportunityLost():
            step = Step("lost", LOST, event.on, recorded, fact.version)
        case OpportunityReassigned():
            return _handed_over(known, event, fact.version, recorded)
        case OpportunityCorrected() | OutcomeCorrected() | EngagementCorrected():
            return _corrected(known, event)
        case OpportunityRevalued() | PersonInvolved():
            return known
        case _:
            assert_never(event)
    return replace(known, steps=(*known.steps, step))


def _handed_over(
    known: Opportunity, event: OpportunityReassigned, version: int, recorded: date
) -> Opportunity:
    if event.on is None and event.reason == "unstated":
        # No event at the customer's: a source names another owner, so it had been theirs all along.
        return replace(known, owner=event.owner, handovers=())
    handover = Handover(event.owner, event.on or recorded, version)
    return replace(known, handovers=(*known.handovers, handover))


def _corrected(
    known: Opportunity, event: OpportunityCorrected | OutcomeCorrected | EngagementCorrected
) -> Opportunity:
    steps = list(known.steps)
    match event:
        case OpportunityCorrected():
            known = replace(
                known,
                title=event.title,
                product=event.product or "",
                company=event.company or "",
            )
            place = _last(steps, lambda step: step.kind == "discovered")
            value, currency = None, None
        case OutcomeCorrected():
            place = _last(steps, lambda step: step.decides)
            value, currency = event.value, event.currency
        case EngagementCorrected(stage=stage):
            place = _last(steps, lambda step: not step.decides and step.stage == stage)
            value, currency = None, None
        case _:
            assert_never(event)
    if place is None:
        return known
    step = replace(steps[place], on=event.on)
    if value is not None and step.kind == "won":
        step = replace(step, value=whole(value), currency=currency_code(currency or step.currency))
    steps[place] = step
    return replace(known, steps=tuple(steps))


def _last(steps: Sequence[Step], wanted: Callable[[Step], bool]) -> int | None:
    return next((at for at in reversed(range(len(steps))) if wanted(steps[at])), None)


def whole(money: Decimal) -> int:
    """Return the amount in ten-thousandths of its currency."""
    if not money.is_finite() or abs(money) > _MONEY_MAX // MONEY_SCALE:
        raise ValueError(f"{money}: sums of such amounts would not be exact")
    return int((money * MONEY_SCALE).to_integral_value(ROUND_HALF_UP))


def currency_code(currency: str) -> str:
    return currency if _CURRENCY.fullmatch(currency) else NO_CURRENCY


# --- how an entity stood, day by day


class Period(NamedTuple):
    """From `start` until before `stop` the opportunity stood as `step` left it, in these hands."""

    step: Step
    owner: str
    start: date
    stop: date | None


def periods(known: Opportunity) -> list[Period]:
    """Return how the opportunity stood through time; each day belongs to one period."""
    if not any(step.kind == "discovered" for step in known.steps):
        return []  # Nobody discovered it: facts about nothing that we know.
    hands = _overridden([(h.day, h) for h in known.handovers])
    stood = _overridden([(step.day, step) for step in known.steps])
    stops = [start for start, _ in stood[1:]] + [None]
    return [
        period
        for (start, step), stop in zip(stood, stops, strict=True)
        for period in _in_hands(known, step, start, stop, hands)
    ]


def _overridden(told: Sequence[tuple[date, T]]) -> list[tuple[date, T]]:
    """Lay what was told over one another in the order of recording, each from its day on."""
    stands: list[tuple[date, T]] = []
    for day, what in told:
        while stands and stands[-1][0] >= day:
            stands.pop()
        stands.append((day, what))
    return stands


def _in_hands(
    known: Opportunity,
    step: Step,
    start: date,
    stop: date | None,
    hands: Sequence[tuple[date, Handover]],
) -> Iterator[Period]:
    owner = known.owner
    if step.decides:
        # Whoever won it keeps the credit, also when it is handed over afterwards.
        for day, handover in hands:
            if (day, handover.version) < (start, step.version):
                owner = handover.owner
        yield Period(step, owner, start, stop)
        return
    for day, handover in hands:
        if stop is not None and day >= stop:
            break
        if day > start:
            yield Period(step, owner, start, day)
            start = day
        owner = handover.owner
    yield Period(step, owner, start, stop)


def cycle_days(known: Opportunity, closing: Step) -> int | None:
    """Days from engagement to closing; None where either date is unknown."""
    engaged = [
        step
        for step in known.steps
        if not step.decides and step.version < closing.version and step.stage != PROSPECTING
    ]
    if closing.on is None or not engaged or engaged[0].on is None:
        return None
    first = min(step.on for step in engaged if step.on is not None)
    return (closing.on - first).days if first <= closing.on else None
