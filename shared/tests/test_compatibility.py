"""A schema may only grow, by what may be missing; and old facts are read as their successors."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from pydantic import BaseModel

import shared.events.base as events
from shared import released, snapshots
from shared.compatibility import breaks
from shared.events import Event, UndecodableError, decode, encode
from shared.released import released_examples, write_missing
from shared.snapshots import SchemaBrokenError, all_released, earlier, released_schemas


class Seat(BaseModel):
    row: int


def schema(**fields: Any) -> dict[str, Any]:
    body = {"__annotations__": {name: kind for name, (kind, _) in fields.items()}}
    defaults = {name: value for name, (_, value) in fields.items() if value is not ...}
    return type("Booked", (BaseModel,), body | defaults).model_json_schema()


OLD = schema(name=(str, ...), note=(str | None, None), seat=(Seat | None, None))


def test_a_schema_may_grow_by_what_may_be_missing() -> None:
    new = schema(
        name=(str, ...), note=(str | None, None), seat=(Seat | None, None), row=(int | None, None)
    )
    assert breaks(OLD, new) == []
    assert breaks(new, OLD) == ["row: is gone"]


@pytest.mark.parametrize(
    ("fields", "broken"),
    [
        ({"note": (str | None, None), "seat": (Seat | None, None)}, "name: is gone"),
        ({"name": (int, ...)}, "name: means something else"),
        ({"name": (str, "nobody")}, "name: was required before"),
        ({"note": (str, ...)}, "note: is required now"),
        ({"note": (str | None, "none")}, "note: means something else"),
        ({"seat": (str | None, None)}, "seat: means something else"),
        ({"day": (str, ...)}, "day: is required now"),
    ],
)
def test_everything_else_is_a_new_version(fields: dict[str, Any], broken: str) -> None:
    usual = {"name": (str, ...), "note": (str | None, None), "seat": (Seat | None, None)}
    said = fields if "gone" in broken else usual | fields
    assert broken in breaks(OLD, schema(**said))


@pytest.mark.parametrize(("one", "other"), [(True, 1), (0, False), (1.0, True)])
def test_a_truth_is_no_number(one: Any, other: Any) -> None:
    for told, tells in (
        ({"enum": [one]}, {"enum": [other]}),
        ({"const": one}, {"const": other}),
        ({"default": one}, {"default": other}),
        ({"enum": [{"a": [one]}]}, {"enum": [{"a": [other]}]}),
        ({"anyOf": [{"enum": [one]}, {"type": "null"}]}, {"enum": [other]}),
    ):
        old, new = ({"properties": {"flag": flag}} for flag in (told, tells))
        for kind in ("fact", "in", "out"):
            assert "flag: means something else" in breaks(old, new, kind), told
    assert breaks({"enum": [1]}, {"enum": [1.0]}) == []


def test_more_choices_than_an_old_reader_knows_are_a_new_version() -> None:
    few, more = schema(kind=(Literal["a"], ...)), schema(kind=(Literal["a", "b"], ...))
    assert breaks(few, more)
    assert breaks(more, few)


def test_a_change_inside_a_type_that_is_used_is_seen() -> None:
    class Chair(BaseModel):
        row: str

    Chair.__name__ = "Seat"
    other = schema(name=(str, ...), note=(str | None, None), seat=(Chair | None, None))
    assert breaks(OLD, other) == ["seat.row: means something else"]


def test_explanations_may_change_also_of_a_field_called_title() -> None:
    said = OLD | {"description": "Other words.", "title": "Reserved"}
    assert not breaks(OLD, said)
    assert breaks(schema(title=(str, ...)), schema(title=(int, ...)))


# --- writing what is missing


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module, name in ((snapshots, "SCHEMAS"), (released, "EXAMPLES")):
        copy = tmp_path / name
        shutil.copytree(getattr(module, name), copy)
        monkeypatch.setattr(module, name, copy)
    return tmp_path


def test_what_is_released_is_not_written_again(folder: Path) -> None:
    assert list(write_missing()) == []
    next((folder / "EXAMPLES").glob("*/least.json")).unlink()
    assert list(write_missing()) == []  # One example is left: which ones there are is our choice.


def test_what_is_missing_is_written(folder: Path) -> None:
    wire = "issues.issue_closed.v1"
    (folder / "SCHEMAS" / f"{wire}.json").unlink()
    shutil.rmtree(folder / "EXAMPLES" / wire)
    assert [path.name for path in write_missing()] == [f"{wire}.json", "full.json", "least.json"]


def test_a_schema_that_grew_is_written_one_that_broke_is_not(folder: Path) -> None:
    wire = "issues.issue_reopened.v1"
    path = folder / "SCHEMAS" / f"{wire}.json"
    told = orjson.loads(path.read_bytes())
    assert earlier(wire) == []
    del told["properties"]["on"]
    path.write_bytes(orjson.dumps(told))
    assert list(write_missing()) == [folder / "SCHEMAS" / "earlier" / path.name, path]
    assert earlier(wire) == [told]
    assert list(write_missing()) == []
    told["properties"]["reason"] = {"type": "integer"}
    path.write_bytes(orjson.dumps(told))
    with pytest.raises(SchemaBrokenError, match=r"reason: means something else"):
        list(write_missing())
    assert released_schemas()[wire] == told


def test_a_schema_is_held_to_what_was_released_before_the_newest(folder: Path) -> None:
    """Two changes, each of which the newest snapshot alone would let pass."""
    wire = "issues.issue_reopened.v1"
    path = folder / "SCHEMAS" / "earlier" / f"{wire}.json"
    first = orjson.loads((folder / "SCHEMAS" / f"{wire}.json").read_bytes())
    first["properties"]["towel"] = {"type": "string"}
    path.write_bytes(orjson.dumps([first]))
    assert len(all_released(wire)) == 2
    with pytest.raises(SchemaBrokenError, match="towel: is gone"):
        list(write_missing())


# --- old versions


@pytest.fixture
def language(monkeypatch: pytest.MonkeyPatch) -> None:
    """A published language of this test's own."""
    monkeypatch.setattr(events, "REGISTRY", {})
    monkeypatch.setattr(events, "UPCASTERS", {})


