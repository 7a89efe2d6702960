"""Runs one domain: its journal, publisher, projectors, policies, timers and views, as tasks.

A task that fails for a passing reason is started again; one that must be looked at stays stopped,
and the service says so in `/readyz`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel

from shared import builds
from shared.accepting import Accepting
from shared.aside import Aside
from shared.batch import Sink
from shared.builds import Builds
from shared.clearing import Clearing
from shared.clock import Clock
from shared.erasing import Forgetting
from shared.errors import NotFoundError, UnavailableError
from shared.firing import Lease, TimerRunner
from shared.folding import Foldings
from shared.inbox import Inbox
from shared.inbox_sink import InboxSink
from shared.journal import Journal
from shared.log import Log, LogUnavailableError, Partition
from shared.projection import Projection
from shared.projector import (
    DROPPED,
    Collections,
    CursorMovedError,
    LogMismatchError,
    Projector,
    TooManyParkedError,
    cursor_id,
)
from shared.published import Build, ViewPublisher, unpublished_of
from shared.publisher import Publisher
from shared.reading import Reader
from shared.seals import Seals
from shared.service import Decisions, Domain, Service
from shared.settings import Settings
from shared.sinks import KEEPER, KeeperSink, PolicySink, ViewSink
from shared.store import Reads, Store, TransientStoreError
from shared.timers import Timer
from shared.tracing import traced

V = TypeVar("V")

RESTART_S_MAX = 15.0
FOLLOW_S = 0.5
# So long ago somebody else may have looked where projections stand; with the time between two looks
# of one of them it stays below what queries rely on (`builds.FRESH_S`).
LOOKED_S = 0.25
# A build that needed longer for what the active one was ahead is asked for the rest again, so many
# times at most: who folds no faster than facts come will never be nearer.
SOON_S = 2.0
ROUNDS_MAX = 10

log = structlog.get_logger()


@dataclass(slots=True)
class Tasks:
    """Background tasks that are started again when they fail, with the reason they are down."""

    failures: dict[str, str] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._running[name] = asyncio.create_task(self._keep_running(name, work), name=name)

    def report(self, name: str, reason: str | None) -> None:
        """Say why a task gets nowhere although it runs, or None: it does again."""
        if reason is None:
            self.failures.pop(name, None)
        else:
            self.failures[name] = reason

    async def stop(self, *names: str) -> None:
        """End these tasks, or all, and wait until they have ended; nothing ails them any more."""
        chosen = names or tuple(self._running)
        ending = [self._running.pop(name) for name in chosen if name in self._running]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        for name in chosen:
            self.failures.pop(name, None)

    async def _keep_running(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        pause = 0.1
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await work()
            except (LogMismatchError, TooManyParkedError) as error:
                self.failures[name] = str(error)
                log.error("task_stopped", task=name, reason=str(error))  # noqa: TRY400
                return
            except (
                CursorMovedError,
                LogUnavailableError,
                TransientStoreError,
                UnavailableError,
            ) as error:
                log.warning("task_interrupted", task=name, reason=str(error))
                self.failures[name] = str(error)
            except Exception as error:
                log.exception("task_failed", task=name)
                self.failures[name] = repr(error)
            else:
                return
            if asyncio.get_running_loop().time() - began > RESTART_S_MAX:
                pause = 0.1
            await asyncio.sleep(pause)
            pause = min(pause * 2, RESTART_S_MAX)
            self.failures.pop(name, None)


@dataclass(slots=True)
class Progress:
    """How far one sink has folded its topics; `folded` counts no further than the log reaches."""

    collection: str
    folded: int
    written: int
    cursors: Mapping[Partition, int] = field(default_factory=dict)
    ends: Mapping[Partition, int] = field(default_factory=dict)

    @property
    def lag(self) -> int:
        return self.written - self.folded


@dataclass(slots=True)
class Chase:
    """Where the active build stood, which its successor has to pass on every partition."""

    build: Build
    goal: dict[str, int]
    since: float
    rounds: int = 1

    def passed(self, cursors: dict[str, int]) -> bool:
        return all(cursors.get(partition, 0) >= end for partition, end in self.goal.items())


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A projection that another process folds; its builds are asked for here all the same."""

    projection: Projection[Any]
    topics: tuple[str, ...]


