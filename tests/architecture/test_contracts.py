"""What HTTP answers and what the log carries is described, committed, and true."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from sellers.contracts import FOLDER, LOG, asyncapi, documents, written
from services.contacts.touch_events import read_event
from shared.events import REGISTRY
from shared.topics import declared_topics

DOCUMENTS = documents()
REF = re.compile(r'"\$ref":"#/([^"]+)"')


def test_the_committed_documents_are_what_the_code_says() -> None:
    """Else: `make apis`, and look at what it means to whoever relies on them."""
    assert {path.name for path in FOLDER.glob("*.json")} == set(DOCUMENTS)
    differ = [
        name for name, told in DOCUMENTS.items() if (FOLDER / name).read_bytes() != written(told)
    ]
    assert differ == []


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != LOG])
def test_http_is_described_by_openapi_3_1(name: str) -> None:
    document = DOCUMENTS[name]
    assert document["openapi"].startswith("3.1.")
    validate(document)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            told = operation["responses"]
            assert "application/problem+json" in told["422"]["content"], f"{method} {path}"
            assert "application/problem+json" in told["default"]["content"], f"{method} {path}"


def test_what_services_answer_is_in_the_merged_document() -> None:
    merged = DOCUMENTS["openapi.json"]["paths"]
    for name, document in DOCUMENTS.items():
        if name.startswith("openapi-"):
            assert document["paths"].keys() <= merged.keys(), name


def test_operations_have_names_of_their_own() -> None:
    told = [
        operation["operationId"]
        for operations in DOCUMENTS["openapi.json"]["paths"].values()
        for operation in operations.values()
    ]
    assert len(told) == len(set(told))


def test_every_topic_and_every_fact_is_in_the_log_s_document() -> None:
    document = asyncapi()
    assert set(document["channels"]) == {topic.name for topic in declared_topics()}
    others = {topic.name for topic in declared_topics() if topic.cleanup != "keep"}
    assert set(document["components"]["messages"]) == set(REGISTRY) | others
    for name, channel in document["channels"].items():
        for wire in channel["messages"]:
            assert wire == name or wire.startswith(f"{name}."), wire


def test_every_reference_leads_somewhere() -> None:
    for document in DOCUMENTS.values():
        for pointer in set(REF.findall(orjson.dumps(document).decode())):
            at: Any = document
            for step in pointer.split("/"):
                at = at[step.replace("~1", "/").replace("~0", "~")]


def test_what_an_inbox_takes_fits_its_message_and_is_read() -> None:
    document = asyncapi()
    checked = Draft202012Validator(
        {**document, "$ref": "#/components/messages/touches-inbox/payload"}
    )
    for example in document["components"]["messages"]["touches-inbox"]["examples"]:
        checked.validate(example["payload"])
        assert read_event(example["payload"]).sent is not None
    assert not checked.is_valid({**example["payload"], "data": {"person": "nobody"}})


def test_the_examples_of_what_is_answered_fit_its_message() -> None:
    document = asyncapi()
    message = document["components"]["messages"]["touches-answers"]
    checked = Draft202012Validator(
        {**document, "$ref": "#/components/messages/touches-answers/payload"}
    )
    for example in message["examples"]:
        checked.validate(example["payload"])
    data = {**example["payload"]["data"], "status": "lost"}
    assert not checked.is_valid({**example["payload"], "data": data})
    assert document["operations"]["publish.touches-answers"]["action"] == "send"


@pytest.mark.parametrize("wire", sorted(REGISTRY))
def test_the_examples_of_a_fact_fit_its_message(wire: str) -> None:
    document = asyncapi()
    schema = {**document, "$ref": f"#/components/messages/{wire}/payload"}
    checked = Draft202012Validator(schema)
    for example in document["components"]["messages"][wire]["examples"]:
        checked.validate(example["payload"])
    wrong = {**example["payload"], "type": "no.such_fact.v1"}
    assert not checked.is_valid(wrong)
