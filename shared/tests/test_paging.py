"""Lists page by page: a cursor belongs to its list."""

from __future__ import annotations

from httpx2 import AsyncClient

from shared.tests.served import join, settled


async def test_pages_follow_each_other_and_a_cursor_belongs_to_its_list(
    client: AsyncClient,
) -> None:
    names = [f"e{number}" for number in range(5)]
    for name in names:
        await join(client, name)
    await settled(client)
    found: list[str] = []
    cursor: str | None = None
    kept = ""
    while cursor is not None or not found:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = (await client.get("/organization/employees", params=params)).json()
        found += [item["employee"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        kept = cursor or kept
    assert found == [f"employee-{name}" for name in names]
    foreign = await client.get("/organization/employees", params={"name": "Ada", "cursor": kept})
    broken = await client.get("/organization/employees", params={"cursor": "x"})
    assert (foreign.status_code, broken.status_code) == (422, 422)
    assert foreign.json()["errors"][0]["pointer"] == "query/cursor"


async def test_parked_facts_are_listed_page_by_page(client: AsyncClient) -> None:
    for number in range(5):
        await join(client, f"e{number}", "poison")
    await settled(client)
    found: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while "cursor" not in query or query["cursor"]:
        answer = (await client.get("/parked", params=query)).json()
        assert len(answer["parked"]) <= 2
        found += [fact["stream"] for fact in answer["parked"]]
        query["cursor"] = answer["next_cursor"] or ""
    assert sorted(found) == [f"employee-e{number}" for number in range(5)]
    foreign = await client.get("/parked", params={"cursor": "WyJrIiwgIm0iXQ"})
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "query/cursor")


async def test_dropped_facts_are_listed_page_by_page(client: AsyncClient) -> None:
    for number in range(3):
        await join(client, f"e{number}", "poison")
    await settled(client)
    for fact in (await client.get("/parked")).json()["parked"]:
        where = {name: fact[name] for name in ("domain", "collection", "stream", "position")}
        await client.post("/parked/drop", json={**where, "reason": "a test"})
    found: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while "cursor" not in query or query["cursor"]:
        answer = (await client.get("/parked/dropped", params=query)).json()
        assert len(answer["dropped"]) <= 2
        found += [fact["stream"] for fact in answer["dropped"]]
        query["cursor"] = answer["next_cursor"] or ""
    assert sorted(found) == [f"employee-e{number}" for number in range(3)]


async def test_the_cursor_of_what_is_parked_is_none_of_what_is_dropped(
    client: AsyncClient,
) -> None:
    for number in range(2):
        await join(client, f"e{number}", "poison")
    await settled(client)
    query = {"limit": "1"}
    query["cursor"] = (await client.get("/parked", params=query)).json()["next_cursor"]
    assert (await client.get("/parked", params=query)).status_code == 200
    foreign = await client.get("/parked/dropped", params=query)
    assert (foreign.status_code, foreign.json()["errors"][0]["pointer"]) == (422, "query/cursor")
