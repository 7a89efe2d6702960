"""The entities behind a row as they stand at one moment, with no transaction that lasts (ADR 0033).

To read and count a row of a whole company takes longer than a store keeps a transaction open: they
are read before it, some at a time, and it reads again those that have changed meanwhile. Of which
streams something was folded the log says, between where the cursors stood and where they stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field, replace

import orjson

from services.analytics.pieces import PIECE, Piece, Pieces
from services.analytics.sink import behind, entities_of
from shared.batch import stream_of
from shared.errors import InvalidError
from shared.log import Log, LogTruncatedError, LogUnavailableError
from shared.reached import Reached, Since, reached
from shared.store import Reads, Store, Where
from shared.topics import kinds_by_topic

# A transaction that answers reads no more of the log, and no more entities, than so many.
WITHIN_MAX = PIECE
# Where the log does not tell in so many seconds what has changed, all is read anew.
TELLS_S = 5.0
# So many bytes are held for one answer; some three million deals.
ANSWER_BYTES_MAX = 512 << 20
# What was read for the last answers is kept for the next ones, up to so many bytes.
KEPT_BYTES_MAX = 64 << 20
KEPT_MAX = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entities of a build, by kind and by what an index finds them; of one owner alone."""

    collection: str
    kinds: tuple[str, ...]
    by: str
    keys: frozenset[str | None]
    owner: str | None

    def where(self, kind: str) -> Where:
        return behind(kind, self.by, self.keys, self.owner)

    @property
    def mark(self) -> bytes:
        """Return what is the same for all that want the same."""
        return orjson.dumps([self.collection, [[kind, self.where(kind)] for kind in self.kinds]])

    async def read(self, reads: Reads) -> AsyncIterator[Piece]:
        """Yield all, some at a time, each as it is when it is read."""
        for kind in self.kinds:
            where, after = self.where(kind), f"{kind}-"
            while True:
                found = await reads.find(
                    entities_of(self.collection),
                    {**where, "_id": where["_id"] | {"$gt": after}},
                    sort=(("_id", 1),),
                    limit=PIECE,
                    fields=("state",),
                )
                if found:
                    yield Piece.of({one["_id"]: one["state"] for one in found})
                if len(found) < PIECE:
                    break
                after = found[-1]["_id"]

    async def states(self, reads: Reads, streams: Collection[str]) -> dict[str, bytes | None]:
        """Return what these streams are now; None: none of those that are wanted."""
        found: dict[str, bytes | None] = dict.fromkeys(streams)
        for kind in self.kinds:
            theirs = sorted(one for one in streams if one.startswith(f"{kind}-"))
            for first in range(0, len(theirs), PIECE):
                where = {**self.where(kind), "_id": {"$in": theirs[first : first + PIECE]}}
                held = await reads.find(entities_of(self.collection), where, fields=("state",))
                found |= {one["_id"]: one["state"] for one in held}
        return found

    @property
    def topics(self) -> frozenset[str]:
        """Return where the facts of such things are."""
        told = kinds_by_topic().items()
        return frozenset(topic for topic, kinds in told if not {*kinds}.isdisjoint(self.kinds))

    def concerns(self, stream: str) -> bool:
        return stream.partition("-")[0] in self.kinds


@dataclass(frozen=True, slots=True)
class Gathered:
    """Entities that were read, none of them before the build had `reached` so much."""

    wanted: Wanted
    reached: Reached
    pieces: Pieces = field(default_factory=Pieces)

    async def at(self, reads: Reads, log: Log) -> Gathered | None:
        """Return them as a transaction has them; None: too much has come for it to read."""
        now = await reached(reads, self.wanted.collection)
        since = self._since(now)
        if since is None or since.records > WITHIN_MAX:
            return None
        changed = await self._changed(since, log)
        if changed is None or len(changed) > WITHIN_MAX:
            return None
        return await self._with(changed, now, reads)

    async def further(self, store: Store, log: Log) -> Gathered:
        """Return them with what has come since, or, where that is most of it, all read anew.

        Raises:
            InvalidError: they are more than one answer can hold.

        """
        async with store.transaction() as tx:
            now = await reached(tx, self.wanted.collection)
        since = self._since(now)
        if since is None or since.records > max(WITHIN_MAX, PIECE * len(self.pieces.told)):
            return await gather(store, self.wanted)
        changed = await self._changed(since, log)
        if changed is None:
            return await gather(store, self.wanted)
        return await self._with(changed, now, store)

    def _since(self, now: Reached) -> Since | None:
        since = now.since(self.reached)
        return None if since is None else since.on(self.wanted.topics)

    async def _changed(self, since: Since, log: Log) -> set[str] | None:
        """Return the streams that are wanted of which something may have been folded since.

        None: the log does not tell in time.
        """
        streams = set(since.again)
        try:
            async with asyncio.timeout(TELLS_S):
                async for records in since.read(log):
                    streams.update(map(stream_of, records))
        except (TimeoutError, LogUnavailableError, LogTruncatedError):
            return None
        return {stream for stream in streams if self.wanted.concerns(stream)}

    async def _with(self, changed: Collection[str], now: Reached, reads: Reads) -> Gathered:
        pieces = self.pieces
        if changed:
            states = await self.wanted.states(reads, changed)
            pieces = await asyncio.to_thread(pieces.with_, states)
            _check(pieces.size)
        return replace(self, reached=now, pieces=pieces)


async def gather(store: Store, wanted: Wanted) -> Gathered:
    """Read all of them; what changes meanwhile may be read as it was before.

    Raises:
        InvalidError: they are more than one answer can hold.

    """
    async with store.transaction() as tx:
        before = await reached(tx, wanted.collection)
    told: list[Piece] = []
    size = 0
    async for piece in wanted.read(store):
        told.append(piece)
        size += len(piece.packed)
        _check(size)
    return Gathered(wanted, before, Pieces(tuple(told)))


def _check(size: int) -> None:
    if size > ANSWER_BYTES_MAX:
        raise InvalidError(
            "more may make this row than one answer can count: ask for one seller, or by seller",
            field="query/seller",
        )


@dataclass(slots=True)
class LastGathered:
    """What the last answers were counted from."""

    _kept: dict[bytes, Gathered] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Gathered]:
        """Yield what is kept, what was asked for last at the end."""
        return iter(self._kept.values())

    def of(self, wanted: Wanted) -> Gathered | None:
        return self._kept.get(wanted.mark)

    def keep(self, gathered: Gathered) -> None:
        """Keep it as long as few others are asked for."""
        mark = gathered.wanted.mark
        self._kept.pop(mark, None)
        self._kept[mark] = gathered
        sizes = {mark: one.pieces.size for mark, one in self._kept.items()}
        while len(sizes) > KEPT_MAX or sum(sizes.values()) > KEPT_BYTES_MAX:
            oldest = next(iter(sizes))
            del self._kept[oldest], sizes[oldest]
