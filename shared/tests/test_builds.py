"""Which build queries read: one document says it, and whoever comes late changes nothing."""

from __future__ import annotations

import asyncio

import pytest

from shared import builds
from shared.errors import UnavailableError
from shared.memory import MemoryStore
from shared.projector import Collections
from shared.published import Build
from shared.tests.tiny import card_projection

OLD, NEW = card_projection(1, published=True), card_projection(2, published=True)


async def test_a_new_version_is_on_its_way_until_it_is_switched_to() -> None:
    store = MemoryStore()
    assert await builds.register(store, OLD) == builds.Builds(Build("card", 1))
    both = builds.Builds(Build("card", 1), Build("card", 2))
    assert await builds.register(store, NEW) == both
    assert await builds.register(store, NEW) == both
    switched = builds.Builds(Build("card", 2), None, (Build("card", 1),))
    assert await builds.switch(store, NEW, Build("card", 2)) == switched
    assert await builds.read(store, NEW) == switched


async def test_an_older_release_changes_nothing() -> None:
    store = MemoryStore()
    await builds.register(store, NEW)
    assert await builds.register(store, OLD) == builds.Builds(Build("card", 2))
    with pytest.raises(UnavailableError, match="version 2"):
        await builds.begin(store, OLD)


async def test_a_view_is_rebuilt_once_at_a_time_and_never_into_old_collections() -> None:
    store = MemoryStore()
    await builds.register(store, OLD)
    second = await builds.begin(store, OLD)
    with pytest.raises(UnavailableError, match="already"):
        await builds.begin(store, OLD)
    await builds.switch(store, OLD, second)
    third = await builds.begin(store, OLD)
    assert [build.collection for build in (second, third)] == ["card_v1_g2", "card_v1_g3"]


async def test_who_switches_second_changes_nothing() -> None:
    store = MemoryStore()
    await builds.register(store, OLD)
    coming = await builds.begin(store, OLD)
    both = await asyncio.gather(*(builds.switch(store, OLD, coming) for _ in range(2)))
    assert both[0] == both[1] == builds.Builds(coming, None, (Build("card", 1),))


async def test_subscribers_hear_of_what_the_new_build_lacks() -> None:
    store = MemoryStore()
    await builds.register(store, OLD)
    coming = await builds.begin(store, OLD)
    await store.put_many("card_v1", [{"_id": key, "rev": 3, "view": {}} for key in ("a", "b")])
    await store.put_many(coming.collection, [{"_id": "a", "rev": 1, "view": {}}])
    await builds.switch(store, OLD, coming)
    assert store.documents(coming.collection)["b"] == {"_id": "b", "rev": 1, "view": None}
    marks = store.documents(Collections(coming.collection).dirty)
    assert [mark["key"] for mark in marks.values()] == ["b"]


async def test_what_nobody_reads_any_more_is_dropped() -> None:
    store = MemoryStore()
    await builds.register(store, OLD)
    await store.put_many("card_v1.heads", [{"_id": "employee-ada"}])
    coming = await builds.begin(store, OLD)
    await builds.switch(store, OLD, coming)
    await builds.drop(store, OLD, Build("card", 1))
    assert await builds.read(store, OLD) == builds.Builds(coming)
    assert "card_v1.heads" not in await store.collections()


async def test_a_fact_left_out_for_good_is_left_out_of_what_is_being_built_too() -> None:
    """The coming build may have folded it, as where its release mended the fold, or parked it."""
    store = MemoryStore()
    await builds.register(store, OLD)
    await builds.register(store, NEW)
    async with store.transaction() as tx:
        await builds.renew(OLD, Build("card", 1), tx)
    begun_anew = builds.Builds(Build("card", 1), Build("card", 2, 2), (Build("card", 2),))
    assert await builds.read(store, NEW) == begun_anew
    async with store.transaction() as tx:
        await builds.renew(NEW, Build("card", 2, 2), tx)
    assert await builds.read(store, NEW) == begun_anew
