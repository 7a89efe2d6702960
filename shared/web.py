"""HTTP around the domains: problems (RFC 9457), conditional requests, ids, pages."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from http import HTTPStatus
from time import perf_counter
from typing import Annotated, Any

import orjson
import structlog
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import DomainError, InvalidError, UnavailableError
from shared.events.base import INTEGER_MAX
from shared.log import LogUnavailableError
from shared.observability import COMMANDS, REQUEST_SECONDS
from shared.reading import Page, Reader, Seen, Token
from shared.references import ID
from shared.runtime import Runtime
from shared.service import Accepted, Refused
from shared.service import Request as CommandRequest
from shared.store import StoreError

PROBLEM = "application/problem+json"
PROBLEM_TYPE = "https://sellers.example/problems/"
BODY_BYTES_MAX = 5_000_000
PAGE_MAX = 200
# How many parked streams a header names.
PARKED_MAX = 10

log = structlog.get_logger()


class Recorded(BaseModel):
    """The command is recorded. Send `token` back as `X-At-Least` to read what it brought about."""

    stream: str
    version: int
    recorded: int
    duplicate: bool
    token: str


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    errors: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return an RFC 9457 problem. `type` is stable; `errors` name fields by JSON pointer."""
    body: dict[str, Any] = {
        "type": PROBLEM_TYPE + slug,
        "title": title,
        "status": status,
        "detail": detail,
    }
    correlation = structlog.contextvars.get_contextvars().get("correlation_id")
    if correlation is not None:
        body["correlation_id"] = correlation
    if errors:
        body["errors"] = list(errors)
    return body


def refusal(error: DomainError) -> dict[str, Any]:
    errors = [{"pointer": error.field, "detail": str(error)}] if error.field else []
    return problem(error.status, error.slug, error.title, str(error), errors=errors)


def invalid(error: Any, within: str | None = None) -> dict[str, Any]:
    """Return the problem of a request that does not fit its schema, every field with its cause.

    `within` points at the part of the body that was read, where that is not all of it.
    """
    errors = [
        {
            "pointer": _pointer(found["loc"]) if within is None else _at(within, found["loc"]),
            "detail": found["msg"],
            "code": found["type"],
        }
        for found in error.errors()
    ]
    detail = "; ".join(f"{found['pointer']}: {found['detail']}" for found in errors)
    return problem(422, "invalid", "The request does not fit its schema", detail, errors=errors)


def _pointer(loc: Sequence[Any]) -> str:
    where, *rest = loc or ["body"]
    if where == "body":
        return _at("#", rest or [""])
    return _at(str(where), rest)


def _at(pointer: str, steps: Sequence[Any]) -> str:
    """Go on from a JSON pointer (RFC 6901, 3), whatever characters the names have."""
    told = [str(step).replace("~", "~0").replace("/", "~1") for step in steps]
    return "/".join([pointer, *told]).encode(errors="backslashreplace").decode()


def problem_response(body: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(body, body["status"], headers, media_type=PROBLEM)


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    return problem_response(refusal(error))


async def _on_invalid(_: Request, error: Exception) -> Response:
    return problem_response(invalid(error))


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    if error.status_code in (204, 304):  # RFC 9110: they have no body, and a server refuses one.
        return Response(status_code=error.status_code, headers=error.headers)
    title = HTTPStatus(error.status_code).phrase
    slug = title.lower().replace(" ", "-")
    body = problem(error.status_code, slug, title, str(error.detail))
    return problem_response(body, dict(error.headers or {}))


async def _on_unavailable(_: Request, error: Exception) -> Response:
    slug, wait = "unavailable", 1
    if isinstance(error, UnavailableError):
        slug, wait = error.slug, error.retry_after_s
    title = "Not now; the same request may be sent again"
    body = problem(503, slug, title, str(error))
    return problem_response(body, {"Retry-After": str(wait)})


async def _on_bug(_: Request, error: Exception) -> Response:
    log.error("request_failed", exc_info=error)
    body = problem(500, "internal-error", "This is our fault", "The failure has been logged.")
    return problem_response(body)


@dataclass(frozen=True, slots=True)
class Meta:
    """What a request's headers say about the command: who, once, on which state, in which chain."""

    actor: str
    id: str | None
    only_at: Container[int] | None
    correlation_id: str
    traceparent: str | None


KEY = r"[\x21-\x7e]{1,200}"
_KEY = re.compile(KEY)
# RFC 9110, 8.8.3. Ours begin with the version of the stream: a view's go on with which state of it.
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_TAG_LIST = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t]*(?:{_TAG.pattern})?)*[ \t]*")
OUR_TAG = re.compile(r'"(?P<version>[0-9]{1,10})(?:-[0-9.-]+)?"')
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def _meta(
    request: Request,
    x_actor: Annotated[str, Header(max_length=200)] = "anonymous",
    idempotency_key: Annotated[str | None, Header()] = None,
    if_match: Annotated[str | None, Header()] = None,
    traceparent: Annotated[str | None, Header()] = None,
) -> Meta:
    key = idempotency_key.strip('"') if idempotency_key is not None else None
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidError("1 to 200 printable ASCII characters", field="Idempotency-Key")
    if traceparent is not None and not _TRACEPARENT.fullmatch(traceparent):
        traceparent = None  # W3C Trace Context: an invalid one is ignored, never refused.
    return Meta(
        actor=x_actor or "anonymous",
        id=key,
        only_at=_versions(if_match),
        correlation_id=request.state.correlation_id,
        traceparent=traceparent,
    )


