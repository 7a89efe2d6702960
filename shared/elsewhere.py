"""What other processes fold of a domain, for a process that only looks at it.

Where a stream is parked, how far a view is, what a replay would do: all of it is in the store.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from shared.projection import Projection
from shared.published import Build
from shared.runtime import Runtime
from shared.sinks import KeeperSink, PolicySink


@dataclass(slots=True)
class Watch:
    """Keeps a runtime that folds nothing aware of what is folded; `look` as often as you like."""

    runtime: Runtime
    _known: set[str] = field(default_factory=set)

    async def look(self) -> None:
        """Count what is folded now among the domain's progress and parked streams."""
        if not self._known:
            self._look_at_the_rest()
        wanted = {build.collection: (of, build) for of, build in await self._builds()}
        for collection in self._known - wanted.keys():
            self.runtime.forget(collection)
        for collection in wanted.keys() - self._known:
            self.runtime.view_projector(*wanted[collection])
        self._known = set(wanted)

    async def _builds(self) -> list[tuple[Projection[object], Build]]:
        found: list[tuple[Projection[object], Build]] = []
        since = asyncio.get_running_loop().time()
        for projection in self.runtime.domain.projections:
            stands, _ = await self.runtime.builds.of(projection, since)
            found += [(projection, b) for b in (stands.active, stands.coming) if b is not None]
        return found

    def _look_at_the_rest(self) -> None:
        """The journal's keeper, the policies and inboxes fold into the same place for ever."""
        runtime = self.runtime
        if runtime.decides:
            runtime.projector(KeeperSink(runtime.journal, (runtime.domain.name,)))
        for policy in runtime.domain.policies:
            sink = PolicySink(policy, runtime.service.decisions, runtime.publisher.announce)
            runtime.projector(sink)
        for inbox in runtime.domain.inboxes:
            runtime.inbox_projector(inbox)
