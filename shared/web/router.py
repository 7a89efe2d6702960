"""A router that is passed over quickly where none of its routes can answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from starlette._utils import get_route_path
from starlette.routing import Match
from starlette.types import Scope


class Router(APIRouter):
    """FastAPI tries every route of every router in turn, and again in each router within.

    With some four hundred routes that took 1 to 2 ms of a request. A router of ours first compares
    how the path begins with how its own routes begin, up to their first parameter. It is included
    without a prefix: its routes' paths are whole.
    """

    _beginnings: tuple[str, ...] | None = None

    def add_api_route(self, *told: Any, **more: Any) -> None:
        self._beginnings = None
        super().add_api_route(*told, **more)

    def include_router(self, *told: Any, **more: Any) -> None:
        self._beginnings = None
        super().include_router(*told, **more)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if self._beginnings is None:
            self._beginnings = tuple(sorted(_beginnings(self)))
        if not get_route_path(scope).startswith(self._beginnings):
            return Match.NONE, {}
        return super().matches(scope)


def _beginnings(router: APIRouter) -> set[str]:
    return {literal(route) for route in iter_route_contexts(router.routes)}


def literal(route: Any) -> str:
    """Return what every path begins with that the route answers."""
    beginning: str = route.path.partition("{")[0]
    return beginning
