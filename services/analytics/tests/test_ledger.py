"""How far what was stood by came true (O-06), and that later facts never change what was known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.analytics.tests.world import KIM, LEE, World, on
from shared.events.opportunities import (
    ForecastFrozen,
    ForecastLine,
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityWon,
    StageAdvanced,
)
from shared.reading import Token
from shared.testing import recorded


def line(number: int, seller: str, amount: int, confidence: Any = "commit") -> ForecastLine:
    return ForecastLine(
        opportunity=f"opportunity-{number}",
        seller=seller,
        confidence=confidence,
        amount=Decimal(amount),
        currency="USD",
        close_on=on("06-30"),
    )


def found(owner: str) -> OpportunityDiscovered:
    return OpportunityDiscovered(
        title="Chance", stage="Proposal", owner=owner, product="product-x", on=on("04-01")
    )


def won(value: int, day: str) -> OpportunityWon:
    return OpportunityWon(value=Decimal(value), currency="USD", on=on(day))


LINES = (line(31, KIM, 100), line(32, KIM, 50), line(33, LEE, 80), line(34, LEE, 9, "upside"))
DEALS: dict[int, tuple[Any, ...]] = {
    31: (found(KIM), won(110, "06-20")),
    32: (found(KIM), StageAdvanced(stage="Negotiation", on=on("05-20")), won(50, "07-05")),
    33: (found(LEE), OpportunityLost(on=on("06-25"))),
    34: (found(LEE), won(9, "06-01")),
}
FROZEN = ForecastFrozen(
    owner="employee-han",
    unit="unit-all",
    period_from=on("04-01"),
    period_to=on("06-30"),
    lines=LINES,
    on=on("05-10"),
)
AGAIN = FROZEN.model_copy(update={"lines": LINES[:1], "on": on("06-10")})


@pytest.fixture
async def stood_by(world: World) -> World:
    for number, events in DEALS.items():
        await world.append(recorded(*events, stream=f"opportunity-{number}"))
    await world.append(recorded(FROZEN, AGAIN, stream="forecast-1"))
    await world.fold()
    after = {"X-At-Least": Token("forecast-1", 2).encode()}
    answer = await world.client.get("/analytics/forecasts/1", headers=after)
    assert answer.status_code == 200
    defaults = world.runtime.domain.defaults
    assert defaults is not None
    chosen = defaults.model_copy(update={"sample_floor": 2})
    object.__setattr__(world.runtime.domain, "defaults", chosen)
    return world


async def rows(world: World, **query: Any) -> dict[str | None, dict[str, Any]]:
    answer = await world.get("forecast-ledger", **{"as_of": "2026-12-31", **query})
    return {row["id"]: row for row in answer["rows"]}


async def test_o_06_bias_error_and_slippage_of_what_a_seller_stood_by(stood_by: World) -> None:
    told = await rows(stood_by)
    kim = told[KIM]
    assert (kim["lines"], kim["won"], kim["slipped"], kim["lost"]) == (2, 1, 1, 0)
    # 150 stood by; 110 came, ten more than the one line said, the other fifty not in time.
    assert (kim["committed"], kim["came"]) == ("150", "110")
    assert (kim["bias"], kim["error"], kim["slipped_share"]) == ("-26.67", "40.00", "50.00")
    lee = told[LEE]
    assert (lee["lines"], lee["lost"], lee["bias"]) == (1, 1, None)
    assert lee["insufficient_history"] is True  # One line is fewer than the floor of two.


async def test_a_roll_up_frozen_twice_for_a_period_is_judged_once(stood_by: World) -> None:
    assert (await rows(stood_by, by="total"))["total"]["lines"] == 3
    assert (await rows(stood_by, by="total", which="last"))["total"]["lines"] == 1
    assert (await rows(stood_by, by="total", confidence="upside"))["total"]["came"] == "9"
    assert await rows(stood_by, by="total", currency="EUR") == {}


async def test_nothing_is_judged_before_its_period_is_over(stood_by: World) -> None:
    assert await rows(stood_by, as_of="2026-06-29") == {}
    early = (await rows(stood_by, as_of="2026-06-30"))[KIM]
    assert (early["won"], early["slipped"]) == (1, 1)  # Of the one nobody says that it closes.


async def test_stages_are_those_of_the_day_on_which_it_was_frozen(stood_by: World) -> None:
    assert (await rows(stood_by, by="stage"))["Proposal"]["lines"] == 3
    assert set(await rows(stood_by, by="quarter")) == {"2026-Q2"}
    assert set(await rows(stood_by, by="product")) == {"product-x"}
    assert set(await rows(stood_by, by="roll_up")) == {"forecast-1"}


async def test_every_row_opens_into_its_lines(stood_by: World) -> None:
    for by in ("seller", "stage", "product", "roll_up", "quarter", "total"):
        for key, row in (await rows(stood_by, by=by)).items():
            why = await stood_by.get("forecast-ledger/why", by=by, key=key, as_of="2026-12-31")
            lines = why["contributions"]
            assert len(lines) == row["lines"]
            assert sum(Decimal(one["committed"]) for one in lines) == Decimal(row["committed"])
            assert sum(one["outcome"] == "won" for one in lines) == row["won"]


async def test_what_is_recorded_later_never_changes_what_was_known(stood_by: World) -> None:
    then = datetime.now(UTC) + timedelta(hours=1)
    known = {"known_at": then.isoformat().replace("+00:00", "Z"), "as_of": "2026-12-31"}
    before = await rows(stood_by, **known)
    assert before == await rows(stood_by)
    later = recorded(
        won(80, "06-26"),
        stream="opportunity-33",
        after=2,
        occurred_at=then + timedelta(days=1),
    )
    await stood_by.append(later)
    await stood_by.fold()
    assert (await rows(stood_by))[LEE]["won"] == 1
    assert await rows(stood_by, **known) == before
