"""A quarter of ten thousand sellers, and how long any report of it takes, over HTTP.

Sellers work one of twenty quarters: four entries of a calendar a day, twelve touches, some deals
and an issue. What is stored are the cells that these facts add up to; who is where in the
organisation is told by facts, which the service folds itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random
from statistics import median
from typing import Any, NamedTuple

from msgspec.structs import replace

from services.analytics.cells import Cell
from services.analytics.kept_cells import add_cells
from services.analytics.measures import recompute
from services.analytics.sink import MEASURES
from shared import builds
from shared.events import Envelope, Event
from shared.events.calendar import Category, EntryDone, EntryPlanned
from shared.events.issues import IssueAssigned, IssueRegistered
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeJoined,
    ManagerAppointed,
    UnitFormed,
    UnitKind,
)
from shared.events.touches import TouchRecorded
from shared.store import Store
from shared.testing import recorded
from tests.bench.company import deal
from tests.bench.freshness import quantile
from tests.bench.replay import ZONE
from tests.bench.reports import answering, asked

QUARTERS = 20
TEAM = 20
TEAMS_OF_DIVISION = 25
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
MORNING = datetime(2026, 1, 1, 0, tzinfo=UTC)
DAY: tuple[tuple[int, Category], ...] = (
    (0, "internal"),
    (2, "customer"),
    (5, "travel"),
    (6, "customer"),
)
TOUCHES, DEALS = 12, 5
ROUNDS = 5
# As many as one document holds the cells of.
AT_ONCE = 25

PERIOD = {"from": str(FIRST), "to": str(LAST)}
DAYS = {"first": str(FIRST), "last": str(LAST)}
ASKED: tuple[tuple[str, Mapping[str, Any]], ...] = (
    *(
        ("/analytics/workload", {"by": by, **PERIOD})
        for by in ("team", "division", "company", "seller", "category", "week", "total")
    ),
    *(("/analytics/touches", {"by": by, **DAYS}) for by in ("team", "division", "seller", "week")),
    *(("/analytics/adoption", {"by": by, **PERIOD}) for by in ("team", "seller")),
    *(("/analytics/pipeline", {"by": by, "as_of": str(LAST)}) for by in ("team", "seller")),
    ("/analytics/forecast", {"by": "team", **PERIOD}),
    ("/analytics/slippage", {"by": "team", **PERIOD}),
    ("/analytics/yield", {"by": "team", **PERIOD}),
    ("/analytics/issues", {"by": "team", "as_of": str(LAST)}),
    ("/analytics/stages", PERIOD),
    ("/analytics/losses", PERIOD),
    ("/analytics/growth", {"by": "team", **PERIOD}),
)


def workdays() -> list[date]:
    days = (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    return [day for day in days if day.weekday() < 5]


def worked(number: int) -> Iterator[list[Envelope]]:
    """Yield the streams of one seller's quarter."""
    chance, seller = Random(number), f"employee-{number}"
    for day in workdays():
        morning = datetime(day.year, day.month, day.day, 0, tzinfo=UTC)
        for hour, category in DAY:
            starts = morning + timedelta(hours=hour)
            ends = starts + timedelta(minutes=chance.randrange(30, 120, 15))
            began, ended = (at + timedelta(minutes=chance.randrange(8)) for at in (starts, ends))
            yield recorded(
                EntryPlanned(seller=seller, category=category, starts_at=starts, ends_at=ends),
                EntryDone(started_at=began, ended_at=ended),
                stream=f"entry-{number}-{starts:%m%d%H}",
                occurred_at=starts,
            )
        for touch in range(TOUCHES):
            told = TouchRecorded(
                publisher="bench",
                publisher_id=f"{number}-{day}-{touch}",
                person=f"person-{chance.randrange(5_000)}",
                channel="call",
                employee=seller,
                subject="About the offer of last week",
            )
            stream = f"touch-{number}-{day:%m%d}-{touch}"
            yield recorded(told, stream=stream, occurred_at=morning + timedelta(hours=1))
    for one in range(DEALS):
        at = MORNING + timedelta(days=chance.randrange(60))
        events = deal(chance, seller, at)
        kept = events[: chance.randrange(1, len(events) + 1)]
        yield recorded(*kept, stream=f"opportunity-{number}-{one}", occurred_at=at)
    on = FIRST + timedelta(days=chance.randrange(60))
    yield recorded(
        IssueRegistered(kind="complaint", words="It came too late again.", on=on),
        IssueAssigned(owner=seller, on=on),
        stream=f"issue-{number}",
        occurred_at=MORNING,
    )


