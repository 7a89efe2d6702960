"""An operation that was not called, or only refused at the door, is told as not reached."""

from __future__ import annotations

import orjson

from shared.cloudevents import BATCH
from tests.hostile.attack import DESCRIPTION
from tests.hostile.reached import EXCEPTIONS, noted, operations, unreached

DESCRIBED = {"paths": {"/a": {"get": {}, "post": {}}, "/b": {"get": {}}}}


def test_what_answered_at_the_door_alone_was_not_reached() -> None:
    lines = [noted("GET /a", 404), noted("GET /a", 200), noted("GET /b", 401)]
    assert unreached(DESCRIBED, lines) == {"POST /a": [], "GET /b": [401]}
    assert unreached(DESCRIBED, [*lines, noted("POST /a", 422), noted("GET /b", 202)]) == {}


def test_an_operation_is_reached_with_a_body_of_each_type() -> None:
    types = {"requestBody": {"content": {"application/json": {}, "text/csv": {}}}}
    described = {"paths": {"/a": {"post": types}}}
    lines = noted("POST /a", 202, "application/json") + noted("POST /a", 415, "text/csv")
    assert unreached(described, lines.splitlines()) == {"POST /a, text/csv": [415]}
    more = lines + noted("POST /a", 422, "text/csv")
    assert unreached(described, more.splitlines()) == {}
    batches = f"POST /touches, {BATCH}"
    assert batches in set(operations(orjson.loads(DESCRIPTION.read_bytes())))


def test_every_exception_is_an_operation() -> None:
    assert EXCEPTIONS.keys() <= set(operations(orjson.loads(DESCRIPTION.read_bytes())))
