"""Reads the talks that targets were helped by (O-07), as they are or as they were known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from typing import Any

from services.analytics.api import Moment
from services.analytics.coaching import Coached, coaching, known_by
from services.analytics.figures import Figures
from services.analytics.projections import Target
from shared.known import views_at
from shared.runtime import Runtime


async def read_talks(
    runtime: Runtime, wanted: Iterable[Target], day: date, moment: Moment, figures: Figures
) -> list[Coached]:
    """Return the talks in the periods of all these targets, with the deals they were about.

    `figures` are open: what they know of the deals is read of them.
    """
    begins = [one.period_from for one in wanted if one.period_from is not None]
    if not begins:
        return []
    if moment.known_at is not None:
        found = await views_at(runtime, coaching, moment.known_at)
    else:
        own = moment.at_least
        told = own if own is not None and coaching.follows(own.stream) else None
        days: dict[str, Any] = {"day": {"$gte": min(begins).isoformat(), "$lte": day.isoformat()}}
        found = [one async for one in runtime.reader(coaching).every(days, told)]
    about = {one.about for one in found}
    deals = await figures.opportunities(about)
    return await asyncio.to_thread(known_by, found, deals, day)
