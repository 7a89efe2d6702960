"""By what a publisher names somebody whose id it does not know: an address, a number, an id. Pure.

Such a touch is told of an entry of our book that is made of the name alone. Whose entry it is is
never written into it: a person that states the address, or claims it, is read together with it from
then on, touches of before included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from services.contacts.names import email_key, folded, phone_key
from shared.clock import derived_id
from shared.command import Command, HappenedCommand
from shared.events import Envelope
from shared.events.contacts import (
    IdentityClaimed,
    IdentityReleased,
    PersonDetailsStated,
    PersonRegistered,
)
from shared.events.touches import TouchRecorded
from shared.projection import Projection


def _tellable(phone: str) -> str:
    if phone_key(phone) is None:
        raise ValueError("too few digits to tell whose number it is")
    return phone


Stripped = StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
Address = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^\s@]+@[^\s@]+$")
]
Number = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=50), AfterValidator(_tellable)
]
NAMES = {"email": "email", "phone": "phone", "external_id": "external"}


class Named(Command):
    """Somebody, by what a system calls them; an external id best begins with the system's name."""

    email: Address | None = None
    phone: Number | None = None
    external_id: Annotated[str, Stripped] | None = None

    @property
    def identity(self) -> str | None:
        """The name as facts have it, with its kind before it."""
        told = ((kind, getattr(self, field)) for field, kind in NAMES.items())
        return next((f"{kind}:{name}" for kind, name in told if name is not None), None)


class NamedCommand(HappenedCommand, Named):
    """What somebody decides about a name."""

    @model_validator(mode="after")
    def _by_one_name(self) -> Self:
        if sum(getattr(self, field) is not None for field in NAMES) != 1:
            raise ValueError(f"one of {', '.join(NAMES)}")
        return self


class ClaimIdentity(NamedCommand):
    """That the name is this person's."""


class ReleaseIdentity(NamedCommand):
    """That the name is not this person's, or not any more."""


def entry_named(identity: str) -> str:
    """Return the entry that a name is told of: the same one, however it is written."""
    kind, _, told = identity.partition(":")
    return f"person-{derived_id('identity', kind, _key(kind, told))}"


def _key(kind: str, told: str) -> str:
    if kind == "email":
        return "@".join(email_key(told))
    if kind == "phone":
        return phone_key(told) or folded(told).strip()
    return told.strip()


def decide_claim(
    claims: Mapping[str, bool], command: ClaimIdentity | ReleaseIdentity
) -> list[IdentityClaimed | IdentityReleased]:
    identity, claimed = command.identity, isinstance(command, ClaimIdentity)
    assert identity is not None  # The command says one of them.
    if claims.get(entry_named(identity)) is claimed:
        return []
    event = IdentityClaimed if claimed else IdentityReleased
    return [event(identity=identity, on=command.on)]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one person says of a name: stated among the details, claimed, or released."""

    person: str
    stated_at: datetime | None = None
    claimed_at: datetime | None = None
    released: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Answers: whose is this name, and which touches wait for somebody to whom it belongs? (C-14).

    `owner`: who claimed it first, else who stated it first, as we learnt of it. `unresolved`:
    there are touches, and nobody.
    """

    entry: str
    identity: str | None = None
    touches: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    publishers: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    owner: str | None = None
    unresolved: bool = False


identity_card = Projection(
    "identity",
    version=1,
    view=Identity,
    indexes=("owner", "unresolved"),
    streams=("person", "touch"),
)


def _stated(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, PersonRegistered | PersonDetailsStated)
    told = (("email", at.data.email), ("phone", at.data.phone))
    return tuple(entry_named(f"{kind}:{name}") for kind, name in told if name)


def _named(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, IdentityClaimed | IdentityReleased)
    return (entry_named(at.data.identity),)


def _touched(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, TouchRecorded)
    return () if at.data.identity is None else (at.data.person,)


def _statement(card: Identity, event: Any, at: Envelope) -> Identity:
    known = _claim(card, at)
    return _with(card, replace(known, stated_at=known.stated_at or at.recorded_at))


identity_card.on(PersonRegistered, keys=_stated)(_statement)
identity_card.on(PersonDetailsStated, keys=_stated)(_statement)


@identity_card.on(IdentityClaimed, keys=_named)
def claimed(card: Identity, event: IdentityClaimed, at: Envelope) -> Identity:
    claim = replace(_claim(card, at), claimed_at=at.recorded_at, released=False)
    return _with(_told(card, event.identity), claim)


@identity_card.on(IdentityReleased, keys=_named)
def released(card: Identity, event: IdentityReleased, at: Envelope) -> Identity:
    claim = replace(_claim(card, at), claimed_at=None, released=True)
    return _with(_told(card, event.identity), claim)


@identity_card.on(TouchRecorded, keys=_touched)
def touched(card: Identity, event: TouchRecorded, at: Envelope) -> Identity:
    card = replace(
        _told(card, event.identity or ""),
        touches=card.touches + 1,
        first_at=min(card.first_at or at.occurred_at, at.occurred_at),
        last_at=max(card.last_at or at.occurred_at, at.occurred_at),
        publishers=tuple(sorted({*card.publishers, event.publisher})),
    )
    return _resolved(card)


def _told(card: Identity, identity: str) -> Identity:
    # Of several ways to write it always the same one, whichever came first.
    return replace(card, identity=min(card.identity or identity, identity))


def _claim(card: Identity, at: Envelope) -> Claim:
    return next((one for one in card.claims if one.person == at.stream), Claim(at.stream))


def _with(card: Identity, claim: Claim) -> Identity:
    others = (one for one in card.claims if one.person != claim.person)
    claims = tuple(sorted((*others, claim), key=lambda one: one.person))
    return _resolved(replace(card, claims=claims))


def _resolved(card: Identity) -> Identity:
    claimed = [(one.claimed_at, one.person) for one in card.claims if one.claimed_at]
    stated = [(c.stated_at, c.person) for c in card.claims if c.stated_at and not c.released]
    _, owner = min(claimed or stated, default=(None, None))
    return replace(card, owner=owner, unresolved=owner is None and card.touches > 0)
