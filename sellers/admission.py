"""Composes who may do what: the gate that holds everybody to the rules of the routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from sellers.issuing.api import RULES as ISSUER_RULES
from sellers.issuing.api import issuer_router
from sellers.issuing.samples import sample_users
from sellers.issuing.signing import AUDIENCE, DevelopmentKey
from services.calendar.reads import entry_owners
from services.organization.key_views import key_card
from services.organization.reach import OrganizationReach
from shared.access.gate import Gate, Guarded
from shared.access.issuer_keys import IssuerKeys
from shared.access.keys import Card, Credentials, Remembered
from shared.access.rules import Of
from shared.access.tokens import Claims, Tokens
from shared.access.whose import HELD, ViewOwners
from shared.errors import UnavailableError

if TYPE_CHECKING:
    from datetime import date

    from sellers.issuing.signing import User
    from shared.access.rules import Rules
    from shared.runtime import Runtime
    from shared.settings import Settings
    from shared.web.router import Router


def tokens(settings: Settings) -> Tokens:
    """Return who checks what people sign in with."""
    return Tokens(
        settings.oidc_issuer,
        settings.oidc_audience,
        IssuerKeys(settings.oidc_issuer, settings.oidc_jwks_url or None),
        Claims(settings.oidc_roles_claim, settings.oidc_employee_claim, settings.oidc_role_names),
    )


def development(
    settings: Settings, runtimes: Mapping[str, Runtime]
) -> tuple[Tokens, Router, Rules]:
    """Return who signs people in on this machine, where nobody else does, and how it is served."""
    url = f"http://{settings.host}:{settings.port}"
    key = DevelopmentKey.of(settings.data_dir, url, make=True)

    async def users() -> list[User]:
        return await sample_users(_started(runtimes, "organization"))

    return Tokens(key.issuer, AUDIENCE, key), issuer_router(key, users), ISSUER_RULES


def asked_by(rules: Rules) -> frozenset[str]:
    """Return the domains whose views say whose the things are that these routes name."""
    said = (whose for rule in rules.values() for whose in rule.whose)
    kinds = {whose.kind for whose in said if isinstance(whose, Of)}
    return frozenset(held.domain for kind, held in HELD.items() if kind in kinds)


def _started(runtimes: Mapping[str, Runtime], domain: str) -> Runtime:
    if not runtimes:
        raise UnavailableError("the platform is starting", slug="starting")
    return runtimes[domain]


@dataclass(frozen=True, slots=True)
class KeyCards:
    """What organization has written of keys."""

    runtime: Callable[[], Runtime]

    async def card(self, key: str) -> Card | None:
        found = await self.runtime().reader(key_card).get(f"key-{key}")
        card: Card | None = None if found is None else found.value
        return card

    @property
    def today(self) -> date:
        return self.runtime().today


def guard(
    rules: Rules, tokens: Tokens | None, runtimes: Mapping[str, Runtime], settings: Settings
) -> Middleware:
    """Return the layer of a process that serves these runtimes, once they are started."""

    def of(domain: str) -> Callable[[], Runtime]:
        return lambda: _started(runtimes, domain)

    cards = KeyCards(of("organization"))
    gate = Gate(
        rules,
        Credentials(tokens, Remembered(cards), settings.key_requests_max),
        ViewOwners(runtimes, {"entry": entry_owners(of("calendar"))}),
        OrganizationReach(of("organization")),
    )
    return Middleware(Guarded, gate=gate)
