"""The HTTP API as the command line sees it. Rule: whatever goes wrong is one ApiError, in one line.

A request that may be sent again (they all may: reads, and commands with ids of their own) is,
while the platform is away or asks to wait, for as long as the caller has patience.
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import httpx2
import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TIMEOUT_S = 60.0
CONNECT_S = 5.0
CONNECTIONS_MAX = 16
# Shorter than the server's 5 s: a connection is not used in the moment in which it is closed.
IDLE_S = 3.0
AGAIN_AFTER_S = 0.5
AGAIN_AFTER_S_MAX = 5.0
OK, UNAVAILABLE = 200, 503


class ApiError(Exception):
    """A request that was refused or not answered; `status` is 0 where nobody answered."""

    def __init__(
        self, message: str, *, status: int = 0, problem: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = dict(problem or {})


class Answer(dict[str, Any]):
    """An answer's JSON. A part that it lacks means that somebody else answers at this address."""

    def __init__(self, url: str, parts: Mapping[str, Any]) -> None:
        super().__init__(parts)
        self._url = url

    def __missing__(self, name: str) -> Any:
        raise ApiError(f"{self._url} is not this platform: it answers without {name!r}")


class Api:
    """One platform, at one address. Threads may share it."""

    def __init__(
        self,
        url: str,
        *,
        patience_s: float = 0.0,
        actor: str = "cli",
        waiting: Callable[[str], None] | None = None,
        token: str | None = None,
    ) -> None:
        """`waiting` is told, once an outage, why a request has to be sent again.

        With a `token` one is whom it proves, and no `actor` is said.
        """
        self.url = url.rstrip("/")
        self._token = token
        self._patience_s = patience_s
        self._waiting = waiting
        self._away = threading.Event()
        self._closed = threading.Event()
        try:
            self._http = httpx2.Client(
                base_url=self.url,
                headers=self._named(actor),
                timeout=httpx2.Timeout(TIMEOUT_S, connect=CONNECT_S),
                limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, keepalive_expiry=IDLE_S),
                trust_env=False,  # the platform is here or in our own network, behind no proxy
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise ApiError(f"{url!r} is no address: {error}") from error

    def _named(self, actor: str) -> dict[str, str]:
        token = self._token
        return {"x-actor": actor} if token is None else {"authorization": f"Bearer {token}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is still being tried, in whichever thread."""
        self._closed.set()
        self._http.close()

    def get(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the answer's JSON.

        Raises:
            ApiError: it was refused, or nobody answers.

        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return self._send("GET", path, params=given, headers=headers)

    def post(self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """Send JSON, return the answer's JSON. It may arrive twice: give it an id.

        Raises:
            ApiError: it was refused, or nobody answers.

        """
        try:
            content = None if body is None else orjson.dumps(body)
        except orjson.JSONEncodeError as error:
            raise ApiError(f"this cannot be sent: {error}", status=OK) from error
        told = {"content-type": "application/json", **(headers or {})}
        return self._send("POST", path, content=content, headers=told)

    def send(self, path: str, content: bytes, kind: str) -> Any:
        """Send a file as it is, return the answer's JSON. It may arrive twice.

        Raises:
            ApiError: it was refused, or nobody answers.

        """
        return self._send("POST", path, content=content, headers={"content-type": kind})

    def lines(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield the objects of a stream of JSON lines as they come.

        Raises:
            ApiError: it was refused, nobody answers, or it broke off.

        """
        try:
            with self._http.stream("GET", path, timeout=httpx2.Timeout(None)) as answer:
                if answer.is_error:
                    answer.read()
                    raise refused(answer)
                for line in answer.iter_lines():
                    if line.strip():
                        yield self._read(line)
        except (httpx2.HTTPError, orjson.JSONDecodeError) as error:
            raise self._unanswered(error) from error

    def _send(self, method: str, path: str, **request: Any) -> Any:
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                answer = self._once(method, path, **request)
            except ApiError as error:
                if error.status not in (0, UNAVAILABLE) or time.monotonic() >= deadline:
                    raise
                wait_s = float(error.problem.get("retry_after_s", AGAIN_AFTER_S))
                if self._waiting is not None and not self._away.is_set():
                    self._waiting(str(error))
                self._away.set()
                if self._closed.wait(min(wait_s, AGAIN_AFTER_S_MAX)):
                    raise
            else:
                self._away.clear()
                return answer

    def _once(self, method: str, path: str, **request: Any) -> Any:
        said = request.get("headers")
        if self._token is not None and said is not None:
            request["headers"] = {n: v for n, v in said.items() if n.lower() != "x-actor"}
        try:
            answer = self._http.request(method, path, **request)
            if answer.is_error:
                raise refused(answer)
            return self._read(answer.content)
        except (httpx2.HTTPError, httpx2.InvalidURL, orjson.JSONDecodeError) as error:
            raise self._unanswered(error) from error

    def _read(self, text: str | bytes) -> Answer:
        document = orjson.loads(text)
        if not isinstance(document, dict):
            # A status, so that nobody waits for another answer.
            raise ApiError(f"{self.url} is not this platform: it answers with no object", status=OK)
        return Answer(self.url, document)

    def _unanswered(self, error: Exception) -> ApiError:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return ApiError(f"nothing answers at {self.url}; start it with `sellers up`")
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
            # A status, so that nobody waits for another answer.
            return ApiError(f"{self.url!r} is no address: http://HOST:PORT, please", status=OK)
        if isinstance(error, orjson.JSONDecodeError):
            return ApiError(f"{self.url} is not this platform: it does not answer with JSON")
        return ApiError(f"{self.url} broke off: {str(error) or type(error).__name__}")


def refused(answer: httpx2.Response) -> ApiError:
    """Return the problem that an answer tells, as one line."""
    try:
        problem = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    if (after := answer.headers.get("retry-after", "")).isdigit():
        problem["retry_after_s"] = int(after)
    what = problem.get("detail") or problem.get("title") or answer.reason_phrase
    if what == HTTPStatus.NOT_FOUND.phrase:
        what = f"{answer.url} is no address of this platform"
    for named in problem.get("errors", ()):
        # A refusal names its field apart from the sentence.
        if str(named.get("pointer", "")) not in str(what):
            what = f"{named['pointer']}: {what}"
    missing = problem.get("missing")
    if isinstance(missing, dict):
        what = "; ".join(f"{name}: {why}" for name, why in missing.items())
    return ApiError(
        " ".join(f"{what} ({answer.status_code})".split()),
        status=answer.status_code,
        problem=problem,
    )
