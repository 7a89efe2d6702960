"""Commands over HTTP: what headers say about them, and the answer 202, recorded for good."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from shared.errors import DomainError, InvalidError
from shared.observability import COMMANDS
from shared.reading import Token
from shared.runtime import Runtime
from shared.service import Accepted, Refused
from shared.service import Request as CommandRequest
from shared.tracing import carried
from shared.web.conditional import TAGS, versions_of

KEY = r"[\x21-\x7e]{1,200}"
_KEY = re.compile(KEY)
# For the description alone: what refuses the headers says in words what they should be.
_KEY_SAID = {"pattern": rf"^{KEY}$"}
_TOKEN_SAID = {"pattern": "^[A-Za-z0-9_-]{4,160}={0,2}$"}
_TAGS_SAID = {"pattern": TAGS}


class Recorded(BaseModel):
    """The command is recorded. Send `token` back as `X-At-Least` to read what it brought about."""

    stream: str
    version: int
    recorded: int
    duplicate: bool
    token: str


@dataclass(frozen=True, slots=True)
class Meta:
    """What a request's headers say about the command: who, once, on which state, in which chain."""

    actor: str
    id: str | None
    only_at: Container[int] | None
    correlation_id: str
    traceparent: str | None


async def _meta(
    request: Request,
    x_actor: Annotated[str, Header(max_length=200)] = "anonymous",
    idempotency_key: Annotated[str | None, Header(json_schema_extra=_KEY_SAID)] = None,
    if_match: Annotated[str | None, Header(json_schema_extra=_TAGS_SAID)] = None,
    traceparent: Annotated[str | None, Header()] = None,
) -> Meta:
    key = idempotency_key.strip('"') if idempotency_key is not None else None
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidError("1 to 200 printable ASCII characters", field="Idempotency-Key")
    return Meta(
        actor=x_actor or "anonymous",
        id=key,
        only_at=versions_of(if_match),
        correlation_id=request.state.correlation_id,
        traceparent=carried(traceparent),
    )


async def _viewer(x_actor: Annotated[str, Header(max_length=200)] = "anonymous") -> str:
    return x_actor


# Who reads: whom the token proves, or where access is open whom they say they are.
Viewer = Annotated[str, Depends(_viewer)]


async def _batch_meta(request: Request, meta: Annotated[Meta, Depends(_meta)]) -> Meta:
    for name in ("Idempotency-Key", "If-Match"):
        if name in request.headers:
            raise InvalidError(
                "says nothing of many commands at once; each has an id of its own", field=name
            )
    return meta


CommandMeta = Annotated[Meta, Depends(_meta)]
# Of many commands in one request: those headers are refused that could mean only one of them.
BatchMeta = Annotated[Meta, Depends(_batch_meta)]


async def _at_least(
    x_at_least: Annotated[str | None, Header(json_schema_extra=_TOKEN_SAID)] = None,
) -> Token | None:
    return None if x_at_least is None else Token.decode(x_at_least)


AtLeast = Annotated[Token | None, Depends(_at_least)]


async def record(
    runtime: Runtime,
    stream: str,
    command: BaseModel,
    meta: Meta,
    response: Response,
    *,
    occurred_at: datetime | None = None,
) -> Recorded:
    """Decide one command and answer 202: recorded for good, published soon."""
    request = CommandRequest(
        stream=stream,
        command=await runtime.prepared(command),
        actor=meta.actor,
        id=meta.id,
        occurred_at=occurred_at,
        only_at=meta.only_at,
        correlation_id=meta.correlation_id,
        traceparent=meta.traceparent,
    )
    try:
        accepted = await runtime.service.handle(request)
    except DomainError:
        COMMANDS.labels(runtime.domain.name, "refused").inc()
        raise
    COMMANDS.labels(runtime.domain.name, outcome_name(accepted)).inc()
    response.headers["ETag"] = f'"{accepted.version}"'
    return recorded(accepted)


def recorded(accepted: Accepted) -> Recorded:
    token = Token(accepted.stream, accepted.version).encode() if accepted.version else ""
    return Recorded(
        stream=accepted.stream,
        version=accepted.version,
        recorded=accepted.recorded,
        duplicate=accepted.duplicate,
        token=token,
    )


def outcome_name(outcome: Accepted | Refused) -> str:
    if isinstance(outcome, Refused):
        return "refused"
    if outcome.duplicate:
        return "duplicate"
    return "recorded" if outcome.recorded else "unchanged"
