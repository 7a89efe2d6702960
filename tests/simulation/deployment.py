"""Which processes there are, and who starts the next one when one is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.repair import publish_views_again, repair_log
from shared.runtime import Runtime
from shared.service import Domain
from shared.settings import Settings
from tests.simulation.measures import Deliverer, measuring_of
from tests.simulation.process import Process, SimulatedClock, Slot

if TYPE_CHECKING:
    from tests.simulation.world import World

# Kind of process -> the database it works on. The APIs only decide, the folders only fold.
KINDS = {
    "deals-api": "opportunities",
    "deals-fold": "opportunities",
    "accounts-api": "issues",
    "accounts-fold": "issues",
    "insight": "insight",
    "measures": "analytics",
}
ALONE = ("insight",)
SETTINGS = {
    engine: Settings(engine=engine, batch_max=6, parked_max=10_000, read_wait_s=2.0, drain_s=1.0)
    for engine in ("kafka", "embedded")
}
ACK_TIMEOUT_S = 0.8
LEASE_S = 2.0
# Who is not heard of for so long is no member of its groups any more.
SESSION_S = 2.0


@dataclass(slots=True)
class Deployment:
    """The orchestrator of one world."""

    world: World
    slots: list[Slot] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    deliverer: Deliverer = field(init=False)
    # Set while nothing may start: a restore, a repair.
    halted: bool = False
    stopped_kind: str | None = None

    def __post_init__(self) -> None:
        self.deliverer = Deliverer(self.world.random)

    def start(self) -> None:
        for kind, database in KINDS.items():
            for number in range(1 if kind in ALONE else self.world.plan.replicas):
                slot = Slot(f"{kind}-{number + 1}", kind, self.world.stores[database])
                self.slots.append(slot)
                self.world.spawn(self._keep_up(slot))
        self.world.spawn(self._watch_members())

    async def _keep_up(self, slot: Slot) -> None:
        """Start the next process whenever one is gone, as an orchestrator does."""
        while True:
            self._launch(slot)
            assert slot.process is not None
            await slot.process.gone.wait()
            await asyncio.sleep(self.world.random.random())
            while self.halted or slot.kind == self.stopped_kind:  # noqa: ASYNC110 - virtual time.
                await asyncio.sleep(0.1)

    def _launch(self, slot: Slot) -> None:
        slot.generation += 1
        process = Process(f"{slot.name}.{slot.generation}", self.world.chaos)
        process.connect(slot.database, self.world.log)
        if slot.process is not None and self.world.random.random() < 0.8:
            slot.process.store.abandon()  # Unless nobody knows its sessions: then they time out.
        self.processes.append(process)
        slot.process, slot.runtime = process, None
        if slot.kind == "measures":
            self.world.spawn(self._run(process, self._measure(process)))
        else:
            slot.runtime = self._runtime(slot, process)
            self.world.spawn(self._run(process, self._start(slot, slot.runtime)))

    def _clock(self, process: Process) -> SimulatedClock:
        skew_s = self.world.random.uniform(-1.5, 1.5)
        return SimulatedClock(asyncio.get_running_loop(), process.name, skew_s)

    def _runtime(self, slot: Slot, process: Process) -> Runtime:
        settings = SETTINGS["embedded" if self.world.embedded else "kafka"]
        clock = self._clock(process)
        runtime = Runtime(self._domain(slot), process.store, process.log, clock, settings)
        runtime.publisher.ack_timeout_s = ACK_TIMEOUT_S
        for timer in runtime.timers.values():
            timer.lease.length_s = LEASE_S
        return runtime

    def _domain(self, slot: Slot) -> Domain:
        domains = self.world.domains()
        if slot.kind.startswith("accounts"):
            return domains.accounts
        return domains.insight if slot.kind == "insight" else domains.deals

    async def _start(self, slot: Slot, runtime: Runtime) -> None:
        fold, serve = "fold" in slot.kind, "api" in slot.kind
        await runtime.start(writes=not fold, folds=not serve)

    async def _measure(self, process: Process) -> None:
        clock = self._clock(process)
        measuring = measuring_of(process, clock, embedded=self.world.embedded)
        await self.deliverer.deliver(process, measuring)

    async def _run(self, process: Process, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - a process whose start fails ends; the next one starts.
            self.world.chaos.tell(f"{process.name} ends: {error!r}")
            process.kill()

    async def _watch_members(self) -> None:
        """The coordinator of the groups."""
        while True:
            await asyncio.sleep(0.5)
            now = asyncio.get_running_loop().time()
            for process in self.processes:
                if (process.dead or process.asleep) and now - process.heard_of_at > SESSION_S:
                    process.log.abandon()

    def any(self, kind: str) -> Slot | None:
        """Return a process that clients would reach: it may be asleep."""
        up = [slot for slot in self.slots if slot.kind == kind and slot.up and slot.runtime]
        return self.world.random.choice(up) if up else None

    async def stop(self, slot: Slot) -> None:
        """Tell a process to stop, and give it a while to do so in good order."""
        process, runtime = slot.process, slot.runtime
        if process is None or not slot.up:
            return
        self.world.chaos.tell(f"{process.name} stops")
        if runtime is not None:
            await asyncio.wait({asyncio.ensure_future(runtime.stop())}, timeout=3)
        process.kill()

    def halt(self) -> None:
        """Stop everything at once, and start nothing until `halted` is lifted."""
        self.halted = True
        for process in self.processes:
            process.kill()
            process.store.abandon()
            process.log.abandon()

    async def repair(self) -> None:
        """Give the log back what it lost, as the one-machine composition does before it starts."""
        for slot in self.slots:
            if slot.kind not in ("deals-api", "accounts-api") or not slot.name.endswith("-1"):
                continue
            process = Process(f"{slot.name}.repair", self.world.chaos)
            process.connect(slot.database, self.world.log)
            runtime = self._runtime(slot, process)
            await runtime.journal.prepare()
            await repair_log(runtime, list(self.world.stores.values()))
            for runner in runtime.runners.values():
                if runner.projection.published:
                    await publish_views_again(runtime.store, await runner.active())

    @property
    def ready(self) -> bool:
        return all(map(self._ready, self.slots))

    def _ready(self, slot: Slot) -> bool:
        if slot.kind == "measures":
            return slot.up
        return (
            slot.up
            and slot.runtime is not None
            and (slot.kind == "deals-fold" or slot.runtime.service.ready.is_set())
        )
