"""Rules of a calendar entry. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.calendar.main import domain
from services.calendar.model import (
    CalendarCommand,
    Cancel,
    Done,
    EntryAlreadyDoneError,
    EntryAlreadyPlannedError,
    EntryIsCancelledError,
    EntryPrivateError,
    EntryUnknownError,
    NotYetPrivateError,
    Plan,
    Reassign,
)
from shared.errors import InvalidError
from shared.events.calendar import (
    CalendarEvent,
    EntryCancelled,
    EntryDone,
    EntryPlanned,
    EntryReassigned,
)
from shared.handovers import TakeOver
from shared.testing import check_decider, commands, facts, given

decider = domain.decider("entry-1")
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)
VISIT = EntryPlanned(
    seller="employee-1", category="customer", starts_at=NINE, ends_at=TEN, title="Visit"
)
DENTIST = EntryPlanned(seller="employee-1", category="private", starts_at=NINE, ends_at=TEN)


def plan(**said: Any) -> Plan:
    usual = {
        "seller": "employee-1",
        "category": "customer",
        "starts_at": NINE,
        "ends_at": TEN,
        "title": "Visit",
    }
    return Plan(**usual | said)


def test_a_seller_plans_a_visit() -> None:
    given(decider).when(plan()).then(VISIT)


def test_an_entry_is_planned_once() -> None:
    given(decider, VISIT).when(plan()).then_refused(EntryAlreadyPlannedError)


@pytest.mark.parametrize("ends_at", [NINE, NINE - timedelta(hours=1)])
def test_an_entry_ends_after_it_starts(ends_at: datetime) -> None:
    refused = given(decider).when(plan(ends_at=ends_at)).then_refused(InvalidError)
    assert refused.field == "#/ends_at"
    done = Done(started_at=NINE, ended_at=ends_at)
    assert given(decider, VISIT).when(done).then_refused(InvalidError).field == "#/ended_at"


def test_an_entry_lasts_a_day_at_most() -> None:
    a_day = NINE + timedelta(hours=24)
    given(decider).when(plan(ends_at=a_day)).then(VISIT.model_copy(update={"ends_at": a_day}))
    longer = plan(ends_at=a_day + timedelta(microseconds=1))
    given(decider).when(longer).then_refused(InvalidError)


def test_the_same_instant_in_another_offset_is_the_same_instant() -> None:
    abroad = TEN.astimezone(datetime.fromisoformat("2026-01-05T00:00+09:00").tzinfo)
    given(decider).when(plan(ends_at=abroad)).then(VISIT)


def test_a_private_entry_says_when() -> None:
    given(decider).when(plan(category="private", title=None)).then(DENTIST)


@pytest.mark.parametrize(
    "told",
    [
        {"title": "Dentist"},
        {"title": None, "person": "person-1"},
        {"title": None, "company": "company-1"},
        {"title": None, "opportunity": "opportunity-1"},
    ],
)
def test_a_private_entry_does_not_say_what(told: dict[str, Any]) -> None:
    refused = given(decider).when(plan(category="private", **told)).then_refused(NotYetPrivateError)
    (field,) = (name for name, value in told.items() if value is not None)
    assert refused.field == f"#/{field}"
    assert "private" in str(refused)


def test_a_private_entry_is_cancelled_without_a_reason() -> None:
    given(decider, DENTIST).when(Cancel(reason="toothache")).then_refused(NotYetPrivateError)
    given(decider, DENTIST).when(Cancel()).then(EntryCancelled())


def test_what_took_place_is_recorded_as_it_took_place() -> None:
    later = TEN + timedelta(minutes=20)
    given(decider, VISIT).when(Done(started_at=TEN, ended_at=later)).then(
        EntryDone(started_at=TEN, ended_at=later)
    )


def test_it_took_place_once() -> None:
    done = EntryDone(started_at=NINE, ended_at=TEN)
    given(decider, VISIT, done).when(Done(started_at=NINE, ended_at=TEN)).then_nothing()
    otherwise = Done(started_at=NINE, ended_at=TEN + timedelta(hours=1))
    given(decider, VISIT, done).when(otherwise).then_refused(EntryAlreadyDoneError)


def test_what_took_place_cannot_be_cancelled_and_the_other_way_round() -> None:
    done = EntryDone(started_at=NINE, ended_at=TEN)
    given(decider, VISIT, done).when(Cancel()).then_refused(EntryAlreadyDoneError)
    given(decider, VISIT, EntryCancelled()).when(Done(started_at=NINE, ended_at=TEN)).then_refused(
        EntryIsCancelledError
    )


def test_cancelling_twice_records_nothing() -> None:
    given(decider, VISIT, EntryCancelled(reason="ill")).when(Cancel(reason="ill")).then_nothing()


def test_nothing_happens_to_an_entry_nobody_planned() -> None:
    for command in (Done(started_at=NINE, ended_at=TEN), Cancel()):
        given(decider).when(command).then_refused(EntryUnknownError)


@for_all(st.lists(facts(CalendarEvent), max_size=6), st.lists(commands(CalendarCommand)))
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(decider, history, asked)


def test_c_09_an_entry_is_another_sellers_once() -> None:
    given(decider, VISIT).when(Reassign(seller="employee-2")).then(
        EntryReassigned(seller="employee-2")
    )
    given(decider, VISIT).when(Reassign(seller="employee-1")).then_nothing()


def test_c_09_what_a_leaver_planned_is_the_receivers_unless_it_is_over_or_private() -> None:
    take = TakeOver(giver="employee-1", receiver="employee-2")
    theirs = EntryReassigned(seller="employee-2", reason="handover")
    given(decider, VISIT).when(take).then(theirs)
    given(decider, VISIT, theirs).when(take).then_nothing()
    given(decider, VISIT, EntryReassigned(seller="employee-3")).when(take).then_nothing()
    given(decider, DENTIST).when(take).then_refused(EntryPrivateError)
    given(decider, VISIT, EntryCancelled()).when(take).then_refused(EntryIsCancelledError)
    done = EntryDone(started_at=NINE, ended_at=TEN)
    given(decider, VISIT, done).when(take).then_refused(EntryAlreadyDoneError)
