"""What a browser is told with every answer: take it for what it is, frame it nowhere, keep it not.

Rule: an answer that shows a page says itself what the page may load; every other may load nothing.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": NOTHING,
}
# Nearly all that is answered is about somebody. What has an ETag may be kept by the reader alone,
# who asks each time whether it still holds; the rest by nobody.
CACHE_CONTROL = b"cache-control"
KEPT_BY_NOBODY, KEPT_BY_READER = b"no-store", b"private, no-cache"


def page_policy(*more: str, styles: str = "'unsafe-inline'") -> str:
    """Return the policy of a page of ours; what it needs besides styles is told as directives."""
    said = ("default-src 'none'", f"style-src {styles}", *more)
    return "; ".join((*said, "base-uri 'none'", "frame-ancestors 'none'"))


class Sheltered:
    """The layer around everything, also around what answers for a bug."""

    def __init__(self, app: ASGIApp, hsts_s: int = 0) -> None:
        self._app = app
        told = dict(ALWAYS)
        if hsts_s:
            told["strict-transport-security"] = f"max-age={hsts_s}"
        self._told = [(name.encode(), value.encode()) for name, value in told.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sheltered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                headers += [one for one in self._told if one[0] not in said]
                message["headers"] = _kept(headers)
            await send(message)

        await self._app(scope, receive, sheltered)


def _kept(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Say who may keep the answer, unless it says so itself."""
    said = {name.lower(): value for name, value in headers}
    # What the framework says of event streams: they may be kept, and asked about. They may not.
    if said.get(CACHE_CONTROL, b"no-cache") != b"no-cache":
        return headers
    others = [one for one in headers if one[0].lower() != CACHE_CONTROL]
    return [*others, (CACHE_CONTROL, KEPT_BY_READER if b"etag" in said else KEPT_BY_NOBODY)]
