"""What must be true once the world is at rest, whatever happened before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from services.analytics.cells import AXES, Cell, Contributions
from services.analytics.kept_cells import changes_of, read
from services.analytics.measures import recompute
from services.analytics.tables import Tables
from shared.events import Envelope
from shared.events.issues import DeadlineMissed, DeadlineSet, FeedbackGiven, IssueAssigned
from shared.events.opportunities import OpportunityWon, ProductRepriced
from shared.events.touches import TouchRecorded
from shared.projection import Projection
from shared.projector import Collections
from shared.published import Build, Rev
from tests.simulation.clients import IMPORTER, LAST_PRICE
from tests.simulation.domains import knew
from tests.simulation.measures import ZONE

if TYPE_CHECKING:
    from tests.simulation.world import World

TOPICS = ("opportunities", "issues", "touches")


def broken(world: World) -> list[str]:
    """Return a sentence for everything that is not as it has to be."""
    found: list[str] = []
    for check in CHECKS:
        found += check(world)
    return found


def _order(world: World) -> Iterator[str]:
    """Versions come in order, no place is taken twice, and every decision knew its past."""
    for topic in TOPICS:
        streams: dict[str, list[Envelope]] = defaultdict(list)
        for fact in world.truth.facts(topic):
            streams[fact.stream].append(fact)
        for stream, facts in streams.items():
            versions = [fact.version for fact in facts]
            if versions != list(range(1, len(facts) + 1)) and topic != "touches":
                yield f"{stream} is in the log as {versions}"
            for earlier, later in pairwise(facts):
                if later.recorded_at < earlier.recorded_at:
                    yield f"{stream}@{later.version} was recorded before its predecessor"
            if topic != "touches" and not stream.startswith(("product-", "promise-")):
                for fact in facts:
                    if knew(fact.data) != fact.version - 1:
                        yield f"{stream}@{fact.version} was decided at {knew(fact.data)}"


def _journal(world: World) -> Iterator[str]:
    """The journal and the log hold the same facts."""
    for name in ("opportunities", "issues"):
        logged = {fact.id for fact in world.truth.facts(name)}
        journaled = {fact.id for fact in world.truth.journal(name)}
        for fact_id in sorted(logged - journaled):
            yield f"{name}: {fact_id} is in the log, not in the journal"
        for fact_id in sorted(journaled - logged):
            yield f"{name}: {fact_id} is in the journal, not in the log"


def _commands(world: World) -> Iterator[str]:
    """Accepted: all facts of it, once. Refused: none."""
    witness = world.clients.witness
    facts: dict[str, list[Envelope]] = defaultdict(list)
    for fact in world.truth.facts("opportunities"):
        if fact.actor != IMPORTER:
            facts[fact.actor].append(fact)
    for name, accepted in witness.accepted.items():
        if name not in facts and witness.kinds[name] and name not in world.lost:
            yield f"{name} was accepted as {accepted.stream}@{accepted.version} and is lost"
    for name in sorted(witness.refused - witness.accepted.keys()):
        if name in facts:
            yield f"{name} was refused and recorded"
    for name, recorded in facts.items():
        wanted = len(witness.kinds[name])
        if len(recorded) != wanted and not (name in world.lost and len(recorded) < wanted):
            yield f"{name} has {len(recorded)} facts instead of {wanted}"
        if len({fact.stream for fact in recorded}) > 1:
            yield f"{name} is on several streams"


def _rows(world: World) -> Iterator[str]:
    """Every fact of a row changes something, and what was imported last is what holds."""
    prices: dict[str, list[int]] = defaultdict(list)
    for fact in world.truth.facts("opportunities"):
        if isinstance(fact.data, ProductRepriced):
            prices[fact.stream].append(int(fact.data.price))
    for stream, told in prices.items():
        if any(earlier == later for earlier, later in pairwise(told)):
            yield f"{stream} was told the same twice: {told}"
        if told[-1] != LAST_PRICE:
            yield f"{stream} is {told[-1]} after the last import"


def _policies(world: World) -> Iterator[str]:
    """Every won deal is celebrated once, unless the other domain's rule refused."""
    reactions = Counter(
        fact.causation_id
        for fact in world.truth.facts("issues")
        if isinstance(fact.data, IssueAssigned)
    )
    for fact in world.truth.facts("opportunities"):
        if not isinstance(fact.data, OpportunityWon):
            continue
        wanted = 0 if fact.data.value % 4 == 3 else 1
        if reactions[fact.id] != wanted:
            yield f"{fact.stream}@{fact.version} was celebrated {reactions[fact.id]} times"


