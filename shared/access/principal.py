"""Who asks, and why somebody is not let in. Every refusal is a problem (RFC 9457, RFC 6750)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from shared.access.roles import Role, Scope, reach
from shared.errors import SellersError

REALM = "sellers"


@dataclass(frozen=True, slots=True)
class Quota:
    """How many requests a system may send in a minute."""

    name: str
    per_minute: int


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a system, as their token or key proves."""

    # What is written into facts: `employee-7`, `user-...` or `key-...`.
    actor: str
    roles: tuple[Role, ...]
    employee: str | None = None
    # A key may be for less than its roles are.
    only: frozenset[str] | None = None
    quota: Quota | None = None
    # Seconds since the epoch; None: until revoked.
    expires_at: float | None = None

    def reach(self, permission: str) -> Scope:
        if self.only is not None and permission not in self.only and permission != "self":
            return Scope.NONE
        return reach(self.roles, permission)


class AccessError(SellersError):
    """Somebody is not let in; `header` is what RFC 6750 says of it."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]

    @property
    def headers(self) -> dict[str, str]:
        return {}


class UnauthenticatedError(AccessError):
    """Nobody in particular asks, or what they show proves nothing."""

    status = 401
    slug = "unauthenticated"
    title = "Sign in"

    def __init__(self, detail: str, *, invalid: bool = True) -> None:
        super().__init__(detail)
        self._invalid = invalid

    @property
    def headers(self) -> dict[str, str]:
        challenge = f'Bearer realm="{REALM}"'
        if self._invalid:
            challenge += f', error="invalid_token", error_description="{_quotable(str(self))}"'
        return {"WWW-Authenticate": challenge}


class ForbiddenError(AccessError):
    """We know who asks, and they may not."""

    status = 403
    slug = "forbidden"
    title = "Not yours to do"

    def __init__(
        self,
        detail: str,
        permission: str | None = None,
        may_ask: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """`may_ask`: what the same request may say instead, each of them alone."""
        super().__init__(detail)
        self.permission = permission
        self.may_ask = may_ask

    @property
    def headers(self) -> dict[str, str]:
        if self.permission is None:
            return {}
        challenge = f'Bearer realm="{REALM}", error="insufficient_scope"'
        return {"WWW-Authenticate": f'{challenge}, scope="{self.permission}"'}


class TooManyError(AccessError):
    """A system sent more requests than it may."""

    status = 429
    slug = "too-many-requests"
    title = "Too many requests"

    def __init__(self, detail: str, headers: dict[str, str]) -> None:
        super().__init__(detail)
        self._headers = headers

    @property
    def headers(self) -> dict[str, str]:
        return self._headers


def _quotable(text: str) -> str:
    """Return what RFC 6750 allows between quotes."""
    kept = (c if " " <= c <= "~" and c not in '"\\' else "'" for c in text)
    return "".join(kept)
