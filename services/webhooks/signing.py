"""Signatures as Standard Webhooks 1.0 says. Pure.

A secret is kept nowhere: it is made of the platform's own key, the webhook, and the version of its
stream at which it was made. So it is the same for whoever asks the same command again, and who
reads the log or the store has none.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from shared.clock import derived_id

PREFIX = "whsec_"
NAME_CHARS = 16
# What is signed parts its parts by dots, so an id has none.
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key of the platform. Its name may be told: it says nothing of the key."""

    secret: bytes

    @property
    def name(self) -> str:
        return sha256(b"webhook key\n" + self.secret).hexdigest()[:NAME_CHARS]

    def secret_of(self, webhook: str, version: int) -> bytes:
        """Return the 32 bytes that only we and one receiver know."""
        told = f"webhook secret\n{webhook}\n{version}".encode()
        return hmac.digest(self.secret, told, "sha256")


def shown(secret: bytes) -> str:
    """Return a secret as receivers are given it."""
    return PREFIX + base64.b64encode(secret).decode()


def signature(secrets: Iterable[bytes], name: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature for each secret that is valid."""
    content = f"{name}.{timestamp}.".encode() + body
    signed = (hmac.digest(secret, content, "sha256") for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signed)


def name_of(source: str, fact: str) -> str:
    """Return the value of `webhook-id`: the fact's own id, wherever a header can hold it."""
    return fact if _ID.fullmatch(fact) else derived_id("webhook", source, fact)


def headers(secrets: Sequence[bytes], name: str, timestamp: int, body: bytes) -> dict[str, str]:
    return {
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secrets, name, timestamp, body),
    }
