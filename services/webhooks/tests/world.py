"""The webhooks domain with everything running, and a log of other domains' facts to deliver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from httpx2 import AsyncClient, Response
from pydantic import SecretStr

from services.webhooks.defaults import WebhooksDefaults
from services.webhooks.main import build, router
from shared.events import Envelope, Event, encode
from shared.events.opportunities import OpportunityDiscovered
from shared.memory import MemoryLog
from shared.settings import Settings
from shared.testing import recorded, serving

KEY = "k" * 32
HERE = ("127.0.0.0/8",)
WANTS = ["opportunities.*"]


@dataclass
class World:
    """One platform, as who subscribes meets it."""

    http: AsyncClient
    log: MemoryLog

    async def post(self, what: str, body: Any = None, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(f"/webhooks/{what}", json=body or {}, headers=named)

    async def done(self, what: str, body: Any = None) -> dict[str, Any]:
        answer = await self.post(what, body)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self, path: str, token: str | None = None) -> Any:
        headers = {} if token is None else {"x-at-least": token}
        answer = await self.http.get(f"/webhooks{path}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def registered(self, url: str, name: str = "1", **more: Any) -> dict[str, Any]:
        """Register, and wait until it is known."""
        done = await self.done(f"{name}/register", {"url": url, "wants": WANTS, **more})
        await self.read(f"/{name}", done["token"])
        return done

    async def happened(self, *facts: Envelope) -> None:
        for fact in facts:
            await self.log.append(fact.data.topic, fact.stream, encode(fact))


@asynccontextmanager
async def world(**chosen: Any) -> AsyncIterator[World]:
    defaults = WebhooksDefaults(
        **{"allowed_networks": HERE, "retry_seconds": (0.05,) * 5, "answer_seconds": 2, **chosen}
    )
    log = MemoryLog(2)
    settings = Settings(webhook_keys=SecretStr(KEY))
    async with serving(build(defaults), router, settings=settings, log=log) as http:
        yield World(http, log)


def deals(*names: str, stream: str = "opportunity-1") -> Sequence[Envelope]:
    """Facts of one opportunity, in order; no rule ever decided them, and none has to."""
    told: list[Event] = [OpportunityDiscovered(title=name, stage="Prospecting") for name in names]
    return recorded(*told, stream=stream)
