"""HTTP for attention: touch rates before and after, who came and who went."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import Query

from services.contacts.attention import (
    Turn,
    cadence,
    compared,
    opportunity_turns,
    turns_of,
)
from services.contacts.company_views import company_people, moves
from services.contacts.person_views import PersonCard, joined, person_card
from services.contacts.reads import (
    Contacts,
    all_of,
    cards_of,
    days_of,
    defaults_of,
    entries,
    with_survivors,
)
from shared.errors import NotFoundError
from shared.reading import Token
from shared.references import EmployeeStream
from shared.runtime import Runtime
from shared.web import AtLeast, PageWanted, StreamId, page
from shared.web.router import Router

router = Router(tags=["contacts"])
Days = Annotated[int | None, Query(ge=1, le=3_650)]


@router.get("/contacts/people/{person}/attention")
async def person_attention(
    person: StreamId, runtime: Contacts, at_least: AtLeast
) -> dict[str, Any]:
    """How often we are in touch, and before and after each win and change of owner (C-11)."""
    parts = [one.value for one in await entries(runtime, f"person-{person}", at_least)]
    if not parts:
        raise NotFoundError(f"nobody is known as person-{person}")
    card = joined(parts)
    (found,) = await _attention(runtime, [card], at_least)
    return found


@router.get("/contacts/companies/{company}/attention")
async def company_attention(
    company: StreamId, runtime: Contacts, at_least: AtLeast
) -> dict[str, Any]:
    """The same for everybody there; first those with whom it became less (C-11)."""
    name = f"company-{company}"
    there = await all_of(runtime.reader(person_card), {"companies": name}, at_least)
    cards = await with_survivors(runtime, there, at_least)
    found = await _attention(runtime, cards, at_least)
    items = sorted(found, key=lambda one: (not one["dropped"], one["person"]))
    return {"company": name, "items": items}


async def _attention(
    runtime: Runtime, cards: list[PersonCard], at_least: Token | None
) -> list[dict[str, Any]]:
    rules, today = defaults_of(runtime), runtime.today
    told = await days_of(runtime, cards, at_least)
    found = []
    for card in cards:
        days = told[card.person]
        window, drop = rules.attention_window_days, rules.attention_drop
        turns = [
            compared(days, turn, window=window, drop=drop, today=today)
            for turn in await _turns(runtime, card, at_least)
            if turn.on <= today
        ]
        found.append(
            {
                "person": card.person,
                "name": card.name,
                "cadence": cadence(days, today),
                "turns": turns,
                "dropped": any(turn.dropped for turn in turns),
            }
        )
    return found


async def _turns(runtime: Runtime, card: PersonCard, at_least: Token | None) -> list[Turn]:
    reader = runtime.reader(opportunity_turns)
    entered = {"$in": [card.person, *card.identities]}
    found = await all_of(reader, {"people": entered}, at_least)
    companies = []
    for company in card.companies:
        found += await all_of(reader, {"company": company}, at_least)
        seen = await runtime.reader(company_people).get(company, at_least)
        companies += [seen.value] if seen is not None else []
    return turns_of(found, companies)


@router.get("/contacts/moves")
async def list_moves(
    runtime: Contacts,
    wanted: PageWanted,
    at_least: AtLeast,
    owner: EmployeeStream | None = None,
    days: Days = None,
) -> dict[str, Any]:
    """Who came to an owner's companies, who left them, and where they are now (C-08)."""
    found = await page(runtime.reader(company_people), {"owner": owner}, wanted, at_least)
    since: date = runtime.today - timedelta(days=days or defaults_of(runtime).move_days)
    told = [(people, moves(people, since)) for people in found["items"]]
    moved = {move.person for _, some in told for move in some}
    cards = await cards_of(runtime, moved, at_least)
    items = [
        {
            "company": people.company,
            "owner": people.owner,
            "moves": [asdict(move) | _who(cards.get(move.person)) for move in some],
        }
        for people, some in told
        if some
    ]
    return found | {"items": items}


def _who(card: PersonCard | None) -> dict[str, Any]:
    return {
        "name": card.name if card is not None else None,
        "now_with": card.companies if card is not None else (),
    }
