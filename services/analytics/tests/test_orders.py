"""What became of what was won: orders, contracts, deliveries, invoices as figures (X-01, O-12)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest

from services.analytics.cells import Cell
from services.analytics.defaults import AnalyticsDefaults
from services.analytics.main import build
from services.analytics.measures import recompute
from services.analytics.report_by import OrdersBy
from services.analytics.tests.histories import ZONE
from services.analytics.tests.world import KIM, LEE, World, company, found, on, won
from shared.events import Event, timestamp
from shared.events.contacts import CompanyDescribed, CompanyRegistered
from shared.events.opportunities import HandOffReported, OpportunityReassigned
from shared.reading import Token
from shared.testing import recorded

YEAR = {"from": "2026-01-01", "to": "2026-12-31", "as_of": "2026-12-31"}


def told(step: str, status: str, day: str, amount: str | None = None, **more: Any) -> Event:
    currency = None if amount is None else more.pop("currency", "USD")
    value = None if amount is None else Decimal(amount)
    return HandOffReported(
        step=step, status=status, amount=value, currency=currency, on=on(day), **more
    )


def so(status: str, day: str, amount: str | None = None, number: str = "SO-1") -> Event:
    return told("order", status, day, amount, reference=number)


def cells(*events: Event) -> dict[str, list[tuple[str, str, str, int]]]:
    """Return by measure what stands of hand-offs: who, which day it counts on, status, amount."""
    facts = recorded(*events, stream="opportunity-9")
    sums: dict[Cell, int] = {}
    for cell, amount in recompute(facts, ZONE)[1].items():
        if cell.axis == "hand_off":
            whole = Cell(cell.measure, cell.owner, cell.axis, cell.value, cell.credited or cell.day)
            sums[whole] = sums.get(whole, 0) + amount
    rows: dict[str, list[tuple[str, str, str, int]]] = {}
    for cell, amount in sorted(sums.items(), key=lambda one: str(one[0])):
        if amount:
            row = (cell.owner, f"{cell.day:%m-%d}", cell.value, amount)
            rows.setdefault(cell.measure, []).append(row)
    return rows


def test_of_each_number_the_newest_report_holds_on_the_day_it_was_told_first() -> None:
    deal = found(KIM, "01-05", company="company-p"), won("100", "02-01")
    orders = so("confirmed", "02-03", "100"), so("Changed ", "03-03", "120")
    assert cells(*deal, *orders) == {
        "order": [(KIM, "02-03", "product-x/company-p/changed", 1)],
        "order_USD": [(KIM, "02-03", "product-x/company-p/changed", 1_200_000)],
    }
    # Entered late it is as if it had been entered in time.
    assert cells(*deal, *reversed(orders)) == cells(*deal, *orders)
    both = cells(*deal, *orders, so("confirmed", "02-09", "5", "SO-2"))
    assert sum(amount for *_, amount in both["order_USD"]) == 1_250_000
    assert sum(amount for *_, amount in both["order"]) == 2


def test_a_status_that_says_no_amount_takes_none_away() -> None:
    deal = found(KIM, "01-05"), won("100", "02-01")
    assert cells(*deal, so("confirmed", "02-03", "100"), so("in delivery", "03-03")) == {
        "order": [(KIM, "02-03", "product-x//in delivery", 1)],
        "order_USD": [(KIM, "02-03", "product-x//in delivery", 1_000_000)],
    }


def test_whoever_had_it_on_that_day_is_credited() -> None:
    handed = OpportunityReassigned(owner=LEE, reason="handover", on=on("02-10"))
    before, after = so("a", "02-09", "1"), so("a", "02-11", "1", "SO-2")
    told_of = cells(found(KIM, "02-01"), handed, before, after)["order"]
    assert [(owner, day) for owner, day, *_ in told_of] == [(KIM, "02-09"), (LEE, "02-11")]
    # Whoever won it keeps the credit; who wrote it down late had it before.
    assert cells(found(KIM, "02-01"), won("1", "02-05"), handed, after)["order"][0][0] == KIM
    assert cells(found(KIM, "02-01"), so("a", "01-09", "1"))["order"][0][0] == KIM
    assert cells(before) == {}, "nobody knows of such an opportunity"


@pytest.fixture
async def handed_off(world: World) -> World:
    """Three deals of which the ERP says something: one is called off, one is of other money."""
    described = CompanyDescribed(stated_by="crm", sector="steel")
    await world.append(
        recorded(CompanyRegistered(name="P & Co."), described, stream="company-p")[1:]
    )
    read = {"X-At-Least": Token("company-p", 2).encode()}
    assert (await world.client.get("/analytics/pipeline", headers=read)).status_code == 200
    deals: dict[str, tuple[Event, ...]] = {
        "opportunity-h1": (
            found(KIM, "01-05", company="company-p"),
            won("200", "02-04"),
            so("confirmed", "02-06", "200"),
            told("contract", "signed", "02-10", "200", reference="C-1"),
            told("fulfilment", "shipped", "03-10", "120", reference="D-1"),
            told("fulfilment", "shipped", "04-10", "80", reference="D-2"),
            told("finance", "paid", "03-12", "120", reference="INV-1"),
            told("finance", "credited", "04-12", "-20", reference="INV-2"),
        ),
        "opportunity-h2": (
            found(LEE, "02-01"),
            won("50", "03-01"),
            so("confirmed", "03-02", "50", "SO-2"),
            so("Cancelled", "05-02", number="SO-2"),
        ),
        "opportunity-h3": (
            found(KIM, "03-01"),
            told("order", "confirmed", "05-02", "7000", currency="KRW"),
        ),
    }
    for stream, facts in deals.items():
        await world.append(recorded(*facts, stream=stream))
    await world.fold()
    return world


async def rows(world: World, **query: Any) -> dict[str | None, dict[str, Any]]:
    answer = await world.get("orders", **{**YEAR, **query})
    return {row["id"]: row for row in answer["rows"]}


def some(row: dict[str, Any], *names: str) -> list[Any]:
    return [row[name] for name in names]


VALUES = ("value_won", "value_ordered", "value_contracted", "value_fulfilled", "value_invoiced")
COUNTS = ("won", "orders", "contracts", "deliveries", "invoices", "called_off")


async def test_x_01_orders_and_invoices_stand_beside_what_was_won(handed_off: World) -> None:
    """The world's own deals were won for 100.5 and 50, and nobody told of their orders."""
    (total,) = (await rows(handed_off, by="total")).values()
    assert some(total, *VALUES) == ["400.5", "200", "200", "200", "100"]
    assert some(total, *COUNTS) == [4, 2, 1, 2, 2, 1]
    assert some(total, "ordered_share", "invoiced_share") == ["49.94", "24.97"]
    # Other currencies are beside, and never added.
    assert total["value_ordered_other"] == {"KRW": "7000"}
    assert "value_invoiced_other" not in total


