"""How fast the measures are recomputed from the log, beside a loop that only decodes the facts.

Interleaved: in each round both read the same partitions of the same broker, one after the other.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.analytics.main import domain
from services.analytics.measures import TOPICS, recompute
from services.analytics.proof import verify_measures
from services.analytics.sink import MEASURES, MeasuresSink
from shared import builds
from shared.clock import SystemClock
from shared.events import Envelope, decode, encode
from shared.log import Log
from shared.projector import Projector
from shared.runtime import Runtime
from shared.settings import Settings
from shared.store import Store
from tests.bench.company import company

ZONE = ZoneInfo("Asia/Seoul")
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """Facts a second: of decoding alone, and of recomputing; and the median of their ratios."""

    facts: int
    decoding: float
    recomputing: float
    ratio: float


async def fill(log: Log, facts: int) -> int:
    """Write a company into the log; return how many facts it has."""
    told = 0
    sending: list[Envelope] = []
    for stream in company(facts):
        sending += stream
        told += len(stream)
        if len(sending) >= AT_ONCE:
            await _send(log, sending)
            sending = []
    await _send(log, sending)
    return told


async def _send(log: Log, facts: Sequence[Envelope]) -> None:
    # One after the other of a stream, as the publisher does: the next when the first is there.
    for version in sorted({fact.version for fact in facts}):
        wave = [fact for fact in facts if fact.version == version]
        sent = (log.append(fact.data.topic, fact.stream, encode(fact)) for fact in wave)
        await asyncio.gather(*sent)


async def _read(log: Log) -> list[Envelope]:
    facts: list[Envelope] = []
    for topic in TOPICS:
        for partition, end in (await log.ends(topic)).items():
            async for records in log.read(partition, 0, end):
                facts += [decode(record.value) for record in records]
    return facts


async def _decode(log: Log) -> int:
    return len(await _read(log))


async def _recompute(log: Log) -> int:
    facts = await _read(log)
    recompute(facts, ZONE)
    return len(facts)


async def replay(log: Log, rounds: int) -> Replayed:
    """Return the medians over the rounds; the first one, which warms up, is left out."""
    decoding, recomputing, ratios, facts = [], [], [], 0
    for number in range(rounds + 1):
        facts, bare = await _timed(_decode, log)
        _, whole = await _timed(_recompute, log)
        if number:
            decoding.append(facts / bare)
            recomputing.append(facts / whole)
            ratios.append(bare / whole)
    median = statistics.median
    return Replayed(facts, median(decoding), median(recomputing), median(ratios))


async def _timed(work: Callable[[Log], Awaitable[int]], log: Log) -> tuple[int, float]:
    began = time.perf_counter()
    done = await work(log)
    return done, time.perf_counter() - began


async def build(log: Log, store: Store) -> float:
    """Fold the whole log into the store as the worker does for a new version; return facts/s."""
    collection = (await builds.register(store, MEASURES)).active.collection
    projector = Projector(MeasuresSink(collection, ZONE), store, log, SystemClock())
    facts, began = 0, time.perf_counter()
    for topic in TOPICS:
        for partition, end in (await log.ends(topic)).items():
            async for records in log.read(partition, 0, end):
                await projector.absorb(records)
                facts += len(records)
    return facts / (time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class Verified:
    """Facts a second, and microseconds of this process's processor time for each of them."""

    facts: float
    micros: float


async def verified(log: Log, store: Store, facts: int, rounds: int) -> Verified:
    """Compare what was built with the log, as `sellers verify` does; the first one warms up.

    Raises:
        RuntimeError: they differ, or there was nothing to compare.

    """
    runtime = Runtime(domain, store, log, SystemClock(), Settings())
    taken, spent = [], []
    for number in range(rounds + 1):
        began, used = time.perf_counter(), time.process_time()
        check = await verify_measures(runtime)
        if number:
            taken.append(time.perf_counter() - began)
            spent.append(time.process_time() - used)
        if check.differences or check.skipped or not check.checked:
            raise RuntimeError(
                f"{check.checked} compared, {check.skipped} not: {check.differences}"
            )
    return Verified(facts / statistics.median(taken), 1e6 * statistics.median(spent) / facts)
