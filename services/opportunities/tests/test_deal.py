"""Rest, credit across divisions (O-10), hand-off (O-12) and a seller's own commitment (O-06)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from httpx2 import AsyncClient
from pydantic import ValidationError

from services.opportunities.main import domain, router
from services.opportunities.model import OpportunityClosedError
from services.opportunities.record.commands import (
    Commit,
    ReportHandOff,
    Resume,
    Share,
    ShareCredit,
    Snooze,
    WithdrawCommitment,
)
from services.opportunities.record.commitment_rules import CommitmentNotTheirsError
from services.opportunities.record.views import opportunity_record
from shared.errors import InvalidError
from shared.events.opportunities import (
    CommitmentMade,
    CommitmentWithdrawn,
    CreditShare,
    CreditShared,
    HandOffReported,
    OpportunityDiscovered,
    OpportunityReassigned,
    OpportunityResumed,
    OpportunitySnoozed,
    OpportunityWon,
)
from shared.testing import check_projection, given, recorded, serving

opportunity = domain.decider("opportunity-1")
MONDAY, FRIDAY, LATER = date(2026, 1, 5), date(2026, 1, 9), date(2026, 6, 1)
CHANCE = OpportunityDiscovered(title="Pump", stage="Prospecting", owner="employee-1", on=MONDAY)
WON = OpportunityWon(value=Decimal(100), currency="USD", on=FRIDAY)
SAID = {"confidence": "commit", "amount": Decimal(90), "currency": "USD", "close_on": LATER}
MADE = CommitmentMade(seller="employee-1", on=MONDAY, **SAID)
COMMIT = Commit(seller="employee-1", on=MONDAY, **SAID)


def test_it_rests_for_a_reason_until_a_date() -> None:
    snooze = Snooze(reason="Budget next year", resume_on=LATER, on=FRIDAY)
    rests = OpportunitySnoozed(reason="Budget next year", resume_on=LATER, on=FRIDAY)
    given(opportunity, CHANCE).when(snooze).then(rests)
    given(opportunity, CHANCE, rests).when(snooze).then_nothing()
    given(opportunity, CHANCE, rests).when(Resume(on=FRIDAY)).then(OpportunityResumed(on=FRIDAY))
    given(opportunity, CHANCE).when(Resume(on=FRIDAY)).then_nothing()
    given(opportunity, CHANCE, WON).when(snooze).then_refused(OpportunityClosedError)
    past = Snooze(reason="Budget", resume_on=FRIDAY, on=FRIDAY)
    refused = given(opportunity, CHANCE).when(past).then_refused(InvalidError)
    assert refused.field == "#/resume_on"


def shares(**percent: str) -> tuple[Share, ...]:
    return tuple(Share(division=f"unit-{name}", percent=p) for name, p in percent.items())


def test_o_10_credit_is_shared_between_divisions_and_makes_a_whole() -> None:
    command = ShareCredit(introduced_by="unit-b", shares=shares(b="33.33", a="66.67"), on=FRIDAY)
    shared = CreditShared(
        introduced_by="unit-b",
        shares=(
            CreditShare(division="unit-a", percent=Decimal("66.67")),
            CreditShare(division="unit-b", percent=Decimal("33.33")),
        ),
        on=FRIDAY,
    )
    given(opportunity, CHANCE, WON).when(command).then(shared)
    again = command.model_copy(update={"shares": tuple(reversed(command.shares))})
    given(opportunity, CHANCE, WON, shared).when(again).then_nothing()
    view = check_projection(opportunity_record, [recorded(CHANCE, shared, stream="opportunity-1")])[
        "opportunity-1"
    ]
    assert (view.introduced_by, view.shared) == ("unit-b", True)


@pytest.mark.parametrize("percent", [{"a": "50", "b": "49.99"}, {"a": "101"}, {}, {"a": "0"}])
def test_o_10_credit_that_makes_no_whole_is_refused(percent: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ShareCredit(introduced_by="unit-a", shares=shares(**percent))
    twice = shares(a="50") * 2
    with pytest.raises(ValidationError):
        ShareCredit(introduced_by="unit-a", shares=twice)


def test_o_12_statuses_come_back_from_outside_and_the_newest_of_each_step_counts() -> None:
    said = {"step": "order", "status": "confirmed", "reference": "A-1", "system": "erp"}
    reported = HandOffReported(on=FRIDAY, **said)
    given(opportunity, CHANCE, WON).when(ReportHandOff(on=FRIDAY, **said)).then(reported)
    given(opportunity, CHANCE, WON, reported).when(ReportHandOff(on=FRIDAY, **said)).then_nothing()
    late = HandOffReported(step="order", status="received", on=MONDAY)
    paid = HandOffReported(step="finance", status="paid", on=LATER)
    deal = opportunity.state([CHANCE, WON, reported, late, paid]).record.deal
    assert {one.step: one.status for one in deal.hand_offs_now} == {
        "order": "confirmed",
        "finance": "paid",
    }


def test_o_06_a_seller_commits_to_their_own_opportunities_only() -> None:
    given(opportunity, CHANCE).when(COMMIT).then(MADE)
    given(opportunity, CHANCE, MADE).when(COMMIT).then_nothing()
    others = COMMIT.model_copy(update={"seller": "employee-2"})
    refused = given(opportunity, CHANCE).when(others).then_refused(CommitmentNotTheirsError)
    assert str(refused) == "it is employee-1's"
    nobodys = CHANCE.model_copy(update={"owner": None})
    given(opportunity, nobodys).when(COMMIT).then_refused(CommitmentNotTheirsError)
    given(opportunity, CHANCE, WON).when(COMMIT).then_refused(OpportunityClosedError)


def test_o_06_a_commitment_is_dated_replaced_and_withdrawn() -> None:
    more = MADE.model_copy(update={"amount": Decimal(120), "on": FRIDAY})
    raise_it = COMMIT.model_copy(update={"amount": Decimal(120), "on": FRIDAY})
    given(opportunity, CHANCE, MADE).when(raise_it).then(more)
    told = opportunity.state([CHANCE, MADE, more]).record.commitments
    monday, now = told.held(MONDAY), told.now
    assert monday is not None
    assert now is not None
    assert (monday.amount, now.amount) == (90, 120)
    withdraw = WithdrawCommitment(seller="employee-1", reason="Lost budget", on=FRIDAY)
    withdrawn = CommitmentWithdrawn(seller="employee-1", reason="Lost budget", on=FRIDAY)
    given(opportunity, CHANCE, MADE).when(withdraw).then(withdrawn)
    given(opportunity, CHANCE, MADE, withdrawn).when(withdraw).then_nothing()
    others = WithdrawCommitment(seller="employee-2", on=FRIDAY)
    given(opportunity, CHANCE, MADE).when(others).then_refused(CommitmentNotTheirsError)


def test_o_06_nobodys_word_counts_for_another_owner() -> None:
    told = recorded(CHANCE, MADE, stream="opportunity-1")
    assert check_projection(opportunity_record, [told])["opportunity-1"].committed_by
    handed = OpportunityReassigned(owner="employee-2", reason="leave", on=FRIDAY)
    for closing in (handed, WON):
        told = recorded(CHANCE, MADE, closing, stream="opportunity-1")
        view = check_projection(opportunity_record, [told])["opportunity-1"]
        assert view.committed_by is None


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_o_12_another_system_reports_in_bulk_and_once(client: AsyncClient) -> None:
    await client.post("/opportunities/1/discover", json={"title": "Pump"})
    await client.post("/opportunities/1/win", json={"value": "100", "currency": "USD"})
    statuses = []
    for status in ("received", "received", "shipped"):
        said = {"step": "fulfilment", "status": status}
        item: dict[str, Any] = {"stream": "opportunity-1", "type": "report_hand_off"}
        items = [item | {"command": said, "origin": "erp#1"}]
        answer = await client.post("/opportunities/commands", json={"commands": items})
        statuses += [result["status"] for result in answer.json()["results"]]
    assert statuses == ["recorded", "duplicate", "recorded"]
