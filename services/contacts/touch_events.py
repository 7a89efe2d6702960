"""Touches as CloudEvents 1.0, as marketing systems publish them (C-14). Pure.

One event is read for itself: what is wrong with it is told of it alone, and the others are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.contacts.touches import NewTouch, Sent
from shared.cloudevents import ID_PATTERN, JSON, SOURCE_MAX, STRUCTURED, opened
from shared.command import Instant
from shared.errors import InvalidError, in_words
from shared.events.touches import TouchRecorded
from shared.web import invalid, refusal

TYPE = TouchRecorded.wire
_TIME = TypeAdapter(Instant)
# What says of which event a touch is the data, in whatever mode.
ATTRIBUTES = ("specversion", "id", "source", "type", "time")


def event_schema(touch: str) -> dict[str, Any]:
    """Return the JSON Schema of an event that tells of a touch, whose schema is at `touch`.

    It may say more: extension attributes, as CloudEvents has them.
    """
    return {
        "title": "TouchEvent",
        "description": "A touch, told by a system outside; (source, id) is its name.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0", "type": "string"},
            "id": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
            "source": {
                "type": "string",
                "minLength": 1,
                "maxLength": SOURCE_MAX,
            },
            "type": {"const": TYPE, "type": "string"},
            "time": {
                "type": "string",
                "format": "date-time",
                "description": "when it happened; then `data` does not say `occurred_at`",
            },
            "datacontenttype": {"const": JSON, "type": "string"},
            "data": {"$ref": touch},
        },
    }


@dataclass(frozen=True, slots=True)
class Read:
    """One event as it came: the touch it tells of, or what is wrong with it.

    `at` is where it is within the body, a JSON pointer.
    """

    id: str | None
    source: str | None
    at: str = "#"
    sent: Sent | None = None
    problem: dict[str, Any] | None = None


def read_event(document: Any, at: str = "#") -> Read:
    """Read one event; `at` points at it within the body."""
    named = document if isinstance(document, dict) else {}
    name, source = (
        value if isinstance(value := named.get(key), str) else None for key in ("id", "source")
    )
    try:
        return Read(name, source, at, _sent(document, at))
    except InvalidError as error:
        return Read(name, source, at, problem=refusal(error))
    except ValidationError as error:
        return Read(name, source, at, problem=invalid(error, f"{at}/data"))


def _sent(document: Any, at: str) -> Sent:
    event = opened(document, (TYPE,), at)
    time = document.get("time")
    dated_at = f"{at}/data/occurred_at" if time is None else f"{at}/time"
    return Sent(_touch(event.data, time, at), event.source, event.id, dated_at)


def _touch(data: dict[str, Any], time: Any, at: str) -> NewTouch:
    touch = NewTouch.model_validate(data)
    if time is None:
        return touch
    if touch.occurred_at is not None:
        raise InvalidError("it is told by `time` already", field=f"{at}/data/occurred_at")
    try:
        happened = _TIME.validate_python(time)
    except ValidationError as error:
        raise InvalidError(in_words(error.errors()[0]["msg"]), field=f"{at}/time") from None
    return touch.model_copy(update={"occurred_at": happened})


__all__ = ["JSON", "STRUCTURED", "TYPE", "Read", "read_event"]
