"""When an event of an iCalendar file is: zones as programs write them, days, and moments. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar.error import BrokenCalendarProperty
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from services.calendar.agenda_views import AgendaCard
from shared.events.base import in_range
from shared.events.calendar import Category
from shared.workplaces import midnight

# What its properties are is up to who wrote it: each use looks first.
Event: TypeAlias = Any
# Somewhere in the name that a program gives its own zone there is often one that everybody knows.
KNOWN_ZONE = re.compile(r"[A-Z][A-Za-z_]{1,60}/[A-Z][A-Za-z_/+-]{1,60}$")


class NotAnEntryError(Exception):
    """Why an event of the file is no entry of ours."""


class Owner(NamedTuple):
    """Into whose calendar it goes, and what is usual there."""

    seller: str
    zone: ZoneInfo
    category: Category
    agenda: AgendaCard


def readable(told: Any) -> Any:
    """Return the instant, date or duration that a property tells; None: none that can be read."""
    try:
        return getattr(told, "dt", None)
    except BrokenCalendarProperty:
        return None


def told_in(event: Event, name: str) -> Any:
    """Return the same of a property that is there: what cannot be read is not left out."""
    try:
        return getattr(event.get(name), "dt", None)
    except BrokenCalendarProperty as error:
        raise NotAnEntryError(f"its {name} cannot be read") from error


def begin_of(event: Event, owner: Owner) -> tuple[datetime, bool, str]:
    """Return when it begins, whether it is whole days, and the zone in which it repeats."""
    told = event.get("DTSTART")
    if isinstance(told, list):
        raise NotAnEntryError("it begins more than once")
    at = told_in(event, "DTSTART")
    if not isinstance(at, date):
        raise NotAnEntryError("it has no time at which it begins")
    begin = _instant(at, owner, _zone_named(told))
    if not isinstance(at, datetime):
        return begin, True, owner.zone.key
    return begin, False, _zone(at, owner, by_rule="RRULE" in event)


def _zone_named(told: Any) -> str | None:
    named = getattr(told, "params", {}).get("TZID")
    return None if named is None else str(named)


def _instant(at: date, owner: Owner, named: str | None = None) -> datetime:
    if not isinstance(at, datetime):
        at = midnight(at, owner.zone)
    elif at.tzinfo is None:
        if named is not None:
            raise NotAnEntryError(f"nobody knows its time zone, {named!r}")
        at = at.replace(tzinfo=owner.zone)  # Of no zone: it is that of whose calendar it is.
    try:
        return _fixed(in_range(at))
    except (ValueError, OverflowError) as error:
        raise NotAnEntryError(f"{at:%Y-%m-%d} is {error}") from error


def _fixed(at: datetime) -> datetime:
    """Return the instant in its offset: in an hour that the clocks have twice, it equals itself."""
    return at.astimezone(timezone(at.utcoffset() or timedelta()))


def _zone(at: datetime, owner: Owner, *, by_rule: bool) -> str:
    """Return the name of the zone in which it is reckoned."""
    zone: tzinfo | None = at.tzinfo
    if zone is None:
        return owner.zone.key
    if isinstance(zone, ZoneInfo) and zone.key:
        return zone.key
    if zone is UTC:
        return "UTC"
    own = str(getattr(zone, "_tzid", "")) or str(zone)
    known = WINDOWS_TO_OLSON.get(own) or _known_within(own)
    if known is not None and at.astimezone(ZoneInfo(known)).utcoffset() == at.utcoffset():
        return known
    if by_rule:
        raise NotAnEntryError(f"it repeats in a time zone of its own making, {own!r}")
    return owner.zone.key


def _known_within(name: str) -> str | None:
    found = KNOWN_ZONE.search(name)
    if found is None:
        return None
    try:
        return ZoneInfo(found[0]).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def end_of(event: Event, begin: datetime, owner: Owner, *, all_day: bool) -> datetime | None:
    """Return when it ends, None: it is a moment."""
    duration, at = told_in(event, "DURATION"), told_in(event, "DTEND")
    if isinstance(at, date):
        end = _instant(at, owner, _zone_named(event["DTEND"]))
    elif isinstance(duration, timedelta):
        end = _later(begin, duration, owner.zone)
    else:
        end = begin
    if end < begin:
        raise NotAnEntryError("it ends before it begins")
    if end == begin:
        return _later(begin, timedelta(days=1), owner.zone) if all_day else None
    return end


def _later(begin: datetime, duration: timedelta, zone: ZoneInfo) -> datetime:
    try:
        # Days are those of the calendar, whatever the clocks do; hours are hours.
        if duration == timedelta(days=duration.days):
            return _fixed(begin.astimezone(zone) + duration)
        return begin + duration
    except OverflowError as error:
        raise NotAnEntryError("it lasts for ages") from error


def recurrence_of(event: Event, owner: Owner) -> datetime:
    told, at = event["RECURRENCE-ID"], told_in(event, "RECURRENCE-ID")
    if getattr(told, "params", {}).get("RANGE"):
        raise NotAnEntryError("it changes all that comes after one time of a series")
    if not isinstance(at, date):
        raise NotAnEntryError("nobody knows which time of a series it is")
    return _instant(at, owner, _zone_named(told)).astimezone(UTC)


def dates_of(event: Event, name: str, owner: Owner) -> set[datetime]:
    told: Any = event.get(name, [])
    lists: Sequence[Any] = told if isinstance(told, list) else [told]
    found: set[datetime] = set()
    for each in lists:
        for one in getattr(each, "dts", ()):
            at = readable(one)
            first = at[0] if isinstance(at, tuple) else at
            if isinstance(first, date):
                found.add(_instant(first, owner, _zone_named(each)).astimezone(UTC))
    return found
