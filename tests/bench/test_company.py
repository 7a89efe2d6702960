"""The benchmark's company is the same each time, and its facts are worth measuring."""

from __future__ import annotations

from collections import Counter

import pytest

from services.analytics.measures import STREAMS, recompute
from services.analytics.sink import MEASURES, entities_of
from shared import builds
from shared.memory import MemoryLog, MemoryStore
from tests.bench.company import company
from tests.bench.replay import ZONE, build, fill, replay, verified


def test_the_same_company_each_time_of_every_kind_of_stream() -> None:
    streams = list(company(2_000))
    assert streams == list(company(2_000))
    kinds = Counter(stream[0].stream.partition("-")[0] for stream in streams)
    # What leaders say to people is seldom: a few facts in a thousand. What repeats adds a hundred
    # times at once, and has its own measurement (ADR 0030).
    assert set(kinds) == set(STREAMS) - {"review", "assessment", "series"}
    facts = [fact for stream in streams for fact in stream]
    entities, cells = recompute(facts, ZONE)
    assert len(entities) == len(streams)
    assert len(cells) > len(streams)


async def test_a_small_run_measures_both_over_the_same_facts() -> None:
    log = MemoryLog(2)
    told = await fill(log, 500)
    found = await replay(log, 1)
    assert found.facts == told
    assert min(found.ratio, found.recomputing, found.decoding) > 0


async def test_what_was_built_is_compared_with_the_log() -> None:
    log, store = MemoryLog(2), MemoryStore()
    told = await fill(log, 500)
    with pytest.raises(RuntimeError, match="0 compared"):
        await verified(log, store, told, 1)
    await build(log, store)
    assert (await verified(log, store, told, 1)).facts > 0
    collection = entities_of((await builds.read(store, MEASURES)).active.collection)
    (entity, *_) = await store.find(collection, {})
    await store.put_many(collection, [entity | {"owners": ["somebody"]}])
    with pytest.raises(RuntimeError, match="somebody"):
        await verified(log, store, told, 1)
