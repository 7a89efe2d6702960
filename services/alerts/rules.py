"""Which facts set, move and end the clock of each rule (N-07). Pure.

A rule is a table: what each kind of fact means to the clocks of which subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from functools import partial
from typing import Any, NamedTuple, get_args

from services.alerts.watching import Mark, Verb
from shared.events import Envelope, Event
from shared.events.alerts import CustomerWon, RuleName
from shared.events.calendar import OverworkFound
from shared.events.contacts import (
    BuyingRoleStated,
    PersonErased,
    PersonOwnerAssigned,
    VisitCancelled,
    VisitFollowUpKept,
    VisitFollowUpPromised,
    VisitFollowUpReassigned,
)
from shared.events.issues import (
    CommitmentBroken,
    CommitmentKept,
    CommitmentWithdrawn,
    DeadlineMissed,
    FeedbackGiven,
    IssueClosed,
)
from shared.events.opportunities import (
    ActionAgreed,
    ActionDone,
    ActionDropped,
    CoachingHeld,
    EvidenceRecorded,
    NextStepAgreed,
    NextStepDone,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityResumed,
    OpportunityRevalued,
    OpportunitySnoozed,
    OpportunityWon,
    PersonAssessed,
    PersonInvolved,
    QuestionAnswered,
    QuestionAsked,
    StageAdvanced,
)
from shared.events.organization import (
    HandoverCalledOff,
    HandoverCustomerMet,
    HandoverReceiverNamed,
)
from shared.events.touches import TouchRecorded

RULES: tuple[RuleName, ...] = get_args(RuleName)


class Meant(NamedTuple):
    """What a fact means to a clock: of which subject, what, and since when, if not its own day."""

    subject: str
    verb: Verb
    on: date | None = None
    part: str = ""
    owner: str | None = None
    soft: bool = False
    own_until: date | None = None


Means = Callable[[Any, Envelope], Meant | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """`says` is what it tells whom it calls; `once`: the first thing that happens ends it."""

    name: RuleName
    says: str
    means: Mapping[type[Event], Means]
    once: bool = False
    # What it says instead of some kinds of subjects.
    says_of: Mapping[str, str] = field(default_factory=dict)

    def tells(self, subject: str) -> str:
        """Return what it tells whom it calls about this subject."""
        return self.says_of.get(subject.partition("-")[0], self.says)

    @property
    def of_one_stream(self) -> bool:
        """Whether a watch is told by the facts of its own stream alone, and so in their order."""
        return TouchRecorded not in self.means

    def is_idle(self, mark: Mark) -> bool:
        """Whether a mark means nothing where no other was before it."""
        return self.of_one_stream and mark.verb in ("done", "end")

    def mark(self, at: Envelope, zone: tzinfo) -> tuple[str, Mark] | None:
        """Return which subject a fact is about, and what it means to its clock."""
        means = self.means.get(type(at.data))
        meant = None if means is None else means(at.data, at)
        if meant is None:
            return None
        on = meant.on or at.day(zone)
        place = at.recorded_at, at.id, at.stream, at.version
        mark = Mark(*place, meant.verb, on, meant.part, meant.owner, meant.soft, meant.own_until)
        return meant.subject, mark


def _its(verb: Verb, event: Any, at: Envelope) -> Meant:
    """Of the fact's own stream; who owns it from then on, the fact says where it says anything."""
    return Meant(at.stream, verb, owner=getattr(event, "owner", None))


def _same(verb: Verb, *events: type[Event]) -> dict[type[Event], Means]:
    return dict.fromkeys(events, partial(_its, verb))


def _part(verb: Verb, of: str, event: Any, at: Envelope) -> Meant:
    """One of several things of the fact's stream, each with a clock of its own."""
    due_on = getattr(event, "due_on", None) if verb == "due" else None
    return Meant(at.stream, verb, due_on, getattr(event, of), getattr(event, "owner", None))


# What a deal has one of: the part that an alert about it means.
NEXT_STEP = "next step"


def _next_step(event: NextStepAgreed, at: Envelope) -> Meant:
    if event.due_on is None:
        return Meant(at.stream, "done", part=NEXT_STEP)
    return Meant(at.stream, "due", event.due_on, NEXT_STEP, event.owner)


def _rests(event: OpportunitySnoozed, at: Envelope) -> Meant:
    return Meant(at.stream, "rest", event.resume_on)


def _first_meeting(event: HandoverReceiverNamed, at: Envelope) -> Meant:
    if event.meet_by is None:
        return Meant(at.stream, "end", owner=event.receiver)
    return Meant(at.stream, "due", event.meet_by, owner=event.receiver)


