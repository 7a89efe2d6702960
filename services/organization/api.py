"""HTTP for the organisation: a POST records, a GET reads one view. Never both.

Cards are answered as they are today in the company's zone.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from services.organization.model import (
    AppointManager,
    Assign,
    FormUnit,
    Join,
    Leave,
    PlaceUnitUnder,
)
from services.organization.projections import EmployeeCard, UnitCard, employee_card, unit_card
from shared.reading import Seen
from shared.runtime import Runtime
from shared.web import (
    AtLeast,
    CommandMeta,
    PageWanted,
    Recorded,
    StreamId,
    headers_of,
    page,
    record,
    runtime_of,
    seen,
)

router = APIRouter(prefix="/organization", tags=["organization"])
Organization = Annotated[Runtime, Depends(runtime_of("organization"))]


def _today(runtime: Runtime) -> date:
    return runtime.clock.now().astimezone(runtime.settings.zone).date()


def _as_today(
    found: Seen | None, what: str, runtime: Runtime, request: Request, response: Response
) -> Any:
    """Answer a card as it is today; one that changes with the days, without a fact, is sent."""
    if found is not None and found.value.ahead:
        response.headers.update(headers_of(found, _today(runtime)))
        return found.value.on(_today(runtime))
    return seen(found, what, request, response).on(_today(runtime))


@router.post("/employees/{employee}/join", status_code=202)
async def join(
    employee: StreamId, command: Join, runtime: Organization, meta: CommandMeta, response: Response
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


@router.post("/employees/{employee}/leave", status_code=202)
async def leave(
    employee: StreamId, command: Leave, runtime: Organization, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"employee-{employee}", command, meta, response)


@router.get("/employees/{employee}")
async def get_employee(
    employee: StreamId,
    runtime: Organization,
    at_least: AtLeast,
    request: Request,
    response: Response,
) -> EmployeeCard:
    found = await runtime.reader(employee_card).get(f"employee-{employee}", at_least)
    card: EmployeeCard = _as_today(found, "employee", runtime, request, response)
    return card


@router.get("/employees")
async def list_employees(
    runtime: Organization, wanted: PageWanted, at_least: AtLeast, unit: str | None = None
) -> dict[str, Any]:
    """Colleagues, or those of a unit today. A page may have fewer, because some have moved on."""
    where = {"assignments.unit": unit}
    found = await page(runtime.reader(employee_card), where, wanted, at_least)
    cards = [card.on(_today(runtime)) for card in found["items"]]
    return {**found, "items": [card for card in cards if unit in (None, card.unit)]}


@router.post("/units/{unit}/form", status_code=202)
async def form_unit(
    unit: StreamId, command: FormUnit, runtime: Organization, meta: CommandMeta, response: Response
) -> Recorded:
    return await record(runtime, f"unit-{unit}", command, meta, response)


@router.post("/units/{unit}/place-under", status_code=202)
async def place_unit_under(
    unit: StreamId,
    command: PlaceUnitUnder,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"unit-{unit}", command, meta, response)


@router.post("/units/{unit}/appoint-manager", status_code=202)
async def appoint_manager(
    unit: StreamId,
    command: AppointManager,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"unit-{unit}", command, meta, response)


@router.get("/units/{unit}")
async def get_unit(
    unit: StreamId, runtime: Organization, at_least: AtLeast, request: Request, response: Response
) -> UnitCard:
    found = await runtime.reader(unit_card).get(f"unit-{unit}", at_least)
    card: UnitCard = _as_today(found, "unit", runtime, request, response)
    return card


@router.get("/units")
async def list_units(
    runtime: Organization, wanted: PageWanted, at_least: AtLeast, parent: str | None = None
) -> dict[str, Any]:
    """Units, or those under a parent today. A page may have fewer, because some were moved."""
    where = {"parents.what": parent}
    found = await page(runtime.reader(unit_card), where, wanted, at_least)
    cards = [card.on(_today(runtime)) for card in found["items"]]
    return {**found, "items": [card for card in cards if parent in (None, card.parent)]}
