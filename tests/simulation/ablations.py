"""The rules of the protocol, each taken away alone: then some seed must fail, or we test nothing.

A rule is removed here, in the tests, by replacing the one function that keeps it. Production code
knows nothing of this.
"""

from __future__ import annotations

import asyncio
import builtins
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from services.analytics import kept_cells, worker
from services.contacts import touches
from services.issues import model as issues
from shared import builds, firing, projector, published, publisher, reading, runtime, service, sinks
from shared.batch import Batch
from shared.events import Envelope
from shared.journal import COMMANDS, Journal, Outgoing
from shared.projector import Collections, Projector


@dataclass(frozen=True, slots=True)
class Ablation:
    """A rule, the great event that puts it to the test, and how to do without it.

    The search for a history that goes wrong begins at the seed `first`, where a late one was found
    before: with other code it may be another.
    """

    rule: str
    remove: Callable[[], AbstractContextManager[None]]
    event: str | None = None
    seeds: int = 40
    first: int = 0


ABLATIONS: dict[str, Ablation] = {}


def without(
    rule: str, *, event: str | None = None, seeds: int = 40, first: int = 0
) -> Callable[[Callable[[], Iterator[None]]], None]:
    """Register how to remove a rule, under the name of the function that does it."""

    def register(remove: Callable[[], Iterator[None]]) -> None:
        ABLATIONS[remove.__name__] = Ablation(rule, contextmanager(remove), event, seeds, first)

    return register


@contextmanager
def replaced(holder: Any, name: str, value: Any) -> Iterator[None]:
    before = vars(holder).get(name, MISSING)
    setattr(holder, name, value)
    try:
        yield
    finally:
        if before is MISSING:
            delattr(holder, name)
        else:
            setattr(holder, name, before)


MISSING = object()


