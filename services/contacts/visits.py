"""Visits of our executives: with a purpose before, and with promises after. Pure (C-13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Literal, assert_never

from pydantic import Field, StringConstraints

from shared.command import Command, DatedCommand, Day, HappenedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events import Envelope
from shared.events.contacts import (
    VisitCancelled,
    VisitEvent,
    VisitFollowUpKept,
    VisitFollowUpPromised,
    VisitFollowUpReassigned,
    VisitHeld,
    VisitPlanned,
)
from shared.handovers import TakeOver
from shared.projection import Projection
from shared.references import CompanyStream, EmployeeStream, PersonStream

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)]
State = Literal["planned", "held", "cancelled"]
# More points than these nobody remembers.
POINTS_MAX = 5


class VisitUnknownError(NotFoundError):
    """Nobody planned this visit."""


class VisitOverError(DomainError):
    """The visit was held or cancelled already."""


class FollowUpUnknownError(DomainError):
    """Nobody promised this at the visit."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Only what a rule needs to know."""

    planned: VisitPlanned | None = None
    state: State | None = None
    # Who answers for each promise.
    promised: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()


class PlanVisit(DatedCommand):
    """A ceremony is not worth the trip: it has a purpose, and points to talk about."""

    on: Day
    executive: EmployeeStream
    company: CompanyStream
    purpose: Text
    people: tuple[PersonStream, ...] = Field((), max_length=50)
    talking_points: tuple[Text, ...] = Field(min_length=1, max_length=POINTS_MAX)


class FollowUp(Command):
    """What we promised, who answers for it, and until when."""

    what: Text
    owner: EmployeeStream
    due_on: Day


class HoldVisit(HappenedCommand):
    """It took place: with what we promised, or why we promised nothing."""

    outcome: Words
    follow_ups: tuple[FollowUp, ...] = Field((), max_length=20)
    no_follow_up_because: Text | None = None


class CancelVisit(HappenedCommand):
    reason: Text | None = None


class KeepFollowUp(HappenedCommand):
    follow_up: Annotated[str, Field(pattern=r"^[1-9][0-9]?$")]


VisitCommand = PlanVisit | HoldVisit | CancelVisit | KeepFollowUp | TakeOver


