"""The whole matrix of docs/access.md, tried: every route, every role, one's own and others'."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from sellers.description import describe
from sellers.matrix import EVERYBODY, NOBODY, PAGE, written
from sellers.node import Node, create_app, routers, rules
from shared.access.gate import Gate, Guarded, PolicyError, routes_of
from shared.access.principal import Principal, UnauthenticatedError
from shared.access.roles import ROLES
from shared.access.rules import Named, Of, Rule, Whose
from shared.settings import Settings
from shared.web import build_app

VIEWER = "employee-viewer"
# Whose something is, and how far one has to reach for it.
RELATIONS = {
    "own": VIEWER,
    "team": "employee-led-by-viewer",
    "division": "employee-in-the-branch",
    "company": "employee-elsewhere",
}
FAR = [NOBODY, *RELATIONS]
ROW = re.compile(r"\| `(?P<route>[A-Z]+ /[^`]*)` \|(?P<cells>.*)\|")
UNKNOWN = "unknown"


class Row(NamedTuple):
    """A line of the page."""

    route: str
    cells: dict[str, str]


def rows() -> Iterator[Row]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if (found := ROW.fullmatch(line)) is not None:
            cells = [cell.strip() for cell in found["cells"].split(" | ")]
            yield Row(found["route"], dict(zip(ROLES, cells[-len(ROLES) :], strict=True)))


class Roles:
    """Whoever asks is of the role that is their token."""

    async def principal(self, token: str) -> Principal:
        if token not in ROLES:
            raise UnauthenticatedError("no such role")
        return Principal(VIEWER, (token,), employee=VIEWER)  # type: ignore[arg-type]


class Tree:
    """The organisation that the relations tell."""

    async def within_team(self, viewer: str, whom: str) -> bool:
        return viewer == VIEWER and whom in {"employee-led-by-viewer", "unit-led-by-viewer"}

    async def leads(self, viewer: str) -> list[str]:
        return ["unit-led-by-viewer"] if viewer == VIEWER else []

    async def within_division(self, viewer: str, whom: str) -> bool:
        return viewer == VIEWER and whom in {"employee-in-the-branch", "unit-in-the-branch"}


async def owners(stream: str) -> frozenset[str] | None:
    """Every thing belongs to whom its id names."""
    id_ = stream.partition("-")[2]
    if id_ == UNKNOWN:
        return None
    return frozenset({f"employee-{id_}"})


class Spy:
    """Notes what the router called, behind the gate."""

    called: Any = None

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        Spy.called = None
        await self._app(scope, receive, send)
        Spy.called = scope.get("endpoint")


async def _ready() -> dict[str, str]:
    return {}


def guarded(found: dict[str, Rule] | None = None) -> FastAPI:
    """Everything that is served, over nothing: who is let in reads that it is starting."""
    gate = Gate(rules() if found is None else found, Roles(), owners, Tree())
    app = build_app(
        "guarded",
        {},
        routers(),
        new_id=lambda: "id",
        ready=_ready,
    )
    app.guard_by(Middleware(Guarded, gate=gate))
    describe(app)
    app.user_middleware.append(Middleware(Spy))
    return app


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return guarded()


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://sellers") as found:
        yield found


async def ask(
    client: AsyncClient,
    route: str,
    token: str | None,
    *,
    path: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    body: dict[str, str] | None = None,
) -> Response:
    method, template = route.split(" ")
    given = path or {}
    address = re.sub(r"\{(\w+)\}", lambda name: given.get(name[1], "x"), template)
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    content = {"json": body or {}} if method == "POST" else {}
    return await client.request(
        method,
        address,
        params=query or {},
        headers=headers,
        **content,  # type: ignore[arg-type]
    )


def said(whose: Whose, whom: str, *, known: bool = True) -> dict[str, dict[str, str]]:
    """Return what a request has to say so that it is about whom."""
    if isinstance(whose, Named):
        name = whom.replace("employee-", "unit-") if whose.kind == "unit" else whom
        return {whose.place: {whose.field: name}}
    thing = {whose.place: {whose.field: _stream(whose, whom if known else f"employee-{UNKNOWN}")}}
    if known or whose.otherwise is None:
        return thing
    return merged(said(whose.otherwise, whom), thing)


def _stream(of: Of, whom: str) -> str:
    id_ = whom.partition("-")[2]
    return id_ if of.kind is not None else f"opportunity-{id_}"


def merged(*parts: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for part in parts:
        for place, fields in part.items():
            found[place] = {**found.get(place, {}), **fields}
    return found


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    served = {f"{method} {path}" for method, path, _ in routes_of(create_app(Node(Settings())))}
    assert served - rules().keys() == set(), "say who may, in services/<domain>/access.py"
    assert rules().keys() - served == set(), "nothing is served there any more"


def test_the_page_is_as_the_rules_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text, "make access"
    assert {row.route for row in rows()} == rules().keys()


async def test_an_app_with_a_route_without_a_rule_does_not_start() -> None:
    lacking = dict(rules())
    del lacking["POST /issues/{issue}/close"]
    app = guarded(lacking)
    with pytest.raises(PolicyError, match=r"POST /issues/\{issue\}/close"):
        async with app.router.lifespan_context(app):
            stack = app.build_middleware_stack()
            await stack({"type": "lifespan", "app": app}, _nothing, _nothing)


async def _nothing(*_: object) -> Any:
    return {"type": "lifespan.startup"}


def test_what_a_rule_looks_at_is_what_the_route_goes_by() -> None:
    """A name that a route does not read would open it for whoever says their own."""
    document = create_app(Node(Settings())).openapi()
    schemas = document["components"]["schemas"]
    for route, rule in rules().items():
        method, path = route.split(" ")
        operation = document["paths"].get(path, {}).get(method.lower())
        for whose in rule.whose:
            places = [whose, whose.otherwise] if isinstance(whose, Of) else [whose]
            for place in [one for one in places if one is not None]:
                assert operation is not None, route
                assert place.field in _read(operation, place.place, schemas), (route, place)


def _read(operation: dict[str, Any], place: str, schemas: dict[str, Any]) -> set[str]:
    if place != "body":
        told = operation.get("parameters", [])
        return {one["name"] for one in told if one["in"] == place}
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return set(schemas[schema["$ref"].rpartition("/")[2]]["properties"])


def requests(rule: Rule, whom: str) -> Iterator[dict[str, dict[str, str]]]:
    """Yield every way in which a request may say that it is about whom."""
    if not any(isinstance(whose, Of) for whose in rule.whose):
        # Each of them alone says it.
        yield from (said(whose, whom) for whose in rule.whose)
        return
    yield merged(*(said(whose, whom) for whose in rule.whose))
    beside = [whose.otherwise for whose in rule.whose if isinstance(whose, Of)]
    if any(one is not None and one.place == "body" for one in beside):
        # About a thing that is not there yet, and whose it will be.
        yield merged(*(said(whose, whom, known=False) for whose in rule.whose))


async def test_who_names_nobody_is_told_what_they_may_ask_and_is_let_in_with_each(
    client: AsyncClient,
) -> None:
    told: dict[str, list[dict[str, str]]] = {}
    for route, rule in rules().items():
        if not any(isinstance(one, Named) and one.place == "query" for one in rule.whose):
            continue
        for role in ("seller", "leader"):
            answer = await ask(client, route, role)
            may_ask = answer.json().get("may_ask") if answer.status_code == 403 else None
            if not may_ask:
                continue
            told.setdefault(f"{role} {route}", may_ask)
            for one in may_ask:
                again = await ask(client, route, role, query=one)
                assert again.status_code != 403, (route, role, one)
    report = "GET /analytics/forecast"
    assert told[f"seller {report}"] == [{"seller": VIEWER}]
    assert told[f"leader {report}"] == [{"seller": VIEWER}, {"unit": "unit-led-by-viewer"}]
    units = {route for route, ways in told.items() if any("unit" in way for way in ways)}
    by_unit = {
        f"leader {route}"
        for route, rule in rules().items()
        for one in rule.whose
        if isinstance(one, Named) and (one.place, one.kind) == ("query", "unit")
    }
    assert units == by_unit, "every report that takes a unit says which"


@pytest.mark.parametrize("role", ROLES)
async def test_the_whole_matrix(client: AsyncClient, role: str) -> None:
    wrong = []
    for row in rows():
        rule, cell = rules()[row.route], row.cells[role]
        for relation, whom in RELATIONS.items():
            may = cell in {EVERYBODY, "company"}
            if rule.whose and cell != EVERYBODY:
                may = FAR.index(relation) <= FAR.index(cell)
            for parts in requests(rule, whom) if rule.whose else [{}]:
                if relation == "own" and "unit" in str(parts):
                    continue  # A unit is nobody's own.
                answer = await ask(client, row.route, role, **parts)  # type: ignore[arg-type]
                refused = answer.status_code in (401, 403)
                if refused == may:
                    wrong.append((row.route, parts, answer.status_code, answer.text))
                elif refused:
                    assert answer.headers["content-type"] == "application/problem+json"
                    assert "insufficient_scope" in answer.headers["www-authenticate"]
            if not rule.whose:
                break
    assert not wrong


async def test_nobody_is_let_in_without_a_token_where_not_everybody_is(
    client: AsyncClient,
) -> None:
    for row in rows():
        answer = await ask(client, row.route, None)
        if EVERYBODY in row.cells.values():
            assert answer.status_code not in (401, 403), row.route
        else:
            assert answer.status_code == 401, row.route
            assert answer.headers["www-authenticate"] == 'Bearer realm="sellers"'
            assert answer.json()["type"].endswith("/unauthenticated")


async def test_who_names_nobody_asks_for_the_company(client: AsyncClient) -> None:
    for route, rule in rules().items():
        if not any(isinstance(whose, Named) and whose.place == "query" for whose in rule.whose):
            continue
        for role in ("seller", "leader"):
            answer = await ask(client, route, role)
            assert answer.status_code == 403, (route, role)
            assert answer.json()["permission"] == rule.permission


async def test_one_s_own_name_does_not_open_what_is_another_s(client: AsyncClient) -> None:
    """Said twice, in two fields, or as another kind of thing: each has to be within reach."""
    other = RELATIONS["company"]
    for query in (
        f"seller={VIEWER}&seller={other}",
        f"seller={other}&seller={VIEWER}",
        f"seller={VIEWER}&unit=unit-other",
        f"seller={VIEWER}&unit=other",
        "seller=elsewhere",
        "unit=viewer",
        "seller=",
    ):
        headers = {"authorization": "Bearer seller"}
        answer = await client.get(f"/analytics/workload?{query}", headers=headers)
        assert answer.status_code == 403, query


async def test_the_gate_looks_at_the_very_route_that_answers(
    app: FastAPI, client: AsyncClient
) -> None:
    """It finds the rule by itself: where router and gate disagreed, a rule would be another's."""
    for context in iter_route_contexts(app.routes):
        for method in sorted((context.methods or {"GET"}) - {"HEAD"}):
            route = f"{method} {context.path}"
            if context.endpoint is None:
                continue
            for role in ROLES:
                answer = await ask(client, route, role, path={"form": "json"})
                if answer.status_code not in (401, 403):
                    assert Spy.called is context.endpoint, route
                    break
            else:
                parts = merged(*(said(whose, VIEWER) for whose in rules()[route].whose))
                await ask(client, route, "executive", **parts)  # type: ignore[arg-type]
                assert Spy.called is context.endpoint, route
