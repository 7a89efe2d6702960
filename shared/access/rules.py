"""What each route is about and whose that is. A route without a rule is not served.

A rule names the permission and, where it matters whose a thing is, how a request says so: each
`Whose` of a rule that the request answers has to lie within the reach of whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from shared.access.roles import PERMISSIONS

# Served to everybody: probes, descriptions, and what carries a secret in its address.
PUBLIC = "public"
Place = Literal["path", "query", "body"]


@dataclass(frozen=True, slots=True)
class Named:
    """The request names a colleague or a unit: `employee-7`, `7` or `unit-3`."""

    place: Place
    field: str
    # What an id without its kind is one of; none: only whole names count.
    kind: str | None = None

    def __str__(self) -> str:
        return f"`{self.field}`" if self.place == "path" else f"`{self.field}` ({self.place})"


@dataclass(frozen=True, slots=True)
class Of:
    """The request names a thing; it is theirs who own it, or who the request names beside it."""

    field: str
    # Of what kind, where the request says the id alone.
    kind: str | None = None
    place: Place = "path"
    # Where nobody owns such a thing yet.
    otherwise: Named | None = None

    def __str__(self) -> str:
        of = f"who owns `{self.field}`" + ("" if self.place == "path" else f" ({self.place})")
        return of if self.otherwise is None else f"{of}, else {self.otherwise}"


Whose = Named | Of


@dataclass(frozen=True, slots=True)
class Rule:
    """The permission that a route takes, and how a request says whose it is about.

    Without `whose` a route is about everybody: only a permission that reaches the company opens it.
    """

    permission: str
    whose: tuple[Whose, ...] = ()

    def __post_init__(self) -> None:
        known = self.permission == PUBLIC or self.permission in PERMISSIONS
        assert known, f"no permission {self.permission!r}"


# By method and path: "GET /issues/{issue}".
Rules = Mapping[str, Rule]


def rules(permission: str, *routes: str, whose: Iterable[Whose] = ()) -> dict[str, Rule]:
    """Return the same rule for these routes."""
    return dict.fromkeys(routes, Rule(permission, tuple(whose)))


def seller(field: str = "seller", place: Place = "query") -> Named:
    """Return that a field names a colleague, with or without `employee-` before the id."""
    return Named(place, field, "employee")


def unit(field: str = "unit", place: Place = "query") -> Named:
    return Named(place, field, "unit")


EMPLOYEE = Named("path", "employee", "employee")
SELLER, UNIT = seller(), unit()
# Some reports name a colleague, a unit or something else by the same field.
KEY = Named("query", "key")


class PolicyError(Exception):
    """Routes and rules do not fit each other."""


def joined(*parts: Rules) -> dict[str, Rule]:
    """Return all rules; a route has one."""
    found: dict[str, Rule] = {}
    for part in parts:
        for route, rule in part.items():
            if found.setdefault(route, rule) != rule:
                raise PolicyError(f"two rules for {route}")
    return found
