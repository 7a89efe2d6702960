"""Makes a command of one event of an iCalendar file (RFC 5545), or says why it cannot be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar.error import BrokenCalendarProperty
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON
from pydantic import ValidationError

from services.calendar.about import PEOPLE_MAX
from services.calendar.agenda_views import AgendaCard
from services.calendar.entries import Mirror
from services.calendar.rules import OddRuleError, read_rule
from services.calendar.sealing import NoKeyError, PrivateWords, seal
from services.calendar.series import MirrorSeries, entry_of, midnight
from shared.clock import derived_id
from shared.errors import DomainError
from shared.events.base import in_range
from shared.events.calendar import Category

# What its properties are is up to who wrote it: each use looks first.
Event: TypeAlias = Any
CATEGORIES: tuple[Category, ...] = get_args(Category)
PRIVATE = ("PRIVATE", "CONFIDENTIAL")
TITLE_MAX, NOTE_MAX, UID_MAX, SEQUENCE_MAX = 300, 5_000, 1_000, 10**6
# A reminder has no length; it is on the day, and keeps nobody busy.
MOMENT = timedelta(minutes=1)
# Somewhere in the name that a program gives its own zone there is often one that everybody knows.
KNOWN_ZONE = re.compile(r"[A-Z][A-Za-z_]+/[A-Z][A-Za-z_/+-]+$")


class NotAnEntryError(Exception):
    """Why an event of the file is no entry of ours."""


class Owner(NamedTuple):
    """Into whose calendar it goes, and what is usual there."""

    seller: str
    zone: ZoneInfo
    category: Category
    agenda: AgendaCard


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A command that an event of the file comes to, and the stream it goes to."""

    stream: str
    command: Mirror | MirrorSeries
    name: str


def name_of(event: Event) -> str:
    """Return what a refusal calls an event: of a private one not what it is (K-02)."""
    if _is_private(event):
        return "a private event"
    return _text(event, "SUMMARY", TITLE_MAX) or "an event without a title"


def uid_of(event: Event) -> str:
    """Return what makes an event the same when it comes again; without a UID, its content does."""
    told = str(event.get("UID", "")).strip()
    if told:
        return told[:UID_MAX]
    content = "|".join(str(readable(event.get(part))) for part in ("DTSTART", "DTEND"))
    return sha256(f"{content}|{event.get('SUMMARY', '')}".encode()).hexdigest()


def readable(told: Any) -> Any:
    """Return the instant, date or duration that a property tells; None: none that can be read."""
    try:
        return getattr(told, "dt", None)
    except BrokenCalendarProperty:
        return None


def _told(event: Event, name: str) -> Any:
    """Return the same of a property that is there: what cannot be read is not left out."""
    try:
        return getattr(event.get(name), "dt", None)
    except BrokenCalendarProperty as error:
        raise NotAnEntryError(f"its {name} cannot be read") from error


def version_of(event: Event) -> tuple[int, datetime]:
    modified = _modified(event) or datetime.min.replace(tzinfo=UTC)
    return _sequence(event), modified


def streams_of(owner: Owner, uid: str) -> tuple[str, str]:
    """Return the streams of the entry or the series that an event with this UID is."""
    made = derived_id("calendar", owner.seller, uid)
    return f"entry-{made}", f"series-{made}"


def mirrored(event: Event, owner: Owner, *, gone: bool) -> Mirrored:
    """Return what an event comes to; `gone`: the whole file says that it does not take place.

    Raises:
        NotAnEntryError: saying why it comes to nothing.

    """
    uid = uid_of(event)
    entry, series = streams_of(owner, uid)
    begin, all_day, zone = _begin(event, owner)
    end = _end(event, begin, owner, all_day=all_day)
    told: dict[str, Any] = {
        "seller": owner.seller,
        "starts_at": begin,
        "ends_at": end or begin + MOMENT,
        "all_day": all_day,
        "zone": zone,
        "busy": end is not None and str(event.get("TRANSP", "")).upper() != "TRANSPARENT",
        "cancelled": gone or str(event.get("STATUS", "")).upper() == "CANCELLED",
        "sequence": _sequence(event),
        "modified": _modified(event),
        **_about(event, owner, uid),
    }
    try:
        if "RECURRENCE-ID" in event:
            at = _recurrence(event, owner)
            told |= {"series": series, "occurrence": at}
            return Mirrored(entry_of(series, at), Mirror.model_validate(told), name_of(event))
        if "RRULE" in event or _dates(event, "RDATE", owner):
            told |= _repeats(event, owner, zone, begin)
            return Mirrored(series, MirrorSeries.model_validate(told), name_of(event))
        return Mirrored(entry, Mirror.model_validate(told), name_of(event))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise NotAnEntryError(f"{first['loc'][0]}: {first['msg']}") from error


