"""Rules of our own organisation. One test for each sentence a colleague could read aloud."""

from __future__ import annotations

from datetime import date
from functools import reduce
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from services.organization.handovers import HandoverCommand
from services.organization.keys import KeyCommand
from services.organization.main import domain
from services.organization.model import (
    AppointManager,
    Assign,
    EmployeeAlreadyJoinedError,
    EmployeeCommand,
    EmployeeGoneError,
    EmployeeUnknownError,
    FormUnit,
    Join,
    Leave,
    MirrorEmployee,
    MirrorUnit,
    PlaceUnitUnder,
    UnitAlreadyFormedError,
    UnitCommand,
    UnitUnknownError,
    WorkcalendarCommand,
    held_on,
)
from shared.events.organization import (
    EmployeeAssigned,
    EmployeeEvent,
    EmployeeJoined,
    EmployeeLeft,
    HandoverEvent,
    KeyEvent,
    ManagerAppointed,
    UnitEvent,
    UnitFormed,
    UnitPlacedUnder,
    WorkcalendarEvent,
)
from shared.testing import check_decider, commands, facts, given

employee = domain.decider("employee-1")
unit = domain.decider("unit-1")
JANUARY, MARCH, JUNE = date(2026, 1, 1), date(2026, 3, 1), date(2026, 6, 1)
ADA = EmployeeJoined(name="Ada", grade="staff", on=JANUARY)
TEAM = UnitFormed(name="Team", kind="team", parent="unit-2", on=JANUARY)


def test_a_colleague_joins_once() -> None:
    given(employee).when(Join(name="Ada", grade="staff", on=JANUARY)).then(ADA)
    given(employee, ADA).when(Join(name="Ada")).then_refused(EmployeeAlreadyJoinedError)


def test_who_left_us_may_join_again() -> None:
    given(employee, ADA, EmployeeLeft(on=MARCH)).when(Join(name="Ada", on=JUNE)).then(
        EmployeeJoined(name="Ada", on=JUNE)
    )


@pytest.mark.parametrize("command", [Assign(unit="unit-1"), Leave()])
def test_nothing_happens_to_somebody_who_never_joined(command: Any) -> None:
    given(employee).when(command).then_refused(EmployeeUnknownError)


def test_a_colleague_is_assigned_to_a_unit_from_a_day_on() -> None:
    moved = EmployeeAssigned(unit="unit-1", on=MARCH)
    given(employee, ADA).when(Assign(unit="unit-1", on=MARCH)).then(moved)
    given(employee, ADA, moved).when(Assign(unit="unit-1", on=JUNE)).then_nothing()


def test_an_assignment_learnt_late_is_recorded_all_the_same() -> None:
    june = EmployeeAssigned(unit="unit-1", on=JUNE)
    given(employee, ADA, june).when(Assign(unit="unit-1", on=MARCH)).then(
        EmployeeAssigned(unit="unit-1", on=MARCH)
    )
    late = EmployeeAssigned(unit="unit-2", on=MARCH)
    given(employee, ADA, june, late).when(Assign(unit="unit-1", on=JUNE)).then_nothing()


def test_who_left_us_is_assigned_nowhere() -> None:
    given(employee, ADA, EmployeeLeft()).when(Assign(unit="unit-1")).then_refused(EmployeeGoneError)
    given(employee, ADA, EmployeeLeft()).when(Leave()).then_nothing()


def test_a_mirrored_colleague_works_here_and_belongs_there() -> None:
    row = MirrorEmployee(name="Ada", unit="unit-1")
    joined, assigned = EmployeeJoined(name="Ada"), EmployeeAssigned(unit="unit-1")
    given(employee).when(row).then(joined, assigned)
    given(employee, joined, assigned).when(row).then_nothing()
    given(employee, ADA, EmployeeLeft()).when(row).then(joined, assigned)


def test_what_a_row_says_first_held_for_as_long_as_we_know_and_changes_from_their_day() -> None:
    row = MirrorEmployee(name="Ada", unit="unit-2", on=JUNE)
    given(employee, ADA).when(row).then(EmployeeAssigned(unit="unit-2"))
    for known in (EmployeeAssigned(unit="unit-1"), EmployeeAssigned(unit="unit-1", on=MARCH)):
        moved = EmployeeAssigned(unit="unit-2", on=JUNE)
        given(employee, ADA, known).when(row).then(moved)
        after = employee.state([ADA, known, moved])
        assert [held_on(after.units, day) for day in (MARCH, JUNE)] == ["unit-1", "unit-2"]


