"""What is promised to others beside facts: what they may send, and what they are sent.

`python -m sellers.promised` (`make schemas`) writes the schemas that are missing, with examples.
The folder of one says what may change: what comes in is taken as before, what goes out is as its
readers know it (docs/compatibility.md).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sellers.node import MODULES
from services.contacts.touch_answers import TYPE as ANSWERED
from services.contacts.touch_answers import TouchAnswered
from services.contacts.touch_events import TYPE, event_schema
from services.contacts.touches import NewTouch
from services.opportunities.hand_off_mapping import DEFAULT, data_schema
from shared.compatibility import Kind, Schema
from shared.projection import Projection
from shared.published import topic_of
from shared.released import DIALECT
from shared.snapshots import grow, written
from shared.web import PROBLEM_TYPE

NEW_TOUCH, TOUCH_EVENT_NAME = "inbound.new_touch.v1", "inbound.touch_event.v1"
TOUCH = {"person": "person-1", "channel": "campaign", "campaign": "spring"}
TOUCHES = (
    {"person": "person-1", "channel": "call"},
    {"email": "kim@example.com", "channel": "email", "about": "promotion", "campaign": "spring"},
    {"external_id": "crm:4711", "channel": "web", "direction": "inbound", "note": "가격 문의"},
)
TOUCH_EVENT = {
    "specversion": "1.0",
    "type": TYPE,
    "source": "/campaigns",
    "id": "m-1",
    "time": "2026-03-02T09:00:00Z",
    "data": TOUCH,
}
_ANSWERED = {
    "record": {"topic": "touches-inbox", "partition": 2, "offset": 17},
    "id": "m-1",
    "source": "/campaigns",
}
_WRONG = {"pointer": "#/data/channel", "detail": "Input should be 'visit' or 'call'"}
ANSWERS: tuple[dict[str, Any], ...] = (
    {
        **_ANSWERED,
        "status": "accepted",
        "stream": "touch-1",
        "repeats": {"on": "2026-02-20", "again_from": "2026-03-22", "by": "/campaigns"},
    },
    {
        **_ANSWERED,
        "status": "rejected",
        "problem": {
            "type": f"{PROBLEM_TYPE}invalid",
            "title": "The request does not fit its schema",
            "status": 422,
            "detail": f"{_WRONG['pointer']}: {_WRONG['detail']}",
            "errors": [{**_WRONG, "code": "literal_error"}],
        },
    },
)
HAND_OFF = {
    "opportunity": "opportunity-pump",
    "status": "confirmed",
    "reference": "SO-4500017",
    "amount": "12500.50",
    "currency": "KRW",
    "on": "2026-03-02",
}


def published_views() -> dict[str, Projection[Any]]:
    """Return the projections whose views are published, by the topic they are published on."""
    return {
        topic_of(projection): projection
        for module in MODULES
        for projection in module.domain.projections
        if projection.published
    }


def view_schema(projection: Projection[Any]) -> Schema:
    """Return the schema of a view's document, as it is published."""
    return TypeAdapter(projection.view).json_schema(mode="serialization")


def answered_schema() -> Schema:
    """Return the schema of the `data` of what publishers on Kafka are told."""
    return TypeAdapter(TouchAnswered).json_schema(mode="serialization")


def promised() -> Iterator[tuple[str, Kind, Schema]]:
    """Yield every promise: its name, whether it comes in or goes out, and its schema."""
    touch = {**NewTouch.model_json_schema(), "examples": list(TOUCHES)}
    yield _named(NEW_TOUCH, "in", touch)
    event = {**event_schema("#/$defs/NewTouch"), "$defs": {"NewTouch": _inner(touch)}}
    yield _named(TOUCH_EVENT_NAME, "in", {**event, "examples": [TOUCH_EVENT]})
    for mapping in DEFAULT:
        yield _named(mapping.type, "in", {**data_schema(mapping), "examples": [HAND_OFF]})
    yield _named(ANSWERED, "out", {**answered_schema(), "examples": list(ANSWERS)})
    for topic, projection in published_views().items():
        yield _named(topic, "out", view_schema(projection))


def _inner(schema: Schema) -> Schema:
    return {name: said for name, said in schema.items() if name != "examples"}


def _named(name: str, kind: Kind, schema: Schema) -> tuple[str, Kind, Schema]:
    return name, kind, {"$schema": DIALECT, "$id": f"urn:sellers:{name}", **schema}


def write_missing() -> Iterator[Path]:
    """Write and yield what is missing; let a schema change as its kind may.

    Raises:
        SchemaBrokenError: it may not succeed one that was released.

    """
    for name, kind, schema in promised():
        yield from grow(name, schema, kind)


if __name__ == "__main__":
    sys.exit(written(write_missing))
