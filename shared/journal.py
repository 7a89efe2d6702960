"""The journal: where a decision becomes a fact. Its insert is the check and the outbox at once.

One document per fact, unique on (stream, version) and on id; one record per command, kept for
ever; one outbox entry per transaction, taken away once the log has acknowledged all its facts.
All three are written in one transaction, so there is no half decision and no second one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.clock import Clock
from shared.events import Envelope, decode, encode, timestamp
from shared.store import Document, Reads, Store, Transaction, WriteConflictError

JOURNAL = "journal"
COMMANDS = "commands"
OUTBOX = "outbox"
MIRRORED = "row:"


@dataclass(frozen=True, slots=True)
class Entry:
    """One journaled fact, as it goes to the log."""

    id: str
    topic: str
    stream: str
    version: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Commanded:
    """What became of a command: the same answer is given for ever."""

    id: str
    hash: str
    stream: str
    last: int
    times: int = 1

    def document(self) -> Document:
        return {
            "_id": self.id,
            "hash": self.hash,
            "stream": self.stream,
            "last": self.last,
            "times": self.times,
        }

    @staticmethod
    def of(document: Document) -> Commanded:
        rest = {name: document[name] for name in ("hash", "stream", "last", "times")}
        return Commanded(id=document["_id"], **rest)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The facts of one transaction on their way to the log."""

    id: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The facts of one command with its record. No facts: nothing had to be done."""

    commanded: Commanded
    facts: tuple[Envelope, ...] = ()
    # A mirrored command (an import row) replaces its record each time its content changes.
    earlier: Commanded | None = None


@dataclass(slots=True)
class Journal:
    """The journal of one service, in that service's own database."""

    store: Store
    clock: Clock
    remembered: int = 50_000
    # Facts this process has seen in the journal, with their places there: its keeper need not look
    # them up again.
    _seen: OrderedDict[str, tuple[str, int]] = field(default_factory=OrderedDict)

    async def prepare(self) -> None:
        await self.store.ensure_index(JOURNAL, ("stream", "version"), unique=True)
        await self.store.ensure_index(OUTBOX, ("streams",))

    async def histories(self, reads: Reads, streams: Collection[str]) -> dict[str, list[Envelope]]:
        """Return all facts of each stream in version order; [] for a stream without any."""
        found: dict[str, list[Envelope]] = {stream: [] for stream in streams}
        documents = await reads.find(JOURNAL, {"stream": {"$in": list(found)}})
        for document in sorted(documents, key=_version):
            found[document["stream"]].append(decode(document["fact"]))
        return found

    async def since(self, reads: Reads, stream: str, version: int) -> list[Envelope]:
        """Return the facts of a stream from this version on, in version order."""
        wanted = {"stream": stream, "version": {"$gte": version}}
        documents = await reads.find(JOURNAL, wanted)
        return [decode(document["fact"]) for document in sorted(documents, key=_version)]

    async def reached(self, reads: Reads, stream: str) -> int:
        """Return the version at which a stream stands; 0: it has no facts."""
        newest = await reads.find(
            JOURNAL, {"stream": stream}, sort=(("version", -1),), limit=1, fields=("version",)
        )
        return newest[0]["version"] if newest else 0

    async def facts(self, reads: Reads, ids: Collection[str]) -> dict[str, Envelope]:
        """Return those of these facts that the journal holds, by id."""
        documents = await reads.get_many(JOURNAL, ids)
        return {key: decode(document["fact"]) for key, document in documents.items()}

    async def commanded(self, reads: Reads, ids: Collection[str]) -> dict[str, Commanded]:
        documents = await reads.get_many(COMMANDS, ids)
        return {key: Commanded.of(document) for key, document in documents.items()}

    async def record(
        self, tx: Transaction, decisions: Sequence[Decision], encoded: dict[str, bytes]
    ) -> Outgoing | None:
        """Write decisions inside a transaction; return what has to go to the log.

        `encoded` holds the bytes of every fact by its id: they were made before, so that a fact
        too large for the log was refused instead of recorded.

        Raises:
            DuplicateKeyError: somebody else recorded on one of these streams, or this very command.
            WriteConflictError: a record to be replaced is not the one that was decided on.

        """
        facts = [fact for decision in decisions for fact in decision.facts]
        entries = tuple(entry_of(fact, encoded[fact.id]) for fact in facts)
        await self._record_commands(tx, decisions)
        if not entries:
            return None
        outgoing = Outgoing(self.clock.new_id(), entries)
        await self._write(tx, [outgoing], followed=True)
        return outgoing

    async def _record_commands(self, tx: Transaction, decisions: Sequence[Decision]) -> None:
        """Write the last record of each command, if the stored one is what the first replaces."""
        replaced: dict[str, Commanded | None] = {}
        records: dict[str, Commanded] = {}
        for decision in decisions:
            replaced.setdefault(decision.commanded.id, decision.earlier)
            records[decision.commanded.id] = decision.commanded
        stored = {key: earlier for key, earlier in replaced.items() if earlier is not None}
        if stored and await self.commanded(tx, list(stored)) != stored:
            raise WriteConflictError("the same row was recorded in another state meanwhile")
        fresh = [record.document() for key, record in records.items() if key not in stored]
        await tx.insert_many(COMMANDS, fresh)
        await tx.put_many(COMMANDS, [records[key].document() for key in stored])

    def committed(self, entries: Iterable[Entry]) -> None:
        """Remember that these are in the journal for certain."""
        for entry in entries:
            self._seen[entry.id] = (entry.stream, entry.version)
        while len(self._seen) > self.remembered:
            self._seen.popitem(last=False)

    async def accept(self, requests: Sequence[Sequence[Entry]]) -> list[Outgoing | None]:
        """Journal facts that nothing decides (touches, where the log alone is not durable).

        Returns, for each request, what of it was not there: all requests in one transaction.

        Raises:
            DuplicateKeyError: another process journals one of them this very moment.

        """
        everything = [entry for entries in requests for entry in entries]
        left = {entry.id: entry for entry in await self._fresh(self.store, everything)}
        found: list[Outgoing | None] = []
        for entries in requests:
            fresh = tuple(left.pop(entry.id) for entry in entries if entry.id in left)
            found.append(Outgoing(self.clock.new_id(), fresh) if fresh else None)
        if outgoing := [each for each in found if each is not None]:
            async with self.store.transaction() as tx:
                await self._write(tx, outgoing)
        return found

    async def accept_new(self, requests: Sequence[Sequence[Entry]]) -> list[Outgoing]:
        """Journal such facts of several requests in one transaction, if all of them are new.

        Raises:
            DuplicateKeyError: one is there, or comes twice, and nothing was written.

        """
        outgoing = [Outgoing(self.clock.new_id(), tuple(entries)) for entries in requests]
        async with self.store.transaction() as tx:
            await self._write(tx, outgoing)
        return outgoing

    async def accept_within(self, tx: Transaction, entries: Sequence[Entry]) -> Outgoing | None:
        """Journal such facts in a transaction that writes more than them."""
        fresh = await self._fresh(tx, entries)
        if not fresh:
            return None
        outgoing = Outgoing(self.clock.new_id(), fresh)
        await self._write(tx, [outgoing])
        return outgoing

    async def _fresh(self, reads: Reads, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        known = await reads.get_many(JOURNAL, [entry.id for entry in entries])
        return tuple({entry.id: entry for entry in entries if entry.id not in known}.values())

    async def _write(
        self, tx: Transaction, outgoing: Sequence[Outgoing], *, followed: bool = False
    ) -> None:
        """Write facts with their outbox entries.

        `followed`: more may come on their streams, and then somebody looks for what is before it.
        What nothing decides is alone on its stream; an index of hundreds of them took a third of
        the time that a batch of touches took.
        """
        entries = [entry for each in outgoing for entry in each.entries]
        await tx.insert_many(JOURNAL, [_journaled(entry) for entry in entries])
        outbox = [self._outbox(each, followed=followed) for each in outgoing]
        await tx.insert_many(OUTBOX, outbox)

    async def pending(self, limit: int, *, before: str | None = None) -> list[Outgoing]:
        """Return the oldest unpublished entries, those recorded before an instant only."""
        return await self.outgoing(await self.outbox(limit, before=before))

    async def outbox(
        self, limit: int, *, before: str | None = None, after: str = ""
    ) -> list[Document]:
        """Return the oldest entries beyond one of them as they are stored, without their facts."""
        where: dict[str, Any] = {} if before is None else {"at": {"$lte": before}}
        if after:
            where["_id"] = {"$gt": after}
        return await self.store.find(OUTBOX, where, sort=(("_id", 1),), limit=limit)

    async def outgoing(self, entries: Sequence[Document]) -> list[Outgoing]:
        """Return entries of the outbox with their facts."""
        return [await self._outgoing(document) for document in entries]

    async def pending_of(self, streams: Collection[str]) -> list[Outgoing]:
        """Return every unpublished entry that touches one of these streams."""
        documents = await self.store.find(OUTBOX, {"streams": {"$in": list(streams)}})
        return await self.outgoing(documents)

    async def published(self, ids: Collection[str]) -> None:
        """Take entries out of the outbox: the log has acknowledged every fact of them."""
        await self.store.delete_many(OUTBOX, ids)

    async def backlog(self) -> int:
        return await self.store.count(OUTBOX, {})

    def lookup(self, facts: Sequence[Envelope]) -> list[Envelope]:
        """Return those facts that this process has not seen at their places in the journal."""
        return [fact for fact in facts if self._seen.get(fact.id) != (fact.stream, fact.version)]

    async def places(self, reads: Reads, facts: Sequence[Envelope]) -> dict[tuple[str, int], str]:
        """Say which fact the journal holds at each (stream, version) of these facts' streams."""
        held = await reads.find(
            JOURNAL,
            {"stream": {"$in": sorted({fact.stream for fact in facts})}},
            fields=("stream", "version"),
        )
        return {(doc["stream"], doc["version"]): doc["_id"] for doc in held}

    async def places_of(self, reads: Reads, ids: Collection[str]) -> dict[str, tuple[str, int]]:
        """Say where the journal holds those of these facts that it holds at all."""
        wanted = {"_id": {"$in": list(ids)}}
        held = await reads.find(JOURNAL, wanted, fields=("stream", "version")) if ids else []
        return {doc["_id"]: (doc["stream"], doc["version"]) for doc in held}

    async def restore(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        """Insert facts of the log, and their commands, that a restored journal lacks."""
        entries = [entry_of(fact, encode(fact)) for fact in facts]
        await tx.insert_many(JOURNAL, [_journaled(entry) for entry in entries])
        await tx.put_many(COMMANDS, [c.document() for c in _commands_of(facts)])

    async def _outgoing(self, outbox: Document) -> Outgoing:
        bounds = {stream: (first, last) for stream, first, last in outbox["ranges"]}
        documents = await self.store.find(JOURNAL, {"stream": {"$in": list(bounds)}})
        entries = [
            Entry(doc["_id"], doc["topic"], doc["stream"], doc["version"], doc["fact"])
            for doc in sorted(documents, key=_version)
            if bounds[doc["stream"]][0] <= doc["version"] <= bounds[doc["stream"]][1]
        ]
        return Outgoing(outbox["_id"], tuple(entries))

    def _outbox(self, outgoing: Outgoing, *, followed: bool) -> Document:
        ranges: dict[str, tuple[int, int]] = {}
        for entry in outgoing.entries:
            first, last = ranges.get(entry.stream, (entry.version, entry.version))
            ranges[entry.stream] = (min(first, entry.version), max(last, entry.version))
        return {
            "_id": outgoing.id,
            "at": timestamp(self.clock.now()),
            "streams": list(ranges) if followed else [],
            "ranges": [[stream, first, last] for stream, (first, last) in ranges.items()],
        }


def entry_of(fact: Envelope, value: bytes) -> Entry:
    return Entry(fact.id, fact.data.topic, fact.stream, fact.version, value)


def _journaled(entry: Entry) -> Document:
    return {
        "_id": entry.id,
        "topic": entry.topic,
        "stream": entry.stream,
        "version": entry.version,
        "fact": entry.value,
    }


def _version(document: Document) -> int:
    version: int = document["version"]
    return version


def _commands_of(facts: Sequence[Envelope]) -> list[Commanded]:
    """The command records that facts of the log bear witness to."""
    found: dict[str, Commanded] = {}
    for fact in sorted(facts, key=lambda fact: fact.version):
        if fact.command_id is not None:
            key, times = split_command_id(fact.command_id)
            found[key] = Commanded(key, fact.command_hash or "", fact.stream, fact.version, times)
    return list(found.values())


def split_command_id(command_id: str) -> tuple[str, int]:
    """A mirrored command's id on the log is `row:<origin>#<how often the row has changed>`."""
    if not command_id.startswith(MIRRORED):
        return command_id, 1
    origin, _, times = command_id.rpartition("#")
    return origin, int(times)