class Unwrapped:
    """A store whose transactions are none: every write happens at once and for itself."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @asynccontextmanager
    async def transaction(self) -> Any:
        yield self._store


# --- DESIGN 6: writing


@without("a touch has its publisher's id, never one made on arrival")
def touch_id_of_the_publisher() -> Iterator[None]:
    fact, arrivals = touches.touch_fact, count()

    def minted(sent: Any, **told: Any) -> Envelope:
        arrived = fact(sent, **told)
        name = f"{arrived.id}-{next(arrivals)}"
        return _with(arrived, id=name, stream=f"touch-{name}")

    with replaced(touches, "touch_fact", minted):
        yield


@without("all facts of a decision and its command record go in one transaction")
def one_transaction_a_decision() -> Iterator[None]:
    async def attempt(self: Any, requests: Any) -> Any:
        journal = self.decisions.journal
        outcomes, decisions, encoded = await self.decisions.decide(journal.store, requests)
        if decisions:
            outgoing = await journal.record(journal.store, decisions, encoded)
            if outgoing is not None:
                self.announce(outgoing)
        return outcomes

    with replaced(service.Service, "_attempt", attempt):
        yield


@without("the command id is unique and kept: a retry gets the recorded answer")
def command_ids() -> Iterator[None]:
    fresh = count()

    async def unknown(self: Journal, reads: Any, ids: Any) -> dict[str, Any]:
        return {}

    async def record(self: Journal, tx: Any, decisions: Any, encoded: Any) -> Any:
        async with _ignoring(tx, COMMANDS) as kept:
            return await RECORD(self, kept, decisions, encoded)

    RECORD = Journal.record  # noqa: N806 - what was there before.
    with ExitStack() as stack:
        stack.enter_context(replaced(Journal, "commanded", unknown))
        stack.enter_context(replaced(Journal, "record", record))
        stack.enter_context(replaced(service, "derived_id", lambda *_: f"fact-{next(fresh)}"))
        yield


@without("journal entries are written with the majority and survive a fail-over", event="fail-over")
def majority() -> Iterator[None]:
    yield  # The event is the ablation: a store that forgets what it acknowledged.


@without("encode first and check the size", seeds=150, first=45)
def size_check() -> Iterator[None]:
    with replaced(service, "FACT_BYTES_MAX", 10**9):
        yield


@without("send n+1 only after n is acknowledged")
def waiting_for_the_acknowledgement() -> Iterator[None]:
    async def at_once(self: Any, queues: Any) -> set[str]:
        entries = [entry for queue in queues for entry in queue]
        results = await asyncio.gather(*map(self._send, entries))
        return {entry.id for entry, sent in zip(entries, results, strict=True) if sent}

    with replaced(publisher.Publisher, "_in_waves", at_once):
        yield


@without("stop at the first failure of a stream")
def stopping_at_a_failure() -> Iterator[None]:
    async def on_and_on(self: Any, queues: Any) -> set[str]:
        acked = set()
        for queue in queues:
            for entry in queue:
                if await self._send(entry):
                    acked.add(entry.id)
        return acked

    with replaced(publisher.Publisher, "_in_waves", on_and_on):
        yield


@without("an entry leaves the outbox after the acknowledgement, not before")
def outbox_until_acknowledged() -> Iterator[None]:
    hand_over = publisher.Publisher._hand_over

    async def hasty(self: Any, batch: Any, *how: Any) -> None:
        if batch:
            await self.journal.published([outgoing.id for outgoing in batch])
        await hand_over(self, batch, *how)

    with replaced(publisher.Publisher, "_hand_over", hasty):
        yield


@without("what a process leaves behind is published by another one")
def relay() -> Iterator[None]:
    async def nothing(self: Any) -> list[Outgoing]:
        return []

    with replaced(publisher.Publisher, "_left_behind", nothing):
        yield


@without("publishing goes in the order of integer versions", seeds=200)
def integer_versions() -> Iterator[None]:
    def as_text(items: Iterable[Any], **options: Any) -> list[Any]:
        return builtins.sorted(items, key=str, **options)

    with replaced(publisher, "sorted", as_text):
        yield


@without("no fact is sent before one of its stream that another process still has to send")
def looking_for_earlier_facts() -> Iterator[None]:
    with replaced(publisher.Publisher, "_doubtful", lambda *_: []):
        yield


@without("one unfinished send per fact and process")
def one_send_at_a_time() -> Iterator[None]:
    send = publisher.Publisher._send

    async def again(self: Any, entry: Any) -> bool:
        self._sending.pop(entry.id, None)
        return await send(self, entry)

    with replaced(publisher.Publisher, "_send", again):
        yield


@without("`recordedat` never goes back within a stream")
def recorded_in_order() -> Iterator[None]:
    with replaced(service, "max", lambda now, _before: now):
        yield


@without("a refusal is checked against the command's own first attempt", seeds=600, first=319)
def not_overtaken() -> Iterator[None]:
    async def unchecked(self: Any, requests: Any, outcomes: Any) -> None:
        return None

    with replaced(service.Service, "_check_not_overtaken", unchecked):
        yield


@without("the same stream@version with another id is a fork, never a duplicate", event="careless")
def forks_are_noticed() -> Iterator[None]:
    apply = sinks.KeeperFolding.apply

    def blind(self: Any, recorded: Any) -> None:
        try:
            apply(self, recorded)
        except projector.ForkError:
            return

    with replaced(sinks.KeeperFolding, "apply", blind):
        yield


@without("the journal takes from the log what a restored database lacks", event="restore")
def keeper() -> Iterator[None]:
    async def nothing(self: Any, tx: Any) -> None:
        return None

    with replaced(sinks.KeeperFolding, "save", nothing):
        yield


@without("no decision before the journal has caught up with the log", event="restore")
def catching_up_first() -> Iterator[None]:
    async def at_once(self: Any) -> None:
        self.service.ready.set()

    with replaced(runtime.Runtime, "_open_when_caught_up", at_once):
        yield


# --- DESIGN 7: reading


@without("what a fold needs is loaded inside the transaction that writes it", seeds=150)
def loading_inside() -> Iterator[None]:
    transact = Projector._transact

    async def early(self: Any, spans: Any, park: Any) -> None:
        names, held = self.sink.collection, {}
        if names.startswith(("account", "insight")):
            held = {d["_id"]: d for d in await self.store.find(names, {})}
        folding = self.sink.begin()

        async def load(tx: Any, facts: Any) -> None:
            folding._documents = held

        if held:
            folding.load = load
            with replaced(self.sink, "begin", lambda: folding):
                await transact(self, spans, park)
        else:
            await transact(self, spans, park)

    with replaced(Projector, "_transact", early):
        yield


@without("views, heads and cursor are written in one transaction")
def one_transaction_a_batch() -> Iterator[None]:
    transact = Projector._transact

    async def loose(self: Any, spans: Any, park: Any) -> None:
        store = self.store
        self.store = Unwrapped(store)
        try:
            await transact(self, spans, park)
        finally:
            self.store = store

    with replaced(Projector, "_transact", loose):
        yield


@without("at or below the head: dropped")
def heads() -> Iterator[None]:
    step = Batch.step

    def forgetful(self: Any, record: Any, fact: Any, park: Any) -> None:
        if isinstance(fact, Envelope) and not self.heads[fact.stream].parked:
            self.heads[fact.stream].version = fact.version - 1
        step(self, record, fact, park)

    with replaced(Batch, "step", forgetful):
        yield


@without("what cannot be folded parks its stream: later facts wait behind it")
def parking_the_stream() -> Iterator[None]:
    def drop(self: Any, record: Any, stream: str, fact: Any, reason: str) -> None:
        if fact is not None:  # Skipped as if it had been folded.
            self.heads[stream].version = fact.version
            self.touched[stream] = self.heads[stream]

    with replaced(Batch, "_park", drop):
        yield


@without("go back to the cursor only when nothing is being fetched")
def going_back_last() -> Iterator[None]:
    absorbed, go_back = Projector._absorbed, Projector._go_back

    async def early(self: Any, records: Any) -> bool:
        done = await absorbed(self, records)
        if not done:
            await go_back(self, self._subscription)
        return done

    async def late(self: Any, subscription: Any) -> None:
        return None

    fetch = Projector._fetch

    async def remembered(self: Any, subscription: Any) -> Any:
        SUBSCRIPTIONS[id(self)] = subscription
        return await fetch(self, subscription)

    SUBSCRIPTIONS: dict[int, Any] = {}  # noqa: N806
    with ExitStack() as stack:
        stack.enter_context(replaced(Projector, "_fetch", remembered))
        stack.enter_context(
            replaced(Projector, "_subscription", property(lambda self: SUBSCRIPTIONS[id(self)]))
        )
        stack.enter_context(replaced(Projector, "_absorbed", early))
        stack.enter_context(replaced(Projector, "_go_back", late))
        yield


@without("only a view that cannot exist is not loaded")
def loading_what_exists() -> Iterator[None]:
    async def load(self: Any, tx: Any, facts: Sequence[Envelope]) -> None:
        keys = {key for fact in facts for key in self._keys(fact)}
        keys -= {fact.stream for fact in facts if fact.version == 1}
        self._documents = await tx.get_many(self._sink.collection, sorted(keys))

    def all_of_them(facts: Any, heads: Any) -> Any:
        return facts

    async def save(self: Any, tx: Any) -> None:
        self._documents = dict.fromkeys(self._changed)
        await SAVE(self, tx)

    SAVE = sinks.ViewFolding.save  # noqa: N806
    with ExitStack() as stack:
        stack.enter_context(replaced(sinks.ViewFolding, "load", load))
        stack.enter_context(replaced(sinks.ViewFolding, "save", save))
        stack.enter_context(replaced(projector, "_unfolded", all_of_them))
        yield


@without("a reader waits on the heads of the very collection it reads", event="deploy", seeds=200)
def reading_one_collection() -> Iterator[None]:
    fresh = reading.Reader._fresh

    async def other(self: Any, at_least: Any) -> str:
        await fresh(self, at_least)
        state = await builds.read(self.store, self.projection)
        return (state.coming or state.active).collection

    with replaced(reading.Reader, "_fresh", other):
        yield


@without("a reader waits for its own write")
def read_your_writes() -> Iterator[None]:
    async def at_once(self: Any, at_least: Any) -> str:
        return str(await self.active())

    with replaced(reading.Reader, "_fresh", at_once):
        yield


@without("a build's collections are made once and never made anew", event="deploy")
def builds_never_made_anew() -> Iterator[None]:
    prepare = runtime.ProjectionRunner._prepare

    async def anew(self: Any, build: Any) -> None:
        state = await builds.read(self.runtime.store, self.projection)
        if build == state.coming:
            for name in Collections(build.collection).all:
                await self.runtime.store.drop(name)
        await prepare(self, build)

    with replaced(runtime.ProjectionRunner, "_prepare", anew):
        yield


# --- DESIGN 7: published views


@without("changed ids are noted in the transaction of the fold", seeds=100)
def dirty_with_the_fold() -> Iterator[None]:
    save, committed = sinks.ViewFolding.save, sinks.ViewFolding.committed

    async def clean(self: Any, tx: Any) -> None:
        dirty = Collections(self._sink.collection).dirty
        async with _ignoring(tx, dirty) as kept:
            await save(self, kept)
            LATER[id(self)] = (tx, dirty, kept.ignored)

    def after(self: Any) -> None:
        committed(self)
        tx, dirty, marks = LATER.pop(id(self), (None, "", []))
        if tx is not None and marks:
            MARKING.append(asyncio.ensure_future(_mark(tx, dirty, marks)))

    async def _mark(tx: Any, dirty: str, marks: Any) -> None:
        await asyncio.sleep(0.3)
        await tx._step("store.put_many")
        tx._database.commit({(dirty, mark["_id"]): mark for mark in marks})

    LATER: dict[int, Any] = {}  # noqa: N806
    MARKING: list[Any] = []  # noqa: N806
    with ExitStack() as stack:
        stack.enter_context(replaced(sinks.ViewFolding, "save", clean))
        stack.enter_context(replaced(sinks.ViewFolding, "committed", after))
        yield


@without("a mark is taken out only if the view was sent as it is")
def marks_until_sent() -> Iterator[None]:
    publish = published.ViewPublisher.publish

    async def hasty(self: Any) -> bool:
        build = await self.active_in(self.store)
        names = Collections(build.collection)
        busy = await publish(self)
        marks = await self.store.find(names.dirty, {})
        await self.store.delete_many(names.dirty, [mark["_id"] for mark in marks])
        return busy

    with replaced(published.ViewPublisher, "publish", hasty):
        yield


@without("the publisher reads its own topic back and mends what landed late")
def reading_back() -> Iterator[None]:
    with replaced(published.ViewPublisher, "_stale", lambda *_: None):
        yield


@without("a record that landed late has a mark of its own", event="late views", seeds=600, first=59)
def marks_of_their_own() -> Iterator[None]:
    mark = published.dirty_mark
    with replaced(published, "dirty_mark", lambda key, rev, *_: mark(key, rev)):
        yield


@without("a deleted view leaves a stub with its rev")
def stubs() -> Iterator[None]:
    save = sinks.ViewFolding.save

    async def bare(self: Any, tx: Any) -> None:
        await save(self, tx)
        gone = [key for key in self._changed if self._views[key].value is None]
        await tx.delete_many(self._sink.collection, gone)

    with replaced(sinks.ViewFolding, "save", bare):
        yield


# --- DESIGN 7a: policies


@without("a policy's start position is written when it is registered")
def policy_start() -> Iterator[None]:
    async def forgetful(self: Any, store: Any, log: Any) -> None:
        for topic in self.topics:
            self.acts_from |= await log.ends(topic)

    with replaced(sinks.PolicySink, "register", forgetful):
        yield


@without("a policy's facts are journaled in the transaction of its own cursor")
def policy_in_one_transaction() -> Iterator[None]:
    async def nothing(self: Any, tx: Any) -> None:
        return None

    def afterwards(self: Any) -> None:
        if self._requests:
            DECIDING.append(asyncio.ensure_future(_decide(self.sink, self._requests)))

    async def _decide(sink: Any, requests: Any) -> None:
        journal = sink.decisions.journal
        async with journal.store.transaction() as tx:
            _, outgoing = await service.decide_within(sink.decisions, tx, requests)
        if outgoing is not None:
            sink.announce(outgoing)

    DECIDING: list[Any] = []  # noqa: N806
    with ExitStack() as stack:
        stack.enter_context(replaced(sinks.PolicyFolding, "save", nothing))
        stack.enter_context(replaced(sinks.PolicyFolding, "committed", afterwards))
        yield


@without("policies wait until the journal has caught up with the log", event="restore", seeds=200)
def policies_wait() -> Iterator[None]:
    async def at_once(self: Any, policy: Any) -> None:
        sink = sinks.PolicySink(policy, self.service.decisions, self.publisher.announce)
        await sink.register(self.store, self.log)
        await self.projector(sink).run()

    with replaced(runtime.Runtime, "_run_policy", at_once):
        yield


@without("a policy's command is named after its cause", event="restore", seeds=150)
def policy_ids() -> Iterator[None]:
    fresh = count()
    with replaced(sinks, "derived_id", lambda *_: f"reaction-{next(fresh)}"):
        yield


# --- DESIGN 7a: timers. The lease is no rule: two that scan at once do no harm.


@without("a deadline that was moved or met since is not missed")
def deadline_that_holds() -> Iterator[None]:
    with replaced(issues, "_still_owed", lambda issue, _version: issue.deadline):
        yield


@without("a deadline is missed once: its command has its name, and the state remembers it")
def missed_once() -> Iterator[None]:
    fresh, still_owed = count(), issues._still_owed

    def forgotten(issue: Any, version: int) -> Any:
        return dataclasses.replace(still_owed(issue, version), missed=False)

    with ExitStack() as stack:
        # Either of the two is enough, so both have to go.
        stack.enter_context(replaced(firing, "derived_id", lambda *_: f"missed-{next(fresh)}"))
        stack.enter_context(replaced(issues, "_still_owed", forgotten))
        yield


@without("a timer scans the build that queries read now", event="rebuild", seeds=100, first=42)
def scanning_the_active_build() -> Iterator[None]:
    timer = runtime.Runtime._timer

    def stubborn(self: Any, declared: Any) -> Any:
        runner = timer(self, declared)
        active, found = runner.active, []

        async def as_at_first(reads: Any) -> Any:
            if not found:
                found.append(await active(reads))
            return found[0]

        runner.active = as_at_first
        return runner

    with replaced(runtime.Runtime, "_timer", stubborn):
        yield


# --- DESIGN 8: what Faust delivers


@without("a batch covers exactly what lies between the cursor and its end")
def holes_are_read() -> Iterator[None]:
    spans = Projector._spans

    async def as_delivered(self: Any, records: Any) -> Any:
        if not self.sink.collection.startswith("measures"):
            return await spans(self, records)
        reader, self.log = self.log, _NoHistory()
        try:
            return await spans(self, records)
        finally:
            self.log = reader

    with replaced(Projector, "_spans", as_delivered):
        yield


@without("what nobody delivers is read every quiet second")
def mending() -> Iterator[None]:
    async def nothing(self: Any, mine: Any) -> None:
        return None

    with replaced(worker.Measuring, "mend", nothing):
        yield


@without("what was put together with what a reader has is read anew, not added")
def telling_where_it_begins() -> Iterator[None]:
    def never(self: Any, document: Any) -> bool:
        return False

    with replaced(kept_cells.Mirror, "has_some_of", never):
        yield


class _NoHistory:
    async def read(self, *_: Any) -> Any:
        return
        yield  # An empty reader: the hole stays.


class _Ignoring:
    """A transaction that drops what is written to one collection."""

    def __init__(self, tx: Any, collection: str) -> None:
        self._tx, self._collection = tx, collection
        self.ignored: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def insert_many(self, collection: str, documents: Any) -> None:
        await self._write("insert_many", collection, documents)

    async def put_many(self, collection: str, documents: Any) -> None:
        await self._write("put_many", collection, documents)

    async def _write(self, how: str, collection: str, documents: Any) -> None:
        if collection == self._collection:
            self.ignored += documents
        else:
            await getattr(self._tx, how)(collection, documents)


@asynccontextmanager
async def _ignoring(tx: Any, collection: str) -> Any:
    yield _Ignoring(tx, collection)


def _with(fact: Envelope, **changes: Any) -> Envelope:
    held = {name: getattr(fact, name) for name in Envelope.__dataclass_fields__}
    return Envelope(**(held | changes))
