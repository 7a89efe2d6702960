"""A broker forgot its last records: the journal brings them back, each stream in order."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, repeat

import pytest

from shared.events import decode, encode
from shared.events.touches import TouchRecorded
from shared.journal import JOURNAL
from shared.log import Partition
from shared.memory import Landing, MemoryLog, MemoryStore
from shared.projector import Collections, cursor_id
from shared.released import examples_of
from shared.repair import RepairFailedError, repair_log
from shared.runtime import Runtime
from shared.store import Document
from shared.tests.tiny import PARTITIONS, assign, build, join, tiny_domain

STREAM = "employee-kim"
UNITS = ("unit-a", "unit-b", "unit-c", "unit-d")


@pytest.fixture
async def runtime() -> Runtime:
    """Somebody who moved often; the broker has forgotten all of it but the first fact."""
    domain = replace(tiny_domain(), intake=("touches",))
    runtime = build(domain, MemoryStore(), MemoryLog({**PARTITIONS, "touches": 1}))
    await runtime.journal.prepare()
    runtime.service.ready.set()
    announced = []
    runtime.service.announce = announced.append
    for request in (join(STREAM), *(assign(STREAM, unit) for unit in UNITS)):
        await runtime.service.handle(request)
    await runtime.publisher.publish(announced)
    assert versions(runtime) == [1, 2, 3, 4, 5]
    for number, size in enumerate(log_of(runtime).sizes("organization")):
        log_of(runtime).truncate("organization", number, min(size, 1))
    return runtime


def log_of(runtime: Runtime) -> MemoryLog:
    assert isinstance(runtime.log, MemoryLog)
    return runtime.log


def touched() -> Document:
    fact = examples_of(TouchRecorded)["least"]
    place = {"topic": "touches", "stream": fact.stream, "version": fact.version}
    return {"_id": fact.id, **place, "fact": encode(fact)}


def versions(runtime: Runtime) -> list[int]:
    return [decode(record.value).version for record in log_of(runtime).records("organization")]


async def test_what_the_log_lacks_comes_back_in_order_however_the_journal_tells_it(
    runtime: Runtime,
) -> None:
    documents = await runtime.store.find(JOURNAL, {})
    await runtime.store.delete_many(JOURNAL, [document["_id"] for document in documents])
    between = touched()
    await runtime.store.put_many(JOURNAL, [documents[4], between, *documents[3::-1]])
    assert await repair_log(runtime, [runtime.store]) == 5
    assert [record.value for record in log_of(runtime).records("touches")] == [between["fact"]]
    assert versions(runtime) == [1, 2, 3, 4, 5]
    assert await repair_log(runtime, [runtime.store]) == 0


async def test_a_stream_waits_for_the_fact_that_was_lost_again(runtime: Runtime) -> None:
    landings = chain[Landing](("acknowledged", "lost"), repeat("acknowledged"))
    log_of(runtime).land_by(lambda _topic, _key: next(landings))
    await repair_log(runtime, [runtime.store])
    assert versions(runtime) == [1, 2, 3, 4, 5]


async def test_a_broker_that_takes_nothing_is_said(runtime: Runtime) -> None:
    log_of(runtime).land_by(lambda _topic, _key: "lost")
    with pytest.raises(RepairFailedError, match="organization"):
        await repair_log(runtime, [runtime.store])


async def test_who_reads_the_topic_reads_it_again_from_its_beginning(runtime: Runtime) -> None:
    """In every database, whatever build; other topics' places stay."""
    reader, cursors = MemoryStore(), Collections("somewhere_v7").cursors
    mended, other = (cursor_id(Partition(topic, 0)) for topic in ("organization", "touches"))
    await reader.put_many(cursors, [{"_id": mended, "offset": 3}, {"_id": other, "offset": 2}])
    await repair_log(runtime, [runtime.store, reader])
    assert {cursor["_id"] for cursor in await reader.find(cursors, {})} == {other}
