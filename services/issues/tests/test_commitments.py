"""I_08: what we promise a customer is followed up within 24 hours and kept in time, or broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.issues.commitment_views import (
    DEADLINE,
    FOLLOW_UP,
    Broken,
    Told,
    commitment_card,
)
from services.issues.commitments import (
    BreakCommitment,
    CommitmentAlreadyMadeError,
    CommitmentCommand,
    CommitmentSettledError,
    CommitmentUnknownError,
    FollowUp,
    KeepCommitment,
    Make,
    MoveCommitment,
    ReassignCommitment,
    WithdrawCommitment,
)
from services.issues.defaults import IssuesDefaults
from services.issues.main import domain, router
from services.issues.state import DeadlineReplacedError
from services.issues.tests.test_api import post, read
from shared.clock import SystemClock
from shared.errors import InvalidError
from shared.events.issues import (
    CommitmentBroken,
    CommitmentEvent,
    CommitmentFollowedUp,
    CommitmentKept,
    CommitmentMade,
    CommitmentMoved,
    CommitmentReassigned,
    CommitmentWithdrawn,
)
from shared.events.organization import (
    EmployeeAssigned,
    UnitCalendarAssigned,
    UnitFormed,
    WorkcalendarHolidayDeclared,
)
from shared.handovers import TakeOver
from shared.reading import Token
from shared.testing import (
    check_decider,
    check_projection,
    commands,
    facts,
    given,
    recorded,
    serving,
)
from shared.workplaces import Workplace, places

decider = domain.decider("commitment-1")
FRIDAY = date(2026, 1, 9)
THREE = datetime(2026, 1, 9, 15, tzinfo=UTC)
TOMORROW, MONDAY = THREE + timedelta(days=1), THREE + timedelta(days=3)
PROMISE = {
    "what": "a new offer",
    "person": "person-1",
    "owner": "employee-1",
    "company": "company-1",
}
MADE = CommitmentMade(**PROMISE, on=FRIDAY, due_by=MONDAY, follow_up_by=TOMORROW)
NO_FOLLOW_UP = BreakCommitment(clock="follow_up", version=1, set_by="fact-1")
LATE = BreakCommitment(clock="deadline", version=1, set_by="fact-1")
TOLD = CommitmentFollowedUp(said="We are calculating.", on=FRIDAY)


def test_i_08_a_promise_has_who_keeps_it_a_deadline_and_a_time_to_be_heard_of() -> None:
    make = Make(**PROMISE, due_by=MONDAY, follow_up_by=TOMORROW, on=FRIDAY)
    given(decider).when(make).then(MADE)
    given(decider, MADE).when(make).then_refused(CommitmentAlreadyMadeError)
    before = make.model_copy(update={"due_by": THREE - timedelta(days=2)})
    given(decider).when(before).then_refused(InvalidError)


def test_i_08_nothing_happens_to_what_nobody_promised() -> None:
    given(decider).when(FollowUp(said="Hello.", on=FRIDAY)).then_refused(CommitmentUnknownError)


def test_i_08_silence_after_24_hours_is_a_breach_recorded_once() -> None:
    broken = CommitmentBroken(clock="follow_up", by=TOMORROW, set_by="fact-1", owner="employee-1")
    silent = given(decider, MADE)
    silent.when(NO_FOLLOW_UP).then(broken)
    given(decider, MADE, broken).when(NO_FOLLOW_UP).then_nothing()


def test_i_08_a_customer_who_was_told_in_time_was_not_let_down() -> None:
    given(decider, MADE).when(FollowUp(said=TOLD.said, on=FRIDAY)).then(TOLD)
    given(decider, MADE, TOLD).when(NO_FOLLOW_UP).then_refused(DeadlineReplacedError)
    given(decider, MADE, TOLD).when(FollowUp(said=TOLD.said, on=FRIDAY)).then_nothing()
    given(decider, MADE, TOLD).when(LATE).then(
        CommitmentBroken(clock="deadline", by=MONDAY, set_by="fact-1", owner="employee-1")
    )


def test_i_08_a_promise_is_moved_only_with_what_the_customer_was_told() -> None:
    later = MONDAY + timedelta(days=7)
    moved = CommitmentMoved(due_by=later, said="Sorry.", on=FRIDAY)
    move = MoveCommitment(due_by=later, said="Sorry.", on=FRIDAY)
    given(decider, MADE).when(move).then(moved)
    given(decider, MADE, moved).when(move).then_nothing()
    given(decider, MADE, moved).when(LATE).then_refused(DeadlineReplacedError)
    given(decider, MADE, moved).when(NO_FOLLOW_UP).then_refused(DeadlineReplacedError)
    again = BreakCommitment(clock="deadline", version=2, set_by="fact-2")
    given(decider, MADE, moved).when(again).then(
        CommitmentBroken(clock="deadline", by=later, set_by="fact-2", owner="employee-1")
    )


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (KeepCommitment(result="sent", on=FRIDAY), CommitmentKept(result="sent", on=FRIDAY)),
        (
            WithdrawCommitment(said="we cannot", on=FRIDAY),
            CommitmentWithdrawn(said="we cannot", on=FRIDAY),
        ),
    ],
)
def test_i_08_a_promise_that_is_settled_cannot_be_broken(
    command: KeepCommitment | WithdrawCommitment, fact: CommitmentKept | CommitmentWithdrawn
) -> None:
    given(decider, MADE).when(command).then(fact)
    given(decider, MADE, fact).when(LATE).then_refused(CommitmentSettledError)
    given(decider, MADE, fact).when(command).then_refused(CommitmentSettledError)


def test_c_09_a_leavers_promises_get_another_owner() -> None:
    given(decider, MADE).when(ReassignCommitment(owner="employee-2", on=FRIDAY)).then(
        CommitmentReassigned(owner="employee-2", on=FRIDAY)
    )
    take = TakeOver(giver="employee-1", receiver="employee-2", on=FRIDAY)
    moved = CommitmentReassigned(owner="employee-2", reason="handover", on=FRIDAY)
    given(decider, MADE).when(take).then(moved)
    given(decider, MADE, moved).when(take).then_nothing()


@for_all(
    st.lists(facts(CommitmentEvent), max_size=6), st.lists(commands(CommitmentCommand), max_size=6)
)
def test_i_08_any_facts_evolve_and_nothing_is_done_twice(
    history: list[Any], asked: list[Any]
) -> None:
    check_decider(decider, history, asked)


def test_i_08_the_card_tells_what_was_promised_what_was_said_and_what_was_broken() -> None:
    later = MONDAY + timedelta(days=7)
    told = recorded(
        MADE,
        CommitmentBroken(clock="follow_up", by=TOMORROW, set_by="fact-1", owner="employee-1"),
        CommitmentMoved(due_by=later, said="Sorry.", on=FRIDAY),
        CommitmentKept(result="sent", on=FRIDAY),
        stream="commitment-1",
    )
    card = check_projection(commitment_card, [told])["commitment-1"]
    assert (card.state, card.result, card.due_by) == ("kept", "sent", later)
    assert card.told == (Told("Sorry.", FRIDAY, later),)
    assert card.broken == (Broken("follow_up", TOMORROW),)
    assert (card.follow_up_due_at, card.deadline_due_at) == (None, None)


def test_i_08_who_tells_of_a_promise_late_has_time_to_tell_the_rest_of_it() -> None:
    (fact,) = recorded(MADE, stream="commitment-1")
    learnt = MONDAY + timedelta(days=30)
    card = commitment_card.replay([replace(fact, recorded_at=learnt)])["commitment-1"]
    assert card.follow_up_due_at == card.deadline_due_at == learnt + timedelta(minutes=2)
    (due,) = FOLLOW_UP.fire(card)
    assert due.deadline == TOMORROW


def test_i_08_each_clock_fires_by_itself_and_names_the_fact_that_set_it() -> None:
    told = recorded(MADE, stream="commitment-1")
    card = commitment_card.replay(told)["commitment-1"]
    for timer, at in ((FOLLOW_UP, TOMORROW), (DEADLINE, MONDAY)):
        (due,) = timer.fire(card)
        assert (due.deadline, due.set_by, due.stream) == (at, told[0].id, "commitment-1")
    silent = commitment_card.replay(recorded(MADE, TOLD, stream="commitment-1"))["commitment-1"]
    assert list(FOLLOW_UP.fire(silent)) == []


SEOUL = ZoneInfo("Asia/Seoul")
FRIDAY_THREE = datetime(2026, 1, 9, 15, tzinfo=SEOUL)


def workplace(*holidays: date) -> Workplace:
    views = places()
    told = [
        recorded(EmployeeAssigned(unit="unit-1"), stream="employee-1"),
        recorded(
            UnitFormed(name="Team", kind="team"), UnitCalendarAssigned(calendar="workcalendar-1"),
            stream="unit-1",
        ),
        recorded(
            *(WorkcalendarHolidayDeclared(day=day, name="off") for day in holidays),
            stream="workcalendar-1",
        ),
    ]  # fmt: skip
    every = [at for stream in told for at in stream]
    return Workplace(
        SEOUL,
        IssuesDefaults(),
        views.sellers.replay(every)["employee-1"],
        views.units.replay(every),
        views.hours.replay(every),
    )


@pytest.mark.parametrize(
    ("begin", "holidays", "until"),
    [
        (FRIDAY_THREE, (), "2026-01-12T15:00"),
        (FRIDAY_THREE, (date(2026, 1, 12),), "2026-01-13T15:00"),
        (datetime(2026, 1, 10, 11, tzinfo=SEOUL), (), "2026-01-13T00:00"),
        (datetime(2026, 1, 7, 9, tzinfo=SEOUL), (), "2026-01-08T09:00"),
    ],
)
def test_i_08_the_clock_of_the_working_calendar_stands_still_on_days_off(
    begin: datetime, holidays: tuple[date, ...], until: str
) -> None:
    found = workplace(*holidays).clock(begin, timedelta(hours=24))
    assert f"{found.astimezone(SEOUL):%Y-%m-%dT%H:%M}" == until


def test_i_08_where_nobody_ever_works_the_clock_ends_all_the_same() -> None:
    never = Workplace(SEOUL, IssuesDefaults(workdays=()))
    assert never.clock(FRIDAY_THREE, timedelta(hours=24)) > FRIDAY_THREE + timedelta(days=300)


async def test_i_08_a_promise_over_http_has_its_clock_and_its_breach_is_recorded_once() -> None:
    async with serving(domain, router) as client:
        due_by = SystemClock().now() + timedelta(seconds=1)
        promise = PROMISE | {"due_by": due_by.isoformat(), "made_at": "2026-01-09T15:00:00Z"}
        made = await post(client, "commitments/1/make", promise)
        assert made.status_code == 202, made.text
        second = Token("commitment-1", 2).encode()
        card = (await client.get("/issues/commitments/1", headers={"X-At-Least": second})).json()
        assert card["follow_up_by"] == "2026-01-10T15:00:00Z"
        assert [one["clock"] for one in card["broken"]] == ["deadline"]
        again = await post(client, "commitments/1/make", promise)
        assert again.status_code == 409
        kept = await post(client, "commitments/1/keep", {"result": "sent"})
        assert (await read(client, "/issues/commitments/1", kept)).json()["state"] == "kept"
        listed = (await read(client, "/issues/commitments?is_broken=true", kept)).json()
        assert [one["commitment"] for one in listed["items"]] == ["commitment-1"]


async def test_i_08_of_a_day_without_an_hour_the_clock_begins_when_the_day_is_over() -> None:
    async with serving(domain, router) as client:
        made = await post(client, "commitments/1/make", PROMISE | {"on": "2026-01-09"})
        card = (await read(client, "/issues/commitments/1", made)).json()
        assert card["follow_up_by"] == "2026-01-10T15:00:00Z"  # Midnight in Seoul, and a day.
        made = await post(client, "commitments/2/make", PROMISE | {"date_unknown": True})
        card = (await read(client, "/issues/commitments/2", made)).json()
        assert card["follow_up_by"] is None


async def test_i_08_the_company_chooses_which_clock_runs() -> None:
    working = domain.configured(IssuesDefaults(follow_up_clock="working", follow_up_hours=24))
    async with serving(working, router) as client:
        promise = PROMISE | {"made_at": "2026-01-09T15:00:00+09:00"}
        body = {"stream": "commitment-1", "type": "make", "command": promise, "id": "1"}
        answer = await client.post("/issues/commands", json={"commands": [body]})
        assert answer.json()["results"][0]["status"] == "recorded", answer.text
        token = answer.json()["results"][0]["token"]
        found = await client.get("/issues/commitments/1", headers={"X-At-Least": token})
        assert found.json()["follow_up_by"] == "2026-01-12T06:00:00Z"
