"""Rules of a calendar entry. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.calendar.main import domain
from services.calendar.model import (
    BecomesPrivateError,
    Cancel,
    Describe,
    Displace,
    Done,
    EntryAlreadyDoneError,
    EntryAlreadyPlannedError,
    EntryHasStartedError,
    EntryIsCancelledError,
    EntryPrivateError,
    EntryUnknownError,
    Mirror,
    Miss,
    Move,
    Plan,
    PrivateInTheClearError,
    Reassign,
    Start,
)
from shared.errors import InvalidError
from shared.events.calendar import (
    EntryCancelled,
    EntryDescribed,
    EntryDisplaced,
    EntryDone,
    EntryEvent,
    EntryMissed,
    EntryMoved,
    EntryPlanned,
    EntryReassigned,
    EntryStarted,
)
from shared.handovers import TakeOver
from shared.testing import check_decider, commands, facts, given
from shared.testing.generated import INSTANTS

decider = domain.decider("entry-1")
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEN = NINE + HOUR
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
    refused = (
        given(decider).when(plan(category="private", **told)).then_refused(PrivateInTheClearError)
    )
    (field,) = (name for name, value in told.items() if value is not None)
    assert refused.field == f"#/{field}"
    assert "private" in str(refused)


def test_a_private_entry_is_cancelled_without_a_reason() -> None:
    given(decider, DENTIST).when(Cancel(reason="toothache")).then_refused(PrivateInTheClearError)
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


LUNCH = EntryPlanned(
    seller="employee-1", category="internal", starts_at=NINE, ends_at=TEN, unplanned=True
)
STARTED = EntryStarted(started_at=NINE)
SEALED = {"sealed": "c2VhbGVk", "sealed_to": "0123456789abcdef"}


def test_k_03_a_visit_starts_and_ends() -> None:
    given(decider, VISIT).when(Start(started_at=NINE)).then(STARTED)
    given(decider, VISIT, STARTED).when(Start(started_at=NINE)).then_nothing()
    given(decider, VISIT, STARTED).when(Start(started_at=TEN)).then_refused(EntryHasStartedError)
    given(decider, VISIT, STARTED).when(Move(starts_at=TEN, ends_at=TEN + HOUR)).then_refused(
        EntryHasStartedError
    )


def test_k_03_a_visit_moves_and_is_planned_again() -> None:
    moved = EntryMoved(starts_at=TEN, ends_at=TEN + HOUR, reason="traffic")
    move = Move(starts_at=TEN, ends_at=TEN + HOUR, reason="traffic")
    given(decider, VISIT).when(move).then(moved)
    given(decider, VISIT, EntryMissed(), moved).when(move).then_nothing()
    given(decider, VISIT, EntryCancelled()).when(move).then_refused(EntryIsCancelledError)


def test_k_03_who_did_not_come_missed_it() -> None:
    given(decider, VISIT).when(Miss(reason="forgotten")).then(EntryMissed(reason="forgotten"))
    given(decider, VISIT, EntryMissed()).when(Miss()).then_nothing()
    done = EntryDone(started_at=NINE, ended_at=TEN)
    given(decider, VISIT, done).when(Miss()).then_refused(EntryAlreadyDoneError)


def test_k_08_something_urgent_displaces_what_was_planned() -> None:
    displace = Displace(by="entry-2", reason="a claim")
    displaced = EntryDisplaced(by="entry-2", reason="a claim")
    given(decider, VISIT).when(displace).then(displaced)
    given(decider, VISIT, displaced).when(displace).then_nothing()


def test_what_it_is_about_is_told_anew() -> None:
    told = Describe(category="internal", title="Visit", note="Bring the samples")
    given(decider, VISIT).when(told).then(
        EntryDescribed(category="internal", title="Visit", note="Bring the samples")
    )
    described = EntryDescribed(category="internal", title="Visit", note="Bring the samples")
    given(decider, VISIT, described).when(told).then_nothing()


def test_k_02_nothing_becomes_private_afterwards_nor_the_other_way() -> None:
    private = Describe(category="private", **SEALED)
    given(decider, VISIT).when(private).then_refused(BecomesPrivateError)
    given(decider, DENTIST).when(Describe(category="internal")).then_refused(BecomesPrivateError)
    given(decider, DENTIST).when(private).then(EntryDescribed(category="private", **SEALED))


def test_k_02_a_private_entry_is_told_sealed() -> None:
    sealed = plan(category="private", title=None, **SEALED)
    given(decider).when(sealed).then(DENTIST.model_copy(update=SEALED))
    with pytest.raises(ValidationError):
        plan(**SEALED)
    with pytest.raises(ValidationError):
        plan(category="private", title=None, sealed="c2VhbGVk")


def test_c_09_an_entry_is_another_sellers_once_unless_it_is_over_or_private() -> None:
    reassign = Reassign(seller="employee-2", reason="handover")
    theirs = EntryReassigned(seller="employee-2", reason="handover")
    given(decider, VISIT).when(reassign).then(theirs)
    given(decider, VISIT, theirs).when(reassign).then_nothing()
    given(decider, DENTIST).when(reassign).then_refused(EntryPrivateError)
    given(decider, VISIT, EntryCancelled()).when(reassign).then_refused(EntryIsCancelledError)


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


def mirror(**said: Any) -> Mirror:
    usual = {"seller": "employee-1", "category": "customer", "starts_at": NINE, "ends_at": TEN}
    return Mirror(**usual | {"title": "Visit", "uid": "a@b", "sequence": 1} | said)


FROM_OUTSIDE = EntryPlanned(**mirror().model_dump(exclude={"cancelled"}))


def test_k_11_another_calendar_says_it_again_and_nothing_doubles() -> None:
    given(decider).when(mirror()).then(FROM_OUTSIDE)
    given(decider, FROM_OUTSIDE).when(mirror()).then_nothing()
    later = mirror(starts_at=TEN, ends_at=TEN + HOUR, title="Call", sequence=2)
    given(decider, FROM_OUTSIDE).when(later).then(
        EntryMoved(starts_at=TEN, ends_at=TEN + HOUR, sequence=2),
        EntryDescribed(category="customer", title="Call", sequence=2),
    )
    older = mirror(title="Before", sequence=0)
    given(decider, FROM_OUTSIDE).when(older).then_nothing()


def test_k_11_what_is_cancelled_there_is_cancelled_here_and_comes_back() -> None:
    given(decider, FROM_OUTSIDE).when(mirror(cancelled=True)).then(EntryCancelled())
    given(decider, FROM_OUTSIDE, EntryCancelled()).when(mirror(cancelled=True)).then_nothing()
    given(decider, FROM_OUTSIDE, EntryCancelled()).when(mirror()).then_nothing()
    back = mirror(sequence=2)
    given(decider, FROM_OUTSIDE, EntryCancelled()).when(back).then(
        FROM_OUTSIDE.model_copy(update={"sequence": 2})
    )


def test_k_11_what_we_changed_here_stays_until_something_is_new_there() -> None:
    told = mirror(modified=NINE)
    known = FROM_OUTSIDE.model_copy(update={"modified": NINE})
    moved = EntryMoved(starts_at=TEN, ends_at=TEN + HOUR, sequence=1, modified=NINE)
    given(decider, known, moved).when(told).then_nothing()
    later = mirror(modified=TEN)
    given(decider, known, moved).when(later).then(
        EntryMoved(starts_at=NINE, ends_at=TEN, sequence=1, modified=TEN),
        EntryDescribed(category="customer", title="Visit", sequence=1, modified=TEN),
    )


def test_k_11_whom_we_linked_it_with_stays_ours() -> None:
    linked = EntryDescribed(category="internal", title="Visit", person="person-1", sequence=1)
    told = mirror(title="Visit of Kim", sequence=2)
    given(decider, FROM_OUTSIDE, linked).when(told).then(
        EntryDescribed(category="internal", title="Visit of Kim", person="person-1", sequence=2)
    )


PLANS = st.builds(
    plan,
    category=st.sampled_from(["customer", "private"]),
    title=st.none() | st.just("Visit"),
    starts_at=INSTANTS,
    ends_at=INSTANTS,
)
MIRRORS = st.builds(
    mirror,
    title=st.sampled_from(["Visit", "Call"]),
    starts_at=INSTANTS,
    ends_at=INSTANTS,
    cancelled=st.booleans(),
    sequence=st.integers(0, 2),
)
REST = Reassign | TakeOver | Move | Start | Done | Miss | Displace | Cancel


@for_all(
    st.lists(facts(EntryEvent), max_size=6), st.lists(PLANS | MIRRORS | commands(REST), max_size=8)
)
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(decider, history, asked)
