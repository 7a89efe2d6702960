"""Around every request: correlation id, duration, log line, span, and nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import tracing
from shared.errors import UnavailableError
from shared.observability import REQUEST_SECONDS, method_label
from shared.web.problems import HANDLERS

_ID = re.compile(r"[\x21-\x7e]{1,200}")
# Asked every few seconds by machines: a log of them hides what people did.
UNLOGGED = frozenset({"/livez", "/readyz", "/metrics"})
NO_ROUTE = "unknown"

log = structlog.get_logger()


class Edge:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, new_id: Callable[[], str]) -> None:
        self._app = app
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-correlation-id", b"").decode("latin-1")
        correlation = given if _ID.fullmatch(given) else self._new_id()
        scope.setdefault("state", {})["correlation_id"] = correlation
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation_id=correlation)
        answer = _Answer(scope, receive, send, correlation.encode("latin-1"))
        on = tracing.active()
        if on is None:
            await answer.of(self._app)
            return
        given = headers.get(b"traceparent", b"").decode("latin-1")
        with on.request(method_label(scope["method"]), given) as span:
            answer.tell.append(span.answered)
            structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
            await answer.of(self._app)


@dataclass(slots=True)
class _Answer:
    """One request on its way through the app."""

    scope: Scope
    receive: Receive
    send: Send
    correlation: bytes
    tell: list[Callable[[str, int], None]] = field(default_factory=list)
    status: int = 500
    told: bool = False
    begun: bool = False
    began: float = field(default_factory=perf_counter)

    async def of(self, app: ASGIApp) -> None:
        try:
            await app(self.scope, self.receive, self._named)
        except asyncio.CancelledError:
            # The process ends, and this took longer than it waits: whether it is done is unknown.
            if not self.begun:
                error = UnavailableError("this process ends; send it again", retry_after_s=1)
                answer = await HANDLERS[UnavailableError](Request(self.scope), error)
                await answer(self.scope, self.receive, self._named)
            raise
        finally:
            self._end()

    async def _named(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun, self.status = True, message["status"]
            kind = dict(message["headers"]).get(b"content-type", b"")
            message["headers"].append((b"x-correlation-id", self.correlation))
            if kind.startswith(b"text/event-stream"):
                self._end()  # It has been answered: how long somebody listens is no duration.
        await self.send(message)

    def _end(self) -> None:
        if self.told:
            return
        self.told = True
        # A template: what was asked for, and of whom, is in no metric, no span and no line.
        route = getattr(self.scope.get("route"), "path", NO_ROUTE)
        method, seconds = method_label(self.scope["method"]), perf_counter() - self.began
        REQUEST_SECONDS.labels(method, route, str(self.status)).observe(seconds)
        for tell in self.tell:
            tell(route, self.status)
        if route not in UNLOGGED:
            log.info(
                "answered",
                method=method,
                route=route,
                status=self.status,
                duration_ms=round(1000 * seconds, 1),
            )