@pytest.mark.parametrize(
    ("by", "key", "values"),
    [
        ("seller", KIM, ["300.5", "200", "200", "200", "100"]),
        ("seller", LEE, ["100", "0", "0", "0", "0"]),
        # From April on Kim was in another team: what came then is of that one.
        ("team", "unit-red", ["300.5", "200", "200", "120", "120"]),
        ("team", "unit-blue", ["0", "0", "0", "80", "-20"]),
        ("manager", "employee-han", ["300.5", "200", "200", "120", "120"]),
        ("region", "unit-east", ["300.5", "200", "200", "120", "120"]),
        ("our_company", "unit-all", ["300.5", "200", "200", "120", "120"]),
        ("product", "product-x", ["400.5", "200", "200", "200", "100"]),
        ("company", "company-p", ["300.5", "200", "200", "200", "100"]),
        ("segment", "steel", ["300.5", "200", "200", "200", "100"]),
        ("step", "won", ["400.5", "0", "0", "0", "0"]),
        ("step", "order", ["0", "200", "0", "0", "0"]),
        ("step", "finance", ["0", "0", "0", "0", "100"]),
        ("day", "2026-03-12", ["0", "0", "0", "0", "120"]),
        ("week", "2026-W11", ["0", "0", "0", "120", "120"]),
        ("month", "2026-02", ["300.5", "200", "200", "0", "0"]),
        ("quarter", "2026-Q2", ["50", "0", "0", "80", "-20"]),
    ],
)
async def test_they_are_told_by_whatever_is_asked(
    handed_off: World, by: str, key: str, values: list[str]
) -> None:
    assert some((await rows(handed_off, by=by))[key], *VALUES) == values


async def test_every_row_opens_into_facts_that_add_up_to_it(handed_off: World) -> None:
    for by in get_args(OrdersBy):
        for key, row in (await rows(handed_off, by=by)).items():
            asked = {"by": by} if key is None else {"by": by, "key": key}
            why = await handed_off.get("orders/why", **asked, **YEAR)
            assert why["total"].get("order", 0) == row["orders"], (by, key)
            assert why["total"].get("value_USD", 0) == Decimal(row["value_won"]) * 10_000
            assert why["total"].get("finance_USD", 0) == Decimal(row["value_invoiced"]) * 10_000
            assert all(one["facts"] for one in why["contributions"])
    history = await handed_off.get("orders/why", by="step", key="finance", **YEAR)
    (only,) = history["contributions"]
    assert (only["stream"], only["finance"], len(only["facts"])) == ("opportunity-h1", 2, 8)
    reasons = {one["reason"]: one["streams"] for one in history["left_out"]}
    assert "opportunity-h2" in reasons["other_row"]


