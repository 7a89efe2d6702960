"""CloudEvents 1.0 over HTTP, as others send them: in which mode, and what headers say. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple, TypeGuard
from urllib.parse import unquote_to_bytes

from shared.errors import InvalidError, TooLargeError
from shared.json_text import read

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"
EVENTS_MAX = 1_000
SOURCE_MAX = 200
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

# What names an event: as much as a header may hold.
ID_PATTERN = r"[\x21-\x7e]{1,200}"
_ID = re.compile(ID_PATTERN)

# Whoever sends one of them means an event, also where another is forgotten: that one is told.
NAMING = ("ce-specversion", "ce-id", "ce-source", "ce-type")

Mode = Literal["batch", "structured", "binary"]


def is_id(value: Any) -> TypeGuard[str]:
    """Whether this may name an event."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_source(value: Any) -> TypeGuard[str]:
    """Whether this may name who tells of events."""
    return _is_told(value) and len(value) <= SOURCE_MAX


def _is_told(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and not value.isspace() and value != ""


class Opened(NamedTuple):
    """What every event says, whatever it tells of."""

    type: str
    id: str
    source: str
    data: dict[str, Any]


def opened(document: Any, types: Collection[str], at: str) -> Opened:
    """Return what an event says that is of one of these types; `at` points at it in the body.

    Raises:
        InvalidError: naming the attribute that is not as it must be.

    """
    if not isinstance(document, dict):
        raise InvalidError("an event is an object", field=at)
    if document.get("specversion") != "1.0":
        raise InvalidError('"1.0" is the one that is understood', field=f"{at}/specversion")
    kind, name, source = (document.get(key) for key in ("type", "id", "source"))
    if not isinstance(kind, str) or kind not in types:
        known = " or ".join(map(repr, types))
        raise InvalidError(f"only {known} is taken in here", field=f"{at}/type")
    if not is_id(name):
        raise InvalidError("1 to 200 printable ASCII characters", field=f"{at}/id")
    if not is_source(source):
        told = f"1 to {SOURCE_MAX} characters, not all of them blank"
        raise InvalidError(told, field=f"{at}/source")
    subject = document.get("subject")
    if subject is not None and not _is_told(subject):
        raise InvalidError("text that is more than blanks, or left out", field=f"{at}/subject")
    if document.get("datacontenttype", JSON) != JSON:
        raise InvalidError(f"{JSON} is the one that is understood", field=f"{at}/datacontenttype")
    data = document.get("data")
    if not isinstance(data, dict):
        raise InvalidError("what happened, as an object", field=f"{at}/data")
    return Opened(kind, name, source, data)


def mode_of(content_type: str, headers: Mapping[str, str]) -> Mode | None:
    """Say in which mode a request brings events; None: it is none of CloudEvents'."""
    media = content_type.partition(";")[0].strip().lower()
    # Both begin alike: the longer one is looked for first.
    if media == BATCH:
        return "batch"
    if media == STRUCTURED:
        return "structured"
    return "binary" if any(name in headers for name in NAMING) else None


def events_of(mode: Mode, headers: Mapping[str, str], content: bytes) -> list[tuple[str, Any]]:
    """Return the events of a request, each with where it is in the body.

    Raises:
        InvalidError: the body or a header is not written as the HTTP binding says.
        TooLargeError: there are more than one request may bring.

    """
    body = read(content)
    if mode != "batch":
        return [("#", body if mode == "structured" else of_headers(headers, body))]
    if not isinstance(body, list):
        raise InvalidError("a batch is an array of events", field="#")
    if len(body) > EVENTS_MAX:
        raise TooLargeError(f"a batch has {EVENTS_MAX} events at most")
    return [(f"#/{place}", one) for place, one in enumerate(body)]


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
