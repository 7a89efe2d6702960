"""Signs in at a platform's issuer: authorization code with PKCE, in the browser of this machine."""

from __future__ import annotations

import base64
import hmac
import secrets
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from sellers.errors import CommandError
from shared.references import is_safe

WAIT_S = 300.0
TIMEOUT_S = 10.0
DISCOVERY = "/.well-known/openid-configuration"
DONE = b"You are signed in. This page can be closed."
REFUSED = b"That was not the answer that was waited for."


@dataclass(slots=True)
class _Answer:
    """What the browser brings back, once."""

    state: str
    code: str | None = None
    error: str | None = None
    asked: list[str] = field(default_factory=list)

    def take(self, path: str) -> bool:
        told = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        # Whatever other page of this machine comes by knows no state of ours.
        if not hmac.compare_digest(told.get("state", ""), self.state):
            return False
        self.code, self.error = told.get("code"), told.get("error_description", told.get("error"))
        return True


def _server(answer: _Answer) -> HTTPServer:
    class Back(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            taken = answer.take(self.path)
            self.send_response(200 if taken else 400)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(DONE if taken else REFUSED)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: the code would stand in it."""

    return HTTPServer(("127.0.0.1", 0), Back)


def sign_in(
    issuer: str,
    client_id: str,
    tell: Callable[[str], None],
    *,
    browser: Callable[[str], bool] = webbrowser.open,
    wait_s: float = WAIT_S,
) -> tuple[str, float]:
    """Return a token and for how many seconds it counts.

    Raises:
        CommandError: nobody signed in, or the issuer gave no token.

    """
    if not is_safe(issuer):
        raise CommandError(f"{issuer}: an issuer has an https address, or one of this machine")
    try:
        with httpx2.Client(timeout=TIMEOUT_S, trust_env=False) as http:
            told = _json(http.get(issuer.rstrip("/") + DISCOVERY), issuer)
            ends = [str(told.get(f"{name}_endpoint", "")) for name in ("authorization", "token")]
            if not all(map(is_safe, ends)):
                raise CommandError(f"{issuer} names no safe address to sign in at")
            return _exchange(http, ends[0], ends[1], client_id, tell, browser, wait_s)
    except httpx2.HTTPError as error:
        raise CommandError(f"{issuer} does not answer: {error}") from error


def _exchange(
    http: httpx2.Client,
    authorize: str,
    token: str,
    client_id: str,
    tell: Callable[[str], None],
    browser: Callable[[str], bool],
    wait_s: float,
) -> tuple[str, float]:
    verifier, answer = secrets.token_urlsafe(48), _Answer(secrets.token_urlsafe(24))
    digest = sha256(verifier.encode()).digest()
    with _server(answer) as server:
        back = f"http://127.0.0.1:{server.server_port}/"
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": back,
            "scope": "openid",
            "state": answer.state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        address = f"{authorize}{'&' if '?' in authorize else '?'}{urlencode(asked)}"
        tell(address)
        browser(address)
        server.timeout = wait_s
        server.handle_timeout = _nobody  # type: ignore[method-assign]
        while answer.code is None and answer.error is None:
            server.handle_request()
    if answer.code is None:
        raise CommandError(f"not signed in: {answer.error}")
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": answer.code,
        "code_verifier": verifier,
        "redirect_uri": back,
    }
    given = _json(http.post(token, data=form), token)
    access, seconds = given.get("access_token"), given.get("expires_in", 300)
    if not isinstance(access, str) or not isinstance(seconds, int | float):
        raise CommandError(f"{token} gave no token")
    return access, float(seconds)


def _nobody() -> None:
    raise CommandError("nobody signed in")


def _json(answer: httpx2.Response, where: str) -> dict[str, object]:
    try:
        told = answer.json()
    except ValueError as error:
        raise CommandError(f"{where} does not answer with JSON") from error
    if answer.is_error or not isinstance(told, dict):
        why = told.get("error", "") if isinstance(told, dict) else ""
        raise CommandError(f"{where} refuses ({answer.status_code}) {why}".rstrip())
    return told
