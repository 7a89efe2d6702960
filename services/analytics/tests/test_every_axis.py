"""No report says nought of what it does not keep by what it is asked for: it says nothing (N-06).

A field that is more than nought by anything is, by everything else, more than nought in some row,
or told in none: nought in all rows, of so much that happened, is a figure that nobody keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

import pytest

from services.analytics.tests.drawn import drawn
from services.analytics.tests.test_known_then import (
    JANUARY,
    YEAR_END,
    append,
    company,
    enum,
    reports,
)
from services.analytics.tests.world import World, opened
from shared.events import Event
from shared.events.calendar import EntryDone, EntryPlanned
from shared.events.opportunities import (
    HandOffReported,
    OpportunityDiscovered,
    OpportunityWon,
)
from shared.events.organization import (
    UnitCalendarAssigned,
    WorkcalendarHolidayDeclared,
    WorkcalendarOpened,
)
from shared.hand_offs import STEPS
from shared.testing import recorded

# By which report, and by what: each field, and the numbers that its rows say.
Told = dict[str, dict[str, dict[str, list[Decimal]]]]
# From and until when: of a year whole, and in the middle of what happens, with a time before.
ASKED = ((JANUARY, YEAR_END), (date(2026, 2, 10), date(2026, 3, 15)))
# What the drawn histories do not bring: a plan kept to the minute, on a holiday; a deal that is
# won, delivered and invoiced on one day.
HOLIDAY = datetime(2026, 3, 10, 1, tzinfo=UTC)
NOON = {"starts_at": HOLIDAY, "ends_at": HOLIDAY + timedelta(hours=2)}
WORTH = Decimal(100)
KEPT: Mapping[str, Sequence[Event]] = {
    "workcalendar-all": [
        WorkcalendarOpened(name="All"),
        WorkcalendarHolidayDeclared(day=HOLIDAY.date(), name="Founders' day"),
    ],
    "unit-blue": [UnitCalendarAssigned(calendar="workcalendar-all", on=JANUARY)],
    "entry-kept": [
        EntryPlanned(seller="employee-b", category="customer", **NOON),
        EntryDone(started_at=NOON["starts_at"], ended_at=NOON["ends_at"]),
    ],
    "opportunity-kept": [
        OpportunityDiscovered(
            title="Kept",
            stage="Engaging",
            owner="employee-b",
            product="product-x",
            company="company-p",
            on=JANUARY,
        ),
        OpportunityWon(value=WORTH, currency="USD", on=HOLIDAY.date()),
        *(
            HandOffReported(
                step=step, status="done", amount=WORTH, currency="USD", on=HOLIDAY.date()
            )
            for step in STEPS
        ),
    ],
}
# What says what a row is, and what it is of, is no figure.
NAMES = frozenset({"id", "key"})


def numbers(row: dict[str, Any], at: str = "") -> Iterator[tuple[str, Decimal]]:
    """Yield every figure of a row by its name, those within others by theirs, too."""
    for name, value in row.items():
        match value:
            case dict():
                yield from numbers(value, f"{at}{name}.")
            case bool() | None:
                pass
            case int() | str() if name not in NAMES:
                with suppress(InvalidOperation):  # Words are no figure.
                    yield f"{at}{name}", Decimal(value)


async def everything(world: World) -> Told:
    """Ask for each report by everything that it may be asked for by."""
    told: Told = {}
    for report, fields in reports().items():
        if "by" not in fields or report.endswith("why"):
            continue
        told[report] = {}
        for by in enum(fields):
            found: dict[str, list[Decimal]] = defaultdict(list)
            for first, last in ASKED:
                asked = {"by": by, "as_of": f"{last}"}
                asked |= {"from": f"{first}"} if "from" in fields else {}
                for row in (await world.get(report, **asked))["rows"]:
                    for name, number in numbers(row):
                        found[name].append(number)
            told[report][by] = found
    return told


@pytest.fixture
async def told() -> Told:
    histories: list[list[Any]] = [list(history) for history in drawn()]
    deals = [one[0].stream for one in histories if one[0].stream.startswith("opportunity-")]
    around = {stream: [*then, *since] for stream, (then, since) in company(deals[:20]).items()}
    for stream, events in KEPT.items():
        around[stream] = [*around.get(stream, ()), *events]
    histories += [recorded(*events, stream=stream) for stream, events in around.items()]
    async with opened() as world:
        await append(world, histories, Random(1))
        return await everything(world)


async def test_what_is_not_kept_by_something_is_not_told_to_be_nought(told: Told) -> None:
    false = [
        (report, by, name)
        for report, by_what in told.items()
        for name in {name for found in by_what.values() for name in found}
        if any(any(found.get(name, ())) for found in by_what.values())
        for by, found in by_what.items()
        if found.get(name) and not any(found[name])
    ]
    assert false == []


async def test_there_is_something_of_every_figure(told: Told) -> None:
    nothing = {
        (report, name)
        for report, by_what in told.items()
        for found in by_what.values()
        for name in found
        if not any(any(one.get(name, ())) for one in by_what.values())
    }
    assert nothing == set()
