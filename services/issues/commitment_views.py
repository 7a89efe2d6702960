"""How each promise to a customer stands (I-08). Pure folds, never refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from services.issues.commitments import BreakCommitment, ClockName
from services.issues.projections import SetBy
from shared.events import Envelope
from shared.events.issues import (
    CommitmentBroken,
    CommitmentFollowedUp,
    CommitmentKept,
    CommitmentMade,
    CommitmentMoved,
    CommitmentReassigned,
    CommitmentWithdrawn,
)
from shared.projection import Projection
from shared.timers import DueAt, Overdue, Timer, judged_at


@dataclass(frozen=True, slots=True)
class Told:
    """What the customer heard from us, and until when it was promised anew, if it was."""

    said: str
    on: date | None
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A time that passed: they were to hear from us by then, or to have it."""

    clock: ClockName
    by: datetime


@dataclass(frozen=True, slots=True)
class CommitmentCard:
    """Answers: what did we promise to whom, until when, who keeps it, was it broken? (I-08)."""

    commitment: str
    what: str | None = None
    person: str | None = None
    company: str | None = None
    owner: str | None = None
    touch: str | None = None
    issue: str | None = None
    opportunity: str | None = None
    made_on: date | None = None
    state: Literal["owed", "kept", "withdrawn"] = "owed"
    follow_up_by: datetime | None = None
    due_by: datetime | None = None
    told: tuple[Told, ...] = ()
    result: str | None = None
    settled_on: date | None = None
    broken: tuple[Broken, ...] = ()
    is_broken: bool = False
    # While a clock runs: what the timers scan, and the fact that set it.
    follow_up_due_at: DueAt | None = None
    follow_up_set_by: SetBy | None = None
    deadline_due_at: DueAt | None = None
    deadline_set_by: SetBy | None = None


commitment_card = Projection(
    "commitment_card",
    version=1,
    view=CommitmentCard,
    indexes=(
        "owner",
        "person",
        "company",
        "issue",
        "state",
        "follow_up_due_at",
        "deadline_due_at",
    ),
    streams=("commitment",),
)


@commitment_card.on(CommitmentMade)
def made(card: CommitmentCard, event: CommitmentMade, at: Envelope) -> CommitmentCard:
    set_by = SetBy(at.id, at.version)
    return replace(
        card,
        **event.model_dump(exclude={"on"}),
        made_on=event.on,
        follow_up_due_at=judged_at(event.follow_up_by, at.recorded_at),
        follow_up_set_by=set_by,
        deadline_due_at=judged_at(event.due_by, at.recorded_at),
        deadline_set_by=set_by,
    )


@commitment_card.on(CommitmentFollowedUp)
def followed_up(card: CommitmentCard, event: CommitmentFollowedUp, at: Envelope) -> CommitmentCard:
    told = (*card.told, Told(event.said, event.on))
    return replace(card, told=told, follow_up_due_at=None)


@commitment_card.on(CommitmentMoved)
def moved(card: CommitmentCard, event: CommitmentMoved, at: Envelope) -> CommitmentCard:
    return replace(
        card,
        due_by=event.due_by,
        told=(*card.told, Told(event.said, event.on, event.due_by)),
        follow_up_due_at=None,
        deadline_due_at=judged_at(event.due_by, at.recorded_at),
        deadline_set_by=SetBy(at.id, at.version),
    )


@commitment_card.on(CommitmentReassigned)
def reassigned(card: CommitmentCard, event: CommitmentReassigned, at: Envelope) -> CommitmentCard:
    return replace(card, owner=event.owner)


@commitment_card.on(CommitmentKept)
def kept(card: CommitmentCard, event: CommitmentKept, at: Envelope) -> CommitmentCard:
    return replace(_settled(card, event.on), state="kept", result=event.result)


@commitment_card.on(CommitmentWithdrawn)
def withdrawn(card: CommitmentCard, event: CommitmentWithdrawn, at: Envelope) -> CommitmentCard:
    told = (*card.told, Told(event.said, event.on))
    return replace(_settled(card, event.on), state="withdrawn", told=told)


def _settled(card: CommitmentCard, on: date | None) -> CommitmentCard:
    return replace(card, settled_on=on, follow_up_due_at=None, deadline_due_at=None)


@commitment_card.on(CommitmentBroken)
def broken(card: CommitmentCard, event: CommitmentBroken, at: Envelope) -> CommitmentCard:
    card = replace(card, broken=(*card.broken, Broken(event.clock, event.by)), is_broken=True)
    if event.clock == "follow_up":
        return replace(card, follow_up_due_at=None)
    return replace(card, deadline_due_at=None)


def _overdue(
    card: CommitmentCard, clock: ClockName, at: datetime | None, by: SetBy | None
) -> Iterator[Overdue]:
    if at is not None and by is not None:
        command = BreakCommitment(clock=clock, version=by.version, set_by=by.fact)
        yield Overdue(card.commitment, command, deadline=at, set_by=by.fact)


def miss_follow_up(card: CommitmentCard) -> Iterator[Overdue]:
    """The customer was to hear from us by then and, as far as the card knows, has not."""
    by = card.follow_up_by if card.follow_up_due_at is not None else None
    return _overdue(card, "follow_up", by, card.follow_up_set_by)


def miss_deadline(card: CommitmentCard) -> Iterator[Overdue]:
    """It was to be done by then and, as far as the card knows, is not."""
    by = card.due_by if card.deadline_due_at is not None else None
    return _overdue(card, "deadline", by, card.deadline_set_by)


# Two timers: one fact may set both clocks, and each is broken by itself.
FOLLOW_UP = Timer(
    "commitment_follow_up",
    projection=commitment_card,
    due="follow_up_due_at",
    fire=miss_follow_up,
)
DEADLINE = Timer(
    "commitment_deadline", projection=commitment_card, due="deadline_due_at", fire=miss_deadline
)
