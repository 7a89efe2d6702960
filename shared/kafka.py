"""The log on Kafka. The only importer of aiokafka; partitions are computed here and nowhere else.

Readers commit nothing to Kafka: where to read on is what `start` says, because the cursor lies
beside what was folded. Every wait is bounded, and no send is ever cancelled: it may still land.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    ProducerClosed,
    RecordListTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)

from shared.events import Position
from shared.log import (
    LogTruncatedError,
    LogUnavailableError,
    Partition,
    Record,
    RecordTooLargeError,
    StartFrom,
    Subscription,
    TopicMismatchError,
    TopicSpec,
    partition_of,
)
from shared.reach import Reach

log = structlog.get_logger()

ANSWER_S = 10.0
RETRY_S = 0.2
CLOSE_S = 3.0
SILENCE_S = 15.0
REPLAY_RECORDS = 2_000
BATCH_BYTES = 256 * 1024  # Below the broker's limit, so that a batch is never what is too large.
FETCH_BYTES = 4 * 1024 * 1024
READING: Mapping[str, Any] = {
    "enable_auto_commit": False,
    # Neither the beginning nor the end is ever right when a cursor does not fit the log.
    "auto_offset_reset": "none",
    # Other producers on our topics may use transactions; what they took back never happened.
    "isolation_level": "read_committed",
    "check_crcs": False,  # The connection and the disk have checksums of their own.
    "max_partition_fetch_bytes": FETCH_BYTES,
    "request_timeout_ms": int(ANSWER_S * 1000),
    "consumer_timeout_ms": 2_000,
}


class Client(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class KafkaLog:
    """The log of one process. `embedded` brokers hold no groups and no empty fetches."""

    def __init__(
        self, bootstrap: str, *, embedded: bool, security: Mapping[str, Any], ack_timeout_s: float
    ) -> None:
        self._bootstrap = bootstrap
        self._embedded = embedded
        self._security = dict(security)
        self._ack_timeout_s = ack_timeout_s
        self._partitions: dict[str, int] = {}
        self._describing = asyncio.Lock()
        self._sending: set[asyncio.Task[Position]] = set()
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
        opened = cls(
            bootstrap, embedded=embedded, security=security or {}, ack_timeout_s=ack_timeout_s
        )
        try:
            opened._reader = await opened._started(opened._consumer, wait_s)
            opened._producer = await opened._started(opened._new_producer, wait_s)
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
            await _dismiss(self._producer)
        if self._sending:
            await asyncio.wait(self._sending, timeout=CLOSE_S)
        if self._reader is not None:
            await _stopped(self._reader)

    # --- appending

    async def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Position:
        partition = partition_of(key, await self.partitions(topic))
        sending = asyncio.create_task(
            self._send(Partition(topic, partition), key.encode(), value, list(headers))
        )
        self._sending.add(sending)
        sending.add_done_callback(self._sent)
        # Not awaited directly: neither our time limit nor a caller who leaves may cancel it.
        await asyncio.wait({sending}, timeout=self._ack_timeout_s)
        if not sending.done():
            raise LogUnavailableError(
                f"{topic}/{partition}: not acknowledged within {self._ack_timeout_s:g} s"
            )
        return sending.result()

    def _sent(self, sending: asyncio.Task[Position]) -> None:
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
        producer = self._producer
        try:
            acknowledged = await producer.send(
                to.topic, value, key, partition=to.number, headers=headers
            )
        except MessageSizeTooLargeError as error:
            raise RecordTooLargeError(str(error)) from error
        except (KafkaError, ProducerClosed) as error:
            self._renew_if_broken(producer)
            raise LogUnavailableError(f"{to.topic}/{to.number}: {error}") from error
        try:
            metadata = await acknowledged
        except KafkaError as error:
            # Its sequence numbers are used up but not in the log: this producer is done for.
            self._renew(producer, error)
            if isinstance(error, (MessageSizeTooLargeError, RecordListTooLargeError)):
                raise RecordTooLargeError(str(error)) from error
            raise LogUnavailableError(f"{to.topic}/{to.number}: {error}") from error
        self._reach.reached(to, metadata.offset + 1)
        return Position(to.topic, to.number, metadata.offset)

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
            self._producer = await self._started(self._new_producer, ANSWER_S)
            await _dismiss(producer)
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

    async def ends(self, topic: str) -> dict[Partition, int]:
        numbers = range(await self.partitions(topic))
        return await self._ends([Partition(topic, number) for number in numbers])

    async def _ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        with _in_our_words():
            async with asyncio.timeout(ANSWER_S):
                found = await self._reader.end_offsets([TopicPartition(*p) for p in partitions])
        return {Partition(tp.topic, tp.partition): end for tp, end in found.items()}

    async def create_topics(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create what is missing and return its names.

        Raises:
            TopicMismatchError: an existing topic differs; nothing was changed about it.

        """
        admin = await self._started(self._new_admin, ANSWER_S)
        try:
            with _in_our_words():
                async with asyncio.timeout(2 * ANSWER_S):
                    existing = await _topics(admin)
                    missing = [spec for spec in specs if spec.name not in existing]
                    await _create(admin, missing)
                    existing = await _created(admin, specs)
                    differences = await _differences(admin, specs, existing)
        finally:
            await _stopped(admin)
        if differences:
            raise TopicMismatchError("; ".join(differences))
        return [spec.name for spec in missing]

    async def _described(self) -> dict[str, int]:
        admin = await self._started(self._new_admin, ANSWER_S)
        try:
            with _in_our_words():
                async with asyncio.timeout(ANSWER_S):
                    return await _topics(admin)
        finally:
            await _stopped(admin)

    # --- reading

    async def read(
        self, partition: Partition, start: int, stop: int
    ) -> AsyncGenerator[list[Record], None]:
        if start >= stop:
            return
        tp = TopicPartition(*partition)
        consumer = await self._started(self._consumer, ANSWER_S)
        try:
            consumer.assign([tp])
            consumer.seek(tp, start)
            position, heard = start, time.monotonic()
            # By position, not by count: markers and compaction leave offsets without a record.
            while position < stop:
                with _in_our_words():
                    found = await consumer.getmany(
                        tp, timeout_ms=int(RETRY_S * 1000), max_records=REPLAY_RECORDS
                    )
                    reached = await consumer.position(tp)
                if reached > position:
                    position, heard = reached, time.monotonic()
                elif time.monotonic() - heard > SILENCE_S:
                    raise LogUnavailableError(f"{tp}: nothing at {position} of {start}..{stop}")
                if records := [_record(r) for r in found.get(tp, ()) if r.offset < stop]:
                    yield records
        finally:
            await _stopped(consumer)

    async def subscribe(self, topics: Sequence[str], group: str, start: StartFrom) -> Subscription:
        counts = {topic: await self.partitions(topic) for topic in topics}
        if not self._embedded:
            members = _Membership()
            consumer = await self._started(
                lambda: self._member(topics, group, members), 2 * SILENCE_S
            )
            return _GroupSubscription(consumer, members, start)
        everything = [Partition(topic, n) for topic in topics for n in range(counts[topic])]
        consumer = await self._started(self._consumer, ANSWER_S)
        subscription = _WholeSubscription(consumer, everything, self._reach)
        try:
            await subscription.begin(await start(everything))
        except BaseException:
            await subscription.close()
            raise
        return subscription

    # --- clients

    def _consumer(self) -> Any:
        return AIOKafkaConsumer(bootstrap_servers=self._bootstrap, **READING, **self._security)

    def _member(self, topics: Sequence[str], group: str, listener: _Membership) -> Any:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=group, **READING, **self._security
        )
        listener.join(consumer)
        consumer.subscribe(list(topics), listener=listener)
        return consumer

    def _new_producer(self) -> Any:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(ANSWER_S * 1000),
            **self._security,
        )

    def _new_admin(self) -> Any:
        return _Admin(
            bootstrap_servers=self._bootstrap,
            request_timeout_ms=int(ANSWER_S * 1000),
            **self._security,
        )

    async def _started(self, make: Any, wait_s: float) -> Any:
        """Start a client as soon as a broker answers."""
        deadline = asyncio.get_running_loop().time() + wait_s
        while True:
            client = make()
            try:
                async with asyncio.timeout_at(deadline):
                    await client.start()
            except (KafkaError, OSError, TimeoutError) as error:
                await _stopped(client)
                if asyncio.get_running_loop().time() + RETRY_S >= deadline:
                    raise LogUnavailableError(
                        f"no broker answers at {self._bootstrap} within {wait_s:g} s: {error}"
                    ) from error
            except BaseException:
                await _stopped(client)
                raise
            else:
                return client
            await asyncio.sleep(RETRY_S)


