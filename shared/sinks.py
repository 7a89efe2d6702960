"""What a projector can fold into: views, the journal itself, and the reactions of policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import structlog

from shared.batch import ForkError, Recorded
from shared.clock import derived_id
from shared.events import Envelope
from shared.journal import Entry, Journal, Outgoing, entry_of
from shared.log import Log, Partition
from shared.personal import CLEAR, Words
from shared.policies import Policy
from shared.projection import Projection
from shared.projector import Collections, cursor_id
from shared.published import dirty_mark
from shared.seals import Seals
from shared.service import Decisions, Refused, Request, decide_within
from shared.store import Document, DuplicateKeyError, Store, Transaction

V = TypeVar("V")

KEEPER = "keeper_v1"

log = structlog.get_logger()


@dataclass(slots=True)
class _View(Generic[V]):
    """One view as the batch leaves it so far. `rev` counts its changes, also across deletion."""

    rev: int
    value: V | None


class ViewFolding(Generic[V]):
    """One batch on its way into a projection's views."""

    def __init__(self, sink: ViewSink[V]) -> None:
        self._sink = sink
        self._documents: dict[str, Document] = {}
        self._views: dict[str, _View[V]] = {}
        self._changed: set[str] = set()
        self._words: Words = CLEAR

    async def load(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        if self._sink.projection.opens:
            self._words = await self._sink.seals.words_of(facts)
            facts = [replace(fact, words=self._words) for fact in facts]
        keys = {key for fact in facts for key in self._keys(fact)}
        projection = self._sink.projection
        if projection.keyed_by_stream and not projection.published:
            # Such a view cannot exist before its stream's first fact; imports are full of those.
            # (Of a published one there may be a stub: its topic knew a view that we do not.)
            keys -= {fact.stream for fact in facts if fact.version == 1}
        self._documents = await tx.get_many(self._sink.collection, sorted(keys))

    def _keys(self, fact: Envelope) -> Sequence[str]:
        try:
            return self._sink.projection.keys(fact)
        except Exception:  # noqa: BLE001 - `apply` asks again and parks the stream with the reason.
            return ()

    def apply(self, recorded: Recorded) -> None:
        projection, fact = self._sink.projection, recorded.fact
        if projection.opens:
            fact = replace(fact, words=self._words)
        after: dict[str, V | None] = {
            key: projection.apply(key, self._view(key).value, fact) for key in projection.keys(fact)
        }
        for key, value in after.items():
            view = self._view(key)
            if value != view.value:
                self._views[key] = _View(view.rev + 1, value)
                self._changed.add(key)

    def _view(self, key: str) -> _View[V]:
        if key not in self._views:
            document = self._documents.get(key)
            if document is None:
                return _View(0, None)
            stored = document["view"]
            value = None if stored is None else self._sink.projection.from_document(stored)
            self._views[key] = _View(document["rev"], value)
        return self._views[key]

    async def save(self, tx: Transaction) -> None:
        if not self._changed:
            return
        projection = self._sink.projection
        documents: list[Document] = []
        for key in sorted(self._changed):
            view = self._views[key]
            # A deleted view leaves a stub, so that its `rev` never starts again.
            stored = None if view.value is None else projection.to_document(view.value)
            documents.append({"_id": key, "rev": view.rev, "view": stored})
        # Inserting what is new costs a fraction of replacing.
        known = self._documents
        await tx.insert_many(
            self._sink.collection, [doc for doc in documents if doc["_id"] not in known]
        )
        await tx.put_many(self._sink.collection, [doc for doc in documents if doc["_id"] in known])
        if projection.published:
            dirty = [dirty_mark(doc["_id"], doc["rev"]) for doc in documents]
            await tx.insert_many(Collections(self._sink.collection).dirty, dirty)

    def committed(self) -> None:
        """Nothing waits for a view's commit but its readers, and they ask the store."""


class ViewSink(Generic[V]):
    """Folds facts into the views of one version of a projection."""

    def __init__(
        self, projection: Projection[V], collection: str, seals: Seals | None = None
    ) -> None:
        self.projection = projection
        self.collection = collection
        self.seals = Seals() if seals is None else seals

    @property
    def name(self) -> str:
        return self.projection.name

    @property
    def topics(self) -> tuple[str, ...]:
        return self.projection.topics

    @property
    def keeps_heads(self) -> bool:
        return True

    def follows(self, stream: str) -> bool:
        return self.projection.follows(stream)

    def concerns(self, fact: Envelope) -> Sequence[str]:
        return self.projection.keys(fact)

    def begin(self) -> ViewFolding[V]:
        return ViewFolding(self)


@dataclass(slots=True)
class KeeperFolding:
    """One batch of the domain's own facts on its way into its own journal."""

    journal: Journal
    _places: dict[tuple[str, int], str] = field(default_factory=dict)
    # Where the journal holds those of these facts that are not at their own place in it.
    _elsewhere: dict[str, tuple[str, int]] = field(default_factory=dict)
    _unseen: set[str] = field(default_factory=set)
    _lacking: list[Envelope] = field(default_factory=list)

    async def load(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        unseen = self.journal.lookup(facts)
        self._unseen = {fact.id for fact in unseen}
        if unseen:
            self._places = await self.journal.places(tx, unseen)
            lacking = [f.id for f in unseen if (f.stream, f.version) not in self._places]
            self._elsewhere = await self.journal.places_of(tx, lacking)

    def apply(self, recorded: Recorded) -> None:
        """Compare the fact with the journal, at every version; the heads know the newest only."""
        fact = recorded.fact
        if fact.id not in self._unseen:
            return
        place = (fact.stream, fact.version)
        held = self._places.get(place, fact.id)
        if held != fact.id:
            raise ForkError(f"{fact.stream}@{fact.version}: the journal holds {held}")
        there = self._elsewhere.get(fact.id, place)
        if there != place:
            raise ForkError(f"{fact.id}: the journal holds it at {there[0]}@{there[1]}")
        if place not in self._places:
            self._places[place], self._elsewhere[fact.id] = fact.id, place
            self._lacking.append(fact)

    async def save(self, tx: Transaction) -> None:
        if self._lacking:
            log.warning("journal_repaired_from_the_log", facts=len(self._lacking))
            await self.journal.restore(tx, self._lacking)

    def committed(self) -> None:
        self.journal.committed(_entries(self._lacking))


def _entries(facts: Sequence[Envelope]) -> list[Entry]:
    return [entry_of(fact, b"") for fact in facts]


@dataclass(frozen=True, slots=True)
class KeeperSink:
    """The log is the truth: the journal takes from it what a restored database lacks."""

    journal: Journal
    topics: tuple[str, ...]
    name: str = "keeper"
    collection: str = KEEPER
    # It looks every fact up by its id, so nothing is inserted twice without heads.
    keeps_heads: bool = False

    def follows(self, stream: str) -> bool:
        return True

    def concerns(self, fact: Envelope) -> Sequence[str]:
        return ()

    def begin(self) -> KeeperFolding:
        return KeeperFolding(self.journal)


@dataclass(slots=True)
class PolicyFolding:
    """One batch of another domain's facts on its way into commands of this one."""

    sink: PolicySink
    _requests: list[Request] = field(default_factory=list)
    _outgoing: Outgoing | None = None
    _told: dict[str, Envelope] = field(default_factory=dict)

    async def load(self, tx: Transaction, facts: Sequence[Envelope]) -> None:
        """A policy decides on the fact alone, as it was told; `decide` reads the journal later."""
        told = await self.sink.decisions.seals.opened_facts(facts)
        self._told = {fact.id: fact for fact in told}

    def apply(self, recorded: Recorded) -> None:
        fact, position = recorded.fact, recorded.position
        if position.offset < self.sink.acts_from[Partition(position.topic, position.partition)]:
            return  # It happened before this policy was registered; only its head counts.
        policy = self.sink.policy
        self._requests += [
            Request(
                stream=reaction.stream,
                command=reaction.command,
                actor=f"policy:{policy.name}",
                id=derived_id(fact.id, policy.name, str(ordinal)),
                correlation_id=fact.correlation_id,
                causation_id=fact.id,
                traceparent=fact.traceparent,
                depth=fact.depth + 1,
            )
            for ordinal, reaction in enumerate(policy.react(self._told.get(fact.id, fact)))
        ]

    async def save(self, tx: Transaction) -> None:
        if not self._requests:
            return
        outcomes, self._outgoing = await decide_within(self.sink.decisions, tx, self._requests)
        for request, outcome in zip(self._requests, outcomes, strict=True):
            if isinstance(outcome, Refused):
                # A refusal is an outcome: the rule of the other domain stands.
                log.warning(
                    "policy_command_refused",
                    policy=self.sink.policy.name,
                    cause=request.causation_id,
                    stream=request.stream,
                    reason=str(outcome.error),
                    correlation_id=request.correlation_id,
                )

    def committed(self) -> None:
        if self._outgoing is not None:
            self.sink.decisions.journal.committed(self._outgoing.entries)
            self.sink.announce(self._outgoing)


@dataclass(slots=True)
class PolicySink:
    """Journals what a policy decides, in the transaction of the policy's own cursor and heads."""

    policy: Policy[Any]
    decisions: Decisions
    announce: Callable[[Outgoing], None]
    acts_from: dict[Partition, int] = field(default_factory=dict)

    keeps_heads: bool = True

    def follows(self, stream: str) -> bool:
        return True

    def concerns(self, fact: Envelope) -> Sequence[str]:
        return ()

    @property
    def name(self) -> str:
        return f"policy_{self.policy.name}"

    @property
    def collection(self) -> str:
        return f"{self.name}_v1"

    @property
    def topics(self) -> tuple[str, ...]:
        return self.policy.topics

    def begin(self) -> PolicyFolding:
        return PolicyFolding(self)

    async def register(self, store: Store, log: Log) -> None:
        """Write down, once and before it runs, from which fact on the policy acts."""
        collection = f"{self.collection}.acts_from"
        for topic in self.topics:
            ends = await log.ends(topic)
            for partition, end in ends.items():
                try:
                    begin = 0 if self.policy.since_ever else end
                    document = {"_id": cursor_id(partition), "offset": begin}
                    await store.insert_many(collection, [document])
                except DuplicateKeyError:
                    continue  # Registered before: that place stays, however long ago it was.
            known = await store.get_many(collection, [cursor_id(p) for p in ends])
            self.acts_from |= {p: known[cursor_id(p)]["offset"] for p in ends}
