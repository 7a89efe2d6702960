"""HTTP for search: people, companies and touches by any name, address or word of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from services.contacts.reads import Contacts, entries
from services.contacts.search import SHOWN_MAX, SearchEntry, search_entry, wanted
from shared.errors import InvalidError
from shared.exact import NOT_BLANK
from shared.reading import Token
from shared.runtime import Runtime
from shared.web import AtLeast, PageWanted, Paging, page
from shared.web.router import Router

router = Router(tags=["contacts"])
# So many pages of half a match are looked through in one call; the cursor goes on from there.
PAGES_MAX = 10


@router.get("/contacts/search")
async def search(
    runtime: Contacts,
    paging: PageWanted,
    at_least: AtLeast,
    q: Annotated[str, Query(min_length=1, max_length=200, pattern=NOT_BLANK)],
    kind: Literal["person", "company", "touch"] | None = None,
) -> dict[str, Any]:
    """What has every word of the query: companies first, then people, then touches.

    A name is found by its beginning, in its own script and as it is read in Latin letters; Korean
    and Japanese words by any two signs of them. A merged entry names the person it is part of.
    """
    words = wanted(q)
    if not words:
        raise InvalidError("a word to look for", field="query/q")
    blind = await runtime.seals.blinder()
    words = [blind(word) for word in words]
    where = {"grams": words[0], "kind": kind}
    reader, token = runtime.reader(search_entry), at_least
    items: list[SearchEntry] = []
    parked: set[str] = set()
    cursor = paging.cursor
    for _ in range(PAGES_MAX):
        rest = Paging(paging.limit - len(items), cursor)
        found = await page(reader, where, rest, token)
        items += [entry for entry in found["items"] if set(words) <= set(entry.grams)]
        parked |= set(found["parked"])
        cursor = found["next_cursor"]
        if cursor is None or len(items) == paging.limit:
            break
    shown = [await _shown(runtime, entry, at_least) for entry in items]
    return {"items": shown, "next_cursor": cursor, "parked": sorted(parked)}


async def _shown(runtime: Runtime, entry: SearchEntry, at_least: Token | None) -> dict[str, Any]:
    person = entry.person
    if entry.kind == "person":
        parts = await entries(runtime, entry.key, at_least)
        person = parts[0].value.person if parts else person
    return {
        "key": entry.key,
        "kind": entry.kind,
        "title": entry.title,
        "shown": (entry.shown or "")[:SHOWN_MAX] or None,
        "person": person,
        "company": entry.company,
        "occurred_at": entry.occurred_at,
    }
