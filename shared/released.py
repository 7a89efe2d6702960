"""What has been released of the published language: a schema and examples of every fact.

`python -m shared.released` (`make schemas`) writes what is missing. A released schema may only
grow, an example stays as it is: both are promises to facts and readers that exist already.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import orjson
from pydantic import AwareDatetime, BaseModel

from shared.clock import derived_id
from shared.compatibility import Schema
from shared.events import REGISTRY, Envelope, Event, decode, encode
from shared.snapshots import EVENTS, grow, write, written
from shared.topics import kinds_by_topic

EXAMPLES = EVENTS / "examples"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

DAY = date(2026, 1, 5)
AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
# What a field says in an example goes by its type, or by its name where that alone says more.
BY_TYPE: dict[Any, Any] = {
    str: "example",
    bool: True,
    int: 42,
    date: DAY,
    datetime: AT,
    AwareDatetime: AT,
    time: time(9, 0),
    Decimal: Decimal("12500.50"),
    tuple[str, ...]: ("example",),
}
BY_NAME: dict[str, str] = {
    "currency": "KRW",
    "email": "kim@example.com",
    "identity": "email:kim@example.com",
    "language": "ko",
    "name": "김민준",
    "phone": "+82-2-312-3456",
    "set_by": derived_id("example fact", "issues.deadline_set.v1"),
    "rule": "FREQ=WEEKLY;BYDAY=MO",
    "words": "배송이 늦었습니다.",
    "zone": "Asia/Seoul",
}
# Fields that name another stream do so by its kind.
NAMES_A = {
    "asked_by": "employee",
    "calendar.by": "entry",
    "calendar.series": "series",
    "coach": "employee",
    "contacts.executive": "employee",
    "contacts.into": "person",
    "contacts.other": "person",
    "contacts.parent": "company",
    "contacts.survivor": "person",
    "division": "unit",
    "introduced_by": "unit",
    "item": "opportunity",
    "leader": "employee",
    "organization.calendar": "workcalendar",
    "organization.parent": "unit",
    "organization.receiver": "employee",
    "organization.substitute": "employee",
    "owner": "employee",
    "reached_through": "person",
    "seller": "employee",
    "viewer": "employee",
    **{
        kind: kind
        for kind in ("company", "employee", "issue", "opportunity", "person", "product", "unit")
    },
}
# Facts whose name does not begin with the kind of their stream, where a topic holds several kinds.
STREAMS = {"organization.manager_appointed.v1": "unit"}


def schema_of(event: type[Event]) -> Schema:
    """Return the JSON Schema (2020-12) of a fact's data."""
    return {"$schema": DIALECT, "$id": f"urn:sellers:{event.wire}", **event.model_json_schema()}


def released_examples() -> list[Path]:
    return sorted(EXAMPLES.glob("*/*.json"))


def examples_of(event: type[Event]) -> dict[str, Envelope]:
    """Return a fact that says all it can, and one that says only what it must."""
    fields = event.model_fields
    full = {name: _said(event.topic, name, field.annotation) for name, field in fields.items()}
    least = {name: full[name] for name, field in fields.items() if field.is_required()}
    return {"full": _envelope(event(**full)), "least": _envelope(event(**least))}


def _envelope(data: Event) -> Envelope:
    stream = f"{_kind(data.wire)}-{derived_id('example', data.wire)}"
    return Envelope(
        id=derived_id("example fact", data.wire),
        source=f"/{data.topic}",
        stream=stream,
        version=1,
        occurred_at=AT,
        recorded_at=AT,
        actor="employee-1",
        correlation_id=derived_id("example correlation", data.wire),
        command_id="id:example",
        command_hash="0" * 32,
        data=data,
    )


def _kind(wire: str) -> str:
    """Return a fact's kind of stream: the one its name begins with, or the first of its topic."""
    topic, name, _ = wire.split(".")
    kinds = kinds_by_topic()[topic]
    named = [kind for kind in kinds if name.startswith(f"{kind}_")]
    return STREAMS.get(wire) or [*named, *kinds][0]


def _said(topic: str, name: str, kind: Any) -> Any:
    options = [option for option in get_args(kind) if option is not NoneType]
    if get_origin(kind) is Literal:
        return options[0]
    if get_origin(kind) is Annotated or NoneType in get_args(kind):
        return _said(topic, name, options[0])
    if get_origin(kind) is tuple:
        return (_said(topic, name, get_args(kind)[0]),)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields.items()
        return kind(**{name: _said(topic, name, field.annotation) for name, field in fields})
    if kind is not str:
        return BY_TYPE[kind]
    other = NAMES_A.get(f"{topic}.{name}") or NAMES_A.get(name)
    return f"{other}-1" if other else BY_NAME.get(name, BY_TYPE[str])


def write_missing() -> Iterator[Path]:
    """Write and yield what is missing; let a schema grow.

    Raises:
        SchemaBrokenError: a released schema changed otherwise. Nothing is written about it.

    """
    for wire, event in sorted(REGISTRY.items()):
        yield from grow(wire, schema_of(event))
        folder = EXAMPLES / wire
        if not any(folder.glob("*.json")):
            for name, example in examples_of(event).items():
                yield write(folder / f"{name}.json", orjson.loads(encode(example)))


def read_example(path: Path) -> Envelope:
    return decode(path.read_bytes())


if __name__ == "__main__":
    sys.exit(written(write_missing))
