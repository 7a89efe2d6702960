"""Probes and metrics for a process that answers nothing else, beside what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.settings import Settings
from shared.web.protocol import Protocol
from shared.web.router import LenientRoute, Router

# Names what is wrong, with the reason; nothing: all is well.
Complaints = Callable[[], Awaitable[dict[str, str]]]


async def no_complaint() -> dict[str, str]:
    """Answering shows that the event loop turns."""
    return {}


def probes(ready: Complaints, alive: Complaints = no_complaint, *, metrics: bool = True) -> Router:
    router = Router(tags=["probes"], route_class=LenientRoute)

    @router.get("/livez")
    async def livez() -> Response:
        """The process gets on. An outage elsewhere never fails this."""
        return _answer("stuck", await alive())

    @router.get("/readyz")
    async def readyz() -> Response:
        """Everything serves; 503 names what does not, and why."""
        return _answer("not ready", await ready())

    if not metrics:
        return router

    @router.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _answer(otherwise: str, missing: dict[str, str]) -> Response:
    body = {"status": otherwise, "missing": missing} if missing else {"status": "ok"}
    return JSONResponse(body, 503 if missing else 200)


class _Beside(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_probes(settings: Settings, ready: Complaints, alive: Complaints) -> None:
    """Answer at the port of the settings until cancelled."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(probes(ready, alive, metrics=settings.metrics_port is None))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Protocol,
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    await _Beside(config).serve()
