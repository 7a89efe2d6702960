"""C-09: who leaves hands over; one call later all that they had is the receiver's, everywhere."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.conftest import Platform, until

pytestmark = pytest.mark.connected


@pytest.fixture
def who() -> str:
    """The id of a leaver whom no other test knows; who takes over is called alike."""
    return f"h{uuid4().hex[:10]}"


async def told(platform: Platform, path: str, body: dict[str, Any], **headers: str) -> str:
    answer = await platform.post(path, body, **headers)
    assert answer.status_code == 202, answer.text
    token: str = answer.json()["token"]
    return token


async def has_everything(platform: Platform, who: str) -> dict[str, str]:
    """Let a leaver have one thing of each kind; return where each says whose it is."""
    leaver = f"employee-{who}"
    for colleague, name in ((who, "Ada"), (f"{who}-next", "Bo")):
        await told(platform, f"/organization/employees/{colleague}/join", {"name": name})
    hers = {"owner": leaver}
    at = {"starts_at": "2160-01-05T09:00:00Z", "ends_at": "2160-01-05T10:00:00Z"}
    entry = {"seller": leaver, "category": "customer", "title": "Show the plant", **at}
    deal = {"title": "Pumps", "company": f"company-{who}", **hers}
    issue = {"kind": "complaint", "words": "It came late.", "person": f"person-{who}", **hers}
    tokens = [
        await told(platform, path, body)
        for path, body in (
            (f"/contacts/companies/{who}/register", {"name": "Acme"}),
            (f"/contacts/companies/{who}/assign-owner", hers),
            (f"/contacts/people/{who}/register", {"name": "Kim"}),
            (f"/contacts/people/{who}/assign-owner", hers),
            (f"/opportunities/{who}/discover", deal),
            (f"/issues/{who}/register", issue),
            (f"/calendar/entries/{who}/plan", entry),
        )
    ]
    await told(platform, f"/organization/employees/{who}/leave", {"on": "2026-01-02"})

    async def started() -> bool:
        return (await platform.get(f"/organization/handovers/{who}")).status_code == 200

    await until(started)
    for token in tokens:
        await platform.read(f"/organization/owned-items?owner={leaver}", token)
    return {
        f"/contacts/companies/{who}": "owner",
        f"/contacts/people/{who}": "owner",
        f"/opportunities/{who}": "owner",
        f"/issues/{who}": "owner",
        f"/calendar/entries/{who}": "seller",
    }


async def owners(platform: Platform, pages: dict[str, str]) -> set[str]:
    return {(await platform.read(path))[field] for path, field in pages.items()}


async def test_c_09_one_call_hands_everything_over(platform: Platform, who: str) -> None:
    pages = await has_everything(platform, who)
    leaver, taker = f"employee-{who}", f"employee-{who}-next"
    assert await owners(platform, pages) == {leaver}
    path = f"/organization/handovers/{who}"
    before = await platform.read(f"{path}/dossier")
    assert (before["total"], before["moved"]) == (5, 0)

    token = await told(platform, f"{path}/hand-over", {"receiver": taker}, idempotency_key=who)

    async def all_theirs() -> bool:
        return await owners(platform, pages) == {taker}

    await until(all_theirs)

    async def known() -> bool:
        return bool((await platform.read(path, token))["left"] == {})

    await until(known)
    card = await platform.read(path, token)
    assert card["handed"] == dict.fromkeys(
        ("company", "person", "opportunity", "issue", "entry"), 1
    )
    # The days since they left: nobody has acknowledged yet.
    assert card["gap"]["days"] > 0
    assert card["gap"]["until"] is None
    dossier = await platform.read(f"{path}/dossier", token)
    assert {one["receiver"] for group in dossier["customers"] for one in group["items"]} == {taker}
    assert (dossier["total"], dossier["moved"]) == (5, 5)
    assert {group["name"] for group in dossier["customers"]} == {"Acme", "Kim", None}
    page = (await platform.get(f"{path}/dossier?form=html")).text
    assert "Pumps" in page
    # The same request is the same; another one has nothing left to move.
    again = await platform.post(f"{path}/hand-over", {"receiver": taker}, idempotency_key=who)
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    anew = await platform.post(f"{path}/hand-over", {"receiver": taker})
    assert (anew.status_code, anew.json()["recorded"]) == (202, 0)


async def test_c_09_the_figure_opens_into_its_facts(platform: Platform, who: str) -> None:
    await has_everything(platform, who)
    path, taker = f"/organization/handovers/{who}", f"employee-{who}-next"
    await told(platform, f"{path}/hand-over", {"receiver": taker})
    token = await told(platform, f"{path}/acknowledge", {"receiver": taker, "on": "2026-01-12"})
    gap = (await platform.read(path, token))["gap"]
    assert (gap["days"], gap["since"], gap["until"]) == (10, "2026-01-02", "2026-01-12")
    facts = {fact["id"]: fact for fact in (await platform.read(gap["history"]))["facts"]}
    assert [facts[each]["type"] for each in gap["facts"]] == [
        "organization.handover_started.v1",
        "organization.handover_acknowledged.v1",
    ]


async def test_nothing_is_handed_to_who_is_not_here(platform: Platform, who: str) -> None:
    await has_everything(platform, who)
    path = f"/organization/handovers/{who}/hand-over"
    for body, field in (
        ({"receiver": "employee-nobody-at-all"}, "#/receiver"),
        (
            {
                "receiver": f"employee-{who}-next",
                "assign": {f"company-{who}": "employee-nobody-at-all"},
            },
            f"#/assign/company-{who}",
        ),
    ):
        answer = await platform.post(path, body)
        assert answer.status_code == 422, answer.text
        assert [one["pointer"] for one in answer.json()["errors"]] == [field]
