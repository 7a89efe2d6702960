"""A copy of a published view, kept equal to the platform's by its server-sent events.

Rule: the copy is whole at any moment. While a new one comes, after a `reset`, the last one stays;
what a broken connection left of it is forgotten, and whoever comes back says how far it was.

    async with Subscriber("http://127.0.0.1:8080", "opportunity_card") as subscriber:
        async for changes in subscriber.changes():
            ...  # subscriber.copy.views is what the platform says now
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple, Self

import httpx2
import orjson

from sellers.client import CONNECT_S, ApiError, refused

# The platform says something every 15 s: a connection that is silent for longer is gone.
SILENCE_S = 45.0
RETRY_S = 1.0
RETRY_S_MAX = 30.0
# A view is a record of at most a megabyte, or a document of at most sixteen that was too large.
EVENT_BYTES_MAX = 32_000_000
AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

View = dict[str, Any]
# Which state of a view: projection version, generation, changes. The greater one is newer.
Rev = tuple[int, ...]


class Change(NamedTuple):
    """What a key says from now on; `view` None: it is gone."""

    key: str
    view: View | None


@dataclass(slots=True)
class Copy:
    """What was heard of one view. Pure: events in, changes out.

    `place` is the id of the last event that counts: with it a later connection, of this process or
    of another one, goes on.
    """

    place: str | None = None
    # Gone views too, by their rev: an event that comes late must not bring them back.
    _held: dict[str, tuple[Rev, View | None]] = field(default_factory=dict)
    # What comes after a `reset`, until it is whole.
    _coming: dict[str, tuple[Rev, View | None]] | None = None

    @property
    def views(self) -> dict[str, View]:
        return {key: view for key, (_, view) in self._held.items() if view is not None}

    @property
    def whole(self) -> bool:
        """Whether it was the platform's at some moment; else nothing was heard to the end yet."""
        return self.place is not None or bool(self._held)

    def take(self, kind: str, told: Any, place: str | None) -> tuple[Change, ...]:
        """Fold one event; return what is different now."""
        changes: tuple[Change, ...] = ()
        if kind == "reset":
            # Who comes back before the new copy is whole must not go on with the old one.
            self._coming, self.place = {}, None
        elif kind == "view":
            changes = self._view(told["key"], _rev(told["rev"]), told["view"])
        elif kind == "ready":
            changes = self._ready()
        if place and self._coming is None:
            self.place = place
        return changes

    def _view(self, key: str, rev: Rev, view: View | None) -> tuple[Change, ...]:
        into = self._held if self._coming is None else self._coming
        before = into.get(key)
        if before is not None and rev < before[0]:
            return ()
        into[key] = rev, view
        same = view == (before[1] if before else None)
        return () if self._coming is not None or same else (Change(key, view),)

    def _ready(self) -> tuple[Change, ...]:
        if self._coming is None:
            return ()
        old = self.views
        self._held, self._coming = self._coming, None
        new = self.views
        gone = [Change(key, None) for key in old if key not in new]
        return (*gone, *(Change(k, view) for k, view in new.items() if old.get(k) != view))

    def dump(self) -> bytes:
        """Return what a later process needs to go on from here; `load` reads it."""
        held = {key: [list(rev), view] for key, (rev, view) in self._held.items()}
        return orjson.dumps({"place": self.place, "held": held})

    @staticmethod
    def load(dumped: bytes) -> Copy:
        kept = orjson.loads(dumped)
        held = {key: (tuple(rev), view) for key, (rev, view) in kept["held"].items()}
        return Copy(kept["place"], held)


