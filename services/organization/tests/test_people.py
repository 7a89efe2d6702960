"""C-04: all grades and all functions enter, with their roles and their days away."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from services.organization.main import domain
from services.organization.model import (
    AbsenceOverlapsError,
    AbsenceUnknownError,
    CancelAbsence,
    EmployeeGoneError,
    EmployeeUnknownError,
    Grade,
    LayDownRole,
    MirrorEmployee,
    PlanAbsence,
    TakeFunction,
    TakeRole,
)
from services.organization.projections import employee_card
from shared.errors import InvalidError
from shared.events.organization import (
    EmployeeAbsenceCancelled,
    EmployeeAbsencePlanned,
    EmployeeFunctionTaken,
    EmployeeGraded,
    EmployeeJoined,
    EmployeeLeft,
    EmployeeRoleLaidDown,
    EmployeeRoleTaken,
)
from shared.testing import check_projection, given, recorded

employee = domain.decider("employee-1")
JANUARY, MARCH, JUNE = date(2026, 1, 1), date(2026, 3, 1), date(2026, 6, 1)
ADA = EmployeeJoined(name="Ada", grade="staff", function="sales", on=JANUARY)
AWAY: dict[str, Any] = {
    "absence": "a",
    "kind": "vacation",
    "first_day": MARCH,
    "last_day": date(2026, 3, 5),
    "substitute": "employee-2",
}


@pytest.mark.parametrize("grade", ["staff", "manager", "executive", "CEO"])
@pytest.mark.parametrize("function", ["sales", "marketing", "support", "dealer"])
def test_C_04_every_grade_and_function_enters_and_may_change(grade: str, function: str) -> None:  # noqa: N802
    told = recorded(
        ADA,
        EmployeeGraded(grade=grade, on=MARCH),
        EmployeeFunctionTaken(function=function, on=JUNE),
        stream="employee-1",
    )
    card = check_projection(employee_card, [told])["employee-1"]
    assert [card.on(day).grade for day in (JANUARY, MARCH)] == ["staff", grade]
    assert [card.on(day).function for day in (MARCH, JUNE)] == ["sales", function]


def test_a_grade_or_function_that_holds_is_not_told_again() -> None:
    given(employee, ADA).when(Grade(grade="staff", on=MARCH)).then_nothing()
    given(employee, ADA).when(Grade(grade="manager", on=MARCH)).then(
        EmployeeGraded(grade="manager", on=MARCH)
    )
    given(employee, ADA).when(TakeFunction(function="support", on=JUNE)).then(
        EmployeeFunctionTaken(function="support", on=JUNE)
    )


def test_a_row_that_says_another_function_holds_from_its_day() -> None:
    row = MirrorEmployee(name="Ada", function="support", on=JUNE)
    given(employee, ADA).when(row).then(EmployeeFunctionTaken(function="support", on=JUNE))


def test_a_colleague_acts_in_several_roles_each_from_a_day_to_a_day() -> None:
    seller = EmployeeRoleTaken(role="seller", on=JANUARY)
    leader = EmployeeRoleTaken(role="leader", on=MARCH)
    no_more = EmployeeRoleLaidDown(role="seller", on=JUNE)
    given(employee, ADA).when(TakeRole(role="seller", on=JANUARY)).then(seller)
    given(employee, ADA, seller).when(TakeRole(role="seller", on=MARCH)).then_nothing()
    given(employee, ADA, seller).when(LayDownRole(role="leader", on=MARCH)).then_nothing()
    given(employee, ADA, seller, leader).when(LayDownRole(role="seller", on=JUNE)).then(no_more)
    told = recorded(ADA, no_more, leader, seller, stream="employee-1")
    card = check_projection(employee_card, [told])["employee-1"]
    assert [card.on(day).roles for day in (JANUARY, MARCH, JUNE)] == [
        ("seller",),
        ("leader", "seller"),
        ("leader",),
    ]


def test_an_absence_is_planned_moved_and_cancelled() -> None:
    planned = EmployeeAbsencePlanned(**AWAY)
    moved = EmployeeAbsencePlanned(**AWAY | {"last_day": date(2026, 3, 9)})
    given(employee, ADA).when(PlanAbsence(**AWAY)).then(planned)
    given(employee, ADA, planned).when(PlanAbsence(**AWAY)).then_nothing()
    given(employee, ADA, planned).when(PlanAbsence(**moved.model_dump())).then(moved)
    off = EmployeeAbsenceCancelled(absence="a", reason="the fair was moved")
    cancel = CancelAbsence(absence="a", reason="the fair was moved")
    given(employee, ADA, planned).when(cancel).then(off)
    given(employee, ADA, planned, off).when(cancel).then_nothing()
    given(employee, ADA, planned, off).when(PlanAbsence(**AWAY)).then(planned)
    given(employee, ADA).when(cancel).then_refused(AbsenceUnknownError)


def test_who_is_away_is_away_on_the_first_day_and_the_last() -> None:
    history = recorded(ADA, EmployeeAbsencePlanned(**AWAY), stream="employee-1")
    card = check_projection(employee_card, [history])["employee-1"]
    days = [date(2026, 2, 28), MARCH, date(2026, 3, 5), date(2026, 3, 6)]
    assert [card.on(day).away is not None for day in days] == [False, True, True, False]


def test_nobody_is_away_twice_on_a_day_but_a_cancelled_absence_takes_none() -> None:
    planned = EmployeeAbsencePlanned(**AWAY)
    other = PlanAbsence(**AWAY | {"absence": "b", "first_day": date(2026, 3, 5)})
    refused = given(employee, ADA, planned).when(other).then_refused(AbsenceOverlapsError)
    assert refused.field == "#/first_day"
    assert str(refused) == "they are away from 2026-03-01 to 2026-03-05 already (a)"
    cancelled = EmployeeAbsenceCancelled(absence="a")
    given(employee, ADA, planned, cancelled).when(other).then(
        EmployeeAbsencePlanned(**other.model_dump())
    )


def test_an_absence_ends_after_it_began_and_nobody_stands_in_for_themselves() -> None:
    with pytest.raises(ValidationError, match="before `first_day`"):
        PlanAbsence(**AWAY | {"last_day": JANUARY})
    with pytest.raises(InvalidError, match="its own substitute"):
        PlanAbsence(**AWAY).check("employee-2", JANUARY)


@pytest.mark.parametrize(
    "command", [Grade(grade="ceo", on=JUNE), TakeRole(role="seller", on=JUNE), PlanAbsence(**AWAY)]
)
def test_who_never_joined_or_has_left_is_given_nothing(command: Any) -> None:
    given(employee).when(command).then_refused(EmployeeUnknownError)
    given(employee, ADA, EmployeeLeft(on=MARCH)).when(command).then_refused(EmployeeGoneError)
