"""An issuer for tests: its keys, and whatever token it, or somebody who plays it, would sign."""

from __future__ import annotations

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://issuer.example", "sellers"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def public(private: Any, kid: str, **more: Any) -> dict[str, Any]:
    """Return the public half as the issuer shows it."""
    algorithm = RSAAlgorithm if isinstance(private, rsa.RSAPrivateKey) else ECAlgorithm
    told: dict[str, Any] = algorithm.to_jwk(private.public_key(), as_dict=True)
    return {**told, "kid": kid, "use": "sig", **more}


JWKS = {"keys": [public(RSA, "rsa"), public(EC, "ec")]}


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    told = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada@example.com",
        "iat": now,
        "exp": now + 86_400,
        "roles": ["seller"],
        "employee": "7",
        **more,
    }
    return {name: value for name, value in told.items() if value is not None}


def token(
    key: Any = EC, algorithm: str = "ES256", headers: dict[str, Any] | None = None, **more: Any
) -> str:
    """Sign a token; `None` leaves a claim out."""
    given = {"kid": "ec" if algorithm == "ES256" else "rsa", **(headers or {})}
    return jwt.encode(claims(**more), key, algorithm, headers=given)
