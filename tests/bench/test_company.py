"""The benchmark's company is the same each time, and its facts are worth measuring."""

from __future__ import annotations

from collections import Counter

from services.analytics.measures import STREAMS, recompute
from shared.memory import MemoryLog
from tests.bench.company import company
from tests.bench.replay import ZONE, fill, replay


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
