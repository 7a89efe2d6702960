"""Many commands in one request, each decided for itself: what importers and generators use.

No postponed annotations here: routes are made per domain, with a dependency of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import Annotated, Any, Self

import orjson
from fastapi import Depends, Query, Request
from pydantic import Field, ValidationError, model_validator

from shared.command import Command, Instant
from shared.errors import DomainError, InvalidError, NotFoundError, TooLargeError
from shared.events import Envelope, encode, timestamp
from shared.json_text import read
from shared.observability import COMMANDS
from shared.references import STREAM
from shared.runtime import Runtime
from shared.service import Domain, Outcome, Refused
from shared.service import Request as CommandRequest
from shared.web import (
    BatchMeta,
    Meta,
    Viewer,
    invalid,
    outcome_name,
    recorded,
    refusal,
    runtime_of,
)
from shared.web.media import json_only
from shared.web.router import Router

COMMANDS_MAX = 1_000


class Item(Command):
    """One command: to which stream, of which type, and what makes it happen once.

    `origin` names a row of another system that the command mirrors; `id` is an idempotency key. One
    of both: a row is the same command as long as it says the same, an id for ever.
    """

    stream: Annotated[str, Field(pattern=rf"^{STREAM}$")]
    type: str
    command: dict[str, Any] = Field(default_factory=dict)
    id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    origin: Annotated[str | None, Field(min_length=1, max_length=300)] = None
    occurred_at: Instant | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.id is not None and self.origin is not None:
            raise ValueError("either `id` or `origin`, not both")
        return self


@dataclass(frozen=True, slots=True)
class _Read:
    """One item of the request: a command to decide, or the problem that it is."""

    at: str
    request: CommandRequest | None = None
    problem: dict[str, Any] | None = None

    def result(self, outcome: Outcome) -> dict[str, Any]:
        if isinstance(outcome, Refused):
            return {"status": "refused", "problem": _refusal(outcome.error, self.at)}
        return {"status": outcome_name(outcome), **recorded(outcome).model_dump()}


def bulk_router(domain: Domain) -> Router:
    """Return `POST /<domain>/commands` and `GET /<domain>/history/<stream>`."""
    router = Router(prefix=f"/{domain.name}", tags=[domain.name])
    current = runtime_of(domain.name)
    Current = Annotated[Runtime, Depends(current)]  # noqa: N806 - a type, made per domain.

    @router.post("/commands", name=f"{domain.name} commands")
    async def commands(request: Request, runtime: Current, meta: BatchMeta) -> dict[str, Any]:
        """Decide up to 1,000 commands in order; the answer has one result for each.

        What makes one happen once is its own `id`, or the `origin` that it mirrors; headers that
        could mean a single command only, `Idempotency-Key` and `If-Match`, are refused.
        """
        json_only(request)
        return {"results": await _decided(runtime, _items(await request.body()), meta)}

    @router.get("/history/{stream}", name=f"{domain.name} history")
    async def history(
        stream: str,
        runtime: Current,
        viewer: Viewer,
        as_of: Annotated[Instant | None, Query()] = None,
        known_at: Annotated[Instant | None, Query()] = None,
    ) -> dict[str, Any]:
        """All facts of one stream: by when they happened, and by when we knew of them.

        It is told up to the first fact that is somebody else's alone yet: what follows it would
        tell that there is one.
        """
        facts = (await runtime.journal.histories(runtime.store, [stream]))[stream]
        facts = list(takewhile(partial(_told_to, runtime, viewer), facts))
        if not facts:
            raise NotFoundError(_nothing_on(stream, domain))
        return {
            "stream": stream,
            "as_of": timestamp(as_of) if as_of else None,
            "known_at": timestamp(known_at) if known_at else None,
            "facts": [
                orjson.loads(encode(fact))
                for fact in facts
                if (as_of is None or fact.occurred_at <= as_of)
                and (known_at is None or fact.recorded_at <= known_at)
            ],
        }

    return router


def _told_to(runtime: Runtime, viewer: str, fact: Envelope) -> bool:
    own_first = runtime.domain.own_first
    own = None if own_first is None else own_first(fact)
    return own is None or own.told_to(viewer, runtime.today)


async def _decided(runtime: Runtime, items: Sequence[Any], meta: Meta) -> list[dict[str, Any]]:
    domain = runtime.domain
    read = [_read(domain, item, f"#/commands/{place}", meta) for place, item in enumerate(items)]
    asked = [
        replace(one.request, command=await runtime.prepared(one.request.command))
        for one in read
        if one.request is not None
    ]
    outcomes = iter(await runtime.service.handle_many(asked))
    results = []
    for one in read:
        if one.request is None:
            results.append({"status": "invalid", "problem": one.problem})
            continue
        outcome = next(outcomes)
        COMMANDS.labels(domain.name, outcome_name(outcome)).inc()
        results.append(one.result(outcome))
    return results


def _nothing_on(stream: str, domain: Domain) -> str:
    if domain.intake and stream.partition("-")[0] not in domain.deciders:
        # Where the log alone is durable, what nothing decides is in no journal (touches.py).
        return (
            f"{domain.name} journals nothing on {stream}: facts of {', '.join(domain.intake)} may "
            f"be in the log and in views only; GET /trace/{stream} finds those among the newest"
        )
    return f"{domain.name} has recorded nothing on {stream}"


def _items(body: bytes) -> Sequence[Any]:
    # Of what has no bytes one item is to blame.
    document = read(body, half_written=True)
    items = document.get("commands") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise InvalidError("a list is missing", field="#/commands")
    if len(items) > COMMANDS_MAX:
        raise TooLargeError(f"at most {COMMANDS_MAX} commands", field="#/commands")
    return items


def _read(domain: Domain, raw: Any, at: str, meta: Meta) -> _Read:
    within = at
    try:
        item = Item.model_validate(raw)
        kind = domain.decider(item.stream)
        if item.type not in kind.commands:
            known = ", ".join(sorted(kind.commands))
            raise InvalidError(f"{item.type!r} is none of: {known}", field="type")
        within = f"{at}/command"
        command = kind.commands[item.type].model_validate_json(orjson.dumps(item.command))
    except ValidationError as error:
        return _Read(at, problem=invalid(error, within))
    except DomainError as error:
        return _Read(at, problem=_refusal(error, at))
    except TypeError as error:
        unfit = InvalidError(f"not representable: {error}", field="command")
        return _Read(at, problem=_refusal(unfit, at))
    return _Read(
        at,
        CommandRequest(
            stream=item.stream,
            command=command,
            actor=meta.actor,
            id=item.id,
            origin=item.origin,
            occurred_at=item.occurred_at,
            correlation_id=meta.correlation_id,
            traceparent=meta.traceparent,
        ),
    )


def _refusal(error: DomainError, at: str) -> dict[str, Any]:
    """Point into the request: at a part of the item, or at a field of its command (`#/on`)."""
    told = refusal(error)
    named = (error.field or "").removeprefix("#")
    for one in told.get("errors", ()):
        part = "id" if named == "Idempotency-Key" else named
        one["pointer"] = f"{at}/command{named}" if named.startswith("/") else f"{at}/{part}"
    return told