def _batch_meta(request: Request, meta: Annotated[Meta, Depends(_meta)]) -> Meta:
    for name in ("Idempotency-Key", "If-Match"):
        if name in request.headers:
            raise InvalidError(
                "says nothing of many commands at once; each has an id of its own", field=name
            )
    return meta


def _versions(if_match: str | None) -> Container[int] | None:
    """Return the versions of the stream that the tags of `If-Match` allow (RFC 9110, 13.1.1).

    `*` asks that there is something. Only strong tags of ours say a version: with any other alone
    no state matches, and the command is refused.
    """
    if if_match is None:
        return None
    if if_match.strip() == "*":
        return range(1, INTEGER_MAX + 1)
    versions = [OUR_TAG.fullmatch(tag) for tag in _tags(if_match, "If-Match")]
    return frozenset(int(ours["version"]) for ours in versions if ours is not None)


def _tags(header: str, name: str) -> list[str]:
    if not _TAG_LIST.fullmatch(header):
        raise InvalidError('`*`, or ETags with their quotes, like "7"', field=name)
    return _TAG.findall(header)


CommandMeta = Annotated[Meta, Depends(_meta)]
# Of many commands in one request: those headers are refused that could mean only one of them.
BatchMeta = Annotated[Meta, Depends(_batch_meta)]

StreamId = Annotated[str, Path(pattern=rf"^{ID}$")]


def runtime_of(domain: str) -> Callable[[Request], Runtime]:
    """Return the dependency that finds a domain's runtime, in whatever process serves it."""

    def current(request: Request) -> Runtime:
        return started_runtimes(request)[domain]

    return current


def started_runtimes(request: Request) -> dict[str, Runtime]:
    """Return the runtimes of this process.

    Raises:
        UnavailableError: they still start. Half an answer, such as no lag, would be a wrong one.

    """
    runtimes: dict[str, Runtime] = request.app.state.runtimes
    if not runtimes:
        raise UnavailableError("the platform is starting", slug="starting", retry_after_s=1)
    return runtimes


def _at_least(x_at_least: Annotated[str | None, Header()] = None) -> Token | None:
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
        command=command,
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


def seen(found: Seen | None, what: str, request: Request, response: Response) -> Any:
    """Answer one view with its ETag, 304 when the reader has it already, 404 when there is none."""
    if found is None:
        raise StarletteHTTPException(404, f"no such {what}")
    headers = headers_of(found)
    if _has(request.headers.get("if-none-match"), headers["ETag"]):
        raise StarletteHTTPException(304, headers=headers)
    response.headers.update(headers)
    return found.value


