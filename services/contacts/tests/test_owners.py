"""C-09: a colleague of ours answers for each person, too, and it is told since when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from httpx2 import AsyncClient

from services.contacts.main import domain, router
from services.contacts.model import AssignPersonOwner, PersonUnknownError
from services.contacts.person_views import joined, person_card
from services.contacts.policies import POLICIES
from shared.events.contacts import (
    CompanyOwnerAssigned,
    CompanyRegistered,
    PersonMerged,
    PersonOwnerAssigned,
    PersonRegistered,
)
from shared.events.organization import HandedItem, HandoverItemsMoved
from shared.handovers import TakeOver
from shared.held import Owner
from shared.policies import Reaction
from shared.testing import check_projection, given, recorded, serving

MONDAY, FRIDAY = date(2026, 1, 5), date(2026, 1, 9)
ADA = PersonRegistered(name="Ada")
HERS = PersonOwnerAssigned(owner="employee-1", on=MONDAY)
person = domain.decider("person-1")


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def test_c_09_a_colleague_answers_for_a_person_from_a_day_on() -> None:
    command = AssignPersonOwner(owner="employee-1", on=MONDAY)
    given(person, ADA).when(command).then(HERS)
    given(person, ADA, HERS).when(command).then_nothing()
    given(person).when(command).then_refused(PersonUnknownError)


def test_c_09_who_answers_for_entries_that_are_one_person_is_the_newest() -> None:
    other = PersonOwnerAssigned(owner="employee-2", on=FRIDAY)
    merged = PersonMerged(into="person-1")
    views = check_projection(
        person_card,
        [
            recorded(ADA, HERS, stream="person-1"),
            recorded(ADA, other, merged, stream="person-2"),
        ],
    )
    card = joined([views["person-1"], views["person-2"]])
    assert card.owner == "employee-2"
    assert card.owners == (Owner("employee-1", MONDAY), Owner("employee-2", FRIDAY))


async def test_c_09_people_are_listed_by_who_answers_for_them(client: AsyncClient) -> None:
    await client.post("/contacts/people/1/register", json={"name": "Ada"})
    answer = await client.post(
        "/contacts/people/1/assign-owner", json={"owner": "employee-1", "on": "2026-01-05"}
    )
    assert answer.status_code == 202, answer.text
    at_least = {"X-At-Least": answer.json()["token"]}
    page = (await client.get("/contacts/people/1", headers=at_least)).json()
    assert (page["owner"], page["owners"][0]["since"]) == ("employee-1", "2026-01-05")
    for owner, count in (("employee-1", 1), ("employee-2", 0)):
        found = await client.get(f"/contacts/people?owner={owner}", headers=at_least)
        assert len(found.json()["items"]) == count


TAKE = TakeOver(giver="employee-1", receiver="employee-2", on=FRIDAY)


def test_c_09_people_and_companies_of_a_leaver_follow_the_handover_and_nothing_else_does() -> None:
    items = ("company-1", "person-1", "opportunity-1", "entry-1")
    moved = HandoverItemsMoved(
        employee="employee-1",
        receiver="employee-2",
        items=tuple(HandedItem(item=item, held_from=1) for item in items),
        on=FRIDAY,
    )
    (fact,) = recorded(moved, stream="handover-1")
    (policy,) = POLICIES
    assert policy.react(fact) == [Reaction("company-1", TAKE), Reaction("person-1", TAKE)]


def test_c_09_what_the_leaver_still_has_is_the_receivers_and_what_others_have_stays() -> None:
    company = domain.decider("company-1")
    acme = CompanyRegistered(name="Acme")
    theirs = CompanyOwnerAssigned(owner="employee-2", reason="handover", on=FRIDAY)
    given(person, ADA, HERS).when(TAKE).then(
        PersonOwnerAssigned(owner="employee-2", reason="handover", on=FRIDAY)
    )
    had = CompanyOwnerAssigned(owner="employee-1", on=MONDAY)
    given(company, acme, had).when(TAKE).then(theirs)
    given(company, acme, had, theirs).when(TAKE).then_nothing()
    other = CompanyOwnerAssigned(owner="employee-3", on=MONDAY)
    given(company, acme, other).when(TAKE).then_nothing()
    # What is to be the leaver's from next week on is the receiver's from next week on.
    week = FRIDAY + timedelta(days=7)
    planned = CompanyOwnerAssigned(owner="employee-1", on=week)
    later = CompanyOwnerAssigned(owner="employee-2", reason="handover", on=week)
    given(company, acme, other, planned).when(TAKE).then(later)
