"""Every answer of every route tells browsers what to make of it, whatever the answer is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from sellers.node import create_app
from shared.access.gate import routes_of
from shared.settings import Settings
from tests.hostile.platform import TOKEN, MemoryNode, guarded

KEPT = {
    "no-store",
    "private, no-cache",  # By the reader alone, who asks each time whether it still holds.
}
# What is about nobody, the same for all and for ever.
PUBLISHED = "/schemas/"


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[FastAPI]:
    app = guarded(MemoryNode(Settings(read_wait_s=5.0)))
    async with app.router.lifespan_context(app):
        async with asyncio.timeout(60), asking(app) as client:
            while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - over HTTP.
                await asyncio.sleep(0.05)
        yield app


def asking(app: FastAPI, token: str | None = TOKEN) -> AsyncClient:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = ASGITransport(app, raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url="http://here", headers=headers)


def check(answer: Response, where: str) -> None:
    told: Mapping[str, str] = answer.headers
    assert told["x-content-type-options"] == "nosniff", where
    assert told["x-frame-options"] == "DENY", where
    assert told["referrer-policy"] == "no-referrer", where
    policy = told["content-security-policy"]
    assert policy.startswith("default-src 'none'"), where
    assert "frame-ancestors 'none'" in policy, where
    assert "base-uri 'none'" in policy, where
    for name in ("x-content-type-options", "content-security-policy", "cache-control"):
        assert len(told.get_list(name)) == 1, f"{where} says {name} twice"  # type: ignore[attr-defined]
    if answer.url.path.startswith(PUBLISHED) and answer.is_success:
        return
    assert told["cache-control"] in KEPT, f"{where} may be kept: {told['cache-control']}"
    assert "etag" in told or told["cache-control"] == "no-store" or "/feeds/" in where


async def test_whatever_any_route_answers_it_is_sheltered(app: FastAPI) -> None:
    found: dict[str, int] = {}
    async with asking(app) as client:
        for method, path, _ in routes_of(app):
            # Who answers without an end is asked for the header alone.
            asked = "HEAD" if method == "GET" else method
            body = {} if asked in {"POST", "PUT"} else None
            answer = await client.request(asked, path.replace("{", "").replace("}", ""), json=body)
            check(answer, f"{method} {path}")
            found[f"{method} {path}"] = answer.status_code
    assert len(found) > 300
    assert len(set(found.values())) > 3, "these should be answers of several kinds"
    assert [route for route, status in found.items() if status == 500] == []


async def test_refusals_bugs_and_what_is_not_there_are_sheltered(app: FastAPI) -> None:
    async with asking(app) as client:
        told = [
            await client.get("/contacts/people?limit=x"),
            await client.get("/nowhere"),
            await client.delete("/touches"),
            await client.post("/touches", content=b"x" * 5_000_001),
            await client.get(f"/contacts/people?q={'x' * 50_000}"),
        ]
    async with asking(app, token=None) as client:
        told.append(await client.get("/contacts/people"))
    assert [one.status_code for one in told] == [422, 404, 405, 413, 414, 401]
    for one in told:
        check(one, str(one.request.url)[:80])
        assert one.headers["cache-control"] == "no-store"


async def test_a_bug_is_sheltered() -> None:
    app = create_app(MemoryNode(Settings()))

    @app.get("/bug")
    async def bug() -> None:
        raise RuntimeError

    async with asking(app, token=None) as client:
        answer = await client.get("/bug")
    assert answer.status_code == 500
    check(answer, "a bug")


async def test_what_has_an_etag_may_be_kept_by_its_reader_and_is_asked_about(app: FastAPI) -> None:
    async with asking(app) as client:
        done = await client.post("/contacts/people/sheltered/register", json={"name": "Ada"})
        after = {"X-At-Least": done.json()["token"]}
        card = await client.get("/contacts/people/sheltered", headers=after)
        assert card.headers["cache-control"] == "private, no-cache"
        again = {"If-None-Match": card.headers["etag"]}
        same = await client.get("/contacts/people/sheltered", headers=again)
        assert same.status_code == 304
        assert same.headers["cache-control"] == "private, no-cache"
        check(same, "304")
        for path in ("/contacts/people", "/contacts/people?format=csv", "/events?limit=1"):
            many = await client.get(path, headers=after)
            assert many.status_code == 200
            assert many.headers["cache-control"] == "no-store", path


async def test_the_description_runs_its_own_script_and_asks_this_address_alone(
    app: FastAPI,
) -> None:
    async with asking(app) as client:
        page = await client.get("/docs")
        files = [
            await client.get(f"/docs/files/{name}")
            for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
        ]
    check(page, "/docs")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self' 'sha256-" in policy
    assert "connect-src 'self'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    for one in files:
        assert one.status_code == 200
        check(one, str(one.url))


async def test_tls_is_told_of_only_where_something_ends_it(app: FastAPI) -> None:
    async with asking(app) as client:
        assert "strict-transport-security" not in (await client.get("/livez")).headers
    behind = create_app(MemoryNode(Settings(http_hsts_s=31_536_000)))
    async with asking(behind, token=None) as client:
        told = (await client.get("/livez")).headers["strict-transport-security"]
    assert told == "max-age=31536000"
