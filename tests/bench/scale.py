"""What a fact costs in a small and in a large history, in memory and with the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import chain

from services.analytics.cells import Sums
from services.analytics.entities import Entity, entity_of, evolve
from services.analytics.measures import contributions, difference
from services.analytics.sink import MeasuresSink
from shared.clock import SystemClock
from shared.events import Envelope, encode
from shared.log import Record
from shared.memory import MemoryLog
from shared.projector import Collections, Projector
from shared.store import Store
from tests.bench.company import company
from tests.bench.replay import ZONE

AT_ONCE = 10_000
BATCH = 2_000


def pieces(facts: int) -> Iterator[tuple[list[list[Envelope]], int, int | None]]:
    """Yield a history in pieces of about ten thousand facts: streams, how many facts, which step.

    A step ends at each power of ten from ten thousand on; its cost is of its own last piece.
    """
    told, steps = 0, [n for n in (10_000, 100_000, 1_000_000) if n <= facts]
    piece: list[list[Envelope]] = []
    held = 0
    # A few more, so that the last step is whole.
    for stream in company(facts + AT_ONCE):
        piece.append(stream)
        held += len(stream)
        if held < AT_ONCE:
            continue
        told += held
        yield piece, held, steps.pop(0) if steps and told >= steps[0] else None
        piece, held = [], 0


def cost(facts: int) -> Iterator[tuple[int, float]]:
    """Fold a history as the worker does, fact by fact; yield how many, and µs a fact, by steps."""
    entities: dict[str, Entity] = {}
    sums = Sums()
    for piece, held, step in pieces(facts):
        began = time.perf_counter()
        for fact in chain.from_iterable(piece):
            before = entities.get(fact.stream)
            blank = before or entity_of(fact)
            assert blank is not None
            after = entities[fact.stream] = evolve(blank, fact, ZONE)
            old = contributions(before) if before is not None else {}
            for cell, amount in difference(contributions(after), old).items():
                sums[cell] += amount
        taken = time.perf_counter() - began
        if step is not None:
            yield step, taken / held * 1e6


async def stored(store: Store, facts: int) -> AsyncIterator[tuple[int, float]]:
    """Fold a history into the store as the worker does; yield how many, and µs a fact, by steps."""
    sink, log = MeasuresSink("stored", ZONE), MemoryLog(1)
    folding = Projector(sink, store, log, SystemClock(), batch_max=BATCH)
    reached: Counter[str] = Counter()
    for piece, held, step in pieces(facts):
        records = []
        for fact in chain.from_iterable(piece):
            topic = fact.data.topic
            value = encode(fact)
            records.append(Record(topic, 0, reached[topic], fact.stream.encode(), value))
            reached[topic] += 1
        records.sort(key=lambda record: (record.topic, record.offset))
        began = time.perf_counter()
        for first in range(0, held, BATCH):
            await folding.absorb(records[first : first + BATCH])
        taken = time.perf_counter() - began
        if step is not None:
            yield step, taken / held * 1e6
    if parked := await store.count(Collections("stored").parked, {}):
        raise RuntimeError(f"{parked} facts were not folded")
