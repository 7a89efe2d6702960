"""One small world: a few processes over one log, their clients and their fates."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import structlog

from shared.memory import MemoryLog, MemoryStore
from tests.simulation import invariants
from tests.simulation.ablations import Ablation
from tests.simulation.chaos import Chaos
from tests.simulation.clients import Clients
from tests.simulation.deployment import KINDS, Deployment
from tests.simulation.domains import Domains, Release
from tests.simulation.events import EVENTS, Events
from tests.simulation.loop import EverybodyWaitsError, VirtualLoop
from tests.simulation.measures import Leader
from tests.simulation.truth import FACTS, Truth

PARTITIONS = 2
PATIENCE_S = 150.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How large this world is and which great event happens in it."""

    replicas: int
    clients: int
    commands: int
    pause_s: float
    patience_s: float
    rage_s: float
    event: str

    @staticmethod
    def of(random: Random, event: str | None) -> Plan:
        chosen = random.choice(EVENTS)
        plan = Plan(
            replicas=random.choice((1, 2, 2)),
            clients=random.choice((1, 2)),
            commands=random.choice((4, 8, 16)),
            pause_s=random.choice((0.1, 0.5)),
            patience_s=random.choice((0.2, 2.0)),
            rage_s=random.choice((4.0, 8.0)),
            event=event or chosen,
        )
        # Who restores carelessly finds out only when business goes on.
        return replace(plan, commands=60, rage_s=12.0) if event == "careless" else plan


@dataclass(slots=True)
class Outcome:
    """What became of one seed."""

    seed: int
    event: str
    wrong: list[str]
    operations: int
    records: int
    duplicates: int
    own_reads: int
    crashes: int
    looks: int
    digest: int
    virtual_s: float
    story: list[str]


@dataclass(eq=False)
class World:
    """Everything that exists in one history."""

    seed: int
    event: str | None = None
    random: Random = field(init=False)
    plan: Plan = field(init=False)
    chaos: Chaos = field(init=False)
    log: MemoryLog = field(init=False)
    stores: dict[str, MemoryStore] = field(init=False)
    clients: Clients = field(init=False)
    deployment: Deployment = field(init=False)
    events: Events = field(init=False)
    truth: Truth = field(init=False)
    leader: Leader = field(init=False)
    release: Release = field(default_factory=Release)
    restored: int = 0
    # Who commanded what a restore has lost.
    lost: set[str] = field(default_factory=set)
    _domains: dict[int, Domains] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.plan = Plan.of(self.random, self.event)
        self.chaos = Chaos(self.random)
        self.log = MemoryLog(PARTITIONS)
        self.stores = {name: MemoryStore() for name in dict.fromkeys(KINDS.values())}
        self.clients = Clients(self, self.random)
        self.deployment = Deployment(self)
        self.events = Events(self)
        self.truth = Truth(self)
        self.leader = Leader(self.chaos, self.stores["analytics"], self.log)

    @property
    def embedded(self) -> bool:
        """Whether the broker is the kind that forgets: then the journal is the truth."""
        return self.plan.event == "forget"

    def domains(self) -> Domains:
        """Return the domains of the release that is deployed; making them anew would cost a lot."""
        version = self.release.version
        if version not in self._domains:
            self._domains[version] = Domains(self.release, version)
        return self._domains[version]

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.get_running_loop().create_task(work)

    async def history(self) -> list[str]:
        """Live from the beginning to the end; say what was wrong."""
        self.log.share_by(lambda _partition, members: self.random.randrange(members))
        self.deployment.start()
        # A policy acts on what happens after its registration: that comes before the first client.
        await self._until(lambda: self.deployment.ready)
        self.log.land_by(lambda topic, _key: self.chaos.landing(topic, down=self.log.is_down))
        self.chaos.raging = True
        self.chaos.late_views = self.plan.event == "late views"
        self.clients.arrive()
        self.spawn(self.leader.keep_looking())
        self.events.let_rage()
        await asyncio.sleep(self.plan.rage_s)
        self._calm()
        settled = await self._until(lambda: not self.truth.unsettled())
        if settled:
            await self._until(lambda: self.clients.imports_end)
            await self.clients.mirror_at_last()
            settled = await self._until(lambda: not self.truth.unsettled())
            await self.events.verify()
            for subscriber in self.clients.subscribers:
                await subscriber.follow(3.0)
        if self.plan.event == "careless":
            return invariants.unnoticed(self)
        await self.leader.look()
        left = [] if settled else [f"never settled: {'; '.join(self.truth.unsettled())}"]
        return left + invariants.broken(self)

    async def _until(self, holds: Callable[[], bool]) -> bool:
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        if self.plan.event == "careless":
            deadline = asyncio.get_running_loop().time() + 20
        while not holds():
            if asyncio.get_running_loop().time() > deadline:
                return False
            self.chaos.land_some(self.log, 0.2)
            await self.events.unpark_all()
            await asyncio.sleep(0.25)
        return True

    def _calm(self) -> None:
        """No more faults. What is late lands at last, in any order, or never; zombies wake up."""
        self.chaos.tell("calm")
        self.chaos.raging, self.chaos.spent = False, True
        self.chaos.holding = False
        self.release.bad = False
        self.deployment.stopped_kind = None
        self.log.go(down=False)
        self.log.forget_late(lambda _record: self.random.random() < 0.3)
        processes = self.deployment.processes
        for process in self.random.sample(processes, len(processes)):
            process.wake()


@contextmanager
def quiet(*, tell: Chaos | None = None) -> Iterator[None]:
    """What the processes log belongs to the history, not to the screen."""
    before = structlog.get_config()

    def keep(_logger: Any, method: str, event: dict[str, Any]) -> Any:
        if tell is not None:
            details = " ".join(f"{name}={value}" for name, value in event.items())
            tell.tell(f"    {method}: {details}")
        raise structlog.DropEvent

    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def play(
    seed: int,
    event: str | None = None,
    *,
    loud: bool = False,
    without: Ablation | None = None,
) -> Outcome:
    """Run one seed from its beginning to its end and say what was wrong."""
    gc.disable()  # A dead process must not be collected, with its `finally` blocks, in between.
    world = World(seed, event)
    loop = VirtualLoop(world.random)
    try:
        with (
            quiet(tell=world.chaos if loud else None),
            without.remove() if without else nullcontext(),
        ):
            try:
                wrong = loop.run_until_complete(world.history())
            except EverybodyWaitsError:
                wrong = ["everybody waits"]
            finally:
                virtual_s = loop.time()
                world.chaos.over = True
                loop.end_tasks()
    finally:
        loop.close()
        gc.enable()
    topics = (*FACTS, "views.deal", "views.account")
    sizes = {topic: len(world.log.records(topic)) for topic in topics}
    once = sum(len(world.truth.facts(topic)) for topic in FACTS)
    return Outcome(
        seed=seed,
        event=world.plan.event,
        wrong=[*world.clients.witness.wrong, *wrong],
        operations=world.chaos.operations,
        records=sum(sizes.values()),
        duplicates=sum(sizes[topic] for topic in FACTS) - once,
        own_reads=world.clients.witness.own_reads,
        crashes=world.chaos.crashes,
        looks=world.leader.looks,
        digest=world.chaos.digest,
        virtual_s=virtual_s,
        story=world.chaos.story,
    )


def counterexample(ablation: Ablation, first: int | None = None) -> Outcome | None:
    """Return the first history that goes wrong without this rule."""
    begin = ablation.first if first is None else first
    for seed in range(begin, begin + ablation.seeds):
        outcome = play(seed, ablation.event, without=ablation)
        if outcome.wrong:
            return outcome
    return None
