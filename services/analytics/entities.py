"""How an opportunity or a touch stood, day by day: what all figures about it follow from. Pure.

Steps and handovers hold from their day on, in the order of their days, whenever they are entered;
of those of one day the one recorded last. What decides or corrects overrides what was said of its
day and later. A step or handover without a date stands where it was recorded, and yields to what is
recorded after it. So figures and views never disagree about how things stand now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple, assert_never
from zoneinfo import ZoneInfo

from services.analytics.complaints import Issue, evolve_issue
from services.analytics.told import (
    Commitment,
    Handover,
    Step,
    currency_code,
    overridden,
    whole,
    with_late,
)
from shared.events import Envelope
from shared.events.issues import IssuesEvent
from shared.events.opportunities import (
    FIRST_STAGE,
    LOST,
    WON,
    CommitmentMade,
    CommitmentWithdrawn,
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


@dataclass(frozen=True, slots=True)
class Opportunity:
    """What its contributions need: what it is about, its steps and handovers, as they held."""

    stream: str
    title: str = ""
    owner: str = ""
    product: str = ""
    company: str = ""
    steps: tuple[Step, ...] = ()
    handovers: tuple[Handover, ...] = ()
    commitments: tuple[Commitment, ...] = ()

    @property
    def owners(self) -> list[str]:
        return sorted({self.owner, *(handover.owner for handover in self.handovers)})


@dataclass(frozen=True, slots=True)
class Touch:
    """Whose touch it was, and when."""

    stream: str
    owner: str = ""
    day: date | None = None


Entity = Opportunity | Touch | Issue


def entity_of(fact: Envelope) -> Entity | None:
    """Return the blank entity that a fact belongs to, None where no figure depends on it."""
    if isinstance(fact.data, OpportunityEvent | CommitmentMade | CommitmentWithdrawn):
        return Opportunity(fact.stream)
    if isinstance(fact.data, TouchRecorded):
        return Touch(fact.stream)
    # Promises of answers beside issues are no cases.
    if isinstance(fact.data, IssuesEvent) and fact.stream.startswith("issue-"):
        return Issue(fact.stream)
    return None


def evolve(entity: Entity, fact: Envelope, zone: ZoneInfo) -> Entity:
    """Apply a fact to its entity. Total: a fact cannot be refused.

    Raises:
        ValueError: a sum of money beyond everything that can be summed exactly.

    """
    if isinstance(entity, Touch):
        owner = fact.data.employee if isinstance(fact.data, TouchRecorded) else None
        return replace(entity, owner=owner or "", day=fact.day(zone))
    if isinstance(entity, Issue):
        if not isinstance(fact.data, IssuesEvent):
            return entity
        return evolve_issue(entity, fact.data, fact.day(zone))
    if isinstance(fact.data, CommitmentMade | CommitmentWithdrawn):
        return _committed(entity, fact.data, fact.version, _recorded(fact, zone))
    if not isinstance(fact.data, OpportunityEvent):
        return entity  # What else is known about winning it: no figure depends on that.
    return _evolve_opportunity(entity, fact.data, fact, zone)


def _evolve_opportunity(
    known: Opportunity, event: OpportunityEvent, fact: Envelope, zone: ZoneInfo
) -> Opportunity:
    recorded = _recorded(fact, zone)
    match event:
        case OpportunityDiscovered():
            known = replace(
                known,
                title=event.title,
                owner=event.owner or "",
                product=event.product or "",
                company=event.company or "",
            )
            step = Step(
                "discovered", event.stage, event.on, recorded, fact.version, latent=event.latent
            )
        case StageAdvanced(stage=stage):
            step = Step("advanced", stage, event.on, recorded, fact.version)
            return replace(known, steps=with_late(known.steps, step))
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


def _recorded(fact: Envelope, zone: ZoneInfo) -> date:
    return fact.recorded_at.astimezone(zone).date()


def _committed(
    known: Opportunity,
    event: CommitmentMade | CommitmentWithdrawn,
    version: int,
    recorded: date,
) -> Opportunity:
    match event:
        case CommitmentMade():
            told = Commitment(
                event.seller,
                event.confidence,
                event.on,
                recorded,
                version,
                whole(event.amount),
                currency_code(event.currency),
                event.close_on,
            )
        case CommitmentWithdrawn(seller=seller, on=on):
            told = Commitment(seller, "commit", on, recorded, version, withdrawn=True)
        case _:
            assert_never(event)
    return replace(known, commitments=with_late(known.commitments, told))


def _handed_over(
    known: Opportunity, event: OpportunityReassigned, version: int, recorded: date
) -> Opportunity:
    nobodys = not known.owner and not known.handovers
    if nobodys and event.on is None and event.reason == "unstated":
        # Not an event: the first that anybody says about the owner, who had it all along.
        return replace(known, owner=event.owner)
    handover = Handover(event.owner, event.on, recorded, version)
    return replace(known, handovers=with_late(known.handovers, handover))


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
    hands = overridden(known.handovers)
    stood = overridden(known.steps)
    stops = [step.day for step in stood[1:]] + [None]
    return [
        period
        for step, stop in zip(stood, stops, strict=True)
        for period in _in_hands(known, step, stop, hands)
    ]


def _in_hands(
    known: Opportunity, step: Step, stop: date | None, hands: Sequence[Handover]
) -> Iterator[Period]:
    owner, start = known.owner, step.day
    if step.decides:
        # Whoever won it keeps the credit, also when it is handed over afterwards.
        for handover in hands:
            if (handover.day, handover.version) < (start, step.version):
                owner = handover.owner
        yield Period(step, owner, start, stop)
        return
    for handover in hands:
        if stop is not None and handover.day >= stop:
            break
        if handover.day > start:
            yield Period(step, owner, start, handover.day)
            start = handover.day
        owner = handover.owner
    yield Period(step, owner, start, stop)


def cycle_days(known: Opportunity, closing: Step) -> int | None:
    """Days from engagement to closing; None where either date is unknown."""
    before = known.steps[: known.steps.index(closing)]
    # The stage before we are in earnest: the cycle of a deal runs from the day it was left.
    engaged = [step for step in before if not step.decides and step.stage != FIRST_STAGE]
    if closing.on is None or not engaged or engaged[0].on is None:
        return None
    first = min(step.on for step in engaged if step.on is not None)
    return (closing.on - first).days if first <= closing.on else None


class Promise(NamedTuple):
    """From `start` until before `stop` the seller stood by a commitment."""

    commitment: Commitment
    start: date
    stop: date | None


def promises(known: Opportunity) -> Iterator[Promise]:
    """Yield which commitments held when: its seller's own, while it was open and theirs (O-06)."""
    held = overridden(known.commitments)
    stops = [*(told.day for told in held[1:]), *([None] if held else [])]
    for period in periods(known):
        for told, stop in zip(held, stops, strict=True):
            if period.step.decides or told.withdrawn or told.seller != period.owner:
                continue
            start = max(told.day, period.start)
            ends = min((day for day in (stop, period.stop) if day is not None), default=None)
            if ends is None or start < ends:
                yield Promise(told, start, ends)
