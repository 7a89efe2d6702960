"""Writes docs/api: what HTTP answers (OpenAPI 3.1) and what the log carries (AsyncAPI 3).

`python -m sellers.contracts` (`make apis`). The code is the source; a test fails while they differ.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI

from sellers.node import MODULES, Node, create_app
from sellers.promised import (
    ANSWERS,
    TOUCH_EVENT,
    answered_schema,
    published_views,
    view_schema,
)
from services.contacts.touch_answers import SOURCE, TYPE
from services.contacts.touch_events import event_schema
from services.contacts.touches import NewTouch
from shared.access import platform
from shared.events import CONTENT_TYPE, REGISTRY, Event, encode
from shared.projection import Projection
from shared.published import Rev, headers_of
from shared.released import examples_of, schema_of
from shared.settings import Settings
from shared.topics import Topic, declared_topics
from shared.web import build_app

FOLDER = Path(__file__).parent.parent / "docs" / "api"
MERGED, LOG = "openapi.json", "asyncapi.json"
ASYNCAPI = "3.0.0"


def documents() -> dict[str, dict[str, Any]]:
    """Return every document by its file's name: one a service, all of them merged, the log."""
    services = {
        f"openapi-{module.domain.name}.json": _described(module).openapi() for module in MODULES
    }
    return {MERGED: create_app(Node(Settings())).openapi(), **services, LOG: asyncapi()}


def _described(module: Any) -> FastAPI:
    title = f"Sellers: {module.domain.name}"
    app = build_app(title, {}, [module.router], new_id=str, ready=_ready)
    app.rules = {**platform.RULES, **module.RULES}
    return app


async def _ready() -> dict[str, str]:
    return {}


def asyncapi() -> dict[str, Any]:
    """Return what the log carries: a channel a topic, a message a kind of fact or a view."""
    topics = declared_topics()
    views = published_views()
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Envelope": envelope()}
    carried: dict[str, list[str]] = {}
    for event in REGISTRY.values():
        messages[event.wire] = _message(event)
        schemas[event.wire] = _local(schema_of(event), event.wire)
        carried.setdefault(event.topic, []).append(event.wire)
    for name, projection in views.items():
        messages[name] = _view_message(name, projection)
        schemas[name] = _local(view_schema(projection), name)
        carried[name] = [name]
    for topic in topics:
        if topic.cleanup == "expire":
            messages[topic.name] = _sent_message(topic) if topic.is_inbox else _answer(topic)
            carried[topic.name] = [topic.name]
    schemas["NewTouch"] = _local(NewTouch.model_json_schema(), "NewTouch")
    schemas["TouchAnswered"] = _local(answered_schema(), "TouchAnswered")
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Sellers: the log",
            "version": "1",
            "description": "Every fact, as CloudEvents 1.0, on the topic that its name begins "
            "with, and the published views, compacted; what others send, and what they are told.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic, carried[topic.name]) for topic in topics},
        "operations": dict(_operation(topic) for topic in topics),
        "components": {"messages": messages, "schemas": schemas},
    }


def _operation(topic: Topic) -> tuple[str, dict[str, Any]]:
    channel = {"$ref": f"#/channels/{_pointer(topic.name)}"}
    if topic.is_inbox:
        summary = f"Written by whoever has touches to tell; read by {', '.join(topic.consumers)}."
        return f"receive.{topic.name}", {
            "action": "receive",
            "channel": channel,
            "summary": summary,
        }
    summary = f"Written by {', '.join(topic.producers)}."
    return f"publish.{topic.name}", {"action": "send", "channel": channel, "summary": summary}


def _sent_message(topic: Topic) -> dict[str, Any]:
    """What publishers send: a CloudEvent whose data is a touch as `POST /touches` takes it."""
    payload = event_schema("#/components/schemas/NewTouch")
    return {
        "name": topic.name,
        "title": topic.name,
        "summary": payload["description"],
        "description": "Or in binary mode: the attributes as headers `ce_...`, the data alone as "
        "the value, its media type as `content-type`.",
        "contentType": CONTENT_TYPE,
        "payload": payload,
        "examples": [{"name": "usual", "payload": TOUCH_EVENT}],
    }


