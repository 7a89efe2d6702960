"""Fetches a calendar from elsewhere. Rule: from nowhere inside our own network unless told so.

Whoever may name an address could otherwise look at what only our servers reach. So a name is looked
up once, every address behind it is checked, and the very address that was checked is connected to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

import httpx2

from services.calendar.defaults import Network
from shared.errors import InvalidError, TooLargeError

REDIRECTS_MAX = 3
FIELD = "#/url"
# Addresses that stand for others, which would not be looked at.
WRAPPED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
Address = IPv4Address | IPv6Address


class Fetched(NamedTuple):
    """What was there, and which version of it; nothing: what we have read in already."""

    content: bytes | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, how long, and from which networks of our own."""

    seconds: float
    size: int
    networks: Sequence[Network] = ()


async def fetch(url: str, etag: str | None, limits: Limits) -> Fetched:
    """Return what an address of http or https holds, if it is not what `etag` says.

    Raises:
        InvalidError: it cannot be had, or must not be. The address itself is not in the message:
            it is a secret, often.
        TooLargeError: it is larger than a calendar may be.

    """
    headers = {"accept": "text/calendar", "accept-encoding": "identity", "user-agent": "sellers"}
    if etag is not None:
        headers["if-none-match"] = etag
    try:
        async with (
            asyncio.timeout(limits.seconds),
            httpx2.AsyncClient(trust_env=False, timeout=limits.seconds) as client,
        ):
            return await _follow(client, url, headers, limits)
    except TimeoutError as error:
        raise InvalidError(f"it took longer than {limits.seconds:g} s", field=FIELD) from error
    except (httpx2.HTTPError, OSError) as error:
        raise InvalidError(f"it cannot be had: {type(error).__name__}", field=FIELD) from error


async def _follow(
    client: httpx2.AsyncClient, url: str, headers: dict[str, str], limits: Limits
) -> Fetched:
    for _ in range(REDIRECTS_MAX + 1):
        target = _parsed(url)
        address = await _address(target, limits.networks)
        told = headers | {"host": target.netloc.decode("ascii")}
        request = client.build_request(
            "GET",
            target.copy_with(host=str(address)),
            headers=told,
            extensions={"sni_hostname": target.host},
        )
        answer = await client.send(request, stream=True)
        try:
            if not answer.is_redirect or "location" not in answer.headers:
                return await _taken(answer, limits.size)
            url = str(target.join(answer.headers["location"]))
        finally:
            await answer.aclose()
    raise InvalidError("it leads from one address to the next", field=FIELD)


def _parsed(url: str) -> httpx2.URL:
    try:
        target = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError) as error:
        raise InvalidError("this is no address", field=FIELD) from error
    if target.scheme in ("webcal", "webcals"):
        target = target.copy_with(scheme="https")
    if target.scheme not in ("http", "https") or not target.host:
        raise InvalidError("an address of http or https", field=FIELD)
    return target


async def _address(target: httpx2.URL, networks: Sequence[Network]) -> Address:
    """Return an address behind a name. All of them have to be allowed: the next time it is another.

    Raises:
        InvalidError: one is not, or there is none.

    """
    port = target.port or (443 if target.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            target.host, port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise InvalidError("nobody knows where that is", field=FIELD) from error
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses or not all(allowed(one, networks) for one in addresses):
        raise InvalidError("it is in a network from which nothing is fetched", field=FIELD)
    return addresses[0]


def allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether something may be fetched from there: it is public, or of a network named for it."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    one = mapped or address
    if any(one in network for network in networks):
        return True
    wrapped = any(one in network for network in WRAPPED)
    return one.is_global and not one.is_multicast and not wrapped


async def _taken(answer: httpx2.Response, most: int) -> Fetched:
    if answer.status_code == HTTPStatus.NOT_MODIFIED:
        return Fetched(None, None)
    if answer.status_code != HTTPStatus.OK:
        raise InvalidError(f"it answers {answer.status_code}", field=FIELD)
    if answer.headers.get("content-encoding", "identity") != "identity":
        # Packed, it could be any size: what we take is what is counted.
        raise InvalidError("it comes packed, though it was asked for as it is", field=FIELD)
    content = bytearray()
    async for part in answer.aiter_raw():
        content += part
        if len(content) > most:
            raise TooLargeError(f"a calendar may have {most} bytes at most", field=FIELD)
    return Fetched(bytes(content), answer.headers.get("etag"))
