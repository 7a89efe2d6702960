"""C_13: an executive visits with a purpose and comes back with promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from httpx2 import AsyncClient
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.contacts.main import domain, router
from services.contacts.tests.client import get, post
from services.contacts.visits import (
    CancelVisit,
    FollowUp,
    FollowUpUnknownError,
    HoldVisit,
    KeepFollowUp,
    PlanVisit,
    VisitCommand,
    VisitOverError,
    VisitUnknownError,
    visit_card,
)
from shared.errors import InvalidError
from shared.events.contacts import (
    VisitCancelled,
    VisitEvent,
    VisitFollowUpKept,
    VisitFollowUpPromised,
    VisitFollowUpReassigned,
    VisitHeld,
    VisitPlanned,
)
from shared.handovers import TakeOver
from shared.testing import (
    check_decider,
    check_projection,
    commands,
    facts,
    given,
    recorded,
    serving,
)

visit = domain.decider("visit-1")
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
ABOUT: dict[str, Any] = {
    "executive": "employee-1",
    "company": "company-1",
    "purpose": "why deliveries are late",
    "talking_points": ("issue-1", "the next factory"),
}
PLAN, PLANNED = PlanVisit(on=MARCH, **ABOUT), VisitPlanned(on=MARCH, **ABOUT)
HELD = VisitHeld(outcome="they stay", on=MARCH)
PROMISED = VisitFollowUpPromised(
    follow_up="1", what="a plan", owner="employee-2", due_on=APRIL, on=MARCH
)
PLAN_IT = FollowUp(what="a plan", owner="employee-2", due_on=APRIL)


@pytest.mark.parametrize("lacking", [{"purpose": " "}, {"talking_points": ()}])
def test_c_13_a_visit_without_purpose_or_points_is_a_ceremony(lacking: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PlanVisit(on=MARCH, **(ABOUT | lacking))


def test_c_13_a_visit_is_planned_and_planned_again() -> None:
    given(visit).when(PLAN).then(PLANNED)
    given(visit, PLANNED).when(PLAN).then_nothing()
    later = PLANNED.model_copy(update={"on": APRIL})
    given(visit, PLANNED).when(PLAN.model_copy(update={"on": APRIL})).then(later)


def test_c_13_a_visit_ends_with_promises_or_says_why_there_are_none() -> None:
    held = HoldVisit(outcome="they stay", follow_ups=(PLAN_IT,), on=MARCH)
    given(visit, PLANNED).when(held).then(HELD, PROMISED)
    nothing = HoldVisit(outcome="they stay", on=MARCH)
    assert given(visit, PLANNED).when(nothing).then_refused(InvalidError).field == "#/follow_ups"
    why = HoldVisit(outcome="they stay", no_follow_up_because="only thanks", on=MARCH)
    given(visit, PLANNED).when(why).then(
        VisitHeld(outcome="they stay", no_follow_up_because="only thanks", on=MARCH)
    )


def test_c_13_a_promise_is_kept_once_and_only_what_was_promised() -> None:
    keep, kept = KeepFollowUp(follow_up="1", on=APRIL), VisitFollowUpKept(follow_up="1", on=APRIL)
    given(visit, PLANNED, HELD, PROMISED).when(keep).then(kept)
    given(visit, PLANNED, HELD, PROMISED, kept).when(keep).then_nothing()
    given(visit, PLANNED, HELD).when(keep).then_refused(FollowUpUnknownError)


def test_c_13_what_is_over_or_was_never_planned_is_not_held() -> None:
    cancel = CancelVisit(reason="ill", on=MARCH)
    given(visit, PLANNED).when(cancel).then(VisitCancelled(reason="ill", on=MARCH))
    given(visit).when(cancel).then_refused(VisitUnknownError)
    given(visit, PLANNED, HELD).when(cancel).then_refused(VisitOverError)
    given(visit, PLANNED, HELD).when(PLAN).then_refused(VisitOverError)


@for_all(st.lists(facts(VisitEvent), max_size=6), st.lists(commands(VisitCommand), max_size=6))
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(visit, history, asked)


def test_c_13_the_card_counts_promises_that_wait() -> None:
    other = PROMISED.model_copy(update={"follow_up": "2"})
    told = recorded(
        PLANNED, HELD, PROMISED, other, VisitFollowUpKept(follow_up="1", on=APRIL), stream="visit-1"
    )
    card = check_projection(visit_card, [told])["visit-1"]
    assert (card.state, card.open_follow_ups, card.purpose) == ("held", 1, PLANNED.purpose)
    assert [(one.follow_up, one.kept_on) for one in card.follow_ups] == [("1", APRIL), ("2", None)]


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with serving(domain, router) as client:
        yield client


async def test_c_13_an_executives_visit_over_http(client: AsyncClient) -> None:
    plan = ABOUT | {"on": "2026-03-01", "talking_points": ["issue-1"], "people": ["person-1"]}
    await post(client, "/contacts/visits/1/plan", plan)
    promise = {"what": "a plan", "owner": "employee-2", "due_on": "2026-04-01"}
    held = {"outcome": "they stay", "follow_ups": [promise]}
    after = await post(client, "/contacts/visits/1/hold", held)
    asked = "/contacts/visits?company=company-1&unkept=true&person=person-1"
    (card,) = (await get(client, asked, after))["items"]
    assert card["follow_ups"][0]["what"] == "a plan"
    after = await post(client, "/contacts/visits/1/keep-follow-up", {"follow_up": "1"})
    assert (await get(client, asked, after))["items"] == []
    assert (await get(client, "/contacts/visits/1", after))["state"] == "held"
    await post(client, "/contacts/visits/2/plan", plan)
    after = await post(client, "/contacts/visits/2/cancel", {})
    assert (await get(client, "/contacts/visits/2", after))["state"] == "cancelled"


def test_c_09_who_takes_over_visits_in_the_leavers_place() -> None:
    take = TakeOver(giver="employee-1", receiver="employee-3", on=MARCH)
    theirs = PLANNED.model_copy(update={"executive": "employee-3"})
    given(visit, PLANNED).when(take).then(theirs)
    given(visit, PLANNED, theirs).when(take).then_nothing()
    given(visit, PLANNED, HELD).when(take).then_refused(VisitOverError)


def test_c_09_who_takes_over_answers_for_what_was_promised_until_it_is_kept() -> None:
    take = TakeOver(giver="employee-2", receiver="employee-3", on=MARCH, part="1")
    theirs = VisitFollowUpReassigned(follow_up="1", owner="employee-3", reason="handover", on=MARCH)
    known = (PLANNED, HELD, PROMISED)
    given(visit, *known).when(take).then(theirs)
    given(visit, *known, theirs).when(take).then_nothing()
    given(visit, *known, VisitFollowUpKept(follow_up="1")).when(take).then_nothing()
    unknown = take.model_copy(update={"part": "2"})
    given(visit, *known).when(unknown).then_refused(FollowUpUnknownError)
    told = recorded(*known, theirs, stream="visit-1")
    card = check_projection(visit_card, [told])["visit-1"]
    assert (card.follow_ups[0].owner, card.open_follow_ups) == ("employee-3", 1)
