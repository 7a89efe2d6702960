"""Composes who may do what: the gate that holds everybody to the rules of the routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.middleware import Middleware

from services.calendar.reads import entry_owners
from services.organization.reach import OrganizationReach
from shared.access.gate import Authenticator, Gate, Guarded
from shared.access.issuer_keys import IssuerKeys
from shared.access.tokens import Claims, Tokens
from shared.access.whose import ViewOwners
from shared.errors import UnavailableError

if TYPE_CHECKING:
    from shared.access.rules import Rules
    from shared.runtime import Runtime
    from shared.settings import Settings


def tokens(settings: Settings) -> Tokens:
    """Return who checks what people sign in with."""
    return Tokens(
        settings.oidc_issuer,
        settings.oidc_audience,
        IssuerKeys(settings.oidc_issuer, settings.oidc_jwks_url or None),
        Claims(settings.oidc_roles_claim, settings.oidc_employee_claim, settings.oidc_role_names),
    )


def gate(rules: Rules, authenticator: Authenticator, runtimes: Mapping[str, Runtime]) -> Gate:
    """Return the gate of a process that serves these runtimes, once they are started."""

    def of(domain: str) -> Callable[[], Runtime]:
        def started() -> Runtime:
            if not runtimes:
                raise UnavailableError("the platform is starting", slug="starting")
            return runtimes[domain]

        return started

    owners = ViewOwners(runtimes, {"entry": entry_owners(of("calendar"))})
    return Gate(rules, authenticator, owners, OrganizationReach(of("organization")))


def guard(gate: Gate) -> Middleware:
    return Middleware(Guarded, gate=gate)
