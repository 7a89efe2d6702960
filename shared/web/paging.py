"""Pages of a list. Rule: a cursor belongs to the very list that made it, refused on any other."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query

from shared.errors import InvalidError
from shared.exports import note_columns
from shared.reading import Page, Reader, Token

PAGE_MAX = 200
_CURSOR_SAID = {"pattern": "^[A-Za-z0-9_-]+$"}


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list: `limit` items after the opaque `cursor`."""

    limit: int
    cursor: str | None


async def _paging(
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    cursor: Annotated[str | None, Query(max_length=1_000, json_schema_extra=_CURSOR_SAID)] = None,
) -> Paging:
    return Paging(limit, cursor)


PageWanted = Annotated[Paging, Depends(_paging)]


async def page(
    reader: Reader[Any],
    where: Mapping[str, Any],
    wanted: Paging,
    at_least: Token | None,
    shown: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Answer one page; the cursor belongs to this very list and is refused on another.

    `shown` narrows a list to what may be shown today: tomorrow its cursors still count.
    """
    given = {name: value for name, value in where.items() if value is not None}
    mark = _mark(reader, given)
    after = None if wanted.cursor is None else key_of(wanted.cursor, mark)
    note_columns(reader.projection.view)
    found: Page = await reader.page(
        given | dict(shown or {}), limit=wanted.limit, after=after, at_least=at_least
    )
    cursor = None if found.next_key is None else cursor_of(found.next_key, mark)
    return {
        "items": [item.value for item in found.items],
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
        raise InvalidError("not a cursor of ours", field="query/cursor") from error
    if made_for != mark or not isinstance(key, str):
        raise InvalidError("the cursor belongs to another list", field="query/cursor")
    return key
