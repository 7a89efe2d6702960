"""Which bodies are read, and what is said of another one: what would be (RFC 9110, 15.5.16)."""

from __future__ import annotations

from fastapi import HTTPException, Request

JSON = "application/json"
IDENTITY = "identity"


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """Say whether it is JSON, or anything that is written in it (RFC 6839)."""
    main, _, sub = media.partition("/")
    return main == "application" and (sub == "json" or sub.endswith("+json"))


def has_body(request: Request) -> bool:
    headers = request.headers
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def unread(request: Request, *read: str) -> HTTPException:
    """Return the refusal of a body of a type that is not among those that are read here."""
    said = media_type(request)
    what = f"the body is said to be {said}" if said else "nothing says what the body is"
    told = ", ".join(read)
    return HTTPException(415, f"{what}; read here, by content-type: {told}", {"Accept": told})


def json_only(request: Request, *besides: str) -> None:
    """Refuse a body that is no JSON; `besides`: what else is read there.

    Raises:
        HTTPException: 415, naming the types.

    """
    if has_body(request) and not is_json(media_type(request)):
        raise unread(request, JSON, *besides)


def read_only(request: Request, media: str) -> None:
    """Refuse a body of any other type.

    Raises:
        HTTPException: 415, naming the type.

    """
    if media_type(request) != media:
        raise unread(request, media)
