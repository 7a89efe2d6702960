"""Readers wait for what concerns their view, and say when another release has to answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from shared.errors import UnavailableError
from shared.memory import MemoryStore
from shared.projection import Projection
from shared.published import Build
from shared.reading import Reader, Token


@dataclass(frozen=True)
class Named:
    employee: str
    name: str = ""


def reader(projection: Projection[Named], store: MemoryStore, build: Build) -> Reader[Named]:
    async def active() -> Build:
        return build

    return Reader(projection, store, active, wait_s=30.0)


async def test_a_reader_does_not_wait_for_a_stream_that_its_view_does_not_follow() -> None:
    card = Projection("card", version=1, view=Named, streams=("employee",))
    found = reader(card, MemoryStore(), Build("card", 1))
    async with asyncio.timeout(5):
        assert await found.get("employee-a", Token("unit-1", 7)) is None


async def test_a_view_of_the_release_before_is_for_later_where_it_cannot_be_read() -> None:
    """Its successor is being built; nothing is wrong, and nothing can be said yet."""
    card, store = Projection("card", version=2, view=Named), MemoryStore()
    old = {"_id": "employee-a", "rev": 1, "view": {"employee": "employee-a", "name": 7}}
    await store.put_many("card_v1", [old])
    before = reader(card, store, Build("card", 1))
    for asked in (before.get("employee-a"), before.page({}, limit=5)):
        with pytest.raises(UnavailableError, match="being built") as refused:
            await asked
        assert refused.value.slug == "projection-being-built"


async def test_a_view_that_this_release_wrote_and_cannot_read_is_a_bug() -> None:
    card, store = Projection("card", version=1, view=Named), MemoryStore()
    wrong = {"_id": "employee-a", "rev": 1, "view": {"employee": "employee-a", "name": 7}}
    await store.put_many("card_v1", [wrong])
    with pytest.raises(ValueError, match="valid string"):
        await reader(card, store, Build("card", 1)).get("employee-a")
