"""C_14: marketing asks before it sends; nobody gets the same promotion again too soon."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient

from services.contacts.defaults import ContactsDefaults
from services.contacts.main import build, domain, router
from services.contacts.promotions import (
    PlanPromotion,
    PromotionRepeatedError,
    may_promote,
    person_promotions,
    repeated,
    samenesses,
)
from services.contacts.tests.client import get, post, touch
from shared.clock import SystemClock
from shared.events.contacts import PersonRegistered, PromotionPlanned
from shared.events.touches import TouchRecorded
from shared.testing import check_projection, given, recorded, serving
from shared.testing.histories import BEGIN

MARCH, LATER, MAY = date(2026, 3, 1), date(2026, 3, 20), date(2026, 5, 1)
KIM = PersonRegistered(name="김민준")
FAIR = {"channel": "email", "campaign": "fair-2026"}
person = domain.decider("person-1")


def plan(on: date, **told: Any) -> PlanPromotion:
    return PlanPromotion(**{**FAIR, **told}, on=on)


def planned(on: date, **told: Any) -> PromotionPlanned:
    return PromotionPlanned(**{**FAIR, **told}, on=on)


def test_c_14_the_same_promotion_inside_the_window_is_marked_or_refused() -> None:
    marked = planned(LATER, repeats=MARCH)
    given(person, KIM, planned(MARCH)).when(plan(LATER)).then(marked)
    given(person, KIM, planned(MARCH)).when(plan(MARCH)).then_nothing()
    strict = build(ContactsDefaults(promotion_repeated="refuse")).decider("person-1")
    refused = given(strict, KIM, planned(MARCH)).when(plan(LATER))
    assert "2026-03-01" in str(refused.then_refused(PromotionRepeatedError))
    given(strict, KIM, planned(MARCH)).when(plan(MAY)).then(planned(MAY))


def test_c_14_the_same_words_on_the_same_channel_are_the_same_promotion() -> None:
    words = {"campaign": None, "words": "Spring  Webinar"}
    again = {"campaign": "spring", "words": "spring webinar"}
    first = planned(MARCH, **words)
    marked = planned(LATER, **again, repeats=MARCH)
    given(person, KIM, first).when(plan(LATER, **again)).then(marked)
    by_phone = {**again, "channel": "call"}
    given(person, KIM, first).when(plan(LATER, **by_phone)).then(planned(LATER, **by_phone))
    with pytest.raises(ValueError, match="which promotion"):
        plan(MARCH, campaign=None)


def sent(number: int, days: int, **told: Any) -> list[Any]:
    touch = {"channel": "email", "about": "promotion", "campaign": "fair-2026", **told}
    fact = TouchRecorded(publisher="mailer", publisher_id=str(number), person="person-1", **touch)
    at = BEGIN + timedelta(days=days)
    return recorded(fact, stream=f"touch-{number}", occurred_at=at)


def test_c_14_what_was_sent_counts_like_what_is_planned() -> None:
    told = [
        sent(1, 0),
        sent(2, 10, about="general"),
        sent(3, 40, direction="inbound"),
        recorded(PromotionPlanned(**FAIR, on=date(2026, 2, 1)), stream="person-1"),
    ]
    view = check_projection(person_promotions, told)["person-1"]
    assert [(one.since, one.sent) for one in view.promotions] == [
        (BEGIN.date(), True),
        (date(2026, 2, 1), False),
    ]
    same = samenesses("email", "Fair-2026", None)
    asked = may_promote("person-1", view.promotions, same, window=30, today=date(2026, 2, 10))
    assert (asked.may, asked.again_from, asked.sent) == (False, date(2026, 3, 3), False)
    other = samenesses("email", "other", None)
    assert may_promote("person-1", view.promotions, other, window=30, today=MARCH).may


def test_c_14_what_came_again_too_soon_is_shown() -> None:
    told = [sent(1, 0), sent(2, 12), sent(3, 80), sent(4, 13, campaign="other")]
    view = check_projection(person_promotions, told)["person-1"]
    found = repeated(view.promotions, 30)
    assert [before for _, before in found] == [None, BEGIN.date(), None, None]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_c_14_a_marketing_system_asks_for_many_before_it_sends(client: AsyncClient) -> None:
    today = SystemClock().now().date()
    for number in (1, 2):
        await post(client, f"/contacts/people/{number}/register", {"name": f"Kim {number}"})
    merged = await post(client, "/contacts/people/2/merge", {"into": "person-1"})
    before = (today - timedelta(days=3)).isoformat()
    came = await touch(client, "person-2", before, about="promotion", campaign="fair-2026")
    asked = "/contacts/may-promote?person=person-1&person=person-3&channel=email&campaign="
    found = await get(client, f"{asked}fair-2026", merged, came)
    assert [(one["person"], one["may"], one["last_on"]) for one in found["people"]] == [
        ("person-1", False, before),
        ("person-3", True, None),
    ]
    other = (await get(client, f"{asked}other", came))["people"]
    assert [one["may"] for one in other] == [True, True]
    nameless = await client.get("/contacts/may-promote?person=person-1&channel=email")
    assert nameless.status_code == 422
    assert [error["pointer"] for error in nameless.json()["errors"]] == ["query/campaign"]
    after = await post(client, "/contacts/people/1/plan-promotion", FAIR)
    shown = await get(client, "/contacts/people/1/promotions", came, after)
    assert [one["campaign"] for one in (*shown["sent"], *shown["planned"])] == ["fair-2026"] * 2
