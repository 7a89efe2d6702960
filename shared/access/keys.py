"""The keys of systems: `sk_<id>_<secret>`. Of the secret, 256 bits of chance, a digest is kept.

There is nothing to guess in such a secret, so a fast digest is as good as a slow one, and whoever
reads the log or a backup cannot make a key of it.
"""

from __future__ import annotations

import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Protocol

from shared.access.principal import Principal, Quota, UnauthenticatedError
from shared.access.roles import SYSTEM_ROLES
from shared.access.tokens import Tokens
from shared.references import ID

PREFIX = "sk_"
SECRET_BYTES = 32
# For so long a key that was revoked may still count.
REMEMBERED_S, CARDS_MAX = 1.0, 1_000
_KEY = re.compile(rf"{PREFIX}(?P<id>{ID})_(?P<secret>[0-9a-f]{{{2 * SECRET_BYTES}}})")


class Card(Protocol):
    """What is written of a key."""

    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def only(self) -> tuple[str, ...] | None: ...
    @property
    def requests_max(self) -> int | None: ...
    @property
    def expires_on(self) -> date | None: ...
    @property
    def revoked(self) -> bool: ...
    @property
    def digest(self) -> str | None: ...


class Cards(Protocol):
    """Finds what is written of a key, by its id, and what day it is."""

    async def card(self, key: str) -> Card | None: ...

    @property
    def today(self) -> date: ...


def key_of(key: str, secret: str) -> str:
    return f"{PREFIX}{key}_{secret}"


def digest_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


@dataclass(slots=True)
class Remembered:
    """Looks a card up once a second: within it, a system may send hundreds of requests.

    What may not let anybody in is not remembered: a key that is issued counts at once.
    """

    cards: Cards
    now: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, tuple[Card, float]] = field(default_factory=OrderedDict)

    async def card(self, key: str) -> Card | None:
        now = self.now()
        card, until = self._known.get(key, (None, now))
        if card is not None and now < until:
            return card
        self._known.pop(key, None)
        found = await self.cards.card(key)
        if found is not None and not found.revoked:
            self._known[key] = (found, now + REMEMBERED_S)
            if len(self._known) > CARDS_MAX:
                self._known.popitem(last=False)
        return found

    @property
    def today(self) -> date:
        return self.cards.today


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whose a token or a key is; people may have no issuer, and then only systems are let in."""

    tokens: Tokens | None
    cards: Cards
    requests_max: int

    async def principal(self, token: str) -> Principal:
        if token.startswith(PREFIX):
            return await self._system(token)
        if self.tokens is None:
            raise UnauthenticatedError("nobody signs people in here, and this is no key")
        return await self.tokens.principal(token)

    async def _system(self, token: str) -> Principal:
        match = _KEY.fullmatch(token)
        card = await self.cards.card(match["id"]) if match is not None else None
        # Of a key that nobody issued no more is said than of one whose secret is wrong.
        known = "" if card is None or card.digest is None else card.digest
        given = "" if match is None else digest_of(match["secret"])
        if match is None or card is None or not hmac.compare_digest(known, given):
            raise UnauthenticatedError("no such key was issued")
        if card.revoked:
            raise UnauthenticatedError("the key was revoked")
        if card.expires_on is not None and self.cards.today > card.expires_on:
            raise UnauthenticatedError(f"the key counted until {card.expires_on}")
        actor = f"key-{match['id']}"
        return Principal(
            actor,
            roles=tuple(role for role in SYSTEM_ROLES if role in card.roles),
            only=None if card.only is None else frozenset(card.only),
            quota=Quota(actor, card.requests_max or self.requests_max),
        )
