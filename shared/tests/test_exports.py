"""Lists as files: all pages, cells that no spreadsheet computes, and honest when it is no list."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from httpx2 import ASGITransport, AsyncClient
from hypothesis import given as for_all
from hypothesis import strategies as st

from shared.exports import BrokenListError, cell, table
from shared.web import build_app
from shared.web.router import Router

DANGEROUS = ["=1+1", "+82-2-312", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff20x"]
PAGES: dict[str | None, tuple[list[dict[str, Any]], str | None]] = {
    None: ([], "one"),
    "one": ([{"name": "김민준", "rank": 1, "tags": ["a", "b"]}], "two"),
    "two": ([{"name": '=HYPERLINK("x")', "rank": -2, "tags": []}], None),
}


def routes() -> Router:
    router = Router()

    @router.get("/people/{kind}")
    async def people(kind: str, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
        items, after = PAGES[cursor]
        assert kind == "real"
        assert limit == 7
        return {"items": items, "next_cursor": after, "parked": ["person-9"]}

    @router.get("/rows")
    async def rows() -> list[dict[str, Any]]:
        return [{"a": 1}, {"b": {"c": None}}]

    @router.get("/mixed")
    async def mixed(cursor: str | None = None) -> dict[str, Any]:
        return {"items": [{"b" if cursor else "a": 1}], "next_cursor": None if cursor else "on"}

    @router.get("/broken")
    async def broken(cursor: str | None = None) -> dict[str, Any]:
        return {"oops": 1} if cursor else {"items": [{"a": 1}], "next_cursor": "on"}

    @router.get("/one")
    async def one() -> dict[str, Any]:
        return {"name": "Ada"}

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "a"
            await asyncio.sleep(0)
            yield "b"

        return StreamingResponse(parts(), media_type="text/event-stream")

    return router


async def nothing_missing() -> dict[str, str]:
    return {}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    app: FastAPI = build_app("lists", {}, [routes()], new_id=lambda: "an-id", ready=nothing_missing)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://lists") as client:
        yield client


@pytest.mark.parametrize(
    ("asked", "accept"),
    [
        ("&format=csv", "*/*"),
        ("", "text/csv"),
        ("", "application/json;q=0.5, text/csv"),
    ],
)
async def test_a_list_is_one_file_of_all_its_pages(
    client: AsyncClient, asked: str, accept: str
) -> None:
    answer = await client.get(f"/people/real?limit=7{asked}", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="people-real.csv"'
    assert answer.headers["x-parked"] == "person-9"
    assert (
        answer.content
        == (
            '\ufeff"name","rank","tags"\r\n"김민준","1","a; b"\r\n"\'=HYPERLINK(""x"")","-2",""\r\n'
        ).encode()
    )


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/csv;q=0", "text/csv;q=x"])
async def test_who_asks_for_no_file_gets_a_page(client: AsyncClient, accept: str) -> None:
    answer = await client.get("/people/real?limit=7", headers={"Accept": accept})
    assert answer.json()["next_cursor"] == "one"


async def test_rows_with_other_fields_share_the_first_line(client: AsyncClient) -> None:
    answer = await client.get("/rows?format=csv")
    assert answer.text == '\ufeff"a","b"\r\n"1",""\r\n"","{""c"":null}"\r\n'


@pytest.mark.parametrize("path", ["mixed", "broken"])
async def test_a_file_that_cannot_be_finished_breaks_off(client: AsyncClient, path: str) -> None:
    with pytest.raises(BrokenListError):
        await client.get(f"/{path}?format=csv")


async def test_what_is_no_list_is_no_file(client: AsyncClient) -> None:
    refused = await client.get("/one?format=csv")
    assert refused.status_code == 406
    assert refused.json()["type"].endswith("/no-list")
    willing = await client.get("/one", headers={"Accept": "text/csv, application/json;q=0.9"})
    assert willing.json() == {"name": "Ada"}
    assert (await client.get("/nowhere?format=csv")).status_code == 404
    assert (await client.get("/stream?format=csv")).text == "ab"


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell([text, "b"]) == f"'{text}; b"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (-3, "-3"),
        ("-12.50", "-12.50"),
        ("a-b", "a-b"),
        ([], ""),
        ([1, None], "1; "),
        ({"a": [1]}, '{"a":[1]}'),
        ([{"a": 1}], '[{"a":1}]'),
    ],
)
def test_a_cell_shows_the_value(value: Any, shown: str) -> None:
    assert cell(value) == shown


@for_all(st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_every_text_comes_back_out_of_the_file(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(table(rows), newline="")))
    assert read == [[cell(value) for value in row] for row in rows]
