"""What happened with each thing that somebody looks after, and whose it was then. Pure folds.

It is what a daily report is derived from (N-05): nobody writes one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any, Literal

from shared.events import Envelope, Event, calendar, issues, opportunities
from shared.events.touches import TouchRecorded
from shared.projection import Projection

Status = Literal["planned", "done", "missed", "displaced", "cancelled"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened: on which day, by which fact, and whose it was then."""

    day: date
    event: str
    what: str
    owner: str | None
    at: datetime | None = None
    detail: str | None = None
    recorded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DiaryItem:
    """Answers: what happened with this, on which day, and when is something due?

    `told_in` and `due_of` are `<employee>/<day>`: what a day's report asks for. Days are the
    company's. Of a private entry only its times are known.
    """

    item: str
    owner: str | None = None
    title: str | None = None
    person: str | None = None
    company: str | None = None
    # The stage of an opportunity, the kind of an issue, the category of an entry.
    stage: str | None = None
    status: Status | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_on: date | None = None
    lines: tuple[Line, ...] = ()
    told_in: tuple[str, ...] = ()
    due_of: str | None = None


diary = Projection(
    "diary",
    version=1,
    view=DiaryItem,
    indexes=("told_in", "due_of"),
    streams=("touch", "opportunity", "issue", "commitment", "entry"),
)

# What a line says that happened. What is not here changes what is known, and is no line.
WHAT: dict[type[Event], str] = {
    TouchRecorded: "touch",
    opportunities.OpportunityDiscovered: "discovered",
    opportunities.StageAdvanced: "advanced",
    opportunities.OpportunityWon: "won",
    opportunities.OpportunityLost: "lost",
    opportunities.OpportunityReopened: "reopened",
    opportunities.OpportunityReassigned: "taken over",
    opportunities.OpportunityRevalued: "revalued",
    opportunities.CommitmentMade: "committed",
    opportunities.EvidenceRecorded: "evidence",
    opportunities.NextStepAgreed: "next step agreed",
    opportunities.NextStepDone: "next step done",
    opportunities.CoachingHeld: "coached",
    issues.IssueRegistered: "registered",
    issues.ActionTaken: "acted on",
    issues.FeedbackGiven: "fed back",
    issues.IssueClosed: "closed",
    issues.IssueReopened: "reopened",
    issues.CommitmentMade: "promised",
    issues.CommitmentFollowedUp: "followed up",
    issues.CommitmentMoved: "moved",
    issues.CommitmentKept: "kept",
    issues.CommitmentWithdrawn: "withdrawn",
    issues.CommitmentBroken: "broken",
    calendar.EntryDone: "done",
    calendar.EntryMissed: "missed",
    calendar.EntryDisplaced: "displaced",
    calendar.EntryCancelled: "cancelled",
}
SILENT: tuple[type[Event], ...] = (
    issues.IssueAssigned,
    issues.CommitmentReassigned,
    calendar.EntryPlanned,
    calendar.EntryDescribed,
    calendar.EntryMoved,
    calendar.EntryStarted,
    calendar.EntryReassigned,
)
# Which of its fields says more of what happened.
SAYS: dict[type[Event], str] = {
    TouchRecorded: "note",
    opportunities.OpportunityLost: "reason",
    opportunities.OpportunityReopened: "reason",
    opportunities.OpportunityReassigned: "reason",
    opportunities.EvidenceRecorded: "what",
    opportunities.NextStepAgreed: "what",
    opportunities.NextStepDone: "outcome",
    opportunities.CoachingHeld: "facts",
    issues.IssueRegistered: "words",
    issues.ActionTaken: "what",
    issues.FeedbackGiven: "result",
    issues.CommitmentFollowedUp: "said",
    issues.CommitmentMoved: "said",
    issues.CommitmentKept: "result",
    issues.CommitmentWithdrawn: "said",
    issues.CommitmentBroken: "clock",
    calendar.EntryMissed: "reason",
    calendar.EntryDisplaced: "reason",
    calendar.EntryCancelled: "reason",
}


def happened(item: DiaryItem, event: Any, at: Envelope, zone: tzinfo) -> DiaryItem:
    """Learn what a fact says, and add its line, in the order of days."""
    known = _learnt(item, event, zone)
    what = WHAT.get(type(event))
    if what is not None:
        line = Line(
            _day(known, event, at, zone),
            at.id,
            what,
            known.owner,
            at.occurred_at if isinstance(event, TouchRecorded) else None,
            _detail(item, event),
            at.recorded_at,
        )
        lines = sorted((*known.lines, line), key=lambda one: one.day)
        known = replace(known, lines=tuple(lines))
    due = known.due_on if known.status in (None, "planned") else None
    told = sorted({f"{one.owner}/{one.day}" for one in known.lines if one.owner is not None})
    whose = known.owner if due is not None else None
    return replace(known, told_in=tuple(told), due_of=f"{whose}/{due}" if whose else None)


