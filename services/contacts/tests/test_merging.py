"""C_02: what is merged is read as one person, and can be parted again, each fact in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from httpx2 import AsyncClient
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.contacts.main import domain, router
from services.contacts.model import (
    AlreadyMergedError,
    MergePerson,
    NotMergedError,
    TellApart,
    UnmergePerson,
)
from services.contacts.person_views import PersonCard, joined, person_card
from services.contacts.statement_views import (
    PersonPage,
    PersonStatements,
    all_statements,
    person_page,
    person_statements,
)
from services.contacts.tests.client import get, post
from services.contacts.timelines import Month, combined, timeline
from shared.events import Envelope
from shared.events.contacts import (
    PersonDetailsStated,
    PersonEvent,
    PersonMerged,
    PersonRegistered,
    PersonToldApart,
    PersonUnmerged,
)
from shared.events.touches import TouchRecorded
from shared.testing import facts, given, recorded, serving
from shared.testing.histories import BEGIN, interleaved

person = domain.decider("person-1")
KIM = PersonRegistered(name="김민준", email="kim@a.example")
ONE, OTHER = "person-1", "person-2"
TOLD = facts(PersonEvent).filter(lambda fact: not isinstance(fact, PersonMerged | PersonUnmerged))


def test_c_02_an_entry_becomes_part_of_another_once_and_can_leave_it() -> None:
    into = MergePerson(into=OTHER, reason="same phone")
    merged = PersonMerged(into=OTHER, reason="same phone")
    given(person, KIM).when(into).then(merged)
    given(person, KIM, merged).when(into).then_nothing()
    given(person, KIM, merged).when(MergePerson(into="person-3")).then_refused(AlreadyMergedError)
    parted = PersonUnmerged(survivor=OTHER)
    given(person, KIM, merged).when(UnmergePerson()).then(parted)
    given(person, KIM, merged, parted).when(UnmergePerson()).then_refused(NotMergedError)
    given(person, KIM, merged, parted).when(into).then(merged)


def test_c_02_two_are_told_apart_once() -> None:
    apart = PersonToldApart(other=OTHER)
    given(person, KIM).when(TellApart(other=OTHER)).then(apart)
    given(person, KIM, apart).when(TellApart(other=OTHER)).then_nothing()


def touches(name: str, days: Sequence[int]) -> list[list[Envelope]]:
    return [
        recorded(
            TouchRecorded(publisher="crm", publisher_id=f"{n}", person=name, channel="call"),
            stream=f"touch-{name}-{n}",
            occurred_at=BEGIN.replace(month=day),
        )
        for n, day in enumerate(days)
    ]


def shown(history: Sequence[Envelope], name: str) -> tuple[PersonPage, list[Month]]:
    """Return the pages of a person as the API puts them together from the views."""
    cards: dict[str, PersonCard] = person_card.replay(history)
    own = cards.get(name, PersonCard(name))
    parts = [own, *(cards[one] for one in own.identities)]
    stated = person_statements.replay(history)
    told = [stated.get(one.person, PersonStatements(one.person)) for one in parts]
    months = timeline.replay(history).values()
    people = {one.person for one in parts}
    touched = combined([month for month in months if month.person in people], name)
    return person_page(joined(parts), all_statements(told, name)), touched


@for_all(
    st.lists(TOLD, max_size=5),
    st.lists(TOLD, max_size=5),
    st.lists(st.integers(1, 12), max_size=4),
    st.lists(st.integers(1, 12), max_size=4),
    st.integers(0, 5),
    st.integers(),
)
def test_c_02_unmerging_puts_every_fact_back_where_it_was_told(
    ours: list[Any], theirs: list[Any], a: list[int], b: list[int], at: int, seed: int
) -> None:
    """unmerge(merge(a, b) + later facts) = a + its facts, b + its facts."""
    merged = [*theirs[:at], PersonMerged(into=ONE), *theirs[at:], PersonUnmerged(survivor=ONE)]
    random, told = Random(seed), [*touches(ONE, a), *touches(OTHER, b)]
    history = interleaved(
        [recorded(*ours, stream=ONE), recorded(*merged, stream=OTHER), *told], random
    )
    never = interleaved(
        [recorded(*ours, stream=ONE), recorded(*theirs, stream=OTHER), *told], random
    )
    for name in (ONE, OTHER):
        assert shown(history, name) == shown(never, name)


@for_all(
    st.lists(TOLD, max_size=5),
    st.lists(st.integers(1, 12), max_size=4),
    st.lists(st.integers(1, 12), max_size=4),
    st.integers(0, 5),
)
def test_c_02_the_surviving_person_has_all_that_was_told_of_both(
    theirs: list[Any], a: list[int], b: list[int], at: int
) -> None:
    """Whatever is told after the merge still names its entry, and is shown with the survivor."""
    merged = [*theirs[:at], PersonMerged(into=ONE), *theirs[at:]]
    history = [
        *recorded(KIM, stream=ONE),
        *recorded(*merged, stream=OTHER),
        *(fact for told in (*touches(ONE, a), *touches(OTHER, b)) for fact in told),
    ]
    page, months = shown(history, ONE)
    alone = person_card.replay(recorded(*theirs, stream=OTHER)).get(OTHER, PersonCard(OTHER))
    assert page.identities == (OTHER,)
    assert page.name == "김민준"
    assert page.touch_count == len(a) + len(b)
    assert set(alone.companies) <= set(page.companies)
    assert len(page.affiliations) == len(alone.affiliations)
    entered = [touch.person for month in months for touch in month.touches]
    assert entered.count(OTHER) == len(b)


def test_c_02_a_new_address_is_current_and_the_old_one_still_known() -> None:
    told = [KIM, PersonDetailsStated(email="kim@b.example")]
    card = person_card.replay(recorded(*told, stream=ONE))[ONE]
    assert (card.name, card.email) == ("김민준", "kim@b.example")
    assert [one.email for one in card.details] == ["kim@a.example", "kim@b.example"]
    assert replace(card, details=()).details == ()


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def enter(client: AsyncClient) -> str:
    """Enter one person twice: in two scripts, with the same phone."""
    told = {"name": "김민준", "phone": "010-1234-5678", "email": "kim@a.example"}
    await post(client, "/contacts/people/1/register", told)
    told = {"name": "Kim Min-jun", "phone": "+82 10 1234 5678"}
    return await post(client, "/contacts/people/2/register", told)


async def test_c_02_one_call_lists_the_pairs_with_score_and_reasons(client: AsyncClient) -> None:
    after = await enter(client)
    (pair,) = (await get(client, "/contacts/duplicates", after))["items"]
    assert (pair["one"], pair["other"]) == (ONE, OTHER)
    assert pair["score"] > 0.9
    assert [reason["what"] for reason in pair["reasons"]] == [
        "same name in another script",
        "same phone",
    ]
    assert (await get(client, "/contacts/duplicates?score=1", after))["items"] == []


async def test_c_02_who_is_about_to_be_entered_may_be_there_already(client: AsyncClient) -> None:
    after = await enter(client)
    asked = "/contacts/duplicates/of?name=Minjun%20Kim&phone=01012345678"
    found = (await get(client, asked, after))["items"]
    assert {one["person"] for one in found} == {ONE, OTHER}
    assert (await get(client, "/contacts/duplicates/of?name=Maria", after))["items"] == []


async def test_c_02_people_of_one_company_are_compared_with_each_other(client: AsyncClient) -> None:
    await enter(client)
    for number in (1, 2):
        joined_it = {"company": "company-1"}
        after = await post(client, f"/contacts/people/{number}/affiliate", joined_it)
    found = (await get(client, "/contacts/duplicates?company=company-1", after))["items"]
    assert [reason["what"] for reason in found[0]["reasons"]][-1] == "same company"


async def test_c_02_merged_entries_are_one_person_until_they_are_parted(
    client: AsyncClient,
) -> None:
    await enter(client)
    call = {"person": OTHER, "channel": "call", "occurred_at": "2026-01-05T09:00:00+09:00"}
    await post(client, "/touches", call, idempotency_key="a")
    await post(client, "/contacts/people/2/affiliate", {"company": "company-1"})
    after = await post(client, "/contacts/people/2/merge", {"into": ONE})
    touched = await post(client, "/touches", call, idempotency_key="b")
    await get(client, "/contacts/people/1", after)
    for number in (1, 2):
        page = await get(client, f"/contacts/people/{number}", touched)
        assert (page["person"], page["identities"]) == (ONE, [OTHER])
        assert (page["touch_count"], page["companies"]) == (2, ["company-1"])
        (month,) = (await get(client, f"/contacts/people/{number}/timeline", touched))["items"]
        assert [touch["person"] for touch in month["touches"]] == [OTHER, OTHER]
    (listed,) = (await get(client, "/contacts/people?company=company-1", after))["items"]
    assert listed["person"] == ONE
    assert (await get(client, "/contacts/duplicates", after))["items"] == []
    after = await post(client, "/contacts/people/2/unmerge", {"reason": "brothers"})
    page = await get(client, "/contacts/people/1", after)
    assert (page["touch_count"], page["companies"], page["identities"]) == (0, [], [])
    assert (await get(client, "/contacts/people/2", after))["touch_count"] == 2
    after = await post(client, "/contacts/people/2/tell-apart", {"other": ONE})
    assert (await get(client, "/contacts/duplicates", after))["items"] == []


async def test_c_02_entries_that_are_part_of_each_other_are_one_person(client: AsyncClient) -> None:
    await enter(client)
    await post(client, "/contacts/people/1/merge", {"into": OTHER})
    after = await post(client, "/contacts/people/2/merge", {"into": ONE})
    for number in (1, 2):
        page = await get(client, f"/contacts/people/{number}", after)
        assert (page["person"], page["identities"]) == (ONE, [OTHER])


async def test_a_timeline_goes_on_after_its_last_month(client: AsyncClient) -> None:
    for month in (1, 2, 3):
        at = f"2026-0{month}-05T09:00:00+09:00"
        call = {"person": ONE, "channel": "call", "occurred_at": at}
        after = await post(client, "/touches", call, idempotency_key=str(month))
        await get(client, "/contacts/people/1/timeline", after)
    first = await get(client, "/contacts/people/1/timeline?limit=2", after)
    assert [month["month"] for month in first["items"]] == ["2026-01", "2026-02"]
    path = f"/contacts/people/1/timeline?limit=2&cursor={first['next_cursor']}"
    rest = await get(client, path, after)
    assert ([month["month"] for month in rest["items"]], rest["next_cursor"]) == (["2026-03"], None)
