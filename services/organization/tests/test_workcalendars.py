"""Working calendars: hours of weekdays, public holidays, and why somebody does not work today."""

from __future__ import annotations

from datetime import date, time

import pytest
from pydantic import ValidationError

from services.organization.absences import Absence
from services.organization.defaults import OrganizationDefaults
from services.organization.main import domain
from services.organization.model import (
    DeclareHolidays,
    Holiday,
    OpenWorkcalendar,
    SetHours,
    WithdrawHoliday,
    WorkcalendarAlreadyOpenError,
    WorkcalendarUnknownError,
)
from services.organization.projections import EmployeeCard, workcalendar_card
from services.organization.worktime import Workday, workday, workday_of
from shared.events.organization import (
    WorkcalendarHolidayDeclared,
    WorkcalendarHolidayWithdrawn,
    WorkcalendarHoursSet,
    WorkcalendarOpened,
)
from shared.testing import check_projection, given, recorded

calendar = domain.decider("workcalendar-1")
SEOUL = WorkcalendarOpened(name="Seoul")
MARCH = date(2026, 3, 2)
TEN, SIX = time(10), time(18)
DEFAULTS = OrganizationDefaults()
LIBERATION = WorkcalendarHolidayDeclared(day=date(2026, 8, 14), name="광복절")


def test_a_calendar_is_opened_once_and_before_anything_else() -> None:
    given(calendar).when(OpenWorkcalendar(name="Seoul")).then(SEOUL)
    given(calendar, SEOUL).when(OpenWorkcalendar(name="S")).then_refused(
        WorkcalendarAlreadyOpenError
    )
    given(calendar).when(WithdrawHoliday(day=MARCH)).then_refused(WorkcalendarUnknownError)


def test_hours_are_set_for_weekdays_from_a_day_on_and_only_where_they_differ() -> None:
    monday = WorkcalendarHoursSet(weekday="monday", starts=TEN, ends=SIX, on=MARCH)
    friday = WorkcalendarHoursSet(weekday="friday", starts=TEN, ends=SIX, on=MARCH)
    both = SetHours(weekdays=("friday", "monday", "friday"), starts=TEN, ends=SIX, on=MARCH)
    given(calendar, SEOUL).when(both).then(monday, friday)
    given(calendar, SEOUL, monday).when(both).then(friday)
    given(calendar, SEOUL, monday, friday).when(both).then_nothing()


@pytest.mark.parametrize(("starts", "ends"), [(TEN, None), (SIX, TEN), (TEN, TEN)])
def test_hours_end_after_they_began(starts: time, ends: time | None) -> None:
    with pytest.raises(ValidationError):
        SetHours(weekdays=("monday",), starts=starts, ends=ends)


def test_holidays_are_declared_and_withdrawn() -> None:
    day = Holiday(day=LIBERATION.day, name="광복절")
    given(calendar, SEOUL).when(DeclareHolidays(holidays=(day,))).then(LIBERATION)
    given(calendar, SEOUL, LIBERATION).when(DeclareHolidays(holidays=(day,))).then_nothing()
    off = WorkcalendarHolidayWithdrawn(day=day.day, reason="it falls on a Saturday")
    withdraw = WithdrawHoliday(day=day.day, reason="it falls on a Saturday")
    given(calendar, SEOUL, LIBERATION).when(withdraw).then(off)
    given(calendar, SEOUL, LIBERATION, off).when(withdraw).then_nothing()


def test_a_day_is_worked_free_or_a_holiday_and_an_untold_weekday_is_as_the_company_chose() -> None:
    told = recorded(
        SEOUL,
        WorkcalendarHoursSet(weekday="monday", starts=TEN, ends=SIX, on=MARCH),
        WorkcalendarHoursSet(weekday="saturday", starts=TEN, ends=time(13)),
        LIBERATION,
        stream="workcalendar-1",
    )
    card = check_projection(workcalendar_card, [told])["workcalendar-1"]
    days = {
        date(2026, 2, 23): Workday(date(2026, 2, 23), "works", time(9), SIX),
        MARCH: Workday(MARCH, "works", TEN, SIX),
        date(2026, 3, 7): Workday(date(2026, 3, 7), "works", TEN, time(13)),
        date(2026, 3, 8): Workday(date(2026, 3, 8), "free"),
        LIBERATION.day: Workday(LIBERATION.day, "holiday", holiday="광복절"),
    }
    assert {day: workday(day, card, DEFAULTS) for day in days} == days
    six_days = OrganizationDefaults(workdays=("sunday",), work_starts="08:30", work_ends="12:00")
    assert workday(date(2026, 3, 8), None, six_days).starts == time(8, 30)


def test_a_colleague_works_unless_they_are_away_or_not_with_us() -> None:
    away = Absence("a", "sick", date(2026, 3, 6), date(2026, 3, 9), "employee-2")
    ada = EmployeeCard(
        "employee-1", name="Ada", joined_on=MARCH, left_on=date(2026, 4, 1), absences=(away,),
        active=False,
    )  # fmt: skip
    whys = {date(2026, 2, 27): "not with us", MARCH: "works", date(2026, 3, 6): "absent"}
    whys |= {date(2026, 3, 7): "free", date(2026, 4, 1): "not with us"}
    assert {day: workday_of(ada, day, None, DEFAULTS).why for day in whys} == whys
    assert workday_of(ada, date(2026, 3, 9), None, DEFAULTS).substitute == "employee-2"