for _event in (*WHAT, *SILENT):
    diary.on_zoned(_event)(happened)


def _day(known: DiaryItem, event: Event, at: Envelope, zone: tzinfo) -> date:
    """What became of a plan is of the day it was planned for, or on which it took place."""
    if isinstance(event, calendar.EntryDone):
        return event.started_at.astimezone(zone).date()
    planned = known.starts_at if at.stream.startswith("entry-") else None
    return at.day(zone) if planned is None else planned.astimezone(zone).date()


def _learnt(item: DiaryItem, event: Any, zone: tzinfo) -> DiaryItem:  # noqa: PLR0911, C901 - a table
    match event:
        case TouchRecorded():
            return replace(
                item,
                owner=event.employee,
                title=event.subject,
                person=event.person,
                company=event.company,
                stage=f"{event.channel}, {event.about}",
            )
        case opportunities.OpportunityDiscovered():
            return replace(
                item,
                owner=event.owner,
                title=event.title,
                company=event.company,
                stage=event.stage,
            )
        case (
            opportunities.StageAdvanced(stage=stage)
            | opportunities.OpportunityReopened(stage=stage)
        ):
            return replace(item, stage=stage)
        case opportunities.OpportunityWon() | opportunities.OpportunityLost():
            return replace(item, stage=WHAT[type(event)], due_on=None)
        case opportunities.OpportunityReassigned(owner=owner) | issues.IssueAssigned(owner=owner):
            return replace(item, owner=owner)
        case opportunities.NextStepAgreed(due_on=due_on):
            return replace(item, due_on=due_on)
        case opportunities.NextStepDone() | issues.IssueClosed():
            return replace(item, due_on=None)
        case issues.IssueRegistered():
            return replace(
                item,
                owner=event.owner,
                title=event.category,
                person=event.person,
                company=event.company,
                stage=event.kind,
            )
        case issues.CommitmentMade() | issues.CommitmentMoved() | issues.CommitmentReassigned():
            return _promised(item, event, zone)
        case issues.CommitmentKept() | issues.CommitmentWithdrawn():
            return replace(item, due_on=None)
        case _:
            return _entered(item, event, zone)


def _promised(item: DiaryItem, event: Any, zone: tzinfo) -> DiaryItem:
    match event:
        case issues.CommitmentMade():
            due = None if event.due_by is None else event.due_by.astimezone(zone).date()
            return replace(
                item,
                owner=event.owner,
                title=event.what,
                person=event.person,
                company=event.company,
                stage="promise",
                due_on=due,
            )
        case issues.CommitmentMoved(due_by=due_by):
            return replace(item, due_on=due_by.astimezone(zone).date())
        case _:
            return replace(item, owner=event.owner)


_ENDED: dict[type[Event], Status] = {
    calendar.EntryMissed: "missed",
    calendar.EntryDisplaced: "displaced",
    calendar.EntryCancelled: "cancelled",
}


def _entered(item: DiaryItem, event: Any, zone: tzinfo) -> DiaryItem:  # noqa: PLR0911 - a table
    match event:
        case calendar.EntryPlanned() | calendar.EntryDescribed():
            about = replace(
                item,
                title=event.title,
                person=event.person,
                company=event.company,
                stage=event.category,
            )
            if isinstance(event, calendar.EntryDescribed):
                return about
            return replace(_at(about, event, zone), owner=event.seller)
        case calendar.EntryMoved():
            return _at(item, event, zone)
        case calendar.EntryReassigned(seller=seller):
            return replace(item, owner=seller)
        case calendar.EntryStarted(started_at=started_at):
            return replace(item, started_at=started_at)
        case calendar.EntryDone(started_at=started_at, ended_at=ended_at):
            return replace(item, status="done", started_at=started_at, ended_at=ended_at)
        case _:
            return replace(item, status=_ENDED.get(type(event), item.status))


def _at(
    item: DiaryItem, event: calendar.EntryPlanned | calendar.EntryMoved, zone: tzinfo
) -> DiaryItem:
    day = event.starts_at.astimezone(zone).date()
    return replace(
        item, status="planned", due_on=day, starts_at=event.starts_at, ends_at=event.ends_at
    )


def _detail(before: DiaryItem, event: Any) -> str | None:
    match event:
        case opportunities.StageAdvanced(stage=stage):
            return f"{before.stage} → {stage}" if before.stage else stage
        case opportunities.OpportunityWon(value=value, currency=currency):
            return f"{value} {currency}"
        case opportunities.OpportunityRevalued(amount=amount) if amount is not None:
            return f"{amount} {event.currency}"
        case opportunities.OpportunityRevalued(expected_close_on=day):
            return None if day is None else f"closes {day}"
        case opportunities.CommitmentMade():
            return f"{event.confidence}: {event.amount} {event.currency} by {event.close_on}"
        case _:
            said: str | None = getattr(event, SAYS.get(type(event), ""), None)
            return said
