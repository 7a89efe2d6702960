"""Issues over HTTP, in memory: what is recorded is read back, what is refused says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from services.issues.main import domain, router
from shared.clock import SystemClock
from shared.reading import Token
from shared.testing import serving

LATE = {"kind": "complaint", "words": "It came late.", "person": "person-1", "on": "2026-01-05"}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def post(client: AsyncClient, what: str, body: dict[str, Any], **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(f"/issues/{what}", json=body, headers=named)


async def read(client: AsyncClient, path: str, after: Response) -> Response:
    return await client.get(path, headers={"X-At-Least": after.json()["token"]})


async def test_an_issue_from_complaint_to_settlement(client: AsyncClient) -> None:
    steps = [
        ("1/register", LATE),
        ("1/assign", {"owner": "employee-1"}),
        ("1/give-feedback", {"result": "We changed the carrier."}),
        ("1/close", {}),
    ]
    for version, (what, body) in enumerate(steps, start=1):
        answer = await post(client, what, body)
        assert (answer.status_code, answer.headers["etag"]) == (202, f'"{version}"')
    card = (await read(client, "/issues/1", answer)).json()
    assert card["issue"] == "issue-1"
    assert card["registered_on"] == "2026-01-05"
    assert card["owner"] == "employee-1"
    assert [told["result"] for told in card["feedback"]] == ["We changed the carrier."]
    assert card["open"] is False


async def test_closing_without_feedback_is_refused_with_the_reason(client: AsyncClient) -> None:
    await post(client, "1/register", LATE)
    refused = await post(client, "1/close", {})
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"].endswith("/no-feedback-yet")
    assert "tell the customer" in refused.json()["detail"]


async def test_an_answer_is_owed_and_its_deadline_moved(client: AsyncClient) -> None:
    owed = LATE | {"answer_by": "2099-01-06T18:00:00+09:00"}
    registered = await post(client, "1/register", owed)
    assert (registered.headers["etag"], registered.json()["recorded"]) == ('"2"', 2)
    later = {"answer_by": "2099-01-07T18:00:00+09:00"}
    stale = await post(client, "1/set-deadline", later, if_match='"1"')
    assert stale.status_code == 412
    moved = await post(client, "1/set-deadline", later, if_match='"2"', idempotency_key="k")
    again = await post(client, "1/set-deadline", later, if_match='"2"', idempotency_key="k")
    assert (moved.status_code, again.json()["duplicate"]) == (202, True)
    card = (await read(client, "/issues/1", moved)).json()
    assert (card["answer_by"], card["missed_at"]) == ("2099-01-07T09:00:00Z", None)
    assert card["deadline_set_by"]["version"] == 3


async def test_a_deadline_that_passed_is_on_the_card(client: AsyncClient) -> None:
    by = SystemClock().now() + timedelta(seconds=1)
    await post(client, "1/register", LATE | {"answer_by": by.isoformat()})
    third = Token("issue-1", 3).encode()
    card = (await client.get("/issues/1", headers={"X-At-Least": third})).json()
    assert (datetime.fromisoformat(card["missed_at"]), card["answered"]) == (by, False)


@pytest.mark.parametrize(
    ("answer_by", "detail"),
    [
        ("2026-01-06T18:00:00", "with its offset"),
        ("0001-01-01T00:00:00+09:00", "not between the years"),
        ("tomorrow", "an instant"),
        ("2026-01-03T18:00:00Z", "the issue is of 2026-01-05"),
    ],
)
async def test_a_deadline_that_cannot_be_names_its_field(
    client: AsyncClient, answer_by: str, detail: str
) -> None:
    refused = await post(client, "1/register", LATE | {"answer_by": answer_by})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"]) == (422, "#/answer_by")
    assert detail in error["detail"]


async def test_a_field_that_does_not_fit_is_named(client: AsyncClient) -> None:
    refused = await post(client, "1/register", LATE | {"kind": "rant", "severty": "high"})
    assert refused.status_code == 422
    pointers = {error["pointer"] for error in refused.json()["errors"]}
    assert pointers == {"#/kind", "#/severty"}


async def test_what_nobody_registered_is_not_found(client: AsyncClient) -> None:
    assert (await client.get("/issues/1")).status_code == 404
    assert (await post(client, "1/assign", {"owner": "employee-1"})).status_code == 404


async def test_the_same_key_is_the_same_command(client: AsyncClient) -> None:
    first = await post(client, "1/register", LATE, idempotency_key="a")
    again = await post(client, "1/register", LATE, idempotency_key="a")
    assert again.json() == first.json() | {"recorded": 0, "duplicate": True}
    other = await post(client, "1/register", LATE | {"words": "No."}, idempotency_key="a")
    assert (other.status_code, other.json()["type"][-15:]) == (422, "/command-reused")


async def test_who_looked_at_an_older_version_must_look_again(client: AsyncClient) -> None:
    await post(client, "1/register", LATE)
    await post(client, "1/assign", {"owner": "employee-1"})
    stale = await post(client, "1/assign", {"owner": "employee-2"}, if_match='"1"')
    assert stale.status_code == 412
    fresh = await post(client, "1/assign", {"owner": "employee-2"}, if_match='"2"')
    assert fresh.status_code == 202


async def test_an_unchanged_card_is_not_sent_again(client: AsyncClient) -> None:
    answer = await read(client, "/issues/1", await post(client, "1/register", LATE))
    same = await client.get("/issues/1", headers={"If-None-Match": answer.headers["etag"]})
    assert same.status_code == 304


async def test_issues_are_listed_by_person_and_by_whether_they_are_open(
    client: AsyncClient,
) -> None:
    await post(client, "1/register", LATE)
    await post(client, "1/give-feedback", {"result": "Done."})
    await post(client, "1/close", {})
    last = await post(client, "2/register", LATE | {"person": "person-2"})
    # One token speaks for one stream, so each is waited for.
    await read(client, "/issues/1", await post(client, "1/close", {}))
    for query, found in (
        ("", ["issue-1", "issue-2"]),
        ("?open=true", ["issue-2"]),
        ("?open=false", ["issue-1"]),
        ("?person=person-2", ["issue-2"]),
        ("?person=person-2&open=false", []),
    ):
        listed = (await read(client, f"/issues{query}", last)).json()
        assert [card["issue"] for card in listed["items"]] == found
