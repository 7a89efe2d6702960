"""One call answers a screen: a colleague with all above them, a unit with all around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.organization.main import domain, router
from shared.testing import serving

UNITS = {"1": ("Top", "company", None), "2": ("North", "division", "1"), "3": ("Team", "team", "2")}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def told(client: AsyncClient, path: str, **body: Any) -> str:
    answer = await client.post(f"/organization/{path}", json=body)
    assert answer.status_code == 202, answer.text
    token: str = answer.json()["token"]
    return token


async def read(client: AsyncClient, path: str, *tokens: str) -> Any:
    for token in tokens:
        found = await client.get(f"/organization/{path}", headers={"X-At-Least": token})
        assert found.status_code == 200, found.text
    return found.json()


async def company(client: AsyncClient) -> tuple[str, ...]:
    """Found three units, two with a leader, and Ada in the third; return what to await."""
    since, tokens = {"on": "2026-01-05"}, []
    await told(client, "workcalendars/kr/open", name="Seoul")
    holiday = {"day": "2026-09-25", "name": "추석"}
    tokens.append(await told(client, "workcalendars/kr/declare-holidays", holidays=[holiday]))
    for unit, (name, kind, parent) in UNITS.items():
        under = {"parent": f"unit-{parent}"} if parent else {}
        tokens.append(await told(client, f"units/{unit}/form", name=name, kind=kind, **under))
    for who, (name, unit) in {"1": ("Kim", "1"), "2": ("Lee", "2"), "3": ("Ada", "3")}.items():
        await told(client, f"employees/{who}/join", name=name, **since)
        tokens.append(await told(client, f"employees/{who}/assign", unit=f"unit-{unit}", **since))
        if who != "3":
            leads = {"employee": f"employee-{who}"} | since
            tokens.append(await told(client, f"units/{unit}/appoint-manager", **leads))
    by = {"calendar": "workcalendar-kr"} | since
    return *tokens, await told(client, "units/1/assign-calendar", **by)


async def test_a_page_of_a_colleague_says_who_leads_them_and_when_they_work(
    client: AsyncClient,
) -> None:
    tokens = await company(client)
    role = await told(client, "employees/3/take-role", role="seller", on="2026-02-02")
    away = await told(
        client,
        "employees/3/plan-absence",
        absence="a",
        kind="vacation",
        first_day="2026-07-01",
        last_day="2026-07-03",
        substitute="employee-2",
    )
    page = await read(client, "employees/3?on=2026-07-02", *tokens, role, away)
    assert (page["name"], page["unit"], page["roles"]) == ("Ada", "unit-3", ["seller"])
    assert [one["name"] for one in page["above"]] == ["Team", "North", "Top"]
    assert [one["manager"] and one["manager"]["name"] for one in page["above"]] == [
        None,
        "Lee",
        "Kim",
    ]
    assert page["reports_to"] == {"employee": "employee-2", "name": "Lee"}
    assert page["substitute"] == {"employee": "employee-2", "name": "Lee"}
    assert page["works"]["name"] == "Seoul"
    assert page["works"]["holidays"] == [{"day": "2026-09-25", "name": "추석"}]
    assert page["works"]["today"]["why"] == "absent"
    days = await read(client, "employees/3/days?first=2026-09-24&last=2026-09-26", *tokens)
    assert [day["why"] for day in days] == ["works", "holiday", "free"]


async def test_a_page_of_a_unit_says_who_is_in_it_and_what_is_around_it(
    client: AsyncClient,
) -> None:
    tokens = await company(client)
    north = await read(client, "units/2?on=2026-07-02", *tokens)
    assert north["led_by"] == {"employee": "employee-2", "name": "Lee"}
    assert [one["name"] for one in north["members"]] == ["Lee"]
    assert [one["name"] for one in north["children"]] == ["Team"]
    assert [one["name"] for one in north["above"]] == ["Top"]
    assert (north["circle"], north["more"]) == ([], False)
    before = await read(client, "units/2?on=2026-01-04", *tokens)
    assert (before["led_by"], before["members"]) == (None, [])


async def test_who_may_see_whom_is_answered(client: AsyncClient) -> None:
    tokens = await company(client)
    for viewer, subject, sees in (("1", "3", True), ("2", "3", True), ("3", "2", False)):
        asked = f"may-see?viewer=employee-{viewer}&subject=employee-{subject}"
        assert (await read(client, asked, *tokens))["may_see"] is sees


async def test_a_longer_circle_of_units_is_refused_with_the_way_and_the_day(
    client: AsyncClient,
) -> None:
    await read(client, "chart", *await company(client))
    refused = await client.post(
        "/organization/units/1/place-under", json={"parent": "unit-3", "on": "2026-05-04"}
    )
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("/unit-circle")
    assert refused.json()["errors"] == [
        {
            "pointer": "#/parent",
            "detail": "unit-1 under unit-3 under unit-2 under unit-1 from 2026-05-04 on",
        }
    ]


async def test_a_circle_that_an_import_closed_is_shown(client: AsyncClient) -> None:
    tokens = await company(client)
    mirror = {"name": "Top", "kind": "company", "parent": "unit-3"}
    item = {"stream": "unit-1", "type": "mirror", "command": mirror}
    answer = await client.post("/organization/commands", json={"commands": [item]})
    token = answer.json()["results"][0]["token"]
    chart = await read(client, "chart", *tokens, token)
    assert chart["circles"] == [["unit-1", "unit-3", "unit-2"]]
    page = await read(client, "units/2", token)
    assert page["circle"] == ["unit-2", "unit-1", "unit-3"]


async def test_a_span_of_days_has_an_end(client: AsyncClient) -> None:
    tokens = await company(client)
    await read(client, "employees/3", *tokens)
    for first, last in (("2026-01-02", "2026-01-01"), ("2026-01-01", "2027-12-31")):
        path = f"/organization/employees/3/days?first={first}&last={last}"
        assert (await client.get(path)).status_code == 422


async def test_colleagues_are_listed_by_what_they_are_today(client: AsyncClient) -> None:
    await told(client, "employees/1/join", name="Ada", grade="staff", on="2026-01-05")
    await told(client, "employees/1/take-role", role="seller", on="2026-01-05")
    token = await told(client, "employees/1/grade", grade="manager", on="2026-02-02")
    for asked, found in (
        ("role=seller", 1),
        ("role=leader", 0),
        ("grade=manager", 1),
        ("grade=staff", 0),
        ("away=true", 0),
    ):
        assert len((await read(client, f"employees?{asked}", token))["items"]) == found


async def test_all_colleagues_are_one_file_however_small_its_pages(client: AsyncClient) -> None:
    tokens = await company(client)
    hostile = await told(client, "employees/4/join", name="=SUM(A1)", grade="staff")
    await read(client, "employees", *tokens, hostile)
    answer = await client.get("/organization/employees?format=csv&limit=1")
    first, *lines = answer.text.splitlines()
    assert first.startswith('\ufeff"employee","name","email","grade"')
    assert [line.split(",")[1] for line in lines] == ['"Kim"', '"Lee"', '"Ada"', '"\'=SUM(A1)"']
