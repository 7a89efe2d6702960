"""HEAD is answered wherever GET is (RFC 9110, 9.3.2): with the same header, and without a body."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Around the routes, which know GET only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def header_only(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                # At once: who answers without an end is told by that that nobody listens any more.
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, header_only)
        finally:
            scope["route"] = asked.get("route")
