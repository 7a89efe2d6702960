"""Our routers and routes: quick to pass over, and exact about what a request may say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi._compat.shared import field_annotation_is_sequence
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Body, Cookie, Header, Path
from fastapi.routing import APIRoute, iter_route_contexts
from starlette._utils import get_route_path
from starlette.routing import Match
from starlette.types import Scope

from shared.json_text import read
from shared.references import COPIED, ID, other_kind
from shared.web.media import JSON, json_only

_NAMES_A_STREAM = object()
_TOLD = (
    "its id, with or without its kind before it; with it where the id itself begins with its kind, "
    f"or with {', '.join(f'{kind}-' for kind in COPIED)}"
)
StreamId = Annotated[str, Path(pattern=f"^{ID}$", description=_TOLD), _NAMES_A_STREAM]


def stream_id(kind: str) -> Any:
    """Return the type of a parameter that the path calls by another name than the function."""
    return Annotated[str, Path(alias=kind, pattern=f"^{ID}$", description=_TOLD), _NAMES_A_STREAM]


# Where a scope has the parameters of its path as they were said.
_SAID = "sellers.path_params"
# So many parameters that nobody reads are named.
NAMED_MAX = 10
# Parameters that are called otherwise than the kinds of the streams that they name.
_KINDS = {"calendar": ("workcalendar-",), "employee": ("employee-", "agenda-", "handover-")}


class Route(APIRoute):
    """Takes ids as answers print them, and refuses parameters that nobody reads.

    `/contacts/people/person-7` is `/contacts/people/7`: without that a copied id would name, or
    even begin, another stream. So would `/contacts/people/company-7`, which is refused: whoever
    means a person of that id says `person-company-7`. A misspelt `?sellr=` would show
    everybody's figures as somebody's.
    """

    # Whether parameters that nobody reads are refused.
    exact = True

    @cached_property
    def kinds(self) -> dict[str, tuple[str, ...]]:
        """Return what each id in the path may begin with, by the parameter's name."""
        return {
            one.alias: _KINDS.get(one.alias, (f"{one.alias}-",))
            for one in self.dependant.path_params
            if _NAMES_A_STREAM in one.field_info.metadata
        }

    def plain(self, named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a path with every id as streams have it after their kind."""
        return {name: self._plain(name, value) for name, value in named.items()}

    def _plain(self, name: str, value: Any) -> Any:
        for begins in self.kinds.get(name, ()):
            if value.startswith(begins):
                return value.removeprefix(begins)
        return value

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is not Match.NONE and child["path_params"]:
            said = child["path_params"]
            child["path_params"], child[_SAID] = self.plain(said), said
        return match, child

    @cached_property
    def asked_by(self) -> frozenset[str]:
        """Return the names of all parameters that an address may carry."""
        elsewhere = (Path, Header, Cookie)
        told = get_flat_params(self.dependant)
        # The fields of a model of parameters are plain fields.
        return frozenset(one.alias for one in told if not isinstance(one.field_info, elsewhere))

    @cached_property
    def asked_often(self) -> frozenset[str]:
        """Return the names of the parameters that may be given several times."""
        told = get_flat_params(self.dependant)
        return frozenset(
            one.alias for one in told if field_annotation_is_sequence(one.field_info.annotation)
        )

    @cached_property
    def _reads_json(self) -> bool:
        """Whether its body is read as JSON; one of another type looks at it where it is read."""
        read = self.body_field.field_info if self.body_field is not None else None
        return isinstance(read, Body) and read.media_type == JSON

    @cached_property
    def _besides(self) -> tuple[str, ...]:
        """Return the types of a body that the description says it reads besides JSON."""
        described: dict[str, Any] = (self.openapi_extra or {}).get("requestBody", {})
        return tuple(described.get("content", ()))

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def checked(request: Request) -> Response:
            self.check(request)
            if self._reads_json and (body := await request.body()):
                # From here the framework has it; what it would read itself, it reads carelessly.
                request._json = read(body, half_written=True)  # noqa: SLF001
            return await answer(request)

        return checked

    def check(self, request: Request) -> None:
        """Refuse bodies of another type, ids of another kind, and parameters that nobody reads.

        A parameter that is given twice is refused, too: one of both would say nothing.

        Raises:
            HTTPException: naming the types of a body that are read.
            RequestValidationError: naming each, and what may have been meant.

        """
        if self._reads_json:
            json_only(request, *self._besides)
        told = [*self._misplaced(request.scope.get(_SAID, {})), *self._unread(request)]
        if told:
            raise RequestValidationError(told)

    def _misplaced(self, said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for name, begins in self.kinds.items():
            kind = other_kind(said[name], begins)
            if kind is not None:
                why = (
                    f"{said[name]} begins as the id of another kind, {kind}, does; if it is meant "
                    f"here, say {begins[0]}{said[name]}"
                )
                yield {"type": "other_kind", "loc": ("path", name), "msg": why}

    def _unread(self, request: Request) -> Iterator[dict[str, Any]]:
        if not self.exact or not request.scope["query_string"]:
            return
        said = Counter(name for name, _ in request.query_params.multi_items())
        unknown = [name for name in said if name not in self.asked_by]
        for name in unknown[:NAMED_MAX]:
            msg = self._instead(name)
            yield {"type": "unknown_parameter", "loc": ("query", name), "msg": msg}
        for name in sorted(self.asked_by - self.asked_often):
            if said[name] > 1:
                msg = f"given {said[name]} times; nobody can say which of them is meant"
                yield {"type": "doubled_parameter", "loc": ("query", name), "msg": msg}

    def _instead(self, name: str) -> str:
        if not self.asked_by:
            return "no such parameter; this takes none"
        alike = get_close_matches(name, self.asked_by, 1)
        if alike:
            return f"no such parameter; did you mean {alike[0]}?"
        return f"no such parameter; this takes {', '.join(sorted(self.asked_by))}"


class LenientRoute(Route):
    """For programs that add parameters of their own to an address that was given to them."""

    exact = False


class Router(APIRouter):
    """FastAPI tries every route of every router in turn, and again in each router within.

    With some four hundred routes that took 1 to 2 ms of a request. A router of ours first compares
    how the path begins with how its own routes begin, up to their first parameter. It is included
    without a prefix: its routes' paths are whole.
    """

    _beginnings: tuple[str, ...] | None = None

    def __init__(self, *told: Any, route_class: type[APIRoute] = Route, **more: Any) -> None:
        super().__init__(*told, route_class=route_class, **more)

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


def plain_of(route: Any) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return what a route of an app makes of the parameters in its path."""
    ours = route.original_route
    return ours.plain if isinstance(ours, Route) else dict
