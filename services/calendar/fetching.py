"""Fetches a calendar from elsewhere. Rule: from nowhere inside our own network unless told so.

`shared/addresses.py` says how that is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

import httpx2

from shared.addresses import Address, AddressRefusedError, Network, address_of
from shared.errors import InvalidError, TooLargeError

REDIRECTS_MAX = 3
FIELD = "#/url"


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
    """Return an address behind a name, which is where we connect to.

    Raises:
        InvalidError: nothing is fetched from there, or nobody knows where it is.

    """
    port = target.port or (443 if target.scheme == "https" else 80)
    try:
        return await address_of(target.host, port, networks)
    except AddressRefusedError as error:
        raise InvalidError(str(error), field=FIELD) from error


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
