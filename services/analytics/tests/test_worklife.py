"""Minutes of work in evenings, on weekends and holidays (N-01, K-07), counted in another way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.forecast import Span
from services.analytics.measures import contributions, evolve
from services.analytics.packing import pack, unpack
from services.analytics.projections import Held as Under
from services.analytics.projections import OrgNode
from services.analytics.tables import Apart, Grain, Tables
from services.analytics.tests.histories import ZONE
from services.analytics.tests.test_workload import MARCH, plan, rows
from services.analytics.tests.world import KIM, LEE, World, on
from services.analytics.tree import Organization
from services.analytics.worklife import WHEN, Clocks, Outside, Places
from services.analytics.workload import Entry
from services.analytics.workload_report import key_by, outside_of
from shared.events.calendar import AgendaZoneSet, EntryDone, EntryPlanned
from shared.events.organization import (
    UnitCalendarAssigned,
    WorkcalendarHolidayDeclared,
    WorkcalendarHoursSet,
    WorkcalendarOpened,
)
from shared.testing import recorded
from shared.through import Held
from shared.workplaces import SellerPlace, UnitPlace, WorkHours
from shared.worktime import HoursFrom, UsualWeek

FIRST = date(2026, 3, 1)
SPAN = Span(FIRST, date(2026, 4, 15))
ZONES = ("Asia/Seoul", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
sellers = st.sampled_from(["employee-0", "employee-1", "employee-2"])
# Berlin's and New York's clocks change in these weeks.
begins = st.integers(0, 54 * 24 * 60).map(
    lambda minutes: datetime(2026, 2, 25, tzinfo=UTC) + timedelta(minutes=minutes)
)
entries = st.lists(st.tuples(sellers, begins, st.integers(0, 24 * 60)), max_size=6)
turns = st.none() | st.dates(date(2026, 2, 1), date(2026, 4, 30))


some_weekdays = st.sets(st.sampled_from(["monday", "tuesday", "saturday", "sunday"]))
some_calendars = st.lists(st.sampled_from(["calendar-a", "calendar-b"]), max_size=1)
some_units = st.lists(st.sampled_from(["unit-x", "unit-y"]), max_size=2)


@st.composite
def workplaces(draw: st.DrawFn) -> Places:
    """Three sellers of two teams, which work by calendars of their own, or by none."""
    calendars = {
        name: WorkHours(
            name,
            tuple(
                HoursFrom(day, time(begin), time(begin + 7), None) for day in draw(some_weekdays)
            ),
            tuple(sorted(draw(st.sets(st.dates(FIRST, date(2026, 4, 15)), max_size=4)))),
        )
        for name, begin in (("calendar-a", 6), ("calendar-b", 14))
    }
    units = {
        unit: UnitPlace(
            unit,
            parents=(Held("unit-all", draw(turns)),),
            calendars=tuple(Held(name, draw(turns)) for name in draw(some_calendars)),
        )
        for unit in ("unit-x", "unit-y")
    }
    units["unit-all"] = UnitPlace("unit-all", calendars=(Held("calendar-a", draw(turns)),))
    placed = {
        f"employee-{n}": SellerPlace(
            f"employee-{n}",
            units=tuple(
                sorted(
                    (Held(unit, draw(turns)) for unit in draw(some_units)),
                    key=lambda held: held.since or date.min,
                )
            ),
        )
        for n in range(3)
    }
    zones = {f"employee-{n}": draw(st.sampled_from(ZONES)) for n in range(2)}
    return Places(UsualWeek(), ZONE, placed, units, calendars, zones)


def minute_by_minute(places: Places, seller: str, begin: datetime, minutes: int) -> Counter[Any]:
    """Ask of every single minute when it was: slow, and nothing is added up by clocks."""
    place, found = places.of(seller), Counter[Any]()
    for number in range(minutes):
        local = (begin + timedelta(minutes=number)).astimezone(place.zone)
        hours = place.hours(local.date())
        if place.is_holiday(local.date()):
            found["holiday"] += 1
        elif hours.starts is None or hours.ends is None:
            found["weekend"] += 1
        elif not hours.starts <= local.time() < hours.ends:
            found["evening"] += 1
    return found


def folded(number: int, seller: str, begin: datetime, minutes: int) -> dict[Any, int]:
    facts = recorded(
        EntryPlanned(
            seller=seller,
            category="customer",
            starts_at=begin,
            ends_at=begin + timedelta(minutes=max(minutes, 1)),
        ),
        EntryDone(started_at=begin, ended_at=begin + timedelta(minutes=minutes)),
        stream=f"entry-{number}",
    )
    entity: Any = Entry(f"entry-{number}")
    for fact in facts:
        entity = evolve(entity, fact, ZONE)
    return contributions(entity)


@settings(max_examples=60, deadline=None)
@given(workplaces(), entries, st.sampled_from(["seller", "team", "month", "week", "total"]))
def test_minutes_by_clocks_are_minutes_counted_one_by_one(
    places: Places, told: list[tuple[str, datetime, int]], by: Any
) -> None:
    nodes = {
        seller: OrgNode(seller, under=tuple(Under(one.what, one.since) for one in place.units))
        for seller, place in places.sellers.items()
    }
    nodes |= {unit: OrgNode(unit, unit, "team") for unit in ("unit-x", "unit-y")}
    organization = Organization(nodes)
    cells: Counter[Any] = Counter()
    wanted: dict[Any, Counter[Any]] = {}
    key_of = key_by(by, organization, None)
    clocks = Clocks(places, date(2026, 2, 20), date(2026, 4, 25))
    parts_of = outside_of(clocks, key_of, SPAN)
    explained: dict[Any, Counter[Any]] = {}
    for number, (seller, begin, minutes) in enumerate(told):
        own = folded(number, seller, begin, minutes)
        cells.update(own)
        day = begin.astimezone(ZONE).date()
        if SPAN.first <= day <= SPAN.last:
            (key,) = key_of(seller, day)
            wanted.setdefault(key, Counter()).update(
                minute_by_minute(places, seller, begin, minutes)
            )
        for cell, amount in own.items():
            for part in parts_of(cell, amount):
                explained.setdefault(part.key, Counter())[part.measure] += part.amount
    tables = Tables().with_([unpack(pack({c: n for c, n in cells.items() if n}))])
    grain = Grain(
        Apart(organization.turns, by if by in ("month", "week") else None),
        Apart(),
        first=SPAN.first,
        last=SPAN.last,
    )
    table = tables.by_axis.get("clock")
    found = {} if table is None else Outside(table, clocks).by(grain, None, key_of)
    assert _told(found) == _told(wanted)
    named = {
        key: {when: sums[f"{when} minutes"] for when in WHEN} for key, sums in explained.items()
    }
    assert _told(named) == _told(wanted)


def _told(found: Any) -> dict[Any, dict[Any, int]]:
    rows = {key: {when: n for when, n in sums.items() if n} for key, sums in found.items()}
    return {key: sums for key, sums in rows.items() if sums}


@pytest.fixture
async def working(world: World) -> World:
    """Kim works late, on a Sunday and on a holiday; Lee lives in Berlin."""
    told = {
        "workcalendar-all": (
            WorkcalendarOpened(name="All"),
            WorkcalendarHoursSet(weekday="monday", starts=time(10), ends=time(16)),
            WorkcalendarHolidayDeclared(day=on("03-10"), name="Founders' day"),
        ),
        "unit-all": (UnitCalendarAssigned(calendar="workcalendar-all", on=on("01-01")),),
        "agenda-lee": (AgendaZoneSet(zone="Europe/Berlin"),),
        # A Monday from 09:00 to 20:00: an hour before, four after the hours of the calendar.
        "entry-late": (plan(KIM, "customer", "03-02T09:00", "03-02T20:00"),),
        "entry-sunday": (plan(KIM, "internal", "03-08T10:00", "03-08T11:30"),),
        "entry-holiday": (plan(KIM, "travel", "03-10T10:00", "03-10T10:45"),),
        "entry-own": (
            plan(KIM, "private", "03-03T21:00", "03-03T22:00", sealed="x", sealed_to="y"),
        ),
        # 18:00 of a Tuesday in Seoul is 10:00 in Berlin.
        "entry-berlin": (plan(LEE, "customer", "03-03T16:00", "03-03T18:00"),),
    }
    for stream, events in told.items():
        after = 1 if stream == "unit-all" else 0
        whole = list(events)
        if stream.startswith("entry-"):
            (one,) = events
            whole.append(EntryDone(started_at=one.starts_at, ended_at=one.ends_at))
        await world.append(recorded(*whole, stream=stream, after=after))
    await world.fold()
    return world


async def test_n_01_the_workload_tells_work_outside_the_hours_of_a_calendar(
    working: World,
) -> None:
    found = await rows(working)
    minutes = [found[KIM][f"{when}_minutes"] for when in WHEN]
    assert minutes == [5 * 60, 90, 45]
    # 16:00 in Seoul is 08:00 in Berlin: one of two hours is before nine.
    assert [found[LEE][f"{when}_minutes"] for when in WHEN] == [60, 0, 0]
    total = (await rows(working, by="total"))["total"]
    assert [total[f"{when}_minutes"] for when in WHEN] == [6 * 60, 90, 45]
    days = await rows(working, by="day")
    assert days["2026-03-08"]["weekend_minutes"] == 90
    categories = await rows(working, by="category")
    assert "evening_minutes" not in categories["customer"]


async def test_minutes_outside_open_into_entries_and_are_known_as_of_then(working: World) -> None:
    why = await working.get("workload/why", by="seller", key=KIM, as_of="2026-12-31", **MARCH)
    assert why["total"]["evening minutes"] == 300
    told = {one["stream"]: one for one in why["contributions"]}
    assert told["entry-late"]["evening minutes"] == 300
    assert told["entry-sunday"]["weekend minutes"] == 90
    assert told["entry-holiday"]["holiday minutes"] == 45
    assert not any("minutes" in name for name in told.get("entry-own", {}))
    later = await rows(working, known_at="2100-01-01T00:00:00Z")
    assert later[KIM] == (await rows(working))[KIM]
    only = await rows(working, seller="kim", by="month")
    assert only["2026-03"]["holiday_minutes"] == 45


async def test_without_a_first_day_all_of_it_is_told(working: World) -> None:
    found = (await working.get("workload", as_of="2026-12-31"))["rows"]
    assert {row["id"]: row["evening_minutes"] for row in found}[KIM] == 300


@pytest.mark.parametrize("count", [1, 500, 5_000])
def test_a_clock_shows_many_instants_what_it_shows_each(count: int) -> None:
    """More instants than minutes are looked at once a minute."""
    clocks = Clocks(Places(UsualWeek(), ZONE), FIRST, FIRST + timedelta(days=7))
    clock = clocks.clocks[clocks.number("employee-0")]
    begin = FIRST.toordinal() * 24 * 60
    instants = begin + np.arange(count) * 7_919 % 4_000  # In no order, over three days.
    read = clock.reader(int(instants.min()), int(instants.max()), often=count)
    for when in WHEN:
        shown = read(when, instants)
        assert shown.tolist() == [float(clock.at(when, instant)) for instant in instants]
