"""Around the routes, where access is required: who asks, and whether they may. Deny by default.

Behind it `X-Actor` is whoever the token or key proves, never what a request says of itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.access.principal import (
    AccessError,
    ForbiddenError,
    Principal,
    UnauthenticatedError,
)
from shared.access.quotas import Quotas
from shared.access.roles import COMPANY, DIVISION, OWN, TEAM, allowed
from shared.access.roles import Scope as Reaches
from shared.access.rules import PUBLIC, Named, Of, PolicyError, Rule, Rules, Whose
from shared.access.whose import Asked, Owners, Reach, from_body, named, thing
from shared.errors import UnavailableError
from shared.store import StoreError
from shared.web.problems import HANDLERS, problem, problem_response
from shared.web.router import literal, plain_of

ACTOR = b"x-actor"
_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/=-]{1,8192})")


class Authenticator(Protocol):
    """Knows whose a token or a key is."""

    async def principal(self, token: str) -> Principal: ...


@dataclass(slots=True)
class Gate:
    """Decides on every request."""

    rules: Rules
    authenticator: Authenticator
    owners: Owners
    reach: Reach
    quotas: Quotas = field(default_factory=Quotas)

    async def admit(self, rule: Rule, who: Principal, asked: Asked) -> None:
        """Let somebody do what a route is for.

        Raises:
            ForbiddenError: naming what they lack.

        """
        scope = who.reach(rule.permission)
        if scope == Reaches.NONE:
            needed = ", ".join(allowed(rule.permission))
            raise ForbiddenError(
                f"this takes the permission {rule.permission}, which {_a(needed)} has; "
                f"you are {', '.join(who.roles) or 'of no role'}",
                rule.permission,
            )
        if scope == COMPANY:
            return
        said = False
        for whose in rule.whose:
            found = await self._whose(whose, asked)
            if found is None:
                continue
            said = True
            if not await self._any_within(scope, who, found):
                raise ForbiddenError(_beyond(rule, scope), rule.permission)
        if not said and rule.whose:
            how = ", or ".join(map(str, rule.whose))
            may_ask = await self._may_ask(rule, scope, who)
            said_so = " or ".join(f"{n}={v}" for one in may_ask for n, v in one.items())
            raise ForbiddenError(
                f"{rule.permission} of everybody takes the whole company, and you reach "
                f"{_REACHES[scope]}: say whose, by {how}" + (f", as {said_so}" if said_so else ""),
                rule.permission,
                may_ask,
            )
        if not said:
            raise ForbiddenError(
                f"this is about the whole company, and with {rule.permission} you reach "
                f"{_REACHES[scope]}",
                rule.permission,
            )

    async def _may_ask(self, rule: Rule, scope: Reaches, who: Principal) -> list[dict[str, str]]:
        """Return what of the address somebody may say instead: themselves, a unit they lead."""
        if who.employee is None:
            return []
        found: list[dict[str, str]] = []
        for whose in rule.whose:
            if not isinstance(whose, Named) or whose.place != "query":
                continue
            if whose.kind == "employee":
                found.append({whose.field: who.employee})
            elif whose.kind == "unit" and scope >= TEAM:
                found += [{whose.field: unit} for unit in await self.reach.leads(who.employee)]
        return found

    async def still_admits(self, token: str, rule: Rule, asked: Asked) -> bool:
        """Say whether who was let in would be let in now; where nobody can tell, yes."""
        try:
            await self.admit(rule, await self.authenticator.principal(token), asked)
        except AccessError:
            return False
        except (UnavailableError, StoreError):
            return True
        return True

    async def _whose(self, whose: Whose, asked: Asked) -> list[frozenset[str]] | None:
        """Return whose each thing is that the request names; None: it names nothing of the kind."""
        if isinstance(whose, Of):
            stream = thing(whose, asked)
            if stream is not None:
                owners = await self.owners(stream)
                if owners is not None:
                    return [owners]
                if whose.otherwise is None:
                    return []  # There is no such thing: the route says so.
            beside = whose.otherwise
            names = [] if beside is None else named(beside, asked)
        else:
            names = named(whose, asked)
        return [frozenset({name}) for name in names] or None

    async def _any_within(
        self, scope: Reaches, who: Principal, things: list[frozenset[str]]
    ) -> bool:
        """Say whether of each thing somebody is within reach to whom it belongs."""
        for owners in things:
            for owner in sorted(owners):
                if await self._within(scope, who, owner):
                    break
            else:
                return False
        return True

    async def _within(self, scope: Reaches, who: Principal, whom: str) -> bool:
        viewer = who.employee
        if viewer is None:
            return False
        if viewer == whom:
            return scope >= OWN
        if scope >= TEAM and await self.reach.within_team(viewer, whom):
            return True
        return scope >= DIVISION and await self.reach.within_division(viewer, whom)


_REACHES = {OWN: "your own", TEAM: "your team's", DIVISION: "your division's"}


def _a(roles: str) -> str:
    return "no role" if not roles else f"who is {roles}"


def _beyond(rule: Rule, scope: Reaches) -> str:
    return f"with {rule.permission} you reach {_REACHES[scope]}; this is another's"


@dataclass(frozen=True, slots=True)
class _Route:
    beginning: str
    matches: Callable[[str], re.Match[str] | None]
    rule: Rule
    convertors: Mapping[str, Any]
    plain: Callable[[Mapping[str, Any]], dict[str, Any]]


class Guarded:
    """The layer around the routes that asks the gate."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate
        self._routes: dict[str, list[_Route]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._table(scope["app"])  # Nothing starts that has a route without a rule.
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            found = self._find(scope)
            admitted = Admitted(receive, {})
            if found is not None and found[0].permission != PUBLIC:
                admitted = await self._admit(*found, scope, receive)
        except AccessError as error:
            await _refusal(error)(scope, receive, send)
        except (UnavailableError, StoreError) as error:
            kind = next(one for one in HANDLERS if isinstance(error, one))
            answer = await HANDLERS[kind](Request(scope), error)
            await answer(scope, receive, send)
        else:
            await self._app(scope, admitted.receive, admitted.telling(send))

    def _table(self, app: FastAPI) -> dict[str, list[_Route]]:
        if self._routes is None:
            self._routes = {}
            for method, path, route in routes_of(app):
                rule = self._gate.rules.get(f"{method} {path}")
                if rule is None:
                    raise PolicyError(f"no rule says who may {method} {path}: it is not served")
                beginning = literal(route)
                plain, convertors = plain_of(route), route.param_convertors
                held = _Route(beginning, route.path_regex.match, rule, convertors, plain)
                self._routes.setdefault(method, []).append(held)
        return self._routes

    def _find(self, scope: Scope) -> tuple[Rule, dict[str, Any]] | None:
        """Return the rule of the route that will answer, by the very order of the router."""
        path = get_route_path(scope)
        for route in self._table(scope["app"]).get(scope["method"], ()):
            match = route.matches(path) if path.startswith(route.beginning) else None
            if match is not None:
                given = match.groupdict().items()
                said = {n: route.convertors[n].convert(v) for n, v in given}
                return route.rule, route.plain(said)
        return None  # Nothing answers there: 404, or 405.

    async def _admit(
        self, rule: Rule, path: dict[str, Any], scope: Scope, receive: Receive
    ) -> Admitted:
        gate, headers = self._gate, _headers(scope)
        token = _token(headers)
        who = await gate.authenticator.principal(token)
        told: dict[str, str] = {}
        if who.quota is not None:
            told = gate.quotas.take(who.quota)
        claimed = headers.get("x-actor")
        if claimed is not None and claimed != who.actor:
            raise ForbiddenError(f"X-Actor says another name than you signed in with: {who.actor}")
        body = b""
        if who.reach(rule.permission) < COMPANY and any(map(from_body, rule.whose)):
            body, receive = await _read(receive)
        asked = Asked(path, scope["query_string"], body)
        await gate.admit(rule, who, asked)
        kept = [(name, value) for name, value in scope["headers"] if name != ACTOR]
        # In place: the layers outside read from here which route it was.
        scope["headers"] = [*kept, (ACTOR, who.actor.encode())]
        state = scope.setdefault("state", {})
        state["principal"] = who
        state["still_admitted"] = partial(gate.still_admits, token, rule, asked)
        return Admitted(receive, told)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may go on, and what its answer tells of how often there may be more."""

    receive: Receive
    told: Mapping[str, str]

    def telling(self, send: Send) -> Send:
        if not self.told:
            return send

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(n.lower().encode(), v.encode()) for n, v in self.told.items()]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        return telling


def routes_of(app: FastAPI) -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and route of all that an app serves, in the order it looks."""
    for route in iter_route_contexts(app.routes):
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield method, str(route.path), route


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        if key in {"authorization", "x-actor"} and key in found:
            raise UnauthenticatedError(f"{key} is given twice")
        found[key] = value.decode("latin-1")
    return found


def _token(headers: Mapping[str, str]) -> str:
    given = headers.get("authorization")
    if given is None:
        raise UnauthenticatedError(
            "this takes a token: send it as `Authorization: Bearer ...`", invalid=False
        )
    match = _BEARER.fullmatch(given)
    if match is None:
        raise UnauthenticatedError("Authorization has to be `Bearer` and a token")
    return match[1]


async def _read(receive: Receive) -> tuple[bytes, Receive]:
    """Read a body, and return it with what gives it again to whoever reads it next."""
    messages: list[Message] = []
    body = b""
    while True:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body", False):
            break
    waiting = iter(messages)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return body, again


def _refusal(error: AccessError) -> Response:
    body = problem(error.status, error.slug, error.title, str(error))
    if isinstance(error, ForbiddenError) and error.permission is not None:
        body["permission"] = error.permission
    if isinstance(error, ForbiddenError) and error.may_ask:
        body["may_ask"] = list(error.may_ask)
    return problem_response(body, error.headers)
