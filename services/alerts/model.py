"""What may happen to an alert: it is raised once, and whom it concerns has seen it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import assert_never

from pydantic import Field

from shared.command import Command, DatedCommand
from shared.errors import DomainError, NotFoundError
from shared.events import Envelope
from shared.events.alerts import (
    AlertAcknowledged,
    AlertEvent,
    AlertRaised,
    AlertRaisedToSelf,
    CustomerWon,
    ForAll,
    OwnFirst,
)
from shared.own_first import Own
from shared.references import EmployeeStream


class AlertUnknownError(NotFoundError):
    """No rule called for that."""


class AlertNotYoursError(DomainError):
    """Whom it concerns says that it was seen, nobody else."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Only what a rule needs to know."""

    raised: bool = False
    owner: str | None = None
    acknowledged: bool = False


class RaiseAlert(Command):
    """A rule calls. Only the timers say so, nobody by hand."""

    rule: ForAll
    subject: str
    part: str = ""
    owner: str | None = None
    since: date
    set_by: str


class RaiseToSelf(Command):
    """A rule calls somebody to look at something of their own. Only the timers say so."""

    rule: OwnFirst
    subject: str
    part: str = ""
    owner: str
    since: date
    set_by: str
    own_until: date


class AcknowledgeAlert(DatedCommand):
    by: EmployeeStream
    note: str | None = Field(None, max_length=1_000)


AlertCommand = RaiseAlert | RaiseToSelf | AcknowledgeAlert


def decide_alert(alert: Alert, command: AlertCommand) -> list[AlertEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case RaiseAlert():
            return [] if alert.raised else [AlertRaised(**command.model_dump())]
        case RaiseToSelf():
            return [] if alert.raised else [AlertRaisedToSelf(**command.model_dump())]
        case AcknowledgeAlert(by=by, note=note, on=on):
            if not alert.raised:
                raise AlertUnknownError
            if alert.owner not in (None, by):
                raise AlertNotYoursError(f"it concerns {alert.owner}", field="#/by")
            seen = AlertAcknowledged(by=by, note=note, on=on)
            return [] if alert.acknowledged else [seen]
        case _:
            assert_never(command)


def evolve_alert(alert: Alert, event: AlertEvent) -> Alert:
    """Apply a fact. Total: a fact cannot be refused, whatever state it meets."""
    match event:
        case AlertRaised(owner=owner) | AlertRaisedToSelf(owner=owner):
            return replace(alert, raised=True, owner=owner)
        case AlertAcknowledged():
            return replace(alert, acknowledged=True)
        case _:
            assert_never(event)


def own_first(fact: Envelope) -> Own | None:
    """Return how long a fact is its owner's alone (K-09)."""
    match fact.data:
        case AlertRaisedToSelf(owner=owner, own_until=until):
            return Own(owner, until)
        case _:
            return None


class TellWin(Command):
    """A deal was won with this company. Only the timer says so, nobody by hand."""

    opportunity: str
    company: str
    owner: str | None = None
    on: date


def decide_win(told: frozenset[date], command: TellWin) -> list[CustomerWon]:
    """Say it once for each day: what is opened again may be won again."""
    return [] if command.on in told else [CustomerWon(**command.model_dump())]


def evolve_win(told: frozenset[date], event: CustomerWon) -> frozenset[date]:
    return told if event.on is None else told | {event.on}