def as_first_written(wire: str, **data: Any) -> bytes:
    written = orjson.loads(released_examples()[0].read_bytes())
    return orjson.dumps(written | {"type": wire, "data": data})


@pytest.mark.usefixtures("language")
def test_an_old_fact_is_read_as_its_successor_over_all_steps() -> None:
    class Booked(Event, wire="seats.seat_booked.v3"):
        guest: str
        seats: int
        paid: bool

    events.UPCASTERS["seats.seat_booked.v1"] = (
        "seats.seat_booked.v2",
        lambda data: {"guest": data["name"], "seats": 1},
    )
    events.UPCASTERS["seats.seat_booked.v2"] = (
        "seats.seat_booked.v3",
        lambda data: data | {"paid": False},
    )
    fact = decode(as_first_written("seats.seat_booked.v1", name="Ada"))
    assert fact.data == Booked(guest="Ada", seats=1, paid=False)
    assert fact.wire == "seats.seat_booked.v3"
    assert decode(encode(fact)) == fact
    second = decode(as_first_written("seats.seat_booked.v2", guest="Bo", seats=2))
    assert second.data == Booked(guest="Bo", seats=2, paid=False)


@pytest.mark.usefixtures("language")
def test_an_old_fact_that_lacks_what_its_successor_needs_is_parked_not_guessed() -> None:
    class Booked(Event, wire="seats.seat_booked.v2"):
        guest: str

    events.UPCASTERS["seats.seat_booked.v1"] = (
        "seats.seat_booked.v2",
        lambda data: {"guest": data["name"]},
    )
    with pytest.raises(UndecodableError, match=r"cannot be read as seats\.seat_booked\.v2"):
        decode(as_first_written("seats.seat_booked.v1", nmae="Ada"))
    with pytest.raises(UndecodableError, match="not an event this release knows"):
        decode(as_first_written("seats.seat_booked.v3", guest="Ada"))
