"""What may happen to what repeats (K-01, K-11, K-13, C-09)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from services.calendar.main import domain
from services.calendar.model import (
    EndSeries,
    EntryPrivateError,
    MirrorSeries,
    PlanSeries,
    Reassign,
    SkipOccurrence,
)
from services.calendar.series import TakeOutOccurrence, TimeIsAnEntryError
from shared.errors import InvalidError
from shared.events.calendar import (
    SeriesEnded,
    SeriesEvent,
    SeriesOccurrenceSkipped,
    SeriesOccurrenceTakenOut,
    SeriesPlanned,
    SeriesReassigned,
)
from shared.handovers import TakeOver
from shared.testing import check_decider, commands, facts, given
from shared.testing.generated import DATES, INSTANTS

decider = domain.decider("series-1")
SEOUL = ZoneInfo("Asia/Seoul")
MONDAY = date(2026, 1, 5)
NINE = datetime.combine(MONDAY, time(9), SEOUL)
HOUR = timedelta(hours=1)


def plan(**said: Any) -> PlanSeries:
    usual = {"seller": "employee-1", "category": "customer", "starts_at": NINE}
    more = {"ends_at": NINE + HOUR, "zone": "Asia/Seoul", "rule": "FREQ=WEEKLY"}
    return PlanSeries(**usual | more | said)


PLANNED = SeriesPlanned(**plan().model_dump())


@pytest.mark.parametrize("rule", ["FREQ=HOURLY;INTERVAL=2", "every monday"])
def test_k_11_a_rule_that_cannot_be_followed_is_refused(rule: str) -> None:
    with pytest.raises(ValidationError):
        plan(rule=rule)


def test_k_13_a_rhythm_is_planned_and_planned_otherwise() -> None:
    given(decider).when(plan()).then(PLANNED)
    given(decider, PLANNED).when(plan()).then_nothing()
    monthly = plan(rule="FREQ=MONTHLY")
    given(decider, PLANNED).when(monthly).then(PLANNED.model_copy(update={"rule": "FREQ=MONTHLY"}))
    refused = given(decider).when(plan(rule=None)).then_refused(InvalidError)
    assert refused.field == "#/rule"


def test_k_13_one_time_is_skipped_and_a_series_ends() -> None:
    skipped = SeriesOccurrenceSkipped(occurrence=NINE.astimezone(UTC))
    given(decider, PLANNED).when(SkipOccurrence(occurrence=NINE)).then(skipped)
    given(decider, PLANNED, skipped).when(SkipOccurrence(occurrence=NINE)).then_nothing()
    other = SkipOccurrence(occurrence=NINE + timedelta(minutes=1))
    given(decider, PLANNED).when(other).then_refused(InvalidError)
    taken = SeriesOccurrenceTakenOut(occurrence=NINE.astimezone(UTC))
    given(decider, PLANNED, taken).when(SkipOccurrence(occurrence=NINE)).then_refused(
        TimeIsAnEntryError
    )
    ended = SeriesEnded(last_day=MONDAY)
    given(decider, PLANNED).when(EndSeries(last_day=MONDAY)).then(ended)
    given(decider, PLANNED, ended).when(EndSeries(last_day=MONDAY)).then_nothing()
    given(decider, PLANNED, ended).when(plan()).then(PLANNED)


def test_a_time_is_taken_out_once_also_of_a_series_that_is_planned_later() -> None:
    taken_out = SeriesOccurrenceTakenOut(occurrence=NINE.astimezone(UTC))
    take_out = TakeOutOccurrence(occurrence=NINE)
    given(decider, PLANNED).when(take_out).then(taken_out)
    given(decider, PLANNED, taken_out).when(take_out).then_nothing()
    given(decider).when(take_out).then(taken_out)
    given(decider, taken_out).when(plan()).then(PLANNED)
    given(decider, taken_out, PLANNED).when(take_out).then_nothing()


def test_c_09_a_series_is_another_sellers_once_and_stays_so_when_mirrored() -> None:
    told = MirrorSeries(**plan().model_dump(), uid="a@b", sequence=1)
    planned = PLANNED.model_copy(update={"uid": "a@b", "sequence": 1})
    theirs = SeriesReassigned(seller="employee-2", reason="handover", on=MONDAY)
    take = TakeOver(giver="employee-1", receiver="employee-2", on=MONDAY)
    given(decider, planned).when(take).then(theirs)
    given(decider, planned, theirs).when(take).then_nothing()
    given(decider, planned, theirs).when(Reassign(seller="employee-2")).then_nothing()
    given(decider, planned, theirs).when(told).then_nothing()
    other = Reassign(seller="employee-3")
    given(decider, planned, theirs).when(other).then(SeriesReassigned(seller="employee-3"))
    private = planned.model_copy(update={"category": "private", "title": None})
    given(decider, private).when(take).then_refused(EntryPrivateError)


def test_k_11_a_series_mirrored_again_is_the_same_series() -> None:
    told = MirrorSeries(**plan().model_dump(), uid="a@b", sequence=1)
    planned = PLANNED.model_copy(update={"uid": "a@b", "sequence": 1})
    given(decider).when(told).then(planned)
    given(decider, planned).when(told).then_nothing()
    gone = told.model_copy(update={"cancelled": True})
    ended = SeriesEnded(last_day=date(2026, 1, 4))
    given(decider, planned).when(gone).then(ended)
    given(decider, planned, ended).when(gone).then_nothing()
    given(decider, planned).when(told.model_copy(update={"sequence": 0})).then_nothing()
    given(decider, planned, ended).when(told).then_nothing()
    given(decider, ended).when(gone).then(planned, ended)
    given(decider, ended, planned, ended).when(gone).then_nothing()
    newer = told.model_copy(update={"sequence": 2})
    given(decider, planned, ended).when(newer).then(planned.model_copy(update={"sequence": 2}))


PLANS = st.builds(
    plan,
    rule=st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY", None]),
    dates=st.lists(INSTANTS, max_size=2).map(tuple),
)
ASKED = (
    PLANS
    | st.builds(SkipOccurrence, occurrence=INSTANTS)
    | st.builds(TakeOutOccurrence, occurrence=INSTANTS)
    | st.builds(EndSeries, last_day=DATES)
    | commands(Reassign | TakeOver)
    | st.builds(
        lambda plan, **told: MirrorSeries(**plan.model_dump(), **told),
        PLANS,
        sequence=st.integers(0, 2),
        cancelled=st.booleans(),
    )
)


def _checked(fact: Any) -> Any:
    """Zones and rules were checked when they were told: no fact has others."""
    told = {"zone": "Asia/Seoul", "rule": fact.rule and "FREQ=DAILY"}
    return fact.model_copy(update=told)


TOLD = facts(SeriesEvent).map(
    lambda fact: _checked(fact) if isinstance(fact, SeriesPlanned) else fact
)


@for_all(st.lists(TOLD, max_size=4), st.lists(ASKED, max_size=6))
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(decider, history, asked)
