"""What the things that alerts are about are called (N-07). Pure folds, never refuse.

An alert names its subject by its stream; whom it calls has to know at a glance which deal, which
complaint, which promise or whom it is about, and which of several things of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date

from services.alerts.projections import AlertCard
from services.alerts.rules import NEXT_STEP
from shared.events import Envelope
from shared.events.calendar import OverworkFound
from shared.events.contacts import (
    CompanyRegistered,
    PersonDetailsStated,
    PersonRegistered,
    VisitFollowUpPromised,
    VisitPlanned,
)
from shared.events.issues import CommitmentMade, IssueRegistered
from shared.events.opportunities import (
    ActionAgreed,
    NextStepAgreed,
    OpportunityCorrected,
    OpportunityDiscovered,
)
from shared.events.organization import EmployeeJoined, HandoverStarted
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class Subject:
    """Answers: what is this called, and what are its parts? `named_by`: by whom it is called."""

    subject: str
    name: str | None = None
    # The day of the dated statement that said so.
    since: date | None = None
    named_by: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertTold(AlertCard):
    """An alert with what its subject is called, and which part of it is meant, in words."""

    name: str | None = None
    what: str | None = None


subjects = Projection(
    "alert_subject",
    version=2,
    view=Subject,
    streams=(
        *("opportunity", "issue", "commitment", "visit"),
        *("person", "company", "employee", "handover"),
        "overwork",
    ),
)


@subjects.on(OpportunityDiscovered)
def discovered(view: Subject, event: OpportunityDiscovered, at: Envelope) -> Subject:
    return replace(view, name=event.title)


@subjects.on(OpportunityCorrected)
def corrected(view: Subject, event: OpportunityCorrected, at: Envelope) -> Subject:
    return replace(view, name=event.title)


@subjects.on(NextStepAgreed)
def next_step(view: Subject, event: NextStepAgreed, at: Envelope) -> Subject:
    return replace(view, parts={**view.parts, NEXT_STEP: event.what})


@subjects.on(ActionAgreed)
def action(view: Subject, event: ActionAgreed, at: Envelope) -> Subject:
    return replace(view, parts={**view.parts, event.action: event.what})


@subjects.on(IssueRegistered)
def issue(view: Subject, event: IssueRegistered, at: Envelope) -> Subject:
    """An issue has no title: it is what the customer said."""
    return replace(view, name=event.words)


@subjects.on(CommitmentMade)
def commitment(view: Subject, event: CommitmentMade, at: Envelope) -> Subject:
    return replace(view, name=event.what)


@subjects.on(VisitPlanned)
def visit(view: Subject, event: VisitPlanned, at: Envelope) -> Subject:
    return replace(view, name=event.purpose)


@subjects.on(VisitFollowUpPromised)
def follow_up(view: Subject, event: VisitFollowUpPromised, at: Envelope) -> Subject:
    return replace(view, parts={**view.parts, event.follow_up: event.what})


@subjects.on(PersonRegistered)
def person(view: Subject, event: PersonRegistered, at: Envelope) -> Subject:
    return replace(view, name=event.name)


@subjects.on(PersonDetailsStated)
def person_details(view: Subject, event: PersonDetailsStated, at: Envelope) -> Subject:
    told_before = event.name is None or (event.on or date.min) < (view.since or date.min)
    return view if told_before else replace(view, name=event.name, since=event.on)


@subjects.on(CompanyRegistered)
def company(view: Subject, event: CompanyRegistered, at: Envelope) -> Subject:
    return replace(view, name=event.name)


@subjects.on(EmployeeJoined)
def employee(view: Subject, event: EmployeeJoined, at: Envelope) -> Subject:
    return replace(view, name=event.name)


def _seller(at: Envelope) -> Sequence[str]:
    assert isinstance(at.data, OverworkFound)
    return (at.data.seller,)


@subjects.on(OverworkFound, keys=_seller)
def overwork(view: Subject, event: OverworkFound, at: Envelope) -> Subject:
    week = event.week.isoformat()
    what = f"{event.minutes} minutes in the week of {week}; at most {event.most} are wanted"
    return replace(view, parts={**view.parts, week: what})


@subjects.on(HandoverStarted)
def handover(view: Subject, event: HandoverStarted, at: Envelope) -> Subject:
    """A handover is called after who leaves."""
    return replace(view, named_by=event.employee)


def told(card: AlertCard, called: Mapping[str, Subject]) -> AlertTold:
    """Return an alert with the words for what it is about, as far as they are known."""
    of = called.get(card.subject or "")
    if of is not None and of.named_by is not None:
        named = called.get(of.named_by)
        of = replace(of, name=None if named is None else named.name)
    return AlertTold(
        **asdict(card),
        name=None if of is None else of.name,
        what=None if of is None else of.parts.get(card.part),
    )