def decide_visit(visit: Visit, command: VisitCommand) -> list[VisitEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if isinstance(command, PlanVisit):
        _check_open(visit)
        planned = VisitPlanned(**command.model_dump(exclude={"date_unknown"}))
        return [] if planned == visit.planned else [planned]
    if visit.state is None:
        raise VisitUnknownError
    match command:
        case HoldVisit():
            _check_open(visit)
            return _hold(command)
        case CancelVisit(reason=reason, on=on):
            _check_open(visit)
            return [VisitCancelled(reason=reason, on=on)]
        case KeepFollowUp(follow_up=follow_up, on=on):
            if follow_up not in visit.promised:
                raise FollowUpUnknownError(f"no follow-up {follow_up}", field="#/follow_up")
            kept = follow_up in visit.kept
            return [] if kept else [VisitFollowUpKept(follow_up=follow_up, on=on)]
        case TakeOver():
            return _take_over(visit, command)
        case _:
            assert_never(command)


def _take_over(visit: Visit, command: TakeOver) -> list[VisitEvent]:
    """Let the receiver visit in the giver's place, or answer for what the giver promised."""
    part, receiver = command.part, command.receiver
    if part is None:
        _check_open(visit)
        planned = visit.planned
        if planned is None or not command.moves(planned.executive):
            return []
        return [planned.model_copy(update={"executive": receiver})]
    if part not in visit.promised:
        raise FollowUpUnknownError(f"no follow-up {part}")
    if part in visit.kept or not command.moves(visit.promised[part]):
        return []
    told = VisitFollowUpReassigned(follow_up=part, owner=receiver, reason="handover", on=command.on)
    return [told]


def _check_open(visit: Visit) -> None:
    if visit.state in ("held", "cancelled"):
        raise VisitOverError(f"it was {visit.state}")


def _hold(command: HoldVisit) -> list[VisitEvent]:
    why = command.no_follow_up_because
    if bool(command.follow_ups) == (why is not None):
        raise InvalidError(
            "what we promised, or why we promised nothing: one of both", field="#/follow_ups"
        )
    held = VisitHeld(outcome=command.outcome, no_follow_up_because=why, on=command.on)
    promised = [
        VisitFollowUpPromised(follow_up=str(number), on=command.on, **one.model_dump())
        for number, one in enumerate(command.follow_ups, start=1)
    ]
    return [held, *promised]


def evolve_visit(visit: Visit, event: VisitEvent) -> Visit:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case VisitPlanned():
            return replace(visit, planned=event, state="planned")
        case VisitHeld():
            return replace(visit, state="held")
        case VisitCancelled():
            return replace(visit, state="cancelled")
        case VisitFollowUpPromised(follow_up=follow_up, owner=owner):
            return replace(visit, promised={**visit.promised, follow_up: owner})
        case VisitFollowUpReassigned(follow_up=follow_up, owner=owner):
            return replace(visit, promised={**visit.promised, follow_up: owner})
        case VisitFollowUpKept(follow_up=follow_up):
            return replace(visit, kept=visit.kept | {follow_up})
        case _:
            assert_never(event)


@dataclass(frozen=True, slots=True)
class Promise:
    """A follow-up of the visit, and when it was kept."""

    follow_up: str
    what: str
    owner: str
    due_on: date
    kept: bool = False
    kept_on: date | None = None


@dataclass(frozen=True, slots=True)
class VisitCard:
    """Answers: who of ours visits whom, when, what for, and what came of it?"""

    visit: str
    state: State = "planned"
    executive: str | None = None
    company: str | None = None
    on: date | None = None
    purpose: str | None = None
    people: tuple[str, ...] = ()
    talking_points: tuple[str, ...] = ()
    outcome: str | None = None
    no_follow_up_because: str | None = None
    reason: str | None = None
    follow_ups: tuple[Promise, ...] = ()
    open_follow_ups: int = 0


visit_card = Projection(
    "visit_card",
    version=2,
    view=VisitCard,
    indexes=("company", "executive", "state", "people", "open_follow_ups"),
    streams=("visit",),
)


@visit_card.on(VisitPlanned)
def visit_planned(card: VisitCard, event: VisitPlanned, at: Envelope) -> VisitCard:
    return replace(card, **event.model_dump())


@visit_card.on(VisitHeld)
def visit_held(card: VisitCard, event: VisitHeld, at: Envelope) -> VisitCard:
    told = event.model_dump(exclude={"on"})
    return replace(card, state="held", on=event.on or card.on, **told)


@visit_card.on(VisitCancelled)
def visit_cancelled(card: VisitCard, event: VisitCancelled, at: Envelope) -> VisitCard:
    return replace(card, state="cancelled", reason=event.reason)


@visit_card.on(VisitFollowUpPromised)
def follow_up_promised(card: VisitCard, event: VisitFollowUpPromised, at: Envelope) -> VisitCard:
    promise = Promise(event.follow_up, event.what, event.owner, event.due_on)
    return _with(card, (*card.follow_ups, promise))


@visit_card.on(VisitFollowUpKept)
def follow_up_kept(card: VisitCard, event: VisitFollowUpKept, at: Envelope) -> VisitCard:
    kept = (
        replace(one, kept=True, kept_on=event.on) if one.follow_up == event.follow_up else one
        for one in card.follow_ups
    )
    return _with(card, tuple(kept))


@visit_card.on(VisitFollowUpReassigned)
def follow_up_reassigned(
    card: VisitCard, event: VisitFollowUpReassigned, at: Envelope
) -> VisitCard:
    told = (
        replace(one, owner=event.owner) if one.follow_up == event.follow_up else one
        for one in card.follow_ups
    )
    return _with(card, tuple(told))


def _with(card: VisitCard, follow_ups: tuple[Promise, ...]) -> VisitCard:
    waiting = sum(not one.kept for one in follow_ups)
    return replace(card, follow_ups=follow_ups, open_follow_ups=waiting)
