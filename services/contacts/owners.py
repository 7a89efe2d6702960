"""Which colleague of ours answers for a person or a company, from when on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from shared.command import DatedCommand
from shared.events.contacts import HandoverReason
from shared.handovers import TakeOver
from shared.held import Owner, owned
from shared.references import EmployeeStream


class AssignOwner(DatedCommand):
    """From that day on this colleague answers for it."""

    owner: EmployeeStream
    reason: HandoverReason = "unstated"


class AssignPersonOwner(AssignOwner):
    """From that day on this colleague answers for the person, whatever the company."""


class AssignCompanyOwner(AssignOwner):
    """From that day on this colleague answers for the company."""


class Assigned(NamedTuple):
    """What a fact says of who answers for it now."""

    owner: str
    reason: HandoverReason
    on: date | None


def assigned(owners: Sequence[Owner], command: AssignOwner | TakeOver) -> Assigned | None:
    """Say who answers for it from now on, or None: that was known."""
    if isinstance(command, TakeOver):
        return _taken_over(owners, command)
    told = Assigned(command.owner, command.reason, command.on)
    return None if owned(owners, told.owner, told.on) == tuple(owners) else told


def _taken_over(owners: Sequence[Owner], command: TakeOver) -> Assigned | None:
    if not owners or not command.moves(owners[-1].owner):
        return None
    # What is to be the giver's on a day to come is the receiver's from that day on, and not before
    # whatever else was told of days to come.
    known, on = max((one.since for one in owners if one.since), default=None), command.on
    later = known if on is not None and known is not None and known > on else on
    return Assigned(command.receiver, "handover", later)
