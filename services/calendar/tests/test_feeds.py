"""Reading along in another program (K-11): RFC 5545, a revocable address, busy times only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx2 import AsyncClient, Response
from icalendar import Calendar

from services.calendar.agenda_views import AgendaCard
from services.calendar.days import Held, Span, together
from services.calendar.entry_views import EntryCard
from services.calendar.ics_reading import read_calendar
from services.calendar.ics_times import Owner
from services.calendar.ics_writing import free_busy, written
from services.calendar.main import domain, router
from services.calendar.series_views import SeriesCard
from shared.testing import serving
from shared.through import Held as HeldBy

SEOUL = ZoneInfo("Asia/Seoul")
NINE = datetime(2026, 1, 5, 9, tzinfo=SEOUL)
HOUR = timedelta(hours=1)
SPAN = Span(date(2026, 1, 1), date(2026, 1, 31), SEOUL)
TODAY = date(2026, 1, 5)
USUAL: dict[str, Any] = {
    "seller": "employee-1",
    "category": "customer",
    "starts_at": NINE,
    "ends_at": NINE + HOUR,
    "zone": "Asia/Seoul",
    "title": "News; and, more",
}
PRIVATE = USUAL | {"category": "private", "title": None, "sealed": "c2VhbGVk", "busy": True}
WEEKLY = SeriesCard(
    "series-1", **USUAL, rule="FREQ=WEEKLY;COUNT=4", skipped=(NINE + 7 * 24 * HOUR,)
)
MOVED = EntryCard(
    "entry-1.20260119T000000Z",
    **USUAL | {"starts_at": NINE + 15 * 24 * HOUR, "ends_at": NINE + 15 * 24 * HOUR + HOUR},
    series="series-1",
    occurrence=(NINE + 14 * 24 * HOUR).astimezone(UTC),
    moves=1,
)
SECRET = SeriesCard("series-2", **PRIVATE, rule="FREQ=DAILY;COUNT=3", attendees=("Kim",))


def standing(*entries: EntryCard, series: tuple[SeriesCard, ...] = ()) -> list[EntryCard]:
    return together(entries, series, entries, SPAN)


def text(held: Held) -> str:
    shown = together(held.entries, held.series, held.taken_out, SPAN)
    return written("employee-1", held, shown, SPAN, TODAY).decode()


def test_k_11_a_feed_is_read_as_it_was_written() -> None:
    feed = text(Held((MOVED,), (WEEKLY,), (MOVED,)))
    assert all(len(line.encode()) <= 75 for line in feed.split("\r\n"))
    for line in ("VERSION:2.0", "METHOD:PUBLISH", "REFRESH-INTERVAL;VALUE=DURATION:PT15M"):
        assert line in feed
    assert "BEGIN:VTIMEZONE" in feed
    read = read_calendar(feed.encode(), Owner("employee-1", SEOUL, "internal", AgendaCard("a")))
    assert read.refused == []
    series, moved = (one.command for one in read.mirrored)
    assert (series.title, series.rule, series.zone) == (
        "News; and, more",
        "FREQ=WEEKLY;COUNT=4",
        "Asia/Seoul",
    )
    assert moved.occurrence == MOVED.occurrence
    assert moved.starts_at == MOVED.starts_at


def test_k_11_what_is_cancelled_says_so_and_what_ended_ends() -> None:
    gone = EntryCard("entry-2", **USUAL, status="cancelled")
    ended = SeriesCard("series-3", **USUAL, rule="FREQ=DAILY;COUNT=9", last_day=date(2026, 1, 6))
    feed = text(Held((gone,), (ended,), ()))
    assert "STATUS:CANCELLED" in feed
    assert "UNTIL=20260106T145959Z" in feed
    assert "COUNT" not in feed


def test_c_09_what_was_handed_over_is_written_one_by_one() -> None:
    """Each reads the times that are theirs; a rule with another's times in it is no one's."""
    held = (HeldBy("employee-1", None), HeldBy("employee-2", date(2026, 1, 19)))
    handed = replace(WEEKLY, skipped=(), seller="employee-2", held=held)
    for seller, days in (("employee-1", ["05", "12"]), ("employee-2", ["19", "26"])):
        parts = tuple(handed.parts(seller))
        shown = together((), parts, (), SPAN)
        feed = written(seller, Held((), parts, ()), shown, SPAN, TODAY).decode()
        assert "RRULE" not in feed
        begins = re.findall("DTSTART;TZID=Asia/Seoul:202601([0-9]{2})T090000", feed)
        assert sorted(begins) == days


def test_c_09_one_time_that_another_has_is_cancelled_here() -> None:
    theirs = replace(MOVED, seller="employee-2")
    feed = text(Held((), (WEEKLY,), (theirs,)))
    assert "RECURRENCE-ID;TZID=Asia/Seoul:20260119T090000" in feed
    assert "STATUS:CANCELLED" in feed


def test_k_02_a_feed_tells_of_private_entries_only_when_they_are() -> None:
    feed = text(Held((), (SECRET,), ()))
    assert feed.count("SUMMARY:Busy") == 3
    for word in ("RRULE", "Kim", "series-2", "c2VhbGVk", "News"):
        assert word not in feed
    uids = {str(event["UID"]) for event in Calendar.from_ical(feed).walk("VEVENT")}
    assert len(uids) == 3


def test_k_11_free_busy_leaks_neither_recurrence_nor_attendees() -> None:
    with_kim = EntryCard("entry-3", **USUAL | {"starts_at": NINE + HOUR}, attendees=("Kim",))
    busy = free_busy(
        "employee-1", standing(with_kim, series=(WEEKLY, SECRET)), SPAN, TODAY
    ).decode()
    assert "BEGIN:VFREEBUSY" in busy
    assert "FREEBUSY;FBTYPE=BUSY;VALUE=PERIOD:20260105T000000Z/20260105T010000Z" in busy
    for word in ("RRULE", "Kim", "News", "series-", "entry-", "BEGIN:VEVENT"):
        assert word not in busy


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def after(answer: Response) -> dict[str, str]:
    assert answer.status_code == 202, answer.text
    return {"X-At-Least": answer.json()["token"]}


async def test_k_11_a_feed_is_opened_read_and_revoked(client: AsyncClient) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    visit = {"seller": "employee-1", "category": "customer", "title": "Visit"}
    visit |= {"starts_at": now.isoformat(), "ends_at": (now + HOUR).isoformat()}
    planned = await client.post("/calendar/entries/1/plan", json=visit)
    await client.get("/calendar/entries/1", headers=after(planned))
    opened = await client.post("/calendar/agendas/1/feeds/phone/open", json={"name": "Phone"})
    path = opened.json()["path"]
    read = await client.get(path, headers=after(opened))
    assert (read.status_code, "SUMMARY:Visit" in read.text) == (200, True)
    assert read.headers["content-type"] == "text/calendar; charset=utf-8"
    same = await client.get(path, headers={"If-None-Match": read.headers["etag"]})
    assert same.status_code == 304
    token = path.rpartition("/")[2].removesuffix(".ics")
    kept = (await client.get("/calendar/history/agenda-1")).text
    kept += (await client.get("/calendar/agendas/1/settings")).text
    assert "Phone" in kept
    assert token not in kept
    assert (await client.get(path.replace("/1/", "/2/"))).status_code == 404
    revoked = await client.post("/calendar/agendas/1/feeds/phone/revoke")
    assert (await client.get(path, headers=after(revoked))).status_code == 404
    again = await client.post("/calendar/agendas/1/feeds/phone/open", json={})
    assert again.status_code == 409


async def test_k_11_a_feed_of_busy_times_shows_nothing_else(client: AsyncClient) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    visit = {"seller": "employee-1", "category": "customer", "title": "Visit"}
    visit |= {"starts_at": now.isoformat(), "ends_at": (now + HOUR).isoformat()}
    planned = await client.post("/calendar/entries/1/plan", json=visit)
    await client.get("/calendar/entries/1", headers=after(planned))
    opened = await client.post("/calendar/agendas/1/feeds/all/open", json={"scope": "busy"})
    read = await client.get(opened.json()["path"], headers=after(opened))
    assert "FREEBUSY;FBTYPE=BUSY" in read.text
    assert "Visit" not in read.text
    asked = await client.get("/calendar/agendas/1/free-busy.ics?first=2026-01-05")
    assert "BEGIN:VFREEBUSY" in asked.text
