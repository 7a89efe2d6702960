"""By what a publisher names somebody whose id it does not know: an address, a number, an id. Pure.

Such a touch is told of an entry of our book that is made of the name alone. Whose entry it is is
never written into it: a person that states the address, or claims it, is read together with it from
then on, touches of before included. The entry's name is made with a key of the platform, where
there is one: from an address nobody without it can tell the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    PersonErased,
    PersonRegistered,
)
from shared.events.touches import TouchRecorded
from shared.personal import CLEAR, ERASED
from shared.projection import Projection


def _tellable(phone: str) -> str:
    if phone_key(phone) is None:
        raise ValueError("too few digits to tell whose number it is")
    return phone


Stripped = StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^\s@]+@[^\s@]+$"),
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
        for field, kind in NAMES.items():
            name = getattr(self, field)
            if name is not None:
                return f"{kind}:{name}"
        return None


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


Blind = Callable[[str], str]


def one_spelling(identity: str) -> str:
    """Return the name as it is compared: the same text, however it is written."""
    kind, _, told = identity.partition(":")
    return f"{kind}:{_key(kind, told)}"


def entry_named(identity: str, blind: Blind = CLEAR.blind) -> str:
    """Return the entry that a name is told of: the same one, however it is written."""
    kind, _, told = one_spelling(identity).partition(":")
    return f"person-{derived_id('identity', kind, blind(told))}"


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
    if claims.get(one_spelling(identity)) is claimed:
        return []
    event = IdentityClaimed if claimed else IdentityReleased
    return [event(identity=identity, on=command.on)]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one person says of a name: stated among the details, claimed, or released.

    `erased_at`: the person was forgotten while it was theirs, and it stays theirs.
    """

    person: str
    stated_at: datetime | None = None
    claimed_at: datetime | None = None
    released: bool = False
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Answers: whose is this name, and which touches wait for somebody to whom it belongs? (C-14).

    `owner`: who was erased with it, else who claimed it first, else who stated it first, as we
    learnt of it. `unresolved`: there are touches, and nobody. `identity` is how the name was
    written first, kept sealed; `told_at` and `told_in` say by which fact.
    """

    entry: str
    identity: str | None = None
    told_at: datetime | None = None
    told_in: str | None = None
    touches: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    publishers: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    owner: str | None = None
    unresolved: bool = False


identity_card = Projection(
    "identity",
    version=2,
    view=Identity,
    indexes=("owner", "unresolved"),
    streams=("person", "touch"),
    opens=True,
)


def _stated(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, PersonRegistered | PersonDetailsStated)
    told = (("email", at.data.email), ("phone", at.data.phone))
    read = ((kind, at.words.plain(name)) for kind, name in told)
    return tuple(entry_named(f"{kind}:{name}", at.words.blind) for kind, name in read if name)


def _named(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, IdentityClaimed | IdentityReleased)
    identity = at.words.plain(at.data.identity)
    return () if identity is None else (entry_named(identity, at.words.blind),)


def _touched(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, TouchRecorded)
    return () if at.data.identity is None else (at.data.person,)


def _kept(at: Envelope) -> tuple[str, ...]:
    assert isinstance(at.data, PersonErased)
    return at.data.entries


def _statement(card: Identity, event: Any, at: Envelope) -> Identity:
    known = _claim(card, at)
    return _with(card, replace(known, stated_at=known.stated_at or at.recorded_at))


identity_card.on(PersonRegistered, keys=_stated)(_statement)
identity_card.on(PersonDetailsStated, keys=_stated)(_statement)


@identity_card.on(IdentityClaimed, keys=_named)
def claimed(card: Identity, event: IdentityClaimed, at: Envelope) -> Identity:
    claim = replace(_claim(card, at), claimed_at=at.recorded_at, released=False)
    return _with(_told(card, event.identity, at), claim)


@identity_card.on(IdentityReleased, keys=_named)
def released(card: Identity, event: IdentityReleased, at: Envelope) -> Identity:
    claim = replace(_claim(card, at), claimed_at=None, released=True)
    return _with(_told(card, event.identity, at), claim)


@identity_card.on(TouchRecorded, keys=_touched)
def touched(card: Identity, event: TouchRecorded, at: Envelope) -> Identity:
    card = replace(
        _told(card, event.identity or "", at),
        touches=card.touches + 1,
        first_at=min(card.first_at or at.occurred_at, at.occurred_at),
        last_at=max(card.last_at or at.occurred_at, at.occurred_at),
        publishers=tuple(sorted({*card.publishers, event.publisher})),
    )
    return _resolved(card)


@identity_card.on(PersonErased, keys=_kept)
def erased(card: Identity, event: PersonErased, at: Envelope) -> Identity:
    # What they stated and claimed cannot be read any more; that it was theirs is told once more.
    return _with(card, Claim(at.stream, erased_at=at.recorded_at))


def _told(card: Identity, identity: str, at: Envelope) -> Identity:
    # Of several ways to write it the first, of what can be read: whichever came to us first.
    if at.words.plain(identity) in (None, ERASED):
        return card
    first = (card.told_at, card.told_in) if card.told_at and card.told_in else None
    if first is not None and first <= (at.recorded_at, at.stream):
        return card
    return replace(card, identity=identity, told_at=at.recorded_at, told_in=at.stream)


def _claim(card: Identity, at: Envelope) -> Claim:
    return next((one for one in card.claims if one.person == at.stream), Claim(at.stream))


def _with(card: Identity, claim: Claim) -> Identity:
    others = (one for one in card.claims if one.person != claim.person)
    claims = tuple(sorted((*others, claim), key=lambda one: one.person))
    return _resolved(replace(card, claims=claims))


def _resolved(card: Identity) -> Identity:
    gone = [(one.erased_at, one.person) for one in card.claims if one.erased_at]
    claimed = [(one.claimed_at, one.person) for one in card.claims if one.claimed_at]
    stated = [(c.stated_at, c.person) for c in card.claims if c.stated_at and not c.released]
    _, owner = min(gone or claimed or stated, default=(None, None))
    return replace(card, owner=owner, unresolved=owner is None and card.touches > 0)
