"""What may happen to the key of a system. Pure: the secret is made at the edge, and never here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, assert_never

from pydantic import AfterValidator, Field

from services.organization.employees import Name
from shared.access.roles import PERMISSIONS, SYSTEM_ROLES, Role
from shared.command import Command, Day
from shared.errors import DomainError, NotFoundError
from shared.events.organization import KeyEvent, KeyIssued, KeyRevoked

REQUESTS_MAX = 1_000_000


class KeyUnknownError(NotFoundError):
    """No key of that id was issued."""


class KeyAlreadyIssuedError(DomainError):
    """A key is issued once, and its secret told once: issue another, then revoke this one."""


def _of_systems(role: str) -> str:
    if role not in SYSTEM_ROLES:
        raise ValueError(f"a system is one of {', '.join(SYSTEM_ROLES)}: people sign in")
    return role


def _permission(name: str) -> str:
    if name not in PERMISSIONS:
        raise ValueError(f"no permission; there are {', '.join(PERMISSIONS)}")
    return name


SystemRole = Annotated[Role, AfterValidator(_of_systems)]
PermissionName = Annotated[str, AfterValidator(_permission)]


@dataclass(frozen=True, slots=True)
class Key:
    """Only what a rule needs to know."""

    issued: bool = False
    revoked: bool = False


class NewKey(Command):
    """Which system it is for, and what that may do."""

    name: Name
    roles: tuple[SystemRole, ...] = Field(min_length=1, max_length=len(SYSTEM_ROLES))
    # For these permissions alone, of those that its roles have.
    only: tuple[PermissionName, ...] | None = Field(None, min_length=1, max_length=100)
    requests_max: int | None = Field(None, ge=1, le=REQUESTS_MAX, strict=True)
    expires_on: Day | None = None


class IssueKey(NewKey):
    """The same, with what its secret is recognised by."""

    digest: str = Field(pattern="^[0-9a-f]{64}$")


class RevokeKey(Command):
    reason: str | None = Field(None, max_length=1_000)


KeyCommand = IssueKey | RevokeKey


def decide_key(key: Key, command: KeyCommand) -> list[KeyEvent]:
    """Say which facts the command would record, or refuse it. No facts: nothing to do."""
    match command:
        case IssueKey():
            if key.issued:
                raise KeyAlreadyIssuedError(
                    "an id is never used again: issue a key of another, then revoke this one"
                )
            return [
                KeyIssued(
                    name=command.name,
                    roles=tuple(dict.fromkeys(command.roles)),
                    only=command.only,
                    requests_max=command.requests_max,
                    expires_on=command.expires_on,
                    digest=command.digest,
                )
            ]
        case RevokeKey(reason=reason):
            if not key.issued:
                raise KeyUnknownError
            return [] if key.revoked else [KeyRevoked(reason=reason)]
        case _:
            assert_never(command)


def evolve_key(key: Key, event: KeyEvent) -> Key:
    """Apply a fact. Total: a fact cannot be refused, whatever it meets."""
    match event:
        case KeyIssued():
            return Key(issued=True, revoked=key.revoked)
        case KeyRevoked():
            return Key(issued=key.issued, revoked=True)
        case _:
            assert_never(event)