def _about(event: Event, owner: Owner, uid: str) -> dict[str, Any]:
    """Return what it is about: of a private one sealed to its owner."""
    words: dict[str, Any] = {
        "title": _text(event, "SUMMARY", TITLE_MAX),
        "place": _text(event, "LOCATION", TITLE_MAX),
        "note": _text(event, "DESCRIPTION", NOTE_MAX),
        "attendees": tuple(_attendees(event)),
        "uid": uid,
    }
    if not _is_private(event) and owner.category != "private":
        return {**words, "category": _category(event) or owner.category}
    try:
        sealed, key = seal(PrivateWords(**words), owner.agenda)
    except NoKeyError as error:
        raise NotAnEntryError("it is private, and its owner has no key to seal it to") from error
    except DomainError as error:
        raise NotAnEntryError("it is private, and the owner's key seals nothing") from error
    return {"category": "private", "sealed": sealed, "sealed_to": key}


def _is_private(event: Event) -> bool:
    return str(event.get("CLASS", "")).upper() in PRIVATE or _category(event) == "private"


def _category(event: Event) -> Category | None:
    told = event.get("CATEGORIES", [])
    lists = told if isinstance(told, list) else [told]
    named = {str(one).strip().lower() for each in lists for one in getattr(each, "cats", [each])}
    return next((category for category in CATEGORIES if category in named), None)


def _text(event: Event, name: str, most: int) -> str | None:
    told = event.get(name)
    one = told[0] if isinstance(told, list) and told else told
    text = str(one).replace("\x00", "").strip() if one is not None else ""
    return (text if len(text) <= most else f"{text[: most - 1]}…") or None


def _attendees(event: Event) -> Iterator[str]:
    """Yield who takes part, by name where one is told."""
    told = event.get("ATTENDEE", [])
    for one in (told if isinstance(told, list) else [told])[:PEOPLE_MAX]:
        name = str(getattr(one, "params", {}).get("CN", "")) or str(one)
        cleaned = re.sub(r"(?i)^mailto:", "", name).strip()[:TITLE_MAX]
        if cleaned:
            yield cleaned


def _sequence(event: Event) -> int:
    told = event.get("SEQUENCE", 0)
    return min(max(told, 0), SEQUENCE_MAX) if isinstance(told, int) else 0


def _modified(event: Event) -> datetime | None:
    at = readable(event.get("LAST-MODIFIED"))
    if not isinstance(at, datetime) or at.tzinfo is None:
        return None
    try:
        return in_range(at.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _begin(event: Event, owner: Owner) -> tuple[datetime, bool, str]:
    """Return when it begins, whether it is whole days, and the zone in which it repeats."""
    told = event.get("DTSTART")
    if isinstance(told, list):
        raise NotAnEntryError("it begins more than once")
    at = _told(event, "DTSTART")
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


def _end(event: Event, begin: datetime, owner: Owner, *, all_day: bool) -> datetime | None:
    """Return when it ends, None: it is a moment."""
    duration, at = _told(event, "DURATION"), _told(event, "DTEND")
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


def _recurrence(event: Event, owner: Owner) -> datetime:
    told, at = event["RECURRENCE-ID"], _told(event, "RECURRENCE-ID")
    if getattr(told, "params", {}).get("RANGE"):
        raise NotAnEntryError("it changes all that comes after one time of a series")
    if not isinstance(at, date):
        raise NotAnEntryError("nobody knows which time of a series it is")
    return _instant(at, owner, _zone_named(told)).astimezone(UTC)


def _repeats(event: Event, owner: Owner, zone: str, begin: datetime) -> dict[str, Any]:
    rule = event.get("RRULE")
    if isinstance(rule, list):
        raise NotAnEntryError("it repeats by more than one rule")
    if rule is not None and not hasattr(rule, "to_ical"):
        raise NotAnEntryError("nobody understands how it repeats")
    text = None if rule is None else rule.to_ical().decode("utf-8", "replace")
    try:
        if text is not None:
            read_rule(text)
    except OddRuleError as why:
        raise NotAnEntryError(str(why)) from why
    # The first time is one, whether or not its rule falls on it.
    dates = {begin.astimezone(UTC), *_dates(event, "RDATE", owner)}
    return {
        "zone": zone,
        "rule": text,
        "dates": tuple(sorted(dates)),
        "except_dates": tuple(sorted(_dates(event, "EXDATE", owner))),
    }


def _dates(event: Event, name: str, owner: Owner) -> set[datetime]:
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