def _deadlines(world: World) -> Iterator[str]:
    """A deadline that passed is recorded as missed exactly once; one moved or met never is."""
    promises: dict[str, list[Envelope]] = defaultdict(list)
    for fact in world.truth.facts("issues"):
        if fact.stream.startswith("promise-"):
            promises[fact.stream].append(fact)
    for stream, facts in promises.items():
        in_order = sorted(facts, key=lambda fact: fact.version)
        for place, fact in enumerate(in_order):
            if isinstance(fact.data, DeadlineMissed):
                for why in _not_missed(fact.data, fact, in_order[:place]):
                    yield f"{stream}@{fact.version} was recorded as missed: {why}"
        held, met = _owed(in_order)
        if held is not None and not met and held.id not in _causes(in_order):
            yield f"{stream}@{held.version}: nobody recorded that this deadline was missed"


def _not_missed(missed: DeadlineMissed, fact: Envelope, before: list[Envelope]) -> Iterator[str]:
    held, met = _owed(before)
    if held is None or {missed.set_by, fact.causation_id} != {held.id}:
        yield "another deadline holds"
    if met:
        yield "it was met"
    if missed.set_by in _causes(before):
        yield "it was before"
    if fact.recorded_at < missed.answer_by:
        yield "it had not passed"


def _owed(facts: list[Envelope]) -> tuple[Envelope | None, bool]:
    """Return the fact that set the deadline that holds, and whether the customer was told."""
    held = [fact for fact in facts if isinstance(fact.data, DeadlineSet)]
    told = any(isinstance(fact.data, FeedbackGiven) for fact in facts)
    return (held[-1] if held else None), told


def _causes(facts: list[Envelope]) -> set[str | None]:
    return {fact.causation_id for fact in facts if isinstance(fact.data, DeadlineMissed)}


def _touches(world: World) -> Iterator[str]:
    """What was acknowledged is there; what was sent twice is there once."""
    witness = world.clients.witness
    found: Counter[str] = Counter()
    for fact in world.truth.facts("touches"):
        assert isinstance(fact.data, TouchRecorded)
        found[fact.data.publisher_id] += 1
    for name in sorted(witness.touched):
        if not found[name]:
            yield f"{name} was acknowledged and is lost"
    for name, count in found.items():
        if count > 1:
            yield f"{name} became {count} touches"


def _expected(world: World, projection: Projection[Any]) -> dict[str, Any]:
    """The meaning of a view: the fold of the log, each stream in order."""
    facts = [
        fact
        for topic in projection.topics
        for fact in world.truth.facts(topic)
        if projection.follows(fact.stream)
    ]
    return projection.replay(sorted(facts, key=lambda fact: fact.version))


def _views(world: World) -> Iterator[str]:
    for domain, projection, builds in world.truth.views():
        expected = _expected(world, projection)
        documents = world.stores[domain.name].documents(builds.active.collection)
        held = {
            key: projection.from_document(document["view"])
            for key, document in documents.items()
            if document["view"] is not None
        }
        for key in sorted(expected.keys() | held.keys()):
            if expected.get(key) != held.get(key):
                yield (
                    f"{builds.active.collection}: {key} is {held.get(key)}, not {expected.get(key)}"
                )


