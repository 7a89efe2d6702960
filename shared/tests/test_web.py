"""HTTP manners: problems name field and cause, once is once, what a release answers."""

from __future__ import annotations

import asyncio

import pytest
from httpx2 import ASGITransport, AsyncClient

from shared.reading import Token
from shared.tests.served import app_of, join, settled
from shared.tests.tiny import build, card_projection, running, tiny_domain
from shared.web import BODY_BYTES_MAX


async def test_what_was_recorded_is_read_back_with_the_token(client: AsyncClient) -> None:
    recorded = await join(client, "ada")
    assert recorded.status_code == 202
    assert recorded.headers["etag"] == '"1"'
    at_least = {"X-At-Least": recorded.json()["token"]}
    read = await client.get("/organization/employees/ada", headers=at_least)
    assert read.json()["name"] == "Ada"
    same = {"If-None-Match": read.headers["etag"]}
    assert (await client.get("/organization/employees/ada", headers=same)).status_code == 304


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
        (b"{", "#"),
        (b'{"name": "Ada", "sold": NaN}', "#"),
        (b'{"name": "Ada", "deals": [1, ' + b"9" * 5_000 + b"]}", "#/deals/1"),
        (b'{"name": "Ada", "deals": 1e999}', "#/deals"),
        (b'{"name": "Ada", "deals": ' + b"9" * 300 + b"}", "#/deals"),
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


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("POST", "/touch", "nothing is served at /touch: /docs lists what is"),
        ("GET", f"/{'x' * 999}", f"nothing is served at /{'x' * 199}: /docs lists what is"),
        (
            "DELETE",
            "/organization/employees/ada/join",
            "DELETE is not served at /organization/employees/ada/join, but POST is",
        ),
    ],
)
async def test_an_address_that_is_none_is_named(
    client: AsyncClient, method: str, path: str, says: str
) -> None:
    assert (await client.request(method, path)).json()["detail"] == says


async def test_a_bug_answers_500_without_its_inside(client: AsyncClient) -> None:
    answer = await client.get("/organization/bug", headers={"X-Correlation-Id": "trace-me"})
    assert answer.status_code == 500
    assert "a bug" not in answer.text
    assert answer.json()["type"].endswith("/internal-error")
    assert answer.headers["x-correlation-id"] == "trace-me"
    assert answer.json()["correlation_id"] == "trace-me"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/organization/employees/ada", 200),
        ("/organization/employees", 200),
        ("/organization/employees?format=csv", 200),
        ("/livez", 200),
        ("/verify", 200),
        ("/organization/employees/nobody", 404),
        ("/organization/employees/ada/join", 405),
    ],
)
async def test_head_is_answered_as_get_is_without_the_body(
    client: AsyncClient, path: str, status: int
) -> None:
    at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
    full = await client.get(path, headers=at_least)
    head = await client.head(path, headers=at_least)
    assert (head.status_code, head.content) == (status, b"")
    assert full.content
    for name in ("content-type", "content-length", "etag", "allow"):
        assert head.headers.get(name) == full.headers.get(name), name


async def test_head_of_what_never_ends_does() -> None:
    cards = card_projection(published=True)
    async with running(build(tiny_domain(cards))) as runtime:
        transport = ASGITransport(app_of(runtime, cards))
        async with (
            asyncio.timeout(5),
            AsyncClient(transport=transport, base_url="http://tiny") as client,
        ):
            head = await client.head("/views/card/changes")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", ["commands", "employees/ada/join"])
async def test_a_body_beyond_the_limit_is_not_read(client: AsyncClient, path: str) -> None:
    answer = await client.post(f"/organization/{path}", content=b"x" * (BODY_BYTES_MAX + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("/too-large")


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
    for said in ("2017-03-02", "5", "1764547200"):
        bad = await client.get(path, params={"known_at": said})
        (error,) = bad.json()["errors"]
        assert (bad.status_code, error["pointer"]) == (422, "query/known_at")
        assert error["detail"].startswith("an instant as text")


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
