"""What we promise a customer: they hear from us within a day, and get it in time (I-08). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, assert_never

from pydantic import Field

from services.issues.model import Words
from services.issues.state import DeadlineReplacedError, before_day
from shared.command import Command, DatedCommand, HappenedCommand, Instant
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.issues import (
    CommitmentBroken,
    CommitmentEvent,
    CommitmentFollowedUp,
    CommitmentKept,
    CommitmentMade,
    CommitmentMoved,
    CommitmentReassigned,
    CommitmentWithdrawn,
)
from shared.handovers import TakeOver
from shared.references import (
    CompanyStream,
    EmployeeStream,
    IssueStream,
    OpportunityStream,
    PersonStream,
    TouchStream,
)

ClockName = Literal["follow_up", "deadline"]


class CommitmentUnknownError(NotFoundError):
    """Nobody promised anything of that id."""


class CommitmentAlreadyMadeError(DomainError):
    """A promise is made once."""


class CommitmentSettledError(DomainError):
    """It was kept, or taken back: nothing more happens to it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Until when, and the version of the fact that says so."""

    by: datetime
    version: int
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Commitment:
    """Only what a rule needs to know. `version` counts the facts, as an issue's does."""

    version: int = 0
    made: CommitmentMade | None = None
    owner: str | None = None
    settled: bool = False
    said: frozenset[str] = frozenset()
    clocks: dict[ClockName, Clock] | None = None

    def clock(self, name: ClockName) -> Clock | None:
        return (self.clocks or {}).get(name)


class MakeCommitment(DatedCommand):
    """Promise a customer something. `made_at` is when: now, or at the end of the day told."""

    what: Words
    person: PersonStream
    owner: EmployeeStream
    company: CompanyStream | None = None
    touch: TouchStream | None = None
    issue: IssueStream | None = None
    opportunity: OpportunityStream | None = None
    due_by: Instant | None = None
    made_at: Instant | None = None


class Make(MakeCommitment):
    """The same with the time by which the customer hears from us: no part of what is asked."""

    asked_as: ClassVar[str | None] = MakeCommitment.__name__
    follow_up_by: Instant | None = Field(None, exclude=True)


class FollowUp(HappenedCommand):
    """Tell the customer how it goes."""

    said: Words
    touch: TouchStream | None = None


class MoveCommitment(HappenedCommand):
    """Promise it for another time; the customer was told, with these words."""

    due_by: Instant
    said: Words


class KeepCommitment(HappenedCommand):
    result: Words


class WithdrawCommitment(HappenedCommand):
    """It will not be done; the customer was told, with these words."""

    said: Words


class ReassignCommitment(DatedCommand):
    owner: EmployeeStream


class BreakCommitment(Command):
    """The time that this very fact set has passed. Only the timers say so, nobody by hand."""

    clock: ClockName
    version: Annotated[int, Field(ge=1)]
    set_by: str


Telling = FollowUp | MoveCommitment | KeepCommitment | WithdrawCommitment
CommitmentCommand = MakeCommitment | Telling | ReassignCommitment | TakeOver | BreakCommitment


def decide_commitment(known: Commitment, command: CommitmentCommand) -> list[CommitmentEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if isinstance(command, MakeCommitment):
        return _made(known, command)
    if known.made is None:
        raise CommitmentUnknownError
    if known.settled:
        raise CommitmentSettledError
    match command:
        case BreakCommitment():
            return _broken(known, command)
        case ReassignCommitment() | TakeOver():
            return _reassigned(known, command)
        case _:
            return _told(known, known.made, command)


def _made(known: Commitment, command: MakeCommitment) -> list[CommitmentEvent]:
    if known.made is not None:
        raise CommitmentAlreadyMadeError
    _check(command.due_by, command)
    told = command.model_dump(exclude={"date_unknown", "made_at", "due_by"})
    by = command.follow_up_by if isinstance(command, Make) else None
    return [CommitmentMade(**told, due_by=_utc(command.due_by), follow_up_by=_utc(by))]


def _reassigned(known: Commitment, command: ReassignCommitment | TakeOver) -> list[CommitmentEvent]:
    if isinstance(command, TakeOver):
        told = CommitmentReassigned(owner=command.receiver, reason="handover", on=command.on)
        return [told] if command.moves(known.owner) else []
    same = command.owner == known.owner
    return [] if same else [CommitmentReassigned(owner=command.owner, on=command.on)]


def _told(known: Commitment, made: CommitmentMade, command: Telling) -> list[CommitmentEvent]:
    """Say what the customer heard from us; heard before, it is no news."""
    match command:
        case FollowUp(said=said, touch=touch, on=on):
            new = said not in known.said
            return [CommitmentFollowedUp(said=said, touch=touch, on=on)] if new else []
        case MoveCommitment(due_by=due_by, said=said, on=on):
            _check(due_by, made)
            before = known.clock("deadline")
            moved = CommitmentMoved(due_by=due_by.astimezone(UTC), said=said, on=on)
            return [] if before is not None and before.by == due_by else [moved]
        case KeepCommitment(result=result, on=on):
            return [CommitmentKept(result=result, on=on)]
        case WithdrawCommitment(said=said, on=on):
            return [CommitmentWithdrawn(said=said, on=on)]
        case _:
            assert_never(command)


def _check(due_by: datetime | None, made: MakeCommitment | CommitmentMade) -> None:
    if due_by is not None and before_day(due_by, made.on):
        raise InvalidError(f"it was promised on {made.on}", field="#/due_by")


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


def _broken(known: Commitment, command: BreakCommitment) -> list[CommitmentEvent]:
    """Say that it was broken, if the time that holds is the one that the timer saw."""
    clock = known.clock(command.clock)
    if clock is None or clock.version != command.version:
        raise DeadlineReplacedError
    if clock.broken:
        return []
    who, told = known.owner, command.set_by
    return [CommitmentBroken(clock=command.clock, by=clock.by, set_by=told, owner=who)]


def evolve_commitment(known: Commitment, event: CommitmentEvent) -> Commitment:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    known = replace(known, version=known.version + 1)
    clocks = dict(known.clocks or {})
    match event:
        case CommitmentMade(owner=owner, due_by=due_by, follow_up_by=follow_up_by):
            times: dict[ClockName, datetime | None] = {
                "deadline": due_by, "follow_up": follow_up_by,
            }  # fmt: skip
            clocks = {name: Clock(by, known.version) for name, by in times.items() if by}
            return replace(known, made=event, owner=owner, clocks=clocks)
        case CommitmentFollowedUp(said=said):
            clocks.pop("follow_up", None)
            return replace(known, said=known.said | {said}, clocks=clocks)
        case CommitmentMoved(due_by=due_by):
            clocks.pop("follow_up", None)
            clocks["deadline"] = Clock(due_by, known.version)
            return replace(known, clocks=clocks)
        case CommitmentReassigned(owner=owner):
            return replace(known, owner=owner)
        case CommitmentBroken(clock=name):
            if name in clocks:
                clocks[name] = replace(clocks[name], broken=True)
            return replace(known, clocks=clocks)
        case CommitmentKept() | CommitmentWithdrawn():
            return replace(known, settled=True, clocks={})
        case _:
            assert_never(event)
