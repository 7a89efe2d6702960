"""HTTP for who of us enters touches, by grade and function (C-04)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Query

from services.contacts.reads import Contacts, all_of, cards_of, with_survivors
from services.contacts.sources import ALL, months_between, report, touch_sources
from shared.command import Day
from shared.errors import InvalidError
from shared.references import CompanyStream
from shared.web import AtLeast
from shared.web.router import Router

router = Router(tags=["contacts"])
MONTHS_MAX = 60
YEAR = timedelta(days=334)


@router.get("/contacts/touch-sources")
async def get_touch_sources(
    runtime: Contacts,
    at_least: AtLeast,
    company: CompanyStream | None = None,
    first: Annotated[Day | None, Query()] = None,
    last: Annotated[Day | None, Query()] = None,
) -> dict[str, Any]:
    """Touches by grade and by function of who made them, in whole months: the last twelve (C-04).

    Of a company also with how many people; what a touch does not tell is `unstated`.
    """
    last = last or runtime.today
    months = months_between(first or last - YEAR, last)
    if not 1 <= len(months) <= MONTHS_MAX:
        raise InvalidError(f"1 to {MONTHS_MAX} months", field="query/first")
    where = {"of": company or ALL, "month": {"$in": months}}
    found = await all_of(runtime.reader(touch_sources), where, at_least)
    touched = {one.person for month in found for one in month.sources if one.person}
    cards = await cards_of(runtime, touched, at_least)
    merged = [card for card in cards.values() if card.merged_into]
    whole = await with_survivors(runtime, merged, at_least)
    survivor = {entry: card.person for card in whole for entry in card.identities}
    counted = report(found, survivor)
    return {
        "company": company,
        "months": [months[0], months[-1]],
        "touches": counted.touches,
        "by_grade": counted.by_grade,
        "by_function": counted.by_function,
    }
