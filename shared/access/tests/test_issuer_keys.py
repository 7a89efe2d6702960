"""An issuer's keys: asked for once, again when they change, and never more often than needed."""

from __future__ import annotations

from typing import Any

import httpx2
import orjson
import pytest

from shared.access.issuer_keys import AGAIN_S, FRESH_S, STALE_S_MAX, IssuerKeys
from shared.access.tests.issuing import EC, ISSUER, JWKS, public
from shared.errors import UnavailableError
from shared.references import is_safe


class Issuer:
    """An issuer that can change its keys, be away, or answer nonsense."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.jwks: Any = JWKS
        self.discovery: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.status = 200
        self.now = 0.0

    def keys(self, jwks_url: str | None = None) -> IssuerKeys:
        transport = httpx2.MockTransport(self._answer)
        return IssuerKeys(ISSUER, jwks_url, transport=transport, now=lambda: self.now)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.path)
        if self.status == 302:
            return httpx2.Response(302, headers={"location": "http://169.254.169.254/"})
        found = self.jwks if request.url.path == "/keys" else self.discovery
        content = found if isinstance(found, bytes) else orjson.dumps(found)
        return httpx2.Response(self.status, content=content)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


async def test_keys_are_discovered_once(issuer: Issuer) -> None:
    keys = issuer.keys()
    assert await keys.key("ec")
    assert await keys.key("rsa")
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_where_its_keys_are_may_be_told(issuer: Issuer) -> None:
    assert await issuer.keys(f"{ISSUER}/keys").key("ec")
    assert issuer.asked == ["/keys"]


async def test_a_new_key_is_found_and_a_taken_one_forgotten(issuer: Issuer) -> None:
    keys = issuer.keys(f"{ISSUER}/keys")
    assert await keys.key("ec")
    issuer.jwks = {"keys": [public(EC, "new")]}
    issuer.now += AGAIN_S
    assert await keys.key("new")
    assert await keys.key("ec") is None


async def test_a_taken_key_is_refused_when_the_keys_are_no_longer_fresh(issuer: Issuer) -> None:
    keys = issuer.keys(f"{ISSUER}/keys")
    assert await keys.key("ec")
    issuer.jwks = {"keys": []}
    issuer.now += FRESH_S + 1
    assert await keys.key("ec") is None


async def test_made_up_keys_do_not_make_us_ask_again_and_again(issuer: Issuer) -> None:
    keys = issuer.keys(f"{ISSUER}/keys")
    for number in range(50):
        assert await keys.key(f"made-up-{number}") is None
    assert issuer.asked == ["/keys"]
    issuer.now += AGAIN_S
    await keys.key("made-up")
    assert issuer.asked == ["/keys", "/keys"]


async def test_an_issuer_that_is_away_is_waited_for_a_day(issuer: Issuer) -> None:
    keys = issuer.keys(f"{ISSUER}/keys")
    assert await keys.key("ec")
    issuer.status = 503
    issuer.now += FRESH_S + 1
    assert await keys.key("ec")
    issuer.now += STALE_S_MAX
    with pytest.raises(UnavailableError):
        await keys.key("ec")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("status", 404),
        ("status", 302),
        ("jwks", b"<html>"),
        ("jwks", []),
        ("jwks", {"keys": "none"}),
        ("jwks", b"[" + b"0," * 150_000 + b"0]"),
        ("discovery", {"issuer": "https://evil.example", "jwks_uri": f"{ISSUER}/keys"}),
        ("discovery", {"issuer": ISSUER}),
        ("discovery", {"issuer": ISSUER, "jwks_uri": "http://169.254.169.254/keys"}),
        ("discovery", {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"}),
    ],
)
async def test_an_issuer_that_answers_nonsense_is_none(
    issuer: Issuer, part: str, value: Any
) -> None:
    setattr(issuer, part, value)
    with pytest.raises(UnavailableError, match="keys of the issuer"):
        await issuer.keys().key("ec")
    assert "/" not in issuer.asked


@pytest.mark.parametrize(
    ("url", "is_it"),
    [
        ("https://issuer.example/realms/x", True),
        ("http://127.0.0.1:8080/issuer", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://issuer.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
        ("https://", False),
        ("http://[", False),
        ("ftp://127.0.0.1", False),
        ("", False),
    ],
)
def test_keys_come_over_tls_or_from_this_machine(url: str, is_it: bool) -> None:
    assert is_safe(url) is is_it
