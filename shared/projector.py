"""Runs folds over the log: one transaction a batch writes views, heads and cursor together.

What a record does to its stream is decided in `batch.py`; this is where it is read and written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import Protocol

import structlog

from shared.aside import Aside
from shared.batch import BEHIND, Batch, Head, Sink, decoded, identity, place, stream_of
from shared.clock import Clock
from shared.correlation import correlations_of
from shared.errors import NotFoundError, SellersError
from shared.events import Envelope, UndecodableError, timestamp
from shared.folding import MANY, Foldings
from shared.inbox import Became
from shared.log import Log, LogTruncatedError, Partition, Record, Subscription
from shared.observability import (
    BATCH_SECONDS,
    BATCH_TRIES,
    FACT_TO_VIEW_SECONDS,
    FOLDED,
    INBOX_NOT_THERE,
    debugging,
)
from shared.store import (
    Document,
    DuplicateKeyError,
    Reads,
    Store,
    StoreError,
    Transaction,
    TransientStoreError,
    WriteConflictError,
)
from shared.tracing import processing

log = structlog.get_logger()


# What operators left out for good, of every sink of the database, whatever its version.
DROPPED = "dropped"
# So often is a batch taken again before its reason is a failure that somebody has to hear of.
TRIES_UNHEARD = 10
# What was recorded longer ago is replayed: that it comes late says nothing about us.
REPLAYED_S = 3_600.0


class CursorMovedError(SellersError):
    """Another member committed past or before the place this batch began at."""


class BuildDroppedError(CursorMovedError):
    """What this folded has been dropped meanwhile; folding on would make it anew."""


class LogMismatchError(SellersError):
    """The log does not hold the record that the cursor says was folded last."""


class TooManyParkedError(SellersError):
    """So many streams were parked so fast that the release must be wrong, not the facts."""


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
    def unpublished(self) -> str:
        return f"{self.views}.unpublished"

    @property
    def all(self) -> tuple[str, ...]:
        kept = (self.views, self.heads, self.cursors, self.parked)
        return (*kept, self.dirty, self.unpublished)


class Telling(Protocol):
    """Tells who wrote some records what became of each; `again`: they had been set aside."""

    async def __call__(self, became: Sequence[Became], *, again: bool) -> None: ...


InTransaction = Callable[[Transaction], Awaitable[None]]


async def nothing(_tx: Transaction) -> None:
    """What a transaction does besides, where there is nothing to do."""


async def never(_reads: Reads) -> bool:
    return False


@dataclass(slots=True)
class Projector:
    """Runs one sink. `absorb` is all there is to it; `run` feeds it from a subscription."""

    sink: Sink
    store: Store
    log: Log
    clock: Clock
    # Whose it is, for the metrics: some sinks are called alike in every domain.
    domain: str = ""
    # Members of one group share the topics' partitions; none: named after what is folded into.
    group: str | None = None
    batch_max: int = 2_000
    parked_max: int = 50
    parked_window_s: float = 60.0
    # Where facts of the log can be lost (the embedded broker), the journal repairs the log and the
    # partition is read again from its beginning; elsewhere a mismatch is for a person to look at.
    refold_on_mismatch: bool = False
    # Says whether what this folds into was dropped; asked where a cursor is missing.
    dropped: Callable[[Reads], Awaitable[bool]] = never
    # Begins anew, in the transaction that leaves a fact out for good, what is built beside this.
    renew: InTransaction = nothing
    # Hears why the same batch fails again and again, and None when that is over.
    report: Callable[[str | None], None] = lambda _reason: None
    # How a record is read; on a topic that is not ours, facts are made of what others wrote.
    decode: Callable[[Record], Envelope | UndecodableError] = decoded
    # Seals what is set aside of a topic that is not ours: it was written in the clear.
    aside: Aside | None = None
    # Answers those who wrote the records, before the cursor moves; None: nobody outside did.
    tell: Telling | None = None
    # What was folded may have left the log since: nothing there tells any more what it was.
    expires: bool = False
    # Holds many projectors to a few transactions at once where one store has to do them all, and
    # tells readers what was folded.
    foldings: Foldings = field(default_factory=Foldings)
    _tries: int = 0
    # Where this has folded to, so far as it knows: only a transaction is told for certain.
    _stands: dict[Partition, int] = field(default_factory=dict)

    @property
    def names(self) -> Collections:
        return Collections(self.sink.collection)

    async def run(self, group: str | None = None) -> None:
        """Fold until cancelled; fetching the next batch overlaps writing this one."""
        subscription = await self.log.subscribe(
            self.sink.topics, group or self.group or self.sink.collection, self.positions
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
        finally:
            fetching.cancel()
            await subscription.close()

    async def _fetch(self, subscription: Subscription) -> list[Record]:
        return await subscription.fetch(self.batch_max, 0.5)

    async def _absorbed(self, records: Sequence[Record]) -> bool:
        try:
            await self.absorb(records)
        except (TransientStoreError, DuplicateKeyError, CursorMovedError) as error:
            log.info(
                "batch_taken_again",
                projection=self.sink.collection,
                reason=str(error),
                correlation_ids=correlations_of(records),
            )
            BATCH_TRIES.labels(self.domain, self.sink.collection).inc()
            self._tries += 1
            if self._tries >= TRIES_UNHEARD:
                self.report(f"the same batch has failed {self._tries} times: {error}")
            await asyncio.sleep(0.05)
            return False
        if self._tries >= TRIES_UNHEARD:
            self.report(None)
        self._tries = 0
        return True

    async def _go_back(self, subscription: Subscription) -> None:
        held = sorted(subscription.assigned)
        await subscription.rewind(await self.positions(held))

    async def positions(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Say where to go on reading: at the cursor, if the log still holds what it points at.

        Raises:
            LogMismatchError: the log was truncated or made anew under a kept database.

        """
        cursors = await self._cursors(self.store, partitions)
        starts = {}
        for partition in partitions:
            cursor = cursors.get(cursor_id(partition))
            if cursor is not None and not await self._holds(partition, cursor):
                await self._mismatch(partition, cursor)
                cursor = None
            starts[partition] = cursor["offset"] if cursor is not None else 0
        if self.expires:
            starts |= await self._pass_over(starts)
        self._stands |= starts
        return starts

    async def _pass_over(self, starts: Mapping[Partition, int]) -> dict[Partition, int]:
        """Move the cursors over what the log holds no more; return where these go on."""
        firsts = await self._firsts()
        gone = {at: firsts[at] for at, start in starts.items() if firsts[at] > start}
        if not gone:
            return {}
        async with self.store.transaction() as tx:
            held = await self._cursors(tx, gone)
            moved = []
            for partition, first in gone.items():
                key = cursor_id(partition)
                cursor = held.get(key, {"_id": key, "offset": 0})
                if cursor["offset"] != starts[partition]:
                    raise CursorMovedError(f"{key} is not at {starts[partition]}")
                moved.append({**cursor, "offset": first, "last": None})
            await tx.put_many(self.names.cursors, moved)
        for partition, first in gone.items():
            # They expired unread; or were read, and deleted, after the backup of a restored store.
            missing = first - starts[partition]
            log.error("records_not_there", partition=cursor_id(partition), records=missing)
            INBOX_NOT_THERE.labels(partition.topic).inc(missing)
        return gone

    async def _firsts(self) -> dict[Partition, int]:
        """Return where the log begins by now."""
        found = [await self.log.starts(topic) for topic in self.sink.topics]
        return {partition: first for starts in found for partition, first in starts.items()}

    async def done_with(self) -> dict[Partition, range]:
        """Say which offsets of the log were folded and are there still.

        None where the log does not hold what the cursor says was folded last: it lost that, or was
        made anew, and what lies there by now was never read.
        """
        firsts = await self._firsts()
        cursors = await self._cursors(self.store, firsts)
        found = {}
        for partition, first in firsts.items():
            cursor = cursors.get(cursor_id(partition), {"offset": 0, "last": None})
            further = cursor["last"] is not None and cursor["offset"] > first
            if further and await self._holds(partition, cursor):
                found[partition] = range(first, cursor["offset"])
        return found

    async def _holds(self, partition: Partition, cursor: Document) -> bool:
        offset = cursor["offset"]
        if (await self.log.ends(partition.topic))[partition] < offset:
            return False
        if offset == 0 or not cursor["last"]:
            return True
        try:
            async with aclosing(self.log.read(partition, cursor["last_offset"], offset)) as batches:
                async for records in batches:
                    return bool(records) and identity(records[0]) == cursor["last"]
        except LogTruncatedError:
            if not self.expires:
                raise
            return True
        return False

    async def _mismatch(self, partition: Partition, cursor: Document) -> None:
        if not self.refold_on_mismatch:
            raise LogMismatchError(
                f"{partition.topic}/{partition.number}: the log does not hold the record that "
                f"{self.sink.collection} folded last, before offset {cursor['offset']}. Restore "
                "the log, or drop this projection's collections and let it fold again."
            )
        log.warning("folding_again", projection=self.sink.collection, partition=cursor["_id"])
        async with self.store.transaction() as tx:
            await tx.delete_many(self.names.cursors, [cursor["_id"]])

    async def _cursors(
        self, reads: Reads, partitions: Collection[Partition]
    ) -> dict[str, Document]:
        """Return the cursors that are there, by their ids.

        Raises:
            BuildDroppedError: one is missing because nothing of this build is kept any more.

        """
        keys = [cursor_id(partition) for partition in partitions]
        found = await reads.get_many(self.names.cursors, keys)
        if len(found) < len(keys) and await self.dropped(reads):
            raise BuildDroppedError(f"{self.sink.collection} was dropped")
        return found

    async def absorb(self, records: Sequence[Record]) -> None:
        """Fold exactly what lies between the cursor and the end of these records.

        What was folded before is dropped; a hole before them is read from the log. So it does not
        matter from where, or how often, somebody delivers them.
        """
        try:
            await self._fold(records)
        except BuildDroppedError:
            raise
        except (CursorMovedError, LogTruncatedError):
            # Perhaps we remembered wrong: somebody else has folded, or the database was restored.
            self._stands.clear()
            await self._fold(records)

    async def _fold(self, records: Sequence[Record]) -> None:
        spans = await self._spans(records)
        if spans:
            await self._commit(spans)

    async def _spans(self, records: Sequence[Record]) -> list[Span]:
        by_partition: dict[Partition, list[Record]] = {}
        for record in records:
            by_partition.setdefault(Partition(record.topic, record.partition), []).append(record)
        starts = await self._starts(by_partition)
        spans = []
        for partition, delivered in by_partition.items():
            start = starts[partition]
            new = [r for r in delivered if r.offset >= start]
            if not new:
                continue
            start = await self._fill(partition, start, new[0].offset)
            spans.append(Span(partition, start, new[-1].offset + 1, tuple(new)))
        return spans

    async def _starts(
        self, delivered: Mapping[Partition, Sequence[Record]]
    ) -> dict[Partition, int]:
        """Say where to go on: as remembered, unless something comes that was folded by that.

        Then the store is asked, which may have lost it.
        """
        known = {at: self._stands[at] for at in delivered if at in self._stands}
        if len(known) == len(delivered) and all(
            records[0].offset >= known[at] for at, records in delivered.items()
        ):
            return known
        cursors = await self._cursors(self.store, delivered)
        keys = {at: cursor_id(at) for at in delivered}
        return {at: cursors[key]["offset"] if key in cursors else 0 for at, key in keys.items()}

    async def _fill(self, partition: Partition, start: int, stop: int) -> int:
        """Fold what nobody delivered, in batches as large as any; return the cursor after it."""
        if start == stop:
            return start
        async with aclosing(self.log.read(partition, start, stop)) as batches:
            async for records in batches:
                for first in range(0, len(records), self.batch_max):
                    piece = tuple(records[first : first + self.batch_max])
                    await self._commit([Span(partition, start, piece[-1].offset + 1, piece)])
                    start = piece[-1].offset + 1
        return start  # Between it and `stop` the log holds no record.

    async def _commit(self, spans: Sequence[Span], park: str | None = None) -> None:
        """Write the spans in one transaction; one that the store never takes is bisected."""
        try:
            await self._transact(spans, park)
        except (TransientStoreError, DuplicateKeyError):
            raise  # Not the batch is to blame: it is taken again.
        except StoreError as error:
            records = [record for span in spans for record in span.records]
            if park is not None:
                raise  # Not even what sets it aside can be written: it is the store.
            if len(records) == 1:
                await self._commit(spans, park=f"cannot be written: {error}")
                return
            for half in _halves(spans):
                await self._commit(half)

    async def _transact(self, spans: Sequence[Span], park: str | None) -> None:
        everything = [record for span in spans for record in span.records]
        records = [record for record in everything if self.sink.follows(stream_of(record))]
        read = [(record, self.decode(record)) for record in records]
        begun = _begun(read) if self.sink.keeps_heads and park is None else frozenset()
        async with self.foldings.turn(self.sink.collection, len(records)):
            if begun:
                try:
                    await self._attempt(spans, read, None, begun)
                except (DuplicateKeyError, TooManyParkedError):
                    pass  # Not all of them are new: something was delivered again.
                else:
                    return
            await self._attempt(spans, read, park, frozenset())

    async def _attempt(
        self,
        spans: Sequence[Span],
        read: Sequence[tuple[Record, Envelope | UndecodableError]],
        park: str | None,
        begun: AbstractSet[str],
    ) -> None:
        """Write the spans; streams that have just `begun` are not asked for their heads.

        Raises:
            DuplicateKeyError: one of them has a head, so what it was taken for was wrong.

        """
        began = perf_counter()
        with processing(self.sink.collection, read, self.clock) as told:
            async with self.store.transaction() as tx:
                cursors = await self._check_cursors(tx, spans)
                drops = any(each.get("drops", True) for each in cursors)
                heads = await self._heads(tx, read, begun)
                batch = await self._stepped(tx, read, heads, park, drops=drops)
                await self._guard(tx, batch)
                await self._tell(batch, read, again=False)
                await self._put(tx, batch)
                drops = bool(batch.dropped)
                after = [self._cursor(span, drops=drops) for span in spans]
                await tx.put_many(self.names.cursors, after)
            if told is not None:
                told.parked([document["_id"] for document in batch.parked])
        batch.folding.committed()
        self._stands |= {span.partition: span.stop for span in spans}
        self._count(batch, read, perf_counter() - began)

    def _count(
        self,
        batch: Batch,
        read: Sequence[tuple[Record, Envelope | UndecodableError]],
        seconds: float,
    ) -> None:
        name = (self.domain, self.sink.collection)
        parked = len(batch.parked)
        BATCH_SECONDS.labels(*name).observe(seconds)
        FOLDED.labels(*name, "folded").inc(batch.folded)
        FOLDED.labels(*name, "parked").inc(parked)
        FOLDED.labels(*name, "passed_over").inc(len(read) - batch.folded - parked)
        if debugging():
            log.debug(
                "folded",
                projection=self.sink.collection,
                facts=batch.folded,
                correlation_ids=correlations_of(record for record, _ in read),
            )
        first = next((fact for _, fact in read if isinstance(fact, Envelope)), None)
        if first is not None:
            age = (self.clock.now() - first.recorded_at).total_seconds()
            if age < REPLAYED_S:
                FACT_TO_VIEW_SECONDS.labels(*name).observe(max(0.0, age))

    async def _stepped(
        self,
        tx: Transaction,
        read: Sequence[tuple[Record, Envelope | UndecodableError]],
        heads: dict[str, Head],
        park: str | None = None,
        folds: int = 0,
        *,
        drops: bool = True,
    ) -> Batch:
        """Take every record in memory, from what the transaction's snapshot holds.

        With a reason to park, the first `folds` records are folded and the rest is set aside.
        `drops`: whether an operator may have left something out.
        """
        dropped = await dropped_by(tx, self.sink.name) if drops else frozenset()
        now = timestamp(self.clock.now())
        batch = Batch(self.sink, self.sink.begin(), heads, now, dropped)
        facts = [fact for _, fact in read if isinstance(fact, Envelope)]
        await batch.folding.load(tx, _unfolded(facts, heads))
        for number, (record, fact) in enumerate(read):
            batch.step(record, fact, park if number >= folds else None)
        return batch

    async def _check_cursors(self, tx: Transaction, spans: Sequence[Span]) -> list[Document]:
        """Return the cursor of every span; {} of one that nothing was folded of yet."""
        held = await self._cursors(tx, [span.partition for span in spans])
        cursors = [held.get(cursor_id(span.partition), {}) for span in spans]
        for span, cursor in zip(spans, cursors, strict=True):
            if cursor.get("offset", 0) != span.start:
                raise CursorMovedError(f"{cursor_id(span.partition)} is not at {span.start}")
        return cursors

    async def _heads(
        self,
        reads: Reads,
        read: Sequence[tuple[Record, Envelope | UndecodableError]],
        begun: AbstractSet[str],
    ) -> dict[str, Head]:
        streams = {stream_of(record) for record, _ in read}
        wanted = sorted(streams - begun) if self.sink.keeps_heads else []
        documents = await reads.get_many(self.names.heads, wanted)
        return {stream: Head.of(stream, documents.get(stream)) for stream in streams}

    async def _tell(self, batch: Batch, read: Sequence[Became], *, again: bool) -> None:
        """Say what became of each record; of what was left out for good nobody hears."""
        if self.tell is None:
            return
        aside = {document["_id"]: document["reason"] for document in batch.parked}
        became: list[Became] = []
        for record, fact in read:
            if batch.leaves_out(record):
                continue
            reason = aside.get(place(record)) if aside else None
            if reason is not None and isinstance(fact, Envelope):
                became.append((record, UndecodableError(reason)))
            else:
                became.append((record, fact))
        await self.tell(became, again=again)

    async def _put(self, tx: Transaction, batch: Batch) -> None:
        await batch.folding.save(tx)
        heads = batch.touched.values() if self.sink.keeps_heads else ()
        await tx.insert_many(self.names.heads, [h.document() for h in heads if not h.stored])
        await tx.put_many(self.names.heads, [h.document() for h in heads if h.stored])
        parked = batch.parked if self.aside is None else await self.aside.sealed(batch.parked)
        await tx.put_many(self.names.parked, parked)

    def _cursor(self, span: Span, *, drops: bool) -> Document:
        last = span.records[-1]
        return {
            "_id": cursor_id(span.partition),
            "offset": span.stop,
            "last": identity(last),
            "last_offset": last.offset,
            "at": timestamp(self.clock.now()),
            "drops": drops,
        }

    async def _guard(self, tx: Transaction, batch: Batch) -> None:
        """Park nothing when it is too much too fast: a bad release must not park the whole log.

        What was parked within the window counts, whichever process did it and however often it
        was started since; with what this batch is about to park, which then is not written.
        """
        if not batch.newly_parked:
            return
        since = timestamp(self.clock.now() - timedelta(seconds=self.parked_window_s))
        wanted = {"parked_at": {"$gte": since}, "reason": {"$ne": BEHIND}}
        before = await tx.find(self.names.parked, wanted, fields=("stream",))
        coming = [document for document in batch.parked if document["reason"] != BEHIND]
        parked = {document["stream"] for document in (*before, *coming)}
        if len(parked) > self.parked_max:
            stream, reason = coming[0]["stream"], coming[0]["reason"]
            raise TooManyParkedError(
                f"{self.sink.collection} would have parked {len(parked)} streams within "
                f"{self.parked_window_s:.0f} s, more than {self.parked_max}; {batch.newly_parked} "
                f"of them in this batch, which was not folded, as {stream}: {reason}"
            )

    async def unpark(self, stream: str) -> int:
        """Try the parked facts of one stream again, in version order; return how many are left."""
        return await self._refold(stream)

    async def drop(self, stream: str, position: str, *, reason: str, by: str) -> int:
        """Leave a parked record out for good, here and in every rebuild; return how many are left.

        Who did so, when and why is kept, in the transaction that goes on with its stream.

        Raises:
            NotFoundError: nothing of that stream is parked at that position.

        """
        left = await self._refold(stream, partial(self._leave_out, stream, position, reason, by))
        log.warning("fact_dropped", sink=self.sink.name, stream=stream, position=position, by=by)
        return left

    async def _leave_out(
        self, stream: str, position: str, reason: str, by: str, tx: Transaction
    ) -> None:
        held = await tx.get(self.names.parked, position)
        if held is None or held["stream"] != stream:
            raise NotFoundError(f"{self.sink.collection} holds nothing of {stream} there")
        record = _unparked(held if self.aside is None else (await self.aside.opened([held]))[0])
        sealed = {"sealed": held["sealed"]} if "sealed" in held else {}
        document = {
            "_id": f"{self.sink.name}/{position}",
            "sink": self.sink.name,
            "identity": identity(record),
            **{name: held[name] for name in ("stream", "version", "fact", "value")},
            "parked_for": held["reason"],
            "reason": reason,
            "by": by,
            "dropped_at": timestamp(self.clock.now()),
            **sealed,
        }
        await tx.put_many(DROPPED, [document])
        await note_drops(tx, self.sink.collection)
        await self.renew(tx)

    async def _refold(self, stream: str, begin: InTransaction = nothing) -> int:
        """Fold what is parked of a stream as far as it can be written; return how many are left.

        One transaction reads the list and folds it: a fact parked meanwhile cannot be lost. Where
        the store does not take all of them, half as many are tried, down to the one to blame.
        """
        held = await self.store.count(self.names.parked, {"stream": stream})
        folds, park, overtaken = held, None, 0
        while True:
            try:
                # Somebody waits for it, if only whoever replays it.
                async with (
                    self.foldings.turn(self.sink.collection, MANY),
                    self.store.transaction() as tx,
                ):
                    await begin(tx)
                    batch, left = await self._refolded(tx, stream, park, folds)
            except WriteConflictError:
                # What is left out changes every cursor, which whoever folds meanwhile does, too.
                overtaken += 1
                if overtaken == TRIES_UNHEARD:
                    raise
                await asyncio.sleep(0.05)
                continue
            except (TransientStoreError, DuplicateKeyError):
                raise  # Not the facts are to blame: somebody tries again.
            except StoreError as error:
                if park and not folds:
                    raise  # Not even what sets it aside can be written: it is the store.
                folds, park = folds // 2, f"cannot be written: {error}"
                continue
            batch.folding.committed()
            if self.aside is not None:
                await self.aside.forget(left)
            if park is None or not folds:
                return len(batch.parked)
            begin, folds, park = nothing, len(batch.parked), None

    async def _refolded(
        self, tx: Transaction, stream: str, park: str | None, folds: int
    ) -> tuple[Batch, list[Document]]:
        """Return what is about to be written, and what leaves; what is dropped is evidence."""
        kept = await tx.find(self.names.parked, {"stream": stream})
        held = kept if self.aside is None else await self.aside.opened(kept)
        head = Head.of(stream, await tx.get(self.names.heads, stream))
        head.parked = False
        records = map(_unparked, held)
        read = sorted(((record, self.decode(record)) for record in records), key=_by_version)
        batch = await self._stepped(tx, read, {stream: head}, park, folds)
        batch.touched[stream] = head
        since = {document["_id"]: document["parked_at"] for document in held}
        for document in batch.parked:  # What was tried in vain has not been parked just now.
            document["parked_at"] = since[document["_id"]]
        await tx.delete_many(self.names.parked, [document["_id"] for document in held])
        await self._put(tx, batch)
        # Only now: what could not be written stays, and whoever was told otherwise would be wrong.
        await self._tell(batch, read, again=True)
        staying = {document["_id"] for document in batch.parked}
        staying |= {place(record) for record, _ in read if identity(record) in batch.dropped}
        return batch, [document for document in kept if document["_id"] not in staying]


