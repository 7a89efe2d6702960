"""What cannot be answered yet, by half a platform or by this release, is asked again."""

from __future__ import annotations

from httpx2 import ASGITransport, AsyncClient

from shared import admin
from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.journal import JOURNAL
from shared.memory import MemoryStore
from shared.reading import Token
from shared.runtime import Runtime
from shared.tests.served import CARD, app_of, join, move, nothing_missing, routes
from shared.tests.tiny import build, card_projection, running, tiny_domain
from shared.tests.tiny import join as command_to_join
from shared.web import PROBLEM_TYPE, build_app


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
