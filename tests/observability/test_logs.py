"""Every line says whose request it is about, and none of them says a secret."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
from contextlib import closing
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from fastapi import APIRouter
from httpx2 import ASGITransport, AsyncClient

from services.analytics.sink import MEASURES
from services.analytics.stream import measures_projector
from services.opportunities.main import domain, router
from shared import builds
from shared.clock import SystemClock
from shared.kafka import log_of
from shared.log import LogUnavailableError
from shared.memory import MemoryLog, MemoryStore
from shared.mongo import MongoStore
from shared.observability import configure_logs
from shared.projector import Projector
from shared.redaction import redaction
from shared.settings import Settings, SettingsError, load
from shared.sinks import ViewSink
from shared.store import StoreError
from shared.testing import serving
from shared.web import build_app
from tests.hostile.platform import TOKEN, MemoryNode, guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "canary-4711"


@pytest.fixture
def logged() -> Iterator[Any]:
    """The lines that were logged, as the processes write them."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    configure_logs("debug", Settings(kafka_sasl_password=f"settings-{CANARY}").secrets)
    written = io.StringIO()
    root.handlers[0].setStream(written)  # type: ignore[attr-defined]
    yield lambda: written.getvalue().splitlines()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)


def test_each_of_several_keys_is_a_secret() -> None:
    keys = [number * 32 for number in "ab"]
    redacted = redaction(Settings(webhook_keys=",".join(keys)).secrets)
    assert redacted(f"made of {keys[1]}") == "made of ***"


def about(lines: list[str], event: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, lines) if line["event"] == event]


async def test_a_requests_id_is_in_the_lines_of_the_api_of_projectors_and_of_the_worker(
    logged: Any,
) -> None:
    """A log that has lost a record: what follows it is set aside, by everybody who folds it."""
    settings, log, store, clock = Settings(), MemoryLog(1), MemoryStore(), SystemClock()
    async with serving(domain, router, settings=settings, log=log) as client:
        found = {"title": "Chance", "owner": "employee-kim", "stage": "Engaging"}
        path = "/opportunities/1"
        first = await client.post(f"{path}/discover", json=found)
        assert first.status_code == 202, first.text
        second = await client.post(
            f"{path}/reassign",
            json={"owner": "employee-lee", "reason": "handover"},
            headers={"X-Correlation-ID": "whose-request-it-is"},
        )
        assert second.status_code == 202, second.text
        async with asyncio.timeout(10):
            while len(log.records("opportunities")) < 2:  # noqa: ASYNC110 - a log tells nobody.
                await asyncio.sleep(0.01)
    record = next(r for r in log.records("opportunities") if b"_reassigned." in (r.value or b""))
    shorter = MemoryLog(1)
    await shorter.append("opportunities", "opportunity-1", record.value, record.headers)
    moved = replace(record, offset=0)
    view = domain.projections[0].within(settings.zone)
    await Projector(ViewSink(view, "opportunity_v1"), store, shorter, clock).absorb([moved])
    build = (await builds.register(store, MEASURES)).active
    await measures_projector(store, shorter, clock, settings, build).absorb([moved])
    lines = logged()
    (answered,) = [line for line in about(lines, "answered") if line["route"].endswith("reassign")]
    assert answered["correlation_id"] == "whose-request-it-is"
    parked = about(lines, "stream_parked")
    assert [line["correlation_id"] for line in parked] == ["whose-request-it-is"] * 2
    assert {line["projection"] for line in parked} == {"opportunity_v1", build.collection}
    assert {line["position"] for line in parked} == {"opportunities/0/0"}


async def test_every_line_of_a_platform_says_what_it_is_about(logged: Any) -> None:
    """Of a touch those of HTTP, of the views and of the figures; of nobody's request the run."""
    app, mine = guarded(MemoryNode(Settings(read_wait_s=5.0))), "the-touch-of-kim"
    transport, shown = ASGITransport(app), {"Authorization": f"Bearer {TOKEN}"}
    client = AsyncClient(transport=transport, base_url="http://sellers", headers=shown)
    async with app.router.lifespan_context(app), client:
        async with asyncio.timeout(60):
            while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - over HTTP.
                await asyncio.sleep(0.05)
        named = {"Idempotency-Key": "k-1", "X-Correlation-ID": mine}
        touch = {"person": "person-1", "channel": "call"}
        answer = await client.post("/touches", json=touch, headers=named)
        assert answer.status_code == 202, answer.text
        async with asyncio.timeout(20):
            measured = partial(folded, collection=MEASURES.name)
            while not any(mine in told_of(line) for line in measured(logged())):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        headers = {"X-At-Least": answer.json()["token"]}
        assert (await client.get("/contacts/people/1/timeline", headers=headers)).is_success
        structlog.contextvars.clear_contextvars()  # The request's, which was made in this task.
        logging.getLogger("a.library").warning("of nobody's request")
    lines = logged()
    assert [line for line in map(json.loads, lines) if not line.get("correlation_id")] == []
    (answered,) = [line for line in about(lines, "answered") if line["route"] == "/touches"]
    assert answered["correlation_id"] == mine
    assert any(mine in told_of(line) for line in folded(lines, "timeline"))
    (said,) = about(lines, "of nobody's request")
    assert said["correlation_id"].startswith("run-")
    runs = {line["correlation_id"] for line in map(json.loads, lines)}
    assert len([name for name in runs if name.startswith("run-")]) == 1


