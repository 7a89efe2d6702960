"""How each handover stands, and what it lacks. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, tzinfo
from typing import Literal

from shared.events import Envelope
from shared.events.organization import (
    HandoverAcknowledged,
    HandoverCalledOff,
    HandoverCause,
    HandoverCustomerMet,
    HandoverItemsMoved,
    HandoverReceiverNamed,
    HandoverRescheduled,
    HandoverStarted,
)
from shared.projection import Projection

Lacks = Literal["receiver", "acknowledgement", "first meeting"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A customer met who takes over; `on` None: nobody knows when."""

    person: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Move:
    """So many things came into a colleague's hands on that day, as this fact says."""

    receiver: str
    items: int
    on: date
    fact: str


@dataclass(frozen=True, slots=True)
class Gap:
    """For how many days nobody answered for what was handed over: C-09's figure.

    From the leaver's last day to the receiver's acknowledgement, or to the day asked for. `facts`
    are the ids of those it rests on, `history` is where they are read.
    """

    days: int
    since: date
    until: date | None
    facts: tuple[str, ...]
    history: str


@dataclass(frozen=True, slots=True)
class HandoverCard:
    """Answers: who hands over to whom, and what does it lack? The last one of this colleague.

    `lacks`, `overdue` and `gap` hold on the day asked for. `began` is the version of its first
    fact, for a colleague may leave again; `leaves_told` is the fact that says when.
    """

    handover: str
    employee: str | None = None
    cause: HandoverCause | None = None
    leaves_on: date | None = None
    is_open: bool = True
    receiver: str | None = None
    meet_by: date | None = None
    acknowledged: bool = False
    acknowledged_on: date | None = None
    meetings: tuple[Meeting, ...] = ()
    called_off_because: str | None = None
    began: int = 0
    leaves_told: str | None = None
    acknowledged_day: date | None = None
    acknowledged_told: str | None = None
    moves: tuple[Move, ...] = ()
    gap: Gap | None = None
    lacks: tuple[Lacks, ...] = ()
    overdue: bool = False

    def on(self, day: date) -> HandoverCard:
        """Return the card as it is on a day: overdue is what is lacking then, and was due."""
        if not self.is_open:
            return self
        told: list[tuple[bool, Lacks]] = [
            (self.receiver is not None, "receiver"),
            (self.acknowledged, "acknowledgement"),
            (bool(self.meetings), "first meeting"),
        ]
        lacks = tuple(what for there, what in told if not there)
        # A colleague who has gone leaves a gap; a first meeting has a day of its own.
        gap = self.leaves_on is not None and self.leaves_on <= day and not self.acknowledged
        late = self.meet_by is not None and self.meet_by < day and not self.meetings
        return replace(self, lacks=lacks, overdue=gap or late, gap=self._gap(day))

    def _gap(self, day: date) -> Gap | None:
        if self.leaves_on is None:
            return None
        until = self.acknowledged_day if self.acknowledged else None
        told = (self.leaves_told, self.acknowledged_told if self.acknowledged else None)
        return Gap(
            days=days_between(self.leaves_on, until or day),
            since=self.leaves_on,
            until=until,
            facts=tuple(fact for fact in told if fact is not None),
            history=f"/organization/history/{self.handover}",
        )


def days_between(since: date, until: date) -> int:
    """Return for how many days nobody had it; none, when it was taken over in time."""
    return max(0, (until - since).days)


handover_card = Projection(
    "handover_card",
    version=2,
    view=HandoverCard,
    indexes=("employee", "receiver", "is_open"),
    streams=("handover",),
)


@handover_card.on(HandoverStarted)
def handover_started(card: HandoverCard, event: HandoverStarted, at: Envelope) -> HandoverCard:
    return HandoverCard(
        card.handover,
        employee=event.employee,
        cause=event.cause,
        leaves_on=event.leaves_on,
        began=at.version,
        leaves_told=at.id,
    )


@handover_card.on(HandoverRescheduled)
def handover_rescheduled(
    card: HandoverCard, event: HandoverRescheduled, at: Envelope
) -> HandoverCard:
    return replace(card, leaves_on=event.leaves_on, leaves_told=at.id)


@handover_card.on(HandoverReceiverNamed)
def receiver_named(card: HandoverCard, event: HandoverReceiverNamed, at: Envelope) -> HandoverCard:
    if event.receiver == card.receiver:
        return replace(card, meet_by=event.meet_by)
    named = replace(card, receiver=event.receiver, meet_by=event.meet_by)
    return replace(named, acknowledged=False, acknowledged_on=None, meetings=())


@handover_card.on_zoned(HandoverItemsMoved)
def items_moved(
    card: HandoverCard, event: HandoverItemsMoved, at: Envelope, zone: tzinfo
) -> HandoverCard:
    move = Move(event.receiver, len(event.items), at.day(zone), at.id)
    return replace(card, moves=(*card.moves, move))


@handover_card.on_zoned(HandoverAcknowledged)
def acknowledged(
    card: HandoverCard, event: HandoverAcknowledged, at: Envelope, zone: tzinfo
) -> HandoverCard:
    if event.receiver != card.receiver:
        return replace(card, acknowledged=False, acknowledged_on=None)
    return replace(
        card,
        acknowledged=True,
        acknowledged_on=event.on,
        acknowledged_day=at.day(zone),
        acknowledged_told=at.id,
    )


@handover_card.on(HandoverCustomerMet)
def customer_met(card: HandoverCard, event: HandoverCustomerMet, at: Envelope) -> HandoverCard:
    if event.receiver != card.receiver or event.person in {one.person for one in card.meetings}:
        return card
    return replace(card, meetings=(*card.meetings, Meeting(event.person, event.on)))


@handover_card.on(HandoverCalledOff)
def handover_called_off(card: HandoverCard, event: HandoverCalledOff, at: Envelope) -> HandoverCard:
    return replace(card, is_open=False, called_off_because=event.reason)
