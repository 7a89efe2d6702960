"""HTTP manners: problems name field and cause, once is once, pages belong to their list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from httpx2 import ASGITransport, AsyncClient

from shared import admin, changes
from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.journal import JOURNAL
from shared.memory import MemoryStore
from shared.projection import Projection
from shared.reading import Token
from shared.runtime import Runtime
from shared.tests.tiny import Assign, Card, Join, build, card_projection, running, tiny_domain
from shared.tests.tiny import join as command_to_join
from shared.web import (
    BODY_BYTES_MAX,
    PROBLEM_TYPE,
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    build_app,
    page,
    record,
    runtime_of,
    seen,
)

CARD = card_projection()
Current = Annotated[Runtime, Depends(runtime_of("organization"))]


def routes(cards: Projection[Card] = CARD) -> APIRouter:
    router = APIRouter(prefix="/organization")

    @router.post("/employees/{employee}/join", status_code=202)
    async def join(
        employee: StreamId, command: Join, runtime: Current, meta: CommandMeta, response: Response
    ) -> Recorded:
        return await record(runtime, f"employee-{employee}", command, meta, response)

    @router.post("/employees/{employee}/assign", status_code=202)
    async def move(
        employee: StreamId, command: Assign, runtime: Current, meta: CommandMeta, response: Response
    ) -> Recorded:
        return await record(runtime, f"employee-{employee}", command, meta, response)

    @router.get("/employees/{employee}")
    async def get(
        employee: StreamId,
        runtime: Current,
        at_least: AtLeast,
        request: Request,
        response: Response,
    ) -> Card:
        found = await runtime.reader(cards).get(f"employee-{employee}", at_least)
        card: Card = seen(found, "employee", request, response)
        return card

    @router.get("/employees")
    async def every(
        runtime: Current, wanted: PageWanted, at_least: AtLeast, name: str | None = None
    ) -> dict[str, Any]:
        return await page(runtime.reader(cards), {"name": name}, wanted, at_least)

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError("a bug")

    return router


async def nothing_missing() -> dict[str, str]:
    return {}


def app_of(runtime: Runtime, cards: Projection[Card] = CARD) -> FastAPI:
    app = build_app(
        "tiny",
        {"organization": runtime},
        [admin.router, changes.router, bulk_router(runtime.domain), routes(cards)],
        new_id=SystemClock().new_id,
        ready=nothing_missing,
    )
    app.state.verifiers = []
    return app


@pytest.fixture
async def served() -> AsyncIterator[Runtime]:
    async with running(build(tiny_domain(CARD))) as runtime:
        yield runtime


@pytest.fixture
async def client(served: Runtime) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app_of(served), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://tiny") as client:
        yield client


async def join(client: AsyncClient, who: str, name: str = "Ada", **headers: str) -> Any:
    return await client.post(
        f"/organization/employees/{who}/join",
        json={"name": name},
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


async def test_what_was_recorded_is_read_back_with_the_token(client: AsyncClient) -> None:
    recorded = await join(client, "ada")
    assert recorded.status_code == 202
    assert recorded.headers["etag"] == '"1"'
    at_least = {"X-At-Least": recorded.json()["token"]}
    read = await client.get("/organization/employees/ada", headers=at_least)
    assert read.json()["name"] == "Ada"
    same = {"If-None-Match": read.headers["etag"]}
    assert (await client.get("/organization/employees/ada", headers=same)).status_code == 304


async def move(client: AsyncClient, if_match: str) -> Any:
    return await client.post(
        "/organization/employees/ada/assign",
        json={"unit": "unit-1"},
        headers={"If-Match": if_match},
    )


async def test_who_decides_on_what_a_view_says_sends_its_etag_back(client: AsyncClient) -> None:
    at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
    looked = (await client.get("/organization/employees/ada", headers=at_least)).headers["etag"]
    first = await move(client, looked)
    assert (first.status_code, first.headers["etag"]) == (202, '"2"')
    assert (await move(client, looked)).status_code == 412, "somebody has decided since"
    at_least = {"X-At-Least": first.json()["token"]}
    after = await client.get("/organization/employees/ada", headers=at_least)
    assert after.headers["etag"] != looked
    assert (await move(client, after.headers["etag"])).status_code == 202


async def test_whoever_needs_that_it_exists_is_refused_where_it_does_not(
    client: AsyncClient,
) -> None:
    refused = await move(client, "*")
    assert refused.status_code == 412
    assert refused.json()["errors"][0]["pointer"] == "If-Match"
    await join(client, "ada")
    assert (await move(client, "*")).status_code == 202


async def test_half_a_character_is_refused_by_name(client: AsyncClient) -> None:
    """JSON can spell half of a surrogate pair; no text of ours can hold it, nor any answer."""
    for body, pointer in (
        (b'{"name": "\\ud800"}', "#/name"),
        (b'{"name": "Ada", "\\udc00": 1}', "#/"),
        (b'{"name": "Ada", "a/b~c": 1}', "#/a~1b~0c"),
    ):
        answer = await client.post(
            "/organization/employees/ada/join",
            content=body,
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_fact_of_a_newer_release_is_for_that_release(
    client: AsyncClient, served: Runtime
) -> None:
    await join(client, "ada")
    (held,) = await served.store.find(JOURNAL, {})
    newer = held["fact"].replace(b".v1", b".v9")
    await served.store.put_many(JOURNAL, [held | {"fact": newer}])
    item = {"stream": "employee-ada", "type": "join", "command": {"name": "B"}}
    for answer in (
        await move(client, "*"),
        await client.post("/organization/commands", json={"commands": [item]}),
        await client.get("/organization/history/employee-ada"),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert answer.json()["type"] == f"{PROBLEM_TYPE}newer-release"


async def test_what_was_read_may_be_commanded_on_until_somebody_else_did(
    client: AsyncClient,
) -> None:
    """What a view does not show, such as the third fact here, changes its stream all the same."""
    token = ""
    for unit in (None, "unit-1", "nowhere", "unit-2"):
        path, body = ("assign", {"unit": unit}) if unit else ("join", {"name": "Ada"})
        answer = await client.post(f"/organization/employees/ada/{path}", json=body)
        token = answer.json()["token"]
    path = "/organization/employees/ada"
    etag = (await client.get(path, headers={"X-At-Least": token})).headers["etag"]
    for given, status in (
        (f"W/{etag}", 412),
        (f'"1", {etag}', 202),
        (etag, 412),
        ("*", 202),
        ('"6"', 202),
    ):
        answer = await client.post(
            f"{path}/assign", json={"unit": "unit-3"}, headers={"If-Match": given}
        )
        assert answer.status_code == status, given


async def test_a_weak_tag_and_a_list_are_what_the_reader_has(client: AsyncClient) -> None:
    at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
    path = "/organization/employees/ada"
    etag = (await client.get(path, headers=at_least)).headers["etag"]
    for given, status in ((f"W/{etag}", 304), (f'"x", {etag}', 304), ("*", 304), ('"1"', 200)):
        assert (await client.get(path, headers={"If-None-Match": given})).status_code == status


async def test_a_view_that_was_built_anew_is_another_representation(client: AsyncClient) -> None:
    at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
    path = "/organization/employees/ada"
    etag = (await client.get(path, headers=at_least)).headers["etag"]
    await client.post("/views/card/rebuild")
    async with asyncio.timeout(10):
        # The switch lies in the store, which tells nobody.
        while (await client.get(path)).headers["etag"] == etag:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await client.get(path, headers={"If-None-Match": etag})).status_code == 200
    moved = await client.post(f"{path}/assign", json={"unit": "unit-1"}, headers={"If-Match": etag})
    assert moved.status_code == 202, "it is the same state of the stream"


async def test_the_same_idempotency_key_is_the_same_command(client: AsyncClient) -> None:
    first = await join(client, "ada", idempotency_key='"k1"')
    again = await join(client, "ada", idempotency_key="k1")
    other = await join(client, "ada", "Bo", idempotency_key="k1")
    assert (first.json()["recorded"], again.json()["recorded"]) == (1, 0)
    assert again.json()["duplicate"]
    assert other.status_code == 422
    assert other.json()["type"].endswith("/command-reused")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"{", "#/1"),
        (b"{}", "#/name"),
        (b'{"name": 3}', "#/name"),
        (b'{"name": "Ada", "nmae": 1}', "#/nmae"),
        (b'{"name": "Ada", "on": "2017-02-30"}', "#/on"),
        (rb'{"name": "A\ud800"}', "#/name"),
        (rb'{"name": "Ada", "\udfff/": 1}', "#/"),
    ],
)
async def test_a_body_that_does_not_fit_names_the_field(
    client: AsyncClient, body: bytes, pointer: str
) -> None:
    answer = await client.post(
        "/organization/employees/ada/join",
        content=body,
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("If-Match", '"7"', 412),
        ("If-Match", "W/x", 422),
        ("If-Match", "7", 422),
        ("If-Match", "", 422),
        ("If-Match", ", " * 2_000 + "x", 422),
        ("If-Match", '"' + "7" * 5_000 + '"', 412),
        ("If-Match", '"٣"'.encode().decode("latin-1"), 412),
        ("If-Match", "*", 412),
        ("If-Match", 'W/"0"', 412),
        ("If-Match", '"someone else\'s"', 422),
        ("If-Match", '"no-tag-of-ours"', 412),
        ("Idempotency-Key", "a key with spaces", 422),
        ("Idempotency-Key", "x" * 201, 422),
    ],
)
async def test_a_bad_header_is_refused_by_name(
    client: AsyncClient, header: str, value: str, status: int
) -> None:
    answer = await client.post(
        "/organization/employees/ada/join",
        json={"name": "Ada"},
        headers=[(header.encode(), value.encode("latin-1"))],
    )
    assert answer.status_code == status
    assert header in answer.json()["errors"][0]["pointer"]


@pytest.mark.parametrize("token", ["x", "!!", "ZW1wbG95ZWUtYWRhQC0x", "w6k="])
async def test_a_token_that_is_none_of_ours_is_refused(client: AsyncClient, token: str) -> None:
    answer = await client.get("/organization/employees/ada", headers={"X-At-Least": token})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "X-At-Least"


@pytest.mark.parametrize("stream", ["opportunity-1", "touch-1", "robot-1"])
async def test_a_view_does_not_wait_for_a_stream_of_which_it_is_never_told(
    client: AsyncClient, stream: str
) -> None:
    headers = {"X-At-Least": Token(stream, 7).encode()}
    async with asyncio.timeout(2):
        answer = await client.get("/organization/employees", headers=headers)
    assert answer.status_code == 200


async def test_a_refusal_is_a_problem_with_the_requests_correlation_id(
    client: AsyncClient,
) -> None:
    await join(client, "ada")
    refused = await join(client, "ada", x_correlation_id="trace-me")
    assert refused.status_code == 409
    assert refused.headers["x-correlation-id"] == "trace-me"
    problem = refused.json()
    assert problem["correlation_id"] == "trace-me"
    assert problem["type"].endswith("/already-joined")
    assert problem["detail"] == "Ada works here"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/organization/employees/nobody", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", "/organization/employees/ada", 405),
        ("GET", "/organization/employees/a%20b", 422),
        ("GET", "/organization/history/employee-x", 404),
        ("POST", "/views/nothing/rebuild", 404),
        ("GET", "/views/nothing/changes", 404),
    ],
)
async def test_every_other_failure_is_a_problem_too(
    client: AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


async def test_a_bug_answers_500_without_its_inside(client: AsyncClient) -> None:
    answer = await client.get("/organization/bug")
    assert answer.status_code == 500
    assert "a bug" not in answer.text
    assert answer.json()["type"].endswith("/internal-error")


@pytest.mark.parametrize("path", ["commands", "employees/ada/join"])
async def test_a_body_beyond_the_limit_is_not_read(client: AsyncClient, path: str) -> None:
    answer = await client.post(f"/organization/{path}", content=b"x" * (BODY_BYTES_MAX + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/too-large")


async def test_pages_follow_each_other_and_a_cursor_belongs_to_its_list(
    client: AsyncClient,
) -> None:
    names = [f"e{number}" for number in range(5)]
    for name in names:
        await join(client, name)
    await settled(client)
    found: list[str] = []
    cursor: str | None = None
    kept = ""
    while cursor is not None or not found:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = (await client.get("/organization/employees", params=params)).json()
        found += [item["employee"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        kept = cursor or kept
    assert found == [f"employee-{name}" for name in names]
    foreign = await client.get("/organization/employees", params={"name": "Ada", "cursor": kept})
    broken = await client.get("/organization/employees", params={"cursor": "x"})
    assert (foreign.status_code, broken.status_code) == (422, 422)
    assert foreign.json()["errors"][0]["pointer"] == "cursor"


async def test_parked_facts_are_listed_page_by_page(client: AsyncClient) -> None:
    for number in range(5):
        await join(client, f"e{number}", "poison")
    await settled(client)
    found: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while "cursor" not in query or query["cursor"]:
        answer = (await client.get("/parked", params=query)).json()
        assert len(answer["parked"]) <= 2
        found += [fact["stream"] for fact in answer["parked"]]
        query["cursor"] = answer["next_cursor"] or ""
    assert sorted(found) == [f"employee-e{number}" for number in range(5)]
    foreign = await client.get("/parked", params={"cursor": "WyJrIiwgIm0iXQ"})
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "cursor")


async def settled(client: AsyncClient) -> None:
    while any(p["lag"] for p in (await client.get("/lag")).json()["projections"]):
        continue


async def test_a_bulk_answers_one_result_for_each_command(client: AsyncClient) -> None:
    commands = [
        {"stream": "employee-a", "type": "join", "command": {"name": "A"}, "origin": "f#1"},
        {"stream": "employee-a", "type": "join", "command": {"name": "A"}, "origin": "f#1"},
        {"stream": "employee-a", "type": "join", "command": {"name": "B"}, "id": "2"},
        {"stream": "employee-b", "type": "jion", "command": {"name": "B"}},
        {"stream": "robot-b", "type": "join", "command": {"name": "B"}},
        {"stream": "employee-b", "type": "join", "command": {"name": 7}},
        "nonsense",
    ]
    answer = await client.post("/organization/commands", json={"commands": commands})
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [
        "recorded",
        "duplicate",
        "refused",
        "invalid",
        "invalid",
        "invalid",
        "invalid",
    ]
    assert "'jion' is none of: assign, join" in results[3]["problem"]["detail"]
    assert [
        [error["pointer"] for error in r["problem"].get("errors", ())] for r in results[2:]
    ] == [
        [],
        ["#/commands/3/type"],
        ["#/commands/4/stream"],
        ["#/commands/5/command/name"],
        ["#/commands/6"],
    ]


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        (rb'{"stream": "employee-a", "type": "join", "id": "1", "origin": "f#1"}', ""),
        (rb'{"stream": "employee-a", "type": "join", "command": {"name": "\ud800"}}', "/command"),
        (rb'{"stream": "employee-a", "type": "join", "origin": "\udc00"}', "/origin"),
        (rb'{"stream": "employee-a", "type": "join", "command": {"a/b~": 1}}', "/command/a~1b~0"),
        (rb'{"stream": "employee-a", "type": "join", "\ud800": 1}', ""),
    ],
)
async def test_an_item_that_cannot_be_spoils_no_other_and_is_pointed_at(
    client: AsyncClient, item: bytes, pointer: str
) -> None:
    good = b'{"stream": "employee-a", "type": "join", "command": {"name": "A"}}'
    answer = await client.post(
        "/organization/commands", content=b'{"commands": [%b, %b]}' % (good, item)
    )
    first, second = answer.json()["results"]
    assert (first["status"], second["status"]) == ("recorded", "invalid")
    pointers = [error["pointer"] for error in second["problem"]["errors"]]
    assert f"#/commands/1{pointer}" in pointers


async def test_an_id_that_was_used_is_pointed_at(client: AsyncClient) -> None:
    items = [
        {"stream": "employee-a", "type": "join", "command": {"name": name}, "id": "1"}
        for name in ("A", "B")
    ]
    answer = await client.post("/organization/commands", json={"commands": items})
    problem = answer.json()["results"][1]["problem"]
    assert problem["type"].endswith("/command-reused")
    assert problem["errors"][0]["pointer"] == "#/commands/1/id"


@pytest.mark.parametrize("header", ["Idempotency-Key", "If-Match"])
async def test_what_is_said_of_one_command_is_refused_of_many(
    client: AsyncClient, header: str
) -> None:
    answer = await client.post(
        "/organization/commands", json={"commands": []}, headers={header: "7"}
    )
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [header]


async def test_a_command_is_once_by_its_id_or_by_its_row(client: AsyncClient) -> None:
    item = {"stream": "employee-a", "type": "join", "command": {"name": "Ada"}}
    both = [item | {"id": "k", "origin": "hr#1"}]
    (result,) = (await client.post("/organization/commands", json={"commands": both})).json()[
        "results"
    ]
    assert result["status"] == "invalid"
    assert "either `id` or `origin`" in result["problem"]["detail"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"commands": 3}', b"\xff"])
async def test_a_bulk_without_commands_is_refused(client: AsyncClient, body: bytes) -> None:
    answer = await client.post("/organization/commands", content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_history_answers_by_when_it_happened_and_by_when_we_knew(
    client: AsyncClient,
) -> None:
    body = {"name": "Ada", "on": "2017-03-01"}
    await client.post("/organization/employees/ada/join", json=body)
    path = "/organization/history/employee-ada"
    now = (await client.get(path)).json()
    (fact,) = now["facts"]
    assert fact["specversion"] == "1.0"
    assert fact["type"] == "organization.employee_joined.v1"
    for params, count in (
        ({"as_of": "2017-03-02T00:00:00Z"}, 1),
        ({"as_of": "2016-01-01T00:00:00Z"}, 0),
        ({"known_at": "2017-03-02T00:00:00Z"}, 0),
    ):
        assert len((await client.get(path, params=params)).json()["facts"]) == count
    bad = await client.get(path, params={"as_of": "2017-03-02"})
    assert bad.status_code == 422


async def test_verify_says_equal_and_probes_answer(client: AsyncClient) -> None:
    await join(client, "ada")
    await settled(client)
    lines = (await client.get("/verify")).text.splitlines()
    assert '"equal":true' in lines[-1]
    for path in ("/livez", "/readyz", "/metrics", "/openapi.json", "/views", "/parked"):
        assert (await client.get(path)).status_code == 200
    trace = (await client.get("/trace/employee-ada")).json()
    assert trace["facts"][0]["position"].startswith("organization/")
    assert trace["views"][0]["keys"] == ["employee-ada"]


async def test_a_view_that_this_release_cannot_read_yet_is_being_built() -> None:
    """An upgrade: the views are still those of the release before, whose documents say other."""
    store = MemoryStore()
    async with running(build(tiny_domain(CARD), store)) as before:
        await before.service.handle(command_to_join("employee-ada"))
        await before.reader(CARD).get("employee-ada", Token("employee-ada", 1))
    await store.put_many("card_v1", [{"_id": "employee-ada", "rev": 1, "view": {"who": "Ada"}}])
    cards = card_projection(version=2)
    newer = build(tiny_domain(cards), store)
    for path in ("/organization/employees/ada", "/organization/employees"):
        async with AsyncClient(
            transport=ASGITransport(app_of(newer, cards)), base_url="http://tiny"
        ) as client:
            answer = await client.get(path)
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("/projection-being-built")
        assert int(answer.headers["retry-after"]) > 0
        assert "of version 1, which this release cannot read" in answer.json()["detail"]


async def test_half_a_platform_answers_nothing() -> None:
    """While it starts, `/lag` would say that nothing lags."""
    domain = tiny_domain(CARD)
    routers = [admin.router, bulk_router(domain), routes()]
    new_id = SystemClock().new_id
    app = build_app("tiny", {}, routers, new_id=new_id, ready=nothing_missing)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://tiny") as client:
        for path in ("/lag", "/parked", "/views", "/verify", "/organization/employees/a"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert answer.json()["type"].endswith("/starting")
            assert answer.headers["retry-after"] == "1"


async def test_an_answer_without_a_body_keeps_its_connection_open() -> None:
    """Over a socket: a server refuses a 304 with a body and drops the connection."""
    async with running(build(tiny_domain(CARD))) as runtime:
        app = build_app(
            "tiny",
            {"organization": runtime},
            [routes()],
            new_id=SystemClock().new_id,
            ready=nothing_missing,
        )
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve())
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 - it tells nobody when it listens.
                await asyncio.sleep(0.01)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        async with AsyncClient(base_url=url) as client:
            token = (await join(client, "ada")).json()["token"]
            at_least = {"X-At-Least": token}
            first = await client.get("/organization/employees/ada", headers=at_least)
            same = {"If-None-Match": first.headers["etag"]}
            again = await client.get("/organization/employees/ada", headers=same)
            connections = len(server.server_state.connections)
            after = await client.get("/organization/employees/ada")
            reused = len(server.server_state.connections)
        server.should_exit = True
        await serving
    assert (again.status_code, again.content, after.status_code) == (304, b"", 200)
    assert (connections, reused) == (1, 1)
