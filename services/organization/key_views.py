"""Which systems have a key, and what each may do. Pure folds, never refuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from shared.events import Envelope
from shared.events.organization import KeyIssued, KeyRevoked
from shared.projection import Projection


@dataclass(frozen=True, slots=True)
class KeyCard:
    """Answers: what may the system do that shows this key, and does it still count?"""

    key: str
    name: str | None = None
    roles: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    requests_max: int | None = None
    expires_on: date | None = None
    issued_by: str | None = None
    issued_at: datetime | None = None
    revoked: bool = False
    revoked_by: str | None = None
    revoked_because: str | None = None
    revoked_at: datetime | None = None
    # Of the secret, which nobody has but the system.
    digest: str | None = None


key_card = Projection("key_card", version=1, view=KeyCard, indexes=("revoked",), streams=("key",))


@key_card.on(KeyIssued)
def issued(card: KeyCard, event: KeyIssued, at: Envelope) -> KeyCard:
    return replace(
        card,
        name=event.name,
        roles=event.roles,
        only=event.only,
        requests_max=event.requests_max,
        expires_on=event.expires_on,
        issued_by=at.actor,
        issued_at=at.recorded_at,
        digest=event.digest,
    )


@key_card.on(KeyRevoked)
def revoked(card: KeyCard, event: KeyRevoked, at: Envelope) -> KeyCard:
    return replace(
        card,
        revoked=True,
        revoked_by=at.actor,
        revoked_because=event.reason,
        revoked_at=at.recorded_at,
    )
