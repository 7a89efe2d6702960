"""Seals words with AES-256-GCM, and keys with a master key. The only place that encrypts with one.

The nonce is made of what is sealed (as in RFC 8452, by a keyed hash): nothing random has to be
remembered, a fact that is encoded again is the same fact, and two texts never share a nonce.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import SellersError
from shared.personal import MARK, TOKEN

KEY_BYTES, NONCE_BYTES = 32, 12
# Where one machine keeps its master key, in its data directory.
MASTER_KEY_FILE = "master.key"


class UnreadableError(SellersError):
    """It was not sealed with that key, or was changed since."""


def fresh_key() -> bytes:
    return os.urandom(KEY_BYTES)


def made_once(file: Path) -> Path:
    """Make a file with a fresh master key, for its owner's eyes, unless it is there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        made = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file
    with os.fdopen(made, "wb") as out:
        out.write(base64.b64encode(fresh_key()) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    return file


def fingerprint_of(key: bytes) -> str:
    """Return what tells this key from any other and says nothing about it."""
    return hmac.digest(key, b"sellers fingerprint", "sha256")[:16].hex()


class Cipher:
    """Seals and opens words with one key, which is one person's."""

    __slots__ = ("_aead", "_blinding", "_nonces", "whose")

    def __init__(self, whose: str, key: bytes) -> None:
        self.whose = whose
        # Different work, different keys.
        self._aead = AESGCM(hmac.digest(key, b"sellers seal", "sha256"))
        self._nonces = hmac.digest(key, b"sellers nonce", "sha256")
        self._blinding = hmac.digest(key, b"sellers blind", "sha256")

    def seal(self, field: str, words: str) -> str:
        """Return the words sealed; whose they are and in which field is bound into the seal."""
        head, plain = f"{MARK}{self.whose}:{field}:", words.encode()
        nonce = hmac.digest(self._nonces, head.encode() + plain, "sha256")[:NONCE_BYTES]
        sealed = nonce + self._aead.encrypt(nonce, plain, head.encode())
        return head + base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, token: str) -> str:
        """Return the words.

        Raises:
            UnreadableError: the token is not of this key, or was changed.

        """
        found = TOKEN.fullmatch(token)
        if found is None or found["whose"] != self.whose:
            raise UnreadableError("not sealed with this key")
        head, text = token[: found.start("sealed")], found["sealed"]
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            plain = self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], head.encode())
            return plain.decode()
        except (InvalidTag, ValueError) as error:
            raise UnreadableError("not sealed with this key, or changed since") from error

    def digest(self, text: str) -> str:
        """Return a hash that nobody without the key can make of a guess."""
        return hmac.digest(self._blinding, b"command " + text.encode(), "sha256")[:16].hex()

    def blind(self, word: str) -> str:
        """Return what stands for a word where it is looked up: always the same, never the word."""
        return blake2b(word.encode(), key=self._blinding, digest_size=9).hexdigest()


class Kms(Protocol):
    """Wraps the keys of people with a master key that it alone holds.

    What is kept of a person's key is what this returns: whoever has it and not the master key has
    nothing. `context` is bound into it.
    """

    @property
    def master(self) -> str:
        """The name of the master key that wraps now. What another one wrapped, is wrapped again."""
        ...

    async def wrap(self, key: bytes, context: str) -> bytes: ...

    async def unwrap(self, wrapped: bytes, context: str, master: str) -> bytes:
        """Return the key that this master key wrapped, or raise UnreadableError."""
        ...


@dataclass(frozen=True, slots=True)
class LocalKms:
    """Master keys that this process was given; the first of them wraps, the others still unwrap."""

    masters: Mapping[str, bytes]

    @staticmethod
    def of(*keys: bytes) -> LocalKms:
        return LocalKms({fingerprint_of(key): key for key in keys})

    @property
    def master(self) -> str:
        return next(iter(self.masters))

    async def wrap(self, key: bytes, context: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        aead = AESGCM(self.masters[self.master])
        return nonce + aead.encrypt(nonce, key, f"sellers key of {context}".encode())

    async def unwrap(self, wrapped: bytes, context: str, master: str) -> bytes:
        if master not in self.masters:
            raise UnreadableError(f"the master key {master} is not here")
        aead = AESGCM(self.masters[master])
        bound = f"sellers key of {context}".encode()
        try:
            return aead.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError) as error:
            raise UnreadableError(f"the key of {context} was changed") from error
