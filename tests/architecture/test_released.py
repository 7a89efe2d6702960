"""The log outlives the code: every fact ever released stays readable, and means the same."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import jsonschema
import orjson
import pytest

import shared.events
from sellers.promised import promised
from services.contacts.touch_events import read_event
from services.contacts.touches import NewTouch
from services.opportunities.hand_off_events import Reading
from services.opportunities.hand_off_mapping import DEFAULT
from shared.compatibility import meaning
from shared.events import REGISTRY, UPCASTERS, encode
from shared.released import examples_of, read_example, released_examples, schema_of
from shared.snapshots import (
    EVENTS,
    KINDS,
    SCHEMAS,
    all_released,
    broken,
    earlier_path,
    released_schemas,
)

ROOT = Path(__file__).resolve().parents[2]
WIRES = sorted(REGISTRY)
PROMISED = {name: (kind, schema) for name, kind, schema in promised()}


@pytest.mark.parametrize("wire", WIRES)
def test_a_released_schema_means_what_it_meant(wire: str) -> None:
    released = released_schemas()
    assert wire in released, "a new fact: run `make schemas` and commit what it writes"
    assert broken(wire, schema_of(REGISTRY[wire])) == [], (
        "a released fact changed: leave it, add a v2 with an upcaster (docs/how-to/add-an-event.md)"
    )
    assert released[wire] == schema_of(REGISTRY[wire]), "it grew: run `make schemas`"


@pytest.mark.parametrize("name", PROMISED)
def test_what_is_promised_to_others_means_what_it_meant(name: str) -> None:
    kind, schema = PROMISED[name]
    released = released_schemas(kind)
    assert name in released, "a new promise: run `make schemas` and commit what it writes"
    assert broken(name, schema, kind) == [], "others rely on it: see docs/compatibility.md"
    assert released[name] == schema, "it changed as it may: run `make schemas`"


def test_no_promise_to_others_disappears() -> None:
    assert PROMISED.keys() == released_schemas("in").keys() | released_schemas("out").keys()


@pytest.mark.parametrize("name", PROMISED)
def test_the_examples_of_a_promise_fit_it_and_are_read(name: str) -> None:
    _, schema = PROMISED[name]
    checked = jsonschema.Draft202012Validator(schema)
    checked.check_schema(schema)
    examples = schema.get("examples", ())
    assert examples or name.startswith("views."), "who sends it has to see one"
    for example in examples:
        checked.validate(example)
        if name.startswith("erp."):
            assert _of_an_erp(name, example)
        elif name == "inbound.new_touch.v1":
            assert NewTouch.model_validate(example)
        elif name == "inbound.touch_event.v1":
            assert read_event(example).sent is not None
    assert not checked.is_valid([])


def _of_an_erp(name: str, data: dict[str, object]) -> bool:
    event = {"specversion": "1.0", "type": name, "source": "/erp", "id": "1", "data": data}
    return Reading(DEFAULT, UTC).read(event, "#").problem is None


def test_every_schema_that_was_ever_committed_is_kept() -> None:
    """So that nobody forgets one, nor edits what was released; where a clone has no history, it
    says nothing, and what is kept is held to all the same (`broken`)."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: there is no history to compare with")
    for name, told in _committed():
        kept = [meaning(one) for kind in KINDS for one in all_released(name, kind)]
        assert meaning(told) in kept, f"{name}: a released schema is not in {earlier_path(name)}"


def _committed() -> Iterator[tuple[str, dict[str, object]]]:
    folder = SCHEMAS.relative_to(ROOT)
    log = _git("log", "--raw", "--no-abbrev", "--no-renames", "--format=", "--", str(folder))
    found = {}
    for line in log.decode().splitlines():
        blob, path = line.split()[3], Path(line.split("\t")[1])
        if blob.strip("0") and path.parent.name != "earlier":
            found[blob] = path.stem
    assert found
    for blob, name in found.items():
        yield name, orjson.loads(_git("cat-file", "blob", blob))


def _git(*words: str) -> bytes:
    return subprocess.run(("git", *words), cwd=ROOT, capture_output=True, check=True).stdout


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
