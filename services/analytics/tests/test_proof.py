"""A view says which facts are in it and what it holds; what was changed by hand is named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from services.analytics.kept_cells import changes_of
from services.analytics.main import verify
from services.analytics.measures import TOPICS
from services.analytics.projections import PROJECTIONS
from services.analytics.proof import verify_measures
from services.analytics.proof_api import digest
from services.analytics.sink import entities_of
from services.analytics.tests.kept import tamper
from services.analytics.tests.world import COLLECTION, World, won
from shared.memory import MemoryLog
from shared.memory.store import MemoryTransaction
from shared.projector import Collections, cursor_id
from shared.store import TransientStoreError
from shared.testing import recorded


async def proof(world: World, name: str = "measures", **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await world.get(f"views/{name}/proof", **query)
    return answer


async def test_the_digest_is_that_of_the_facts_however_often_they_are_delivered(
    world: World,
) -> None:
    first = await proof(world)
    assert first["entries"] > 10
    assert first["positions"]["opportunities/0"] + first["positions"]["opportunities/1"] == 8
    await world.fold()
    assert await proof(world) == first
    await world.append(recorded(won("7", "03-05"), stream="opportunity-4", after=1))
    await world.fold()
    later = await proof(world)
    assert later["digest"] != first["digest"]
    assert later["positions"] != first["positions"]


async def test_a_figure_changed_by_hand_is_named(world: World) -> None:
    before = await proof(world, recompute="true")
    assert before["differences"] == []
    assert before["checked"] > 10
    changed = await tamper(
        world.runtime.store, COLLECTION, lambda cell, n: n + (cell.axis == "owner")
    )
    world.runtime.remembered.clear()
    after = await proof(world, recompute="true")
    assert after["digest"] != before["digest"]
    assert len(after["differences"]) == len(changed)
    assert all("the log says" in told for told in after["differences"])


Corrupt = Callable[[dict[str, Any]], dict[str, Any] | None]
ENTITY, HEAD = entities_of(COLLECTION), Collections(COLLECTION).heads
CURSOR = Collections(COLLECTION).cursors


@pytest.mark.parametrize(
    ("collection", "key", "corrupt", "told"),
    [
        (ENTITY, "opportunity-1", lambda one: one | {"state": one["state"] + b"x"}, "is {"),
        (ENTITY, "opportunity-1", lambda one: one | {"company": "company-q"}, "'company-q'"),
        (ENTITY, "opportunity-1", lambda _: None, "is None, the log says {"),
        (ENTITY, "opportunity-1", lambda one: one | {"_id": "opportunity-9"}, "the log says None"),
        (HEAD, "opportunity-1", lambda one: one | {"version": 1}, "in the log, not folded"),
        (HEAD, "opportunity-1", lambda one: one | {"version": 3}, "the log ends with"),
        (HEAD, "opportunity-1", lambda one: one | {"fact": "other"}, "folded as other"),
        (HEAD, "opportunity-1", lambda _: None, "in the log, not folded"),
        (HEAD, "opportunity-1", lambda one: one | {"_id": "opportunity-9"}, "folded, not in the"),
    ],
)
async def test_whatever_is_changed_by_hand_is_named(
    world: World, collection: str, key: str, corrupt: Corrupt, told: str
) -> None:
    store = world.runtime.store
    held = await store.get(collection, key)
    assert held is not None
    changed = corrupt(held)
    if changed is None:
        await store.delete_many(collection, [key])
    else:
        await store.put_many(collection, [changed])
    check = await verify_measures(world.runtime)
    stream = changed["_id"] if changed else key
    assert any(one.startswith(stream) and told in one for one in check.differences)
    assert all(one.startswith(stream) or "/" in one for one in check.differences)


async def test_facts_that_a_cursor_is_said_to_have_passed_are_named(world: World) -> None:
    await world.append(recorded(won("7", "03-05"), stream="opportunity-4", after=1))
    ends = await world.runtime.log.ends("opportunities")
    reached = [{"_id": cursor_id(place), "offset": end} for place, end in ends.items()]
    assert (await verify_measures(world.runtime)).differences == []
    await world.runtime.store.put_many(CURSOR, reached)
    check = await verify_measures(world.runtime)
    assert check.differences == ["opportunity-4@2: in the log, not folded"]


@pytest.mark.parametrize("cells", [b"", b"\xc1", b"\x81\xa5owner\x92\x90\xc4\x01x", "text", None])
async def test_what_nobody_has_written_is_named_and_makes_no_figure(
    world: World, cells: object
) -> None:
    store, where = world.runtime.store, changes_of(COLLECTION)
    held = (await store.find(where, {}, sort=(("_id", 1),)))[0]
    await store.put_many(where, [{**held, "cells": cells}])
    world.runtime.remembered.clear()
    answer = await world.client.get("/analytics/pipeline")
    assert answer.status_code == 503
    assert held["_id"] in answer.json()["detail"]
    (check,) = [check async for check in verify(world.runtime)]
    assert any(told.startswith(held["_id"]) for told in check.differences)


@pytest.mark.parametrize("name", [one.name for one in PROJECTIONS])
async def test_every_view_of_the_figures_is_proved(world: World, name: str) -> None:
    told = await proof(world, name, recompute="true")
    assert told["differences"] == []
    assert told["entries"] == told["checked"]


async def test_of_what_there_is_not_the_names_are_told(world: World) -> None:
    answer = await world.client.get("/analytics/views/none/proof")
    assert answer.status_code == 404
    assert "org_tree" in answer.text


def test_the_order_of_lines_is_no_matter_but_lines_are() -> None:
    lines = [str(number).encode() for number in range(50)]
    mixed = Random(1).sample(lines, len(lines))
    assert digest(mixed) == digest(lines)
    assert digest([b"1", b"2"]) != digest([b"12"])


@pytest.mark.parametrize("place", ["heads", "entities", "cells"])
async def test_where_the_store_goes_away_meanwhile_it_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Store and log are read beside each other: a proof of half of it would prove nothing."""
    names = {
        "heads": Collections(COLLECTION).heads,
        "entities": entities_of(COLLECTION),
        "cells": changes_of(COLLECTION),
    }
    find = MemoryTransaction.find

    async def gone(self: MemoryTransaction, collection: str, *where: Any, **how: Any) -> Any:
        if collection == names[place]:
            raise TransientStoreError("the store is gone")
        return await find(self, collection, *where, **how)

    monkeypatch.setattr(MemoryTransaction, "find", gone)
    with pytest.raises(TransientStoreError):
        await verify_measures(world.runtime)


async def test_a_store_that_answers_after_the_log_is_compared_as_any(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = asyncio.Event()
    find, ends = MemoryTransaction.find, MemoryLog.ends

    async def slow(self: MemoryTransaction, collection: str, *where: Any, **how: Any) -> Any:
        if collection == ENTITY:
            await last.wait()
        return await find(self, collection, *where, **how)

    async def heard(self: MemoryLog, topic: str) -> Any:
        if topic == TOPICS[-1]:
            last.set()
        return await ends(self, topic)

    quick = await verify_measures(world.runtime)
    monkeypatch.setattr(MemoryTransaction, "find", slow)
    monkeypatch.setattr(MemoryLog, "ends", heard)
    check = await verify_measures(world.runtime)
    assert last.is_set()
    assert check == quick
    assert check.differences == []
