"""How much one request may ask for, whoever sends it: limits that hold without any key.

Each is refused with a problem that says which it was, before anything of the request is worked on;
keys, and how much each of them may ask for, come after this.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.media import IDENTITY
from shared.web.problems import BODY_BYTES_MAX, problem, problem_response

ADDRESSES_MAX = 10_000
PROBES = frozenset({"/livez", "/readyz", "/metrics"})
# Steps into and out of arrays and objects, as signed bytes.
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_STEPS = bytes(set(range(256)) - set(b"[{]}"))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may have, and how much one address may ask for."""

    body_bytes: int = BODY_BYTES_MAX
    body_depth: int = 64
    body_s: float = 30.0
    headers: int = 100
    header_bytes: int = 32_768
    url_bytes: int = 40_000
    # Until the answer begins; one that has begun may go on for as long as somebody listens.
    answer_s: float = 120.0
    # At work at the same time, of everybody together.
    at_once: int = 1_000
    # In a second, of one address; 0: as many as it likes.
    rate: float = 2_000.0


class Rates:
    """How many requests each address has left: `rate` a second, and as many at once."""

    def __init__(self, rate: float, now: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Take one; return 0, or how long there is none."""
        if self._rate <= 0:
            return 0.0
        now = self._now()
        left, since = self._left.pop(address, (self._rate, now))
        left = min(self._rate, left + (now - since) * self._rate)
        short = max(0.0, 1.0 - left)
        self._left[address] = (left if short else left - 1.0, now)
        if len(self._left) > ADDRESSES_MAX:
            self._left.popitem(last=False)  # Whoever asked longest ago has all of them again.
        return short / self._rate


def depth(body: bytes) -> int:
    """Return how deep a JSON text goes, without reading it: that is what a deep one is made for."""
    # Without what is escaped every quote begins a text or ends one: each second part is outside.
    outside = body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    steps = b"".join(outside).translate(_STEPS, _NO_STEPS)
    return max(accumulate(memoryview(steps).cast("b"), initial=0))


class _Refused(Exception):  # noqa: N818 - it is an answer, which is given at one place.
    def __init__(self, told: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(told["detail"])
        self.told = told
        self.headers = headers or {}


class Limited:
    """Around the routes: lets through what keeps within the limits."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._rates = Rates(limits.rate)
        self._working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._admit(scope)
            taken = await self._body(scope, receive)
        except _Refused as refused:
            # What of the body still comes is not waited for: the next request would begin there.
            headers = refused.headers | {"Connection": "close"}
            await problem_response(refused.told, headers)(scope, receive, send)
            return
        await self._answer(scope, taken, send)

    def _admit(self, scope: Scope) -> None:
        limits, headers = self._limits, scope["headers"]
        url = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if url > limits.url_bytes:
            told = f"an address may have {limits.url_bytes:,} bytes at most"
            raise _Refused(problem(414, "address-too-long", "The address is too long", told))
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > limits.headers or size > limits.header_bytes:
            raise _Refused(too_many_headers(limits.headers, limits.header_bytes))
        if scope["path"] in PROBES:
            return  # Who is busy is alive, and says so.
        client = scope.get("client")
        wait_s = self._rates.wait_s(client[0] if client else "")
        if wait_s:
            told = f"one address may ask {limits.rate:g} times a second"
            often = problem(429, "too-many-requests", "Too many requests", told)
            raise _Refused(often, _after(wait_s))
        if self._working >= limits.at_once:
            told = f"{limits.at_once:,} requests are being worked on already"
            busy = problem(503, "busy", "Not now; send the same request again", told)
            raise _Refused(busy, _after(1.0))

    async def _body(self, scope: Scope, receive: Receive) -> Receive:
        """Take the whole body; return what gives it again."""
        limits = self._limits
        said = _about_body(scope["headers"])
        length = said.get(b"content-length", b"")
        if length.isdigit() and int(length) > limits.body_bytes:
            raise _Refused(_too_large(limits))
        if b"transfer-encoding" not in said and length in (b"", b"0"):
            return receive
        _refuse_coded(said.get(b"content-encoding", b""))
        body = bytearray()
        try:
            async with asyncio.timeout(limits.body_s):
                more = True
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        return _again([message], receive)
                    body += message.get("body", b"")
                    more = message.get("more_body", False)
                    if len(body) > limits.body_bytes:
                        raise _Refused(_too_large(limits))
        except TimeoutError:
            told = f"the body did not come within {limits.body_s:g} s"
            raise _Refused(problem(408, "too-slow", "The request took too long", told)) from None
        whole = bytes(body)
        json = b"json" in said.get(_TYPE, b"").lower()
        # Most open fewer than they might nest, and are not looked at any closer.
        opened = whole.count(b"[") + whole.count(b"{") if json else 0
        if opened > limits.body_depth and depth(whole) > limits.body_depth:
            told = f"what is inside of one another may go {limits.body_depth} levels deep"
            cause = [{"pointer": "#", "detail": told}]
            raise _Refused(problem(422, "too-deep", "Too deep", told, errors=cause))
        return _again([{"type": "http.request", "body": whole, "more_body": False}], receive)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        deadline = asyncio.timeout(self._limits.answer_s)
        self._working += 1

        def begin() -> None:
            nonlocal begun
            if not begun:
                begun = True
                self._working -= 1

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                begin()
                deadline.reschedule(None)
            await send(message)

        try:
            async with deadline:
                await self._app(scope, receive, noted)
        except TimeoutError:
            if begun or not deadline.expired():
                raise
            told = f"there was no answer within {self._limits.answer_s:g} s"
            late = problem(503, "too-slow", "Not now; send the same request again", told)
            await problem_response(late, {"Retry-After": "5"})(scope, receive, send)
        finally:
            begin()


_TYPE = b"content-type"
_ABOUT_BODIES = {_TYPE, b"content-length", b"content-encoding", b"transfer-encoding"}


def _after(wait_s: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, round(wait_s)))}


def _about_body(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return what headers say about the body; those told again are one list (RFC 9110, 5.3).

    No list is a type (RFC 9110, 8.3): two of them would be read as one here, as another there.
    """
    said: dict[bytes, bytes] = {}
    for name, value in headers:
        if name == _TYPE and name in said:
            raise _Refused(_two_types())
        if name in _ABOUT_BODIES:
            said[name] = b", ".join((said[name], value)) if name in said else value
    return said


def _two_types() -> dict[str, Any]:
    told = "a body is of one type; there are several Content-Type"
    cause = [{"pointer": "Content-Type", "detail": told}]
    return problem(400, "bad-request", "Bad Request", told, errors=cause)


def _refuse_coded(codings: bytes) -> None:
    named = codings.decode("latin-1").lower()
    if all(coding.strip() in ("", IDENTITY) for coding in named.split(",")):
        return
    told = f"the body is said to be coded, content-encoding {named.strip()}; it is read as it is"
    coded = problem(415, "unsupported-media-type", "Unsupported Media Type", f"{told} alone")
    raise _Refused(coded, {"Accept-Encoding": IDENTITY})


def too_many_headers(count: int, size: int) -> dict[str, Any]:
    told = f"a request may have {count} headers, of {size:,} bytes together"
    return problem(431, "headers-too-large", "Too much in the headers", told)


def _too_large(limits: Limits) -> dict[str, Any]:
    told = f"a body may have {limits.body_bytes} bytes at most"
    return problem(413, "too-large", "Too large", told)


def _again(messages: Iterable[Message], receive: Receive) -> Receive:
    """Give these first, and then what comes."""
    first = iter(messages)

    async def given() -> Message:
        for message in first:
            return message
        return await receive()

    return given
