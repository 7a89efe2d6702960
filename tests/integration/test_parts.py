"""The platform in parts, as it runs on Kubernetes: what holds for the whole holds for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient, Response

from sellers.node import Node
from sellers.parts import Part
from tests.integration.conftest import until
from tests.integration.in_parts import opened

pytestmark = pytest.mark.connected

PARTS = (
    Part("api", "contacts"),
    Part("projector", "contacts"),
    Part("api", "calendar"),
    Part("projector", "calendar"),
    Part("api", "analytics"),
    Part("projector", "analytics"),
    Part("platform"),
)


class Parts:
    """Each part as a process would have it, all in this one, and a client of each."""

    def __init__(self, nodes: dict[str, Node], http: dict[str, AsyncClient]) -> None:
        self.nodes = nodes
        self.http = http

    async def get(self, part: str, path: str, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http[part].get(path, headers=named)

    async def post(self, part: str, path: str, body: Any) -> Response:
        return await self.http[part].post(path, json=body)

    async def missing(self, part: str) -> dict[str, str]:
        answer = (await self.get(part, "/readyz")).json()
        found: dict[str, str] = answer.get("missing", {})
        return found


@pytest.fixture(scope="module")
async def parts(
    fresh_log: Any, mongo_engine: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parts]:
    folder = tmp_path_factory.mktemp
    async with opened(PARTS, fresh_log, mongo_engine, folder) as (nodes, http):
        started = Parts(nodes, http)
        for part in PARTS:
            worker = {"analytics worker": "no worker has started"} if part.domain is None else {}

            async def ready(name: str = part.name, but: dict[str, str] = worker) -> bool:
                return await started.missing(name) == but

            await until(ready)
        yield started


@pytest.fixture
def who() -> str:
    return f"p{uuid4().hex[:10]}"


async def registered(parts: Parts, who: str, name: str = "Ada") -> str:
    path = f"/contacts/people/{who}/register"
    answer = await parts.post("contacts api", path, {"name": name})
    assert answer.status_code == 202, answer.text
    token: str = answer.json()["token"]
    return token


async def test_what_one_part_decides_another_folds(parts: Parts, who: str) -> None:
    token = await registered(parts, who)
    read = await parts.get("contacts api", f"/contacts/people/{who}", x_at_least=token)
    assert (read.status_code, read.json()["name"]) == (200, "Ada")


async def test_the_platform_knows_how_far_others_have_folded(parts: Parts, who: str) -> None:
    token = await registered(parts, who)
    await parts.get("contacts api", f"/contacts/people/{who}", x_at_least=token)

    async def folded() -> bool:
        rows = (await parts.get("platform", "/lag")).json()["projections"]
        ours = [row for row in rows if row["domain"] == "contacts"]
        found = {row["collection"].rpartition("_v")[0] for row in ours}
        assert {"keeper", "person_card"} <= found
        return all(row["lag"] == 0 for row in ours)

    await until(folded)
    trace = (await parts.get("platform", f"/trace/person-{who}")).json()
    assert {view["domain"] for view in trace["views"]} >= {"contacts"}


async def test_a_rebuild_that_the_platform_begins_a_projector_does(parts: Parts, who: str) -> None:
    token = await registered(parts, who)
    await parts.get("contacts api", f"/contacts/people/{who}", x_at_least=token)
    begun = await parts.post("platform", "/views/person_card/rebuild", {})
    assert begun.status_code == 202, begun.text

    async def switched() -> bool:
        views = (await parts.get("platform", "/views")).json()["views"]
        (view,) = (v for v in views if v["name"] == "person_card")
        return bool(view["collection"] == begun.json()["collection"])

    await until(switched)
    read = await parts.get("contacts api", f"/contacts/people/{who}", x_at_least=token)
    assert read.json()["name"] == "Ada"


async def test_a_look_at_a_colleague_is_noted_by_whoever_shows_it(parts: Parts, who: str) -> None:
    """The calendar shows whose hours they are; looks are facts of analytics."""
    seen, viewer = f"employee-{who}", f"employee-{who}-boss"
    shown = await parts.get(
        "calendar api",
        f"/calendar/time?seller={seen}&first=2026-01-05&last=2026-01-11",
        x_actor=viewer,
    )
    assert shown.status_code == 200, shown.text

    async def noted() -> bool:
        looks = await parts.get("analytics api", f"/analytics/looks/{who}", x_actor=seen)
        assert looks.status_code == 200, looks.text
        return viewer in looks.text

    await until(noted)


async def test_a_part_answers_for_nothing_else(parts: Parts) -> None:
    for part, path in (
        ("contacts api", "/lag"),
        ("contacts api", "/calendar/entries"),
        ("contacts projector", "/contacts/people"),
        ("platform", "/contacts/people"),
    ):
        assert (await parts.get(part, path)).status_code == 404, (part, path)


async def test_a_projector_measures_how_far_it_is(parts: Parts) -> None:
    async def measured() -> bool:
        told = (await parts.get("contacts projector", "/metrics")).text
        return 'sellers_projection_lag_records{collection="person_card' in told

    await until(measured)


async def test_groups_are_called_after_their_domain(parts: Parts) -> None:
    """Every domain has a keeper, and each reads other topics: in one group they would mix."""
    for name in ("contacts", "calendar", "analytics"):
        runtime = parts.nodes[f"{name} projector"].runtimes[name]
        prefix = runtime.settings.database_prefix
        groups = {projector.group for projector in runtime._projectors.values()}
        assert f"{prefix}{name}.keeper_v1" in groups
        assert all(str(group).startswith(f"{prefix}{name}.") for group in groups)
