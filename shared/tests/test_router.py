"""A router is passed over only where none of its routes can answer."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from shared.web.router import Router

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
