"""How fast a projector folds, beside a bare loop that only stores the same documents.

The loop does what no projector can do without: for each batch it finds the documents, replaces
them in bulk and moves a cursor in one transaction. Ours also decodes, folds, and keeps the heads
that make every fact count once. Same facts, same batches, same store, interleaved.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from services.contacts.projections import person_card
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.log import Partition, Record
from shared.memory import MemoryLog
from shared.mongo import MongoStore
from shared.projector import Projector
from shared.sinks import ViewSink
from shared.store import Document
from tests.bench.company import company
from tests.bench.taking import Taken

BATCH = 1_000
TOPIC = "touches"


def touches(facts: int) -> list[Envelope]:
    """Return the touches of a company of any size: what a person's card is folded of."""
    streams = (stream for stream in company(4 * facts) if stream[0].data.topic == TOPIC)
    return [fact for stream in streams for fact in stream][:facts]


def batches_of(facts: Sequence[Envelope]) -> list[list[Record]]:
    records = [
        Record(TOPIC, 0, offset, fact.stream.encode(), encode(fact))
        for offset, fact in enumerate(facts)
    ]
    return [records[first : first + BATCH] for first in range(0, len(records), BATCH)]


def written_by(facts: Sequence[Envelope]) -> list[list[Document]]:
    """Return the documents that folding writes, batch by batch."""
    views: dict[str, Any] = {}
    found = []
    for first in range(0, len(facts), BATCH):
        piece = facts[first : first + BATCH]
        person_card.replay(piece, views)
        keys = sorted({key for fact in piece for key in person_card.keys(fact)})
        found.append(
            [
                {"_id": key, "rev": first, "view": person_card.to_document(views[key])}
                for key in keys
            ]
        )
    return found


async def projector(store: MongoStore, facts: int, rounds: int) -> Taken:
    """Compare both, each time into collections that are new."""
    history = touches(facts)
    records, documents = batches_of(history), written_by(history)
    rates: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        mine = await _folded(store, f"card{number}_v1", records)
        bare = await _stored(store, f"bare{number}", documents)
        if number:  # The first one warms up.
            rates.append((len(history) / mine, len(history) / bare))
    return Taken(
        statistics.median(mine for mine, _ in rates),
        statistics.median(bare for _, bare in rates),
        statistics.median(mine / bare for mine, bare in rates),
    )


async def _folded(store: MongoStore, collection: str, batches: Sequence[Sequence[Record]]) -> float:
    log = MemoryLog(1)
    sink = ViewSink(person_card, collection)
    folding = Projector(sink, store, log, SystemClock(), batch_max=BATCH)
    began = time.perf_counter()
    for records in batches:
        await folding.absorb(records)
    taken = time.perf_counter() - began
    held = await store.find(f"{collection}.parked", {})
    if held:
        raise RuntimeError(f"{len(held)} facts were not folded, as {held[0]['reason']}")
    return taken


async def _stored(
    store: MongoStore, collection: str, batches: Sequence[Sequence[Document]]
) -> float:
    began = time.perf_counter()
    cursor = Partition(TOPIC, 0)
    for offset, documents in enumerate(batches):
        async with store.transaction() as tx:
            await tx.get_many(collection, [document["_id"] for document in documents])
            await tx.put_many(collection, list(documents))
            moved = {"_id": f"{cursor.topic}/{cursor.number}", "offset": offset}
            await tx.put_many(f"{collection}.cursors", [moved])
    return time.perf_counter() - began
