"""K-09: what others see of a seller, the seller sees first, and never less of it.

Same numbers means: at the same token no page shows a leader anything that the seller's own page
does not show. First means: what to improve is the seller's alone for some days, and a figure needs
no release by anybody before its seller sees it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from sellers.tests.admitted import Platform
from services.analytics.about import HELD
from shared.clock import SystemClock
from shared.settings import Settings

# To nobody but the seller: not even whom they are led by.
ALONE = ("looks",)
PAGES = [one.name for one in HELD if one.name not in ALONE]
# Says to others until when something is not told to them.
WITHHELD = "withheld_until"


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
