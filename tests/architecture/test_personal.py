"""What is about a person is marked, and no view anywhere depends on being able to read it."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from sellers.node import MODULES
from shared.cipher import Cipher
from shared.events import (
    REGISTRY,
    Envelope,
    Event,
    calendar,
    contacts,
    issues,
    opportunities,
    touches,
)
from shared.personal import Words, personal_fields, tokens_in, with_words
from shared.released import schema_of
from shared.seals import Change, changed, has_words
from shared.testing import histories, interleaved

TOPICS = ("contacts", "touches")
# Text of these facts that is not sealed, each with the reason.
CLEAR = {
    **dict.fromkeys(
        ("company", "into", "survivor", "other", "owner", "employee", "seller", "executive"),
        "names a stream",
    ),
    **dict.fromkeys(("person", "parent", "opportunity", "touch", "people"), "names a stream"),
    "entries": "names streams",
    **dict.fromkeys(("asked_by", "planned_by", "stated_by", "by"), "one of us"),
    **dict.fromkeys(("notice", "follow_up", "publisher_id"), "an id that a program gave"),
    "publisher": "the name of a program",
    "campaign": "the name of a campaign, the same for everybody who gets it",
    "language": "a language is of many; segments ask for it",
    "grade": "of our colleague, at the time",
    "function": "of our colleague, at the time",
    "question": "asked of many, and counted over all of them",
    "survey": "the name of a survey",
    "contacts.consent_given.v1/purpose": "a word of the company's own, the same for everybody",
    "contacts.consent_withdrawn.v1/purpose": "a word of the company's own",
    "fields": "names of fields",
    "contacts.opinion_stated.v1/subject": "a product or a competitor, compared over all people",
    "contacts.promotion_planned.v1/words": "what marketing sends to many",
    "contacts.company_registered.v1/name": "a company",
    "contacts.company_described.v1/location": "a company's",
    "contacts.company_described.v1/sector": "a company's",
    "contacts.company_described.v1/revenue_unit": "a company's",
    "contacts.segment_saved.v1/name": "of many",
    "contacts.segment_saved.v1/about": "one of the topics",
    "contacts.segment_dropped.v1/reason": "about a segment",
    **{
        f"contacts.visit_{what}": "about a visit to a company by several of us and of them"
        for what in (
            "planned.v1/talking_points",
            "planned.v1/purpose",
            "held.v1/outcome",
            "held.v1/no_follow_up_because",
            "cancelled.v1/reason",
            "follow_up_promised.v1/what",
        )
    },
}


def _free_texts(event: type[Event]) -> list[str]:
    found = []
    for name, field in schema_of(event)["properties"].items():
        options = field.get("anyOf", [field])
        options += [option["items"] for option in options if "items" in option]
        text = [o for o in options if o.get("type") == "string" and not {"enum", "format"} & {*o}]
        decimal = any(option.get("type") == "number" for option in options)
        found += [name] if text and not decimal else []
    return found


def test_every_free_text_about_a_person_is_marked_or_says_why_not() -> None:
    events = [event for event in REGISTRY.values() if event.topic in TOPICS]
    silent = {
        f"{event.wire}/{name}"
        for event in events
        for name in _free_texts(event)
        if name not in personal_fields(event)
    }
    unsaid = {one for one in silent if one not in CLEAR and one.partition("/")[2] not in CLEAR}
    assert not unsaid, "mark it `Personal`, or say in CLEAR why it is not about a person"
    spare = {one for one in CLEAR if one not in silent | {s.partition("/")[2] for s in silent}}
    assert not spare, "no such text any more"


def test_a_marked_field_says_so_in_its_schema_and_names_a_field_that_names_a_stream() -> None:
    marked = {event for event in REGISTRY.values() if personal_fields(event)}
    assert marked, "nothing is personal?"
    for event in marked:
        for name in personal_fields(event):
            field = schema_of(event)["properties"][name]
            assert "x-personal" in str(field), f"{event.wire}: {name}"
        assert {*event.whose} <= event.model_fields.keys() - {*personal_fields(event)}


KINDS = {
    "person": contacts.PersonEvent,
    "company": contacts.CompanyEvent,
    "visit": contacts.VisitEvent,
    "touch": touches.TouchesEvent,
    "opportunity": opportunities.OpportunityEvent | opportunities.RecordEvent,
    "issue": issues.IssuesEvent,
    "commitment": issues.CommitmentEvent,
    "agreement": issues.AgreementEvent,
    "entry": calendar.EntryEvent,
    "series": calendar.SeriesEvent,
}
PROJECTIONS = [
    pytest.param(projection, id=f"{module.domain.name}/{projection.name}")
    for module in MODULES
    for projection in module.domain.projections
    if projection.personal
]


def sealed(fact: Envelope) -> tuple[Envelope, dict[str, str]]:
    """Return the fact sealed, as it lies on the log, and how its words read."""
    if not has_words(fact) or fact.whose is None:
        return fact, {}
    # Whatever names them: what a random fact says of whom it is about may be no stream.
    cipher = Cipher(f"person-{fact.whose.encode().hex()}", b"a" * 32)
    seal: Change = cipher.seal
    kept = changed(fact, seal)
    said = [getattr(kept.data, name) for name in personal_fields(type(fact.data))]
    return kept, {token: cipher.open(token) for token in tokens_in(said)}


@pytest.mark.parametrize("projection", PROJECTIONS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@for_all(told=histories(KINDS, streams=3), seed=st.integers())
def test_folds_come_to_the_same_with_sealed_words(
    projection: Any, told: list[list[Envelope]], seed: int
) -> None:
    plain = interleaved(told, Random(seed))
    kept, read = [], {}
    for fact in plain:
        one, words = sealed(fact)
        kept.append(one)
        read |= words
    if projection.opens:
        kept = [replace(fact, words=Words(read)) for fact in kept]
    expected, found = projection.replay(plain), projection.replay(kept)
    assert expected.keys() == found.keys()
    for key, view in expected.items():
        document = with_words(projection.to_document(found[key]), read)
        wanted = projection.to_document(view)
        if projection.name == "person_promotions":
            # Promotions of one day are in some order, always the same, that nobody asks for.
            document["promotions"].sort(key=str)
            wanted["promotions"].sort(key=str)
        assert document == wanted


@pytest.mark.parametrize("projection", [p for p in PROJECTIONS if p.values[0].opens])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@for_all(told=histories({"person": contacts.PersonEvent, "touch": touches.TouchesEvent}, streams=2))
def test_folds_that_open_say_nothing_of_whom_nobody_can_read(
    projection: Any, told: list[list[Envelope]]
) -> None:
    """With every key gone, only what is sealed is left of the words."""
    kept = [sealed(fact)[0] for history in told for fact in history]
    blind = Words({}, lambda word: f"#{len(word)}")
    views = projection.replay(replace(fact, words=blind) for fact in kept)
    for key, view in views.items():
        document = projection.to_document(view)
        assert not document.get("grams"), document
        assert not key.startswith("#")


def test_every_domain_that_keeps_words_about_people_is_looked_at() -> None:
    kept = {event for event in REGISTRY.values() if personal_fields(event)}
    asked = {event for kind in KINDS.values() for event in (get_args(kind) or (kind,))}
    assert kept <= asked, "add its kind of stream to KINDS"
