"""Opens what is private, on its owner's machine. Rule: the key that opens it never leaves here."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from sellers.client import ApiError
from sellers.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from sellers.client import Api

KEY_BYTES = 32


def employee_id(employee: str) -> str:
    """Return the part of `employee-7` that addresses are made of."""
    kind, _, name = employee.partition("-")
    if kind != "employee" or not name:
        raise CommandError(f"{employee!r} is no colleague: name one like employee-7")
    return quote(name, safe="")


def make_key(api: Api, employee: str, file: Path) -> str:
    """Make a key, keep it in a new file that only its owner reads, tell its public half.

    Raises:
        CommandError: there is such a file; it may hold the key to what was sealed before.

    """
    who, key = employee_id(employee), PrivateKey.generate()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CommandError(f"{file} is there already; it may be a key that is needed") from error
    with os.fdopen(handle, "wb") as out:
        out.write(b64encode(bytes(key)) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    public = b64encode(bytes(key.public_key)).decode()
    try:
        api.post(f"/calendar/agendas/{who}/register-key", {"public_key": public})
    except ApiError:
        file.unlink()  # Nothing was sealed to it.
        raise
    return public


def read_key(file: Path) -> PrivateKey:
    """Read a key again.

    Raises:
        CommandError: there is none in the file.

    """
    try:
        return PrivateKey(b64decode(file.read_bytes().strip(), validate=True))
    except (ValueError, CryptoError) as error:
        raise CommandError(f"{file} holds no key") from error


def opened(api: Api, employee: str, files: list[Path], **days: str | None) -> list[dict[str, Any]]:
    """Return what stands in one's own calendar, private entries opened by whichever key can."""
    who, keys = employee_id(employee), [read_key(file) for file in files]
    owner = {"x-actor": employee}
    found = api.get(f"/calendar/agendas/{who}", days, headers=owner)
    return [_opened(item, keys) for item in found["items"]]


def _opened(item: dict[str, Any], keys: list[PrivateKey]) -> dict[str, Any]:
    if not item.get("sealed"):
        return item
    for key in keys:
        try:
            words = orjson.loads(SealedBox(key).decrypt(b64decode(item["sealed"])))
        except (CryptoError, ValueError):
            continue
        return {**item, **words, "sealed": None}
    return item
