"""Calendar programs read along by CalDAV (K-11), and learn no more than by a feed (K-02)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from httpx2 import AsyncClient, Response

from services.calendar.dav import Asked, c, d, objects_of, read_asked
from services.calendar.main import domain, router
from shared.errors import InvalidError
from shared.testing import serving

NOW = datetime.now(UTC).replace(microsecond=0)
PROPS = (
    '<d:propfind xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop>'
    "<d:resourcetype/><d:getetag/><d:quota/></d:prop></d:propfind>"
)


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def entry(day: int, **told: object) -> dict[str, Any]:
    begin = NOW + timedelta(days=day)
    times = {"starts_at": begin.isoformat(), "ends_at": (begin + timedelta(hours=1)).isoformat()}
    return {
        "seller": "employee-1",
        "category": "customer",
        "title": f"Visit {day}",
        **times,
        **told,
    }


async def opened(client: AsyncClient, scope: str = "details") -> str:
    """Plan two visits and something weekly; return where the calendar is read by CalDAV."""
    for day in (1, 9):
        await post(client, f"entries/{day}/plan", entry(day))
    weekly = entry(2, zone="Asia/Seoul", rule="FREQ=WEEKLY;COUNT=3", title="Weekly")
    await post(client, "series/1/plan", weekly)
    answer = await post(client, "agendas/1/feeds/mac/open", {"scope": scope})
    return str(answer.json()["caldav"])


async def post(client: AsyncClient, path: str, body: dict[str, Any]) -> Response:
    answer = await client.post(f"/calendar/{path}", json=body)
    assert answer.status_code == 202, answer.text
    seen = {"X-At-Least": answer.json()["token"]}
    if path.startswith(("entries", "series")):
        kind, name, _ = path.split("/")
        await client.get(f"/calendar/{kind}/{name}", headers=seen)
    else:
        await client.get("/calendar/agendas/1/settings", headers=seen)
    return answer


async def asked(
    client: AsyncClient, method: str, path: str, body: str = "", depth: str = "1"
) -> Any:
    answer = await client.request(method, path, content=body, headers={"Depth": depth})
    assert answer.status_code == 207, answer.text
    return ET.fromstring(answer.text).findall(d("response"))  # noqa: S314 - our own answer


async def test_k_11_a_program_finds_the_calendar_and_what_is_in_it(client: AsyncClient) -> None:
    here = await opened(client)
    answer = await client.request("OPTIONS", here)
    assert "calendar-access" in answer.headers["dav"]
    itself, *inside = await asked(client, "PROPFIND", here, PROPS)
    assert itself.findtext(d("href")) == here
    assert itself.find(f".//{c('calendar')}") is not None
    assert len(inside) == 3
    known, missing = inside[0].findall(d("propstat"))
    assert known.findtext(d("status")) == "HTTP/1.1 200 OK"
    assert missing.find(f".//{d('quota')}") is not None
    assert len(await asked(client, "PROPFIND", here, PROPS, depth="0")) == 1


async def test_k_11_objects_are_read_by_name_all_at_once_or_alone(client: AsyncClient) -> None:
    here = await opened(client)
    _, *inside = await asked(client, "PROPFIND", here, PROPS)
    hrefs = [one.findtext(d("href")) for one in inside]
    named = "".join(f"<d:href>{href}</d:href>" for href in (*hrefs, f"{here}gone.ics"))
    body = (
        '<c:calendar-multiget xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
        f"<d:prop><d:getetag/><c:calendar-data/></d:prop>{named}</c:calendar-multiget>"
    )
    *found, gone = await asked(client, "REPORT", here, body)
    texts = [one.findtext(f".//{c('calendar-data')}") or "" for one in found]
    assert sorted("RRULE" in text for text in texts) == [False, False, True]
    assert all("METHOD" not in text and text.count("BEGIN:VEVENT") == 1 for text in texts)
    assert gone.findtext(d("status")) == "HTTP/1.1 404 Not Found"
    alone = await client.get(str(hrefs[0]))
    assert alone.text.replace("\r\n", "\n") == texts[0]
    assert alone.headers["etag"] == found[0].findtext(f".//{d('getetag')}")
    assert (await client.get(f"{here}gone.ics")).status_code == 404


async def test_k_11_a_program_asks_for_some_time_only(client: AsyncClient) -> None:
    here = await opened(client)
    begin, end = (f"{NOW + timedelta(days=day):%Y%m%dT%H%M%SZ}" for day in (0, 5))
    body = (
        '<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
        "<d:prop><c:calendar-data/></d:prop><c:filter><c:comp-filter name='VCALENDAR'>"
        f"<c:time-range start='{begin}' end='{end}'/></c:comp-filter></c:filter>"
        "</c:calendar-query>"
    )
    text = " ".join("".join(one.itertext()) for one in await asked(client, "REPORT", here, body))
    assert "Visit 1" in text
    assert "Weekly" in text
    assert "Visit 9" not in text


async def test_k_02_where_only_busy_times_are_shown_nothing_else_is(client: AsyncClient) -> None:
    here = await opened(client, "busy")
    *_, last = await asked(client, "PROPFIND", here, PROPS)
    text = (await client.get(last.findtext(d("href")) or "")).text
    assert "SUMMARY:Busy" in text
    for word in ("Visit", "Weekly", "RRULE", "entry-", "series-"):
        assert word not in text


async def test_k_11_nothing_is_written_and_who_was_revoked_reads_no_more(
    client: AsyncClient,
) -> None:
    here = await opened(client)
    assert (await client.put(f"{here}new.ics", content="x")).status_code == 405
    assert (await client.request("DELETE", here)).status_code == 405
    other = await client.request("REPORT", here, content='<d:sync-collection xmlns:d="DAV:"/>')
    assert other.status_code == 403
    await post(client, "agendas/1/feeds/mac/revoke", {})
    assert (await client.request("PROPFIND", here)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"no xml",
        b"\xff\xfe<",
        b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
        b'<a xmlns="urn:ietf:params:xml:ns:caldav"><time-range start="soon"/></a>',
    ],
)
def test_k_11_what_is_no_question_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidError):
        read_asked(body)


def test_k_11_nothing_asked_is_everything() -> None:
    assert read_asked(b" ") == Asked()
    assert objects_of(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n") == {}
