"""Every list as a CSV file: the same address with `Accept: text/csv` or `?format=csv`.

A list answers in pages; the file holds them all and is sent page by page. It is RFC 4180 in UTF-8
with a byte order mark, as spreadsheets expect, and no cell of it is taken for a formula.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.reading import lacking

# Under which name an answer has its list; what else it says about the whole is not in the file.
LISTS = ("items", "rows", "contributions")
# What makes a spreadsheet compute (OWASP, CSV injection), the full-width signs included.
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
NEGATIVE = re.compile(r"-[0-9]+(\.[0-9]+)?")
BOM = "\ufeff"


# What the list that is being answered has for fields, so that one without items has a first line.
@dataclass(slots=True)
class _Noted:
    names: list[str] = field(default_factory=list)
    all_pages: bool = False


_columns: ContextVar[_Noted | None] = ContextVar("columns", default=None)


def note_columns(view: type[Any]) -> None:
    """Say of which views the list is that is being answered."""
    note_names(field.name for field in fields(view))


def note_names(names: Iterable[str], *, all_pages: bool = False) -> None:
    """Say which names every row has of the list that is being answered.

    `all_pages`: rows need not have all of these, and no row of any page has another one.
    """
    noted = _columns.get()
    if noted is not None:
        noted.names, noted.all_pages = list(names), all_pages


class BrokenListError(Exception):
    """A later page of a list cannot be written under the first line of the file."""


@dataclass(slots=True)
class _Answer:
    """One page of a list as it was answered; what is no JSON went to the caller as it came."""

    send: Send
    start: Message = field(default_factory=dict)
    body: bytes = b""
    forwarded: bool = False

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            # An endless stream of events, for one, has to go on as it comes.
            self.forwarded = not kind.startswith("application/json")
            self.start = message
        if self.forwarded:
            await self.send(message)
        else:
            self.body += message.get("body", b"")

    @property
    def document(self) -> Any:
        """Return what was answered, None where that was no success."""
        fine = not self.forwarded and self.start["status"] == HTTPStatus.OK
        return orjson.loads(self.body) if fine else None


class Exports:
    """Around the routes: asks a list for page after page when a file is wanted.

    `no_list` answers who insists on a file of what is none.
    """

    def __init__(self, app: ASGIApp, no_list: Callable[[], ASGIApp]) -> None:
        self._app = app
        self._no_list = no_list

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _wanted(scope):
            await self._app(scope, receive, send)
            return
        columns = _Noted()
        token = _columns.set(columns)
        try:
            first = await self._page(scope, receive, send, None)
            document = first.document
            rows = _rows(document)
            if first.forwarded:
                return
            if rows is not None:
                await send(_started(scope, document))
                await self._send(scope, receive, send, document, columns)
            elif document is not None and _told(scope):
                await self._no_list()(scope, receive, send)
            else:
                await send(first.start)
                await send({"type": "http.response.body", "body": first.body})
        finally:
            _columns.reset(token)

    async def _send(
        self, scope: Scope, receive: Receive, send: Send, document: Any, columns: _Noted
    ) -> None:
        gone = Request(scope, receive).is_disconnected
        async for text in _lines(self._pages(scope, receive, send, document), columns):
            if await gone():
                return  # Who went away reads no further pages.
            part = {"type": "http.response.body", "body": text.encode(), "more_body": True}
            await send(part)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pages(
        self, scope: Scope, receive: Receive, send: Send, document: Any
    ) -> AsyncIterator[list[Any]]:
        while True:
            rows = _rows(document)
            if rows is None:
                # The file has begun: that it breaks off is all that can still be said.
                raise BrokenListError("a page of the list was answered otherwise than its first")
            yield rows
            cursor = document.get("next_cursor") if isinstance(document, dict) else None
            if cursor is None:
                return
            document = (await self._page(scope, receive, send, cursor)).document

    async def _page(
        self, scope: Scope, receive: Receive, send: Send, cursor: str | None
    ) -> _Answer:
        """Ask for one page as any client would."""
        asked = [(name, said) for name, said in _query(scope) if (name, said) != ("format", "csv")]
        if cursor is not None:
            asked = [
                *((name, said) for name, said in asked if name != "cursor"),
                ("cursor", cursor),
            ]
        headers = [h for h in scope["headers"] if h[0] not in (b"accept", b"if-none-match")]
        inner = {
            **scope,
            "query_string": urlencode(asked).encode(),
            "headers": [*headers, (b"accept", b"application/json")],
        }
        answer = _Answer(send)
        await self._app(inner, receive, answer.take)
        scope["route"] = inner.get("route")
        return answer


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _told(scope: Scope) -> bool:
    return ("format", "csv") in _query(scope)


def _wanted(scope: Scope) -> bool:
    if _told(scope):
        return True
    accepted = Headers(scope=scope).get("accept", "").lower().split(",")
    weights = dict(_weight(one) for one in accepted)
    table = weights.get("text/csv", 0.0)
    return table > 0 and table >= weights.get("application/json", 0.0)


def _weight(accepted: str) -> tuple[str, float]:
    kind, *parameters = (part.strip() for part in accepted.split(";"))
    said = [one.removeprefix("q=") for one in parameters if one.startswith("q=")]
    try:
        return kind, float(said[0]) if said else 1.0
    except ValueError:
        return kind, 0.0


def _rows(document: Any) -> list[Any] | None:
    """Return the list that an answer is, None where it is none."""
    if isinstance(document, dict):
        document = next((document[name] for name in LISTS if name in document), None)
    return document if isinstance(document, list) else None


def _started(scope: Scope, document: Any) -> Message:
    name = re.sub(r"[^A-Za-z0-9._~-]", "_", scope["path"].strip("/").replace("/", "-"))
    headers = [
        (b"content-type", b"text/csv; charset=utf-8; header=present"),
        (b"content-disposition", f'attachment; filename="{name}.csv"'.encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"accept"),
    ]
    parked = document.get("parked") if isinstance(document, dict) else None
    for header, streams in lacking(parked or ()).items():
        headers.append((header.lower().encode(), streams.encode()))
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _lines(pages: AsyncIterator[list[Any]], noted: _Noted) -> AsyncIterator[str]:
    """Yield the first line, and then the lines of each page."""
    columns: list[str] | None = None
    async for rows in pages:
        if not rows:
            continue
        if columns is None:
            names = (name for row in rows for name in _named(row))
            columns = noted.names if noted.all_pages else list(dict.fromkeys(names))
            yield BOM + table([columns])
        for row in rows:
            if unknown := [name for name in _named(row) if name not in columns]:
                raise BrokenListError(f"{', '.join(unknown)}: not in the first line of the file")
        yield table([_named(row).get(name) for name in columns] for row in rows)
    if columns is None:
        yield BOM + table([noted.names])


def _named(row: Any) -> dict[str, Any]:
    return row if isinstance(row, dict) else {"value": row}


def table(rows: Iterable[Iterable[Any]]) -> str:
    """Return the lines of a CSV file, every cell in quotes (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: Any) -> str:
    """Return what a cell shows: several words with `; ` between them, what has parts as JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return _harmless(value)
        case list() if not any(isinstance(one, list | dict) for one in value):
            return _harmless("; ".join("" if one is None else str(one) for one in value))
        case _:
            return orjson.dumps(value).decode()


def _harmless(text: str) -> str:
    """Put a quote before what a spreadsheet would compute; a negative number is just that."""
    if text.startswith(FORMULA) and not NEGATIVE.fullmatch(text):
        return f"'{text}"
    return text
