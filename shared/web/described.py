"""What the description of the API says of everything that is refused: RFC 9457, problem+json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from shared.web.problems import PROBLEM

_TOLD = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    422: {
        "description": "Refused as it is; `errors` name the fields and the causes.",
        **_TOLD,
    },
    "default": {"description": "Refused, or not to be answered now.", **_TOLD},
}
SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "the kind of problem, for ever the same"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what was wrong with this request"},
        "correlation_id": {"type": "string", "description": "under which our logs tell of it"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "the field"},
                    "detail": {"type": "string", "description": "the cause"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}


class Described(FastAPI):
    """An app that says in its description how it refuses."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = SCHEMA
        # The framework's own, which no answer of ours has.
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        _leave_out(document.get("paths"), "itemSchema")
        return document


def _leave_out(node: Any, name: str) -> None:
    """Leave out a keyword of OpenAPI 3.2, which the framework writes of event streams."""
    if isinstance(node, dict):
        node.pop(name, None)
        for value in node.values():
            _leave_out(value, name)
