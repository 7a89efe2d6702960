"""Those who subscribe to published views: they come, go, and come back with their place."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.changes import Changes, Place
from shared.log import LogUnavailableError
from shared.published import Rev, topic_of
from shared.store import TransientStoreError
from shared.tail import Tail
from tests.simulation.process import Slot

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass(slots=True)
class Subscriber:
    """One client of one view. Of two events for a key the one with the greater `rev` holds."""

    world: World
    view: str
    last_id: str | None = None
    resets: int = 0
    held: dict[str, tuple[Rev, Any]] = field(default_factory=dict)

    async def come_and_go(self) -> None:
        while not self.world.chaos.spent:
            await self.follow(2.0 * self.world.random.random())
            await asyncio.sleep(self.world.random.random())

    async def follow(self, for_s: float) -> None:
        """Stay connected to some process for a while, whatever becomes of it."""
        slot = self.world.deployment.any("deals-api")
        if slot is None:
            await asyncio.sleep(0.1)
            return
        try:
            async with asyncio.timeout(for_s):
                await self._listen(slot)
        except (TimeoutError, TransientStoreError, LogUnavailableError):
            return  # The connection is gone; what was heard is kept.

    async def _listen(self, slot: Slot) -> None:
        assert slot.runtime is not None
        runtime = slot.runtime
        projection = runtime.runners[self.view].projection
        tail = Tail(runtime.log, topic_of(projection))
        changes = Changes(projection, runtime, tail, runtime.clock)
        place = Place.decode(self.view, self.last_id) if self.last_id else None
        async with aclosing(changes.stream(place)) as events:
            async for event in events:
                if event.event == "reset":
                    self.resets += 1
                    self.held.clear()
                elif event.event == "view":
                    self._heard(event.data)
                if event.id is not None:
                    self.last_id = event.id

    def _heard(self, told: Any) -> None:
        rev = Rev.parse(told["rev"])
        if told["key"] not in self.held or rev >= self.held[told["key"]][0]:
            self.held[told["key"]] = (rev, told["view"])

    @property
    def knows(self) -> dict[str, Any]:
        return {key: view for key, (_, view) in self.held.items() if view is not None}
