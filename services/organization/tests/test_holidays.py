"""Public holidays out of an iCalendar file: whole days come in, the rest is left out, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, time
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from httpx2 import AsyncClient, Response
from hypothesis import given as for_all
from hypothesis import strategies as st
from icalendar import Component

from services.organization.holidays import Skipped, read_holidays
from services.organization.main import domain, router
from services.organization.yearly import yearly
from shared.errors import InvalidError
from shared.testing import serving

REAL = sorted((Path(__file__).resolve().parents[4] / "shared" / "data" / "ics").glob("*.ics"))
FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)
TIMED = "it begins at a time of the day, so it is no whole day"

OTHERWISE = "it repeats otherwise than every year"
ODD = "it repeats by a rule that is none for holidays"
LONG = "it lasts 365 days, and none has more than 31"


def joined(told: list[Any]) -> str:
    return ",".join(dict.fromkeys(map(str, told)))


def ics(*events: str) -> bytes:
    told = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{told}END:VCALENDAR\r\n".encode()


def entry(start: str, name: str, *more: str) -> str:
    return "\r\n".join([f"DTSTART;VALUE=DATE:{start}", f"SUMMARY:{name}", *more])


@pytest.mark.parametrize(
    ("event", "days"),
    [
        (entry("20260505", "어린이날"), ["2026-05-05"]),
        (entry("20260924", "추석", "DTEND;VALUE=DATE:20260927"),
         ["2026-09-24", "2026-09-25", "2026-09-26"]),
        (entry("20260924", "추석", "DURATION:P2D"), ["2026-09-24", "2026-09-25"]),
        (entry("20000301", "삼일절", "RRULE:FREQ=YEARLY"), ["2026-03-01", "2027-03-01"]),
        (entry("20000301", "삼일절", "RRULE:FREQ=YEARLY;UNTIL=20261231T000000Z"), ["2026-03-01"]),
        (entry("20250301", "삼일절", "RRULE:FREQ=YEARLY;COUNT=2"), ["2026-03-01"]),
        (entry("20000301", "삼일절", "RRULE:FREQ=YEARLY", "EXDATE;VALUE=DATE:20260301"),
         ["2027-03-01"]),
        (entry("20201126", "Thanksgiving", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"),
         ["2026-11-26", "2027-11-25"]),
        (entry("20250526", "Memorial Day", "RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"),
         ["2026-05-25", "2027-05-31"]),
        (entry("20181106", "Election", "RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=11;BYDAY=TU;"
               "BYMONTHDAY=2,3,4,5,6,7,8"), ["2026-11-03"]),
        (entry("20240229", "leap", "RRULE:FREQ=YEARLY"), []),
        (entry("20240131", "last", "RRULE:FREQ=YEARLY;BYMONTH=2,6;BYMONTHDAY=-1;COUNT=6"),
         ["2026-02-28", "2026-06-30"]),
        (entry("20251225", "성탄절", "RDATE;VALUE=DATE:20261225,20281225"), ["2026-12-25"]),
        (entry("20280101", "too late"), []),
    ],
)  # fmt: skip
def test_whole_days_are_holidays_however_they_repeat(event: str, days: list[str]) -> None:
    found = read_holidays(ics(event), FIRST, LAST)
    assert [str(day) for day in sorted(found.days)] == days
    assert found.skipped == []


PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "INTERVAL": st.integers(1, 4).map(str),
        "COUNT": st.integers(1, 9).map(str),
        "BYMONTH": st.lists(st.integers(1, 12), min_size=1, max_size=3).map(joined),
        "BYMONTHDAY": st.lists(st.sampled_from([1, 5, 29, 30, 31, -1, -3]), min_size=1).map(joined),
        "BYDAY": st.lists(st.sampled_from(["MO", "SU", "TU"]), min_size=1).map(joined),
    },
)
ORDINAL = st.fixed_dictionaries(
    {
        "BYMONTH": st.lists(st.integers(1, 12), min_size=1, max_size=3).map(joined),
        "BYDAY": st.lists(st.sampled_from(["4TH", "-1MO", "2WE", "5FR"]), min_size=1).map(joined),
    }
)


@for_all(PLAIN | ORDINAL, st.dates(date(2020, 1, 1), date(2026, 12, 31)))
def test_yearly_days_are_those_that_another_expander_finds(
    parts: dict[str, str], start: date
) -> None:
    rule = ";".join(["FREQ=YEARLY", *(f"{name}={said}" for name, said in parts.items())])
    (event,) = Component.from_ical(ics(entry(f"{start:%Y%m%d}", "A", f"RRULE:{rule}"))).events
    until = date(2030, 12, 31)
    others = rrulestr(rule, dtstart=datetime.combine(start, time.min))
    end = datetime.combine(until, time.max)
    expected = [at.date() for at in takewhile(lambda at: at <= end, others)]
    assert list(yearly(event["RRULE"], start, until)) == expected


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("DTSTART:20260505T090000Z\r\nSUMMARY:A", TIMED),
        ("SUMMARY:A", "it has no day on which it begins"),
        (entry("20260505", "A", "STATUS:CANCELLED"), "it is cancelled"),
        (entry("20260505", "A", "RRULE:FREQ=WEEKLY"), OTHERWISE),
        (entry("20260505", "A", "RRULE:FREQ=YEARLY;INTERVAL=0"), "it repeats after no time at all"),
        (entry("20260505", "A", "RRULE:FREQ=YEARLY;BYHOUR=1,2"), ODD),
        (entry("20260505", "A", "RRULE:FREQ=YEARLY;BYDAY=4TH"), ODD),
        (entry("20260505", "A", "RRULE:FREQ=YEARLY;BYDAY=XX"), OTHERWISE),
        (entry("20260505", "A", "DTEND;VALUE=DATE:20270505"), LONG),
        (entry("00010505", "A", "RRULE:FREQ=YEARLY"), "it begins before the year 1900"),
    ],
)  # fmt: skip
def test_what_is_no_whole_day_is_left_out_with_the_reason(event: str, why: str) -> None:
    found = read_holidays(ics(event, entry("20260505", "B")), FIRST, LAST)
    assert found.skipped == [Skipped("A", why)]
    assert found.days == {date(2026, 5, 5): "B"}


def test_two_names_of_a_day_are_both_told_once() -> None:
    twice = ics(*[entry("20260505", name) for name in ("A", "B", "A")])
    assert read_holidays(twice, FIRST, LAST).days == {date(2026, 5, 5): "A / B"}


@pytest.mark.parametrize("content", [b"", b"no calendar", b"\xff\xfe", b"BEGIN:VCALENDAR"])
def test_what_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidError, match="not an iCalendar file"):
        read_holidays(content, FIRST, LAST)


def test_no_file_costs_more_than_it_may() -> None:
    never = entry("19000101", "A", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    with pytest.raises(InvalidError, match="repeat over more than 10000 years"):
        read_holidays(ics(*[never] * 80), date(2027, 1, 1), date(2027, 1, 2))
    with pytest.raises(InvalidError, match="more than 2000 entries"):
        read_holidays(ics(*["SUMMARY:A"] * 2_001), FIRST, LAST)


@pytest.mark.skipif(not REAL, reason="the real calendars are not here")
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_real_calendar_is_read_or_refused_with_a_reason(path: Path) -> None:
    try:
        found = read_holidays(path.read_bytes(), date(1990, 1, 1), LAST)
    except InvalidError as error:
        told = [str(error)]
    else:
        told = [one.why for one in found.skipped]
    assert all(told)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def load(client: AsyncClient, content: bytes, kind: str = "text/calendar") -> Response:
    path = "/organization/workcalendars/kr/holidays.ics?first=2026-01-01&last=2026-12-31"
    return await client.post(path, content=content, headers={"content-type": kind})


async def test_a_file_is_loaded_once_and_what_it_lacks_stays(client: AsyncClient) -> None:
    assert (await load(client, ics(entry("20260505", "어린이날")))).status_code == 404
    opened = {"name": "대한민국"}
    await client.post("/organization/workcalendars/kr/open", json=opened)
    content = ics(entry("20260505", "어린이날"), "DTSTART:20260505T090000Z\r\nSUMMARY:회의")
    answer = await load(client, content, "text/calendar; charset=utf-8")
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["days"], told["recorded"]) == (1, 1)
    assert told["skipped"] == [{"entry": "회의", "why": TIMED}]
    more = await load(client, ics(entry("20260505", "어린이날"), entry("20261009", "한글날")))
    assert (more.json()["days"], more.json()["recorded"]) == (2, 1)
    found = await client.get(
        "/organization/workcalendars/kr", headers={"X-At-Least": more.json()["token"]}
    )
    assert [one["name"] for one in found.json()["holidays"]] == ["어린이날", "한글날"]


async def test_what_is_no_file_of_holidays_is_refused_with_the_reason(client: AsyncClient) -> None:
    assert (await load(client, b"{}", "application/json")).status_code == 415
    assert (await load(client, b" " * 1_000_001)).status_code == 413
    nothing = await load(client, ics("DTSTART:20260505T090000Z\r\nSUMMARY:회의"))
    assert nothing.status_code == 422
    assert TIMED in nothing.json()["detail"]
