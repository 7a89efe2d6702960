"""The great events, of which at most one happens in a world, and the small ones that always do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.analytics.sink import MEASURES
from shared.builds import begin
from shared.log import LogUnavailableError
from shared.runtime import Runtime
from shared.store import TransientStoreError
from shared.verify import verify_domain
from tests.simulation.process import Slot

if TYPE_CHECKING:
    from tests.simulation.world import World

# "careless" and "fail-over" break a rule of operation, "late views" overdoes one fault: only when
# asked for.
EVENTS = ("none", "none", "restore", "deploy", "rebuild", "folds stop", "forget")
UNPARKED = ("deals-fold", "accounts-fold", "insight")
VERIFIED = ("deals-api", "accounts-api", "insight")


@dataclass(frozen=True, slots=True)
class Events:
    """What happens to one world."""

    world: World

    def let_rage(self) -> None:
        world, chaos = self.world, self.world.chaos
        gap = 1 / chaos.harshness
        for mean_s, happens in (
            (1.5 * gap, self._kill),
            (1.5 * gap, self._fall_asleep),
            (1.5, self._wake_one),
            (3.0 * gap, self._leave),
            (3.0 * gap, self._broker_goes_down),
            (2.0 * gap, world.log.rebalance),
            (0.3, lambda: chaos.land_some(world.log, 0.3)),
            (2.0, self._release_turns),
            (1.0, self.unpark_all),
            (2.0, self.verify),
        ):
            world.spawn(chaos.every(mean_s, happens))
        world.spawn(self._great_event())

    def _someone(self) -> Slot | None:
        up = [slot for slot in self.world.deployment.slots if slot.up]
        return self.world.random.choice(up) if up else None

    def _kill(self) -> None:
        slot = self._someone()
        if slot is not None and slot.process is not None:
            self.world.chaos.tell(f"{slot.process.name} is killed")
            self.world.chaos.crashes += 1
            slot.process.kill()

    def _fall_asleep(self) -> None:
        """A zombie: it is replaced or not, and wakes up later."""
        slot = self._someone()
        if slot is None or slot.process is None:
            return
        slot.process.pause()
        replaced = self.world.random.random() < 0.6
        self.world.chaos.tell(f"{slot.process.name} falls asleep{', replaced' * replaced}")
        if replaced:
            slot.process.gone.set()

    def _wake_one(self) -> None:
        asleep = [process for process in self.world.deployment.processes if process.asleep]
        if asleep:
            process = self.world.random.choice(asleep)
            self.world.chaos.tell(f"{process.name} wakes up")
            process.wake()

    async def _leave(self) -> None:
        slot = self._someone()
        if slot is not None:
            await self.world.deployment.stop(slot)

    async def _broker_goes_down(self) -> None:
        world = self.world
        world.log.go(down=True)
        world.chaos.tell("the broker goes down")
        await asyncio.sleep(world.random.choice((0.2, 0.5, 2.0)))
        world.log.go(down=False)
        world.chaos.tell("the broker is up again")

    def _release_turns(self) -> None:
        self.world.release.bad = not self.world.release.bad

    async def unpark_all(self) -> None:
        """An operator tries parked streams again."""
        slot = self.world.deployment.any(self.world.random.choice(UNPARKED))
        if slot is not None and slot.runtime is not None and not self.world.release.bad:
            self.world.spawn(self._unpark(slot.runtime))

    async def _unpark(self, runtime: Runtime) -> None:
        try:
            for collection, held in (await runtime.parked()).items():
                for stream in sorted({parked["stream"] for parked in held}):
                    await runtime.projector_of(collection).unpark(stream)
        except Exception as error:  # noqa: BLE001 - the operator sees it and tries again.
            self.world.chaos.tell(f"un-parking failed: {error!r}")

    async def verify(self) -> None:
        """Somebody asks whether all is equal, in the middle of it: what is under way is no lie."""
        world, slot = self.world, self.world.deployment.any(self.world.random.choice(VERIFIED))
        if slot is not None and slot.runtime is not None and not world.embedded:
            world.spawn(self._verify(slot.runtime))

    async def _verify(self, runtime: Runtime) -> None:
        try:
            async for check in verify_domain(runtime):
                self.world.clients.witness.wrong += [
                    f"verify {check.name}: {difference}" for difference in check.differences
                ]
        except (TransientStoreError, LogUnavailableError) as error:
            self.world.chaos.tell(f"not verified: {error}")

    async def _great_event(self) -> None:
        world = self.world
        await asyncio.sleep(min(world.plan.rage_s, 8.0) * world.random.uniform(0.2, 0.4))
        match world.plan.event:
            case "restore":
                await self._restore(careless=False)
            case "careless":
                await self._restore(careless=True)
            case "deploy":
                await self._deploy()
            case "rebuild":
                await self._rebuild()
            case "folds stop":
                self._stop_folding()
            case "forget":
                await self._forget()
            case "fail-over":
                await self._fail_over()

    async def _restore(self, *, careless: bool) -> None:
        """An old backup comes back. In good order: with all stopped and nothing under way."""
        world = self.world
        databases = [name for name in world.stores if name != "analytics"]
        names = world.random.choice((["opportunities"], ["issues"], databases))
        backups = {name: world.stores[name].point() for name in names}
        await asyncio.sleep(min(world.plan.rage_s, 8.0) * world.random.uniform(0.1, 0.4))
        if careless:  # Much is under way that the backup does not know, and nobody waits for it.
            world.chaos.holding = True
            world.log.go(down=True)
            await asyncio.sleep(1.0)
            world.log.go(down=False)
        world.deployment.halt()
        if not careless:
            world.chaos.land_some(world.log, 0.5)
            world.log.forget_late()
        self._mourn(names)
        for name, backup in backups.items():
            world.stores[name].restore(backup)
        world.restored += 1
        world.chaos.tell(f"an old backup of {', '.join(names)} comes back")
        world.deployment.halted = False

    def _mourn(self, names: list[str]) -> None:
        """A restore loses decisions that no log had yet, whole or in part. Nothing else."""
        world = self.world
        for name in names:
            logged = {fact.id for fact in world.truth.facts(name)}
            facts = world.truth.journal(name)
            world.lost |= {fact.actor for fact in facts if fact.id not in logged}

    async def _fail_over(self) -> None:
        """A store that acknowledged before its majority had it loses what it wrote last."""
        world = self.world
        while world.chaos.raging:
            backup = world.stores["opportunities"].point()
            await asyncio.sleep(0.3)
            if world.random.random() < 0.2:
                world.stores["opportunities"].restore(backup)

    async def _forget(self) -> None:
        """The embedded broker is killed and loses its last records; then all is repaired."""
        world = self.world
        world.deployment.halt()
        world.chaos.land_some(world.log, 0.5)
        world.log.forget_late()
        for topic in ("opportunities", "issues", "touches", "views.deal", "views.account"):
            for number, end in enumerate(world.log.sizes(topic)):
                world.log.truncate(topic, number, max(0, end - world.random.randint(0, 6)))
        world.deployment.deliverer.committed.clear()
        world.chaos.tell("the broker has forgotten its last records")
        world.chaos.raging = False
        world.log.go(down=False)
        await world.deployment.repair()
        world.chaos.raging = not world.chaos.spent
        world.deployment.halted = False

    async def _deploy(self) -> None:
        world = self.world
        world.release.version = 2
        world.chaos.tell("release 2 is deployed")
        for slot in world.random.sample(world.deployment.slots, len(world.deployment.slots)):
            await world.deployment.stop(slot)
            await asyncio.sleep(world.random.random())

    async def _rebuild(self) -> None:
        world = self.world
        name = world.random.choice(("deal", "account", "issue_card", "measures"))
        kind = "accounts-fold" if name == "issue_card" else "deals-fold"
        slot = world.deployment.any(kind)
        if slot is not None and slot.runtime is not None:
            world.chaos.tell(f"{slot.name} rebuilds {name}")
            if name == "measures":
                await world.clients.call(begin(world.stores["analytics"], MEASURES))
            else:
                runtime = slot.runtime
                projection = runtime.runner(name).projection
                await world.clients.call(begin(runtime.store, projection))

    def _stop_folding(self) -> None:
        deployment = self.world.deployment
        deployment.stopped_kind = "deals-fold"
        self.world.chaos.tell("the owner's folding stops")
        for slot in deployment.slots:
            if slot.kind == "deals-fold" and slot.process is not None:
                slot.process.kill()
