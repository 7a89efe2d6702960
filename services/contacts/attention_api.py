"""HTTP for attention: buyers left alone, touch rates before and after, who came and who went."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.contacts.attention import (
    Turn,
    cadence,
    compared,
    coverage,
    month_ends,
    opportunity_turns,
    turns_of,
)
from services.contacts.company_views import company_people, moves
from services.contacts.person_views import PersonCard, buying_role_on, joined, person_card
from services.contacts.reads import (
    Contacts,
    all_of,
    cards_of,
    days_of,
    defaults_of,
    entries,
    statements_of,
    with_survivors,
)
from services.contacts.statement_views import PersonStatements, current
from shared.errors import NotFoundError
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import AtLeast, PageWanted, StreamId, page

router = APIRouter(tags=["contacts"])
Days = Annotated[int | None, Query(ge=1, le=3_650)]
GROWTH_MONTHS = 6


@router.get("/contacts/companies/{company}/coverage")
async def company_coverage(
    company: StreamId, runtime: Contacts, at_least: AtLeast, days: Days = None
) -> dict[str, Any]:
    """Who has a say there, whom nobody touched for so many days, and how coverage grew (C-10).

    With each buyer: the current stance, whom they recommend, and who of us reaches them (C-17).
    """
    name = f"company-{company}"
    there = await all_of(runtime.reader(person_card), {"buyer_of": name}, at_least)
    cards = await with_survivors(runtime, there, at_least)
    days = days or defaults_of(runtime).untouched_days
    return {"company": name, **await _covered(runtime, cards, name, days, at_least)}


@router.get("/contacts/opportunities/{opportunity}/coverage")
async def opportunity_coverage(
    opportunity: StreamId, runtime: Contacts, at_least: AtLeast, days: Days = None
) -> dict[str, Any]:
    """The same for those who are involved in this chance (C-10)."""
    name = f"opportunity-{opportunity}"
    found = await runtime.reader(opportunity_turns).get(name, at_least)
    if found is None:
        raise NotFoundError(f"no facts of {name}")
    people = (await cards_of(runtime, found.value.people, at_least)).values()
    cards = await with_survivors(runtime, list(people), at_least)
    days = days or defaults_of(runtime).untouched_days
    told = await days_of(runtime, cards, at_least)
    today = runtime.today
    begin = today - timedelta(days=days - 1)
    buyers = [
        {
            "person": card.person,
            "name": card.name,
            "last_touch_at": card.last_touch_at,
            "covered": any(begin <= day <= today for day in told[card.person]),
        }
        for card in sorted(cards, key=lambda card: card.person)
    ]
    covered = sum(bool(one["covered"]) for one in buyers)
    share = round(covered / len(buyers), 3) if buyers else None
    return {"opportunity": name, "days": days, "coverage": share, "buyers": buyers}


async def _covered(
    runtime: Runtime, cards: list[PersonCard], company: str, days: int, at_least: Token | None
) -> dict[str, Any]:
    today, told = runtime.today, await days_of(runtime, cards, at_least)
    both = [(card, told[card.person]) for card in cards]
    entered = [entry for card in cards for entry in (card.person, *card.identities)]
    views = {one.value.person: one.value for one in await statements_of(runtime, entered, at_least)}
    buyers = []
    for card in sorted(cards, key=lambda card: card.person):
        role = buying_role_on(card, company, today)
        if role is None:
            continue
        seen = cadence(told[card.person], today)
        buyers.append(
            {
                "person": card.person,
                "name": card.name,
                "role": role,
                "last_touch_at": card.last_touch_at,
                "days_since": seen.days_since,
                "covered": seen.days_since is not None and seen.days_since < days,
                **_stances(views.get(card.person, PersonStatements(card.person))),
            }
        )
    on = [coverage(both, company, day, days) for day in month_ends(today, GROWTH_MONTHS)]
    return {"days": days, "coverage": on[-1].share, "growth": on, "buyers": buyers}


def _stances(told: PersonStatements) -> dict[str, Any]:
    return {
        "stances": current(told.opinions, ("about", "subject")),
        "advocacy": current(told.advocacy, ("seller",)),
        "access": current(told.access, ("employee",)),
    }


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
    owner: str | None = None,
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
