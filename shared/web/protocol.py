"""What uvicorn answers by itself: who sends what is no HTTP reads a problem, too.

And what no application is asked about: a head that never ends, or that comes byte by byte.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.web.limits import Limits, too_many_headers
from shared.web.problems import PROBLEM, problem
from shared.web.sheltered import ALWAYS

DETAIL = "this is not HTTP: its first line, a header or its Content-Length cannot be read"


class Protocol(HttpToolsProtocol):
    """HTTP/1.1, whose refusals are problems (RFC 9457), and which waits for nobody for ever."""

    # A first line and all headers have to be there after so many seconds.
    head_s: ClassVar[float] = 10.0
    limits: ClassVar[Limits] = Limits()
    _head: TimerHandle | None = None
    _size = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # Empty lines before a request are none, and would keep a connection open for ever.
        working = getattr(self.cycle, "response_complete", True) is False
        if self._head is None and not working:
            self._await_head()
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._size = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > 2 * self.limits.url_bytes:
            title, told = "The address is too long", "it does not end"
            self._refuse(problem(414, "address-too-long", title, told))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        # Twice as many as the application admits: what it refuses it refuses in its own words.
        self._size += len(name) + len(value)
        most, size = self.limits.headers, self.limits.header_bytes
        if len(self.headers) > 2 * most or self._size > 2 * size:
            self._refuse(too_many_headers(most, size))

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what no application was asked, and let go of a connection that is out of step."""
        if not self.transport.is_closing():
            status = HTTPStatus.BAD_REQUEST
            self._refuse(problem(status, "bad-request", status.phrase, DETAIL))

    def _await_head(self) -> None:
        self._head = self.loop.call_later(self.head_s, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _too_slow(self) -> None:
        self._head = None
        told = f"the headers did not come within {self.head_s:g} s"
        self._refuse(problem(408, "too-slow", "The request took too long", told))

    def _refuse(self, told: dict[str, Any]) -> None:
        status = HTTPStatus(told["status"])
        body = orjson.dumps(told)
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"content-type: {PROBLEM}",
            f"content-length: {len(body)}",
            *(f"{name}: {value}" for name, value in ALWAYS.items()),
            "cache-control: no-store",
            "connection: close",
        )
        if not self.transport.is_closing():
            self.transport.write("\r\n".join((*head, "", "")).encode() + body)
            self.transport.close()
