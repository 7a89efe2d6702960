"""Published views: every change of a view on the compacted topic `views.<name>`, never a stale one.

The fold transaction notes changed ids in a `dirty` set; they are sent and, once acknowledged, taken
out if the view has not changed since. What lands late is found by reading the topic back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
import structlog

from shared.events import Position
from shared.log import Log, LogUnavailableError, Partition, Record, RecordTooLargeError
from shared.projection import Projection
from shared.projector import Collections, cursor_id
from shared.store import Document, Reads, Store, StoreError

EPOCHS = "projections.epochs"

log = structlog.get_logger()


class Build(NamedTuple):
    """One complete set of a projection's documents. Of two, queries read the active one."""

    name: str
    version: int
    generation: int = 1

    @property
    def collection(self) -> str:
        suffix = f"_g{self.generation}" if self.generation > 1 else ""
        return f"{self.name}_v{self.version}{suffix}"


class Rev(NamedTuple):
    """Which state of a view: the greater one is newer, across rebuilds and deletions too."""

    version: int
    generation: int
    changes: int

    def __str__(self) -> str:
        return ".".join(map(str, self))

    @staticmethod
    def parse(text: str) -> Rev:
        version, generation, count = (int(part) for part in text.split("."))
        return Rev(version, generation, count)


def dirty_mark(key: str, rev: int, behind: Position | None = None) -> Document:
    """Say that the view has changed and is not published yet, or is hidden `behind` a record.

    One mark a change, never written twice: taking marks out conflicts with no fold. A record that
    landed late has a mark of its own: a publisher that sent the view before it landed takes out
    the mark it has seen, not this one.
    """
    reason = f" behind {cursor_id(Partition(*behind[:2]))}/{behind.offset}" if behind else ""
    return {"_id": f"{key}@{rev}{reason}", "key": key, "rev": rev}


def _sent(mark: Document, document: Document) -> bool:
    covered: bool = mark["rev"] <= document["rev"]
    return covered


async def epoch_of(reads: Reads, projection: Projection[Any]) -> int:
    """Return how often the log has forgotten records since the first one was published."""
    document = await reads.get(EPOCHS, projection.name)
    epoch: int = document["epoch"] if document else 0
    return epoch


def topic_of(projection: Projection[Any]) -> str:
    return f"views.{projection.name}"


def unpublished_of(collection: str) -> str:
    """Return where a build notes the views that do not fit into a record of their topic."""
    return Collections(collection).unpublished


def headers_of(projection: Projection[Any], key: str, rev: Rev) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 in Kafka's binary mode: a deleted view is a tombstone."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": f"{key}@{rev}",
        "ce_source": f"/views/{projection.name}",
        # Of the build that is read: during a deployment it may be older than this release.
        "ce_type": f"views.{projection.name}.v{rev.version}",
        "ce_subject": key,
        "ce_rev": str(rev),
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def _places_of(offsets: Mapping[Partition, int]) -> list[Document]:
    return [{"_id": cursor_id(place), "offset": offset} for place, offset in offsets.items()]


