"""One batch in memory: what each record does to its stream. Rule: no I/O.

Heads are the only duplicate rule: a fact at or below the head of its stream is dropped, the next
one is folded, one beyond is parked. So every fold counts once, whatever was redelivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol

import structlog

from shared.correlation import about
from shared.errors import SellersError
from shared.events import Envelope, Position, UndecodableError, decode
from shared.log import Record
from shared.store import Document, Transaction

# Why a fact is set aside that is not to blame itself.
BEHIND = "behind a parked fact"
REASON_MAX = 2_000
# How the names of topics end that others write to.
INBOX = "-inbox"
UNTOLD = "not told here: ask /parked for it"

log = structlog.get_logger()


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
    def name(self) -> str:
        """What it is called in every version; what an operator dropped for good goes by it."""
        ...

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

    def concerns(self, fact: Envelope) -> Sequence[str]:
        """Name the views that this fact would change, so that their readers hear of it parked."""
        ...

    def begin(self) -> Folding: ...


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
class Batch:
    """What one transaction is about to write besides the sink's own documents."""

    sink: Sink
    folding: Folding
    heads: dict[str, Head]
    # Text of the instant at which whatever is parked now was parked.
    now: str
    # The records that somebody dropped for good, by what `identity` says of them.
    dropped: AbstractSet[str] = frozenset()
    touched: dict[str, Head] = field(default_factory=dict)
    parked: list[Document] = field(default_factory=list)
    newly_parked: int = 0
    folded: int = 0

    def step(self, record: Record, fact: Envelope | UndecodableError, park: str | None) -> None:
        """Fold the fact, or drop a duplicate, or set it aside (`park` says why, whatever it is)."""
        if isinstance(fact, UndecodableError):
            if not self.leaves_out(record):
                self._park(record, stream_of(record), None, str(fact))
            return
        if not self.sink.keeps_heads:
            if park is not None and not self.leaves_out(record):
                self._park(record, fact.stream, fact, park)
            else:
                self._fold(record, fact)
            return
        head = self.heads[fact.stream]
        if fact.version <= head.version:
            if fact.version == head.version and fact.id != head.fact:
                self._fork(record, fact)
            return  # Folded before: a duplicate.
        if head.parked:
            self._park(record, fact.stream, fact, BEHIND)
        elif fact.version > head.version + 1:
            reason = f"gap: version {head.version + 1} has not come"
            self._park(record, fact.stream, fact, reason)
        elif park is not None and not self.leaves_out(record):
            self._park(record, fact.stream, fact, park)
        else:
            self._fold(record, fact)

    def _fork(self, record: Record, fact: Envelope) -> None:
        if not self.leaves_out(record):
            self._park(record, fact.stream, fact, "fork: this version holds another fact")

    def _fold(self, record: Record, fact: Envelope) -> None:
        try:
            if not self.leaves_out(record):
                self.folding.apply(Recorded(fact, record.position))
        except ForkError as error:
            self._park(record, fact.stream, fact, f"fork: {error}")
            return
        except Exception as error:  # Whatever a fold raises stops this stream only.
            log.exception(
                "fold_failed",
                projection=self.sink.collection,
                stream=fact.stream,
                **about(record, fact),
            )
            self._park(record, fact.stream, fact, f"fold failed: {error!r}")
            return
        self.folded += 1
        if self.sink.keeps_heads:
            head = self.heads[fact.stream]
            head.version, head.fact = fact.version, fact.id
            self.touched[fact.stream] = head

    def _park(self, record: Record, stream: str, fact: Envelope | None, reason: str) -> None:
        # Whatever a fold said, its words can be stored and logged.
        reason = reason[:REASON_MAX].encode(errors="backslashreplace").decode()
        head = self.heads.setdefault(stream, Head(stream))
        if not head.parked:
            head.parked = True
            self.newly_parked += 1
            log.error(
                "stream_parked",
                projection=self.sink.collection,
                stream=stream,
                # What others wrote to an inbox may name anybody; /parked tells it to who may ask.
                why=UNTOLD if record.topic.endswith(INBOX) else reason,
                **about(record, fact),
            )
        self.touched[stream] = head
        # Whatever is wrong with the fact, this document can be written: the bytes say the rest.
        self.parked.append(
            {
                "_id": place(record),
                "stream": stream,
                "version": fact.version if fact else None,
                "fact": fact.id if fact else None,
                "keys": sorted({stream, *(self._concerns(fact) if fact else ())}),
                "reason": reason,
                "key": record.key,
                "value": record.value,
                "headers": [list(header) for header in record.headers],
                "parked_at": self.now,
            }
        )

    def leaves_out(self, record: Record) -> bool:
        """Whether somebody dropped this record for good."""
        return bool(self.dropped) and identity(record) in self.dropped

    def _concerns(self, fact: Envelope) -> Sequence[str]:
        try:
            return self.sink.concerns(fact)
        except Exception:  # noqa: BLE001 - it is parked because of this; the reason says so.
            return ()


def place(record: Record) -> str:
    """Name where a record lies: topic/partition/offset."""
    return "/".join(map(str, record.position))


def identity(record: Record) -> str:
    """Ten bytes that tell this record from any other that could lie at its place."""
    told = (record.key or b"") + b"\0" + (record.value or b"")
    # Where headers say who an event is (binary CloudEvents), they belong to it.
    told += b"".join(
        b"\0" + name.encode() + b"\0" + (value or b"")
        for name, value in record.headers
        if name.startswith("ce_")
    )
    return blake2b(told, digest_size=10).hexdigest()


def stream_of(record: Record) -> str:
    """Return the stream a record claims by its key, or its position when it has no readable key.

    Also in an inbox: what the key is there is for its publisher to choose, and may be an address.
    """
    try:
        if record.key and not record.topic.endswith(INBOX):
            return record.key.decode()
    except UnicodeDecodeError:
        pass  # Bytes that are no text cannot name a stream: it is known by its position below.
    return place(record)


def decoded(record: Record) -> Envelope | UndecodableError:
    try:
        fact = decode(record.value)
    except UndecodableError as error:
        return error
    if record.key != fact.stream.encode():
        return UndecodableError("the record's key is not the fact's stream")
    if fact.data.topic != record.topic:
        return UndecodableError(f"type: {fact.wire} does not belong on {record.topic}")
    return fact
