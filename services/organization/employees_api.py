"""HTTP for colleagues: a POST records, a GET answers one screen. Never both.

Cards are answered as they are today in the company's zone, or on the day `on`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from starlette.exceptions import HTTPException

from services.organization.model import (
    Assign,
    CancelAbsence,
    Grade,
    Join,
    LayDownRole,
    Leave,
    PlanAbsence,
    TakeFunction,
    TakeRole,
)
from services.organization.pages import EmployeePage, employee_page
from services.organization.projections import EmployeeCard, employee_card
from services.organization.reads import Organization, Reads, defaults_of
from services.organization.worktime import Workday, days_between, workday_of
from shared.command import Day
from shared.errors import InvalidError
from shared.events.organization import Role
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    composed,
    page,
    record,
)
from shared.web.router import Router

DAYS_MAX = 400

router = Router(prefix="/organization", tags=["organization"])


@router.post("/employees/{employee}/join", status_code=202)
async def join(
    employee: StreamId,
    command: Join,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.post("/employees/{employee}/assign", status_code=202)
async def assign(
    employee: StreamId,
    command: Assign,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.post("/employees/{employee}/grade", status_code=202)
async def grade(
    employee: StreamId,
    command: Grade,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.post("/employees/{employee}/take-function", status_code=202)
async def take_function(
    employee: StreamId,
    command: TakeFunction,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.post("/employees/{employee}/take-role", status_code=202)
async def take_role(
    employee: StreamId,
    command: TakeRole,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.post("/employees/{employee}/lay-down-role", status_code=202)
async def lay_down_role(
    employee: StreamId,
    command: LayDownRole,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.post("/employees/{employee}/plan-absence", status_code=202)
async def plan_absence(
    employee: StreamId,
    command: PlanAbsence,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.post("/employees/{employee}/cancel-absence", status_code=202)
async def cancel_absence(
    employee: StreamId,
    command: CancelAbsence,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.post("/employees/{employee}/leave", status_code=202)
async def leave(
    employee: StreamId,
    command: Leave,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.get("/employees/{employee}")
async def get_employee(
    employee: StreamId,
    runtime: Organization,
    at_least: AtLeast,
    request: Request,
    response: Response,
    on: Day | None = None,
) -> EmployeePage:
    """Answer who this is, who is above them, and when they work: all that their page shows."""
    reads = Reads(runtime, at_least)
    found = await reads.around(f"employee-{employee}")
    if found is None:
        raise HTTPException(404, "no such employee")
    told = await employee_page(reads, found.value, on or runtime.today)
    answered: EmployeePage = composed(found, told, request, response)
    return answered


@router.get("/employees/{employee}/days")
async def get_workdays(
    employee: StreamId,
    runtime: Organization,
    at_least: AtLeast,
    first: Day,
    last: Day,
) -> list[Workday]:
    """Answer on which of these days the colleague works, and why not on the others."""
    if not 0 <= (last - first).days < DAYS_MAX:
        raise InvalidError(f"not a span of 1 to {DAYS_MAX} days after `first`", field="query/last")
    reads = Reads(runtime, at_least)
    found = await reads.around(f"employee-{employee}")
    if found is None:
        raise HTTPException(404, "no such employee")
    defaults, tree = defaults_of(runtime), reads.tree
    days = []
    for day in days_between(first, last):
        unit = tree.unit_of(found.value.employee, day)
        calendar = await reads.calendar(tree.calendar_of(unit, day))
        days.append(workday_of(found.value, day, calendar, defaults))
    return days


@router.get("/employees")
async def list_employees(
    runtime: Organization,
    wanted: PageWanted,
    at_least: AtLeast,
    unit: str | None = None,
    role: Role | None = None,
    function: Annotated[str | None, Query(max_length=100)] = None,
    grade: Annotated[str | None, Query(max_length=100)] = None,
    *,
    away: bool | None = None,
) -> dict[str, Any]:
    """Colleagues, those of a unit, or in a role today. A page may have fewer: some moved on."""
    where = {
        "assignments.unit": unit,
        "role_steps.role": role,
        "functions.what": function,
        "grades.what": grade,
    }
    found = await page(runtime.reader(employee_card), where, wanted, at_least)
    cards: list[EmployeeCard] = [card.on(runtime.today) for card in found["items"]]
    kept = [
        card
        for card in cards
        if unit in (None, card.unit)
        and (role is None or role in card.roles)
        and function in (None, card.function)
        and grade in (None, card.grade)
        and away in (None, card.away is not None)
    ]
    return {**found, "items": kept}
