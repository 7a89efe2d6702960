"""What happened with a person, month by month. Pure folds, never refuse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from shared.events import Envelope
from shared.events.touches import TouchRecorded
from shared.projection import Projection


def touched_person(at: Envelope) -> str:
    assert isinstance(at.data, TouchRecorded)
    return at.data.person


@dataclass(frozen=True, slots=True)
class Touch:
    """One line of a timeline."""

    touch: str
    occurred_at: datetime
    recorded_at: datetime
    channel: str
    about: str
    direction: str
    employee: str | None = None
    grade: str | None = None
    function: str | None = None
    company: str | None = None
    opportunity: str | None = None
    subject: str | None = None
    note: str | None = None
    # The entry of our book that it was told of, where that is now part of another one.
    person: str | None = None
    # Who recorded it, where that is another than the colleague who had it.
    recorded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """Answers: what happened with this person in this month? Any touch, any channel (C-03).

    A month as the company's zone has it: the one in which figures count the touch.
    """

    key: str
    person: str = ""
    month: str = ""
    touches: tuple[Touch, ...] = field(default=())


timeline = Projection("timeline", version=4, view=Month, indexes=("person",), streams=("touch",))


def _month(at: Envelope, zone: tzinfo) -> str:
    return f"{at.day(zone):%Y-%m}"


@timeline.on_zoned(
    TouchRecorded, keys=lambda at, zone: (f"{touched_person(at)}/{_month(at, zone)}",)
)
def touch_entered(month: Month, event: TouchRecorded, at: Envelope, zone: tzinfo) -> Month:
    touch = Touch(
        touch=at.stream,
        occurred_at=at.occurred_at,
        recorded_at=at.recorded_at,
        channel=event.channel,
        about=event.about,
        direction=event.direction,
        employee=event.employee,
        grade=event.grade,
        function=event.function,
        company=event.company,
        opportunity=event.opportunity,
        subject=event.subject,
        note=event.note,
        recorded_by=at.actor if _another(at.actor, event.employee) else None,
    )
    # Sorted by when it happened: the same timeline whatever arrived first.
    touches = sorted((*month.touches, touch), key=lambda t: (t.occurred_at, t.touch))
    return replace(month, person=event.person, month=_month(at, zone), touches=tuple(touches))


def _another(actor: str, employee: str | None) -> bool:
    """Whether somebody recorded what a colleague had; who is called by an address may be both."""
    return employee is not None and employee.startswith("employee-") and actor != employee


def combined(months: Iterable[Month], person: str) -> list[Month]:
    """Return the months of all entries of one person as one timeline, oldest first."""
    by_month: dict[str, list[Touch]] = {}
    for month in months:
        told = (
            touch if month.person == person else replace(touch, person=month.person)
            for touch in month.touches
        )
        by_month.setdefault(month.month, []).extend(told)
    return [
        Month(
            f"{person}/{month}",
            person,
            month,
            tuple(sorted(touches, key=lambda t: (t.occurred_at, t.touch))),
        )
        for month, touches in sorted(by_month.items())
    ]
