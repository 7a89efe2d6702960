"""What one request, and one address, may ask for; what is more is refused in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from httpx2 import ASGITransport, AsyncClient

from shared.tests.served import nothing_missing
from shared.tests.test_serving import listening
from shared.web import Limits, build_app
from shared.web.limits import ADDRESSES_MAX, Rates, depth
from shared.web.protocol import Protocol
from shared.web.router import Router

SMALL = Limits(
    body_bytes=1_000, body_depth=5, body_s=0.2, headers=20, header_bytes=2_000, url_bytes=300
)


def app(limits: Limits) -> FastAPI:
    router = Router()

    @router.post("/taken")
    async def taken(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @router.get("/slow")
    async def slow(seconds: float) -> dict[str, str]:
        await asyncio.sleep(seconds)
        return {"status": "done"}

    @router.get("/going-on")
    async def going_on() -> StreamingResponse:
        async def said() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b"."
                await asyncio.sleep(0.1)

        return StreamingResponse(said())

    return build_app(
        "limited", {}, [router], new_id=lambda: "an-id", ready=nothing_missing, limits=limits
    )


def client(limits: Limits, address: str = "192.0.2.1") -> AsyncClient:
    transport = ASGITransport(app(limits), client=(address, 1))
    return AsyncClient(transport=transport, base_url="http://here")


def problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert (told["status"], told["type"].rpartition("/")[2]) == (status, slug)
    assert told["correlation_id"] == answer.headers["x-correlation-id"]
    assert told["detail"]
    return told


async def parts(*given: bytes) -> AsyncIterator[bytes]:
    for one in given:
        yield one


async def test_what_keeps_within_the_limits_is_taken_as_it_came() -> None:
    async with client(SMALL) as asked:
        said = b'{"a": ["[[[[[[[[", "\\"[[[[[[[[", "\\\\"]}'
        for body in (b"", said, b"x" * 1_000, parts(b"x" * 500, b"x" * 500)):
            answer = await asked.post("/taken", content=body)
            size = len(body) if isinstance(body, bytes) else 1_000
            assert answer.json() == {"bytes": size}


@pytest.mark.parametrize("body", [b"x" * 1_001, parts(b"x" * 600, b"x" * 600)])
async def test_a_body_has_an_end(body: Any) -> None:
    async with client(SMALL) as asked:
        answer = await asked.post("/taken", content=body)
    assert "1000 bytes" in problem(answer, 413, "too-large")["detail"]
    assert answer.headers["connection"] == "close"


async def test_a_body_is_read_as_it_is_and_not_decoded() -> None:
    async with client(SMALL) as asked:
        answer = await asked.post("/taken", content=b"{}", headers={"content-encoding": "gzip"})
        as_it_is = {"content-encoding": "Identity"}
        plain = await asked.post("/taken", content=b"{}", headers=as_it_is)
    assert "gzip" in problem(answer, 415, "unsupported-media-type")["detail"]
    assert answer.headers["accept-encoding"] == "identity"
    assert plain.status_code == 200


@pytest.mark.parametrize("codings", [("gzip", "identity"), ("identity", "gzip")])
async def test_a_coding_is_refused_wherever_it_stands_among_others(
    codings: tuple[str, str],
) -> None:
    told = [("content-encoding", coding) for coding in codings]
    plain = [("content-encoding", "identity")] * 2
    async with client(SMALL) as asked:
        answer = await asked.post("/taken", content=b"{}", headers=told)
        assert (await asked.post("/taken", content=b"{}", headers=plain)).status_code == 200
    assert ", ".join(codings) in problem(answer, 415, "unsupported-media-type")["detail"]


async def test_a_body_of_two_types_is_of_none() -> None:
    told = [("content-type", "application/json"), ("content-type", "text/plain")]
    async with client(SMALL) as asked:
        answer = await asked.post("/taken", content=b"[" * 6, headers=told)
    assert problem(answer, 400, "bad-request")["errors"][0]["pointer"] == "Content-Type"


async def test_a_length_that_is_told_twice_leads_nobody_past_the_limits() -> None:
    told = [("content-length", "1001"), ("content-length", "0")]
    async with client(SMALL) as asked:
        answer = await asked.post("/taken", content=parts(b"x" * 1_001), headers=told)
    problem(answer, 413, "too-large")


@pytest.mark.parametrize("text", ['{"a":' * 6, "[" * 6, '[{"a\\"b":[{"c":[[1]]}]}]'])
async def test_json_goes_so_deep_and_no_deeper(text: str) -> None:
    kind = {"content-type": "application/cloudevents+json; charset=utf-8"}
    async with client(SMALL) as asked:
        answer = await asked.post("/taken", content=text.encode(), headers=kind)
        plain = await asked.post("/taken", content=text.encode())
    assert problem(answer, 422, "too-deep")["errors"][0]["pointer"] == "#"
    assert plain.status_code == 200  # Nobody reads that as JSON.


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        (b"", 0),
        (b"1", 0),
        (b"[]", 1),
        (b'{"a":{}}', 2),
        (b'["]]]", [1], {"a": [2]}]', 3),
        (rb'["\\", ["\"[[["]]', 2),
        (b"]]]][[", 0),
        (b"[" * 100_000, 100_000),
        (b"[[]" * 1_000, 1_001),
    ],
)
def test_depth_is_counted_outside_of_texts(text: bytes, deep: int) -> None:
    assert depth(text) == deep


async def test_headers_and_addresses_have_an_end() -> None:
    async with client(SMALL) as asked:
        many = {f"x-{number}": "1" for number in range(30)}
        problem(await asked.get("/livez", headers=many), 431, "headers-too-large")
        long = {"x-long": "1" * 2_001}
        problem(await asked.get("/livez", headers=long), 431, "headers-too-large")
        problem(await asked.get(f"/livez?{'a' * 300}"), 414, "address-too-long")
        assert (await asked.get("/livez")).status_code == 200


async def test_an_answer_that_does_not_begin_is_given_up() -> None:
    async with client(Limits(answer_s=0.1)) as asked:
        late = await asked.get("/slow?seconds=5")
        problem(late, 503, "too-slow")
        assert late.headers["retry-after"] == "5"
        # One that has begun goes on.
        assert (await asked.get("/going-on")).text == "...."


async def test_only_so_many_requests_are_worked_on_at_once() -> None:
    async with client(Limits(at_once=2)) as asked, asyncio.TaskGroup() as group:
        waiting = [group.create_task(asked.get("/slow?seconds=0.3")) for _ in range(2)]
        await asyncio.sleep(0.1)
        answer = await asked.get("/slow?seconds=0")
        problem(answer, 503, "busy")
        assert answer.headers["retry-after"] == "1"
        assert (await asked.get("/livez")).status_code == 200  # A busy process is no dead one.
        await asyncio.wait(waiting)
        assert (await asked.get("/slow?seconds=0")).status_code == 200


async def test_one_address_asks_so_often() -> None:
    async with client(Limits(rate=3.0)) as asked:
        answers = [await asked.get("/slow?seconds=0") for _ in range(5)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    problem(refused[0], 429, "too-many-requests")
    assert int(refused[0].headers["retry-after"]) >= 1


def test_an_address_gets_back_what_it_had_and_no_more() -> None:
    clock = iter([0.0] * 3 + [0.5] * 2 + [1_000.0] * 3)
    rates = Rates(2.0, lambda: next(clock))
    assert [rates.wait_s("a") for _ in range(8)] == [0, 0, 0.5, 0, 0.5, 0, 0, 0.5]


def test_addresses_do_not_pile_up() -> None:
    rates = Rates(1.0, lambda: 0.0)
    for number in range(ADDRESSES_MAX + 10):
        assert rates.wait_s(f"{number}") == 0
    assert rates.wait_s(f"{ADDRESSES_MAX}") == 1
    assert len(rates._left) == ADDRESSES_MAX


@contextmanager
def impatient() -> Iterator[None]:
    before, Protocol.head_s = Protocol.head_s, 0.3
    try:
        yield
    finally:
        Protocol.head_s = before


async def over_a_socket(limits: Limits, *sent: bytes) -> bytes:
    """Send this, piece by piece until the other side has had enough; return what it answered."""
    with impatient():
        async with listening(app(limits)) as (_, port), asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answered = asyncio.create_task(reader.read())
            for piece in sent:
                if answered.done():
                    break
                writer.write(piece)
                await asyncio.sleep(0.05)
            try:
                return await answered
            finally:
                writer.close()


HEAD = b"POST /taken HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ((), 408),  # Who connects and says nothing.
        (tuple(HEAD[n : n + 1] for n in range(20)), 408),
        ((b"\r\n",) * 40, 408),
        ((HEAD + b"Content-Length: 9\r\n\r\n", b"{"), 408),
        ((HEAD, *(b"x-%d: 1\r\n" % n for n in range(1_000))), 408),
        ((HEAD + b"".join(b"x-%d: 1\r\n" % n for n in range(1_000)),), 431),
        ((b"GET /" + b"a" * 90_000,), 414),
        ((b"\x16\x03\x01\x02\x00\x01",), 400),  # TLS, where none is spoken.
    ],
)
async def test_nobody_holds_a_connection_for_nothing(sent: tuple[bytes, ...], status: int) -> None:
    answered, _, body = (await over_a_socket(SMALL, *sent)).partition(b"\r\n\r\n")
    assert answered.startswith(f"HTTP/1.1 {status} ".encode()), answered
    assert b"content-type: application/problem+json" in answered
    assert orjson.loads(body)["status"] == status
