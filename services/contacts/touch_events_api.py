"""HTTP for touches as CloudEvents 1.0 (C-14): structured, binary and batches, on `POST /touches`.

The route is that of plain JSON; which of them a request is its Content-Type and headers say.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from services.contacts.touch_events import ATTRIBUTES, event_schema, read_event
from services.contacts.touch_outcomes import answered, outcomes
from shared.cloudevents import BATCH, EVENTS_MAX, STRUCTURED, Mode, events_of, mode_of
from shared.tracing import carried
from shared.web import Meta
from shared.web.problems import problem_response
from shared.web.router import Route
from shared.web.runtimes import runtime_of

ACTOR_MAX = 200
_EVENT = event_schema("#/components/schemas/NewTouch")
# What the description says of the bodies and headers that the framework does not read.
AS_EVENTS: dict[str, Any] = {
    "parameters": [
        {
            "name": f"ce-{name}",
            "in": "header",
            "required": False,
            "description": "Binary mode: the touch is the body, its event is told by headers.",
            "schema": _EVENT["properties"][name],
        }
        for name in ATTRIBUTES
    ],
    "requestBody": {
        "content": {
            STRUCTURED: {"schema": _EVENT},
            BATCH: {"schema": {"type": "array", "items": _EVENT, "maxItems": EVENTS_MAX}},
        }
    },
}


class TouchRoute(Route):
    """Takes in CloudEvents where its description says so; everything else is as it says."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        plain = super().get_route_handler()
        if not self._besides:
            return plain

        async def handle(request: Request) -> Response:
            mode = mode_of(request.headers.get("content-type", ""), request.headers)
            if mode is None:
                return await plain(request)
            self.check(request)
            return await _events(request, mode)

        return handle


async def _events(request: Request, mode: Mode) -> Response:
    runtime = await runtime_of("contacts")(request)
    brought = events_of(mode, request.headers, await request.body())
    told = await outcomes(runtime, [read_event(one, at) for at, one in brought], _meta(request))
    if mode == "batch":
        return answered(told)
    (only,) = told
    if "problem" in only:
        return problem_response(only["problem"])
    return answered(only)


def _meta(request: Request) -> Meta:
    """Say who sends events. Of headers about one command none counts: each event names itself."""
    return Meta(
        actor=request.headers.get("x-actor", "")[:ACTOR_MAX] or "anonymous",
        id=None,
        only_at=None,
        correlation_id=request.state.correlation_id,
        traceparent=carried(request.headers.get("traceparent")),
    )
