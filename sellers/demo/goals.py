"""What sellers, teams and products are to reach, and what leaders stood by. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sellers.demo.company import CURRENCY, World
from sellers.demo.days import quarter_end
from sellers.demo.items import Item

FORECASTS = 8
LINES_MAX = 200
ONE_DAY = timedelta(days=1)


def targets(world: World) -> Iterator[Item]:
    """Yield targets of four quarters, the last of which goes on; set in the first weeks."""
    last = quarter_end(world.days.end)
    year = {"period_from": last.replace(year=last.year - 1) + ONE_DAY, "period_to": last}
    year |= {"on": world.days.first + timedelta(days=14)}
    make = world.maker

    def target(key: str, amount: int, **whose: str) -> Item:
        said = {"amount": str(amount), "currency": CURRENCY, **year, **whose}
        return make.item("opportunities", make.stream("target", key), "set", **said)

    for n, seller in enumerate(world.sellers):
        if seller.left_on is None:
            amount = world.chance("target", n).between(25, 65) * 1_000
            yield target(f"seller {n}", amount, owner=seller.stream)
    for n in sorted({seller.team for seller in world.sellers}):
        yield target(f"team {n}", 300_000, unit=make.stream("unit", "team", n))
    first = world.products[0].stream
    yield target("product", 200_000, product=first)
    count = {"measure": "count_won", "amount": "60", "product": first}
    stream = make.stream("target", "count")
    yield make.item("opportunities", stream, "set", **count, **year)
    over = {"reason": "the value counts", "on": world.days.first + timedelta(days=100)}
    yield make.item("opportunities", stream, "withdraw", **over)


# What the company measures itself by: by which stream, and how it is defined.
KPIS: dict[str, dict[str, Any]] = {
    "win rate": {
        "name": "Win rate",
        "expression": "100 * won / (won + lost)",
        "measured_in": "percent",
        "frequency": "quarter",
        "level": "team",
        "target": "55",
        "warns_at": "50",
        "alarms_at": "35",
    },
    "with customers": {
        "name": "Time with customers",
        "expression": "100 * customer_minutes / (actual_minutes - private_minutes)",
        "measured_in": "percent",
        "frequency": "month",
        "level": "seller",
        "target": "40",
        "warns_at": "35",
        "alarms_at": "20",
    },
    "open complaints": {
        "name": "Open issues",
        "expression": "open_issues",
        "frequency": "week",
        "level": "division",
        "direction": "down",
        "target": "5",
        "warns_at": "10",
        "alarms_at": "20",
    },
    "calls": {"name": "Touches", "expression": "touches", "frequency": "week", "level": "seller"},
}


def kpis(world: World) -> Iterator[Item]:
    """Yield what the company measures itself by, one of them defined anew, one given up."""
    make, first = world.maker, world.days.first
    for key, told in KPIS.items():
        on = first + timedelta(days=20)
        yield make.item("analytics", make.stream("kpi", key), "define", on=on, **told)
    rate, day = make.stream("kpi", "win rate"), first + timedelta(days=180)
    by_value = KPIS["win rate"] | {"expression": "100 * (won - won_late) / (won + lost)"}
    yield make.item("analytics", rate, "define", on=day, **by_value)
    why = "What is won late is only half of it."
    yield make.item("analytics", rate, "switch", definition=2, reason=why, on=day)
    over = "Counting calls makes nobody sell."
    yield make.item("analytics", make.stream("kpi", "calls"), "retire", reason=over, on=day)
    coach = make.stream("employee", "leader", "team 0")
    for n, seller in enumerate(world.sellers[:3]):
        month = world.days.end.replace(day=1) - timedelta(days=1)
        yield make.item(
            "analytics",
            make.stream("review", n),
            "hold",
            kpi=make.stream("kpi", "with customers"),
            coach=coach,
            of=seller.stream,
            period=f"{month:%Y-%m}",
            facts="Four mornings a week went into internal meetings.",
            problem="Customers reach us in the afternoon only.",
            cause="Everybody is invited to everything.",
            actions=["Leave two of the weekly meetings", "Visit two customers a week instead"],
            on=world.days.on_or_after(month - timedelta(days=3)),
        )


def assessments(world: World) -> Iterator[Item]:
    """Yield what a leader said of how their sellers worked, one answered, one taken back."""
    make = world.maker
    leader = make.stream("employee", "leader", "team 0")
    month = world.days.end.replace(day=1) - timedelta(days=1)
    day = world.days.on_or_after(month - timedelta(days=2))
    for n, seller in enumerate(world.sellers[:3]):
        stream = make.stream("assessment", n)
        yield make.item(
            "analytics",
            stream,
            "give",
            leader=leader,
            of=seller.stream,
            period=f"{month:%Y-%m}",
            process=3 + n % 3,
            quality=4,
            words="Comes prepared, and asks before telling. Offers still leave late.",
            beside=[make.stream("kpi", "with customers")],
            on=day,
        )
        if n == 1:
            words = "The price list comes on Thursdays; so do my offers."
            yield make.item("analytics", stream, "answer", words=words, on=day)
        if n == 2:  # noqa: PLR2004 - the third of them
            reason = "It was about the colleague whose customers were taken over."
            yield make.item("analytics", stream, "withdraw", reason=reason, on=day)


def forecasts(world: World) -> Iterator[Item]:
    """Yield what the heads of divisions stood by at the ends of the last months."""
    make = world.maker
    for n, unit in enumerate(sorted(set(world.divisions), key=world.divisions.index)):
        owner, stream = (
            make.stream("employee", "leader", f"division {n}"),
            make.stream("forecast", n),
        )
        for day in _month_ends(world):
            # The quarter that the day after it belongs to.
            end = quarter_end(day + timedelta(days=1))
            begin = date(end.year, end.month - 2, 1)
            lines = [
                one.line
                for one in world.promises
                if world.division_of(one.team) == unit
                and one.on <= day < one.over_on
                and begin <= date.fromisoformat(one.line["close_on"]) <= end
            ]
            told = {"period_from": begin, "period_to": end, "lines": lines[:LINES_MAX]}
            yield make.item(
                "opportunities", stream, "freeze", owner=owner, unit=unit, on=day, **told
            )


def _month_ends(world: World) -> list[date]:
    found, first = [], world.days.end.replace(day=1)
    for _ in range(FORECASTS):
        found.append(first - timedelta(days=1))
        first = found[-1].replace(day=1)
    return sorted(found)
