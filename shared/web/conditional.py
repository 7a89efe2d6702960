"""Conditional requests (RFC 9110, 13): on which state a command counts, what a reader has already.

An ETag of ours begins with the version of the stream; a view's goes on with which state of it.
"""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import date
from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared.errors import InvalidError
from shared.events.base import INTEGER_MAX
from shared.reading import Seen

# How many parked streams a header names.
PARKED_MAX = 10
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
OUR_TAG = re.compile(r'"(?P<version>[0-9]{1,10})(?:-[0-9.-]+)?"')


def versions_of(if_match: str | None) -> Container[int] | None:
    """Return the versions of the stream that the tags of `If-Match` allow (RFC 9110, 13.1.1).

    `*` asks that there is something. Only strong tags of ours say a version: with any other alone
    no state matches, and the command is refused.
    """
    if if_match is None:
        return None
    if if_match.strip() == "*":
        return range(1, INTEGER_MAX + 1)
    versions = [OUR_TAG.fullmatch(tag) for tag in _tags(if_match)]
    return frozenset(int(ours["version"]) for ours in versions if ours is not None)


def _tags(if_match: str) -> list[str]:
    if not if_match.strip() or _TAG.sub("", if_match).strip(" \t,"):
        raise InvalidError('`*`, or ETags with their quotes, like "7"', field="If-Match")
    return _TAG.findall(if_match)


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
