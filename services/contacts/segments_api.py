"""HTTP for segments: a POST records, a GET reads who belongs to one today (C-16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request, Response

from services.contacts.consents import history_of, lacking
from services.contacts.erasing import person_consents
from services.contacts.person_views import PersonCard, person_card
from services.contacts.reads import (
    Contacts,
    all_of,
    defaults_of,
    statements_of,
    with_survivors,
)
from services.contacts.segments import (
    DropSegment,
    History,
    SaveSegment,
    SegmentCard,
    SegmentUnknownError,
    asks_for_touches,
    belongs,
    narrowed,
    segment_card,
)
from services.contacts.statement_views import all_statements
from services.contacts.timelines import timeline
from shared.events.touches import Channel
from shared.reading import Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    seen,
)
from shared.web.router import Router

router = Router(tags=["contacts"])


@router.post("/contacts/segments/{segment}/save", status_code=202)
async def save_segment(
    segment: StreamId,
    command: SaveSegment,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Save who belongs to it: what is left out does not matter."""
    return await record(runtime, f"segment-{segment}", command, meta, response)


@router.post("/contacts/segments/{segment}/drop", status_code=202)
async def drop_segment(
    segment: StreamId,
    command: DropSegment,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Nobody needs it any more."""
    return await record(runtime, f"segment-{segment}", command, meta, response)


@router.get("/contacts/segments/{segment}")
async def get_segment(
    segment: StreamId, runtime: Contacts, at_least: AtLeast, request: Request, response: Response
) -> SegmentCard:
    found = await runtime.reader(segment_card).get(f"segment-{segment}", at_least)
    card: SegmentCard = seen(found, "segment", request, response)
    return card


@router.get("/contacts/segments")
async def list_segments(
    runtime: Contacts, wanted: PageWanted, at_least: AtLeast, owner: EmployeeStream | None = None
) -> dict[str, Any]:
    return await page(runtime.reader(segment_card), {"owner": owner}, wanted, at_least)


@router.get("/contacts/segments/{segment}/people")
async def list_segment_people(
    segment: StreamId,
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    promote_on: Channel | None = None,
) -> dict[str, Any]:
    """Who belongs to it today. A page looks at `limit` people; the cursor goes on after them.

    `promote_on`: of these, whom a promotion may be sent on this channel; who withdrew their consent
    is left out, and where a promotion takes consent, who never gave it.
    """
    saved = await runtime.reader(segment_card).get(f"segment-{segment}", at_least)
    if saved is None:
        raise SegmentUnknownError
    found = await page(runtime.reader(person_card), narrowed(saved.value), wanted, at_least)
    # An entry that is part of another brings the whole person, who may be named on two pages.
    cards = await with_survivors(runtime, found["items"], at_least)
    today = runtime.today
    people = await _histories(runtime, saved.value, cards, at_least)
    items = [person.card for person in people if belongs(saved.value, person, today)]
    if promote_on is not None:
        items = [card for card in items if await _agrees(runtime, card, promote_on, at_least)]
    return found | {"items": items}


async def _agrees(
    runtime: Runtime, card: PersonCard, channel: Channel, at_least: Token | None
) -> bool:
    reader = runtime.reader(person_consents)
    views = [await reader.get(entry, at_least) for entry in (card.person, *card.identities)]
    history = history_of(view.value for view in views if view is not None)
    return lacking(history, channel, runtime.today, defaults_of(runtime)) is None


async def _histories(
    runtime: Runtime, segment: SegmentCard, cards: Sequence[PersonCard], at_least: Token | None
) -> list[History]:
    zone, found = runtime.settings.zone, []
    for card in cards:
        entered = [card.person, *card.identities]
        told = [one.value for one in await statements_of(runtime, entered, at_least)]
        months = []
        if asks_for_touches(segment):
            where = {"person": {"$in": entered}}
            months = await all_of(runtime.reader(timeline), where, at_least)
        touches = tuple(
            (touch.occurred_at.astimezone(zone).date(), touch.about)
            for month in months
            for touch in month.touches
        )
        found.append(History(card, all_statements(told, card.person), touches))
    return found
