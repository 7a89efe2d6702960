"""Attention that fades (C-11), people who move (C-08)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from httpx2 import AsyncClient

from services.contacts.attention import (
    Turn,
    cadence,
    compared,
    opportunity_turns,
    touch_days,
    turns_of,
)
from services.contacts.company_views import company_card, company_people, moves
from services.contacts.main import domain, router
from services.contacts.tests.client import get, post, touch
from shared.clock import SystemClock
from shared.events.contacts import (
    AffiliationEnded,
    CompanyOwnerAssigned,
    PersonAffiliated,
    PersonRegistered,
)
from shared.events.opportunities import (
    OpportunityDiscovered,
    OpportunityReassigned,
    OpportunityWon,
    PersonInvolved,
)
from shared.events.touches import TouchRecorded
from shared.testing import check_projection, recorded, serving
from shared.testing.histories import BEGIN

JANUARY, MARCH, JUNE = date(2026, 1, 5), date(2026, 3, 1), date(2026, 6, 1)
WON = Turn("won", MARCH, "opportunity-1", "company-1")


def every(days: int, begin: date, times: int) -> list[date]:
    return [begin + timedelta(days=days * place) for place in range(times)]


def test_c_11_touches_are_counted_on_their_days_a_year_each() -> None:
    told = [
        recorded(
            TouchRecorded(publisher="crm", publisher_id="1", person="person-1", channel="call"),
            stream=f"touch-{n}",
            occurred_at=BEGIN + timedelta(days=n * 200),
        )
        for n in range(3)
    ]
    years = check_projection(touch_days, told)
    assert [len(years[f"person-1/{year}"].days) for year in (2026, 2027)] == [2, 1]


def test_c_11_a_touch_rate_that_falls_after_a_win_is_a_drop() -> None:
    before = every(10, MARCH - timedelta(days=90), 9)
    found = compared([*before, JUNE], WON, window=90, drop=0.5, today=date(2026, 12, 1))
    assert (found.before, found.after, found.dropped) == (3.0, 0.0, True)
    steady = [*before, *every(10, MARCH, 9)]
    found = compared(steady, WON, window=90, drop=0.5, today=date(2026, 12, 1))
    assert (found.before, found.after, found.dropped) == (3.0, 3.0, False)


def test_c_11_too_few_days_after_a_turn_tell_nothing_yet() -> None:
    before = every(10, MARCH - timedelta(days=90), 9)
    soon = compared(before, WON, window=90, drop=0.5, today=MARCH + timedelta(days=5))
    assert (soon.after, soon.dropped) == (None, False)
    later = compared(before, WON, window=90, drop=0.5, today=MARCH + timedelta(days=29))
    assert (later.after, later.dropped) == (0.0, True)


def test_c_11_cadence_is_how_regularly_we_are_in_touch() -> None:
    found = cadence(every(10, JANUARY, 4), JANUARY + timedelta(days=50))
    assert (found.touches_year, found.gap_days, found.longest_gap_days) == (4, 10, 10)
    assert found.days_since == 20
    assert cadence([], MARCH).days_since is None


def test_c_11_a_win_and_a_change_of_owner_are_turns() -> None:
    told = recorded(
        OpportunityDiscovered(title="Pump", stage="Prospecting", company="company-1"),
        PersonInvolved(person="person-1", role="buyer"),
        OpportunityWon(value=5, currency="KRW", on=MARCH),
        OpportunityReassigned(owner="employee-2", reason="handover", on=JUNE),
        stream="opportunity-1",
    )
    owners = recorded(
        CompanyOwnerAssigned(owner="employee-1", on=JANUARY),
        CompanyOwnerAssigned(owner="employee-2", reason="leave", on=JUNE),
        stream="company-1",
    )
    view = check_projection(opportunity_turns, [told])["opportunity-1"]
    people = check_projection(company_people, [owners])["company-1"]
    assert view.people == ("person-1",)
    assert {(turn.what, turn.on, turn.opportunity) for turn in turns_of([view], [people])} == {
        ("won", MARCH, "opportunity-1"),
        ("owner changed", JUNE, None),
        ("owner changed", JUNE, "opportunity-1"),
    }


def test_c_08_the_owner_of_a_company_is_dated_and_the_newest_is_current() -> None:
    told = recorded(
        CompanyOwnerAssigned(owner="employee-2", on=MARCH),
        CompanyOwnerAssigned(owner="employee-1", on=JANUARY),
        stream="company-1",
    )
    card = check_projection(company_card, [told])["company-1"]
    assert (card.owner, [one.owner for one in card.owners]) == (
        "employee-2",
        ["employee-1", "employee-2"],
    )


def test_c_08_who_came_who_changed_role_and_who_left() -> None:
    told = recorded(
        PersonRegistered(name="김민준"),
        PersonAffiliated(company="company-1", role="buyer", on=JANUARY),
        PersonAffiliated(company="company-1", role="head", on=MARCH),
        AffiliationEnded(company="company-1", reason="moved", on=JUNE),
        PersonAffiliated(company="company-2", on=JUNE),
        stream="person-1",
    )
    found = check_projection(company_people, [told])
    assert [(move.what, move.on) for move in moves(found["company-1"], JANUARY)] == [
        ("left", JUNE),
        ("changed role", MARCH),
        ("came", JANUARY),
    ]
    assert [move.what for move in moves(found["company-2"], MARCH)] == ["came"]
    assert moves(found["company-1"], date(2026, 7, 1)) == []


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def ago(days: int) -> str:
    return (SystemClock().now().date() - timedelta(days=days)).isoformat()


async def test_c_08_the_owners_at_both_companies_see_a_job_move(client: AsyncClient) -> None:
    for company in (1, 2):
        path = f"/contacts/companies/{company}"
        await post(client, f"{path}/register", {"name": f"Firm {company}"})
        owner = {"owner": f"employee-{company}"}
        owned = await post(client, f"{path}/assign-owner", owner)
    await post(client, "/contacts/people/1/register", {"name": "김민준"})
    path = "/contacts/people/1"
    await post(client, f"{path}/affiliate", {"company": "company-1", "on": ago(400)})
    gone = {"company": "company-1", "reason": "moved", "on": ago(3)}
    await post(client, f"{path}/end-affiliation", gone)
    after = await post(client, f"{path}/affiliate", {"company": "company-2", "on": ago(2)})
    for owner_of, what in ((1, "left"), (2, "came")):
        asked = f"/contacts/moves?owner=employee-{owner_of}"
        (one,) = (await get(client, asked, owned, after))["items"]
        assert one["company"] == f"company-{owner_of}"
        assert [(m["what"], m["name"], m["now_with"]) for m in one["moves"]] == [
            (what, "김민준", ["company-2"])
        ]
    assert (await get(client, "/contacts/moves?owner=employee-3", after))["items"] == []


async def test_c_11_a_persons_and_a_companys_attention_are_one_call(client: AsyncClient) -> None:
    await post(client, "/contacts/companies/1/register", {"name": "Acme"})
    for owner, day in (("employee-1", 300), ("employee-2", 50)):
        told = {"owner": owner, "on": ago(day)}
        owned = await post(client, "/contacts/companies/1/assign-owner", told)
    await post(client, "/contacts/people/1/register", {"name": "김민준"})
    joined = {"company": "company-1", "on": ago(300)}
    after = await post(client, "/contacts/people/1/affiliate", joined)
    for day in (60, 70, 80, 90):
        called = await touch(client, "person-1", ago(day))
        await get(client, "/contacts/people/1/attention", called)
    found = await get(client, "/contacts/people/1/attention", owned, after)
    assert (found["dropped"], found["cadence"]["touches_year"]) == (True, 4)
    (turn,) = found["turns"]
    assert (turn["turn"]["what"], turn["after"]) == ("owner changed", 0.0)
    assert (await get(client, "/contacts/companies/1/attention", after))["items"] == [found]
    missing = await client.get("/contacts/people/9/attention")
    assert missing.status_code == 404