class _Admin(AIOKafkaAdminClient):  # type: ignore[misc]  # it ships no types
    async def stop(self) -> None:
        await self.close()


class _WholeSubscription:
    """All partitions by manual assignment, each paused unless it is known to hold more."""

    def __init__(self, consumer: Any, partitions: Sequence[Partition], reach: Reach) -> None:
        self._consumer = consumer
        self._partitions = {partition: TopicPartition(*partition) for partition in partitions}
        self._next: dict[Partition, int] = {}
        self._reach = reach
        self._awake: set[Partition] = set(partitions)
        reach.want(partitions)

    @property
    def assigned(self) -> frozenset[Partition]:
        return frozenset(self._next)

    async def begin(self, offsets: dict[Partition, int]) -> None:
        self._consumer.assign(list(self._partitions.values()))
        for partition in self._partitions:
            self._pause(partition)
        await self.rewind({partition: offsets[partition] for partition in self._partitions})

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            behind = [p for p in self._partitions if self._next[p] < self._end(p)]
            left = max(0.0, deadline - loop.time())
            if behind:
                if records := await self._fetched(behind, limit, left):
                    return records
            else:
                await self._reach.wait_for_change(left)
            if loop.time() >= deadline:
                return []

    async def rewind(self, offsets: dict[Partition, int]) -> None:
        for partition, offset in offsets.items():
            self._consumer.seek(self._partitions[partition], offset)
            self._next[partition] = offset

    async def close(self) -> None:
        self._reach.unwant(list(self._partitions))
        await _stopped(self._consumer)

    def _end(self, partition: Partition) -> int:
        end = self._reach.end(partition)
        at = self._next[partition]
        if end is not None and end < at:
            raise LogTruncatedError(
                f"{partition.topic}/{partition.number} ends at {end}, before our offset {at}"
            )
        return at if end is None else end

    async def _fetched(self, behind: list[Partition], limit: int, wait_s: float) -> list[Record]:
        for partition in behind:
            if partition not in self._awake:
                self._awake.add(partition)
                self._consumer.resume(self._partitions[partition])
        with _in_our_words():
            found = await self._consumer.getmany(timeout_ms=int(wait_s * 1000), max_records=limit)
        for partition in list(self._awake):
            # No await that could let the client's own task run: a partition that is paused
            # before it runs again is not asked for what is not there.
            position = await self._consumer.position(self._partitions[partition])
            self._next[partition] = position
            self._reach.reached(partition, position)
            if position >= (self._reach.end(partition) or 0):
                self._pause(partition)
        return [_record(record) for records in found.values() for record in records]

    def _pause(self, partition: Partition) -> None:
        self._awake.discard(partition)
        self._consumer.pause(self._partitions[partition])


