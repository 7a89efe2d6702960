"""Whether a schema may follow another one under the same name. Pure.

A fact is read for ever by releases older and newer than its writer: its schema may only grow, by
what may be missing. What comes in has to be taken as before, and may be told in more ways. What
goes out has to be as its readers know it, and may say more. Everything else is a new name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from shared.personal import SCHEMA_MARK

Schema = dict[str, Any]
Kind = Literal["fact", "in", "out"]

# What explains a schema to people, without changing what fits it.
EXPLANATIONS = frozenset(
    {"title", "description", "examples", "$schema", "$id", "$defs", SCHEMA_MARK}
)
# What bounds a value: more of it lets more through, or less.
MAXIMA = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
MINIMA = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
COMPARED = {"properties", "required", "items", "anyOf", "enum", "additionalProperties"}
NULL = {"type": "null"}
OTHER = "means something else"
HERE = "the object itself"


def breaks(old: Schema, new: Schema, kind: Kind = "fact") -> list[str]:
    """Say what makes `new` no successor of `old`; [] when it is one.

    A field inside another one is named by the way to it, `seat.row`; `[]` is what a list holds.
    """
    was, now = meaning(old), meaning(new)
    return sorted(set(_changes(was, now, kind, ())))


def meaning(schema: Schema) -> Schema:
    """Return the schema without what only explains it, each reference put in its place."""
    told: Schema = _plain(schema, schema.get("$defs", {}), ())
    return told


def alike(one: Any, other: Any) -> bool:
    """Whether both are the same JSON: true is not 1 there, as it is in Python."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


def _changes(was: Any, now: Any, kind: Kind, at: tuple[str, ...]) -> Iterator[str]:
    if alike(was, now):
        return
    if not isinstance(was, dict) or not isinstance(now, dict):
        yield _said(at)
        return
    if "anyOf" in was or "anyOf" in now:
        yield from _alternatives(was, now, kind, at)
        return
    names = (was.keys() | now.keys()) - COMPARED - {*MAXIMA, *MINIMA}
    if any(not alike(was.get(n), now.get(n)) or (n in was) != (n in now) for n in names):
        yield _said(at)
    if _bounds(was, now, narrower=True) and kind != "out":
        yield _said(at)
    if _bounds(was, now, narrower=False) and kind != "in":
        yield _said(at)
    if "items" in was or "items" in now:
        yield from _changes(was.get("items"), now.get("items"), kind, (*at, "[]"))
    yield from _fields(was, now, kind, at)


def _fields(was: Schema, now: Schema, kind: Kind, at: tuple[str, ...]) -> Iterator[str]:
    had, has = was.get("properties", {}), now.get("properties", {})
    needed, needs = set(was.get("required", ())), set(now.get("required", ()))
    told = {"is gone": had.keys() - has.keys()}
    if kind != "in" and was.get("additionalProperties") is False:
        told["is a field that old readers refuse"] = has.keys() - had.keys()
    if kind != "out":
        told["is required now"] = needs - needed
    if kind != "in":
        told["was required before"] = needed - needs
    for why, names in told.items():
        yield from (_said((*at, name), why) for name in names)
    for name in had.keys() & has.keys():
        yield from _changes(had[name], has[name], kind, (*at, name))
    yield from _others(was, now, kind, at)


def _others(was: Schema, now: Schema, kind: Kind, at: tuple[str, ...]) -> Iterator[str]:
    """Compare what is said of the fields that have no names of ours."""
    others, other = was.get("additionalProperties", True), now.get("additionalProperties", True)
    if isinstance(others, dict) and isinstance(other, dict):
        yield from _changes(others, other, kind, (*at, "*"))
    elif not alike(others, other) and (kind != "in" or other is not True):
        yield _said(at)


def _bounds(was: Schema, now: Schema, *, narrower: bool) -> bool:
    """Whether less is let through than before, or, not `narrower`, more."""
    old, new = (was, now) if narrower else (now, was)
    if "enum" in old or "enum" in new:
        said, says = old.get("enum"), new.get("enum")
        if says is not None and (said is None or not _within(said, says)):
            return True
    return any(
        name in new and (name not in old or old[name] > new[name]) for name in MAXIMA
    ) or any(name in new and (name not in old or old[name] < new[name]) for name in MINIMA)


def _within(few: list[Any], many: list[Any]) -> bool:
    return all(any(alike(one, other) for other in many) for one in few)


def _alternatives(was: Schema, now: Schema, kind: Kind, at: tuple[str, ...]) -> Iterator[str]:
    """Compare what may be one of several: that it may be nothing, and what else it may be."""
    (old, around), (new, rounds) = _choices(was), _choices(now)
    if not alike(around, rounds):
        yield _said(at)
    if (NULL in old) != (NULL in new) and kind != ("in" if NULL in new else "out"):
        yield _said(at)
    old, new = ([one for one in each if one != NULL] for each in (old, new))
    if len(old) == len(new) == 1:
        yield from _changes(old[0], new[0], kind, at)
        return
    if kind != "out" and not all(any(not [*_changes(a, b, kind, at)] for b in new) for a in old):
        yield _said(at)
    if kind != "in" and not all(any(not [*_changes(a, b, kind, at)] for a in old) for b in new):
        yield _said(at)


def _choices(part: Schema) -> tuple[list[Any], Schema]:
    """Return what a part may be, and what is said beside that (what is assumed without it)."""
    beside = {"default"} if "anyOf" not in part else part.keys() - {"anyOf"}
    around = {name: value for name, value in part.items() if name in beside}
    if "anyOf" in part:
        return part["anyOf"], around
    return [{name: value for name, value in part.items() if name not in beside}], around


def _said(at: tuple[str, ...], what: str = OTHER) -> str:
    return f"{'.'.join(at) or HERE}: {what}"


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
    if "const" in part:  # One choice is a choice.
        part = {"enum": [part["const"]]} | {key: part[key] for key in part if key != "const"}
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
