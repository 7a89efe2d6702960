"""The facts of the log, pulled page by page: every record once, in the order of its partition.

Rule: a token says which record of each partition was given last. Whoever sends it back is given
what follows, or told that this log is another one; it is never answered with a guess.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, NamedTuple

import orjson
from pydantic import Field, TypeAdapter

from shared.batch import identity
from shared.errors import DomainError, InvalidError
from shared.log import Log, LogTruncatedError, Partition, Record

# What an answer holds at most, besides its last record: records are a megabyte at most.
PAGE_BYTES_MAX = 4_000_000
POLL_S = 0.25
UNREADABLE = "log.unreadable.v1"
REQUIRED = ("id", "source", "type")

_Natural = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
# Form, whose turn it is, and of each topic: partition, offset and identity of the last record.
_TOKEN: TypeAdapter[tuple[int, int, dict[str, list[tuple[int, int, str]]]]] = TypeAdapter(
    tuple[_Natural, _Natural, dict[str, list[tuple[_Natural, _Natural, str]]]]
)
_FORM = 1


class OtherLogError(DomainError):
    """The log does not hold what a token says was given: it is another one, or was cut off."""

    status = 410
    title = "The token is of another log"


class Given(NamedTuple):
    """The last record of a partition that was given."""

    offset: int
    identity: str


@dataclass(frozen=True, slots=True)
class Place:
    """How far a client was given each partition, and with which of them the next page begins.

    Topics that a page is not asked for keep their places: they may be asked for again.
    """

    given: dict[Partition, Given] = field(default_factory=dict)
    turn: int = 0

    def encode(self) -> str:
        topics: dict[str, list[tuple[int, int, str]]] = {}
        for partition, last in sorted(self.given.items()):
            topics.setdefault(partition.topic, []).append((partition.number, *last))
        told = orjson.dumps([_FORM, self.turn, topics])
        return base64.urlsafe_b64encode(told).decode().rstrip("=")

    @staticmethod
    def decode(token: str) -> Place:
        """Read a token back.

        Raises:
            InvalidError: it is none of ours.

        """
        try:
            told = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            form, turn, topics = _TOKEN.validate_json(told)
        except ValueError as error:
            raise InvalidError("not a token of ours", field="query/after") from error
        if form != _FORM:
            raise InvalidError("a token of another release", field="query/after")
        given = {
            Partition(topic, number): Given(offset, told_by)
            for topic, places in topics.items()
            for number, offset, told_by in places
        }
        return Place(given, turn)

    def after(self, partition: Partition) -> int:
        """Return the offset that follows what was given."""
        last = self.given.get(partition)
        return 0 if last is None else last.offset + 1


@dataclass(frozen=True, slots=True)
class Page:
    """Facts as CloudEvents, where to go on, and how many records lay behind that."""

    events: list[bytes]
    place: Place
    behind: int


@dataclass(slots=True)
class Feed:
    """Reads the log for everybody who pulls from it in this process."""

    log: Log
    # When the ends of a topic were asked for last, and what they were then.
    _ends: dict[str, tuple[float, dict[Partition, int]]] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    # The last record of a partition that was seen to be there.
    _seen: dict[Partition, Given] = field(default_factory=dict)

    async def pull(
        self,
        topics: Sequence[str],
        place: Place,
        *,
        limit: int,
        wait_s: float = 0.0,
        gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> Page:
        """Return what follows; wait for it, for so many seconds and while the client listens.

        Raises:
            OtherLogError: the log does not hold what was given last.

        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + wait_s
        page = await self._page(topics, place, limit)
        if not page.events:
            await self._verify(topics, place)
        while not page.events and clock() < deadline:
            await asyncio.sleep(min(POLL_S, max(0.0, deadline - clock())))
            if gone is not None and await gone():
                break
            # However many wait: the log is asked once for all of them.
            ends = await self._ends_of(topics, clock() - POLL_S)
            if any(end > place.after(partition) for partition, end in ends.items()):
                page = await self._page(topics, place, limit)
        return page

    async def _page(self, topics: Sequence[str], place: Place, limit: int) -> Page:
        ends = await self._ends_of(topics, asyncio.get_running_loop().time())
        _check_reach(topics, place, ends)
        order = sorted(ends)
        turn = place.turn % len(order)
        events: list[bytes] = []
        given, size, next_turn = dict(place.given), 0, turn
        # By turns, so that no busy partition keeps the others waiting.
        for number in [*range(turn, len(order)), *range(turn)]:
            partition = order[number]
            if place.after(partition) >= ends[partition]:
                continue
            if len(events) == limit or size >= PAGE_BYTES_MAX:
                break
            next_turn = number + 1
            async with aclosing(
                self._after(partition, place.given.get(partition), ends[partition])
            ) as records:
                async for record in records:
                    events.append(cloud_event(record))
                    given[partition] = Given(record.offset, identity(record))
                    size += len(events[-1])
                    if len(events) == limit or size >= PAGE_BYTES_MAX:
                        break
        self._seen |= {p: last for p, last in given.items() if last != place.given.get(p)}
        reached = replace(place, given=given, turn=next_turn)
        behind = sum(end - reached.after(partition) for partition, end in ends.items())
        return Page(events, reached, behind)

    async def _after(
        self, partition: Partition, last: Given | None, end: int
    ) -> AsyncGenerator[Record, None]:
        """Yield the records that follow `last`, which has to lie there still."""
        start = 0 if last is None else last.offset
        try:
            async with aclosing(self.log.read(partition, start, end)) as batches:
                async for records in batches:
                    for record in records:
                        if last is None:
                            yield record
                        elif (record.offset, identity(record)) != last:
                            raise _other(partition, last)
                        else:
                            last = None
        except LogTruncatedError as error:
            raise OtherLogError(str(error), field="query/after") from error
        if last is not None:
            raise _other(partition, last)

    async def _verify(self, topics: Iterable[str], place: Place) -> None:
        """Check, where nothing follows, that what was given last is what lies there."""
        for partition, last in place.given.items():
            if partition.topic not in topics or self._seen.get(partition) == last:
                continue
            async with aclosing(self._after(partition, last, last.offset + 1)) as records:
                async for _ in records:
                    pass
            self._seen[partition] = last

    async def _ends_of(self, topics: Sequence[str], since: float) -> dict[Partition, int]:
        """Return where the topics end, as it was at `since` or later."""
        async with self._asking:
            old = [t for t in topics if t not in self._ends or self._ends[t][0] < since]
            asked_at = asyncio.get_running_loop().time()
            for topic, ends in zip(
                old, await asyncio.gather(*map(self.log.ends, old)), strict=True
            ):
                self._ends[topic] = asked_at, ends
            return {p: end for topic in topics for p, end in self._ends[topic][1].items()}


