"""Reads across several views: the entries of one person as one, in one answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import Depends

from services.contacts.attention import touch_days
from services.contacts.defaults import ContactsDefaults
from services.contacts.identities import identity_card
from services.contacts.person_views import PersonCard, joined, person_card
from services.contacts.statement_views import person_statements
from services.contacts.timelines import combined, timeline
from shared.errors import InvalidError, UnavailableError
from shared.exports import note_columns
from shared.reading import STREAM_PARKED, Reader, Seen, Token
from shared.runtime import Runtime
from shared.web import Paging, runtime_of

Contacts = Annotated[Runtime, Depends(runtime_of("contacts"))]
# How many entries one person may have; more is a mistake that nobody should wait for.
ENTRIES_MAX = 50
# Cards asked for at once; the store looks up longer lists in parts.
CARDS_MAX = 50
V = TypeVar("V")


async def entries(runtime: Runtime, person: str, at_least: Token | None) -> list[Seen]:
    """Return all entries of the person that this one belongs to, the surviving one first.

    The names that are theirs come last: what was told of them (C-14).
    """
    reader, names = runtime.reader(person_card), runtime.reader(identity_card)
    named = await _as_name(names, person, at_least)
    asked_for = person if named is None else named.value.owner or person
    survivor = await _survivor(reader, asked_for, at_least)
    if survivor is None:
        return []
    found: list[Seen] = []
    upcoming, asked = [survivor], {survivor.value.person}
    while upcoming and len(found) < ENTRIES_MAX:
        found.append(upcoming.pop(0))
        card: PersonCard = found[-1].value
        for name in card.identities:
            part = None if name in asked else await reader.get(name, at_least)
            asked.add(name)
            if part is not None and part.value.merged_into == card.person:
                upcoming.append(part)
    for entry in await named_for(runtime, asked, at_least):
        told = await reader.get(entry, at_least)
        found += [told] if told is not None and entry not in asked else []
    return found


async def _as_name(names: Reader[Any], person: str, at_least: Token | None) -> Seen | None:
    """Return the name that this is the entry of; None where it is a person's, or nobody can say."""
    try:
        return await names.get(person, at_least)
    except UnavailableError as error:
        if error.slug != STREAM_PARKED:
            raise
        return None  # What is set aside is told with the card, which may be there all the same.


async def named_for(
    runtime: Runtime, people: Collection[str], at_least: Token | None
) -> dict[str, str]:
    """Return the entries of the names that belong to these people, and to whom."""
    wanted, found = sorted(people), {}
    for at in range(0, len(wanted), CARDS_MAX):
        where = {"owner": {"$in": wanted[at : at + CARDS_MAX]}}
        for name in await all_of(runtime.reader(identity_card), where, at_least):
            if name.touches:
                found[name.entry] = str(name.owner)
    return found


async def _survivor(reader: Reader[PersonCard], person: str, at_least: Token | None) -> Seen | None:
    """Follow what is part of what; where two are part of each other, the first by name survives."""
    way: list[Seen] = []
    found = await reader.get(person, at_least)
    while found is not None and found.value.merged_into is not None:
        way.append(found)
        into = found.value.merged_into
        around = [one for one in way if one.value.person == into]
        if around:
            return min(way[way.index(around[0]) :], key=lambda one: str(one.value.person))
        found = await reader.get(into, at_least)
    return found


def as_one(found: Sequence[Seen], asked: str) -> Seen:
    """Say of which stream's version an answer is that several views make, and what they lack.

    Who asks for an entry that is part of another is told no version of its stream: what they are
    shown is the other.
    """
    first = found[0]
    parked = sorted({stream for one in found for stream in one.parked})
    version = first.version if first.value.person == asked else None
    return first._replace(parked=tuple(parked), version=version)


async def statements_of(
    runtime: Runtime, people: Sequence[str], at_least: Token | None
) -> list[Seen]:
    reader, found = runtime.reader(person_statements), []
    for person in people:
        try:
            one = await reader.get(person, at_least)
        except UnavailableError as error:
            if error.slug != STREAM_PARKED:
                raise
            continue  # The card is there, and its answer names the stream that it lacks, too.
        found += [one] if one is not None else []
    return found


def defaults_of(runtime: Runtime) -> ContactsDefaults:
    """Return what this deployment chose."""
    defaults = runtime.domain.defaults
    assert isinstance(defaults, ContactsDefaults)
    return defaults


async def cards_of(
    runtime: Runtime, people: Collection[str], at_least: Token | None
) -> dict[str, PersonCard]:
    reader, wanted = runtime.reader(person_card), sorted(people)
    found: dict[str, PersonCard] = {}
    for at in range(0, len(wanted), CARDS_MAX):
        some = wanted[at : at + CARDS_MAX]
        part = await reader.page({"person": {"$in": some}}, limit=len(some), at_least=at_least)
        found |= {one.value.person: one.value for one in part.items}
    return found


async def all_of(reader: Reader[V], where: dict[str, Any], at_least: Token | None) -> list[V]:
    """Return every view that matches; for lists that one person or company can have."""
    return [one async for one in reader.every(where, at_least)]


async def days_of(
    runtime: Runtime, cards: Sequence[PersonCard], at_least: Token | None
) -> dict[str, list[date]]:
    """Return on which days we were in touch with each of these people, in order."""
    entry_of = {entry: card.person for card in cards for entry in (card.person, *card.identities)}
    named = await named_for(runtime, entry_of, at_least)
    entry_of |= {entry: entry_of[owner] for entry, owner in named.items()}
    found: dict[str, list[date]] = {card.person: [] for card in cards}
    entered = sorted(entry_of)
    for at in range(0, len(entered), CARDS_MAX):
        where = {"person": {"$in": entered[at : at + CARDS_MAX]}}
        for year in await all_of(runtime.reader(touch_days), where, at_least):
            found[entry_of[year.person]] += year.days
    return {person: sorted(days) for person, days in found.items()}


async def with_survivors(
    runtime: Runtime, cards: Sequence[PersonCard], at_least: Token | None
) -> list[PersonCard]:
    """Return each card as the whole person that it is part of, nobody twice."""
    found: dict[str, PersonCard] = {}
    for card in cards:
        whole = card
        if card.merged_into is not None or card.identities:
            parts = await entries(runtime, card.person, at_least)
            whole = joined([part.value for part in parts])
        found.setdefault(whole.person, whole)
    return list(found.values())


async def months_of(
    runtime: Runtime, people: Sequence[str], wanted: Paging, at_least: Token | None
) -> dict[str, Any]:
    """Return a page of the timeline of all entries of a person; the cursor is its last month."""
    after = wanted.cursor
    if after is not None and (len(after) != len("2026-01") or after[4] != "-"):
        raise InvalidError("not a cursor of ours", field="query/cursor")
    note_columns(timeline.view)
    reader, found, parked = runtime.reader(timeline), [], set()
    for person in people:
        part = await reader.page(
            {"person": person},
            limit=wanted.limit + 1,
            after=None if after is None else f"{person}/{after}",
            at_least=at_least,
        )
        found += [month.value for month in part.items]
        parked |= set(part.parked)
    months = combined(found, people[0])
    more = len(months) > wanted.limit
    shown = months[: wanted.limit]
    return {
        "items": shown,
        "next_cursor": shown[-1].month if more else None,
        "parked": sorted(parked),
    }
