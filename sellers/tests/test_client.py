from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sellers.client import Api, ApiError

Answer = tuple[int, dict[str, str], bytes]


class Scripted(ThreadingHTTPServer):
    """Answers one request after the other with what was put there."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def will(self, status: int, body: Any = None, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, headers, raw))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.command, self.path, body))
        status, headers, raw = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(raw))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = _answer  # noqa: N815 - the standard library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.02,))
        thread.start()
        yield scripted
        scripted.shutdown()
        thread.join()


def test_json_goes_there_and_back(server: Scripted) -> None:
    server.will(200, {"a": "가"})
    server.will(202, {"ok": True})
    with Api(server.url + "/") as api:
        assert api.get("/x", {"by": "stage", "none": None}) == {"a": "가"}
        assert api.post("/y", {"b": 1}) == {"ok": True}
    assert server.asked == [("GET", "/x?by=stage", b""), ("POST", "/y", b'{"b":1}')]


def test_a_problem_is_one_line_that_names_the_field(server: Scripted) -> None:
    server.will(
        422,
        {
            "title": "The rule does not allow this",
            "detail": "a won opportunity\nhas a value",
            "errors": [{"pointer": "#/value", "detail": "missing"}],
        },
    )
    with Api(server.url) as api, pytest.raises(ApiError) as caught:
        api.post("/x", {})
    assert str(caught.value) == "#/value: a won opportunity has a value (422)"
    assert caught.value.status == 422
    assert len(server.asked) == 1, "a refusal is not sent again"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"null"])
def test_an_error_that_is_no_problem_is_one_line_too(server: Scripted, body: bytes) -> None:
    server.will(500, body)
    with Api(server.url) as api, pytest.raises(ApiError) as caught:
        api.get("/x")
    assert str(caught.value) == "Internal Server Error (500)"


def test_not_now_is_tried_again_as_long_as_there_is_patience(server: Scripted) -> None:
    said: list[str] = []
    for _ in range(2):
        server.will(503, {"detail": "catching up"}, Retry_After="0")
    server.will(200, {"ok": True})
    with Api(server.url, patience_s=20, waiting=said.append) as api:
        assert api.post("/x", {"id": 1}) == {"ok": True}
    assert [asked[2] for asked in server.asked] == [b'{"id":1}'] * 3
    assert said == ["catching up (503)"], "once an outage"


def test_without_patience_not_now_is_an_answer(server: Scripted) -> None:
    server.will(503, {"missing": {"node": "starting"}})
    with Api(server.url) as api, pytest.raises(ApiError) as caught:
        api.get("/readyz")
    assert str(caught.value) == "node: starting (503)"


def test_patience_ends() -> None:
    with Api("http://127.0.0.1:1", patience_s=0.6) as api:
        began = time.monotonic()
        with pytest.raises(ApiError, match=r"nothing answers at http://127\.0\.0\.1:1;"):
            api.get("/x")
        assert 0.5 < time.monotonic() - began < 10


def test_closing_ends_the_waiting_of_other_threads() -> None:
    waits = threading.Event()
    api = Api("http://127.0.0.1:1", patience_s=600, waiting=lambda _: waits.set())
    caught: list[ApiError] = []

    def ask() -> None:
        try:
            api.get("/x")
        except ApiError as error:
            caught.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    assert waits.wait(10)
    api.close()
    thread.join(10)
    assert len(caught) == 1


def test_who_does_not_speak_our_language_is_named(server: Scripted) -> None:
    server.will(200, b"<html>")
    with Api(server.url) as api, pytest.raises(ApiError, match="is not this platform"):
        api.get("/x")


def test_a_connection_that_breaks_off_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(10)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Api(url) as api, pytest.raises(ApiError, match=f"{url} broke off"):
            api.get("/x")
        thread.join()


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x", "http://[", "http://x:99999"])
def test_what_is_no_address_is_an_api_error(url: str) -> None:
    with pytest.raises(ApiError), Api(url) as api:
        api.get("/x")
