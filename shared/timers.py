"""Timers: what a domain does when a deadline passes. Pure functions from a view to commands.

A view says what falls due, a command names the fact that set the deadline, and `decide` refuses it
when that fact is no longer the one that counts: so what is recorded is right however late, stale
or often somebody scans. `shared/firing.py` does the scanning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, PlainSerializer

from shared.events import timestamp
from shared.projection import Projection

V = TypeVar("V")

# What is entered late was perhaps done in time: who tells of it has so long to tell the rest.
LATE_ENTRY = timedelta(minutes=2)

# When a view falls due. Its text has microseconds always, so that the store's order is time's.
DueAt = Annotated[datetime, PlainSerializer(timestamp, return_type=str, when_used="json")]


def judged_at(by: datetime | None, learnt_at: datetime) -> datetime | None:
    """Return when a deadline that we learnt of then is looked at: a late entry's a little later."""
    return by if by is None or by >= learnt_at else learnt_at + LATE_ENTRY


@dataclass(frozen=True, slots=True)
class Overdue:
    """One command that a passed deadline calls for, and the stream it goes to.

    `set_by` is the id of the fact that set the deadline: it makes the command one, and its cause.
    What the command records happened at `deadline`, whenever we find out. `about` tells commands
    apart that one fact calls for in several views.
    """

    stream: str
    command: BaseModel
    deadline: datetime
    set_by: str
    about: str = ""


class Timer(Generic[V]):
    """`name` is for ever: every command's id is made of it and of the fact it answers.

    `due` is the field of the projection's views, a `DueAt` and indexed, that says when something
    has to happen; None: nothing has to. `fire` says what, of a view whose time has come.
    """

    def __init__(
        self,
        name: str,
        *,
        projection: Projection[V],
        due: str,
        fire: Callable[[V], Iterable[Overdue]],
    ) -> None:
        if due not in projection.indexes:
            raise TypeError(f"{name}: {projection.name} has no index on {due!r} to scan by")
        self.name = name
        self.projection = projection
        self.due = due
        self.fire = fire
