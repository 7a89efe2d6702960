"""Which domain a route is about. Rule: half a platform answers nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from shared.errors import UnavailableError
from shared.runtime import Runtime


def runtime_of(domain: str) -> Callable[[Request], Awaitable[Runtime]]:
    """Return the dependency that finds a domain's runtime, in whatever process serves it."""

    async def current(request: Request) -> Runtime:
        return (await started_runtimes(request))[domain]

    return current


async def started_runtimes(request: Request) -> dict[str, Runtime]:
    """Return the runtimes of this process.

    Raises:
        UnavailableError: they still start. Half an answer, such as no lag, would be a wrong one.

    """
    runtimes: dict[str, Runtime] = request.app.state.runtimes
    if not runtimes:
        raise UnavailableError("the platform is starting", slug="starting", retry_after_s=1)
    return runtimes


Runtimes = Annotated[dict[str, Runtime], Depends(started_runtimes)]
