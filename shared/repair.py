"""After a broker that may forget its last second was killed: publish again what the log lacks.

Only for the embedded broker, where the journal is the truth. Runs before anything is folded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import orjson
import structlog

from shared.journal import JOURNAL, Entry
from shared.log import Log
from shared.projector import Collections
from shared.published import EPOCHS, Build, dirty_mark
from shared.runtime import Runtime
from shared.store import Addition, Store, TransientStoreError

log = structlog.get_logger()

ROUNDS = 5
# A store gives up a transaction that nobody goes on with after a minute.
GIVEN_UP_S, AGAIN_S = 90.0, 0.5


class RepairFailedError(Exception):
    """The log still lacks journaled facts after several rounds of publishing them."""


async def repair_log(runtime: Runtime, readers: Collection[Store]) -> int:
    """Publish every journaled fact that the log lacks; return how many there were.

    They come back in another order than they were lost in, so a fact that nobody has folded yet
    may now lie before a reader's cursor, and the record at the cursor may even look right. So
    whoever reads these topics, in any of the databases `readers`, reads them again from the first
    record; heads drop what was folded. Their cursors go first: a repair that is killed half-way
    would find nothing missing the next time.

    Raises:
        RepairFailedError: the broker does not acknowledge them.

    """
    repaired = 0
    for _ in range(ROUNDS):
        missing = await _missing(runtime)
        if not missing:
            return repaired
        await _read_again(readers, {entry.topic for entry in missing})
        repaired += len(missing)
        log.warning("log_repaired_from_journal", domain=runtime.domain.name, facts=len(missing))
        await runtime.publisher.publish_again(missing)
    raise RepairFailedError(f"the log still lacks facts of {runtime.domain.name}")


async def _read_again(readers: Collection[Store], topics: Collection[str]) -> None:
    for store in readers:
        for name in await store.collections():
            if name.endswith(Collections("").cursors):
                held = [cursor["_id"] for cursor in await store.find(name, {}, fields=())]
                lost = [key for key in held if key.rpartition("/")[0] in topics]
                await _forget(store, name, lost)


async def _forget(store: Store, name: str, cursors: Collection[str]) -> None:
    """Delete them, waiting for what a killed process had begun with them to be given up.

    In a transaction, which is refused while another one that nobody will end holds a cursor: the
    embedded store gives that one up after a minute, but only when it is asked for transactions. A
    plain delete would wait for ever.
    """
    for left in reversed(range(round(GIVEN_UP_S / AGAIN_S))):
        try:
            async with store.transaction() as tx:
                await tx.delete_many(name, cursors)
        except TransientStoreError as error:
            if not left:
                raise
            log.info("cursors_held", collection=name, reason=str(error))
            await asyncio.sleep(AGAIN_S)
        else:
            return


async def _missing(runtime: Runtime) -> list[Entry]:
    held: set[str] = set()
    for topic in (*([runtime.domain.name] if runtime.decides else []), *runtime.domain.intake):
        held |= await _ids(runtime.log, topic)
    journaled = await runtime.store.find(JOURNAL, {}, fields=("stream", "version"))
    lacking = [document["_id"] for document in journaled if document["_id"] not in held]
    documents = await runtime.store.get_many(JOURNAL, lacking)
    return [
        Entry(d["_id"], d["topic"], d["stream"], d["version"], d["fact"])
        for d in documents.values()
    ]


async def _ids(facts: Log, topic: str) -> set[str]:
    found = set()
    for partition, end in (await facts.ends(topic)).items():
        async for records in facts.read(partition, 0, end):
            for record in records:
                found.add(_id(record.value))
    return found


def _id(value: bytes | None) -> str:
    """Return the id of a fact, or "" for bytes that are none: those are the projectors' to park."""
    try:
        return str(orjson.loads(value or b"{}").get("id", ""))
    except (orjson.JSONDecodeError, AttributeError):
        return ""


async def publish_views_again(store: Store, build: Build) -> None:
    """Mark every view dirty: which of their records the broker has forgotten is not recorded.

    Subscribers start afresh: at the places they remember, the topic now holds other records.
    """
    await store.add_many(EPOCHS, [Addition(build.name, {"epoch": 1})])
    names = Collections(build.collection)
    views = await store.find(names.views, {}, fields=("rev",))
    await store.put_many(names.dirty, [dirty_mark(v["_id"], v["rev"]) for v in views])
