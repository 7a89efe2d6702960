"""Runs the measures live on Faust, as a process of its own. The only importer of faust.

Faust acknowledges a batch whatever became of it, and starts from Kafka's offset, which may lie
before or beyond our cursor. So it only says that there is something to fold (see worker.py).
`python -m services.analytics.stream` runs it, configured by `SELLERS_...`, until SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import faust
import structlog
import uvloop
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from yarl import URL

from services.analytics.measures import TOPICS
from services.analytics.sink import MEASURES, MeasuresSink
from services.analytics.worker import Measuring
from shared.clock import Clock, SystemClock
from shared.kafka import KafkaLog
from shared.log import Log, Partition, Record
from shared.mongo import MongoStore
from shared.observability import configure_logs
from shared.projector import Projector
from shared.published import Build
from shared.settings import Settings
from shared.store import Store

TAKE_S = 0.05
EMPTY_FETCH_S = 0.02
BUFFERED = 4_096

log = structlog.get_logger()


def faust_app(settings: Settings, measuring: Measuring) -> Any:
    """Return the app: no tables, no topics of its own, no web server."""
    data_dir = settings.data_dir / "faust"
    data_dir.mkdir(parents=True, exist_ok=True)
    brokers = [URL(f"kafka://{server}") for server in settings.kafka.split(",")]
    app = faust.App(
        f"{settings.topic_prefix}analytics-measures-v{MEASURES.version}",
        broker=brokers,
        store="memory://",
        datadir=str(data_dir),
        autodiscover=False,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        # A member that was killed is the same member when it comes back, at once.
        consumer_group_instance_id=f"{settings.instance}-analytics",
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=max(BUFFERED, settings.batch_max),
        stream_wait_empty=False,
        worker_redirect_stdouts=False,
    )
    if settings.embedded:
        app.transport = CalmTransport(brokers, app, loop=app.loop)
    topic = app.topic(*TOPICS, key_type=bytes, value_type=bytes, allow_empty=True)

    @app.agent(topic, name="measure")
    async def measure(facts: Any) -> None:
        async for events in facts.take_events(settings.batch_max, within=TAKE_S):
            await measuring.take([record_of(event.message) for event in events])

    return app


def record_of(message: Any) -> Record:
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, dict) else headers
    return Record(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        tuple(pairs),
    )


class CalmThread(AIOKafkaConsumerThread):
    """For brokers that answer an empty fetch at once: asking on would cost most of a core."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        send = consumer._client.send  # noqa: SLF001 - the only place where a fetch can be held back

        async def held_back(*args: Any, **kwargs: Any) -> Any:
            response = await send(*args, **kwargs)
            if type(response).__name__.startswith("FetchResponse") and not _holds(response):
                await asyncio.sleep(EMPTY_FETCH_S)
            return response

        consumer._client.send = held_back  # noqa: SLF001
        return consumer


def _holds(response: Any) -> bool:
    """Whether a fetch brought any record: the last of a partition's fields are its records."""
    return any(part[-1] for _, partitions in response.topics for part in partitions)


class CalmConsumer(Consumer):
    def _new_consumer_thread(self) -> Any:
        return CalmThread(self, loop=self.loop, beacon=self.beacon)


class CalmTransport(Transport):
    Consumer = CalmConsumer


def measures_projector(
    store: Store, facts: Log, clock: Clock, settings: Settings, build: Build
) -> Projector:
    """Return what folds one build. The embedded broker has one worker, who needs no cells apart."""
    return Projector(
        MeasuresSink(build.collection, settings.zone, apart=not settings.embedded),
        store,
        facts,
        clock,
        batch_max=settings.batch_max,
        parked_max=settings.parked_max,
        refold_on_mismatch=settings.embedded,
    )


async def serve(settings: Settings, stopping: asyncio.Event) -> None:
    """Measure until told to stop.

    Raises:
        LogMismatchError: the log is not the one that was folded.
        TooManyParkedError: the release must be wrong.

    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        facts = await KafkaLog.open(settings.kafka, embedded=settings.embedded)
        stack.push_async_callback(facts.close)
        name = f"{settings.instance}-analytics-worker"
        store = await MongoStore.open(settings.mongo, f"{settings.database_prefix}analytics", name)
        stack.push_async_callback(store.close)
        projector_of = partial(measures_projector, store, facts, clock, settings)
        measuring = Measuring(projector_of, store, facts, clock, name)
        stack.push_async_callback(measuring.stop)
        if await _first(measuring.start(), stopping.wait()):
            return
        app = faust_app(settings, measuring)
        await app.start()
        stack.push_async_callback(app.stop)
        log.info("measuring")
        await _first(
            stopping.wait(),
            measuring.keep_mending(lambda: assigned(app)),
            asyncio.shield(measuring.failed),
            app.wait_until_stopped(),
        )
        if not stopping.is_set():
            raise app.crash_reason or RuntimeError("Faust has stopped by itself")


def assigned(app: Any) -> set[Partition]:
    return {Partition(held.topic, held.partition) for held in app.consumer.assignment()}


async def _first(*works: Any) -> bool:
    """Wait for the first of several to end, raise what it raised; whether it was not the first."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
    return tasks[0] not in done


async def run(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(settings, stopping)


def main() -> int:
    """Run until SIGTERM or SIGINT; 1 when something has to be looked at."""
    settings = Settings()
    configure_logs(settings.log_level)
    # Faust's consumer runs in a thread with a loop of its own, which shall be as fast.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        asyncio.run(run(settings))
    except Exception as error:
        log.exception("measures_stopped", reason=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
