"""The log, as a port: append-only topics, partitions computed by us, readers that start where told.

Kafka stands behind it in production (`shared/kafka`), lists in unit tests and in the simulation
(`shared/memory/`). One contract suite holds both to the same behaviour.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import unpack_from
from typing import NamedTuple, Protocol

from shared.errors import SellersError
from shared.events import Position


class LogUnavailableError(SellersError):
    """The broker did not acknowledge. The record may still land later: its outcome is unknown."""


class RecordTooLargeError(SellersError):
    """The broker will never take a record of this size."""


class LogTruncatedError(SellersError):
    """The log does not hold the offset that was asked for: it was cut off, or made anew."""


class TopicMismatchError(SellersError):
    """A topic exists with other settings than ours, which its records can no longer live with."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it has to be. The number of partitions is fixed for life: keys choose by it."""

    name: str
    partitions: int
    # Compacted: the last record of each key is kept (published views). Otherwise all, for ever.
    compacted: bool = False
    # How long a compacted topic keeps tombstones: a reader away for longer starts afresh.
    tombstones_kept_s: int = 7 * 24 * 3600
    # How long a topic that is no part of the log keeps anything (inboxes); None: for ever.
    kept_s: int | None = None


class Partition(NamedTuple):
    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in the log. `value` None is a tombstone."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def position(self) -> Position:
        return Position(self.topic, self.partition, self.offset)


# Of murmur2, as Kafka has it.
SEED, MULTIPLIER = 0x9747B28C, 0x5BD1E995


def partition_of(key: str, partitions: int) -> int:
    """Return the partition of a key, as Kafka's own clients compute it (murmur2 of the bytes).

    Every producer of ours asks here: a second opinion would be a second partition for one stream,
    and then its facts have no order.
    """
    return (_murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    mask, m = 0xFFFFFFFF, MULTIPLIER
    h = (SEED ^ len(data)) & mask
    words, rest = divmod(len(data), 4)
    for word in unpack_from(f"<{words}I", data):
        k = word * m & mask
        # Lower bits of a product depend on lower bits only: it is cut off once for both.
        h = (h * m ^ (k ^ (k >> 24)) * m) & mask
    if rest:
        h = (h ^ int.from_bytes(data[-rest:], "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


# Called whenever partitions are handed to a subscription: says from which offset to read each.
StartFrom = Callable[[Sequence[Partition]], Awaitable[dict[Partition, int]]]


class Subscription(Protocol):
    """A reader of some topics. It commits nothing: the cursor lies beside what was folded."""

    @property
    def assigned(self) -> frozenset[Partition]: ...

    async def fetch(self, limit: int, wait_s: float) -> list[Record]:
        """Return at most `limit` next records, [] when none came within `wait_s` seconds.

        Records of one partition come in offset order and without holes, except where the broker
        keeps none (transaction markers, compaction).
        """
        ...

    async def rewind(self, offsets: dict[Partition, int]) -> None:
        """Read these assigned partitions from here on next time."""
        ...

    async def close(self) -> None: ...


class Log(Protocol):
    """The append-only truth."""

    async def append(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> Position:
        """Return where the record lies once all in-sync replicas have it (`acks=all`).

        Raises:
            LogUnavailableError: no acknowledgement in time. The record may still land.
            RecordTooLargeError: it never will.

        """
        ...

    async def append_many(
        self,
        topic: str,
        records: Sequence[tuple[str, bytes]],
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Append what has no order among itself, by key; return once all of it is acknowledged.

        Raises:
            LogUnavailableError: not all of it was, in time. Any of it may be there, or still land.
            RecordTooLargeError: one of them never will.

        """
        ...

    async def partitions(self, topic: str) -> int: ...

    async def starts(self, topic: str) -> dict[Partition, int]:
        """Return the offset of the first record that is left of each partition."""
        ...

    async def ends(self, topic: str) -> dict[Partition, int]:
        """Return the offset after the last record of each partition."""
        ...

    async def delete_before(self, offsets: Mapping[Partition, int]) -> None:
        """Delete what lies before these offsets; nobody reads it any more once this returns.

        Raises:
            LogUnavailableError: no acknowledgement, or it is not allowed; some may be gone.
            LogTruncatedError: a partition ends before its offset.

        """
        ...

    def read(
        self, partition: Partition, start: int, stop: int
    ) -> AsyncGenerator[list[Record], None]:
        """Yield batches of the records with start <= offset < stop, in order: for replays."""
        ...

    async def subscribe(self, topics: Sequence[str], group: str, start: StartFrom) -> Subscription:
        """Share the topics' partitions with the other members of `group` (or take them all)."""
        ...