@dataclass(slots=True)
class ProjectionRunner:
    """Keeps one projection folded: its active build, and beside it the one that replaces it."""

    projection: Projection[Any]
    runtime: Runtime
    _chase: Chase | None = None
    _active: Build | None = None
    _read_at: float = float("-inf")
    _folding: set[Build] = field(default_factory=set)
    _leaving_since: dict[Build, float] = field(default_factory=dict)

    async def active(self) -> Build:
        """Return the build that queries read; another process may have switched it."""
        if self._active is None or _now() - self._read_at > builds.FRESH_S:
            self._look(*await self.runtime.builds.of(self.projection, _now() - LOOKED_S))
        assert self._active is not None
        return self._active

    async def active_in(self, reads: Reads) -> Build:
        """Return the build that is active now, or in a transaction's snapshot."""
        return (await builds.read(reads, self.projection)).active

    async def collection(self) -> str:
        return (await self.active()).collection

    async def start(self) -> None:
        """Fold what this release can fold; build its version when the active one is older."""
        read_at = _now()
        self._look(await builds.register(self.runtime.store, self.projection), read_at)
        self.runtime.tasks.start(f"follow {self.projection.name}", self._follow)

    async def _follow(self) -> None:
        """Fold what the store says is active or coming, whoever decided it."""
        since = _now()
        while True:
            state, read_at = await self.runtime.builds.of(self.projection, since)
            self._look(state, read_at)
            await self._fold_these(
                {
                    b
                    for b in (state.active, state.coming)
                    if b and b.version == self.projection.version
                }
            )
            if state.coming in self._folding and await self._caught_up(state.active, state.coming):
                state = await builds.switch(self.runtime.store, self.projection, state.coming)
                log.info("projection_switched", new=state.active.collection)
                since = _now()
                continue
            await self._drop_these(state.leaving)
            await asyncio.sleep(FOLLOW_S)
            since = _now() - LOOKED_S

    def _look(self, state: Builds, read_at: float) -> None:
        self._active, self._read_at = state.active, read_at

    async def _fold_these(self, wanted: set[Build]) -> None:
        for build in sorted(self._folding - wanted):
            self._folding.discard(build)
            self.runtime.forget(build.collection)
            await self.runtime.tasks.stop(f"fold {build.collection}")
        for build in sorted(wanted - self._folding):
            await self._prepare(build)
            projector = self.runtime.view_projector(self.projection, build)
            self.runtime.tasks.start(f"fold {build.collection}", projector.run)
            self._folding.add(build)

    async def _prepare(self, build: Build) -> None:
        for name in self.projection.indexes:
            await self.runtime.store.ensure_index(build.collection, (f"view.{name}", "_id"))
        parked = Collections(build.collection).parked
        await self.runtime.store.ensure_index(parked, ("stream",))
        await self.runtime.store.ensure_index(parked, ("keys",))

    async def _caught_up(self, active: Build, coming: Build) -> bool:
        """Whether queries would miss at most what the active build has folded in a moment.

        Not whether nothing is left to fold: under a steady load something always is.
        """
        ends, cursors = await self._ends(), await self._cursors(active)
        # A log that was restored shorter than what was folded of it can be passed at its end.
        ahead = {at: min(cursors.get(at, end), end) for at, end in ends.items()}
        chase = self._chase
        if chase is None or chase.build != coming:
            chase = self._chase = Chase(coming, ahead, _now())
        if not chase.passed(await self._cursors(coming)):
            return False
        if _now() - chase.since > SOON_S and chase.rounds < ROUNDS_MAX:
            self._chase = Chase(coming, ahead, _now(), chase.rounds + 1)
            return False
        self._chase = None
        return True

    async def _cursors(self, build: Build) -> dict[str, int]:
        found = await self.runtime.store.find(Collections(build.collection).cursors, {})
        ours = (c for c in found if c["_id"].rpartition("/")[0] in self.projection.topics)
        return {cursor["_id"]: cursor["offset"] for cursor in ours}

    async def _ends(self) -> dict[str, int]:
        """Where the log ends: what the active build has never read, its successor reads first."""
        log = self.runtime.log
        return {
            cursor_id(partition): end
            for topic in self.projection.topics
            for partition, end in (await log.ends(topic)).items()
        }

    async def _drop_these(self, leaving: Sequence[Build]) -> None:
        """Drop what queries left; not at once, for readers notice the switch a little later."""
        for build in leaving:
            since = self._leaving_since.setdefault(build, _now())
            if _now() - since > builds.GRACE_S:
                await builds.drop(self.runtime.store, self.projection, build)
                del self._leaving_since[build]


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Runtime:
    """One domain over a store and a log. `writes` and `folds` say which half this process runs."""

    domain: Domain
    store: Store
    log: Log
    clock: Clock
    settings: Settings
    tasks: Tasks = field(default_factory=Tasks)
    # What seals words about a person on the way in, and opens them on the way out.
    seals: Seals = field(default_factory=Seals)
    # Shared by all that one store has to fold, where it is one machine's.
    foldings: Foldings = field(default_factory=Foldings)
    journal: Journal = field(init=False)
    accepting: Accepting = field(init=False)
    publisher: Publisher = field(init=False)
    service: Service = field(init=False)
    runners: dict[str, ProjectionRunner] = field(init=False)
    builds: builds.Reading = field(init=False)
    timers: dict[str, TimerRunner[Any]] = field(init=False)
    # Collections that another process folds, and this one only looks at; of which projection.
    watched: set[str] = field(default_factory=set)
    folded_elsewhere: dict[str, Elsewhere] = field(default_factory=dict)
    # What a domain remembers between requests, by whatever name it likes; never the only copy.
    remembered: dict[str, Any] = field(default_factory=dict)
    _projectors: dict[str, Projector] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = traced(self.log)
        self.journal = Journal(self.store, self.clock)
        self.accepting = Accepting(self.journal)
        self.publisher = Publisher(self.journal, self.log, self.clock)
        zone = self.settings.zone
        decisions = Decisions(self.domain, self.journal, self.clock, zone, self.seals)
        self.service = Service(decisions, self.publisher.announce)
        zoned = tuple(p.within(self.settings.zone) for p in self.domain.projections)
        self.domain = replace(self.domain, projections=zoned)
        self.builds = builds.Reading(self.store)
        self.runners = {p.name: ProjectionRunner(p, self) for p in self.domain.projections}
        self.timers = {timer.name: self._timer(timer) for timer in self.domain.timers}

    async def prepared(self, command: BaseModel) -> BaseModel:
        """Return a command that somebody sends with what the domain's views add to it."""
        prepare = self.domain.prepare
        return command if prepare is None else await prepare(self, command)

    @property
    def today(self) -> date:
        """The company's day: what it is in its own zone."""
        return self.clock.now().astimezone(self.settings.zone).date()

    @property
    def decides(self) -> bool:
        return bool(self.domain.deciders)

    @property
    def group_prefix(self) -> str:
        """How its groups of readers begin: domains share one log, and each has a keeper."""
        return f"{self.settings.database_prefix}{self.domain.name}."

    @property
    def reacts(self) -> bool:
        """Whether it records, and publishes, where it is folded: for policies, inboxes and more."""
        domain = self.domain
        return bool(domain.policies or domain.timers or domain.inboxes or domain.works)

    async def start(self, *, writes: bool = True, folds: bool = True) -> None:
        if self.decides or self.domain.intake:
            await self.journal.prepare()
        if writes or self.reacts:
            self.tasks.start("publish", self.publisher.run)
            self.tasks.start("catch up", self._open_when_caught_up)
        if folds:
            await self._start_folding()

    async def _start_folding(self) -> None:
        if self.decides:
            keeper = self.projector(KeeperSink(self.journal, (self.domain.name,)))
            self.tasks.start("keep journal", keeper.run)
        for runner in self.runners.values():
            await runner.start()
            if runner.projection.published:
                self._publish_views(runner)
        for policy in self.domain.policies:
            sink = PolicySink(policy, self.service.decisions, self.publisher.announce)
            # One projector through all restarts: whoever reports a failure takes it back, too.
            run = partial(self._run_policy, sink, self.projector(sink))
            self.tasks.start(f"policy {policy.name}", run)
        if self.seals.ring is not None and any(p.opens for p in self.domain.projections):
            self.tasks.start("forget", Forgetting(self, self.seals.ring).run)
        for inbox in self.domain.inboxes:
            reading = self.inbox_projector(inbox)
            self.tasks.start(f"read {inbox.topic}", reading.run)
            self.tasks.start(f"clear {inbox.topic}", Clearing(inbox.topic, reading).run)
        for timer in self.timers.values():
            self.tasks.start(f"timer {timer.timer.name}", timer.run)
        for name, work in self.domain.works.items():
            self.tasks.start(name, partial(work, self))

    def inbox_projector(self, inbox: Inbox) -> Projector:
        # The embedded broker may forget its last second: there the journal is the truth.
        sink = InboxSink(
            inbox,
            self.journal,
            self.log,
            self.clock,
            self.publisher.announce,
            self.seals,
            journaled=self.settings.embedded,
        )
        projector = self.projector(sink)
        projector.decode, projector.expires = sink.decode, True
        projector.aside = Aside(self.seals)
        if inbox.answers is not None:
            projector.tell = partial(sink.tell, self)
        # However much of it is wrong, that is the publisher's release and not ours: nothing stops.
        projector.parked_max = sys.maxsize
        return projector

    def _timer(self, timer: Timer[V]) -> TimerRunner[V]:
        holder = f"{self.settings.instance}/{self.clock.new_id()}"
        lease = Lease(timer.name, holder, self.store, self.clock)
        active = self.runners[timer.projection.name].active_in
        return TimerRunner(timer, self.service, active, lease)

    def _publish_views(self, runner: ProjectionRunner) -> None:
        views = ViewPublisher(
            runner.projection, self.store, self.log, runner.active_in, self.group_prefix
        )
        self.tasks.start(f"publish views.{runner.projection.name}", views.run)
        self.tasks.start(f"read back views.{runner.projection.name}", views.read_back)

    async def _run_policy(self, sink: PolicySink, projector: Projector) -> None:
        await sink.register(self.store, self.log)
        await self.service.ready.wait()
        await projector.run()

    async def _open_when_caught_up(self) -> None:
        """Let decisions in once the keeper has reached where the log ended when we started."""
        if not self.decides:
            self.service.ready.set()
            return
        ends = await self.log.ends(self.domain.name)
        cursors = Collections(KEEPER).cursors
        while True:
            held = await self.store.get_many(cursors, [cursor_id(p) for p in ends])
            if all(held.get(cursor_id(p), {}).get("offset", 0) >= end for p, end in ends.items()):
                self.service.ready.set()
                return
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Stop taking decisions, give the outbox a last chance, end every task."""
        self.service.ready.clear()
        await self.tasks.stop()
        await self.accepting.settled(self.settings.drain_s)
        await self.publisher.drain(self.settings.drain_s)

    def projector(self, sink: Sink) -> Projector:
        projector = Projector(
            sink,
            self.store,
            self.log,
            self.clock,
            domain=self.domain.name,
            group=f"{self.group_prefix}{sink.collection}",
            batch_max=self.settings.batch_max,
            parked_max=self.settings.parked_max,
            refold_on_mismatch=self.settings.embedded,
            report=partial(self.tasks.report, f"fold {sink.collection}"),
            foldings=self.foldings,
        )
        self._projectors[sink.collection] = projector
        return projector

    def view_projector(self, projection: Projection[Any], build: Build) -> Projector:
        """Return what folds one build of a projection."""
        projector = self.projector(ViewSink(projection, build.collection, self.seals))
        projector.dropped = partial(builds.is_dropped, projection, build)
        projector.renew = partial(builds.renew, projection, build)
        return projector

    def forget(self, collection: str) -> None:
        """Stop counting a build that nothing folds any more."""
        self._projectors.pop(collection, None)

    def reader(self, projection: Projection[V]) -> Reader[V]:
        runner = self.runners[projection.name]
        wait_s = self.settings.read_wait_s
        return Reader(
            projection,
            self.store,
            runner.active,
            wait_s,
            seals=self.seals,
            foldings=self.foldings,
        )

    def runner(self, name: str) -> ProjectionRunner:
        if name not in self.runners:
            known = ", ".join(sorted(self.runners))
            raise NotFoundError(f"{self.domain.name} has no view {name!r}; it has {known}")
        return self.runners[name]

    async def progress(self, collection: str, topics: tuple[str, ...]) -> Progress:
        return await self._progress(collection, await self._ends(topics))

    async def _ends(self, topics: Collection[str]) -> dict[Partition, int]:
        found = await asyncio.gather(*(self.log.ends(topic) for topic in topics))
        return {partition: end for ends in found for partition, end in ends.items()}

    async def _progress(self, collection: str, ends: Mapping[Partition, int]) -> Progress:
        keys = {partition: cursor_id(partition) for partition in ends}
        held = await self.store.get_many(Collections(collection).cursors, list(keys.values()))
        cursors = {at: held[key]["offset"] if key in held else 0 for at, key in keys.items()}
        folded = sum(min(cursors[partition], end) for partition, end in ends.items())
        return Progress(collection, folded, sum(ends.values()), cursors, ends)

    async def lag(self) -> list[Progress]:
        """Say for everything this process folds how far it is behind the log.

        Asked of a busy process, whose every question waits for its turn: so they are asked at once.
        """
        topics = {name: p.sink.topics for name, p in self._projectors.items()}
        ends = await self._ends({topic for found in topics.values() for topic in found})
        return await asyncio.gather(
            *(
                self._progress(name, {p: end for p, end in ends.items() if p.topic in found})
                for name, found in topics.items()
            )
        )

    async def parked(
        self, limit: int | None = None, after: tuple[str, str] = ("", "")
    ) -> dict[str, list[dict[str, Any]]]:
        """Return what every sink has set aside, by its collection.

        With a limit, a page: the next facts after `after`, a collection and a place in it.
        """
        held: dict[str, list[dict[str, Any]]] = {}
        for collection in sorted(self._projectors):
            if collection < after[0] or limit == 0:
                continue
            where = {"_id": {"$gt": after[1]}} if collection == after[0] else {}
            names = Collections(collection)
            found = await self.store.find(names.parked, where, sort=(("_id", 1),), limit=limit)
            if found:
                held[collection] = await Aside(self.seals).opened(found)
                limit = None if limit is None else limit - len(found)
        return held

    async def erase_aside(self, words: Collection[str]) -> int:
        """Destroy what is set aside of inboxes and says one of these words; return how many."""
        aside, gone = Aside(self.seals), 0
        for inbox in self.domain.inboxes:
            names = Collections(f"{inbox.name}_v1")
            gone += await aside.erase(self.store, names.parked, words)
        return gone + await aside.erase(self.store, DROPPED, words)

    async def parked_counts(self) -> dict[str, int]:
        """Say for everything this process folds how many facts are set aside."""
        return {
            collection: await self.store.count(Collections(collection).parked, {})
            for collection in list(self._projectors)
        }

    async def unpublished(self) -> dict[str, int]:
        """Say which views' topics lack what was too large for them, and how many views that is."""
        return {
            name: count
            for name, runner in self.runners.items()
            if runner.projection.published
            and (count := await self.store.count(unpublished_of(await runner.collection()), {}))
        }

    def projector_of(self, collection: str) -> Projector:
        """Return what folds into a collection, or raise NotFoundError."""
        if collection not in self._projectors:
            raise NotFoundError(f"{self.domain.name} does not fold {collection!r} here")
        return self._projectors[collection]
