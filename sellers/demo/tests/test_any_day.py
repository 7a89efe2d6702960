"""The demo is begun on any day, and its figures tell of what is going on on that day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import pytest

from sellers.demo.days import quarter_end
from sellers.demo.tests.test_shown import Demo
from services.analytics.tests.world import World, opened
from shared.reading import Token

DAYS = (
    date(2027, 1, 1),
    date(2026, 12, 1),
    date(2026, 12, 31),  # The last day of a quarter, and of the year.
    date(2027, 6, 30),
    date(2027, 7, 1),
    date(2027, 3, 28),  # A Sunday.
    date(2028, 2, 29),
)
# Of these the views beside the figures are told, which fold by themselves.
BESIDE = ("unit-", "employee-", "target-")


@asynccontextmanager
async def begun(end: date) -> AsyncIterator[World]:
    """Yield the figures of a small demo company that was begun on this day, all of it folded."""
    demo = Demo(12, end)
    async with opened() as world:
        await world.append(demo.facts)
        await world.fold()
        for stream, version in demo.versions.items():
            if stream.startswith(BESIDE):
                await _told(world, Token(stream, version))
        yield world


async def _told(world: World, token: Token) -> None:
    path = "attainment" if token.stream.startswith("target-") else "touches"
    headers = {"X-At-Least": token.encode()}
    answer = await world.client.get(f"/analytics/{path}", headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("day", DAYS, ids=date.isoformat)
async def test_targets_of_the_day_are_partly_reached_committed_to_and_covered(day: date) -> None:
    async with begun(day) as world:
        rows = (await world.get("attainment", as_of=day, on=day))["rows"]
        quarter = {"from": date(day.year, quarter_end(day).month - 2, 1), "to": quarter_end(day)}
        (forecast,) = (await world.get("forecast", as_of=day, by="total", **quarter))["rows"]
    for kind in ("owner", "unit", "product"):
        of_kind = [row for row in rows if row[kind]]
        assert any(float(row["won"]) for row in of_kind), kind
    assert any(row["unit"] and float(row["committed"]) for row in rows)
    assert any(row["coverage"] and float(row["coverage"]) for row in rows)
    assert forecast["commit_count"]