def _published(world: World) -> Iterator[str]:
    """The newest record of each key is the view, for those who compact and those who compare."""
    for domain, projection, builds in world.truth.views():
        if not projection.published:
            continue
        documents = world.stores[domain.name].documents(builds.active.collection)
        wanted = {k: d["view"] for k, d in documents.items() if d["view"] is not None}
        last: dict[str, Any] = {}
        highest: dict[str, tuple[Rev, Any]] = {}
        for record in world.log.records(f"views.{projection.name}"):
            key = (record.key or b"").decode()
            value = None if record.value is None else orjson.loads(record.value)
            rev = Rev.parse(dict(record.headers)["ce_rev"].decode())
            last[key] = value
            if key not in highest or rev >= highest[key][0]:
                highest[key] = (rev, value)
        yield from _compare(builds.active, "ends with", wanted, last)
        newest = {key: value for key, (_, value) in highest.items()}
        yield from _compare(builds.active, "has as its highest", wanted, newest)


def stored(world: World) -> dict[Cell, int]:
    """Return the figures as somebody reads them who has never read them before."""
    documents = world.stores["analytics"].documents(
        changes_of(world.truth.measures.active.collection)
    )
    return Tables().with_([read(document) for document in documents.values()]).cells(AXES)


def _measures(world: World) -> Iterator[str]:
    """Every figure is the sum of what the facts of the log contribute."""
    facts = [fact for topic in TOPICS for fact in world.truth.facts(topic)]
    _, expected = recompute(sorted(facts, key=lambda fact: fact.version), ZONE)
    for cell, held, wanted in _different(stored(world), expected):
        yield f"{cell} is {held}, not {wanted}"


def _leader(world: World) -> Iterator[str]:
    """Who followed every addition sees what somebody sees who reads all of them now."""
    for cell, seen, held in _different(world.leader.seen.cells(AXES), stored(world)):
        yield f"a leader sees {seen} of {cell}, not {held}"


def _different(some: Contributions, others: Contributions) -> Iterator[tuple[Cell, int, int]]:
    for cell in sorted(some.keys() | others.keys(), key=str):
        if some.get(cell, 0) != others.get(cell, 0):
            yield cell, some.get(cell, 0), others.get(cell, 0)


def _sends(world: World) -> Iterator[str]:
    """An outage of an hour must not leave thousands of copies of one fact in a queue."""
    for process in world.deployment.processes:
        if process.sends > 1:
            yield f"{process.name} had {process.sends} unfinished sends of one fact"


def unnoticed(world: World) -> list[str]:
    """Return the forks that nobody has noticed: two facts of one place, and no alarm."""
    found = []
    for name in ("opportunities", "issues"):
        places: dict[tuple[str, int], set[str]] = defaultdict(set)
        for fact in [*world.truth.facts(name), *world.truth.journal(name)]:
            places[fact.stream, fact.version].add(fact.id)
        parked = world.stores[name].documents(Collections("keeper_v1").parked).values()
        known = {document["stream"] for document in parked if "fork" in document["reason"]}
        found += [
            f"{stream}@{version} is forked and nobody knows"
            for (stream, version), ids in places.items()
            if len(ids) > 1 and stream not in known
        ]
    return found


def _subscribed(world: World) -> Iterator[str]:
    """Who subscribes to a view knows it as it is, however often the connection broke."""
    for domain, projection, builds in world.truth.views():
        documents = world.stores[domain.name].documents(builds.active.collection)
        wanted = {k: d["view"] for k, d in documents.items() if d["view"] is not None}
        for subscriber in world.clients.subscribers:
            if subscriber.view == projection.name:
                yield from _compare(builds.active, "is to its subscriber", wanted, subscriber.knows)


def _compare(build: Build, how: str, wanted: dict[str, Any], held: dict[str, Any]) -> Iterator[str]:
    for key in sorted(wanted.keys() | held.keys()):
        if held.get(key) != wanted.get(key):
            yield f"{build.name}: {key} {how} {held.get(key)}, not {wanted.get(key)}"


CHECKS = (
    _order,
    _journal,
    _commands,
    _rows,
    _policies,
    _deadlines,
    _touches,
    _views,
    _published,
    _subscribed,
    _measures,
    _leader,
    _sends,
)
