"""What has to happen after somebody was erased, whatever died meanwhile.

The fact is written before the key is destroyed, so a key can be left over, and one can come back
with a backup: what the facts say is done again. What finds people by words is built anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from shared import builds
from shared.events import timestamp
from shared.keyring import FRESH_S, SKEW, KeyRing
from shared.personal import is_sealed, personal_fields
from shared.projection import Projection
from shared.store import StoreError, WriteConflictError

if TYPE_CHECKING:
    from shared.runtime import Runtime

# Up to when each projection that opens has been built anew after erasures.
FORGOTTEN = "forgotten"
LOOK_S = 1.0
# So often all that was ever erased is compared with the keys.
COMPARE_S = 600.0
PAGE = 200

log = structlog.get_logger()


@dataclass(slots=True)
class Forgetting:
    """Follows the erasures of one domain's process, until cancelled."""

    runtime: Runtime
    ring: KeyRing

    async def run(self) -> None:
        compared_at = float("-inf")
        while True:
            now = asyncio.get_running_loop().time()
            try:
                if now - compared_at >= COMPARE_S:
                    await self.destroy()
                    compared_at = now
                await self.build_anew()
            except StoreError as error:
                log.warning("forgetting_postponed", reason=str(error))
            await asyncio.sleep(LOOK_S)

    async def destroy(self) -> int:
        """Destroy the keys that the facts say are destroyed; return how many were there still."""
        erasures = self.runtime.domain.erasures
        if erasures is None:
            return 0
        reader, after, found = self.runtime.reader(erasures), None, 0
        while True:
            part = await reader.page({}, limit=PAGE, after=after)
            erased = [item.value for item in part.items]
            people = [whose for one in erased for whose in (one.person, *one.entries)]
            left = set(people) - (await self.ring.gone(people)).keys()
            for person in sorted(left):
                log.warning("key_destroyed_late", person=person)
                await self.ring.erase(person)
            found += len(left)
            if part.next_key is None:
                return found
            after = part.next_key

    async def build_anew(self) -> None:
        """Begin anew what opens, where somebody was erased since it was begun the last time."""
        for projection in self.runtime.domain.projections:
            if projection.opens:
                await self._build_anew(projection)

    async def _build_anew(self, projection: Projection[Any]) -> None:
        store = self.runtime.store
        held = await store.get(FORGOTTEN, projection.name) or {"upto": "", "handled": []}
        # Clocks differ a little: what was erased about then is asked for again.
        since = _before(held["upto"])
        # Nobody folds with the key any more that was destroyed before this.
        settled = timestamp(self.runtime.clock.now() - timedelta(seconds=2 * FRESH_S))
        erased = [one for one in await self.ring.erased(since) if one.erased_at <= settled]
        if not {one.whose for one in erased} - {*held["handled"]}:
            return
        upto = max(one.erased_at for one in erased)
        near = [one.whose for one in erased if one.erased_at > _before(upto)]
        try:
            async with store.transaction() as tx:
                now = await tx.get(FORGOTTEN, projection.name) or {"upto": "", "handled": []}
                if now["upto"] != held["upto"] or not await builds.anew(projection, tx):
                    return  # Another process was first, or a build is on its way: after it.
                state = {"_id": projection.name, "upto": upto, "handled": near}
                await tx.put_many(FORGOTTEN, [state])
        except WriteConflictError:
            return
        log.info("built_anew_without_erased", projection=projection.name, people=len(erased))


def _before(instant: str) -> str:
    return timestamp(datetime.fromisoformat(instant) - SKEW) if instant else ""


async def in_the_clear(runtime: Runtime, stream: str) -> tuple[int, int]:
    """Return how many facts there are of a stream, and how many hold words that nobody sealed."""
    facts = (await runtime.journal.histories(runtime.store, [stream]))[stream]
    clear = sum(any(not is_sealed(word) for word in _words(fact.data)) for fact in facts)
    return len(facts), clear


def _words(event: Any) -> Collection[str]:
    said = (getattr(event, name) for name in personal_fields(type(event)))
    return [word for word in said if isinstance(word, str) and word]