@dataclass(slots=True)
class ViewPublisher:
    """Keeps one projection's topic equal to the documents of its active build."""

    projection: Projection[Any]
    store: Store
    log: Log
    # The build that is active in the store, or in a transaction's snapshot: never a remembered one,
    # or what an old build sent last would be taken for the newest.
    active_in: Callable[[Reads], Awaitable[Build]]
    # Groups of one deployment's domain begin so.
    group_prefix: str = ""
    idle_s: float = 0.25
    batch_max: int = 500

    async def run(self) -> None:
        """Publish what is dirty until cancelled."""
        while True:
            try:
                busy = await self.publish()
            except (StoreError, LogUnavailableError) as error:
                log.warning("views_unpublished", view=self.projection.name, reason=str(error))
                busy = False
            if not busy:
                await asyncio.sleep(self.idle_s)

    async def publish(self) -> bool:
        """Send the documents of one batch of dirty ids; say whether there were any."""
        build = await self.active_in(self.store)
        names = Collections(build.collection)
        dirty = await self.store.find(names.dirty, {}, limit=self.batch_max)
        if not dirty:
            return False
        keys = sorted({mark["key"] for mark in dirty})
        documents = await self.store.get_many(names.views, keys)
        sent = await asyncio.gather(
            *(self._send(build, document) for document in documents.values()),
            return_exceptions=True,
        )
        outcomes = dict(zip(documents, sent, strict=True))
        acked = {key for key, outcome in outcomes.items() if not isinstance(outcome, Exception)}
        too_large = {k: str(o) for k, o in outcomes.items() if isinstance(o, RecordTooLargeError)}
        await self._note(names, acked, [documents[key] for key in too_large], too_large)
        acked |= too_large.keys()  # It will never be taken as it is; its next change is tried.
        # A view that changed meanwhile has another mark, which stays.
        done = [m["_id"] for m in dirty if m["key"] in acked and _sent(m, documents[m["key"]])]
        await self.store.delete_many(names.dirty, done)
        for outcome in sent:
            if isinstance(outcome, BaseException) and not isinstance(outcome, RecordTooLargeError):
                raise outcome
        return True

    async def _note(
        self,
        names: Collections,
        sent: Collection[str],
        refused: Sequence[Document],
        reasons: Mapping[str, str],
    ) -> None:
        """Write down which views their topic lacks; before their marks go."""
        held = await self.store.find(names.unpublished, {}, fields=())
        known = [document["_id"] for document in held if document["_id"] in sent]
        await self.store.delete_many(names.unpublished, known)
        for document in refused:
            key, reason = document["_id"], reasons[document["_id"]]
            log.error("view_too_large_for_its_topic", view=names.views, key=key, reason=reason)
            note = {"_id": key, "rev": document["rev"], "reason": reason}
            await self.store.put_many(names.unpublished, [note])

    async def _send(self, build: Build, document: Document) -> None:
        key, view = document["_id"], document["view"]
        rev = Rev(build.version, build.generation, document["rev"])
        value = None if view is None else orjson.dumps(view)
        topic = topic_of(self.projection)
        await self.log.append(topic, key, value, headers_of(self.projection, key, rev))

    async def read_back(self) -> None:
        """Look at what really landed, and mend what is older than the view, until cancelled."""
        topic = topic_of(self.projection)
        group = f"{self.group_prefix}{topic}.readback"
        subscription = await self.log.subscribe((topic,), group, self._places)
        try:
            while True:
                records = await subscription.fetch(self.batch_max, 1.0)
                if records:
                    await self._mend(records)
        finally:
            await subscription.close()

    @property
    def _cursors(self) -> str:
        return f"{self.projection.name}.readback"

    async def _places(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        cursors = await self.store.get_many(self._cursors, [cursor_id(p) for p in partitions])
        held = {p: cursors.get(cursor_id(p), {}).get("offset", 0) for p in partitions}
        ends = await self.log.ends(topic_of(self.projection))
        # A log that forgot its newest records is read again: what they hid has to be found.
        forgotten = {p: 0 for p, offset in held.items() if offset > ends[p]}
        await self.store.put_many(self._cursors, _places_of(forgotten))
        return held | forgotten

    async def _mend(self, records: Sequence[Record]) -> None:
        keys = {record.key.decode(): record for record in records if record.key}
        async with self.store.transaction() as tx:
            build = await self.active_in(tx)
            names = Collections(build.collection)
            documents = await tx.get_many(names.views, sorted(keys))
            stale = [self._stale(build, key, rec, documents) for key, rec in keys.items()]
            stubs = [doc for doc in stale if doc is not None and doc["_id"] not in documents]
            if stubs:
                await tx.put_many(names.views, stubs)
            marks = [
                dirty_mark(doc["_id"], doc["rev"], keys[doc["_id"]].position)
                for doc in stale
                if doc is not None
            ]
            if marks:
                await tx.put_many(names.dirty, marks)
            ends = {Partition(r.topic, r.partition): r.offset + 1 for r in records}
            known = await tx.get_many(self._cursors, [cursor_id(p) for p in ends])
            # Who reads for a partition that another member has taken over is behind it.
            ahead = {
                p: max(e, known.get(cursor_id(p), {}).get("offset", 0)) for p, e in ends.items()
            }
            await tx.put_many(self._cursors, _places_of(ahead))

    def _stale(
        self, build: Build, key: str, record: Record, documents: dict[str, Document]
    ) -> Document | None:
        """Return the document that the topic should hold instead of this record, if any."""
        document = documents.get(key)
        if document is None:
            if record.value is None:
                return None
            # The topic holds a view that the active build never had: a stub makes a tombstone.
            return {"_id": key, "rev": 1, "view": None}
        rev = Rev.parse(dict(record.headers)["ce_rev"].decode())
        now = Rev(build.version, build.generation, document["rev"])
        return document if rev < now else None
