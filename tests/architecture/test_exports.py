"""Every list of every domain can be had as a file: a new one that cannot fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI

from sellers.node import MODULES
from shared.testing import serving

# What a list is asked about has to be there.
ARRANGED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "campaigns": [
        (
            "/campaigns/1/plan",
            {
                "name": "Spring",
                "goal": "Meet.",
                "audience": "Buyers.",
                "from_on": "2026-03-01",
                "until_on": "2026-04-30",
            },
        )
    ],
    "contacts": [("/contacts/segments/1/save", {"name": "Korean", "language": "ko"})],
    "organization": [("/organization/employees/1/join", {"name": "Ada"})],
}
DECIDING = [module for module in MODULES if module.domain.deciders]


class Listing(NamedTuple):
    """A list as the API describes it, with what has to be said to be answered."""

    path: str
    query: dict[str, str]


def lists(module: ModuleType) -> Iterator[Listing]:
    """Yield what answers many: in pages, as a list, or by its name."""
    app = FastAPI()
    app.include_router(module.router)
    described: dict[str, Any] = app.openapi()["paths"]
    for path, methods in described.items():
        if path.endswith("/why"):
            continue  # What is in a row: analytics asks for its file where there are rows.
        if "get" in methods and _many(methods["get"]):
            needed = [one for one in methods["get"].get("parameters", []) if one.get("required")]
            query = {one["name"]: _said(one["schema"]) for one in needed if one["in"] == "query"}
            yield Listing(path, query)


def _many(told: dict[str, Any]) -> bool:
    # A card or a calendar is text, and one.
    answered = told["responses"]["200"]["content"].get("application/json", {}).get("schema", {})
    paged = any(one["name"] == "cursor" for one in told.get("parameters", []))
    return paged or answered.get("type") == "array" or told["operationId"].startswith("list_")


def _said(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return str(schema["enum"][0])
    return "2026-01-05" if schema.get("format") == "date" else "1"


@pytest.mark.parametrize("module", DECIDING, ids=lambda module: module.domain.name)
async def test_every_list_is_had_as_a_file(module: ModuleType) -> None:
    found = list(lists(module))
    assert found
    async with serving(module.domain, module.router) as client:
        headers = {}
        for path, body in ARRANGED.get(module.domain.name, []):
            told = await client.post(path, json=body)
            headers = {"X-At-Least": told.json()["token"]}
        for listing in found:
            path = re.sub(r"\{[a-z_]+\}", "1", listing.path)
            query = listing.query | {"format": "csv"}
            answer = await client.get(path, params=query, headers=headers)
            assert answer.status_code == 200, f"{listing.path}: {answer.text}"
            assert answer.headers["content-type"].startswith("text/csv"), listing.path
            first = answer.text.partition("\r\n")[0]
            assert first.startswith('\ufeff"'), f"{listing.path}: the file has no first line"
