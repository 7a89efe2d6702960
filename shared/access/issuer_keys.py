"""The keys that an issuer publishes (JWKS), fetched once and again when it has changed them.

Rule: whoever sends tokens cannot make us ask the issuer more often than every half minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
import orjson
import structlog

from shared.access.tokens import usable
from shared.errors import UnavailableError
from shared.references import is_safe

FRESH_S = 600.0  # A key that an issuer took back is refused after that.
STALE_S_MAX = 24 * 3600.0  # As long as an issuer may be away before nobody is let in.
AGAIN_S = 30.0
TIMEOUT_S = 5.0
DOCUMENT_BYTES_MAX = 200_000
KEYS_MAX = 100
DISCOVERY = "/.well-known/openid-configuration"

log = structlog.get_logger()


class IssuerError(Exception):
    """What an issuer answers cannot be used."""


class IssuerKeys:
    """One issuer's keys, by discovery or at an address that is told."""

    def __init__(
        self,
        issuer: str,
        jwks_url: str | None = None,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer, self._jwks_url = issuer, jwks_url
        self._transport, self._now = transport, now
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = -float("inf")
        self._fetching = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """Return a key; one that is not known may be new, and so the issuer is asked again.

        Raises:
            UnavailableError: there are no keys, or none that are new enough.

        """
        if kid not in self._keys or self._now() - self._fetched_at > FRESH_S:
            async with self._fetching:
                await self._refresh(kid)
        if self._now() - self._fetched_at > STALE_S_MAX:
            raise UnavailableError(
                "the keys of the issuer cannot be had",
                slug="issuer-away",
                retry_after_s=int(AGAIN_S),
            )
        return self._keys.get(kid)

    async def _refresh(self, kid: str) -> None:
        now = self._now()
        known = kid in self._keys and now - self._fetched_at <= FRESH_S
        if known or now - self._tried_at < AGAIN_S:
            return
        self._tried_at = now
        try:
            self._keys = await self._fetch()
        except (httpx2.HTTPError, httpx2.InvalidURL, IssuerError) as error:
            log.warning("issuer_keys_not_fetched", issuer=self._issuer, error=str(error))
        else:
            self._fetched_at = now

    async def _fetch(self) -> dict[str, jwt.PyJWK]:
        # It follows nobody elsewhere, and trusts no proxy of the environment.
        async with httpx2.AsyncClient(
            transport=self._transport, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False
        ) as client:
            url = self._jwks_url or await self._discovered(client)
            if not is_safe(url):
                raise IssuerError(f"keys come over https alone, not from {url}")
            document = await _get(client, url)
        listed = document.get("keys")
        if not isinstance(listed, list):
            raise IssuerError(f"{url} has no keys")
        found = [usable(one) for one in listed[:KEYS_MAX] if isinstance(one, dict)]
        return {str(key.key_id): key for key in found if key is not None}

    async def _discovered(self, client: httpx2.AsyncClient) -> str:
        told = await _get(client, self._issuer.rstrip("/") + DISCOVERY)
        if told.get("issuer") != self._issuer:
            raise IssuerError(f"it calls itself {told.get('issuer')!r}, not {self._issuer!r}")
        return str(told.get("jwks_uri", ""))


async def _get(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    async with client.stream("GET", url, headers={"accept": "application/json"}) as answer:
        if answer.status_code != httpx2.codes.OK:
            raise IssuerError(f"{url} answers {answer.status_code}")
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > DOCUMENT_BYTES_MAX:
                raise IssuerError(f"{url} answers more than {DOCUMENT_BYTES_MAX} bytes")
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise IssuerError(f"{url} does not answer with JSON") from error
    if not isinstance(told, dict):
        raise IssuerError(f"{url} does not answer with an object")
    return told
