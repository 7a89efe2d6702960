"""Each usual change of a released schema is allowed or refused as docs/compatibility.md says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from shared.compatibility import Kind, Schema, breaks, meaning
from shared.snapshots import KINDS, released_schemas

PAGE = Path(__file__).parent.parent.parent / "docs" / "compatibility.md"
ROW = re.compile(
    r"^\| (?P<change>[a-z][^|]*) \| (?P<fact>yes|no) \| (?P<in>yes|no) \| (?P<out>yes|no) \|",
    re.MULTILINE,
)
RELEASED = {kind: released_schemas(kind) for kind in KINDS}

Change = Callable[[Schema], Iterator[Schema]]
# What holds a schema without being one of the fields of an object.
INSIDE = ("items", "additionalProperties")


def places(schema: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every schema within one, itself first: into objects, lists and choices."""
    yield at
    for name, field in schema.get("properties", {}).items():
        yield from places(field, (*at, "properties", name))
    for name in INSIDE:
        if isinstance(schema.get(name), dict):
            yield from places(schema[name], (*at, name))
    for number, one in enumerate(schema.get("anyOf", ())):
        yield from places(one, (*at, "anyOf", number))


def found(schema: Any, at: tuple[Any, ...]) -> Any:
    for step in at:
        schema = schema[step]
    return schema


def put(schema: Any, at: tuple[Any, ...], new: Schema) -> Any:
    """Return the schema with another one at this place."""
    if not at:
        return new
    copy = list(schema) if isinstance(schema, list) else dict(schema)
    copy[at[0]] = put(copy[at[0]], at[1:], new)
    return copy


def everywhere(change: Change) -> Change:
    """Make a change to the object itself, and to every object within it."""

    def changed(schema: Schema) -> Iterator[Schema]:
        for at in places(schema):
            if "properties" in (part := found(schema, at)):
                yield from (put(schema, at, new) for new in change(part))

    return changed


def with_field(schema: Schema, name: str, field: Any) -> Schema:
    return {**schema, "properties": {**schema.get("properties", {}), name: field}}


def without(schema: Schema, name: str) -> Schema:
    properties = {key: one for key, one in schema["properties"].items() if key != name}
    needed = [one for one in schema.get("required", []) if one != name]
    return {**schema, "properties": properties, "required": needed}


def each_field(change: Callable[[Schema], Schema | None]) -> Change:
    """Make a change to each field that it can be made to, however deep it lies."""

    def changed(schema: Schema) -> Iterator[Schema]:
        for at in places(schema):
            field = found(schema, at)
            new = change(deepcopy(field)) if at else None
            if new is not None and new != field:
                yield put(schema, at, new)

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
    if "type" not in field or field["type"] == "null":
        return None
    # What stands in for a missing value stays what it was.
    stays = {name: said for name, said in field.items() if name == "default"}
    rest = {name: said for name, said in field.items() if name != "default"}
    return {**stays, "anyOf": [rest, {"type": "null"}]}


def other_default(field: Schema) -> Schema | None:
    return {**field, "default": "otherwise"} if "default" in field else None


def other_format(field: Schema) -> Schema | None:
    return {**field, "format": "time"} if field.get("format") == "date" else None


def something(field: Schema) -> Schema | None:
    said = [one for one in field.get("anyOf", ()) if one != {"type": "null"}]
    return {**field, "anyOf": said} if len(said) < len(field.get("anyOf", ())) else None


def forbidding(schema: Schema) -> Iterator[Schema]:
    if schema.get("additionalProperties", True) is True:
        yield {**schema, "additionalProperties": False}


def permitting(schema: Schema) -> Iterator[tuple[Schema, Schema]]:
    for at in places(schema):
        part = found(schema, at)
        if "properties" in part and not isinstance(part.get("additionalProperties"), dict):
            free = {key: one for key, one in part.items() if key != "additionalProperties"}
            yield put(schema, at, {**free, "additionalProperties": False}), put(schema, at, free)


def explained(schema: Schema) -> Iterator[Schema]:
    yield {**schema, "description": "In other words.", "title": "Another"}
    yield from each_field(lambda field: {**field, "description": "In other words."})(schema)


def longer(schema: Schema) -> Iterator[tuple[Schema, Schema]]:
    for at in places(schema):
        short = shorter(found(schema, at)) if at else None
        if short is not None:
            yield put(schema, at, short), put(schema, at, {**short, "maxLength": 30})


def pairs(change: Change) -> Callable[[Schema], Iterator[tuple[Schema, Schema]]]:
    """Say what was before each change, too."""
    return lambda schema: ((schema, new) for new in change(schema))


CHANGES: dict[str, Callable[[Schema], Iterator[tuple[Schema, Schema]]]] = {
    "add a field that may be missing": pairs(everywhere(optional_added)),
    "add a field that is required": pairs(everywhere(required_added)),
    "remove a field": pairs(everywhere(removed)),
    "rename a field": pairs(everywhere(renamed)),
    "change the type of a field": pairs(each_field(other_type)),
    "require a field that might be missing": pairs(everywhere(now_required)),
    "no longer require a field": pairs(everywhere(no_longer_required)),
    "add a choice to a field": pairs(each_field(more_choices)),
    "take a choice from a field": pairs(each_field(fewer_choices)),
    "shorten what a field may say": pairs(each_field(shorter)),
    "lengthen what a field may say": longer,
    "say nothing where something was said": pairs(each_field(nothing_too)),
    "no longer say nothing": pairs(each_field(something)),
    "change what is assumed when a field is missing": pairs(each_field(other_default)),
    "change the format of a field": pairs(each_field(other_format)),
    "forbid fields that nobody knows": pairs(everywhere(forbidding)),
    "take fields that nobody knows": permitting,
    "explain it in other words": pairs(explained),
}


def table() -> dict[str, dict[str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    return {row["change"]: row.groupdict() for row in ROW.finditer(text)}


def test_the_table_names_every_change_that_is_tried() -> None:
    assert table().keys() == CHANGES.keys()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_any_released_schema_is_allowed_or_refused_as_the_table_says(
    change: str, kind: Kind
) -> None:
    said, tried = table()[change][kind], 0
    for name, schema in RELEASED[kind].items():
        for before, after in CHANGES[change](meaning(schema)):
            tried += 1
            assert (breaks(before, after, kind) == []) is (said == "yes"), f"{name}: {after}"
    assert tried, "no released schema shows it"


@pytest.mark.parametrize("kind", KINDS)
def test_changes_are_tried_within_objects_and_choices_too(kind: Kind) -> None:
    ways = {at for one in RELEASED[kind].values() for at in places(meaning(one))}
    assert any(at.count("properties") > 1 for at in ways)
    assert any("anyOf" in at for at in ways)


@pytest.mark.parametrize("kind", ["fact", "out"])
def test_changes_are_tried_within_lists_of_objects_too(kind: Kind) -> None:
    ways = {at for one in RELEASED[kind].values() for at in places(meaning(one))}
    assert any("properties" in at[at.index("items") :] for at in ways if "items" in at)


@pytest.mark.parametrize("wire", sorted(RELEASED["fact"]))
def test_what_grew_twice_may_follow_what_it_was_at_first(wire: str) -> None:
    """So that the newest schema is compatible with every one that was ever released."""
    first = RELEASED["fact"][wire]
    (second,) = optional_added(first)
    third = with_field(second, "soap", {"type": "boolean", "default": False})
    assert breaks(first, second) == breaks(second, third) == breaks(first, third) == []
    assert breaks(third, first)
