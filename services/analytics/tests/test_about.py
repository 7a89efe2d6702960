"""N-13: how much is held about somebody, as the figures have it."""

from __future__ import annotations

import pytest

from services.analytics.about import HELD, Held, index
from services.analytics.tests.world import World, on
from shared.events.analytics import KpiCoached
from shared.reading import Token
from shared.testing import recorded


async def test_n_13_what_is_or_was_ones_own_is_counted(world: World) -> None:
    items = (await world.get("about/kim"))["items"]
    counts = {one["name"]: one["count"] for one in items}
    assert (counts["deals"], counts["touches"], counts["issues"], counts["entries"]) == (3, 1, 0, 0)
    lee = {one["name"]: one["count"] for one in (await world.get("about/lee"))["items"]}
    assert (lee["deals"], lee["touches"], lee["looks"]) == (1, 0, 0)


async def test_n_13_each_talk_about_a_figure_stands_there_and_opens(world: World) -> None:
    held = KpiCoached(
        kpi="kpi-won",
        coach="employee-han",
        of="employee-kim",
        period="2026-03",
        facts="2",
        on=on("04-01"),
    )
    await world.append(recorded(held, stream="review-r1"))
    headers = {"X-At-Least": Token("review-r1", 1).encode()}
    told = await world.client.get("/analytics/about/kim", headers=headers)
    assert told.status_code == 200, told.text
    (review,) = [one for one in told.json()["items"] if one["name"] == "review"]
    assert (await world.client.get(review["at"])).json()["of"] == "employee-kim"


async def test_n_13_however_many_talks_there_were_a_page_is_a_page(world: World) -> None:
    for number in range(7):
        held = KpiCoached(
            kpi="kpi-won", coach="employee-han", of="employee-kim", period="2026-03", facts="2"
        )
        await world.append(recorded(held, stream=f"review-p{number}"))
        headers = {"X-At-Least": Token(f"review-p{number}", 1).encode()}
        assert (await world.client.get("/analytics/about/kim", headers=headers)).status_code == 200
    whole = await world.get("about/kim", limit=200)
    assert len(whole["items"]) == len(HELD) + 7
    assert whole["next_cursor"] is None
    for limit in (3, len(HELD) - 1, len(HELD), len(HELD) + 6, len(HELD) + 7):
        page = await world.get("about/kim", limit=limit)
        items = page["items"]
        while page["next_cursor"] is not None:
            assert len(page["items"]) == limit
            page = await world.get("about/kim", limit=limit, cursor=page["next_cursor"])
            items += page["items"]
        assert items == whole["items"], limit
    lees = await world.client.get(
        "/analytics/about/lee",
        params={"cursor": (await world.get("about/kim", limit=3))["next_cursor"]},
    )
    assert lees.status_code == 422


FIGURES = [one for one in HELD if one.address.startswith("/analytics/") and one.name != "looks"]


@pytest.mark.parametrize("held", FIGURES, ids=lambda one: str(one.name))
async def test_k_09_a_figure_says_the_same_to_its_seller_and_to_a_leader(
    world: World, held: Held
) -> None:
    addresses = {one["name"]: one["at"] for one in index("employee-kim", {})}
    at_least = {"X-At-Least": Token("opportunity-1", 2).encode()}
    own, shown = [
        await world.client.get(str(addresses[held.name]), headers=at_least | {"X-Actor": who})
        for who in ("employee-kim", "employee-han")
    ]
    assert own.status_code == 200, own.text
    assert shown.json() == own.json()