class _Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # it ships no types
    """What the group gave us. Placing the reader waits until `fetch`, where errors are heard."""

    def __init__(self) -> None:
        self.unplaced: set[Any] = set()
        self.placed: set[Any] = set()
        self.generation = 0
        self._consumer: Any = None

    def join(self, consumer: Any) -> None:
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        self.generation += 1
        self.placed, self.unplaced = set(), set()

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        self.generation += 1
        self.placed, self.unplaced = set(), set(assigned)
        for tp in assigned:
            # Held still at a valid position: without one the client would raise for itself.
            self._consumer.pause(tp)
            self._consumer.seek(tp, 0)


class _GroupSubscription:
    """The partitions that the group gives this member, each read from where `start` says."""

    def __init__(self, consumer: Any, members: _Membership, start: StartFrom) -> None:
        self._consumer = consumer
        self._members = members
        self._start = start

    @property
    def assigned(self) -> frozenset[Partition]:
        return frozenset(Partition(tp.topic, tp.partition) for tp in self._members.placed)

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        while self._members.unplaced:
            await self._place()
        try:
            # The client's own limit does not count the wait for a rebalance to end.
            with _in_our_words(quiet=True):
                async with asyncio.timeout(wait_s + RETRY_S):
                    found = await self._consumer.getmany(
                        timeout_ms=int(wait_s * 1000), max_records=limit
                    )
        except TimeoutError:
            return []
        return [_record(record) for records in found.values() for record in records]

    async def _place(self) -> None:
        generation, tps = self._members.generation, sorted(self._members.unplaced)
        offsets = await self._start([Partition(tp.topic, tp.partition) for tp in tps])
        if generation != self._members.generation:
            return  # Another rebalance came meanwhile; what it gave us is asked for anew.
        for tp in tps:
            self._consumer.seek(tp, offsets[Partition(tp.topic, tp.partition)])
            self._consumer.resume(tp)
        self._members.placed.update(tps)
        self._members.unplaced.difference_update(tps)

    async def rewind(self, offsets: dict[Partition, int]) -> None:
        for partition, offset in offsets.items():
            tp = TopicPartition(*partition)
            if tp in self._members.placed:  # Otherwise it is somebody else's by now.
                self._consumer.seek(tp, offset)

    async def close(self) -> None:
        await _stopped(self._consumer)


