"""What the store contract does not say: killed writers, outages, many writers at once."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sellers.engines import SecantusMongo
from sellers.processes import HOST, free_ports
from shared.mongo import WRITERS, MongoStore
from shared.mongo.store import EMPTIED
from shared.repair import _forget
from shared.store import Addition, TransientStoreError, WriteConflictError

pytestmark = pytest.mark.connected

ROOT = Path(__file__).resolve().parents[2]
SUCCESSION_S = 2.0

# Writes a document in a transaction that never ends, says so, and waits to be killed.
DOOMED = """
import asyncio, sys
from shared.mongo import MongoStore

async def main(url, database, instance):
    store = await MongoStore.open(url, database, instance)
    async with store.transaction() as tx:
        await tx.put_many("views", [{"_id": "a", "by": "the killed one"}])
        print("written", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.asynccontextmanager
async def opened(url: str, database: str, instance: str, **options: Any) -> AsyncIterator[Any]:
    store = await MongoStore.open(url, database, instance, **options)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
async def store(mongo_engine: Any, namespace: str) -> AsyncIterator[MongoStore]:
    async with opened(mongo_engine.address, namespace, "test") as store:
        yield store


@pytest.fixture
def server(tmp_path: Path) -> Any:
    """A server of this test's own, to be stopped and killed."""
    engine = SecantusMongo(tmp_path / "mongo")
    engine.start()
    yield engine
    engine.stop()


async def _killed_amid_a_transaction(url: str, namespace: str) -> None:
    doomed = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", DOOMED, url, namespace, "projector-1"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert doomed.stdout is not None
    assert await asyncio.wait_for(doomed.stdout.readline(), 20) == b"written\n"
    doomed.kill()
    await doomed.wait()


async def test_a_collection_that_is_emptied_before_it_is_dropped_is_gone_like_any_other(
    mongo_engine: Any, namespace: str
) -> None:
    async with opened(mongo_engine.address, namespace, "projector-2", empties=True) as store:
        await store.put_many("old", [{"_id": f"{number}"} for number in range(2 * EMPTIED + 1)])
        await store.put_many("new", [{"_id": "1"}])
        await store.drop("old")
        await store.drop("never was")
        assert "old" not in await store.collections()
        assert await store.count("new", {}) == 1


async def test_a_repair_waits_for_what_a_killed_process_began_with_the_cursors(
    mongo_engine: Any, namespace: str, store: MongoStore
) -> None:
    """A plain delete would wait in the server for ever, and everything else behind it."""
    await store.put_many("views", [{"_id": "a", "by": "nobody"}])
    await _killed_amid_a_transaction(mongo_engine.address, namespace)
    forgetting = asyncio.create_task(_forget(store, "views", ["a"]))
    await asyncio.wait({forgetting}, timeout=1.5)
    assert not forgetting.done()
    async with opened(mongo_engine.address, namespace, "projector-1"):
        await asyncio.wait_for(forgetting, 10)
    assert await store.get("views", "a") is None


async def test_the_successor_of_a_killed_writer_does_not_wait_for_it(
    mongo_engine: Any, namespace: str, store: MongoStore
) -> None:
    await store.put_many("views", [{"_id": "a", "by": "nobody"}])
    await _killed_amid_a_transaction(mongo_engine.address, namespace)
    # The dead writer's transaction still holds the document ...
    with pytest.raises(WriteConflictError):
        async with store.transaction() as tx:
            await tx.put_many("views", [{"_id": "a", "by": "a stranger"}])
    # ... until its successor comes.
    began = time.monotonic()
    async with opened(mongo_engine.address, namespace, "projector-1") as successor:
        async with successor.transaction() as tx:
            await tx.put_many("views", [{"_id": "a", "by": "the successor"}])
        assert time.monotonic() - began < SUCCESSION_S
        assert await successor.get("views", "a") == {"_id": "a", "by": "the successor"}


async def test_a_writer_is_recorded_before_it_writes(store: MongoStore) -> None:
    recorded = await store.get(WRITERS, "test")
    assert recorded is not None
    async with store.transaction() as tx:
        session = tx._session.session_id["id"]  # type: ignore[attr-defined]
        assert session in recorded["sessions"]
    assert WRITERS not in await store.collections()


async def test_a_cancelled_transaction_leaves_nothing(store: MongoStore) -> None:
    async def write() -> None:
        async with store.transaction() as tx:
            for n in range(1_000):
                await tx.put_many("views", [{"_id": f"{n}-{m}"} for m in range(50)])

    for wait_s in (0.01, 0.03, 0.05, 0.1):
        writing = asyncio.ensure_future(write())
        await asyncio.wait({writing}, timeout=wait_s)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    async with asyncio.timeout(10):
        async with store.transaction() as tx:  # Not one of the ids is blocked.
            await tx.put_many("views", [{"_id": "0-0"}])
    assert await store.count("views", {}) == 1


async def test_more_writers_than_sessions_take_turns(mongo_engine: Any, namespace: str) -> None:
    async with opened(mongo_engine.address, namespace, "few", writers=2) as store:

        async def write(n: int) -> None:
            async with store.transaction() as tx:
                await tx.put_many("views", [{"_id": str(n)}])

        await write(0)  # Makes the collection; doing that in two transactions at once conflicts.
        await asyncio.gather(*(write(n) for n in range(1, 20)))
        assert await store.count("views", {}) == 20


async def test_all_writers_busy_is_an_outage_of_its_own(mongo_engine: Any, namespace: str) -> None:
    async with opened(mongo_engine.address, namespace, "one", writers=1, wait_s=0.5) as store:
        async with store.transaction() as tx:
            with pytest.raises(TransientStoreError, match="busy"):
                await transacted(store)
            await tx.put_many("views", [{"_id": "a"}])
        await transacted(store)


async def transacted(store: MongoStore) -> None:
    async with store.transaction() as tx:
        await tx.count("views", {})


async def test_a_blank_may_name_what_is_added_to(store: MongoStore) -> None:
    blank = {"seller": "kim", "days": {}, "count": 0, "notes": {}}
    for _ in range(2):
        await store.add_many("cells", [Addition("k", {"days.17.won": 1, "count": 2}, blank)])
    assert await store.get("cells", "k") == {
        "_id": "k",
        "seller": "kim",
        "days": {"17": {"won": 2}},
        "count": 4,
        "notes": {},
    }


async def test_no_server_is_one_clear_error(namespace: str) -> None:
    (port,) = free_ports(1)
    began = time.monotonic()
    with pytest.raises(TransientStoreError, match=str(port)):
        await MongoStore.open(f"mongodb://{HOST}:{port}", namespace, "nobody", wait_s=1)
    assert time.monotonic() - began < 5


async def test_an_outage_is_transient(server: Any) -> None:
    async with opened(server.address, "db", "test", wait_s=2) as store:
        with pytest.raises(TransientStoreError):
            async with store.transaction() as tx:
                await tx.put_many("views", [{"_id": "a"}])
                server.kill()
                await tx.put_many("views", [{"_id": "b"}])
        with pytest.raises(TransientStoreError):
            await store.ping()
        with pytest.raises(TransientStoreError):
            await store.put_many("views", [{"_id": "c"}])
        server.start()
        await store.ping()
        assert await store.find("views", {}) == []
        async with store.transaction() as tx:
            await tx.put_many("views", [{"_id": "d"}])
        assert await store.find("views", {}) == [{"_id": "d"}]


async def test_a_commit_without_an_answer_is_of_unknown_outcome(server: Any) -> None:
    async with opened(server.address, "db", "test", wait_s=1) as store:
        with pytest.raises(TransientStoreError, match="outcome of the commit is unknown"):
            async with store.transaction() as tx:
                await tx.put_many("views", [{"_id": "a"}])
                server.kill()
        server.start()
