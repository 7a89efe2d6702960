"""Sends one delivery to one receiver. Rule: to an address that was checked, and never further.

Redirects are not followed, answers are read up to a bound, and all of it ends in time. What comes
back is an `Answer`, whatever happens: what a receiver does is no error of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx2

from services.webhooks.schedule import Answer
from shared.addresses import (
    INSIDE,
    Address,
    AddressRefusedError,
    Network,
    address_of,
    allowed,
)

ANSWER_BYTES_MAX = 64_000
# A name is looked up again after so long; meanwhile the address that was checked is used.
LOOKED_UP_S = 30.0
IDLE_S = 30.0
SAID_MAX = 200
WITHOUT_TLS = "without TLS facts go only into networks named for it"


def parsed(url: str) -> httpx2.URL:
    """Return the address as it is connected to, or raise ValueError."""
    try:
        return httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer may take, how many at once, into which networks of our own."""

    seconds: float
    at_once: int
    networks: Sequence[Network] = ()


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Receiver:
    """One address that is told of facts; nothing of it is shared with another receiver."""

    url: str
    limits: Limits
    # Looking up a name cannot be stopped: threads of its own, so that it delays nobody else.
    threads: Executor
    _client: httpx2.AsyncClient = field(init=False)
    _target: httpx2.URL = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _found: tuple[float, Address] | None = None

    def __post_init__(self) -> None:
        self._target = parsed(self.url)
        self._slots = asyncio.Semaphore(self.limits.at_once)
        self._client = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=self.limits.seconds,
            limits=httpx2.Limits(max_connections=self.limits.at_once, keepalive_expiry=IDLE_S),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Deliver once and say what came of it."""
        async with self._slots:
            began = _now()
            try:
                async with asyncio.timeout(self.limits.seconds):
                    status, retry_after = await self._post(body, headers)
            except TimeoutError:
                return _failed(f"no answer within {self.limits.seconds:g} s", began)
            except AddressRefusedError as error:
                return _failed(str(error), began)
            except (httpx2.HTTPError, OSError, ValueError) as error:
                self._found = None  # It may have moved.
                return _failed(_why(error), began)
            return Answer(status, str(status), _since(began), retry_after)

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str | None]:
        target = self._target
        address = await self._address()
        if target.scheme != "https" and not any(address in one for one in self.limits.networks):
            raise AddressRefusedError(WITHOUT_TLS)
        request = self._client.build_request(
            "POST",
            target.copy_with(host=str(address)),
            content=body,
            headers={**headers, "host": target.netloc.decode("ascii")},
            extensions={"sni_hostname": target.host},
        )
        answer = await self._client.send(request, stream=True)
        try:
            read = 0
            async for part in answer.aiter_raw():
                read += len(part)
                if read > ANSWER_BYTES_MAX:
                    break  # Its status is known; the connection is closed with the rest unread.
            return answer.status_code, answer.headers.get("retry-after")
        finally:
            await answer.aclose()

    async def _address(self) -> Address:
        async with self._looking:
            if self._found is None or _now() - self._found[0] > LOOKED_UP_S:
                target = self._target
                port = target.port or (443 if target.scheme == "https" else 80)
                found = await address_of(target.host, port, self.limits.networks, self.threads)
                self._found = _now(), found
            return self._found[1]


def check_reachable(url: str, networks: Sequence[Network]) -> None:
    """Refuse an address that says by itself that nothing would ever be delivered there.

    A name may lead elsewhere tomorrow: it is looked up when something is delivered.

    Raises:
        AddressRefusedError: saying what would have to be named for it.

    """
    target = parsed(url)
    try:
        named = ip_address(target.host)
    except ValueError:
        named = None
    if named is not None and not allowed(named, networks):
        raise AddressRefusedError(f"{INSIDE}: `allowed_networks` of `webhooks`")
    inside = named is None or any(named in one for one in networks)
    if target.scheme != "https" and not (networks and inside):
        raise AddressRefusedError(f"{WITHOUT_TLS}: `allowed_networks` of `webhooks`")


def _since(began: float) -> int:
    return round((_now() - began) * 1_000)


def _failed(why: str, began: float) -> Answer:
    return Answer(None, why, _since(began))


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:SAID_MAX]
