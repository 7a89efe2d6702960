"""How what a colleague looks after comes into other hands without a gap (C-09). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, assert_never

from pydantic import Field

from services.organization.defaults import OrganizationDefaults
from shared.command import Command, DatedCommand, Day, HappenedCommand
from shared.errors import DomainError, InvalidError, NotFoundError
from shared.events.organization import (
    HandedItem,
    HandoverAcknowledged,
    HandoverCalledOff,
    HandoverCause,
    HandoverCustomerMet,
    HandoverEvent,
    HandoverItemsMoved,
    HandoverReceiverNamed,
    HandoverRescheduled,
    HandoverStarted,
)
from shared.references import STREAM, EmployeeStream, PersonStream

# A stream, or what has an owner of its own within one.
ITEM = rf"^{STREAM}(/[A-Za-z0-9]{{1,20}})?$"
# How many things one fact moves: every domain decides on those of a fact at once.
ITEMS_MAX = 100


class HandoverUnknownError(NotFoundError):
    """Nothing of that colleague is handed over."""


class HandoverWithoutReceiverError(DomainError):
    """Somebody has to be named first who takes over."""


class HandoverNotYoursError(DomainError):
    """Only who takes over says so."""


@dataclass(frozen=True, slots=True)
class Handover:
    """Only what a rule needs to know; a colleague may leave again, then it begins anew."""

    employee: str | None = None
    leaves_on: date | None = None
    is_open: bool = False
    receiver: str | None = None
    meet_by: date | None = None
    acknowledged: bool = False
    met: frozenset[str] = frozenset()
    # What was moved to whom, and from where on it had been the leaver's.
    moved: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.acknowledged and bool(self.met)


class StartHandover(Command):
    """Hand over what a colleague looks after; when they leave us, that starts one by itself."""

    employee: EmployeeStream
    cause: HandoverCause = "moves"
    leaves_on: Day | None = None

    def check(self, stream: str, today: date) -> None:
        """Refuse another colleague's: the stream is named after whose things are handed over."""
        if stream != handover_of(self.employee):
            raise InvalidError(f"{stream} is not that of {self.employee}", field="#/employee")


class NameReceiver(DatedCommand):
    """Say who takes over; without a day, the first meeting is as soon as the company wants it."""

    receiver: EmployeeStream
    meet_by: Day | None = None


class HandOver(Command):
    """Give all that the leaver looks after to who takes over; `assign` gives some to others."""

    receiver: EmployeeStream
    meet_by: Day | None = None
    assign: dict[Annotated[str, Field(pattern=ITEM)], EmployeeStream] = Field(
        default_factory=dict, max_length=1_000
    )


class MoveItems(HandOver, DatedCommand):
    """The same with what there is to give, as it was read: no part of what is asked."""

    items: tuple[HandedItem, ...] = Field((), exclude=True)


class Acknowledge(DatedCommand):
    receiver: EmployeeStream


class MeetCustomer(HappenedCommand):
    person: PersonStream


class CallOffHandover(DatedCommand):
    reason: str | None = Field(None, max_length=1_000)


Running = NameReceiver | MoveItems | Acknowledge | MeetCustomer | CallOffHandover
HandoverCommand = StartHandover | Running


def handover_of(employee: str) -> str:
    """Return the stream of what this colleague hands over."""
    return f"handover-{employee.removeprefix('employee-')}"


