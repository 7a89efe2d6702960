"""C_16: segments are saved and hold whoever has such a history on the day they are asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from httpx2 import AsyncClient
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.contacts.held import Affiliation
from services.contacts.main import domain, router
from services.contacts.person_views import BuyingRoleHeld, PersonCard
from services.contacts.segments import (
    DropSegment,
    History,
    SaveSegment,
    SegmentCard,
    SegmentCommand,
    SegmentUnknownError,
    belongs,
    segment_card,
)
from services.contacts.statement_views import Advocacy, Opinion, PersonStatements
from services.contacts.tests.client import get, post, touch
from shared.clock import SystemClock
from shared.errors import InvalidError
from shared.events.contacts import SegmentDropped, SegmentEvent, SegmentSaved
from shared.testing import (
    check_decider,
    check_projection,
    commands,
    facts,
    given,
    recorded,
    serving,
)

segment = domain.decider("segment-1")
MARCH, JUNE = date(2026, 3, 1), date(2026, 6, 1)
LEFT_ALONE = {"name": "left alone", "touches_max": 0, "within_days": 90}


def test_c_16_a_segment_is_saved_changed_and_dropped() -> None:
    saved = SegmentSaved(on=MARCH, **LEFT_ALONE)
    given(segment).when(SaveSegment(on=MARCH, **LEFT_ALONE)).then(saved)
    given(segment, saved).when(SaveSegment(on=JUNE, **LEFT_ALONE)).then_nothing()
    other = LEFT_ALONE | {"within_days": 30}
    given(segment, saved).when(SaveSegment(on=JUNE, **other)).then(SegmentSaved(on=JUNE, **other))
    given(segment, saved).when(DropSegment(on=JUNE)).then(SegmentDropped(on=JUNE))
    given(segment).when(DropSegment(on=JUNE)).then_refused(SegmentUnknownError)


@pytest.mark.parametrize(
    ("told", "field"),
    [({"within_days": 30}, "#/name"), ({"about": "complaint"}, "#/touches_min")],
)
def test_c_16_a_segment_says_who_belongs_to_it(told: dict[str, Any], field: str) -> None:
    refused = given(segment).when(SaveSegment(name="all", **told)).then_refused(InvalidError)
    assert refused.field == field


@for_all(st.lists(facts(SegmentEvent), max_size=4), st.lists(commands(SegmentCommand), max_size=4))
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(segment, history, asked)


KIM = History(
    PersonCard(
        "person-1",
        language="ko",
        affiliations=(Affiliation("company-1", "dealer", since=MARCH),),
        buying_roles=(BuyingRoleHeld("company-1", "influencer", MARCH),),
        buyer_of=("company-1",),
    ),
    PersonStatements(
        "person-1",
        opinions=(
            Opinion("us", None, "critical", None, None, None, MARCH),
            Opinion("us", None, "positive", None, None, None, JUNE),
        ),
        advocacy=(Advocacy(None, "yes", None, MARCH),),
    ),
    ((MARCH, "complaint"), (JUNE, "general")),
)


@pytest.mark.parametrize(
    ("told", "member"),
    [
        ({"language": "ko"}, True),
        ({"language": "ja"}, False),
        ({"company": "company-1"}, True),
        ({"company": "company-2"}, False),
        ({"affiliation": "dealer"}, True),
        ({"company": "company-1", "affiliation": "employee"}, False),
        ({"buying_role": "influencer"}, True),
        ({"company": "company-1", "buying_role": "decision_maker"}, False),
        ({"stance": "positive"}, True),
        ({"stance": "critical"}, False),
        ({"recommends": "yes"}, True),
        ({"recommends": "no"}, False),
        ({"touches_min": 2}, True),
        ({"touches_min": 2, "within_days": 90}, False),
        ({"touches_min": 1, "about": "complaint"}, True),
        ({"touches_min": 1, "about": "complaint", "within_days": 60}, False),
        ({"touches_max": 0, "about": "survey"}, True),
        ({"language": "ko", "recommends": "no"}, False),
    ],
)
def test_c_16_who_has_such_a_history_belongs_to_it(told: dict[str, Any], *, member: bool) -> None:
    assert belongs(SegmentCard("segment-1", **told), KIM, JUNE) is member


def test_c_16_a_dropped_segment_is_gone() -> None:
    saved = SegmentSaved(on=MARCH, **LEFT_ALONE)
    assert check_projection(segment_card, [recorded(saved, stream="segment-1")]).keys() == {
        "segment-1"
    }
    both = recorded(saved, SegmentDropped(on=JUNE), stream="segment-1")
    assert check_projection(segment_card, [both]) == {}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_c_16_a_saved_segment_is_asked_over_http(client: AsyncClient) -> None:
    for number in (1, 2, 3):
        told = {"name": f"Kim {number}"}
        people = await post(client, f"/contacts/people/{number}/register", told)
    recent = (SystemClock().now().date() - timedelta(days=5)).isoformat()
    called = await touch(client, "person-1", recent)
    merged = await post(client, "/contacts/people/3/merge", {"into": "person-1"})
    saved = await post(client, "/contacts/segments/1/save", LEFT_ALONE)
    path = "/contacts/segments/1/people"
    found = await get(client, path, saved, people, called, merged)
    assert [card["person"] for card in found["items"]] == ["person-2"]
    (card,) = (await get(client, "/contacts/segments", saved))["items"]
    assert card == await get(client, "/contacts/segments/1", saved)
    dropped = await post(client, "/contacts/segments/1/drop", {})
    gone = await client.get(path, headers={"X-At-Least": dropped})
    assert gone.status_code == 404
