"""A Faust agent that only counts what it is given: what the live measures are compared with.

`python -m tests.bench.counter ADDRESS COUNT FOLDER` says how many a second, from the first one on.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import faust
import uvloop

from services.analytics.measures import TOPICS
from services.analytics.stream import CalmTransport

BATCH_MAX = 2_000
TAKE_S = 0.03


async def count(address: str, wanted: int, folder: str) -> float:
    """Return how many a second were counted, from the first to the last of so many."""
    app = faust.App(
        "bench-counter",
        broker=f"kafka://{address}",
        store="memory://",
        datadir=folder,
        autodiscover=False,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        worker_redirect_stdouts=False,
    )
    app.transport = CalmTransport([*app.conf.broker], app, loop=app.loop)
    counted, first, done = 0, 0.0, asyncio.Event()

    @app.agent(app.topic(*TOPICS, key_type=bytes, value_type=bytes), name="count")
    async def counting(messages: Any) -> None:
        nonlocal counted, first
        async for batch in messages.take_events(BATCH_MAX, within=TAKE_S):
            first = first or time.perf_counter()
            counted += len(batch)
            if counted >= wanted:
                done.set()

    await app.start()
    await done.wait()
    rate = counted / (time.perf_counter() - first)
    await app.stop()
    return rate


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    sys.stdout.write(f"{asyncio.run(count(sys.argv[1], int(sys.argv[2]), sys.argv[3]))}\n")