async def note_drops(tx: Transaction, collection: str) -> None:
    """Let whoever folds into a collection ask, from its next batch on, what was left out."""
    cursors = Collections(collection).cursors
    held = await tx.find(cursors, {})
    await tx.put_many(cursors, [{**cursor, "drops": True} for cursor in held])


async def dropped_by(reads: Reads, sink: str) -> frozenset[str]:
    """Return what an operator left out of a sink for good, by what `identity` says of a record."""
    found = await reads.find(DROPPED, {"sink": sink}, fields=("identity",))
    return frozenset(document["identity"] for document in found)


def _begun(read: Sequence[tuple[Record, Envelope | UndecodableError]]) -> frozenset[str]:
    """Return the streams of which the batch has the first fact and what follows it, in order.

    They have no head yet, unless something was delivered again: then inserting it says so.
    """
    reached: dict[str, int] = {}
    other: set[str] = set()
    for record, fact in read:
        stream = stream_of(record)
        if isinstance(fact, Envelope) and fact.version == reached.get(stream, 0) + 1:
            reached[stream] = fact.version
        else:
            other.add(stream)
    return frozenset(reached.keys() - other)


def _unfolded(facts: Sequence[Envelope], heads: dict[str, Head]) -> list[Envelope]:
    # Of a sink that keeps no heads, and reads what others wrote, the key need not be the stream.
    return [f for f in facts if f.stream not in heads or f.version > heads[f.stream].version]


def cursor_id(partition: Partition) -> str:
    return f"{partition.topic}/{partition.number}"


def _unparked(document: Document) -> Record:
    topic, partition, offset = document["_id"].rsplit("/", 2)
    headers = tuple((name, value) for name, value in document.get("headers", ()))
    return Record(topic, int(partition), int(offset), document["key"], document["value"], headers)


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
