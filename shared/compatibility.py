"""Whether a schema may follow another one under the same wire name. Pure.

One rule: it may only grow, by properties that may be missing. Old readers ignore them, and old
facts still fit. Everything else is a new version with an upcaster.
"""

from __future__ import annotations

from typing import Any

from shared.personal import SCHEMA_MARK

Schema = dict[str, Any]

# What explains a schema to people, without changing what fits it.
EXPLANATIONS = frozenset(
    {"title", "description", "examples", "$schema", "$id", "$defs", SCHEMA_MARK}
)


def breaks(old: Schema, new: Schema) -> list[str]:
    """Say what makes `new` no successor of `old`; [] when it is one."""
    was, now = meaning(old), meaning(new)
    had, has = was.pop("properties", {}), now.pop("properties", {})
    needed, needs = set(was.pop("required", ())), set(now.pop("required", ()))
    found = [f"{name}: is gone" for name in sorted(had.keys() - has.keys())]
    found += [f"{name}: means something else" for name in sorted(had) if _changed(had, has, name)]
    found += [f"{name}: is required now" for name in sorted(needs - needed)]
    found += [f"{name}: was required before" for name in sorted(needed - needs)]
    if was != now:
        found.append("the object itself: means something else")
    return found


def meaning(schema: Schema) -> Schema:
    """Return the schema without what only explains it, each reference put in its place."""
    told: Schema = _plain(schema, schema.get("$defs", {}), ())
    return told


def _changed(had: Schema, has: Schema, name: str) -> bool:
    return name in has and had[name] != has[name]


def _plain(part: Any, definitions: Schema, within: tuple[str, ...]) -> Any:
    if isinstance(part, list):
        return [_plain(each, definitions, within) for each in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref")
    if reference is not None:
        name = str(reference).rpartition("/")[2]
        if name in within:
            return {"again": name}  # A type that contains itself.
        rest = {key: value for key, value in part.items() if key != "$ref"}
        return _plain({**definitions[name], **rest}, definitions, (*within, name))
    return {
        key: _properties(value, definitions, within)
        if key == "properties"
        else _plain(value, definitions, within)
        for key, value in part.items()
        if key not in EXPLANATIONS
    }


def _properties(properties: Schema, definitions: Schema, within: tuple[str, ...]) -> Schema:
    # Here the keys are the names of fields, and a field may be called `title`.
    return {name: _plain(field, definitions, within) for name, field in properties.items()}
