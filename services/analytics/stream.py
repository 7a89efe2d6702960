"""Runs the measures live on Faust, as a process of its own. The only importer of faust.

Faust acknowledges a batch whatever became of it, and starts from Kafka's offset, which may lie
before or beyond our cursor. So it only says that there is something to fold (see worker.py).
`python -m services.analytics.stream` runs it, configured by `SELLERS_...`, until SIGTERM; with
`--serve-probes` it answers probes at SELLERS_PORT, for whoever looks after processes.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Collection, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import faust
import structlog
import uvloop
from aiokafka.errors import IllegalStateError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from yarl import URL

from services.analytics.measures import TOPICS
from services.analytics.sink import MEASURES, MeasuresSink
from services.analytics.worker import Deliveries, Measuring, together
from shared import builds, tracing
from shared.clock import Clock, SystemClock
from shared.kafka import log_of, security_of
from shared.log import Log, Partition, Record
from shared.mongo import MongoStore
from shared.observability import configure_logs, serving_metrics
from shared.projector import Projector
from shared.published import Build
from shared.settings import Settings, SettingsError, load
from shared.store import Store
from shared.web.probes import serve_probes

TAKE_S = 0.03
EMPTY_FETCH_S = 0.02
BUFFERED = 4_096
# Its thread may be waiting for a broker; longer than this nobody waits for it.
SEEK_S = 10.0

log = structlog.get_logger()


def faust_app(settings: Settings, measuring: Measuring) -> Any:
    """Return the app: no tables, no topics of its own, no web server."""
    data_dir = settings.data_dir / "faust"
    data_dir.mkdir(parents=True, exist_ok=True)
    brokers = [URL(f"kafka://{server}") for server in settings.kafka.split(",")]
    app = faust.App(
        f"{settings.database_prefix}analytics-measures-v{MEASURES.version}",
        broker=brokers,
        broker_credentials=credentials_of(settings),
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


def credentials_of(settings: Settings) -> Any:
    """Say to Faust what `security_of` says to our own clients."""
    secured = security_of(settings)
    if "sasl_mechanism" in secured:
        return faust.SASLCredentials(
            mechanism=secured["sasl_mechanism"],
            username=secured["sasl_plain_username"],
            password=secured["sasl_plain_password"],
            ssl_context=secured.get("ssl_context"),
        )
    return faust.SSLCredentials(secured["ssl_context"]) if secured else None


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
    """Return what folds one build."""
    return Projector(
        MeasuresSink(build.collection, settings.zone),
        store,
        facts,
        clock,
        domain="analytics",
        batch_max=settings.batch_max,
        parked_max=settings.parked_max,
        refold_on_mismatch=settings.embedded,
        dropped=partial(builds.is_dropped, MEASURES, build),
    )


async def serve(settings: Settings, stopping: asyncio.Event, *, probed: bool = False) -> None:
    """Measure until told to stop, probed by others or not.

    Raises:
        LogMismatchError: the log is not the one that was folded.
        TooManyParkedError: the release must be wrong.

    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        facts = await log_of(settings)
        stack.push_async_callback(facts.close)
        name = f"{settings.instance}-analytics-worker"
        database = f"{settings.database_prefix}analytics"
        store = await MongoStore.open(settings.mongo, database, name, empties=settings.embedded)
        stack.push_async_callback(store.close)
        projector_of = partial(measures_projector, store, facts, clock, settings)
        measuring = Measuring(projector_of, store, facts, clock, name, settings.embedded)
        if probed:
            stack.push_async_callback(_ended, _probing(settings, measuring))
        try:
            await _until(stopping, _measure(settings, measuring))
        except Exception as error:
            await measuring.leave(error)
            raise
        await measuring.leave(None)


def _probing(settings: Settings, measuring: Measuring) -> asyncio.Task[None]:
    work = serve_probes(settings, measuring.missing, measuring.stuck)
    return asyncio.create_task(work, name="answer probes")


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _measure(settings: Settings, measuring: Measuring) -> None:
    await measuring.start()
    app = faust_app(settings, measuring)
    await app.start()
    log.info("measuring")
    try:
        # None of them ends but by failing, and then we all do.
        await together(
            measuring.keep_folding(),
            measuring.keep_mending(lambda: assigned(app), OfFaust(app)),
            measuring.keep_gauging(lambda: assigned(app)),
            _watch(app),
        )
    finally:
        await app.stop()


async def _watch(app: Any) -> None:
    """Faust restarts what fails in it; when it ends as a whole, so do we."""
    await app.wait_until_stopped()
    raise app.crash_reason or RuntimeError("Faust has stopped by itself")


async def _until(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do the work until told to stop; raise what it raises."""
    working = asyncio.create_task(work)
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait({working})
    if not working.cancelled():
        working.result()


def assigned(app: Any) -> set[Partition]:
    return {Partition(held.topic, held.partition) for held in app.consumer.assignment()}


@dataclass(frozen=True, slots=True)
class OfFaust(Deliveries):
    """Pauses Faust, and lets it continue from another place, for partitions that are ours."""

    app: Any

    async def hold(self, partitions: Collection[Partition]) -> None:
        self.app.consumer.pause_partitions(self._ours(partitions))

    async def go_on(self, held: Collection[Partition], places: Mapping[Partition, int]) -> None:
        consumer = self.app.consumer
        wanted = {tp: places[at] for tp, at in self._ours(held).items() if at in places}
        try:
            async with asyncio.timeout(SEEK_S):
                await consumer.seek_wait(wanted)
        except (IllegalStateError, TimeoutError) as error:
            # One has just been given to somebody else. What is folded is dropped when it comes.
            log.info("deliveries_go_on_as_before", reason=str(error))
        else:
            _forget_acknowledged(consumer, wanted)
        finally:
            consumer.resume_partitions(self._ours(held))

    def _ours(self, partitions: Collection[Partition]) -> dict[Any, Partition]:
        assigned = self.app.consumer.assignment()
        named = {faust.types.TP(*partition): partition for partition in partitions}
        return {tp: partition for tp, partition in named.items() if tp in assigned}


def _forget_acknowledged(consumer: Any, places: Mapping[Any, int]) -> None:
    """Let Faust commit from these places on.

    It commits up to the first offset that it was not given, and would wait for those that we have
    read ourselves for ever, keeping every one that follows. Nothing public says so to it.
    """
    for tp, offset in places.items():
        for kept in (consumer._acked, consumer._acked_index, consumer._gap):  # noqa: SLF001
            kept.pop(tp, None)
        consumer._committed_offset[tp] = offset  # noqa: SLF001


async def run(settings: Settings, *, probed: bool) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await serve(settings, stopping, probed=probed)


def main() -> int:
    """Run until SIGTERM or SIGINT; 1 when something has to be looked at."""
    parser = argparse.ArgumentParser(prog="worker")
    parser.add_argument("--serve-probes", action="store_true", help="answer at SELLERS_PORT")
    probed: bool = parser.parse_args().serve_probes
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(f"worker: {error}")
    configure_logs(settings.log_level, settings.secrets)
    try:
        tracing.start("sellers-measures")
    except tracing.TracesRefusedError as error:
        sys.exit(f"worker: {error}")
    # Faust's consumer runs in a thread with a loop of its own, which shall be as fast.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        with serving_metrics(settings):
            asyncio.run(run(settings, probed=probed))
    except Exception as error:
        log.exception("measures_stopped", reason=str(error))
        return 1
    finally:
        tracing.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
