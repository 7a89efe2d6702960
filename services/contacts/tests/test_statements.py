"""Dated statements about a person: the newest is current, all are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.contacts.defaults import ContactsDefaults
from services.contacts.main import build, domain, router
from services.contacts.model import AskQuestion, QuestionRepeatedError, StateOpinion
from services.contacts.statement_views import current, person_statements
from services.contacts.tests.client import get, post
from shared.events.contacts import (
    AccessStated,
    AdvocacyStated,
    OpinionStated,
    PersonRegistered,
    QuestionAnswered,
    QuestionAsked,
)
from shared.testing import check_projection, given, recorded, serving

JANUARY, MARCH, OCTOBER = date(2026, 1, 5), date(2026, 3, 1), date(2026, 10, 1)
KIM = PersonRegistered(name="김민준")
person = domain.decider("person-1")


def test_c_05_the_newest_stance_is_current_and_the_history_is_kept() -> None:
    told = recorded(
        OpinionStated(about="us", stance="supportive", on=MARCH, touch="touch-1"),
        OpinionStated(about="us", stance="critical", on=JANUARY),
        OpinionStated(about="competitor", subject="Acme", stance="positive", on=JANUARY),
        stream="person-1",
    )
    view = check_projection(person_statements, [told])["person-1"]
    stances = current(view.opinions, ("about", "subject"))
    assert [(one.about, one.stance) for one in stances] == [
        ("competitor", "positive"),
        ("us", "supportive"),
    ]
    assert [one.stance for one in view.opinions] == ["critical", "positive", "supportive"]


def test_c_05_the_same_opinion_is_stated_once_and_again_when_it_comes_back() -> None:
    good, bad = (OpinionStated(about="us", stance=s, on=JANUARY) for s in ("positive", "critical"))
    command = StateOpinion(about="us", stance="positive", on=JANUARY)
    given(person, KIM).when(command).then(good)
    given(person, KIM, good).when(command).then_nothing()
    given(person, KIM, good, bad).when(command).then(good)


def test_c_17_c_18_access_and_advocacy_are_kept_with_their_dates() -> None:
    told = recorded(
        AccessStated(employee="employee-1", ease="not_at_all", on=JANUARY),
        AccessStated(employee="employee-1", ease="easily", on=MARCH),
        AdvocacyStated(recommends="no", on=MARCH),
        AdvocacyStated(recommends="yes", seller="employee-1", on=JANUARY),
        AdvocacyStated(recommends="unsure", on=JANUARY),
        stream="person-1",
    )
    view = check_projection(person_statements, [told])["person-1"]
    (access,) = current(view.access, ("employee",))
    assert (access.ease, len(view.access)) == ("easily", 2)
    said = {one.seller: one.recommends for one in current(view.advocacy, ("seller",))}
    assert said == {None: "no", "employee-1": "yes"}


def ask(on: date, by: str = "service") -> AskQuestion:
    return AskQuestion(question="satisfied?", asked_by=by, on=on)


def asked(on: date, by: str = "service", repeats: date | None = None) -> QuestionAsked:
    return QuestionAsked(question="satisfied?", asked_by=by, on=on, repeats=repeats)


def test_c_12_the_same_question_inside_the_window_is_marked_or_refused() -> None:
    marked = asked(MARCH, "sales", repeats=JANUARY)
    given(person, KIM, asked(JANUARY)).when(ask(MARCH, "sales")).then(marked)
    given(person, KIM, asked(JANUARY), marked).when(ask(MARCH, "sales")).then_nothing()
    strict = build(ContactsDefaults(question_repeated="refuse")).decider("person-1")
    refused = given(strict, KIM, asked(JANUARY)).when(ask(MARCH, "sales"))
    assert "2026-01-05 by service" in str(refused.then_refused(QuestionRepeatedError))


def test_c_12_after_the_window_or_in_other_words_it_may_be_asked() -> None:
    given(person, KIM, asked(JANUARY)).when(ask(OCTOBER)).then(asked(OCTOBER))
    other = AskQuestion(question="recommend us?", on=MARCH)
    given(person, KIM, asked(JANUARY)).when(other).then(
        QuestionAsked(question="recommend us?", on=MARCH)
    )
    short = build(ContactsDefaults(question_window_days=30, question_repeated="refuse"))
    given(short.decider("person-1"), KIM, asked(JANUARY)).when(ask(MARCH)).then(asked(MARCH))


def test_c_12_the_registry_has_questions_and_answers() -> None:
    answered = QuestionAnswered(question="satisfied?", answer="very", on=MARCH)
    told = recorded(asked(JANUARY), answered, stream="person-1")
    view = check_projection(person_statements, [told])["person-1"]
    assert [(one.since, one.asked_by, one.answer) for one in view.questions] == [
        (JANUARY, "service", None),
        (MARCH, None, "very"),
    ]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


@pytest.mark.parametrize(
    ("what", "body", "shown"),
    [
        ("state-opinion", {"about": "us", "stance": "critical", "words": "늦다"}, "stances"),
        ("state-advocacy", {"recommends": "yes", "seller": "employee-1"}, "advocacy"),
        ("state-access", {"employee": "employee-1", "ease": "easily"}, "access"),
        ("ask", {"question": "satisfied?", "survey": "2026"}, "questions"),
        ("answer", {"question": "satisfied?", "answer": "yes"}, "questions"),
        ("state-buying-role", {"company": "company-1", "role": "influencer"}, "buying_roles"),
    ],
)
async def test_c_05_c_12_c_17_c_18_a_persons_page_shows_what_was_stated(
    client: AsyncClient, what: str, body: dict[str, Any], shown: str
) -> None:
    await post(client, "/contacts/people/1/register", {"name": "김민준"})
    after = await post(client, f"/contacts/people/1/{what}", body)
    page = await get(client, "/contacts/people/1", after)
    (one,) = page[shown]
    assert {name: one[name] for name in body} == body


async def test_c_05_nothing_is_stated_about_nobody(client: AsyncClient) -> None:
    said = {"about": "us", "stance": "critical"}
    refused = await client.post("/contacts/people/1/state-opinion", json=said)
    assert refused.status_code == 404


async def test_c_12_the_registry_tells_before_a_question_is_asked(client: AsyncClient) -> None:
    for number in (1, 2):
        await post(client, f"/contacts/people/{number}/register", {"name": "김민준"})
    asking = {"question": "satisfied?", "asked_by": "service", "survey": "2026"}
    await post(client, "/contacts/people/2/ask", asking)
    after = await post(client, "/contacts/people/2/merge", {"into": "person-1"})
    path = "/contacts/people/1/may-ask?question="
    found = await get(client, path + "satisfied?", after)
    assert (found["may"], found["asked_by"]) == (False, "service")
    assert (await get(client, path + "recommend?", after))["may"] is True
    assert (await client.get(path + "%20")).status_code == 422
    (question,) = (await get(client, "/contacts/questions?asked_by=service", after))["items"]
    assert (question["asked"], question["repeated"]) == (1, 0)
