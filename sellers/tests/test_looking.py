"""N-13: whoever sees what a colleague did or has in hand is seen by them, in every domain."""

from __future__ import annotations

import pytest

from sellers.tests.admitted import Platform, as_who, viewers

# What a leader may ask of a seller in hand outside of the reports, and under which path it is told.
LISTS = (
    "/alerts/inbox/ada",
    "/alerts?owner=employee-ada",
    "/issues/capture?employee=employee-ada",
    "/issues?owner=employee-ada",
    "/issues/commitments?owner=employee-ada",
    "/opportunities?owner=employee-ada",
    "/opportunities/ranked?owner=employee-ada",
    "/opportunities/reconciliation?owner=employee-ada",
    "/opportunities/cross-division?introduced_by=employee-ada",
    "/commitments?owner=employee-ada",
    "/forecasts?owner=employee-ada",
    "/targets?owner=employee-ada",
    "/organization/owned-items?owner=employee-ada",
    "/organization/handovers?receiver=employee-ada",
)


@pytest.mark.parametrize("path", LISTS)
async def test_n_13_a_list_about_a_colleague_is_told_to_them(platform: Platform, path: str) -> None:
    report = path.partition("?")[0]
    assert (await platform.get("ada", path)).status_code == 200
    assert "employee-ada" not in await viewers(platform, "ada", report)
    assert (await platform.get("park", path)).status_code == 200
    assert "employee-park" in await viewers(platform, "ada", report)


async def test_n_13_who_lists_everybody_has_seen_each_of_them(platform: Platform) -> None:
    assert (await platform.get("kim", "/opportunities")).status_code == 200
    for who in ("ada", "eve", "sam"):
        assert "employee-kim" in await viewers(platform, who, "/opportunities")


async def test_n_13_who_is_told_that_nothing_changed_has_looked_again(platform: Platform) -> None:
    path, told = "/calendar/entries/ada-noon", {"seller": "employee-ada", "category": "customer"}
    told |= {
        "starts_at": "2026-03-02T12:00:00Z",
        "ends_at": "2026-03-02T13:00:00Z",
        "title": "Noon",
    }
    await platform.done("ada", f"{path}/plan", told)
    await platform.folded()
    first = await platform.get("park", path)
    held = {"if-none-match": first.headers["etag"]}
    again = await platform.http.get(path, headers=as_who("kim") | held)
    assert (again.status_code, again.content) == (304, b"")
    assert "employee-kim" in await viewers(platform, "ada", path)


async def test_n_13_one_deal_tells_of_its_customer(platform: Platform) -> None:
    for path in ("/opportunities/of-ada", "/opportunities/of-ada/page"):
        assert (await platform.get("park", path)).status_code == 200
        assert await viewers(platform, "ada", path) == []


async def test_n_13_issues_that_nobody_is_asked_by_name_for_tell_of_customers(
    platform: Platform,
) -> None:
    case = {"kind": "complaint", "words": "late", "person": "person-1", "owner": "employee-bob"}
    case |= {"on": "2026-03-02"}
    await platform.done("bob", "/issues/of-bob/register", case)
    await platform.folded()
    listed = (await platform.get("park", "/issues")).json()["items"]
    assert "employee-bob" in {one["owner"] for one in listed}
    assert await viewers(platform, "bob", "/issues") == []


async def test_n_13_who_is_no_colleague_is_seen_as_what_they_are(platform: Platform) -> None:
    """An executive without an employee, and a system by its key: both are proved, both are told."""
    issue = {"name": "BI", "roles": ["analytics"]}
    secret = (await platform.done("admin", "/organization/keys/eyes/issue", issue))["key"]
    await platform.folded()
    path = "/analytics/data-quality"
    for who in ("owner", secret):
        assert (await platform.get(who, f"{path}?seller=employee-ada")).status_code == 200
    seen = await viewers(platform, "ada", path)
    assert sorted(seen) == ["key-eyes", "user-owner@sellers.example"]


async def test_n_13_a_row_that_is_opened_by_name_is_a_look_too(platform: Platform) -> None:
    for key in ("ada", "employee-ada"):
        path = f"/analytics/issues/why?by=seller&key={key}"
        assert (await platform.get("kim", path)).status_code == 200
        assert await viewers(platform, "ada", "/analytics/issues/why") == ["employee-kim"]