def _answer(topic: Topic) -> dict[str, Any]:
    """What publishers are told of a record that they have to act on."""
    text = {"type": "string", "minLength": 1}
    example = {
        "specversion": "1.0",
        "id": "5c1e7c1c-4c8f-5d0c-9a51-6f0d5d6b6f1e",
        "source": SOURCE,
        "type": TYPE,
        "subject": "touches-inbox/2/17",
        "time": "2026-03-02T09:00:01.000000Z",
        "datacontenttype": "application/json",
    }
    return {
        "name": topic.name,
        "title": topic.name,
        "summary": "What became of a record of the inbox that its publisher has to act on.",
        "description": "Nothing is answered of a touch that is recorded and has no remark. The "
        "same answer may come twice, with the same `id`.",
        "contentType": CONTENT_TYPE,
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}}},
        "payload": {
            "type": "object",
            "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
            "properties": {
                "specversion": {"const": "1.0"},
                "id": text,
                "source": {"const": SOURCE},
                "type": {"const": TYPE},
                "subject": {**text, "description": "the place of the record in the inbox"},
                "time": {"type": "string", "format": "date-time"},
                "datacontenttype": {"const": "application/json"},
                "data": {"$ref": "#/components/schemas/TouchAnswered"},
            },
        },
        "examples": [
            {"name": data["status"], "payload": example | {"data": data}} for data in ANSWERS
        ],
    }


def envelope() -> dict[str, Any]:
    """Return the schema of what is around the data of every fact: CloudEvents 1.0, and our own."""
    text = {"type": "string", "minLength": 1}
    instant = {"type": "string", "format": "date-time"}
    own = {
        "recordedat": {**instant, "description": "when we learnt of it"},
        "streamversion": {"type": "integer", "minimum": 1, "description": "place in its stream"},
        "actor": {**text, "description": "who recorded it"},
        "correlationid": {**text, "description": "the chain of facts that it belongs to"},
    }
    return {
        "type": "object",
        "required": [
            *("specversion", "id", "source", "type", "subject", "time", "data"),
            *own,
        ],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": text,
            "type": text,
            "subject": {**text, "description": "the stream, and the key of the record"},
            "time": {**instant, "description": "when it happened"},
            "data": {"type": "object"},
            **own,
        },
    }


def _message(event: type[Event]) -> dict[str, Any]:
    summary, _, more = (inspect.getdoc(event) or "").partition("\n")
    told: dict[str, Any] = {
        "name": event.wire,
        "title": event.wire,
        "summary": summary,
        "contentType": CONTENT_TYPE,
        "bindings": {"kafka": {"key": {"type": "string", "description": "its stream"}}},
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": event.wire},
                        "data": {"$ref": f"#/components/schemas/{_pointer(event.wire)}"},
                    },
                },
            ]
        },
        "examples": [
            {"name": name, "payload": orjson.loads(encode(fact))}
            for name, fact in sorted(examples_of(event).items())
        ],
    }
    return told | ({"description": more.strip()} if more.strip() else {})


def _view_message(name: str, projection: Projection[Any]) -> dict[str, Any]:
    headers = headers_of(projection, "key", Rev(1, 1, 1))
    return {
        "name": name,
        "title": name,
        "summary": "The newest document of its key; no payload: it is gone.",
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "properties": {header: {"type": "string"} for header, _ in headers},
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": "the view's key"}}},
        "payload": {"$ref": f"#/components/schemas/{_pointer(name)}"},
    }


def _channel(topic: Topic, carried: list[str]) -> dict[str, Any]:
    policy = "compact" if topic.cleanup == "compact" else "delete"
    kept_s = topic.spec.kept_s
    kept = {} if topic.cleanup == "compact" else {"retention.ms": kept_s * 1000 if kept_s else -1}
    return {
        "address": topic.name,
        "description": f"Key: {topic.key}. Read by {', '.join(topic.consumers) or 'whoever asks'}.",
        "messages": {wire: {"$ref": f"#/components/messages/{_pointer(wire)}"} for wire in carried},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": [policy], **kept},
            }
        },
    }


def _local(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a schema whose references begin where it stands in the document."""
    text = orjson.dumps({key: value for key, value in schema.items() if key != "$schema"})
    here = f"#/components/schemas/{_pointer(name)}/$defs/"
    found: dict[str, Any] = orjson.loads(text.replace(b"#/$defs/", here.encode()))
    found.pop("$id", None)
    return found


def _pointer(name: str) -> str:
    """RFC 6901."""
    return name.replace("~", "~0").replace("/", "~1")


def written(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, document in documents().items():
        path, text = FOLDER / name, written(document)
        if not path.exists() or path.read_bytes() != text:
            path.write_bytes(text)
            sys.stdout.write(f"written: {path.relative_to(FOLDER.parent.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
