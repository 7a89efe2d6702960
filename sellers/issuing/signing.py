"""The key of the development issuer, and the tokens it signs. Its file is as good as a password.

Whoever can read the data directory has the data already: the key beside it gives nothing more away.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from sellers.issuing import PATH
from shared.access.roles import Role
from shared.clock import SystemClock

FILE = "issuer.pem"
AUDIENCE = "sellers"
KID = "development"
HOURS = 12
OWNER_ONLY = 0o600


class NoKeyError(Exception):
    """There is no key to sign with, in one sentence."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may be signed in without a password, on one's own machine."""

    subject: str
    name: str
    roles: tuple[Role, ...]
    employee: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "name": self.name,
            "roles": list(self.roles),
            "employee": self.employee,
        }


# Whoever runs the platform on their own machine: what `sellers report`, `lag`, `import` ask as.
OPERATOR = User("operator", "whoever runs it here", ("executive", "administrator"))
ADMINISTRATOR = User("administrator", "an administrator", ("administrator",))


class DevelopmentKey:
    """Signs tokens, and knows what is signed with it (`shared.access.tokens.Keys`)."""

    def __init__(self, private: ec.EllipticCurvePrivateKey, issuer: str) -> None:
        self._private, self.issuer = private, issuer
        public: dict[str, Any] = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        self.jwk = {**public, "kid": KID, "use": "sig", "alg": "ES256"}

    @staticmethod
    def of(data_dir: Path, url: str, *, make: bool = False) -> DevelopmentKey:
        """Read the key of what serves at `url` from a data directory; `make` it if need be.

        Raises:
            NoKeyError: there is none, or it is no key.

        """
        path = data_dir / FILE
        if make and not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            _write(path, ec.generate_private_key(ec.SECP256R1()))
        try:
            private = load_pem_private_key(path.read_bytes(), None)
        except FileNotFoundError:
            raise NoKeyError(f"{data_dir} signs nobody in; see `sellers up --sign-in`") from None
        except (OSError, ValueError, TypeError) as error:
            raise NoKeyError(f"{path} holds no key: {error}") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise NoKeyError(f"{path} holds another kind of key")
        return DevelopmentKey(private, f"{url.rstrip('/')}{PATH}")

    async def key(self, kid: str) -> jwt.PyJWK | None:
        return jwt.PyJWK(self.jwk, "ES256") if kid == KID else None

    def token(self, user: User) -> str:
        """Sign that somebody signed in."""
        now = int(SystemClock().now().timestamp())
        told: dict[str, Any] = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": user.subject,
            "iat": now,
            "exp": now + HOURS * 3600,
            "name": user.name,
            "roles": list(user.roles),
        }
        if user.employee is not None:
            told["employee"] = user.employee
        return jwt.encode(told, self._private, "ES256", headers={"kid": KID, "typ": "at+jwt"})


def _write(path: Path, private: ec.EllipticCurvePrivateKey) -> None:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    partial.replace(path)
