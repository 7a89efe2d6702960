"""What uvicorn answers by itself: who sends what is no HTTP reads a problem, too."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.web.problems import PROBLEM, problem

DETAIL = "this is not HTTP: its first line, a header or its Content-Length cannot be read"


class Protocol(HttpToolsProtocol):
    """HTTP/1.1, whose refusals are problems (RFC 9457)."""

    def send_400_response(self, msg: str) -> None:
        """Answer what no application was asked, and let go of a connection that is out of step."""
        status = HTTPStatus.BAD_REQUEST
        body = orjson.dumps(problem(status, "bad-request", status.phrase, DETAIL))
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}",
            f"content-type: {PROBLEM}",
            f"content-length: {len(body)}",
            "connection: close",
        )
        self.transport.write("\r\n".join((*head, "", "")).encode() + body)
        self.transport.close()
