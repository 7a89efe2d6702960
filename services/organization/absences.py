"""When colleagues are away, and who stands in for them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from shared.command import Command, Day
from shared.errors import DomainError, NotFoundError
from shared.events.organization import (
    AbsenceKind,
    EmployeeAbsenceCancelled,
    EmployeeAbsencePlanned,
)
from shared.references import ID, EmployeeStream

AbsenceId = Annotated[str, StringConstraints(pattern=rf"^{ID}$")]


class AbsenceUnknownError(NotFoundError):
    """No absence of that id was ever planned."""


class AbsenceOverlapsError(DomainError):
    """Nobody is away twice on the same day."""


@dataclass(frozen=True, slots=True)
class Absence:
    """Days on which somebody is away, the first and the last included."""

    absence: str
    kind: AbsenceKind
    first_day: date
    last_day: date
    substitute: str | None = None
    cancelled: bool = False

    def on(self, day: date) -> bool:
        return not self.cancelled and self.first_day <= day <= self.last_day

    def meets(self, first: date, last: date) -> bool:
        return not self.cancelled and self.first_day <= last and first <= self.last_day


class PlanAbsence(Command):
    """Plan an absence, or move one: `absence` is an id that the caller chooses."""

    others: ClassVar[tuple[str, ...]] = ("substitute",)

    absence: AbsenceId
    kind: AbsenceKind
    first_day: Day
    last_day: Day
    substitute: EmployeeStream | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError("`last_day` is before `first_day`")
        return self


class CancelAbsence(Command):
    absence: AbsenceId
    reason: str | None = Field(None, max_length=1_000)


AbsenceCommand = PlanAbsence | CancelAbsence
AbsenceEvent = EmployeeAbsencePlanned | EmployeeAbsenceCancelled


def planned(known: tuple[Absence, ...], wanted: PlanAbsence) -> Iterator[AbsenceEvent]:
    """Plan it, unless it is planned so; refuse a day on which they are away already."""
    fact = EmployeeAbsencePlanned(**wanted.model_dump())
    if _absence(fact) in known:
        return
    for one in known:
        if one.absence != wanted.absence and one.meets(wanted.first_day, wanted.last_day):
            days = f"{one.first_day} to {one.last_day}"
            raise AbsenceOverlapsError(
                f"they are away from {days} already ({one.absence})", field="#/first_day"
            )
    yield fact


def cancelled(known: tuple[Absence, ...], wanted: CancelAbsence) -> Iterator[AbsenceEvent]:
    """Cancel it, unless it is cancelled."""
    for one in known:
        if one.absence == wanted.absence:
            if not one.cancelled:
                yield EmployeeAbsenceCancelled(**wanted.model_dump())
            return
    raise AbsenceUnknownError(f"no absence {wanted.absence!r} was planned", field="#/absence")


def evolved(known: tuple[Absence, ...], event: AbsenceEvent) -> tuple[Absence, ...]:
    """Apply a fact: each absence once, as it was told last, in the order of their first days."""
    others = [one for one in known if one.absence != event.absence]
    if isinstance(event, EmployeeAbsencePlanned):
        told = [_absence(event)]
    else:
        same = [one for one in known if one.absence == event.absence]
        told = [_cancelled(one) for one in same]
    return tuple(sorted([*others, *told], key=lambda one: (one.first_day, one.absence)))


def _absence(event: EmployeeAbsencePlanned) -> Absence:
    return Absence(event.absence, event.kind, event.first_day, event.last_day, event.substitute)


def _cancelled(one: Absence) -> Absence:
    return Absence(
        one.absence, one.kind, one.first_day, one.last_day, one.substitute, cancelled=True
    )
