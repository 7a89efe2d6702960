"""Nothing that answers a request leaves the event loop: a thread for each would cost more."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts

from sellers.node import Node, create_app
from shared.settings import Settings


def asked(dependant: Any) -> Iterator[Any]:
    """Yield what answers, and whatever it depends on."""
    if dependant is None:
        return
    yield dependant.call
    for each in dependant.dependencies:
        yield from asked(each)


def in_threads(app: FastAPI) -> set[str]:
    """Return what FastAPI would run in a thread: plain functions, and classes."""
    calls = {
        call
        for route in iter_route_contexts(app.routes)
        for call in asked(getattr(route, "dependant", None))
        if call is not None
    }
    assert calls
    waiting = {call for call in calls if iscoroutinefunction(call) or isasyncgenfunction(call)}
    return {call.__qualname__ for call in calls - waiting}


def test_no_route_and_no_dependency_needs_a_thread() -> None:
    assert in_threads(create_app(Node(Settings()))) == set()


def test_one_that_does_is_found() -> None:
    app = FastAPI()

    def plain() -> str:
        return ""

    @app.get("/", dependencies=[Depends(plain)])
    async def answer() -> None:
        return None

    assert {name.rpartition(".")[2] for name in in_threads(app)} == {"plain"}
