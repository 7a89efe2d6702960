"""What the other domains know of those a meeting is with (K-12). Pure folds, never refuse.

Only what is looked at before a meeting is kept: names, the last touches, what is open and owed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from shared.events import Envelope
from shared.events.contacts import (
    CompanyRegistered,
    PersonDetailsStated,
    PersonRegistered,
    VisitCancelled,
    VisitFollowUpKept,
    VisitFollowUpPromised,
    VisitHeld,
    VisitPlanned,
)
from shared.events.issues import (
    CommitmentKept,
    CommitmentMade,
    CommitmentMoved,
    CommitmentReassigned,
    CommitmentWithdrawn,
    DeadlineSet,
    FeedbackGiven,
    IssueClosed,
    IssueRegistered,
)
from shared.events.touches import TouchRecorded
from shared.projection import Projection

# So many touches are looked at before a meeting; the timeline of contacts has all.
TOUCHES_MAX = 20


@dataclass(frozen=True, slots=True)
class LastTouch:
    """One line of what happened with a person."""

    occurred_at: datetime
    touch: str
    channel: str
    about: str
    direction: str
    employee: str | None = None
    subject: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PersonAround:
    """Answers: who is this, and what happened with them lately? (K-12)."""

    person: str
    name: str | None = None
    name_since: date | None = None
    touches: tuple[LastTouch, ...] = ()
    touch_count: int = 0


person_around = Projection(
    "person_around", version=1, view=PersonAround, streams=("person", "touch")
)


@person_around.on(PersonRegistered)
def person_registered(view: PersonAround, event: PersonRegistered, at: Envelope) -> PersonAround:
    return replace(view, name=event.name)


@person_around.on(PersonDetailsStated)
def details_stated(view: PersonAround, event: PersonDetailsStated, at: Envelope) -> PersonAround:
    told_before = event.name is None or (event.on or date.min) < (view.name_since or date.min)
    return view if told_before else replace(view, name=event.name, name_since=event.on)


def _person(at: Envelope) -> Sequence[str]:
    assert isinstance(at.data, TouchRecorded)
    return (at.data.person,)


@person_around.on(TouchRecorded, keys=_person)
def touched(view: PersonAround, event: TouchRecorded, at: Envelope) -> PersonAround:
    told = LastTouch(
        at.occurred_at,
        at.stream,
        event.channel,
        event.about,
        event.direction,
        event.employee,
        event.subject,
        event.note,
    )
    newest = sorted((*view.touches, told), key=lambda one: (one.occurred_at, one.touch))
    return replace(view, touches=tuple(newest[-TOUCHES_MAX:]), touch_count=view.touch_count + 1)


@dataclass(frozen=True, slots=True)
class CompanyAround:
    """Answers: what is this company called? (K-12)."""

    company: str
    name: str | None = None


company_around = Projection("company_around", version=1, view=CompanyAround, streams=("company",))


@company_around.on(CompanyRegistered)
def company_registered(
    view: CompanyAround, event: CompanyRegistered, at: Envelope
) -> CompanyAround:
    return replace(view, name=event.name)


@dataclass(frozen=True, slots=True)
class IssueAround:
    """Answers: what does this customer wait for, and since when? (K-12)."""

    issue: str
    kind: str | None = None
    words: str | None = None
    severity: str | None = None
    person: str | None = None
    company: str | None = None
    registered_on: date | None = None
    answer_by: datetime | None = None
    open: bool = True


issue_around = Projection(
    "issue_around",
    version=1,
    view=IssueAround,
    indexes=("person", "company"),
    streams=("issue",),
)


@issue_around.on(IssueRegistered)
def issue_registered(view: IssueAround, event: IssueRegistered, at: Envelope) -> IssueAround:
    return replace(
        view,
        kind=event.kind,
        words=event.words,
        severity=event.severity,
        person=event.person,
        company=event.company,
        registered_on=event.on,
    )


@issue_around.on(DeadlineSet)
def deadline_set(view: IssueAround, event: DeadlineSet, at: Envelope) -> IssueAround:
    return replace(view, answer_by=event.answer_by)


@issue_around.on(FeedbackGiven)
def feedback_given(view: IssueAround, event: FeedbackGiven, at: Envelope) -> IssueAround:
    return replace(view, answer_by=None)


@issue_around.on(IssueClosed)
def issue_closed(view: IssueAround, event: IssueClosed, at: Envelope) -> IssueAround:
    return replace(view, open=False)


@dataclass(frozen=True, slots=True)
class CommitmentAround:
    """Answers: what did we promise this customer that is still owed? (K-12, I-08)."""

    commitment: str
    what: str = ""
    person: str | None = None
    company: str | None = None
    owner: str | None = None
    due_by: datetime | None = None


commitment_around = Projection(
    "commitment_around",
    version=1,
    view=CommitmentAround,
    indexes=("person", "company"),
    streams=("commitment",),
)


@commitment_around.on(CommitmentMade)
def commitment_made(
    view: CommitmentAround, event: CommitmentMade, at: Envelope
) -> CommitmentAround:
    told = event.model_dump(include={"what", "person", "company", "owner", "due_by"})
    return replace(view, **told)


@commitment_around.on(CommitmentMoved)
def commitment_moved(
    view: CommitmentAround, event: CommitmentMoved, at: Envelope
) -> CommitmentAround:
    return replace(view, due_by=event.due_by)


@commitment_around.on(CommitmentReassigned)
def commitment_reassigned(
    view: CommitmentAround, event: CommitmentReassigned, at: Envelope
) -> CommitmentAround:
    return replace(view, owner=event.owner)


@commitment_around.on(CommitmentKept)
def commitment_kept(view: CommitmentAround, event: CommitmentKept, at: Envelope) -> None:
    return None


@commitment_around.on(CommitmentWithdrawn)
def commitment_withdrawn(view: CommitmentAround, event: CommitmentWithdrawn, at: Envelope) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Owed:
    """Something that somebody of us does, until when."""

    what: str
    key: str
    owner: str | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class VisitAround:
    """Answers: what did we promise these people when an executive was there? (K-12)."""

    visit: str
    company: str | None = None
    people: tuple[str, ...] = ()
    on: date | None = None
    purpose: str | None = None
    state: str = "planned"
    owed: tuple[Owed, ...] = ()


visit_around = Projection(
    "visit_around",
    version=1,
    view=VisitAround,
    indexes=("people", "company"),
    streams=("visit",),
)


@visit_around.on(VisitPlanned)
def visit_planned(view: VisitAround, event: VisitPlanned, at: Envelope) -> VisitAround:
    return replace(
        view, company=event.company, people=event.people, on=event.on, purpose=event.purpose
    )


@visit_around.on(VisitHeld)
def visit_held(view: VisitAround, event: VisitHeld, at: Envelope) -> VisitAround:
    return replace(view, state="held", on=event.on or view.on)


@visit_around.on(VisitCancelled)
def visit_cancelled(view: VisitAround, event: VisitCancelled, at: Envelope) -> VisitAround:
    return replace(view, state="cancelled")


@visit_around.on(VisitFollowUpPromised)
def promised(view: VisitAround, event: VisitFollowUpPromised, at: Envelope) -> VisitAround:
    owed = Owed(event.what, event.follow_up, event.owner, event.due_on)
    return replace(view, owed=(*view.owed, owed))


@visit_around.on(VisitFollowUpKept)
def kept(view: VisitAround, event: VisitFollowUpKept, at: Envelope) -> VisitAround:
    return replace(view, owed=tuple(one for one in view.owed if one.key != event.follow_up))
