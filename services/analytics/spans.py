"""Which days a report is asked about, where days are counted on and back from them."""

from __future__ import annotations

from datetime import date, timedelta

from services.analytics.api import Moment
from services.analytics.forecast import Span
from shared.errors import InvalidError
from shared.events.base import day_in_range
from shared.runtime import Runtime

A_YEAR = timedelta(days=364)


def span_of(
    moment: Moment, period: Span, runtime: Runtime, usual: timedelta = A_YEAR, *, years: int = 10
) -> Span:
    """Return the time asked about: as long as usual up to the day, if nobody says.

    Raises:
        InvalidError: it ends before it begins, is of more than so many years, or no fact can be
            of its days.

    """
    day = in_calendar(moment.day(runtime), "as_of")
    last = in_calendar(day if period.last is None else period.last, "to")
    first = in_calendar(last - usual if period.first is None else period.first, "from")
    if first > last:
        raise InvalidError(f"{first} is after {last}", field="query/from")
    if last - first > timedelta(days=years * 366):
        raise InvalidError(f"{years} years at most", field="query/from")
    return Span(first, last)


def in_calendar(day: date, field: str) -> date:
    """Return the day, if any fact may be of it: days are counted on and back from it.

    Raises:
        InvalidError: it lies before or after every fact.

    """
    try:
        return day_in_range(day)
    except ValueError as error:
        raise InvalidError(f"{day}: {error}", field=f"query/{field}") from error
