"""What is, seen by nobody inside: straight from the store and the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.analytics.measures import VERSION
from shared.builds import BUILDS, Builds
from shared.events import Envelope, decode
from shared.events.opportunities import OpportunityCorrected, OpportunityLost
from shared.journal import JOURNAL, OUTBOX
from shared.log import Partition
from shared.projection import Projection
from shared.projector import Collections, cursor_id
from shared.published import Build
from shared.service import Domain

if TYPE_CHECKING:
    from tests.simulation.world import World

FACTS = ("opportunities", "issues", "touches")


@dataclass(frozen=True, slots=True)
class Truth:
    """One world as it is."""

    world: World

    def facts(self, topic: str) -> list[Envelope]:
        """Return the facts of a topic, each once, in the order of the log."""
        seen: dict[str, Envelope] = {}
        for record in self.world.log.records(topic):
            fact = decode(record.value)
            seen.setdefault(fact.id, fact)
        return list(seen.values())

    def journal(self, name: str) -> list[Envelope]:
        """Return what a domain has journaled of its own topic."""
        documents = self.world.stores[name].documents(JOURNAL).values()
        return [decode(document["fact"]) for document in documents if document["topic"] == name]

    def kept(self, command: str, projection: str) -> set[str]:
        """Return the ids of a command's facts that a projection keeps."""
        deal = projection == "deal"
        dropped = (OpportunityLost,) if deal else (OpportunityLost, OpportunityCorrected)
        return {
            fact.id
            for fact in self.journal("opportunities")
            if fact.actor == command and not isinstance(fact.data, dropped)
        }

    def erased_since(self, stream: str, command: str, projection: str) -> bool:
        facts = [fact for fact in self.journal("opportunities") if fact.stream == stream]
        first = min((f.version for f in facts if f.actor == command), default=0)
        return projection == "deal" and any(
            isinstance(f.data, OpportunityLost) and f.version >= first for f in facts
        )

    def views(self) -> Iterator[tuple[Domain, Projection[Any], Builds]]:
        domains = self.world.domains()
        for domain in (domains.deals, domains.accounts, domains.insight):
            held = self.world.stores[domain.name].documents(BUILDS)
            for projection in domain.projections:
                yield domain, projection, Builds.of(held[projection.name])

    def deadlines(self, build: Build) -> Iterator[str]:
        """Yield the promises that are still due: each of them passes before long."""
        for document in self.world.stores["issues"].documents(build.collection).values():
            if document["view"]["due_at"] is not None:
                yield f"{document['_id']} is due"

    @property
    def measures(self) -> Builds:
        held = self.world.stores["analytics"].documents(BUILDS)
        return Builds.of(held["measures"]) if held else Builds(Build("measures", VERSION))

    def unsettled(self) -> list[str]:
        """Say what still has to happen before the world is at rest."""
        world = self.world
        left = [f"{name}: outbox" for name, s in world.stores.items() if s.documents(OUTBOX)]
        left += ["records under way"] if world.log.late else []
        left += [] if world.deployment.ready else ["not ready"]
        left += ["measures are rebuilt"] if self.measures.coming else []
        sinks = [
            ("opportunities", "keeper_v1", ("opportunities",)),
            ("issues", "keeper_v1", ("issues",)),
            ("issues", "policy_celebrate_v1", ("opportunities",)),
            ("analytics", self.measures.active.collection, ("opportunities", "touches", "issues")),
        ]
        for domain, projection, builds in self.views():
            sinks.append((domain.name, builds.active.collection, projection.topics))
            if builds.coming or builds.active.version != world.release.version:
                left.append(f"{builds}")
            if projection.published:
                left += self._unpublished(domain.name, projection, builds.active)
            if domain.timers:
                left += self.deadlines(builds.active)
        for name, collection, topics in sinks:
            left += self._behind(name, Collections(collection).cursors, topics)
            if world.stores[name].documents(Collections(collection).parked):
                left.append(f"{collection}: parked")
        return left

    def _unpublished(self, name: str, projection: Projection[Any], build: Build) -> Iterator[str]:
        if self.world.stores[name].documents(Collections(build.collection).dirty):
            yield f"{build.collection}: dirty"
        yield from self._behind(name, f"{projection.name}.readback", (f"views.{projection.name}",))

    def _behind(self, name: str, cursors: str, topics: tuple[str, ...]) -> Iterator[str]:
        held = self.world.stores[name].documents(cursors)
        for topic in topics:
            for number, end in enumerate(self.world.log.sizes(topic)):
                at = held.get(cursor_id(Partition(topic, number)), {}).get("offset", 0)
                if at < end:
                    yield f"{name}/{cursors}: {topic}/{number} at {at} of {end}"
