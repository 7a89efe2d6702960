"""O-06, O-07, O-10: what sellers commit to, what is frozen and aimed at, whose credit it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.opportunities.main import domain, router
from services.opportunities.record.forecasts import (
    ForecastNotTheirsError,
    FreezeForecast,
    Line,
    forecast_card,
)
from services.opportunities.record.targets import (
    SetTarget,
    TargetUnknownError,
    WithdrawTarget,
    target_card,
)
from services.opportunities.record.views import opportunity_record
from shared.errors import InvalidError
from shared.events import Envelope
from shared.events.opportunities import (
    ForecastEvent,
    ForecastFrozen,
    ForecastLine,
    OpportunityDiscovered,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityWon,
    TargetEvent,
    TargetSet,
    TargetWithdrawn,
)
from shared.testing import (
    check_decider,
    check_projection,
    commands,
    facts,
    given,
    histories,
    recorded,
    serving,
)

forecast = domain.decider("forecast-1")
target = domain.decider("target-1")
BEGIN, END, MONDAY = date(2026, 1, 1), date(2026, 3, 31), date(2026, 1, 5)
QUARTER = {"period_from": BEGIN, "period_to": END}
SAID: dict[str, Any] = {
    "opportunity": "opportunity-1",
    "seller": "employee-1",
    "confidence": "commit",
    "amount": Decimal(90),
    "currency": "USD",
    "close_on": END,
}
FREEZE = FreezeForecast(owner="employee-9", lines=(Line(**SAID),), on=MONDAY, **QUARTER)
FROZEN = ForecastFrozen(owner="employee-9", lines=(ForecastLine(**SAID),), on=MONDAY, **QUARTER)
AIM = {"owner": "employee-1", "amount": Decimal(200), "currency": "USD", **QUARTER}
SET = TargetSet(measure="value_won", on=MONDAY, **AIM)


def test_o_06_a_roll_up_is_frozen_by_whose_it_is() -> None:
    given(forecast).when(FREEZE).then(FROZEN)
    given(forecast, FROZEN).when(FREEZE).then_nothing()
    others = FREEZE.model_copy(update={"owner": "employee-8"})
    refused = given(forecast, FROZEN).when(others).then_refused(ForecastNotTheirsError)
    assert str(refused) == "it is employee-9's"
    week_later = FREEZE.model_copy(update={"on": date(2026, 1, 12)})
    given(forecast, FROZEN).when(week_later).then(
        FROZEN.model_copy(update={"on": date(2026, 1, 12)})
    )


def test_o_06_each_opportunity_is_in_it_once_and_closes_in_its_period() -> None:
    twice = FREEZE.model_copy(update={"lines": FREEZE.lines * 2})
    assert given(forecast).when(twice).then_refused(InvalidError).field == "#/lines"
    late = Line(**SAID | {"close_on": date(2026, 4, 1)})
    refused = (
        given(forecast)
        .when(FREEZE.model_copy(update={"lines": (late,)}))
        .then_refused(InvalidError)
    )
    assert refused.field == "#/lines/0/close_on"
    with pytest.raises(ValidationError):
        FreezeForecast(owner="employee-9", lines=(), period_from=END, period_to=BEGIN)


def test_o_06_what_was_frozen_opens_into_its_opportunities() -> None:
    upside = ForecastLine(**SAID | {"opportunity": "opportunity-2", "confidence": "upside"})
    more = ForecastLine(**SAID | {"opportunity": "opportunity-3", "amount": Decimal(10)})
    frozen = FROZEN.model_copy(update={"lines": (*FROZEN.lines, upside, more)})
    told = recorded(frozen, FROZEN.model_copy(update={"on": BEGIN}), stream="forecast-1")
    card = check_projection(forecast_card, [told])["forecast-1"]
    assert [one.on for one in card.frozen] == [BEGIN, MONDAY]
    newest = card.frozen[-1]
    assert [(one.confidence, one.amount, one.count) for one in newest.rolled] == [
        ("commit", Decimal(100), 2),
        ("upside", Decimal(90), 1),
    ]
    assert len(newest.lines) == 3


def test_o_07_a_target_is_set_replaced_and_withdrawn() -> None:
    command = SetTarget(on=MONDAY, **AIM)
    given(target).when(command).then(SET)
    given(target, SET).when(command).then_nothing()
    more = SET.model_copy(update={"amount": Decimal(300)})
    given(target, SET).when(command.model_copy(update={"amount": Decimal(300)})).then(more)
    withdrawn = TargetWithdrawn(reason="moved", on=MONDAY)
    withdraw = WithdrawTarget(reason="moved", on=MONDAY)
    given(target).when(withdraw).then_refused(TargetUnknownError)
    given(target, SET).when(withdraw).then(withdrawn)
    given(target, SET, withdrawn).when(withdraw).then_nothing()
    given(target, SET, withdrawn).when(command).then(SET)


@pytest.mark.parametrize(
    "wrong",
    [
        {"owner": None},
        {"currency": None},
        {"measure": "count_won"},
        {"period_from": END, "period_to": BEGIN},
    ],
)
def test_o_07_a_target_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SetTarget(**AIM | wrong)


@for_all(st.lists(facts(ForecastEvent), max_size=4), st.lists(commands(FreezeForecast), max_size=4))
def test_any_facts_evolve_and_nothing_is_frozen_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(forecast, history, asked)


@for_all(
    st.lists(facts(TargetEvent), max_size=4),
    st.lists(commands(SetTarget | WithdrawTarget), max_size=4),
)
def test_so_it_is_with_targets(history: list[Any], asked: list[Any]) -> None:
    check_decider(target, history, asked)


@for_all(histories({"forecast": ForecastEvent, "target": TargetEvent}), st.integers())
def test_only_the_facts_count(told: list[list[Envelope]], seed: int) -> None:
    for projection in (forecast_card, target_card):
        check_projection(projection, told, seed=seed)


def test_o_07_whoever_had_it_when_it_was_won_keeps_the_credit() -> None:
    chance = OpportunityDiscovered(title="Pump", stage="Prospecting", owner="employee-1", on=BEGIN)
    won = OpportunityWon(value=Decimal(1), currency="USD", on=MONDAY)

    def handed(on: date | None, reason: Any = "leave") -> OpportunityReassigned:
        return OpportunityReassigned(owner="employee-2", reason=reason, on=on)

    nobodys = chance.model_copy(update={"owner": None})
    for told, winner in (
        ((chance, won, handed(END)), "employee-1"),
        ((chance, won, handed(None)), "employee-1"),
        ((chance, handed(MONDAY), won), "employee-2"),
        ((chance, won, handed(date(2026, 1, 2))), "employee-2"),
        ((nobodys, won, handed(None, "unstated")), "employee-2"),
        ((chance, won, OpportunityReopened(stage="Prospecting", on=END)), None),
    ):
        view = opportunity_record.replay(recorded(*told, stream="opportunity-1"))["opportunity-1"]
        assert view.won_by == winner


class Sellers:
    """Two sellers at work, over HTTP."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.last: Response | None = None

    async def post(self, path: str, **body: Any) -> None:
        self.last = await self.client.post(f"/{path}", json=body)
        assert self.last.status_code == 202, self.last.text

    async def get(self, path: str) -> Any:
        assert self.last is not None
        headers = {"X-At-Least": self.last.json()["token"]}
        answer = await self.client.get(f"/{path}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def sellers() -> AsyncIterator[Sellers]:
    async with serving(domain, router) as client:
        found = Sellers(client)
        for n, owner in ((1, "employee-1"), (2, "employee-1"), (3, "employee-2")):
            day = {"on": "2026-01-05"}
            chance = {"title": f"Chance {n}", "owner": owner, "product": "product-1"}
            await found.post(f"opportunities/{n}/discover", **chance, **day)
            said = {"seller": owner, "amount": f"{n}00", "currency": "USD"}
            await found.post(f"opportunities/{n}/commit", **said, close_on="2026-03-31", **day)
        yield found


async def test_o_06_commitments_are_listed_by_seller_with_their_sums(sellers: Sellers) -> None:
    listed = await sellers.get("commitments")
    assert [line["amount"] for line in listed["items"]] == ["100", "200", "300"]
    assert [(one["amount"], one["count"]) for one in listed["rolled"]] == [("600", 3)]
    own = await sellers.get("commitments?owner=employee-1")
    assert [line["opportunity"] for line in own["items"]] == ["opportunity-1", "opportunity-2"]
    assert (await sellers.get("commitments?close_to=2026-03-30"))["items"] == []
    assert (await sellers.get("commitments?close_from=2026-04-01"))["rolled"] == []
    await sellers.post("opportunities/1/reassign", owner="employee-2", reason="leave")
    own = await sellers.get("commitments?owner=employee-1")
    assert [line["opportunity"] for line in own["items"]] == ["opportunity-2"]


async def test_o_06_what_is_listed_is_frozen_as_it_is(sellers: Sellers) -> None:
    lines = (await sellers.get("commitments"))["items"]
    period = {"period_from": "2026-01-01", "period_to": "2026-03-31"}
    await sellers.post("forecasts/q1/freeze", owner="employee-9", lines=lines, **period)
    (card,) = (await sellers.get("forecasts?owner=employee-9"))["items"]
    assert card["forecast"] == "forecast-q1"
    await sellers.post("opportunities/1/withdraw-commitment", seller="employee-1")
    assert len((await sellers.get("commitments"))["items"]) == 2
    (frozen,) = (await sellers.client.get("/forecasts/q1")).json()["frozen"]
    assert frozen["lines"] == lines


async def test_o_07_attainment_is_what_was_won_in_the_period_by_whom(sellers: Sellers) -> None:
    won = {"value": "150", "currency": "USD", "on": "2026-01-09"}
    await sellers.post("opportunities/1/win", **won)
    await sellers.post("opportunities/1/reassign", owner="employee-2", reason="handover")
    await sellers.get("opportunities/1/record")
    period = {"period_from": "2026-01-01", "period_to": "2026-03-31"}
    aim = {"amount": "200", "currency": "USD", **period}
    await sellers.post("targets/seller/set", owner="employee-1", **aim)
    told = await sellers.get("targets/seller")
    assert told["attainment"] == {
        "attained": "150",
        "committed": "200",
        "percent": "75.00",
        "gap": "50",
        "won": ["opportunity-1"],
        "open": ["opportunity-2"],
    }
    counted = {"measure": "count_won", "amount": "2", **period}
    await sellers.post("targets/product/set", product="product-1", **counted)
    by_product = (await sellers.get("targets/product"))["attainment"]
    assert (by_product["attained"], by_product["percent"], by_product["committed"]) == (
        "1",
        "50.00",
        "2",
    )
    await sellers.post("targets/unit/set", unit="unit-1", **aim)
    assert (await sellers.get("targets/unit"))["attainment"] is None
    listed = await sellers.get("targets?owner=employee-1")
    assert [item["target"]["target"] for item in listed["items"]] == ["target-seller"]


async def test_o_10_what_came_of_a_deal_that_another_division_introduced(sellers: Sellers) -> None:
    shares = [
        {"division": "unit-1", "percent": "75"},
        {"division": "unit-2", "percent": "25"},
    ]
    await sellers.post("opportunities/1/share-credit", introduced_by="unit-2", shares=shares)
    await sellers.post("opportunities/1/win", value="200", currency="USD")
    (deal,) = (await sellers.get("opportunities/cross-division?introduced_by=unit-2"))["items"]
    assert (deal["outcome"], deal["introduced_by"]) == ("won", "unit-2")
    assert [Decimal(share["value"]) for share in deal["shares"]] == [150, 50]
    for query, found in (("introduced_by=unit-1", 0), ("division=unit-1", 1), ("division=x", 0)):
        listed = await sellers.get(f"opportunities/cross-division?{query}")
        assert len(listed["items"]) == found
