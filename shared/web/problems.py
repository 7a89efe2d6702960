"""What every refusal and failure answers: a problem that names field and cause (RFC 9457)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared.errors import DomainError, UnavailableError, in_words, pointer
from shared.events.base import UndecodableError
from shared.log import LogUnavailableError
from shared.store import StoreError

PROBLEM = "application/problem+json"
PROBLEM_TYPE = "https://sellers.example/problems/"
BODY_BYTES_MAX = 5_000_000
PATH_SHOWN_MAX = 200

log = structlog.get_logger()


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
            "pointer": _pointer(found["loc"]) if within is None else pointer(within, found["loc"]),
            "detail": in_words(found["msg"]),
            "code": found["type"],
        }
        for found in _causes(error.errors())
    ]
    detail = "; ".join(f"{found['pointer']}: {found['detail']}" for found in errors)
    return problem(422, "invalid", "The request does not fit its schema", detail, errors=errors)


def _causes(errors: Sequence[Any]) -> list[Any]:
    """Leave out that a list is too short where that is because of what is wrong inside it."""
    places = [tuple(found["loc"]) for found in errors]
    return [
        found
        for found, place in zip(errors, places, strict=True)
        if found["type"] != "too_short"
        or not any(len(place) < len(other) and other[: len(place)] == place for other in places)
    ]


def _pointer(loc: Sequence[Any]) -> str:
    where, *rest = loc or ["body"]
    if where == "body":
        return pointer("#", rest or [""])
    return pointer(str(where), rest)


def problem_response(body: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(body, body["status"], headers, media_type=PROBLEM)


def _placed(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """Say of what is not there where the request names it: the last that its path does."""
    named = list(request.path_params)
    if body["status"] == HTTPStatus.NOT_FOUND and "errors" not in body and named:
        body["errors"] = [{"pointer": f"path/{named[-1]}", "detail": body["detail"]}]
    return body


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    return problem_response(_placed(request, refusal(error)))


async def _on_invalid(_: Request, error: Exception) -> Response:
    return problem_response(invalid(error))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    if error.status_code in (204, 304):  # RFC 9110: they have no body, and a server refuses one.
        return Response(status_code=error.status_code, headers=error.headers)
    title = HTTPStatus(error.status_code).phrase
    slug = title.lower().replace(" ", "-")
    told = str(error.detail)
    detail = told if told != title else _unserved(request, error)
    body = problem(error.status_code, slug, title, detail)
    return problem_response(_placed(request, body), dict(error.headers or {}))


def _unserved(request: Request, error: StarletteHTTPException) -> str:
    """Say what is wrong with an address where no route of ours said more than its status."""
    path = request.url.path[:PATH_SHOWN_MAX]
    if error.status_code == HTTPStatus.NOT_FOUND:
        return f"nothing is served at {path}: /docs lists what is"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (
        served := (error.headers or {}).get("Allow")
    ):
        return f"{request.method} is not served at {path}, but {served} is"
    return str(error.detail)


async def _on_newer(_: Request, error: Exception) -> Response:
    detail = f"written by a newer release than the one that answers here: {error}"
    body = problem(503, "newer-release", "Not now; the same request may be sent again", detail)
    return problem_response(body, {"Retry-After": "60"})


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
    # This is answered outside of `Edge`, which names the request in every other answer.
    named = body.get("correlation_id")
    return problem_response(body, None if named is None else {"X-Correlation-Id": named})


def no_list() -> Response:
    detail = "format=csv: this address answers one thing, which is no list"
    return problem_response(problem(406, "no-list", "Only a list can be had as a file", detail))


# The most special class that fits answers.
HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    DomainError: _on_refusal,
    RequestValidationError: _on_invalid,
    StarletteHTTPException: _on_http,
    # What was sent has been checked by then: these are bytes that a release of ours recorded.
    UndecodableError: _on_newer,
    UnavailableError: _on_unavailable,
    StoreError: _on_unavailable,
    LogUnavailableError: _on_unavailable,
    Exception: _on_bug,
}
