"""Who listens to a view and may not any more hears nothing further: by real tokens and keys."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
import orjson
import pytest
import uvicorn

from sellers.admission import guard
from sellers.node import rules
from services.opportunities.main import domain as opportunities
from services.opportunities.main import router as opportunities_router
from services.organization.main import domain as organization
from services.organization.main import router as organization_router
from shared import changes
from shared.access.issuer_keys import FRESH_S, IssuerKeys
from shared.access.principal import AccessError, Principal
from shared.access.tests.issuing import AUDIENCE, EC, ISSUER, RSA, public, token
from shared.access.tokens import LEEWAY_S, Tokens
from shared.clock import SystemClock
from shared.memory import MemoryLog, MemoryStore
from shared.runtime import Runtime
from shared.settings import Settings
from shared.testing import memory_seals
from shared.web import build_app

SOON_S = 20.0


@dataclass
class Issuer:
    """Shows its keys over HTTP, and takes one back; its clock is the one by which ours are old."""

    kids: set[str] = field(default_factory=lambda: {"ec", "rsa"})
    passed_s: float = 0.0

    def keys(self) -> IssuerKeys:
        transport = httpx2.MockTransport(self._answer)
        return IssuerKeys(
            ISSUER,
            f"{ISSUER}/keys",
            transport=transport,
            now=lambda: time.monotonic() + self.passed_s,
        )

    def _answer(self, _: httpx2.Request) -> httpx2.Response:
        held = {"ec": EC, "rsa": RSA}
        told = [public(key, kid) for kid, key in held.items() if kid in self.kids]
        return httpx2.Response(200, json={"keys": told})

    def take_back(self, kid: str) -> None:
        self.kids.discard(kid)
        self.passed_s += FRESH_S + 1


@dataclass
class Watched:
    """The platform's own authenticator; `refused` is set when it lets somebody in no more."""

    real: Any
    refused: asyncio.Event = field(default_factory=asyncio.Event)

    async def principal(self, shown: str) -> Principal:
        try:
            found: Principal = await self.real.principal(shown)
        except AccessError:
            self.refused.set()
            raise
        return found


@dataclass
class Platform:
    """Two domains in memory behind the gate, over HTTP."""

    http: httpx2.AsyncClient
    issuer: Issuer
    watched: Watched

    async def post(self, path: str, role: str, body: Any) -> Any:
        answer = await self.http.post(path, json=body, headers=self.as_(role))
        assert answer.status_code == 202, answer.text
        return answer.json()

    def as_(self, role: str) -> dict[str, str]:
        """Return who somebody of this role says that they are, by the key that stays."""
        return {"authorization": f"Bearer {token(sub=role, roles=[role], employee=None)}"}

    async def discover(self, number: int) -> None:
        body = {"title": f"Deal {number}", "stage": "Prospecting"}
        await self.post(f"/opportunities/{number}/discover", "executive", body)


@pytest.fixture
async def platform(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
    monkeypatch.setattr(changes, "ADMITTED_S", 0.1)
    clock, log, seals, settings = SystemClock(), MemoryLog(2), memory_seals(), Settings()
    runtimes = {
        domain.name: Runtime(domain, MemoryStore(), log, clock, settings, seals=seals)
        for domain in (organization, opportunities)
    }
    issuer = Issuer()
    gate = guard(rules(), Tokens(ISSUER, AUDIENCE, issuer.keys()), runtimes, settings)
    watched = Watched(gate.kwargs["gate"].authenticator)
    gate.kwargs["gate"].authenticator = watched
    app = build_app(
        "platform",
        runtimes,
        [changes.router, organization_router, opportunities_router],
        new_id=clock.new_id,
        ready=_ready,
    )
    app.guard_by(gate)
    for runtime in runtimes.values():
        await runtime.start()
    try:
        for runtime in runtimes.values():
            await runtime.service.ready.wait()
        async with _served(app) as url, httpx2.AsyncClient(base_url=url, timeout=SOON_S) as http:
            yield Platform(http, issuer, watched)
    finally:
        for runtime in runtimes.values():
            await runtime.stop()


@asynccontextmanager
async def _served(app: Any) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        while not server.started:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def _ready() -> dict[str, str]:
    return {}


Revoke = Callable[[], Awaitable[Any]]


async def expiring(_: Platform) -> tuple[str, Revoke]:
    """A token that counts for a few seconds more, the leeway included."""
    ends = int(time.time()) - LEEWAY_S + 5

    async def wait() -> None:
        await asyncio.sleep(max(0.0, ends + LEEWAY_S - time.time()))

    return token(roles=["analytics"], exp=ends), wait


async def taken_back(platform: Platform) -> tuple[str, Revoke]:
    """A token that its issuer disowns: the key that signed it is shown no more."""

    async def take_back() -> None:
        platform.issuer.take_back("rsa")

    return token(RSA, "RS256", roles=["analytics"]), take_back


async def revoked(platform: Platform) -> tuple[str, Revoke]:
    """The key of a system that an administrator revokes."""
    path = "/organization/keys/pandas"
    body = {"name": "Pandas", "roles": ["analytics"]}
    issued = await platform.post(f"{path}/issue", "administrator", body)
    fresh = platform.as_("administrator") | {"x-at-least": issued["token"]}
    assert (await platform.http.get(path, headers=fresh)).status_code == 200

    async def revoke() -> None:
        await platform.post(f"{path}/revoke", "administrator", {"reason": "lost"})

    return issued["key"], revoke


async def heard(answer: httpx2.Response) -> AsyncIterator[tuple[str, Any]]:
    """Yield the events of an answer until it ends: what kind each is, and what it tells."""
    kind = ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, orjson.loads(value)


@pytest.mark.parametrize("how", [expiring, taken_back, revoked])
async def test_who_listens_hears_nothing_once_they_may_not(
    platform: Platform, how: Callable[[Platform], Awaitable[tuple[str, Revoke]]]
) -> None:
    shown, revoke = await how(platform)
    numbers, begun_after = count(), 0
    seen: list[str] = []
    first = asyncio.Event()

    async def listen() -> list[tuple[str, Any]]:
        named = {"authorization": f"Bearer {shown}"}
        path = "/views/opportunity_card/changes"
        events: list[tuple[str, Any]] = []
        async with platform.http.stream("GET", path, headers=named) as answer:
            assert answer.status_code == 200
            async for kind, told in heard(answer):
                events.append((kind, told))
                if kind == "view":
                    seen.append(told["key"])
                    first.set()
        return events

    async def record_on() -> None:
        """Record one after the other, a few more when they have been found out."""
        nonlocal begun_after
        left = 5
        while left:
            number = next(numbers)
            if platform.watched.refused.is_set():
                begun_after = begun_after or number
                left -= 1
            await platform.discover(number)
            await asyncio.sleep(0.01)

    async with asyncio.timeout(SOON_S):
        listening, recording = asyncio.create_task(listen()), asyncio.create_task(record_on())
        try:
            await first.wait()
            assert not platform.watched.refused.is_set()
            await revoke()
            events = await listening
            await recording
        finally:
            for task in (listening, recording):
                task.cancel()
            await asyncio.gather(listening, recording, return_exceptions=True)
    assert events[-1] == ("end", {"reason": changes.NOT_ADMITTED})
    assert begun_after
    late = {f"opportunity-{number}" for number in range(begun_after, next(numbers))}
    assert len(late) == 5
    assert not late.intersection(seen)
    again = await platform.http.get(
        "/views/opportunity_card/changes", headers={"authorization": f"Bearer {shown}"}
    )
    assert again.status_code == 401
