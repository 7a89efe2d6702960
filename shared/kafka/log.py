"""The log on Kafka. Partitions are computed here and nowhere else.

Rule: every wait is bounded, and no send is ever cancelled: it may still land.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, TypeVar

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordListTooLargeError,
)

from shared.events import Position
from shared.kafka.clients import (
    ANSWER_S,
    CLOSE_S,
    RETRY_S,
    Clients,
    dismissed,
    in_our_words,
    record_of,
    stopped,
)
from shared.kafka.partitions import partitions_of
from shared.kafka.reach import Reach
from shared.kafka.subscriptions import GroupSubscription, Membership, WholeSubscription
from shared.kafka.topics import create, partition_counts
from shared.log import (
    LogUnavailableError,
    Partition,
    Record,
    RecordTooLargeError,
    StartFrom,
    Subscription,
    TopicSpec,
    partition_of,
)
from shared.observability import PRODUCE_SECONDS, PRODUCED

T = TypeVar("T")
AskOffsets = Callable[[list[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]

log = structlog.get_logger()

SILENCE_S = 15.0
# What aiokafka hands over at most, and refuses by itself only where it makes the batches.
RECORD_BYTES_MAX = 1_048_576
REPLAY_RECORDS = 2_000


def _count(topic: str, sending: asyncio.Task[Any], seconds: float, records: int = 1) -> None:
    if not sending.done():
        PRODUCED.labels(topic, "unacknowledged").inc(records)
    elif sending.cancelled() or sending.exception() is not None:
        PRODUCED.labels(topic, "failed").inc(records)
    else:
        PRODUCED.labels(topic, "acknowledged").inc(records)
        PRODUCE_SECONDS.labels(topic).observe(seconds)


class _Sent(NamedTuple):
    topic: str
    key: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class KafkaLog:
    """The log of one process. `embedded` brokers hold no groups and no empty fetches."""

    def __init__(self, clients: Clients, *, embedded: bool, ack_timeout_s: float) -> None:
        self._clients = clients
        self._embedded = embedded
        self._ack_timeout_s = ack_timeout_s
        self._partitions: dict[str, int] = {}
        self._describing = asyncio.Lock()
        self._sending: set[asyncio.Task[Any]] = set()
        # Sends that their caller has given up: who sends the same again waits for them instead.
        self._given_up: dict[_Sent, asyncio.Task[Position]] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._reach = Reach(self._ends)
        self._producer: Any = None
        self._reader: Any = None

    @classmethod
    async def open(
        cls,
        bootstrap: str,
        *,
        embedded: bool,
        security: Mapping[str, Any] | None = None,
        ack_timeout_s: float = 10.0,
        wait_s: float = 30.0,
    ) -> KafkaLog:
        """Connect as soon as a broker answers.

        Raises:
            LogUnavailableError: none did within `wait_s`.

        """
        clients = Clients(bootstrap, security or {})
        opened = cls(clients, embedded=embedded, ack_timeout_s=ack_timeout_s)
        try:
            opened._reader = await clients.started(clients.consumer, wait_s)
            opened._producer = await clients.started(clients.producer, wait_s)
        except BaseException:
            await opened.close()
            raise
        return opened

    async def close(self) -> None:
        """Deliver what can be delivered in a moment, then let go of everything."""
        if self._renewing is not None:
            await asyncio.wait({self._renewing}, timeout=CLOSE_S)
        await self._reach.close()
        if self._producer is not None:
            await dismissed(self._producer)
        if self._sending:
            await asyncio.wait(self._sending, timeout=CLOSE_S)
        if self._reader is not None:
            await stopped(self._reader)

    # --- appending

    async def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Position:
        partition = partition_of(key, await self.partitions(topic))
        record = _Sent(topic, key, value, tuple(headers))
        sending = self._given_up.get(record)
        if sending is None:
            to = Partition(topic, partition)
            sending = self._started(self._send(to, key.encode(), value, list(headers)))
        # Not awaited directly: neither our time limit nor a caller who leaves may cancel it.
        began = time.monotonic()
        await asyncio.wait({sending}, timeout=self._ack_timeout_s)
        _count(topic, sending, time.monotonic() - began)
        if not sending.done():
            if record not in self._given_up:
                self._given_up[record] = sending
                sending.add_done_callback(lambda _: self._given_up.pop(record))
            raise LogUnavailableError(
                f"{topic}/{partition}: not acknowledged within {self._ack_timeout_s:g} s"
            )
        return sending.result()

    async def append_many(
        self,
        topic: str,
        records: Sequence[tuple[str, bytes]],
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Append records with one task for each partition, not for each record."""
        if any(len(value) > RECORD_BYTES_MAX for _, value in records):
            raise RecordTooLargeError(f"{topic}: a record of more than {RECORD_BYTES_MAX:,} bytes")
        count = await self.partitions(topic)
        keys = [key.encode() for key, _ in records]
        parts: dict[Partition, list[tuple[bytes, bytes]]] = {}
        for number, key, (_, value) in zip(partitions_of(keys, count), keys, records, strict=True):
            parts.setdefault(Partition(topic, number), []).append((key, value))
        told = list(headers)
        sending = {self._started(self._send_all(to, p, told)): len(p) for to, p in parts.items()}
        if not sending:
            return
        began = time.monotonic()
        await asyncio.wait(sending, timeout=self._ack_timeout_s)
        for task, held in sending.items():
            _count(topic, task, time.monotonic() - began, held)
        if late := [held for task, held in sending.items() if not task.done()]:
            raise LogUnavailableError(
                f"{topic}: {sum(late)} of {len(records)} records not acknowledged within "
                f"{self._ack_timeout_s:g} s"
            )
        for task in sending:
            task.result()

    def _started(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        sending = asyncio.create_task(work)
        self._sending.add(sending)
        sending.add_done_callback(self._sent)
        return sending

    def _sent(self, sending: asyncio.Task[Any]) -> None:
        self._sending.discard(sending)
        if not sending.cancelled():
            sending.exception()  # Its caller may be gone.

    async def _send(
        self,
        to: Partition,
        key: bytes,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> Position:
        (offset,) = await self._send_all(to, [(key, value)], headers)
        return Position(to.topic, to.number, offset)

    async def _send_all(
        self,
        to: Partition,
        records: Sequence[tuple[bytes, bytes | None]],
        headers: list[tuple[str, bytes]],
    ) -> list[int]:
        """Return the offset of each. They share the producer's batches with whatever else is sent.

        Not batches of our own (`send_batch`): of those aiokafka takes one at a time for a
        partition, and who waits for a turn is given up too early, or never told.
        """
        producer = self._producer
        handed: list[asyncio.Future[Any]] = []
        offsets: list[int] = []
        try:
            with self._handing_over(producer, to):
                for key, value in records:
                    handed.append(
                        await producer.send(
                            to.topic, value, key, partition=to.number, headers=headers
                        )
                    )
        finally:
            # Also when one was refused: what was handed over before may fail, and land.
            with self._awaiting(producer, to):
                offsets = [told.offset for told in await asyncio.gather(*handed)]
            if offsets:
                self._reach.reached(to, offsets[-1] + 1)
        return offsets

    @contextmanager
    def _handing_over(self, producer: Any, to: Partition) -> Iterator[None]:
        try:
            yield
        except MessageSizeTooLargeError as error:
            raise RecordTooLargeError(str(error)) from error
        except (KafkaError, ProducerClosed) as error:
            self._renew_if_broken(producer)
            raise LogUnavailableError(f"{to.topic}/{to.number}: {error}") from error

    @contextmanager
    def _awaiting(self, producer: Any, to: Partition) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            # Its sequence numbers are used up but not in the log: this producer is done for.
            self._renew(producer, error)
            if isinstance(error, (MessageSizeTooLargeError, RecordListTooLargeError)):
                raise RecordTooLargeError(str(error)) from error
            raise LogUnavailableError(f"{to.topic}/{to.number}: {error}") from error

    def _renew_if_broken(self, producer: Any) -> None:
        task = producer._sender.sender_task  # noqa: SLF001 - the only sign that it died
        if task is None or task.done():
            self._renew(producer, None)

    def _renew(self, producer: Any, cause: Exception | None) -> None:
        if producer is self._producer and self._renewing is None:
            log.warning("producer_renewed", reason=str(cause))
            self._renewing = asyncio.create_task(self._replace(producer))

    async def _replace(self, producer: Any) -> None:
        try:
            self._producer = await self._clients.started(self._clients.producer, ANSWER_S)
            await dismissed(producer)
        except LogUnavailableError as error:
            log.warning("producer_not_renewed", reason=str(error))  # The next append tries again.
        finally:
            self._renewing = None

    # --- topics

    async def partitions(self, topic: str) -> int:
        if topic in self._partitions:
            return self._partitions[topic]
        async with self._describing:  # A thousand first appends ask once.
            if topic not in self._partitions:
                described = await self._described()
                if topic not in described:
                    raise LogUnavailableError(f"there is no topic {topic!r}")
                self._partitions[topic] = described[topic]
        return self._partitions[topic]

    async def starts(self, topic: str) -> dict[Partition, int]:
        return await self._offsets(self._reader.beginning_offsets, await self._all(topic))

    async def ends(self, topic: str) -> dict[Partition, int]:
        return await self._ends(await self._all(topic))

    async def _ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        return await self._offsets(self._reader.end_offsets, partitions)

    async def _all(self, topic: str) -> list[Partition]:
        return [Partition(topic, number) for number in range(await self.partitions(topic))]

    async def _offsets(self, ask: AskOffsets, of: Collection[Partition]) -> dict[Partition, int]:
        with in_our_words():
            async with asyncio.timeout(ANSWER_S):
                found = await ask([TopicPartition(*partition) for partition in of])
        return {Partition(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def delete_before(self, offsets: Mapping[Partition, int]) -> None:
        before = {TopicPartition(*at): RecordsToDelete(offset) for at, offset in offsets.items()}
        async with self._asking() as admin:
            await admin.delete_records(before)

    async def create_topics(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create what is missing and return its names.

        Raises:
            TopicMismatchError: an existing topic differs; nothing was changed about it.

        """
        async with self._asking(2 * ANSWER_S) as admin:
            return await create(admin, specs)

    async def _described(self) -> dict[str, int]:
        async with self._asking() as admin:
            return await partition_counts(admin)

    @asynccontextmanager
    async def _asking(self, wait_s: float = ANSWER_S) -> AsyncIterator[Any]:
        admin = await self._clients.started(self._clients.admin, ANSWER_S)
        try:
            with in_our_words():
                async with asyncio.timeout(wait_s):
                    yield admin
        finally:
            await stopped(admin)

    # --- reading

    async def read(
        self, partition: Partition, start: int, stop: int
    ) -> AsyncGenerator[list[Record], None]:
        if start >= stop:
            return
        tp = TopicPartition(*partition)
        consumer = await self._clients.started(self._clients.consumer, ANSWER_S)
        try:
            consumer.assign([tp])
            consumer.seek(tp, start)
            position, heard = start, time.monotonic()
            # By position, not by count: markers and compaction leave offsets without a record.
            while position < stop:
                with in_our_words():
                    found = await consumer.getmany(
                        tp, timeout_ms=int(RETRY_S * 1000), max_records=REPLAY_RECORDS
                    )
                    reached = await consumer.position(tp)
                if reached > position:
                    position, heard = reached, time.monotonic()
                elif time.monotonic() - heard > SILENCE_S:
                    raise LogUnavailableError(f"{tp}: nothing at {position} of {start}..{stop}")
                if records := [record_of(r) for r in found.get(tp, ()) if r.offset < stop]:
                    yield records
        finally:
            await stopped(consumer)

    async def subscribe(self, topics: Sequence[str], group: str, start: StartFrom) -> Subscription:
        counts = {topic: await self.partitions(topic) for topic in topics}
        if not self._embedded:
            members = Membership()
            consumer = await self._clients.started(
                lambda: self._clients.member(topics, group, members), 2 * SILENCE_S
            )
            return GroupSubscription(consumer, members, start)
        everything = [Partition(topic, n) for topic in topics for n in range(counts[topic])]
        consumer = await self._clients.started(self._clients.consumer, ANSWER_S)
        subscription = WholeSubscription(consumer, everything, self._reach)
        try:
            await subscription.begin(await start(everything))
        except BaseException:
            await subscription.close()
            raise
        return subscription
