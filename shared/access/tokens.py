"""Checks the tokens that people sign in with (OIDC): any issuer, by the keys it publishes.

RS256 and ES256 alone, and each key for one algorithm: a token never chooses how it is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import jwt

from shared.access.principal import Principal, UnauthenticatedError
from shared.access.roles import ROLES, Role
from shared.references import ID

ALGORITHMS = ("RS256", "ES256")
RSA_BITS_MIN = 2_048
LEEWAY_S = 30
TYPES = ("at+jwt", "application/at+jwt", "jwt")
SUBJECT_MAX = 150
_EMPLOYEE = re.compile(rf"employee-{ID}")
REQUIRED = ("exp", "iat", "iss", "aud", "sub")
# Of what PyJWT finds wrong, the words for whoever sent it.
_WRONG: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.ExpiredSignatureError, "the token has expired: sign in again"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidAudienceError, "the token is for somebody else: its aud is not ours"),
    (jwt.InvalidIssuerError, "the token is of an issuer that we do not know"),
    (jwt.MissingRequiredClaimError, "the token lacks one of: " + ", ".join(REQUIRED)),
    (jwt.InvalidSignatureError, "the token was not signed by its issuer"),
)


class Keys(Protocol):
    """The public keys of an issuer."""

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """Return the key of this id, None when the issuer has no such key."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Where an issuer writes who somebody is, and what its groups are called here."""

    roles: str = "roles"
    employee: str = "employee"
    called: Mapping[str, Role] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tokens:
    """One issuer's tokens for this platform."""

    issuer: str
    audience: str
    keys: Keys
    claims: Claims = Claims()

    async def principal(self, token: str) -> Principal:
        """Return whose a token is.

        Raises:
            UnauthenticatedError: it proves nothing, with the reason.
            UnavailableError: the issuer's keys cannot be had now.

        """
        key = await self._key(token)
        try:
            told = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY_S,
                options={"require": list(REQUIRED)},
            )
        except jwt.PyJWTError as error:
            why = next((words for kind, words in _WRONG if isinstance(error, kind)), None)
            raise UnauthenticatedError(why or "this is no token of ours") from error
        return self._told(told)

    async def _key(self, token: str) -> jwt.PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise UnauthenticatedError("this is neither a token nor a key of ours") from error
        if header.get("alg") not in ALGORITHMS:
            raise UnauthenticatedError(f"a token is signed by {' or '.join(ALGORITHMS)}")
        if "crit" in header:
            raise UnauthenticatedError("the token demands what is not known here (crit)")
        if str(header.get("typ", "JWT")).lower() not in TYPES:
            raise UnauthenticatedError("this is not a token for access (typ)")
        kid = header.get("kid")
        key = await self.keys.key(kid) if isinstance(kid, str) and kid else None
        if key is None:
            raise UnauthenticatedError(
                "the token was signed by a key that its issuer does not show"
            )
        if key.algorithm_name != header["alg"]:
            raise UnauthenticatedError("the token's key is for another algorithm")
        return key

    def _told(self, told: Mapping[str, Any]) -> Principal:
        subject = told["sub"]
        if not (subject and subject.isascii() and subject.isprintable()) or " " in subject:
            raise UnauthenticatedError("the token's sub has to be printable ASCII")
        if len(subject) > SUBJECT_MAX:
            raise UnauthenticatedError(f"the token's sub may have {SUBJECT_MAX} characters")
        employee = _employee(claim(told, self.claims.employee))
        return Principal(
            # A subject alone is nobody of ours, whatever it looks like.
            actor=employee or f"user-{subject}",
            roles=self._roles(claim(told, self.claims.roles)),
            employee=employee,
            expires_at=float(told["exp"]),
        )

    def _roles(self, told: Any) -> tuple[Role, ...]:
        names = told.split() if isinstance(told, str) else told if isinstance(told, list) else []
        called: Mapping[str, Role] = self.claims.called or {str(role): role for role in ROLES}
        found = {called[name] for name in names if isinstance(name, str) and name in called}
        return tuple(role for role in ROLES if role in found)


def _employee(told: Any) -> str | None:
    """Return the colleague's stream; a claim that cannot be one is a mistake at the issuer."""
    if told is None or told == "":
        return None
    stream = str(told) if str(told).startswith("employee-") else f"employee-{told}"
    if not isinstance(told, str) or _EMPLOYEE.fullmatch(stream) is None:
        raise UnauthenticatedError("the token's employee is no id of a colleague")
    return stream


def claim(told: Mapping[str, Any], path: str) -> Any:
    """Return a claim, by its name or a path of names: `realm_access.roles`."""
    if path in told:
        return told[path]
    found: Any = told
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def usable(jwk: Mapping[str, Any]) -> jwt.PyJWK | None:
    """Return a key that may check tokens; None: it is for something else, or too weak."""
    if jwk.get("use", "sig") != "sig" or not isinstance(jwk.get("kid"), str):
        return None
    by_kind = {"RSA": "RS256", "EC": "ES256"}
    algorithm = jwk.get("alg", by_kind.get(str(jwk.get("kty"))))
    if algorithm not in ALGORITHMS or by_kind.get(str(jwk.get("kty"))) != algorithm:
        return None
    if algorithm == "ES256" and jwk.get("crv") != "P-256":
        return None
    try:
        key = jwt.PyJWK(dict(jwk), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    weak = algorithm == "RS256" and key.key.key_size < RSA_BITS_MIN
    return None if weak else key
