"""Joins the routers of domains to their runtimes, with probes beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from shared.exports import Exports
from shared.runtime import Runtime
from shared.web.described import REFUSALS, Described
from shared.web.edge import Edge
from shared.web.head import Head
from shared.web.leaving import Leaving
from shared.web.limits import Limited, Limits
from shared.web.probes import probes
from shared.web.problems import HANDLERS, no_list
from shared.web.router import Router


def build_app(
    title: str,
    runtimes: dict[str, Runtime],
    routers: Sequence[Router],
    *,
    new_id: Callable[[], str],
    lifespan: Callable[[FastAPI], AsyncIterator[None]] | None = None,
    ready: Callable[[], Awaitable[dict[str, str]]],
    metrics: bool = True,
    limits: Limits | None = None,
) -> Described:
    """Join routers to their runtimes. `ready` names what is not ready yet, with the reason.

    `metrics` says whether they are read here, where everybody can, or on a port of their own.
    """
    wrapped = asynccontextmanager(lifespan) if lifespan is not None else None
    app = Described(
        responses=REFUSALS,
        title=title,
        version="1",
        lifespan=wrapped,
        separate_input_output_schemas=False,
        # The framework's own spans hold paths and queries, which name people: ours are Edge's.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        # The framework's own pages load their files from the internet.
        docs_url=None,
        redoc_url=None,
    )
    app.state.runtimes = runtimes
    app.state.tails = {}
    app.state.feeds = {}
    for handled, answer in HANDLERS.items():
        app.add_exception_handler(handled, answer)
    app.add_middleware(Exports, no_list=no_list)
    app.add_middleware(Head)
    app.add_middleware(Leaving)
    app.add_middleware(Limited, limits=limits or Limits())
    app.add_middleware(Edge, new_id=new_id)
    for router in routers:
        app.include_router(router)
    app.include_router(probes(ready, metrics=metrics))
    return app
