"""HTTP for promotions: marketing asks before it sends, says what it plans, sees what came again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Response

from services.contacts.consents import history_of, lacking
from services.contacts.erasing import Consent, person_consents
from services.contacts.promotions import (
    MayPromote,
    PlanPromotion,
    Promotion,
    all_promotions,
    may_promote,
    person_promotions,
    repeated,
    samenesses,
)
from services.contacts.reads import Contacts, defaults_of, entries
from shared.errors import InvalidError
from shared.events.touches import Channel
from shared.reading import Token
from shared.references import PersonStream
from shared.runtime import Runtime
from shared.web import AtLeast, CommandMeta, Recorded, StreamId, record
from shared.web.router import Router

router = Router(tags=["contacts"])
PEOPLE_MAX = 200
Named = Annotated[str | None, Query(min_length=1, max_length=200)]


@router.post("/contacts/people/{person}/plan-promotion", status_code=202)
async def plan_promotion(
    person: StreamId,
    command: PlanPromotion,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """That the person gets a promotion; inside the window again: refused, or marked (C-14)."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.get("/contacts/may-promote")
async def get_may_promote(
    runtime: Contacts,
    at_least: AtLeast,
    person: Annotated[list[PersonStream], Query(min_length=1, max_length=PEOPLE_MAX)],
    channel: Channel,
    campaign: Named = None,
    words: Named = None,
) -> dict[str, list[MayPromote]]:
    """Whether each of these people got the same, or is about to, as any of their entries (C-14).

    And whether they agree to it: who does not may not, whatever they got.
    """
    if campaign is None and words is None:
        raise InvalidError(
            "which promotion? Tell its campaign or its words", field="query/campaign"
        )
    same = samenesses(channel, campaign, words)
    rules, asked = defaults_of(runtime), []
    for name in dict.fromkeys(person):
        parts = await _parts(runtime, name, at_least)
        history = await _consents(runtime, parts, at_least)
        asked.append(
            may_promote(
                name,
                await _promotions(runtime, parts, at_least),
                same,
                window=rules.promotion_window_days,
                today=runtime.today,
                no_consent=lacking(history, channel, runtime.today, rules),
            )
        )
    return {"people": asked}


@router.get("/contacts/people/{person}/promotions")
async def get_promotions(person: StreamId, runtime: Contacts, at_least: AtLeast) -> dict[str, Any]:
    """What the person got, each with the day of the same one shortly before, and what is planned.

    Of one that came again too soon `repeats` is that day; of one to which they had not agreed
    `no_consent` says so (C-14).
    """
    name, rules = f"person-{person}", defaults_of(runtime)
    parts = await _parts(runtime, name, at_least)
    found = await _promotions(runtime, parts, at_least)
    history = await _consents(runtime, parts, at_least)
    got = repeated(found, rules.promotion_window_days)
    return {
        "person": name,
        "sent": [
            asdict(one)
            | {"repeats": before, "no_consent": lacking(history, one.channel, one.since, rules)}
            for one, before in got
        ],
        "planned": [one for one in found if not one.sent],
    }


async def _parts(runtime: Runtime, person: str, at_least: Token | None) -> list[str]:
    return [one.value.person for one in await entries(runtime, person, at_least)] or [person]


async def _promotions(
    runtime: Runtime, parts: Sequence[str], at_least: Token | None
) -> tuple[Promotion, ...]:
    reader = runtime.reader(person_promotions)
    views = [await reader.get(part, at_least) for part in parts]
    return all_promotions([view.value for view in views if view is not None])


async def _consents(
    runtime: Runtime, parts: Sequence[str], at_least: Token | None
) -> tuple[Consent, ...]:
    reader = runtime.reader(person_consents)
    views = [await reader.get(part, at_least) for part in parts]
    return history_of(view.value for view in views if view is not None)
