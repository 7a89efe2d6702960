"""A router is passed over only where none of its routes can answer."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import APIRouter, Body, FastAPI, HTTPException, Query
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from shared.errors import NotFoundError
from shared.web.problems import HANDLERS
from shared.web.router import LenientRoute, Route, Router, StreamId, plain_of

PATHS = ("/deals", "/deals/{deal}", "/deals/{deal}/notes", "/{anything}/below", "/people/export")
ASKED = ("/deals", "/deals/one", "/deals/one/notes", "/x/below", "/people/export", "/people", "/")


def served(kind: type[APIRouter]) -> TestClient:
    """Serve each path by a router of its own, all but the last within another one."""
    outer, app = kind(), FastAPI()
    for path in PATHS:
        router = kind()

        async def answer(path: str = path) -> str:
            return path

        router.add_api_route(path, answer, methods=["GET"])
        (outer if path != PATHS[-1] else app).include_router(router)
    app.include_router(outer)
    return TestClient(app)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ASKED)
def test_it_answers_as_fastapis_own_does(path: str, method: str) -> None:
    ours, plain = (served(kind).request(method, path) for kind in (Router, APIRouter))
    assert (ours.status_code, ours.text) == (plain.status_code, plain.text)
    assert ours.headers.get("allow") == plain.headers.get("allow")


def test_what_cannot_answer_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[set[str | None]] = []
    plain = APIRouter.matches

    def noted(self: APIRouter, scope: object) -> object:
        tried.append({route.path for route in iter_route_contexts(self.routes)})
        return plain(self, scope)  # type: ignore[arg-type]

    monkeypatch.setattr(APIRouter, "matches", noted)
    router, app = Router(), FastAPI()

    @router.get("/deals/{deal}")
    async def deal() -> None:
        return None

    app.include_router(router)
    client = TestClient(app)
    assert client.get("/people/one").status_code == 404
    assert tried == []
    assert client.get("/deals/one").status_code == 200
    assert tried


def exact(route_class: type[Route] = Route) -> TestClient:
    router, app = Router(route_class=route_class), FastAPI()

    @router.get("/deals/{deal}/notes/{name}")
    async def notes(deal: StreamId, name: str, seller: str = "", first: int = 0) -> list[str]:
        return [deal, name, seller]

    other = {"requestBody": {"content": {"text/calendar": {"schema": {"type": "string"}}}}}

    @router.post("/deals/{deal}/open", openapi_extra=other)
    async def opened(deal: StreamId, value: Annotated[int, Body(embed=True)]) -> int:
        return value

    @router.get("/agendas/{employee}")
    async def agendas(employee: StreamId) -> str:
        return employee

    @router.get("/calendars/{calendar}")
    async def calendars(calendar: StreamId) -> str:
        return calendar

    @router.get("/lost/{deal}/in/{calendar}")
    async def lost(deal: StreamId, calendar: StreamId) -> None:
        if deal == "none":
            raise NotFoundError("no such deal", field="path/deal")
        raise HTTPException(404, "no such calendar")

    @router.get("/people")
    async def people(of: Annotated[list[str] | None, Query()] = None) -> list[str]:
        return of or []

    app.include_router(router)
    for error, answer in HANDLERS.items():
        app.add_exception_handler(error, answer)
    return TestClient(app)


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("/deals/7/notes/x", ["7", "x", ""]),
        ("/deals/deal-7/notes/x", ["7", "x", ""]),
        ("/deals/deal-deal-7/notes/x", ["deal-7", "x", ""]),
        ("/deals/deal-person-7/notes/x", ["person-7", "x", ""]),
        ("/deals/person/notes/x", ["person", "x", ""]),
        ("/deals/people-7/notes/x", ["people-7", "x", ""]),
        # Words that are kinds of streams, too, and begin what somebody calls a thing.
        ("/deals/win-back-2026/notes/x", ["win-back-2026", "x", ""]),
        ("/deals/product-launch/notes/x", ["product-launch", "x", ""]),
        ("/deals/key-accounts/notes/x", ["key-accounts", "x", ""]),
        ("/calendars/visit-acme", "visit-acme"),
        # What names no stream is as it was said.
        ("/deals/7/notes/name-x", ["7", "name-x", ""]),
        ("/calendars/workcalendar-seoul", "seoul"),
        ("/agendas/employee-kim", "kim"),
        ("/agendas/agenda-kim", "kim"),
        ("/agendas/handover-kim", "kim"),
        ("/calendars/calendar-seoul", "calendar-seoul"),
    ],
)
def test_an_id_is_taken_as_answers_print_it(path: str, read: object) -> None:
    assert exact().get(path).json() == read


def test_what_is_not_there_is_named_where_the_path_names_it() -> None:
    for path, pointer in (("/lost/none/in/x", "path/deal"), ("/lost/7/in/x", "path/calendar")):
        answer = exact().get(path)
        assert answer.status_code == 404
        (error,) = answer.json()["errors"]
        assert error == {"pointer": pointer, "detail": answer.json()["detail"]}
    assert "errors" not in exact().get("/nowhere").json()


def test_a_kind_alone_is_no_id() -> None:
    answer = exact().get("/deals/deal-/notes/x")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "path/deal"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/merge-patch+json; charset=utf-8", 200),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/json", 415),
        ("application/jsonlines", 415),
        (None, 415),
    ],
)
def test_a_body_of_a_type_that_is_not_read_is_told_which_would_be(
    kind: str | None, status: int
) -> None:
    client = exact()
    headers = {} if kind is None else {"content-type": kind}
    answer = client.post("/deals/7/open", content=b'{"value": 7}', headers=headers)
    assert answer.status_code == status, answer.text
    if status == 415:
        assert answer.headers["accept"] == "application/json, text/calendar"
        assert answer.headers["content-type"] == "application/problem+json"
        assert (kind or "nothing says").partition(";")[0] in answer.json()["detail"]
    # Without any body it is what is missing in it that is told.
    assert client.post("/deals/7/open", headers=headers).status_code == 422


@pytest.mark.parametrize("route_class", [Route, LenientRoute])
@pytest.mark.parametrize(
    ("path", "pointer", "meant"),
    [
        ("/deals/person-7/notes/x", "path/deal", "deal-person-7"),
        ("/agendas/company-7", "path/employee", "employee-company-7"),
        ("/calendars/opportunity-7", "path/calendar", "workcalendar-opportunity-7"),
        ("/calendars/employee-", "path/calendar", "workcalendar-employee-"),
    ],
)
def test_an_id_of_another_kind_is_refused_unless_its_own_kind_is_before_it(
    path: str, pointer: str, meant: str, route_class: type[Route]
) -> None:
    client = exact(route_class)
    answer = client.get(path)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert error["detail"].endswith(f"say {meant}")
    assert client.get(path.replace(meant.partition("-")[2], meant)).status_code == 200


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sellr=1", "no such parameter; did you mean seller?"),
        ("seller=1&zzz=2", "no such parameter; this takes first, seller"),
        ("seller=1&zzz", "no such parameter; this takes first, seller"),
    ],
)
def test_a_parameter_that_nobody_reads_is_refused(query: str, said: str) -> None:
    path = f"/deals/7/notes/x?{query}"
    answer = exact().get(path)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    name = query.rpartition("&")[2].partition("=")[0]
    assert (error["pointer"], error["detail"]) == (f"query/{name}", said)
    assert exact(LenientRoute).get(path).status_code == 200
    none = exact().get("/calendars/x?sellr=1").json()["errors"][0]["detail"]
    assert none == "no such parameter; this takes none"


def test_a_parameter_that_is_given_twice_is_refused_unless_it_may_be() -> None:
    path = "/deals/7/notes/x?seller=1&first=2&seller=1"
    answer = exact().get(path)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    said = "given 2 times; nobody can say which of them is meant"
    assert (error["pointer"], error["detail"]) == ("query/seller", said)
    assert exact(LenientRoute).get(path).status_code == 200
    assert exact().get("/people?of=a&of=b").json() == ["a", "b"]


def test_whoever_asks_before_the_route_reads_the_same_ids() -> None:
    app = exact().app
    assert isinstance(app, FastAPI)
    for route in iter_route_contexts(app.routes):
        if route.path == "/deals/{deal}/notes/{name}":
            assert plain_of(route)({"deal": "deal-7", "name": "name-x"}) == {
                "deal": "7",
                "name": "name-x",
            }
            break
    else:
        pytest.fail("the route is not served")
