"""A seller's calendar as a whole (K-01, K-11): days of their zone, what others see of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx2 import AsyncClient, Response

from services.calendar.main import domain, router
from shared.testing import serving

SEOUL = ZoneInfo("Asia/Seoul")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
VISIT = {
    "seller": "employee-1",
    "category": "customer",
    "starts_at": "2026-01-05T09:00:00+09:00",
    "ends_at": "2026-01-05T10:00:00+09:00",
    "title": "Visit",
    "person": "person-1",
}
SERIES = VISIT | {
    "title": "News",
    "zone": "Asia/Seoul",
    "rule": "FREQ=WEEKLY;COUNT=3",
    "starts_at": "2026-01-06T09:00:00+09:00",
    "ends_at": "2026-01-06T10:00:00+09:00",
    "activity": "rhythm",
}
SEALED = {"sealed": "c2VhbGVk", "sealed_to": "0123456789abcdef"}
DENTIST = {
    "seller": "employee-1",
    "category": "private",
    "starts_at": "2026-01-05T14:00:00+09:00",
    "ends_at": "2026-01-05T15:00:00+09:00",
    **SEALED,
}
OWNER = {"X-Actor": "employee-1"}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def post(client: AsyncClient, path: str, body: dict[str, Any]) -> Response:
    answer = await client.post(f"/calendar/{path}", json=body)
    assert answer.status_code == 202, answer.text
    return answer


async def read(client: AsyncClient, path: str, *after: Response, **headers: str) -> Any:
    for written in after:
        token = {"X-At-Least": written.json()["token"]}
        answer = await client.get(f"/calendar/{path}", headers=token | headers)
        assert answer.status_code == 200, answer.text
    return answer.json()


JANUARY = "first=2026-01-01&last=2026-01-31"


async def test_k_01_a_sellers_days_show_entries_and_what_repeats(client: AsyncClient) -> None:
    told = [
        await post(client, "entries/1/plan", VISIT),
        await post(client, "series/1/plan", SERIES),
    ]
    found = await read(client, f"agendas/1?{JANUARY}", *told)
    assert found["zone"] == "Asia/Seoul"
    assert [(one["title"], one["starts_at"][:10]) for one in found["items"]] == [
        ("Visit", "2026-01-05"),
        ("News", "2026-01-06"),
        ("News", "2026-01-13"),
        ("News", "2026-01-20"),
    ]
    other = await read(client, f"agendas/2?{JANUARY}", *told)
    assert other["items"] == []


async def test_k_03_one_time_of_a_series_takes_place_by_itself(client: AsyncClient) -> None:
    planned = await post(client, "series/1/plan", SERIES)
    await read(client, "series/1", planned)
    took = {"started_at": "2026-01-13T09:10:00+09:00", "ended_at": "2026-01-13T10:20:00+09:00"}
    done = await post(client, "entries/1.20260113T000000Z/done", took)
    move = {"starts_at": "2026-01-21T09:00:00+09:00", "ends_at": "2026-01-21T10:00:00+09:00"}
    moved = await post(client, "entries/1.20260120T000000Z/move", move)
    found = await read(client, f"agendas/1?{JANUARY}", done, moved)
    assert [(one["starts_at"][:10], one["status"]) for one in found["items"]] == [
        ("2026-01-06", "planned"),
        ("2026-01-13", "done"),
        ("2026-01-21", "planned"),
    ]
    again = await post(client, "entries/1.20260113T000000Z/done", took)
    assert again.json()["recorded"] == 0


async def test_only_a_time_that_a_series_has_can_take_place(client: AsyncClient) -> None:
    planned = await post(client, "series/1/plan", SERIES)
    one = await read(client, "entries/1.20260106T000000Z", planned)
    assert (one["title"], one["series"]) == ("News", "series-1")
    assert (await client.get("/calendar/entries/1.20260107T000000Z")).status_code == 404
    refused = await client.post("/calendar/entries/1.20260107T000000Z/miss", json={})
    assert refused.status_code == 404


async def test_c_09_what_repeats_is_the_next_sellers_from_a_day_on(client: AsyncClient) -> None:
    """What was before that day stays where it took place, also in programs that read along."""
    mine = await post(client, "series/1/plan", SERIES)
    handed = {"seller": "employee-2", "on": "2026-01-13", "reason": "handover"}
    moved = await post(client, "series/1/reassign", handed)
    assert (await post(client, "series/1/reassign", handed)).json()["token"]
    for seller, days in (("1", ["2026-01-06"]), ("2", ["2026-01-13", "2026-01-20"])):
        found = await read(client, f"agendas/{seller}?{JANUARY}", mine, moved)
        assert [one["starts_at"][:10] for one in found["items"]] == days
        assert {one["seller"] for one in found["items"]} == {f"employee-{seller}"}
    card = await read(client, "series/1", moved)
    assert (card["seller"], card["owners"]) == ("employee-2", ["employee-1", "employee-2"])
    at = {"started_at": "2026-01-13T09:00:00+09:00", "ended_at": "2026-01-13T09:30:00+09:00"}
    done = await post(client, "entries/1.20260113T000000Z/done", at)
    taken = await read(client, "entries/1.20260113T000000Z", done)
    assert (taken["seller"], taken["status"]) == ("employee-2", "done")


async def test_k_13_a_rhythm_goes_on_when_it_is_the_next_sellers(client: AsyncClient) -> None:
    first = datetime.now(SEOUL).replace(hour=9, minute=0, second=0, microsecond=0) - 21 * DAY
    hour = {"starts_at": first.isoformat(), "ends_at": (first + HOUR).isoformat()}
    await post(client, "series/1/plan", SERIES | hour | {"rule": "FREQ=WEEKLY"})
    on = (first + 10 * DAY).date().isoformat()
    await post(client, "series/1/reassign", {"seller": "employee-2", "on": on})
    for at in (first, first + 14 * DAY):
        times = {"started_at": at.isoformat(), "ended_at": (at + HOUR).isoformat()}
        entry = f"1.{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        done = await post(client, f"entries/{entry}/done", times)
    (rhythm,) = (await read(client, "rhythms?seller=employee-2", done))["items"]
    assert (rhythm["held"], rhythm["seller"]) == (2, "employee-2")
    assert rhythm["last_held_at"] == (first + 14 * DAY).isoformat()


async def test_c_09_private_time_that_repeats_is_nobody_elses(client: AsyncClient) -> None:
    secret = {name: SERIES[name] for name in ("seller", "starts_at", "ends_at", "zone", "rule")}
    await post(client, "series/1/plan", secret | {"category": "private"} | SEALED)
    body = {"seller": "employee-2"}
    assert (await client.post("/calendar/series/1/reassign", json=body)).status_code == 409


async def test_k_02_others_see_only_that_somebody_is_busy(client: AsyncClient) -> None:
    private = await post(client, "entries/1/plan", DENTIST)
    weekly = DENTIST | {"zone": "Asia/Seoul", "rule": "FREQ=DAILY;COUNT=2"}
    series = await post(client, "series/1/plan", weekly | {"seller": "employee-1"})
    others = await read(client, f"agendas/1?{JANUARY}", private, series)
    assert {one["entry"] for one in others["items"]} == {"private"}
    assert not any(one["sealed"] or one["series"] or one["uid"] for one in others["items"])
    own = await read(client, f"agendas/1?{JANUARY}", private, series, **OWNER)
    assert all(one["sealed"] == SEALED["sealed"] for one in own["items"])
    for path in ("entries/1", "series/1"):
        seen = await read(client, path, private if "entries" in path else series)
        assert seen["sealed"] is None
        assert seen.get("rule") is None
    listed = await read(client, "entries?seller=employee-1", private)
    assert [one["entry"] for one in listed["items"]] == ["private"]


async def test_k_11_free_busy_tells_neither_what_nor_how_often(client: AsyncClient) -> None:
    after = VISIT | {"starts_at": VISIT["ends_at"], "ends_at": "2026-01-05T11:00:00+09:00"}
    free = VISIT | {"busy": False, "starts_at": "2026-01-05T20:00:00+09:00"}
    told = [
        await post(client, "entries/1/plan", VISIT),
        await post(client, "entries/2/plan", after),
        await post(client, "entries/3/plan", DENTIST),
        await post(client, "entries/4/plan", free | {"ends_at": "2026-01-05T21:00:00+09:00"}),
        await post(client, "entries/5/plan", VISIT | {"title": "Gone"}),
    ]
    told.append(await post(client, "entries/5/cancel", {}))
    found = await read(client, "agendas/1/free-busy?first=2026-01-05&last=2026-01-05", *told)
    assert found["busy"] == [
        {"begin": "2026-01-05T09:00:00+09:00", "end": "2026-01-05T11:00:00+09:00"},
        {"begin": "2026-01-05T14:00:00+09:00", "end": "2026-01-05T15:00:00+09:00"},
    ]


async def test_k_07_days_are_those_of_the_sellers_zone(client: AsyncClient) -> None:
    zone = await post(client, "agendas/1/set-zone", {"zone": "America/New_York"})
    visit = await post(client, "entries/1/plan", VISIT)
    sunday = "agendas/1?first=2026-01-04&last=2026-01-04"
    found = await read(client, sunday, zone, visit)
    assert [one["entry"] for one in found["items"]] == ["entry-1"]
    refused = await client.post("/calendar/agendas/1/set-zone", json={"zone": "Mars/Olympus"})
    assert refused.status_code == 422


async def test_a_range_has_its_bounds(client: AsyncClient) -> None:
    for query in ("first=2026-01-02&last=2026-01-01", "first=2026-01-01&last=2028-01-01"):
        assert (await client.get(f"/calendar/agendas/1?{query}")).status_code == 422


async def test_k_08_what_an_urgent_entry_displaced_is_found_by_it(client: AsyncClient) -> None:
    await post(client, "entries/1/plan", VISIT)
    urgent = await post(client, "entries/2/plan", VISIT | {"title": "Claim", "unplanned": True})
    gone = await post(client, "entries/1/displace", {"by": "entry-2", "reason": "a claim"})
    found = await read(client, "entries?displaced_by=entry-2", urgent, gone)
    assert [(one["entry"], one["displaced_because"]) for one in found["items"]] == [
        ("entry-1", "a claim")
    ]
