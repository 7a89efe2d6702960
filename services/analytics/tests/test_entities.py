"""How an opportunity stood through time where facts come late, contradict or leave things out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from services.analytics.entities import Opportunity
from services.analytics.measures import recompute
from services.analytics.periods import periods
from services.analytics.tests.histories import ZONE
from services.analytics.told import NO_CURRENCY, currency_code
from shared.events import Event
from shared.events.opportunities import (
    EngagementCorrected,
    OpportunityDiscovered,
    OpportunityReassigned,
    OpportunityWon,
    StageAdvanced,
)
from shared.testing import recorded

KIM, LEE = "employee-kim", "employee-lee"
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


def on(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


FOUND = OpportunityDiscovered(title="Chance", stage="Prospecting", owner=KIM, on=on("01-05"))


def advanced(stage: str, day: str) -> StageAdvanced:
    return StageAdvanced(stage=stage, on=on(day))


def won(day: str, currency: str = "USD") -> OpportunityWon:
    return OpportunityWon(value=Decimal(1), currency=currency, on=on(day))


def measured(*events: Event) -> dict[str, int]:
    """Sum what it adds on the axis of owners, over all days."""
    _, cells = recompute(recorded(*events, stream="opportunity-1"), ZONE)
    sums: dict[str, int] = {}
    for cell, amount in cells.items():
        if cell.axis == "owner":
            sums[cell.measure] = sums.get(cell.measure, 0) + amount
    return sums


def opportunity(*events: Event, later: tuple[Event, ...] = ()) -> Opportunity:
    facts = recorded(*events, stream="opportunity-1")
    facts += recorded(*later, stream="opportunity-1", after=len(events), occurred_at=APRIL)
    (entity,) = recompute(facts, ZONE)[0].values()
    assert isinstance(entity, Opportunity)
    return entity


def test_a_cycle_runs_from_the_first_day_in_earnest_however_dates_were_corrected() -> None:
    steps = (FOUND, advanced("Engaging", "02-01"), advanced("Proposal", "02-10"))
    earlier = EngagementCorrected(stage="Proposal", reason="typo", on=on("01-21"))
    assert measured(*steps, won("03-01"))["cycle_days"] == 28
    assert measured(*steps, earlier, won("03-01"))["cycle_days"] == 39


def test_what_was_won_before_it_was_engaged_has_no_cycle() -> None:
    sums = measured(FOUND, advanced("Engaging", "02-01"), won("01-20"))
    assert sums["won"] == 1
    assert "cycle_days" not in sums
    assert "cycles" not in sums


def test_a_step_dated_before_the_discovery_is_not_undone_by_it() -> None:
    stood = periods(opportunity(FOUND, advanced("Engaging", "01-02")))
    assert [(period.step.stage, period.start) for period in stood] == [("Engaging", on("01-02"))]


def test_a_handover_of_what_nobody_had_is_no_owner_from_the_beginning() -> None:
    nobodys = FOUND.model_copy(update={"owner": None})
    handed = OpportunityReassigned(owner=LEE, reason="handover")
    stood = periods(opportunity(nobodys, later=(handed,)))
    assert [(period.owner, period.start) for period in stood] == [
        ("", on("01-05")),
        (LEE, on("04-01")),
    ]


@pytest.mark.parametrize("code", ["", "usd", "US.D", "$", "EURO"])
def test_what_is_no_currency_is_summed_as_none(code: str) -> None:
    """The code becomes a field's name, in which the store takes a dot for a path."""
    assert currency_code(code) == NO_CURRENCY
    assert measured(FOUND, won("03-01", code))["value_XXX"] == 10_000
