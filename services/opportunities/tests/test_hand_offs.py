"""What an ERP tells of what was won, and what does not fit (O-12, X-01)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date
from decimal import Decimal
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.opportunities.defaults import OpportunitiesDefaults
from services.opportunities.hand_off_events import Reading
from services.opportunities.main import build, domain, router
from services.opportunities.record.commands import ReportHandOff
from services.opportunities.record.hand_offs import HandOffCard, hand_off_card, reconciled
from shared.errors import InvalidError
from shared.events import Envelope, Event
from shared.events.opportunities import (
    HandOffReported,
    OpportunitiesEvent,
    OpportunityDiscovered,
    OpportunityReopened,
    OpportunityWon,
    OutcomeCorrected,
)
from shared.testing import check_projection, given, histories, recorded, serving

MONDAY, FRIDAY, LATER = date(2026, 1, 5), date(2026, 1, 9), date(2026, 2, 9)
CHANCE = OpportunityDiscovered(title="펌프", stage="Prospecting", owner="employee-1", on=MONDAY)
WON = OpportunityWon(value=Decimal("100.50"), currency="KRW", on=FRIDAY)
TERMS = OpportunitiesDefaults().hand_off_terms
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def came(step: str, status: str, **more: Any) -> HandOffReported:
    return HandOffReported(step=step, status=status, **{"on": FRIDAY, "system": "/erp", **more})


def card_of(*told: Event) -> HandOffCard:
    return check_projection(hand_off_card, [recorded(*told, stream="opportunity-1")])[
        "opportunity-1"
    ]


def found(*told: Event, today: date = FRIDAY) -> tuple[str, list[tuple[str, str]]]:
    said = reconciled(card_of(*told), TERMS, today)
    return said.state, [(finding.what, finding.step) for finding in said.findings]


ORDER = came("order", "confirmed", reference="SO-1", amount=Decimal("100.50"), currency="KRW")


@for_all(histories({"opportunity": OpportunitiesEvent}), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    check_projection(hand_off_card, told, seed=seed)


def test_what_was_won_waits_for_its_order_and_then_misses_it() -> None:
    assert found(CHANCE, WON) == ("waiting", [])
    assert found(CHANCE, WON, today=LATER) == ("missing", [("missing", "order")])
    assert found(CHANCE, WON, ORDER, today=LATER) == ("matched", [])


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ((CHANCE, ORDER), ("not_won", "order")),
        ((CHANCE, WON, ORDER, OpportunityReopened(stage="x", on=LATER)), ("not_won", "order")),
        ((CHANCE, WON, came("order", " Cancelled ")), ("called_off", "order")),
        (
            (CHANCE, WON, came("order", "ok", amount=Decimal(100), currency="KRW")),
            ("value_differs", "order"),
        ),
        (
            (CHANCE, WON, came("order", "ok", amount=Decimal("100.50"), currency="USD")),
            ("currency_differs", "order"),
        ),
        ((CHANCE, WON, came("finance", "invoiced")), ("without_order", "finance")),
        (
            (
                CHANCE,
                WON,
                ORDER,
                OutcomeCorrected(
                    value=Decimal(90), currency="KRW", reason="source_changed", on=FRIDAY
                ),
            ),
            ("value_differs", "order"),
        ),
    ],
)
def test_what_contradicts_is_named(told: tuple[Event, ...], what: tuple[str, str]) -> None:
    state, findings = found(*told)
    assert (state, findings) == ("contradicts", [what])


def test_the_newest_status_of_a_step_counts_however_late_it_is_entered() -> None:
    off, on_again = came("order", "cancelled"), came("order", "confirmed", on=LATER)
    assert found(CHANCE, WON, off, on_again)[0] == "matched"
    assert found(CHANCE, WON, on_again, off)[0] == "matched"
    assert found(CHANCE, ORDER, came("order", "cancelled", on=LATER))[1] == []


def test_a_part_is_delivered_and_invoiced_without_a_word() -> None:
    part = came("finance", "invoiced", amount=Decimal(50), currency="KRW")
    assert found(CHANCE, WON, ORDER, part) == ("matched", [])


def test_each_line_opens_into_the_facts_of_both_sides() -> None:
    told = recorded(CHANCE, WON, came("order", "cancelled"), stream="opportunity-1")
    card = hand_off_card.replay(told)["opportunity-1"]
    line = reconciled(card, TERMS, FRIDAY)
    assert line.sent == told[1].id
    assert line.findings[0].facts == (told[1].id, told[2].id)
    assert line.opens == "/opportunities/history/opportunity-1"


def test_an_amount_has_a_currency() -> None:
    decider = domain.decider("opportunity-1")
    half = ReportHandOff(step="order", status="ok", amount=Decimal(1), on=FRIDAY)
    given(decider, CHANCE, WON).when(half).then_refused(InvalidError)
    whole = half.model_copy(update={"currency": "KRW"})
    told = HandOffReported(step="order", status="ok", amount=Decimal(1), currency="KRW", on=FRIDAY)
    given(decider, CHANCE, WON).when(whole).then(told)
    given(decider, CHANCE, WON, told).when(whole).then_nothing()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)
PARTS = ("opportunity", "order", "status", "reference", "amount", "currency", "on")
EVENTS = st.fixed_dictionaries(
    {"specversion": st.just("1.0"), "type": st.just("erp.order_status.v1")},
    optional={
        "id": JSON | st.just("1"),
        "source": JSON | st.just("/erp"),
        "subject": JSON | st.just("opportunity-1"),
        "time": JSON | st.just("2026-01-05T00:00:00Z"),
        "data": JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(PARTS, JSON)),
    },
)


@for_all(EVENTS | JSON)
def test_whatever_comes_is_read_or_told_why_not(sent: Any) -> None:
    reading = Reading(OpportunitiesDefaults().hand_off_events, UTC)
    found = reading.read(sent, "#/0")
    assert (found.command is None) != (found.problem is None)
    if found.problem is not None:
        assert found.problem["status"] in (404, 422)
        assert all(error["pointer"].startswith("#/0") for error in found.problem["errors"])


# --- over HTTP


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def post(client: AsyncClient, path: str, body: Any) -> Any:
    answer = await client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def sold(client: AsyncClient, name: str = "1", value: str = "100.50") -> str:
    told = {"title": "Pump", "stage": "Prospecting", "on": "2026-01-05"}
    await post(client, f"/opportunities/{name}/discover", told)
    won = {"value": value, "currency": "KRW", "on": "2026-01-09"}
    token: str = (await post(client, f"/opportunities/{name}/win", won))["token"]
    return token


def event(name: str, data: Any, kind: str = "order_status", **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": "/erp/seoul",
        "type": f"erp.{kind}.v1",
        "data": data,
        **more,
    }


async def send(client: AsyncClient, body: Any, kind: str = STRUCTURED) -> Response:
    return await client.post(
        "/opportunities/hand-offs", content=_json(body), headers={"content-type": kind}
    )


def _json(body: Any) -> bytes:
    import orjson

    return body if isinstance(body, bytes) else orjson.dumps(body)


async def rows(client: AsyncClient, token: str, query: str = "today=2026-01-10") -> Any:
    answer = await client.get(
        f"/opportunities/reconciliation?{query}", headers={"X-At-Least": token}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


CONFIRMED = {"status": "confirmed", "reference": "SO-1", "amount": "100.50", "currency": "KRW"}


async def test_an_order_comes_back_and_is_reconciled(client: AsyncClient) -> None:
    token = await sold(client)
    told = await rows(client, token)
    assert told["counts"] == {"matched": 0, "waiting": 1, "missing": 0, "contradicts": 0}
    sent = event("1", CONFIRMED | {"opportunity": "opportunity-1"}, time="2026-01-09T20:00:00Z")
    answer = await send(client, sent)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
    told = await rows(client, answer.json()["token"])
    assert told["counts"]["matched"] == 1
    assert told["sums"] == {
        "KRW": {"won": "100.50", "order": "100.50", "contract": "0", "finance": "0"}
    }
    (row,) = told["rows"]
    # The day in the company's zone, and who said so.
    assert [(c["step"], c["on"], c["system"]) for c in row["came"]] == [
        ("order", "2026-01-10", "/erp/seoul")
    ]
    again = await send(client, sent)
    assert again.json()["status"] == "duplicate"
    other = await send(client, sent | {"data": sent["data"] | {"status": "changed"}})
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (422, "command-reused")


async def test_an_invoice_may_name_the_order_alone(client: AsyncClient) -> None:
    await sold(client)
    batch = [
        event("1", CONFIRMED, subject="opportunity-1"),
        event("2", {"status": "invoiced", "order": "SO-1"}, "invoice_status"),
        event("3", {"status": "invoiced", "order": "SO-7"}, "invoice_status"),
        event("4", {"status": "shipped"}, "fulfilment_status"),
        event("5", CONFIRMED | {"opportunity": "opportunity-none"}),
        event("6", CONFIRMED | {"amount": "much", "opportunity": "opportunity-1"}),
        event("7", CONFIRMED | {"on": "2999-01-01", "opportunity": "opportunity-1"}),
        event("8", CONFIRMED | {"on": "2026-01-01", "opportunity": "opportunity-1"}),
        event("9", CONFIRMED, "order_changed"),
        7,
    ]
    answer = await send(client, batch, BATCH)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["accepted"], told["rejected"]) == (2, 8)
    assert [one["status"] for one in told["events"][:2]] == ["accepted"] * 2
    wrong = [one["problem"]["errors"] for one in told["events"][2:] if "errors" in one["problem"]]
    assert [errors[0]["pointer"] for errors in wrong] == [
        "#/2/data/order",
        "#/3/data/opportunity",
        "#/5/data/amount",
        "#/6/data/on",
        "#/7/data/on",
        "#/8/type",
        "#/9",
    ]
    assert told["events"][4]["problem"]["status"] == 404
    later = await send(client, event("10", {"status": "paid", "order": "SO-1"}, "invoice_status"))
    assert later.json()["stream"] == "opportunity-1"


async def test_an_event_comes_in_binary_mode_too(client: AsyncClient) -> None:
    await sold(client)
    headers = {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/erp",
        "ce-type": "erp.order_status.v1",
        "ce-subject": "opportunity-1",
    }
    answer = await client.post("/opportunities/hand-offs", json=CONFIRMED, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")


@pytest.mark.parametrize("said", [5, "5", "2026-01-05", "1764547200"])
async def test_a_time_that_is_no_instant_is_named(client: AsyncClient, said: Any) -> None:
    told = event("1", CONFIRMED, subject="opportunity-1", time=said)
    answer = await send(client, told)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "#/time")
    assert error["detail"].startswith("an instant as text")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"{", STRUCTURED, 422),
        (b"[]", STRUCTURED, 422),
        (b"{}", BATCH, 422),
        (b"[" + b"7," * 1_000 + b"7]", BATCH, 413),
    ],
)
async def test_what_is_no_event_is_said_to_be_none(
    client: AsyncClient, body: bytes, kind: str, status: int
) -> None:
    answer = await send(client, body, kind)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_erp_says_it_in_its_own_words() -> None:
    mapping = {
        "type": "com.example.SalesOrder.Changed",
        "step": "order",
        "opportunity": "header.externalId",
        "status": "header.status",
        "reference": "header.number",
        "amount": "totals.net",
        "currency": "totals.currency",
    }
    defaults = OpportunitiesDefaults.model_validate({"hand_off_events": [mapping]})
    async with serving(build(defaults), router) as client:
        await sold(client)
        data = {
            "header": {"externalId": "opportunity-1", "status": "OPEN", "number": "45001"},
            "totals": {"net": 100.5, "currency": "KRW"},
        }
        answer = await send(client, event("1", data) | {"type": "com.example.SalesOrder.Changed"})
        assert answer.status_code == 202, answer.text
        told = await rows(client, answer.json()["token"])
    assert told["rows"][0]["came"][0]["reference"] == "45001"
    assert told["counts"]["matched"] == 1


async def test_a_period_is_that_of_the_win(client: AsyncClient) -> None:
    await sold(client, "1")
    token = await sold(client, "2", "7")
    for query, count in (
        ("from=2026-01-09&to=2026-01-09", 2),
        ("from=2026-01-10", 0),
        ("to=2026-01-08", 0),
        ("state=missing&today=2026-03-01", 2),
        ("state=matched", 0),
        ("owner=employee-9", 0),
    ):
        assert len((await rows(client, token, query))["rows"]) == count, query
    wrong = await client.get("/opportunities/reconciliation?from=2026-02-01&to=2026-01-01")
    assert wrong.status_code == 422
