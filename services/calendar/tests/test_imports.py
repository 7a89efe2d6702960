"""Calendars of other programs (K-11): files and addresses in, nothing twice, a reason for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx2 import AsyncClient, Response

from services.calendar.agenda_views import AgendaCard
from services.calendar.defaults import CalendarDefaults
from services.calendar.fetching import Limits, fetch
from services.calendar.ics_reading import Found, read_calendar
from services.calendar.ics_times import Owner
from services.calendar.main import build, domain, router
from shared.addresses import allowed
from shared.errors import InvalidError, TooLargeError
from shared.reading import Token
from shared.testing import serving

FILES = Path(__file__).parents[4] / "shared" / "data" / "ics"
SEOUL = ZoneInfo("Asia/Seoul")
OWNER = Owner("employee-1", SEOUL, "internal", AgendaCard("agenda-1"))
ICS = {"content-type": "text/calendar"}


def calendar(*events: str, before: str = "") -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", before, *events, "END:VCALENDAR", ""])


def event(*lines: str, uid: str = "1@there") -> str:
    usual = (f"UID:{uid}", "SUMMARY:Visit", "DTSTART:20260105T000000Z", "DTEND:20260105T010000Z")
    names = {line.partition(":")[0].partition(";")[0] for line in lines}
    kept = [line for line in usual if line.partition(":")[0] not in names]
    told = [line for line in lines if line != "DTEND"]
    return "\r\n".join(["BEGIN:VEVENT", *kept, *told, "END:VEVENT"])


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def imported(client: AsyncClient, text: str, query: str = "") -> dict[str, Any]:
    answer: Response = await client.post(
        f"/calendar/agendas/1/import.ics{query}", content=text.encode(), headers=ICS
    )
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def agenda(client: AsyncClient, done: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(
        "/calendar/agendas/1?first=2026-01-01&last=2026-03-31",
        headers={"X-At-Least": done["token"]} if done["token"] else {},
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def read(text: str) -> Found:
    return read_calendar(text.encode(), OWNER)


def reasons(text: str) -> list[str]:
    return [one.reason for one in read(text).refused]


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize("path", sorted(FILES.glob("*.ics")), ids=lambda path: path.stem)
async def test_k_11_every_file_of_real_programs_is_read_or_refused_with_reasons(
    client: AsyncClient, path: Path
) -> None:
    content = _bytes(path)
    answer = await client.post("/calendar/agendas/1/import.ics", content=content, headers=ICS)
    assert answer.status_code == 202, answer.text
    done = answer.json()
    told = content.upper().count(b"BEGIN:VEVENT")
    refused = [one for one in done["refused"] if one["component"] == "VEVENT"]
    assert done["events"] + len(refused) == told
    assert all(one["reason"] for one in done["refused"])
    again = await client.post("/calendar/agendas/1/import.ics", content=content, headers=ICS)
    assert (again.json()["recorded"], again.json()["unchanged"]) == (0, done["events"])


async def test_k_11_read_in_again_what_is_new_is_taken_over(client: AsyncClient) -> None:
    await imported(client, calendar(event()))
    same = await imported(client, calendar(event()))
    assert (same["recorded"], same["unchanged"]) == (0, 1)
    later = event("DTSTART:20260106T000000Z", "DTEND:20260106T010000Z", "SEQUENCE:1")
    moved = await imported(client, calendar(later))
    (found,) = await agenda(client, moved)
    assert (found["starts_at"][:10], found["moves"], found["uid"]) == ("2026-01-06", 1, "1@there")
    older = await imported(client, calendar(event()))
    assert older["recorded"] == 0
    gone = await imported(client, calendar(event("STATUS:CANCELLED", "SEQUENCE:2")))
    (found,) = await agenda(client, gone)
    assert found["status"] == "cancelled"


@pytest.mark.parametrize(
    "order", [("DTSTAMP:20260102T000000Z", "DTSTAMP:20260101T000000Z"), ("X-TIE:b", "X-TIE:a")]
)
def test_k_11_in_one_file_the_newest_revision_counts_whatever_the_order(
    order: tuple[str, str],
) -> None:
    newer, older = event(order[0], "SUMMARY:Newer"), event(order[1], "SUMMARY:Alike")
    for text in (calendar(newer, older), calendar(older, newer)):
        (taken,) = read(text).mirrored
        assert taken.name == "Newer"
        assert reasons(text) == ["another one in the file has its UID"]


def test_k_11_in_one_file_what_cannot_be_entered_is_newer_than_nothing() -> None:
    daily = event("SUMMARY:Daily", "RRULE:FREQ=DAILY;COUNT=3", "SEQUENCE:1")
    oldest = event("SUMMARY:Oldest")
    hourly = event("SUMMARY:Hourly", "RRULE:FREQ=HOURLY", "SEQUENCE:2")
    found = read(calendar(oldest, hourly, daily))
    assert [one.name for one in found.mirrored] == ["Daily"]
    assert [one.name for one in found.refused] == ["Hourly", "Oldest"]
    assert found.refused[1].reason == "another one in the file has its UID"


def test_k_11_of_the_same_words_those_count_that_cancel_whatever_the_order() -> None:
    plain, cancel = calendar(event()), calendar(event(), before="METHOD:CANCEL")
    for text in (plain + cancel, cancel + plain):
        (taken,) = read(text).mirrored
        assert taken.command.cancelled


def test_k_11_a_time_of_a_series_is_the_same_in_whatever_zone_it_is_told() -> None:
    zoned = event("RECURRENCE-ID;TZID=Europe/Berlin:20260105T110000", "SUMMARY:Older")
    newer = event("RECURRENCE-ID:20260105T100000Z", "SUMMARY:Newer", "SEQUENCE:1")
    floating = event("RECURRENCE-ID:20260105T100000", "SUMMARY:Of no zone")
    text = calendar(newer, zoned, floating)
    assert [one.name for one in read(text).mirrored] == ["Newer", "Of no zone"]
    assert reasons(text) == ["another one in the file has its UID"]


async def test_k_11_a_series_comes_with_its_exceptions_and_changed_times(
    client: AsyncClient,
) -> None:
    zoned = ("DTSTART;TZID=Asia/Seoul:20260105T090000", "DTEND;TZID=Asia/Seoul:20260105T100000")
    master = event(*zoned, "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Asia/Seoul:20260112T090000")
    changed = event(
        "RECURRENCE-ID;TZID=Asia/Seoul:20260119T090000",
        "DTSTART;TZID=Asia/Seoul:20260120T150000",
        "DTEND;TZID=Asia/Seoul:20260120T160000",
        "SUMMARY:Visit later",
    )
    gone = event("RECURRENCE-ID;TZID=Asia/Seoul:20260126T090000", *zoned, "STATUS:CANCELLED")
    done = await imported(client, calendar(master, changed, gone))
    assert (done["events"], done["refused"]) == (3, [])
    found = await agenda(client, done)
    standing = [(one["title"], one["starts_at"]) for one in found if one["status"] == "planned"]
    assert standing == [
        ("Visit", "2026-01-05T09:00:00+09:00"),
        ("Visit later", "2026-01-20T15:00:00+09:00"),
    ]
    again = await imported(client, calendar(master, changed, gone))
    assert (again["recorded"], again["unchanged"]) == (0, 3)


async def test_k_11_what_begins_to_repeat_is_not_there_twice(client: AsyncClient) -> None:
    once = await imported(client, calendar(event()))
    await agenda(client, once)
    weekly = await imported(client, calendar(event("RRULE:FREQ=WEEKLY;COUNT=2", "SEQUENCE:1")))
    cancelled = Token(Token.decode(once["token"]).stream, 2).encode()
    await agenda(client, {"token": cancelled})
    found = await agenda(client, weekly)
    standing = [one["starts_at"][:10] for one in found if one["status"] == "planned"]
    assert standing == ["2026-01-05", "2026-01-12"]


@pytest.mark.parametrize(
    ("lines", "begins", "ends"),
    [
        (("DTSTART:20260105T090000", "DTEND:20260105T100000"), 9, 10),
        (("DTSTART;TZID=Europe/Berlin:20260105T010000", "DTEND:20260105T010000Z"), 9, 10),
        (("DTSTART:20260105T000000Z", "DURATION:PT90M", "DTEND"), 9, 10),
        (("DTSTART;TZID=Tokyo Standard Time:20260105T090000", "DTEND:20260105T010000Z"), 9, 10),
    ],
)
def test_k_11_times_are_told_in_any_zone_or_none(
    lines: tuple[str, ...], begins: int, ends: int
) -> None:
    (one,) = read(calendar(event(*lines))).mirrored
    command = one.command
    assert command.starts_at.astimezone(SEOUL).hour == begins
    assert command.ends_at.astimezone(SEOUL).hour == ends


def test_k_11_whole_days_are_days_of_the_seller() -> None:
    days = ("DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260107")
    (one,) = read(calendar(event(*days))).mirrored
    assert one.command.all_day
    assert one.command.starts_at.astimezone(SEOUL).date() == date(2026, 1, 5)
    assert one.command.ends_at.astimezone(SEOUL).date() == date(2026, 1, 7)
    (single,) = read(calendar(event("DTSTART;VALUE=DATE:20260105", "DTEND"))).mirrored
    assert (single.command.ends_at - single.command.starts_at).days == 1


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("RRULE:FREQ=SECONDLY",), "it repeats secondly"),
        (("RRULE:FREQ=DAILY;BYHOUR=9,17",), "BYHOUR"),
        (("DTSTART;TZID=Nowhere/Land:20260105T090000",), "nobody knows its time zone"),
        (("DTEND:20260104T000000Z",), "it ends before it begins"),
        (("DTSTART:18000101T000000Z", "DTEND:18000101T010000Z"), "1900"),
        (("RECURRENCE-ID;RANGE=THISANDFUTURE:20260105T000000Z",), "all that comes after"),
        (("CLASS:PRIVATE",), "no key"),
        (("DTEND;VALUE=DATE-TIME:",), "its DTEND cannot be read"),
    ],
)
def test_k_11_what_is_none_of_ours_has_its_reason(lines: tuple[str, ...], reason: str) -> None:
    (told,) = reasons(calendar(event(*lines)))
    assert reason in told


async def test_k_11_what_lasts_too_long_is_refused_by_name(client: AsyncClient) -> None:
    done = await imported(client, calendar(event("DTEND:20260301T000000Z"), event(uid="2@there")))
    assert (done["events"], done["recorded"]) == (1, 1)
    assert [(one["name"], one["reason"]) for one in done["refused"]] == [
        ("Visit", "an entry lasts 744 hours at most")
    ]


def test_k_02_a_private_event_is_refused_without_saying_what_it_is() -> None:
    found = read(calendar(event("SUMMARY:Canary", "CLASS:CONFIDENTIAL")))
    assert "canary" not in repr(found).lower()


def test_k_11_one_broken_event_does_not_keep_the_others_out() -> None:
    broken = "BEGIN:VEVENT\r\nUID:2\r\nBEGIN:VALARM\r\nEND:VEVENT"
    found = read(calendar(event(), broken))
    assert len(found.mirrored) == 1
    assert found.refused


@pytest.mark.parametrize("content", [b"", b"no calendar", b"\xff\xfe\x00", b"BEGIN:VCALENDAR"])
async def test_k_11_what_is_no_calendar_is_refused(client: AsyncClient, content: bytes) -> None:
    answer = await client.post("/calendar/agendas/1/import.ics", content=content, headers=ICS)
    assert answer.status_code in (202, 422)
    if answer.status_code == 202:
        assert answer.json()["events"] == 0
    json = await client.post("/calendar/agendas/1/import.ics", json={})
    assert (json.status_code, json.headers["accept"]) == (415, "text/calendar")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "224.0.0.1",
        "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
        "100.64.0.1", "::", "192.0.2.1",
    ],
)  # fmt: skip
def test_k_11_nothing_is_fetched_from_inside(address: str) -> None:
    assert not allowed(ip_address(address), ())


def test_k_11_it_is_fetched_from_outside_and_from_networks_named_for_it() -> None:
    assert allowed(ip_address("93.184.215.14"), ())
    chosen = CalendarDefaults(fetch_networks=("10.1.0.0/16",))
    assert allowed(ip_address("10.1.2.3"), chosen.networks)
    assert not allowed(ip_address("10.2.2.3"), chosen.networks)


class Elsewhere:
    """A server of this machine that publishes a calendar, and remembers what it was asked."""

    def __init__(self, content: str) -> None:
        self.content, self.etag, self.asked = content, '"1"', list[str]()
        self.status, self.more, self.silent = "200 OK", "", False

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head)
        if self.silent:
            await reader.read()
        known = f"if-none-match: {self.etag}" in head.lower()
        body = b"" if known else self.content.encode()
        status = "304 Not Modified" if known else self.status
        told = f"content-length: {len(body)}\r\netag: {self.etag}\r\n{self.more}"
        writer.write(f"HTTP/1.1 {status}\r\nconnection: close\r\n{told}\r\n".encode() + body)
        writer.close()


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[Elsewhere, str]]:
    there = Elsewhere(calendar(event()))
    server = await asyncio.start_server(there.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield there, f"http://localhost:{port}/secret/feed.ics"


LOOPBACK = CalendarDefaults(fetch_networks=("127.0.0.0/8", "::1/128"))


async def test_k_11_an_address_is_asked_only_for_what_is_new(
    elsewhere: tuple[Elsewhere, str],
) -> None:
    there, url = elsewhere
    async with serving(build(LOOPBACK), router) as client:
        path = "/calendar/agendas/1/import-url"
        first = (await client.post(path, json={"url": url})).json()
        assert (first["events"], first["recorded"]) == (1, 1)
        headers = {"X-At-Least": "YWdlbmRhLTFAMQ=="}  # agenda-1 at version 1
        again = (await client.post(path, json={"url": url}, headers=headers)).json()
        assert (again["fetched"], again["recorded"]) == (False, 0)
        there.etag = '"2"'
        third = (await client.post(path, json={"url": url}, headers=headers)).json()
        assert (third["fetched"], third["unchanged"]) == (True, 1)
        assert "host: localhost:" in there.asked[0].lower()
        history = (await client.get("/calendar/history/agenda-1")).text
        assert "secret" not in history


async def test_k_11_what_lies_inside_is_not_fetched_nor_told_apart(
    client: AsyncClient, elsewhere: tuple[Elsewhere, str]
) -> None:
    there, url = elsewhere
    for address in (url, "http://127.0.0.1:1/", "http://[::1]/", "file:///etc/passwd", "nonsense"):
        answer = await client.post("/calendar/agendas/1/import-url", json={"url": address})
        assert answer.status_code == 422, address
        assert [one["pointer"] for one in answer.json()["errors"]] == ["#/url"]
        assert "secret" not in answer.text
    assert there.asked == []


async def test_k_11_a_redirect_is_looked_at_like_any_address(
    elsewhere: tuple[Elsewhere, str],
) -> None:
    there, url = elsewhere
    there.status, there.more = "302 Found", "location: http://10.0.0.1/\r\n"
    with pytest.raises(InvalidError, match="from which nothing is fetched"):
        await fetch(url, None, Limits(5, 1_000, LOOPBACK.networks))
    there.more = f"location: {url}\r\n"
    with pytest.raises(InvalidError, match="leads from one"):
        await fetch(url, None, Limits(5, 1_000, LOOPBACK.networks))
    assert len(there.asked) == 5


async def test_k_11_fetching_has_its_bounds(elsewhere: tuple[Elsewhere, str]) -> None:
    there, url = elsewhere
    with pytest.raises(TooLargeError):
        await fetch(url, None, Limits(5, 100, LOOPBACK.networks))
    there.more = "content-encoding: gzip\r\n"
    with pytest.raises(InvalidError, match="packed"):
        await fetch(url, None, Limits(5, 1_000, LOOPBACK.networks))
    there.status, there.more = "404 Not Found", ""
    with pytest.raises(InvalidError, match="404"):
        await fetch(url, None, Limits(5, 1_000, LOOPBACK.networks))
    there.silent = True
    with pytest.raises(InvalidError, match=r"longer than 0\.2 s|cannot be had"):
        await fetch(url, None, Limits(0.2, 1_000, LOOPBACK.networks))
