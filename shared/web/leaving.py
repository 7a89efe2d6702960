"""A client that goes away in the midst of an answer is no failure of ours.

FastAPI's event streams raise when their listener leaves while an event is on its way to it (their
keep-alive sends into what is closed already): each goodbye would be logged as a bug.
"""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError)


class Leaving:
    """Around the routes: lets go of an answer that has begun and that nobody listens to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ExceptionGroup as errors:
            # Whatever else went wrong on the way is as bad as ever.
            _, others = errors.split(GONE)
            if others is not None or not begun:
                raise
