"""Many commands in one request: each has its own result, and what is wrong is pointed at."""

from __future__ import annotations

import pytest
from httpx2 import AsyncClient

AS_JSON = {"content-type": "application/json"}


async def test_a_bulk_answers_one_result_for_each_command(client: AsyncClient) -> None:
    commands = [
        {"stream": "employee-a", "type": "join", "command": {"name": "A"}, "origin": "f#1"},
        {"stream": "employee-a", "type": "join", "command": {"name": "A"}, "origin": "f#1"},
        {"stream": "employee-a", "type": "join", "command": {"name": "B"}, "id": "2"},
        {"stream": "employee-b", "type": "jion", "command": {"name": "B"}},
        {"stream": "robot-b", "type": "join", "command": {"name": "B"}},
        {"stream": "employee-b", "type": "join", "command": {"name": 7}},
        "nonsense",
    ]
    answer = await client.post("/organization/commands", json={"commands": commands})
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [
        "recorded",
        "duplicate",
        "refused",
        "invalid",
        "invalid",
        "invalid",
        "invalid",
    ]
    assert "'jion' is none of: assign, join" in results[3]["problem"]["detail"]
    assert [
        [error["pointer"] for error in r["problem"].get("errors", ())] for r in results[2:]
    ] == [
        [],
        ["#/commands/3/type"],
        ["#/commands/4/stream"],
        ["#/commands/5/command/name"],
        ["#/commands/6"],
    ]


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        (rb'{"stream": "employee-a", "type": "join", "id": "1", "origin": "f#1"}', ""),
        (rb'{"stream": "employee-a", "type": "join", "command": {"name": "\ud800"}}', "/command"),
        (rb'{"stream": "employee-a", "type": "join", "origin": "\udc00"}', "/origin"),
        (rb'{"stream": "employee-a", "type": "join", "command": {"a/b~": 1}}', "/command/a~1b~0"),
        (rb'{"stream": "employee-a", "type": "join", "\ud800": 1}', ""),
    ],
)
async def test_an_item_that_cannot_be_spoils_no_other_and_is_pointed_at(
    client: AsyncClient, item: bytes, pointer: str
) -> None:
    good = b'{"stream": "employee-a", "type": "join", "command": {"name": "A"}}'
    answer = await client.post(
        "/organization/commands",
        content=b'{"commands": [%b, %b]}' % (good, item),
        headers=AS_JSON,
    )
    first, second = answer.json()["results"]
    assert (first["status"], second["status"]) == ("recorded", "invalid")
    pointers = [error["pointer"] for error in second["problem"]["errors"]]
    assert f"#/commands/1{pointer}" in pointers


async def test_an_id_that_was_used_is_pointed_at(client: AsyncClient) -> None:
    items = [
        {"stream": "employee-a", "type": "join", "command": {"name": name}, "id": "1"}
        for name in ("A", "B")
    ]
    answer = await client.post("/organization/commands", json={"commands": items})
    problem = answer.json()["results"][1]["problem"]
    assert problem["type"].endswith("/command-reused")
    assert problem["errors"][0]["pointer"] == "#/commands/1/id"


@pytest.mark.parametrize("header", ["Idempotency-Key", "If-Match"])
async def test_what_is_said_of_one_command_is_refused_of_many(
    client: AsyncClient, header: str
) -> None:
    answer = await client.post(
        "/organization/commands", json={"commands": []}, headers={header: "7"}
    )
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [header]


async def test_a_command_is_once_by_its_id_or_by_its_row(client: AsyncClient) -> None:
    item = {"stream": "employee-a", "type": "join", "command": {"name": "Ada"}}
    both = [item | {"id": "k", "origin": "hr#1"}]
    (result,) = (await client.post("/organization/commands", json={"commands": both})).json()[
        "results"
    ]
    assert result["status"] == "invalid"
    assert "either `id` or `origin`" in result["problem"]["detail"]


async def test_a_bulk_of_another_type_is_told_which_is_read(client: AsyncClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await client.post("/organization/commands", content=b"commands=1", headers=form)
    assert (answer.status_code, answer.headers["accept"]) == (415, "application/json")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"commands": 3}', b"\xff"])
async def test_a_bulk_without_commands_is_refused(client: AsyncClient, body: bytes) -> None:
    answer = await client.post("/organization/commands", content=body, headers=AS_JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