def _touched(verb: Verb, event: TouchRecorded, _at: Envelope) -> Meant | None:
    """A colleague was in touch; a campaign that goes to everybody is nobody's attention."""
    if event.employee is None:
        return None
    return Meant(event.person, verb, owner=event.employee, soft=True)


def _company_touched(event: TouchRecorded, _at: Envelope) -> Meant | None:
    if event.company is None or event.employee is None:
        return None
    return Meant(event.company, "happened")


def _has_a_say(event: BuyingRoleStated, at: Envelope) -> Meant:
    buys = event.role in {"decision_maker", "influencer"}
    return Meant(at.stream, "begin" if buys else "end")


def _won(event: CustomerWon, _at: Envelope) -> Meant:
    return Meant(event.company, "begin", owner=event.owner)


def _overworked(event: OverworkFound, _at: Envelope) -> Meant:
    part, until = event.week.isoformat(), event.own_until
    return Meant(event.seller, "now", event.week, part, event.seller, own_until=until)


_SETTLED = _same("end", OpportunityWon, OpportunityLost)
_OWNED = _same("owner", OpportunityDiscovered, OpportunityReassigned)

ALL: tuple[Rule, ...] = (
    Rule(
        "overdue_commitment",
        "what was promised to a customer is overdue",
        {
            **_same("now", CommitmentBroken, DeadlineMissed),
            **_same("end", CommitmentKept, CommitmentWithdrawn, FeedbackGiven, IssueClosed),
        },
        says_of={"issue": "the answer that a customer waits for is overdue"},
    ),
    Rule(
        "stale_opportunity",
        "nothing happened with an open opportunity",
        {
            **_same("begin", OpportunityDiscovered, OpportunityReopened, OpportunityResumed),
            **_same(
                "happened",
                *(StageAdvanced, OpportunityReassigned, OpportunityRevalued, PersonInvolved),
                *(EvidenceRecorded, NextStepAgreed, NextStepDone, PersonAssessed, ActionAgreed),
                *(ActionDone, CoachingHeld, QuestionAsked, QuestionAnswered),
            ),
            OpportunitySnoozed: _rests,
            **_SETTLED,
        },
    ),
    Rule(
        "cadence_gap",
        "nobody was in touch with a person for longer than usual",
        {
            TouchRecorded: partial(_touched, "begin"),
            PersonOwnerAssigned: partial(_its, "owner"),
            **_same("end", PersonErased),
        },
    ),
    Rule(
        "milestone",
        "what was to be done by a day is not done",
        {
            **_OWNED,
            NextStepAgreed: _next_step,
            NextStepDone: lambda _event, at: Meant(at.stream, "done", part=NEXT_STEP),
            ActionAgreed: partial(_part, "due", "action"),
            ActionDone: partial(_part, "done", "action"),
            ActionDropped: partial(_part, "done", "action"),
            VisitFollowUpPromised: partial(_part, "due", "follow_up"),
            VisitFollowUpKept: partial(_part, "done", "follow_up"),
            VisitFollowUpReassigned: partial(_part, "owner", "follow_up"),
            **_same("end", VisitCancelled),
            **_SETTLED,
        },
    ),
    Rule(
        "coverage_gap",
        "nobody was in touch with somebody who decides or influences",
        {
            BuyingRoleStated: _has_a_say,
            TouchRecorded: partial(_touched, "happened"),
            PersonOwnerAssigned: partial(_its, "owner"),
            **_same("end", PersonErased),
        },
    ),
    Rule(
        "post_win_neglect",
        "nobody was in touch with a customer since we won",
        {CustomerWon: _won, TouchRecorded: _company_touched},
        once=True,
    ),
    Rule(
        "first_meeting",
        "who took over has not met the first customer",
        {
            HandoverReceiverNamed: _first_meeting,
            **_same("end", HandoverCustomerMet, HandoverCalledOff),
        },
    ),
    Rule(
        "overwork",
        "a week had more work outside working hours than the company wants",
        {OverworkFound: _overworked},
    ),
)


def marks_of(rule: Rule, facts: Iterable[Envelope], zone: tzinfo) -> dict[str, list[Mark]]:
    """Return what facts mean to a rule, by subject."""
    found: dict[str, list[Mark]] = {}
    for fact in facts:
        meant = rule.mark(fact, zone)
        if meant is not None:
            found.setdefault(meant[0], []).append(meant[1])
    return found
