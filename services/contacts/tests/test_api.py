"""People, companies and touches over HTTP, in memory: nothing outside is ever refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from services.contacts.main import domain, router
from shared.settings import Settings
from shared.testing import serving

CALL = {"person": "person-1", "channel": "call", "occurred_at": "2026-01-05T09:00:00+09:00"}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def post(client: AsyncClient, path: str, body: dict[str, Any], **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post(path, json=body, headers=named)


async def read(client: AsyncClient, path: str, after: Response | str) -> Response:
    token = after if isinstance(after, str) else after.json()["token"]
    return await client.get(path, headers={"X-At-Least": token})


async def test_a_person_is_registered_joins_a_company_and_leaves(client: AsyncClient) -> None:
    steps = [
        ("register", {"name": "김민준", "email": "kim@example.com"}),
        ("affiliate", {"company": "company-1", "role": "buyer", "on": "2026-01-05"}),
        ("end-affiliation", {"company": "company-1", "reason": "moved", "on": "2026-03-01"}),
    ]
    for version, (what, body) in enumerate(steps, start=1):
        answer = await post(client, f"/contacts/people/1/{what}", body)
        assert (answer.status_code, answer.headers["etag"]) == (202, f'"{version}"')
    card = (await read(client, "/contacts/people/1", answer)).json()
    assert (card["name"], card["companies"]) == ("김민준", [])
    assert card["affiliations"][0]["until"] == "2026-03-01"


async def test_a_company_is_registered_placed_and_described(client: AsyncClient) -> None:
    await post(client, "/contacts/companies/1/register", {"name": "Acme"})
    await post(client, "/contacts/companies/1/place-under", {"parent": "company-2"})
    said = {"stated_by": "crm", "sector": "medical", "revenue": "5.5"}
    answer = await post(client, "/contacts/companies/1/describe", said)
    card = (await read(client, "/contacts/companies/1", answer)).json()
    assert (card["parent"], card["sector"], card["revenue"]) == ("company-2", "medical", "5.5")
    listed = (await read(client, "/contacts/companies?sector=medical", answer)).json()
    assert [item["company"] for item in listed["items"]] == ["company-1"]


async def test_a_touch_reaches_card_and_timeline_also_of_somebody_unknown(
    client: AsyncClient,
) -> None:
    answer = await post(client, "/touches", CALL, idempotency_key="a")
    assert answer.status_code == 202
    card = (await read(client, "/contacts/people/1", answer)).json()
    assert (card["name"], card["touch_count"]) == (None, 1)
    months = (await read(client, "/contacts/people/1/timeline", answer)).json()["items"]
    assert [month["month"] for month in months] == ["2026-01"]


async def test_the_same_touch_sent_again_is_the_same_touch(client: AsyncClient) -> None:
    first = await post(client, "/touches", CALL, idempotency_key="a")
    again = await post(client, "/touches", CALL | {"person": "person-2"}, idempotency_key="a")
    assert again.json()["stream"] == first.json()["stream"]
    other = await post(client, "/touches?source=shop", CALL, idempotency_key="a")
    assert other.json()["stream"] != first.json()["stream"]
    card = (await read(client, "/contacts/people/1", other)).json()
    assert card["touch_count"] == 2


async def test_a_touch_without_an_id_of_its_own_is_refused_by_name(client: AsyncClient) -> None:
    refused = await post(client, "/touches", CALL)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["Idempotency-Key"]


@pytest.mark.parametrize("employee", ["employee-1", "kim@example.com"])
async def test_a_colleague_is_told_by_stream_or_by_an_address(
    client: AsyncClient, employee: str
) -> None:
    touch = CALL | {"employee": employee, "company": "company-1", "opportunity": "opportunity-1"}
    answer = await post(client, "/touches", touch, idempotency_key="a")
    assert answer.status_code == 202
    months = (await read(client, "/contacts/people/1/timeline", answer)).json()["items"]
    assert months[0]["touches"][0]["employee"] == employee


async def test_touches_come_in_batches(client: AsyncClient) -> None:
    items = [{"id": str(number), "touch": CALL} for number in range(3)]
    batch = {"source": "shop", "touches": [*items, items[0]]}
    first = (await post(client, "/touches/batch", batch)).json()
    assert (first["accepted"], first["duplicates"], first["rejected"]) == (3, 1, 0)
    assert [one["status"] for one in first["events"]] == [*["accepted"] * 3, "duplicate"]
    for one in first["events"]:
        assert (await read(client, "/contacts/people/1/timeline", one["token"])).status_code == 200
    again = (await post(client, "/touches/batch", batch)).json()
    assert (again["accepted"], again["duplicates"]) == (0, 4)
    assert [one["stream"] for one in again["events"]] == [one["stream"] for one in first["events"]]
    card = (await read(client, "/contacts/people/1", first["events"][2]["token"])).json()
    assert card["touch_count"] == 3


async def test_more_touches_than_a_batch_has_are_too_large(client: AsyncClient) -> None:
    items = [{"id": str(number), "touch": CALL} for number in range(1_001)]
    refused = await post(client, "/touches/batch", {"source": "shop", "touches": items})
    assert refused.status_code == 413
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["errors"][0]["pointer"] == "#/touches"
    assert (await client.get("/contacts/people/1")).status_code == 404


async def test_of_a_batch_each_touch_is_taken_or_rejected_for_itself(client: AsyncClient) -> None:
    items = [
        {"id": "a", "touch": CALL},
        "no touch",
        {"id": "b c", "touch": CALL},
        {"id": "d", "touch": CALL | {"channel": "pigeon"}},
        {"id": "e", "touch": CALL, "towel": 1},
        {"touch": CALL},
        {"id": "f", "touch": CALL | {"note": "enc:v1:forged"}},
        {"id": "g", "touch": CALL},
    ]
    answer = await post(client, "/touches/batch", {"source": "shop", "touches": items})
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["accepted"], told["duplicates"], told["rejected"]) == (2, 0, 6)
    rejected = [one for one in told["events"] if one["status"] == "rejected"]
    assert [one["id"] for one in rejected] == [None, "b c", "d", "e", None, "f"]
    assert [one["problem"]["errors"][0]["pointer"] for one in rejected] == [
        "#/touches/1",
        "#/touches/2/id",
        "#/touches/3/touch/channel",
        "#/touches/4/towel",
        "#/touches/5/id",
        "#/touches/6",
    ]
    card = (await read(client, "/contacts/people/1", told["events"][-1]["token"])).json()
    assert card["touch_count"] == 2


@pytest.mark.parametrize("name", ["\\ud800", "z" * 5_000])
async def test_an_id_that_is_none_is_not_told_back(client: AsyncClient, name: str) -> None:
    body = '{"source": "shop", "touches": [{"id": "' + name + '", "touch": {}}]}'
    sent = {"Content-Type": "application/json"}
    answer = await client.post("/touches/batch", content=body, headers=sent)
    assert answer.status_code in (202, 400, 422), answer.text
    assert name not in answer.text
    if answer.status_code == 202:
        assert [one["id"] for one in answer.json()["events"]] == [None]


async def test_another_touch_under_an_id_of_the_batch_is_rejected_by_name(
    client: AsyncClient,
) -> None:
    letter = {"id": "a", "touch": CALL | {"channel": "email"}}
    items = [{"id": "a", "touch": CALL}, letter, {"id": "b", "touch": CALL}, letter]
    answer = await post(client, "/touches/batch", {"source": "shop", "touches": items})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
    rejected = [one for one in answer.json()["events"] if one["status"] == "rejected"]
    assert [one["id"] for one in rejected] == ["a", "a"]
    problem = rejected[0]["problem"]
    assert problem["type"].endswith("/command-reused")
    assert problem["errors"][0]["pointer"] == "#/touches/1/id"
    last = await post(client, "/touches?source=shop", CALL, idempotency_key="b")
    assert (await read(client, "/contacts/people/1", last)).status_code == 200


@pytest.mark.parametrize("source", ["", "a" * 201])
async def test_a_batch_is_of_a_source_as_single_touches_are(
    client: AsyncClient, source: str
) -> None:
    items = [{"id": "a", "touch": CALL}]
    refused = await post(client, "/touches/batch", {"source": source, "touches": items})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/source"]


async def test_events_are_not_read_where_touches_come_in_a_batch(client: AsyncClient) -> None:
    answer = await client.post(
        "/touches/batch",
        content="[]",
        headers={"Content-Type": "application/cloudevents-batch+json"},
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/contacts/people/1/register", {"name": " "}, "#/name"),
        ("/contacts/people/1/affiliate", {"company": "Acme"}, "#/company"),
        ("/contacts/people/1/affiliate", {"company": "company-한빛"}, "#/company"),
        ("/contacts/companies/1/place-under", {"parent": "company-1"}, "#/parent"),
        ("/contacts/companies/1/describe", {"stated_by": "x", "revenue": "NaN"}, "#/revenue"),
        ("/contacts/companies/1/describe", {"stated_by": "x", "on": "2199-01-01"}, "#/on"),
        ("/touches", CALL | {"channel": "smoke"}, "#/channel"),
        ("/touches", CALL | {"person": "person-김"}, "#/person"),
        ("/touches", CALL | {"employee": "kim"}, "#/employee"),
        ("/touches", CALL | {"employee": "employee-김"}, "#/employee"),
        ("/touches", CALL | {"company": "Acme"}, "#/company"),
        ("/touches", CALL | {"opportunity": "opportunity-1@2"}, "#/opportunity"),
        ("/touches", CALL | {"occurred_at": "2026-01-05T09:00:00"}, "#/occurred_at"),
        ("/touches", CALL | {"occurred_at": "0001-01-01T00:00:00+09:00"}, "#/occurred_at"),
        ("/touches", CALL | {"occurred_at": "9999-12-31T20:00:00Z"}, "#/occurred_at"),
    ],
)
async def test_what_cannot_be_names_the_field(
    client: AsyncClient, path: str, body: dict[str, Any], pointer: str
) -> None:
    refused = await post(client, path, body, idempotency_key="a")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("place_under", {"parent": "company-1"}),
        ("mirror", {"name": "Acme", "stated_by": "crm", "parent": "company-1"}),
    ],
)
async def test_no_company_stands_under_itself_in_bulk_either(
    client: AsyncClient, kind: str, command: dict[str, Any]
) -> None:
    await post(client, "/contacts/companies/1/register", {"name": "Acme"})
    item = {"stream": "company-1", "type": kind, "command": command}
    (result,) = (await post(client, "/contacts/commands", {"commands": [item]})).json()["results"]
    assert result["status"] == "refused"
    assert result["problem"]["errors"][0]["pointer"] == "#/commands/0/command/parent"


async def test_leaving_a_company_one_is_not_with_is_refused(client: AsyncClient) -> None:
    await post(client, "/contacts/people/1/register", {"name": "Kim"})
    refused = await post(client, "/contacts/people/1/end-affiliation", {"company": "company-1"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "#/company")
    assert refused.json()["type"].endswith("/not-affiliated")


async def test_once_is_once_and_an_old_look_is_refused(client: AsyncClient) -> None:
    path, body = "/contacts/people/1/register", {"name": "Kim"}
    first = await post(client, path, body, idempotency_key="a")
    again = await post(client, path, body, idempotency_key="a")
    assert again.json() == first.json() | {"recorded": 0, "duplicate": True}
    joining = {"company": "company-1"}
    stale = await post(client, "/contacts/people/1/affiliate", joining, if_match='"2"')
    assert stale.status_code == 412


async def test_people_are_listed_by_company_and_an_unchanged_card_is_not_sent_again(
    client: AsyncClient,
) -> None:
    await post(client, "/contacts/people/1/register", {"name": "Kim"})
    answer = await post(client, "/contacts/people/1/affiliate", {"company": "company-1"})
    for query, found in (("?company=company-1", ["person-1"]), ("?company=company-2", [])):
        listed = (await read(client, f"/contacts/people{query}", answer)).json()
        assert [card["person"] for card in listed["items"]] == found
    card = await read(client, "/contacts/people/1", answer)
    same = {"If-None-Match": card.headers["etag"]}
    assert (await client.get("/contacts/people/1", headers=same)).status_code == 304


async def test_a_touch_that_no_journal_holds_is_found_by_its_trace() -> None:
    async with serving(domain, router, settings=Settings(engine="kafka")) as client:
        answer = await post(client, "/touches", CALL, idempotency_key="a")
        touch = answer.json()["stream"]
        refused = await client.get(f"/contacts/history/{touch}")
        assert refused.status_code == 404
        assert f"/trace/{touch}" in refused.json()["detail"]


async def test_nothing_unknown_is_found(client: AsyncClient) -> None:
    for path in ("people/1", "companies/1"):
        assert (await client.get(f"/contacts/{path}")).status_code == 404


async def test_c_03_whoever_is_in_touch_by_whatever_channel_about_whatever_is_in_one_timeline(
    client: AsyncClient,
) -> None:
    told = [
        ("employee-1", "visit", "opportunity", "2026-01-20"),
        ("employee-2", "call", "complaint", "2026-01-05"),
        ("employee-3", "email", "advice", "2026-01-12"),
    ]
    for place, (employee, channel, about, day) in enumerate(told):
        body = {
            "person": "person-1",
            "channel": channel,
            "about": about,
            "employee": employee,
            "occurred_at": f"{day}T09:00:00+09:00",
        }
        answer = await post(client, "/touches", body, idempotency_key=str(place))
        (month,) = (await read(client, "/contacts/people/1/timeline", answer)).json()["items"]
    found = [(one["employee"], one["channel"], one["about"]) for one in month["touches"]]
    assert found == [(who, how, about) for who, how, about, _ in (told[1], told[2], told[0])]


async def test_c_15_a_person_has_no_company_one_or_several_as_employee_dealer_or_self(
    client: AsyncClient,
) -> None:
    answer = await post(client, "/contacts/people/1/register", {"name": "Kim"})
    assert (await read(client, "/contacts/people/1", answer)).json()["companies"] == []
    kinds = ("employee", "dealer", "self")
    for place, kind in enumerate(kinds):
        body = {"company": f"company-{place}", "kind": kind, "on": "2026-01-05"}
        answer = await post(client, "/contacts/people/1/affiliate", body)
    card = (await read(client, "/contacts/people/1", answer)).json()
    assert {one["company"]: one["kind"] for one in card["affiliations"]} == {
        f"company-{place}": kind for place, kind in enumerate(kinds)
    }
    assert len(card["companies"]) == len(kinds)
