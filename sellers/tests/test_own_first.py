"""K-09: what others see of a seller, the seller sees first, and never less of it.

Same numbers means: at the same token no page shows a leader anything that the seller's own page
does not show. First means: what to improve is the seller's alone for some days, and a figure needs
no release by anybody before its seller sees it.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from sellers.node import MODULES
from sellers.tests.admitted import Platform
from services.analytics.about import HELD
from services.calendar.judging import judge, week_over
from shared.clock import SystemClock
from shared.events.alerts import AlertRaisedToSelf
from shared.events.calendar import OverworkFound
from shared.settings import Settings

# To nobody but the seller: not even whom they are led by.
ALONE = ("looks",)
PAGES = [one.name for one in HELD if one.name not in ALONE]
# Says to others until when something is not told to them.
WITHHELD = "withheld_until"
# Where facts and views are given on as they are: to systems, and to who runs the platform.
FEEDS = (
    *("/events", "/events?topic=alerts", "/views/alert_card/changes", "/trace/overwork-bob"),
    *("/webhooks", "/parked", "/views", "/data-diet"),
)


def more(shown: Any, own: Any, place: str = "") -> list[str]:
    """Name what is shown that is not, or otherwise, on one's own page."""
    if isinstance(shown, dict) and isinstance(own, dict):
        names = shown.keys() - {WITHHELD}
        return [
            why for name in names for why in more(shown[name], own.get(name), f"{place}/{name}")
        ]
    if isinstance(shown, list) and isinstance(own, list):
        return [f"{place}: {one}" for one in shown if one not in own]
    return [] if shown is None or shown == own else [f"{place}: {shown!r}, own {own!r}"]


def _evening() -> datetime:
    """Yesterday at eight in the evening where the company is."""
    today = SystemClock().now().astimezone(Settings().zone)
    return (today - timedelta(days=1)).replace(hour=20, minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
async def token(platform: Platform) -> str:
    """A meeting of ada's in the evening that began late, which is something to improve."""
    start = _evening()
    plan = {
        "seller": "employee-ada",
        "title": "Trial run",
        "category": "customer",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=1)).isoformat(),
    }
    await platform.done("ada", "/calendar/entries/trial/plan", plan)
    done = {
        "started_at": (start + timedelta(minutes=30)).isoformat(),
        "ended_at": (start + timedelta(hours=2)).isoformat(),
    }
    told = await platform.done("ada", "/calendar/entries/trial/done", done)
    await platform.folded()
    return str(told["token"])


@pytest.mark.parametrize("name", PAGES)
async def test_k_09_nobody_is_shown_more_than_the_seller_at_the_same_token(
    platform: Platform, token: str, name: str
) -> None:
    items = (await platform.get("ada", "/analytics/about/ada")).json()["items"]
    (path,) = [one["at"] for one in items if one["name"] == name]
    at_least = token if path.startswith("/calendar") else ""
    own = await platform.get("ada", path, at_least)
    assert own.status_code == 200, own.text
    for leader in ("park", "kim"):
        shown = await platform.get(leader, path, at_least)
        assert shown.status_code == 200, shown.text
        assert more(shown.json(), own.json()) == []


async def test_k_09_what_to_improve_is_the_sellers_alone_at_first(
    platform: Platform, token: str
) -> None:
    day = _evening().date()
    path = f"/calendar/improvement?seller=employee-ada&first={day}&last={day}"
    own = (await platform.get("ada", path, token)).json()
    shown = (await platform.get("park", path, token)).json()
    assert (own["areas"] != [], own[WITHHELD]) == (True, None)
    assert (shown["areas"], shown[WITHHELD] is None) == ([], False)
    # The numbers are the same for both.
    assert (shown["now"], shown["before"]) == (own["now"], own["before"])
    assert sum(own["now"][f"{when}_minutes"] for when in ("evening", "weekend", "holiday")) > 0


async def test_k_09_too_much_work_is_an_alert_to_the_seller_alone_at_first(
    platform: Platform,
) -> None:
    monday = await _worked_too_much(platform)
    (alert,) = await _alerted(platform)
    assert (alert["rule"], alert["owner"]) == ("overwork", "employee-bob")
    await platform.folded()
    week = f"first={monday}&last={monday}&seen=true"
    lists = [
        *("/alerts/inbox/bob", "/alerts?owner=employee-bob"),
        f"/calendar/overwork?seller=employee-bob&{week}",
    ]
    one = f"/alerts/{alert['alert'].removeprefix('alert-')}"
    facts = [one, f"/alerts/history/{alert['alert']}", "/calendar/history/overwork-bob"]
    assert [len(await _items(platform, "bob", path)) for path in lists] == [1, 1, 1]
    assert [(await platform.get("bob", path)).status_code for path in facts] == [200, 200, 200]
    team = f"/calendar/overwork?unit=unit-team-1&{week}"
    for leader in ("park", "kim"):
        shown = [await _items(platform, leader, path) for path in (*lists, team)]
        assert shown == [[], [], [], []]
        assert [(await platform.get(leader, path)).status_code for path in facts] == [404, 404, 404]
        # Facts as they lie in the log are for systems, and say themselves how long they are own.
        assert {(await platform.get(leader, path)).status_code for path in FEEDS} == {403}
    assert await _items(platform, "kim", "/alerts?rule=overwork") == []
    tried = (await platform.post("kim", "/alerts/dry-run", {"rule": "overwork", "days": 0})).json()
    assert (tried["facts"], tried["now"], tried["then"]) == (0, 0, 0)


async def _worked_too_much(platform: Platform) -> date:
    """Let bob work on three evenings of the last week that is over, and have it looked at twice."""
    zone = Settings().zone
    monday = week_over(SystemClock().now(), zone)
    for n in range(3):
        day = monday + timedelta(days=n)
        begin, end = (datetime.combine(day, time(hour), zone).isoformat() for hour in (19, 22))
        plan = {"seller": "employee-bob", "category": "reporting", "title": "Late"}
        entry = f"/calendar/entries/late-{n}"
        await platform.done("bob", f"{entry}/plan", {**plan, "starts_at": begin, "ends_at": end})
        await platform.done("bob", f"{entry}/done", {"started_at": begin, "ended_at": end})
    for _ in range(2):
        await judge(platform.runtimes["calendar"], _go_on)
    return monday


async def _items(platform: Platform, who: str, path: str) -> list[Any]:
    answer = await platform.get(who, path)
    assert answer.status_code == 200, (who, path, answer.text)
    return list(answer.json()["items"])


def test_k_09_no_published_view_says_what_is_somebodys_own_at_first() -> None:
    published = [p for module in MODULES for p in module.domain.projections if p.published]
    told = {OverworkFound, AlertRaisedToSelf}
    assert published
    assert [one.name for one in published if told & one.folds.keys()] == []


async def _go_on() -> bool:
    return True


async def _alerted(platform: Platform) -> list[Any]:
    """Return bob's alerts as soon as there are any: the timer of alerts looks every second."""
    until = SystemClock().now() + timedelta(seconds=20)
    while SystemClock().now() < until:
        items = (await platform.get("bob", "/alerts?owner=employee-bob")).json()["items"]
        if items:
            return list(items)
    return []
