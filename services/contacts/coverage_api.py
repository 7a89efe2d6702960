"""HTTP for coverage: buyers left alone, and how many of them we are in touch with (C-10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Query

from services.contacts.attention import cadence, opportunity_turns
from services.contacts.coverage import (
    Every,
    HadSay,
    buyers_of,
    coverage,
    deciders_of,
    ends,
)
from services.contacts.person_views import PersonCard, buying_role_on, person_card
from services.contacts.reads import (
    Contacts,
    all_of,
    cards_of,
    days_of,
    defaults_of,
    statements_of,
    with_survivors,
)
from services.contacts.statement_views import PersonStatements, current
from shared.errors import NotFoundError
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import AtLeast, StreamId
from shared.web.router import Router

router = Router(tags=["contacts"])
ENDS_MAX = 36


class Asked(NamedTuple):
    """Touched within how many days, and at how many past ends of months or quarters."""

    days: int
    every: Every
    past: int


async def _asked(
    runtime: Contacts,
    days: Annotated[int | None, Query(ge=1, le=3_650)] = None,
    every: Every = "month",
    ends_before: Annotated[int, Query(ge=0, le=ENDS_MAX)] = 6,
) -> Asked:
    return Asked(days or defaults_of(runtime).untouched_days, every, ends_before)


CoverageAsked = Annotated[Asked, Depends(_asked)]


@router.get("/contacts/companies/{company}/coverage")
async def company_coverage(
    company: StreamId, runtime: Contacts, at_least: AtLeast, asked: CoverageAsked
) -> dict[str, Any]:
    """Who has a say there, whom nobody touched for so many days, and how coverage grew (C-10).

    With each buyer: the current stance, whom they recommend, and who of us reaches them (C-17).
    """
    name = f"company-{company}"
    there = await all_of(runtime.reader(person_card), {"buyer_of": name}, at_least)
    cards = await with_survivors(runtime, there, at_least)
    found = await _covered(runtime, cards, buyers_of(name), asked, at_least)
    entered = [entry for card in cards for entry in (card.person, *card.identities)]
    views = {one.value.person: one.value for one in await statements_of(runtime, entered, at_least)}
    said = {card.person: card for card in cards}
    for buyer in found["buyers"]:
        card = said[buyer["person"]]
        buyer["role"] = buying_role_on(card, name, runtime.today)
        buyer.update(_stances(views.get(card.person, PersonStatements(card.person))))
    return {"company": name, **found}


@router.get("/contacts/opportunities/{opportunity}/coverage")
async def opportunity_coverage(
    opportunity: StreamId, runtime: Contacts, at_least: AtLeast, asked: CoverageAsked
) -> dict[str, Any]:
    """The same for those who have a say in this chance, also as it was then (C-10)."""
    name = f"opportunity-{opportunity}"
    found = await runtime.reader(opportunity_turns).get(name, at_least)
    if found is None:
        raise NotFoundError(f"no facts of {name}")
    people = (await cards_of(runtime, found.value.people, at_least)).values()
    cards = await with_survivors(runtime, list(people), at_least)
    had_say = deciders_of(found.value)
    return {
        "opportunity": name,
        **await _covered(runtime, cards, had_say, asked, at_least),
    }


async def _covered(
    runtime: Runtime,
    cards: Sequence[PersonCard],
    had_say: HadSay,
    asked: Asked,
    at_least: Token | None,
) -> dict[str, Any]:
    today, told = runtime.today, await days_of(runtime, cards, at_least)
    both = [(card, told[card.person]) for card in sorted(cards, key=lambda card: card.person)]
    buyers: list[dict[str, Any]] = []
    for card, touched in both:
        if not had_say(card, today):
            continue
        since = cadence(touched, today).days_since
        buyers.append(
            {
                "person": card.person,
                "name": card.name,
                "last_touch_at": card.last_touch_at,
                "days_since": since,
                "covered": since is not None and since < asked.days,
            }
        )
    on = [coverage(both, had_say, day, asked.days) for day in ends(today, asked.past, asked.every)]
    return {"days": asked.days, "coverage": on[-1].share, "growth": on, "buyers": buyers}


def _stances(told: PersonStatements) -> dict[str, Any]:
    return {
        "stances": current(told.opinions, ("about", "subject")),
        "advocacy": current(told.advocacy, ("seller",)),
        "access": current(told.access, ("employee",)),
    }
