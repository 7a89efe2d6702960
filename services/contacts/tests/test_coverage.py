"""C_10: buyers left alone, and how many of them we are in touch with, then and now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.contacts.attention import opportunity_turns
from services.contacts.coverage import buyers_of, coverage, deciders_of, ends
from services.contacts.main import domain, router
from services.contacts.person_views import BuyingRoleHeld, PersonCard
from services.contacts.tests.client import get, post, touch
from shared.clock import SystemClock
from shared.events.opportunities import OpportunityDiscovered, PersonInvolved, PersonReleased
from shared.testing import check_projection, recorded, serving

JANUARY, MARCH, JUNE = date(2026, 1, 5), date(2026, 3, 1), date(2026, 6, 1)


def test_c_10_coverage_is_the_share_of_buyers_touched_and_shows_its_growth() -> None:
    def buyer(person: str) -> PersonCard:
        held = BuyingRoleHeld("company-1", "decision_maker", JANUARY)
        return PersonCard(person, buying_roles=(held,))

    both = [(buyer("person-1"), [date(2026, 1, 20)]), (buyer("person-2"), [])]
    there = buyers_of("company-1")
    assert coverage(both, there, date(2026, 1, 31), 30).share == 0.5
    assert coverage(both, there, date(2026, 6, 30), 30).share == 0.0
    assert coverage(both, there, date(2025, 12, 31), 30).share is None


def test_c_10_growth_is_told_at_the_ends_of_months_or_quarters() -> None:
    assert ends(date(2026, 3, 10), 2) == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 10),
    ]
    assert ends(date(2026, 2, 10), 2, "quarter") == [
        date(2025, 9, 30),
        date(2025, 12, 31),
        date(2026, 2, 10),
    ]


def test_c_10_growth_at_a_chance_counts_who_had_a_say_then() -> None:
    told = recorded(
        OpportunityDiscovered(title="Pump", stage="Prospecting", on=JANUARY),
        PersonInvolved(person="person-2", role="user", on=MARCH),
        PersonInvolved(person="person-1", role="buyer", on=JANUARY),
        PersonReleased(person="person-1", on=JUNE),
        stream="opportunity-1",
    )
    had_say = deciders_of(check_projection(opportunity_turns, [told])["opportunity-1"])
    touched = [JANUARY, MARCH, JUNE]
    people = [
        (PersonCard("person-1"), touched),
        (PersonCard("person-9", identities=("person-2",)), []),
    ]
    found = [coverage(people, had_say, on, 30) for on in (JANUARY, MARCH, JUNE)]
    assert [(one.buyers, one.covered) for one in found] == [(1, 1), (2, 1), (1, 0)]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


def ago(days: int) -> str:
    return (SystemClock().now().date() - timedelta(days=days)).isoformat()


async def test_c_10_buyers_nobody_touched_are_named_with_their_coverage(
    client: AsyncClient,
) -> None:
    for number, role in ((1, "decision_maker"), (2, "influencer"), (3, "none")):
        await post(client, f"/contacts/people/{number}/register", {"name": f"Kim {number}"})
        held = {"company": "company-1", "role": role, "on": ago(300)}
        after = await post(client, f"/contacts/people/{number}/state-buying-role", held)
    access = {"employee": "employee-1", "ease": "easily"}
    stated = await post(client, "/contacts/people/1/state-access", access)
    old = await touch(client, "person-2", ago(200))
    new = await touch(client, "person-1", ago(10))
    path = "/contacts/companies/1/coverage"
    found: dict[str, Any] = await get(client, path, after, stated, old, new)
    assert (found["days"], found["coverage"]) == (90, 0.5)
    assert [(one["person"], one["covered"]) for one in found["buyers"]] == [
        ("person-1", True),
        ("person-2", False),
    ]
    assert found["buyers"][0]["access"][0]["ease"] == "easily"
    assert found["growth"][-1]["covered"] == 1
    assert (await get(client, f"{path}?days=365", new))["coverage"] == 1.0


async def test_c_10_a_chance_nobody_knows_has_no_coverage(client: AsyncClient) -> None:
    assert (await client.get("/contacts/opportunities/1/coverage")).status_code == 404
