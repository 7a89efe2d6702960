"""Notes, before it is answered, whose figures a colleague is about to see (N-13).

A look is noted for whoever says who they are (`X-Actor: employee-...`); of others nobody could be
told but that somebody was there. What cannot be noted is not answered. Whoever composes the app
says where looks are kept: `app.state.note_look`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Any

import orjson
from fastapi import Request, Response

from shared.references import ID
from shared.web.router import Route

EMPLOYEE = "employee-"
_COLLEAGUE = re.compile(rf"{EMPLOYEE}{ID}")
# Which parameters say whose figures are asked for, and where answers name people.
ASKED = ("seller", "of", "key", "owner", "employee")
NAMED = ("id", "seller", "of", "owner", "employee")
LISTS = ("rows", "reports", "weeks", "months", "sellers", "items")
# And which of these, in a path or as a parameter, may lack the kind before its id.
BARE = ("seller", "employee")
# Who looks, at which path, at whom, within which chain of facts.
NoteLook = Callable[[str, str, frozenset[str], str], Awaitable[None]]


class Noticed(Route):
    """A route whose answers may show figures of colleagues."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def noticed(request: Request) -> Response:
            response = await answer(request)
            note: NoteLook | None = getattr(request.app.state, "note_look", None)
            viewer = request.headers.get("x-actor", "")
            if note is None or request.method != "GET" or not _COLLEAGUE.fullmatch(viewer):
                return response
            shown: tuple[str, ...] = getattr(request.state, "shown", ())
            told = {*_asked(request), *_named(response), *shown} - {viewer}
            seen = {one for one in told if _COLLEAGUE.fullmatch(one)}
            if seen:
                report, correlation = request.url.path, request.state.correlation_id
                await note(viewer, report, frozenset(seen), correlation)
            return response

        return noticed


def show(request: Request, employees: Iterable[str]) -> None:
    """Say whom a page shows that is no JSON."""
    request.state.shown = tuple(employees)


def _asked(request: Request) -> Iterator[str]:
    told = {**request.query_params, **request.path_params}
    for name in ASKED:
        said = str(told.get(name, ""))
        yield said
        if name in BARE:
            yield f"{EMPLOYEE}{said}"


def _named(response: Response) -> Iterator[str]:
    if not response.headers.get("content-type", "").startswith("application/json"):
        return
    told = orjson.loads(response.body)
    if not isinstance(told, dict):
        return
    yield from _people(told)
    for name in LISTS:
        for row in told.get(name) or ():
            if isinstance(row, dict):
                yield from _people(row)
    if isinstance(told.get("report"), dict):
        yield from _people(told["report"])


def _people(row: dict[str, Any]) -> Iterator[str]:
    for name in NAMED:
        said = row.get(name)
        if isinstance(said, str):
            yield said
