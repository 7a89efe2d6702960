"""Forecasts are what sellers stand by, targets what was to be reached, yield what came of touches.

Nothing is weighed or predicted: every figure here is a sum of facts, and opens into them.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.analytics.tests.world import KIM, LEE, World, found, on, won
from shared.events import Event
from shared.events.opportunities import (
    CommitmentMade,
    CommitmentWithdrawn,
    ForecastFrozen,
    ForecastLine,
    OpportunityLost,
    OpportunityReassigned,
    TargetSet,
    TargetWithdrawn,
)
from shared.reading import Token
from shared.testing import recorded

SPRING = {"from": "2026-04-01", "to": "2026-06-30"}


def commits(seller: str, amount: str, closes: str, day: str, **more: Any) -> CommitmentMade:
    said = {"confidence": "commit", "currency": "USD"} | more
    return CommitmentMade(
        seller=seller, amount=Decimal(amount), close_on=on(closes), on=on(day), **said
    )


async def told(world: World, stream: str, *events: Event) -> None:
    await world.append(recorded(*events, stream=stream))
    await world.fold()


async def rows(world: World, path: str, **query: Any) -> dict[str | None, dict[str, Any]]:
    return {row["key"]: row for row in (await world.get(path, **query))["rows"]}


@pytest.fixture
async def committed(world: World) -> World:
    """Two sellers stand by three deals; Kim moves from team Red to team Blue on 1 April."""
    kims = (found(KIM, "03-01"), commits(KIM, "70", "05-15", "03-10"))
    await told(world, "opportunity-10", *kims)
    await told(
        world,
        "opportunity-11",
        found(KIM, "03-01"),
        commits(KIM, "30", "07-15", "03-12", confidence="upside"),
    )
    await told(world, "opportunity-12", found(LEE, "03-01"), commits(LEE, "9.5", "05-20", "04-02"))
    return world


async def test_o_06_a_forecast_is_the_sum_of_what_each_seller_stands_by(committed: World) -> None:
    answer = await rows(committed, "forecast", as_of="2026-04-30", **SPRING)
    assert answer["김"] == {
        "id": KIM,
        "key": "김",
        "commit_count": 1,
        "commit": "70",
        "upside_count": 0,
        "upside": "0",
    }
    assert answer[LEE]["commit"] == "9.5"
    everything = await rows(committed, "forecast", by="total", as_of="2026-04-30")
    assert (everything["total"]["commit"], everything["total"]["upside"]) == ("79.5", "30")


async def test_o_06_it_rolls_up_the_tree_as_it_is_on_the_day(committed: World) -> None:
    march = await rows(committed, "forecast", by="team", as_of="2026-03-31")
    assert march["Red"]["commit"] == "70"
    april = await rows(committed, "forecast", by="team", as_of="2026-04-30")
    assert april["Blue"]["commit"] == "70"
    assert april[None]["commit"] == "9.5"  # Nobody told us where Lee is.
    for unit, day, count in (("unit-all", "2026-03-31", 1), ("unit-all", "2026-04-30", 0)):
        of_unit = await rows(committed, "forecast", by="total", unit=unit, as_of=day)
        assert sum(row["commit_count"] for row in of_unit.values()) == count


async def test_o_06_every_figure_opens_into_its_opportunities(committed: World) -> None:
    for by, key in (("seller", KIM), ("team", "Blue"), ("total", "total"), ("quarter", "2026-Q2")):
        asked = {"by": by, "as_of": "2026-04-30"}
        row = (await rows(committed, "forecast", **asked))["김" if key == KIM else key]
        why = await committed.get("forecast/why", **asked, key=key)
        assert why["total"].get("commit", 0) == row["commit_count"]
        assert Decimal(why["total"].get("commit_USD", 0)) / 10_000 == Decimal(row["commit"])
        assert {one["stream"] for one in why["contributions"]} >= {"opportunity-10"}


async def test_o_06_what_is_decided_withdrawn_or_handed_over_is_no_forecast(
    committed: World,
) -> None:
    async def commit(day: str) -> str:
        total = await rows(committed, "forecast", by="total", as_of=day, **SPRING)
        return str(total["total"]["commit"]) if total else "0"

    await told(
        committed, "opportunity-20", found(KIM, "03-01"), commits(KIM, "1", "05-01", "03-02")
    )
    await committed.append(
        recorded(
            won("70", "05-05"),
            stream="opportunity-10",
            after=2,
        )
    )
    await committed.append(
        recorded(
            OpportunityReassigned(owner=KIM, reason="handover", on=on("05-10")),
            stream="opportunity-12",
            after=2,
        )
    )
    await committed.append(
        recorded(
            CommitmentWithdrawn(seller=KIM, reason="budget cut", on=on("05-20")),
            stream="opportunity-20",
            after=2,
        )
    )
    await committed.fold()
    days = ("05-04", "05-05", "05-10", "05-20")
    assert [await commit(f"2026-{day}") for day in days] == ["80.5", "10.5", "1", "0"]


async def test_o_13_the_roadmap_is_the_forecast_by_when_it_closes(committed: World) -> None:
    months = await rows(committed, "forecast", by="month", as_of="2026-04-30")
    assert {month: (row["commit"], row["upside"]) for month, row in months.items()} == {
        "2026-05": ("79.5", "0"),
        "2026-07": ("0", "30"),
    }


def line(opportunity: str, seller: str, amount: str, closes: str) -> ForecastLine:
    return ForecastLine(
        opportunity=opportunity,
        seller=seller,
        confidence="commit",
        amount=Decimal(amount),
        currency="USD",
        close_on=on(closes),
    )


async def test_o_06_a_frozen_forecast_is_compared_with_what_became_of_it(committed: World) -> None:
    await told(committed, "opportunity-13", found(KIM, "03-01"), OpportunityLost(on=on("06-01")))
    lines = (
        line("opportunity-10", KIM, "70", "05-15"),
        line("opportunity-11", KIM, "30", "05-15"),
        line("opportunity-12", LEE, "9.5", "05-20"),
        line("opportunity-13", KIM, "1", "05-20"),
    )
    frozen = ForecastFrozen(
        owner="employee-han",
        unit="unit-all",
        period_from=on("04-01"),
        period_to=on("06-30"),
        lines=lines,
        on=on("04-01"),
    )
    await committed.append(recorded(frozen, stream="forecast-q2"))
    await committed.append(recorded(won("65", "06-20"), stream="opportunity-10", after=2))
    await committed.fold()
    after = {"X-At-Least": Token("forecast-q2", 1).encode()}
    path = "/analytics/forecasts/q2?as_of=2026-06-29"
    (told_then,) = (await committed.client.get(path, headers=after)).json()["frozen"]
    outcomes = [one["outcome"] for one in told_then["lines"]]
    assert outcomes == ["won", "slipped", "open", "lost"]
    assert Decimal(told_then["lines"][0]["value"]) == 65
    assert told_then["by_outcome"]["commit won"] == {"USD": "70"}
    (later,) = (await committed.get("forecasts/q2", as_of="2026-07-01"))["frozen"]
    assert [one["outcome"] for one in later["lines"]] == ["won", "slipped", "slipped", "lost"]
    assert (await committed.client.get("/analytics/forecasts/none")).status_code == 404
    # By what was known (C-06): then, nobody had frozen anything; by now, all that is recorded.
    before = await committed.client.get("/analytics/forecasts/q2?known_at=2025-01-01T00:00:00Z")
    assert before.status_code == 404
    known = {"as_of": "2026-07-01", "known_at": "2100-01-01T00:00:00Z"}
    assert (await committed.get("forecasts/q2", **known))["frozen"] == [later]


def target(**said: Any) -> TargetSet:
    wanted = {"measure": "value_won", "amount": Decimal(200), "currency": "USD"}
    period = {"period_from": date(2026, 1, 1), "period_to": date(2026, 6, 30)}
    return TargetSet(**{**wanted, **period, **said})


async def test_o_07_targets_of_sellers_units_and_products_are_counted_from_facts(
    committed: World,
) -> None:
    for name, said in (
        ("kim", {"owner": KIM}),
        ("all", {"unit": "unit-all"}),
        ("blue", {"unit": "unit-blue"}),
        ("x", {"product": "product-x", "measure": "count_won", "currency": None}),
        ("gone", {"owner": LEE}),
    ):
        await committed.append(recorded(target(**said), stream=f"target-{name}"))
    gone = recorded(TargetWithdrawn(), stream="target-gone", after=1)
    await committed.append(gone)
    after = {"X-At-Least": Token("target-gone", 2).encode()}
    asked = "/analytics/attainment?as_of=2026-05-31"
    answer = (await committed.client.get(asked, headers=after)).json()
    found_rows = {row["target"]: row for row in answer["rows"]}
    reached = {
        name: (Decimal(row["won"]), Decimal(row["committed"]), row["percent"])
        for name, row in found_rows.items()
    }
    assert reached == {
        "target-kim": (Decimal("100.5"), 70, "50.25"),
        # Kim won it in team Red, which is below; what is committed is in Blue, which is not.
        "target-all": (Decimal("100.5"), 0, "50.25"),
        "target-blue": (0, 70, "0.00"),
        "target-x": (2, 2, "1.00"),
    }
    assert Decimal(found_rows["target-kim"]["gap"]) == Decimal("99.5")
    for name, streams in (
        ("target-kim", {"opportunity-1", "opportunity-10"}),
        ("target-blue", {"opportunity-10"}),
        ("target-x", {"opportunity-1", "opportunity-3", "opportunity-10", "opportunity-12"}),
    ):
        why = await committed.get("attainment/why", target=name, as_of="2026-05-31")
        reaching = {
            one["stream"] for one in why["contributions"] if "won" in one or "committed" in one
        }
        assert reaching == streams
        # What is open may still help; a target in money counts what its sellers say it is worth.
        row = found_rows[name]
        scale = 10_000 if row["measure"] == "value_won" else 1
        assert Decimal(why["total"].get("open", 0)) / scale == Decimal(row["open"])
    assert Decimal(found_rows["target-x"]["open"]) > 0
    assert Decimal(found_rows["target-x"]["coverage"]) > 0
    assert await rows(committed, "attainment", on="2027-01-01") == {}
    assert (await committed.client.get("/analytics/attainment/why?target=no")).status_code == 404


async def test_o_13_yield_is_what_was_won_for_the_touches_of_a_period(committed: World) -> None:
    answer = await rows(committed, "yield", as_of="2026-12-31")
    kim = answer["김"]
    assert (kim["touches"], kim["won"], kim["lost"], kim["value_won"]) == (1, 1, 1, "100.5")
    assert (kim["win_rate"], kim["touches_per_won"]) == ("50.00", "1.00")
    assert kim["value_per_touch"] == "100.50"
    assert (answer[LEE]["touches"], answer[LEE]["value_per_touch"]) == (0, None)
    deals = await committed.get("yield/why", by="seller", key=KIM, as_of="2026-12-31")
    assert deals["total"]["won"] == 1
    touched = await committed.get("yield/why", by="seller", key=KIM, kind="touch")
    assert touched["total"] == {"touches": 1}
