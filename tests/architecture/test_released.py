"""The log outlives the code: every fact ever released stays readable, and means the same."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import orjson
import pytest

import shared.events
from shared.compatibility import breaks
from shared.events import REGISTRY, UPCASTERS, encode
from shared.released import (
    EVENTS,
    examples_of,
    read_example,
    released_examples,
    released_schemas,
    schema_of,
)

WIRES = sorted(REGISTRY)


@pytest.mark.parametrize("wire", WIRES)
def test_a_released_schema_means_what_it_meant(wire: str) -> None:
    released = released_schemas()
    assert wire in released, "a new fact: run `make schemas` and commit what it writes"
    assert breaks(released[wire], schema_of(REGISTRY[wire])) == [], (
        "a released fact changed: leave it, add a v2 with an upcaster (docs/how-to/add-an-event.md)"
    )
    assert released[wire] == schema_of(REGISTRY[wire]), "it grew: run `make schemas`"


def test_no_released_fact_disappears() -> None:
    # One that is succeeded by a newer version stays readable through its upcaster.
    assert set(released_schemas()) == set(REGISTRY) | set(UPCASTERS)


def test_every_fact_has_an_example_and_no_example_is_of_nothing() -> None:
    assert {path.parent.name for path in released_examples()} == set(released_schemas())


@pytest.mark.parametrize("path", released_examples(), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_yesterdays_bytes_are_read_today_and_say_the_same(path: Path) -> None:
    fact = read_example(path)
    document = orjson.loads(path.read_bytes())
    assert document["type"] == path.parent.name
    again = orjson.loads(encode(fact))
    if document["type"] == fact.wire:  # An older version comes back as its successor.
        assert {name: again[name] for name in document if name != "data"} == {
            name: value for name, value in document.items() if name != "data"
        }
        assert document["data"].items() <= again["data"].items()


@pytest.mark.parametrize("path", released_examples(), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_example_fits_the_schema_that_is_published(path: Path) -> None:
    document = orjson.loads(path.read_bytes())
    schema = released_schemas()[path.parent.name]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document["data"], schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("wire", WIRES)
def test_an_example_can_be_made_of_every_fact(wire: str) -> None:
    assert set(examples_of(REGISTRY[wire])) == {"full", "least"}


def test_every_domains_facts_are_listed() -> None:
    modules = {path.stem for path in EVENTS.glob("*.py")} - {"__init__", "base"}
    assert modules == {event.topic for event in REGISTRY.values()}
    assert modules <= set(shared.events.__all__)


def test_a_fact_is_declared_in_the_module_of_its_topic() -> None:
    for event in REGISTRY.values():
        assert event.__module__ == f"shared.events.{event.topic}"


@pytest.mark.parametrize("wire", WIRES)
def test_a_fact_says_in_a_sentence_what_happened(wire: str) -> None:
    told = REGISTRY[wire].__doc__
    assert told, "this sentence is what docs/EVENTS.md tells about it"
    assert told.splitlines()[0].endswith((".", ")", ","))
    assert not wire.split(".")[1].endswith("_updated"), "say what the business did, and why"
