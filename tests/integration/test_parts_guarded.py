"""The platform in parts with an issuer: each part knows who somebody is, and whose a thing is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson
import pytest
from httpx2 import AsyncClient, Response

from sellers.parts import Part
from shared.access.tests.issuing import AUDIENCE, ISSUER, JWKS, token
from tests.integration.conftest import until
from tests.integration.in_parts import opened

pytestmark = pytest.mark.connected

DOMAINS = ("organization", "contacts", "opportunities")
PARTS = (*(Part(kind, name) for name in DOMAINS for kind in ("api", "projector")), Part("platform"))  # type: ignore[arg-type]
# The tree: company (kim) > team (park: ada, bob).
UNITS = {"company": (None, "kim"), "team": ("company", "park")}
PLACES = {"kim": "company", "park": "team", "ada": "team", "bob": "team"}
ROLES = {"kim": "executive", "park": "leader", "admin": "administrator"}
DAY = "2020-01-01"


class Issuer(BaseHTTPRequestHandler):
    """Shows the keys of whoever signs people in."""

    def do_GET(self) -> None:
        body = orjson.dumps(JWKS)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def keys_at() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/keys"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Parts:
    """A client of each part, as whoever is named."""

    def __init__(self, http: dict[str, AsyncClient]) -> None:
        self.http = http

    async def get(self, part: str, who: str, path: str) -> Response:
        return await self.http[part].get(path, headers=_as(who))

    async def done(self, part: str, who: str, path: str, body: Any) -> None:
        answer = await self.http[part].post(path, json=body, headers=_as(who))
        assert answer.status_code == 202, (path, answer.text)

    async def ready(self, part: str) -> bool:
        missing = (await self.get(part, "", "/readyz")).json().get("missing", {})
        return set(missing) <= {"analytics worker"}  # None runs here.

    async def folded(self) -> bool:
        rows = (await self.get("platform", "admin", "/lag")).json()["projections"]
        return not any(row["lag"] for row in rows if row["domain"] in DOMAINS)

    async def statuses(self, part: str, path: str, *who: str) -> dict[str, int]:
        return {one: (await self.get(part, one, path)).status_code for one in who}


def _as(who: str) -> dict[str, str]:
    if not who:
        return {}
    employee = None if who == "admin" else who
    told = token(sub=who, employee=employee, roles=[ROLES.get(who, "seller")])
    return {"authorization": f"Bearer {told}"}


@pytest.fixture(scope="module")
async def parts(
    fresh_log: Any, mongo_engine: Any, keys_at: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Parts]:
    signed: dict[str, Any] = {
        "access": "required",
        "oidc_issuer": ISSUER,
        "oidc_audience": AUDIENCE,
        "oidc_jwks_url": keys_at,
    }
    folder = tmp_path_factory.mktemp
    async with opened(PARTS, fresh_log, mongo_engine, folder, **signed) as (_, http):
        started = Parts(http)
        for part in PARTS:
            await until(lambda name=part.name: started.ready(name))  # type: ignore[misc]
        await _organize(started)
        await until(started.folded)
        yield started


async def _organize(parts: Parts) -> None:
    for unit, (parent, _) in UNITS.items():
        form = {"name": unit, "kind": "team", "date_unknown": True}
        form |= {"parent": f"unit-{parent}"} if parent else {}
        path = f"/organization/units/{unit}"
        await parts.done("organization api", "admin", f"{path}/form", form)
    for who, unit in PLACES.items():
        here = f"/organization/employees/{who}"
        await parts.done("organization api", "admin", f"{here}/join", {"name": who, "on": DAY})
        place = {"unit": f"unit-{unit}", "on": DAY}
        await parts.done("organization api", "admin", f"{here}/assign", place)
    for unit, (_, manager) in UNITS.items():
        lead = {"employee": f"employee-{manager}", "on": DAY}
        path = f"/organization/units/{unit}/appoint-manager"
        await parts.done("organization api", "admin", path, lead)
    deal = {"title": "Ada's", "stage": "Evaluated", "owner": "employee-ada", "on": "2026-01-05"}
    await parts.done("opportunities api", "ada", "/opportunities/of-ada/discover", deal)


async def test_nobody_is_served_without_a_token(parts: Parts) -> None:
    for part, path in (
        ("contacts api", "/contacts/people"),
        ("opportunities api", "/opportunities"),
        ("organization api", "/organization/units"),
        ("platform", "/lag"),
    ):
        answer = await parts.get(part, "", path)
        assert answer.status_code == 401, (part, answer.text)


async def test_each_part_knows_who_leads_whom(parts: Parts) -> None:
    seen = await parts.statuses("opportunities api", "/opportunities/of-ada", *PLACES)
    assert seen == {"kim": 200, "park": 200, "ada": 200, "bob": 403}


async def test_a_part_knows_whose_a_thing_of_another_domain_is(parts: Parts) -> None:
    """Contacts shows who has a say in an opportunity to those who may see the opportunity."""
    path = "/contacts/opportunities/of-ada/coverage"
    seen = await parts.statuses("contacts api", path, *PLACES)
    assert seen == {"kim": 200, "park": 200, "ada": 200, "bob": 403}


async def test_who_looks_after_the_platform_reads_no_customer(parts: Parts) -> None:
    assert (await parts.get("platform", "admin", "/lag")).status_code == 200
    assert (await parts.get("contacts api", "admin", "/contacts/people")).status_code == 403
    assert (await parts.get("platform", "ada", "/parked")).status_code == 403
