"""A hundred subscribers whose connections break anywhere: each copy is the view in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from sellers.subscribing import Copy, Subscriber
from services.opportunities.projections import opportunity_card
from shared.published import Build
from tests.integration.conftest import Platform, until

pytestmark = pytest.mark.connected

SEED = 20_261_124
CLIENTS = 100
DEALS = 30
CHANGES = 100
# What each client's connections carry at most before they break: first a part of the view, then
# all of it and some changes. After these they may last.
BYTES_MIN, BYTES_MAX = 200, (6_000, 20_000)
BREAKS = len(BYTES_MAX)
COLLECTION = Build(opportunity_card.name, opportunity_card.version).collection


@dataclass
class Breaking:
    """A way to the platform that breaks in the midst of an event, by a seed of each client's own.

    The first connections break after some bytes, the last one stays.
    """

    to: tuple[str, int]
    random: Random
    broken: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def pass_on(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(*self.to)
        self._open |= {to_client, to_server}
        try:
            to_server.write(await client.readuntil(b"\r\n\r\n"))
            budget = float("inf")
            if self.broken < BREAKS:
                budget = self.random.uniform(BYTES_MIN, BYTES_MAX[self.broken])
            while budget > 0 and (said := await server.read(4_096)):
                to_client.write(said[: int(min(budget, 4_096))])
                await to_client.drain()
                budget -= len(said)
            self.broken += budget <= 0
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client has gone first, which is its right.
        finally:
            self._cut(to_client, to_server)

    def _cut(self, *ways: asyncio.StreamWriter) -> None:
        for way in ways:
            # At once, with whatever had not been sent.
            way.transport.abort()
            self._open.discard(way)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.pass_on, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            self._cut(*self._open)


@dataclass
class Client:
    """One subscriber behind its own way; now and then its process ends and another one goes on."""

    breaking: Breaking
    random: Random
    copy: Copy = field(default_factory=Copy)
    restarts: int = 0
    # What the changes alone add up to: whoever listens to them sees what the copy says.
    told: dict[str, Any] = field(default_factory=dict)

    async def follow(self) -> None:
        async with self.breaking.serving() as url:
            while True:
                await self._live(url, self.random.randrange(20, 120))
                self.copy = Copy.load(self.copy.dump())
                self.restarts += 1

    async def _live(self, url: str, events: int) -> None:
        async with (
            Subscriber(url, opportunity_card.name, copy=self.copy, retry_s=0.05) as subscriber,
            aclosing(subscriber.changes()) as heard,
        ):
            async for changes in heard:
                for change in changes:
                    if change.view is None:
                        self.told.pop(change.key, None)
                    else:
                        self.told[change.key] = change.view
                events -= 1
                if events < 0:
                    return


async def record(platform: Platform, random: Random) -> None:
    """Discover opportunities and move them about, a few at the same moment."""
    for n in range(DEALS):
        body = {"title": f"Deal {n}", "stage": "Prospecting", "on": "2026-01-05"}
        await done(platform, f"/opportunities/{n}/discover", body)
    won: set[int] = set()
    for _ in range(CHANGES // 5):
        chosen = random.sample(sorted(set(range(DEALS)) - won), 5)
        steps = [step(random, n, won) for n in chosen]
        await asyncio.gather(*(done(platform, path, body) for path, body in steps))


def step(random: Random, n: int, won: set[int]) -> tuple[str, dict[str, Any]]:
    if random.random() < 0.1:
        won.add(n)
        body = {"value": f"{n}.50", "currency": "USD", "on": "2026-02-05"}
        return f"/opportunities/{n}/win", body
    owner = f"employee-{random.randrange(1_000)}"
    return f"/opportunities/{n}/reassign", {"owner": owner, "reason": "territory"}


async def done(platform: Platform, path: str, body: dict[str, Any]) -> None:
    answer = await platform.post(path, body)
    assert answer.status_code == 202, answer.text


async def test_each_copy_equals_the_view_whatever_broke(platform: Platform, address: str) -> None:
    random = Random(SEED)
    host, port = address.removeprefix("http://").split(":")
    clients = [
        Client(Breaking((host, int(port)), Random(random.random())), Random(random.random()))
        for _ in range(CLIENTS)
    ]
    following = [asyncio.create_task(client.follow()) for client in clients]
    try:
        await record(platform, random)

        async def all_equal() -> bool:
            for task in following:
                assert not task.done(), task.exception()
            said = await view(platform)
            return all(client.copy.views == said == client.told for client in clients)

        await until(all_equal, within_s=90)
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    said = await view(platform)
    assert len(said) == DEALS
    assert {v["owner"] for v in said.values()} != {None}
    # It was no fair weather: nearly all that could break did, and processes ended beside.
    breaks = [client.breaking.broken for client in clients]
    assert min(breaks) > 0
    assert sum(breaks) > 0.8 * CLIENTS * BREAKS
    assert sum(client.restarts for client in clients) > CLIENTS / 4


async def view(platform: Platform) -> dict[str, Any]:
    """Return the documents of the view as they lie in the store."""
    found = platform.documents("opportunities", COLLECTION).find({})
    return {document["_id"]: document["view"] for document in found if document["view"]}
