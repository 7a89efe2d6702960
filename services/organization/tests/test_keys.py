"""Keys of systems: issued and revoked by administrators, told once, recognised by a digest."""

from __future__ import annotations

import pytest
from httpx2 import AsyncClient
from pydantic import ValidationError

from services.organization.keys import (
    IssueKey,
    KeyAlreadyIssuedError,
    KeyUnknownError,
    NewKey,
    RevokeKey,
)
from services.organization.main import domain, router
from shared.access.keys import digest_of
from shared.events.organization import KeyIssued, KeyRevoked
from shared.testing import given, serving

decider = domain.deciders["key"]
DIGEST = digest_of("secret")
ISSUE = IssueKey(name="Mailer", roles=("marketing",), digest=DIGEST)
ISSUED = KeyIssued(name="Mailer", roles=("marketing",), digest=DIGEST)


def test_a_key_is_issued_once() -> None:
    given(decider).when(ISSUE).then(ISSUED)
    given(decider, ISSUED).when(ISSUE).then_refused(KeyAlreadyIssuedError)


def test_a_revoked_key_is_never_issued_again() -> None:
    given(decider, ISSUED, KeyRevoked()).when(ISSUE).then_refused(KeyAlreadyIssuedError)


def test_a_key_is_revoked_once() -> None:
    given(decider, ISSUED).when(RevokeKey(reason="lost")).then(KeyRevoked(reason="lost"))
    given(decider, ISSUED, KeyRevoked()).when(RevokeKey()).then_nothing()


def test_a_key_that_nobody_issued_cannot_be_revoked() -> None:
    given(decider).when(RevokeKey()).then_refused(KeyUnknownError)


@pytest.mark.parametrize("role", ["seller", "leader", "executive", "king"])
def test_a_system_is_no_person(role: str) -> None:
    with pytest.raises(ValidationError, match="roles"):
        NewKey.model_validate({"name": "x", "roles": [role]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"roles": []},
        {"only": []},
        {"only": ["figures.raed"]},
        {"requests_max": 0},
        {"requests_max": "9"},
        {"expires_on": "soon"},
        {"digest": DIGEST},
    ],
)
def test_what_cannot_be_is_refused_with_its_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        NewKey.model_validate({"name": "x", "roles": ["marketing"], **wrong})


async def issue(client: AsyncClient, key: str = "mailer", **more: object) -> str:
    body = {"name": "Mailer", "roles": ["marketing"], **more}
    answer = await client.post(f"/organization/keys/{key}/issue", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told: str = answer.json()["key"]
    return told


async def test_the_secret_is_told_once_and_kept_nowhere() -> None:
    async with serving(domain, router) as client:
        key = await issue(client)
        assert key.startswith("sk_mailer_")
        secret = key.rpartition("_")[2]
        assert len(secret) == 64
        answer = await client.post(
            "/organization/keys/mailer/revoke", json={"reason": "lost"}, headers={"x-actor": "eve"}
        )
        fresh = {"x-at-least": answer.json()["token"]}
        card = (await client.get("/organization/keys/mailer", headers=fresh)).json()
        assert (card["revoked"], card["revoked_by"], card["revoked_because"]) == (
            True,
            "eve",
            "lost",
        )
        listed = (await client.get("/organization/keys?revoked=true")).text
        history = (await client.get("/organization/history/key-mailer")).text
        for told in (str(card), listed, history):
            assert secret not in told
        assert digest_of(secret) in history
        assert digest_of(secret) not in listed


async def test_two_keys_never_have_the_same_secret() -> None:
    async with serving(domain, router) as client:
        one, two = await issue(client, "a"), await issue(client, "b")
        assert one.rpartition("_")[2] != two.rpartition("_")[2]
        answer = await client.post(
            "/organization/keys/a/issue", json={"name": "x", "roles": ["marketing"]}
        )
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("an id is never used again: issue a key of")


async def test_who_may_import_in_bulk_may_not_let_others_in() -> None:
    async with serving(domain, router) as client:
        command = {"id": "1", "stream": "key-a", "type": "issue", "command": ISSUE.model_dump()}
        answer = await client.post("/organization/commands", json={"commands": [command]})
        assert "accepted" not in answer.text, answer.text
        assert (await client.get("/organization/keys/a")).status_code == 404
