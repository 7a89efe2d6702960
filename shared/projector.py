"""Runs folds over the log: one transaction a batch writes views, heads and cursor together.

Heads are the only duplicate rule: a fact at or below the head of its stream is dropped, the next
one is folded, one beyond is parked. So every fold counts once, whatever was redelivered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

import structlog

from shared.clock import Clock
from shared.errors import SellersError
from shared.events import Envelope, Position, UndecodableError, decode, timestamp
from shared.log import Log, Partition, Record, Subscription
from shared.store import (
    Document,
    DocumentTooLargeError,
    DuplicateKeyError,
    Reads,
    Store,
    Transaction,
    TransientStoreError,
)

log = structlog.get_logger()


class CursorMovedError(SellersError):
    """Another member committed past or before the place this batch began at."""


class LogMismatchError(SellersError):
    """The log does not hold the record that the cursor says was folded last."""


class TooManyParkedError(SellersError):
    """So many streams were parked so fast that the release must be wrong, not the facts."""


class ForkError(SellersError):
    """The log holds, at this version of the stream, another fact than we do."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact and where it lies in the log."""

    fact: Envelope
    position: Position


class Folding(Protocol):
    """One batch on its way into one projection's collections."""

    async def load(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        """Read what folding these facts needs, inside the transaction. None is a duplicate."""
        ...

    def apply(self, recorded: Recorded) -> None:
        """Fold one fact in memory, or raise and change nothing: then its stream is parked."""
        ...

    async def save(self, tx: Transaction) -> None: ...

    def committed(self) -> None:
        """The transaction is durable."""
        ...


class Sink(Protocol):
    """Where facts go: views, cells, reactions, the journal itself."""

    @property
    def collection(self) -> str:
        """The name everything this sink keeps is keyed by, `<name>_v<version>`."""
        ...

    @property
    def topics(self) -> tuple[str, ...]: ...

    @property
    def keeps_heads(self) -> bool:
        """Whether each fact counts by its version; False: folding a fact again changes nothing."""
        ...

    def follows(self, stream: str) -> bool:
        """Whether facts of this stream concern the sink; of others it keeps nothing at all."""
        ...

    def begin(self) -> Folding: ...


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one partition: all records with start <= offset < stop."""

    partition: Partition
    start: int
    stop: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Collections:
    """Names of everything one version of a projection keeps."""

    views: str

    @property
    def heads(self) -> str:
        return f"{self.views}.heads"

    @property
    def cursors(self) -> str:
        return f"{self.views}.cursors"

    @property
    def parked(self) -> str:
        return f"{self.views}.parked"

    @property
    def dirty(self) -> str:
        return f"{self.views}.dirty"

    @property
    def all(self) -> tuple[str, ...]:
        return (self.views, self.heads, self.cursors, self.parked, self.dirty)


@dataclass(slots=True)
class Head:
    """How far one stream is folded. `fact` is the id at `version`: another id there is a fork."""

    stream: str
    version: int = 0
    fact: str = ""
    parked: bool = False
    # Whether the store holds it already: inserting costs a fraction of replacing.
    stored: bool = False

    def document(self) -> Document:
        return {
            "_id": self.stream,
            "version": self.version,
            "fact": self.fact,
            "parked": self.parked,
        }

    @staticmethod
    def of(stream: str, document: Document | None) -> Head:
        if document is None:
            return Head(stream)
        return Head(stream, document["version"], document["fact"], document["parked"], stored=True)


@dataclass(slots=True)
class _Batch:
    """What one transaction is about to write besides the sink's own documents."""

    heads: dict[str, Head]
    touched: dict[str, Head] = field(default_factory=dict)
    parked: list[Document] = field(default_factory=list)
    newly_parked: int = 0


@dataclass(slots=True)
class Projector:
    """Runs one sink. `absorb` is all there is to it; `run` feeds it from a subscription."""

    sink: Sink
    store: Store
    log: Log
    clock: Clock
    batch_max: int = 2_000
    parked_max: int = 50
    parked_window_s: float = 60.0
    # Where facts of the log can be lost (the embedded broker), the journal repairs the log and the
    # partition is read again from its beginning; elsewhere a mismatch is for a person to look at.
    refold_on_mismatch: bool = False
    on_progress: Callable[[], None] = lambda: None
    _parked_at: deque[float] = field(default_factory=deque)

    @property
    def names(self) -> Collections:
        return Collections(self.sink.collection)

    async def run(self, group: str | None = None) -> None:
        """Fold until cancelled; fetching the next batch overlaps writing this one."""
        subscription = await self.log.subscribe(
            self.sink.topics, group or self.sink.collection, self.positions
        )
        try:
            fetching = asyncio.ensure_future(self._fetch(subscription))
            while True:
                records = await fetching
                fetching = asyncio.ensure_future(self._fetch(subscription))
                if records and not await self._absorbed(records):
                    # What is fetched meanwhile lies beyond the place we go back to. Only when it
                    # is here and dropped do we go back: a fetch under way would move on again.
                    await fetching
                    await self._go_back(subscription)
                    fetching = asyncio.ensure_future(self._fetch(subscription))
                self.on_progress()
        finally:
            fetching.cancel()
            await subscription.close()

    async def _fetch(self, subscription: Subscription) -> list[Record]:
        return await subscription.fetch(self.batch_max, 0.5)

    async def _absorbed(self, records: Sequence[Record]) -> bool:
        try:
            await self.absorb(records)
        except (TransientStoreError, DuplicateKeyError, CursorMovedError) as error:
            log.info("batch_taken_again", projection=self.sink.collection, reason=str(error))
            await asyncio.sleep(0.05)
            return False
        return True

    async def _go_back(self, subscription: Subscription) -> None:
        held = sorted(subscription.assigned)
        await subscription.rewind(await self.positions(held))

    async def positions(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Say where to go on reading: at the cursor, if the log still holds what it points at.

        Raises:
            LogMismatchError: the log was truncated or made anew under a kept database.

        """
        cursors = await self.store.get_many(self.names.cursors, [cursor_id(p) for p in partitions])
        starts = {}
        for partition in partitions:
            cursor = cursors.get(cursor_id(partition))
            if cursor is not None and not await self._holds(partition, cursor):
                await self._mismatch(partition, cursor)
                cursor = None
            starts[partition] = cursor["offset"] if cursor is not None else 0
        return starts

    async def _holds(self, partition: Partition, cursor: Document) -> bool:
        offset = cursor["offset"]
        if offset == 0 or not cursor["last"]:
            return True
        if (await self.log.ends(partition.topic))[partition] < offset:
            return False
        async with aclosing(self.log.read(partition, cursor["last_offset"], offset)) as batches:
            async for records in batches:
                return bool(records) and identity(records[0]) == cursor["last"]
        return False

    async def _mismatch(self, partition: Partition, cursor: Document) -> None:
        if not self.refold_on_mismatch:
            raise LogMismatchError(
                f"{partition.topic}/{partition.number}: the log does not hold the record that "
                f"{self.sink.collection} folded last, before offset {cursor['offset']}. Restore "
                "the log, or drop this projection's collections and let it fold again."
            )
        log.warning("folding_again", projection=self.sink.collection, partition=cursor["_id"])
        await self.store.delete_many(self.names.cursors, [cursor["_id"]])

    async def absorb(self, records: Sequence[Record]) -> None:
        """Fold exactly what lies between the cursor and the end of these records.

        What was folded before is dropped; a hole before them is read from the log. So it does not
        matter from where, or how often, somebody delivers them.
        """
        spans = await self._spans(records)
        if spans:
            await self._commit(spans)

    async def _spans(self, records: Sequence[Record]) -> list[Span]:
        by_partition: dict[Partition, list[Record]] = {}
        for record in records:
            by_partition.setdefault(Partition(record.topic, record.partition), []).append(record)
        keys = {cursor_id(partition): partition for partition in by_partition}
        cursors = await self.store.get_many(self.names.cursors, list(keys))
        spans = []
        for key, partition in keys.items():
            start = cursors[key]["offset"] if key in cursors else 0
            new = [r for r in by_partition[partition] if r.offset >= start]
            if not new:
                continue
            if new[0].offset > start:
                hole = [
                    record
                    async for batch in self.log.read(partition, start, new[0].offset)
                    for record in batch
                ]
                new = hole + new
            spans.append(Span(partition, start, new[-1].offset + 1, tuple(new)))
        return spans

    async def _commit(self, spans: Sequence[Span], park: str | None = None) -> None:
        """Write the spans in one transaction; one that the store cannot take is bisected."""
        try:
            await self._transact(spans, park)
        except DocumentTooLargeError as error:
            records = [record for span in spans for record in span.records]
            if len(records) == 1:
                await self._commit(spans, park=f"cannot be written: {error}")
                return
            for half in _halves(spans):
                await self._commit(half)

    async def _transact(self, spans: Sequence[Span], park: str | None) -> None:
        folding = self.sink.begin()
        everything = [record for span in spans for record in span.records]
        records = [record for record in everything if self.sink.follows(stream_of(record))]
        decoded = [_decoded(record) for record in records]
        facts = [fact for fact in decoded if isinstance(fact, Envelope)]
        async with self.store.transaction() as tx:
            await self._check_cursors(tx, spans)
            batch = _Batch(await self._heads(tx, facts, records))
            await folding.load(tx, _unfolded(facts, batch.heads))
            for record, fact in zip(records, decoded, strict=True):
                self._step(record, fact, folding, batch, park)
            await folding.save(tx)
            await self._put(tx, spans, batch)
        folding.committed()
        self._guard(batch.newly_parked)

    def _step(
        self,
        record: Record,
        fact: Envelope | UndecodableError,
        folding: Folding,
        batch: _Batch,
        park: str | None,
    ) -> None:
        if isinstance(fact, UndecodableError):
            self._park(record, stream_of(record), None, str(fact), batch)
            return
        if not self.sink.keeps_heads:
            self._fold(record, fact, folding, batch)
            return
        head = batch.heads[fact.stream]
        if fact.version <= head.version:
            if fact.version == head.version and fact.id != head.fact:
                self._park(
                    record, fact.stream, fact, "fork: this version holds another fact", batch
                )
            return  # Folded before: a duplicate.
        if head.parked:
            self._park(record, fact.stream, fact, "behind a parked fact", batch)
        elif fact.version > head.version + 1:
            reason = f"gap: version {head.version + 1} has not come"
            self._park(record, fact.stream, fact, reason, batch)
        elif park is not None:
            self._park(record, fact.stream, fact, park, batch)
        else:
            self._fold(record, fact, folding, batch)

    def _fold(self, record: Record, fact: Envelope, folding: Folding, batch: _Batch) -> None:
        try:
            folding.apply(Recorded(fact, record.position))
        except ForkError as error:
            self._park(record, fact.stream, fact, f"fork: {error}", batch)
            return
        except Exception as error:  # Whatever a fold raises stops this stream only.
            log.exception("fold_failed", projection=self.sink.collection, stream=fact.stream)
            self._park(record, fact.stream, fact, f"fold failed: {error!r}", batch)
            return
        if self.sink.keeps_heads:
            head = batch.heads[fact.stream]
            head.version, head.fact = fact.version, fact.id
            batch.touched[fact.stream] = head

    def _park(
        self, record: Record, stream: str, fact: Envelope | None, reason: str, batch: _Batch
    ) -> None:
        head = batch.heads.setdefault(stream, Head(stream))
        if not head.parked:
            head.parked = True
            batch.newly_parked += 1
            log.error("stream_parked", projection=self.sink.collection, stream=stream, why=reason)
        batch.touched[stream] = head
        batch.parked.append(
            {
                "_id": "/".join(map(str, record.position)),
                "stream": stream,
                "version": fact.version if fact else None,
                "reason": reason,
                "key": record.key,
                "value": record.value,
                "parked_at": timestamp(self.clock.now()),
            }
        )

    async def _check_cursors(self, tx: Transaction, spans: Sequence[Span]) -> None:
        cursors = await tx.get_many(self.names.cursors, [cursor_id(s.partition) for s in spans])
        for span in spans:
            cursor = cursors.get(cursor_id(span.partition))
            if (cursor["offset"] if cursor else 0) != span.start:
                raise CursorMovedError(f"{cursor_id(span.partition)} is not at {span.start}")

    async def _heads(
        self, reads: Reads, facts: Sequence[Envelope], records: Sequence[Record]
    ) -> dict[str, Head]:
        streams = {fact.stream for fact in facts} | {stream_of(record) for record in records}
        wanted = sorted(streams) if self.sink.keeps_heads else []
        documents = await reads.get_many(self.names.heads, wanted)
        return {stream: Head.of(stream, documents.get(stream)) for stream in streams}

    async def _put(self, tx: Transaction, spans: Sequence[Span], batch: _Batch) -> None:
        names = self.names
        heads = batch.touched.values() if self.sink.keeps_heads else ()
        await tx.insert_many(names.heads, [h.document() for h in heads if not h.stored])
        await tx.put_many(names.heads, [h.document() for h in heads if h.stored])
        if batch.parked:
            await tx.put_many(names.parked, batch.parked)
        await tx.put_many(names.cursors, [self._cursor(span) for span in spans])

    def _cursor(self, span: Span) -> Document:
        last = span.records[-1]
        return {
            "_id": cursor_id(span.partition),
            "offset": span.stop,
            "last": identity(last),
            "last_offset": last.offset,
            "at": timestamp(self.clock.now()),
        }

    def _guard(self, newly_parked: int) -> None:
        """Stop when too much is parked too fast: a bad release must not park the whole log."""
        now = self.clock.now().timestamp()
        self._parked_at.extend([now] * newly_parked)
        while self._parked_at and self._parked_at[0] < now - self.parked_window_s:
            self._parked_at.popleft()
        if len(self._parked_at) > self.parked_max:
            raise TooManyParkedError(
                f"{self.sink.collection} parked {len(self._parked_at)} streams within "
                f"{self.parked_window_s:.0f} s, more than {self.parked_max}: see `sellers parked`"
            )

    async def unpark(self, stream: str) -> int:
        """Try the parked facts of one stream again, in version order; return how many are left.

        One transaction reads the list and folds it: a fact parked meanwhile cannot be lost.
        """
        folding = self.sink.begin()
        names = self.names
        async with self.store.transaction() as tx:
            held = await tx.find(names.parked, {"stream": stream})
            head = Head.of(stream, await tx.get(names.heads, stream))
            again = sorted(map(_unparked, held), key=_by_version)
            head.parked = False
            batch = _Batch({stream: head})
            facts = [fact for _, fact in again if isinstance(fact, Envelope)]
            await folding.load(tx, _unfolded(facts, batch.heads))
            for record, fact in again:
                self._step(record, fact, folding, batch, None)
            await folding.save(tx)
            await tx.delete_many(names.parked, [document["_id"] for document in held])
            await tx.put_many(names.parked, batch.parked)
            if self.sink.keeps_heads:
                await tx.put_many(names.heads, [head.document()])
        folding.committed()
        return len(batch.parked)


def _unfolded(facts: Sequence[Envelope], heads: dict[str, Head]) -> list[Envelope]:
    return [fact for fact in facts if fact.version > heads[fact.stream].version]


def cursor_id(partition: Partition) -> str:
    return f"{partition.topic}/{partition.number}"


def identity(record: Record) -> str:
    """Ten bytes that tell this record from any other that could lie at its place."""
    return blake2b((record.key or b"") + b"\0" + (record.value or b""), digest_size=10).hexdigest()


def stream_of(record: Record) -> str:
    """Return the stream a record claims by its key, or its position when it has no readable key."""
    try:
        if record.key:
            return record.key.decode()
    except UnicodeDecodeError:
        pass  # Bytes that are no text cannot name a stream: it is known by its position below.
    return "/".join(map(str, record.position))


def _decoded(record: Record) -> Envelope | UndecodableError:
    try:
        fact = decode(record.value)
    except UndecodableError as error:
        return error
    if record.key != fact.stream.encode():
        return UndecodableError("the record's key is not the fact's stream")
    if fact.data.topic != record.topic:
        return UndecodableError(f"type: {fact.wire} does not belong on {record.topic}")
    return fact


def _unparked(document: Document) -> tuple[Record, Envelope | UndecodableError]:
    topic, partition, offset = document["_id"].rsplit("/", 2)
    record = Record(topic, int(partition), int(offset), document["key"], document["value"])
    return record, _decoded(record)


def _by_version(parked: tuple[Record, Envelope | UndecodableError]) -> tuple[int, int]:
    record, fact = parked
    version = fact.version if isinstance(fact, Envelope) else 0
    return version, record.offset


def _halves(spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Cut a batch in two that follow each other, so that the first can be committed alone."""
    if len(spans) > 1:
        middle = len(spans) // 2
        return list(spans[:middle]), list(spans[middle:])
    (span,) = spans
    middle = len(span.records) // 2
    cut = span.records[middle].offset
    return (
        [Span(span.partition, span.start, cut, span.records[:middle])],
        [Span(span.partition, cut, span.stop, span.records[middle:])],
    )
