"""C-09: a colleague of ours answers for each person, too, and it is told since when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from httpx2 import AsyncClient

from services.contacts.main import domain, router
from services.contacts.model import AssignPersonOwner, PersonUnknownError
from services.contacts.person_views import joined, person_card
from shared.events.contacts import PersonMerged, PersonOwnerAssigned, PersonRegistered
from shared.held import Owner
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