def _record(record: Any) -> Record:
    return Record(
        record.topic, record.partition, record.offset, record.key, record.value, record.headers
    )


@contextmanager
def _in_our_words(*, quiet: bool = False) -> Iterator[None]:
    try:
        yield
    except OffsetOutOfRangeError as error:
        raise LogTruncatedError(f"the log does not hold {error}") from error
    except (KafkaError, ConsumerStoppedError, OSError) as error:
        if quiet and isinstance(error, TimeoutError):
            raise
        raise LogUnavailableError(repr(error)) from error


async def _stopped(client: Client) -> None:
    """Close a client; one whose broker is away gets a moment, not for ever."""
    stopping = asyncio.ensure_future(client.stop())
    await asyncio.wait({stopping}, timeout=CLOSE_S)
    if not stopping.done():
        stopping.cancel()
        await asyncio.wait({stopping}, timeout=CLOSE_S)
    if not stopping.cancelled() and (error := stopping.exception()):
        log.warning("client_not_closed_cleanly", reason=repr(error))


async def _dismiss(producer: Any) -> None:
    """Close a producer: deliver for a moment, then fail what is left. It may still have landed."""
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait({stopping}, timeout=CLOSE_S)
    if not stopping.done():
        # An idempotent send never expires by itself, and `stop` waits for all of them.
        producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001
        await asyncio.wait({stopping}, timeout=2 * ANSWER_S)
    if not stopping.done():
        stopping.cancel()


async def _topics(admin: Any) -> dict[str, int]:
    described = await admin.describe_topics()
    return {each["topic"]: len(each["partitions"]) for each in described}


async def _created(admin: Any, specs: Sequence[TopicSpec]) -> dict[str, int]:
    """Wait, as long as the caller allows, until the brokers have heard of every topic."""
    while True:
        existing = await _topics(admin)
        if all(spec.name in existing for spec in specs):
            return existing
        await asyncio.sleep(RETRY_S)


async def _create(admin: Any, specs: Sequence[TopicSpec]) -> None:
    if not specs:
        return
    created = await admin.create_topics([_new_topic(spec) for spec in specs])
    for name, code, *reason in created.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise LogUnavailableError(f"{name}: {for_code(code).__name__} {reason}")


def _new_topic(spec: TopicSpec) -> Any:
    topic = NewTopic(spec.name, spec.partitions, 1, topic_configs=_settings(spec))
    # As many copies as the brokers are set to keep; the client's own check knows no such answer.
    topic.replication_factor = -1
    return topic


def _settings(spec: TopicSpec) -> dict[str, str]:
    if not spec.compacted:
        return {"cleanup.policy": "delete", "retention.ms": "-1"}
    kept = {"delete.retention.ms": str(spec.tombstones_kept_s * 1000)}
    return {"cleanup.policy": "compact", "retention.ms": "-1", **kept}


async def _differences(
    admin: Any, specs: Sequence[TopicSpec], existing: Mapping[str, int]
) -> list[str]:
    found = [
        f"{s.name}: {existing[s.name]} partitions instead of {s.partitions}"
        for s in specs
        if existing[s.name] != s.partitions
    ]
    asked = [ConfigResource(ConfigResourceType.TOPIC, s.name, configs=_settings(s)) for s in specs]
    answers = await admin.describe_configs(asked) if asked else []
    held: dict[str, dict[str, str]] = {}
    for answer in answers:
        for _code, _reason, _kind, name, entries in answer.resources:
            held[name] = {entry[0]: entry[1] for entry in entries}
    for spec in specs:
        for setting, value in _settings(spec).items():
            if (is_now := held.get(spec.name, {}).get(setting, value)) != value:
                found.append(f"{spec.name}: {setting} is {is_now} instead of {value}")
    return found
