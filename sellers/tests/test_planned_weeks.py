"""What a seller plans to repeat is in the figures of everybody who leads them (N-01, K-13)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient

from services.analytics import main as analytics
from services.analytics.measures import TOPICS
from services.analytics.proof import verify_measures
from services.analytics.sink import MEASURES, MeasuresSink
from services.calendar import main as calendar
from services.calendar.series import entry_of
from services.organization import main as organization
from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.memory import MemoryLog, MemoryStore
from shared.projector import Projector
from shared.published import Build
from shared.reading import Token
from shared.runtime import Runtime
from shared.settings import Settings
from shared.topics import declared_topics
from shared.web import build_app

KIM = "employee-kim"
SERIES = "/calendar/series/team"


async def _ready() -> dict[str, str]:
    return {}


@dataclass
class Company:
    """One team with one seller, its calendar and its figures, over one log."""

    http: AsyncClient
    runtimes: dict[str, Runtime]
    monday: date
    measures: Projector

    def at(self, week: int, minute: int = 0) -> datetime:
        begin = datetime.combine(self.monday, datetime.min.time(), Settings().zone)
        return begin + timedelta(weeks=week, hours=9, minutes=minute)

    def time(self, week: int) -> str:
        """Return the entry that the time of the series in that week is."""
        return f"/calendar/entries/team.{self.at(week).astimezone(UTC):%Y%m%dT%H%M%SZ}"

    async def post(self, path: str, **told: Any) -> str:
        answer = await self.http.post(path, json=told)
        assert answer.status_code == 202, (path, answer.text)
        token: str = answer.json()["token"]
        return token

    async def get(self, path: str, at_least: str, **query: Any) -> Any:
        headers = {"X-Actor": KIM} | ({"X-At-Least": at_least} if at_least else {})
        answer = await self.http.get(path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def taken_out(self, version: int) -> None:
        """Wait until the series has so many facts, and fold them into the figures."""
        headers = {"X-At-Least": Token("series-team", version).encode()}
        assert (await self.http.get("/calendar/series", headers=headers)).status_code == 200
        await self.runtimes["calendar"].publisher.drain(10)
        for topic in TOPICS:
            for partition, end in (await self.runtimes["analytics"].log.ends(topic)).items():
                async for records in self.runtimes["analytics"].log.read(partition, 0, end):
                    await self.measures.absorb(records)

    async def planned(self, week: int, told: str, by: str = "seller") -> dict[str, Any]:
        """Return the week of the seller or their team, which `/calendar/time` tells as well."""
        first = self.monday + timedelta(weeks=week)
        last = first + timedelta(days=6)
        of = {"from": f"{first}", "to": f"{last}", "as_of": f"{last}"}
        rows = (await self.get("/analytics/workload", "", by=by, **of))["rows"]
        time = await self.get("/calendar/time", told, seller=KIM, first=first, last=last)
        row = next((row for row in rows if row["id"] in (KIM, "unit-red")), {"categories": {}})
        own = {one["category"]: one for one in time["total"]["categories"]}
        for name in own.keys() | row["categories"].keys():
            for what in ("planned_minutes", "actual_minutes", "entries"):
                assert row["categories"][name][what] == own[name][what], (week, name, what)
        found: dict[str, Any] = row
        return found


@pytest.fixture
async def company() -> AsyncIterator[Company]:
    topics = {topic.name: 2 for topic in declared_topics()}
    log, clock, settings = MemoryLog(topics), SystemClock(), Settings()
    runtimes: dict[str, Runtime] = {}
    async with AsyncExitStack() as stack:
        for module in (organization, calendar, analytics):
            runtime = Runtime(module.domain, MemoryStore(), log, clock, settings)
            await runtime.start()
            stack.push_async_callback(runtime.stop)
            await runtime.service.ready.wait()
            runtimes[module.domain.name] = runtime
        routers = [organization.router, calendar.router, analytics.router]
        routers.append(bulk_router(calendar.domain))  # It tells histories.
        app = build_app("weeks", runtimes, routers, new_id=clock.new_id, ready=_ready)
        app.state.note_look = analytics.Looking(lambda: runtimes["analytics"]).note
        transport = ASGITransport(app, raise_app_exceptions=False)
        http = await stack.enter_async_context(
            AsyncClient(transport=transport, base_url="http://sellers")
        )
        collection = Build(MEASURES.name, MEASURES.version).collection
        sink = MeasuresSink(collection, settings.zone)
        measures = Projector(sink, runtimes["analytics"].store, log, clock)
        today = runtimes["analytics"].today
        monday = today - timedelta(days=today.weekday())
        found = Company(http, runtimes, monday, measures)
        await found.post("/organization/units/red/form", name="Red", kind="team")
        await found.post("/organization/employees/kim/join", name="Kim", on="2020-01-01")
        placed = await found.post(
            "/organization/employees/kim/assign", unit="unit-red", on="2020-01-01"
        )
        await found.get("/analytics/touches", placed)
        yield found


def _minutes(row: dict[str, Any]) -> Iterator[int]:
    internal = row["categories"].get("internal", {})
    yield from (internal.get("planned_minutes", 0), internal.get("actual_minutes", 0))


async def _repeat(company: Company) -> str:
    """Plan half an hour of every week, from this one on."""
    return await company.post(
        f"{SERIES}/plan",
        seller=KIM,
        category="internal",
        zone="Asia/Seoul",
        rule="FREQ=WEEKLY",
        starts_at=company.at(0).isoformat(),
        ends_at=company.at(0, 30).isoformat(),
    )


async def _weeks(company: Company, told: str, weeks: Sequence[int]) -> list[list[int]]:
    return [list(_minutes(await company.planned(week, told))) for week in weeks]


async def test_n_01_a_planned_week_is_seen_before_anything_became_of_it(company: Company) -> None:
    told = await _repeat(company)
    await company.taken_out(1)
    assert await _weeks(company, told, [-1, 0, 1, 2]) == [[0, 0], [30, 0], [30, 0], [30, 0]]
    for by in ("team", "seller"):
        assert (await company.planned(1, told, by))["planned_minutes"] == 30

    # What became of one time is told once: planned as before, and as it was.
    took = {"started_at": company.at(0).isoformat(), "ended_at": company.at(0, 50).isoformat()}
    await company.post(f"{company.time(0)}/done", **took)
    await company.taken_out(2)
    facts = (await company.get("/calendar/history/series-team", ""))["facts"]
    assert [(fact["type"], fact["actor"]) for fact in facts[1:]] == [
        ("calendar.series_occurrence_taken_out.v1", "policy:calendar_take_entries_out_of_series")
    ]
    # Until the view of entries knows it as well, the calendar would tell of the plan alone.
    done = Token(company.time(0).replace("/calendar/entries/", "entry-"), 2).encode()
    assert await _weeks(company, done, [0, 1]) == [[30, 50], [30, 0]]
    assert (await company.planned(0, done))["done"] == 1

    told = await company.post(f"{SERIES}/skip-occurrence", occurrence=company.at(1).isoformat())
    await company.taken_out(3)
    assert await _weeks(company, told, [0, 1, 2, 3]) == [[30, 50], [0, 0], [30, 0], [30, 0]]

    told = await company.post(f"{SERIES}/end", last_day=f"{company.at(2).date()}")
    await company.taken_out(4)
    assert await _weeks(company, told, [0, 1, 2, 3]) == [[30, 50], [0, 0], [30, 0], [0, 0]]
    check = await verify_measures(company.runtimes["analytics"])
    assert check.differences == []


async def test_a_time_of_a_series_nobody_planned_is_taken_out_and_counts_as_an_entry(
    company: Company,
) -> None:
    entry = {
        "seller": KIM,
        "category": "internal",
        "series": "series-team",
        "starts_at": company.at(0).isoformat(),
        "ends_at": company.at(0, 30).isoformat(),
        "occurrence": company.at(0).isoformat(),
    }
    # By a name of its own it would count beside the one that the time has.
    other = await company.http.post("/calendar/entries/elsewhere/plan", json=entry)
    assert other.status_code == 422
    named = entry_of("series-team", company.at(0)).removeprefix("entry-")
    assert named in other.json()["errors"][0]["detail"]
    told = await company.post(f"/calendar/entries/{named}/plan", **entry)
    await company.taken_out(1)
    facts = (await company.get("/calendar/history/series-team", ""))["facts"]
    assert [fact["type"] for fact in facts] == ["calendar.series_occurrence_taken_out.v1"]
    planned = await _repeat(company)
    await company.taken_out(2)
    await company.get(f"/calendar/entries/{named}", told)
    assert await _weeks(company, planned, [0, 1]) == [[30, 0], [30, 0]]


async def test_n_13_who_looks_into_the_calendar_of_a_colleague_is_seen_by_them(
    company: Company,
) -> None:
    told = await company.post(
        "/calendar/entries/visit/plan",
        seller=KIM,
        category="customer",
        starts_at=company.at(0).isoformat(),
        ends_at=company.at(0, 30).isoformat(),
    )
    headers = {"X-Actor": "employee-han", "X-At-Least": told}
    paths = ("/calendar/agendas/kim", "/calendar/entries/visit", f"/calendar/entries?seller={KIM}")
    for path in paths:
        for actor in ("employee-han", KIM):
            read = await company.http.get(path, headers={**headers, "X-Actor": actor})
            assert read.status_code == 200, read.text
    async with asyncio.timeout(10):
        while True:
            looks = (await company.http.get("/analytics/looks/kim")).json()["items"]
            seen = {(one["viewer"], one["report"]) for month in looks for one in month["looks"]}
            if len(seen) == len(paths):
                break
            await asyncio.sleep(0.05)
    assert seen == {("employee-han", path.partition("?")[0]) for path in paths}