async def test_as_of_a_day_it_is_as_it_was_told_by_then(handed_off: World) -> None:
    (april,) = (await rows(handed_off, by="total", as_of="2026-04-30")).values()
    assert some(april, "orders", "value_ordered", "called_off") == [2, "250", 0]
    why = await handed_off.get(
        "orders/why", by="total", key="total", **{**YEAR, "as_of": "2026-03-11"}
    )
    assert (why["total"]["fulfilment"], "finance" in why["total"]) == (1, False)
    (march,) = (await rows(handed_off, by="total", as_of="2026-03-11")).values()
    assert some(march, "value_fulfilled", "value_invoiced") == ["120", "0"]
    (later,) = (await rows(handed_off, by="total", **{"from": "2026-04-01"})).values()
    assert some(later, *VALUES) == ["50", "0", "0", "80", "-20"]
    of_kim = await rows(handed_off, by="total", seller=KIM)
    assert some(of_kim["total"], "value_ordered", "orders") == ["200", 2]
    of_red = await rows(handed_off, by="total", unit="unit-red")
    assert some(of_red["total"], "value_fulfilled") == ["120"]
    (known,) = (
        await rows(handed_off, by="total", known_at=timestamp(handed_off.runtime.clock.now()))
    ).values()
    assert known == (await rows(handed_off, by="total"))["total"]


async def test_what_is_called_off_is_decided_when_it_is_asked(handed_off: World) -> None:
    """The same facts, folded once, by another company's words for it."""
    chosen = AnalyticsDefaults(hand_off_called_off=("PAID ", "credited"))
    handed_off.runtime.domain = build(chosen)
    (total,) = (await rows(handed_off, by="total")).values()
    assert some(total, "orders", "value_ordered", "value_invoiced", "called_off") == [
        3,
        "250",
        "0",
        2,
    ]
    why = await handed_off.get("orders/why", by="total", key="total", **YEAR)
    assert why["total"]["called_off"] == 2


async def test_a_company_measures_itself_by_real_revenue(handed_off: World) -> None:
    values = {}
    for name, expression in {
        "revenue": "invoiced_value",
        "rate": "100 * ordered_value / won_value",
        "invoices": "invoices + orders",
    }.items():
        defined = {"name": name, "expression": expression, "frequency": "quarter"}
        answer = await handed_off.client.post(f"/analytics/kpis/{name}/define", json=defined)
        assert answer.status_code < 300, answer.text
        read = {"X-At-Least": answer.json()["token"]}
        told_of = await handed_off.client.get(
            f"/analytics/kpis/{name}/values", params=YEAR, headers=read
        )
        values[name] = {(row["id"], row["period"]): row["value"] for row in told_of.json()["rows"]}
        why = await handed_off.get(f"kpis/{name}/why", period="2026-Q1", key=KIM, **ASKED)
        assert why["value"] == values[name][KIM, "2026-Q1"]
    assert values["revenue"][KIM, "2026-Q1"] == "120.00"
    assert values["revenue"][KIM, "2026-Q2"] == "-20.00"
    assert values["rate"][KIM, "2026-Q1"] == "66.56"
    assert values["rate"][LEE, "2026-Q1"] == "0.00"
    assert values["invoices"][KIM, "2026-Q2"] == "2.00"
    left_out = await handed_off.get("kpis/rate/why", period="2026-Q1", key="employee-none", **ASKED)
    assert left_out["value"] is None


ASKED = {"as_of": "2026-12-31"}


async def test_of_a_product_and_of_nothing_else(handed_off: World) -> None:
    """A figure of one product counts what was ordered of that product and not called off."""
    never = found(LEE, "02-01"), so("Rejected", "02-20", "70", "SO-4")
    await handed_off.append(recorded(*never, stream="opportunity-h4"))
    await handed_off.fold()
    for product, value in (("product-x", "200.00"), ("product-y", None)):
        name = product.partition("-")[2]
        defined = {
            "name": name,
            "expression": "ordered_value",
            "frequency": "quarter",
            "level": "total",
            "product": product,
        }
        answer = await handed_off.client.post(f"/analytics/kpis/{name}/define", json=defined)
        read = {"X-At-Least": answer.json()["token"]}
        query = {**YEAR, "to": "2026-03-31"}
        told_of = await handed_off.client.get(
            f"/analytics/kpis/{name}/values", params=query, headers=read
        )
        assert [row["value"] for row in told_of.json()["rows"]] == ([value] if value else [])
    why = await handed_off.get("kpis/y/why", period="2026-Q1", key="total", **ASKED)
    assert why["contributions"] == []
    reasons = {one["reason"]: one["streams"] for one in why["left_out"]}
    assert set(reasons["other_product"]) == {f"opportunity-h{n}" for n in (1, 2, 3, 4)}
    called_off = await handed_off.get("kpis/x/why", period="2026-Q1", key="total", **ASKED)
    reasons = {one["reason"]: one["streams"] for one in called_off["left_out"]}
    assert (reasons["called_off"], reasons["no_longer"]) == (["opportunity-h4"], ["opportunity-h2"])
    assert reasons["other_currency"] == ["opportunity-h3"]


async def test_nobody_won_anything_and_nothing_is_a_share_of_it() -> None:
    async with company() as world:
        deal = found(KIM, "05-02"), so("confirmed", "05-03", "10")
        await world.append(recorded(*deal, stream="opportunity-h9"))
        await world.fold()
        (row,) = (await rows(world, by="day", **{"from": "2026-05-03"})).values()
        assert some(row, "value_ordered", "ordered_share", "invoiced_share") == ["10", None, None]
