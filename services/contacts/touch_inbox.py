"""Touches on Kafka: `touches-inbox` takes CloudEvents 1.0, structured or binary (C-14). Pure.

An event is read by the code that reads it from HTTP: the same are refused, in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from services.contacts.defaults import ContactsDefaults
from services.contacts.identities import Blind, entry_named
from services.contacts.touch_events import JSON, STRUCTURED, read_event
from services.contacts.touches import Sent, TouchAheadError, check_happened, touch_fact
from shared.cloudevents import is_id, is_source
from shared.errors import InvalidError
from shared.events import Envelope, UndecodableError
from shared.events.touches import TouchRecorded
from shared.json_text import read
from shared.log import Record
from shared.tracing import TRACEPARENT
from shared.web import refusal

PREFIX = "ce_"
ANY_FORMAT = "application/cloudevents"
CORRELATION_MAX = 200


class RefusedTouchError(UndecodableError):
    """The record tells of no touch, as `problem` says over HTTP."""

    def __init__(self, problem: dict[str, Any]) -> None:
        causes = problem.get("errors", ())
        super().__init__("; ".join(f"{one['pointer']}: {one['detail']}" for one in causes))
        self.problem = problem


def fact_of(record: Record, now: datetime, rules: ContactsDefaults) -> Envelope:
    """Return the fact that a record of the inbox makes.

    Raises:
        RefusedTouchError: naming every field that is wrong, and the cause.

    """
    try:
        event = event_of(record)
    except InvalidError as error:
        raise RefusedTouchError(refusal(error)) from error
    read = read_event(event)
    if read.sent is None:
        raise RefusedTouchError(read.problem or {})
    try:
        check_happened(read.sent, now, rules)
    except TouchAheadError as error:
        raise RefusedTouchError(refusal(error)) from error
    return touch_fact(
        read.sent,
        now=now,
        # Who was allowed to write to the topic is what the broker knows; the source is who says so.
        actor=read.sent.publisher,
        correlation_id=_correlation(event, read.sent),
        traceparent=_traceparent(record),
    )


def _correlation(event: dict[str, Any], sent: Sent) -> str:
    told = event.get("correlationid")
    if isinstance(told, str) and 1 <= len(told) <= CORRELATION_MAX:
        return told
    return sent.publisher_id


def _traceparent(record: Record) -> str | None:
    """Return the trace that the publisher's client sent it in, if that is one."""
    told = next((value for name, value in record.headers if name == "traceparent"), b"")
    given = (told or b"").decode("ascii", "replace")
    return given if TRACEPARENT.fullmatch(given) else None


def event_of(record: Record) -> Any:
    """Return the event as one document, in whichever mode it was sent.

    Raises:
        InvalidError: naming the header, or the value as `#`.

    """
    headers = _headers(record.headers)
    media = headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media == STRUCTURED:
        return _json(record.value)
    if media.startswith(ANY_FORMAT):
        raise InvalidError(
            f"{STRUCTURED} is the one format, one event a record", field="content-type"
        )
    if "ce_datacontenttype" in headers:
        raise InvalidError("content-type says it", field="ce_datacontenttype")
    told = {
        name.removeprefix(PREFIX): value
        for name, value in headers.items()
        if name.startswith(PREFIX)
    }
    return {**told, "datacontenttype": media, "data": _json(record.value)}


def named_in(record: Record) -> tuple[str | None, str | None]:
    """Return the id and the source of an event as far as they can be read, whatever else cannot."""
    try:
        event = event_of(record)
    except InvalidError:
        told = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        event = {key: told.get(f"{PREFIX}{key}") for key in ("id", "source")}
        with suppress(orjson.JSONDecodeError):
            # What is refused for something else may say its name all the same.
            event = event if any(event.values()) else orjson.loads(record.value or b"")
    document = event if isinstance(event, dict) else {}
    name, source = document.get("id"), document.get("source")
    return (name if is_id(name) else None), (source if is_source(source) else None)


def _headers(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    told: dict[str, str] = {}
    for name, value in headers:
        key = "content-type" if name.lower() == "content-type" else name
        if key != "content-type" and not key.startswith(PREFIX):
            continue
        if key in told:
            raise InvalidError("told twice", field=key)
        try:
            told[key] = (value or b"").decode()
        except UnicodeDecodeError as error:
            raise InvalidError("not UTF-8", field=key) from error
    return told


def _json(value: bytes | None) -> Any:
    if value is None:
        raise InvalidError("the record has no value", field="#")
    return read(value)


def named_blind(fact: Envelope, blind: Blind) -> Envelope:
    """Return the fact with the entry as whoever has the platform's key names it."""
    touch = fact.data
    if not isinstance(touch, TouchRecorded) or touch.identity is None:
        return fact
    entry = entry_named(touch.identity, blind)
    return replace(fact, data=touch.model_copy(update={"person": entry}))
