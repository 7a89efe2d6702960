"""Scalars are what they are: by table, for every field of every body that anybody may send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin

import pytest
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from sellers.node import MODULES, Node, create_app
from shared.command import Day, Instant
from shared.events.issues import ServicePoint
from shared.parking import Drop, Replay
from shared.settings import Settings

# What is no value of the kind, although it could be taken for one.
MISTAKEN: dict[type[Any], tuple[Any, ...]] = {
    bool: ("true", "yes", 1, 0, 1.0),
    int: ("1", 1.0, True),
    float: ("1.5", True),
    str: (1, 1.0, True),
    Decimal: (True, "1e5", " 1", "1_0", "NaN", "Infinity", "0x1", "\u0661"),
    date: (0, 86_400.0, True, "0", "1700000000", "2026-01-01T00:00:00", "20260101"),
    datetime: (
        *(0, 1.5, True, "0", "1700000000", "2026-01-01", "20260101T090000Z"),
        *("2026-01-01T09:00:00", "2026-01-01T09:00Z", "2026-01-01T09:00:00+0900"),
        *("2026-01-01_09:00:00Z", "2026-01-01T09:00:00,5Z", "2026-01-01T09:00:00\u221209:00"),
    ),
    time: (0, 1.5, True),
}
INSTANT = "2026-01-09T09:00:00.5+09:00"


def bodies() -> list[type[BaseModel]]:
    """Return every model of which a request's body is made, or a command among many."""
    found: dict[type[BaseModel], None] = {}
    pending = [
        *(
            param.field_info.annotation
            for route in routes()
            for param in route.dependant.body_params
        ),
        *(
            command
            for module in MODULES
            for decider in module.domain.deciders.values()
            for command in decider.commands.values()
        ),
    ]
    while pending:
        kind = pending.pop()
        pending += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in found:
            found[kind] = None
            pending += [field.annotation for field in kind.model_fields.values()]
    return sorted(found, key=lambda model: (model.__module__, model.__name__))


def routes() -> Iterator[APIRoute]:
    """Yield every route that is served, in whatever router it is."""
    for context in iter_route_contexts(create_app(Node(Settings())).routes):
        if isinstance(context.original_route, APIRoute):
            yield context.original_route


def scalars(kind: Any) -> set[type[Any]]:
    """Return which scalars a field may be; none where it may be something with parts, too."""
    if get_origin(kind) is Annotated:
        return scalars(get_args(kind)[0])
    if kind is AwareDatetime:
        return {datetime}
    if kind in MISTAKEN:
        return {kind}
    return set().union(*(scalars(one) for one in get_args(kind)))


BODIES = bodies()


def test_there_are_bodies() -> None:
    assert len(BODIES) > 100
    assert len(list(routes())) > 300


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{body.__module__}.{body.__name__}")
def test_what_could_be_taken_for_another_value_is_refused(body: type[BaseModel]) -> None:
    for name, field in body.model_fields.items():
        kinds = scalars(field.annotation)
        if len(kinds) != 1 or get_origin(field.annotation) in (tuple, dict, frozenset):
            continue
        for mistaken in MISTAKEN[kinds.pop()]:
            refused = causes(body, {name: mistaken})
            assert any(place[0] == name for place in refused), f"{name}: {mistaken!r} is taken"


# What a text has none of that says nothing; the last is one to Unicode, and not to JSON Schema.
BLANK = ("", " ", "\t\n ", "\u3000", "\u0085")


# These name what is set aside, whatever it is called; of a point the agreement says it.
UNSAID = {Replay, Drop, ServicePoint}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{body.__module__}.{body.__name__}")
def test_a_text_that_must_be_said_says_more_than_blanks(body: type[BaseModel]) -> None:
    for name, field in body.model_fields.items():
        if not field.is_required() or scalars(field.annotation) != {str} or body in UNSAID:
            continue
        for blank in BLANK:
            refused = causes(body, {name: blank})
            assert any(place[0] == name for place in refused), f"{name}: {blank!r} is taken"


def asked(kind: type[Any]) -> dict[str, TypeAdapter[Any]]:
    """Return what is read of every such scalar in an address or a header, by route and name."""
    return {
        f"{route.path}?{one.alias}": TypeAdapter(
            Annotated[(one.field_info.annotation, *one.field_info.metadata, one.field_info)]
        )
        for route in routes()
        for one in get_flat_params(route.dependant)
        if scalars(one.field_info.annotation) == {kind}
    }


def test_no_address_names_a_day_with_which_nobody_can_reckon() -> None:
    found = asked(date)
    assert len(found) > 50
    days = ("0001-01-01", "1899-12-31", "2026-01-09", "2200-01-01", "9999-12-31")
    for where, read in found.items():
        assert [day for day in days if takes(read, day)] == ["2026-01-09"], where


@pytest.mark.parametrize(("kind", "right"), [(date, "2026-01-09"), (datetime, INSTANT)])
def test_an_address_names_days_and_instants_as_text_alone(kind: type[Any], right: str) -> None:
    found = asked(kind)
    assert found
    for where, read in found.items():
        assert takes(read, right), where
        assert [said for said in MISTAKEN[kind] if takes(read, said)] == [], where


NAMED = ("seller", "owner", "employee", "leader", "manager", "executive", "receiver")


def test_an_address_names_colleagues_as_they_can_be_called() -> None:
    found = {where: read for where, read in asked(str).items() if where.rpartition("?")[2] in NAMED}
    assert len(found) > 50
    for where, read in found.items():
        assert takes(read, "employee-kim"), where
        for wrong in ("", " ", "kim!", "employee kim", "x" * 200, "김"):
            assert not takes(read, wrong), f"{where} takes {wrong!r}"


def test_a_day_that_is_refused_is_told_which_are_taken() -> None:
    with pytest.raises(ValidationError, match="from 1900-01-02 to 2199-12-30"):
        TypeAdapter(Day).validate_python("2199-12-31")


def test_a_plus_that_an_address_lost_is_told_of() -> None:
    with pytest.raises(ValidationError, match="%2B"):
        TypeAdapter(Instant).validate_python(INSTANT.replace("+", " "))


def takes(read: TypeAdapter[Any], said: Any) -> bool:
    try:
        read.validate_python(said)
    except ValidationError:
        return False
    return True


def causes(body: type[BaseModel], said: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return which fields are refused, but not those that are missing."""
    try:
        TypeAdapter(body).validate_python(said)
    except ValidationError as error:
        return [one["loc"] for one in error.errors() if one["loc"] and one["type"] != "missing"]
    return []