def test_who_will_leave_is_assigned_until_then() -> None:
    leaves = EmployeeLeft(on=JUNE)
    given(employee, ADA, leaves).when(Assign(unit="unit-1", on=MARCH)).then(
        EmployeeAssigned(unit="unit-1", on=MARCH)
    )
    command = Assign(unit="unit-1", on=JUNE)
    refused = given(employee, ADA, leaves).when(command).then_refused(EmployeeGoneError)
    assert (refused.field, str(refused)) == ("#/on", "they left on 2026-06-01")
    given(employee, ADA, leaves).when(Join(name="Ada", on=MARCH)).then_refused(
        EmployeeAlreadyJoinedError
    )
    given(employee, ADA, leaves).when(Leave(on=MARCH)).then(EmployeeLeft(on=MARCH))
    given(employee, ADA, leaves).when(MirrorEmployee(name="Ada", on=MARCH)).then_nothing()


def test_a_unit_is_formed_once() -> None:
    forming = FormUnit(name="Team", kind="team", parent="unit-2", on=JANUARY)
    given(unit).when(forming).then(TEAM)
    given(unit, TEAM).when(forming).then_refused(UnitAlreadyFormedError)


@pytest.mark.parametrize(
    "command", [PlaceUnitUnder(parent="unit-2"), AppointManager(employee="employee-1")]
)
def test_nothing_happens_to_a_unit_that_was_never_formed(command: Any) -> None:
    given(unit).when(command).then_refused(UnitUnknownError)


def test_a_reorganisation_places_a_unit_under_another() -> None:
    given(unit, TEAM).when(PlaceUnitUnder(parent="unit-3", on=MARCH)).then(
        UnitPlacedUnder(parent="unit-3", on=MARCH)
    )
    given(unit, TEAM).when(PlaceUnitUnder(parent="unit-2", on=MARCH)).then_nothing()


def test_a_manager_is_appointed_from_a_day_on_also_when_learnt_late() -> None:
    bo = ManagerAppointed(employee="employee-2", on=JUNE)
    given(unit, TEAM, bo).when(AppointManager(employee="employee-1", on=MARCH)).then(
        ManagerAppointed(employee="employee-1", on=MARCH)
    )
    given(unit, TEAM, bo).when(AppointManager(employee="employee-2", on=JUNE)).then_nothing()


def test_a_mirrored_unit_is_there_in_the_tree_and_led_by_whom_the_row_says() -> None:
    row = MirrorUnit(name="Team", kind="team", parent="unit-2", manager="employee-1")
    formed = UnitFormed(name="Team", kind="team", parent="unit-2")
    leads = ManagerAppointed(employee="employee-1")
    given(unit).when(row).then(formed, leads)
    given(unit, formed, leads).when(row).then_nothing()
    moved = row.model_copy(update={"parent": "unit-3", "manager": "employee-2", "on": JUNE})
    given(unit, formed, leads).when(moved).then(
        UnitPlacedUnder(parent="unit-3", on=JUNE), ManagerAppointed(employee="employee-2", on=JUNE)
    )


@for_all(st.lists(facts(EmployeeEvent), max_size=6), st.lists(commands(EmployeeCommand)))
def test_any_facts_evolve_and_nothing_is_done_twice(history: list[Any], asked: list[Any]) -> None:
    check_decider(employee, history, asked)


@for_all(st.lists(facts(UnitEvent), max_size=6), st.lists(commands(UnitCommand), max_size=6))
def test_so_it_is_with_units(history: list[Any], asked: list[Any]) -> None:
    check_decider(unit, history, asked)


@for_all(st.lists(facts(WorkcalendarEvent), max_size=6), st.lists(commands(WorkcalendarCommand)))
def test_and_with_working_calendars(history: list[Any], asked: list[Any]) -> None:
    check_decider(domain.decider("workcalendar-1"), history, asked)


@for_all(st.lists(facts(HandoverEvent), max_size=6), st.lists(commands(HandoverCommand)))
def test_and_with_handovers(history: list[Any], asked: list[Any]) -> None:
    check_decider(domain.decider("handover-1"), history, asked)


@for_all(st.lists(facts(KeyEvent), max_size=6), st.lists(commands(KeyCommand), max_size=6))
def test_and_with_keys(history: list[Any], asked: list[Any]) -> None:
    check_decider(domain.decider("key-1"), history, asked)


@for_all(st.lists(facts(EmployeeEvent), max_size=6), commands(MirrorEmployee))
def test_whatever_was_recorded_a_colleague_belongs_where_the_row_says(
    history: list[Any], row: MirrorEmployee
) -> None:
    state = employee.state(history)
    after = reduce(employee.evolve, employee.decide(state, row), state)
    assert after.name is not None
    assert not after.gone_on(row.on)
    assert row.unit is None or held_on(after.units, row.on) == row.unit
    assert row.function is None or held_on(after.functions, row.on) == row.function
