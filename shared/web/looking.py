"""Notes, before it is answered, whose figures a colleague is about to see (N-13).

A look is noted under the actor of the request. Where people sign in that is whom the token or key
proves: a colleague, somebody who is none (`user-...`), or a system (`key-...`). Where access is
open it is the colleague that a request says it is (`X-Actor: employee-...`); of others nobody could
be told but that somebody was there. What cannot be noted is not answered. Whoever composes the app
says where looks are kept: `app.state.note_look`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from functools import cache
from typing import Any

import orjson
from fastapi import Request, Response
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException as StarletteHTTPException

from shared.access.principal import Principal
from shared.references import ID
from shared.web.router import Route

EMPLOYEE = "employee-"
NOT_MODIFIED = 304
_COLLEAGUE = re.compile(rf"{EMPLOYEE}{ID}")
# Which parameters say whose figures are asked for, and where answers name people.
ASKED = ("seller", "of", "key", "owner", "employee", "receiver", "introduced_by")
NAMED = ("id", "seller", "of", "owner", "employee", "receiver", "introduced_by")
LISTS = (
    *("rows", "reports", "weeks", "months", "sellers", "items"),
    *("contributions", "wanting"),
)
# What is told inside of an answer or of a row of it.
INSIDE = ("report", "card", "coaching")
# The rows that a name means, where an answer opens one.
MEANT = "ids"
# And which of these, in a path or as a parameter, may lack the kind before its id.
BARE = ("seller", "employee")
# Who looks, at which path, at whom, within which chain of facts.
NoteLook = Callable[[str, str, frozenset[str], str], Awaitable[None]]


class Noticed(Route):
    """A route whose answers may show figures of colleagues."""

    # Whether whom an answer names is seen; else only whom the request names.
    reads_answers = True

    @property
    def notes(self) -> bool:
        """Whether looks are noted here at all."""
        return True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        if not self.notes or "GET" not in (self.methods or ()):
            return answer

        async def noticed(request: Request) -> Response:
            try:
                response = await answer(request)
            except StarletteHTTPException as unchanged:
                if unchanged.status_code == NOT_MODIFIED:
                    # What they look at again they have already; nobody need send it for that.
                    await self._note(request, lambda: _had(request))
                raise
            await self._note(request, lambda: _document(response))
            return response

        return noticed

    async def _note(self, request: Request, told_of: Callable[[], Any]) -> None:
        note: NoteLook | None = getattr(request.app.state, "note_look", None)
        viewer = _viewer(request)
        if note is None or viewer is None:
            return
        told = {*_asked(request), *getattr(request.state, "shown", ())}
        if self.reads_answers:
            told |= {*_named(told_of())}
        seen = {one for one in told - {viewer} if _COLLEAGUE.fullmatch(one)}
        if seen:
            report, correlation = request.url.path, request.state.correlation_id
            await note(viewer, report, frozenset(seen), correlation)


class NoticedLists(Noticed):
    """Of a router whose lists tell what sellers have in hand; one thing tells of its customer."""

    @property
    def notes(self) -> bool:
        return not self.dependant.path_params


class NoticedByName(NoticedLists):
    """Lists that tell of customers, and of a colleague where they are asked for by name."""

    reads_answers = False


def show(request: Request, employees: Iterable[str]) -> None:
    """Say whom a page shows that is no JSON."""
    request.state.shown = tuple(employees)


def _viewer(request: Request) -> str | None:
    """Return under which name a look is noted; None: nobody could be told who it was."""
    actor = request.headers.get("x-actor", "")
    proved: Principal | None = getattr(request.state, "principal", None)
    return actor if proved is not None or _COLLEAGUE.fullmatch(actor) else None


def _asked(request: Request) -> Iterator[str]:
    told = {**request.query_params, **request.path_params}
    for name in ASKED:
        said = str(told.get(name, ""))
        yield said
        if name in BARE:
            yield f"{EMPLOYEE}{said}"


def _had(request: Request) -> Any:
    had = getattr(request.state, "had", None)
    kind: Any = type(had)
    return _codec(kind).dump_python(had, mode="json")


@cache  # To make one takes longer than all else; there are as many as kinds of answers.
def _codec(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _document(response: Response) -> Any:
    if not response.headers.get("content-type", "").startswith("application/json"):
        return None
    return orjson.loads(response.body)


def _named(told: Any) -> Iterator[str]:
    if not isinstance(told, dict):
        return
    yield from _people(told)
    yield from told.get(MEANT) or ()
    for name in LISTS:
        for row in told.get(name) or ():
            if isinstance(row, dict):
                yield from _people(row)


def _people(row: dict[str, Any]) -> Iterator[str]:
    for name in NAMED:
        said = row.get(name)
        if isinstance(said, str):
            yield said
    for name in INSIDE:
        told = row.get(name)
        for one in told if isinstance(told, list) else (told,):
            if isinstance(one, dict):
                yield from _people(one)
