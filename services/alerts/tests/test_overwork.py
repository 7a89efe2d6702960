"""K-07, K-09: too much work is an alert to whoever worked, and for some days to nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.alerts.defaults import AlertsDefaults
from services.alerts.main import domain, router
from services.alerts.model import RaiseToSelf
from services.alerts.projections import alert_of, call, watch_of, watching
from services.alerts.rules import ALL, marks_of
from services.alerts.tests.test_rules import known
from services.alerts.watching import Alert, Terms, alerts_until
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.events.alerts import AlertRaisedToSelf
from shared.events.calendar import OverworkFound
from shared.events.organization import EmployeeJoined
from shared.memory import MemoryLog
from shared.reading import Token
from shared.settings import Settings
from shared.testing import check_projection, recorded, serving

ZONE = Settings().zone
ME, WEEK = "employee-1", date(2026, 1, 5)
TODAY = SystemClock().now().astimezone(ZONE).date()
(RULE,) = [rule for rule in ALL if rule.name == "overwork"]


def found(week: date = WEEK, own_until: date = TODAY) -> OverworkFound:
    return OverworkFound(seller=ME, week=week, minutes=420, most=300, own_until=own_until)


def test_k_07_each_week_calls_its_seller_at_once_and_once() -> None:
    later = WEEK + timedelta(days=7)
    facts = [known(12, found(), "overwork-1", 1), known(19, found(later), "overwork-1", 2)]
    marks = marks_of(RULE, facts, ZONE)
    assert list(marks) == [ME]
    called = alerts_until(marks[ME], Terms(0), ZONE, facts[-1].recorded_at)
    assert [(one.part, one.since, one.owner, one.at) for one in called] == [
        (WEEK.isoformat(), WEEK, ME, facts[0].recorded_at),
        (later.isoformat(), later, ME, facts[1].recorded_at),
    ]


def test_k_07_a_seller_who_was_told_is_not_called_again() -> None:
    watch = watching(AlertsDefaults().rules(), 1).projection
    told = recorded(found(), stream="overwork-1")
    before = check_projection(watch, [told])[watch_of("overwork", ME)]
    (due,) = call(before)
    assert isinstance(due.command, RaiseToSelf)
    raised = AlertRaisedToSelf(**due.command.model_dump())
    after = check_projection(watch, [told, recorded(raised, stream=due.stream)])
    assert after[watch_of("overwork", ME)].due_at is None


async def read(client: AsyncClient, path: str, viewer: str, alert: str) -> Any:
    """Return what the viewer is answered by a view that knows this alert."""
    fresh = {"X-Actor": viewer, "X-At-Least": Token(alert, 1).encode()}
    return await client.get(f"/alerts{path}", headers=fresh)


def alert_about(told: Envelope) -> str:
    """Return the alert that a fact of the week calls for."""
    week = told.data
    assert isinstance(week, OverworkFound)
    alert = Alert(SystemClock().now(), str(week.week), week.week, told.id, ME)
    return alert_of("overwork", ME, alert)


@asynccontextmanager
async def serving_alerts(*weeks: OverworkFound) -> AsyncIterator[tuple[AsyncClient, list[str]]]:
    """Serve alerts where these weeks were found, and name the alert of each."""
    log = MemoryLog(2)
    joined = recorded(EmployeeJoined(name="Ada"), stream=ME)
    told = recorded(*weeks, stream="overwork-1")
    async with serving(domain, router, log=log) as client:
        for fact in (*joined, *told):
            await log.append(fact.data.topic, fact.stream, encode(fact))
        alerts = [alert_about(fact) for fact in told]
        for week, alert in zip(weeks, alerts, strict=True):
            await _named(client, alert, week.week)
        yield client, alerts


@pytest.mark.parametrize(("until", "others"), [(7, False), (0, False), (-1, True)])
async def test_k_09_it_is_in_the_sellers_inbox_before_it_is_on_anybody_elses_page(
    until: int, *, others: bool
) -> None:
    this_week = found(own_until=TODAY + timedelta(days=until))
    async with serving_alerts(this_week) as (client, (alert,)):
        (mine,) = (await read(client, "/inbox/1", ME, alert)).json()["items"]
        assert (mine["card"]["alert"], mine["still"]) == (alert, True)
        for path in ("/inbox/1", f"?owner={ME}", f"?owner={ME}&rule=overwork"):
            items = (await read(client, path, "employee-9", alert)).json()["items"]
            assert len(items) == others, path
            assert len((await read(client, path, ME, alert)).json()["items"]) == 1, path
        # A list of everybody's is the same, whoever looks.
        for viewer in (ME, "employee-9"):
            items = (await read(client, "?rule=overwork", viewer, alert)).json()["items"]
            assert len(items) == others
        for path in (f"/{alert.removeprefix('alert-')}", f"/history/{alert}"):
            seen = await read(client, path, "employee-9", alert)
            assert seen.status_code == (200 if others else 404), path
            assert (await read(client, path, ME, alert)).status_code == 200, path


async def test_k_09_that_it_was_seen_does_not_tell_that_it_is_there() -> None:
    async with serving_alerts(found(own_until=TODAY)) as (client, (alert,)):
        path = f"/alerts/{alert.removeprefix('alert-')}/acknowledge"
        assert (await client.post(path, json={"by": ME})).status_code == 202
        own = await read(client, f"/history/{alert}", ME, alert)
        assert len(own.json()["facts"]) == 2
        assert (await read(client, f"/history/{alert}", "employee-9", alert)).status_code == 404


async def test_k_09_pages_are_full_and_no_cursor_tells_of_what_is_not_shown() -> None:
    # Every other week is the seller's alone yet.
    weeks = [found(WEEK + timedelta(weeks=n), TODAY - timedelta(days=n % 2)) for n in range(6)]
    async with serving_alerts(*weeks) as (client, alerts):
        for path in ("/inbox/1", f"?owner={ME}", "?rule=overwork"):
            assert await paged(client, path, "employee-9", alerts) == [2, 1], path
        assert await paged(client, "/inbox/1", ME, alerts) == [2, 2, 2]
        # What is shown changes at midnight; the list, and where it goes on, do not.
        first = await read(client, "/inbox/1?limit=2", "employee-9", alerts[-1])
        after = f"/inbox/1?limit=2&cursor={first.json()['next_cursor']}"
        assert (await read(client, after, ME, alerts[-1])).status_code == 200


async def paged(client: AsyncClient, path: str, viewer: str, alerts: list[str]) -> list[int]:
    """Return how many are on each page of two, and check that none comes twice."""
    seen, sizes, cursor = set[str](), list[int](), ""
    join = "&" if "?" in path else "?"
    while cursor is not None:
        after = f"&cursor={cursor}" if cursor else ""
        told = (await read(client, f"{path}{join}limit=2{after}", viewer, alerts[-1])).json()
        cursor = told["next_cursor"]
        sizes.append(len(told["items"]))
        seen |= {one.get("card", one)["alert"] for one in told["items"]}
    assert len(seen) == sum(sizes)
    return sizes


@pytest.mark.parametrize(("until", "calls"), [(0, 0), (-1, 1)])
async def test_k_09_a_rule_that_is_tried_counts_what_all_may_be_told(
    until: int, calls: int
) -> None:
    this_week = found(own_until=TODAY + timedelta(days=until))
    async with serving_alerts(this_week) as (client, _):
        told = (await client.post("/alerts/dry-run", json={"rule": "overwork", "days": 0})).json()
    counted = ("facts", "subjects", "now", "then")
    assert [told[name] for name in counted] == [calls] * len(counted)


async def _named(client: AsyncClient, alert: str, week: date) -> None:
    """Read one's own alert until what it is about is known, which no token of it says."""
    until, card = SystemClock().now() + timedelta(seconds=20), dict[str, Any]()
    while not (card.get("name") and card["what"]) and SystemClock().now() < until:
        answer = await read(client, f"/{alert.removeprefix('alert-')}", ME, alert)
        assert answer.status_code == 200, answer.text
        card = answer.json()
    assert (card["rule"], card["subject"], card["name"]) == ("overwork", ME, "Ada")
    assert card["what"] == f"420 minutes in the week of {week}; at most 300 are wanted"