def headers_of(found: Seen, day: date | None = None) -> dict[str, str]:
    """Return the headers of a view, as of a day where it changes with the days.

    Its ETag may be sent as `If-Match` of a command to the view's own stream: it begins with the
    version of that stream. `X-Parked` names streams of which the view lacks facts.
    """
    tag = f"{found.version}-{found.rev}" + (f"-{day}" if day is not None else "")
    lacking = {"X-Parked": ", ".join(found.parked[:PARKED_MAX])} if found.parked else {}
    return {"ETag": f'"{tag}"', **lacking}


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether the reader has it, compared weakly (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [tag.removeprefix("W/") for tag in _TAG.findall(if_none_match)]
    return if_none_match.strip() == "*" or etag in tags


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list: `limit` items after the opaque `cursor`."""

    limit: int
    cursor: str | None


def _paging(
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Paging:
    return Paging(limit, cursor)


PageWanted = Annotated[Paging, Depends(_paging)]


async def page(
    reader: Reader[Any], where: dict[str, Any], wanted: Paging, at_least: Token | None
) -> dict[str, Any]:
    """Answer one page; the cursor belongs to this very list and is refused on another."""
    given = {name: value for name, value in where.items() if value is not None}
    mark = _mark(reader, given)
    after = None if wanted.cursor is None else key_of(wanted.cursor, mark)
    found: Page = await reader.page(given, limit=wanted.limit, after=after, at_least=at_least)
    cursor = None if found.next_key is None else cursor_of(found.next_key, mark)
    return {
        "items": found.items,
        "next_cursor": cursor,
        # Streams of which facts are set aside that would change these views: see `/parked`.
        "parked": list(found.parked),
    }


def _mark(reader: Reader[Any], where: dict[str, Any]) -> str:
    listed = orjson.dumps([reader.projection.name, where], option=orjson.OPT_SORT_KEYS)
    return blake2b(listed, digest_size=8).hexdigest()


def cursor_of(key: str, mark: str) -> str:
    """Say where a list goes on; `mark` is what only its own cursors have."""
    return base64.urlsafe_b64encode(orjson.dumps([key, mark])).decode().rstrip("=")


def key_of(cursor: str, mark: str) -> str:
    try:
        key, made_for = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidError("not a cursor of ours", field="cursor") from error
    if made_for != mark or not isinstance(key, str):
        raise InvalidError("the cursor belongs to another list", field="cursor")
    return key


class _TooLargeError(StarletteHTTPException):
    """The body has more bytes than any request of ours may have.

    Of that class because it is raised while FastAPI reads the body: any other would be a 400 there.
    """

    def __init__(self) -> None:
        super().__init__(413, f"a body may have {BODY_BYTES_MAX} bytes at most")


async def _on_too_large(_: Request, error: Exception) -> Response:
    assert isinstance(error, _TooLargeError)
    return problem_response(problem(413, "too-large", "Too large", error.detail))


class Edge:
    """Around every request: correlation id, body limit, duration, and nothing else."""

    def __init__(self, app: ASGIApp, new_id: Callable[[], str]) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-correlation-id", b"").decode("latin-1")
        correlation = given if _KEY.fullmatch(given) else self._new_id()
        scope.setdefault("state", {})["correlation_id"] = correlation
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation_id=correlation)
        began, status, taken = perf_counter(), 500, 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_BYTES_MAX:
                raise _TooLargeError
            return message

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-correlation-id", correlation.encode("latin-1")))
            await send(message)

        try:
            await self._app(scope, limited, named)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            elapsed = perf_counter() - began
            REQUEST_SECONDS.labels(scope["method"], route, str(status)).observe(elapsed)


def build_app(
    title: str,
    runtimes: dict[str, Runtime],
    routers: Sequence[APIRouter],
    *,
    new_id: Callable[[], str],
    lifespan: Callable[[FastAPI], AsyncIterator[None]] | None = None,
    ready: Callable[[], Awaitable[dict[str, str]]],
) -> FastAPI:
    """Join routers to their runtimes. `ready` names what is not ready yet, with the reason."""
    wrapped = asynccontextmanager(lifespan) if lifespan is not None else None
    app = FastAPI(title=title, version="1", lifespan=wrapped, separate_input_output_schemas=False)
    app.state.runtimes = runtimes
    app.state.tails = {}
    for handled, answer in (
        (DomainError, _on_refusal),
        (RequestValidationError, _on_invalid),
        (_TooLargeError, _on_too_large),
        (StarletteHTTPException, _on_http),
        (UnavailableError, _on_unavailable),
        (StoreError, _on_unavailable),
        (LogUnavailableError, _on_unavailable),
        (Exception, _on_bug),
    ):
        app.add_exception_handler(handled, answer)
    app.add_middleware(Edge, new_id=new_id)
    for router in routers:
        app.include_router(router)
    app.include_router(_probes(ready))
    return app


def _probes(ready: Callable[[], Awaitable[dict[str, str]]]) -> APIRouter:
    router = APIRouter(tags=["probes"])

    @router.get("/livez")
    async def livez() -> dict[str, str]:
        """The event loop turns. An outage elsewhere never fails this."""
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> Response:
        """Everything serves; 503 names what does not, and why."""
        missing = await ready()
        body = {"status": "ok"} if not missing else {"status": "not ready", "missing": missing}
        return JSONResponse(body, 503 if missing else 200)

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
