"""C_08: who moves is told to the owners at both companies, and they say that they know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.contacts.main import domain, router
from services.contacts.notices import (
    AcknowledgeMove,
    NoticeMove,
    NoticeUnknownError,
    NotToldError,
    move_notice,
    owners_are_told_who_moved,
)
from services.contacts.tests.client import get, post
from shared.clock import SystemClock
from shared.events.contacts import (
    AffiliationEnded,
    CompanyOwnerAssigned,
    CompanyRegistered,
    MoveAcknowledged,
    MoveNoticed,
    PersonAffiliated,
)
from shared.policies import Reaction
from shared.reading import Token
from shared.testing import check_projection, given, recorded, serving

JANUARY, MARCH, APRIL = date(2026, 1, 5), date(2026, 3, 1), date(2026, 4, 1)
FIRM = CompanyRegistered(name="Acme")
OWNED = CompanyOwnerAssigned(owner="employee-1", on=JANUARY)
LATER_OWNED = CompanyOwnerAssigned(owner="employee-2", on=APRIL)
company = domain.decider("company-1")


def told(on: date = MARCH, **more: Any) -> dict[str, Any]:
    return {"notice": "n1", "person": "person-1", "what": "gone", "moved_on": on, **more}


NOTICED = MoveNoticed(owner="employee-1", on=APRIL, **told())


def test_c_08_a_move_asks_the_company_that_it_concerns() -> None:
    came, went, undone = recorded(
        PersonAffiliated(company="company-2", role="head", on=MARCH),
        AffiliationEnded(company="company-1", reason="moved", on=MARCH),
        AffiliationEnded(company="company-2", reason="mistaken", on=MARCH),
        stream="person-1",
    )
    react = owners_are_told_who_moved.react
    there = NoticeMove(**told(what="there", role="head") | {"notice": came.id})
    assert react(came) == [Reaction("company-2", there)]
    assert react(went) == [Reaction("company-1", NoticeMove(**told() | {"notice": went.id}))]
    assert [one.command.model_dump()["what"] for one in react(undone)] == ["mistaken"]


def test_c_08_the_owner_of_today_is_told_and_no_old_story() -> None:
    ask = NoticeMove(**told(), on=APRIL)
    given(company, FIRM, OWNED).when(ask).then(NOTICED)
    given(company, FIRM, OWNED, NOTICED).when(ask).then_nothing()
    given(company, FIRM).when(ask).then_nothing()
    given(company, FIRM, OWNED).when(NoticeMove(**told(date(2025, 6, 1)), on=APRIL)).then_nothing()
    undated = NoticeMove(**told() | {"moved_on": None}, on=APRIL)
    noticed = NOTICED.model_copy(update={"moved_on": None})
    given(company, FIRM, OWNED).when(undated).then(noticed)


def test_c_08_whoever_was_told_or_answers_for_it_now_acknowledges_once() -> None:
    known = [FIRM, OWNED, NOTICED, LATER_OWNED]
    for by in ("employee-1", "employee-2"):
        said = MoveAcknowledged(notice="n1", by=by, on=APRIL)
        ask = AcknowledgeMove(notice="n1", by=by, on=APRIL)
        given(company, *known).when(ask).then(said)
        given(company, *known, said).when(ask).then_nothing()
    stranger = AcknowledgeMove(notice="n1", by="employee-3", on=APRIL)
    given(company, *known).when(stranger).then_refused(NotToldError)
    unknown = AcknowledgeMove(notice="n2", by="employee-1", on=APRIL)
    given(company, *known).when(unknown).then_refused(NoticeUnknownError)


def test_c_08_a_notice_is_open_until_it_is_acknowledged() -> None:
    facts = [NOTICED, MoveAcknowledged(notice="n1", by="employee-2", on=APRIL)]
    found = check_projection(move_notice, [recorded(*facts, stream="company-1")])["company-1/n1"]
    assert (found.company, found.owner, found.what) == ("company-1", "employee-1", "gone")
    assert (found.is_open, found.acknowledged_by) == (False, "employee-2")


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_c_08_the_owners_at_both_companies_are_told_and_acknowledge(
    client: AsyncClient,
) -> None:
    for number in (1, 2):
        path = f"/contacts/companies/{number}"
        await post(client, f"{path}/register", {"name": f"Firm {number}"})
        await post(client, f"{path}/assign-owner", {"owner": f"employee-{number}"})
    path, today = "/contacts/people/1", SystemClock().now().date()
    await post(client, f"{path}/register", {"name": "김민준"})
    long_ago = (today - timedelta(days=900)).isoformat()
    await post(client, f"{path}/affiliate", {"company": "company-1", "on": long_ago})
    await post(client, f"{path}/end-affiliation", {"company": "company-1", "reason": "moved"})
    after = await post(client, f"{path}/affiliate", {"company": "company-2", "role": "head"})
    found = {}
    for number, what in ((1, "gone"), (2, "there")):
        asked = f"/contacts/notices?employee=employee-{number}&is_open=true"
        # The move itself tells the owner, a moment later: the company's third fact is awaited.
        noticed = Token(f"company-{number}", 3).encode()
        (found[number],) = (await get(client, asked, after, noticed))["items"]
        assert (found[number]["what"], found[number]["name"]) == (what, "김민준")
        assert found[number]["now_with"] == ["company-2"]
    said = {"notice": found[1]["notice"], "by": "employee-1"}
    after = await post(client, "/contacts/companies/1/acknowledge-move", said)
    for is_open, count in (("true", 0), ("false", 1)):
        asked = f"/contacts/notices?employee=employee-1&is_open={is_open}"
        assert len((await get(client, asked, after))["items"]) == count
