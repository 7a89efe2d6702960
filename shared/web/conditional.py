"""Conditional requests (RFC 9110, 13): on which state a command counts, what a reader has already.

An ETag of ours begins with the version of the stream; a view's goes on with which state of it.
"""

from __future__ import annotations

import re
from collections.abc import Container
from hashlib import blake2b
from typing import Any

from fastapi import Request, Response
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared.errors import InvalidError
from shared.events.base import INTEGER_MAX
from shared.reading import Seen, lacking

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# What `If-Match` may say (RFC 9110, 13.1.1), for the description.
TAGS = r'^(\*|(W/)?"[\x21\x23-\x7e]*"([ \t]*,[ \t]*(W/)?"[\x21\x23-\x7e]*")*)$'
# Of an answer to a command, "7", or of a view, "7-2.1.12" (`Seen.etag`): the version comes first,
# and no stream that there is has the version 0.
OUR_TAG = re.compile(r'"(?P<version>[1-9][0-9]{0,9})(?:-[0-9]+(?:\.[0-9]+)*)?"')


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
    return _tagged(found, found.etag, found.value, request, response)


def composed(found: Seen, value: Any, request: Request, response: Response) -> Any:
    """Answer a page that is made of more than the view it is about: its ETag tells all it says."""
    told = TypeAdapter(type(value)).dump_json(value)
    digest = int.from_bytes(blake2b(told, digest_size=8).digest())
    version = "" if found.version is None else found.version
    return _tagged(found, f'"{version}-{digest}"', value, request, response)


def _tagged(found: Seen, etag: str, value: Any, request: Request, response: Response) -> Any:
    headers = {"ETag": etag, **lacking(found.parked)}
    if _has(request.headers.get("if-none-match"), etag):
        request.state.had = value
        raise StarletteHTTPException(304, headers=headers)
    response.headers.update(headers)
    return value


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether the reader has it, compared weakly (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [tag.removeprefix("W/") for tag in _TAG.findall(if_none_match)]
    return if_none_match.strip() == "*" or etag in tags
