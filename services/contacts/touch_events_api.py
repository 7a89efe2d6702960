"""HTTP for touches as CloudEvents 1.0 (C-14): structured, binary and batches, on `POST /touches`.

The route is that of plain JSON; which of them a request is its Content-Type and headers say.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from services.contacts.fatigue import noted
from services.contacts.timelines import timeline
from services.contacts.touch_events import Read, read_event
from services.contacts.touches import Sent, folded, stream_of, take_in
from shared.cloudevents import BATCH, EVENTS_MAX, STRUCTURED, Mode, events_of, mode_of
from shared.errors import CommandReusedError
from shared.observability import TOUCHES
from shared.reading import Token
from shared.runtime import Runtime
from shared.tracing import carried
from shared.web import refusal
from shared.web.problems import problem_response
from shared.web.router import Route
from shared.web.runtimes import runtime_of

ACTOR_MAX = 200
_EVENT = {"type": "object", "required": ["specversion", "id", "source", "type", "data"]}
# What the description says of the bodies that the framework does not read.
AS_EVENTS: dict[str, Any] = {
    "requestBody": {
        "content": {
            STRUCTURED: {"schema": _EVENT},
            BATCH: {"schema": {"type": "array", "items": _EVENT, "maxItems": EVENTS_MAX}},
        }
    }
}


class TouchRoute(Route):
    """Takes in what comes as CloudEvents itself; everything else is as it says."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        plain = super().get_route_handler()

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
    if mode == "batch":
        told = await _taken(request, runtime, [read_event(one, at) for at, one in brought])
        counts = {
            "accepted": sum(one["status"] == "accepted" for one in told),
            "duplicates": sum(one["status"] == "duplicate" for one in told),
            "rejected": sum(one["status"] == "rejected" for one in told),
            "repeated": sum("repeats" in one for one in told),
            "without_consent": sum("no_consent" in one for one in told),
        }
        return JSONResponse({**counts, "events": told}, 202)
    ((at, event),) = brought
    (only,) = await _taken(request, runtime, [read_event(event, at)])
    return problem_response(only["problem"]) if "problem" in only else JSONResponse(only, 202)


async def _taken(request: Request, runtime: Runtime, read: Sequence[Read]) -> list[dict[str, Any]]:
    """Record what can be recorded, and say of each event what became of it."""
    named = [(one, None if one.sent is None else stream_of(one.sent)) for one in read]
    once: dict[str, Sent] = {}
    for one, stream in named:
        if one.sent is not None and stream is not None:
            once.setdefault(stream, one.sent)
    seen = await folded(runtime, timeline, list(once))
    new = [sent for stream, sent in once.items() if stream not in seen]
    actor = request.headers.get("x-actor", "")[:ACTOR_MAX] or "anonymous"
    notes = dict(zip((stream_of(sent) for sent in new), await noted(runtime, new), strict=True))
    await take_in(
        runtime,
        new,
        actor=actor,
        correlation_id=request.state.correlation_id,
        traceparent=carried(request.headers.get("traceparent")),
    )
    told = []
    for one, stream in named:
        told.append(_outcome(one, stream, once, seen))
        if stream is not None:
            if told[-1]["status"] == "accepted" and stream in notes:
                told[-1] |= jsonable_encoder(asdict(notes[stream]), exclude_none=True)
            seen.add(stream)
    TOUCHES.labels("accepted").inc(len(new))
    TOUCHES.labels("refused").inc(sum(one["status"] == "rejected" for one in told))
    return told


def _outcome(
    one: Read, stream: str | None, once: dict[str, Sent], seen: set[str]
) -> dict[str, Any]:
    about = {"id": one.id, "source": one.source}
    if stream is None:
        return {**about, "status": "rejected", "problem": one.problem}
    if one.sent != once[stream]:
        other = CommandReusedError("the id of another event of this batch", field="#/id")
        return {**about, "status": "rejected", "problem": refusal(other)}
    status = "duplicate" if stream in seen else "accepted"
    return {**about, "status": status, "stream": stream, "token": Token(stream, 1).encode()}
