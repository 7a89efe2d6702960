"""Which tokens let somebody in, and all those that must not."""

from __future__ import annotations

import base64
import time
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shared.access.principal import UnauthenticatedError
from shared.access.tests.issuing import AUDIENCE, EC, ISSUER, JWKS, RSA, claims, public, token
from shared.access.tokens import Claims, Tokens, usable

OTHER_EC = ec.generate_private_key(ec.SECP256R1())


class Shown:
    """The keys that the issuer shows."""

    def __init__(self, jwks: dict[str, Any] = JWKS) -> None:
        found = [usable(one) for one in jwks["keys"]]
        self._keys = {key.key_id: key for key in found if key is not None}

    async def key(self, kid: str) -> jwt.PyJWK | None:
        return self._keys.get(kid)


def tokens(**how: Any) -> Tokens:
    return Tokens(ISSUER, AUDIENCE, Shown(), Claims(**how))


@pytest.mark.parametrize(("key", "algorithm"), [(EC, "ES256"), (RSA, "RS256")])
async def test_what_the_issuer_signed_says_who_somebody_is(key: Any, algorithm: str) -> None:
    found = await tokens().principal(token(key, algorithm, roles=["leader", "seller", "dancer"]))
    assert (found.actor, found.employee) == ("employee-7", "employee-7")
    assert found.roles == ("seller", "leader")
    assert found.expires_at is not None
    assert found.expires_at > time.time()


async def test_groups_of_an_issuer_are_roles_of_ours() -> None:
    how = tokens(roles="realm_access.roles", employee="staff_id", called={"sales-reps": "seller"})
    groups = {"roles": ["sales-reps", "leader"]}
    found = await how.principal(token(realm_access=groups, staff_id="employee-ada"))
    assert (found.roles, found.employee) == (("seller",), "employee-ada")


async def test_a_subject_that_looks_like_a_colleague_is_none() -> None:
    found = await tokens().principal(token(sub="employee-9", employee=None))
    assert (found.actor, found.employee) == ("user-employee-9", None)


def _hmac_by_public_key() -> str:
    """The old trick: the public key, which everybody has, taken for a shared secret."""
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = _part({"alg": "HS256", "typ": "JWT", "kid": "rsa"})
    signed = f"{head}.{_part(claims())}"
    import hashlib
    import hmac

    digest = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_text(digest)}"


def _unsigned(algorithm: str = "none") -> str:
    return f"{_part({'alg': algorithm, 'typ': 'JWT', 'kid': 'ec'})}.{_part(claims())}."


def _tampered() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{_part(claims(roles=['administrator']))}.{signature}"


def _part(told: dict[str, Any]) -> str:
    return _text(orjson.dumps(told))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


NOW = int(time.time())
REFUSED = {
    "alg none": (_unsigned(), "signed by RS256 or ES256"),
    "alg None": (_unsigned("None"), "signed by RS256 or ES256"),
    "no signature": (_unsigned("ES256"), "not signed by its issuer|no token of ours"),
    "a public key as a secret": (_hmac_by_public_key(), "signed by RS256 or ES256"),
    "another algorithm": (token(RSA, "RS512", {"kid": "rsa"}), "signed by RS256 or ES256"),
    "another key's algorithm": (token(RSA, "RS256", {"kid": "ec"}), "for another algorithm"),
    "somebody else's signature": (token(OTHER_EC), "not signed by its issuer"),
    "tampered": (_tampered(), "not signed by its issuer"),
    "no kid": (token(headers={"kid": ""}), "key that its issuer does not show"),
    "an unknown kid": (token(headers={"kid": "x"}), "key that its issuer does not show"),
    "a kid that is a path": (token(headers={"kid": "../../etc/passwd"}), "does not show"),
    "a key of its own": (token(OTHER_EC, headers={"jwk": public(OTHER_EC, "ec")}), "not signed"),
    "what is critical": (token(headers={"crit": ["x"], "x": 1}), "neither a token nor a key"),
    "what is critical and known": (token(headers={"crit": ["b64"], "b64": True}), "crit|neither"),
    "another type": (token(headers={"typ": "logout+jwt"}), "typ"),
    "expired": (token(exp=NOW - 60, iat=NOW - 400), "expired"),
    "not yet": (token(nbf=NOW + 80_000), "not valid yet"),
    "of the future": (token(iat=NOW + 80_000), "not valid yet"),
    "another audience": (token(aud="others"), "aud"),
    "another issuer": (token(iss="https://evil.example"), "issuer"),
    "an issuer that begins alike": (token(iss=f"{ISSUER}.evil.example"), "issuer"),
    "no expiry": (token(exp=None), "lacks"),
    "no audience": (token(aud=None), "lacks"),
    "no issuer": (token(iss=None), "lacks"),
    "no subject": (token(sub=None), "lacks"),
    "no issue": (token(iat=None), "lacks"),
    "expiry as text": (token(exp="never"), "no token of ours"),
    "a subject of two lines": (token(sub="a\nb"), "printable"),
    "a subject without end": (token(sub="a" * 151), "150"),
    "an employee that is none": (token(employee="../8"), "no id of a colleague"),
    "employees": (token(employee=["7", "8"]), "no id of a colleague"),
    "words": ("open sesame", "neither a token nor a key"),
    "dots": ("..", "neither a token nor a key"),
    "no JSON": (f"{_text(b'x')}.{_text(b'x')}.x", "neither a token nor a key"),
}


@pytest.mark.parametrize(("shown", "because"), REFUSED.values(), ids=list(REFUSED))
async def test_what_proves_nothing_lets_nobody_in(shown: str, because: str) -> None:
    with pytest.raises(UnauthenticatedError, match=because) as refused:
        await tokens().principal(shown)
    challenge = refused.value.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="sellers", error="invalid_token"')
    assert "\n" not in challenge


async def test_clocks_may_differ_by_half_a_minute() -> None:
    assert await tokens().principal(token(exp=int(time.time()) - 10))


@pytest.mark.parametrize("roles", [None, [], "", 7, {"seller": True}, [["seller"]], "Seller"])
async def test_who_has_no_role_reaches_nothing(roles: Any) -> None:
    found = await tokens().principal(token(roles=roles))
    assert found.roles == ()
    assert not found.reach("self")


def test_keys_that_are_weak_or_for_something_else_check_nothing() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - weak
    p384 = ec.generate_private_key(ec.SECP384R1())
    for jwk in (
        public(weak, "weak"),
        public(p384, "p384"),
        public(EC, "ec", alg="ES384"),
        public(EC, "ec", alg="RS256"),
        public(RSA, "rsa", use="enc"),
        {**public(RSA, "rsa"), "kid": 7},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256"},
        {"kty": "RSA", "kid": "empty"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "off the curve"},
        {},
    ):
        assert usable(jwk) is None, jwk
