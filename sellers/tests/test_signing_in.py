"""`sellers login` against the development issuer, with a browser that does as a person would."""

from __future__ import annotations

import socket
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
import uvicorn
from fastapi import HTTPException

from sellers.client import Api
from sellers.errors import CommandError
from sellers.issuing import kept
from sellers.issuing.api import issuer_router
from sellers.issuing.signing import ADMINISTRATOR, AUDIENCE, DevelopmentKey, User
from sellers.issuing.tokens import token_of
from sellers.signing_in import sign_in
from shared.access.tokens import Tokens
from shared.web import build_app
from shared.web.router import Router, StreamId

ADA = User("employee-7", "Ada", ("seller",), "employee-7")


async def users() -> Sequence[User]:
    return [ADA, ADMINISTRATOR]


async def _ready() -> dict[str, str]:
    return {}


def colleagues() -> Router:
    """Know one colleague more than those that are offered to sign in as."""
    router = Router()

    @router.get("/organization/employees/{employee}")
    async def card(employee: StreamId) -> dict[str, str]:
        if employee != "9":
            raise HTTPException(404, "nobody knows them")
        return {"name": "Grace"}

    return router


@contextmanager
def serving(data_dir: Path) -> Iterator[DevelopmentKey]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        key = DevelopmentKey.of(
            data_dir, f"http://127.0.0.1:{listener.getsockname()[1]}", make=True
        )
        routers = [issuer_router(key, users), colleagues()]
        app = build_app("issuer", {}, routers, new_id=lambda: "id", ready=_ready)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield key
        finally:
            server.should_exit = True
            thread.join(30)
    assert not thread.is_alive()


class Browser:
    """Chooses a person on the page; first, another page of the machine comes by."""

    def __init__(self, user: str, **changed: str) -> None:
        self.user, self.changed = user, changed
        self.threads: list[threading.Thread] = []
        self.answers: list[int] = []

    def __call__(self, address: str) -> bool:
        self.threads.append(threading.Thread(target=self._go, args=(address,)))
        self.threads[-1].start()
        return True

    def _go(self, address: str) -> None:
        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query))
        with httpx2.Client(trust_env=False, timeout=20) as http:
            stray = http.get(asked["redirect_uri"], params={"code": "forged", "state": "guessed"})
            self.answers.append(stray.status_code)
            form = {**asked, **self.changed, "user": self.user}
            answer = http.post(f"{parts.scheme}://{parts.netloc}{parts.path}", data=form)
            self.answers.append(http.get(answer.headers["location"]).status_code)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(20)


async def test_who_signs_in_is_given_their_token(tmp_path: Path) -> None:
    said: list[str] = []
    with serving(tmp_path) as key:
        browser = Browser("employee-7")
        token, seconds = sign_in(key.issuer, "sellers", said.append, browser=browser, wait_s=20)
        browser.join()
    assert browser.answers == [400, 200]
    assert said[0].startswith(f"{key.issuer}?response_type=code")
    assert seconds > 3_600
    assert (await Tokens(key.issuer, AUDIENCE, key).principal(token)).actor == "employee-7"


def test_a_code_for_another_challenge_is_no_use(tmp_path: Path) -> None:
    with serving(tmp_path) as key:
        browser = Browser("employee-7", code_challenge="x" * 43)
        with pytest.raises(CommandError, match="invalid_grant"):
            sign_in(key.issuer, "sellers", str, browser=browser, wait_s=20)
        browser.join()


def test_nobody_waits_for_ever() -> None:
    with pytest.raises(CommandError, match="does not answer"):
        sign_in("http://127.0.0.1:1/sign-in", "sellers", str)
    with pytest.raises(CommandError, match="https"):
        sign_in("http://issuer.example", "sellers", str)


def test_nobody_who_signs_in_is_told_so(tmp_path: Path) -> None:
    with serving(tmp_path) as key, pytest.raises(CommandError, match="nobody signed in"):
        sign_in(key.issuer, "sellers", str, browser=lambda _: True, wait_s=0.1)


async def test_a_token_of_a_role_or_a_colleague_is_had_without_a_browser(tmp_path: Path) -> None:
    with serving(tmp_path) as key, Api(key.issuer.removesuffix("/sign-in")) as api:
        tokens = Tokens(key.issuer, AUDIENCE, key)
        seller = await tokens.principal(token_of(api, tmp_path, "seller"))
        assert (seller.actor, seller.roles) == ("employee-7", ("seller",))
        leader = await tokens.principal(token_of(api, tmp_path, "leader", "9"))
        assert (leader.actor, leader.roles) == ("employee-9", ("leader",))
        sample = await tokens.principal(token_of(api, tmp_path, employee="employee-7"))
        assert (sample.actor, sample.roles) == ("employee-7", ("seller",))
        for nobody in ("nobody", "no body", "../9"):
            with pytest.raises(CommandError, match=r"is no colleague; .*employee-7 \(Ada\)"):
                token_of(api, tmp_path, employee=nobody)
        for wrong in ("executive", "king"):
            with pytest.raises(CommandError, match=wrong):
                token_of(api, tmp_path, wrong)
        with pytest.raises(CommandError, match="signs nobody in"):
            token_of(api, tmp_path / "elsewhere", "seller")


def test_what_is_kept_is_for_one_platform_and_one_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    kept.keep_token("http://one/", "first", 3_600)
    kept.keep_token("http://two", "second", 3_600)
    kept.keep_token("http://late", "third", 10)
    assert kept.kept_token("http://one") == "first"
    assert kept.kept_token("http://late") is None
    assert kept.kept_token("http://three") is None
    (file,) = tmp_path.rglob("tokens.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert kept.forget_token("http://one")
    assert not kept.forget_token("http://one")
    assert kept.kept_token("http://two") == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(b"[]")
    assert kept.kept_token("http://two") is None