def quarters() -> list[dict[Cell, int]]:
    """Return the cells of each quarter that is worked."""
    told = ([fact for stream in worked(number) for fact in stream] for number in range(QUARTERS))
    return [recompute(facts, ZONE)[1] for facts in told]


def of(number: int, quarter: Mapping[Cell, int]) -> dict[Cell, int]:
    """Return what a seller adds whose quarter that was."""
    owner = f"employee-{number}"
    return {
        (replace(cell, owner=owner) if cell.owner else cell): amount
        for cell, amount in quarter.items()
    }


def organisation(sellers: int) -> Iterator[list[Envelope]]:
    """Yield the streams of a company, its divisions and teams, and everybody in them."""
    long_ago, on = MORNING - timedelta(days=400), FIRST - timedelta(days=400)
    teams = -(-sellers // TEAM)
    divisions = -(-teams // TEAMS_OF_DIVISION)
    units: list[tuple[str, UnitKind, str | None]] = [("unit-all", "company", None)]
    units += [(f"unit-d{n}", "division", "unit-all") for n in range(divisions)]
    units += [(f"unit-{n}", "team", f"unit-d{n // TEAMS_OF_DIVISION}") for n in range(teams)]
    for unit, kind, parent in units:
        events: list[Event] = [UnitFormed(name=unit, kind=kind, parent=parent, on=on)]
        if kind == "team":
            leader = int(unit.removeprefix("unit-")) * TEAM
            events.append(ManagerAppointed(employee=f"employee-{leader}", on=on))
        yield recorded(*events, stream=unit, occurred_at=long_ago)
    for number in range(sellers):
        yield recorded(
            EmployeeJoined(name=f"Seller {number}", function="sales", on=on),
            EmployeeAssigned(unit=f"unit-{number // TEAM}", on=on),
            stream=f"employee-{number}",
            occurred_at=long_ago,
        )


class Rolled(NamedTuple):
    """Of the reports: seconds of the very first, which reads all cells; then of each its median."""

    cells: int
    first: float
    reports: dict[str, float]
    p95: float


async def write(store: Store, sellers: int) -> int:
    """Write the cells of so many sellers' quarter; return how many."""
    build = (await builds.register(store, MEASURES)).active.collection
    known, written = quarters(), 0
    for first in range(0, sellers, AT_ONCE):
        sums: dict[Cell, int] = {}
        for number in range(first, min(first + AT_ONCE, sellers)):
            for cell, amount in of(number, known[number % QUARTERS]).items():
                sums[cell] = sums.get(cell, 0) + amount
        async with store.transaction() as tx:
            await add_cells(tx, build, {f"calendar/{first // AT_ONCE % 4}": sums})
        written += len(sums)
    return written


async def rollups(store: Store, sellers: int) -> Rolled:
    """Write a quarter, then ask for every report of it, again and again."""
    cells = await write(store, sellers)
    facts = [fact for stream in organisation(sellers) for fact in stream]
    async with answering(store, facts) as client:
        first = await asked(client, *ASKED[0])
        took: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for path, query in ASKED:
                name = " by ".join((path.rpartition("/")[2], *filter(None, [query.get("by")])))
                took.setdefault(name, []).append(await asked(client, path, query))
    every = [seconds for told in took.values() for seconds in told]
    reports = {name: median(told) for name, told in took.items()}
    return Rolled(cells, first, reports, quantile(every, 0.95))
