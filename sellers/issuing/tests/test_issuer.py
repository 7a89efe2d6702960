"""The development issuer: a code once and for whom it was given, and nobody from elsewhere."""

from __future__ import annotations

import base64
import re
import stat
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from sellers.issuing.api import CODE_S, Codes, issuer_router
from sellers.issuing.signing import (
    ADMINISTRATOR,
    AUDIENCE,
    FILE,
    DevelopmentKey,
    NoKeyError,
    User,
)
from shared.access.principal import UnauthenticatedError
from shared.access.tokens import Tokens
from shared.settings import Settings, SettingsError, load
from shared.web import build_app

URL = "http://127.0.0.1:8080"
ADA = User("employee-7", "Ada <b>", ("seller",), "employee-7")
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BACK = "http://127.0.0.1:5555/"
ASKED = {
    "response_type": "code",
    "client_id": "sellers",
    "redirect_uri": BACK,
    "state": "of-mine",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def users() -> Sequence[User]:
    return [ADA, ADMINISTRATOR]


async def _ready() -> dict[str, str]:
    return {}


@pytest.fixture
def key(tmp_path: Path) -> DevelopmentKey:
    return DevelopmentKey.of(tmp_path, URL, make=True)


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def app(key: DevelopmentKey, now: list[float]) -> FastAPI:
    router = issuer_router(key, users, Codes(now=lambda: now[0]))
    return build_app("issuer", {}, [router], new_id=lambda: "id", ready=_ready)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(app), base_url=URL) as found:
        yield found


async def code(client: AsyncClient) -> str:
    answer = await client.post("/sign-in", data={**ASKED, "user": "employee-7"})
    assert answer.status_code == 303
    where = urlsplit(answer.headers["location"])
    assert f"{where.scheme}://{where.netloc}/" == BACK
    told = parse_qs(where.query)
    assert told["state"] == ["of-mine"]
    return told["code"][0]


async def exchange(client: AsyncClient, given: str, **more: str) -> Response:
    form = {
        "grant_type": "authorization_code",
        "code": given,
        "code_verifier": VERIFIER,
        "redirect_uri": BACK,
        **more,
    }
    return await client.post("/sign-in/token", data=form)


async def test_a_code_becomes_a_token_that_lets_one_in(
    client: AsyncClient, key: DevelopmentKey
) -> None:
    answer = await exchange(client, await code(client))
    assert answer.headers["cache-control"] == "no-store"
    found = await Tokens(key.issuer, AUDIENCE, key).principal(answer.json()["access_token"])
    assert (found.actor, found.roles) == ("employee-7", ("seller",))


async def test_a_code_counts_once_and_not_for_long(client: AsyncClient, now: list[float]) -> None:
    given = await code(client)
    assert (await exchange(client, given)).status_code == 200
    assert (await exchange(client, given)).json() == {"error": "invalid_grant"}
    late = await code(client)
    now[0] += CODE_S
    assert (await exchange(client, late)).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "w" * 50},
        {"code_verifier": CHALLENGE},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:6666/"},
        {"code": "guessed"},
        {"grant_type": "password"},
    ],
)
async def test_a_code_is_for_the_program_that_asked(
    client: AsyncClient, wrong: dict[str, str]
) -> None:
    given = await code(client)
    answer = await exchange(client, given, **wrong)
    assert answer.status_code == 400
    if "grant_type" not in wrong and "code" not in wrong:
        # Whoever tried it spoiled it.
        assert (await exchange(client, given)).status_code == 400


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/"}, "redirect_uri"),
        ({"redirect_uri": "http://127.0.0.1@evil.example/"}, "redirect_uri"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"redirect_uri": "http://["}, "redirect_uri"),
        ({"response_type": "token"}, "response_type"),
        ({"code_challenge_method": "plain"}, "code_challenge"),
        ({"code_challenge": ""}, "code_challenge"),
    ],
)
async def test_nobody_is_sent_elsewhere_or_without_pkce(
    client: AsyncClient, wrong: dict[str, str], field: str
) -> None:
    for answer in (
        await client.get("/sign-in", params={**ASKED, **wrong}),
        await client.post("/sign-in", data={**ASKED, **wrong, "user": "employee-7"}),
    ):
        assert answer.status_code == 422
        assert field in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[", "", "10.0.0.1"])
async def test_a_name_that_was_bound_to_this_machine_is_not_served(
    client: AsyncClient, host: str
) -> None:
    for path in ("/sign-in", "/sign-in/users", "/sign-in/keys"):
        answer = await client.get(path, headers={"host": host})
        assert answer.status_code == 403, path


async def test_the_page_shows_words_as_words_and_runs_nothing(client: AsyncClient) -> None:
    page = await client.get("/sign-in", params={**ASKED, "state": '"><script>'})
    assert "<script>" not in page.text
    assert "Ada &lt;b&gt;" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_who_asks_for_no_program_is_shown_the_token(
    client: AsyncClient, key: DevelopmentKey
) -> None:
    page = await client.post("/sign-in", data={"user": "administrator"})
    token = re.search(r"<textarea readonly>([^<]+)</textarea>", page.text)
    assert token is not None
    found = await Tokens(key.issuer, AUDIENCE, key).principal(token[1])
    assert (found.actor, found.employee) == ("user-administrator", None)
    assert (await client.post("/sign-in", data={"user": "employee-8"})).status_code == 422


async def test_it_describes_itself_as_issuers_do(client: AsyncClient, key: DevelopmentKey) -> None:
    told = (await client.get("/sign-in/.well-known/openid-configuration")).json()
    assert told["issuer"] == key.issuer == f"{URL}/sign-in"
    assert told["code_challenge_methods_supported"] == ["S256"]
    shown = (await client.get(urlsplit(told["jwks_uri"]).path)).json()["keys"]
    assert "d" not in shown[0]
    read = jwt.PyJWK(shown[0])
    assert jwt.decode(key.token(ADA), read.key, ["ES256"], audience=AUDIENCE)["sub"] == ADA.subject


async def test_the_key_stays_the_same_and_is_nobody_else_s(
    tmp_path: Path, key: DevelopmentKey
) -> None:
    again = DevelopmentKey.of(tmp_path, URL)
    assert await Tokens(key.issuer, AUDIENCE, key).principal(again.token(ADA))
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    other = DevelopmentKey.of(tmp_path / "other", URL, make=True)
    with pytest.raises(UnauthenticatedError):
        await Tokens(key.issuer, AUDIENCE, key).principal(other.token(ADA))


@pytest.mark.parametrize("content", [None, b"", b"no key"])
def test_a_directory_without_a_key_signs_nobody_in(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(NoKeyError):
        DevelopmentKey.of(tmp_path, URL)


@pytest.mark.parametrize(
    "where",
    [
        {"engine": "kafka"},
        {"engine": "embedded", "host": "0.0.0.0"},  # noqa: S104 - what must not be
        {"engine": "embedded", "host": "10.0.0.1"},
    ],
)
def test_it_never_serves_others_than_this_machine(where: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="OIDC_ISSUER"):
        load(access="required", **where)


def test_an_issuer_makes_everybody_prove_who_they_are() -> None:
    assert Settings(oidc_issuer="https://issuer.example").signs_in
    assert not Settings().signs_in
    with pytest.raises(SettingsError, match="contradict"):
        load(oidc_issuer="https://issuer.example", access="open")
    assert Settings(access="required", engine="embedded").signs_in
    with pytest.raises(SettingsError, match="OIDC_ISSUER"):
        load(oidc_issuer="http://issuer.example")
