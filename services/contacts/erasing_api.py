"""HTTP for forgetting a person (M4): a key is destroyed, and what proves it can be read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from services.contacts.erasing import (
    ErasePerson,
    GiveConsent,
    PersonConsents,
    WithdrawConsent,
    erasure,
    person_consents,
    standing,
)
from services.contacts.identities import NAMES, identity_card
from services.contacts.names import orders_of, phone_key
from services.contacts.people import PersonUnknownError
from services.contacts.person_views import PersonCard
from services.contacts.reads import Contacts, all_of, entries
from services.contacts.timelines import timeline
from shared.clock import derived_id
from shared.command import HappenedCommand
from shared.erasing import in_the_clear
from shared.errors import UnavailableError
from shared.events.contacts import ErasureBasis, ErasureReason
from shared.held import in_order
from shared.personal import ERASED, UNREADABLE, is_sealed
from shared.reading import Token
from shared.runtime import Runtime
from shared.service import Request as CommandRequest
from shared.web import AtLeast, CommandMeta, Meta, PageWanted, Recorded, StreamId, page, record
from shared.web.router import Router

router = Router(tags=["contacts"])


class Erase(HappenedCommand):
    """Why, and by which right. Words of one's own would be words about the person."""

    reason: ErasureReason
    basis: ErasureBasis


class ErasedEntry(BaseModel):
    """One entry of our book that was erased; `key` tells the destroyed key from any other."""

    person: str
    key: str | None
    key_destroyed_at: str
    facts: int
    touches: int
    in_the_clear: int
    # What was told of them by an address, a number or a foreign id that is theirs: erased, too.
    entries: tuple[str, ...]
    token: str


class Erased(BaseModel):
    """All entries of the person. What looks people up by words is being built anew without them."""

    entries: list[ErasedEntry]


@router.post("/contacts/people/{person}/erase")
async def erase_person(
    person: StreamId, command: Erase, runtime: Contacts, meta: CommandMeta
) -> Erased:
    """Destroy the person's key: their words are unreadable everywhere from now on, for ever.

    Of a person who was merged out of several entries, all; with what was told of them by a name
    that is theirs. Asked again, nothing changes.
    """
    found = await entries(runtime, f"person-{person}", None)
    # Without a name it is what was told of an address, a number or an id: part of who owns that.
    cards: list[PersonCard] = [one.value for one in found if one.value.name is not None]
    if not cards:
        raise PersonUnknownError(f"nobody is known as person-{person}")
    return Erased(entries=[await _erased(runtime, card, command, meta) for card in cards])


async def _erased(runtime: Runtime, card: PersonCard, asked: Erase, meta: Meta) -> ErasedEntry:
    """Record it first: whoever dies before the key is destroyed leaves word that it has to be."""
    if runtime.seals.ring is None:
        raise UnavailableError("nothing is sealed here, so nothing can be erased")
    facts, clear = await in_the_clear(runtime, card.person)
    named = await _names_of(runtime, card.person, facts)
    for entry in (card.person, *named):
        clear += await _clear_touches(runtime, entry)
    # Before the key goes: who is asked again after a kill still knows the words to look for.
    await runtime.erase_aside(await _called(runtime, card))
    command = ErasePerson(
        **asked.model_dump(),
        facts=facts,
        touches=card.touch_count + sum(named.values()),
        in_the_clear=clear,
        entries=tuple(sorted(named)),
    )
    accepted = await runtime.service.handle(
        CommandRequest(
            stream=card.person,
            command=command,
            actor=meta.actor,
            id=None if meta.id is None else derived_id("erase", meta.id, card.person),
            correlation_id=meta.correlation_id,
            traceparent=meta.traceparent,
        )
    )
    proof = await runtime.seals.ring.erase(card.person)
    token = Token(accepted.stream, accepted.version)
    told = await runtime.reader(erasure).get(card.person, token)
    assert told is not None, "the reader waited for the very fact"
    kept = told.value
    for entry in kept.entries:
        await runtime.seals.ring.erase(entry)
    return ErasedEntry(
        person=card.person,
        key=proof.fingerprint,
        key_destroyed_at=proof.erased_at,
        facts=kept.facts,
        touches=kept.touches,
        in_the_clear=kept.in_the_clear,
        entries=kept.entries,
        token=token.encode(),
    )


