"""What is measured beside others does the same work as they do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sellers.processes import EngineMissingError
from shared.memory import MemoryStore
from shared.store import Store
from tests.bench.deciding import EVENTS, Env, Ours, Person, Theirs, decisions, sqlite
from tests.bench.folding import BATCH, batches_of, projector, touches, written_by
from tests.bench.postgres import postgres, programs
from tests.bench.taking import done


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Env]:
    if request.param == "sqlite":
        yield sqlite(tmp_path / "theirs.db")
        return
    try:
        programs()
    except EngineMissingError as error:
        pytest.skip(str(error))  # No engine of ours: it is only measured beside.
    with postgres() as server:
        yield server.settings()


@pytest.mark.parametrize("remembering", [False, True])
async def test_both_decide_on_streams_of_the_same_length(where: Env, *, remembering: bool) -> None:
    store: Any = MemoryStore()
    ours = await Ours.begin(store, "one")
    theirs = Theirs.begin(where, remembering=remembering)
    await ours.decide()
    theirs.decide()
    person: Person = theirs.app.repository.get(theirs.person)
    history = await store.find("journal", {"stream": ours.stream})
    assert len(history) == person.version == EVENTS + 1
    assert person.phone == "+82 1"
    theirs.close()


async def test_decisions_are_compared(where: Env) -> None:
    store: Any = MemoryStore()
    taken = await decisions(store, where, rounds=1, seconds=0.1, remembering=True)
    assert min(taken.ours, taken.other, taken.ratio) > 0


async def test_the_loop_stores_what_the_projector_stores() -> None:
    facts = touches(BATCH + 10)
    assert len(facts) == BATCH + 10
    documents = written_by(facts)
    assert len(documents) == len(batches_of(facts)) == 2
    store: Store = MemoryStore()
    taken = await projector(store, len(facts), 1)  # type: ignore[arg-type]
    assert taken.ratio > 0
    folded = await store.find("card1_v1", {})
    bare = await store.find("bare1", {})
    assert {view["_id"]: view["view"] for view in folded} == {
        view["_id"]: view["view"] for view in bare
    }


@pytest.mark.connected
async def test_touches_are_taken_in_as_many_as_are_sent(
    kafka_engine: Any, mongo_engine: Any, namespace: str, tmp_path: Path
) -> None:
    from tests.bench.live import Servers
    from tests.bench.taking import batches, singles

    servers = Servers(
        kafka_engine.address, mongo_engine.address, tmp_path, namespace, kafka_engine.embedded
    )
    for found in (await batches(servers, 1, 0.2), await singles(servers, 1, 0.2)):
        assert min(found.ours, found.other, found.ratio) > 0


async def test_whatever_is_done_at_once_is_counted() -> None:
    turns: list[int] = []

    async def turn(number: int) -> int:
        await asyncio.sleep(0)
        turns.append(number)
        return 7

    assert await done(turn, 3, 4, lambda: len(turns) < 20) == 7 * len(turns)
    assert len(set(turns)) == len(turns)


def test_nothing_is_left_of_a_database_that_was_started() -> None:
    try:
        programs()
    except EngineMissingError as error:
        pytest.skip(str(error))
    with postgres() as server:
        folder, pid = server.data_dir.parent, server.pid
        assert pid is not None
        assert folder.exists()
        assert Path(f"/proc/{pid}").stat().st_uid != 0, "it refuses to run as root"
    assert not folder.exists()
    assert not Path(f"/proc/{pid}").exists()
