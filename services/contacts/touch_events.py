"""Touches as CloudEvents 1.0, as marketing systems publish them (C-14). Pure.

One event is read for itself: what is wrong with it is told of it alone, and the others are taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from pydantic import TypeAdapter, ValidationError

from services.contacts.touches import NewTouch, Sent
from shared.command import Instant
from shared.errors import InvalidError
from shared.events.touches import TouchRecorded
from shared.web import KEY, invalid, refusal

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"
TYPE = TouchRecorded.wire
EVENTS_MAX = 1_000
SOURCE_MAX = 200
_KEY = re.compile(KEY)
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TIME = TypeAdapter(Instant)

Mode = Literal["batch", "structured", "binary"]


@dataclass(frozen=True, slots=True)
class Read:
    """One event as it came: the touch it tells of, or what is wrong with it."""

    id: str | None
    source: str | None
    sent: Sent | None = None
    problem: dict[str, Any] | None = None


def mode_of(content_type: str, headers: Mapping[str, str]) -> Mode | None:
    """Say in which mode a request brings events; None: it is none of CloudEvents'."""
    media = content_type.partition(";")[0].strip().lower()
    # Both begin alike: the longer one is looked for first.
    if media == BATCH:
        return "batch"
    if media == STRUCTURED:
        return "structured"
    return "binary" if "ce-specversion" in headers else None


def read_event(document: Any, at: str = "#") -> Read:
    """Read one event; `at` points at it within the body."""
    named = document if isinstance(document, dict) else {}
    name, source = (
        value if isinstance(value := named.get(key), str) else None for key in ("id", "source")
    )
    try:
        return Read(name, source, _sent(document, at))
    except InvalidError as error:
        return Read(name, source, problem=refusal(error))
    except ValidationError as error:
        return Read(name, source, problem=invalid(error, f"{at}/data"))


def _sent(document: Any, at: str) -> Sent:
    if not isinstance(document, dict):
        raise InvalidError("an event is an object", field=at)
    if document.get("specversion") != "1.0":
        raise InvalidError('"1.0" is the one that is understood', field=f"{at}/specversion")
    if document.get("type") != TYPE:
        raise InvalidError(f"only {TYPE!r} is taken in here", field=f"{at}/type")
    name, source = document.get("id"), document.get("source")
    if not isinstance(name, str) or not _KEY.fullmatch(name):
        raise InvalidError("1 to 200 printable ASCII characters", field=f"{at}/id")
    if not isinstance(source, str) or not 1 <= len(source) <= SOURCE_MAX:
        raise InvalidError(f"1 to {SOURCE_MAX} characters", field=f"{at}/source")
    if document.get("datacontenttype", JSON) != JSON:
        raise InvalidError(f"{JSON} is the one that is understood", field=f"{at}/datacontenttype")
    data = document.get("data")
    if not isinstance(data, dict):
        raise InvalidError("the touch, as an object", field=f"{at}/data")
    return Sent(_touch(data, document.get("time"), at), source, name)


def _touch(data: dict[str, Any], time: Any, at: str) -> NewTouch:
    touch = NewTouch.model_validate(data)
    if time is None:
        return touch
    if touch.occurred_at is not None:
        raise InvalidError("it is told by `time` already", field=f"{at}/data/occurred_at")
    try:
        happened = _TIME.validate_python(time)
    except ValidationError as error:
        raise InvalidError(error.errors()[0]["msg"], field=f"{at}/time") from None
    return touch.model_copy(update={"occurred_at": happened})


def of_headers(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """Return the event of a request in binary mode.

    Raises:
        InvalidError: naming the header that no event has, or that is not written as the HTTP
            binding says.

    """
    if "ce-datacontenttype" in headers:
        raise InvalidError("Content-Type says it", field="ce-datacontenttype")
    told = {
        name.removeprefix("ce-"): _decoded(name, value)
        for name, value in headers.items()
        if name.startswith("ce-")
    }
    media = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    return {**told, "datacontenttype": media, "data": data}


def _decoded(name: str, value: str) -> str:
    """Undo quotes, then exactly one round of percent-encoding, of UTF-8 that is valid."""
    text = value
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    if _PERCENT.search(text):
        raise InvalidError("% is followed by two hexadecimal digits", field=name)
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise InvalidError("not UTF-8", field=name) from error
