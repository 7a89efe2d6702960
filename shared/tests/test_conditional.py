"""Conditional requests: on which state a command counts, what a reader has already."""

from __future__ import annotations

import asyncio

import pytest
from httpx2 import AsyncClient

from shared.tests.served import join, move


async def test_who_decides_on_what_a_view_says_sends_its_etag_back(client: AsyncClient) -> None:
    at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
    looked = (await client.get("/organization/employees/ada", headers=at_least)).headers["etag"]
    first = await move(client, looked)
    assert (first.status_code, first.headers["etag"]) == (202, '"2"')
    assert (await move(client, looked)).status_code == 412, "somebody has decided since"
    at_least = {"X-At-Least": first.json()["token"]}
    after = await client.get("/organization/employees/ada", headers=at_least)
    assert after.headers["etag"] != looked
    assert (await move(client, after.headers["etag"])).status_code == 202


async def test_whoever_needs_that_it_exists_is_refused_where_it_does_not(
    client: AsyncClient,
) -> None:
    refused = await move(client, "*")
    assert refused.status_code == 412
    assert refused.json()["errors"][0]["pointer"] == "If-Match"
    await join(client, "ada")
    assert (await move(client, "*")).status_code == 202


async def test_what_was_read_may_be_commanded_on_until_somebody_else_did(
    client: AsyncClient,
) -> None:
    """What a view does not show, such as the third fact here, changes its stream all the same."""
    token = ""
    for unit in (None, "unit-1", "nowhere", "unit-2"):
        path, body = ("assign", {"unit": unit}) if unit else ("join", {"name": "Ada"})
        answer = await client.post(f"/organization/employees/ada/{path}", json=body)
        token = answer.json()["token"]
    path = "/organization/employees/ada"
    etag = (await client.get(path, headers={"X-At-Least": token})).headers["etag"]
    for given, status in (
        (f"W/{etag}", 412),
        (f'"1", {etag}', 202),
        (etag, 412),
        ("*", 202),
        ('"6"', 202),
    ):
        answer = await client.post(
            f"{path}/assign", json={"unit": "unit-3"}, headers={"If-Match": given}
        )
        assert answer.status_code == status, given


async def test_a_weak_tag_and_a_list_are_what_the_reader_has(client: AsyncClient) -> None:
    at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
    path = "/organization/employees/ada"
    etag = (await client.get(path, headers=at_least)).headers["etag"]
    for given, status in ((f"W/{etag}", 304), (f'"x", {etag}', 304), ("*", 304), ('"1"', 200)):
        assert (await client.get(path, headers={"If-None-Match": given})).status_code == status


async def test_a_view_that_was_built_anew_is_another_representation(client: AsyncClient) -> None:
    at_least = {"X-At-Least": (await join(client, "ada")).json()["token"]}
    path = "/organization/employees/ada"
    etag = (await client.get(path, headers=at_least)).headers["etag"]
    await client.post("/views/card/rebuild")
    async with asyncio.timeout(10):
        # The switch lies in the store, which tells nobody.
        while (await client.get(path)).headers["etag"] == etag:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await client.get(path, headers={"If-None-Match": etag})).status_code == 200
    moved = await client.post(f"{path}/assign", json={"unit": "unit-1"}, headers={"If-Match": etag})
    assert moved.status_code == 202, "it is the same state of the stream"


@pytest.mark.parametrize("tag", ['"1-"', '"1-..."', '"01"', '"-1.1.1"', 'W/"1"', '"0"'])
async def test_a_tag_that_we_did_not_give_is_of_no_state(client: AsyncClient, tag: str) -> None:
    await join(client, "ada")
    assert (await move(client, tag)).status_code == 412
    assert (await move(client, f'{tag}, "1"')).status_code == 202


@pytest.mark.parametrize("tag", ['"1', '1"', "1", '"1" "', '*, "1"', '"1";'])
async def test_what_is_no_list_of_tags_is_refused_by_name(client: AsyncClient, tag: str) -> None:
    await join(client, "ada")
    answer = await move(client, tag)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "If-Match"
