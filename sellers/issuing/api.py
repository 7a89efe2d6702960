"""The development issuer over HTTP: discovery, keys, and authorization code with PKCE (RFC 7636).

Only a browser or a program of this very machine is answered: the address it asked for has to be
one of this machine (no other page can rebind a name to it), and so has the one it is sent back to.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from sellers.issuing import PATH, pages
from sellers.issuing.signing import HOURS, DevelopmentKey, User
from shared.access.rules import PUBLIC, Rules, rules
from shared.errors import InvalidError
from shared.references import LOOPBACK
from shared.web.router import LenientRoute, Router

CODE_S = 60.0
CODES_MAX = 1_000
FORM_BYTES_MAX = 20_000
# What a client says when it wants a code, and whether it has to.
ASKED = ("response_type", "client_id", "redirect_uri", "state", "nonce", "scope")
PKCE = ("code_challenge", "code_challenge_method")

RULES: Rules = rules(
    PUBLIC,
    f"GET {PATH}",
    f"POST {PATH}",
    f"GET {PATH}/users",
    f"GET {PATH}/keys",
    f"POST {PATH}/token",
    f"GET {PATH}/.well-known/openid-configuration",
)


@dataclass(frozen=True, slots=True)
class _Code:
    user: User
    challenge: str
    redirect_uri: str
    until: float


@dataclass(slots=True)
class Codes:
    """Codes that were given and not yet exchanged: each counts once, and not for long."""

    now: Callable[[], float] = time.monotonic
    _held: dict[str, _Code] = field(default_factory=dict)

    def give(self, user: User, challenge: str, redirect_uri: str) -> str:
        now = self.now()
        self._held = {code: held for code, held in self._held.items() if held.until > now}
        if len(self._held) >= CODES_MAX:
            self._held.pop(next(iter(self._held)))
        code = secrets.token_urlsafe(32)
        self._held[code] = _Code(user, challenge, redirect_uri, now + CODE_S)
        return code

    def take(self, code: str, verifier: str, redirect_uri: str) -> User | None:
        """Return who signed in; whatever is wrong, the code does not count again."""
        held = self._held.pop(code, None)
        if held is None or held.until <= self.now() or held.redirect_uri != redirect_uri:
            return None
        digest = sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return held.user if hmac.compare_digest(challenge, held.challenge) else None


async def _here(request: Request) -> None:
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        host = None
    if host not in LOOPBACK:
        raise HTTPException(403, "the development issuer serves this machine alone")


Users = Callable[[], Awaitable[Sequence[User]]]


def issuer_router(key: DevelopmentKey, users: Users, codes: Codes | None = None) -> Router:
    """Return the routes of the issuer."""
    router = Router(
        prefix=PATH,
        include_in_schema=False,
        dependencies=[Depends(_here)],
        route_class=LenientRoute,
    )
    _describe(router, key, users)
    _serve(router, key, users, codes or Codes())
    return router


def _describe(router: Router, key: DevelopmentKey, users: Users) -> None:
    @router.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return {
            "issuer": key.issuer,
            "authorization_endpoint": key.issuer,
            "token_endpoint": f"{key.issuer}/token",
            "jwks_uri": f"{key.issuer}/keys",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }

    @router.get("/keys")
    async def keys() -> dict[str, Any]:
        return {"keys": [key.jwk]}

    @router.get("/users")
    async def sample() -> dict[str, Any]:
        return {"users": [user.document() for user in await users()]}


def _serve(router: Router, key: DevelopmentKey, users: Users, codes: Codes) -> None:
    @router.get("")
    async def choose(request: Request) -> Response:
        return pages.choice(await users(), _asked(dict(request.query_params)))

    @router.post("")
    async def sign_in(form: Annotated[dict[str, str], Depends(_form)]) -> Response:
        asked = _asked(form)
        user = next((one for one in await users() if one.subject == form.get("user")), None)
        if user is None:
            raise InvalidError("nobody of that name can be signed in", field="#/user")
        if not asked:
            return pages.shown(user, key.token(user))
        code = codes.give(user, asked["code_challenge"], asked["redirect_uri"])
        back = {"code": code, "iss": key.issuer}
        back |= {"state": asked["state"]} if "state" in asked else {}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 303, pages.HEADERS)

    @router.post("/token")
    async def exchange(form: Annotated[dict[str, str], Depends(_form)]) -> Response:
        headers = {"Cache-Control": "no-store"}
        if form.get("grant_type") != "authorization_code":
            return JSONResponse({"error": "unsupported_grant_type"}, 400, headers)
        code, verifier, back = (
            form.get(name, "") for name in ("code", "code_verifier", "redirect_uri")
        )
        user = codes.take(code, verifier, back)
        if user is None:
            return JSONResponse({"error": "invalid_grant"}, 400, headers)
        told = {"access_token": key.token(user), "token_type": "Bearer", "expires_in": HOURS * 3600}
        return JSONResponse(told, headers=headers)


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    if len(body) > FORM_BYTES_MAX:
        raise InvalidError("a form of a few fields", field="#")
    pairs = parse_qsl(body.decode("latin-1"), max_num_fields=50)
    return dict(pairs)


def _asked(given: dict[str, str]) -> dict[str, str]:
    """Return what a client asks for; nothing: somebody wants a token for themselves.

    Raises:
        InvalidError: naming what a client has to say otherwise.

    """
    asked = {name: given[name] for name in (*ASKED, *PKCE) if name in given}
    if not asked:
        return asked
    try:
        back = urlsplit(asked.get("redirect_uri", ""))
    except ValueError as error:
        raise InvalidError("no address", field="query/redirect_uri") from error
    if back.scheme != "http" or back.hostname not in LOOPBACK or back.fragment or back.query:
        raise InvalidError("http, to a program on this machine", field="query/redirect_uri")
    if asked.get("response_type") != "code":
        raise InvalidError("`code`", field="query/response_type")
    if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
        raise InvalidError("PKCE with S256", field="query/code_challenge")
    return asked
