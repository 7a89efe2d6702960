"""The figures as they were known at an instant: folded anew from what the log held by then (C-06).

Live figures know every fact, by when it happened. Here a fact counts only if it had been recorded
by the instant asked about, so a report of that day comes out as it was read on that day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.analytics.measures import STREAMS, TOPICS, recompute
from services.analytics.packing import pack, unpack
from services.analytics.pieces import Pieces, pieces_of
from services.analytics.sink import MEASURES, entity_document
from services.analytics.tables import Tables
from shared.events import Envelope
from shared.known_then import Known, KnownThen
from shared.runtime import Runtime


class _Held(NamedTuple):
    """What facts come to, as little as it can be kept in."""

    pieces: Pieces
    tables: Tables
    size: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Entities and cells of the facts known, and which facts of the log were looked at."""

    pieces: Pieces
    tables: Tables
    positions: Mapping[str, int]
    # Of each stream, how many have been folded by now and were recorded later than that instant.
    later: Mapping[str, int]
    collection: str


async def known_measures(runtime: Runtime, known_at: datetime) -> Measured:
    """Return the measures of what was known; to fold it takes some seconds for a million facts."""

    async def folded(known: Known) -> tuple[_Held, int]:
        facts = [
            one async for one in known.facts(TOPICS) if one.stream.partition("-")[0] in STREAMS
        ]
        # Nobody else has to wait for it.
        held = await asyncio.to_thread(_held, facts, runtime.settings.zone)
        return held, held.size

    found = await KnownThen.of(runtime).at(known_at, MEASURES, TOPICS, folded)
    held, looked = found.value, found.looked
    return Measured(
        held.pieces, held.tables, looked.reached.cursors, looked.later, looked.collection
    )


def _held(facts: Sequence[Envelope], zone: ZoneInfo) -> _Held:
    entities, cells = recompute(facts, zone)
    states = {stream: entity_document(one)["state"] for stream, one in entities.items()}
    pieces, written = Pieces(tuple(pieces_of(states))), pack(cells)
    return _Held(pieces, Tables().with_([unpack(written)]), pieces.size + len(written))
