"""Each usual change of a released schema is allowed or refused as docs/compatibility.md says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from shared.compatibility import Schema, breaks
from shared.released import released_schemas

PAGE = Path(__file__).parent.parent.parent / "docs" / "compatibility.md"
ROW = re.compile(r"^\| (?P<change>[a-z][^|]*) \| (?P<allowed>yes|no) \|", re.MULTILINE)
RELEASED = released_schemas()

Change = Callable[[Schema], Iterator[Schema]]


def with_field(schema: Schema, name: str, field: Any) -> Schema:
    return {**schema, "properties": {**schema.get("properties", {}), name: field}}


def without(schema: Schema, name: str) -> Schema:
    properties = {key: one for key, one in schema["properties"].items() if key != name}
    needed = [one for one in schema.get("required", []) if one != name]
    return {**schema, "properties": properties, "required": needed}


def each_field(change: Callable[[Schema], Schema | None]) -> Change:
    """Make a change to each field of a schema that it can be made to."""

    def changed(schema: Schema) -> Iterator[Schema]:
        for name, field in schema.get("properties", {}).items():
            new = change(deepcopy(field))
            if new is not None and new != field:
                yield with_field(schema, name, new)

    return changed


def optional_added(schema: Schema) -> Iterator[Schema]:
    yield with_field(schema, "towel", {"anyOf": [{"type": "string"}, {"type": "null"}]})


def required_added(schema: Schema) -> Iterator[Schema]:
    needed = [*schema.get("required", []), "towel"]
    yield {**with_field(schema, "towel", {"type": "string"}), "required": needed}


def removed(schema: Schema) -> Iterator[Schema]:
    yield from (without(schema, name) for name in schema.get("properties", {}))


def renamed(schema: Schema) -> Iterator[Schema]:
    for name, field in schema.get("properties", {}).items():
        rest = without(schema, name)
        needed = [f"{name}_again"] if name in schema.get("required", []) else []
        new = with_field(rest, f"{name}_again", field)
        yield {**new, "required": [*rest["required"], *needed]}


def now_required(schema: Schema) -> Iterator[Schema]:
    needed = schema.get("required", [])
    for name in schema.get("properties", {}).keys() - set(needed):
        yield {**schema, "required": [*needed, name]}


def no_longer_required(schema: Schema) -> Iterator[Schema]:
    needed = schema.get("required", [])
    for name in needed:
        yield {**schema, "required": [one for one in needed if one != name]}


def other_type(field: Schema) -> Schema:
    return {**field, "type": "array" if field.get("type") != "array" else "string"}


def more_choices(field: Schema) -> Schema | None:
    return {**field, "enum": [*field["enum"], "another"]} if "enum" in field else None


def fewer_choices(field: Schema) -> Schema | None:
    return {**field, "enum": field["enum"][1:]} if len(field.get("enum", ())) > 1 else None


def shorter(field: Schema) -> Schema | None:
    return {**field, "maxLength": 3} if field.get("type") == "string" else None


def nothing_too(field: Schema) -> Schema | None:
    return {"anyOf": [field, {"type": "null"}]} if "type" in field else None


def other_default(field: Schema) -> Schema | None:
    return {**field, "default": "otherwise"} if "default" in field else None


def other_format(field: Schema) -> Schema | None:
    return {**field, "format": "time"} if field.get("format") == "date" else None


def forbidding(schema: Schema) -> Iterator[Schema]:
    yield {**schema, "additionalProperties": False}


def explained(schema: Schema) -> Iterator[Schema]:
    yield {**schema, "description": "In other words.", "title": "Another"}
    yield from each_field(lambda field: {**field, "description": "In other words."})(schema)


def longer(schema: Schema) -> Iterator[tuple[Schema, Schema]]:
    for short in each_field(shorter)(schema):
        for name, field in short["properties"].items():
            if field.get("maxLength") == 3:
                yield short, with_field(short, name, {**field, "maxLength": 30})


def pairs(change: Change) -> Callable[[Schema], Iterator[tuple[Schema, Schema]]]:
    """Say what was before each change, too."""
    return lambda schema: ((schema, new) for new in change(schema))


CHANGES: dict[str, Callable[[Schema], Iterator[tuple[Schema, Schema]]]] = {
    "add a field that may be missing": pairs(optional_added),
    "add a field that is required": pairs(required_added),
    "remove a field": pairs(removed),
    "rename a field": pairs(renamed),
    "change the type of a field": pairs(each_field(other_type)),
    "require a field that might be missing": pairs(now_required),
    "no longer require a field": pairs(no_longer_required),
    "add a choice to a field": pairs(each_field(more_choices)),
    "take a choice from a field": pairs(each_field(fewer_choices)),
    "shorten what a field may say": pairs(each_field(shorter)),
    "lengthen what a field may say": longer,
    "say nothing where something was said": pairs(each_field(nothing_too)),
    "change what is assumed when a field is missing": pairs(each_field(other_default)),
    "change the format of a field": pairs(each_field(other_format)),
    "forbid fields that nobody knows": pairs(forbidding),
    "explain it in other words": pairs(explained),
}


def table() -> dict[str, bool]:
    text = PAGE.read_text(encoding="utf-8")
    return {row["change"]: row["allowed"] == "yes" for row in ROW.finditer(text)}


def test_the_table_names_every_change_that_is_tried() -> None:
    assert table().keys() == CHANGES.keys()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_any_released_fact_is_allowed_or_refused_as_the_table_says(
    change: str,
) -> None:
    allowed, tried = table()[change], 0
    for wire, schema in RELEASED.items():
        for before, after in CHANGES[change](schema):
            tried += 1
            assert (breaks(before, after) == []) is allowed, f"{wire}: {after}"
    assert tried, "no released fact shows it"


@pytest.mark.parametrize("wire", sorted(RELEASED))
def test_what_grew_twice_may_follow_what_it_was_at_first(wire: str) -> None:
    """So that the newest schema is compatible with every one that was ever released."""
    first = RELEASED[wire]
    (second,) = optional_added(first)
    third = with_field(second, "soap", {"type": "boolean", "default": False})
    assert breaks(first, second) == breaks(second, third) == breaks(first, third) == []
    assert breaks(third, first)
