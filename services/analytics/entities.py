"""What is known of a deal, touch, issue, entry or series: what its contributions need. Pure.

Steps and handovers hold from their day on, in the order of their days, whenever they are entered;
of those of one day the one recorded last. What decides or corrects overrides what was said of its
day and later. A step or handover without a date stands where it was recorded, and yields to what is
recorded after it. So figures and views never disagree about how things stand now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import assert_never, get_args
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from services.analytics.complaints import Issue, evolve_issue
from services.analytics.feedback import Feedback, FeedbackEvent, evolve_feedback
from services.analytics.series import PlannedSeries, evolve_series
from services.analytics.told import (
    Coached,
    Commitment,
    Expected,
    Folded,
    HandOff,
    Handover,
    NextStep,
    Shown,
    Step,
    currency_code,
    whole,
    with_late,
)
from services.analytics.workload import Entry, evolve_entry
from shared.dated import placed
from shared.events import Envelope, Event
from shared.events.calendar import EntryEvent, SeriesEvent
from shared.events.issues import IssuesEvent
from shared.events.opportunities import (
    LOST,
    WON,
    CoachingHeld,
    CommitmentMade,
    CommitmentWithdrawn,
    EngagementCorrected,
    EvidenceRecorded,
    HandOffReported,
    NextStepAgreed,
    NextStepDone,
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
from shared.hand_offs import plain

# What tells how good it is to work on (O-08).
Qualified = EvidenceRecorded | NextStepAgreed | NextStepDone


class Opportunity(Folded, frozen=True, gc=False):
    """What its contributions need: what it is about, its steps and handovers, as they held."""

    stream: str
    title: str = ""
    owner: str = ""
    product: str = ""
    company: str = ""
    steps: tuple[Step, ...] = ()
    handovers: tuple[Handover, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    expected: tuple[Expected, ...] = ()
    shown: tuple[Shown, ...] = ()
    next_steps: tuple[NextStep, ...] = ()
    coached: tuple[Coached, ...] = ()
    hand_offs: tuple[HandOff, ...] = ()

    @property
    def owners(self) -> list[str]:
        return sorted({self.owner, *(handover.owner for handover in self.handovers)})


class Touch(Folded, frozen=True, gc=False):
    """Whose touch it was, and when."""

    stream: str
    owner: str = ""
    day: date | None = None

    @property
    def owners(self) -> list[str]:
        return [self.owner]


Entity = Opportunity | Touch | Issue | Entry | PlannedSeries | Feedback
Beside = CommitmentMade | CommitmentWithdrawn | Qualified | CoachingHeld | HandOffReported


# By the class of a fact: to ask of each class in turn takes longer than to fold the fact.
_BLANK: dict[type[Event], Callable[[str], Entity]] = {
    **dict.fromkeys((*get_args(OpportunityEvent), *get_args(Beside)), Opportunity),
    TouchRecorded: Touch,
    **dict.fromkeys(get_args(IssuesEvent), Issue),
    **dict.fromkeys(get_args(EntryEvent), Entry),
    **dict.fromkeys(get_args(SeriesEvent), PlannedSeries),
    **dict.fromkeys(get_args(FeedbackEvent), Feedback),
}


def entity_of(fact: Envelope) -> Entity | None:
    """Return the blank entity that a fact belongs to, None where no figure depends on it."""
    blank = _BLANK.get(type(fact.data))
    # Promises of answers beside issues are no cases.
    if blank is None or (blank is Issue and not fact.stream.startswith("issue-")):
        return None
    return blank(fact.stream)


def evolve(entity: Entity, fact: Envelope, zone: ZoneInfo) -> Entity:
    """Apply a fact to its entity. Total: a fact cannot be refused.

    Raises:
        ValueError: a sum of money beyond everything that can be summed exactly.

    """
    if type(fact.data) not in _BLANK:
        return entity  # What else is known about it: no figure depends on that.
    return replace(_evolved(entity, fact, zone), facts=(*entity.facts, fact.id))


def _evolved(entity: Entity, fact: Envelope, zone: ZoneInfo) -> Entity:
    data = fact.data
    match entity, data:
        case Touch(), TouchRecorded():
            return Touch(entity.stream, data.employee or "", fact.day(zone))
        case Issue(), _ if isinstance(data, IssuesEvent):
            return evolve_issue(entity, data, fact.day(zone))
        case Entry() | PlannedSeries(), _:
            return _evolve_planned(entity, fact, zone)
        case Feedback(), _ if isinstance(data, FeedbackEvent):
            return evolve_feedback(entity, data, fact.day(zone))
        case Opportunity(), _:
            return _evolve_deal(entity, fact, zone)
        case _:
            return entity  # It is about something else than its stream is.


def _evolve_planned(
    known: Entry | PlannedSeries, fact: Envelope, zone: ZoneInfo
) -> Entry | PlannedSeries:
    data = fact.data
    if isinstance(known, Entry):
        return evolve_entry(known, data, zone) if isinstance(data, EntryEvent) else known
    return evolve_series(known, data, fact, zone) if isinstance(data, SeriesEvent) else known


# The date that was told, the one on which it was recorded, and its place in the stream.
Said = tuple[date | None, date, int]


def _evolve_deal(known: Opportunity, fact: Envelope, zone: ZoneInfo) -> Opportunity:
    data = fact.data
    if isinstance(data, Beside):
        return _evolve_beside(known, data, (data.on, _recorded(fact, zone), fact.version))
    if isinstance(data, OpportunityEvent):
        return _evolve_opportunity(known, data, fact, zone)
    return known


def _evolve_opportunity(
    known: Opportunity, event: OpportunityEvent, fact: Envelope, zone: ZoneInfo
) -> Opportunity:
    said = event.on, _recorded(fact, zone), fact.version
    match event:
        case OpportunityDiscovered():
            known = replace(
                known,
                title=event.title,
                owner=event.owner or "",
                product=event.product or "",
                company=event.company or "",
            )
            step = Step(*said, "discovered", event.stage, latent=event.latent)
            known = _expecting(known, event, said)
        case StageAdvanced(stage=stage):
            step = Step(*said, "advanced", stage)
            return replace(known, steps=with_late(known.steps, step))
        case OpportunityReopened(stage=stage):
            step = Step(*said, "reopened", stage)
        case OpportunityWon(value=value, currency=currency):
            price = whole(value), currency_code(currency), _profit(event)
            step = Step(*said, "won", WON, *price)
        case OpportunityLost():
            step = Step(*said, "lost", LOST)
        case OpportunityReassigned():
            return _handed_over(known, event, said)
        case OpportunityCorrected() | OutcomeCorrected() | EngagementCorrected():
            return _corrected(known, event)
        case OpportunityRevalued():
            return _expecting(known, event, said)
        case PersonInvolved():
            return known
        case _:
            assert_never(event)
    return replace(known, steps=(*known.steps, step))


def _profit(event: OpportunityWon | OutcomeCorrected) -> int | None:
    return None if event.profit is None else whole(event.profit)


def _evolve_beside(known: Opportunity, event: Beside, said: Said) -> Opportunity:
    match event:
        case CommitmentMade() | CommitmentWithdrawn():
            return _committed(known, event, said)
        case EvidenceRecorded(stage=stage):
            return replace(known, shown=(*known.shown, Shown(*said, stage)))
        case NextStepAgreed() | NextStepDone():
            step = NextStep(*said, isinstance(event, NextStepAgreed))
            return replace(known, next_steps=with_late(known.next_steps, step))
        case CoachingHeld(coach=coach, seller=seller):
            on, recorded, _ = said
            held = Coached(coach, seller or "", on or recorded)
            return replace(known, coached=(*known.coached, held))
        case HandOffReported():
            return replace(known, hand_offs=placed(known.hand_offs, _handed_off(event, said)))
        case _:
            assert_never(event)


def _handed_off(event: HandOffReported, said: Said) -> HandOff:
    amount = None if event.amount is None else whole(event.amount)
    currency = "" if event.amount is None else currency_code(event.currency or "")
    return HandOff(*said, event.step, plain(event.status), event.reference or "", amount, currency)


def _recorded(fact: Envelope, zone: ZoneInfo) -> date:
    return fact.recorded_at.astimezone(zone).date()


def _committed(
    known: Opportunity, event: CommitmentMade | CommitmentWithdrawn, said: Said
) -> Opportunity:
    match event:
        case CommitmentMade():
            told = Commitment(
                *said,
                event.seller,
                event.confidence,
                whole(event.amount),
                currency_code(event.currency),
                event.close_on,
            )
        case CommitmentWithdrawn(seller=seller):
            told = Commitment(*said, seller, "commit", withdrawn=True)
        case _:
            assert_never(event)
    return replace(known, commitments=with_late(known.commitments, told))


def _expecting(
    known: Opportunity, event: OpportunityDiscovered | OpportunityRevalued, said: Said
) -> Opportunity:
    if event.amount is None and event.expected_close_on is None:
        return known
    amount = None if event.amount is None else whole(event.amount)
    currency = "" if event.currency is None else currency_code(event.currency)
    told = Expected(*said, amount, currency, event.expected_close_on)
    return replace(known, expected=with_late(known.expected, told))


def _handed_over(known: Opportunity, event: OpportunityReassigned, said: Said) -> Opportunity:
    nobodys = not known.owner and not known.handovers
    if nobodys and event.on is None and event.reason == "unstated":
        # Not an event: the first that anybody says about the owner, who had it all along.
        return replace(known, owner=event.owner)
    handover = Handover(*said, event.owner)
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
    if isinstance(event, OutcomeCorrected) and event.profit is not None and step.kind == "won":
        step = replace(step, profit=_profit(event))
    steps[place] = step
    return replace(known, steps=tuple(steps))


def _last(steps: Sequence[Step], wanted: Callable[[Step], bool]) -> int | None:
    return next((at for at in reversed(range(len(steps))) if wanted(steps[at])), None)
