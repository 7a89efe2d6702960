"""What came of the hours of a person, a team, a division and the company (K-10)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from services.calendar.figures import Spent, TimeFigures
from services.calendar.main import domain
from services.calendar.productivity import Productivity, productivity
from services.calendar.productivity_api import ProductivityPage, get_productivity
from services.calendar.result_views import OpportunityResult, opportunity_result
from shared.clock import SystemClock
from shared.events import Event, encode
from shared.events.calendar import EntryDone, EntryPlanned
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityLost,
    OpportunityReassigned,
    OpportunityReopened,
    OpportunityWon,
    OutcomeCorrected,
)
from shared.events.organization import EmployeeAssigned, EmployeeJoined, UnitFormed
from shared.memory import MemoryLog, MemoryStore
from shared.reading import Token
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing import recorded

MONDAY, SUNDAY = date(2026, 1, 5), date(2026, 1, 11)
FOUND = OpportunityDiscovered(title="Valves", stage="Prospecting", owner="employee-1")
WON = OpportunityWon(value=Decimal("900.00"), currency="USD", on=MONDAY)


def result(*facts: Event) -> OpportunityResult:
    return opportunity_result.replay(recorded(*facts, stream="opportunity-1"))["opportunity-1"]


def test_k_10_what_was_won_is_set_beside_the_hours() -> None:
    time = TimeFigures(
        MONDAY, SUNDAY, (Spent("customer", 0, 120),), work_minutes=360, customer_share=0.333
    )
    won = OpportunityResult("opportunity-1", won_on=MONDAY, value="900.00", currency="USD")
    euros = OpportunityResult("opportunity-2", won_on=MONDAY, value="60", currency="EUR")
    found = productivity(1, time, 2, [won, won, euros])
    assert found == Productivity(
        1, 360, 120, 0.333, 2, 3,
        {"EUR": "60", "USD": "1800.00"}, {"EUR": "10.00", "USD": "300.00"}, 2.0,
    )  # fmt: skip


def test_k_10_without_hours_nothing_is_told_by_the_hour() -> None:
    won = OpportunityResult("opportunity-1", won_on=MONDAY, value="900.00", currency="USD")
    found = productivity(1, TimeFigures(MONDAY, SUNDAY), 0, [won])
    assert (found.won, found.values, found.value_per_hour) == (1, {"USD": "900.00"}, {})
    assert found.hours_per_win is None


def test_k_10_it_is_the_result_of_whoever_was_responsible_when_it_was_won() -> None:
    theirs = OpportunityReassigned(owner="employee-2", reason="leave")
    assert result(FOUND, WON, theirs).won_by == "employee-1"
    assert result(FOUND, theirs, WON).won_by == "employee-2"


def test_k_10_what_is_open_again_or_lost_is_no_result() -> None:
    again = OpportunityReopened(stage="Proposal")
    for facts in ((FOUND, WON, again), (FOUND, WON, again, OpportunityLost(on=MONDAY))):
        found = result(*facts)
        assert (found.owner, found.won_by, found.won_on, found.value) == (
            "employee-1", None, None, None,
        )  # fmt: skip


def test_k_10_a_mistaken_value_is_put_right() -> None:
    right = OutcomeCorrected(value=Decimal("950.00"), reason="typo")
    assert result(FOUND, WON, right).value == "950.00"
    assert result(FOUND, right).value is None


def visit(seller: str, hours: int) -> tuple[Event, ...]:
    begin, end = datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 1, 5, 9 + hours, tzinfo=UTC)
    plan = EntryPlanned(seller=seller, category="customer", starts_at=begin, ends_at=end)
    return plan, EntryDone(started_at=begin, ended_at=end)


COMPANY: dict[str, tuple[Event, ...]] = {
    "unit-1": (UnitFormed(name="Company", kind="company"),),
    "unit-2": (UnitFormed(name="North", kind="division", parent="unit-1"),),
    "unit-3": (UnitFormed(name="South", kind="division", parent="unit-1"),),
    "unit-4": (UnitFormed(name="Team", kind="team", parent="unit-2"),),
    "employee-1": (EmployeeJoined(name="Ada"), EmployeeAssigned(unit="unit-4")),
    "employee-2": (EmployeeJoined(name="Bob"), EmployeeAssigned(unit="unit-3")),
    "opportunity-1": (FOUND, WON),
    "opportunity-2": (FOUND, OpportunityWon(value=Decimal(1), currency="USD", on=date(2025, 1, 5))),
    "entry-1": visit("employee-1", 3),
    "entry-2": visit("employee-2", 1),
}


async def page_of(unit: str) -> ProductivityPage:
    runtime = Runtime(domain, MemoryStore(), MemoryLog(2), SystemClock(), Settings())
    await runtime.start()
    try:
        for stream, events in COMPANY.items():
            for fact in recorded(*events, stream=stream):
                await runtime.log.append(fact.data.topic, stream, encode(fact))
        for stream, events in COMPANY.items():
            found = await get_productivity(
                runtime, "employee-1", Token(stream, len(events)),
                unit=unit, first=MONDAY, last=SUNDAY,
            )  # fmt: skip
        return found
    finally:
        await runtime.stop()


async def test_k_10_company_divisions_and_sellers_are_told_in_one_answer() -> None:
    found = await page_of("unit-1")
    total = found.total
    assert (total.sellers, total.work_minutes, total.meetings, total.won) == (2, 240, 2, 1)
    assert total.value_per_hour == {"USD": "225.00"}
    assert [(one.name, one.productivity.value_per_hour) for one in found.units] == [
        ("North", {"USD": "300.00"}),
        ("South", {}),
    ]
    assert [(one.name, one.productivity.won) for one in found.sellers] == [("Ada", 1), ("Bob", 0)]


async def test_k_10_a_team_has_its_own_alone() -> None:
    found = await page_of("unit-4")
    assert (found.total.won, found.total.work_minutes, found.units) == (1, 180, [])