def _check_reach(topics: Sequence[str], place: Place, ends: dict[Partition, int]) -> None:
    for partition, last in place.given.items():
        if partition.topic in topics and last.offset >= ends.get(partition, 0):
            raise _other(partition, last)


def _other(partition: Partition, last: Given) -> OtherLogError:
    return OtherLogError(
        f"{partition.topic}/{partition.number}/{last.offset}: this log does not hold the record "
        "that was given there; begin again without a token",
        field="query/after",
    )


def cloud_event(record: Record) -> bytes:
    """Return a record as CloudEvents 1.0 JSON, with its place in the log as `logposition`.

    What is no CloudEvent is not skipped: it comes as one of the type `log.unreadable.v1`, with its
    bytes in `data_base64`.
    """
    position = "/".join(map(str, record.position))
    event = _read(record.value)
    if event is None or record.value is None:
        return orjson.dumps(_unreadable(record, position))
    if "logposition" in event:
        return orjson.dumps(event | {"logposition": position})
    # As it was written, to the byte: numbers and order too.
    written = record.value.rstrip()[:-1]
    return written + b',"logposition":' + orjson.dumps(position) + b"}"


def _read(value: bytes | None) -> dict[str, Any] | None:
    try:
        event = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        return None
    named = all(isinstance(event.get(name), str) and event[name] for name in REQUIRED)
    return event if named else None


def _unreadable(record: Record, position: str) -> dict[str, Any]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": position,
        "source": "/log",
        "type": UNREADABLE,
        "logposition": position,
    }
    if record.key:
        event["subject"] = record.key.decode(errors="backslashreplace")
    if record.value is not None:
        event["datacontenttype"] = "application/octet-stream"
        event["data_base64"] = base64.b64encode(record.value).decode()
    return event
