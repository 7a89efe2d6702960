"""Forgetting a person (M4), and what they agreed to. Pure.

That somebody was erased is a fact like any other; what makes it true is that their key is destroyed
(`erasing_api.py`). The fact says who asked for it, why and how much it was, and nobody's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, assert_never

from pydantic import Field, StringConstraints

from shared.command import HappenedCommand
from shared.errors import DomainError
from shared.events import Envelope
from shared.events.contacts import (
    ConsentGiven,
    ConsentSource,
    ConsentWithdrawn,
    ErasureBasis,
    ErasureReason,
    PersonErased,
)
from shared.held import in_order
from shared.projection import Projection
from shared.references import PersonStream

# What consent is for: a word of the company's own, such as `newsletter`, and nobody's name.
Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,49}$")]
Evidence = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class PersonErasedError(DomainError):
    """The person was erased: nothing can be told of them any more."""

    status = 410
    title = "This person was erased; who comes back is entered as somebody new"


class ErasePerson(HappenedCommand):
    """Forget the person. How much is kept of them is counted by whoever sends it, not asked for.

    `in_the_clear`: facts from before words were sealed, which no key takes away.
    """

    reason: ErasureReason
    basis: ErasureBasis
    facts: int = Field(0, ge=0, exclude=True)
    touches: int = Field(0, ge=0, exclude=True)
    in_the_clear: int = Field(0, ge=0, exclude=True)
    # Of names that are the person's: what was told of them is erased as well.
    entries: tuple[PersonStream, ...] = Field((), exclude=True)


class GiveConsent(HappenedCommand):
    """The person agreed to be addressed, or their data to be used, for this purpose."""

    purpose: Purpose
    source: ConsentSource
    evidence: Evidence | None = None


class WithdrawConsent(HappenedCommand):
    """The person does not agree any more, or never did and says so."""

    purpose: Purpose
    source: ConsentSource
    evidence: Evidence | None = None


ConsentCommand = GiveConsent | WithdrawConsent
ConsentEvent = ConsentGiven | ConsentWithdrawn
# Of each purpose what was told last.
Consents = Mapping[str, ConsentEvent]


def erase_person(command: ErasePerson) -> list[PersonErased]:
    told = command.model_dump(exclude={"date_unknown"})
    counts = ("facts", "touches", "in_the_clear", "entries")
    return [PersonErased(**told, **{name: getattr(command, name) for name in counts})]


def decide_consent(known: Consents, command: ConsentCommand) -> list[ConsentEvent]:
    """Record it, unless the very same was told last; an earlier day puts the date right."""
    told = command.model_dump(exclude={"date_unknown"})
    match command:
        case GiveConsent():
            event: ConsentEvent = ConsentGiven(**told)
        case WithdrawConsent():
            event = ConsentWithdrawn(**told)
        case _:
            assert_never(command)
    last = known.get(event.purpose)
    same = type(last) is type(event) and not _sooner(event.on, getattr(last, "on", None))
    return [] if same else [event]


def _sooner(told: date | None, known: date | None) -> bool:
    return told is not None and known is not None and told < known


@dataclass(frozen=True, slots=True)
class Erasure:
    """Answers: who was erased, when, by whom, why, and how much was there? Nobody's words.

    `person` is the stream, which is the name of nobody.
    """

    person: str
    erased_on: date | None = None
    by: str | None = None
    reason: str | None = None
    basis: str | None = None
    facts: int = 0
    touches: int = 0
    in_the_clear: int = 0
    entries: tuple[str, ...] = ()


erasure = Projection("erasure", version=2, view=Erasure, streams=("person",))


@erasure.on(PersonErased)
def erased(view: Erasure, event: PersonErased, at: Envelope) -> Erasure:
    told = event.model_dump(exclude={"on"})
    return replace(view, erased_on=event.on, by=at.actor, **told)


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person agreed to, or not any more, from a date on, and how we know."""

    purpose: str
    given: bool
    source: str
    evidence: str | None
    since: date | None


@dataclass(frozen=True, slots=True)
class PersonConsents:
    """Answers: to what did this person agree, from when to when? All of it, in order of dates."""

    person: str
    consents: tuple[Consent, ...] = ()


person_consents = Projection("person_consents", version=1, view=PersonConsents, streams=("person",))


def _told(view: PersonConsents, event: ConsentEvent, *, given: bool) -> PersonConsents:
    one = Consent(event.purpose, given, event.source, event.evidence, event.on)
    return replace(view, consents=in_order(view.consents, one))


@person_consents.on(ConsentGiven)
def consent_given(view: PersonConsents, event: ConsentGiven, at: Envelope) -> PersonConsents:
    return _told(view, event, given=True)


@person_consents.on(ConsentWithdrawn)
def consent_withdrawn(
    view: PersonConsents, event: ConsentWithdrawn, at: Envelope
) -> PersonConsents:
    return _told(view, event, given=False)


def standing(consents: tuple[Consent, ...], on: date) -> list[Consent]:
    """Return what holds of each purpose on that day: of two told for it, the later one."""
    held: dict[str, Consent] = {}
    for one in consents:
        if one.since is None or one.since <= on:
            held[one.purpose] = one
    return [held[purpose] for purpose in sorted(held)]
