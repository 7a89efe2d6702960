"""Recorded facts for tests, and the property every projection has: only the facts count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shared.clock import derived_id
from shared.events import Envelope, Event, decode, encode
from shared.projection import Projection

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def recorded(
    *events: Event,
    stream: str,
    after: int = 0,
    occurred_at: datetime | Sequence[datetime] = BEGIN,
    recorded_at: datetime | None = None,
    actor: str = "tester",
    source: str = "/tests",
    depth: int = 0,
) -> list[Envelope]:
    """Put events of one stream into envelopes, from version `after` + 1 on.

    `occurred_at` is the first one's instant, a minute apart from there on, or one for each.
    Each goes through bytes, as on the log: what cannot survive that fails here.
    """
    instants = (
        [occurred_at + timedelta(minutes=place) for place in range(len(events))]
        if isinstance(occurred_at, datetime)
        else list(occurred_at)
    )
    facts = [
        Envelope(
            id=derived_id(stream, str(version)),
            source=source,
            stream=stream,
            version=version,
            occurred_at=at,
            recorded_at=recorded_at or at,
            actor=actor,
            correlation_id=derived_id("correlation", stream, str(version)),
            depth=depth,
            data=event,
        )
        for version, (event, at) in enumerate(zip(events, instants, strict=True), start=after + 1)
    ]
    return [decode(encode(fact)) for fact in facts]


def interleaved(histories: Sequence[Sequence[Envelope]], random: Random) -> list[Envelope]:
    """One order in which the streams may arrive: any, but each stream in its own order."""
    turns = [place for place, history in enumerate(histories) for _ in history]
    random.shuffle(turns)
    upcoming = [iter(history) for history in histories]
    return [next(upcoming[place]) for place in turns]


def check_projection(
    projection: Projection[Any], histories: Sequence[Sequence[Envelope]], *, seed: int = 0
) -> dict[str, Any]:
    """Assert live = replayed = redelivered = any interleaving of the streams; return the views.

    `histories` holds one list of facts for each stream. Live means: from documents as the store
    gives them back, fact by fact.
    """
    random = Random(seed)
    expected = projection.replay(fact for history in histories for fact in history)
    for _ in range(4):
        order = interleaved(histories, random)
        assert projection.replay(order) == expected, _explain(projection, "replayed", order)
        assert _live(projection, order) == expected, _explain(projection, "live", order)
        again = _redelivered(order, random)
        assert _live(projection, again) == expected, _explain(projection, "redelivered", again)
    return expected


def _live(projection: Projection[Any], deliveries: Iterable[Envelope]) -> dict[str, Any]:
    documents: dict[str, dict[str, Any]] = {}
    heads: dict[str, int] = {}
    for fact in deliveries:
        if fact.version <= heads.get(fact.stream, 0):
            continue
        heads[fact.stream] = fact.version
        for key in projection.keys(fact):
            document = documents.get(key)
            held = None if document is None else projection.from_document(document)
            view = projection.apply(key, held, fact)
            if view is None:
                documents.pop(key, None)
            else:
                documents[key] = projection.to_document(view)
    return {key: projection.from_document(document) for key, document in documents.items()}


def _redelivered(order: Sequence[Envelope], random: Random) -> list[Envelope]:
    """Every now and then a consumer goes back and reads some of it again."""
    deliveries: list[Envelope] = []
    for place, fact in enumerate(order):
        deliveries.append(fact)
        if random.random() < 0.3:
            deliveries += order[random.randint(0, place) : place + 1]
    return deliveries


def _explain(projection: Projection[Any], how: str, order: Sequence[Envelope]) -> str:
    facts = " ".join(f"{fact.stream}@{fact.version}:{fact.wire}" for fact in order)
    return f"{projection.name}: {how} differs from a replay stream by stream, in the order {facts}"
