"""What a company measures itself by, computed over all history, each value opened (N-02, N-03)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.analytics.kpi_measures import KPI_MEASURES, Scope, portions, term_of, terms
from services.analytics.measures import contributions, recompute
from services.analytics.pipeline import Per
from services.analytics.tests.histories import ZONE, histories
from services.analytics.tests.test_model import WIN_RATE
from services.analytics.tests.world import KIM, LEE, World, on
from services.analytics.tree import Organization
from shared.events import Envelope
from shared.events.opportunities import OpportunityDiscovered, OpportunityRevalued, StageAdvanced
from shared.testing import recorded


@pytest.mark.parametrize(
    ("per", "names"),
    [
        ("day", ["2026-12-30", "2026-12-31", "2027-01-01"]),
        ("week", ["2026-W53"]),
        ("month", ["2026-12", "2027-01"]),
        ("quarter", ["2026-Q4", "2027-Q1"]),
    ],
)
def test_periods_are_whole_and_follow_one_another(per: Per, names: list[str]) -> None:
    held = terms(per, date(2026, 12, 30), date(2027, 1, 1))
    assert [term.name for term in held] == names
    assert all(term_of(per, term.name) == term for term in held)
    for wrong in ("2026-13", "2026-W60", "2026-Q5", "x", ""):
        with pytest.raises(ValueError, match=r".*"):
            term_of(per, wrong)


# --- over HTTP

YEAR = {"as_of": "2026-12-31", "from": "2026-01-01"}


async def say(world: World, kpi: str, what: str, **told: Any) -> Any:
    answer = await world.client.post(f"/analytics/{kpi}/{what}", json=told)
    assert answer.status_code == 202, answer.text
    read = f"/analytics/{kpi}"
    token = answer.json()["token"]
    seen = await world.client.get(read, headers={"X-At-Least": token})
    assert seen.status_code == 200, seen.text
    return seen.json()


async def values(world: World, **query: Any) -> dict[tuple[str | None, str], dict[str, Any]]:
    asked = {**YEAR, **query}
    answer = await world.get("kpis/rate/values", **asked)
    return {(row["id"], row["period"]): row for row in answer["rows"]}


@pytest.fixture
async def rated(world: World) -> World:
    await say(
        world,
        *("kpis/rate", "define"),
        name="Win rate",
        expression=WIN_RATE,
        measured_in="percent",
        frequency="quarter",
        target="60",
        warns_at="55",
        alarms_at="30",
    )
    return world


async def test_n_02_putting_off_and_stages_are_told_of_a_product_too(world: World) -> None:
    for stream, product in (("opportunity-x", "product-x"), ("opportunity-y", "product-y")):
        discovered = OpportunityDiscovered(
            title="Chance",
            stage="Prospecting",
            owner=KIM,
            product=product,
            expected_close_on=on("02-01"),
            on=on("01-05"),
        )
        put_off = OpportunityRevalued(expected_close_on=on("02-08"), on=on("01-10"))
        moved = StageAdvanced(stage="Engaging", on=on("01-12"))
        await world.append(recorded(discovered, put_off, moved, stream=stream))
    await world.fold()
    told = {"name": "Days", "measured_in": "number", "frequency": "month", "direction": "down"}
    expression = "100 * pushes + 10 * passed + pushed_days"
    value: dict[str | None, str] = {}
    number = 0
    for product in (None, "product-x", "product-none"):
        for level in ("total", "seller"):
            more = {"expression": expression, "product": product, "level": level, **told}
            await say(world, *("kpis/rate", "define"), **more)
            number += 1
            rows = await values(world, as_of="2026-01-31", definition=number)
            key = {"total": "total", "seller": KIM}[level]
            value[f"{level} {product}"] = rows.get((key, "2026-01"), {}).get("value")
            asked = {"period": "2026-01", "key": key, "as_of": "2026-01-31", "definition": number}
            why = await world.get("kpis/rate/why", **asked)
            assert why["value"] == value[f"{level} {product}"] or not why["contributions"]
            left_out = {one["reason"]: one["count"] for one in why["left_out"]}
            assert (left_out.get("other_product", 0) > 0) == (product is not None)
    for level in ("total", "seller"):
        assert value[f"{level} None"] == "234.00"
        assert value[f"{level} product-x"] == "117.00"
        assert value[f"{level} product-none"] is None


async def test_n_02_a_new_definition_is_computed_over_all_history(rated: World) -> None:
    rows = await values(rated)
    told = {place: (row["value"], row["stands"]) for place, row in rows.items()}
    assert told[KIM, "2026-Q1"] == ("50.00", "warning")  # One was won, one was lost.
    assert told[KIM, "2026-Q2"] == (None, "unstated")
    assert told[LEE, "2026-Q2"] == ("100.00", "good")
    assert rows[KIM, "2026-Q1"]["measures"] == {"lost": "1", "won": "1"}


@pytest.mark.parametrize(
    ("level", "key", "value"),
    [
        ("team", "unit-red", "50.00"),
        ("division", "unit-east", "50.00"),
        ("company", "unit-all", "50.00"),
        ("total", "total", "50.00"),
    ],
)
async def test_by_level_it_belongs_to_where_its_seller_was(
    rated: World, level: str, key: str, value: str
) -> None:
    told = {
        "name": "Win rate",
        "expression": WIN_RATE,
        "measured_in": "percent",
        "frequency": "quarter",
    }
    await say(rated, "kpis/rate", "define", **told, level=level)
    rows = await values(rated, definition="2")
    assert rows[key, "2026-Q1"]["value"] == value


async def test_two_definitions_are_compared_and_switched_and_both_stay(rated: World) -> None:
    told = {"name": "Win rate", "measured_in": "number", "frequency": "quarter"}
    card = await say(rated, "kpis/rate", "define", **told, expression="won - lost")
    assert (card["active"], len(card["definitions"])) == (1, 2)
    asked = {"before": 1, "after": 2, "as_of": "2026-12-31", "from": "2026-01-01"}
    answer = await rated.get("kpis/rate/restatement", **asked)
    row = next(r for r in answer["rows"] if (r["id"], r["period"]) == (LEE, "2026-Q2"))
    assert [Decimal(row[name]) for name in ("before", "after", "difference")] == [100, 1, -99]
    assert (await values(rated))[LEE, "2026-Q2"]["value"] == "100.00"
    card = await say(rated, "kpis/rate", "switch", definition=2, reason="clearer")
    assert (card["active"], card["switched_because"]) == (2, "clearer")
    assert (await values(rated))[LEE, "2026-Q2"]["value"] == "1.00"
    assert (await values(rated, definition="1"))[LEE, "2026-Q2"]["value"] == "100.00"


async def test_every_value_opens_into_what_it_was_computed_from(rated: World) -> None:
    names = sorted(KPI_MEASURES)
    half, found = len(names) // 2, 0
    for number, some in (("2", names[:half]), ("3", names[half:])):
        told = {"name": "All", "frequency": "month", "level": "team"}
        await say(rated, "kpis/rate", "define", **told, expression=" + ".join(some))
        for (key, period), row in (await values(rated, definition=number)).items():
            named = {} if key is None else {"key": key}
            why = await rated.get(
                "kpis/rate/why", definition=number, period=period, as_of="2026-12-31", **named
            )
            assert (why["value"], why["total"]) == (row["value"], row["measures"])
            for name, amount in why["total"].items():
                parts = sum(Decimal(one.get(name, 0)) for one in why["contributions"])
                assert parts == Decimal(amount)
            found += len(why["contributions"])
    assert found


async def test_c_06_a_value_as_it_was_known(rated: World) -> None:
    early = await values(rated, known_at="2025-01-01T00:00:00Z")
    assert early == {}
    assert await values(rated, known_at="2100-01-01T00:00:00Z") == await values(rated)


async def test_c_06_a_value_as_it_was_known_is_by_the_definition_that_held_then(
    rated: World,
) -> None:
    then = datetime.now(UTC).isoformat()
    before = await rated.get("kpis/rate/values", known_at=then, **YEAR)
    held = (await rated.get("kpis/rate"))["active"]
    await say(rated, "kpis/rate", "define", name="Lost", expression="lost", level="total")
    after = await say(rated, "kpis/rate", "switch", definition=held + 1)
    assert after["active"] == held + 1
    again = await rated.get("kpis/rate/values", known_at=then, **YEAR)
    assert (again["definition"], again["rows"]) == (before["definition"], before["rows"])
    now = await rated.get("kpis/rate/values", **YEAR)
    assert now["definition"]["expression"] == "lost"
    asked = await rated.get("kpis/rate/values", known_at=then, definition=held + 1, **YEAR)
    assert asked["definition"]["expression"] == "lost"


async def test_n_03_reviews_stand_beside_the_figure(rated: World) -> None:
    told = {"kpi": "kpi-rate", "coach": "employee-han", "of": KIM, "period": "2026-Q1"}
    words = {"facts": "One of two.", "cause": "Late offers.", "actions": ["Offer in a week."]}
    answer = await rated.client.post("/analytics/kpi-reviews/1/hold", json={**told, **words})
    assert answer.status_code == 202, answer.text
    headers = {"X-At-Least": answer.json()["token"]}
    listed = await rated.client.get(
        "/analytics/kpis/rate/reviews", params={"of": KIM}, headers=headers
    )
    (review,) = listed.json()["items"]
    assert (review["coach"], review["cause"]) == ("employee-han", "Late offers.")


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("kpis/rate/values", {"definition": "7"}, "query/definition"),
        ("kpis/rate/values", {"from": "2027-01-01", "as_of": "2026-01-01"}, "query/from"),
        ("kpis/rate/values", {"from": "1500-01-01"}, "query/from"),
        ("kpis/rate/why", {"period": "2026-01"}, "query/period"),
        ("kpis/rate/restatement", {"before": "1", "after": "3"}, "query/definition"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_its_field(
    rated: World, path: str, query: dict[str, str], field: str
) -> None:
    answer = await rated.client.get(f"/analytics/{path}", params=query)
    assert answer.status_code in (404, 422)
    assert field in answer.text
    unknown = await rated.client.get("/analytics/kpis/none/values")
    assert unknown.status_code == 404


@pytest.mark.parametrize("as_of", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize(
    "path",
    [
        *("pipeline?by=age", "forecast?by=week", "attainment", "yield?by=quarter", "issues"),
        *("workload?by=week", "stages", "slippage?by=month", "forecast-ledger?by=quarter"),
        *("kpis/rate/values", "kpis/rate/restatement?before=1&after=1", "kpis/week/values"),
        *(
            "kpis/rate/why?period=0001-Q1",
            "kpis/rate/why?period=9999-Q4",
            "workload?from=0001-01-01",
            "growth?by=total",
            "growth?by=total&from=0001-01-01&to=0001-01-02",
            "growth?by=total&from=9999-12-01&to=9999-12-31",
            "losses",
            "losses?from=0001-01-01",
            "adoption?by=month",
            "adoption?by=month&from=9999-12-30&to=9999-12-31",
            "data-quality",
            "daily-report?seller=kim&day=0001-01-01",
            "daily-report?seller=kim&day=9999-12-31",
            "evaluation?of=employee-kim",
        ),
    ],
)
async def test_no_day_of_the_calendar_breaks_a_report(rated: World, path: str, as_of: str) -> None:
    told = {"name": "Touches", "expression": "touches", "frequency": "week"}
    await say(rated, "kpis/week", "define", **told)
    query = "&" if "?" in path else "?"
    answer = await rated.client.get(f"/analytics/{path}{query}as_of={as_of}")
    assert answer.status_code in (200, 422), answer.text


# --- over random histories


@for_all(histories(), st.sampled_from(["day", "week", "month", "quarter"]))
def test_values_are_the_sums_of_what_single_entities_add(
    found: list[list[Envelope]], per: Per
) -> None:
    entities, cells = recompute((fact for history in found for fact in history), ZONE)
    scope = Scope("seller", Organization({}), on("12-31"), "USD", called_off=frozenset())
    held = terms(per, on("01-01"), on("03-31"))
    whole: Counter[tuple[Any, ...]] = Counter()
    for key, term, name, amount in portions(KPI_MEASURES, scope, held, cells):
        whole[key, term, name] += amount
    parts: Counter[tuple[Any, ...]] = Counter()
    for entity in entities.values():
        for key, term, name, amount in portions(KPI_MEASURES, scope, held, contributions(entity)):
            parts[key, term, name] += amount
    assert {p: n for p, n in whole.items() if n} == {p: n for p, n in parts.items() if n}
