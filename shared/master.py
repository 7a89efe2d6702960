"""The master key of a deployment, and the ring of people's keys that it wraps.

It comes from the environment or a file; a cloud's KMS is another `Kms` (shared/cipher.py). On one
machine it is made at the first start, in a file that only its owner may read.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import structlog

from shared.cipher import KEY_BYTES, MASTER_KEY_FILE, LocalKms, UnreadableError, made_once
from shared.clock import Clock
from shared.keyring import PLATFORM, KeyRing
from shared.mongo import MongoStore
from shared.seals import Seals
from shared.settings import Settings, SettingsError

# A database of its own, so that it is backed up for itself.
DATABASE = "keys"

log = structlog.get_logger()


def master_keys(settings: Settings) -> list[bytes]:
    """Return the master key that wraps, and the one before it where there was one.

    Raises:
        SettingsError: there is none, or it is no key; the key itself is never told.

    """
    given, file = settings.master_key, settings.master_key_file
    if given is not None and file is not None:
        raise SettingsError("SELLERS_MASTER_KEY and SELLERS_MASTER_KEY_FILE: give one of them")
    if given is not None:
        keys = [_key(given.get_secret_value(), "SELLERS_MASTER_KEY")]
    elif file is not None:
        keys = [_read(file)]
    elif settings.embedded:
        keys = [_read(made_once(settings.data_dir / MASTER_KEY_FILE))]
    else:
        raise SettingsError(
            "SELLERS_MASTER_KEY: needed, to wrap the keys that seal words about people; "
            "`openssl rand -base64 32` makes one"
        )
    if settings.previous_master_key is not None:
        before = settings.previous_master_key.get_secret_value()
        keys.append(_key(before, "SELLERS_PREVIOUS_MASTER_KEY"))
    return keys


def _key(text: str, name: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{name}: not {KEY_BYTES} bytes in base64")
    return key


def _read(file: Path) -> bytes:
    try:
        return _key(file.read_text(encoding="ascii"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error


async def open_keys(settings: Settings, clock: Clock) -> tuple[Seals, MongoStore]:
    """Open the ring of keys; return what seals with them, and the store, which has to be closed.

    Raises:
        SettingsError: this is not the master key that wrapped what is there.

    """
    kms = LocalKms.of(*master_keys(settings))
    store = await MongoStore.open(
        settings.mongo, f"{settings.database_prefix}{DATABASE}", f"{settings.instance}-keys"
    )
    ring = KeyRing(store, kms, clock)
    try:
        await ring.prepare()
        await ring.ciphers([PLATFORM], make=True)
    except UnreadableError as error:
        await store.close()
        raise SettingsError(
            f"SELLERS_MASTER_KEY: not the one that wrapped the keys in {settings.database_prefix}"
            f"{DATABASE} ({error}); nothing that was sealed could be read"
        ) from error
    except BaseException:
        await store.close()
        raise
    return Seals(ring), store


async def rewrap(ring: KeyRing) -> None:
    """Wrap with the present master key what the one before wrapped, and say how many it were."""
    log.info("keys_wrapped_again", keys=await ring.rewrap())
