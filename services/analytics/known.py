"""The figures as they were known at an instant: folded anew from what the log held by then (C-06).

Live figures know every fact, by when it happened. Here a fact counts only if it had been recorded
by the instant asked about, so a report of that day comes out as it was read on that day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.analytics.cells import Cell
from services.analytics.entities import Entity
from services.analytics.measures import STREAMS, TOPICS, recompute
from services.analytics.sink import MEASURES
from shared.known import Known, folded_once
from shared.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Measured:
    """Entities and cells of the facts known, and which facts of the log were looked at."""

    entities: dict[str, Entity]
    cells: dict[Cell, int]
    positions: dict[str, int]
    # Of each stream, how many have been folded by now and were recorded later than that instant.
    later: Mapping[str, int]
    collection: str


async def known_measures(runtime: Runtime, known_at: datetime) -> Measured:
    """Fold the measures over what was known; some seconds for a million facts."""

    async def fold(known: Known) -> tuple[dict[str, Entity], dict[Cell, int]]:
        told = known.facts(TOPICS)
        facts = [fact async for fact in told if fact.stream.partition("-")[0] in STREAMS]
        # Nobody else has to wait for it.
        return await asyncio.to_thread(recompute, facts, runtime.settings.zone)

    collection, known, came_to = await folded_once(runtime, MEASURES, TOPICS, known_at, fold)
    # Whoever asks next goes on with what is later.
    return Measured(*came_to, known.held.cursors, dict(known.later), collection)
