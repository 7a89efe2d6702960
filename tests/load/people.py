"""Who takes part in a load: each signed in as somebody who is there, with what is theirs.

People show tokens of the platform's development issuer, systems show keys that are issued for the
run and revoked after it. A platform elsewhere is given tokens by a file, or serves everybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from sellers.client import Api, ApiError
from sellers.issuing.signing import OPERATOR, DevelopmentKey, User
from shared.access.roles import Role
from shared.clock import SystemClock

# Enough for locust to choose from, and few enough to be asked for at once.
PEOPLE_MAX, EACH_MAX = 400, 100
PAGE = 200
REQUESTS_MAX = 6_000
SYSTEMS: dict[str, Role] = {"mailer": "marketing", "copies": "analytics"}
UNAUTHENTICATED = 401

Headers = dict[str, str]


class NobodyError(Exception):
    """The platform cannot be loaded by anybody, in one sentence."""


class Signing(Protocol):
    """How somebody says who they are."""

    def person(self, employee: str, role: Role) -> Headers | None:
        """Return what they show, or None where they cannot sign in."""
        ...

    def system(self, name: str) -> Headers: ...


@dataclass(frozen=True, slots=True)
class Signed:
    """People signed in by the development issuer, systems by keys of this run."""

    key: DevelopmentKey
    keys: Mapping[str, str]

    def person(self, employee: str, role: Role) -> Headers:
        return _bearer(self.key.token(User(employee, employee, (role,), employee)))

    def system(self, name: str) -> Headers:
        return _bearer(self.keys[name])


class Open:
    """A platform that serves everybody under the name they say."""

    def person(self, employee: str, role: Role) -> Headers:
        return {"X-Actor": employee}

    def system(self, name: str) -> Headers:
        return {"X-Actor": name}


@dataclass(frozen=True, slots=True)
class Given:
    """Tokens and keys from a file: {"seller": {"employee-7": "..."}, "mailer": "sk_..."}."""

    told: Mapping[str, Any]

    def person(self, employee: str, role: Role) -> Headers | None:
        token = self.told.get(role, {}).get(employee)
        return None if token is None else _bearer(token)

    def system(self, name: str) -> Headers:
        if name not in self.told:
            raise NobodyError(f"the file of tokens has no key for {name!r}")
        return _bearer(self.told[name])


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def signed_in(url: str, data: Path) -> Iterator[tuple[Api, Signing]]:
    """Sign in at the development issuer of a data directory; issue keys, and revoke them."""
    key = DevelopmentKey.of(data, url)
    with Api(url, patience_s=60, token=key.token(OPERATOR)) as operator:
        run, issued = uuid4().hex[:8], {}
        try:
            for name, role in SYSTEMS.items():
                body = {"name": f"load: {name}", "roles": [role], "requests_max": REQUESTS_MAX}
                told = operator.post(f"/organization/keys/load-{name}-{run}/issue", body)
                issued[name] = told["key"]
            yield operator, Signed(key, issued)
        finally:
            for name in issued:
                operator.post(
                    f"/organization/keys/load-{name}-{run}/revoke", {"reason": "the load ended"}
                )


@contextmanager
def elsewhere(url: str, tokens: Path | None) -> Iterator[tuple[Api, Signing]]:
    """Ask a platform that somebody else runs."""
    told = {} if tokens is None else json.loads(tokens.read_text(encoding="utf-8"))
    own = next(iter(told.get("executive", {}).values()), None)
    with Api(url, patience_s=10, actor="load", token=own) as api:
        try:
            api.get("/organization/employees", {"limit": 1})
        except ApiError as error:
            if error.status == UNAUTHENTICATED and tokens is None:
                raise NobodyError(f"{url} signs people in: say --data or --tokens") from error
            raise
        yield api, Open() if tokens is None else Given(told)


def cast(api: Api, signing: Signing) -> dict[str, Any]:
    """Return everybody who takes part, as the driver reads it.

    Raises:
        NobodyError: of a kind that the load needs there is nobody.

    """
    employees = [one for one in _all(api, "/organization/employees") if one["active"]]
    units = _all(api, "/organization/units")
    people = _all(api, "/contacts/people")
    owned: dict[str, list[str]] = {}
    for company in _all(api, "/contacts/companies"):
        owned.setdefault(company["owner"], []).append(company["company"])
    managers = {unit["manager"] for unit in units}
    parents = {unit["parent"] for unit in units}
    team = {
        unit["unit"]: [one["employee"] for one in employees if one["unit"] == unit["unit"]]
        for unit in units
    }
    sellers = [
        {"headers": headers, "employee": one["employee"], "companies": owned[one["employee"]]}
        for one in employees
        if one["employee"] not in managers
        and one["employee"] in owned
        and (headers := signing.person(one["employee"], "seller"))
    ]
    leaders = [
        {"headers": headers, "unit": unit["unit"], "team": team[unit["unit"]]}
        for unit in units
        if unit["manager"]
        and unit["unit"] not in parents
        and team[unit["unit"]]
        and (headers := signing.person(unit["manager"], "leader"))
    ]
    executives = [
        {"headers": headers}
        for unit in units
        if unit["manager"]
        and unit["parent"] is None
        and (headers := signing.person(unit["manager"], "executive"))
    ]
    told = {
        "today": SystemClock().now().date().isoformat(),
        "people": [one["person"] for one in people],
        "Seller": sellers[:EACH_MAX],
        "Leader": leaders[:EACH_MAX],
        "Executive": executives[:EACH_MAX],
        "Mailer": [{"headers": signing.system("mailer")}],
        "Copy": [{"headers": signing.system("copies")}],
    }
    for kind, there in told.items():
        if not there:
            raise NobodyError(f"nobody there can take part as {kind!r}: is there a company?")
    return told


def _all(api: Api, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < PEOPLE_MAX:
        page = api.get(path, {"limit": PAGE, "cursor": cursor})
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return found
