"""Signatures, verified as receivers verify them: with the library of Standard Webhooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.webhooks.signing import Key, headers, name_of, shown, signature

BODY = '{"type":"contacts.person_registered.v1","data":{"name":"김민준"}}'.encode()
KEY = Key(b"k" * 32)


@pytest.fixture
def now() -> datetime:
    """Return when the test runs: it may be long after its module was read, and receivers look."""
    return datetime.now(UTC)


def test_a_receiver_verifies_what_was_signed_for_it(now: datetime) -> None:
    secret = KEY.secret_of("webhook-1", 1)
    told = headers([secret], "a-fact", int(now.timestamp()), BODY)
    assert Webhook(shown(secret)).verify(BODY, told)["data"]["name"] == "김민준"
    for changed in (
        {"webhook-id": "another"},
        {"webhook-timestamp": str(int(now.timestamp()) - 1)},
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(shown(secret)).verify(BODY, told | changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(secret)).verify(BODY.replace(b"v1", b"v2"), told)


def test_what_was_signed_long_ago_is_not_taken(now: datetime) -> None:
    secret = KEY.secret_of("webhook-1", 1)
    told = headers([secret], "a", int((now - timedelta(minutes=6)).timestamp()), BODY)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(shown(secret)).verify(BODY, told)


def test_while_a_secret_is_rotated_either_verifies(now: datetime) -> None:
    old, new = KEY.secret_of("webhook-1", 1), KEY.secret_of("webhook-1", 2)
    told = headers([new, old], "a-fact", int(now.timestamp()), BODY)
    for secret in (old, new):
        Webhook(shown(secret)).verify(BODY, told)
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(KEY.secret_of("webhook-1", 3))).verify(BODY, told)


def test_the_library_signs_the_same(now: datetime) -> None:
    secret = KEY.secret_of("webhook-1", 1)
    theirs = Webhook(shown(secret)).sign("a-fact", now, BODY.decode())
    assert theirs == signature([secret], "a-fact", int(now.timestamp()), BODY)


def test_no_two_secrets_are_alike() -> None:
    found = {
        key.secret_of(webhook, version)
        for key in (KEY, Key(b"K" * 32))
        for webhook in ("webhook-1", "webhook-12")
        for version in (1, 2, 21)
    }
    assert len(found) == 12
    assert {len(secret) for secret in found} == {32}
    assert "kkk" not in repr(KEY)


def test_an_id_is_one_that_a_header_holds_and_no_dot_parts() -> None:
    assert name_of("/contacts", "0192f0e4-5b1c-7a4e") == "0192f0e4-5b1c-7a4e"
    odd = [name_of("/log", "contacts/0/7.5"), name_of("/log", "김"), name_of("/x", "김")]
    assert len(set(odd)) == 3
    assert all(name.isascii() and "." not in name for name in odd)
