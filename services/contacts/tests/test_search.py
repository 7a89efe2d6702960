"""Search by any name, company, address or word of a touch (C-01, C-03), in every script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from httpx2 import AsyncClient

from services.contacts.main import domain, router
from services.contacts.search import grams, search_entry, wanted
from services.contacts.tests.client import get, post, touch
from shared.events.contacts import PersonDetailsStated, PersonRegistered
from shared.testing import check_projection, recorded, serving


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("배송이 늦었습니다", "배송"),
        ("배송이 늦었습니다", "늦었습"),
        ("납품일정변경", "일정 변경"),
        ("納期が遅れています", "納期"),
        ("納期が遅れています", "遅れて"),
        ("サポートセンター", "さぽーと"),
        ("ﾃｽﾄ環境", "テスト"),
        ("Die Lieferung für Müller", "muller"),
        ("Delivery is late", "LATE delivery"),
    ],
)
def test_a_word_of_a_touch_is_found_in_every_script(text: str, query: str) -> None:
    assert set(wanted(query)) <= grams(text)


@pytest.mark.parametrize(
    ("text", "query"), [("배송이 늦었습니다", "배달"), ("納期", "期納"), ("delivery", "deliver")]
)
def test_another_word_is_not_found(text: str, query: str) -> None:
    assert not set(wanted(query)) <= grams(text)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("김민준", "김"),
        ("김민준", "민준"),
        ("김민준", "김민준"),
        ("김민준", "minj"),
        ("Daniel Weber", "dan web"),
        ("たなか ゆうこ", "タナカ"),
    ],
)
def test_a_name_is_found_by_its_beginning_and_as_it_is_read(name: str, query: str) -> None:
    told = recorded(PersonRegistered(name=name), stream="person-1")
    entry = check_projection(search_entry, [told])["person-1"]
    assert set(wanted(query)) <= set(entry.grams)


def test_who_has_a_new_address_is_still_found_by_the_old_one() -> None:
    told = recorded(
        PersonRegistered(name="Kim", email="kim@a.example", phone="010-1234-5678"),
        PersonDetailsStated(email="kim@b.example"),
        stream="person-1",
    )
    entry = check_projection(search_entry, [told])["person-1"]
    for query in ("kim@a.example", "kim@b.example", "01012345678", "5678"):
        assert set(wanted(query)) <= set(entry.grams)
    assert (entry.title, entry.shown) == ("Kim", "kim@b.example")


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_one_call_finds_companies_people_and_touches(client: AsyncClient) -> None:
    company = await post(client, "/contacts/companies/1/register", {"name": "한빛전자"})
    told = {"name": "한빛나", "email": "bitna@hanbit.example"}
    await post(client, "/contacts/people/1/register", told)
    await post(client, "/contacts/people/2/register", {"name": "Bitna Han"})
    merged = await post(client, "/contacts/people/2/merge", {"into": "person-1"})
    note = {"subject": "방문", "note": "한빛전자 신규 공장 이야기"}
    called = await touch(client, "person-1", "2026-01-05", **note)
    found = await get(client, "/contacts/search?q=한빛", company, merged, called)
    assert [one["kind"] for one in found["items"]] == ["company", "person", "touch"]
    found = await get(client, "/contacts/search?q=공장 이야기", called)
    assert [(one["kind"], one["person"]) for one in found["items"]] == [("touch", "person-1")]
    people = await get(client, "/contacts/search?q=bitna&kind=person", merged)
    assert {one["person"] for one in people["items"]} == {"person-1"}
    refused = await client.get("/contacts/search?q=!!")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "query/q")


async def test_a_search_goes_on_where_it_stopped(client: AsyncClient) -> None:
    for number in range(3):
        after = await post(client, f"/contacts/people/{number}/register", {"name": "김민준"})
        await get(client, "/contacts/search?q=김", after)
    first = await get(client, "/contacts/search?q=김민준&limit=2", after)
    assert len(first["items"]) == 2
    path = f"/contacts/search?q=김민준&limit=2&cursor={first['next_cursor']}"
    rest = await get(client, path, after)
    assert ([one["key"] for one in rest["items"]], rest["next_cursor"]) == (["person-2"], None)
