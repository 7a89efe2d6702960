"""The schemas that were released under each name: the newest, and each that it succeeded.

What comes in and what goes out has schemas as facts have them. A name's folder says which of these
it is, and so what may change (docs/compatibility.md).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import orjson

from shared.compatibility import Kind, Schema, alike, breaks, meaning

EVENTS = Path(__file__).parent / "events"
SCHEMAS = EVENTS / "schemas"
KINDS: tuple[Kind, ...] = get_args(Kind)


class SchemaBrokenError(Exception):
    """What was released changed its meaning."""


def folder(kind: Kind) -> Path:
    return SCHEMAS if kind == "fact" else SCHEMAS / kind


def schema_path(name: str, kind: Kind = "fact") -> Path:
    return folder(kind) / f"{name}.json"


def earlier_path(name: str) -> Path:
    return SCHEMAS / "earlier" / f"{name}.json"


def released_names(kind: Kind = "fact") -> list[str]:
    return sorted(path.stem for path in folder(kind).glob("*.json"))


def released_schemas(kind: Kind = "fact") -> dict[str, Schema]:
    """Return the newest snapshot of every name."""
    return {
        name: orjson.loads(schema_path(name, kind).read_bytes()) for name in released_names(kind)
    }


def earlier(name: str) -> list[Schema]:
    """Return what was released under this name before, the oldest first."""
    path = earlier_path(name)
    found: list[Schema] = orjson.loads(path.read_bytes()) if path.exists() else []
    return found


def all_released(name: str, kind: Kind = "fact") -> list[Schema]:
    """Return every schema that was ever released under this name, the oldest first."""
    path = schema_path(name, kind)
    newest = [orjson.loads(path.read_bytes())] if path.exists() else []
    return [*earlier(name), *newest]


def broken(name: str, schema: Schema, kind: Kind = "fact") -> list[str]:
    """Say what makes it no successor of any schema that was released under this name."""
    return [told for old in all_released(name, kind) for told in breaks(old, schema, kind)]


def grow(name: str, schema: Schema, kind: Kind = "fact") -> Iterator[Path]:
    """Write the snapshot where it is not as it should be, and keep the one that it succeeds.

    Raises:
        SchemaBrokenError: it may not succeed one that was released. Nothing is written.

    """
    if wrong := broken(name, schema, kind):
        raise SchemaBrokenError(
            f"{name} changed: {'; '.join(sorted(set(wrong)))}. It is relied on as it was: leave "
            "it, and add a new version (docs/how-to/add-an-event.md, docs/compatibility.md)"
        )
    path = schema_path(name, kind)
    newest = orjson.loads(path.read_bytes()) if path.exists() else None
    if newest is not None and not alike(meaning(newest), meaning(schema)):
        yield write(earlier_path(name), [*earlier(name), newest])
    if newest != schema:
        yield write(path, schema)


def written(missing: Callable[[], Iterable[Path]]) -> int:
    """Write what is missing and say so; return 1, and say why, where a schema may not change."""
    try:
        for path in missing():
            sys.stdout.write(f"written: {path.relative_to(EVENTS.parent.parent)}\n")
    except SchemaBrokenError as error:
        sys.stderr.write(f"schemas: {error}\n")
        return 1
    return 0


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return path
