"""Seals what a private entry is to its owner (K-02): from here on nobody here can read it.

Rule: what goes in is nowhere else, neither in a command nor in a refusal nor in a log. Opening it
again is the owner's, with a key that never was here (docs/adr/0016).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Annotated

import orjson
from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox
from pydantic import Field

from services.calendar.about import PEOPLE_MAX, Note, Text
from services.calendar.agenda_views import AgendaCard
from shared.command import Command
from shared.errors import DomainError
from shared.references import CompanyStream, IssueStream, OpportunityStream, PersonStream

# The length of what is sealed says no more than how many of these it fills.
BLOCK = 256


class NoKeyError(DomainError):
    """Without a key of the owner nothing private can be stored: nobody could ever read it."""

    title = "Register a key first: private entries are sealed to it"


class WeakKeyError(DomainError):
    """Nothing can be sealed to such a key."""


class PrivateWords(Command):
    """All that is private about an entry: it is sealed as a whole."""

    title: Text | None = None
    place: Text | None = None
    note: Note | None = None
    attendees: tuple[Text, ...] = Field((), max_length=PEOPLE_MAX)
    person: PersonStream | None = None
    people: tuple[PersonStream, ...] = Field((), max_length=PEOPLE_MAX)
    company: CompanyStream | None = None
    opportunity: OpportunityStream | None = None
    issue: IssueStream | None = None
    uid: Annotated[str | None, Field(max_length=1_000)] = None


def seal(words: PrivateWords, agenda: AgendaCard) -> tuple[str, str]:
    """Return the words sealed to the owner's newest key, and which key that is.

    Raises:
        NoKeyError: the owner has none.

    """
    if not agenda.keys:
        raise NoKeyError
    key = agenda.keys[-1]
    plain = orjson.dumps(words.model_dump(exclude_defaults=True))
    padded = plain.ljust(-(-len(plain) // BLOCK) * BLOCK)
    return sealed_to(key.public_key, padded), key.key


def sealed_to(public_key: str, plain: bytes) -> str:
    try:
        return b64encode(SealedBox(PublicKey(b64decode(public_key))).encrypt(plain)).decode()
    except (CryptoError, ValueError, RuntimeError) as error:
        raise WeakKeyError(field="#/public_key") from error
