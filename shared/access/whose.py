"""Whose a request is about, as the rule of its route says it is found out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

import orjson

from shared.access.rules import Named, Of, Place, Whose
from shared.errors import UnavailableError
from shared.references import ID, STREAM
from shared.runtime import Runtime

_NAME = re.compile(rf"(employee|unit)-{ID}")
_STREAM = re.compile(STREAM)

# Names whoever a thing belongs to; None: there is no such thing.
Owners = Callable[[str], Awaitable[frozenset[str] | None]]


class Reach(Protocol):
    """Who is within whose reach, by the organisation as it is today."""

    async def within_team(self, viewer: str, whom: str) -> bool: ...

    async def within_division(self, viewer: str, whom: str) -> bool: ...

    async def leads(self, viewer: str) -> list[str]:
        """Name the units that somebody is manager of; those below them are within reach, too."""
        ...


class NobodyReach:
    """Where nothing is known of the organisation, nobody leads anybody."""

    async def within_team(self, viewer: str, whom: str) -> bool:
        return False

    async def within_division(self, viewer: str, whom: str) -> bool:
        return False

    async def leads(self, viewer: str) -> list[str]:
        return []


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says: in its address, and in its body where a rule looks there."""

    path: Mapping[str, Any]
    query: bytes
    body: bytes = b""

    def said(self, place: str, field: str) -> list[str]:
        """Return every value; a field that is given twice counts twice."""
        if place == "path":
            return [str(self.path[field])] if field in self.path else []
        if place == "query":
            pairs = parse_qsl(self.query.decode("latin-1"))
            return [value for name, value in pairs if name == field]
        try:
            told = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return []  # The route says what is wrong with it.
        value = told.get(field) if isinstance(told, dict) else None
        return [value] if isinstance(value, str) and value else []


def named(whose: Named, asked: Asked) -> list[str]:
    """Return whom or which units the request names."""
    values = asked.said(whose.place, whose.field)
    if whose.kind is None:
        return [value for value in values if _NAME.fullmatch(value)]
    return [_whole(whose.place, whose.kind, value) for value in values]


def _whole(place: Place, kind: str, value: str) -> str:
    """Return the name of a stream of that kind, of which the request says all or the id alone."""
    start = f"{kind}-"
    # An id of a path is plain already: what begins with its kind is called so.
    return value if place != "path" and value.startswith(start) else f"{start}{value}"


def thing(whose: Of, asked: Asked) -> str | None:
    """Return the stream of the thing that the request names."""
    for value in asked.said(whose.place, whose.field):
        stream = value if whose.kind is None else _whole(whose.place, whose.kind, value)
        return stream if _STREAM.fullmatch(stream) else None
    return None


def from_body(whose: Whose) -> bool:
    beside = whose.otherwise if isinstance(whose, Of) else None
    return whose.place == "body" or (beside is not None and beside.place == "body")


@dataclass(frozen=True, slots=True)
class Held:
    """Where it is written whose things of a kind are: a view, and which of its fields say it."""

    domain: str
    view: str
    fields: tuple[str, ...]


HELD: dict[str, Held] = {
    "opportunity": Held(
        "opportunities", "opportunity_record", ("owner", "record.progress.team.employee")
    ),
    "forecast": Held("opportunities", "forecast_card", ("owner", "unit")),
    "target": Held("opportunities", "target_card", ("owner", "unit")),
    "entry": Held("calendar", "entry_card", ("seller",)),
    "series": Held("calendar", "series_card", ("owners",)),
    "alert": Held("alerts", "alert_card", ("owner",)),
    "assessment": Held("analytics", "assessment_card", ("of",)),
    "review": Held("analytics", "kpi_review", ("of",)),
    "handover": Held("organization", "handover_card", ("employee", "receiver")),
}


# Streams of which each employee has one, under the same id.
OF_EMPLOYEE = frozenset({"agenda", "overwork"})


@dataclass(frozen=True, slots=True)
class ViewOwners:
    """Reads from the views of this process whose a thing is; they lag by moments."""

    runtimes: Mapping[str, Runtime]
    # Kinds that a domain knows better than any one view does.
    special: Mapping[str, Owners]

    async def __call__(self, stream: str) -> frozenset[str] | None:
        if not self.runtimes:
            raise UnavailableError("the platform is starting", slug="starting")
        kind, _, id_ = stream.partition("-")
        if kind in OF_EMPLOYEE:
            return frozenset({f"employee-{id_}"})
        if kind in self.special:
            return await self.special[kind](stream)
        held = HELD.get(kind)
        runtime = self.runtimes.get(held.domain) if held is not None else None
        if held is None or runtime is None:
            return frozenset()  # It is nobody's as far as we know: the company's.
        found = await runtime.reader(runtime.runners[held.view].projection).get(stream)
        if found is None:
            return None
        names = {name for field in held.fields for name in values(found.value, field)}
        return frozenset(names)


def values(of: Any, field: str) -> list[str]:
    """Return the texts at a path of fields, through every list on the way."""
    first, _, rest = field.partition(".")
    value = getattr(of, first)
    each = value if isinstance(value, tuple | list) else [value]
    if rest:
        return [text for one in each if one is not None for text in values(one, rest)]
    return [text for text in each if isinstance(text, str)]
