"""Which token a command shows: the one it was given, the one kept here, or its operator's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sellers.client import ApiError
from sellers.errors import CommandError
from sellers.issuing.signing import OPERATOR, DevelopmentKey, NoKeyError, User
from shared.access.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sellers.client import Api
    from sellers.data_dir import DataDir, Remembered

# There is no such colleague, or cannot be.
NOBODY = (404, 422)


def operator_token(data_dir: DataDir, url: str) -> str | None:
    """Return the token of whoever runs the platform of a directory, where people sign in."""
    if not data_dir.remembered.signs_in:
        return None
    return DevelopmentKey.of(data_dir.path, url, make=True).token(OPERATOR)


def token_here(data_dir: Path, remembered: Remembered, url: str) -> str | None:
    """Return the operator's token where `url` is what this directory serves, else none.

    Of a directory where people sign in: who asks has looked, for that takes no keys.
    """
    if url.rstrip("/") != remembered.url:
        return None
    try:
        return DevelopmentKey.of(data_dir, url).token(OPERATOR)
    except NoKeyError:
        return None


def token_of(api: Api, data_dir: Path, role: str | None = None, employee: str | None = None) -> str:
    """Sign in as one of the sample users, by a role or as a colleague.

    Raises:
        CommandError: there is nobody of the kind.

    """
    try:
        key = DevelopmentKey.of(data_dir, api.url)
    except NoKeyError as error:
        raise CommandError(str(error)) from error
    if role is not None and role not in ROLES:
        raise CommandError(f"{role!r} is no role: {', '.join(ROLES)}")
    users: list[dict[str, Any]] = api.get("/sign-in/users")["users"]
    if employee is not None:
        stream = f"employee-{employee.removeprefix('employee-')}"
        name = _name_of(api, key, stream, users)
        return key.token(User(stream, name, (_role(role or "seller"),), stream))
    if role is None:
        return key.token(OPERATOR)
    found = [user for user in users if user["roles"] == [role]]
    if not found:
        raise CommandError(f"nobody here is {role}; say --employee")
    one = found[0]
    return key.token(User(one["subject"], one["name"], (_role(role),), one["employee"]))


def _name_of(api: Api, key: DevelopmentKey, employee: str, users: Sequence[dict[str, Any]]) -> str:
    """Return the name of a colleague, whom the organisation knows if they are no sample user."""
    samples = {user["employee"]: str(user["name"]) for user in users if user["employee"]}
    if employee in samples:
        return samples[employee]
    asks = {"authorization": f"Bearer {key.token(OPERATOR)}"}
    try:
        card = api.get(f"/organization/employees/{quote(employee, safe='')}", headers=asks)
    except ApiError as error:
        if error.status not in NOBODY:
            raise
        here = ", ".join(f"{stream} ({name})" for stream, name in samples.items()) or "nobody"
        raise CommandError(f"{employee} is no colleague; among those here: {here}") from error
    return str(card["name"] or employee)


def _role(name: str) -> Any:
    return name
