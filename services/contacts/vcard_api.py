"""HTTP for vCards: people in and out of address books."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Body, Response
from pydantic import ValidationError

from services.contacts.company_views import company_card
from services.contacts.duplicates_api import like_these
from services.contacts.erasing import PersonErasedError
from services.contacts.matching import Known
from services.contacts.model import PersonAlreadyRegisteredError, RegisterPerson, StateDetails
from services.contacts.person_views import PersonCard, joined, person_card
from services.contacts.reads import Contacts, defaults_of, entries, with_survivors
from services.contacts.vcard import NotAVCardError, VCard, parse, write
from shared.clock import derived_id
from shared.command import Command
from shared.errors import InvalidError, NotFoundError
from shared.reading import Token
from shared.references import ID
from shared.runtime import Runtime
from shared.service import Outcome, Refused
from shared.service import Request as CommandRequest
from shared.web import AtLeast, CommandMeta, Meta, StreamId, invalid, outcome_name, refusal
from shared.web.described import text_answer
from shared.web.router import Router

router = Router(tags=["contacts"])
VCARD = "text/vcard"
CARDS_MAX = 500
OURS = re.compile(rf"person-{ID}")
# Of a company so many people are written into one file.
PEOPLE_MAX = 200


@router.post("/contacts/vcards", status_code=202)
async def import_vcards(
    text: Annotated[str, Body(media_type=VCARD, min_length=1)], runtime: Contacts, meta: CommandMeta
) -> dict[str, Any]:
    """Enter the people of a file, or what is new about them; with whom each may be already.

    A card with a UID is the same person when it comes again; without one, its content is.
    """
    try:
        cards = parse(text)
    except NotAVCardError as error:
        raise InvalidError(str(error), field="#/") from error
    if len(cards) > CARDS_MAX:
        raise InvalidError(f"at most {CARDS_MAX} people", field="#/")
    return {"items": [await _enter(runtime, card, meta) for card in cards]}


def _stream(card: VCard) -> str:
    if card.uid and OURS.fullmatch(card.uid):
        return card.uid  # It comes back from an address book that had it from us.
    return f"person-{derived_id('vcard', _named(card))}"


def _named(card: VCard) -> str:
    return card.uid or "|".join((card.name or "", card.email or "", card.phone or ""))


async def _enter(runtime: Runtime, card: VCard, meta: Meta) -> dict[str, Any]:
    stream = _stream(card)
    answer: dict[str, Any] = {"person": stream, "name": card.name, "duplicates": []}
    told = {"name": card.name, "email": card.email, "phone": card.phone}
    told["language"] = card.language
    try:
        register = RegisterPerson.model_validate(told)
        state = StateDetails.model_validate(told)
    except ValidationError as error:
        return answer | {"status": "refused", "problem": invalid(error)}
    known = Known(
        *((one,) if one else () for one in (card.name, card.email, card.phone)),
    )
    alike = await like_these(runtime, known, defaults_of(runtime).duplicate_score, None)
    answer["duplicates"] = [one for one in alike if one["person"] != stream]
    outcome = await _decided(runtime, stream, register, meta)
    again = 1
    while isinstance(outcome, Refused) and isinstance(outcome.error, PersonErasedError):
        # The same card again, of somebody who was forgotten, is somebody new.
        again += 1
        answer["person"] = stream = f"person-{derived_id('vcard', _named(card), str(again))}"
        outcome = await _decided(runtime, stream, register, meta)
    if isinstance(outcome, Refused) and isinstance(outcome.error, PersonAlreadyRegisteredError):
        outcome = await _decided(runtime, stream, state, meta)
    if isinstance(outcome, Refused):
        return answer | {"status": "refused", "problem": refusal(outcome.error)}
    token = Token(outcome.stream, outcome.version).encode()
    return answer | {"status": outcome_name(outcome), "token": token}


async def _decided(runtime: Runtime, stream: str, command: Command, meta: Meta) -> Outcome:
    request = CommandRequest(
        stream=stream, command=command, actor=meta.actor, correlation_id=meta.correlation_id
    )
    (outcome,) = await runtime.service.handle_many([request])
    return outcome


@router.get(
    "/contacts/people/{person}/vcard", response_class=Response, responses=text_answer(VCARD)
)
async def export_vcard(person: StreamId, runtime: Contacts, at_least: AtLeast) -> Response:
    """The person as a vCard 4.0, with the names of their companies."""
    parts = [one.value for one in await entries(runtime, f"person-{person}", at_least)]
    if not parts:
        raise NotFoundError(f"nobody is known as person-{person}")
    if parts[0].erased_on is not None:
        raise PersonErasedError
    return await _file(runtime, [joined(parts)])


@router.get(
    "/contacts/companies/{company}/vcards", response_class=Response, responses=text_answer(VCARD)
)
async def export_company(company: StreamId, runtime: Contacts, at_least: AtLeast) -> Response:
    """The first 200 people of a company as one file."""
    found = await runtime.reader(person_card).page(
        {"companies": f"company-{company}"}, limit=PEOPLE_MAX, at_least=at_least
    )
    cards = [one.value for one in found.items if one.value.erased_on is None]
    return await _file(runtime, await with_survivors(runtime, cards, at_least))


async def _file(runtime: Runtime, cards: list[PersonCard]) -> Response:
    names: dict[str, str] = {}
    for company in {company for card in cards for company in card.companies}:
        found = await runtime.reader(company_card).get(company)
        names[company] = (found.value.name if found is not None else None) or company
    people = [
        VCard(
            card.name,
            card.email,
            card.phone,
            card.language,
            card.person,
            tuple((names[one.company], one.role) for one in card.affiliations if not one.ended),
        )
        for card in cards
    ]
    return Response(write(people), media_type=f"{VCARD}; charset=utf-8")
