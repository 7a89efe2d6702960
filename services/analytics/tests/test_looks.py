"""Who looked at whose figures, as those can see (N-13)."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.analytics.looks import Look, LookAt, decide_look, evolve_look, look_of
from services.analytics.main import domain
from services.analytics.tests.world import KIM, LEE, World
from shared.events.analytics import FiguresLookedAt
from shared.reading import Token
from shared.testing import check_decider, facts, given

HAN = "employee-han"
DAY = date(2026, 3, 2)
decider = domain.deciders["look"]


def look(*of: str) -> LookAt:
    return LookAt(viewer=HAN, report="/analytics/workload", of=of, on=DAY)


@for_all(
    st.lists(facts(FiguresLookedAt), max_size=4),
    st.lists(st.sampled_from([look(KIM), look(KIM, LEE), look(HAN)]), max_size=4),
)
def test_n_13_any_facts_evolve_and_nothing_is_done_twice(
    history: list[Any], asked: list[Any]
) -> None:
    check_decider(decider, history, asked)


def test_n_13_a_look_is_told_once_a_day_of_each_whom_it_shows() -> None:
    first = FiguresLookedAt(viewer=HAN, report="/analytics/workload", of=(KIM,), on=DAY)
    given(decider).when(look(KIM)).then(first)
    given(decider, first).when(look(KIM)).then_nothing()
    given(decider, first).when(look(KIM, LEE)).then(first.model_copy(update={"of": (LEE,)}))
    given(decider).when(look(HAN)).then_nothing()
    assert evolve_look(Look(), first) == Look(frozenset({KIM}))
    assert decide_look(Look(frozenset({KIM})), look(KIM)) == []


async def looks(world: World, of: str, report: str) -> list[tuple[str, str]]:
    stream = look_of(HAN, f"/analytics/{report}", world.runtime.today)
    headers = {"X-At-Least": Token(stream, 1).encode()}
    answer = await world.client.get(
        f"/analytics/looks/{of.removeprefix('employee-')}", headers=headers
    )
    assert answer.status_code == 200, answer.text
    return [
        (one["viewer"], one["report"]) for month in answer.json()["items"] for one in month["looks"]
    ]


async def test_n_13_who_asks_for_figures_of_somebody_is_seen_by_them(world: World) -> None:
    asked = {"by": "total", "seller": "kim"}
    for _ in range(2):
        told = await world.client.get("/analytics/pipeline", params=asked, headers={"X-Actor": HAN})
        assert told.status_code == 200, told.text
    assert await looks(world, KIM, "pipeline") == [(HAN, "/analytics/pipeline")]
    assert await looks(world, LEE, "pipeline") == []


async def test_n_13_who_reads_rows_by_seller_has_looked_at_each_of_them(world: World) -> None:
    asked = {"by": "seller", "as_of": "2026-12-31"}
    await world.client.get("/analytics/pipeline", params=asked, headers={"X-Actor": HAN})
    for one in (KIM, LEE):
        assert await looks(world, one, "pipeline") == [(HAN, "/analytics/pipeline")]


async def test_n_13_whoever_is_named_as_owner_is_looked_at_like_any_seller(world: World) -> None:
    asked = {"owner": KIM}
    told = await world.client.get("/analytics/attainment", params=asked, headers={"X-Actor": HAN})
    assert told.status_code == 200, told.text
    assert await looks(world, KIM, "attainment") == [(HAN, "/analytics/attainment")]


async def test_n_13_a_page_that_is_no_json_shows_as_much(world: World) -> None:
    asked = {"unit": "unit-red", "day": "2026-03-06", "form": "html"}
    page = await world.client.get("/analytics/daily-report", params=asked, headers={"X-Actor": HAN})
    assert page.status_code == 200
    assert await looks(world, KIM, "daily-report") == [(HAN, "/analytics/daily-report")]


async def test_n_13_ones_own_figures_and_those_of_units_are_nobodys_look(world: World) -> None:
    own = {"by": "total", "seller": "kim"}
    await world.client.get("/analytics/pipeline", params=own, headers={"X-Actor": KIM})
    await world.client.get("/analytics/pipeline", params={"by": "team"}, headers={"X-Actor": HAN})
    await world.client.get("/analytics/pipeline", params=own)
    answer = await world.client.get("/analytics/looks/kim")
    assert answer.json()["items"] == []


async def test_n_13_whoever_cannot_be_a_colleague_breaks_no_report(world: World) -> None:
    named = (
        ("employee-$ {", "kim", 200),
        (HAN, "employee-$ {", 422),
        ("employee-", "kim", 200),
        (HAN, "", 422),
    )
    for viewer, seller, status in named:
        asked = {"by": "total", "seller": seller}
        headers = {"X-Actor": viewer}
        told = await world.client.get("/analytics/pipeline", params=asked, headers=headers)
        assert told.status_code == status, told.text


async def test_n_13_a_look_at_a_figure_of_the_company_is_noted(world: World) -> None:
    define = {"name": "Won", "expression": "won", "level": "seller"}
    told = await world.client.post("/analytics/kpis/Rate-2.0/define", json=define)
    headers = {"X-At-Least": told.json()["token"], "X-Actor": HAN}
    asked = {"from": "2026-01-01", "as_of": "2026-12-31"}
    path = "/analytics/kpis/Rate-2.0/values"
    values = await world.client.get(path, params=asked, headers=headers)
    assert values.status_code == 200, values.text
    assert (HAN, path) in await looks(world, KIM, "kpis/Rate-2.0/values")
