"""Writes a calendar as other programs read it (RFC 5545, RFC 7986). Pure.

What is private is a time somebody is busy: without a title, without how it repeats, and under a UID
that is of no other time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, FreeBusy, vPeriod, vRecur

from services.calendar.days import Held, Span, busy_times, times
from services.calendar.entry_views import EntryCard
from services.calendar.series_views import SeriesCard
from shared.clock import derived_id

PRODUCT = "-//sellers//calendar//EN"
REFRESH = timedelta(minutes=15)
CLOSED = {"cancelled": "CANCELLED", "displaced": "CANCELLED", "missed": "CANCELLED"}


def _calendar(name: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    return calendar


def written(seller: str, held: Held, standing: Iterable[EntryCard], span: Span, on: date) -> bytes:
    """Return the whole calendar of a seller: what repeats as it repeats, what is private as busy.

    `standing` is what stands on the days of the span, one by one. So is written what was handed
    over at some time: the rule of it is nobody's alone (C-09).
    """
    calendar, stamped = _calendar(seller), datetime.combine(on, time(), UTC)
    whole = [one for one in held.series if len(one.held) <= 1]
    for one in whole:
        if one.category != "private" and one.starts_at is not None:
            calendar.add_component(_series(one, stamped))
    uids = {one.series: _uid(one.uid, one.series) for one in whole}
    parted = {one.series for one in held.series} - uids.keys()
    one_by_one = [card for card in standing if card.series in parted]
    changed = {card.entry: card for card in (*held.entries, *held.taken_out, *one_by_one)}
    for card in changed.values():
        theirs = card.seller != seller
        told = card.category != "private" and card.starts_at is not None
        if told and (not theirs or card.series in uids):
            calendar.add_component(_entry(card, uids, stamped, theirs=theirs))
    private = [card for card in standing if card.category == "private"]
    for begin, end in busy_times(private, span):
        calendar.add_component(_busy(seller, begin, end, stamped))
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def free_busy(seller: str, standing: Iterable[EntryCard], span: Span, on: date) -> bytes:
    """Return when a seller is busy, and nothing else (VFREEBUSY)."""
    calendar, busy = _calendar(seller), FreeBusy()
    busy.add("uid", derived_id("free and busy", seller, str(span.first), str(span.last)))
    busy.add("dtstamp", datetime.combine(on, time(), UTC))
    busy.add("dtstart", span.begin.astimezone(UTC))
    busy.add("dtend", span.end.astimezone(UTC))
    for begin, end in busy_times(standing, span):
        period = vPeriod((begin.astimezone(UTC), end.astimezone(UTC)))
        busy.add("freebusy", period, parameters={"FBTYPE": "BUSY"})
    calendar.add_component(busy)
    return bytes(calendar.to_ical())


def busy_events(seller: str, standing: Iterable[EntryCard], span: Span, on: date) -> bytes:
    """Return when a seller is busy, for programs that know of nothing but events."""
    calendar, stamped = _calendar(seller), datetime.combine(on, time(), UTC)
    for begin, end in busy_times(standing, span):
        calendar.add_component(_busy(seller, begin, end, stamped))
    return bytes(calendar.to_ical())


def _uid(told: str | None, stream: str) -> str:
    return told or f"{stream}@sellers"


def _about(event: Event, card: EntryCard | SeriesCard, stamped: datetime) -> None:
    event.add("dtstamp", stamped)
    for name, said in (
        ("summary", card.title),
        ("location", card.place),
        ("description", card.note),
        ("categories", [card.category] if card.category else None),
    ):
        if said:
            event.add(name, said)
    event.add("transp", "OPAQUE" if card.busy else "TRANSPARENT")


def _when(event: Event, begin: datetime, end: datetime, zone: str | None, *, whole: bool) -> None:
    known = ZoneInfo(zone) if zone else UTC
    for name, at in (("dtstart", begin), ("dtend", end)):
        local = at.astimezone(known)
        event.add(name, local.date() if whole else local)


def _series(card: SeriesCard, stamped: datetime) -> Event:
    event = Event()
    event.add("uid", _uid(card.uid, card.series))
    event.add("sequence", card.sequence)
    _about(event, card, stamped)
    assert card.starts_at is not None
    assert card.ends_at is not None
    assert card.zone is not None
    _when(event, card.starts_at, card.ends_at, card.zone, whole=card.all_day)
    zone = ZoneInfo(card.zone)

    def told(at: datetime) -> date:
        local = at.astimezone(zone)
        return local.date() if card.all_day else local

    if card.rule is not None:
        event.add("rrule", _ended(card, zone))
    further = [told(at) for at in card.dates if at != card.starts_at]
    if further:
        event.add("rdate", further)
    gone = [told(at) for at in (*card.except_dates, *card.skipped)]
    if gone:
        event.add("exdate", gone)
    return event


def _ended(card: SeriesCard, zone: ZoneInfo) -> vRecur:
    """Return the rule, ending where the series was ended."""
    rule: Any = vRecur.from_ical(card.rule or "")
    if card.last_day is not None:
        rule.pop("COUNT", None)
        end = datetime.combine(card.last_day, time(23, 59, 59), zone)
        rule["UNTIL"] = [card.last_day if card.all_day else end.astimezone(UTC)]
    return vRecur(rule)


def _entry(card: EntryCard, uids: dict[str, str], stamped: datetime, *, theirs: bool) -> Event:
    """Return an entry; of a series of ours, one time that another seller has by now is none."""
    event = Event()
    if card.occurrence is not None and card.series in uids:
        event.add("uid", uids[card.series])
        at = card.occurrence.astimezone(ZoneInfo(card.zone) if card.zone else UTC)
        event.add("recurrence-id", at.date() if card.all_day else at)
    else:
        event.add("uid", _uid(card.uid, card.entry))
    event.add("sequence", card.sequence + card.moves)
    event.add("status", "CANCELLED" if theirs else CLOSED.get(card.status, "CONFIRMED"))
    _about(event, card, stamped)
    begin, end = times(card)
    assert begin is not None
    assert end is not None
    _when(event, begin, end, card.zone, whole=card.all_day)
    return event


def _busy(seller: str, begin: datetime, end: datetime, stamped: datetime) -> Event:
    event = Event()
    event.add("uid", derived_id("busy", seller, begin.isoformat()))
    event.add("dtstamp", stamped)
    event.add("summary", "Busy")
    event.add("class", "PRIVATE")
    event.add("dtstart", begin.astimezone(UTC))
    event.add("dtend", end.astimezone(UTC))
    return event
