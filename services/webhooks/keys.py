"""The platform's own keys, of which the secrets of webhooks are made."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from services.webhooks.signing import Key
from shared.errors import DomainError
from shared.settings import Settings

FILE = "webhook.key"


class WebhookKeyMissingError(DomainError):
    """The deployment has no key to make secrets of: SELLERS_WEBHOOK_KEYS has to be set."""


def keys_of(settings: Settings) -> Sequence[Key]:
    """Return the keys, the newest first; on one machine a file that is made where it is missing.

    The file may hold several lines, the newest first. Lost with the data, it takes nothing along.
    """
    told = settings.webhook_keys.get_secret_value()
    if not told and settings.embedded:
        told = ",".join(_of_file(settings.data_dir / FILE).split())
    return [Key(one.encode()) for one in told.split(",") if one]


def newest_key(settings: Settings) -> Key:
    """Return the key that new secrets are made of.

    Raises:
        WebhookKeyMissingError: there is none.

    """
    found = keys_of(settings)
    if not found:
        raise WebhookKeyMissingError("set SELLERS_WEBHOOK_KEYS: no secret can be made without")
    return found[0]


def _of_file(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    made = secrets.token_hex(32)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{made}\n")
    return made
