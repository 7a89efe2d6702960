"""Weeks with more work in free time than the company wants, until somebody saw them (K-07).

Pure. Rule: a week that was seen is told again only when it has grown since; others are told some
days after whose week it was (K-09).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.calendar.agenda_views import AgendaCard
from services.calendar.days import Span
from services.calendar.defaults import CalendarDefaults
from services.calendar.figures import Told, figures, weeks
from services.calendar.improving import own_until
from services.calendar.overwork_views import OverworkTold
from shared.events import Envelope
from shared.events.calendar import AgendaOverworkSeen, OverworkFound
from shared.own_first import Own

A_DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Overwork:
    """Answers: who worked too much in which week, when, and who has seen that?"""

    seller: str
    name: str | None
    week: date
    minutes: int
    most: int
    evening_minutes: int
    weekend_minutes: int
    holiday_minutes: int
    seen_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Worked:
    """One seller's entries of whole weeks, and what their agenda says."""

    seller: str
    name: str | None
    told: Told
    agenda: AgendaCard


def own_week(seller: str, week: date, told: OverworkTold | None, chosen: CalendarDefaults) -> Own:
    """Return how long a week is the seller's alone: for some days after its end.

    Where it was found too much later than that, from the day on which the seller was told.
    """
    until = own_until(week + WEEK - A_DAY, chosen)
    found = None if told is None else told.own_until.get(week.isoformat())
    return Own(seller, until if found is None else max(until, found))


def own_first(fact: Envelope, chosen: CalendarDefaults) -> Own | None:
    """Return how long a fact is its seller's alone: that they were told of a week, or saw it."""
    match fact.data:
        case OverworkFound(seller=seller, own_until=until):
            return Own(seller, until)
        case AgendaOverworkSeen(week=week, by=by) if by.partition("-")[2] == _id(fact.stream):
            # A week is looked at until the next one is over, and may be found too much until then;
            # where the seller is, that may be a day later than here.
            return Own(by, own_until(week + 2 * WEEK + A_DAY, chosen))
        case _:
            return None


def _id(stream: str) -> str:
    return stream.partition("-")[2]


def whole_weeks(span: Span) -> Span:
    """Return these days from the Monday before to the Sunday after."""
    first = span.first - timedelta(days=span.first.weekday())
    last = span.last + timedelta(days=6 - span.last.weekday())
    return Span(first, last, span.zone)


def overworked(
    worked: Worked, span: Span, today: date, chosen: CalendarDefaults
) -> Sequence[Overwork]:
    """Return the weeks with too much work in evenings, on weekends and holidays, latest first."""
    found = []
    for monday, sunday in weeks(span):
        one = figures([worked.told], monday, sunday, today, chosen)
        if not one.too_much:
            continue
        minutes = one.evening_minutes + one.weekend_minutes + one.holiday_minutes
        seen = [seen for seen in worked.agenda.seen if seen.week == monday]
        found.append(
            Overwork(
                worked.seller,
                worked.name,
                monday,
                minutes,
                chosen.outside_minutes_week,
                one.evening_minutes,
                one.weekend_minutes,
                one.holiday_minutes,
                tuple(sorted(known.by for known in seen if known.minutes >= minutes)),
            )
        )
    return found[::-1]
