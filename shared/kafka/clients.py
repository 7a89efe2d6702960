"""Kafka's clients: how each is made, started as soon as a broker answers, and let go of.

Rule: no client outlives a failed start, and no closing waits for ever for a broker that is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    ConsumerStoppedError,
    KafkaConnectionError,
    KafkaError,
    OffsetOutOfRangeError,
    ProducerClosed,
)

from shared.log import LogTruncatedError, LogUnavailableError, Record

log = structlog.get_logger()

ANSWER_S = 10.0
RETRY_S = 0.2
CLOSE_S = 3.0
BATCH_BYTES = 256 * 1024  # Below the broker's limit, so that a batch is never what is too large.
FETCH_BYTES = 4 * 1024 * 1024
# A projector has a member for each of its views, and each keeps what it has fetched: far behind,
# twenty of them held 480 MB, more than nine tenths of what a pod may.
MEMBER_FETCH_BYTES = 1024 * 1024
# A client that cannot connect, or not in time, raises no reason.
UNTOLD = (KafkaConnectionError, TimeoutError)
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


class Listener(Protocol):
    """Hears what the group gives to a member."""

    def join(self, consumer: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Clients:
    """Makes every client of one process with the same address and credentials."""

    bootstrap: str
    security: Mapping[str, Any] = field(default_factory=dict)

    def consumer(self) -> Any:
        return AIOKafkaConsumer(bootstrap_servers=self.bootstrap, **READING, **self.security)

    def member(self, topics: Sequence[str], group: str, listener: Listener) -> Any:
        how = {**READING, "max_partition_fetch_bytes": MEMBER_FETCH_BYTES, **self.security}
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group, **how)
        listener.join(consumer)
        consumer.subscribe(list(topics), listener=listener)
        return consumer

    def producer(self) -> Any:
        return AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(ANSWER_S * 1000),
            **self.security,
        )

    def admin(self) -> Any:
        return _Admin(
            bootstrap_servers=self.bootstrap,
            request_timeout_ms=int(ANSWER_S * 1000),
            **self.security,
        )

    async def started(self, make: Callable[[], Any], wait_s: float) -> Any:
        """Start a client as soon as a broker answers.

        Raises:
            LogUnavailableError: none did in time; it names the last reason that was heard.

        """
        deadline = asyncio.get_running_loop().time() + wait_s
        heard = _LastWord()
        while True:
            client = make()
            try:
                with heard:
                    async with asyncio.timeout_at(deadline):
                        await client.start()
            except (KafkaError, OSError, TimeoutError) as error:
                await stopped(client)
                if asyncio.get_running_loop().time() + RETRY_S >= deadline:
                    told = f"no broker answers at {self.bootstrap} within {wait_s:g} s"
                    why = heard.said if isinstance(error, UNTOLD) else str(error)
                    raise LogUnavailableError(f"{told}: {why}" if why else told) from error
            except BaseException:
                await stopped(client)
                raise
            else:
                return client
            await asyncio.sleep(RETRY_S)


class _LastWord(logging.Handler):
    """Hears why a client that this task starts cannot connect: it tells that to its log alone."""

    said = ""

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        logging.getLogger("aiokafka").addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("aiokafka").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and asyncio.current_task() is self._task:
            self.said = record.getMessage()


class _Admin(AIOKafkaAdminClient):  # type: ignore[misc]  # it ships no types
    async def stop(self) -> None:
        await self.close()


def record_of(record: Any) -> Record:
    return Record(
        record.topic, record.partition, record.offset, record.key, record.value, record.headers
    )


@contextmanager
def in_our_words(*, quiet: bool = False) -> Iterator[None]:
    try:
        yield
    except OffsetOutOfRangeError as error:
        raise LogTruncatedError(f"the log does not hold {error}") from error
    except (KafkaError, ConsumerStoppedError, OSError) as error:
        if quiet and isinstance(error, TimeoutError):
            raise
        raise LogUnavailableError(repr(error)) from error


async def stopped(client: Client) -> None:
    """Close a client; one whose broker is away gets a moment, not for ever."""
    stopping = asyncio.ensure_future(client.stop())
    await asyncio.wait({stopping}, timeout=CLOSE_S)
    if not stopping.done():
        stopping.cancel()
        await asyncio.wait({stopping}, timeout=CLOSE_S)
    if not stopping.cancelled() and (error := stopping.exception()):
        log.warning("client_not_closed_cleanly", reason=repr(error))


async def dismissed(producer: Any) -> None:
    """Close a producer: deliver for a moment, then fail what is left. It may still have landed."""
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait({stopping}, timeout=CLOSE_S)
    if not stopping.done():
        # An idempotent send never expires by itself, and `stop` waits for all of them.
        producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001
        await asyncio.wait({stopping}, timeout=2 * ANSWER_S)
    if not stopping.done():
        stopping.cancel()