async def _names_of(runtime: Runtime, person: str, version: int) -> dict[str, int]:
    """Return the entries of names that are the person's, and how many touches each has.

    Also of a name that no touch tells of yet: what comes late must not be quoted, either.
    """
    at_least = Token(person, version) if version else None
    names = await all_of(runtime.reader(identity_card), {"owner": person}, at_least)
    return {name.entry: name.touches for name in names}


async def _called(runtime: Runtime, card: PersonCard) -> set[str]:
    """Return by what the person is named in what others write: names, addresses, numbers, ids."""
    details = [(one.name, one.email, one.phone) for one in card.details]
    details.append((card.name, card.email, card.phone))
    told = {card.person, *(email or "" for _, email, _ in details)}
    told |= {order for name, _, _ in details for order in orders_of(name or "")}
    numbers = {phone or "" for _, _, phone in details}
    for known in await all_of(runtime.reader(identity_card), {"owner": card.person}, None):
        kind, _, name = (known.identity or "").partition(":")
        (numbers if kind == NAMES["phone"] else told).add(name)
    # At home nobody dials the prefix of the country, and abroad not the zero before the rest.
    told |= {phone_key(number) or number for number in numbers}
    return {word for word in told if word and word not in (ERASED, UNREADABLE)}


async def _clear_touches(runtime: Runtime, person: str) -> int:
    """Count the touches whose words were recorded before words were sealed."""
    collection = await runtime.runners[timeline.name].collection()
    months = await runtime.store.find(collection, {"view.person": person})
    touches = [touch for month in months for touch in month["view"]["touches"]]
    return sum(
        any(words and not is_sealed(words) for words in (touch["subject"], touch["note"]))
        for touch in touches
    )


@router.get("/contacts/erasures")
async def list_erasures(runtime: Contacts, wanted: PageWanted, at_least: AtLeast) -> dict[str, Any]:
    """Who was erased: when, by whom, why, how much it was, and which key was destroyed when.

    The proof holds nothing about anybody. Without `key_destroyed_at` it is about to be done.
    """
    found = await page(runtime.reader(erasure), {}, wanted, at_least)
    ring = runtime.seals.ring
    gone = {} if ring is None else await ring.gone([one.person for one in found["items"]])
    items = []
    for one in found["items"]:
        proof = gone.get(one.person)
        key = {"key": proof.fingerprint, "key_destroyed_at": proof.erased_at} if proof else {}
        items.append(asdict(one) | {"key": None, "key_destroyed_at": None} | key)
    return found | {"items": items}


@router.post("/contacts/people/{person}/give-consent", status_code=202)
async def give_consent(
    person: StreamId,
    command: GiveConsent,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Record that the person agreed to something, and how we know."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.post("/contacts/people/{person}/withdraw-consent", status_code=202)
async def withdraw_consent(
    person: StreamId,
    command: WithdrawConsent,
    runtime: Contacts,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    """Record that the person does not agree any more."""
    return await record(runtime, f"person-{person}", command, meta, response)


@router.get("/contacts/people/{person}/consents")
async def get_consents(person: StreamId, runtime: Contacts, at_least: AtLeast) -> dict[str, Any]:
    """To what the person agrees today, and the whole history of it, of all their entries."""
    found = await entries(runtime, f"person-{person}", at_least)
    if not found:
        raise PersonUnknownError(f"nobody is known as person-{person}")
    told = PersonConsents(found[0].value.person)
    reader, history = runtime.reader(person_consents), told.consents
    for one in found:
        part = await reader.get(one.value.person, at_least)
        for consent in part.value.consents if part is not None else ():
            history = in_order(history, consent)
    return {
        "person": told.person,
        "today": standing(history, runtime.today),
        "history": history,
    }
