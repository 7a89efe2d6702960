"""Reading views: pages that end, tokens that are ours, and never a build that was dropped."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from itertools import chain, repeat

import pytest

from shared.errors import InvalidError, UnavailableError
from shared.memory import MemoryStore
from shared.projection import Projection
from shared.published import Build
from shared.reading import Reader, Token
from shared.tests.tiny import Card, card_projection


@dataclass(frozen=True)
class Named:
    employee: str
    name: str = ""


def reading(projection: Projection[Named], store: MemoryStore, build: Build) -> Reader[Named]:
    async def active() -> Build:
        return build

    return Reader(projection, store, active, wait_s=30.0)


CARD = card_projection()


def reader(store: MemoryStore, *builds: Build) -> Reader[Card]:
    """A reader for whom these builds answer, one after the other; the last one from then on."""
    active = chain(builds, repeat(builds[-1]))

    async def of_now() -> Build:
        return next(active)

    return Reader(CARD, store, of_now)


async def put(store: MemoryStore, collection: str, **names: str | None) -> None:
    for key, name in names.items():
        view = None if name is None else CARD.to_document(Card(key, name))
        await store.put_many(collection, [{"_id": key, "rev": 1, "view": view}])


async def test_a_page_that_holds_all_that_is_left_is_the_last_one() -> None:
    store = MemoryStore()
    await put(store, "card_v1", a="Ada", b="Bo", c="Cy")
    cards = reader(store, Build("card", 1))
    assert (await cards.page({}, limit=3)).next_key is None
    first = await cards.page({}, limit=2)
    assert first.next_key == "b"
    rest = await cards.page({}, limit=2, after=first.next_key)
    assert [seen.value.name for seen in (*first.items, *rest.items)] == ["Ada", "Bo", "Cy"]
    assert rest.next_key is None


async def test_a_deleted_view_is_on_no_page() -> None:
    store = MemoryStore()
    await put(store, "card_v1", a="Ada", b=None, c="Cy")
    cards = reader(store, Build("card", 1))
    assert [seen.value.name for seen in (await cards.page({}, limit=5)).items] == ["Ada", "Cy"]
    assert await cards.get("b") is None


async def test_who_was_held_up_beyond_a_builds_end_reads_the_one_that_answers_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.reading.QUERY_S", -1)
    store = MemoryStore()
    await put(store, "card_v2", a="Ada")
    seen = await reader(store, Build("card", 1), Build("card", 2)).get("a")
    assert seen is not None
    assert seen.value.name == "Ada"
    page = await reader(store, Build("card", 1), Build("card", 2)).page({}, limit=5)
    assert [each.value.name for each in page.items] == ["Ada"]


def test_a_token_survives_its_way() -> None:
    token = Token("employee-a", 7)
    assert Token.decode(token.encode()) == token


@pytest.mark.parametrize(
    "inside", ["", "employee-a", "employee-a@0", "employee-a@-1", "employee a@1", "@1", "a@b@1"]
)
def test_a_token_that_names_no_place_is_refused(inside: str) -> None:
    with pytest.raises(InvalidError) as refused:
        Token.decode(base64.urlsafe_b64encode(inside.encode()).decode())
    assert refused.value.field == "X-At-Least"


async def test_a_reader_does_not_wait_for_a_stream_that_its_view_does_not_follow() -> None:
    card = Projection("card", version=1, view=Named, streams=("employee",))
    found = reading(card, MemoryStore(), Build("card", 1))
    async with asyncio.timeout(5):
        assert await found.get("employee-a", Token("unit-1", 7)) is None


async def test_a_view_of_the_release_before_is_for_later_where_it_cannot_be_read() -> None:
    """Its successor is being built; nothing is wrong, and nothing can be said yet."""
    card, store = Projection("card", version=2, view=Named), MemoryStore()
    old = {"_id": "employee-a", "rev": 1, "view": {"employee": "employee-a", "name": 7}}
    await store.put_many("card_v1", [old])
    before = reading(card, store, Build("card", 1))
    for asked in (before.get("employee-a"), before.page({}, limit=5)):
        with pytest.raises(UnavailableError, match="being built") as refused:
            await asked
        assert refused.value.slug == "projection-being-built"


async def test_a_view_that_this_release_wrote_and_cannot_read_is_a_bug() -> None:
    card, store = Projection("card", version=1, view=Named), MemoryStore()
    wrong = {"_id": "employee-a", "rev": 1, "view": {"employee": "employee-a", "name": 7}}
    await store.put_many("card_v1", [wrong])
    with pytest.raises(ValueError, match="valid string"):
        await reading(card, store, Build("card", 1)).get("employee-a")


async def park(store: MemoryStore, collection: str, *keys: str) -> None:
    for key in keys:
        held = {"_id": f"organization/0/{key}", "stream": key, "keys": [key], "version": 1}
        await store.put_many(f"{collection}.parked", [held])


async def test_a_view_whose_facts_are_set_aside_is_not_said_to_be_none() -> None:
    """Nor where a stub is left of it: the fact that is set aside may be what makes it again."""
    store = MemoryStore()
    await put(store, "card_v1", b=None)
    await park(store, "card_v1", "a", "b")
    for key in ("a", "b"):
        with pytest.raises(UnavailableError, match=f"{key} is parked") as refused:
            await reader(store, Build("card", 1)).get(key)
        assert refused.value.slug == "stream-parked"


async def test_a_page_names_what_its_own_views_lack_and_not_what_the_next_one_does() -> None:
    store = MemoryStore()
    await put(store, "card_v1", a="Ada", b="Bo", c="Cy")
    await park(store, "card_v1", "b", "c")
    cards = reader(store, Build("card", 1))
    first = await cards.page({}, limit=2)
    assert first.parked == ("b",)
    assert (await cards.page({}, limit=2, after=first.next_key)).parked == ("c",)


async def test_of_many_views_those_are_read_that_there_are() -> None:
    store = MemoryStore()
    await put(store, "card_v1", a="Ada", b=None, c="Cy")
    found = await reader(store, Build("card", 1)).many({"a", "b", "c", "d"})
    assert {key: card.name for key, card in found.items()} == {"a": "Ada", "c": "Cy"}
