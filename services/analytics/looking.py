"""Notes, before it is answered, whose figures a colleague is about to see (N-13).

A look is noted for whoever says who they are (`X-Actor: employee-...`); of others nobody could be
told but that somebody was there. A report whose looks cannot be recorded is not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.analytics.looks import LookAt, look_of
from shared.runtime import Runtime
from shared.service import Request as CommandRequest

EMPLOYEE = "employee-"
# Which parameters say whose figures are asked for, and where answers name people.
ASKED = ("seller", "of", "key")
NAMED = ("id", "seller", "of")
LISTS = ("rows", "reports", "weeks", "months")
# So many looks of one day are remembered here, so that they are not decided on again.
REMEMBERED = 100_000


class Noticed(APIRoute):
    """A route whose answers may show figures of colleagues."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def noticed(request: Request) -> Response:
            response = await answer(request)
            viewer = request.headers.get("x-actor", "")
            if request.method == "GET" and viewer.startswith(EMPLOYEE):
                seen = {*_asked(request), *_named(response), *shown_in(request)} - {viewer}
                if seen:
                    await _note(request, viewer, seen)
            return response

        return noticed


def show(request: Request, employees: Iterable[str]) -> None:
    """Say whom a page shows that is no JSON."""
    request.state.shown = tuple(employees)


def shown_in(request: Request) -> tuple[str, ...]:
    return getattr(request.state, "shown", ())


def _asked(request: Request) -> Iterator[str]:
    for name in ASKED:
        said = request.query_params.get(name, "")
        if said.startswith(EMPLOYEE):
            yield said
        elif name == "seller" and said:
            yield f"{EMPLOYEE}{said}"


def _named(response: Response) -> Iterator[str]:
    if not response.headers.get("content-type", "").startswith("application/json"):
        return
    told = orjson.loads(response.body)
    if not isinstance(told, dict):
        return
    for name in LISTS:
        for row in told.get(name) or ():
            if isinstance(row, dict):
                yield from _people(row)
    if isinstance(told.get("report"), dict):
        yield from _people(told["report"])


def _people(row: dict[str, Any]) -> Iterator[str]:
    for name in NAMED:
        said = row.get(name)
        if isinstance(said, str) and said.startswith(EMPLOYEE):
            yield said


async def _note(request: Request, viewer: str, seen: set[str]) -> None:
    runtime: Runtime = request.app.state.runtimes["analytics"]
    report, day = request.url.path, runtime.today
    known: dict[tuple[str, str, str], Any] = request.app.state.__dict__.setdefault("looked", {})
    new = sorted(one for one in seen if known.get((viewer, report, one)) != day)
    if not new:
        return
    look = LookAt(viewer=viewer, report=report, of=tuple(new), on=day)
    stream = look_of(viewer, report, day)
    correlation = request.state.correlation_id
    await runtime.service.handle(
        CommandRequest(stream=stream, command=look, actor=viewer, correlation_id=correlation)
    )
    if len(known) > REMEMBERED:
        known.clear()
    known |= {(viewer, report, one): day for one in new}
