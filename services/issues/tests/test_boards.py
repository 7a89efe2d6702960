"""Many issues at a glance: the board of a customer (I-06, I-09), customers' own words (I-10)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.issues.main import domain, router
from shared.testing import serving

TODAY = datetime.now(UTC).date()
ACME = {"kind": "complaint", "person": "person-1", "company": "company-acme"}


def before(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def told(client: AsyncClient, *steps: tuple[str, dict[str, Any]]) -> dict[str, str]:
    for path, body in steps:
        answer = await client.post(f"/issues/{path}", json=body)
        assert answer.status_code == 202, answer.text
    return {"X-At-Least": answer.json()["token"]}


@pytest.fixture
async def after(client: AsyncClient) -> dict[str, str]:
    return await told(
        client,
        ("1/register", ACME | {"words": "It is late.", "severity": "low", "on": before(40)}),
        ("2/register", ACME | {"words": "It broke.", "severity": "critical", "on": before(3)}),
        ("2/assign", {"owner": "employee-1"}),
        ("2/escalate", {"to": "employee-9", "reason": "They will leave."}),
        ("3/register", ACME | {"words": "Too dear.", "severity": "critical", "on": before(9)}),
        ("4/register", ACME | {"words": "Rude.", "on": before(5)}),
        ("4/find-cause", {"cause": "A bad day."}),
        ("4/give-feedback", {"result": "We are sorry."}),
        ("4/close", {}),
        ("5/register", ACME | {"words": "Elsewhere.", "company": "company-b", "on": before(1)}),
    )


async def test_i_09_the_board_shows_what_is_open_the_gravest_and_oldest_first(
    client: AsyncClient, after: dict[str, str]
) -> None:
    found = (await client.get("/issues/boards/acme", headers=after)).json()
    assert [(one["issue"], one["severity"]) for one in found["lines"]] == [
        ("issue-3", "critical"),
        ("issue-2", "critical"),
        ("issue-1", "low"),
    ]
    assert found["by_severity"] == {"critical": 2, "high": 0, "moderate": 0, "low": 1}
    assert (found["without_owner"], found["late"]) == (2, 0)
    # Today in the company's zone may be tomorrow here.
    assert found["oldest_days"] in (40, 41)
    assert found["lines"][1]["escalated_to"] == "employee-9"
    assert found["lines"][1]["step"] == "cause"


async def test_i_09_the_board_is_a_page_for_a_workshop(
    client: AsyncClient, after: dict[str, str]
) -> None:
    page = await client.get("/issues/boards/acme?form=html", headers=after)
    assert page.headers["content-type"].startswith("text/html")
    assert "It broke." in page.text
    nothing = await client.get("/issues/boards/nobody", headers=after)
    assert nothing.json()["lines"] == []


async def test_i_10_executives_hear_customers_in_their_own_words(
    client: AsyncClient, after: dict[str, str]
) -> None:
    found = (await client.get("/issues/voice", headers=after)).json()
    assert [one["words"] for one in found["items"]] == [
        "It broke.",
        "Too dear.",
        "Elsewhere.",
        "Rude.",
    ]
    rude = found["items"][-1]
    assert (rude["cause"], rude["told"], rude["open"]) == ("A bad day.", "We are sorry.", False)
    old = {"first": before(60), "last": before(30)}
    assert [
        one["words"] for one in (await client.get("/issues/voice", params=old)).json()["items"]
    ] == ["It is late."]
    page = await client.get("/issues/voice?form=markdown", headers=after)
    assert "It broke" in page.text
    hers = await client.get("/issues/voice?company=company-b&limit=1", headers=after)
    assert [one["words"] for one in hers.json()["items"]] == ["Elsewhere."]


@pytest.mark.parametrize("query", ["first=2026-01-02&last=2026-01-01", "first=1999-01-01"])
async def test_days_that_cannot_be_are_refused(client: AsyncClient, query: str) -> None:
    answer = await client.get(f"/issues/voice?{query}")
    assert answer.status_code == 422
    assert "query/first" in answer.text


async def test_i_06_the_same_issues_by_company_and_by_person(
    client: AsyncClient, after: dict[str, str]
) -> None:
    for where, count in (("company=company-acme", 4), ("person=person-1", 5)):
        found = (await client.get(f"/issues?{where}", headers=after)).json()["items"]
        assert len(found) == count