def folded(lines: list[str], collection: str) -> list[dict[str, Any]]:
    return [one for one in about(lines, "folded") if one["projection"].startswith(collection)]


def told_of(line: dict[str, Any]) -> list[str]:
    found: list[str] = line["correlation_ids"]
    return found


async def test_no_line_says_what_was_asked_or_who_one_is(logged: Any) -> None:
    async def all_ready() -> dict[str, str]:
        return {}

    router = APIRouter()

    @router.post("/bug/{who}")
    async def bug(who: str) -> None:
        quoted = json.dumps({"api_key": f"quoted-{CANARY}", "seen": "kept"})
        raise RuntimeError(
            f"mongodb://root:url-{CANARY}@db:27017/?replicaSet=rs0 refused {quoted}: "
            f"settings-{CANARY} Authorization=text-{CANARY}"
        )

    app = build_app("bugs", {}, [router], new_id=SystemClock().new_id, ready=all_ready)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://sellers") as client:
        answer = await client.post(
            f"/bug/path-{CANARY}?token=query-{CANARY}&email=query-{CANARY}@example.com",
            headers={
                "Authorization": f"Bearer header-{CANARY}",
                "X-Api-Key": f"header-{CANARY}",
                "Cookie": f"session=header-{CANARY}",
            },
            json={"name": f"body-{CANARY}"},
        )
    assert answer.status_code == 500
    lines = logged()
    assert about(lines, "request_failed")
    assert about(lines, "answered")[0]["route"] == "/bug/{who}"
    assert [line for line in lines if CANARY in line] == []
    assert "kept" in "".join(lines), "what is no secret is still told"


async def test_who_finds_no_server_says_so_without_a_password(logged: Any) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
    settings = Settings(
        kafka=nobody,
        kafka_security_protocol="SASL_PLAINTEXT",
        kafka_sasl_username="sellers",
        kafka_sasl_password=f"settings-{CANARY}",
        mongo=f"mongodb://root:p%40ss-{CANARY}@{nobody}/?serverSelectionTimeoutMS=100",
    )
    log = structlog.get_logger()
    with pytest.raises(LogUnavailableError) as no_log:
        await log_of(settings, wait_s=0.5)
    with pytest.raises(StoreError) as no_store:
        await MongoStore.open(settings.mongo, "sellers_test", "test", wait_s=0.3)
    log.error("no_log", exc_info=no_log.value, settings=settings)
    log.error("no_store", exc_info=no_store.value, address=settings.mongo)
    lines = logged()
    assert about(lines, "no_log")
    assert about(lines, "no_store")
    assert [line for line in lines if CANARY in line] == []
    assert CANARY not in f"{settings!r} {no_log.value} {no_store.value}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SELLERS_KAFKA", f"user:{CANARY}@broker:port"),
        ("SELLERS_PORT", CANARY),
        ("SELLERS_MASTER", CANARY),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_without_what_it_is(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    assert name in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("GET /contacts?q=kim HTTP/1.1", "GET /contacts?*** HTTP/1.1"),
        ("is it? a=b", "is it? a=b"),
        ("kafka://u:p@b:9092/x", "kafka://***@b:9092/x"),
        ("Authorization: Bearer eyJhbGciOi.x.y", "Authorization: Bearer ***"),
        ('{"client_secret": "a\\"b", "n": "c"}', '{"client_secret": "***", "n": "c"}'),
        ("password=a&x=1", "password=***&x=1"),
        (
            "[type=string_type, input_value={'name': 'Kim'}, input_type=dict]",
            "[type=string_type, input_value=***, input_type=dict]",
        ),
        ("correlation_id=1 why=gap: version 3", "correlation_id=1 why=gap: version 3"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(said: str, written: str) -> None:
    redacted = redaction(["s3cr:t/"])
    assert json.loads(redacted(json.dumps({"event": said}))) == {"event": written}
    assert redacted("s3cr:t/ s3cr%3At%2F") == "*** ***"


@pytest.mark.parametrize("part", ["token", "://", "?a=", "input_value=", 'token": "', "a-"])
def test_a_long_line_is_redacted_in_no_time(part: str) -> None:
    redacted, began = redaction(["secret-1"]), perf_counter()
    redacted(part * 20_000)
    assert perf_counter() - began < 5
