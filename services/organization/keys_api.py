"""HTTP for the keys of systems: who issues one is told its secret, once."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from fastapi import Request, Response

from services.organization.key_views import KeyCard, key_card
from services.organization.keys import IssueKey, NewKey, RevokeKey
from services.organization.reads import Organization
from shared.access.keys import SECRET_BYTES, digest_of, key_of
from shared.errors import InvalidError
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    page,
    record,
    seen,
)
from shared.web.router import Router

router = Router(prefix="/organization", tags=["organization"])


class Issued(Recorded):
    """The key of a system: send it as `Authorization: Bearer ...`. It is not told again."""

    key: str


@dataclass(frozen=True, slots=True)
class KeyToday(KeyCard):
    """A key as it stands today; after its last day nobody is let in with it."""

    expired: bool = False


@router.post("/keys/{key}/issue", status_code=202)
async def issue_key(
    key: StreamId, command: NewKey, runtime: Organization, meta: CommandMeta, response: Response
) -> Issued:
    """Issue a key to a system. Only a digest of its secret is kept."""
    if command.expires_on is not None and command.expires_on < runtime.today:
        raise InvalidError(f"it would never count: today is {runtime.today}", field="#/expires_on")
    secret = secrets.token_hex(SECRET_BYTES)
    issue = IssueKey(**command.model_dump(), digest=digest_of(secret))
    done = await record(runtime, f"key-{key}", issue, meta, response)
    response.headers["Cache-Control"] = "no-store"
    return Issued(**done.model_dump(), key=key_of(key, secret))


@router.post("/keys/{key}/revoke", status_code=202)
async def revoke_key(
    key: StreamId, command: RevokeKey, runtime: Organization, meta: CommandMeta, response: Response
) -> Recorded:
    """Let a key count no more, a second after this is folded at the latest."""
    return await record(runtime, f"key-{key}", command, meta, response)


@router.get("/keys/{key}")
async def get_key(
    key: StreamId, runtime: Organization, at_least: AtLeast, request: Request, response: Response
) -> KeyToday:
    """What a key is for, who issued it, and whether it still counts."""
    found = await runtime.reader(key_card).get(f"key-{key}", at_least)
    card: KeyCard = seen(found, "key", request, response)
    return _told(card, runtime.today)


@router.get("/keys")
async def list_keys(
    runtime: Organization,
    wanted: PageWanted,
    at_least: AtLeast,
    revoked: bool | None = None,  # noqa: FBT001 - FastAPI's way to declare a query
) -> dict[str, Any]:
    """Every key that was ever issued."""
    found = await page(runtime.reader(key_card), {"revoked": revoked}, wanted, at_least)
    return found | {"items": [_told(card, runtime.today) for card in found["items"]]}


def _told(card: KeyCard, today: date) -> KeyToday:
    expired = card.expires_on is not None and card.expires_on < today
    return KeyToday(**asdict(card) | {"digest": None}, expired=expired)
