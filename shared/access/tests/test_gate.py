"""Who is behind the gate: the actor of a fact is whom the token proves, whatever is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.middleware import Middleware

from shared.access import self_api
from shared.access.gate import Gate, Guarded
from shared.access.principal import Principal, Quota, UnauthenticatedError
from shared.access.quotas import Quotas
from shared.access.rules import EMPLOYEE, PUBLIC, Of, Rules, rules, seller
from shared.access.whose import Asked, NobodyReach, thing
from shared.bulk import bulk_router
from shared.clock import SystemClock
from shared.memory import MemoryLog, MemoryStore
from shared.runtime import Runtime
from shared.settings import Settings
from shared.tests.served import CARD, nothing_missing, routes
from shared.tests.tiny import tiny_domain
from shared.web import build_app

RULES: Rules = {
    **rules(PUBLIC, "GET /livez", "GET /readyz", "GET /metrics", "GET /openapi.json"),
    **rules("self", "GET /whoami"),
    **rules("import", "POST /organization/commands"),
    **rules("organization.history", "GET /organization/history/{stream}"),
    **rules("absences.write", "POST /organization/employees/{employee}/join", whose=[EMPLOYEE]),
    **rules(
        "absences.write",
        "POST /organization/employees/{employee}/assign",
        whose=[seller("unit", "body")],
    ),
    **rules("organization.read", "GET /organization/employees/{employee}"),
    **rules("organization.read", "GET /organization/employees", "GET /organization/bug"),
}


class Known:
    """Tokens are names."""

    def __init__(self) -> None:
        self.people: dict[str, Principal] = {
            "ada": Principal("employee-ada", ("seller",), employee="employee-ada"),
            "admin": Principal("user-admin", ("administrator",)),
            "nobody": Principal("user-nobody", ()),
            "system": Principal(
                "key-1",
                ("administrator",),
                only=frozenset({"organization.read"}),
                quota=Quota("key-1", 3),
            ),
        }

    async def principal(self, token: str) -> Principal:
        if token not in self.people:
            raise UnauthenticatedError('not "known"\r\nX-Evil: 1')
        return self.people[token]


async def nobodys(_: str) -> frozenset[str] | None:
    return None


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
async def client(clock: list[float]) -> AsyncIterator[AsyncClient]:
    domain = tiny_domain(CARD)
    runtime = Runtime(domain, MemoryStore(), MemoryLog(2), SystemClock(), Settings())
    await runtime.start()
    try:
        await runtime.service.ready.wait()
        quotas = Quotas(now=lambda: clock[0])
        gate = Gate(RULES, Known(), nobodys, NobodyReach(), quotas)
        app = build_app(
            "tiny",
            {"organization": runtime},
            [self_api.router, bulk_router(domain), routes()],
            new_id=SystemClock().new_id,
            ready=nothing_missing,
        )
        app.guard_by(Middleware(Guarded, gate=gate))
        app.rules = RULES
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://sellers") as found:
            yield found
    finally:
        await runtime.stop()


def as_(who: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {who}", **more}


JOIN, ADA = "/organization/employees/ada/join", {"name": "Ada"}


async def test_the_actor_of_a_fact_is_whom_the_token_proves(client: AsyncClient) -> None:
    answer = await client.post(JOIN, json=ADA, headers=as_("ada"))
    assert answer.status_code == 202
    history = await client.get("/organization/history/employee-ada", headers=as_("admin"))
    assert [fact["actor"] for fact in history.json()["facts"]] == ["employee-ada"]


@pytest.mark.parametrize(
    ("said", "status", "stream"),
    [
        ("ada", 202, "employee-ada"),
        ("employee-ada", 202, "employee-ada"),
        ("bob", 403, None),
        ("employee-bob", 403, None),
        # Whoever is called so is somebody else: the gate reads no further than the route does.
        ("employee-employee-ada", 403, None),
    ],
)
async def test_the_gate_and_the_route_read_the_same_ids(
    client: AsyncClient, said: str, status: int, stream: str | None
) -> None:
    path = f"/organization/employees/{said}/join"
    answer = await client.post(path, json={"name": "Ada"}, headers=as_("ada"))
    assert (answer.status_code, answer.json().get("stream")) == (status, stream)


def test_an_id_in_a_path_is_read_once() -> None:
    """The body still says whole names: there `opportunity-7` is the seventh."""
    of_path, of_body = Of("deal", "opportunity"), Of("deal", "opportunity", "body")
    assert thing(of_path, Asked({"deal": "opportunity-7"}, b"")) == "opportunity-opportunity-7"
    assert thing(of_path, Asked({"deal": "7"}, b"")) == "opportunity-7"
    assert thing(of_body, Asked({}, b"", b'{"deal": "opportunity-7"}')) == "opportunity-7"


async def test_another_name_than_one_s_own_is_refused(client: AsyncClient) -> None:
    mine = await client.post(JOIN, json=ADA, headers=as_("ada", **{"x-actor": "employee-ada"}))
    assert mine.status_code == 202
    other = await client.post(JOIN, json=ADA, headers=as_("admin", **{"x-actor": "employee-ada"}))
    assert other.status_code == 403
    assert "X-Actor" in other.json()["detail"]


async def test_headers_that_are_given_twice_are_refused(client: AsyncClient) -> None:
    for name, first, second in (
        ("authorization", "Bearer ada", "Bearer admin"),
        ("x-actor", "employee-ada", "employee-eve"),
    ):
        headers = [("authorization", "Bearer ada"), (name, first), (name, second)]
        answer = await client.get("/whoami", headers=headers)
        assert answer.status_code == 401, name


@pytest.mark.parametrize(
    ("header", "because"),
    [
        ("Basic YTpi", "Bearer"),
        ("Bearer", "Bearer"),
        ("Bearer ", "Bearer"),
        ("Bearer a b", "Bearer"),
        ("bearer eve", "not 'known'"),
        ("Bearer " + "a" * 9_000, "Bearer"),
    ],
)
async def test_what_proves_nothing_is_told_why(
    client: AsyncClient, header: str, because: str
) -> None:
    answer = await client.get("/whoami", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="sellers", error="invalid_token"')
    assert because in challenge
    assert "x-evil" not in answer.headers
    assert answer.headers["x-correlation-id"]


async def test_a_refusal_names_what_is_missing_and_who_has_it(client: AsyncClient) -> None:
    answer = await client.post("/organization/commands", json={}, headers=as_("ada"))
    told = answer.json()
    assert (answer.status_code, told["permission"]) == (403, "import")
    assert "administrator" in told["detail"]
    assert "you are seller" in told["detail"]
    assert 'scope="import"' in answer.headers["www-authenticate"]


async def test_who_is_of_no_role_is_told_so(client: AsyncClient) -> None:
    answer = await client.get("/whoami", headers=as_("nobody"))
    assert answer.status_code == 403
    assert "of no role" in answer.json()["detail"]


async def test_one_is_told_who_one_is(client: AsyncClient) -> None:
    told = (await client.get("/whoami", headers=as_("ada"))).json()
    assert (told["actor"], told["roles"]) == ("employee-ada", ["seller"])
    assert told["reaches"]["deals.read"] == "own"
    assert "import" not in told["reaches"]


async def test_a_body_that_the_gate_has_read_reaches_the_route_whole(client: AsyncClient) -> None:
    assert (await client.post(JOIN, json=ADA, headers=as_("ada"))).status_code == 202
    assign = "/organization/employees/ada/assign"
    for body in (b'{"unit": "employee-eve"}', b"{", b"[]", b"", b'{"unit": 7}'):
        answer = await client.post(assign, content=body, headers=as_("ada"))
        assert answer.status_code == 403, body
    answer = await client.post(assign, json={"unit": "employee-ada"}, headers=as_("ada"))
    assert answer.status_code == 202
    history = await client.get("/organization/history/employee-ada", headers=as_("admin"))
    assert history.json()["facts"][-1]["data"]["unit"] == "employee-ada"


async def test_a_body_without_end_is_refused_by_the_gate_too(client: AsyncClient) -> None:
    assign = "/organization/employees/ada/assign"
    answer = await client.post(assign, content=b" " * 5_000_001, headers=as_("ada"))
    assert answer.status_code == 413


async def test_a_key_is_for_less_than_its_roles_are(client: AsyncClient) -> None:
    assert (await client.get("/organization/employees", headers=as_("system"))).status_code == 200
    answer = await client.post("/organization/commands", json={}, headers=as_("system"))
    assert answer.status_code == 403


async def test_a_system_that_asks_too_often_is_told_when_to_come_back(
    client: AsyncClient, clock: list[float]
) -> None:
    async def ask() -> Any:
        return await client.get("/organization/employees", headers=as_("system"))

    left = [(await ask()).headers["ratelimit"] for _ in range(3)]
    assert left == ['"key";r=2;t=20', '"key";r=1;t=40', '"key";r=0;t=60']
    answer = await ask()
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "20"
    assert answer.headers["ratelimit"] == '"key";r=0;t=20'
    assert answer.headers["ratelimit-policy"] == '"key";q=3;w=60'
    assert answer.json()["type"].endswith("/too-many-requests")
    clock[0] += 20
    assert (await ask()).status_code == 200
    assert (await ask()).status_code == 429


async def test_what_nobody_serves_is_404_and_a_wrong_method_405(client: AsyncClient) -> None:
    assert (await client.get("/nothing")).status_code == 404
    assert (await client.put("/organization/employees")).status_code == 405
    assert (await client.head("/organization/employees")).status_code == 401
    assert (await client.head("/organization/employees", headers=as_("ada"))).status_code == 200


async def test_a_bug_behind_the_gate_is_a_bug_as_ever(client: AsyncClient) -> None:
    answer = await client.get("/organization/bug", headers=as_("ada"))
    assert answer.status_code == 500
    assert answer.json()["title"] == "This is our fault"


async def test_probes_and_the_description_need_no_token(client: AsyncClient) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/openapi.json"):
        assert (await client.get(path)).status_code == 200, path


async def test_the_description_says_what_opens_each_operation(client: AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"person", "system"}
    paths = document["paths"]
    assert paths["/livez"]["get"]["security"] == []
    assert paths["/organization/employees"]["get"]["security"] == [
        {"person": ["organization.read"]},
        {"system": ["organization.read"]},
    ]


async def test_whoever_listens_is_asked_for_again() -> None:
    known = Known()
    gate = Gate(RULES, known, nobodys, NobodyReach())
    rule, asked = RULES["GET /organization/employees"], Asked({}, b"")
    assert await gate.still_admits("ada", rule, asked)
    del known.people["ada"]
    assert not await gate.still_admits("ada", rule, asked)
    assert not await gate.still_admits("nobody", rule, asked)
