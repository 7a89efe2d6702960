"""People with tokens and systems with keys, before the whole platform over the in-memory ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from sellers import admission
from sellers.node import MODULES, routers, rules
from services.analytics import main as analytics
from shared.access.tests.issuing import AUDIENCE, ISSUER, token
from shared.access.tests.test_tokens import Shown
from shared.access.tokens import Tokens
from shared.clock import SystemClock
from shared.memory import MemoryLog, MemoryStore
from shared.runtime import Runtime
from shared.settings import Settings
from shared.topics import declared_topics
from shared.web import build_app

# The tree: company (kim) > north (lee) > team-1 (park: ada, bob), team-2 (choi: eve); south: sam.
UNITS = {
    "company": (None, "kim"),
    "north": ("company", "lee"),
    "team-1": ("north", "park"),
    "team-2": ("north", "choi"),
    "south": ("company", None),
}
PLACES = {
    "kim": "company",
    "lee": "north",
    "park": "team-1",
    "ada": "team-1",
    "bob": "team-1",
    "choi": "team-2",
    "eve": "team-2",
    "sam": "south",
}
ROLES = {"kim": "executive", "lee": "leader", "park": "leader", "choi": "leader"}


async def _ready() -> dict[str, str]:
    return {}


@dataclass
class Platform:
    """Everything, and whoever asks it."""

    http: AsyncClient
    runtimes: Mapping[str, Runtime]

    async def get(self, who: str, path: str, at_least: str = "") -> Response:
        fresh = {"x-at-least": at_least} if at_least else {}
        return await self.http.get(path, headers=as_who(who) | fresh)

    async def post(self, who: str, path: str, body: Any = None) -> Response:
        return await self.http.post(path, json=body or {}, headers=as_who(who))

    async def done(self, who: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self.post(who, path, body)
        assert answer.status_code == 202, (path, answer.text)
        told: dict[str, Any] = answer.json()
        return told

    async def folded(self) -> None:
        while any(p["lag"] for p in (await self.get("admin", "/lag")).json()["projections"]):
            continue


def as_who(who: str) -> dict[str, str]:
    if who.startswith("sk_"):
        return {"authorization": f"Bearer {who}"}
    if who == "admin":
        told = token(sub="admin", employee=None, roles=["administrator"])
    elif who == "owner":
        told = token(sub="owner@sellers.example", employee=None, roles=["executive"])
    else:
        told = token(sub=who, employee=who, roles=[ROLES.get(who, "seller")])
    return {"authorization": f"Bearer {told}"}


@pytest.fixture(scope="module")
async def platform() -> AsyncIterator[Platform]:
    topics = {topic.name: 2 for topic in declared_topics()}
    for module in MODULES:
        topics |= {f"views.{p.name}": 2 for p in module.domain.projections if p.published}
    log, clock, settings = MemoryLog(topics), SystemClock(), Settings()
    runtimes: dict[str, Runtime] = {}
    async with AsyncExitStack() as stack:
        for module in MODULES:
            runtime = Runtime(module.domain, MemoryStore(), log, clock, settings)
            await runtime.start()
            stack.push_async_callback(runtime.stop)
            await runtime.service.ready.wait()
            runtimes[module.domain.name] = runtime
        tokens = Tokens(ISSUER, AUDIENCE, Shown())
        app = build_app(
            "guarded",
            runtimes,
            routers(),
            new_id=clock.new_id,
            ready=_ready,
        )
        app.guard_by(admission.guard(rules(), tokens, runtimes, settings))
        app.state.note_look = analytics.Looking(lambda: runtimes["analytics"]).note
        app.state.verifiers = []
        transport = ASGITransport(app, raise_app_exceptions=False)
        http = await stack.enter_async_context(
            AsyncClient(transport=transport, base_url="http://sellers")
        )
        found = Platform(http, runtimes)
        await _organize(found)
        yield found


async def _organize(platform: Platform) -> None:
    for unit, (parent, _) in UNITS.items():
        form = {"name": unit, "kind": "team", "date_unknown": True}
        form |= {"parent": f"unit-{parent}"} if parent else {}
        await platform.done("admin", f"/organization/units/{unit}/form", form)
    for who, unit in PLACES.items():
        here = f"/organization/employees/{who}"
        await platform.done("admin", f"{here}/join", {"name": who, "on": "2020-01-01"})
        place = {"unit": f"unit-{unit}", "on": "2020-01-01"}
        await platform.done("admin", f"{here}/assign", place)
    for unit, (_, manager) in UNITS.items():
        if manager:
            lead = {"employee": f"employee-{manager}", "on": "2020-01-01"}
            await platform.done("admin", f"/organization/units/{unit}/appoint-manager", lead)
    for who in ("ada", "eve", "sam"):
        deal = {"title": who, "stage": "qualified", "owner": f"employee-{who}", "on": "2026-01-05"}
        await platform.done(who, f"/opportunities/of-{who}/discover", deal)
    await platform.folded()


async def statuses(platform: Platform, path: str, *who: str) -> dict[str, int]:
    return {one: (await platform.get(one, path)).status_code for one in who}


async def viewers(platform: Platform, of: str, report: str) -> list[str]:
    """Return who is noted to have looked at a report about a seller, as the seller is told."""
    await platform.folded()
    months = (await platform.get(of, f"/analytics/looks/{of}")).json()["items"]
    looks = [look for month in months for look in month["looks"]]
    return [look["viewer"] for look in looks if look["report"] == report]
