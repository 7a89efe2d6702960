"""A log that grew long while nobody folded it: everything catches up."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from shared.kafka import KafkaLog
from shared.topics import load_topics
from tests.bench.replay import fill
from tests.faults.plant import Plant
from tests.faults.scenario import Engines, Told, compare, engines, load, telling

FACTS = 20_000
# Far below what it does; a run that comes to this has stopped folding.
FACTS_A_SECOND_MIN = 20.0
STARTS_S = 120.0


def catch_up(work: Path, seed: int = 1, kind: str = "kafka", facts: int = FACTS) -> Told:
    """The platform starts on a log that it has never seen, and is used while it catches up."""
    told = Told(f"a backlog of {facts:,} facts", "")
    with telling(told), engines(work, kind) as servers:
        told.engines = servers.name
        written = asyncio.run(_write(servers, facts))
        began = time.monotonic()
        limit_s = STARTS_S + written / FACTS_A_SECOND_MIN
        with Plant(work, servers.log, servers.store, ready_s=limit_s) as plant:
            with load(plant, work, first=seed) as running:
                running.goes_on()
            plant.settle(limit_s)
            seconds = time.monotonic() - began
            told.say(f"{written:,} facts folded into every view within {seconds:.0f} s")
            told.say(", ".join(f"{name} {mb:,.0f} MB at most" for name, mb in plant.memory_mb()))
            compare(plant, running, servers.log.address, told, **servers.options)
        told.check(told.facts >= written, f"{told.facts} facts on the log, {written} written")
    return told


async def _write(servers: Engines, facts: int) -> int:
    log = await KafkaLog.open(servers.log.address, embedded=servers.log.embedded)
    try:
        await log.create_topics(load_topics())
        return await fill(log, facts)
    finally:
        await log.close()
