"""HTTP for duplicates: which entries may be one person, and whom a new entry may be (C-02)."""

from __future__ import annotations

import asyncio
from itertools import combinations
from typing import Annotated, Any

from fastapi import Query

from services.contacts.duplicates import Candidate, candidates, duplicate_block, pairs
from services.contacts.matching import Known, blocks, likeness
from services.contacts.person_views import known, person_card
from services.contacts.reads import Contacts, cards_of, defaults_of
from shared.exports import note_columns
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import AtLeast, PageWanted, page
from shared.web.router import Router

router = Router(tags=["contacts"])
Score = Annotated[float | None, Query(ge=0, le=1)]
# Of one company so many people are compared with one another.
COLLEAGUES_MAX = 200


def least_score(runtime: Runtime, asked: float | None) -> float:
    return defaults_of(runtime).duplicate_score if asked is None else asked


@router.get("/contacts/duplicates")
async def list_duplicates(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    score: Score = None,
    company: str | None = None,
) -> dict[str, Any]:
    """Pairs of entries that may be one person, with the reasons; the surest of a page first.

    Of a company: its people, each compared with each. A pair is named by every page that has a
    word of both; merged entries and those that somebody told apart are not named any more.
    """
    if company is not None:
        reader = runtime.reader(person_card)
        there = await reader.page(
            {"companies": company},
            limit=COLLEAGUES_MAX,
            at_least=at_least,
        )
        cards = {one.value.person: one.value for one in there.items}
        compared = list(combinations(sorted(cards), 2))
        found: dict[str, Any] = {"next_cursor": None, "parked": list(there.parked)}
    else:
        found = await page(runtime.reader(duplicate_block), {"shared": True}, wanted, at_least)
        compared = list(pairs(found["items"]))
        cards = await cards_of(runtime, {one for pair in compared for one in pair}, at_least)
    note_columns(Candidate)
    # Thousands of pairs take a second: other requests do not wait for them.
    items: list[Candidate] = await asyncio.to_thread(
        candidates, compared, cards, least_score(runtime, score)
    )
    return found | {"items": items}


@router.get("/contacts/duplicates/of")
async def duplicates_of(
    runtime: Contacts,
    at_least: AtLeast,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    company: str | None = None,
    score: Score = None,
) -> dict[str, Any]:
    """Who of our book somebody may be who is about to be entered, the surest first."""
    told = Known(*((one,) if one else () for one in (name, email, phone, company)))
    return {"items": await like_these(runtime, told, least_score(runtime, score), at_least)}


async def like_these(
    runtime: Runtime, told: Known, least: float, at_least: Token | None
) -> list[dict[str, Any]]:
    """Return whom of our book this may be, the surest first."""
    reader = runtime.reader(duplicate_block)
    people: set[str] = set()
    words = blocks(*(next(iter(one), None) for one in (told.names, told.emails, told.phones)))
    blind = await runtime.seals.blinder()
    for word in words:
        block = await reader.get(blind(word), at_least)
        people |= set(block.value.people if block is not None else ())
    found = [
        {"person": card.merged_into or card.person, "name": card.name}
        | {"score": like.score, "reasons": like.reasons}
        for card in (await cards_of(runtime, people, at_least)).values()
        if (like := likeness(told, known(card))).score >= least
    ]
    return sorted(found, key=lambda one: (-one["score"], one["person"]))
