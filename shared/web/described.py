"""What the description of the API says of everything that is refused: RFC 9457, problem+json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from shared.access.rules import PUBLIC, Rules
from shared.exact import DECIMAL
from shared.web.problems import PROBLEM
from shared.web.sheltered import Sheltered

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


# What may be answered to whoever writes, whatever it is that they write.
_WHOEVER_WRITES = {
    401: "Nobody who is known: no token, or not a valid one.",
    403: "Not for this role, or under another name than one's own.",
    429: "Too many requests; `Retry-After` says when.",
    503: "Not known whether it was recorded; the same sent again counts once.",
}


def refused(why: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return what a route that records says of how it refuses, besides that it is unfit (422)."""
    told = {**why, **_WHOEVER_WRITES}
    return {status: {"description": said, **_TOLD} for status, said in sorted(told.items())}


# A wall clock's time, which no zone belongs to; `time` would be one with an offset (RFC 3339).
LOCAL_TIME = {
    "format": "time-local",
    "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$",
}


def text_answer(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Return what a route says of its answer that is no JSON."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}


SCHEMES: dict[str, Any] = {
    "person": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "What an OIDC issuer signed for somebody who signed in.",
    },
    "system": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "sk_...",
        "description": "The key that an administrator issued to a system.",
    },
}


class Described(FastAPI):
    """An app that says in its description how it refuses, and whom it serves."""

    # Set by whoever composes the app: what is said of who may do what.
    rules: Rules | None = None
    # For how long browsers keep to https; 0: nothing here knows of TLS.
    hsts_s: int = 0

    def build_middleware_stack(self) -> ASGIApp:
        return Sheltered(super().build_middleware_stack(), self.hsts_s)

    def guard_by(self, guard: Middleware) -> None:
        """Let a layer ask everybody who they are and hold them to the rules of the routes.

        The innermost one: by then a request has its name, and its body a limit.
        """
        self.user_middleware.append(guard)

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        if self.rules is not None:
            _secure(document, self.rules)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = SCHEMA
        # The framework's own, which no answer of ours has.
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        _leave_out(document.get("paths"), "itemSchema")
        _without_null(document.get("paths", {}))
        _told(document)
        return document


def _without_null(paths: dict[str, Any]) -> None:
    """Leave out that a parameter may be null: it is there or it is not."""
    for operations in paths.values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                schema = parameter.get("schema", {})
                said = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
                if len(said) == 1:
                    del schema["anyOf"]
                    schema.update({**said[0], **schema})


def _told(node: Any) -> None:
    """Say what the framework does not say of local times, and of decimals as text."""
    if isinstance(node, dict):
        if node.get("format") == "time":
            node.update(LOCAL_TIME)
        said = [one for one in node.get("anyOf", ()) if isinstance(one, dict)]
        if {"number", "string"} <= {one.get("type") for one in said}:
            for one in said:
                if one.get("type") == "string" and "format" not in one:
                    one["pattern"] = DECIMAL
        for value in node.values():
            _told(value)
    elif isinstance(node, list):
        for value in node:
            _told(value)


def _secure(document: dict[str, Any], rules: Rules) -> None:
    """Say of each operation which permission opens it, to a person or to a system."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes |= SCHEMES
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            rule = rules.get(f"{method.upper()} {path}")
            if rule is not None:
                public = rule.permission == PUBLIC
                roles = [] if public else [rule.permission]
                operation["security"] = [] if public else [{name: roles} for name in SCHEMES]


def _leave_out(node: Any, name: str) -> None:
    """Leave out a keyword of OpenAPI 3.2, which the framework writes of event streams."""
    if isinstance(node, dict):
        node.pop(name, None)
        for value in node.values():
            _leave_out(value, name)