class Subscriber:
    """One subscription to one published view of one platform; it comes back until it is closed."""

    def __init__(
        self,
        url: str,
        view: str,
        *,
        copy: Copy | None = None,
        waiting: Callable[[str], None] | None = None,
        retry_s: float | None = None,
        retry_s_max: float = RETRY_S_MAX,
    ) -> None:
        """`copy`: go on with it. `waiting` is told why it has to come back, each time.

        `retry_s`: the first pause before it does, instead of what the platform asks for.

        Raises:
            ApiError: the address is none.

        """
        self.copy = copy or Copy()
        self._url = _address(url, view)
        self._waiting = waiting
        self._asked_s = retry_s
        self._retry_s = RETRY_S if retry_s is None else retry_s
        self._retry_s_max = retry_s_max
        # Pauses of a crowd that lost its platform together must not end together.
        self._random = random.Random()  # noqa: S311 - no secret
        self._http = httpx2.AsyncClient(
            timeout=httpx2.Timeout(SILENCE_S, connect=CONNECT_S),
            verify=_trusted(),
            trust_env=False,  # the platform is here or in our own network, behind no proxy
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def changes(self) -> AsyncGenerator[tuple[Change, ...], None]:
        """Yield what changes in the copy, for ever; () says that it is whole, as it was.

        Raises:
            ApiError: it was refused, which no second attempt would change: no such view, say.

        """
        failures = 0
        while True:
            reason = "the connection has ended"
            try:
                async with aclosing(self._connected()) as events:
                    async for kind, changes in events:
                        failures = 0
                        if changes or kind == "ready":
                            yield changes
            except httpx2.HTTPError as error:
                reason = str(error) or type(error).__name__
            except ApiError as error:
                if not _passing(error):
                    raise
                reason = str(error)
            failures += 1
            if self._waiting is not None:
                self._waiting(reason)
            await asyncio.sleep(self._pause_s(failures))

    def _pause_s(self, failures: int) -> float:
        longest = min(self._retry_s * 2.0 ** min(failures - 1, 16), self._retry_s_max)
        return longest * self._random.uniform(0.5, 1.0)

    async def _connected(self) -> AsyncGenerator[tuple[str, tuple[Change, ...]], None]:
        """Yield the kind of each event, and what it changed, of one connection."""
        headers = {"accept": "text/event-stream"}
        if self.copy.place is not None:
            headers["last-event-id"] = self.copy.place
        async with self._http.stream("GET", self._url, headers=headers) as answer:
            await self._check(answer)
            events: AsyncIterator[httpx2.ServerSentEvent] = aiter(
                httpx2.EventSource(answer, EVENT_BYTES_MAX)
            )
            async for event in events:
                if event.retry is not None and self._asked_s is None:
                    self._retry_s = event.retry / 1_000
                yield event.event, self._take(event)

    async def _check(self, answer: httpx2.Response) -> None:
        if answer.is_error:
            await answer.aread()
            raise refused(answer)
        kind = answer.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            raise self._stranger(f"it answers with {kind or 'nothing'}, and no events")

    def _take(self, event: httpx2.ServerSentEvent) -> tuple[Change, ...]:
        try:
            told = orjson.loads(event.data or "null")
            return self.copy.take(event.event, told, event.id or None)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise self._stranger(f"an event of it cannot be read: {error!r}") from error

    def _stranger(self, why: str) -> ApiError:
        # A status, so that nobody waits for another answer.
        return ApiError(f"{self._url} is not this platform: {why}", status=HTTPStatus.OK)


@cache
def _trusted() -> ssl.SSLContext:
    """Read the machine's certificates once, however many subscriptions there are."""
    return ssl.create_default_context()


def _address(url: str, view: str) -> str:
    try:
        address = httpx2.URL(f"{url.rstrip('/')}/views/{view}/changes")
    except (httpx2.InvalidURL, ValueError) as error:
        raise ApiError(f"{url!r} is no address: {error}") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise ApiError(f"{url!r} is no address: http://HOST:PORT, please")
    return str(address)


def _passing(error: ApiError) -> bool:
    return error.status in AGAIN or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _rev(text: str) -> Rev:
    return tuple(int(part) for part in text.split("."))
