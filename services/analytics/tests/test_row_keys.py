"""Which rows can be: those come to nothing at most, and of others whoever asks is told so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.kpi_measures import term_of
from services.analytics.row_keys import PERIODS
from services.analytics.tests.world import KIM, World, on, opened
from shared.events.analytics import KpiDefined
from shared.events.issues import IssueRegistered
from shared.events.opportunities import OpportunityDiscovered, StageAdvanced
from shared.reading import Token
from shared.testing import recorded


@pytest.fixture
async def told(world: World) -> World:
    case = IssueRegistered(kind="complaint", words="Late.", on=on("06-01"), status="new")
    await world.append(recorded(case, stream="issue-1"))
    defined = KpiDefined(
        definition=1,
        name="Won",
        measured_in="number",
        expression="won",
        frequency="month",
        level="team",
        direction="up",
    )
    await world.append(recorded(defined, stream="kpi-won"))
    await world.fold()
    headers = {"X-At-Least": Token("kpi-won", 1).encode()}
    assert (await world.client.get("/analytics/kpis/won", headers=headers)).status_code == 200
    return world


NO_ROW: tuple[tuple[str, dict[str, Any], int, str], ...] = (
    ("inflow/why", {"per": "week", "key": "2026-W99"}, 422, "query/key"),
    ("inflow/why", {"per": "month", "key": "2026-Q1"}, 422, "query/key"),
    ("inflow/why", {"per": "quarter", "key": "99999999999999-Q1"}, 422, "query/key"),
    ("touches/why", {"by": "week", "key": "2026-W99"}, 422, "query/key"),
    ("touches/why", {"by": "week"}, 422, "query/key"),
    ("touches/why", {"by": "team", "key": "Nobody"}, 404, "query/key"),
    ("workload/why", {"by": "category", "key": "fun"}, 422, "query/key"),
    ("why", {"by": "stage", "key": "Nonsense"}, 404, "query/key"),
    ("why", {"by": "stage", "key": "Nonsense", "as_of": "1999-01-01"}, 404, "query/key"),
    ("why", {"by": "stage", "key": ""}, 404, "query/key"),
    ("why", {"by": "age", "key": "7 months"}, 422, "query/key"),
    ("why", {"by": "quality", "key": "good"}, 422, "query/key"),
    ("why", {"by": "total", "key": "sum"}, 422, "query/key"),
    ("why", {"by": "total"}, 422, "query/key"),
    ("why", {"by": "segment", "key": "none"}, 404, "query/key"),
    ("why", {"by": "product", "key": "Red"}, 404, "query/key"),
    ("why", {"by": "seller", "key": "unit-red"}, 404, "query/key"),
    ("why", {"by": "seller", "key": KIM, "seller": "<b>"}, 422, "query/seller"),
    ("pipeline", {"seller": "a b"}, 422, "query/seller"),
    # Of nobody there are no figures, rather than figures of nothing.
    ("pipeline", {"seller": "nobody"}, 404, "query/seller"),
    ("workload", {"seller": "employee-nobody"}, 404, "query/seller"),
    ("workload", {"unit": "unit-nowhere"}, 404, "query/unit"),
    ("stages", {"stage": "Nonsense"}, 404, "query/stage"),
    ("stages/why", {"by": "total", "key": "total", "stage": "Nonsense"}, 404, "query/stage"),
    ("slippage", {"product": "product-nothing"}, 404, "query/product"),
    ("slippage", {"product": "Product X"}, 422, "query/product"),
    ("attainment", {"product": "product-nothing"}, 404, "query/product"),
    ("attainment", {"product": "x"}, 422, "query/product"),
    ("attainment", {"owner": "nobody"}, 404, "query/owner"),
    ("attainment", {"unit": "red"}, 422, "query/unit"),
    ("evaluation", {"of": "employee-nobody"}, 404, "query/of"),
    ("evaluation", {"of": "employee-a b"}, 422, "query/of"),
    ("touches/why", {"by": "team", "key": "Red", "unit": "unit-nowhere"}, 404, "query/unit"),
    ("forecast/why", {"by": "day", "key": "2026-02-30"}, 422, "query/key"),
    ("yield/why", {"by": "month", "key": "2026-13"}, 422, "query/key"),
    ("issues/why", {"by": "severity", "key": "awful"}, 422, "query/key"),
    ("issues/why", {"by": "status", "key": "nowhere"}, 404, "query/key"),
    ("issues/why", {"by": "move", "key": "new"}, 404, "query/key"),
    ("growth/why", {"by": "company", "key": "Nobody Ltd."}, 404, "query/key"),
    ("losses/why", {"key": "sleep"}, 422, "query/key"),
    ("orders/why", {"by": "step", "key": "delivery"}, 422, "query/key"),
    ("orders/why", {"by": "our_company", "key": "P & Co."}, 404, "query/key"),
    ("orders/why", {"by": "month", "key": "2026-Q1"}, 422, "query/key"),
    ("stages/why", {"key": "Nonsense"}, 404, "query/key"),
    ("slippage/why", {"by": "quarter", "key": "2026-Q0"}, 422, "query/key"),
    ("forecast-ledger/why", {"by": "roll_up", "key": "nothing"}, 404, "query/key"),
    ("data-quality/why", {"by": "kind", "key": "touch"}, 422, "query/key"),
    ("adoption/why", {"by": "week", "key": "2026-W54"}, 422, "query/key"),
    ("kpis/won/why", {"period": "2026-01", "key": "Nobody", "definition": 1}, 404, "query/key"),
    ("kpis/won/why", {"period": "99999999999999-Q1", "definition": 1}, 422, "query/period"),
)
EMPTY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("inflow/why", {"per": "week", "key": "1999-W01"}),
    ("touches/why", {"by": "team", "key": "unit-none"}),
    ("touches/why", {"by": "team"}),
    ("why", {"by": "stage", "key": "Engaging", "as_of": "1999-01-01"}),
    ("why", {"by": "product", "key": "product-none"}),
    ("why", {"by": "age", "key": "12+ months", "as_of": "1999-01-01"}),
    ("why", {"by": "seller", "key": "employee-none"}),
    ("why", {"by": "seller", "key": "김", "seller": "han"}),
    ("workload/why", {"by": "category", "key": "travel"}),
    ("issues/why", {"by": "severity", "key": "critical"}),
    ("issues/why", {"by": "status", "key": "new", "as_of": "1999-01-01"}),
    ("losses/why", {"key": "missed"}),
    ("orders/why", {"by": "step", "key": "contract"}),
    ("stages/why", {"key": "Engaging", "to": "1999-01-01"}),
    ("adoption/why", {"by": "week", "key": "2026-W01", "from": "2026-01-01"}),
    ("kpis/won/why", {"period": "1999-01", "key": "Red", "definition": 1}),
)


@pytest.mark.parametrize(("path", "query", "status", "field"), NO_ROW)
@pytest.mark.parametrize("known", [{}, {"known_at": "2100-01-01T00:00:00Z"}])
async def test_of_a_row_that_cannot_be_whoever_asks_is_told_so(
    told: World, path: str, query: dict[str, str], status: int, field: str, known: dict[str, str]
) -> None:
    answer = await told.client.get(f"/analytics/{path}", params=query | known)
    assert answer.status_code == status, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(("path", "query"), EMPTY)
async def test_a_row_that_can_be_and_is_empty_comes_to_nothing(
    told: World, path: str, query: dict[str, str]
) -> None:
    total = (await told.get(path, **query))["total"]
    assert not any(amount for amount in total.values() if amount != "0"), total


@given(
    st.sampled_from(sorted(PERIODS)),
    st.text(max_size=12) | st.from_regex(r"[0-9]{1,9}-[QW]?[0-9]+"),
)
def test_any_text_is_a_period_or_none(per: Any, name: str) -> None:
    assert not PERIODS[per].fits(name) or term_of(per, name).name == name


async def test_what_something_is_counted_of_is_known_though_nobody_named_it() -> None:
    past = OpportunityDiscovered(
        title="Ten", stage="Sensing", owner="employee-un", on=on("01-05"), product="product-un"
    )
    facts = recorded(past, StageAdvanced(stage="Closing", on=on("02-01")), stream="opportunity-1")
    async with opened() as world:
        await world.append(facts)
        await world.fold()
        for asked in ({"stage": "Sensing"}, {"product": "product-un"}, {"seller": "employee-un"}):
            for known in ({}, {"known_at": "2100-01-01T00:00:00Z"}):
                rows = (await world.get("stages", **asked, **known, to="2026-12-31"))["rows"]
                assert [(row["key"], row["passed"]) for row in rows] == [("Sensing", 1)]
