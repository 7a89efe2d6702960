"""When something that repeats takes place: by its rule and on its dates, in its own zone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from shared.events.calendar import SeriesPlanned
from shared.recurrence import Rule, days_of, read_rule


@dataclass(frozen=True, slots=True)
class Repeats:
    """When something takes place, as far as this needs to be known to say so."""

    starts_at: datetime
    ends_at: datetime
    zone: str
    rule: str | None
    dates: tuple[datetime, ...] = ()
    except_dates: tuple[datetime, ...] = ()
    first_day: date | None = None
    last_day: date | None = None


def repeats_of(plan: SeriesPlanned) -> Repeats:
    """Return when a series takes place as it was planned, whatever became of its times since."""
    return Repeats(
        plan.starts_at, plan.ends_at, plan.zone, plan.rule, plan.dates, plan.except_dates
    )


def occurrences(what: Repeats, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield begin and end of each time that begins between two days of its zone, in order."""
    zone = ZoneInfo(what.zone)
    first, last = max(first, what.first_day or first), min(last, what.last_day or last)
    length = what.ends_at - what.starts_at
    begins = {
        at.astimezone(UTC) for at in what.dates if first <= at.astimezone(zone).date() <= last
    }
    begins.update(_by_rule(what, zone, first, last))
    if what.rule is None and first <= what.starts_at.astimezone(zone).date() <= last:
        begins.add(what.starts_at.astimezone(UTC))
    gone = {at.astimezone(UTC) for at in what.except_dates}
    for begin in sorted(begins - gone):
        yield begin.astimezone(zone), (begin + length).astimezone(zone)


def _by_rule(what: Repeats, zone: ZoneInfo, first: date, last: date) -> Iterable[datetime]:
    if what.rule is None:
        return
    local = what.starts_at.astimezone(zone)
    rule = read_rule(what.rule)
    for day in days_of(rule, local.date(), first, last):
        # A time that a change of the clocks leaves out is reckoned as before it (RFC 5545).
        at = datetime.combine(day, local.time(), zone).astimezone(UTC)
        if not _past_until(rule, at, zone):
            yield at


def _past_until(rule: Rule, at: datetime, zone: ZoneInfo) -> bool:
    until = rule.until
    if until is None:
        return False
    if not isinstance(until, datetime):
        return at.astimezone(zone).date() > until
    aware = until if until.tzinfo is not None else until.replace(tzinfo=zone)
    return at > aware
