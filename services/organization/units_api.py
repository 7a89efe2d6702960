"""HTTP for units and the tree they make: a POST records, a GET answers one screen. Never both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from services.organization.model import (
    AppointManager,
    AssignCalendar,
    FormUnit,
    PlaceUnitUnder,
    UnitCircleError,
)
from services.organization.pages import UnitPage, unit_page
from services.organization.projections import UnitCard, unit_card
from services.organization.reads import Organization, Reads
from shared.command import Day
from shared.references import EmployeeStream
from shared.runtime import Runtime
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

router = Router(prefix="/organization", tags=["organization"])


@dataclass(frozen=True, slots=True)
class MaySee:
    """Answers: may one colleague see what is another's on that day?"""

    viewer: str
    subject: str
    on: date
    may_see: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """Answers: what does our organisation look like on that day? `circles` are mistakes to mend."""

    on: date
    units: tuple[UnitCard, ...]
    circles: tuple[tuple[str, ...], ...]


async def _refuse_circle(runtime: Runtime, unit: str, command: FormUnit | PlaceUnitUnder) -> None:
    """Refuse what would put a unit above itself on any day, as far as the views know by now.

    Two placements at the same moment can still close a circle, and so can an import: it is shown.
    """
    if command.parent is None:
        return
    since = command.dated(runtime.today).on if isinstance(command, PlaceUnitUnder) else None
    reads = Reads(runtime)
    await reads.above([unit, command.parent])
    day, circle = reads.tree.circle_if(unit, command.parent, since)
    if circle:
        way = " under ".join([*circle, unit])
        from_then = "" if day == date.min else f" from {day} on"
        raise UnitCircleError(f"{way}{from_then}", field="#/parent")


@router.post("/units/{unit}/form", status_code=202)
async def form_unit(
    unit: StreamId, command: FormUnit, runtime: Organization, meta: CommandMeta, response: Response
) -> Recorded:
    command.check(f"unit-{unit}", runtime.today)
    await _refuse_circle(runtime, f"unit-{unit}", command)
    return await record(runtime, f"unit-{unit}", command, meta, response)


@router.post("/units/{unit}/place-under", status_code=202)
async def place_unit_under(
    unit: StreamId,
    command: PlaceUnitUnder,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    command.check(f"unit-{unit}", runtime.today)
    await _refuse_circle(runtime, f"unit-{unit}", command)
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


@router.post("/units/{unit}/assign-calendar", status_code=202)
async def assign_calendar(
    unit: StreamId,
    command: AssignCalendar,
    runtime: Organization,
    meta: CommandMeta,
    response: Response,
) -> Recorded:
    return await record(runtime, f"unit-{unit}", command, meta, response)


@router.get("/units/{unit}")
async def get_unit(
    unit: StreamId,
    runtime: Organization,
    at_least: AtLeast,
    request: Request,
    response: Response,
    on: Day | None = None,
) -> UnitPage:
    """Answer what this unit is, with its people and the units around it: all its page shows."""
    reads = Reads(runtime, at_least)
    found = await reads.unit(f"unit-{unit}")
    if found is None:
        raise HTTPException(404, "no such unit")
    await reads.above([f"unit-{unit}"])
    told = await unit_page(reads, found.value, on or runtime.today)
    answered: UnitPage = composed(found, told, request, response)
    return answered


@router.get("/units")
async def list_units(
    runtime: Organization,
    wanted: PageWanted,
    at_least: AtLeast,
    parent: str | None = None,
    manager: EmployeeStream | None = None,
) -> dict[str, Any]:
    """Units, those under a parent or led by somebody today. A page may have fewer: some moved."""
    where = {"parents.what": parent, "managers.what": manager}
    found = await page(runtime.reader(unit_card), where, wanted, at_least)
    cards = [card.on(runtime.today) for card in found["items"]]
    kept = [
        card for card in cards if parent in (None, card.parent) and manager in (None, card.manager)
    ]
    return {**found, "items": kept}


@router.get("/chart")
async def get_chart(runtime: Organization, at_least: AtLeast, on: Day | None = None) -> Chart:
    """Answer the whole tree of units, and the circles in it."""
    day = on or runtime.today
    tree = await Reads(runtime, at_least).whole()
    units = tuple(tree.units[unit].on(day) for unit in sorted(tree.units))
    return Chart(day, units, tuple(tree.circles(day)))


@router.get("/may-see")
async def get_may_see(
    runtime: Organization,
    at_least: AtLeast,
    viewer: EmployeeStream,
    subject: EmployeeStream,
    on: Day | None = None,
) -> MaySee:
    """Answer whether one colleague may see what is another's: it follows the tree."""
    reads, day = Reads(runtime, at_least), on or runtime.today
    await reads.employee(viewer)
    await reads.around(subject)
    return MaySee(viewer, subject, day, reads.tree.may_see(viewer, subject, day))
