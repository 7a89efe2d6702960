"""Makes a command of one event of an iCalendar file (RFC 5545), or says why it cannot be. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

from icalendar.error import BrokenCalendarProperty
from pydantic import ValidationError

from services.calendar.about import PEOPLE_MAX
from services.calendar.agenda_views import AgendaCard
from services.calendar.entry_state import Entry
from services.calendar.ics_revisions import modified_of, sequence_of, uid_of
from services.calendar.ics_times import (
    Event,
    NotAnEntryError,
    Owner,
    begin_of,
    dates_of,
    end_of,
    recurrence_of,
)
from services.calendar.mirroring import Mirror, decide_mirror
from services.calendar.sealing import NoKeyError, PrivateWords, seal
from services.calendar.series import MirrorSeries, Series, decide_series, entry_of
from shared.clock import derived_id
from shared.errors import DomainError
from shared.events.calendar import Category
from shared.recurrence import OddRuleError, read_rule

CATEGORIES: tuple[Category, ...] = get_args(Category)
PRIVATE = ("PRIVATE", "CONFIDENTIAL")
TITLE_MAX, NOTE_MAX = 300, 5_000
# A reminder has no length; it is on the day, and keeps nobody busy.
MOMENT = timedelta(minutes=1)


# Whose calendar it is where nobody's is at hand.
ANYBODY = Owner("employee-anybody", ZoneInfo("UTC"), "internal", AgendaCard("agenda-anybody"))


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
    title, uid = (_text(event, name, TITLE_MAX) for name in ("SUMMARY", "UID"))
    return title or "an event without a title" + (f" (UID {uid})" if uid else "")


def words_of(event: Event) -> Iterator[str]:
    """Yield what an event says in words."""
    for name in ("SUMMARY", "LOCATION", "DESCRIPTION"):
        yield _text(event, name, NOTE_MAX) or ""
    yield from _attendees(event)


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
    begin, all_day, zone = begin_of(event, owner)
    end = end_of(event, begin, owner, all_day=all_day)
    told: dict[str, Any] = {
        "seller": owner.seller,
        "starts_at": begin,
        "ends_at": end or begin + MOMENT,
        "all_day": all_day,
        "zone": zone,
        "busy": end is not None and str(event.get("TRANSP", "")).upper() != "TRANSPARENT",
        "cancelled": gone or str(event.get("STATUS", "")).upper() == "CANCELLED",
        "sequence": sequence_of(event),
        "modified": modified_of(event),
        **_about(event, owner, uid),
    }
    try:
        if "RECURRENCE-ID" in event:
            at = recurrence_of(event, owner)
            told |= {"series": series, "occurrence": at}
            return _decidable(entry_of(series, at), Mirror.model_validate(told), event)
        if "RRULE" in event or dates_of(event, "RDATE", owner):
            told |= _repeats(event, owner, zone, begin)
            return _decidable(series, MirrorSeries.model_validate(told), event)
        return _decidable(entry, Mirror.model_validate(told), event)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise NotAnEntryError(f"{first['loc'][0]}: {first['msg']}") from error


def can_be_entered(event: Event, *, gone: bool) -> bool:
    """Say whether an event comes to something, as far as that does not rest on whose it is.

    Somebody has a key to seal to, or has none: it is asked as if it were not private.
    """
    clear = event.copy()
    for name in ("CLASS", "CATEGORIES"):
        clear.pop(name, None)
    try:
        mirrored(clear, ANYBODY, gone=gone)
    except (NotAnEntryError, BrokenCalendarProperty):
        return False
    return True


def _decidable(stream: str, command: Mirror | MirrorSeries, event: Event) -> Mirrored:
    """Return what an event comes to, unless that is refused whatever stands there already."""
    try:
        if isinstance(command, MirrorSeries):
            decide_series(Series(), command)
        else:
            decide_mirror(Entry(), command)
    except DomainError as why:
        raise NotAnEntryError(str(why)) from why
    return Mirrored(stream, command, name_of(event))


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
    dates = {begin.astimezone(UTC), *dates_of(event, "RDATE", owner)}
    return {
        "zone": zone,
        "rule": text,
        "dates": tuple(sorted(dates)),
        "except_dates": tuple(sorted(dates_of(event, "EXDATE", owner))),
    }