def decide_handover(
    handover: Handover, command: HandoverCommand, *, rules: OrganizationDefaults
) -> list[HandoverEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    if isinstance(command, StartHandover):
        return _start(handover, command)
    if not handover.is_open:
        raise HandoverUnknownError
    match command:
        case NameReceiver(receiver=receiver, on=on):
            _check_another(handover, receiver, "#/receiver")
            meet_by = command.meet_by or _soon(handover.leaves_on or on, rules)
            named = (handover.receiver, handover.meet_by) == (receiver, meet_by)
            told = HandoverReceiverNamed(receiver=receiver, meet_by=meet_by, on=on)
            return [] if named else [told]
        case MoveItems():
            return [*_named(handover, command, rules), *_moved(handover, command)]
        case Acknowledge(receiver=receiver, on=on):
            if receiver != _receiver(handover):
                raise HandoverNotYoursError(
                    f"{handover.receiver} takes over, not {receiver}", field="#/receiver"
                )
            told_before = handover.acknowledged
            return [] if told_before else [HandoverAcknowledged(receiver=receiver, on=on)]
        case MeetCustomer(person=person, on=on):
            met = HandoverCustomerMet(receiver=_receiver(handover), person=person, on=on)
            return [] if person in handover.met else [met]
        case CallOffHandover(reason=reason, on=on):
            return [HandoverCalledOff(reason=reason, on=on)]
        case _:
            assert_never(command)


def _start(handover: Handover, command: StartHandover) -> list[HandoverEvent]:
    if handover.is_open and (not handover.done or handover.leaves_on == command.leaves_on):
        if handover.leaves_on == command.leaves_on:
            return []
        return [HandoverRescheduled(leaves_on=command.leaves_on)]
    return [HandoverStarted(**command.model_dump())]


def _check_another(handover: Handover, receiver: str, field: str) -> None:
    if receiver == handover.employee:
        raise InvalidError("they are the one who hands over", field=field)


def _named(
    handover: Handover, command: MoveItems, rules: OrganizationDefaults
) -> list[HandoverEvent]:
    """Name who takes over, if that says anything new: asked again, the day stays as it was."""
    if command.receiver == handover.receiver and command.meet_by is None:
        return []
    about = command.model_dump(include={"receiver", "meet_by", "on", "date_unknown"})
    return decide_handover(handover, NameReceiver(**about), rules=rules)


def _moved(handover: Handover, command: MoveItems) -> Iterator[HandoverEvent]:
    """Say what comes into whose hands. What was moved, and is not theirs anew, stays moved."""
    theirs = {one.item: one.held_from for one in command.items}
    for item, receiver in command.assign.items():
        where = f"#/assign/{item}"
        _check_another(handover, receiver, where)
        if item not in theirs and item not in handover.moved:
            raise InvalidError(f"{item} is not among what {handover.employee} has", field=where)
    given: dict[str, list[HandedItem]] = {}
    for item, held_from in sorted(theirs.items()):
        receiver = command.assign.get(item, command.receiver)
        if handover.moved.get(item) != (receiver, held_from):
            given.setdefault(receiver, []).append(HandedItem(item=item, held_from=held_from))
    for receiver, items in given.items():
        for begin in range(0, len(items), ITEMS_MAX):
            yield HandoverItemsMoved(
                employee=handover.employee or "",
                receiver=receiver,
                items=tuple(items[begin : begin + ITEMS_MAX]),
                on=command.on,
            )


def _receiver(handover: Handover) -> str:
    if handover.receiver is None:
        raise HandoverWithoutReceiverError("nobody was named who takes over")
    return handover.receiver


def _soon(day: date | None, rules: OrganizationDefaults) -> date | None:
    return None if day is None else day + timedelta(days=rules.first_meeting_days)


def evolve_handover(handover: Handover, event: HandoverEvent) -> Handover:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case HandoverStarted(employee=employee, leaves_on=leaves_on):
            return Handover(employee=employee, leaves_on=leaves_on, is_open=True)
        case HandoverRescheduled(leaves_on=leaves_on):
            return replace(handover, leaves_on=leaves_on)
        case HandoverCalledOff():
            return replace(handover, is_open=False)
        case HandoverItemsMoved(receiver=receiver, items=items):
            now = {one.item: (receiver, one.held_from) for one in items}
            return replace(handover, moved={**handover.moved, **now})
        case HandoverReceiverNamed() | HandoverAcknowledged() | HandoverCustomerMet():
            return _taken_over(handover, event)
        case _:
            assert_never(event)


def _taken_over(
    handover: Handover, event: HandoverReceiverNamed | HandoverAcknowledged | HandoverCustomerMet
) -> Handover:
    same = event.receiver == handover.receiver
    match event:
        case HandoverReceiverNamed(receiver=receiver, meet_by=meet_by):
            named = replace(handover, receiver=receiver, meet_by=meet_by)
            # Whoever takes over instead has acknowledged nothing, and no customer knows them.
            return named if same else replace(named, acknowledged=False, met=frozenset())
        case HandoverAcknowledged():
            return replace(handover, acknowledged=same)
        case HandoverCustomerMet(person=person):
            return replace(handover, met=handover.met | {person}) if same else handover
        case _:
            assert_never(event)
